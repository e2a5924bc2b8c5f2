"""What every retriever promises, and what each is for."""

from functools import cache

import numpy as np
import pytest

from graphllm.errors import ConfigError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.graph.folding import humanize
from graphllm.index import Names
from graphllm.query import execute, parse_plan
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.khop import KHopRetriever
from graphllm.retrieval.linker import Linker
from graphllm.retrieval.plan_paths import PathRetriever
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.ppr import PPRRetriever
from graphllm.retrieval.retriever import Retriever
from graphllm.retrieval.retrievers import DEFAULT_RETRIEVER, RETRIEVERS, load_retriever
from graphllm.retrieval.top_triples import TopKTriples
from graphllm.testing import assert_retriever_contract
from tests.retrieval.worlds import GRAPHS, encoder, linker, reader

QUESTIONS = {
    "films": "who directed the films that John Hurt starred in?",
    "family": "which awards did the students of Anna Berg win?",
}


@cache
def retriever(name, world) -> Retriever:
    return load_retriever(name, reader(world).planner)


def link(world, question=None):
    return linker(world).link(question or QUESTIONS[world])


def test_default_is_one_of_them():
    assert DEFAULT_RETRIEVER in RETRIEVERS


@pytest.mark.parametrize("world", QUESTIONS)
@pytest.mark.parametrize("name", RETRIEVERS)
def test_contract(name, world):
    assert_retriever_contract(retriever(name, world), GRAPHS[world](), link(world))


def test_unknown_name():
    with pytest.raises(ConfigError, match=r"unknown retriever 'pcts'.*Did you mean 'pcst'"):
        load_retriever("pcts", reader("films").planner)


@pytest.mark.parametrize("name", RETRIEVERS)
def test_a_node_without_edges(name):
    graph = TextualGraph.from_triples([("a", "knows", "b"), ("b", "knows", "c")])
    lonely = GraphBuilder()
    lonely.node("Nobody")
    lonely.edge("a", "knows", "b")
    for view, question in ((lonely.build(), "who knows Nobody"), (graph, "who is Zed?")):
        seeds = Linker(view, Names.build(view)).link(question)
        found = load_retriever(name, Planner(view, encoder())).retrieve(seeds)
        assert len(found.edges) == 0


def names_of(view, nodes):
    return {view.names[int(node)] for node in nodes}


def test_paths_prove_the_answer_first():
    view = GRAPHS["films"]()
    found = retriever("paths", "films").retrieve(link("films"), max_edges=4)
    plan = parse_plan('follow(follow(entities("John Hurt"), ~"starring"), "directed by")')
    assert set(execute(plan, view).edges.tolist()) == set(found.edges.tolist())
    assert {"Ridley Scott", "David Lynch"} <= names_of(view, found.nodes)
    walked = [[(view.heads[e], view.tails[e]) for e in path] for path in found.paths]
    ends = {view.names[int(path[-1][1])] for path in walked}
    assert ends >= {"Ridley Scott", "David Lynch"}
    assert "John Hurt" in found.reasons[0]


def test_paths_add_context():
    few = retriever("paths", "films").retrieve(link("films"), max_edges=4)
    more = retriever("paths", "films").retrieve(link("films"), max_edges=20)
    assert set(few.edges.tolist()) < set(more.edges.tolist())
    lowest = min(more.edge_scores[np.searchsorted(more.edges, few.edges)])
    others = np.setdiff1d(more.edges, few.edges)
    assert (more.edge_scores[np.searchsorted(more.edges, others)] < lowest).all()


def test_paths_show_a_short_reading_before_a_long_one_that_is_as_good():
    graph = TextualGraph.from_triples(
        [
            ("Antz", "has tags", "ants"),
            *((f"Film {i}", "has tags", "ants") for i in range(30)),
            *((f"Film {i}", "written by", f"Writer {i}") for i in range(30)),
        ]
    )
    tags = 'follow(entities("Antz"), "has tags")'
    films = f'subtract(follow({tags}, ~"has tags"), entities("Antz"))'
    seeds = Linker(graph, Names.build(graph)).link("what is Antz about")
    for behind, expected in ((0.03, {"Antz", "ants"}), (0.2, {"Antz", "ants", "Film 0"})):
        scored = [(films, 1.0), (tags, 1.0 - behind)]
        found = PathRetriever(Scripted(graph, scored)).retrieve(seeds, max_edges=2)
        first = found.edges[np.argsort(-found.edge_scores)]
        best = first[:1] if behind < 0.1 else first
        assert names_of(graph, [*graph.heads[best], *graph.tails[best]]) == expected
        assert len(found.reasons) == 3


