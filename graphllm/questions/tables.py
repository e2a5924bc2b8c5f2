"""Say what people ask of a table: numbers for each group, groups ranked, different values."""

from collections.abc import Sequence

from graphllm.graph.columns import format_value
from graphllm.query.plan import (
    Aggregate,
    Attribute,
    CountValues,
    Grouped,
    Measure,
    NodePlan,
    OfType,
    TopK,
)
from graphllm.questions.chains import roles
from graphllm.questions.clauses import Phrase, agree
from graphllm.questions.core import Core
from graphllm.questions.inflect import Noun, pluralize
from graphllm.questions.lexicon import Sense
from graphllm.questions.speaker import EXTREMES, HOW_MANY, NUMBERS, Speaker, Unsayable, some_value

AGGREGATES = {
    Aggregate.MINIMUM: ("lowest", "smallest", "minimum"),
    Aggregate.MAXIMUM: ("highest", "largest", "maximum"),
    Aggregate.SUM: ("total", "combined", "overall"),
    Aggregate.AVERAGE: ("average", "mean"),
}
# Of groups "the highest" may be the group's, so an extreme within one is said by its own word.
_IN_GROUPS = {**AGGREGATES, Aggregate.MINIMUM: ("minimum",), Aggregate.MAXIMUM: ("maximum",)}
_COUNTED = (
    "how many {m} are there for each {g}", "how many {m} are there per {g}",
    "for each {g}, how many {m} are there", "what is the number of {m} per {g}",
    "how many {m} are there by {g}", "how are the {m} distributed over the {gs}",
    "how many {m} are there in every {g}", "per {g}, how many {m} are there",
)  # fmt: skip
_OWNED = ("how many {m} does each {g} have", "how many {m} does every {g} have")
_COUNTED_STATED = ("how many {m} there are for each {g}", "how many {m} there are per {g}")
_COUNTED_WANTED = (
    "the number of {m} per {g}", "the number of {m} for each {g}", "the number of {m} by {g}",
    "the count of {m} for every {g}", "a breakdown of the {m} by {g}",
    "the {m} counted by {g}",
)  # fmt: skip
_COUNTED_TYPED = (
    "{m} per {g}", "{m} by {g}", "number of {m} by {g}", "number of {m} per {g}",
    "count of {m} per {g}", "count {m} by {g}", "{m} count grouped by {g}",
)  # fmt: skip
_TOTALLED = (
    "what is the {o} of the {m} per {g}", "what is the {o} of {m} for each {g}",
    "for each {g}, what is the {o} of the {m}", "what is the {o} of the {m} by {g}",
    "per {g}, what is the {o} of the {m}", "what {o} do the {m} of each {g} have",
)  # fmt: skip
_TOTALLED_STATED = ("what the {o} of the {m} is for each {g}", "what {o} the {m} have per {g}")
_TOTALLED_WANTED = (
    "the {o} of the {m} per {g}", "the {o} of {m} for each {g}", "the {o} of the {m} by {g}",
    "the {o} of {m} for every {g}",
)  # fmt: skip
_TOTALLED_TYPED = (
    "{o} {m} per {g}", "{o} of {m} by {g}", "{m} {o} per {g}", "{o} of {m} grouped by {g}",
    "{g} and {o} of {m}",
)  # fmt: skip
_FIRST = ("which {g} has {most} {m}", "what {g} has {most} {m}", "the {g} with {most} {m} is which")
_COMMON = (
    "what is the {common} {g} of the {m}", "what is the {common} {g} among the {m}",
    "which {g} is the {common} among the {m}", "which {g} has {most} {m}",
    "which {g} is {common} for the {m}",
)  # fmt: skip
_FIRST_OF_SEVERAL = (
    "which {k} {gs} have {most} {m}", "what are the {top} {n} {gs} by number of {m}",
    "which are the {k} {gs} with {most} {m}", "what are the {k} {gs} with {most} {m}",
)  # fmt: skip
_BEST = (
    "which {g} has the {extreme} {o} of {m}", "what {g} has the {extreme} {o} of {m}",
    "for which {g} is the {o} of the {m} the {extreme}",
    "in which {g} do the {m} have the {extreme} {o}",
    "the {m} of which {g} have the {extreme} {o}",
)  # fmt: skip
_BEST_OF_SEVERAL = (
    "which {k} {gs} have the {extreme} {o} of {m}", "what are the {top} {n} {gs} by {o} of {m}",
    "which are the {k} {gs} with the {extreme} {o} of {m}",
)  # fmt: skip
_PASSING = (
    "which {gs} have {number} {m}", "what {gs} have {number} {m}",
    "for which {gs} are there {number} {m}",
)  # fmt: skip
_DIFFERENT = (
    "how many different {ns} do {the_m} have", "how many distinct {ns} do {the_m} have",
    "how many different {ns} are there among {the_m}",
    "how many distinct {ns} are there among {the_m}",
    "what is the number of different {ns} of {the_m}", "how many {ns} occur among {the_m}",
    "how many unique {ns} do {the_m} have",
)  # fmt: skip


