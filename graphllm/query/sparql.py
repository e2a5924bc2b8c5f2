"""Plans as SPARQL, and a graph as the RDF that it asks.

``sparql_data`` writes a graph view as N-Triples; the query that ``to_sparql`` prints, run over
them, gives the nodes and values that ``execute`` gives. What stands for what:

* a node, relation, type or attribute is ``urn:graphllm:node:`` (``relation:`` ...) and its
  percent-encoded key or name; an edge is a plain triple;
* ``name`` is a node's name, ``folded-name`` what it is compared by, ``reading`` the number or date
  it is written as; text attributes have ``folded:`` and ``reading:`` twins in the same way;
* an edge with attributes is described once more, as ``edge:17`` with ``head``, ``relation``,
  ``tail`` and the attributes.

RDF has no duplicate triples: plans denote sets, so only the facts of a node lose anything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import quote

import numpy as np

from graphllm.errors import PlanError
from graphllm.graph.columns import Column, Kind, Value
from graphllm.graph.view import GraphView
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
from graphllm.query.values import fold_text, read_text, starts_anywhere

_SCHEME = "urn:graphllm:"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_INDENT = "  "


def _named(kind: str, name: str) -> str:
    return f"<{_SCHEME}{kind}:{quote(name, safe='', errors='replace')}>"


def _own(word: str) -> str:
    return f"<{_SCHEME}{word}>"


def sparql_data(view: GraphView) -> Iterator[str]:
    """Yield the graph as lines of N-Triples, each with its line end.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> lines = sparql_data(TextualGraph.from_triples([("Ada", "wrote to", "Babbage")]))
        >>> print(list(lines)[-1], end="")
        <urn:graphllm:node:Ada> <urn:graphllm:relation:wrote%20to> <urn:graphllm:node:Babbage> .
    """
    nodes = [_named("node", key) for key in view.keys]
    relations = [_named("relation", relation) for relation in view.relations]
    types = [_named("type", name) for name in view.node_types]
    for node, name, node_type in zip(
        nodes, view.names, np.asarray(view.node_type_ids).tolist(), strict=True
    ):
        yield from _described(node, name)
        if node_type >= 0:
            yield f"{node} {_TYPE} {types[node_type]} .\n"
    for column in view.node_columns.values():
        yield from _attributes(column, nodes)
    yield from _edges(view, nodes, relations)


def _described(node: str, name: str) -> Iterator[str]:
    yield f"{node} {_own('name')} {_string(name)} .\n"
    yield f"{node} {_own('folded-name')} {_string(fold_text(name))} .\n"
    reading = read_text(name)
    if reading is not None:
        yield f"{node} {_own('reading')} {_literal(reading)} .\n"


def _attributes(column: Column, owners: Sequence[str]) -> Iterator[str]:
    attribute = _named("attribute", column.name)
    for row, owner in enumerate(np.asarray(column.ids).tolist()):
        value = column.value(row)
        if value != value:  # NaN and NaT say nothing
            continue
        yield f"{owners[owner]} {attribute} {_literal(value)} .\n"
        if isinstance(value, str):
            folded, reading = fold_text(value), read_text(value)
            yield f"{owners[owner]} {_named('folded', column.name)} {_string(folded)} .\n"
            if reading is not None:
                twin = _named("reading", column.name)
                yield f"{owners[owner]} {twin} {_literal(reading)} .\n"


def _edges(view: GraphView, nodes: Sequence[str], relations: Sequence[str]) -> Iterator[str]:
    columns = view.edge_columns.values()
    described = {edge for column in columns for edge in np.asarray(column.ids).tolist()}
    ends = (np.asarray(ids).tolist() for ids in (view.heads, view.relation_ids, view.tails))
    for edge, (head, relation, tail) in enumerate(zip(*ends, strict=True)):
        yield f"{nodes[head]} {relations[relation]} {nodes[tail]} .\n"
        if edge in described:
            subject = _named("edge", str(edge))
            yield f"{subject} {_own('head')} {nodes[head]} .\n"
            yield f"{subject} {_own('relation')} {relations[relation]} .\n"
            yield f"{subject} {_own('tail')} {nodes[tail]} .\n"
    owners = _EdgeNames(view.num_edges)
    for column in columns:
        yield from _attributes(column, owners)


class _EdgeNames(Sequence[str]):
    """The IRI of every edge, made when asked for."""

    def __init__(self, num_edges: int) -> None:
        self.num_edges = num_edges

    def __len__(self) -> int:
        return self.num_edges

    def __getitem__(self, edge: int) -> str:  # type: ignore[override]
        return _named("edge", str(edge))


def _string(text: str) -> str:
    """Return a literal that nothing in the text can end; the same in N-Triples and SPARQL."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(c if c.isprintable() else _escaped(c) for c in safe)}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:  # half a character: no Unicode text holds it
        return "\\uFFFD"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return f'"{str(value).lower()}"^^<{_XSD}boolean>'
    if isinstance(value, int):
        return f'"{value}"^^<{_XSD}integer>'
    if isinstance(value, float):
        text = repr(value).replace("inf", "INF").replace("nan", "NaN")
        return f'"{text}"^^<{_XSD}double>'
    text = date_text(value)
    return f'"{text}{"" if "T" in text else "T00:00:00"}"^^<{_XSD}dateTime>'


