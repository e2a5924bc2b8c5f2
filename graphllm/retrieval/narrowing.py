"""What narrows a kind of node down: "customers in Berlin or Rome who never ordered"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from graphllm.graph.columns import Kind as ColumnKind
from graphllm.graph.folding import fold
from graphllm.query.plan import (
    Comparison,
    Degree,
    Filter,
    HavingAttribute,
    HavingStep,
    Intersect,
    Literal,
    NodePlan,
    Subtract,
    Union,
)
from graphllm.retrieval.constraints import Constraint, number_said
from graphllm.retrieval.demonyms import countries
from graphllm.retrieval.directions import left_open, of_label, of_names
from graphllm.retrieval.english import FUNCTION_WORDS, PLACE_TYPES, family, words
from graphllm.retrieval.ground import Ground, Question
from graphllm.retrieval.kinds import Kinds, NamedKind, Way
from graphllm.retrieval.linker import Match, Mention, Span, weight
from graphllm.retrieval.measures import ScoredMeasure
from graphllm.retrieval.phrasing import attached
from graphllm.retrieval.units import in_unit_of, is_unit, measured_in

_LONGEST_VALUE = 6  # words
_NEAR = 3  # words between a value and what says of which attribute it is
_CUE_NEAR = 5
_FAR = 0.12  # what each further step to a name costs
_CUED, _UNCUED = 1.3, 0.85  # how sure a value is that a word says the attribute of, or none
_FANS_OUT = 0.05  # for a step from one to many: "the albums of X" rather than the album of a track
_SAID = 0.2  # for words that say which step is meant
_DIRECTED, _MISDIRECTED = 0.1, 0.6  # for "from" before a name, and a step called "source", or not
_UNDIRECTED = 0.2  # for an event with a source, and a step to it that is neither end
_SHARED = 0.3  # for going to what several have in common, and on to the others
_APART = 0.8  # quality of names that are joined by events, and need not be by the same
_ATTACHED = 0.25  # for a name right after the kind that it says something of
_BESIDE = 0.25  # what a word for the kind of a name, beside it, is worth
_OF_ANOTHER = 0.9  # quality of a value that a kind joined with the one asked for has
_GUESSED_STEP = 0.9
_COMMON_VERB = 0.85
_DENYING = words("not without no never except excluding neither nor lack lacks lacking empty")
_HOLDING = words("with have has having whose had")
_LITTLE_SAID = words("a an any some the single yet been ever being of its their to own")
_GENDERS = (
    (words("female females woman women girl girls"), ("female", "f", "woman")),
    (words("male males man men boy boys"), ("male", "m", "man")),
)
_GENDER_LABELS = words("sex gender")
EARNING = words("earn earns earned earning makes make paid pays gets")
_PLACED = words("live lives lived living located based reside resides situated come comes lie lies")
# Verbs that say little of which step is meant: what is joined says it.
_COMMON_VERBS = words(
    "contain contains containing contained include includes including included release released "
    "issue issued place placed make made appear appears exist exists offer offered feature buy "
    "features used billed sold purchased ordered bought store database dated handle handled hold "
    "fly flies flying flown flight flights direct directly nonstop operate operates operated serve "
    "serves served run runs travel reach reached leave leaves leaving depart arrive file record "
    "world data taught held given"
)


@dataclass(frozen=True)
class Asked:
    """A question, and what all readings of it as one about kinds need.

    Attributes:
        question: With its comparisons and its ranking read.
        kinds: The kinds that it names.
        taken: The words that compare, rank or say what is done.
    """

    ground: Ground
    question: Question
    kinds: Sequence[NamedKind]
    comparisons: Sequence[Constraint]
    taken: Sequence[Span]

    @property
    def folded(self) -> list[str]:
        """The words, folded."""
        return [t.folded for t in self.question.seeds.tokens]

    @cached_property
    def inside_names(self) -> frozenset[int]:
        """The words of names as they are written, with capitals: they say nothing else."""
        seeds = self.question.seeds
        return frozenset(
            at
            for mention in seeds.mentions
            if mention.match in (Match.EXACT, Match.FOLDED)
            for at in range(*mention.span)
            if seeds.tokens[at].text[:1].isupper() and mention.span.last - mention.span.first > 1
        )

    @cached_property
    def nouns(self) -> frozenset[int]:
        """The last words of the kinds that are no events: "airlines" in "airlines from Rome"."""
        events = self.ground.kinds.is_event
        return frozenset(n.span.last - 1 for n in self.kinds if not events(n.kind))

    def of_kind(self, kind: int) -> list[Span]:
        """Return where a kind is named."""
        return [named.span for named in self.kinds if named.kind == kind]

    def names_kind(self, position: int) -> bool:
        """Return whether a word is part of the name of a kind."""
        return any(n.span.first <= position < n.span.last for n in self.kinds)


@dataclass
class Reading:
    """A kind of node, narrowed down as far as it was read, and what that explains.

    Attributes:
        kind: The kind.
        plan: Its nodes that are left.
        explained: How well each word is explained, by position.
        mentions: Names that were used.
        denies: It says what a "not" takes away.
        quality: Below 1 where something was guessed.
        is_path: Only names narrow it, as in "the albums of Queen".
        ports: By which its nodes lead to the names that narrow it.
    """

    kind: int
    plan: NodePlan
    explained: dict[int, float] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    denies: bool = False
    quality: float = 1.0
    is_path: bool = False
    ports: frozenset[int] = frozenset()  # by which the nodes lead to names

    def explain(self, positions: range | dict[int, float], quality: float = 1.0) -> None:
        """Note words as explained."""
        said = positions if isinstance(positions, dict) else dict.fromkeys(positions, quality)
        for at, how in said.items():
            self.explained[at] = max(how, self.explained.get(at, 0.0))

    def copy(self) -> "Reading":
        """Return another that goes on from here."""
        return Reading(
            self.kind,
            self.plan,
            dict(self.explained),
            list(self.mentions),
            self.denies,
            self.quality,
            self.is_path,
            self.ports,
        )


class _Piece(NamedTuple):
    """Words that keep some of the nodes of a kind."""

    span: Span
    port: int  # of the attribute, or the last step of the way
    plan: NodePlan  # the nodes that are meant
    is_filter: bool
    sureness: float
    explained: dict[int, float]
    mention: Mention | None = None
    way: Way | None = None  # from the name


def narrowed(asked: Asked, kind: int) -> Reading | None:
    """Return a kind narrowed by all that the question says of it; ``None`` where it cannot be."""
    kinds = asked.ground.kinds
    reading = Reading(kind, kinds.all_of(kind))
    for named in asked.kinds:
        if named.kind == kind:
            reading.explain(range(*named.span), named.quality)
    pieces = list(_pieces(asked, kind))
    groups = _alternatives(asked, pieces)
    if _contradict(asked, kind, groups):
        return None
    for group in groups:
        _keep(asked, reading, group)
    reading.ports = frozenset(p.port ^ 1 for p in pieces if p.way is not None)
    reading.quality *= _APART if _go_apart(asked, kind, groups) else 1.0
    path = reading.plan if pieces and all(piece.mention for piece in pieces) else None
    compared = _compared(asked, reading)
    if compared is None:
        return None
    _holding(asked, compared)
    _lacking(asked, compared)
    compared.is_path = compared.plan == path
    _say_little(asked, compared, placed=bool(pieces))
    return compared


def _pieces(asked: Asked, kind: int) -> list[_Piece]:
    """Return the values and names that keep nodes of a kind; none overlaps another."""
    found = [*_values(asked, kind), *_names(asked, kind)]
    found += _values_of_others(asked, kind, [p.span for p in found])
    tokens = asked.question.seeds.tokens
    found.sort(key=lambda p: (-(p.span.last - p.span.first), -p.sureness, p.span))
    kept: list[_Piece] = []
    for piece in found:
        if not any(piece.span.overlaps(other.span) for other in kept):
            kept.append(piece)
    return sorted((p for p in kept if weight(p.span, tokens) > 0.1), key=lambda p: p.span)


def _values(asked: Asked, kind: int) -> Iterator[_Piece]:
    """Yield values of text attributes: "customers in Berlin", "discontinued products"."""
    ground = asked.ground
    has = ground.kinds.has(kind)
    for span, said in _stretches(asked):
        capital = asked.question.seeds.tokens[span.first].text[:1].isupper()
        if said in ground.schema.labels:  # "each DST zone", of an attribute called so
            continue
        values = _spelled_out(ground, said, repeated=not capital)
        options = [(port, value) for port, value in values if has[port] > 0]
        if options:
            yield _of_value(asked, kind, span, options)
    yield from _numbers(asked, kind)
    yield from _counted_out(asked, kind)
    yield from _gendered(asked, kind)
    for position, token in enumerate(asked.question.seeds.tokens):
        for port, yes in ground.schema.flags.items():
            if has[port] > 0 and ground.affinity.label_word(token.folded, port >> 1):
                yield _of_value(asked, kind, Span(position, position + 1), [(port, yes)])


def _numbers(asked: Asked, kind: int) -> Iterator[_Piece]:
    """Yield "on floor 3": the name of an attribute, and its number."""
    for at, token in enumerate(asked.question.seeds.tokens[1:], 1):
        before, number = asked.folded[at - 1], _number(token.text)
        if number is None or _is_taken(asked, at) or _is_taken(asked, at - 1):
            continue
        for port in asked.ground.kinds.measured(kind):
            label = asked.ground.schema.labels[port >> 1].split()
            if family(before) in map(family, label):
                yield _of_value(asked, kind, Span(at - 1, at + 1), [(port, number)])


def _number(text: str) -> int | float | None:
    """Return the number that a word is, as "5.75"."""
    if text.isdigit():
        return int(text)
    return float(text) if re.fullmatch(r"\d+\.\d+", text) else None


def _counted_out(asked: Asked, kind: int) -> Iterator[_Piece]:
    """Yield "worth 4 credits", "18 years old": a number, and the name of what it counts."""
    folded, kinds = asked.folded, asked.ground.kinds
    for at, word in enumerate(folded[:-1]):
        if not word.isdigit() or _is_taken(asked, at) or folded[at - 1 : at] == ["top"]:
            continue
        aged = folded[at + 1 : at + 3] in (["years", "old"], ["year", "old"])
        after = at + (3 if aged else 2)
        for port in kinds.measured(kind):
            label = asked.ground.schema.labels[port >> 1].split()
            named = "age" in label if aged else family(folded[at + 1]) in map(family, label)
            if named and not asked.names_kind(at + 1):
                yield _of_value(asked, kind, Span(at, after), [(port, int(word))])


def _gendered(asked: Asked, kind: int) -> Iterator[_Piece]:
    """Yield "female students", where an attribute says ``F`` or ``M``."""
    kinds = asked.ground.kinds
    for at, word in enumerate(asked.folded):
        spellings = next((said for known, said in _GENDERS if word in known), ())
        for said in spellings:
            options = [
                (port, value)
                for port, value in asked.ground.schema.text_values.get(said, ())
                if kinds.has(kind)[port] > 0
                and not _GENDER_LABELS.isdisjoint(asked.ground.schema.labels[port >> 1].split())
            ]
            if options and not asked.names_kind(at):
                yield _of_value(asked, kind, Span(at, at + 1), options)


def _spelled_out(ground: Ground, said: str, *, repeated: bool) -> Sequence[tuple[int, str]]:
    """Return the text values that words say, of which there may be several: "surgeons".

    Args:
        repeated: Only of attributes whose values repeat: words in small letters are mostly no name.
    """
    known = ground.schema.text_values if repeated else ground.kinds.values
    return known.get(said) or known.get(said.removesuffix("s")) or _of_country(ground, said)


def _of_country(ground: Ground, adjective: str) -> list[tuple[int, str]]:
    """Return the values that an adjective speaks of: "German" customers have a country."""
    return [
        (port, value)
        for name in countries(adjective)
        for port, value in ground.kinds.values.get(name, ())
        if _is_place(ground.schema.labels[port >> 1])
    ]


def has_value(asked: Asked, kind: int) -> bool:
    """Return whether the question says a value of an attribute that nodes of a kind have."""
    return any(True for _ in _values(asked, kind))


def _stretches(asked: Asked) -> Iterator[tuple[Span, str]]:
    tokens = asked.question.seeds.tokens
    for length in range(min(_LONGEST_VALUE, len(tokens)), 0, -1):
        for first in range(len(tokens) - length + 1):
            span = Span(first, first + length)
            said = " ".join(t.folded for t in tokens[first : first + length])
            small = length == 1 and (said in FUNCTION_WORDS or asked.names_kind(first))
            if not small and not any(span.overlaps(taken) for taken in asked.taken):
                yield span, said


def _of_value(
    asked: Asked, kind: int, span: Span, options: Sequence[tuple[int, Literal]]
) -> _Piece:
    kinds = asked.ground.kinds
    own = {at for named in asked.of_kind(kind) for at in range(*named)}
    cues = {
        port: {at: how for at, how in _beside(asked, span, port).items() if at not in own}
        for port, _ in options
    }
    port, value = max(options, key=lambda o: sum(cues[o[0]].values()))
    measure = asked.ground.measures.measure(port)
    plan = Filter(kinds.all_of(kind), measure, Comparison.EQUALS, value)
    if span.last in cues[port]:  # "Sonoma county", of an attribute called so
        span = Span(span.first, span.last + 1)
    explained = {**dict.fromkeys(range(*span), 1.0), **cues[port]}
    if _is_place(asked.ground.schema.labels[port >> 1]):
        explained |= {at: 0.8 for at, word in enumerate(asked.folded) if word in _PLACED}
    sureness = _CUED if cues[port] else _UNCUED
    return _Piece(span, port, plan, True, sureness, explained)


def _is_place(label: str) -> bool:
    return not PLACE_TYPES.isdisjoint(label.split()) or "address" in label.split()


def _beside(asked: Asked, span: Span, port: int) -> dict[int, float]:
    """Return the words near a stretch that say which attribute or step is meant, and how well."""
    folded = asked.folded
    near = range(max(span.first - _NEAR, 0), min(span.last + 2, len(folded)))
    said = {at: asked.ground.kinds.says(folded[at], port) for at in near}
    outside = {at: s for at, s in said.items() if s and not span.first <= at < span.last}
    return {at: s for at, s in outside.items() if not _is_taken(asked, at)}


def _is_taken(asked: Asked, position: int) -> bool:
    return any(span.first <= position < span.last for span in asked.taken)


def _names(asked: Asked, kind: int) -> Iterator[_Piece]:
    """Yield names that nodes of a kind lead to: "tracks by Queen", "the playlist Grunge"."""
    by_span: dict[Span, _Piece] = {}
    for mention in asked.question.seeds.mentions:
        if not _may_be_name(asked, mention):
            continue
        for piece in _leading(asked, kind, mention):
            known = by_span.get(mention.span)
            if known is None or known.sureness < piece.sureness:
                by_span[mention.span] = piece
    yield from by_span.values()


def _may_be_name(asked: Asked, mention: Mention) -> bool:
    tokens = asked.question.seeds.tokens
    if mention.match is Match.HISTORY or not asked.ground.is_name(asked.question, mention):
        return False
    if any(mention.span.overlaps(span) for span in asked.taken):
        return False
    if fold(mention.text) in asked.ground.schema.labels:  # the "ICAO code" of an airport
        return False
    outside = [at for at in range(*mention.span) if not asked.names_kind(at)]
    small = not any(tokens[at].text[:1].isupper() for at in range(*mention.span))
    if small and all(number_said(tokens[at].folded) for at in outside):
        return False
    guess = mention.match not in (Match.EXACT, Match.FOLDED)
    return bool(outside) and not (small and (guess or len(outside) < len(range(*mention.span))))


def _leading(asked: Asked, kind: int, mention: Mention) -> Iterator[_Piece]:
    ground, kinds = asked.ground, asked.ground.kinds
    start = int(ground.view.node_type_ids[mention.nodes[0]])
    if start < 0:
        return
    entities = ground.entities(mention.nodes)
    for way in kinds.ways(start, kind):
        said = _said_of(asked, start, way)
        sureness = mention.quality - _FAR * (len(way.ports) - 1)
        sureness += _BESIDE * any(_is_beside(s, mention.span) for s in asked.of_kind(start))
        sureness += _ATTACHED * _is_attached(asked, kind, mention.span, way)
        sureness += _FANS_OUT * (way.ports[-1] & 1)
        sureness += _directed(asked, mention.span, way) - _SHARED * _goes_back(way)
        sureness += _SAID * sum(how for at, how in said.items() if not asked.names_kind(at))
        explained = {**dict.fromkeys(range(*mention.span), mention.quality), **said}
        plan = kinds.walked(entities, start, way)
        yield _Piece(mention.span, way.ports[-1], plan, False, sureness, explained, mention, way)


def _is_attached(asked: Asked, kind: int, span: Span, way: Way) -> bool:
    """Return whether a name stands with the kind that it is one step from: "airports in Spain"."""
    nouns = attached(asked.folded, [(n.span, n.kind) for n in asked.kinds], span)
    if len(way.ports) == 1:
        return kind in nouns
    return way.kinds[0] in nouns


def _goes_back(way: Way) -> bool:
    """Return whether a way goes to what others share, and on to those: places of one country."""
    return any(one == other ^ 1 for one, other in pairwise(way.ports))


def _directed(asked: Asked, span: Span, way: Way) -> float:
    """Return what it is worth that "from" or "to" before a name agrees with the way from it."""
    kinds, named = asked.ground.kinds, [m.span for m in asked.question.seeds.mentions]
    said = of_names(asked.folded, named, asked.nouns).get(span)
    other = left_open(asked.folded, named)
    worth = 0.0
    for port, kind in zip(way.ports, way.kinds, strict=True):
        end, wanted = of_label(asked.ground.schema.labels[port >> 1]), said if port & 1 else other
        if end is not None and wanted is not None:
            worth += _DIRECTED if end is wanted else -_MISDIRECTED
        elif port & 1 and wanted is not None and kinds.has_ends(kind):
            worth -= _UNDIRECTED
    return worth


def _contradict(asked: Asked, kind: int, groups: Sequence[Sequence[_Piece]]) -> bool:
    """Return whether an event would have two of what it has one of: two places that it goes to."""
    ports = [port for group in groups for port in {p.port ^ 1 for p in group if p.way is not None}]
    single = [port for port in ports if asked.ground.kinds.is_single(kind, port)]
    return asked.ground.kinds.is_event(kind) and len(set(single)) < len(single)


def _go_apart(asked: Asked, kind: int, groups: Sequence[Sequence[_Piece]]) -> bool:
    """Return whether names are joined by events of one kind, which need not be the same ones.

    Who flies from Rome, and to Oslo, may do so on two flights; one flight has both.
    """
    kinds = asked.ground.kinds
    passed: set[tuple[int, int]] = set()
    for group in groups:
        way = group[0].way
        if way is None or len(way.ports) < 2 or not kinds.is_event(way.kinds[0]):
            continue
        if kinds.is_single(way.kinds[0], way.ports[0] ^ 1):
            passed.add((way.kinds[0], way.ports[0]))
    events = [event for event, _ in passed if event != kind]
    return len(set(events)) < len(events)


def _is_beside(span: Span, other: Span) -> bool:
    return span.last == other.first or span.first == other.last


def _said_of(asked: Asked, start: int, way: Way) -> dict[int, float]:
    """Return the words that speak of the steps of a way, or of the kinds that it passes."""
    kinds = asked.ground.kinds
    said: dict[int, float] = {}
    for at, word in enumerate(asked.folded):
        best = max((kinds.says(word, port) for port in way.ports), default=0.0)
        if best and not _is_taken(asked, at) and at not in asked.inside_names:
            said[at] = best
    for named in asked.kinds:
        if named.kind in (start, *way.kinds):
            said |= dict.fromkeys(range(*named.span), named.quality)
    return said


def _values_of_others(asked: Asked, kind: int, known: Sequence[Span]) -> Iterator[_Piece]:
    """Yield values of kinds that are joined: "invoices of customers from Norway"."""
    kinds = asked.ground.kinds
    others = {n.kind for n in asked.kinds} - {kind}
    others |= {other for _, other in kinds.joins.get(kind, ()) if other != kind}
    for other in sorted(others):
        way = next((w for w in kinds.ways(other, kind) if len(w.ports) < 3), None)
        if way is None:
            continue
        is_named = bool(asked.of_kind(other))
        for piece in _values(asked, other):
            if is_named or not any(piece.span.overlaps(span) for span in known):
                said = dict.fromkeys(piece.explained, _OF_ANOTHER)
                said |= _said_of(asked, other, way) if is_named else {}
                plan = kinds.walked(piece.plan, other, way)
                if is_named or not any(piece.span.overlaps(s) for s in known):
                    sureness = piece.sureness - _FAR * len(way.ports)
                    yield piece._replace(
                        plan=plan, is_filter=False, sureness=sureness, explained=said
                    )


def _alternatives(asked: Asked, pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Group what "or" joins: "France or Germany"; and values of one attribute in a list."""
    groups: list[list[_Piece]] = []
    for piece in pieces:
        before = groups[-1][-1] if groups else None
        between = asked.folded[before.span.last : piece.span.first] if before else []
        one_of = "or" in between or ("and" in between and before and before.is_filter)
        same = before is not None and before.port == piece.port and len(between) <= 3
        if same and (one_of or between == []):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _keep(asked: Asked, reading: Reading, group: Sequence[_Piece]) -> None:
    """Keep the nodes that one of several pieces means, or leave them out where they are denied."""
    for piece in group:
        reading.explain(piece.explained)
        reading.mentions += [piece.mention] if piece.mention else []
    everything = reading.plan == asked.ground.kinds.all_of(reading.kind)
    first = group[0].plan
    if _is_denied(asked, group[0].span):
        reading.plan = Subtract(reading.plan, _either(group))
        reading.denies = True
    elif len(group) == 1 and group[0].is_filter and isinstance(first, Filter):
        reading.plan = Filter(reading.plan, first.measure, first.comparison, first.value)
    elif everything:
        reading.plan = _either(group)
    else:
        reading.plan = Intersect(reading.plan, _either(group))


