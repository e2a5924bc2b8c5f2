"""Plans over kinds of node, as people ask a database: counted, grouped, ranked, narrowed down."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    By,
    Count,
    CountValues,
    Degree,
    Exists,
    Grouped,
    HavingStep,
    Intersect,
    NodePlan,
    Over,
    Part,
    Plan,
    TopK,
    Values,
)
from graphllm.retrieval.constraints import Superlative, constraints, number_said, superlative
from graphllm.retrieval.directions import left_open, of_word
from graphllm.retrieval.english import FUNCTION_WORDS, words
from graphllm.retrieval.ground import Ground, PlanCandidate, Question
from graphllm.retrieval.intents import EVERY, Want
from graphllm.retrieval.kinds import Way
from graphllm.retrieval.linker import Match, Span
from graphllm.retrieval.narrowing import (
    EARNING,
    Asked,
    Reading,
    denies,
    has_value,
    is_text,
    measure_of,
    narrowed,
)

_READS_AS_TABLE = 0.25  # as for every kind of node in ``no_name``
_NOT_GROUPED = 0.4  # for leaving out that something is asked "for each"
_SAYS_VALUE = 1.05  # for a number where a number is asked for
_PATH = 0.06  # for what is only a path from names, of which ``one_name`` knows more
_KINDS_TRIED = 4
_NOT_COUNTED = 0.35  # for counting something else than what stands after "how many"
_ADJECTIVES = 2  # words between those
_MULTI_STEP = 0.03  # for each further step to a group
_GUESSED_KIND, _JOINED_KIND = 0.1, 0.03
_SOMEBODY = 0.2  # likeness to persons from which "who" may be answered with a kind
_SHARED_GROUP = 0.9  # quality of a group by what is only shared with what is asked about
_EACH = words("per each every")
_COMMONEST = words("common frequent frequently")
_MARKS_GROUP = words("per each every by")
_PARTS = {"year": Part.YEAR, "month": Part.MONTH, "day": Part.DAY, "date": Part.DAY}
_PARTS |= {"yearly": Part.YEAR, "monthly": Part.MONTH, "daily": Part.DAY}
_EXTREMES = {
    "maximum": Aggregate.MAXIMUM,
    "max": Aggregate.MAXIMUM,
    "minimum": Aggregate.MINIMUM,
    "min": Aggregate.MINIMUM,
}
_AVERAGING = words("average mean")
_SUMMING = words("total sum overall combined altogether")
_SPENDING = words(
    "sales revenue turnover spending spent spend paid pay earned income earnings generated worth"
)
_SPENT_AS = ("total", "amount", "revenue", "sales", "payment", "value")
_AMOUNTS = words("number amount count quantity many")  # "by number of customers"
_DIFFERENT = words("different distinct unique various separate")
_COUNTING = words("most fewest least number")  # right after them stands what is counted
_MEMBERS = words("member members")
_NOTHING_SAID = words("number count top bottom existing overall altogether grouped broken money")


def over_kinds(ground: Ground, question: Question) -> Iterator[PlanCandidate]:
    """Yield plans that begin with all nodes of a kind that the question names, or is about."""
    if not ground.view.node_types or not question.seeds.tokens:
        return
    asked = _asked(ground, question)
    for kind, cost in _subjects(asked):
        reading = narrowed(asked, kind)
        found = [] if reading is None else list(_done(asked, reading))
        for done, plan in [*found, *_numbered(asked, kind)]:
            score = _score(asked, done, plan) - cost
            yield PlanCandidate(plan, score, tuple(done.mentions), denies=done.denies)


def _asked(ground: Ground, question: Question) -> Asked:
    tokens = question.seeds.tokens
    ranking = superlative(tokens)
    compared = constraints(tokens)
    if ranking is not None and _is_label(ground, [t.folded for t in tokens], ranking.span):
        ranking = None
    taken = [*(c.span for c in compared), *([ranking.span] if ranking else [])]
    if ranking is not None and ranking.k > 1:  # "which three airports do most go to"
        said = (i for i, t in enumerate(tokens) if number_said(t.folded) == ranking.k)
        taken += [Span(i, i + 1) for i in said if i < ranking.span.first]
    ranked = None if ranking is None else (ranking, ())
    question = replace(question, superlative=ranked)
    telling = (t.folded for t in tokens if t.folded not in FUNCTION_WORDS)
    ground.affinity.prepare([word for word in telling if word and not word.isdigit()])
    named = [n for n in ground.kinds.named(tokens) if not _is_in_name(question, n.span)]
    return Asked(ground, question, named, compared, taken)


def _is_in_name(question: Question, span: Span) -> bool:
    """Return whether words are part of a longer name: "Airport" in "Changi Airport"."""
    return any(
        m.match in (Match.EXACT, Match.FOLDED)
        and m.span.first <= span.first
        and span.last <= m.span.last
        and m.span.last - m.span.first > span.last - span.first
        and any(t.text[:1].isupper() for t in question.seeds.tokens[slice(*span)])
        for m in question.seeds.mentions
    )


def _is_label(ground: Ground, folded: Sequence[str], span: Span) -> bool:
    """Return whether a ranking word is part of an attribute's name: "first" in "first ascent"."""
    pair = set(folded[span.last - 1 : span.last + 1])
    return len(pair) == 2 and any(pair <= set(label.split()) for label in ground.schema.labels)


