"""Stored paths as answers: their ends, relation paths walked in a subgraph; runs scored again."""

import json

import pytest

from graphllm.errors import DataError
from graphllm.evaluate import Predicted, load_suite, run

QUESTION = "where was ann lee born"
SUBGRAPH = {
    "id": 1,
    "question": QUESTION,
    "answers": ["york"],
    "nodes": [[1, "ann lee"], [2, "york"], [3, "m.01"], [4, "leeds"]],
    "edges": [[1, "born", 3], [2, "place", 3], [4, "place", 3]],
}
PATHS = {
    "question": QUESTION,
    "answers": ["York"],
    "paths": ["Ann Lee -> born -> m.01 -> place -> Leeds", "Ann Lee -> home -> York"],
}
RELATIONS = {"question": QUESTION, "rog_paths": [["home"]], "ground_paths": [["born", "place"]]}


@pytest.fixture
def webqsp(script):
    return script("webqsp")


@pytest.fixture
def data(webqsp, tmp_path):
    folder = tmp_path / "webqsp_retrieved"
    folder.mkdir()
    for name, record in {
        "test_attn_subgraph.jsonl": SUBGRAPH,
        "test_attn_subgraph_refined.jsonl": SUBGRAPH,
        webqsp.ROG: RELATIONS,
        **dict.fromkeys(webqsp.GNN_RAG.values(), PATHS),
    }.items():
        (folder / name).write_text(f"{json.dumps(record)}\n", "utf-8")
    return tmp_path


def test_rows_of_what_is_stored(webqsp, data):
    rows = webqsp.stored_rows(data)
    ends = rows["GNN-RAG, both"]
    assert (ends["published_hit"].value, ends["hits_at_1"].value) == (1, 0)  # Leeds comes first
    assert ends["f1"].value == pytest.approx(2 / 3)
    gold = rows["gold relation paths in webqsp-subgraphs"]
    assert (gold["recall"].value, gold["precision"].value) == (1, 0.5)  # against an edge's way too
    rog = rows["RoG's relation paths in webqsp-subgraphs"]
    assert (rog["coverage"].value, rog["published_hit"].value) == (0, 0)
    assert len(webqsp.table(rows)) == 8


def test_a_run_gets_a_row(webqsp, data, tmp_path):
    suite = load_suite("webqsp-subgraphs", data)
    run(suite, lambda _: Predicted(entities=("York",)), out=tmp_path / "run")
    row = webqsp.row_of_run(tmp_path / "run")
    assert (row["published_f1"].value, row["hits_at_1"].value) == (1, 1)
    with pytest.raises(DataError, match="holds no run"):
        webqsp.row_of_run(tmp_path)
    webqsp.write({"run": row}, tmp_path / "out" / "webqsp.json")
    written = json.loads((tmp_path / "out" / "webqsp.json").read_text("utf-8"))
    assert written["rows"]["run"]["published_hit"]["n"] == 1
