r"""Plans as Cypher (Neo4j 5), for people who keep the same graph in a database.

Nodes carry ``key`` and ``name``, types are labels, relations are relationship types. Every step
is a ``MATCH`` of its own: within one pattern Cypher walks no edge twice, but a plan may. Text is
compared in lower case, the nearest to folding that Cypher has, and a number never with a date.
"""

import json
import re
from collections import Counter

import numpy as np

from graphllm.errors import PlanError
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Condition,
    Count,
    CountValues,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingAttribute,
    HavingStep,
    Intersect,
    Literal,
    Measure,
    NodePlan,
    OfType,
    Part,
    Plan,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    check_depth,
)
from graphllm.query.text import date_text

_OPERATORS = {Comparison.NOT_EQUALS: "<>", Comparison.CONTAINS: "CONTAINS"}
_FUNCTIONS = {Aggregate.AVERAGE: "avg"}


def to_cypher(plan: Plan) -> str:
    """Return ``plan`` as one Cypher query.

    Raises:
        PlanError: It is nested too deep, or compares with a value Cypher has no literal for.

    Examples:
        >>> films = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
        >>> print(to_cypher(Count(films)))
        MATCH (n1) WHERE n1.key IN ['Brad Pitt']
        MATCH (n1)<-[:`starred_actors`]-(n2)
        RETURN count(DISTINCT n2) AS count
    """
    check_depth(plan)
    return "\n".join(_Writer().query(plan))


def quote_name(name: str) -> str:
    r"""Return a name between backticks that nothing in it can end.

    Cypher may decode ``\u0060`` before it looks for the closing backtick, so a backslash before
    a ``u`` is itself written as an escape.
    """
    if not name:
        raise PlanError("Cypher has no empty names for relations, types and attributes")
    safe = re.sub(r"\\(?=u)", r"\\u005C", name).replace("`", "``")
    return f"`{re.sub(_UNPRINTABLE, _escape, safe)}`"


def quote_text(text: str) -> str:
    """Return a string literal that nothing in the text can end."""
    safe = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{re.sub(_UNPRINTABLE, _escape, safe)}'"


_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04X}"