def _subjects(asked: Asked) -> list[tuple[int, float]]:
    """Return the kinds that may be meant, with what it costs to guess them.

    Besides those that are named: where a number is asked for ("which department pays the highest
    average salary"), those joined with them that have it; where none is named, those that have
    what is asked for, or a value that is said ("surgeons").
    """
    content = [w for w in _content(asked) if not asked.names_kind(w[0])]
    named = list(dict.fromkeys(n.kind for n in asked.kinds))[:_KINDS_TRIED]
    kinds = asked.ground.kinds
    if named:
        joined = {k for n in named for _, k in kinds.joins.get(n, ())} - set(named)
        events = {k for k in _events(asked) if k not in named}
        others = [k for k in sorted(joined) if _is_spent(asked, k) or _says_number(asked, k)]
        others = list(dict.fromkeys((*others, *sorted(events))))
        counted = _right_after_how_many(asked)
        if counted in named:
            return [(k, _NOT_COUNTED * (k != counted)) for k in named]
        return [*((k, 0.0) for k in named), *((k, _JOINED_KIND) for k in others)]
    everything = range(len(asked.ground.view.node_types))
    about = [k for k in everything if _is_spent(asked, k) or _says_attribute(asked, k, content)]
    about += [k for k in everything if k not in about and has_value(asked, k)]
    about += [k for k in _events(asked) if k not in about]
    return [(kind, _GUESSED_KIND) for kind in about[:_KINDS_TRIED]]


def _right_after_how_many(asked: Asked) -> int | None:
    """Return the kind that is counted: "orders" in "how many orders were shipped"."""
    wanted = asked.question.intent
    if wanted.want is not Want.COUNT or not wanted.spans:
        return None
    first = wanted.spans[0].last
    near = [n for n in asked.kinds if first <= n.span.first <= first + _ADJECTIVES]
    return near[0].kind if near else None


def _events(asked: Asked) -> list[int]:
    """Return the kinds of event that what is named takes part in."""
    kinds, types = asked.ground.kinds, asked.ground.view.node_type_ids
    named = {int(types[m.nodes[0]]) for m in asked.question.seeds.mentions}
    beside = {k for kind in named for _, k in kinds.joins.get(kind, ())}
    return [kind for kind in sorted(beside) if kinds.is_event(kind)]


def _says_number(asked: Asked, kind: int) -> bool:
    """Return whether a number is asked for that nodes of a kind have."""
    kinds, ranking = asked.ground.kinds, asked.question.superlative
    if ranking is None and _aggregate(asked) is None:
        return False
    said = [word for at, word in enumerate(asked.folded) if not asked.names_kind(at)]
    return any(kinds.says(word, port) for port in kinds.measured(kind) for word in said)


def _says_attribute(asked: Asked, kind: int, content: Sequence[tuple[int, str]]) -> bool:
    """Return whether something is ranked or summed up that nodes of a kind have."""
    found = asked.ground.kinds.attribute_said(kind, content)
    if found is None:
        return False
    summed = asked.question.superlative is not None or _aggregate(asked) is not None
    return summed or set(found[1]) == {at for at, _ in content}  # "which specialties are there"


def _is_spent(asked: Asked, kind: int) -> bool:
    """Return whether "sales" or "spent" is said, and nodes of a kind have an amount."""
    if _SPENDING.isdisjoint(asked.folded):
        return False
    return _spent(asked, kind) is not None


def _spent(asked: Asked, kind: int) -> int | None:
    found = asked.ground.kinds.attribute_said(kind, [(i, w) for i, w in enumerate(_SPENT_AS)])
    numbers = asked.ground.kinds.measured(kind)
    return found[0] if found is not None and found[0] in numbers else None


