"""Plans as text that people read, edit and keep, and back.

    follow(follow(entities("Brad Pitt"), ~"starred_actors"), "directed_by")

=============  ==================================================================
nodes          ``entities("key", ...)``  ``type("Film")``  ``having(STEP)``
               ``having(attribute("born"))``
               ``follow(NODES, STEP)``  ``intersect(NODES, NODES)``  ``union``  ``subtract``
               ``filter(NODES, MEASURE, "<", LITERAL)``
               ``top(NODES, MEASURE, 3)``  ``bottom(NODES, MEASURE, 1)``
answers        ``count(NODES)``  ``exists(NODES)``  ``facts(NODES)``
               ``values(NODES, "attribute")``
               ``edge_values(NODES, STEP, "attribute")``, also ``, NODES)`` they must reach
               ``min(NODES, MEASURE)``  ``max``  ``sum``  ``average``
               ``count_values(NODES, "attribute")``  ``group_count(NODES, STEP)``
               ``grouped(NODES, by(KEY))``, also ``, average, MEASURE``, and ``, ">", 5`` (which of
               them) and ``, top, 3`` or ``, bottom, 1``
               ``shortest_path(NODES, NODES, max_hops, max_paths)``
STEP           ``"relation"``, against the edge ``~"relation"``, and with a test of an edge
               attribute ``"won"["year", ">=", 1903]``
KEY            ``STEP``, or several; after them, or alone, ``attribute("city")``, of a date also
               ``year("born")``  ``month("born")``  ``day("born")``
MEASURE        ``attribute("born")``  ``reached(STEP)``  ``degree(STEP)``
LITERAL        ``"text"``  ``1903``  ``1.5``  ``true``  ``false``  ``date("1867-11-07")``
=============  ==================================================================

Strings are JSON strings. Whitespace and line ends between the parts do not matter.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

import numpy as np

from graphllm.errors import PlanError
from graphllm.query.plan import (
    MAX_DEPTH,
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
    Over,
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


def to_text(plan: Plan) -> str:
    """Return ``plan`` as one line that ``parse_plan`` reads back exactly.

    Raises:
        PlanError: It is nested too deep, or holds a number or date that is not finite.

    Examples:
        >>> to_text(Count(Follow(Entities(("Troy",)), Step("directed_by"))))
        'count(follow(entities("Troy"), "directed_by"))'
    """
    check_depth(plan)
    return _write(plan)


def quote(text: str) -> str:
    r"""Return a JSON string that prints safely.

    Examples:
        >>> print(quote('say "é"\x1b[2J'))
        "say \"é\"\u001b[2J"
    """
    return printable(json.dumps(text, ensure_ascii=False))


def printable(text: str) -> str:
    r"""Return ``text`` with escapes for all that could move a cursor, turn the text or hide.

    Examples:
        >>> print(printable("Amélie\x1b[2J"))
        Amélie\u001b[2J
    """
    return text if text.isprintable() else "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


def _write(plan: Plan) -> str:
    match plan:
        case Entities(keys):
            return f"entities({', '.join(map(quote, keys))})"
        case OfType(node_type):
            return f"type({quote(node_type)})"
        case HavingStep(step):
            return f"having({_write_step(step)})"
        case HavingAttribute(attribute):
            return f"having(attribute({quote(attribute)}))"
        case Follow(source, step):
            return f"follow({_write(source)}, {_write_step(step)})"
        case Intersect(left, right):
            return f"intersect({_write(left)}, {_write(right)})"
        case Union(left, right):
            return f"union({_write(left)}, {_write(right)})"
        case Subtract(left, right):
            return f"subtract({_write(left)}, {_write(right)})"
        case Filter(source, measure, comparison, value):
            test = f'{_write_measure(measure)}, "{comparison.value}", {_write_literal(value)}'
            return f"filter({_write(source)}, {test})"
        case TopK(source, measure, k, ascending):
            name = "bottom" if ascending else "top"
            return f"{name}({_write(source)}, {_write_measure(measure)}, {k})"
        case _:
            return _write_answer(plan)


def _write_answer(
    plan: Values
    | EdgeValues
    | Count
    | CountValues
    | Aggregated
    | GroupCount
    | Grouped
    | Exists
    | ShortestPath
    | FactsOf,
) -> str:
    match plan:
        case Values(source, attribute):
            return f"values({_write(source)}, {quote(attribute)})"
        case EdgeValues(source, step, attribute, target):
            reach = "" if target is None else f", {_write(target)}"
            return f"edge_values({_write(source)}, {_write_step(step)}, {quote(attribute)}{reach})"
        case Count(source):
            return f"count({_write(source)})"
        case CountValues(source, attribute):
            return f"count_values({_write(source)}, {quote(attribute)})"
        case Aggregated(source, measure, aggregate):
            return f"{aggregate.value}({_write(source)}, {_write_measure(measure)})"
        case GroupCount(source, step):
            return f"group_count({_write(source)}, {_write_step(step)})"
        case Grouped():
            return f"grouped({', '.join(_grouped_parts(plan))})"
        case Exists(source):
            return f"exists({_write(source)})"
        case ShortestPath(start, end, max_hops, max_paths):
            return f"shortest_path({_write(start)}, {_write(end)}, {max_hops}, {max_paths})"
        case FactsOf(source):
            return f"facts({_write(source)})"


def _grouped_parts(plan: Grouped) -> Iterator[str]:
    yield _write(plan.source)
    yield f"by({', '.join(_key_parts(plan.by))})"
    if plan.over is not None:
        yield f"{plan.over.aggregate.value}, {_write_measure(plan.over.measure)}"
    if plan.comparison is not None:
        yield f'"{plan.comparison.value}", {_write_literal(plan.value)}'
    if plan.k is not None or plan.ascending:
        yield f"{'bottom' if plan.ascending else 'top'}, {plan.k or 0}"


def _key_parts(by: By) -> Iterator[str]:
    yield from map(_write_step, by.steps)
    if by.attribute is not None:
        yield f"{by.part.value if by.part else 'attribute'}({quote(by.attribute)})"


def _write_step(step: Step) -> str:
    text = f"{'~' if step.inverse else ''}{quote(step.relation)}"
    if step.condition is None:
        return text
    name, comparison = quote(step.condition.attribute), step.condition.comparison.value
    return f'{text}[{name}, "{comparison}", {_write_literal(step.condition.value)}]'


def _write_measure(measure: Measure) -> str:
    match measure:
        case Attribute(name):
            return f"attribute({quote(name)})"
        case Reached(step):
            return f"reached({_write_step(step)})"
        case Degree(step):
            return f"degree({_write_step(step)})"


def _write_literal(value: Literal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, np.datetime64):
        return f"date({quote(date_text(value))})"
    if not math.isfinite(value):
        raise PlanError(f"a plan compares with finite numbers, got {value}")
    return repr(value)


def date_text(moment: np.datetime64) -> str:
    """Return a date as ISO text, as short as it can be.

    Raises:
        PlanError: It is not a date (``NaT``).

    Examples:
        >>> date_text(np.datetime64("1867-11-07T00:00:00", "us"))
        '1867-11-07'
    """
    if np.isnat(moment):
        raise PlanError("a plan compares with dates, got NaT")
    text = str(moment.astype("datetime64[us]"))
    return text.removesuffix(".000000").removesuffix("T00:00:00")


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[a-z_]+)
      | (?P<mark>[(),~\[\]])
    )""",
    re.VERBOSE,
)
_AGGREGATES = tuple(aggregate.value for aggregate in Aggregate)
_LONGEST_NUMBER = 300  # digits; int() takes time in their square


