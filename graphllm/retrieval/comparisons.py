"""Read the comparisons of a question against what the graph can measure."""

from collections.abc import Iterator, Sequence

from graphllm.query.plan import Comparison
from graphllm.retrieval.constraints import Constraint, Superlative, constraints, superlative
from graphllm.retrieval.english import FUNCTION_WORDS, Token, words
from graphllm.retrieval.ground import CUE_IS_CLEAR, Ground, Question
from graphllm.retrieval.intents import Intent
from graphllm.retrieval.linker import Match, Seeds, Span
from graphllm.retrieval.measures import ScoredMeasure
from graphllm.retrieval.units import in_unit_of, is_unit, measured_in

_COMPARATIVES = {
    "more": "most",
    "less": "least",
    "fewer": "fewest",
    "later": "latest",
    "earlier": "earliest",
    "better": "best",
    "worse": "worst",
} | {
    form: form[:-2] + "est"
    for form in words(
        "older younger newer larger bigger greater smaller higher taller lower longer shorter "
        "cheaper heavier lighter richer poorer faster slower deeper"
    )
}
_AGE = words("age old")
_MOSTLY = 0.5  # share of values that are dates
_NEAR = 4  # words between a comparison and what names its measure
_LONGEST_SAID = 4  # words of an attribute's value


def readings(ground: Ground, seeds: Seeds, wanted: Intent, plain: Question) -> Iterator[Question]:
    """Yield the question without its comparisons, and with those that the graph can make."""
    yield plain
    compared = []
    for constraint in constraints(seeds.tokens):
        said = (*constraint.cues, *measured_in(_unit_after(seeds, constraint)))
        fitting = ground.measures.find(said, is_time=constraint.is_time)
        compared.append((_in_unit(ground, seeds, constraint, fitting), tuple(fitting)))
    for valued in _valued(ground, seeds):
        yield Question(
            seeds,
            wanted,
            (*compared, valued),
            None,
            tuple(dict.fromkeys([*wanted.spans, *(c.span for c, _ in (*compared, valued))])),
        )
    ranking = superlative(seeds.tokens)
    if not compared and ranking is None:
        return
    ranked = None
    if ranking is not None:
        fitting = ground.measures.find(ranking.cues, is_time=ranking.is_time)
        ranked = (ranking, tuple(fitting))
    spans = [*wanted.spans, *(c.span for c, _ in compared)]
    spans += [ranking.span] if ranking else []
    cues = _cue_spans(ground, seeds, [*compared, *([ranked] if ranked else [])])
    for consumed in ([*spans, *cues], spans) if ranking and ranking.counts else ([*spans, *cues],):
        yield Question(seeds, wanted, tuple(compared), ranked, tuple(dict.fromkeys(consumed)))


def _unit_after(seeds: Seeds, constraint: Constraint) -> str:
    """Return the unit that a comparison's number is in; ``""`` where none is said."""
    after = [t.folded for t in seeds.tokens[constraint.span.last :][:1] if is_unit(t.folded)]
    return "".join(after)


def _in_unit(
    ground: Ground, seeds: Seeds, constraint: Constraint, fitting: Sequence[ScoredMeasure]
) -> Constraint:
    """Return a comparison with its number in the unit of what it most likely measures."""
    unit = _unit_after(seeds, constraint)
    if not unit or not fitting:
        return constraint
    label = ground.schema.labels[fitting[0].port >> 1].split()
    span = Span(constraint.span.first, constraint.span.last + 1)
    return constraint._replace(span=span, value=in_unit_of(label, constraint.value, unit))


def _valued(ground: Ground, seeds: Seeds) -> Iterator[tuple[Constraint, tuple[ScoredMeasure, ...]]]:
    """Yield values of text attributes that the question says: "customers in Germany"."""
    tokens, values = seeds.tokens, ground.schema.text_values
    named = {m.span for m in seeds.mentions if m.match is Match.EXACT}
    for length in range(min(_LONGEST_SAID, len(tokens)), 0, -1):
        for first in range(len(tokens) - length + 1):
            said = " ".join(t.folded for t in tokens[first : first + length])
            if said in FUNCTION_WORDS or Span(first, first + length) in named:
                continue
            for port, value in values.get(said, ()):
                span = Span(first, first + length)
                constraint = Constraint(span, Comparison.EQUALS, value, (), is_time=False)
                measure = ScoredMeasure(ground.measures.measure(port), port, 1.0, "")
                yield constraint, (measure,)
    yield from _flagged(ground, seeds)


def _flagged(
    ground: Ground, seeds: Seeds
) -> Iterator[tuple[Constraint, tuple[ScoredMeasure, ...]]]:
    """Yield yes-or-no attributes that the question says: "products that are discontinued"."""
    for position, token in enumerate(seeds.tokens):
        for port, yes in ground.schema.flags.items():
            if ground.affinity.label_word(token.folded, port >> 1):
                span = Span(position, position + 1)
                constraint = Constraint(span, Comparison.EQUALS, yes, (), is_time=False)
                yield constraint, (ScoredMeasure(ground.measures.measure(port), port, 1.0, ""),)


def ascends(ground: Ground, wanted: Superlative, measure: ScoredMeasure) -> bool:
    """Return whether the smallest come first: of dates the oldest do, of ages the largest."""
    dated = ground.schema.time_share(measure.port) > _MOSTLY
    return wanted.ascending is (dated or not wanted.is_time)


def is_age(ground: Ground, measure: ScoredMeasure) -> bool:
    """Return whether a measure says how old something is."""
    dated = ground.schema.time_share(measure.port) > _MOSTLY
    return not dated and not _AGE.isdisjoint(ground.schema.labels[measure.port >> 1].split())


def compared_as_ranked(tokens: Sequence[Token]) -> list[Token]:
    """Return the words with each comparison as a ranking: of two, the older one is the oldest.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [t.folded for t in compared_as_ranked(tokenize("the larger or less expensive city"))]
        ['the', 'largest', 'or', 'least', 'expensive', 'city']
    """
    return [t._replace(folded=_COMPARATIVES.get(t.folded, t.folded)) for t in tokens]


def _cue_spans(
    ground: Ground,
    seeds: Seeds,
    read: Sequence[tuple[Constraint | Superlative, tuple[ScoredMeasure, ...]]],
) -> list[Span]:
    """Return where the words stand that name the measures, near their comparisons."""
    spans = []
    for item, fitting in read:
        relation = fitting[0].port >> 1 if fitting else -1
        for position, token in enumerate(seeds.tokens):
            near = fitting and abs(position - item.span.first) <= _NEAR
            if not near or token.folded not in item.cues:
                continue
            if ground.affinity.relations(token.folded)[relation] >= CUE_IS_CLEAR:
                spans.append(Span(position, position + 1))
    return spans