def _content(asked: Asked) -> list[tuple[int, str]]:
    """Return the words that say something, and their positions."""
    return [
        (at, word)
        for at, word in enumerate(asked.folded)
        if word not in FUNCTION_WORDS
        and not any(span.first <= at < span.last for span in asked.taken)
    ]


def _left(asked: Asked, reading: Reading) -> list[tuple[int, str]]:
    """Return the words that are not explained yet."""
    return [(at, w) for at, w in _content(asked) if reading.explained.get(at, 0) < 1]


# What is done with the nodes


def _done(asked: Asked, reading: Reading) -> Iterator[tuple[Reading, Plan]]:
    yield from _grouped(asked, reading)
    if asked.question.superlative is not None:
        yield from _ranked(asked, reading, asked.question.superlative[0])
        return
    aggregate = _aggregate(asked)
    if aggregate is not None:
        yield from _aggregated(asked, reading, *aggregate)
        yield from _degrees(asked, reading, *aggregate)
        return
    want = asked.question.intent.want
    if want is Want.COUNT:
        yield from _counted(asked, reading)
    elif want is Want.CONFIRM and EVERY.isdisjoint(asked.folded):
        yield reading, Exists(reading.plan)
    elif want is Want.LIST:
        yield reading, reading.plan
        yield from _valued(asked, reading, reading.plan)
        yield from _reached(asked, reading, reading.plan)


def _aggregate(asked: Asked) -> tuple[Aggregate, int] | None:
    """Return the one number that is asked for, and the word that says so."""
    folded = asked.folded
    for at, word in enumerate(folded):
        following = folded[at + 1] if at + 1 < len(folded) else ""
        if following in _AMOUNTS and word in _SUMMING:
            continue  # "the total number of invoices" counts them
        if _is_label(asked.ground, folded, Span(at, at + 1)):
            continue  # "a max occupancy of 4", where that is an attribute
        if word in _EXTREMES:
            return _EXTREMES[word], at
        if word in _AVERAGING:
            return Aggregate.AVERAGE, at
        if word in _SUMMING and (at == 0 or folded[at - 1] != "a"):
            return Aggregate.SUM, at
    at = next((i for i, word in enumerate(folded) if _is_sum(folded, i, word)), -1)
    return None if at < 0 else (Aggregate.SUM, at)


def _is_sum(folded: Sequence[str], at: int, word: str) -> bool:
    """Return whether a word asks for money altogether: not "worth 4 credits", "earns more than"."""
    following = folded[at + 1] if at + 1 < len(folded) else ""
    return word in _SPENDING and not following.isdigit()


def _counted(asked: Asked, reading: Reading) -> Iterator[tuple[Reading, Plan]]:
    yield reading, Count(reading.plan)
    if asked.ground.kinds.is_event(reading.kind):
        for said, reached in _reached(asked, reading, reading.plan):
            if isinstance(reached, NodePlan):
                yield said, Count(reached)
    opening = [
        (at, w)
        for at, w in _left(asked, reading)
        if at < _first_named(asked, reading) and w not in _NOTHING_SAID | _SUMMING
        if any(asked.ground.affinity.label_word(w, p >> 1) for p in _attributes(asked, reading))
    ]
    attribute = _attribute(asked, reading, opening)
    if attribute is not None:
        said = reading.copy()
        said.explain(attribute[1])
        said.explain({at: 1.0 for at, word in enumerate(asked.folded) if word in _DIFFERENT})
        yield said, CountValues(reading.plan, attribute[0])


def _attributes(asked: Asked, reading: Reading) -> list[int]:
    return asked.ground.kinds.attributes(reading.kind)


def _attribute(
    asked: Asked, reading: Reading, left: Sequence[tuple[int, str]]
) -> tuple[str, dict[int, float]] | None:
    """Return the attribute of the kind that some words name, and which of them do."""
    found = asked.ground.kinds.attribute_said(reading.kind, left)
    if found is None:
        return None
    return str(asked.ground.schema.attribute(found[0])), found[1]


def _valued(asked: Asked, reading: Reading, plan: NodePlan) -> Iterator[tuple[Reading, Plan]]:
    """Yield an attribute of the nodes: "the emails of the customers in Brazil"."""
    if asked.folded[:1] == ["who"]:
        return
    first = _first_named(asked, reading) if asked.of_kind(reading.kind) else len(asked.folded)
    opening = [(at, w) for at, w in _left(asked, reading) if at < first]
    opening += [] if opening else _opening(asked, reading)
    attribute = _attribute(asked, reading, opening)
    if attribute is not None:
        said = reading.copy()
        said.explain(attribute[1])
        yield said, Values(plan, attribute[0])


