"""Fixtures that several test folders share."""

import json
import os
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

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


class ModelServer(NamedTuple):
    """An OpenAI-compatible server on this machine, and the prompts it was sent, oldest first."""

    url: str
    prompts: list[str]


@pytest.fixture
def model_server() -> Iterator[Callable[[Callable[[str], str]], ModelServer]]:
    """Start a server whose model replies what a function makes of the last message."""
    servers: list[ThreadingHTTPServer] = []

    def start(reply: Callable[[str], str]) -> ModelServer:
        prompts: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                prompts.append(sent["messages"][-1]["content"])
                message = {"role": "assistant", "content": reply(prompts[-1])}
                self.answer({"choices": [{"message": message, "finish_reason": "stop"}]})

            def answer(self, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return ModelServer(f"http://127.0.0.1:{server.server_address[1]}/v1", prompts)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cite() -> Callable[..., str]:
    """Return what writes a reply: answers, and the numbers of the lines that hold some words."""

    def reply(prompt: str, answers: list[str], *lines: str) -> str:
        numbered = re.findall(r"^\[(\d+)\] (.*)$", prompt, re.MULTILINE)
        cites = [
            int(number)
            for number, line in numbered
            if any(all(word in line for word in words.split("&")) for words in lines)
        ]
        return json.dumps({"answers": answers, "cites": cites, "abstain": None})

    return reply
