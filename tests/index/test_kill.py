"""A build or an embedding run that is killed costs nothing but its own time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kill_index.py"


@pytest.mark.slow
def test_five_kills():
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--kills", "5", "--seed", "7"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["failures"] == 0
    assert summary["build_killed"] + summary["embed_killed"] == 5
