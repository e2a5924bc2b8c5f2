"""Put plans into questions as people ask them.

Names stay out of the grammar: a mention is a placeholder until the end, when it becomes a name,
perhaps a misspelt one, and its place is known.
"""

from calendar import month_name as month_names
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from graphllm.graph.columns import format_value
from graphllm.graph.view import GraphView
from graphllm.io.wide import singular
from graphllm.query.execute import execute
from graphllm.query.plan import (
    Attribute,
    Comparison,
    Condition,
    Degree,
    Entities,
    Filter,
    Follow,
    HavingAttribute,
    HavingStep,
    Intersect,
    Literal,
    Measure,
    NodePlan,
    OfType,
    Step,
    Subtract,
    TopK,
    Union,
)
from graphllm.questions.chains import returned
from graphllm.questions.clauses import Clause, Phrase, Predicate
from graphllm.questions.inflect import Noun, pluralize, read_verb, with_article
from graphllm.questions.lexicon import Lexicon, Sense
from graphllm.questions.nominal import Nominal
from graphllm.questions.schema import AttributeWords, EdgeWords, KindWords
from graphllm.questions.walks import read_return, two_way

MARK = "\ue000"  # begins a placeholder; the next character counts the mentions
_FIRST = 0xE100
_THING = KindWords(nouns=tuple(map(Noun.read, ("thing", "thing", "item", "entity", "one"))))
_SOMEBODY = Noun("person", "people")
Option = TypeVar("Option")


class Unsayable(Exception):  # noqa: N818 - it is no error: the caller draws another plan
    """The lexicon has no words for a plan."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A relation that leads from a subject to what is asked for.

    Attributes:
        clause: Its object is asked for.
        subject: Its subject.
        extra: What limits it: "since 1990".
    """

    clause: Clause
    subject: Phrase
    extra: str = ""

    def relative(self) -> str:
        """Return "Arbel supplies", for "the firms that ..."."""
        return self.clause.gap(self.subject, self.extra)

    def asked(self, *, where: bool = False) -> str:
        """Return "does Arbel supply", for "which firms ...?"."""
        said = self.clause.asked_for_object(self.subject, where=where)
        return f"{said} {self.extra}".rstrip()

    def stated(self, *, where: bool = False) -> str:
        """Return "Arbel supplies" for "I'd like to know which firms ..."."""
        if not where:
            return self.relative()
        before = self.clause.before.rpartition(" ")[0]
        clause = replace(self.clause, before=before)
        return clause.gap(self.subject, self.extra)


