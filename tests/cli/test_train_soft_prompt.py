"""``graphllm train soft-prompt``: its options, its report, and asking the run."""

import json

import pytest

from tests.models.reference_model import save_reference_model

pytestmark = pytest.mark.slow


@pytest.fixture
def towns(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    rows = [f"Town {i},located in,Land {i % 6}\nTown {i},founded by,Ada {i % 9}" for i in range(40)]
    (tmp_path / "towns.csv").write_text("\n".join(rows), "utf-8")
    save_reference_model(tmp_path / "model")
    return ("--graph", "towns.csv", "--llm", "./model")


def test_wrong_usage(graphllm, towns):
    assert "soft prompts" in graphllm("train", "soft-prompt", "--help").stdout
    assert graphllm("train", "soft-prompt").returncode == 2
    for options, message in (
        (("--minutes", "0"), "minutes must be above 0"),
        (("--pooling", "max", "--steps", "1"), "pooling is one of"),
        (("--encoder", "gcm", "--steps", "1"), "Did you mean 'gcn'?"),
        (("--llm", "./nothing"), "no such folder"),
    ):
        done = graphllm("train", "soft-prompt", *towns, *options)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert message in done.stderr


def test_a_report_for_programs_and_an_answer(graphllm, towns, tmp_path):
    small = ("--questions", "40", "--held-out", "6", "--steps", "4", "--tokens", "2")
    done = graphllm("train", "soft-prompt", *towns, *small, "--out", "run", "--json", timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["schema"] == "graphllm.soft-prompt/1"
    assert report["steps"] == 4
    done = graphllm("ask", "towns.csv", "Where is Town 3?", "--llm", "run", "--json", timeout=600)
    assert done.returncode in (0, 3), done.stderr
    assert json.loads(done.stdout)["usage"]["calls"] == 1
    (tmp_path / "run" / "prompted.json").unlink()
    done = graphllm("ask", "towns.csv", "Where is Town 3?", "--llm", "run")
    assert done.returncode == 1
    assert "holds a training run without prompted.json" in done.stderr


def test_topology_tokens_of_an_index_are_read_and_not_computed_again(graphllm, towns, tmp_path):
    assert graphllm("index", "towns.csv", "-o", "towns.gllm", "--topology").returncode == 0
    (kept,) = tmp_path.glob("towns.gllm/gen-*/derived/*.npy")
    before = kept.stat().st_mtime_ns
    small = ("--questions", "20", "--held-out", "4", "--steps", "2", "--tokens", "2", "--topology")
    train = ("train", "soft-prompt", "--graph", "towns.gllm", *towns[2:], *small, "--out", "run")
    done = graphllm(*train, timeout=600)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("**/derived/*.npy")) == [kept]
    assert kept.stat().st_mtime_ns == before
    made = json.loads((tmp_path / "run" / "prompted.json").read_text("utf-8"))
    assert made["topology"]["dim"] == 128