def to_sparql(plan: Plan, view: GraphView | None = None) -> str:
    """Return ``plan`` as one SPARQL 1.1 query over what ``sparql_data`` writes.

    Plans of nodes select ``?node``; ``GroupCount`` also ``?count``; ``Grouped`` selects ``?group``
    and ``?number``; plans of values select one variable; ``Exists`` asks; ``FactsOf`` selects
    ``?subject ?predicate ?object``.

    Args:
        view: Tells whether an attribute is text; without it the query looks for both forms.

    Raises:
        PlanError: SPARQL cannot say it (a shortest path, the largest of each group), or it is
            nested too deep.

    Examples:
        >>> print(to_sparql(Follow(Entities(("Troy",)), Step("directed_by"))))
        SELECT DISTINCT ?node WHERE {
          VALUES ?n1 { <urn:graphllm:node:Troy> }
          ?n1 <urn:graphllm:relation:directed_by> ?node .
        }
    """
    check_depth(plan)
    query = "\n".join(_Writer(view).query(plan))
    return f"PREFIX xsd: <{_XSD}>\n{query}" if "xsd:" in query else query


Lines = list[str]


def _block(opening: str, lines: Iterable[str], closing: str = "}") -> Lines:
    return [opening, *(_INDENT + line for line in lines), closing]


