"""Run the command as a user does."""

import os
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


@pytest.fixture
def processor_seconds(graphllm):
    """Run ``graphllm``; returns its processor time, which a busy machine leaves alone."""
    if sys.platform == "win32":
        pytest.skip("asks the operating system for the times of other processes")

    def seconds(*args: str) -> float:
        before = os.times()
        done = graphllm(*args)
        after = os.times()
        assert done.returncode == 0, done.stderr
        used = after.children_user + after.children_system
        return used - before.children_user - before.children_system

    return seconds
