import json

import pytest

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import load_suite
from graphllm.evaluate.grailqa import chain_of_expression
from graphllm.query.plan import Step

QUESTIONS = [
    {
        "qid": 1,
        "question": "which pets does ann have",
        "answer": [
            {"answer_type": "Entity", "answer_argument": "m.2", "entity_name": "Rex"},
            {"answer_type": "Entity", "answer_argument": "m.3"},
        ],
        "function": "none",
        "num_node": 2,
        "num_edge": 1,
        "graph_query": {
            "nodes": [{"nid": 0, "node_type": "class", "id": "animal", "question_node": 1}],
            "edges": [{"start": 1, "end": 0, "relation": "person.pets"}],
        },
        "level": "i.i.d.",
        "s_expression": "(AND animal (JOIN (R person.pets) m.1))",
    },
    {
        "qid": 2,
        "question": "how many pets does ann have",
        "answer": [{"answer_type": "Value", "answer_argument": "2"}],
        "level": "compositional",
        "s_expression": "(COUNT (AND animal (JOIN (R person.pets) m.1)))",
    },
]


@pytest.fixture
def grail_dir(tmp_path):
    folder = tmp_path / "grailqa"
    folder.mkdir()
    (folder / "grailqa_v1.0_dev.json").write_text(json.dumps(QUESTIONS), encoding="utf-8")
    (folder / "freebase.tsv").write_text("m.1\tperson.pets\tm.2\n", encoding="utf-8")
    return tmp_path


def test_answers_are_names_or_values_and_a_chain_where_the_query_is_one(grail_dir):
    suite = load_suite("grailqa", grail_dir)
    first, second = suite.examples
    assert (suite.split, suite.graph_path.name) == ("dev", "freebase.tsv")
    assert (first.gold, first.topic, first.kind) == (("Rex", "m.3"), "m.1", "i.i.d.")
    assert first.chain == (Step("person.pets"),)
    assert (second.gold, second.chain, second.topic) == (("2",), None, None)


@pytest.mark.parametrize(
    ("text", "topic", "chain"),
    [
        ("(JOIN born.in m.1)", "m.1", (Step("born.in", inverse=True),)),
        (
            "(AND film (JOIN (R actor.film) (AND person (JOIN born.in m.1))))",
            "m.1",
            (Step("born.in", inverse=True), Step("actor.film")),
        ),
    ],
)
def test_chains_of_s_expressions(text, topic, chain):
    assert chain_of_expression(text) == (topic, chain)


@pytest.mark.parametrize(
    "text",
    [
        "(ARGMAX film film.year)",
        "(AND (JOIN a m.1) (JOIN b m.2))",
        "(lt film.year 1990^^http://www.w3.org/2001/XMLSchema#gYear)",
        "",
        "(JOIN a",
    ],
)
def test_other_s_expressions_are_no_chain(text):
    found = chain_of_expression(text)
    assert found is None or not found.chain


def test_what_is_missing_is_said(grail_dir):
    (grail_dir / "grailqa" / "freebase.tsv").unlink()
    with pytest.raises(DataError, match=r"no file .*freebase\.tsv; unpack the triples of Freebase"):
        load_suite("grailqa", grail_dir)
    with pytest.raises(ConfigError, match="no split 'test', only dev, train"):
        load_suite("grailqa", grail_dir, "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('[{"question": "q", "answer": [{}]}]', "question 1: expected question and answer"),
        ('["q"]', "expected a list of questions"),
        ("[]", "has no questions"),
    ],
)
def test_malformed_questions_are_named(grail_dir, text, message):
    (grail_dir / "grailqa" / "grailqa_v1.0_dev.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_suite("grailqa", grail_dir)