def _either(group: Sequence[_Piece]) -> NodePlan:
    return reduce(Union, (piece.plan for piece in group))


def _is_denied(asked: Asked, span: Span) -> bool:
    """Return whether a "not" stands before a stretch, with nothing much between."""
    before = asked.folded[max(span.first - 4, 0) : span.first]
    denied = [i for i, word in enumerate(before) if denies(word)]
    return bool(denied) and not any(
        word in ("and", "or", "but", "who", "which", "that") for word in before[denied[-1] :]
    )


def denies(word: str) -> bool:
    """Return whether a folded word says "not".

    Examples:
        >>> denies("without"), denies("don t"), denies("and")
        (True, True, False)
    """
    return word in _DENYING or word.endswith("n t")


# Comparisons


def _compared(asked: Asked, reading: Reading) -> Reading | None:
    """Apply the comparisons: to an attribute, or to how many there are; "or" keeps either."""
    reading = reading.copy()
    source, before = reading.plan, reading.plan
    last: Constraint | None = None
    for constraint in asked.comparisons:
        either = last is not None and last.span != constraint.span
        either = either and "or" in asked.folded[last.span.last : constraint.span.first]  # type: ignore[union-attr]
        kept = _kept(asked, reading, source if either else reading.plan, constraint)
        if kept is None:
            return None
        if last is None or last.span != constraint.span:
            before = reading.plan
        reading.plan = Union(before, kept) if either else kept
        reading.explain(range(*constraint.span))
        last = constraint
    return reading


