"""Plans: small typed programs over a graph.

"Who directed the films that Brad Pitt starred in?" is, over a film graph,

    films = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
    Follow(films, Step("directed_by"))

A plan names entities by key and relations, types and attributes by the source's own words, so it
can be stored, edited and replayed. Node expressions denote *sets* of nodes.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from graphllm.errors import PlanError


class Comparison(StrEnum):
    """How a filter compares a measured value with the one it is given."""

    EQUALS = "="
    NOT_EQUALS = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"  # folded text contains folded text


Literal = str | int | float | bool | np.datetime64


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one attribute of an edge, e.g. the year of an award."""

    attribute: str
    comparison: Comparison
    value: Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One relation, walked from head to tail, or from tail to head when ``inverse``.

    Attributes:
        relation: As the graph writes it.
        inverse: Walk against the edge.
        condition: Only edges that pass this test.
    """

    relation: str
    inverse: bool = False
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """Measure a node by a typed attribute of its own."""

    name: str


@dataclass(frozen=True, slots=True)
class Reached:
    """Measure a node by the names of the nodes one step away, read as numbers or dates.

    Triples often hold ``film | release_year | 1999`` with the year as a node.
    """

    step: Step


@dataclass(frozen=True, slots=True)
class Degree:
    """Measure a node by how many different nodes one step reaches."""

    step: Step


Measure = Attribute | Reached | Degree


@dataclass(frozen=True, slots=True)
class Entities:
    """The nodes with these keys."""

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise PlanError("a plan's entities need at least one key")


@dataclass(frozen=True, slots=True)
class OfType:
    """Every node of one type."""

    type: str


@dataclass(frozen=True, slots=True)
class HavingStep:
    """Every node from which the step can be walked."""

    step: Step


@dataclass(frozen=True, slots=True)
class HavingAttribute:
    """Every node that has a value of the attribute."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Follow:
    """The nodes one step away from any node of ``source``."""

    source: "NodePlan"
    step: Step


@dataclass(frozen=True, slots=True)
class Intersect:
    """The nodes in both."""

    left: "NodePlan"
    right: "NodePlan"


@dataclass(frozen=True, slots=True)
class Union:
    """The nodes in either."""

    left: "NodePlan"
    right: "NodePlan"


@dataclass(frozen=True, slots=True)
class Subtract:
    """The nodes of ``left`` that are not in ``right``."""

    left: "NodePlan"
    right: "NodePlan"


@dataclass(frozen=True, slots=True)
class Filter:
    """The nodes of ``source`` with a measured value that compares as asked.

    Values of different kinds never compare: "1999" read from a name compares with a number or
    the year of a date; text compares with text, folded. A node without the measure fails.
    """

    source: "NodePlan"
    measure: Measure
    comparison: Comparison
    value: Literal


@dataclass(frozen=True, slots=True)
class TopK:
    """The ``k`` nodes of ``source`` with the largest measure (smallest when ``ascending``).

    All nodes that tie with the last are kept. A node with several values counts with its best.
    """

    source: "NodePlan"
    measure: Measure
    k: int = 1
    ascending: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise PlanError(f"top-k needs k of 1 or more, got {self.k}")


NodePlan = (
    Entities
    | OfType
    | HavingStep
    | HavingAttribute
    | Follow
    | Intersect
    | Union
    | Subtract
    | Filter
    | TopK
)


class Aggregate(StrEnum):
    """How many values become one."""

    MINIMUM = "min"
    MAXIMUM = "max"
    SUM = "sum"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a node attribute over ``source``, in node order."""

    source: NodePlan
    attribute: str


@dataclass(frozen=True, slots=True)
class EdgeValues:
    """The values of an edge attribute on the edges that ``step`` walks from ``source``.

    "When did Marie Curie win the Nobel Prize?" reads the year on the edge. ``target`` keeps only
    the edges that arrive in that set.
    """

    source: NodePlan
    step: Step
    attribute: str
    target: NodePlan | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many different nodes ``source`` has."""

    source: NodePlan


