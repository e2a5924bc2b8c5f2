"""The curve of accuracy against size, of a tiny model over a few questions."""

import json
import sys
from argparse import Namespace

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore:Mismatch dtype:UserWarning",  # a norm of the tiny T5 in mixed precision is slower
)


@pytest.fixture
def curve(script):
    return script("scene_graphs")


def cell(method, seed, size, right):
    found = {"value": right, "standard_error": 0.05, "n": 100}
    return {
        "method": method, "seed": seed, "size": size, "accuracy": {"all": found, "side": found},
        "told": {"tokens": {"value": 90.0}}, "whole": {"tokens": 500.0, "nodes": 19.0},
        "seconds_a_question": {"index": 0.5, "tell": 0.25, "model": 0.125},
    }  # fmt: skip


def test_a_line_holds_all_seeds_of_a_method_and_size(curve):
    cells = [cell("text", seed, "scenes", right) for seed, right in enumerate((0.2, 0.4))]
    head, line = curve.table([*cells, cell("text", 0, "scenes-200", 0.1)]).splitlines()[:2]
    assert head.split()[:2] == ["method", "size"]
    assert line.split() == [
        *("text", "scenes", "2", "100", "0.300", "0.100", "0.050"),
        *("90", "500", "19", "0.500", "0.250", "0.125"),
    ]
    assert curve.kinds_table(cells).splitlines()[1].split() == ["text", "0.300", "0.300"]


def test_all_methods_share_the_recipe(curve):
    options = Namespace(preset=curve.PRESET, llm="", num_train=4, num_validated=0, epochs=1)
    made = [curve.settings_of(options, method, 2) for method in curve.METHODS]
    assert [given.method for given in made] == list(curve.METHODS)
    assert {(given.seed, given.num_train, given.scored) for given in made} == {(2, 4, "val")}
    assert len({given.training for given in made}) == 1


@pytest.mark.slow
def test_runs_and_cells_are_made_once(curve, tmp_path, monkeypatch, capsys):
    from tests.llm.tiny import save_t5

    save_t5(tmp_path / "model")
    options = ["--out", str(tmp_path / "out"), "--llm", str(tmp_path / "model"), "--split", "val"]
    few = ["--num-train", "16", "--num-validated", "4", "--epochs", "1", "--seed", "0"]
    few += ["--num-rooms", "4", "--num", "3"]
    sizes = ["--size", "scenes", "--size", "scenes-200"]
    monkeypatch.setattr(sys, "argv", ["scene_graphs.py", *options, *few, *sizes])
    curve.main()
    first = capsys.readouterr().out
    cells = {
        path.stem.removeprefix("val-"): json.loads(path.read_text())
        for path in tmp_path.glob("out/cells/*.json")
    }
    assert sorted(cells) == [
        *("g_retriever-0-scenes", "g_retriever-0-scenes-200", "question-0-scenes"),
        *("retrieved_text-0-scenes", "retrieved_text-0-scenes-200"),
        *("text-0-scenes", "text-0-scenes-200"),
    ]
    small, large = cells["text-0-scenes"], cells["text-0-scenes-200"]
    assert small["accuracy"]["all"]["n"] == 4
    assert large["accuracy"]["all"]["n"] == 3
    assert large["whole"]["tokens"] > 8 * small["whole"]["tokens"]
    assert large["told"]["nodes"]["value"] >= 200
    assert cells["g_retriever-0-scenes-200"]["told"]["edges"]["value"] <= 16
    assert cells["g_retriever-0-scenes"]["seconds_a_question"]["index"] > 0
    curve.main()
    assert capsys.readouterr().out in first
