"""Fixtures that several test folders share."""

import os
from pathlib import Path

import pytest

# Runs at the start of every Python process that finds it as sitecustomize.
BLOCK_SOCKETS = """
import sys

LOOPBACK = ("127.", "::1", "localhost")


def refuse(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOOPBACK):
        raise PermissionError(f"network blocked: {event} {host}")


sys.addaudithook(refuse)
"""


@pytest.fixture
def data_dir() -> Path:
    """The folder of real datasets; the test is skipped where there is none."""
    folder = os.environ.get("GRAPHLLM_DATA", "")
    if not folder:
        pytest.skip("set GRAPHLLM_DATA to the folder of the datasets")
    if not Path(folder).is_dir():
        pytest.fail(f"GRAPHLLM_DATA={folder} is not a folder")
    return Path(folder)


@pytest.fixture
def no_network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment for a Python subprocess in which only loopback sockets connect.

    Pass it as ``env``; put more on ``PYTHONPATH`` behind what is there.
    """
    folder = tmp_path_factory.mktemp("no_network")
    (folder / "sitecustomize.py").write_text(BLOCK_SOCKETS, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}