class _Writer:
    """Writes graph patterns; each variable inside them is new, so that patterns join freely."""

    def __init__(self, view: GraphView | None) -> None:
        self.view = view
        self._made = Counter[str]()

    def variable(self, letter: str = "n") -> str:
        self._made[letter] += 1
        return f"?{letter}{self._made[letter]}"

    def query(self, plan: Plan) -> Lines:
        match plan:
            case Values(source, attribute):
                n = self.variable()
                where = [*self.nodes(source, n), f"{n} {_named('attribute', attribute)} ?value ."]
                return _block("SELECT DISTINCT ?value WHERE {", where)
            case EdgeValues():
                return self.edge_values(plan)
            case Count(source):
                where = self.nodes(source, "?node")
                return _block("SELECT (COUNT(DISTINCT ?node) AS ?count) WHERE {", where)
            case CountValues(source, attribute):
                n = self.variable()
                where = [*self.nodes(source, n), f"{n} {_named('attribute', attribute)} ?value ."]
                return _block("SELECT (COUNT(DISTINCT ?value) AS ?count) WHERE {", where)
            case Grouped():
                return self.grouped(plan)
            case Exists(source):
                return _block("ASK {", self.nodes(source, "?node"))
            case Aggregated():
                return self.aggregated(plan)
            case GroupCount(source, step):
                n = self.variable()
                where = [*self.nodes(source, n), *self.walk(n, step, "?node")]
                select = f"SELECT ?node (COUNT(DISTINCT {n}) AS ?count) WHERE {{"
                return _block(select, where, "} GROUP BY ?node ORDER BY DESC(?count)")
            case ShortestPath():
                raise PlanError(
                    "SPARQL has no shortest paths: its property paths say that nodes are "
                    "connected, not how; print this plan as Cypher"
                )
            case FactsOf(source):
                return self.facts_of(source)
            case _:
                return _block("SELECT DISTINCT ?node WHERE {", self.nodes(plan, "?node"))

    def edge_values(self, plan: EdgeValues) -> Lines:
        source, target = self.variable(), self.variable()
        where = self.nodes(plan.source, source)
        where += self.described_edge(source, plan.step, target, "?edge")
        where.append(f"?edge {_named('attribute', plan.attribute)} ?value .")
        if plan.target is not None:
            where += self.nodes(plan.target, target)
        return _block("SELECT DISTINCT ?value WHERE {", where)

    def aggregated(self, plan: Aggregated) -> Lines:
        n, value = self.variable(), "?value"
        where = self.measured(plan.source, n, plan.measure, value)
        if plan.aggregate in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
            order = "DESC(?rank)" if plan.aggregate is Aggregate.MAXIMUM else "?rank"
            where += [f"BIND({_rank(value)} AS ?rank)", "FILTER(BOUND(?rank))"]
            return _block("SELECT ?value WHERE {", where, f"}} ORDER BY {order} LIMIT 1")
        function = "SUM" if plan.aggregate is Aggregate.SUM else "AVG"
        via = "?via " if isinstance(plan.measure, Reached) else ""
        distinct = f"SELECT DISTINCT {n} {via}{value} WHERE {{"
        inner = _block(distinct, [*where, f"FILTER(isNumeric({value}))"])
        select = f"SELECT ({function}(?value) AS ?total) WHERE {{"
        return _block(select, _block("{", inner), "} HAVING(COUNT(?value) > 0)")

    def grouped(self, plan: Grouped) -> Lines:
        order = f"ORDER BY {'?number' if plan.ascending else 'DESC(?number)'}"
        inner = _block("{", self.numbered(plan, "?group", "?number"))
        if plan.k is None:
            return _block("SELECT ?group ?number WHERE {", inner, f"}} {order}")
        rivals = _block("{", self.numbered(plan, "?other", "?rival"))
        better = "<" if plan.ascending else ">"
        where = [*inner, *_block("OPTIONAL {", [*rivals, f"FILTER(?rival {better} ?number)"])]
        few = f"HAVING(COUNT(DISTINCT ?other) < {plan.k})"
        closing = f"}} GROUP BY ?group ?number {few} {order}"
        return _block("SELECT ?group ?number WHERE {", where, closing)

    def numbered(self, plan: Grouped, group: str, number: str) -> Lines:
        """Return a query for each group and its number."""
        n, key = self.variable(), self.key(plan.by, group)
        where = self.nodes(plan.source, n)
        counted = f"COUNT(DISTINCT {n})"
        if plan.over is not None:
            if plan.over.aggregate in (Aggregate.MINIMUM, Aggregate.MAXIMUM):
                raise PlanError(
                    "SPARQL orders numbers and dates, but cannot return the largest of each group; "
                    "print this plan as Cypher"
                )
            value, via = self.variable("v"), self.variable("via")
            via = via if isinstance(plan.over.measure, Reached) else ""
            measured = self.measured(plan.source, n, plan.over.measure, value, via or "?via")
            where = [*measured, f"FILTER(isNumeric({value}))", *key(n)]
            inner = _block(f"SELECT DISTINCT {group} {n} {via} {value} WHERE {{", where)
            where = _block("{", inner)
            function = "SUM" if plan.over.aggregate is Aggregate.SUM else "AVG"
            counted = f"{function}({value})"
        else:
            where = [*where, *key(n)]
        kept = ""
        if plan.comparison is not None:
            kept = f" HAVING({counted} {plan.comparison.value} {_number(plan.value)})"
        select = f"SELECT {group} ({counted} AS {number}) WHERE {{"
        return _block(select, where, f"}} GROUP BY {group}{kept}")

    def key(self, by: By, group: str) -> Callable[[str], Lines]:
        """Return what writes the way from a node to its group."""

        def write(n: str) -> Lines:
            lines: Lines = []
            for place, step in enumerate(by.steps):
                is_last = place == len(by.steps) - 1 and by.attribute is None
                reached = group if is_last else self.variable()
                lines += self.walk(n, step, reached)
                n = reached
            if by.attribute is None:
                return lines
            value = group if by.part is None else self.variable("v")
            lines.append(f"{n} {_named('attribute', by.attribute)} {value} .")
            if by.part is not None:
                length = {Part.MONTH: 7, Part.DAY: 10}.get(by.part)
                cut = f"SUBSTR(STR({value}), 1, {length})" if length else f"YEAR({value})"
                is_date = f"DATATYPE({value}) = xsd:dateTime"
                lines.append(f"BIND(IF({is_date}, {cut}, {value}) AS {group})")
            return lines

        return write

    def facts_of(self, source: NodePlan) -> Lines:
        kinds = f'FILTER(REGEX(STR(?predicate), "^{_SCHEME}(relation|attribute):"))'
        inner = _block("SELECT DISTINCT ?n WHERE {", self.nodes(source, "?n"))
        direct = [
            *_block("{", inner),
            "{ ?n ?predicate ?object . BIND(?n AS ?subject) }",
            "UNION",
            "{ ?subject ?predicate ?n . BIND(?n AS ?object) }",
            kinds,
        ]
        return _block("SELECT DISTINCT ?subject ?predicate ?object WHERE {", direct)

    # patterns that bind a variable to each node of a set

    def nodes(self, plan: NodePlan, n: str) -> Lines:
        match plan:
            case Entities(keys):
                return [f"VALUES {n} {{ {' '.join(_named('node', key) for key in keys)} }}"]
            case OfType(node_type):
                return [f"{n} {_TYPE} {_named('type', node_type)} ."]
            case HavingStep(step):
                return self.walk(n, step, self.variable())
            case HavingAttribute(attribute):
                return [f"{n} {_named('attribute', attribute)} {self.variable('v')} ."]
            case Follow(source, step):
                inner = self.variable()
                return [*self.nodes(source, inner), *self.walk(inner, step, n)]
            case Intersect(left, right):
                return [*_block("{", self.nodes(left, n)), *_block("{", self.nodes(right, n))]
            case Union(left, right):
                first, second = self.nodes(left, n), self.nodes(right, n)
                return [*_block("{", first), *_block("UNION {", second)]
            case Subtract(left, right):
                taken = _block("MINUS {", self.nodes(right, n))
                return _block("{", [*_block("{", self.nodes(left, n)), *taken])
            case Filter():
                return _block("{", self.filtered(plan, n))
            case TopK():
                return self.top(plan, n)

    def filtered(self, plan: Filter, n: str) -> Lines:
        value = self.variable("v")
        source = self.nodes(plan.source, n)
        test = f"FILTER({_test(value, plan.comparison, plan.value)})"
        match plan.measure:
            case Attribute(name):
                predicate = self.compared_attribute(name, plan.value, edge=False)
                return [*source, f"{n} {predicate} {value} .", test]
            case Reached(step):
                via = self.variable()
                word = "folded-name" if isinstance(plan.value, str) else "reading"
                walked = self.walk(n, step, via)
                return [*source, *walked, f"{via} {_own(word)} {value} .", test]
            case Degree(step):
                return [*self.degree(source, n, step, value), test]

    def compared_attribute(self, name: str, literal: Literal, *, edge: bool) -> str:
        """Return the predicate whose values compare with this literal."""
        if isinstance(literal, str):
            return _named("folded", name)
        return self.ordered_attribute(name, edge=edge)

    def ordered_attribute(self, name: str, *, edge: bool = False) -> str:
        typed, read = _named("attribute", name), _named("reading", name)
        column = None
        if self.view is not None:
            column = (self.view.edge_columns if edge else self.view.node_columns).get(name)
        if column is None:
            return f"({typed}|{read})"
        return read if column.kind is Kind.TEXT else typed

    def degree(self, source: Lines, n: str, step: Step, value: str) -> Lines:
        """Count what a step reaches from each node of ``source``, also where that is nothing."""
        reached = self.variable()
        walked = _block("OPTIONAL {", self.walk(n, step, reached))
        select = f"SELECT {n} (COUNT(DISTINCT {reached}) AS {value}) WHERE {{"
        return _block("{", _block(select, [*source, *walked], f"}} GROUP BY {n}"))

    def measured(
        self, source: NodePlan, n: str, measure: Measure, value: str, via: str = "?via"
    ) -> Lines:
        """Bind ``value`` to each number or date that measures a node of ``source``."""
        lines = self.nodes(source, n)
        match measure:
            case Attribute(name):
                return [*lines, f"{n} {self.ordered_attribute(name)} {value} ."]
            case Reached(step):
                return [*lines, *self.walk(n, step, via), f"{via} {_own('reading')} {value} ."]
            case Degree(step):
                return self.degree(lines, n, step, value)

    def top(self, plan: TopK, n: str) -> Lines:
        """Keep a node when fewer than ``k`` others are better."""
        best, other, other_best = self.variable("best"), self.variable(), self.variable("best")
        better = "<" if plan.ascending else ">"
        rivals = [*self.best(plan, other, other_best), f"FILTER({other_best} {better} {best})"]
        where = [*self.best(plan, n, best), *_block("OPTIONAL {", rivals)]
        closing = f"}} GROUP BY {n} HAVING(COUNT(DISTINCT {other}) < {plan.k})"
        return _block("{", _block(f"SELECT {n} WHERE {{", where, closing))

    def best(self, plan: TopK, n: str, best: str) -> Lines:
        value, rank = self.variable("v"), self.variable("rank")
        where = [
            *self.measured(plan.source, n, plan.measure, value),
            f"BIND({_rank(value)} AS {rank})",
            f"FILTER(BOUND({rank}))",
        ]
        function = "MIN" if plan.ascending else "MAX"
        select = f"SELECT {n} ({function}({rank}) AS {best}) WHERE {{"
        return _block("{", _block(select, where, f"}} GROUP BY {n}"))

    def walk(self, source: str, step: Step, target: str) -> Lines:
        if step.condition is None:
            head, tail = (target, source) if step.inverse else (source, target)
            return [f"{head} {_named('relation', step.relation)} {tail} ."]
        return self.described_edge(source, step, target, self.variable("edge"))

    def described_edge(self, source: str, step: Step, target: str, edge: str) -> Lines:
        head, tail = (target, source) if step.inverse else (source, target)
        lines = [
            f"{edge} {_own('head')} {head} ;",
            f"  {_own('relation')} {_named('relation', step.relation)} ;",
            f"  {_own('tail')} {tail} .",
        ]
        if step.condition is not None:
            lines += self.condition(edge, step.condition)
        return lines

    def condition(self, edge: str, condition: Condition) -> Lines:
        value = self.variable("v")
        predicate = self.compared_attribute(condition.attribute, condition.value, edge=True)
        test = _test(value, condition.comparison, condition.value)
        return [f"{edge} {predicate} {value} .", f"FILTER({test})"]


