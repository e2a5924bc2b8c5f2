"""``GraphQA`` over a tiny graph: every way in, every way to ask."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import networkx
import pytest

from graphllm import GraphIndex, GraphQA, TextualGraph
from graphllm.answer import Reason, verify
from graphllm.answer.draft import Claim, Draft
from graphllm.errors import ConfigError, DataError, PlanError
from graphllm.query import Entities, Follow, Step, to_text

TRIPLES = [
    ("Alien", "directed by", "Ridley Scott"),
    ("Alien", "written by", "Dan O'Bannon"),
    ("Blade Runner", "directed by", "Ridley Scott"),
    ("Blade Runner", "written by", "Hampton Fancher"),
    ("Heat", "directed by", "Michael Mann"),
    ("Heat", "written by", "Michael Mann"),
    ("Ridley Scott", "born in", "South Shields"),
    ("Michael Mann", "born in", "Chicago"),
]
QUESTION, DIRECTOR = "Who directed Alien?", ("Ridley Scott",)


@pytest.fixture(scope="module")
def qa() -> GraphQA:
    return GraphQA.from_graph(TextualGraph.from_triples(TRIPLES))


def csv_file(folder):
    rows = ["head,relation,tail", *(",".join(triple) for triple in TRIPLES)]
    path = folder / "films.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_from_a_file_with_and_without_the_cache(tmp_path):
    path = csv_file(tmp_path)
    for cache in (True, True, False):
        said: list[str] = []
        qa = GraphQA.from_file(path, cache=cache, on_mapping=said.append)
        assert qa.ask(QUESTION).entities == DIRECTOR
        assert "head=head" in said[0]


def test_a_mapping_turns_the_edges_round(tmp_path):
    path = csv_file(tmp_path)
    qa = GraphQA.from_file(path, mapping="head=tail,tail=head")
    edge = qa.run(to_text(Follow(Entities(("Ridley Scott",)), Step("directed by"))))
    assert set(edge.entities) == {"Alien", "Blade Runner"}


def test_from_networkx():
    graph = networkx.MultiDiGraph()
    for head, relation, tail in TRIPLES:
        graph.add_edge(head, tail, relation=relation)
    assert GraphQA.from_graph(graph).ask(QUESTION).entities == DIRECTOR


def test_from_an_index(tmp_path):
    path = tmp_path / "films.gllm"
    GraphIndex.build(TextualGraph.from_triples(TRIPLES), path)
    assert GraphQA.open(path).ask(QUESTION).entities == DIRECTOR
    assert GraphQA.from_file(path).ask(QUESTION).entities == DIRECTOR


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        GraphQA.from_file(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="format"):
        GraphQA.from_file(csv_file(tmp_path), format="csw")
    with pytest.raises(DataError, match=r"none\.gllm"):
        GraphQA.open(tmp_path / "none.gllm")


def test_an_answer_names_its_edges(qa):
    answer = qa.ask("Who wrote the films directed by Ridley Scott?")
    assert set(answer.entities) == {"Dan O'Bannon", "Hampton Fancher"}
    cited = {(c.head, c.relation, c.tail) for c in answer.citations}
    assert cited == set(TRIPLES[:4])
    assert answer.subgraph is not None
    assert answer.subgraph.edges.tolist() == [0, 1, 2, 3]
    assert answer.focus == ("Ridley Scott",)
    assert 0 < answer.confidence <= 1
    assert answer.timings["total"] > 0


def test_every_citation_of_every_answer_holds(qa):
    for question in (QUESTION, "What did Ridley Scott direct?", "Where was Michael Mann born?"):
        answer = qa.ask(question)
        claims = tuple(
            Claim(head=c.head, relation=c.relation, tail=c.tail, edge=c.edge)
            for c in answer.citations
        )
        draft = Draft(text="", entities=answer.entities, claims=claims)
        assert claims
        assert all(verdict.supported for verdict in verify(draft, qa.view).verdicts)


def test_ask_many_and_aask_agree_with_ask(qa):
    questions = [QUESTION, "Who wrote Heat?"]
    one_by_one = [qa.ask(question).entities for question in questions]
    assert [answer.entities for answer in qa.ask_many(questions)] == one_by_one

    async def both():
        return await asyncio.gather(*(qa.aask(question) for question in questions))

    assert [answer.entities for answer in asyncio.run(both())] == one_by_one


def test_threads_share_it():
    qa = GraphQA.from_graph(TextualGraph.from_triples(TRIPLES))  # its reader is not made yet
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(qa.ask, [QUESTION, "Who wrote Heat?"] * 12))
    assert [answer.entities for answer in answers] == [DIRECTOR, ("Michael Mann",)] * 12


def test_a_plan_replays(qa):
    answer = qa.ask("Who wrote the films directed by Ridley Scott?")
    assert answer.plan is not None
    again = qa.run(answer.plan.text)
    assert again.entities == answer.entities
    assert again.citations == answer.citations
    assert again.plan == answer.plan
    with pytest.raises(PlanError):
        qa.run("nonsense(")


def test_what_the_graph_does_not_know_is_not_answered(qa):
    answer = qa.ask("Who directed Casablanca?")
    assert not answer
    assert answer.entities == ()
    assert answer.abstained is not None
    assert answer.abstained.reason is Reason.NO_ENTITY
    assert answer.text == answer.abstained.message


def test_a_refusal_still_says_what_it_is_about(qa):
    answer = qa.ask("What is the horoscope of Ridley Scott?")
    assert not answer
    assert answer.focus == ("Ridley Scott",)


@pytest.mark.parametrize("question", ["", "  \n", "who " * 2000])
def test_what_is_no_question_is_refused(qa, question):
    with pytest.raises(DataError, match="question"):
        qa.ask(question)


@pytest.mark.parametrize(
    "question",
    ["?", "'; DROP TABLE form; --", "\x00\x1b[2J", "ⓦⓗⓞ", "a" * 4000, '"*" NEAR(x)', "👩‍🔬" * 50],
)
def test_any_text_is_answered_or_refused_but_never_breaks(qa, question):
    json.dumps(qa.ask(question).to_dict())


def test_a_conversation_understands_what_points_back(qa):
    chat = qa.chat()
    assert chat.ask(QUESTION).entities == DIRECTOR
    assert chat.ask("And who wrote it?").entities == ("Dan O'Bannon",)
    assert [turn.question for turn in chat.history] == [QUESTION, "And who wrote it?"]
    assert "## Who directed Alien?" in chat.transcript()
    assert "Dan O'Bannon" in chat.transcript()


def test_suggestions_are_answered_rightly(qa):
    questions = qa.suggest(6)
    assert len(questions) == len(set(questions)) > 2
    assert all(qa.ask(question) for question in questions)
    assert qa.suggest(0) == []


def test_describe(qa):
    assert qa.describe() == "9 nodes, 8 edges, 3 relations"
    assert repr(qa) == "GraphQA(9 nodes, 8 edges, 3 relations)"


@pytest.mark.slow
def test_asking_imports_no_deep_learning_library(tmp_path):
    path = tmp_path / "films.gllm"
    GraphIndex.build(TextualGraph.from_triples(TRIPLES), path)
    code = (
        "import sys; from graphllm.cli import cli\n"
        f"assert cli.main(['ask', {str(path)!r}, {QUESTION!r}], standalone_mode=False) == 0\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'networkx', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "Ridley Scott"
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("num_films", "end"), [(30, "film 30"), (1234, "1204 more (1,234 in all)")]
)
def test_a_long_list_says_how_many_there_are_in_all(num_films, end):
    films = [("Kurosawa", "directed", f"film {i}") for i in range(1, num_films + 1)]
    graph = TextualGraph.from_triples(films)
    plan = to_text(Follow(Entities(("Kurosawa",)), Step("directed")))
    answer = GraphQA.from_graph(graph).run(plan)
    assert len(answer.entities) == num_films
    assert answer.text.endswith(f" and {end}")