def _kept(
    asked: Asked, reading: Reading, plan: NodePlan, constraint: Constraint
) -> NodePlan | None:
    counted = None if constraint.is_time else _counted(asked, reading, constraint)
    if counted is not None:
        return Filter(plan, counted, constraint.comparison, constraint.value)
    measure = measure_of(asked, reading.kind, _cues(asked, constraint), is_time=constraint.is_time)
    if measure is None:
        return None
    reading.quality *= 1.0 if measure.score > 0 else 0.9
    value = _in_unit(asked, reading, constraint, measure)
    for at in range(len(asked.folded)):
        if abs(at - constraint.span.first) <= _CUE_NEAR and not _is_taken(asked, at):
            said = asked.ground.kinds.says(asked.folded[at], measure.port)
            said = said or float(asked.folded[at] in EARNING)
            if said and not asked.names_kind(at):
                reading.explain({at: said})
    if constraint.comparison is Comparison.EQUALS and isinstance(value, np.datetime64):
        kept = Filter(plan, measure.measure, Comparison.AT_LEAST, value)  # at whatever hour
        return Filter(kept, measure.measure, Comparison.LESS, value + np.timedelta64(1, "D"))
    return Filter(plan, measure.measure, constraint.comparison, value)


def _counted(asked: Asked, reading: Reading, constraint: Constraint) -> Degree | None:
    """Return the measure of "with more than 5 albums"."""
    kinds = asked.ground.kinds
    for named in asked.kinds:
        if named.span.first != constraint.span.last or named.kind == reading.kind:
            continue
        way = next((w for w in kinds.ways(reading.kind, named.kind) if len(w.ports) == 1), None)
        if way is not None and kinds.is_pure(reading.kind, way):
            reading.explain(range(*named.span), named.quality)
            reading.explain(_said_of(asked, reading.kind, way))
            return Degree(asked.ground.schema.step(way.ports[0]))
    return None