def ask_grouped(speaker: Speaker, plan: Grouped) -> Core:
    """Return "how many books are there for each publisher", "which nationality is most common"."""
    nominal = speaker.nominal(plan.source)
    if nominal.owner:
        raise Unsayable
    many, group = nominal.bare(plural=True), group_noun(speaker, plan)
    said = {"m": many, "g": group.singular, "gs": group.plural}
    if plan.over is not None:
        words = speaker.measured(speaker.kind(plan.source), plan.over.measure)
        how = speaker.pick(_IN_GROUPS[plan.over.aggregate])
        said["o"] = f"{how} {speaker.pick(words.nouns)}"
    if plan.comparison is not None:
        return _passing(speaker, plan, said)
    if plan.k is not None:
        return _first(speaker, plan, said)
    return _each(speaker, plan, said)


def group_noun(speaker: Speaker, plan: Grouped) -> Noun:
    """Return what a group is called: "publisher", "nationality", "nationality of the author"."""
    kind, by, sense = speaker.kind(plan.source), plan.by, None
    if by.steps:
        sense = speaker.sense(plan.source, by.steps[0])
        if sense is None or len(by.steps) > 1:
            raise Unsayable
    if by.attribute is None:
        return speaker.pick(_end_nouns(speaker, sense))
    words = speaker.measured(kind if sense is None else sense.target, Attribute(by.attribute))
    noun = speaker.pick(words.nouns)
    if by.part is not None:
        noun = by.part.value if speaker.chance(0.7) else f"{by.part.value} of {noun}"
    if sense is not None and by.part is None:
        end = speaker.pick(_end_nouns(speaker, sense)).singular
        noun = speaker.pick((f"{end} {noun}", f"{noun} of the {end}", f"{end}'s {noun}"))
    return Noun(noun, pluralize(noun))


def _end_nouns(speaker: Speaker, sense: Sense | None) -> Sequence[Noun]:
    """Return what a step leads to is called."""
    if sense is None:
        return ()
    known = sense.target in speaker.lexicon.kinds
    kinds = speaker.kind_words(sense.target).nouns if known else ()
    return (
        [*kinds, *kinds, *roles(sense)] if kinds and not sense.backward else kinds or roles(sense)
    )


def _filled(speaker: Speaker, templates: Sequence[str], said: dict[str, str]) -> str:
    return speaker.pick(templates).format_map(said)


def _each(speaker: Speaker, plan: Grouped, said: dict[str, str]) -> Core:
    if plan.over is not None:
        return Core(
            _filled(speaker, _TOTALLED, said),
            _filled(speaker, _TOTALLED_STATED, said),
            _filled(speaker, _TOTALLED_WANTED, said),
            _filled(speaker, _TOTALLED_TYPED, said),
        )
    wanted = _filled(speaker, _COUNTED_WANTED, said)
    typed = _filled(speaker, _COUNTED_TYPED, said)
    clause = _by_clause(speaker, plan, said) if speaker.chance(0.4) else None
    if clause is not None:
        return Core(*clause, wanted, typed)
    templates = (*_COUNTED, *_OWNED) if plan.by.attribute is None else _COUNTED
    stated = _filled(speaker, _COUNTED_STATED, said)
    return Core(_filled(speaker, templates, said), stated, wanted, typed)


def _by_clause(speaker: Speaker, plan: Grouped, said: dict[str, str]) -> tuple[str, str] | None:
    """Return "how many ships does each line own"; ``None`` where no clause says it."""
    if len(plan.by.steps) != 1 or plan.by.attribute is not None:
        return None
    sense = speaker.sense(plan.source, plan.by.steps[0])
    if sense is None:
        return None
    each = Phrase(f"{speaker.pick(('each', 'every', 'each'))} {said['g']}")
    role = "h" if sense.backward else "t"  # the groups are what the step reaches
    owning = [c for c in sense.words.clauses if c.subject == role]
    owned = [c for c in sense.words.clauses if c.subject != role]
    if owning and (not owned or speaker.chance(0.6)):
        clause = speaker.pick(owning)
        direct = f"how many {said['m']} {clause.asked_for_object(each)}"
        return direct, f"how many {said['m']} {clause.gap(each)}"
    if not owned:
        return None
    text = agree(speaker.pick(owned).predicate(each.text).text, plural=True)
    return f"how many {said['m']} {text}", f"how many {said['m']} {text}"