def _opening(asked: Asked, reading: Reading) -> list[tuple[int, str]]:
    """Return what "when" and "how long" ask for, as words of attributes."""
    folded = asked.folded[:2]
    if folded[:1] == ["when"]:
        return [(0, "date"), (0, "year")]
    measured = {"long": ("length", "duration"), "expensive": ("price",), "high": ("height",)}
    measured |= {"large": ("size",), "tall": ("height",), "heavy": ("weight",), "big": ("size",)}
    measured |= {"high": ("height", "elevation", "altitude"), "much": ("price", "cost", "total")}
    if folded[:1] == ["how"] and len(folded) > 1:
        return [(1, word) for word in measured.get(folded[1], ())]
    return []


def _first_named(asked: Asked, reading: Reading) -> int:
    return min((s.first for s in asked.of_kind(reading.kind)), default=0)


def _reached(asked: Asked, reading: Reading, plan: NodePlan) -> Iterator[tuple[Reading, Plan]]:
    """Yield the nodes of the kind that is asked for: "which album has the longest track"."""
    kinds = asked.ground.kinds
    first = asked.kinds[0] if asked.kinds else None
    ranked = isinstance(plan, TopK)
    if first is None and reading.ports:
        yield from _elsewhere(asked, reading, plan)
    if first is None or first.kind == reading.kind or reading.denies:
        return
    if reading.is_path and not ranked and not kinds.is_event(reading.kind):
        return  # ``one_name`` knows more of paths
    way = _way(asked, reading, first.kind)
    if way is not None:
        said = reading.copy()
        said.explain(_along(asked, reading.kind, way))
        said.quality *= 1 - _MULTI_STEP * len(way.ports)
        yield said, kinds.walked(plan, reading.kind, way)


def _way(asked: Asked, reading: Reading, end: int, *, longest: int = 3) -> Way | None:
    """Return the way from what was read to a kind: not back to a name, and as "to" says."""
    kinds = asked.ground.kinds
    said = left_open(asked.folded, [m.span for m in reading.mentions])
    ways = [w for w in kinds.ways(reading.kind, end) if len(w.ports) <= longest]
    is_event = kinds.is_event(reading.kind)

    def rank(way: Way) -> tuple[bool, bool, int]:
        again = is_event and way.ports[0] in reading.ports
        return again, said is not None and kinds.direction(way) is not said, len(way.ports)

    return min(ways, key=rank, default=None)


def _elsewhere(asked: Asked, reading: Reading, plan: NodePlan) -> Iterator[tuple[Reading, Plan]]:
    """Yield "where can I fly to from X", "the destinations of X": the other end of the events."""
    kinds = asked.ground.kinds
    named = [m.span for m in reading.mentions]
    said = left_open(asked.folded, named)
    opening = range(min((span.first for span in named), default=0))
    who = asked.folded[:1] == ["who"]
    for port, end in kinds.joins.get(reading.kind, ()):
        way = Way((port,), (end,))
        direction = kinds.direction(way)
        if who:  # whoever takes part, not where it begins or ends
            asks = direction is None and not port & 1 and kinds.has_ends(reading.kind)
        else:
            asks = direction is not None and direction is said
        if port in reading.ports or not asks:
            continue
        done = reading.copy()
        done.explain({0: 1.0} if who else {})
        done.explain({at: 1.0 for at in opening if of_word(asked.folded[at]) is said})
        done.explain({at: 1.0 for at in opening if asked.folded[at] == "where"})
        yield done, kinds.walked(plan, reading.kind, way)


def _along(asked: Asked, start: int, way: Way) -> dict[int, float]:
    """Return what a way explains: words for its steps and for the kinds that it passes."""
    kinds = asked.ground.kinds
    said = {
        at: best
        for at, word in _content(asked)
        if (best := max((kinds.says(word, port) for port in way.ports), default=0.0))
    }
    for named in asked.kinds:
        if named.kind in (start, *way.kinds):
            said |= {at: max(named.quality, said.get(at, 0.0)) for at in range(*named.span)}
    return said


# One number