def _cues(asked: Asked, constraint: Constraint) -> tuple[str, ...]:
    after = asked.folded[constraint.span.last : constraint.span.last + 1]
    return (*constraint.cues, *(cue for word in after for cue in measured_in(word)))


def _in_unit(
    asked: Asked, reading: Reading, constraint: Constraint, measure: ScoredMeasure
) -> Literal:
    """Return the value in the unit that the attribute's label names."""
    after = "".join(asked.folded[constraint.span.last : constraint.span.last + 1])
    if is_unit(after):
        reading.explain(range(constraint.span.last, constraint.span.last + 1))
    return in_unit_of(_label(asked.ground, measure.port), constraint.value, after)


def measure_of(
    asked: Asked, kind: int, cues: Sequence[str], *, is_time: bool
) -> ScoredMeasure | None:
    """Return what nodes of a kind are measured by, where words may say it.

    With no word for it, a time is the attribute that has the kind's own name ("order date" of an
    order), or the first; a number is the only one that there is.
    """
    ground, kinds = asked.ground, asked.ground.kinds
    has = kinds.has(kind)
    if not is_time and not EARNING.isdisjoint(cues):
        cues = (*cues, "salary", "wage", "income")
    found = ground.measures.find(cues, is_time=is_time)
    usable = [m for m in found if has[m.port] > 0 and (is_time or not kinds.is_time(m.port))]
    if is_time and usable and not any(m.cue and kinds.says(m.cue, m.port) for m in usable):
        own = [
            m for m in usable if any(_names_kind(kinds, kind, w) for w in _label(ground, m.port))
        ]
        return (own or usable)[0]
    if usable:
        return usable[0]
    if is_time:
        return None
    only = kinds.measured(kind)
    if len(only) != 1:
        return None
    return ScoredMeasure(ground.measures.measure(only[0]), only[0], 0.0, "")