class _Writer:
    """Writes clauses; each variable is new."""

    def __init__(self) -> None:
        self._made = Counter[str]()

    def variable(self, letter: str = "n") -> str:
        self._made[letter] += 1
        return f"{letter}{self._made[letter]}"

    def query(self, plan: Plan) -> list[str]:
        match plan:
            case Values(source, attribute):
                lines, n = self.nodes(source)
                value = f"{n}.{quote_name(attribute)}"
                return [*lines, f"WITH DISTINCT {n} WHERE {value} IS NOT NULL", f"RETURN {value}"]
            case EdgeValues():
                return self.edge_values(plan)
            case Count(source):
                lines, n = self.nodes(source)
                return [*lines, f"RETURN count(DISTINCT {n}) AS count"]
            case CountValues(source, attribute):
                lines, n = self.nodes(source)
                return [*lines, f"RETURN count(DISTINCT {n}.{quote_name(attribute)}) AS count"]
            case Grouped():
                return self.grouped(plan)
            case Exists(source):
                lines, n = self.nodes(source)
                return [*lines, f"RETURN count({n}) > 0 AS exists"]
            case Aggregated(source, measure, aggregate):
                return self.aggregated(source, measure, aggregate)
            case GroupCount(source, step):
                lines, n = self.nodes(source)
                pattern, _, reached = self.walk(n, step)
                counted = f"RETURN {reached}, count(DISTINCT {n}) AS count ORDER BY count DESC"
                return [*lines, *pattern, counted]
            case ShortestPath():
                return self.shortest_path(plan)
            case FactsOf(source):
                lines, n = self.nodes(source)
                edges = f"OPTIONAL MATCH ({n})-[edge]-(other)"
                return [*lines, f"WITH DISTINCT {n}", edges, f"RETURN {n}, edge, other"]
            case _:
                return self.node_query(plan)

    def node_query(self, plan: NodePlan) -> list[str]:
        lines, n = self.nodes(plan)
        return [*lines, f"RETURN DISTINCT {n}.key AS key, {n}.name AS name"]

    def edge_values(self, plan: EdgeValues) -> list[str]:
        lines, n = self.nodes(plan.source)
        pattern, edge, reached = self.walk(n, plan.step, names_edge=True)
        value = f"{edge}.{quote_name(plan.attribute)}"
        tests = [f"{value} IS NOT NULL"]
        if plan.target is not None:
            tests.append(self.is_in(reached, plan.target))
        kept = f"WITH DISTINCT {edge}, {reached} WHERE {' AND '.join(tests)}"
        return [*lines, *pattern, kept, f"RETURN {value}"]

    def aggregated(self, source: NodePlan, measure: Measure, aggregate: Aggregate) -> list[str]:
        lines, n = self.nodes(source)
        measured, value = self.measured(n, measure)
        function = _FUNCTIONS.get(aggregate, aggregate.value)
        return [*lines, *measured, f"RETURN {function}({value}) AS {aggregate.value}"]

    def grouped(self, plan: Grouped) -> list[str]:
        lines, n = self.nodes(plan.source)
        measured: list[str] = []
        number = f"count(DISTINCT {n})"
        if plan.over is not None:
            measured, value = self.measured(n, plan.over.measure)
            measured = [*measured, f"WITH DISTINCT {n}, {value} AS measured"]
            function = _FUNCTIONS.get(plan.over.aggregate, plan.over.aggregate.value)
            number = f"{function}(measured)"
        walked, group = self.group(n, plan.by)
        kept = f"WITH DISTINCT {n}, {'' if plan.over is None else 'measured, '}{group} AS group"
        kept += " WHERE group IS NOT NULL"
        counted = f"WITH group, {number} AS number"
        if plan.comparison is not None:
            counted += f" WHERE {_compared('number', plan.comparison, plan.value)}"
        lines += [*measured, *walked, kept, counted]
        if plan.k is not None:
            lines += self.best_groups(plan.k, ascending=plan.ascending)
        return [*lines, f"RETURN group, number ORDER BY number{'' if plan.ascending else ' DESC'}"]

    def group(self, n: str, by: By) -> tuple[list[str], str]:
        """Return clauses that walk from ``n`` to its group, and what the group is."""
        lines = []
        for step in by.steps:
            pattern, _, n = self.walk(n, step)
            lines += pattern
        if by.attribute is None:
            return lines, n
        value = f"{n}.{quote_name(by.attribute)}"
        if by.part is None:
            return lines, value
        return lines, f"{value}.year" if by.part is Part.YEAR else (
            f"substring(toString({value}), 0, {7 if by.part is Part.MONTH else 10})"
        )

    def best_groups(self, k: int, *, ascending: bool) -> list[str]:
        no_worse, down = ("<=", "") if ascending else (">=", " DESC")
        return [
            f"WITH group, number ORDER BY number{down}",
            "WITH collect({group: group, number: number}) AS groups",
            f"WITH groups, coalesce(groups[{k - 1}], groups[-1]).number AS last",
            "UNWIND groups AS each",
            f"WITH each.group AS group, each.number AS number WHERE number {no_worse} last",
        ]

    def shortest_path(self, plan: ShortestPath) -> list[str]:
        first, a = self.nodes(plan.start)
        b = self.variable()
        hops = max(plan.max_hops, 1)
        return [
            *first,
            f"MATCH ({b}) WHERE {self.is_in(b, plan.end)}",
            f"MATCH path = allShortestPaths(({a})-[*..{hops}]-({b}))",
            f"RETURN path ORDER BY length(path) LIMIT {max(plan.max_paths, 0)}",
        ]

    def nodes(self, plan: NodePlan) -> tuple[list[str], str]:
        """Return clauses that bind a variable to each of the nodes, and that variable."""
        match plan:
            case Entities(keys):
                n = self.variable()
                return [f"MATCH ({n}) WHERE {n}.key IN [{', '.join(map(quote_text, keys))}]"], n
            case OfType(node_type):
                n = self.variable()
                return [f"MATCH ({n}:{quote_name(node_type)})"], n
            case HavingStep() | HavingAttribute():
                n = self.variable()
                return [f"MATCH ({n}) WHERE {self.is_in(n, plan)}"], n
            case Follow(source, step):
                lines, n = self.nodes(source)
                pattern, _, reached = self.walk(n, step)
                return [*lines, *pattern], reached
            case Intersect(left, right):
                lines, n = self.nodes(left)
                return [*lines, f"WITH DISTINCT {n} WHERE {self.is_in(n, right)}"], n
            case Subtract(left, right):
                lines, n = self.nodes(left)
                return [*lines, f"WITH DISTINCT {n} WHERE NOT {self.is_in(n, right)}"], n
            case Union():
                return self.union(plan)
            case Filter(source):
                lines, n = self.nodes(source)
                return [*lines, f"WITH DISTINCT {n} WHERE {self.passes(n, plan)}"], n
            case TopK():
                return self.top(plan)

    def union(self, plan: Union) -> tuple[list[str], str]:
        (left, a), (right, b), n = self.nodes(plan.left), self.nodes(plan.right), self.variable()
        inside = [*left, f"RETURN {a} AS {n}", "UNION", *right, f"RETURN {b} AS {n}"]
        return ["CALL {", *(f"  {line}" for line in inside), "}"], n

    def top(self, plan: TopK) -> tuple[list[str], str]:
        lines, n = self.nodes(plan.source)
        measured, value = self.measured(n, plan.measure)
        best, down = ("min", "") if plan.ascending else ("max", " DESC")
        row, rows, last = self.variable("row"), self.variable("rows"), self.variable("last")
        no_worse = "<=" if plan.ascending else ">="
        return [
            *lines,
            *measured,
            f"WITH {n}, {best}({value}) AS best WHERE best IS NOT NULL",
            f"WITH {n}, best ORDER BY best{down}",
            f"WITH collect({{node: {n}, best: best}}) AS {rows}",
            f"WITH {rows}, coalesce({rows}[{plan.k - 1}], {rows}[-1]).best AS {last}",
            f"UNWIND {rows} AS {row}",
            f"WITH {row} WHERE {row}.best {no_worse} {last}",
            f"WITH {row}.node AS {n}",
        ], n

    def measured(self, n: str, measure: Measure) -> tuple[list[str], str]:
        """Return clauses that measure ``n``, once for each of its values, and the value."""
        match measure:
            case Attribute(name):
                value = self.variable("value")
                return [f"WITH DISTINCT {n}, {n}.{quote_name(name)} AS {value}"], value
            case Reached(step):
                pattern, _, reached = self.walk(n, step)
                distinct = f"WITH DISTINCT {n}, {reached}"
                return [*pattern, distinct], f"toFloat({reached}.name)"
            case Degree():
                value = self.variable("value")
                return [f"WITH DISTINCT {n}, {self.degree(n, measure)} AS {value}"], value

    def degree(self, n: str, measure: Degree) -> str:
        pattern, _, reached = self.walk(n, measure.step)
        return f"COUNT {{ {' '.join(pattern)} RETURN DISTINCT {reached} }}"

    def passes(self, n: str, plan: Filter) -> str:
        match plan.measure:
            case Attribute(name):
                return _compared(f"{n}.{quote_name(name)}", plan.comparison, plan.value)
            case Reached(step):
                pattern, _, reached = self.walk(n, step)
                value = _read_as(plan.value, f"{reached}.name")
                test = _compared(value, plan.comparison, plan.value)
                joint = "AND" if step.condition is not None else "WHERE"
                return f"EXISTS {{ {' '.join(pattern)} {joint} {test} }}"
            case Degree():
                return _compared(self.degree(n, plan.measure), plan.comparison, plan.value)

    def is_in(self, n: str, plan: NodePlan) -> str:
        """Return a condition: is the node bound to ``n`` one of these?"""
        match plan:
            case Entities(keys):
                return f"{n}.key IN [{', '.join(map(quote_text, keys))}]"
            case OfType(node_type):
                return f"{n}:{quote_name(node_type)}"
            case HavingStep(step):
                pattern, _, _ = self.walk(n, step)
                return f"EXISTS {{ {' '.join(pattern)} }}"
            case HavingAttribute(attribute):
                return f"{n}.{quote_name(attribute)} IS NOT NULL"
            case _:
                lines, found = self.nodes(plan)
                return f"{n} IN COLLECT {{ {' '.join(lines)} RETURN DISTINCT {found} }}"

    def walk(self, n: str, step: Step, *, names_edge: bool = False) -> tuple[list[str], str, str]:
        """Return a clause that walks from ``n``, the edge's variable and the one reached."""
        edge, reached = self.variable("e"), self.variable()
        left, right = ("<-", "-") if step.inverse else ("-", "->")
        bound = f"{edge}:" if names_edge or step.condition is not None else ":"
        pattern = f"MATCH ({n}){left}[{bound}{quote_name(step.relation)}]{right}({reached})"
        if step.condition is not None:
            pattern += f" WHERE {_condition(edge, step.condition)}"
        return [pattern], edge, reached


def _condition(edge: str, condition: Condition) -> str:
    value = f"{edge}.{quote_name(condition.attribute)}"
    return _compared(value, condition.comparison, condition.value)


def _compared(value: str, comparison: Comparison, literal: Literal) -> str:
    operator = _OPERATORS.get(comparison, comparison.value)
    if isinstance(literal, str):
        return f"toLower({value}) {operator} toLower({quote_text(literal)})"
    if comparison is Comparison.CONTAINS:
        return "false"  # only text contains
    return f"{value} {operator} {_literal(literal)}"


def _read_as(literal: Literal, name: str) -> str:
    if isinstance(literal, str):
        return name
    return f"date({name})" if isinstance(literal, np.datetime64) else f"toFloat({name})"


def _literal(value: int | float | bool | np.datetime64) -> str:
    if isinstance(value, np.datetime64):
        text = date_text(value)
        return f"localdatetime('{text}')" if "T" in text else f"date('{text}')"
    if isinstance(value, float) and not np.isfinite(value):
        raise PlanError(f"a plan compares with finite numbers, got {value}")
    return json.dumps(value)
