"""The recipes of GraphQA: presets hold settings that exist, and both run as a user would."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from graphllm.evaluate.suites import SUITES, load_suite
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


@pytest.fixture
def freebase(tmp_path):
    """A folder of data sets with two questions that can be walked, and two that must not be."""
    mids = ["Ann_Lee", "York", "Leeds", "England", "Bo_Lee", "Priest", "Award_X"]
    born, jobs = "/people/person/place_of_birth", "/people/person/profession"
    won = "/award/winner/awards./award/award_honor/award"
    triples = [
        (0, born, 1), (4, born, 2), (0, jobs, 5), (1, "/location/location/containedby", 3),
        (2, "/location/location/containedby", 3), (4, jobs, 5), (0, won, 6), (4, won, 6),
    ]  # fmt: skip
    dev = {"question": "what is bo lee", "answers": ["priest"], "nodes": [[1, "a"]], "edges": []}
    files = {
        "fb15k237/mid2name.txt": [f"/m/{n}\t{name}" for n, name in enumerate(mids)],
        "fb15k237/train.txt": [f"/m/{h}\t{r}\t/m/{t}" for h, r, t in triples],
        "simplequestions_wikidata/train_qids.txt": ["Q1\tP1\tQ2\twhere did bo lee win"],
        "simplequestions_wikidata/train_labels.csv": [
            ",e1,p,e2,q", "0,Bo Lee,award,Award X,where did bo lee win",
        ],
    }  # fmt: skip
    asked = {
        "trainmodel": [("where was Ann Lee born?", ["York"]), ("what is bo lee?", ["Priest"])],
        "val": [("who runs ann lee?", ["York"])], "devtest": [("no name", ["York"])],
    }  # fmt: skip
    for part, rows in asked.items():
        said = [{"qId": "1", "qText": text, "answers": gold} for text, gold in rows]
        files[f"webquestions/{part}.json"] = [json.dumps(said)]
    for kind in ("", "_refined"):
        test = dev | {"question": "who runs ann lee"}
        files[f"webqsp_retrieved/val_attn_subgraph{kind}.jsonl"] = [json.dumps(dev)] * 3
        files[f"webqsp_retrieved/test_attn_subgraph{kind}.jsonl"] = [json.dumps(test)]
    for name, lines in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


def test_questions_are_made_for_the_webqsp_subgraphs(freebase):
    given = ("--data", "data", "--draws", "60", "--held-back", "1")
    done = run("webqsp_questions.py", *given, "--out", "made", cwd=freebase)
    assert done.stdout == "65 questions to train on (61 made), 1 to stop on\n", done.stderr
    run("webqsp_questions.py", *given, "--out", "again", cwd=freebase)
    for made in (freebase / "made").rglob("*.jsonl"):
        again = freebase / "again" / made.relative_to(freebase / "made")
        assert made.read_bytes() == again.read_bytes()
    suite = load_suite("webqsp-subgraphs", freebase / "made", "train")
    from_dev = [e for e in suite.examples if e.question == "what is bo lee"]
    made = [e for e in suite.examples if e.question == "where was ann lee born"]
    assert (len(from_dev), len(made)) == (4, 60)  # dev in both forms, and not made once more
    assert "who runs ann lee" not in {e.question for e in suite.examples}  # it is a test question
    answered = [e for e in made if e.in_graph]
    assert 40 <= len(answered) < 60  # most graphs hold the answer
    for example in made:
        view = suite.graph_of(example)
        assert ("york" in view.names) == example.in_graph
        assert view.num_edges <= 7
    [simple] = [e for e in suite.examples if e.question == "where did bo lee win"]
    assert simple.gold == ("award x",)
    held_back = load_suite("webqsp-subgraphs", freebase / "made", "val")
    assert [e.question for e in held_back.examples] == ["what is bo lee"]
