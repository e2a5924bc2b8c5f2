"""``graphllm train planner``: its options, its report, and going back."""

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def rivers(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    rows = [f"Town {i},located in,Land {i % 6}\nTown {i},founded by,Ada {i % 9}" for i in range(40)]
    (tmp_path / "towns.csv").write_text("\n".join(rows), "utf-8")
    return "towns.csv"


def test_wrong_usage(graphllm, rivers):
    assert graphllm("train", "planner").returncode == 2
    assert graphllm("train", "planner", "--graph", rivers, "--remove", "--show").returncode == 2
    done = graphllm("train", "planner", "--graph", rivers, "--minutes", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "minutes must be between 0 and 1440" in done.stderr
    done = graphllm("train", "planner", "--graph", rivers, "--show")
    assert done.stdout == "the weights that ship are in use\n"
    done = graphllm("train", "planner", "--graph", rivers, "--remove")
    assert done.stdout == "nothing to remove: the weights that ship are in use\n"


def test_a_graph_without_words_cannot_be_trained_on(graphllm, rivers, tmp_path):
    (tmp_path / "opaque.csv").write_text("a1,R1,b1\na2,R1,b2\n", "utf-8")
    done = graphllm("train", "planner", "--graph", "opaque.csv")
    assert done.returncode == 1
    assert "say what they mean: graphllm teach" in done.stderr


def test_a_report_for_programs_and_going_back(graphllm, rivers, tmp_path):
    options = ["--minutes", "0.01", "--questions", "60", "--held-out", "10", "--out", "weights"]
    done = graphllm("train", "planner", "--graph", rivers, *options, "--json", timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["schema"] == "graphllm.adapted-planner/1"
    assert report["before"]["n"] == report["after"]["n"] == report["held_out"] > 0
    assert json.loads((tmp_path / "weights" / "report.json").read_text("utf-8")) == report
    shown = graphllm("train", "planner", "--graph", rivers, "--show").stdout
    if not report["kept"]:
        assert shown == "the weights that ship are in use\n"
        return
    assert json.loads(shown) == report
    removed = graphllm("train", "planner", "--graph", rivers, "--remove")
    assert removed.stdout == "removed: ask and chat use the weights that ship\n"
