"""What the tests of all formats ask of a graph."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphllm.graph import GraphView, TextualGraph, Value, format_value
from graphllm.io.read import read_graph

Fact = tuple[str, str, str]


@pytest.fixture
def facts() -> Callable[[GraphView], list[Fact]]:
    """A graph's edges by name, in order."""

    def listed(view: GraphView) -> list[Fact]:
        columns = (view.heads, view.relation_ids, view.tails)
        edges = zip(*(column.tolist() for column in columns), strict=True)
        return [(view.names[h], view.relations[r], view.names[t]) for h, r, t in edges]

    return listed


@pytest.fixture
def attributes() -> Callable[[GraphView, str], dict[str, list[Value]]]:
    """The attributes of the node with a key: numbers as they are, dates as text."""

    def of_node(view: GraphView, key: str) -> dict[str, list[Value]]:
        node = view.find_key(key)
        assert node is not None
        found = {name: column.of(node) for name, column in view.node_columns.items()}
        return {
            name: [v if isinstance(v, bool | int | float) else format_value(v) for v in values]
            for name, values in found.items()
            if values
        }

    return of_node


@pytest.fixture
def edge_attributes() -> Callable[[GraphView, int], dict[str, list[Value]]]:
    """The attributes of an edge."""

    def of_edge(view: GraphView, edge: int) -> dict[str, list[Value]]:
        found = {name: column.of(edge) for name, column in view.edge_columns.items()}
        return {name: values for name, values in found.items() if values}

    return of_edge


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str, str | bytes], TextualGraph]:
    """Read a graph from a file of the given name and content."""

    def from_content(name: str, content: str | bytes) -> TextualGraph:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_graph(path)

    return from_content


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd):
    """Ask a bad file on the command line: one line, exit code 1, and nothing is left behind."""

    def ask(path, **options):
        from graphllm.cli import main

        cache = tmp_path / "cache"
        monkeypatch.setenv("GRAPHLLM_CACHE", str(cache))
        before = sorted(path.parent.iterdir())
        said = {"mapping": "--map", "format": "--format"}
        more = [word for key, value in options.items() for word in (said[key], str(value))]
        with pytest.raises(SystemExit) as done:
            main(["ask", str(path), "who knows Ada?", *more])
        out, err = capfd.readouterr()
        assert done.value.code == 1
        assert out == ""
        errors = [line for line in err.splitlines() if line.startswith("graphllm: ")]
        assert len(errors) == 1, err
        assert "Traceback" not in err
        assert [p for p in sorted(path.parent.iterdir()) if p != cache] == before
        assert not list(cache.glob("indexes/*.gllm/CURRENT"))

    return ask
