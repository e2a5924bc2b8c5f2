"""Two processes end like one: on the CPU, with gloo, whole modules and sharded ones."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("several.py")
STEPS = 10


def launched(kind, num_processes, folder, accumulate=1, stops_at=-1):
    """Start the processes, wait for all, and return what the first one wrote."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        "ACCELERATE_USE_CPU": "true",
        "ACCELERATE_USE_FSDP": "true" if kind == "fsdp" else "false",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "WORLD_SIZE": str(num_processes),
        "LOCAL_WORLD_SIZE": str(num_processes),
    }
    arguments = [kind, str(folder), str(accumulate), str(STEPS), str(stops_at)]
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            env={**os.environ, **given, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(num_processes)
    ]
    errors = [process.communicate(timeout=500)[1] for process in processes]
    if stops_at >= 0:
        # gloo may abort the process that waits for the other before it says why
        assert any("RuntimeError: stopped" in error for error in errors), errors
        assert all(process.returncode for process in processes), errors
        return None
    assert [process.returncode for process in processes] == [0] * num_processes, errors
    losses = json.loads((folder / "losses.json").read_text("utf-8"))
    return load_file(folder / "weights.safetensors"), losses


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return launched("plain", 1, tmp_path_factory.mktemp("alone"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "accumulate"), [("plain", 1), ("plain", 2), ("fsdp", 1)])
def test_two_processes_end_with_the_weights_of_one(kind, accumulate, alone, tmp_path):
    weights, losses = launched(kind, 2, tmp_path / "two", accumulate)
    assert weights.keys() == alone[0].keys() == {"0.weight", "2.weight", "2.bias"}
    for name, tensor in alone[0].items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-4, atol=1e-6)
    assert losses == pytest.approx(alone[1], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "fsdp"])
def test_two_processes_that_were_broken_off_end_like_those_that_were_not(kind, tmp_path):
    weights, losses = launched(kind, 2, tmp_path / "whole")
    launched(kind, 2, tmp_path / "broken", stops_at=7)
    resumed, more = launched(kind, 2, tmp_path / "broken")
    assert more == losses[6:]
    for name, tensor in weights.items():
        assert torch.equal(resumed[name], tensor), name