def _aggregated(
    asked: Asked, reading: Reading, aggregate: Aggregate, at: int
) -> Iterator[tuple[Reading, Plan]]:
    """Yield "the average price of the products", also of what the nodes are joined with."""
    measured = _over(asked, reading, reading.kind, aggregate, at)
    if measured is not None:
        said, over = measured
        yield said, Aggregated(reading.plan, over.measure, over.aggregate)
    kinds = asked.ground.kinds
    for other in sorted({kind for _, kind in kinds.joins.get(reading.kind, ())}):
        measured = _over(asked, reading, other, aggregate, at)
        way = next((w for w in kinds.ways(reading.kind, other) if len(w.ports) == 1), None)
        if measured is not None and way is not None and other != reading.kind:
            said, over = measured
            said.explain(_along(asked, reading.kind, way))
            said.quality *= 1 - _MULTI_STEP
            plan = kinds.walked(reading.plan, reading.kind, way)
            yield said, Aggregated(plan, over.measure, over.aggregate)


def _over(
    asked: Asked, reading: Reading, kind: int, aggregate: Aggregate, at: int
) -> tuple[Reading, Over] | None:
    """Return a measure of a kind that the question says, with what it explains."""
    kinds = asked.ground.kinds
    left = [(i, w) for i, w in _left(asked, reading) if i != at or w not in _AVERAGING]
    numbers = set(kinds.measured(kind))
    best: tuple[float, int, dict[int, float]] | None = None
    for port in kinds.measured(kind):
        said = {i: kinds.says(w, port) for i, w in left if not asked.names_kind(i)}
        said = {i: score for i, score in said.items() if score}
        if said and (best is None or sum(said.values()) > best[0]):
            best = (sum(said.values()), port, said)
    spent = _spent(asked, kind) if _is_spent(asked, kind) else None
    if best is None and spent in numbers and spent is not None:
        money = {i: 1.0 for i, w in left if w in _SPENDING}
        best = (0.9 * len(money), spent, money) if money else None
    if best is None:
        return None
    done = reading.copy()
    done.explain({**best[2], at: 1.0})
    done.explain({i: 1.0 for i, w in left if w in _SPENDING})
    return done, Over(aggregate, asked.ground.measures.measure(best[1]))


def _degrees(
    asked: Asked, reading: Reading, aggregate: Aggregate, at: int
) -> Iterator[tuple[Reading, Plan]]:
    """Yield "the average number of albums per artist": over those that have any."""
    kinds = asked.ground.kinds
    if asked.folded[at + 1 : at + 2] != ["number"]:
        return
    for counted in asked.kinds:
        ways = kinds.ways(reading.kind, counted.kind)
        way = next((w for w in ways if len(w.ports) == 1 and counted.kind != reading.kind), None)
        said_so = at + 2 < counted.span.first < at + 5  # "average number of albums"
        each = any(_is_marked(asked, span) for span in asked.of_kind(reading.kind))
        if way is not None and said_so and each and kinds.is_pure(reading.kind, way):
            step = asked.ground.schema.step(way.ports[0])
            said = reading.copy()
            said.explain({**_along(asked, reading.kind, way), at: 1.0})
            everything = reading.plan == kinds.all_of(reading.kind)
            only = HavingStep(step) if everything else Intersect(reading.plan, HavingStep(step))
            yield said, Aggregated(only, Degree(step), aggregate)


def _is_marked(asked: Asked, span: Span) -> bool:
    """Return whether "per" or "each" stands before a stretch."""
    return bool(_EACH & set(asked.folded[max(span.first - 1, 0) : span.first]))


# Rankings


def _ranked(asked: Asked, reading: Reading, wanted: Superlative) -> Iterator[tuple[Reading, Plan]]:
    measure = None
    if not wanted.counts or not _counts_kind(asked, reading, wanted):
        measure = measure_of(asked, reading.kind, wanted.cues, is_time=wanted.is_time)
    if measure is not None and (measure.score > 0 or not wanted.counts):
        said = reading.copy()
        said.explain(range(*wanted.span))
        said.quality *= 1.0 if measure.score > 0 else 0.9
        for at, word in _content(asked):
            spoken = asked.ground.kinds.says(word, measure.port)
            if word in EARNING and asked.ground.kinds.says("salary", measure.port):
                said.explain({at: 1.0})
            if word in wanted.cues and spoken and not asked.names_kind(at):
                said.explain({at: spoken})
        asks_who = asked.folded[:1] == ["who"]
        if not asks_who and _asks_for_extreme(
            asked, wanted, measure.port
        ):  # "what is the highest fee"
            extreme = Aggregate.MINIMUM if wanted.ascending else Aggregate.MAXIMUM
            value = said.copy()
            value.quality *= _SAYS_VALUE
            yield value, Aggregated(reading.plan, measure.measure, extreme)
        top = TopK(reading.plan, measure.measure, wanted.k, wanted.ascending)
        yield from _of_ranked(asked, said, top)
    yield from _most(asked, reading, wanted)


