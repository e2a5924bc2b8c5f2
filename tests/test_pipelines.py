"""Every recipe runs, as a user would run it, on a tiny graph."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graphllm.retrieval.calibration import Calibration

PIPELINES = Path(__file__).parents[1] / "pipelines"


def run(recipe: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PIPELINES / recipe), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=120)


def test_every_recipe_has_a_test_here():
    recipes = {path.relative_to(PIPELINES).as_posix() for path in PIPELINES.rglob("*.py")}
    planner = ("build", "calibrate", "metaqa", "mine", "sources", "train")
    expected = {"questions/sample.py", "soft_prompt/train.py"}
    # those of GraphQA but for ask.py: test_graph_qa_pipelines
    expected |= {f"graph_qa/{name}.py" for name in ("ask", "evaluate", "train", "webqsp_questions")}
    expected |= {f"small/{name}.py" for name in ("build", "train", "score", "export")}
    assert recipes == expected | {f"planner/{name}.py" for name in planner}


@pytest.mark.slow
def test_ask_answers_a_file_of_questions(tmp_path):
    (tmp_path / "films.csv").write_text("head,relation,tail\nAlien,directed by,Ridley Scott\n")
    (tmp_path / "questions.txt").write_text("Who directed Alien?\n\nWho directed Casablanca?\n")
    done = run("graph_qa/ask.py", "films.csv", "questions.txt", cwd=tmp_path)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["entities"] for answer in answers] == [["Ridley Scott"], []]
    assert done.stderr == "answered 1 of 2\n"


@pytest.mark.slow
def test_sample_prints_questions_over_invented_graphs_and_over_a_file(tmp_path):
    rows = ["head,relation,tail", "Arbel,calls at,Ulm", "Morna,calls at,Ulm", ""]
    (tmp_path / "ships.csv").write_text("\n".join(rows))
    done = run("questions/sample.py", "--num", "6", "--jsonl", "--domain", "music", cwd=tmp_path)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["domain"] for record in records] == ["music"] * 6
    done = run("questions/sample.py", "--num", "2", "--graph", "ships.csv", cwd=tmp_path)
    assert "calls at" in done.stdout
    done = run("questions/sample.py", "--domain", "unicorns", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("no domain 'unicorns'; there are: ")


def test_ask_says_how_it_is_used(tmp_path):
    done = run("graph_qa/ask.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("usage")


@pytest.mark.slow
def test_the_plan_scorer_is_built_for_trained_and_its_sources_compared(tmp_path):
    build = ("--data", ".", "--out", "e.jsonl", "--sources", "curriculum")
    done = run("planner/build.py", *build, "--graphs", "3", "--each", "6", cwd=tmp_path)
    assert done.stdout.endswith("examples in e.jsonl\n"), done.stderr
    train = ("--examples", "e.jsonl", "--out", "run", "--held-out", "8")
    done = run("planner/train.py", *train, "--steps", "1", cwd=tmp_path)
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert report["steps"] == 1, done.stderr
    assert set(report["after"]) == {"curriculum"}
    start = ("--start", "run/adapter.safetensors")
    done = run("planner/train.py", *train[:2], "--out", "on", cwd=tmp_path)
    assert done.stderr == "e.jsonl has too few examples to keep 800 from training\n"
    train = ("--examples", "e.jsonl", "--out", "on", "--held-out", "8", "--steps", "1")
    done = run("planner/train.py", *train, *start, cwd=tmp_path)
    assert (tmp_path / "on" / "adapter.safetensors").is_file(), done.stderr


@pytest.mark.slow
def test_the_planners_own_mistakes_are_mined(tmp_path):
    done = run("planner/mine.py", "--out", "m.jsonl", "--graphs", "1", "--each", "6", cwd=tmp_path)
    records = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text("utf-8").splitlines()]
    assert records, done.stderr
    for record in records:
        assert record["positive"] not in record["negatives"]
        assert record["source"] == "planner"


@pytest.mark.slow
def test_metaqa_is_regenerated_from_templates_of_its_own(tmp_path):
    """The folder is laid out as it is published, and holds two templates of our own."""
    folder = tmp_path / "metaqa"
    folder.mkdir()
    triples = ["Alien|directed_by|Ridley Scott", "Aliens|directed_by|James Cameron"]
    triples += [f"Alien|{relation}|{relation} of it" for relation in ("written_by", "has_genre")]
    (folder / "kb.txt").write_text("\n".join(triples) + "\n", "utf-8")
    one = {"qtype": "movie_to_director", "template": "who made [E]", "count": 3}
    two = {"qtype": "director_to_movie_to_writer", "template": "who wrote [E]'s", "count": 1}
    mined = {hop: {"dev_templates": [one, two]} for hop in ("1", "2", "3")}
    (folder / "templates_mined_from_dev.json").write_text(json.dumps(mined), "utf-8")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nimport numpy as np\nfrom metaqa import metaqa_examples\n"
        "for e in metaqa_examples(Path('.'), np.random.default_rng(0), 30):\n"
        "    assert e.positive not in e.negatives\n"
        "    print(e.question, '|', e.positive)\n"
    )
    command = [sys.executable, "-c", script, str(PIPELINES / "planner")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    lines = set(done.stdout.splitlines())
    assert "who made X | directed by of X" in lines, done.stderr
    assert "who wrote X's | written by of those whose directed by is X" in lines


@pytest.mark.slow
def test_calibrate_writes_what_the_reader_loads(tmp_path):
    options = ("--graphs", "8", "--questions", "4", "--out", "c.json", "--card", "c.md")
    done = run("planner/calibrate.py", *options, "--report", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = Calibration.from_json((tmp_path / "c.json").read_text("utf-8"))
    assert 0 < found.probability({}) < 1
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["questions"] == report["about"]["questions"] == 32
    assert not set(report["about"]["domains"]) & set(report["about"]["measured_on"])
    assert "measured on 32 questions" in (tmp_path / "c.md").read_text("utf-8")


@pytest.mark.slow
def test_the_small_model_is_built_for_trained_and_exported(tmp_path):
    sizes = ("--graphs", "2", "--each", "6")
    for out, *more in (("train.jsonl",), ("held_out.jsonl", "--held-out", "--seed", "1")):
        done = run("small/build.py", "--out", out, *sizes, *more, cwd=tmp_path)
        assert f"examples in {out}" in done.stdout, done.stderr
    files = ("--examples", "train.jsonl", "--held-out", "held_out.jsonl", "--out", "run")
    lengths = ("--steps", "2", "--tokens", "300", "--measured", "4", "--stages", "64")
    done = run("small/train.py", *files, *lengths, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("small/score.py", "--weights", "run", *files[2:4], "--by", "hops", cwd=tmp_path)
    assert " 64 tokens  num " in done.stdout
    done = run("small/export.py", "--weights", "run", "--out", "checkpoint", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "checkpoint" / "model.safetensors").is_file()


@pytest.mark.slow
def test_soft_prompts_are_trained_as_a_preset_says(tmp_path, monkeypatch):
    from tests.models.reference_model import save_reference_model

    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    save_reference_model(tmp_path / "model")
    rows = [f"Town {i},located in,Land {i % 6}\nTown {i},founded by,Ada {i % 9}" for i in range(40)]
    (tmp_path / "towns.csv").write_text("\n".join(rows), "utf-8")
    small = {"steps": 2, "num_train": 30, "num_held_out": 6, "hidden_dim": 8, "num_layers": 1}
    preset = "".join(f"{name} = {value}\n" for name, value in small.items())
    (tmp_path / "mine.toml").write_text(preset, "utf-8")
    options = ("towns.csv", "--preset", "mine.toml", "--llm", "model", "--out", "run")
    done = run("soft_prompt/train.py", *options, cwd=tmp_path)
    assert "soft prompt and text: " in done.stdout, done.stderr
    assert (tmp_path / "run" / "prompted.json").is_file()


def test_every_preset_of_soft_prompts_has_settings_that_exist():
    import tomllib

    from graphllm.config import settings
    from graphllm.tasks.soft_prompt import SoftPromptSettings

    presets = sorted((PIPELINES / "soft_prompt").glob("*.toml"))
    assert [path.stem for path in presets] == ["g_retriever", "small"]
    for path in presets:
        assert settings(SoftPromptSettings, tomllib.loads(path.read_text("utf-8")))
