"""The folder of a training run, from which the run can be made again.

run.toml            the recipe and its settings, all of them
inputs.json         a hash of each file and prompt that the run depends on
environment.jsonl   versions, commit and device; a line each time the run was started
metrics.jsonl       loss, rate, speed and validation, a line for each step
checkpoint.safetensors, weights.safetensors     where it stands; what it came to
report.json         the numbers at the end
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.provenance import Provenance
from graphllm.index.generations import write_file
from graphllm.train.settings_file import differences, dump, from_table, to_table

if TYPE_CHECKING:
    from graphllm.train.trainer import Progress

S = TypeVar("S")
_MORE_PACKAGES = ("accelerate", "peft", "safetensors", "torch-geometric")


class RunRecord(NamedTuple):
    """What a folder says its run was.

    Attributes:
        recipe: Its name.
        settings: All of them, as tables.
        inputs: A hash of each file and prompt, by name.
    """

    recipe: str
    settings: dict[str, Any]
    inputs: dict[str, str]


class RunFolder:
    """A folder that one run writes to; made by ``open``.

    Attributes:
        path: Where it is.
        checkpoint: For ``train``.
        weights: For ``save_trainable``, at the end.
    """

    def __init__(self, path: Path, inputs: Mapping[str, str]) -> None:
        self.path = path
        self.checkpoint = path / "checkpoint.safetensors"
        self.weights = path / "weights.safetensors"
        self._inputs = dict(inputs)
        self._logged = 0

    @classmethod
    def open(cls, path: Path, recipe: str, given: object) -> "RunFolder":
        """Begin a run in a new folder, or go on with the same one.

        Raises:
            ConfigError: The folder holds another run; the message says what differs.
        """
        before, settings = read_run(path), to_table(given)
        if before is None:
            if path.exists() and any(path.iterdir()):
                raise ConfigError(f"{path} holds other files and no run.toml; name a new folder")
            _write(path / "run.toml", dump({"recipe": recipe, "settings": settings}))
        else:
            there = {"recipe": before.recipe, **before.settings}
            _refuse_another(path, differences(there, {"recipe": recipe, **settings}))
        folder = cls(path, before.inputs if before else {})
        if _is_main_process():
            for torn in path.glob(".*.safetensors.*"):  # what a killed process was writing
                torn.unlink(missing_ok=True)
            _append(path / "environment.jsonl", environment())
        return folder

    def use(self, name: str, content: Path | str | bytes) -> None:
        """Note that the run depends on a file, or on a text such as a prompt.

        Raises:
            DataError: It is not what it was when the run began, or cannot be read.
        """
        found, before = _hash(content), self._inputs.get(name)
        if before not in (None, found):
            what = content if isinstance(content, Path) else "its text"
            raise DataError(
                f"{self.path}: {name} has changed since this run began ({what}: sha256"
                f" {found[:12]}, expected {str(before)[:12]}); put it back, or name a new folder"
            )
        self._inputs[name] = found
        if before is None:
            _write(self.path / "inputs.json", json.dumps(self._inputs, indent=1) + "\n")

    def log(self, progress: "Progress") -> None:
        """Add a step to the metrics, for ``on_step``; steps that are made again are replaced."""
        path = self.path / "metrics.jsonl"
        if not self._logged:
            kept = [row for row in read_metrics(self.path) if row["step"] < progress.step]
            if path.exists():
                _write(path, "".join(f"{json.dumps(row)}\n" for row in kept))
        self._logged = progress.step
        row = {name: value for name, value in progress._asdict().items() if name != "num_steps"}
        _append(path, {name: value for name, value in row.items() if value is not None})

    def report(self, numbers: Mapping[str, object]) -> None:
        """Write what the run came to."""
        if _is_main_process():
            _write(self.path / "report.json", json.dumps(dict(numbers), indent=1) + "\n")


def _refuse_another(path: Path, found: list[str]) -> None:
    if found:
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        raise ConfigError(
            f"{path} holds another run: {'; '.join(found[:3])}{more}; name a new folder, or give"
            " the same settings to go on with it"
        )


def read_run(path: Path) -> RunRecord | None:
    """Return what the run of a folder is; ``None`` for a folder that has none.

    Raises:
        DataError: Its files cannot be read.
    """
    file, inputs = path / "run.toml", path / "inputs.json"
    if not file.is_file():
        return None
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        hashes = json.loads(inputs.read_text("utf-8")) if inputs.is_file() else {}
        return RunRecord(str(table["recipe"]), dict(table["settings"]), dict(hashes))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: its run.toml or inputs.json cannot be read ({error})") from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the metrics of the run in a folder; a line torn by a crash is left out."""
    file, rows = path / "metrics.jsonl", []
    if file.is_file():
        for line in file.read_text("utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows


def environment() -> dict[str, object]:
    """Return what a run's numbers may depend on besides its settings and inputs."""
    import torch

    found = asdict(Provenance())
    for package in _MORE_PACKAGES:
        try:
            found["versions"][package] = version(package)
        except PackageNotFoundError:
            continue
    on_gpu = torch.cuda.is_available()
    return {
        **found,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "num_processes": int(os.environ.get("WORLD_SIZE", "1")),
        "num_threads": torch.get_num_threads(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Generic[S]):
    """A way to train something.

    Attributes:
        name: As the run folder calls it.
        settings: The dataclass of its settings.
        train: Does it, in a folder, and returns the numbers of the report.
    """

    name: str
    settings: type[S]
    train: Callable[[S, RunFolder], Mapping[str, object]]


def run(recipe: Recipe[S], given: S, out: Path) -> dict[str, object]:
    """Train in the folder ``out``, or go on there; return the report, which is written too.

    Raises:
        ConfigError: The folder holds another run.
    """
    return _trained(recipe, given, RunFolder.open(out, recipe.name, given))


def rerun(recipe: Recipe[S], path: Path, out: Path) -> dict[str, object]:
    """Make the run of the folder ``path`` again, in ``out``, and return the report.

    Raises:
        ConfigError: It is of another recipe, or ``out`` holds another run.
        DataError: There is no run, or one of its inputs has changed.
    """
    before = read_run(path)
    if before is None:
        raise DataError(f"{path}: holds no run: there is no run.toml")
    if before.recipe != recipe.name:
        raise ConfigError(f"{path} is a run of {before.recipe!r}, not of {recipe.name!r}")
    given = from_table(recipe.settings, before.settings)
    folder = RunFolder.open(out, recipe.name, given)
    again = RunFolder(folder.path, before.inputs)
    _write(out / "inputs.json", json.dumps(before.inputs, indent=1) + "\n")
    return _trained(recipe, given, again)


def _trained(recipe: Recipe[S], given: S, folder: RunFolder) -> dict[str, object]:
    report = {"recipe": recipe.name, **recipe.train(given, folder)}
    folder.report(report)
    return report


def _is_main_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _hash(content: Path | str | bytes) -> str:
    if isinstance(content, Path):
        try:
            with content.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{content}: cannot be read: {error.strerror}") from error
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, text: str) -> None:
    write_file(path, text.encode("utf-8"))


def _append(path: Path, row: Mapping[str, object]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(row)}\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