def _asks_for_extreme(asked: Asked, wanted: Superlative, port: int) -> bool:
    """Return whether a value is asked for, and not what has it: the attribute is ranked itself."""
    at = wanted.span.last
    before = any(named.span.first < wanted.span.first for named in asked.kinds)
    if before or wanted.k > 1 or at >= len(asked.folded) or asked.names_kind(at):
        return False
    return asked.ground.kinds.says(asked.folded[at], port) > 0


def _counts_kind(asked: Asked, reading: Reading, wanted: Superlative) -> bool:
    """Return whether a ranking is by how many nodes of another kind there are."""
    after = [n for n in asked.kinds if n.span.first >= wanted.span.last]
    return any(n.kind != reading.kind and asked.folded[n.span.first] in wanted.cues for n in after)


def _of_ranked(asked: Asked, said: Reading, top: TopK) -> Iterator[tuple[Reading, Plan]]:
    """Yield the nodes ranked first, or what is asked of them."""
    if asked.question.intent.want is not Want.LIST:
        return
    yield said, top
    opened = said.copy()
    opening = _opening(asked, said)
    attribute = _attribute(asked, said, opening)
    if attribute is not None:
        opened.explain({0: 1.0, 1: 1.0})
        opened.quality *= _SAYS_VALUE  # "how long is" does not ask for a name
        yield opened, Values(top, attribute[0])
    yield from _valued(asked, said, top) if not opening else ()
    yield from _reached(asked, said, top)


def _most(asked: Asked, reading: Reading, wanted: Superlative) -> Iterator[tuple[Reading, Plan]]:
    """Yield "the artists with the most albums", one step away."""
    kinds = asked.ground.kinds
    if not wanted.counts:
        return
    for counted in asked.kinds:
        if counted.kind == reading.kind or not _after_most(asked, counted.span, wanted):
            continue
        way = _way(asked, reading, counted.kind, longest=1)
        if way is not None and kinds.is_pure(reading.kind, way):
            said = reading.copy()
            said.explain(range(*wanted.span))
            said.explain(_along(asked, reading.kind, way))
            degree = Degree(asked.ground.schema.step(way.ports[0]))
            yield said, TopK(reading.plan, degree, wanted.k, wanted.ascending)


def _after_most(asked: Asked, span: Span, wanted: Superlative) -> bool:
    """Return whether a kind stands where "most" counts it."""
    if span.first < wanted.span.last:
        return False
    by = "by" in asked.folded[wanted.span.last : span.first]
    ranks = not _COUNTING.isdisjoint(asked.folded[slice(*wanted.span)])
    return by or ranks


# Groups


def _grouped(asked: Asked, reading: Reading) -> Iterator[tuple[Reading, Plan]]:
    """Yield a number for each group of the nodes, where the question asks for one or ranks them."""
    ranking = asked.question.superlative
    found = list(_keys(asked, reading, is_ranked=ranking is not None))
    for said, by in found:
        done = said.copy()
        done.explain({at: 1.0 for at, w in enumerate(asked.folded) if w in _MARKS_GROUP})
        k, ascending = None, False
        if ranking is not None:
            wanted = ranking[0]
            k, ascending = wanted.k, wanted.ascending
            done.explain(range(*wanted.span))
            done.explain({at: 1.0 for at, w in enumerate(asked.folded) if w in _COMMONEST})
        over = _over_groups(asked, done)
        if over is None:
            continue
        done, measured = over
        yield done, Grouped(reading.plan, by, measured, k=k, ascending=ascending)


def _over_groups(asked: Asked, said: Reading) -> tuple[Reading, Over | None] | None:
    """Return what each group's number is; ``None`` where the question does not say one."""
    aggregate = _aggregate(asked)
    if aggregate is None:
        ranking = asked.question.superlative
        if ranking is not None and _is_commonest(ranking[0]):
            return said, None
        counts = asked.question.intent.want is Want.COUNT or _AMOUNTS & set(asked.folded)
        if ranking is not None and not ranking[0].counts:
            return None
        if ranking is not None and not any(
            n.kind == said.kind and _after_most(asked, n.span, ranking[0]) for n in asked.kinds
        ):
            return None
        return (said, None) if counts or ranking is not None else None
    measured = _over(asked, said, said.kind, *aggregate)
    if measured is None:
        measured = _over_ranked(asked, said, *aggregate)
    return measured