def _test(value: str, comparison: Comparison, literal: Literal) -> str:
    """Return a condition that is false where values of different kinds meet."""
    if isinstance(literal, str):
        return _test_text(value, comparison, literal)
    if comparison is Comparison.CONTAINS:
        return "false"
    sign = comparison.value
    if isinstance(literal, bool):
        if comparison not in (Comparison.EQUALS, Comparison.NOT_EQUALS):
            return "false"
        is_boolean = f"DATATYPE({value}) = xsd:boolean"
        return f"{is_boolean} && {value} {sign} {str(literal).lower()}"
    is_date = f"DATATYPE({value}) = xsd:dateTime"
    if isinstance(literal, np.datetime64):
        year = int(literal.astype("datetime64[Y]").astype(np.int64)) + 1970
        as_year = f"isNumeric({value}) && FLOOR({value}) = {value} && {value} {sign} {year}"
        return f"({is_date} && {value} {sign} {_date(literal)}) || ({as_year})"
    number = f"isNumeric({value}) && {value} {sign} {_number(literal)}"
    if isinstance(literal, float) and not literal.is_integer():
        return number
    return f"({number}) || ({is_date} && YEAR({value}) {sign} {_number(literal)})"


def _date(moment: np.datetime64) -> str:
    text = date_text(moment)
    return f'"{text}{"" if "T" in text else "T00:00:00"}"^^xsd:dateTime'


