"""The recipes of GraphQA: presets hold settings that exist, and both run as a user would."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from graphllm.evaluate.suites import SUITES
from graphllm.models.g_retriever import Markers, SequenceSettings
from graphllm.tasks.graph_qa_training import GraphQASettings
from graphllm.train.settings_file import from_table

PIPELINES = Path(__file__).parents[1] / "pipelines" / "graph_qa"
PRESETS = sorted(PIPELINES.glob("*.toml"))


def preset(path):
    return from_table(GraphQASettings, tomllib.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_has_settings_and_a_suite_that_exist(path):
    given = preset(path)
    assert given.suite in SUITES
    assert given.paper_mode == given.training.paper_mode == path.stem.endswith("_paper")


def test_paper_presets_have_the_published_numbers():
    found = {path.stem: preset(path) for path in PRESETS if path.stem.endswith("_paper")}
    assert sorted(found) == ["explagraphs_paper", "scenegraphs_paper", "webqsp_paper"]
    for given in found.values():
        assert given.sequence == SequenceSettings(
            paper_mode=True,
            markers=Markers(before="<s>[INST]", after="[/INST]", end="</s>"),
            max_text_tokens=512,
            max_label_tokens=32,
            max_new_tokens=32,
        )
        how = given.training
        assert (how.epochs, how.batch_size, how.learning_rate, how.patience) == (10, 8, 1e-5, 2)
        assert given.text_encoder == "st:sentence-transformers/all-roberta-large-v1"
        assert given.method == "g_retriever"
    prizes = {name: given.prizes for name, given in found.items() if given.retriever}
    assert {n: (p.top_k, p.top_k_edges, p.edge_cost) for n, p in prizes.items()} == {
        "scenegraphs_paper": (3, 3, 0.5),
        "webqsp_paper": (3, 5, 0.5),
    }


def run(recipe, *args, cwd):
    command = [sys.executable, str(PIPELINES / recipe), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=300)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_model_is_trained_made_again_and_evaluated(tmp_path):
    from tests.llm.tiny import save_gpt2

    save_gpt2(tmp_path / "model")
    (tmp_path / "data").mkdir()
    rows = ["arg1\targ2\tlabel\tgraph"]
    for n in range(15):
        label = "support" if n % 2 else "counter"
        rows.append(f"Cat {n} is good.\tIt purrs.\t{label}\t(cat {n}; is a; pet)(pet; is; good)")
    (tmp_path / "data" / "train_dev.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    (tmp_path / "mine.toml").write_text(
        'suite = "graphqa-explagraphs"\nlora_rank = 2\nhidden_dim = 8\nnum_tokens = 2\n'
        'scored = "val"\nby_likelihood = true\n[training]\nepochs = 1\nbatch_size = 4\n',
        "utf-8",
    )
    given = ("mine.toml", "--data", "data", "--llm", "model", "--out", "run")
    done = run("train.py", *given, cwd=tmp_path)
    assert done.stdout.startswith("graphqa-explagraphs (val), 3 questions, g_retriever\n"), (
        done.stderr
    )
    done = run("train.py", "--again", "run", "--out", "again", cwd=tmp_path)
    for name in ("weights.safetensors", "predictions.jsonl", "report.json"):
        written = [(tmp_path / folder / name).read_bytes() for folder in ("run", "again")]
        assert written[0] == written[1], done.stderr
    means = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))["means"]
    done = run("evaluate.py", "run", "--split", "val", "--out", "said.jsonl", cwd=tmp_path)
    [said] = re.findall(r"^hits_at_1 +([\d.]+)", done.stdout, re.MULTILINE)
    assert float(said) == pytest.approx(means["hits_at_1"]["value"], abs=1e-4)
    assert len((tmp_path / "said.jsonl").read_text("utf-8").splitlines()) == 3
    done = run("evaluate.py", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "nowhere: holds no run of 'graph-qa'\n"
