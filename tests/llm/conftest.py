"""A server of this test's own, which does what it is told, also what is wrong; tiny models."""

import json
import socketserver
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from shutil import copytree
from threading import Event, Thread

import pytest

from graphllm.llm import OpenAICompatible, Patience


@dataclass
class Request:
    """What a client sent."""

    line: str
    headers: dict[str, str]
    body: dict


@dataclass
class Connection:
    """What a behaviour answers on."""

    request: Request
    write: Callable[[bytes], object]
    stopped: Event

    def send(self, status, body, kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        self.head(status, **headers)
        self.write(body)

    def head(self, status, **headers):
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
        self.write("\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode())

    def event(self, data):
        data = data if isinstance(data, str) else json.dumps(data)
        self.write(f"data: {data}\n\n".encode())

    def open_stream(self, kind="text/event-stream; charset=utf-8"):
        self.head(200, Content_Type=kind)


Behaviour = Callable[[Connection], None]


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode().strip()
        if not line:
            return
        headers = {}
        while header := self.rfile.readline().decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        request = Request(line, headers, body)
        behaviours = self.server.behaviours
        with self.server.lock:
            behave = behaviours[min(len(self.server.requests), len(behaviours) - 1)]
            self.server.requests.append(request)
        try:
            behave(Connection(request, self._write, self.server.stopped))
        except (BrokenPipeError, ConnectionResetError):
            self.server.hung_up.set()

    def _write(self, data):
        self.wfile.write(data)
        self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64  # with the usual five, connections made at once wait a second


@dataclass
class Running:
    url: str
    requests: list[Request]
    hung_up: Event
    _server: Server = field(repr=False)

    def stop(self):
        self._server.stopped.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Start a server that treats its first request as the first behaviour says, and so on."""
    from threading import Lock

    started = []

    def start(*behaviours: Behaviour) -> Running:
        server = Server(("127.0.0.1", 0), Handler)
        server.behaviours, server.requests, server.lock = behaviours, [], Lock()
        server.stopped, server.hung_up = Event(), Event()
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        started.append(Running(url, server.requests, server.hung_up, server))
        return started[-1]

    yield start
    for running in started:
        running.stop()


PATIENCE = Patience(connect_s=5.0, idle_s=5.0, total_s=10.0, retries=2, first_wait_s=0.01)


def model_at(url, **options):
    """A model that tries again at once."""
    return OpenAICompatible("tiny", base_url=url, **{"patience": PATIENCE, **options})


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def completion(text, finish="stop", **more):
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def delta(text=None, finish=None):
    content = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


def replies(text, **more) -> Behaviour:
    return lambda connection: connection.send(200, completion(text, **more))


def echo(connection):
    """A small language model: the question backwards, at most ``max_tokens`` words of it."""
    asked = connection.request.body
    words = asked["messages"][-1]["content"][::-1].split(" ")
    kept = words[: asked["max_tokens"]]
    finish = "stop" if len(kept) == len(words) else "length"
    if not asked.get("stream"):
        connection.send(200, completion(" ".join(kept), finish))
        return
    connection.open_stream()
    for position, word in enumerate(kept):
        connection.event(delta(f" {word}" if position else word))
    connection.event(delta(finish=finish))
    connection.event("[DONE]")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder for each tiny model; a test that changes one works on a copy."""
    from tests.llm.tiny import SAVE

    root = tmp_path_factory.mktemp("models")
    return {kind: save(root / kind) for kind, save in SAVE.items()}


@pytest.fixture(scope="session")
def models(folders):
    from graphllm.llm import LocalLanguageModel

    return {kind: LocalLanguageModel(folder, device="cpu") for kind, folder in folders.items()}


@pytest.fixture
def copied(folders, tmp_path):
    """Return a copy of a model's folder with some files changed: JSON merged, text replaced."""

    def copy(kind, **changes):
        folder = tmp_path / "-".join([kind, *changes])
        copytree(folders[kind], folder)
        for name, values in changes.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}))
        return folder

    return copy