def _label(ground: Ground, port: int) -> list[str]:
    return ground.schema.labels[port >> 1].split()


# With and without


def _holding(asked: Asked, reading: Reading) -> None:
    """Read "customers with a company": those that have the attribute at all."""
    kinds = asked.ground.kinds
    for at, word in enumerate(asked.folded):
        if word not in _HOLDING or any(map(denies, asked.folded[max(at - 1, 0) : at + 3])):
            continue
        target = _after(asked, at + 1)
        if target is None or target in reading.explained:
            continue
        if any(_is_taken(asked, between) for between in range(at + 1, target)):
            continue  # "with the highest depth"
        port = _attribute_at(asked, reading.kind, target)
        if port is not None and kinds.has(reading.kind)[port] < 1:
            held = HavingAttribute(str(asked.ground.schema.attribute(port)))
            reading.plan = Intersect(reading.plan, held)
            reading.explain({target: 1.0})


def _lacking(asked: Asked, reading: Reading) -> None:
    """Read "tracks without a composer", "customers who never ordered"."""
    for at, word in enumerate(asked.folded):
        out_of = asked.folded[at : at + 2] == ["out", "of"]
        if not (denies(word) or out_of) or reading.denies:
            continue
        target = _after(asked, at + 1, past_explained=True)
        missing = None if target is None else _missing(asked, reading, target)
        if missing is None and target is not None:  # "do not support any customer"
            target = _after(asked, target + 1, past_explained=True)
            missing = None if target is None else _missing(asked, reading, target)
        if missing is not None:
            held, said = missing
            reading.plan = Subtract(reading.plan, held)
            reading.denies = True
            reading.explain({**said, at: 1.0})


