"""What plans give, in words, with claims that hold."""

import pytest

from graphllm.answer import verify
from graphllm.graph import GraphBuilder
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Count,
    CountValues,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    Intersect,
    OfType,
    ShortestPath,
    Step,
    TopK,
    Values,
    execute,
)
from graphllm.readers.drafting import SPOKEN, draft_of, listed
from tests.query.strategies import few_and_many, plans, random_graph, seeds

# beartype checks a random item of each list, also of those that strategies build


def laureates():
    builder = GraphBuilder()
    builder.node("marie", name="Marie Curie", type="person", attributes={"born": 1867})
    builder.node("pierre", name="Pierre Curie", type="person", attributes={"born": 1859})
    builder.node("prize", name="Nobel Prize", type="award", text="A prize from Sweden.")
    builder.node("fermi", name="Enrico Fermi", type="person")
    builder.edge("marie", "won", "prize", attributes={"year": 1903})
    builder.edge("marie", "won", "prize", attributes={"year": 1911})
    builder.edge("pierre", "won", "prize", attributes={"year": 1903})
    builder.edge("fermi", "won", "prize", attributes={"year": 1938})
    builder.edge("marie", "married to", "pierre")
    return builder.build()


GRAPH = laureates()
MARIE, PRIZE = Entities(("marie",)), Entities(("prize",))
WINNERS = Follow(PRIZE, Step("won", inverse=True))
PEOPLE = OfType("person")
BORN = Attribute("born")


