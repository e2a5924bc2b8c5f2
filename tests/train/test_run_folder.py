"""The folder of a run: what it holds, when it refuses to go on, and that a run repeats from it."""

import json
import math
import tomllib
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError, MissingExtraError
from graphllm.train.batches import BucketedBatches
from graphllm.train.checkpoint import load_trainable, save_trainable
from graphllm.train.run_folder import Recipe, RunFolder, read_metrics, read_run, rerun, run
from graphllm.train.settings import TrainSettings
from graphllm.train.settings_file import differences, dump, from_table, to_table
from graphllm.train.trainer import train


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    data: Path
    hidden_dim: int = 3
    note: str | None = None
    train: TrainSettings = field(default_factory=lambda: TrainSettings(num_steps=6))


def fit(given, folder, on_step=lambda _: None):
    """A whole recipe: points from a file, a module, training, weights, numbers."""
    folder.use("data", given.data)
    folder.use("prompt", "x -> y")
    points = json.loads(given.data.read_text("utf-8"))
    torch.manual_seed(given.train.seed)
    module = torch.nn.Sequential(
        torch.nn.Linear(1, given.hidden_dim), torch.nn.Dropout(0.2), torch.nn.Linear(3, 1)
    )

    def told(progress):
        folder.log(progress)
        on_step(progress)

    found = train(
        module,
        lambda module, x: (module(x[:, :1]) - x[:, 1:]).square().mean(),
        BucketedBatches(points, size=4, seed=given.train.seed),
        given.train,
        collate=torch.tensor,
        measure=lambda module: {"loss": float(module[0].weight.sum())},
        checkpoint=folder.checkpoint,
        on_step=told,
    )
    save_trainable(folder.weights, module, {"kind": "line"})
    return {"steps": found.num_steps, "best_step": found.best_step, **found.measured}


LINE = Recipe(name="line", settings=LineSettings, train=fit)


@pytest.fixture
def given_line(tmp_path):
    path = tmp_path / "points.json"
    path.write_text(json.dumps([[float(i), 2.0 * i] for i in range(10)]))
    return LineSettings(data=path, train=TrainSettings(num_steps=6, precision="no", save_every=2))


def steps_of(folder):
    timing = {"seconds", "examples_per_s", "tokens_per_s", "seconds_left"}
    return [
        {name: value for name, value in row.items() if name not in timing}
        for row in read_metrics(folder)
    ]


def test_a_run_leaves_everything_that_it_needs_to_be_made_again(given_line, tmp_path):
    report = run(LINE, given_line, tmp_path / "a")
    table = tomllib.loads((tmp_path / "a/run.toml").read_text("utf-8"))
    assert table["recipe"] == "line"
    assert table["settings"]["train"]["num_steps"] == 6
    assert table["settings"]["train"]["betas"] == [0.9, 0.999]
    assert json.loads((tmp_path / "a/report.json").read_text("utf-8")) == report
    assert read_run(tmp_path / "a").inputs.keys() == {"data", "prompt"}
    environment = json.loads((tmp_path / "a/environment.jsonl").read_text("utf-8"))
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["versions"].keys() >= {"python", "accelerate", "numpy"}
    assert (environment["device"], environment["num_processes"]) == ("cpu", 1)
    again = rerun(LINE, tmp_path / "a", tmp_path / "b")
    assert again == report
    assert steps_of(tmp_path / "a") == steps_of(tmp_path / "b")
    assert [row["step"] for row in steps_of(tmp_path / "b")] == [1, 2, 3, 4, 5, 6]
    for name in ("weights.safetensors", "run.toml", "inputs.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_run_that_was_broken_off_goes_on_in_its_folder(given_line, tmp_path):
    def broken(given, folder):
        def break_off(progress):
            if progress.step == 5:
                raise RuntimeError("power is gone")

        return fit(given, folder, break_off)

    whole = run(LINE, given_line, tmp_path / "whole")
    with pytest.raises(RuntimeError, match="power is gone"):
        run(Recipe(name="line", settings=LineSettings, train=broken), given_line, tmp_path / "a")
    assert not (tmp_path / "a/report.json").exists()
    with (tmp_path / "a/metrics.jsonl").open("a") as torn:
        torn.write('{"step": 6, "lo')
    half_written = tmp_path / "a/.checkpoint.safetensors.17.4"
    half_written.write_bytes(b"half")
    assert run(LINE, given_line, tmp_path / "a") == whole
    assert steps_of(tmp_path / "a") == steps_of(tmp_path / "whole")
    assert not half_written.exists()
    assert len((tmp_path / "a/environment.jsonl").read_text("utf-8").splitlines()) == 2
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("a", "whole")]
    assert weights[0] == weights[1]


def test_a_folder_of_other_settings_is_not_overwritten(given_line, tmp_path):
    run(LINE, given_line, tmp_path / "a")
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    other = LineSettings(data=given_line.data, train=TrainSettings(num_steps=7, save_every=2))
    message = r"num_steps is 6 there and 7 here; train.precision is 'no' there and 'bf16' here;"
    with pytest.raises(ConfigError, match=message):
        run(LINE, other, tmp_path / "a")
    with pytest.raises(ConfigError, match="recipe is 'line' there and 'curve' here; name a new"):
        RunFolder.open(tmp_path / "a", "curve", given_line)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}