def _missing(
    asked: Asked, reading: Reading, target: int
) -> tuple[NodePlan, dict[int, float]] | None:
    """Return the nodes that have what a word names, and what it explains."""
    kinds, word = asked.ground.kinds, asked.folded[target]
    named = [n for n in asked.kinds if n.span.first <= target < n.span.last]
    for other in [n.kind for n in named] or kinds.spoken_of(word):
        way = next((w for w in kinds.ways(reading.kind, other) if len(w.ports) == 1), None)
        if way is not None and other != reading.kind:
            said = {**_said_of(asked, reading.kind, way), target: 1.0}
            return HavingStep(asked.ground.schema.step(way.ports[0])), said
    port = _attribute_at(asked, reading.kind, target)
    if port is not None and kinds.has(reading.kind)[port] < 1:
        return HavingAttribute(str(asked.ground.schema.attribute(port))), {target: 1.0}
    is_number = port in kinds.measured(reading.kind) and "never" not in asked.folded
    if port is not None and is_number:  # "out of stock"
        measure, some = asked.ground.measures.measure(port), Comparison.MORE
        return Filter(kinds.all_of(reading.kind), measure, some, 0), {target: 1.0}
    steps = [step for step in kinds.joins.get(reading.kind, ()) if kinds.says(word, step[0])]
    if not steps and "never" in asked.folded:  # whatever was never done to it: what refers to it
        incoming = [step for step in kinds.joins.get(reading.kind, ()) if step[0] & 1]
        steps = incoming if len(incoming) == 1 else []
        reading.quality *= _GUESSED_STEP
    if not steps:
        return None
    port, end = min(steps, key=lambda s: (s[0] & 1, -kinds.says(word, s[0])))
    said = _said_of(asked, reading.kind, Way((port,), (end,)))
    return HavingStep(asked.ground.schema.step(port)), {**said, target: 1.0}


