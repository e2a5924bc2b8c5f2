"""The scripts of ``benchmarks/``, imported as they import each other."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Return a script of ``benchmarks/`` by its name, as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module