def test_a_folder_of_something_else_is_left_alone(given_line, tmp_path):
    with pytest.raises(ConfigError, match=r"holds other files and no run.toml"):
        run(LINE, given_line, given_line.data.parent)


def test_a_changed_input_is_refused(given_line, tmp_path):
    run(LINE, given_line, tmp_path / "a")
    given_line.data.write_text("[[0.0, 1.0]]")
    for act in (
        lambda: run(LINE, given_line, tmp_path / "a"),
        lambda: rerun(LINE, tmp_path / "a", tmp_path / "b"),
    ):
        with pytest.raises(DataError, match=r"data has changed since this run began \(.*points"):
            act()
    given_line.data.unlink()
    with pytest.raises(DataError, match=r"points.json: cannot be read: No such file"):
        run(LINE, given_line, tmp_path / "c")


def test_what_cannot_be_made_again_is_told(given_line, tmp_path):
    with pytest.raises(DataError, match=r"holds no run: there is no run.toml"):
        rerun(LINE, tmp_path, tmp_path / "b")
    run(LINE, given_line, tmp_path / "a")
    curve = Recipe(name="curve", settings=LineSettings, train=fit)
    with pytest.raises(ConfigError, match="is a run of 'line', not of 'curve'"):
        rerun(curve, tmp_path / "a", tmp_path / "b")
    file = tmp_path / "a/run.toml"
    file.write_text(file.read_text("utf-8").replace("hidden_dim", "hiden_dim"), "utf-8")
    with pytest.raises(ConfigError, match="no setting 'hiden_dim'; did you mean 'hidden_dim'"):
        rerun(LINE, tmp_path / "a", tmp_path / "b")
    file.write_text("recipe = ", "utf-8")
    with pytest.raises(DataError, match=r"run.toml or inputs.json cannot be read"):
        rerun(LINE, tmp_path / "a", tmp_path / "b")


def test_weights_hold_what_is_trained_and_nothing_else(tmp_path):
    torch.manual_seed(0)
    layers = [torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1)]
    module = torch.nn.Sequential(*layers).train()
    module[2].requires_grad_(False)
    module(torch.randn(5, 2))  # moves the running means
    save_trainable(tmp_path / "w", module, {"kind": "test"})
    other = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), layers[2])
    assert load_trainable(tmp_path / "w", other) == {"kind": "test"}
    for name, tensor in module.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name
    from safetensors import safe_open

    with safe_open(tmp_path / "w", framework="pt") as file:
        assert not any(name.startswith("2.") for name in file.keys())  # noqa: SIM118
    with pytest.raises(DataError, match=r"weights of another module: 0.bias is .3. there and none"):
        load_trainable(tmp_path / "w", torch.nn.Linear(2, 3))


def test_damage_is_noticed(tmp_path):
    module, path = torch.nn.Linear(2, 3), tmp_path / "w"
    save_trainable(path, module)
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged, its checksum is wrong"):
        load_trainable(path, module)
    path.write_bytes(data[:-4])
    with pytest.raises(DataError, match="not a checkpoint"):
        load_trainable(path, module)
    with pytest.raises(DataError, match="not a checkpoint"):
        load_trainable(tmp_path / "absent", module)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), texts)
tables = st.recursive(
    st.dictionaries(texts, values | st.lists(values, max_size=3), max_size=3),
    lambda inner: st.dictionaries(texts, inner | values, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(tables)
def test_tables_are_read_back_as_they_were_written(table):
    assert tomllib.loads(dump(table)) == table
    assert differences(table, tomllib.loads(dump(table))) == []


def test_settings_are_read_back_as_they_were_written(given_line):
    table = to_table(given_line)
    assert from_table(LineSettings, tomllib.loads(dump(table))) == given_line
    with pytest.raises(ConfigError, match="TrainSettings is a table of settings, got 3"):
        from_table(LineSettings, {**table, "train": 3})

    @dataclass(frozen=True)
    class Odd:
        of: object = None

    with pytest.raises(ConfigError, match=r"Odd.of is <object"):
        to_table(Odd(object()))
    assert to_table(Odd()) == {}
    assert "nan" in dump({"a": math.nan})


def test_tensorboard_is_an_extra(tmp_path):
    from graphllm.train.tensorboard import tensorboard

    if find_spec("tensorboard") is None:
        with (
            pytest.raises(MissingExtraError, match=r"pip install 'graphllm\[tensorboard\]'"),
            tensorboard(tmp_path),
        ):
            pass
    else:
        from graphllm.train.trainer import Progress

        with tensorboard(tmp_path) as write:
            write(Progress(1, 2, 0.5, 1.0, measured={"loss": 0.25}))
        assert any(path.stat().st_size for path in tmp_path.iterdir())
