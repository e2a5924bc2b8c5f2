"""What running a plan gives."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.graph.columns import Value


class AttributeFact(NamedTuple):
    """An attribute value that a result rests on; its owner is a node, or an edge if ``on_edge``."""

    owner: int
    attribute: str
    value: Value
    on_edge: bool = False


def _no_ids() -> Int32[np.ndarray, "0"]:
    return np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """The answer of a plan and the edges that prove it.

    Attributes:
        nodes: The answering nodes, for plans that end in nodes: ascending ids, but best first for
            ``TopK`` and ``GroupCount``. For ``FactsOf`` the nodes that have facts.
        values: The answering values: attribute values, one count, one number, one bool; the counts
            beside ``nodes`` for ``GroupCount``, and beside ``nodes`` or ``groups`` for ``Grouped``.
        groups: For ``Grouped`` by an attribute: its values, in the order of their numbers.
        edges: The edges that prove the answer, ascending: on the graph of these edges alone (and
            ``attributes``) the plan gives the same answer, unless ``closed_world``.
        attributes: The attribute values that prove it.
        paths: For ``ShortestPath``: edge ids in walking order, one tuple per path.
        closed_world: The answer rests on absence too ("no", a count, a superlative): ``edges`` are
            then the edges examined.
    """

    nodes: Int32[np.ndarray, "num_answers"] = field(default_factory=_no_ids)
    values: tuple[Value, ...] = ()
    groups: tuple[Value, ...] = ()
    edges: Int32[np.ndarray, "num_proof_edges"] = field(default_factory=_no_ids)
    attributes: tuple[AttributeFact, ...] = ()
    paths: tuple[tuple[int, ...], ...] = ()
    closed_world: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer with (a count of 0 and "no" are answers)."""
        return not (len(self.nodes) or self.values or self.paths)