def _number(number: int | float) -> str:
    """Return a number as SPARQL writes it; integers that need more than 64 bits as doubles."""
    if abs(number) >= 10**300 or number != number:
        raise PlanError(f"SPARQL compares with finite numbers below 1e300, got {number:.3g}")
    if isinstance(number, int) and abs(number) < 2**63:
        return str(number)
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"


def _test_text(value: str, comparison: Comparison, literal: str) -> str:
    folded = fold_text(literal)
    if comparison is not Comparison.CONTAINS:
        # a number is unlike any text, but does not compare with it
        guard = f"DATATYPE({value}) = xsd:string && "
        unlike = guard if comparison is Comparison.NOT_EQUALS else ""
        return f"{unlike}{value} {comparison.value} {_string(folded)}"
    if starts_anywhere(folded):
        return f"CONTAINS({value}, {_string(folded)})"
    return f'CONTAINS(CONCAT(" ", {value}), {_string(" " + folded)})'


def _rank(value: str) -> str:
    """Return the number that orders numbers and dates together; none for anything else."""
    days = f"(MONTH({value}) - 1) * 31 + DAY({value}) - 1"
    hours = f"HOURS({value}) + MINUTES({value}) / 60.0 + SECONDS({value}) / 3600.0"
    date = f"YEAR({value}) + xsd:double({days} + ({hours}) / 24.0) / 372.0e0"
    return f"IF(isNumeric({value}), xsd:double({value}), {date})"
