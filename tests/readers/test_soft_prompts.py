"""The language-model road with a prompter: one call, in the trained form, held to the facts."""

import numpy as np
import pytest

from graphllm import TextualGraph
from graphllm.answer import Reason
from graphllm.index import Names
from graphllm.llm import Decoding
from graphllm.models.fact_prompts import FactPrompts, FactSettings, FactsInWords, ReplyForm
from graphllm.readers.lm_reader import LMReader
from graphllm.readers.plan_reader import PlanReader
from graphllm.readers.soft_prompts import Prompted, SoftPrompter
from graphllm.retrieval.retrievers import load_retriever
from graphllm.testing import ScriptedLLM
from graphllm.text.encoder import load_encoder

GRAPH = TextualGraph.from_triples(
    [
        ("Alien", "directed by", "Ridley Scott"),
        ("Alien", "written by", "Dan O'Bannon"),
        ("Heat", "directed by", "Michael Mann"),
    ]
)

ENCODER = load_encoder()


class Spy:
    """A prompter that puts one soft token before what facts in words say."""

    def __init__(self, form: ReplyForm) -> None:
        made = FactPrompts(GRAPH, lambda text: len(text.split()), FactSettings(form=form))
        self.inside = FactsInWords(made)
        self.names = []

    max_edges = 3
    decoding = Decoding(max_new_tokens=7)

    @property
    def replies_with_references(self):
        return self.inside.replies_with_references

    def shown(self, question, subgraph):
        return self.inside.shown(question, subgraph)

    def prompt(self, question, names, subgraph, shown):
        self.names.append(names)
        plain = self.inside.prompt(question, names, subgraph, shown)
        soft = np.zeros((1, 2), np.float32)
        return type(plain).of(soft, *plain.messages[0].parts)

    def read(self, reply, shown):
        return self.inside.read(reply, shown)


@pytest.fixture(scope="module")
def planner():
    return PlanReader(GRAPH, Names.build(GRAPH), ENCODER)


def read(planner, form, reply, question="Who directed Alien?"):
    spy, llm = Spy(form), ScriptedLLM([reply] if reply is not None else [])
    retriever = load_retriever("khop", planner.planner)
    reader = LMReader(planner.linker, retriever, llm, planner.planner.schema, prompter=spy)
    return reader.read(question), spy, llm


def line_of(llm, words):
    lines = llm.asked[0].messages[0].text.split("\n")
    return next(line for line in lines if line.startswith("[") and words in line).split()


@pytest.fixture(scope="module")
def cited(planner):
    """The line about the director, and his reference."""
    _, _, llm = read(planner, ReplyForm.REFERENCES, "none")
    line = line_of(llm, "directed by | ")
    line = line_of(llm, "Ridley Scott") if "Scott" not in line else line
    return line[0], line[line.index("Ridley") - 1]


def test_references_become_a_draft_that_cites(planner, cited):
    reading, spy, llm = read(planner, ReplyForm.REFERENCES, " ".join(cited))
    assert reading.draft.entities == ("Ridley Scott",)
    assert [claim.edge for claim in reading.draft.claims] == [0]
    assert len(llm.asked) == 1
    assert llm.asked[0].soft_parts
    assert spy.names == [[(13, 18, (0,))]]
    assert reading.usage.calls == 1


def test_a_reply_without_cites_is_refused(planner, cited):
    reading, *_ = read(planner, ReplyForm.REFERENCES, cited[1])
    assert "cites no fact" in reading.abstention.message


def test_none_and_nonsense_are_no_answer(planner):
    reading, *_ = read(planner, ReplyForm.REFERENCES, "none")
    assert reading.abstention.message.startswith("The language model finds no answer")
    reading, *_ = read(planner, ReplyForm.JSON, "Ridley Scott, I think")
    assert reading.abstention.reason is Reason.NO_REPLY


def test_json_is_read_as_that_of_any_model(planner):
    _, _, llm = read(planner, ReplyForm.JSON, '{"answers": [], "cites": []}')
    number = line_of(llm, "directed by | Ridley")[0].strip("[]")
    reading, *_ = read(
        planner, ReplyForm.JSON, f'{{"answers": ["Ridley Scott"], "cites": [{number}]}}'
    )
    assert reading.draft.entities == ("Ridley Scott",)


def test_nothing_named_asks_nothing(planner):
    reading, _, llm = read(planner, ReplyForm.JSON, None, "What is the meaning of it all?")
    assert reading.abstention.reason is Reason.NO_ENTITY
    assert llm.asked == []


def test_the_seams_are_told_apart():
    assert isinstance(Spy(ReplyForm.JSON), SoftPrompter)
    assert not isinstance(ScriptedLLM([]), Prompted)