def _after(asked: Asked, first: int, *, past_explained: bool = False) -> int | None:
    """Return the next word that says something, past words like "any"."""
    for at in range(first, min(first + 4, len(asked.folded))):
        if asked.folded[at] not in _LITTLE_SAID and asked.folded[at] not in FUNCTION_WORDS:
            return at
    return None


def _attribute_at(asked: Asked, kind: int, position: int) -> int | None:
    """Return the attribute of a kind that the words at a place name outright."""
    following = [
        (at, asked.folded[at])
        for at in range(position, min(position + 2, len(asked.folded)))
        if asked.folded[at] not in FUNCTION_WORDS
    ]
    named = asked.ground.kinds.attribute_said(kind, following)
    return None if named is None or position not in named[1] else named[0]


def _say_little(asked: Asked, reading: Reading, *, placed: bool) -> None:
    """Note the words that say no more than what was read already: "issued", "located"."""
    for at, word in enumerate(asked.folded):
        if word in _COMMON_VERBS or (placed and word in _PLACED):
            reading.explain({at: _COMMON_VERB})


def is_text(kinds: Kinds, port: int) -> bool:
    """Return whether an attribute's values are texts."""
    name = kinds.schema.attribute(port)
    return name is not None and kinds.view.node_columns[name].kind is ColumnKind.TEXT


def _names_kind(kinds: Kinds, kind: int, word: str) -> bool:
    return kinds.speaks_of(kind, fold(word))
