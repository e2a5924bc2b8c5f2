"""The reader of models that answer with references, with scripted replies."""

import re

import numpy as np
import pytest

from graphllm.errors import ConfigError
from graphllm.graph import Subgraph
from graphllm.readers.lm_reader import LMReader
from graphllm.readers.soft_prompts import prompter_of
from graphllm.retrieval.retriever import MAX_EDGES
from graphllm.retrieval.schema import GraphSchema
from graphllm.testing import ScriptedLLM
from graphllm.text.encoder import load_encoder
from tests.retrieval.worlds import films, linker


class Everything:
    """Retrieves the whole graph, its first edges first."""

    def retrieve(self, seeds, *, max_edges=MAX_EDGES):
        view = films()
        count = min(max_edges, view.num_edges) if seeds.mentions else 0
        nodes = np.arange(view.num_nodes if count else 0, dtype=np.int32)
        return Subgraph(
            nodes=nodes,
            edges=np.arange(count, dtype=np.int32),
            node_scores=np.ones(len(nodes), dtype=np.float32),
            edge_scores=np.linspace(1, 0.1, count, dtype=np.float32),
        )


class Referring(ScriptedLLM):
    """Replies from a script, and has a token for each reference."""

    has_references = True


def reader(*replies, max_tokens=None):
    llm, view = Referring(replies), films()
    prompter = prompter_of(llm, view, load_encoder, max_tokens)
    return LMReader(linker("films"), Everything(), llm, GraphSchema(view), prompter=prompter)


def shown_to(reading):
    return reading.llm.asked[-1].messages[0].text


def test_references_become_names_and_the_edges_they_rest_on():
    asked = reader("none", max_tokens=256)
    asked.read("Who directed Alien?")
    text = shown_to(asked)
    assert text.startswith("Who directed [n1] Alien?\n[1] [n1] Alien; ")
    assert " | directed by | [n2] Ridley Scott\n[2] " in text
    reading = reader("[1] [n2]", max_tokens=256).read("Who directed Alien?")
    assert reading.draft is not None
    assert reading.draft.entities == ("Ridley Scott",)
    assert {claim.edge for claim in reading.draft.claims} == {0}
    assert reading.shown is not None
    assert 0 in reading.shown


def test_it_answers_yes_only_from_a_fact_between_what_is_named():
    question = "Did Ridley Scott direct Alien?"
    assert reader("[1] yes").read(question).draft.entities == ("yes",)
    assert reader("[2] yes").read(question).draft is None


@pytest.mark.parametrize(
    "reply", ["none", "", "[99] [n2]", "[n2]", "[1] [n150]", "what?", "[2] [n2]"]
)
def test_a_reply_that_nothing_supports_is_no_answer(reply):
    reading = reader(reply).read("Who directed Alien?")
    assert reading.draft is None
    assert reading.abstention is not None
    assert reading.usage.calls == 1


def test_nothing_is_asked_where_nothing_was_found():
    silent = reader()
    reading = silent.read("Who directed Zzyzx?")
    assert reading.abstention is not None
    assert not silent.llm.asked


def test_many_questions_are_asked_together_and_keep_their_order():
    many = reader("[1] [n2]", "none")
    first, second = many.read_many(["Who directed Alien?", "Who wrote Aliens?"])
    assert first.draft is not None
    assert second.draft is None


def test_the_prompt_stays_within_its_budget():
    small = reader("none", max_tokens=60)
    reading = small.read("Who directed Alien?")
    assert len(shown_to(small).split()) <= 60
    assert reading.truncated
    assert re.search(r"^\[1\] ", shown_to(small).split("\n")[1])
    with pytest.raises(ConfigError, match="no room for facts"):
        reader(max_tokens=5).read("Who directed Alien?")
    with pytest.raises(ConfigError, match="max_tokens and max_edges must be 1"):
        reader(max_tokens=0)


def test_models_without_references_are_asked_as_any_other():
    assert prompter_of(ScriptedLLM([]), films(), load_encoder, None) is None