class _Token(NamedTuple):
    kind: str  # string, number, word, mark, or end
    text: str
    column: int


def parse_plan(text: str) -> Plan:
    """Return the plan that ``text`` writes.

    Raises:
        PlanError: It cannot be read; the message gives the column and what was expected there.

    Examples:
        >>> parse_plan('follow(entities("Troy"), ~"starred_actors")').step
        Step(relation='starred_actors', inverse=True, condition=None)
    """
    parser = _Parser(_tokens(text))
    plan = parser.plan(0)
    parser.expect_end()
    return plan


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            what = (
                "a string without its closing quote" if text[start] == '"' else quote(text[start])
            )
            raise PlanError(f"plan, column {start + 1}: cannot read {what}")
        kind = match.lastgroup
        tokens.append(_Token(kind, match[kind], match.start(kind) + 1))
        position = match.end()
    tokens.append(_Token("end", "", end + 1))
    return tokens


class _Parser:
    """Recursive descent over the tokens of one plan."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.position = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.position]

    def fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self.next
        came = "the text ends" if token.kind == "end" else f"got {printable(token.text[:60])}"
        raise PlanError(f"plan, column {token.column}: expected {expected}, {came}")

    def take(self, kind: str, expected: str) -> str:
        if self.next.kind != kind:
            self.fail(expected)
        self.position += 1
        return self.tokens[self.position - 1].text

    def mark(self, mark: str) -> None:
        if not self.skip(mark):
            self.fail(f'"{mark}"')

    def skip(self, mark: str) -> bool:
        """Step over a mark if it comes next; say whether it did."""
        if (self.next.kind, self.next.text) != ("mark", mark):
            return False
        self.position += 1
        return True

    def expect_end(self) -> None:
        if self.next.kind != "end":
            self.fail("nothing more")

    # what plans are made of

    def plan(self, depth: int) -> Plan:
        if depth >= MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} operations inside each other")
        token = self.next
        name = self.take("word", "an operation such as follow(...)")
        read = _OPERATIONS.get(name)
        if read is None:
            self.fail(f"an operation ({', '.join(_OPERATIONS)})", token)
        self.mark("(")
        plan = read(self, depth + 1)
        self.mark(")")
        return plan

    def nodes(self, depth: int) -> NodePlan:
        token = self.next
        plan = self.plan(depth)
        if not isinstance(plan, NodePlan):
            self.fail("an operation that gives nodes", token)
        return plan

    def string(self, expected: str) -> str:
        token = self.next
        text = self.take("string", f"{expected} in double quotes")
        try:
            return str(json.loads(text))
        except ValueError:
            self.fail("a JSON string (a backslash begins an escape)", token)

    def integer(self, expected: str) -> int:
        token = self.next
        text = self.take("number", expected)
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            self.fail(f"{expected} of at most 9 digits", token)
        return int(text)

    def step(self) -> Step:
        inverse = self.skip("~")
        relation = self.string("a relation")
        if not self.skip("["):
            return Step(relation, inverse)
        attribute = self.string("an edge attribute")
        self.mark(",")
        condition = Condition(attribute, *self.test())
        self.mark("]")
        return Step(relation, inverse, condition)

    def test(self) -> tuple[Comparison, Literal]:
        token = self.next
        known = [comparison.value for comparison in Comparison]
        text = self.string("a comparison")
        if text not in known:
            self.fail(f"a comparison ({' '.join(known)})", token)
        self.mark(",")
        return Comparison(text), self.literal()

    def literal(self) -> Literal:
        token = self.next
        if token.kind == "string":
            return self.string("a text")
        if token.kind == "number":
            return self.number()
        word = self.take("word", 'a text, a number, true, false or date("...")')
        if word in ("true", "false"):
            return word == "true"
        if word != "date":
            self.fail('a text, a number, true, false or date("...")', token)
        self.mark("(")
        moment = self.moment()
        self.mark(")")
        return moment

    def number(self) -> int | float:
        token = self.next
        text = self.take("number", "a number")
        if len(text) > _LONGEST_NUMBER:
            self.fail(f"a number of at most {_LONGEST_NUMBER} characters", token)
        if re.fullmatch(r"-?[0-9]+", text):
            return int(text)
        if not math.isfinite(float(text)):
            self.fail("a number that a float can hold", token)
        return float(text)

    def moment(self) -> np.datetime64:
        token = self.next
        text = self.string("a date")
        try:
            moment = np.datetime64(text, "us")
        except ValueError:
            self.fail("an ISO date such as 1867-11-07", token)
        if np.isnat(moment) or not re.fullmatch(r"[0-9T:.+-]+", text):
            self.fail("an ISO date such as 1867-11-07", token)
        return moment

    def number_test(self) -> tuple[Comparison, int | float]:
        """Read a comparison with a number, which ``Grouped`` makes of each group."""
        token = self.next
        comparison, value = self.test()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail("a comparison with a number", token)
        return comparison, value

    def word(self, known: Sequence[str]) -> str:
        """Read one of the words that may stand here."""
        token = self.next
        expected = " or ".join(known)
        word = self.take("word", expected)
        if word not in known:
            self.fail(expected, token)
        return word

    def bracketed(self, expected: str) -> str:
        """Read a string in brackets."""
        self.mark("(")
        text = self.string(expected)
        self.mark(")")
        return text

    def measure(self) -> Measure:
        token = self.next
        name = self.take("word", "attribute(...), reached(...) or degree(...)")
        if name not in ("attribute", "reached", "degree"):
            self.fail("attribute(...), reached(...) or degree(...)", token)
        self.mark("(")
        measure: Measure
        if name == "attribute":
            measure = Attribute(self.string("an attribute"))
        else:
            measure = (Reached if name == "reached" else Degree)(self.step())
        self.mark(")")
        return measure


def _entities(parser: _Parser, _: int) -> Plan:
    keys = [parser.string("the key of a node")]
    while parser.skip(","):
        keys.append(parser.string("the key of a node"))
    return Entities(tuple(keys))


def _follow(parser: _Parser, depth: int) -> Plan:
    return Follow(*_nodes_and_step(parser, depth))


def _nodes_and_step(parser: _Parser, depth: int) -> tuple[NodePlan, Step]:
    source = parser.nodes(depth)
    parser.mark(",")
    return source, parser.step()


def _two(parser: _Parser, depth: int) -> tuple[NodePlan, NodePlan]:
    left = parser.nodes(depth)
    parser.mark(",")
    return left, parser.nodes(depth)


def _nodes_and_measure(parser: _Parser, depth: int) -> tuple[NodePlan, Measure]:
    source = parser.nodes(depth)
    parser.mark(",")
    return source, parser.measure()


def _filter(parser: _Parser, depth: int) -> Plan:
    source, measure = _nodes_and_measure(parser, depth)
    parser.mark(",")
    return Filter(source, measure, *parser.test())


def _top(ascending: bool) -> Callable[[_Parser, int], Plan]:
    def read(parser: _Parser, depth: int) -> Plan:
        source, measure = _nodes_and_measure(parser, depth)
        parser.mark(",")
        return TopK(source, measure, parser.integer("how many to keep"), ascending)

    return read


def _aggregated(aggregate: Aggregate) -> Callable[[_Parser, int], Plan]:
    def read(parser: _Parser, depth: int) -> Plan:
        return Aggregated(*_nodes_and_measure(parser, depth), aggregate)

    return read


def _values(parser: _Parser, depth: int) -> Plan:
    return Values(*_nodes_and_attribute(parser, depth))


def _nodes_and_attribute(parser: _Parser, depth: int) -> tuple[NodePlan, str]:
    source = parser.nodes(depth)
    parser.mark(",")
    return source, parser.string("an attribute")


def _edge_values(parser: _Parser, depth: int) -> Plan:
    source, step = _nodes_and_step(parser, depth)
    parser.mark(",")
    attribute = parser.string("an edge attribute")
    target = parser.nodes(depth) if parser.skip(",") else None
    return EdgeValues(source, step, attribute, target)


def _having(parser: _Parser, _: int) -> Plan:
    if parser.next.kind != "word":
        return HavingStep(parser.step())
    parser.word(("attribute",))
    return HavingAttribute(parser.bracketed("an attribute"))


def _grouped(parser: _Parser, depth: int) -> Plan:
    source = parser.nodes(depth)
    parser.mark(",")
    by, over, comparison = _by(parser), None, None
    value: int | float = 0
    while parser.skip(","):
        if parser.next.kind == "string" and comparison is None:
            comparison, value = parser.number_test()
        elif over is None and parser.next.text in _AGGREGATES:
            aggregate = Aggregate(parser.word(_AGGREGATES))
            parser.mark(",")
            over = Over(aggregate, parser.measure())
        else:
            ascending = parser.word(("top", "bottom")) == "bottom"
            parser.mark(",")
            k = parser.integer("how many to keep, 0 for all")
            return Grouped(source, by, over, comparison, value, k or None, ascending)
    return Grouped(source, by, over, comparison, value)


def _by(parser: _Parser) -> By:
    parser.word(("by",))
    parser.mark("(")
    steps: list[Step] = []
    attribute, part = None, None
    while attribute is None:
        if parser.next.kind == "word":
            word = parser.word(("attribute", *Part))
            part = None if word == "attribute" else Part(word)
            attribute = parser.bracketed("an attribute")
        else:
            steps.append(parser.step())
            if not parser.skip(","):
                break
            continue
    parser.mark(")")
    return By(tuple(steps), attribute, part)


def _shortest_path(parser: _Parser, depth: int) -> Plan:
    start, end = _two(parser, depth)
    parser.mark(",")
    max_hops = parser.integer("the most hops")
    parser.mark(",")
    return ShortestPath(start, end, max_hops, parser.integer("the most paths"))


_OPERATIONS: dict[str, Callable[[_Parser, int], Plan]] = {
    "entities": _entities,
    "type": lambda parser, _: OfType(parser.string("a node type")),
    "having": _having,
    "follow": _follow,
    "intersect": lambda parser, depth: Intersect(*_two(parser, depth)),
    "union": lambda parser, depth: Union(*_two(parser, depth)),
    "subtract": lambda parser, depth: Subtract(*_two(parser, depth)),
    "filter": _filter,
    "top": _top(ascending=False),
    "bottom": _top(ascending=True),
    "values": _values,
    "edge_values": _edge_values,
    "count": lambda parser, depth: Count(parser.nodes(depth)),
    **{aggregate.value: _aggregated(aggregate) for aggregate in Aggregate},
    "count_values": lambda parser, depth: CountValues(*_nodes_and_attribute(parser, depth)),
    "grouped": _grouped,
    "group_count": lambda parser, depth: GroupCount(*_nodes_and_step(parser, depth)),
    "exists": lambda parser, depth: Exists(parser.nodes(depth)),
    "shortest_path": _shortest_path,
    "facts": lambda parser, depth: FactsOf(parser.nodes(depth)),
}

OPERATIONS = frozenset(_OPERATIONS)
"""The words that a plan can begin with."""