class Scripted(Planner):
    """A planner that always ranks the same plans."""

    def __init__(self, view, scored):
        super().__init__(view, encoder())
        self.scored = scored

    def rank(self, seeds, history=()):
        return [PlanCandidate(parse_plan(text), score) for text, score in self.scored]


def test_paths_show_the_node_whose_attribute_is_asked_for():
    view = GRAPHS["family"]()
    found = retriever("paths", "family").retrieve(link("family", "when was Dora Berg born?"))
    best = view.names[int(found.nodes[found.node_scores.argmax()])]
    assert best == "Dora Berg"


def test_paths_turn_to_other_names_when_the_first_give_nothing():
    # "primary" is a film too, and everything about both names together is empty
    graph = TextualGraph.from_triples(
        [
            ("Dusk", "starring", "Ann"),
            ("Dawn", "starring", "Ann"),
            ("Dawn", "in language", "Dutch"),
            ("Primary", "in language", "Malay"),
            ("Primary", "starring", "Bob"),
        ]
    )
    planner = Planner(graph, encoder())
    question = "what are the primary languages in the films starred by actors in Dusk"
    seeds = Linker(graph, Names.build(graph)).link(question)
    found = PathRetriever(planner).retrieve(seeds)
    assert any("Dusk" in reason and "in language" in reason for reason in found.reasons)
    best = found.edges[np.argsort(-found.edge_scores)[:3]]
    assert "Dutch" in names_of(graph, graph.tails[best])


def test_khop_is_what_lies_within_so_many_steps():
    view = GRAPHS["family"]()
    seeds = link("family", "Hugo Keller")
    start = {view.names.index("Hugo Keller")}
    for hops in (1, 2, 3):
        near = set(start)
        for _ in range(hops - 1):
            near |= {
                int(end)
                for h, t in zip(view.heads, view.tails, strict=True)
                if {int(h), int(t)} & near
                for end in (h, t)
            }
        expected = [
            e for e in range(view.num_edges) if {int(view.heads[e]), int(view.tails[e])} & near
        ]
        found = KHopRetriever(reader("family").planner, max_hops=hops).retrieve(seeds)
        assert found.edges.tolist() == expected
        assert not found.truncated


def test_khop_prefers_the_relation_asked_for():
    found = retriever("khop", "films").retrieve(link("films", "what genre is Alien?"), max_edges=2)
    view = GRAPHS["films"]()
    assert {view.relations[r] for r in view.relation_ids[found.edges]} == {"genre"}


def test_ppr_follows_the_relations_asked_for():
    view = GRAPHS["films"]()
    seeds = link("films", "who directed Alien?")
    found = PPRRetriever(reader("films").planner).retrieve(seeds, max_edges=1)
    assert "Ridley Scott" in names_of(view, found.nodes)


def test_triples_rank_by_the_likeness_of_their_words():
    view = GRAPHS["films"]()
    seeds = link("films", "which genre is the film Alien?")
    retriever = TopKTriples(reader("films").planner, max_hops=1)
    found = retriever.retrieve(seeds)
    alien = view.names.index("Alien")
    ends = list(
        zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    )
    around = [edge for edge, (head, _, tail) in enumerate(ends) if alien in (head, tail)]
    texts = [
        f"{view.names[head]} {humanize(view.relations[relation])} {view.names[tail]}"
        for head, relation, tail in (ends[edge] for edge in around)
    ]
    vectors = encoder().encode([seeds.question, *texts])
    assert found.edges.tolist() == around
    np.testing.assert_allclose(found.edge_scores, vectors[1:] @ vectors[0], rtol=1e-5)


def test_triples_that_are_not_compared_come_after():
    seeds = link("films", "which genre is the film Alien?")
    few = TopKTriples(reader("films").planner, max_compared=3).retrieve(seeds)
    assert (few.edge_scores > -1).sum() == 3
    assert len(few.edges) > 3
