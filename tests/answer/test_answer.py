"""Answers print, escape and serialise as they promise."""

import json
import re
from pathlib import Path

import pytest

import graphllm.answer.answer as answer_module
from graphllm.answer import (
    Abstention,
    Alternative,
    Answer,
    Citation,
    Claim,
    PlanPrint,
    Reason,
    cite,
    cited_subgraph,
)
from graphllm.graph import GraphBuilder

EVIL = "<script>alert(1)</script>\x1b[2J\u202egnp\n> ok"


def laureates():
    builder = GraphBuilder()
    builder.node("q1", name="Marie Curie", attributes={"born": 1867})
    builder.node("q2", name="Nobel Prize")
    builder.edge("q1", "won", "q2", attributes={"year": 1903, "field": "Physics"})
    builder.edge("q1", "won", "q2", attributes={"year": 1911})
    return builder.build()


def answer() -> Answer:
    graph = laureates()
    claims = [
        Claim(head="Marie Curie", relation="won", tail="Nobel Prize", edge=edge)
        for edge in (1, 0, 1)
    ]
    claims.append(Claim(head="Marie Curie", relation="born", tail="1867", node=0))
    return Answer(
        question="What did Marie Curie win?",
        text="The Nobel Prize.",
        entities=("Nobel Prize",),
        plan=PlanPrint(
            text="(follow ...)", words="what Marie Curie won", cypher="MATCH", sparql="S"
        ),
        citations=cite(claims, graph),
        subgraph=cited_subgraph(claims, graph),
        confidence=0.912345,
        alternatives=(Alternative(text="(x)", words="who won", confidence=0.1),),
        focus=("q1",),
        timings={"link": 0.0123456789},
    )


def test_citations_name_the_edge_its_ends_and_its_attributes_once():
    assert [str(citation) for citation in answer().citations] == [
        "Marie Curie --won--> Nobel Prize (year 1911)  [edge 1]",
        "Marie Curie --won--> Nobel Prize (year 1903, field Physics)  [edge 0]",
        "Marie Curie has born: 1867",
    ]


def test_printing_gives_the_answer_and_then_its_proof():
    lines = str(answer()).splitlines()
    assert lines[0] == "The Nobel Prize."
    assert lines[1].strip() == str(answer().citations[0])
    assert len(lines) == 4


def test_a_long_proof_is_cut_when_printed_and_says_so():
    citations = tuple(
        Citation(head="a", relation="r", tail=f"b{i}", head_key="a", tail_key=f"b{i}", edge=i)
        for i in range(40)
    )
    printed = str(Answer(question="q", text="Many.", entities=("b1",), citations=citations))
    assert printed.splitlines()[-1].strip() == "... and 28 more"


def test_the_json_schema_is_what_was_published():
    snapshot = Path(__file__).with_name("answer.json")
    assert answer().to_dict() == json.loads(snapshot.read_text("utf-8"))


def test_every_key_of_the_schema_is_described():
    described = re.findall(r"^    (\w+) {2,}\S", answer_module.__doc__, re.MULTILINE)
    assert described == list(answer().to_dict())


def test_json_of_an_abstention():
    near = ("Marie Curie",)
    abstention = Abstention(reason=Reason.NO_ENTITY, message="No Mary.", near_misses=near)
    refused = Answer(question="Mary?", text="No Mary.", abstained=abstention)
    data = json.loads(json.dumps(refused.to_dict()))
    assert not refused
    assert (data["answered"], data["entities"], data["plan"], data["subgraph"]) == (
        False, [], None, None,
    )  # fmt: skip
    assert data["abstained"] == {
        "reason": "no_entity", "message": "No Mary.", "near_misses": ["Marie Curie"],
    }  # fmt: skip
    assert str(refused) == "No Mary.\nDid you mean: Marie Curie?"


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.NO_ENTITY])
def test_what_is_known_of_a_thing_is_no_guess_at_what_was_meant(reason):
    abstention = Abstention(reason=reason, message="No.", near_misses=("born in", "won"))
    refused = Answer(question="q", text="No.", abstained=abstention)
    assert str(refused) == "No.\nThis graph says of it: born in; won"
    assert "<p>This graph says of it</p><ul><li>born in</li>" in refused._repr_html_()


def test_an_answer_of_no_is_still_an_answer():
    no = Answer(question="q", text="No.", entities=("no",), closed_world=True)
    assert no
    assert "not in it" in str(no)


@pytest.mark.parametrize("abstained", [False, True])
def test_names_can_neither_script_a_page_nor_move_a_cursor(abstained):
    citation = Citation(
        head=EVIL, relation=EVIL, tail=EVIL, head_key=EVIL, tail_key=EVIL, edge=0,
        attributes=((EVIL, EVIL),),
    )  # fmt: skip
    abstention = Abstention(reason=Reason.NOT_SURE, message=EVIL, near_misses=(EVIL,))
    evil = Answer(
        question=EVIL,
        text=EVIL,
        entities=(EVIL,),
        citations=(citation,),
        abstained=abstention if abstained else None,
    )
    for shown in (str(evil), evil._repr_html_(), evil.to_html()):
        assert not {"\x1b", "\u202e"} & set(shown)
        assert not any(line.startswith("> ok") for line in shown.splitlines())
    assert "<script" not in evil._repr_html_()
    assert json.loads(json.dumps(evil.to_dict()))["entities"] == [EVIL]  # data stays exact


def test_networkx_keeps_keys_parallel_edges_and_attributes():
    graph = answer().to_networkx()
    assert dict(graph.nodes(data="name")) == {"q1": "Marie Curie", "q2": "Nobel Prize"}
    assert graph.nodes["q1"]["attributes"] == {"born": ["1867"]}
    assert graph.edges["q1", "q2", 0] == {
        "relation": "won",
        "attributes": {"year": ["1903"], "field": ["Physics"]},
    }
    assert graph.number_of_edges() == 2


def test_the_subgraph_holds_exactly_what_is_cited():
    subgraph = answer().subgraph
    assert subgraph is not None
    assert (subgraph.nodes.tolist(), subgraph.edges.tolist()) == ([0, 1], [0, 1])
    empty = cited_subgraph([], laureates())
    assert (len(empty.nodes), len(empty.edges)) == (0, 0)


def test_a_turn_remembers_what_a_follow_up_needs():
    turn = answer().turn()
    assert (turn.question, turn.entities, turn.focus, turn.plan_text) == (
        "What did Marie Curie win?", ("Nobel Prize",), ("q1",), "(follow ...)",
    )  # fmt: skip
