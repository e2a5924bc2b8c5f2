"""``GraphQA`` with a language model: every way to name one, and what never asks it."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphllm import GraphIndex, GraphQA, TextualGraph
from graphllm.errors import ConfigError, DataError, LanguageModelError
from graphllm.retrieval.retrievers import RETRIEVERS
from graphllm.testing import ScriptedLLM

TRIPLES = [
    ("Alien", "directed by", "Ridley Scott"),
    ("Alien", "written by", "Dan O'Bannon"),
    ("Blade Runner", "directed by", "Ridley Scott"),
    ("Heat", "directed by", "Michael Mann"),
    ("Michael Mann", "born in", "Chicago"),
]
WHO = "Who directed Alien?"


@pytest.fixture(scope="module")
def graph() -> TextualGraph:
    return TextualGraph.from_triples(TRIPLES)


@pytest.fixture
def server(model_server, cite):
    return model_server(lambda prompt: cite(prompt, ["Ridley Scott"], "Alien&directed by"))


def test_a_model_by_its_name_on_a_server(graph, server, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    path = tmp_path / "films.csv"
    rows = ["head,relation,tail", *map(",".join, TRIPLES)]
    path.write_text("\n".join(rows), "utf-8")
    index = tmp_path / "films.gllm"
    GraphIndex.build(graph, index)
    told: list[str] = []
    options = {"llm": "tiny", "retriever": "khop", "on_send": lambda a: told.append(a.name)}
    for qa in (
        GraphQA.from_file(path, **options),
        GraphQA.from_graph(graph, **options),
        GraphQA.open(index, **options),
    ):
        answer = qa.ask(WHO)
        assert answer.entities == ("Ridley Scott",)
        assert answer.usage.calls == 1
    assert told == ["graph_qa/answer"] * 3
    assert len(server.prompts) == 3


def test_threads_and_event_loops_share_one(graph, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    qa = GraphQA.from_graph(graph, llm="tiny", retriever="khop")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(qa.ask, [WHO] * 8))

    async def both() -> list:
        return await asyncio.gather(qa.aask(WHO), qa.aask(WHO))

    answers += asyncio.run(both())
    assert {answer.entities for answer in answers} == {("Ridley Scott",)}
    assert len(server.prompts) == 10


def test_what_is_not_asked_of_the_model(graph):
    llm = ScriptedLLM([])
    qa = GraphQA.from_graph(graph, llm=llm, retriever="khop")
    assert qa.run('follow(entities("Alien"), "directed by")').entities == ("Ridley Scott",)
    assert qa.suggest(2)
    assert 0 in qa.retrieve(WHO).edges.tolist()
    assert qa.estimate(WHO).usage.calls == 1
    assert llm.asked == []


@pytest.mark.parametrize("name", RETRIEVERS)
def test_retrieval_needs_no_model(graph, name):
    found = GraphQA.from_graph(graph, retriever=name).retrieve(WHO, max_edges=3)
    assert 0 < len(found.edges) <= 3
    assert 0 in found.edges.tolist()


def test_errors(graph, model_server):
    qa = GraphQA.from_graph(graph)
    with pytest.raises(ConfigError, match="no language model; name one with llm="):
        qa.estimate(WHO)
    with pytest.raises(DataError, match="the question is empty"):
        qa.retrieve(" ")
    with pytest.raises(ConfigError, match="unknown retriever 'pagerank'"):
        GraphQA.from_graph(graph, retriever="pagerank").retrieve(WHO)
    with pytest.raises(DataError, match="the question is empty"):
        GraphQA.from_graph(graph, llm=ScriptedLLM([]), retriever="khop").ask_many([WHO, ""])


def test_a_server_that_fails_is_one_clear_error(graph, model_server, monkeypatch):
    def broken(prompt: str) -> str:
        raise BrokenPipeError

    monkeypatch.setenv("OPENAI_BASE_URL", model_server(broken).url)
    from graphllm.llm import OpenAICompatible, Patience

    llm = OpenAICompatible("tiny", patience=Patience(retries=0))
    with pytest.raises(LanguageModelError, match="language model server"):
        GraphQA.from_graph(graph, llm=llm, retriever="khop").ask(WHO)


def test_a_conversation_goes_on_with_a_model(graph):
    llm = ScriptedLLM(
        [
            '{"answers": ["Michael Mann"], "cites": [1]}',
            "Where was Michael Mann born?",
            '{"answers": ["Chicago"], "cites": [1]}',
        ]
    )
    chat = GraphQA.from_graph(graph, llm=llm, retriever="khop").chat()
    assert chat.ask("Who directed Heat?").entities == ("Michael Mann",)
    answer = chat.ask("And where was he born?")
    assert answer.resolved == "Where was Michael Mann born?"
    assert answer.entities == ("Chicago",)


def test_without_a_model_nothing_of_one_is_imported():
    code = (
        "import json, sys\n"
        "from graphllm import GraphQA\n"
        "from graphllm.examples import path\n"
        "qa = GraphQA.from_file(path('discoveries'))\n"
        "qa.ask('Who discovered radium?')\n"
        "heavy = ['httpx', 'torch', 'transformers', 'numba', 'graphllm.readers.lm_reader']\n"
        "print(json.dumps([m for m in heavy if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
