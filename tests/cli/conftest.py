"""Run the command as a user does."""

import subprocess
import sys

import pytest


@pytest.fixture
def graphllm(tmp_path):
    """Run ``graphllm`` in an empty folder; returns what it printed and its exit code."""

    def run(*args: str, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "graphllm.cli", *args]
        defaults = {"cwd": tmp_path, "timeout": 120, "encoding": "utf-8"}
        return subprocess.run(command, capture_output=True, **{**defaults, **options})

    return run
