"""Are the cited edges a proof? Run the plan on them alone, and without them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from graphllm.graph.view import GraphView
from graphllm.graph.without import WithoutEdges, only_edges
from graphllm.query import Plan, PlanResult, execute


class ProofCheck(NamedTuple):
    """What becomes of an answer when the graph is cut along its citations.

    Attributes:
        suffices: On the cited edges alone the plan gives the same answer.
        is_needed: Without the cited edges it does not.
    """

    suffices: bool
    is_needed: bool


def check_proof(plan: Plan, view: GraphView, cited: Int[np.ndarray, "num_cited"]) -> ProofCheck:
    """Return whether ``cited`` proves the answer of ``plan``."""
    whole = execute(plan, view)
    return ProofCheck(
        suffices=_is_same(whole, execute(plan, only_edges(view, cited))),
        is_needed=not _is_same(whole, execute(plan, WithoutEdges(view, cited))),
    )


def _is_same(first: PlanResult, second: PlanResult) -> bool:
    # nodes keep their ids in every cut, edges do not
    return np.array_equal(first.nodes, second.nodes) and first.values == second.values
