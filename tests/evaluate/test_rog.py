import json

import pytest

from graphllm.errors import DataError
from graphllm.evaluate import Compared, Published, load_suite

ROWS = [
    {
        "id": "WebQTest-0",
        "question": "which pets does ann have",
        "answer": ["The Rex!", "Fido"],
        "q_entity": ["Ann Lee"],
        "a_entity": ["Rex"],
        "graph": [
            ["Ann Lee", "People.pets", "Rex"],
            ["Rex", "is.a", "Dog"],
            ["REX", "is.a", "dog"],
        ],
        "choices": [],
    },
    {
        "id": "WebQTest-1",
        "question": "where was ann born",
        "answer": ["York"],
        "q_entity": [],
        "a_entity": ["York"],
        "graph": [],
        "choices": [],
    },
    {
        "id": "WebQTest-2",
        "question": "who is fido",
        "answer": ["Yorkshire", "York"],
        "q_entity": ["Fido"],
        "a_entity": [],
        "graph": [["Fido", "is.a", "Cat"]],
        "choices": [],
    },
]


def write_json_lines(folder, part):
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(row)}\n" for row in ROWS)
    (folder / f"{part}.jsonl").write_text(lines, encoding="utf-8")


def write_parquet(folder, part):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(parents=True, exist_ok=True)
    strings = pa.list_(pa.string())
    types = {"answer": strings, "q_entity": strings, "a_entity": strings, "choices": strings}
    types |= {"graph": pa.list_(strings), "id": pa.string(), "question": pa.string()}
    for shard, rows in enumerate((ROWS[:2], ROWS[2:])):
        table = pa.Table.from_pylist(rows, schema=pa.schema(types.items()))
        path = folder / "data" / f"{part}-0000{shard}-of-00002-abc.parquet"
        pq.write_table(table, path, row_group_size=1)


@pytest.fixture(params=["jsonl", "parquet"])
def write(request):
    return {"jsonl": write_json_lines, "parquet": write_parquet}[request.param]


def test_question_prompt_label_and_graph(tmp_path, write):
    write(tmp_path / "RoG-webqsp", "test")
    suite = load_suite("graphqa-webqsp", tmp_path)
    first, second, third = suite.examples
    assert (first.gold, first.topic) == (("The Rex!", "Fido"), "ann lee")
    assert first.prompt.text == "Question: which pets does ann have\nAnswer: "
    assert first.label == "the rex!|fido"
    assert (first.published, first.compared) == (Published.ANSWERS, Compared.NORMALIZED)
    assert [example.in_graph for example in suite.examples] == [True, False, False]
    graph = suite.graph_of(first)
    assert list(graph.names) == ["ann lee", "rex", "dog"]
    assert graph.relations == ("People.pets", "is.a")
    assert graph.num_edges == 3  # an edge stated twice stays twice
    assert (suite.graph_of(second).num_nodes, second.topic) == (0, None)
    assert list(suite.graph_of(third).names) == ["fido", "cat"]


def test_validation_questions_without_a_graph_are_left_out(tmp_path, write):
    write(tmp_path / "RoG-cwq", "validation")
    suite = load_suite("cwq", tmp_path, "val")
    assert [example.id for example in suite.examples] == [1, 3]
    assert list(suite.graph_of(suite.examples[1]).names) == ["fido", "cat"]


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no file .*RoG-webqsp/data/train-\*\.parquet"):
        load_suite("graphqa-webqsp", tmp_path, "train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ('{"question": "q"}', "row 1: expected question, answer"),
        ('{"question": "q", "answer": [], "q_entity": [], "graph": [["a"]]}', "row 1: expected"),
        ("[]", "line 1: expected an object"),
    ],
)
def test_malformed_rows_are_named(tmp_path, line, message):
    (tmp_path / "RoG-webqsp").mkdir()
    (tmp_path / "RoG-webqsp" / "test.jsonl").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_suite("graphqa-webqsp", tmp_path)
