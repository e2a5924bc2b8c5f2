"""Find what a plan names in a graph; what is not there is an error that says what is near."""

from collections.abc import Iterable, Mapping
from itertools import islice
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Int32

from graphllm.errors import PlanError
from graphllm.graph.columns import Column
from graphllm.graph.view import GraphView

_RELATION_IDS: WeakKeyDictionary[GraphView, dict[str, int]] = WeakKeyDictionary()
_MOST_COMPARED = 200_000  # names looked through for a near one; an error may not take seconds


def relation_id(view: GraphView, relation: str) -> int:
    """Return the id of a relation.

    Raises:
        PlanError: The graph has no such relation.
    """
    ids = _RELATION_IDS.get(view)
    if ids is None:
        ids = _RELATION_IDS[view] = {name: i for i, name in enumerate(view.relations)}
    if relation not in ids:
        raise _unknown("relation", relation, ids)
    return ids[relation]


def node_ids(view: GraphView, keys: tuple[str, ...]) -> Int32[np.ndarray, "num_nodes"]:
    """Return the nodes with these keys, ascending.

    Raises:
        PlanError: A key is not in the graph.
    """
    found = []
    for key in keys:
        node = view.find_key(key)
        if node is None:
            raise _unknown("node with key", key, view.keys)
        found.append(node)
    return np.unique(np.array(found, dtype=np.int32))


def type_id(view: GraphView, node_type: str) -> int:
    """Return the id of a node type.

    Raises:
        PlanError: The graph has no such type.
    """
    types = list(view.node_types)
    if node_type not in types:
        raise _unknown("node type", node_type, types)
    return types.index(node_type)


def node_column(view: GraphView, attribute: str) -> Column:
    """Return the values of a node attribute.

    Raises:
        PlanError: No node has such an attribute.
    """
    return _column("node attribute", attribute, view.node_columns)


def edge_column(view: GraphView, attribute: str) -> Column:
    """Return the values of an edge attribute.

    Raises:
        PlanError: No edge has such an attribute.
    """
    return _column("edge attribute", attribute, view.edge_columns)


def _column(what: str, attribute: str, columns: Mapping[str, Column]) -> Column:
    column = columns.get(attribute)
    if column is None:
        raise _unknown(what, attribute, columns)
    return column


def _unknown(what: str, word: str, known: Iterable[str]) -> PlanError:
    from rapidfuzz import fuzz, process  # only a wrong plan pays for it

    candidates = list(islice(known, _MOST_COMPARED))
    if not candidates:
        return PlanError(f"the plan asks for {what} {word!r}; this graph has none at all")
    near = process.extractOne(
        word, candidates, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=60
    )
    hint = f"did you mean {near[0]!r}?" if near else f"it has for example {candidates[0]!r}"
    return PlanError(f"the plan asks for {what} {word!r}, which this graph does not have; {hint}")
