"""Ask a graph you already have, and get an answer that names the edges it stands on."""

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; importing `typing` would take most of the time
if TYPE_CHECKING:
    from graphllm.answer import Answer
    from graphllm.graph import TextualGraph
    from graphllm.index import GraphIndex
    from graphllm.io import read_graph
    from graphllm.tasks import GraphQA

__all__ = ["Answer", "GraphIndex", "GraphQA", "TextualGraph", "read_graph"]

_WHERE = {
    "Answer": "graphllm.answer",
    "GraphIndex": "graphllm.index",
    "GraphQA": "graphllm.tasks",
    "TextualGraph": "graphllm.graph",
    "read_graph": "graphllm.io",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``import graphllm`` costs nothing."""
    if name not in _WHERE:
        raise AttributeError(f"module 'graphllm' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