def _over_ranked(
    asked: Asked, said: Reading, aggregate: Aggregate, at: int
) -> tuple[Reading, Over] | None:
    """Return what "the longest tracks on average" measures."""
    ranking = asked.question.superlative
    if ranking is None or ranking[0].is_time:
        return None
    measure = measure_of(asked, said.kind, ranking[0].cues, is_time=False)
    if measure is None or measure.score == 0:
        return None
    done = said.copy()
    done.explain({at: 1.0})
    return done, Over(aggregate, measure.measure)


def _keys(asked: Asked, reading: Reading, *, is_ranked: bool) -> Iterator[tuple[Reading, By]]:
    """Yield what the nodes may be grouped by: after "per", or what is asked for first."""
    marks = [at for at, word in enumerate(asked.folded) if word in _MARKS_GROUP]
    spans = [Span(at + 1, min(at + 4, len(asked.folded))) for at in marks]
    if is_ranked:
        wanted = asked.question.superlative
        first = wanted[0].span.first if wanted and asked.folded[0] not in ("top", "the") else 4
        spans = [Span(0, max(first, 0)), *([] if not wanted else [_noun_after(asked, wanted[0])])]
    for span in spans:
        yield from _key_at(asked, reading, span)


def _is_commonest(wanted: Superlative) -> bool:
    """Return whether the value that most have is asked for: "the most common insurance"."""
    return not _COMMONEST.isdisjoint(wanted.cues[:1])


def _noun_after(asked: Asked, wanted: Superlative) -> Span:
    """Return the words right after "top 3": "countries" by something."""
    length = 3 if _is_commonest(wanted) else 2
    return Span(wanted.span.last, min(wanted.span.last + length, len(asked.folded)))


def _key_at(asked: Asked, reading: Reading, span: Span) -> Iterator[tuple[Reading, By]]:
    kinds = asked.ground.kinds
    inside = [n for n in asked.kinds if n.span.overlaps(span) and n.kind != reading.kind]
    for named in inside[:2]:
        ways = [w for w in kinds.ways(reading.kind, named.kind) if kinds.is_pure(reading.kind, w)]
        for way in ways[:2]:
            said = reading.copy()
            said.explain(_along(asked, reading.kind, way))
            said.quality *= 1 - _MULTI_STEP * (len(way.ports) - 1)
            said.quality *= _SHARED_GROUP if kinds.is_hub(reading.kind, way) else 1.0
            yield said, By(kinds.steps(way))
    yield from _relation_key(asked, reading, span)
    said_here = [
        (at, asked.folded[at])
        for at in range(*span)
        if asked.folded[at] not in FUNCTION_WORDS or asked.folded[at] in _PARTS
        if not asked.names_kind(at)
    ][:2]
    yield from _part_of_date(asked, reading, said_here)
    yield from _attribute_key(asked, reading, said_here)


def _relation_key(asked: Asked, reading: Reading, span: Span) -> Iterator[tuple[Reading, By]]:
    """Yield "per supervisor": what a relation of the nodes is called."""
    kinds = asked.ground.kinds
    for at in range(*span):
        word = asked.folded[at]
        for port, end in kinds.joins.get(reading.kind, ()):
            named = not port & 1 and asked.ground.affinity.label_word(word, port >> 1)
            if named and kinds.says(word, port) and not asked.names_kind(at):
                said = reading.copy()
                said.explain({at: kinds.says(word, port)})
                said.explain(_along(asked, reading.kind, Way((port,), (end,))))
                yield said, By((asked.ground.schema.step(port),))
                return


def _part_of_date(
    asked: Asked, reading: Reading, words_here: Sequence[tuple[int, str]]
) -> Iterator[tuple[Reading, By]]:
    """Yield "per year", of the kind's time."""
    part = next(((at, _PARTS[w]) for at, w in words_here if w in _PARTS), None)
    if part is None:
        return
    cues = [w for _, w in _left(asked, reading)]
    measure = measure_of(asked, reading.kind, cues, is_time=True)
    name = None if measure is None else asked.ground.schema.attribute(measure.port)
    if name is not None and asked.ground.view.node_columns[name].values.dtype.kind == "M":  # type: ignore[union-attr]
        said = reading.copy()
        said.explain({part[0]: 1.0})
        yield said, By((), name, part[1])