class Speaker:
    """Says plans over one graph; keeps the mentions of the question it is saying.

    Args:
        lexicon: The words.
        view: The graph, for names, and for how many things a phrase denotes.
        rng: Draws the phrasing.
    """

    def __init__(self, lexicon: Lexicon, view: GraphView, rng: np.random.Generator) -> None:
        self.lexicon, self.view, self.rng = lexicon, view, rng
        self.mentions: list[tuple[str, ...]] = []

    # Choosing

    def pick(self, options: Sequence[Option]) -> Option:
        """Return one of the options.

        Raises:
            Unsayable: There are none.
        """
        if not options:
            raise Unsayable
        return options[int(self.rng.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        """Return whether an event of this probability happens."""
        return bool(self.rng.random() < probability)

    def mention(self, keys: tuple[str, ...]) -> str:
        """Return a placeholder for a name."""
        if keys not in self.mentions:
            self.mentions.append(keys)
        return f"{MARK}{chr(_FIRST + self.mentions.index(keys))}"

    # Kinds

    def kind_words(self, kind: str) -> KindWords:
        """Return the words for a kind; those for a thing when it has none."""
        return self.lexicon.kinds.get(kind, _THING)

    def kind(self, plan: NodePlan) -> str:
        """Return the kind of the nodes that a plan denotes; empty when it is not one."""
        match plan:
            case Entities(keys):
                kinds = {
                    self.lexicon.kind_of(n) for n in map(self.view.find_key, keys) if n is not None
                }
                return kinds.pop() if len(kinds) == 1 else ""
            case OfType(node_type):
                found = (k for k, label in self.lexicon.types.items() if label == node_type)
                return next(found, "")
            case HavingStep(step):
                senses = self.lexicon.senses.get((step.relation, step.inverse), ())
                return senses[0].source if len(senses) == 1 else ""
            case Follow(source, step):
                sense = self.sense(source, step)
                return "" if sense is None else sense.target
            case HavingAttribute():
                return ""
            case Filter(source) | TopK(source):
                return self.kind(source)
            case Intersect(left, right):
                return self.kind(right) if isinstance(right, OfType) else self.kind(left)
            case Union(left) | Subtract(left):
                return self.kind(left)

    def sense(self, source: NodePlan, step: Step) -> Sense | None:
        """Return what a step means; from a name shared by kinds, that of the kind that fits."""
        bare = Step(step.relation, step.inverse)
        kind = self.kind(source)
        if kind:
            return self.lexicon.sense(bare, kind)
        senses = self.lexicon.senses.get((step.relation, step.inverse), ())
        if isinstance(source, Entities):
            nodes = [n for n in map(self.view.find_key, source.keys) if n is not None]
            kinds = {self.lexicon.kind_of(node) for node in nodes}
            senses = tuple(s for s in senses if s.source in kinds)
        return senses[0] if senses else None

    def size(self, plan: NodePlan) -> int:
        """Return how many nodes a plan denotes."""
        return len(execute(plan, self.view).nodes)

    # Names and noun phrases

    def phrase(self, plan: NodePlan) -> Phrase:
        """Return a plan as a noun phrase that can stand in a sentence."""
        if isinstance(plan, Entities):
            return Phrase(self.mention(plan.keys))
        nominal = self.nominal(plan)
        plural = nominal.plural if nominal.plural is not None else self.is_several(plan)
        if isinstance(plan, OfType) and plural and self.chance(0.4):
            return Phrase(nominal.bare(plural=True), plural=True)
        return nominal.definite(plural=plural)

    def is_several(self, plan: NodePlan) -> bool:
        """Whether to speak of a plan in the plural."""
        return self.size(plan) > 1 or self.chance(0.5)

    def nominal(self, plan: NodePlan) -> Nominal:
        """Return a plan that is not a name as a nominal.

        Raises:
            Unsayable: It is a name, or there are no words for it.
        """
        match plan:
            case OfType():
                return self.of_kind(self.kind(plan), plural=True)
            case HavingStep(step):
                return self.having(step)
            case Follow():
                return self.followed(plan)
            case Filter(source, measure, comparison, value):
                nominal = self.nominal(source)
                said = self.compared(self.kind(source), measure, comparison, value)
                return self.with_predicate(nominal, said)
            case TopK():
                return self.top(plan)
            case Intersect() | Union() | Subtract():
                return self.combined(plan)
            case _:
                raise Unsayable

    def of_kind(self, kind: str, *, plural: bool | None = None) -> Nominal:
        """Return a kind as a nominal without modifiers."""
        words = self.kind_words(kind)
        return Nominal(
            noun=self.pick(words.nouns), kind=kind, is_person=words.is_person, plural=plural
        )

    def having(self, step: Step) -> Nominal:
        """Return "ships that have an owner"."""
        sense = next(iter(self.lexicon.senses.get((step.relation, step.inverse), ())), None)
        if sense is None:
            raise Unsayable
        return self.with_predicate(self.of_kind(sense.source, plural=True), self.some(sense))

    def some(self, sense: Sense) -> Predicate:
        """Return "has a supplier", or "supplies some firm"."""
        nouns = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        if nouns and (sense.words.is_noun or self.chance(0.6)):
            return Predicate(read_verb("has"), with_article(self.pick(nouns).singular))
        target = self.of_kind(sense.target)
        return self.active(sense).predicate(f"at least one {target.bare(plural=False)}")

    def active(self, sense: Sense) -> Clause:
        """Return a clause whose subject is the step's source."""
        role = "t" if sense.backward else "h"
        return self.pick([c for c in sense.words.clauses if c.subject == role])

    def with_predicate(self, nominal: Nominal, said: Predicate) -> Nominal:
        """Return a nominal with one more modifier."""
        link = self.pick((" and", " and", "")) if _has_verb(nominal) else ""
        reduced = self.chance(0.5) and not link and not said.reduced.startswith("that ")
        return nominal.modified(said, reduced=reduced, link=link)

    # Steps

    def by_noun(self, follow: Follow) -> bool:
        """Whether nothing but the relation's own noun says what a step reaches."""
        sense = self.sense(follow.source, follow.step)
        if sense is None:
            return False
        if sense.words.is_noun and not sense.backward:
            return True
        if sense.target in self.lexicon.kinds:
            return False
        return bool(sense.words.head_nouns if sense.backward else sense.words.tail_nouns)

    def followed(self, follow: Follow) -> Nominal:
        """Return what a step reaches: "suppliers of Arbel", "firms that Arbel buys from"."""
        source, step = follow.source, follow.step
        sense = self.sense(source, step)
        if sense is None:
            raise Unsayable
        if (shared := self.shared(follow, sense)) is not None:
            return shared
        roles = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        use_role = roles and step.condition is None and (self.by_noun(follow) or self.chance(0.55))
        if use_role and not isinstance(source, OfType):
            return self.by_role(self.pick(roles), self.phrase(source), sense)
        base = self.of_kind(sense.target, plural=self.number(sense, source))
        if base.is_person and self.chance(0.15):
            base = replace(base, noun=_SOMEBODY)
        subject = self.phrase(source)
        predicates = self.predicates(sense, subject, step.condition)
        gaps = self.gaps(sense, subject, step.condition)
        owned = sense.words.tail_nouns if sense.backward else sense.words.head_nouns
        if owned and not subject.plural and step.condition is None and self.chance(0.12):
            return replace(base, after=f" whose {self.pick(owned).singular} is {subject.text}")
        if predicates and (not gaps or self.chance(0.5)):
            return self.with_predicate(base, self.pick(predicates))
        return replace(base, after=self.relative(base, self.pick(gaps)))

    def shared(self, follow: Follow, sense: Sense) -> Nominal | None:
        """Return "ships with the same owner as Arbel" for a step there and back, now and then."""
        there = follow.source
        back = replace(follow.step, inverse=not follow.step.inverse)
        if not isinstance(there, Follow) or there.step != back or follow.step.condition is not None:
            return None
        roles = sense.words.tail_nouns if sense.backward else sense.words.head_nouns
        if not isinstance(there.source, Entities) or not roles or self.chance(0.35):
            return None
        role, name = self.pick(roles), self.mention(there.source.keys)
        a_role = with_article(role.singular)
        ways = (
            f" with the same {role.singular} as {name}",
            f" that [has|have] the same {role.singular} as {name}",
            f" that [shares|share] {a_role} with {name}",
            f" sharing {a_role} with {name}",
            f" whose {role.singular} is the same as that of {name}",
        )
        return replace(self.of_kind(sense.target), after=self.pick(ways))

    def by_role(self, role: Noun, subject: Phrase, sense: Sense) -> Nominal:
        """Return "owner of Arbel", or "Arbel's owner"."""
        words = self.kind_words(sense.target)
        plural = False if sense.leads_to_one and not subject.plural else None
        nominal = Nominal(noun=role, kind=sense.target, is_person=words.is_person, plural=plural)
        short = len(subject.text.split()) <= 3 and not subject.plural and " or " not in subject.text
        if short and self.chance(0.45):
            return replace(nominal, owner=f"{subject.text}'s")
        return replace(nominal, after=f" of {subject.text}")

    def number(self, sense: Sense, source: NodePlan) -> bool | None:
        """Return ``False`` where a step from one thing leads to one thing."""
        return False if sense.leads_to_one and isinstance(source, Entities) else None

    def relative(self, base: Nominal, gap: Gap) -> str:
        """Return a relative clause without its object: " that Arbel supplies"."""
        fronted = gap.clause.fronted_gap(gap.subject)
        if fronted is not None and not base.is_person and not gap.extra and self.chance(0.3):
            return f" {fronted}"
        nested = gap.subject.text.startswith(("the ", "all ", "both ")) or " " in gap.subject.text
        pronoun = self.pick(
            ("that", "that", "who" if base.is_person else "which", "that" if nested else "")
        )
        return f" {pronoun} {gap.relative()}".replace("  ", " ")

    def predicates(
        self, sense: Sense, subject: Phrase, condition: Condition | None = None
    ) -> list[Predicate]:
        """Return what is said of the nodes that a step from ``subject`` reaches."""
        role = "h" if sense.backward else "t"
        extra = self.limit(condition)
        said = [
            _limited(clause.predicate(subject.text), extra)
            for clause in self.fitting(sense, condition)
            if clause.subject == role
        ]
        source_roles = sense.words.tail_nouns if sense.backward else sense.words.head_nouns
        if source_roles and not extra and not subject.plural:
            role_noun = self.pick(source_roles).singular
            said.append(Predicate(read_verb("has"), f"{subject.text} as [its|their] {role_noun}"))
        if self.kind_words(sense.target).is_person:
            return [predicate.of_person() for predicate in said]
        return said

    def gaps(self, sense: Sense, subject: Phrase, condition: Condition | None = None) -> list[Gap]:
        """Return clauses from ``subject`` whose object is what a step reaches."""
        role = "t" if sense.backward else "h"
        extra = self.limit(condition)
        clauses = [c for c in self.fitting(sense, condition) if c.subject == role]
        if self.kind_words(sense.source).is_person:
            clauses = [clause.of_person() for clause in clauses]
        return [Gap(clause, subject, extra) for clause in clauses]

    def edge_words(self, condition: Condition | None) -> EdgeWords | None:
        """Return the words for the attribute that a condition tests."""
        if condition is None:
            return None
        found = (w for name, w in self.lexicon.edge_values.values() if name == condition.attribute)
        return next(found, None)

    def fitting(self, sense: Sense, condition: Condition | None) -> list[Clause]:
        """Return the clauses in the tense that a condition needs."""
        edge = self.edge_words(condition)
        if edge is None:
            return list(sense.words.clauses)
        fitting = [c for c in sense.words.clauses if _tense(c) == edge.tense]
        return fitting or list(sense.words.clauses)

    def limit(self, condition: Condition | None) -> str:
        """Return a condition on the edge as an adverb: "since 1990"."""
        if condition is None:
            return ""
        edge = self.edge_words(condition)
        if edge is None:
            raise Unsayable
        options = _by_comparison(edge.more, edge.less, edge.same, condition.comparison)
        return self.pick(options).format(v=self.value(condition.value))

    # Measures

    def measured(self, kind: str, measure: Measure) -> AttributeWords:
        """Return the words for a measure.

        Raises:
            Unsayable: There are none.
        """
        words = self.lexicon.measured(kind, measure)
        if words is None:
            raise Unsayable
        return words

    def compared(
        self, kind: str, measure: Measure, comparison: Comparison, value: Literal
    ) -> Predicate:
        """Return a test as a predicate: "has more than 5,000 inhabitants"."""
        if isinstance(measure, Degree):
            return self.counted(kind, measure.step, comparison, value)
        words = self.measured(kind, measure)
        if isinstance(value, bool):
            said = Predicate.read(self.pick(words.same))
            return said if value else Predicate(read_verb("is"), f"not {said.rest}")
        options = _by_comparison(words.more, words.less, words.same, comparison)
        return Predicate.read(self.pick(options).format(v=self.value(value)))

    def counted(self, kind: str, step: Step, comparison: Comparison, value: Literal) -> Predicate:
        """Return "supplies more than three firms"."""
        sense = self.lexicon.sense(step, kind)
        if sense is None:
            raise Unsayable
        word = HOW_MANY[comparison]
        if sense.words.is_noun and not sense.backward:
            many = self.pick(sense.words.tail_nouns).plural
            return Predicate(read_verb("has"), f"{word} {format_value(value)} {many}")
        target = self.of_kind(sense.target).bare(plural=True)
        return self.active(sense).predicate(f"{word} {format_value(value)} {target}")

    def value(self, value: Literal) -> str:
        """Return a value as people write it."""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
            return self.pick((f"{value:,}", f"{value:,}", str(value)))
        if isinstance(value, np.datetime64):
            return self.date(value)
        return format_value(value)

    def date(self, value: np.datetime64) -> str:
        """Return a date in one of the ways people write it."""
        iso = format_value(value)
        year, month, day = iso.split("-")
        month_name = month_names[int(month)]
        return self.pick(
            (iso, f"{int(day)} {month_name} {year}", f"{month_name} {int(day)}, {year}")
        )

    def top(self, plan: TopK) -> Nominal:
        """Return "the three oldest ships", "the ship that calls at the most ports"."""
        kind = self.kind(plan.source)
        nominal = replace(self.nominal(plan.source), plural=plan.k > 1)
        if isinstance(plan.measure, Degree):
            sense = self.lexicon.sense(plan.measure.step, kind)
            if sense is None:
                raise Unsayable
            return self.with_predicate(nominal, self.most(sense, ascending=plan.ascending))
        words = self.measured(kind, plan.measure)
        count = self.pick((str(plan.k), NUMBERS.get(plan.k, str(plan.k)))) if plan.k > 1 else ""
        adjectives = words.least if plan.ascending else words.most
        if adjectives and words.is_time and not nominal.is_person:
            adjectives = (*adjectives, *_TIMES[plan.ascending])
        if adjectives and self.chance(0.75):
            before = f"{count} {self.pick(adjectives)} {nominal.before}"
        else:
            if words.is_time:
                raise Unsayable
            extreme = self.pick(EXTREMES[plan.ascending])
            before = f"{count} {nominal.before}"
            with_it = f" with the {extreme} {self.pick(words.nouns)}"
            nominal = replace(nominal, after=nominal.after + with_it)
        return replace(nominal, before=" ".join(before.split()))

    def next_in_rank(self, plan: TopK) -> Nominal:
        """Return "second oldest ship", "ship with the third highest tonnage"."""
        place = _ORDINALS.get(plan.k)
        if place is None or isinstance(plan.measure, Degree):
            raise Unsayable
        words = self.measured(self.kind(plan.source), plan.measure)
        nominal = replace(self.nominal(plan.source), plural=False)
        adjectives = words.least if plan.ascending else words.most
        if adjectives and (words.is_time or self.chance(0.6)):
            return replace(
                nominal, before=f"{place} {self.pick(adjectives)} {nominal.before}".strip()
            )
        if words.is_time:
            raise Unsayable
        extreme = self.pick(EXTREMES[plan.ascending])
        with_it = f" with the {place} {extreme} {self.pick(words.nouns)}"
        return replace(nominal, after=nominal.after + with_it)

    def most(self, sense: Sense, *, ascending: bool) -> Predicate:
        """Return "calls at the most ports"."""
        how_many = (
            "the fewest"
            if ascending
            else self.pick(("the most", "the most", "the largest number of"))
        )
        target = self.of_kind(sense.target).bare(plural=True)
        roles = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        if roles and (sense.words.is_noun or self.chance(0.4)):
            return Predicate(read_verb("has"), f"{how_many} {self.pick(roles).plural}")
        return self.active(sense).predicate(f"{how_many} {target}")

    # Combinations

    def combined(self, plan: Intersect | Union | Subtract) -> Nominal:
        """Return what several sets make together: in both, in either, in one and not the other."""
        if isinstance(plan, Union) and (both := two_way(plan)) is not None:
            return self.followed(both)
        if isinstance(plan, Intersect) and isinstance(plan.right, OfType):
            kind = self.kind(plan.right)
            nominal = self.nominal(plan.left)
            return nominal if nominal.kind == kind else self.recast(nominal, kind)
        if isinstance(plan.right, HavingAttribute):
            return self.holding(plan, plan.right.attribute)
        if isinstance(plan, Subtract):
            return self.subtracted(plan)
        if (joined := self.same_step(plan)) is not None:
            return joined
        if isinstance(plan, Union):
            return self.united(plan)
        nominal = self.nominal(plan.left)
        return self.restricted(nominal, plan.right, negated=False)

    def holding(self, plan: Intersect | Union | Subtract, attribute: str) -> Nominal:
        """Return "books with a price", "books whose price is not known"."""
        nominal = self.nominal(plan.left)
        noun = self.pick(self.measured(self.kind(plan.left), Attribute(attribute)).nouns)
        ways = _WITH if isinstance(plan, Intersect) else _WITHOUT
        said = self.pick(ways).format(n=noun, a=some_value(noun))
        return replace(nominal, after=f"{nominal.after} {said}")

    def recast(self, nominal: Nominal, kind: str) -> Nominal:
        """Return a nominal with the noun of another kind."""
        words = self.kind_words(kind)
        return replace(nominal, noun=self.pick(words.nouns), kind=kind, is_person=words.is_person)

    def same_step(self, plan: Intersect | Union) -> Nominal | None:
        """Return "firms that supply both A and B" where both sides take the same step."""
        left, right = plan.left, plan.right
        if not (isinstance(left, Follow) and isinstance(right, Follow) and left.step == right.step):
            return None
        if not isinstance(left.source, Entities) or not isinstance(right.source, Entities):
            return None
        sense = self.sense(left.source, left.step)
        if sense is None:
            raise Unsayable
        a, b = self.mention(left.source.keys), self.mention(right.source.keys)
        pairs = (f"both {a} and {b}", f"{a} as well as {b}", f"{a} and also {b}")
        either_or = (f"{a} or {b}", f"either {a} or {b}")
        ends = Phrase(self.pick(pairs if isinstance(plan, Intersect) else either_or))
        if sense.words.is_noun and not sense.backward:
            several = replace(sense, words=replace(sense.words, one_tail=False))
            return self.by_role(self.pick(sense.words.tail_nouns), ends, several)
        base = self.of_kind(sense.target)
        said = [p for p in self.predicates(sense, ends) if " as [" not in p.rest]
        if said:
            return self.with_predicate(base, self.pick(said))
        gap = self.pick(self.gaps(sense, ends._replace(plural=isinstance(plan, Intersect))))
        return replace(base, after=self.relative(base, gap))

    def united(self, plan: Union) -> Nominal:
        """Return "ports that Arbel or Morna calls at", for different steps."""
        left, right = self.nominal(plan.left), plan.right
        said = self.said_of(right)
        return left.modified(said, link=" or")

    def restricted(self, nominal: Nominal, plan: NodePlan, *, negated: bool) -> Nominal:
        """Return a nominal that also meets a plan, or does not."""
        said = self.said_of(plan)
        if negated:
            link = self.pick((" but", " and")) if _has_verb(nominal) else ""
            text = f"{link} {nominal.pronoun} {said.negated}"
            return replace(nominal, after=nominal.after + text)
        return nominal.modified(said, link=" and" if _has_verb(nominal) else "")

    def said_of(self, plan: NodePlan) -> Predicate:
        """Return a plan as a predicate of its nodes: "calls at Ulm"."""
        both = two_way(plan) if isinstance(plan, Union) else None
        match both or plan:
            case Follow(source, step):
                sense = self.sense(source, step)
                if sense is None:
                    raise Unsayable
                return self.pick(self.predicates(sense, self.phrase(source), step.condition))
            case HavingStep(step):
                sense = next(iter(self.lexicon.senses.get((step.relation, step.inverse), ())), None)
                if sense is None:
                    raise Unsayable
                return self.some(sense)
            case Filter(OfType() as source, measure, comparison, value):
                return self.compared(self.kind(source), measure, comparison, value)
            case _:
                raise Unsayable

    def subtracted(self, plan: Subtract) -> Nominal:
        """Return "firms that supply Arbel but not Morna"."""
        if isinstance(plan.right, Entities):
            return self.others(plan)
        if isinstance(plan.left, TopK) and isinstance(plan.right, TopK):
            return self.next_in_rank(plan.left)
        nominal = self.nominal(plan.left)
        if isinstance(plan.right, HavingStep):
            return self.without(nominal, plan.right.step)
        left, right = plan.left, plan.right
        if isinstance(left, Follow) and isinstance(right, Follow) and left.step == right.step:
            nominal, sense = self.of_kind(self.kind(left)), self.sense(left.source, left.step)
            if sense is None:
                raise Unsayable
            if not (isinstance(left.source, Entities) and isinstance(right.source, Entities)):
                return self.restricted(self.nominal(left), right, negated=True)
            ends = Phrase(
                f"{self.phrase(left.source).text} but not {self.phrase(right.source).text}"
            )
            said = [p for p in self.predicates(sense, ends) if " as [" not in p.rest]
            if said:
                return self.with_predicate(nominal, self.pick(said))
            nominal = self.nominal(left)
        return self.restricted(nominal, right, negated=True)

    def without(self, nominal: Nominal, step: Step) -> Nominal:
        """Return "ships without an owner"."""
        sense = next(iter(self.lexicon.senses.get((step.relation, step.inverse), ())), None)
        if sense is None:
            raise Unsayable
        roles = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        if roles and (sense.words.is_noun or self.chance(0.6)):
            role = with_article(self.pick(roles).singular)
            no = self.pick((f"without {role}", f"that [has|have] no {role.partition(' ')[2]}"))
            return replace(nominal, after=f"{nominal.after} {no}")
        target = self.of_kind(sense.target).bare(plural=False)
        clause = self.active(sense)
        return replace(
            nominal,
            after=f"{nominal.after} {nominal.pronoun} {clause.predicate(f'any {target}').negated}",
        )

    def others(self, plan: Subtract) -> Nominal:
        """Return "other ships of the line that owns Arbel"."""
        assert isinstance(plan.right, Entities)  # noqa: S101 - for the type checker
        found = read_return(plan)
        if found is not None and self.chance(0.4):
            shared = returned(self, found)
            if shared is not None:
                return shared
        name = self.mention(plan.right.keys)
        nominal = self.nominal(plan.left)
        if found is not None and self.chance(0.4):  # nobody counts in what they ask about
            return nominal
        if name in nominal.after or name in nominal.owner:
            if nominal.before.startswith("other"):
                return nominal
            return replace(nominal, before=f"other {nominal.before}".strip())
        besides = self.pick(("besides", "other than", "apart from", "except"))
        return replace(nominal, after=f"{nominal.after} {besides} {name}")


HOW_MANY = {
    Comparison.MORE: "more than",
    Comparison.LESS: "fewer than",
    Comparison.AT_LEAST: "at least",
    Comparison.EQUALS: "exactly",
}
EXTREMES = (
    ("highest", "highest", "largest"),
    ("lowest", "lowest", "smallest"),
)  # most first, then least
_TIMES = (("latest", "most recent", "last"), ("earliest", "first"))
_WITH = ("with {a}", "that [has|have] {a}", "whose {n} is known", "with some {n}", "having {a}")
_WITHOUT = (
    "without {a}", "with no {n}", "that [has|have] no {n}", "without any {n}", "lacking {a}",
    "that [does|do] not have {a}", "for which no {n} is given",
)  # fmt: skip
_ORDINALS = {2: "second", 3: "third", 4: "fourth"}
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 10: "ten"}


def some_value(noun: str) -> str:
    """Return the noun of an attribute with its article: "a price", "credit points"."""
    return noun if noun == pluralize(singular(noun)) != singular(noun) else with_article(noun)


def _has_verb(nominal: Nominal) -> bool:
    """Whether a nominal has a clause after it, to which another can be joined by "and"."""
    return bool(nominal.after) and not nominal.after.startswith(" of ")


def _limited(said: Predicate, extra: str) -> Predicate:
    return Predicate(said.verb, f"{said.rest} {extra}".rstrip())


def _tense(clause: Clause) -> str:
    if clause.verb.is_auxiliary:
        return "past" if clause.verb.singular == "was" else "present"
    return "past" if clause.verb.singular == clause.verb.plural else "present"


def _by_comparison(
    more: Sequence[str], less: Sequence[str], same: Sequence[str], comparison: Comparison
) -> Sequence[str]:
    match comparison:
        case Comparison.MORE:
            return more
        case Comparison.LESS:
            return less
        case Comparison.EQUALS:
            return same
        case _:
            return ()
