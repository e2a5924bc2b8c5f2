"""Whatever a model cites and answers, what comes out is in the graph and leads to the answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.answer import Abstention, verify
from graphllm.graph import Layout, Subgraph, TextualGraph, textualize
from graphllm.index import Names
from graphllm.readers.judging import judged, named
from graphllm.readers.replies import Cite, Reply
from graphllm.retrieval.linker import Linker

NODES = ["Ada", "Bo", "Cy", "Dee", "Ed", "Flo"]
QUESTIONS = [
    "Who knows Ada?",
    "Does Ada know Bo?",
    "How many people does Cy know?",
    "Who is taller?",
    "Do Ada and Ed like Flo?",
]

edges = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(["knows", "likes"]), st.sampled_from(NODES)),
    min_size=1,
    max_size=9,
    unique=True,
)
answers = st.lists(
    st.sampled_from([*NODES, "yes", "no", "0", "1", "2", "3", "Zed", "ada", "knows"]),
    min_size=1,
    max_size=4,
    unique=True,
)
cites = st.lists(
    st.integers(-1, 10).map(Cite)
    | st.sampled_from([*NODES, "Zed"]).map(lambda name: Cite(None, name))
    | st.tuples(st.integers(1, 4), st.sampled_from(NODES), st.sampled_from(NODES)).map(
        lambda t: Cite(t[0], f"{t[1]} | knows | {t[2]}")
    ),
    max_size=6,
    unique=True,
)


def shown_of(view: TextualGraph, count: int):
    """The first ``count`` edges as text; the others are not shown."""
    ids = np.arange(min(count, view.num_edges), dtype=np.int32)
    nodes = np.arange(view.num_nodes, dtype=np.int32)
    found = Subgraph(
        nodes=nodes,
        edges=ids,
        node_scores=np.ones(len(nodes), dtype=np.float32),
        edge_scores=np.ones(len(ids), dtype=np.float32),
    )
    return textualize(
        view, found, max_tokens=1000, count_tokens=lambda t: len(t.split()), layout=Layout.GROUPED
    )


@given(edges, st.integers(1, 9), st.sampled_from(QUESTIONS), answers, cites)
def test_what_survives_is_true_shown_and_leads_there(triples, count, question, said, cited):
    view = TextualGraph.from_triples(triples)
    shown = shown_of(view, count)
    seeds = Linker(view, Names.build(view)).link(question)
    found = judged(Reply(answers=tuple(said), cites=tuple(cited)), shown, seeds, view)
    if isinstance(found, Abstention):
        assert found.message
        return
    verified = verify(found, view, retrieved=frozenset(shown.edges))
    if verified.abstention is not None:
        return
    draft = verified.draft
    assert draft.claims
    used = [claim.edge for claim in draft.claims if claim.edge is not None]
    assert set(used) <= set(shown.edges)
    if draft.entities == ("yes",):
        assert all(joins_two_names(view, edge, seeds) for edge in used)
    elif draft.entities == ("no",):
        assert draft.closed_world
        assert not direct(view, seeds)
    elif draft.entities[0].isdigit():
        assert draft.closed_world
        assert int(draft.entities[0]) == len(far_ends(view, used, seeds))
    else:
        assert_led_to(view, used, seeds, draft.entities)


def names_of(seeds):
    return [name.nodes for name in named(seeds)]


def joins_two_names(view, edge, seeds):
    ends = int(view.heads[edge]), int(view.tails[edge])
    groups = names_of(seeds)
    return any(
        ends[0] in one and ends[1] in other for one in groups for other in groups if one != other
    )


def direct(view, seeds):
    return any(joins_two_names(view, edge, seeds) for edge in range(view.num_edges))


def far_ends(view, used, seeds):
    """By hand: what one relation leads to from one named node, when it is exactly ``used``."""
    for start in set().union(*names_of(seeds)):
        for relation in range(len(view.relations)):
            for here, there in ((view.heads, view.tails), (view.tails, view.heads)):
                all_such = [
                    e for e in range(view.num_edges)
                    if here[e] == start and view.relation_ids[e] == relation
                ]  # fmt: skip
                if set(all_such) == set(used):
                    return {int(there[e]) for e in all_such}
    return set()


def assert_led_to(view, used, seeds, entities):
    """By hand: every answer is joined by cited edges to something that the question names."""
    starts = set().union(*names_of(seeds)) if names_of(seeds) else None
    for entity in entities:
        node = view.find_key(entity)
        assert node is not None
        reached = {node}
        for _ in range(len(used)):
            for e in used:
                if {int(view.heads[e]), int(view.tails[e])} & reached:
                    reached |= {int(view.heads[e]), int(view.tails[e])}
        assert starts is None or reached & starts


@pytest.mark.parametrize("cited", [[1], [1, 2], [1, 2, 3]])
def test_only_the_way_to_the_answer_is_cited(cited):
    view = TextualGraph.from_triples(
        [("Ada", "knows", "Bo"), ("Cy", "likes", "Dee"), ("Bo", "likes", "Flo")]
    )
    shown = shown_of(view, 3)
    first = next(n for n, line in enumerate(shown.lines, 1) if 0 in line)
    seeds = Linker(view, Names.build(view)).link("Who does Ada know?")
    reply = Reply(answers=("Bo",), cites=tuple(map(Cite, {first, *cited})))
    draft = judged(reply, shown, seeds, view)
    assert [claim.edge for claim in draft.claims] == [0]