def _attribute_key(
    asked: Asked, reading: Reading, words_here: Sequence[tuple[int, str]]
) -> Iterator[tuple[Reading, By]]:
    """Yield "by country": a text that the nodes have, or that those they lead to have."""
    kinds = asked.ground.kinds
    places = [(Way((), ()), reading.kind)]
    places += [
        (way, kind)
        for _, kind in kinds.joins.get(reading.kind, ())
        for way in kinds.ways(reading.kind, kind)[:1]
        if len(way.ports) == 1 and kind != reading.kind and kinds.is_pure(reading.kind, way)
    ]
    for way, kind in places:
        found = kinds.attribute_said(kind, words_here)
        if found is None:
            continue
        port, said_words = found
        if not is_text(kinds, port) and not kinds.is_year(port):
            continue
        said = reading.copy()
        said.explain(said_words)
        said.explain(_along(asked, reading.kind, way) if way.ports else {})
        said.quality *= 1 - _MULTI_STEP * len(way.ports)
        yield said, By(kinds.steps(way), asked.ground.schema.attribute(port))
        return


def _numbered(asked: Asked, kind: int) -> Iterator[tuple[Reading, Plan]]:
    """Yield "countries with at least 5 customers": the groups whose number passes."""
    # The number belongs to the kind that follows it; what is asked for is the group.
    for constraint in asked.comparisons:
        value = constraint.value
        follows = [n for n in asked.kinds if n.span.first == constraint.span.last]
        counts = isinstance(value, int) and not isinstance(value, bool)
        if not counts or not any(n.kind == kind for n in follows):
            continue
        rest = replace(asked, comparisons=[c for c in asked.comparisons if c is not constraint])
        counted = narrowed(rest, kind)
        if counted is None or asked.question.intent.want is not Want.LIST:
            continue
        opening = Span(0, constraint.span.first)
        for said, by in _key_at(rest, counted, opening):
            said.explain(range(*constraint.span))
            yield said, Grouped(counted.plan, by, None, constraint.comparison, int(str(value)))


# How well it fits


def _score(asked: Asked, reading: Reading, plan: Plan) -> float:
    """Return how much of a question a plan explains, less what it leaves out."""
    explained = dict(reading.explained)
    explained |= _asks_who(asked, reading.kind) | _says_how_many(asked)
    explained |= {at: 1.0 for at, w in enumerate(asked.folded) if _says_nothing(asked, at, w)}
    covered = asked.ground.covered(asked.question, [], explained)
    score = covered * reading.quality + _READS_AS_TABLE
    grouped = isinstance(plan, Grouped) or (isinstance(plan, Aggregated) and _has_degree(plan))
    if not grouped and _asks_for_groups(asked):
        score -= _NOT_GROUPED
    if reading.is_path and isinstance(plan, NodePlan | Count) and not isinstance(plan, TopK):
        score -= _PATH
    if any(map(denies, asked.folded)) and not reading.denies:
        score -= _NOT_GROUPED
    return score


def _has_degree(plan: Aggregated) -> bool:
    return isinstance(plan.measure, Degree)


def _asks_for_groups(asked: Asked) -> bool:
    """Return whether something is asked "per" or "by" a kind or an attribute."""
    if _EACH & set(asked.folded):
        return True
    if asked.question.superlative is not None:
        return False
    numbers = _aggregate(asked) is not None or asked.question.intent.want is Want.COUNT
    after = [at + 1 for at, word in enumerate(asked.folded) if word == "by"]
    return numbers and any(asked.names_kind(at) for at in after)


def _says_nothing(asked: Asked, at: int, word: str) -> bool:
    """Return whether a word adds nothing: "number", and the "total" before it."""
    total = word in _SUMMING and not _AMOUNTS.isdisjoint(asked.folded[at + 1 : at + 2])
    member = word in _MEMBERS and at > 0 and asked.names_kind(at - 1)  # "staff members"
    return total or member or word in _NOTHING_SAID


def _asks_who(asked: Asked, kind: int) -> dict[int, float]:
    """Return where "who" stands, as explained by a kind that may be persons."""
    at = [i for i, word in enumerate(asked.folded) if word in ("who", "whom", "whose")]
    kinds = asked.ground.kinds
    if at and kinds.is_person(kind):
        return dict.fromkeys(at, 1.0)
    ports = (p ^ 1 for p, end in kinds.joins.get(kind, ()) if at and end >= 0)
    likeness = max((float(asked.ground.affinity.classes("who")[p]) for p in ports), default=0.0)
    return dict.fromkeys(at, 1.0) if likeness >= _SOMEBODY else {}


def _says_how_many(asked: Asked) -> dict[int, float]:
    """Return where the number of "the five artists with the most albums" stands."""
    ranking = asked.question.superlative
    if ranking is None or ranking[0].k == 1:
        return {}
    return {i: 1.0 for i, word in enumerate(asked.folded) if number_said(word) == ranking[0].k}