def _first(speaker: Speaker, plan: Grouped, said: dict[str, str]) -> Core:
    assert plan.k is not None  # noqa: S101 - for the type checker
    few = plan.ascending
    number = NUMBERS.get(plan.k, str(plan.k))
    said |= {
        "most": speaker.pick(
            ("the fewest", "the smallest number of") if few
            else ("the most", "the most", "the largest number of", "the highest number of")
        ),
        "common": speaker.pick(("least common",) if few else ("most common", "most frequent")),
        "extreme": speaker.pick(EXTREMES[few]),
        "top": "bottom" if few else "top",
        "k": speaker.pick((str(plan.k), number)),
        "n": str(plan.k),
    }  # fmt: skip
    several, by_value = plan.k > 1, plan.by.attribute is not None
    if plan.over is not None:
        direct = _filled(speaker, _BEST_OF_SEVERAL if several else _BEST, said)
        measured = "the {extreme} {o} of {m}".format_map(said)
        typed = "{top} {n} {gs} by {o} of {m}" if several else "{g} with {extreme} {o} of {m}"
    else:
        one = _COMMON if by_value else _FIRST[:2]
        direct = _filled(speaker, _FIRST_OF_SEVERAL if several else one, said)
        measured = "{most} {m}".format_map(said)
        typed = "{top} {n} {gs} by number of {m}" if several else "{g} with {most} {m}"
    who = f"the {said['k']} {said['gs']}" if several else f"the {said['g']}"
    stated = f"which {said['gs'] if several else said['g']} {'have' if several else 'has'}"
    return Core(direct, f"{stated} {measured}", f"{who} with {measured}",
                typed.format_map(said), several)  # fmt: skip


def _passing(speaker: Speaker, plan: Grouped, said: dict[str, str]) -> Core:
    if plan.comparison not in HOW_MANY:
        raise Unsayable
    said["number"] = f"{HOW_MANY[plan.comparison]} {format_value(plan.value)}"
    direct = _filled(speaker, _PASSING, said)
    wanted = "the {gs} with {number} {m}".format_map(said)
    stated = "which {gs} have {number} {m}".format_map(said)
    return Core(direct, stated, wanted, "{gs} with {number} {m}".format_map(said), is_list=True)


def ask_different(speaker: Speaker, plan: CountValues) -> Core:
    """Return "how many different nationalities do the authors have"."""
    words = speaker.measured(speaker.kind(plan.source), Attribute(plan.attribute))
    nominal = speaker.nominal(plan.source)
    many = nominal.bare(plural=True)
    them = nominal.definite(plural=True).text
    if isinstance(plan.source, OfType) and speaker.chance(0.6):
        them = speaker.pick((many, f"all {many}"))
    several = pluralize(speaker.pick(words.nouns))
    said = {"ns": several, "the_m": them}
    typed = speaker.pick((f"number of different {several} of {many}", f"distinct {several} {many}",
                          f"count of distinct {several} of {many}"))  # fmt: skip
    stated = f"how many different {several} {them} have"
    wanted = f"the number of different {several} of {them}"
    return Core(_filled(speaker, _DIFFERENT, said), stated, wanted, typed)


def ask_top(speaker: Speaker, plan: TopK) -> Core:
    """Return "what are the top 3 books by price", "the highest-priced"."""
    noun = speaker.pick(_measured(speaker, plan.source, plan.measure))
    nominal = speaker.nominal(plan.source)
    if nominal.owner:
        raise Unsayable
    many = nominal.bare(plural=True)
    word = "bottom" if plan.ascending else "top"
    number = speaker.pick((str(plan.k), NUMBERS.get(plan.k, str(plan.k))))
    listed = speaker.pick((f"{word} {number} {many} by {noun}", f"{word} {plan.k} {many} by {noun}",
                           f"{number} {many} with the {speaker.pick(EXTREMES[plan.ascending])} "
                           f"{noun}"))  # fmt: skip
    be = speaker.pick(("what", "which"))
    return Core(f"{be} are the {listed}", f"{be} are the {listed}", f"the {listed}", listed, True)


def _measured(speaker: Speaker, source: NodePlan, measure: Measure) -> Sequence[str]:
    return speaker.measured(speaker.kind(source), measure).nouns


def holding(speaker: Speaker, kind: str, attribute: str, *, has: bool) -> str:
    """Return "[has|have] a price", "whose price is not known": what says that there is a value."""
    noun = speaker.pick(speaker.measured(kind, Attribute(attribute)).nouns)
    some = some_value(noun)
    if has:
        return speaker.pick((f"[has|have] {some}", f"[has|have] {some} at all"))
    return speaker.pick((f"[has|have] no {noun}", f"[has|have] no {noun}",
                         f"[lacks|lack] {some}", f"[does|do] not have {some}"))  # fmt: skip
