"""The retrievers there are, by name."""

from typing import cast

from graphllm.registry import load
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.retriever import Retriever

RETRIEVERS = {
    "paths": "graphllm.retrieval.plan_paths:PathRetriever",
    "pcst": "graphllm.retrieval.steiner:PCSTRetriever",
    "ppr": "graphllm.retrieval.ppr:PPRRetriever",
    "khop": "graphllm.retrieval.khop:KHopRetriever",
    "triples": "graphllm.retrieval.top_triples:TopKTriples",
}
DEFAULT_RETRIEVER = "paths"


def load_retriever(name: str, planner: Planner) -> Retriever:
    """Return the retriever called ``name`` over the graph of ``planner``.

    Raises:
        ConfigError: There is no such retriever.
        MissingExtraError: It needs a package that is not installed.
    """
    kind = cast("type", load("retriever", RETRIEVERS, name))
    return cast(Retriever, kind(planner))