@dataclass(frozen=True, slots=True)
class CountValues:
    """How many different values of an attribute the nodes of ``source`` have."""

    source: NodePlan
    attribute: str


@dataclass(frozen=True, slots=True)
class Aggregated:
    """One number (or date) from a measure over ``source``."""

    source: NodePlan
    measure: Measure
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class GroupCount:
    """For each node that ``step`` reaches from ``source``: from how many of them; largest first."""

    source: NodePlan
    step: Step


class Part(StrEnum):
    """The part of a date that nodes are grouped by."""

    YEAR = "year"
    MONTH = "month"  # of its year: 1997-03
    DAY = "day"


@dataclass(frozen=True, slots=True)
class By:
    """What nodes are grouped by: the node that the steps lead to, or a value of an attribute there.

    Attributes:
        steps: Walked one after the other; none where the nodes' own attribute is meant.
        attribute: Whose values are the groups; ``None`` where the nodes reached are.
        part: Of a date; the whole value when ``None``.
    """

    steps: tuple[Step, ...] = ()
    attribute: str | None = None
    part: Part | None = None

    def __post_init__(self) -> None:
        if not self.steps and self.attribute is None:
            raise PlanError("groups need a step or an attribute to be grouped by")
        if self.part is not None and self.attribute is None:
            raise PlanError(f"only an attribute has a {self.part.value}")


@dataclass(frozen=True, slots=True)
class Over:
    """One number from a measure of the nodes of each group."""

    aggregate: Aggregate
    measure: Measure


@dataclass(frozen=True, slots=True)
class Grouped:
    """For each group of the nodes of ``source`` one number; the largest first.

    Attributes:
        source: A node may be in several groups.
        by: What makes a group.
        over: What the number is; how many different nodes there are when ``None``.
        comparison: Keeps the groups whose number compares with ``value`` as asked.
        value: With what.
        k: Keeps so many, and all that tie with the last.
        ascending: The smallest first.
    """

    source: NodePlan
    by: By
    over: Over | None = None
    comparison: Comparison | None = None
    value: int | float = 0
    k: int | None = None
    ascending: bool = False

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise PlanError(f"top-k needs k of 1 or more, got {self.k}")
        if self.comparison is Comparison.CONTAINS:
            raise PlanError("the number of a group contains nothing; compare it")


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether ``source`` has any node: yes or no."""

    source: NodePlan


@dataclass(frozen=True, slots=True)
class ShortestPath:
    """Shortest connections between two sets of nodes, edges walked either way.

    All shortest paths up to ``max_paths`` are kept, in order of edge ids.
    """

    start: NodePlan
    end: NodePlan
    max_hops: int = 6
    max_paths: int = 5


@dataclass(frozen=True, slots=True)
class FactsOf:
    """Every edge at a node of ``source``, and its attributes: "tell me about ..."."""

    source: NodePlan


Plan = (
    NodePlan
    | Values
    | EdgeValues
    | Count
    | CountValues
    | Aggregated
    | GroupCount
    | Grouped
    | Exists
    | ShortestPath
    | FactsOf
)


MAX_DEPTH = 64  # deeper plans are refused before anything recurses into them


def children(plan: Plan) -> tuple[NodePlan, ...]:
    """Return the plans right inside ``plan``, in the order they are written.

    Examples:
        >>> children(Count(OfType("Film")))
        (OfType(type='Film'),)
    """
    parts = (getattr(plan, name) for name in plan.__slots__)
    return tuple(part for part in parts if isinstance(part, NodePlan))


def check_depth(plan: Plan) -> None:
    """Refuse a plan nested deeper than ``MAX_DEPTH``, without recursion.

    Raises:
        PlanError: It is deeper.
    """
    level: list[Plan] = [plan]
    for _ in range(MAX_DEPTH):
        inside = {id(part): part for outer in level for part in children(outer)}
        if not inside:
            return
        level = list(inside.values())
    raise PlanError(f"the plan is nested deeper than {MAX_DEPTH} operations; make it shorter")