@pytest.mark.parametrize(
    ("plan", "entities", "text"),
    [
        (
            WINNERS,
            ("Marie Curie", "Pierre Curie", "Enrico Fermi"),
            "Marie Curie, Pierre Curie and Enrico Fermi",
        ),
        (Count(WINNERS), ("3",), "3"),
        (Exists(Intersect(MARIE, WINNERS)), ("yes",), "Yes"),
        (Exists(Filter(MARIE, BORN, Comparison.MORE, 1900)), ("no",), "No"),
        (Values(MARIE, "born"), ("1867",), "1867"),
        (EdgeValues(MARIE, Step("won"), "year"), ("1903", "1911"), "1903 and 1911"),
        (Aggregated(PEOPLE, BORN, Aggregate.MINIMUM), ("1859",), "1859"),
        (
            TopK(WINNERS, BORN, ascending=True),
            ("Pierre Curie",),
            "Pierre Curie (born 1859)",
        ),
        (GroupCount(WINNERS, Step("won")), ("Nobel Prize",), "Nobel Prize (3)"),
        (Grouped(WINNERS, By((Step("won"),))), ("Nobel Prize",), "Nobel Prize (3)"),
        (
            Grouped(PEOPLE, By((), "born"), k=1),
            ("1859", "1867"),
            "1859 (1) and 1867 (1)",
        ),
        (CountValues(PEOPLE, "born"), ("2",), "2"),
        (
            PEOPLE,
            ("Marie Curie", "Pierre Curie", "Enrico Fermi"),
            "Marie Curie, Pierre Curie and Enrico Fermi",
        ),
        (
            ShortestPath(Entities(("pierre",)), Entities(("fermi",))),
            ("Nobel Prize",),
            "Pierre Curie --won--> Nobel Prize <--won-- Enrico Fermi",
        ),
        (
            ShortestPath(Entities(("pierre",)), MARIE),
            ("Marie Curie", "Pierre Curie"),
            "Marie Curie --married to--> Pierre Curie",
        ),
        (
            FactsOf(PRIZE),
            ("Nobel Prize",),
            "Nobel Prize: award; A prize from Sweden.;"
            " Marie Curie, Pierre Curie and Enrico Fermi won it",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_plan_says_its_answer_and_stands_up_to_the_check(plan, entities, text):
    result = execute(plan, GRAPH)
    draft = draft_of(plan, result, GRAPH, confidence=0.5)
    assert (draft.entities, draft.text) == (entities, text)
    verified = verify(draft, GRAPH, retrieved=frozenset(result.edges.tolist()))
    assert [v.problem for v in verified.verdicts if not v.supported] == []
    assert verified.draft == draft


def test_the_year_of_a_prize_is_claimed_of_its_edge():
    plan = EdgeValues(MARIE, Step("won"), "year")
    claims = draft_of(plan, execute(plan, GRAPH), GRAPH, confidence=1.0).claims
    assert {claim.qualifiers for claim in claims} == {(("year", "1903"),), (("year", "1911"),)}


def test_a_long_list_is_cut_in_the_sentence_only():
    builder = GraphBuilder()
    for i in range(50):
        builder.edge("hub", "has", f"part {i}")
    plan = Follow(Entities(("hub",)), Step("has"))
    graph = builder.build()
    draft = draft_of(plan, execute(plan, graph), graph, confidence=1.0)
    assert len(draft.entities) == 50
    assert draft.text.endswith("part 29 and 20 more")


def test_a_path_is_told_in_walking_order():
    builder = GraphBuilder()
    for head, tail in (("c", "d"), ("b", "c"), ("a", "b")):
        builder.edge(head, "to", tail)
    graph = builder.build()
    plan = ShortestPath(Entities(("a",)), Entities(("d",)))
    draft = draft_of(plan, execute(plan, graph), graph, confidence=1.0)
    assert draft.text == "a --to--> b --to--> c --to--> d"
    assert [claim.head for claim in draft.claims] == ["a", "b", "c"]


def test_what_is_said_of_the_answer_comes_first():
    plan = TopK(WINNERS, BORN, ascending=True)
    claims = draft_of(plan, execute(plan, GRAPH), GRAPH, confidence=1.0).claims
    about_pierre = [
        claim.head == "Pierre Curie" or claim.tail == "Pierre Curie" for claim in claims
    ]
    assert about_pierre == sorted(about_pierre, reverse=True)
    assert set(about_pierre) == {True, False}


def every_claim_of_any_plan_holds(seed, plan):
    graph = random_graph(seed)
    result = execute(plan, graph)
    if result.is_empty or result.paths == ((),):  # nothing lies between a node and itself
        return
    draft = draft_of(plan, result, graph, confidence=0.5)
    verified = verify(draft, graph, retrieved=frozenset(result.edges.tolist()))
    assert [v.problem for v in verified.verdicts if not v.supported] == []
    assert draft.text
    assert len(set(draft.entities)) == len(draft.entities) > 0
    assert {claim.edge for claim in draft.claims} - {None} == set(result.edges.tolist())
    if len(result.nodes):
        assert set(draft.entities) == {graph.names[node] for node in result.nodes.tolist()}


test_any_plan, test_any_plan_at_length = few_and_many(every_claim_of_any_plan_holds, seeds, plans)


def test_what_the_question_named_itself_is_said_last():
    friends = Follow(Follow(MARIE, Step("won")), Step("won", inverse=True))
    draft = draft_of(friends, execute(friends, GRAPH), GRAPH, confidence=1.0)
    assert draft.entities == ("Pierre Curie", "Enrico Fermi", "Marie Curie")


def test_what_is_worked_out_says_so():
    for plan, derived, closed in (
        (WINNERS, False, False),
        (Count(WINNERS), True, True),
        (Exists(WINNERS), True, False),
        (Exists(Filter(MARIE, BORN, Comparison.MORE, 1900)), True, True),
    ):
        draft = draft_of(plan, execute(plan, GRAPH), GRAPH, confidence=1.0)
        assert (draft.derived, draft.closed_world) == (derived, closed), plan


@pytest.mark.parametrize(
    ("count", "end"),
    [(0, ""), (1, "0"), (2, "0 and 1"), (SPOKEN, f"{SPOKEN - 2} and {SPOKEN - 1}")],
)
def test_names_are_listed_as_people_do(count, end):
    assert listed([str(i) for i in range(count)]).endswith(end)
    assert "more" not in listed([str(i) for i in range(count)])


def test_of_many_edges_that_say_the_same_a_few_are_cited():
    from graphllm.graph import TextualGraph
    from graphllm.tasks import GraphQA

    again = [("Ada", "employs", "Bo")] * 5_000
    graph = TextualGraph.from_triples([*again, ("Ada", "employs", "Cy"), *again])
    answer = GraphQA.from_graph(graph).ask("who does Ada employ?")
    assert answer.entities == ("Bo", "Cy")
    cited = [(c.head, c.relation, c.tail) for c in answer.citations]
    assert 2 <= len(cited) < 100
    assert set(cited) == {("Ada", "employs", "Bo"), ("Ada", "employs", "Cy")}
