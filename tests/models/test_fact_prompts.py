"""Prompts of facts in both forms, what should be replied to them, and how replies are read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.graph import Subgraph, TextualGraph
from graphllm.models.fact_prompts import FactPrompts, Facts, FactSettings, NamedSpan, ReplyForm
from graphllm.readers.replies import read_reply

GRAPH = TextualGraph.from_triples(
    [
        ("Alien", "directed by", "Ridley Scott"),
        ("Alien", "starring", "John Hurt"),
        ("Alien", "starring", "Tom Skerritt"),
        ("Heat [1995]", "directed by", "Michael Mann"),
    ]
)
ALIEN, SCOTT, HURT, SKERRITT, HEAT, MANN = range(6)
QUESTION, NAMES = "who starred in Alien?", [NamedSpan(15, 20, (ALIEN,))]


def part(scores=(4.0, 3.0, 2.0, 1.0)):
    edges = np.arange(len(scores), dtype=np.int32)
    nodes = np.unique(np.concatenate([GRAPH.heads[edges], GRAPH.tails[edges]])).astype(np.int32)
    return Subgraph(
        nodes=nodes,
        edges=edges,
        node_scores=np.ones(len(nodes), np.float32),
        edge_scores=np.array(scores, np.float32),
    )


def words(text):
    return len(text.split())


def prompts(form=ReplyForm.REFERENCES, count=words, **settings):
    context = settings.pop("context_tokens", None)
    made = FactSettings(form=form, **settings)
    return FactPrompts(GRAPH, count, made, context_tokens=context)


def test_references_stand_before_the_names_of_the_question():
    made = prompts()
    shown = made.shown(QUESTION, part())
    assert made.text(QUESTION, NAMES, shown) == (
        "who starred in [n1] Alien?\n"
        "[1] directed by: [n1] Alien > [n2] Ridley Scott;"
        " [n5] Heat \\x5b1995] > [n6] Michael Mann\n"
        "[2] [n1] Alien | starring | [n3] John Hurt; [n4] Tom Skerritt"
    )


def test_what_is_to_be_replied():
    made = prompts()
    shown = made.shown(QUESTION, part())
    assert made.target(Facts((HURT, SKERRITT), "", (1, 2)), shown) == "[2] [n3] [n4]"
    assert made.target(Facts((), "yes", (0,)), shown) == "[1] yes"
    assert made.target(Facts((), "none", ()), shown) == "none"
    assert made.target(Facts(), shown) == "none"
    as_json = prompts(ReplyForm.JSON)
    told = as_json.shown(QUESTION, part())
    assert json.loads(as_json.target(Facts((HURT, SKERRITT), "", (1, 2)), told)) == {
        "answers": ["John Hurt", "Tom Skerritt"],
        "cites": [2],
    }
    assert json.loads(as_json.target(Facts(), told)) == {"answers": [], "cites": []}


def test_what_the_text_has_no_room_for_is_not_asked_of_the_model():
    made = prompts(max_tokens=14)
    shown = made.shown(QUESTION, part())
    assert shown.edges == (0,)
    assert made.target(Facts((HURT,), "", (1,)), shown) == "none"
    items = prompts(max_tokens=14, num_items=4)
    assert items.target(Facts((HURT,), "", (1,)), items.shown(QUESTION, part())) == "[n3]"
    assert items.target(Facts((MANN,), "", (3,)), items.shown(QUESTION, part())) == "none"


def test_soft_tokens_stand_behind_their_references_or_before_all():
    rows = [np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32)]
    [message] = prompts(num_items=2).prompt("who?", rows).messages
    assert [part if isinstance(part, str) else part[0, 0] for part in message.parts] == [
        "who?\n[n1]", 0.0, "[n2]", 1.0,
    ]  # fmt: skip
    [message] = prompts().prompt("who?", rows[:1]).messages
    assert message.parts[1:] == ("who?",)


@given(st.sets(st.sampled_from(range(6))), st.sampled_from(list(ReplyForm)))
def test_a_target_is_read_as_the_answers_it_was_made_of(answers, form):
    made = prompts(form)
    shown = made.shown(QUESTION, part())
    target = made.target(Facts(tuple(sorted(answers)), "", (0, 1, 2, 3)), shown)
    expected = {GRAPH.names[node] for node in answers}
    if form is ReplyForm.REFERENCES:
        assert set(made.read(target, shown).answers) == expected
    else:
        assert set(read_reply(target).answers) == expected


@given(st.text(alphabet="[]n0123456789 none yes"))
def test_any_reply_is_read_as_nodes_that_have_a_reference(reply):
    made = prompts()
    shown = made.shown(QUESTION, part())
    answers = made.read(reply, shown).answers
    assert set(answers) <= set(GRAPH.names) or (len(answers) == 1 and "[n1]" not in reply)


def test_a_reply_of_references():
    made = prompts()
    shown = made.shown(QUESTION, part())
    assert made.read("[2] [n3] [n4] [n3]", shown) == ((2,), ("John Hurt", "Tom Skerritt"))
    assert made.read("[1] yes", shown) == ((1,), ("yes",))
    assert made.read("[2] [n99]", shown).answers == ()
    assert made.read("none", shown).answers == ()


def test_text_and_soft_tokens_share_a_context():
    made = prompts(max_tokens=400, num_items=2, context_tokens=24 + 4 + 20)
    shown = made.shown(QUESTION, part())
    assert 0 < shown.num_tokens <= 20 - words(QUESTION)
    with pytest.raises(ConfigError, match="soft tokens and instructions take 48 tokens"):
        prompts(num_items=12, context_tokens=60)


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        (ReplyForm.JSON, {"num_items": 2}),
        (ReplyForm.REFERENCES, {"with_text": False}),
        (ReplyForm.JSON, {"max_tokens": 0}),
        (ReplyForm.JSON, {"num_items": -1}),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(form, settings):
    with pytest.raises(ConfigError, match=r"soft tokens of nodes|must be 1 or more"):
        FactSettings(form=form, **settings)
