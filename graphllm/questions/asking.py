"""Whole questions: a plan, said as a question, an order, a wish or a few keywords."""

import re
from collections.abc import Sequence
from dataclasses import replace

from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
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
    Measure,
    NodePlan,
    OfType,
    Plan,
    Reached,
    ShortestPath,
    Subtract,
    TopK,
    Union,
    Values,
)
from graphllm.questions.chains import ask_return, chain, roles
from graphllm.questions.clauses import Clause, Phrase, Predicate, agree
from graphllm.questions.core import Core
from graphllm.questions.inflect import pluralize, read_verb, with_article
from graphllm.questions.nominal import Nominal
from graphllm.questions.schema import EdgeWords
from graphllm.questions.speaker import EXTREMES, MARK, Gap, Speaker, Unsayable, _tense
from graphllm.questions.tables import AGGREGATES, ask_different, ask_grouped, ask_top, holding
from graphllm.questions.walks import links, read_return, two_way

STYLES = ("plain", "plain", "plain", "formal", "terse", "chatty", "indirect")


_CHATTY = (
    "Hey, {q}?", "Hi, {q}?", "So, {q}?", "Quick question: {q}?", "Just curious, {q}?", "Ok so {q}?",
    "Hmm, {q}?", "Hello! {Q}?", "Say, {q}?", "By the way, {q}?", "{Q}, please?", "{Q} again?",
    "Help me out: {q}?", "Ok, next one: {q}?", "Now {q}?", "And {q}?", "Tell me, {q}?",
    "Morning! {Q}?", "{Q} btw?", "Real quick, {q}?", "Not sure who to ask, but {q}?",
    "One more thing: {q}?", "I forgot, {q}?", "Oh, and {q}?", "{Q}? Thanks!",
    "Hi there! {Q}?", "Sorry, but {q}?", "I was wondering: {q}?", "Remind me, {q}?", "{Q} then?",
)  # fmt: skip
_INDIRECT = (
    "I'd like to know {i}.", "I want to know {i}.", "Can you tell me {i}?",
    "Could you tell me {i}?",
    "Do you know {i}?", "Please tell me {i}.", "Tell me {i}.", "I am trying to find out {i}.",
    "Any idea {i}?", "I wonder {i}.", "Does anyone know {i}?", "I need to know {i}.",
    "Could you look up {i}?", "Would you happen to know {i}?", "Can you check {i}?",
    "My boss wants to know {i}.", "Let me know {i}.", "It would help to know {i}.",
    "We'd like to find out {i}.", "I can't remember {i}.",
)  # fmt: skip
_LISTS = (
    "List {w}.", "Name {w}.", "Can you list {w}?", "Please list {w}.",
    "Enumerate {w}.", "Make me a list of {w}.", "I need a list of {w}.", "Name all of {w}.",
)  # fmt: skip
_ORDERS = (
    "Give me {w}.", "Show me {w}.", "Find {w}.", "Tell me {w}.",
    "I need {w}.", "I'm looking for {w}.", "Show {w}.", "Get me {w}.", "Look up {w}.",
    "Return {w}.",
    "Could you find {w}?", "Can you give me {w}?", "I want {w}.",
)  # fmt: skip
_FORMAL = (
    "Please state {w}.", "Kindly provide {w}.", "Please give {w}.",
    "Could you please give {w}?", "Please indicate {w}.", "I would like to be given {w}.",
    "Would you please provide {w}?", "Please determine {w}.", "Please specify {w}.",
)  # fmt: skip
_BY_NOUNS = {2: 0.22, 3: 0.4}  # shares of chains of so many steps, or more, said as nouns,
_ONLY_NOUNS = 0.12  # and of these without any other word
_HAVE = 0.12  # "which owner does Arbel have"
_CONTRACTED = re.compile(r"(what|who|where|What|Who|Where) is ")
_CONNECTED = (
    "how is {a} connected to {b}", "how are {a} and {b} connected", "what connects {a} and {b}",
    "what is the connection between {a} and {b}", "how does {a} relate to {b}",
    "what links {a} to {b}", "what is the shortest path from {a} to {b}",
    "how do I get from {a} to {b} in the graph", "what do {a} and {b} have to do with each other",
    "in what way are {a} and {b} related", "what is the relationship between {a} and {b}",
    "what lies between {a} and {b}", "how is {a} linked with {b}",
)  # fmt: skip
_ABOUT = (
    "Tell me about {a}.", "What do you know about {a}?", "What is known about {a}?",
    "Describe {a}.", "Everything about {a}", "Give me all the facts about {a}.",
    "Who or what is {a}?",
    "Show me everything on {a}.", "Summarize {a}.", "What can you tell me about {a}?",
    "I'd like to know more about {a}.", "{a}?", "What does the graph say about {a}?",
    "Give me an overview of {a}.", "What's there to know about {a}?", "info on {a}",
    "Please tell me all you have on {a}.", "Got anything on {a}?",
)  # fmt: skip


class Asker(Speaker):
    """Asks plans; see ``Speaker`` for how phrases are made."""

    def ask(self, plan: Plan, num_answers: int) -> tuple[str, str]:
        """Return a question with placeholders, and its style.

        Args:
            num_answers: How many answers there are; several are mostly asked for in the plural.

        Raises:
            Unsayable: There are no words for it.
        """
        self.mentions.clear()
        if isinstance(plan, FactsOf):
            template = self.pick(_ABOUT)
            return template.format(a=self.phrase(plan.source).text), "plain"
        core = self.core(plan, num_answers)
        style = self.pick(STYLES)
        text = self.shortened(self.styled(core, style))
        return _clean(text), style if text != core.direct else "plain"

    def shortened(self, text: str) -> str:
        """Return the text, now and then, with "what's" for "what is"."""
        found = _CONTRACTED.match(text)
        if found is None or self.chance(0.75):
            return text
        return f"{found[1]}'s {text[found.end() :]}"

    def styled(self, core: Core, style: str) -> str:
        """Return the core in a style, or plainly where it has no form for that."""
        match style:
            case "indirect" if core.indirect:
                return self.pick(_INDIRECT).format(i=core.indirect)
            case "terse" if core.keywords:
                return core.keywords
            case "formal" if core.wanted:
                return self.pick(_FORMAL).format(w=core.wanted)
            case "chatty":
                template = self.pick(_CHATTY)
                return template.format(q=core.direct, Q=_capital(core.direct))
            case _ if core.wanted and self.chance(0.25):
                orders = _LISTS if core.is_list and self.chance(0.5) else _ORDERS
                return self.pick(orders).format(w=core.wanted)
            case _:
                return f"{_capital(core.direct)}?"

    def core(self, plan: Plan, num_answers: int) -> Core:
        """Return what a plan asks for, before it is put in a style."""
        match plan:
            case Count(source):
                return self.ask_count(source)
            case Exists(source):
                return self.ask_whether(source)
            case Values(source, attribute):
                return self.ask_value(source, Attribute(attribute))
            case Follow(source, step) if self.is_measure(source, Reached(step)):
                return self.ask_value(source, Reached(step))
            case EdgeValues():
                return self.ask_edge_value(plan)
            case Aggregated():
                return self.ask_aggregate(plan)
            case Grouped():
                return ask_grouped(self, plan)
            case CountValues():
                return ask_different(self, plan)
            case ShortestPath(start, end):
                a, b = self.phrase(start).text, self.phrase(end).text
                said = self.pick(_CONNECTED).format(a=a, b=b)
                keywords = self.pick(
                    (f"connection {a} {b}", f"path from {a} to {b}", f"{a} and {b}")
                )
                return Core(said, wanted=f"the connection between {a} and {b}", keywords=keywords)
            case FactsOf() | GroupCount():
                raise Unsayable
            case TopK(Entities(keys)) if len(keys) == 2:
                return self.ask_which_of_two(plan)
            case TopK() if plan.k > 1 and not isinstance(plan.measure, Degree) and self.chance(0.4):
                return ask_top(self, plan)
            case _:
                return self.ask_nodes(plan, several=num_answers > 1)

    # Nodes

    def ask_nodes(self, plan: NodePlan, *, several: bool) -> Core:
        """Return a question for the nodes of a plan, in one of several constructions."""
        plural = several if self.chance(0.85) else not several
        num_steps = len(links(plan))
        if num_steps > 1 and self.chance(_BY_NOUNS[min(num_steps, 3)]):
            said = chain(self, plan)
            if said is not None:
                core = self.ask_nominal(said.nominal, plural=plural)
                direct = said.keywords if self.chance(_ONLY_NOUNS) else core.direct
                return replace(core, direct=direct, keywords=said.keywords)
        if read_return(plan) is not None and self.chance(0.75):
            returning = ask_return(self, plan, plural=plural)
            if returning is not None:
                return returning
        follow = two_way(plan) if isinstance(plan, Union) else plan
        if isinstance(follow, Follow):
            drawn = self.rng.random()
            if drawn < 0.25 and (whole := self.whole_question(follow)):
                return Core(whole)
            if drawn < 0.65 and not isinstance(follow.source, OfType) and not self.by_noun(follow):
                return self.ask_clause(follow, plural=plural)
        elif self.chance(0.5) and (which := self.ask_which(plan, plural=plural)) is not None:
            return which
        return self.ask_nominal(self.nominal(plan), plural=plural)

    def whole_question(self, follow: Follow) -> str:
        """Return a question that the schema writes out; empty when there is none that fits."""
        sense = self.sense(follow.source, follow.step)
        if sense is None or follow.step.condition is not None or (sense.twoway and sense.backward):
            return ""
        templates = sense.words.ask_heads if sense.backward else sense.words.ask_tails
        subject = self.phrase(follow.source)
        if not templates or subject.plural:
            return ""
        is_name = isinstance(follow.source, Entities)
        fitting = [t for t in templates if is_name or "}'s" not in t]
        if not fitting:
            return ""
        said = self.pick(fitting).format(h=subject.text, t=subject.text)
        said = said.replace("a the ", "the ").replace("the the ", "the ")
        return _uncapital(said.removesuffix("?"))

    def ask_clause(self, follow: Follow, *, plural: bool) -> Core:
        """Return "who supplies Arbel", or "which firms does Arbel supply"."""
        sense = self.sense(follow.source, follow.step)
        if sense is None:
            raise Unsayable
        if (shared := self.shared(follow, sense)) is not None:
            return self.ask_nominal(shared, plural=plural)
        subject = self.phrase(follow.source)
        if sense.leads_to_one and not subject.plural:
            plural = False
        base = self.of_kind(sense.target)
        if roles(sense) and follow.step.condition is None and self.chance(_HAVE):
            noun = self.pick(roles(sense)).form(plural=plural)
            has = "have" if subject.plural else "has"
            asked = Predicate(read_verb("has"), "").asked_of(subject)
            word = f"{self.pick(('which', 'what'))} {noun}"
            wanted = f"the {noun} of {subject.text}"
            return Core(f"{word} {asked}", f"{word} {subject.text} {has}", wanted, "", plural)
        gaps = self.gaps(sense, subject, follow.step.condition)
        predicates = self.predicates(sense, subject, follow.step.condition)
        if gaps and (not predicates or self.chance(0.5)):
            gap = self.pick(gaps)
            where = gap.clause.says_where and self.kind_words(sense.target).is_place
            if where and self.chance(0.5):
                stated = gap.stated(where=True)
                return Core(f"where {gap.asked(where=True)}", f"where {stated}")
            word = self.word_for(base, plural=plural)
            relative = f"{base.bare(plural=plural)}{self.relative(base, gap)}"
            asked = self.fronted(gap, base, plural=plural) or f"{word} {gap.asked()}"
            return Core(asked, f"{word} {gap.stated()}", f"the {relative}", relative, plural)
        said = self.pick(predicates)
        word = self.word_for(base, plural=plural)
        as_plural = plural and word.startswith(("which ", "what "))
        text = f"{word} {agree(said.text, plural=as_plural)}"
        relative = agree(f"{base.bare(plural=plural)} {said.reduced}", plural=plural)
        return Core(text, text, f"the {relative}", relative, plural)

    def fronted(self, gap: Gap, base: Nominal, *, plural: bool) -> str:
        """Return "at which ports does Arbel call", now and then, where it can be said."""
        asked = gap.clause.asked_with_preposition(gap.subject)
        if asked is None or gap.extra or base.kind not in self.lexicon.kinds or self.chance(0.75):
            return ""
        preposition, rest = asked
        noun = f"which {base.bare(plural=plural)}"
        word = "whom" if base.is_person and self.chance(0.6) else noun
        return f"{preposition} {word} {rest}"

    def word_for(self, base: Nominal, *, plural: bool) -> str:
        """Return "who", "what", "which firms": what asks for a nominal without modifiers."""
        noun = base.bare(plural=plural)
        if base.kind not in self.lexicon.kinds:
            return "what"
        if base.is_person:
            return self.pick(("who", "who", f"which {noun}", f"what {noun}"))
        return self.pick(("what", f"which {noun}", f"which {noun}", f"what {noun}"))

    def ask_which(self, plan: NodePlan, *, plural: bool) -> Core | None:
        """Return "which ships owned by Arbel were built after 1990"; ``None`` if it has no verb."""
        parts = self.split(plan)
        if parts is None:
            return None
        nominal, said, number = parts
        plural = plural if number is None else number
        if nominal.owner or nominal.before.startswith("other"):
            return None
        word = "which " + nominal.bare(plural=plural)
        if nominal.is_person and not nominal.after and not nominal.before and self.chance(0.5):
            word, plural = "who", False
        text = f"{word} {agree(said, plural=plural)}"
        if isinstance(plan, TopK) and word.startswith("which ") and self.chance(0.3):
            all_of = nominal.bare(plural=True)
            among = self.pick(("of all the", "among the"))
            text = f"{among} {all_of}, which {agree(said, plural=False)}"
        wanted = nominal.modified(_as_predicate(said)).definite(plural=plural).text
        return Core(text, text, wanted)

    def split(self, plan: NodePlan) -> tuple[Nominal, str, bool | None] | None:
        """Return a noun phrase, what is said of it, and its number; ``None`` without a verb."""
        match plan:
            case Filter(source, measure, comparison, value) if not isinstance(source, Entities):
                said = self.compared(self.kind(source), measure, comparison, value)
                return self.nominal(source), said.text, None
            case Intersect(left, HavingAttribute(attribute)):
                return self.nominal(left), holding(self, self.kind(left), attribute, has=True), None
            case Subtract(left, HavingAttribute(attribute)):
                lacks = holding(self, self.kind(left), attribute, has=False)
                return self.nominal(left), lacks, None
            case Intersect(left, right) if not isinstance(right, OfType):
                if self.same_step(plan) is not None and self.chance(0.5):
                    return None
                return self.nominal(left), self.said_of(right).text, None
            case Subtract(left, Follow() as right):
                return self.nominal(left), self.said_of(right).negated, None
            case TopK(source, _, 1):
                extreme = self.said_extreme(plan)
                return None if extreme is None else (self.nominal(source), extreme, False)
            case HavingStep(step):
                sense = next(iter(self.lexicon.senses.get((step.relation, step.inverse), ())), None)
                if sense is None:
                    raise Unsayable
                return self.of_kind(sense.source), self.some(sense).text, True
            case _:
                return None

    def said_extreme(self, plan: TopK) -> str | None:
        """Return "is the oldest", or "calls at the most ports"; ``None`` if nothing says it."""
        kind = self.kind(plan.source)
        if isinstance(plan.measure, Degree):
            sense = self.lexicon.sense(plan.measure.step, kind)
            return None if sense is None else self.most(sense, ascending=plan.ascending).text
        words = self.measured(kind, plan.measure)
        adjectives = words.least if plan.ascending else words.most
        if adjectives and self.chance(0.5):
            return f"[is|are] the {self.pick(adjectives)}"
        if words.is_time:
            return None
        return f"[has|have] the {self.pick(EXTREMES[plan.ascending])} {self.pick(words.nouns)}"

    def ask_nominal(self, nominal: Nominal, *, plural: bool) -> Core:
        """Return "what are the ports of Arbel"."""
        if nominal.plural is not None:
            plural = nominal.plural
        thing = nominal.definite(plural=plural).text
        be = "are" if plural else "is"
        word = "who" if nominal.is_person else self.pick(("what", "what", "what", "which"))
        known = "who" if nominal.is_person else "what"
        short = len(thing.split()) <= 7
        indirect = f"{known} {thing} {be}" if short else f"{known} {be} {thing}"
        keywords = self.keywords(nominal, plural=plural)
        return Core(f"{word} {be} {thing}", indirect, thing, keywords, plural)

    def keywords(self, nominal: Nominal, *, plural: bool) -> str:
        """Return a nominal as people type it into a search box."""
        bare = nominal.bare(plural=plural)
        owner = nominal.owner.removesuffix("'s")
        if not owner and re.fullmatch(f" of {MARK}.", nominal.after) and self.chance(0.6):
            owner = nominal.after.removeprefix(" of ")
            bare = replace(nominal, after="").bare(plural=plural)
        if not owner:
            return bare
        return self.pick(
            (f"{owner} {bare}", f"{bare} {owner}", f"{owner}: {bare}", f"{owner}'s {bare}")
        )

    # Counts

    def ask_count(self, source: NodePlan) -> Core:
        """Return "how many ships are there"."""
        follow = two_way(source) if isinstance(source, Union) else source
        is_step = isinstance(follow, Follow) and not isinstance(follow.source, OfType)
        if isinstance(follow, Follow) and is_step and self.chance(0.65):
            return self.count_step(follow)
        nominal = self.nominal(source)
        many = nominal.bare(plural=True)
        if nominal.owner:
            owner = nominal.owner.removesuffix("'s")
            direct = f"how many {many} does {owner} have"
            return Core(
                direct, f"how many {many} {owner} has", f"the number of {nominal.owner} {many}"
            )
        direct = self.pick((f"how many {many} are there", f"what is the number of {many}",
                            f"how many {many} exist", f"how many {many} do we have"))  # fmt: skip
        keywords = self.pick((f"number of {many}", f"count {many}", f"how many {many}"))
        return Core(direct, f"how many {many} there are", f"the number of {many}", keywords)

    def count_step(self, follow: Follow) -> Core:
        """Return "how many ports does Arbel call at"."""
        sense = self.sense(follow.source, follow.step)
        if sense is None:
            raise Unsayable
        subject = self.phrase(follow.source)
        condition = follow.step.condition
        many = self.of_kind(sense.target).bare(plural=True)
        roles = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        if roles and condition is None and (self.by_noun(follow) or self.chance(0.35)):
            many = self.pick(roles).plural
            has = "have" if subject.plural else "has"
            return Core(
                f"how many {many} {Predicate(read_verb('has'), '').asked_of(subject)}",
                f"how many {many} {subject.text} {has}",
                f"the number of {many} of {subject.text}",
                f"{subject.text} {many} count",
            )
        gaps = self.gaps(sense, subject, condition)
        predicates = self.predicates(sense, subject, condition)
        if gaps and (not predicates or self.chance(0.5)):
            gap = self.pick(gaps)
            return Core(f"how many {many} {gap.asked()}", f"how many {many} {gap.stated()}",
                        f"the number of {many} that {gap.relative()}")  # fmt: skip
        said = self.pick(predicates)
        text = f"how many {many} {agree(said.text, plural=True)}"
        reduced = agree(said.reduced, plural=True)
        return Core(text, text, f"the number of {many} {reduced}", f"number of {many} {reduced}")

    # Values

    def is_measure(self, source: NodePlan, measure: Measure) -> bool:
        """Whether a step from these nodes reads an attribute kept as nodes."""
        return self.lexicon.measured(self.kind(source), measure) is not None

    def ask_value(self, source: NodePlan, measure: Measure) -> Core:
        """Return "what is the tonnage of Arbel"."""
        words = self.measured(self.kind(source), measure)
        subject = self.phrase(source)
        noun = self.pick(words.nouns)
        fitting = list(words.ask)
        if subject.plural:
            fitting = [of_several(t) for t in fitting if " {x}" in t]
        if not isinstance(source, Entities):
            fitting = [t for t in fitting if "}'s" not in t]
        is_flag = bool(words.same) and not any("{v}" in said for said in words.same)
        if is_flag and not fitting:
            raise Unsayable
        of = f"the {noun} of {subject.text}"
        keywords = self.pick(
            (f"{subject.text} {noun}", f"{noun} {subject.text}", f"{noun} of {subject.text}")
        )
        if fitting and (is_flag or self.chance(0.65)):
            direct = _uncapital(self.pick(fitting).format(x=subject.text).removesuffix("?"))
            return Core(direct) if is_flag else Core(direct, "", of, keywords)
        if subject.plural:
            of = f"the {pluralize(noun)} of {subject.text}"
            return Core(f"what are {of}", "", of, keywords)
        if isinstance(source, Entities) and self.chance(0.5):
            of = f"{subject.text}'s {noun}"
        return Core(f"what is {of}", f"what {of} is", of, keywords)

    def ask_edge_value(self, plan: EdgeValues) -> Core:
        """Return "since when has Arbel owned Morna"."""
        sense = self.sense(plan.source, plan.step)
        edge = self.lexicon.edge_values[plan.step.relation][1]
        if sense is None or not isinstance(plan.target, Entities):
            raise Unsayable
        start, end = self.phrase(plan.source), self.phrase(plan.target)
        head, tail = (end, start) if sense.backward else (start, end)
        if head.plural or tail.plural:
            raise Unsayable
        template = self.pick(edge.ask)
        said = template
        if "{s}" in template:
            clause = self.clause_for(sense.words.clauses, edge)
            ends = (head, tail) if clause.subject == "h" else (tail, head)
            yes_no = clause.predicate(ends[1].text).asked_of(ends[0])
            stated = clause.statement(*ends[:1], ends[1].text)
            said = template.format(s=yes_no)
            indirect = _uncapital(template.format(s=stated).removesuffix("?"))
        else:
            said, indirect = template.format(h=head.text, t=tail.text), ""
        return Core(_uncapital(said.removesuffix("?")), indirect)

    def clause_for(self, clauses: Sequence[Clause], edge: EdgeWords) -> Clause:
        """Return a clause in the tense that an edge attribute needs."""
        fitting = [c for c in clauses if edge.tense in ("", _tense(c))]
        return self.pick(fitting or list(clauses))

    def ask_aggregate(self, plan: Aggregated) -> Core:
        """Return "what is the average tonnage of the ships of Arbel"."""
        words = self.measured(self.kind(plan.source), plan.measure)
        noun = self.pick(words.nouns)
        if isinstance(plan.source, Entities):
            raise Unsayable
        nominal = self.nominal(plan.source)
        them = nominal.definite(plural=True).text
        if isinstance(plan.source, OfType) and self.chance(0.5):
            them = f"all {nominal.bare(plural=True)}"
        names = _TIME_AGGREGATES if words.is_time else AGGREGATES
        how = self.pick(names[plan.aggregate])
        of = (
            self.pick(("of", "of", "among", "across"))
            if plan.aggregate is not Aggregate.SUM
            else "of"
        )
        thing = f"the {how} {noun} {of} {them}"
        keywords = f"{how} {noun} {nominal.bare(plural=True)}"
        return Core(f"what is {thing}", f"what {thing} is", thing, keywords)

    def ask_which_of_two(self, plan: TopK) -> Core:
        """Return "which is older, Arbel or Morna"."""
        assert isinstance(plan.source, Entities)  # noqa: S101 - for the type checker
        words = self.measured(self.kind(plan.source), plan.measure)
        if len(words.compare) != 2:
            raise Unsayable
        word = words.compare[1 if plan.ascending else 0]
        a, b = (self.mention((key,)) for key in plan.source.keys)
        kind = self.kind_words(self.kind(plan.source))
        which = "who" if kind.is_person else self.pick(("which", "what"))
        noun = self.pick(kind.nouns).singular
        options = (
            f"{which} is {word}, {a} or {b}",
            f"which {noun} is {word}, {a} or {b}",
            f"which of {a} and {b} is {word}",
            f"which is the {word} one, {a} or {b}",
        )
        said = self.pick(options)
        return Core(said, said, f"the {word} of {a} and {b}", f"{a} or {b}, {word}")

    # Yes or no

    def ask_whether(self, source: NodePlan) -> Core:
        """Return a yes-or-no question."""
        match source:
            case Intersect(Entities() as one, OfType() as kind):
                noun = with_article(self.of_kind(self.kind(kind)).bare(plural=False))
                name = self.phrase(one).text
                return Core(f"is {name} {noun}", f"whether {name} is {noun}")
            case Intersect(left, Entities() as one):
                return self.ask_whether_among(left, one)
            case Filter(Entities() as one, measure, comparison, value):
                said = self.compared(self.kind(one), measure, comparison, value)
                return self.whether(said, self.phrase(one))
            case _:
                nominal = self.nominal(source)
                if nominal.owner:
                    owner = nominal.owner.removesuffix("'s")
                    thing = with_article(nominal.bare(plural=False))
                    return Core(f"does {owner} have {thing}", f"whether {owner} has {thing}")
                many = nominal.bare(plural=True)
                one_thing = nominal.bare(plural=False)
                options = (
                    f"are there any {many}",
                    f"are there {many}",
                    f"is there any {one_thing}",
                    f"do any {many} exist",
                    f"is there {with_article(one_thing)}",
                )
                direct = self.pick(options)
                return Core(direct, f"whether there are any {many}", "", f"any {many}")

    def whether(self, said: Predicate, subject: Phrase) -> Core:
        """Return "was Arbel founded before 1950"."""
        stated = agree(f"{subject.text} {said.text}", plural=subject.plural)
        word = self.pick(("whether", "if"))
        return Core(said.asked_of(subject), f"{word} {stated}")

    def ask_whether_among(self, left: NodePlan, one: Entities) -> Core:
        """Return "does Arbel supply Morna", or "is Morna a customer of Arbel"."""
        follow = two_way(left) if isinstance(left, Union) else left
        end = self.phrase(one)
        if not isinstance(follow, Follow):
            nominal = self.nominal(left)
            return self.among(nominal, end)
        sense = self.sense(follow.source, follow.step)
        if sense is None:
            raise Unsayable
        roles = sense.words.head_nouns if sense.backward else sense.words.tail_nouns
        if roles and follow.step.condition is None and self.chance(0.35):
            return self.among(
                self.by_role(self.pick(roles), self.phrase(follow.source), sense), end
            )
        start = self.phrase(follow.source)
        clause = self.pick(self.fitting(sense, follow.step.condition))
        extra = self.limit(follow.step.condition)
        is_subject = clause.subject == ("t" if sense.backward else "h")
        subject, obj = (start, end) if is_subject else (end, start)
        said = clause.predicate(obj.text)
        return self.whether(Predicate(said.verb, f"{said.rest} {extra}".rstrip()), subject)

    def among(self, nominal: Nominal, end: Phrase) -> Core:
        """Return "is Morna one of the customers of Arbel"."""
        if nominal.plural is False or self.chance(0.4):
            thing = nominal.definite(plural=False).text
            if nominal.plural is not False and not nominal.owner:
                thing = nominal.indefinite()
        else:
            thing = f"{self.pick(('one of', 'among'))} {nominal.definite(plural=True).text}"
        return Core(f"is {end.text} {thing}", f"whether {end.text} is {thing}")


_TIME_AGGREGATES = {
    Aggregate.MINIMUM: ("earliest",),
    Aggregate.MAXIMUM: ("latest",),
    Aggregate.SUM: ("total",),
    Aggregate.AVERAGE: ("average", "mean"),
}


_OWN = re.compile(r"\bits\b")
_OF_SEVERAL = {"was": "were", "is": "are", "does": "do", "has": "have"}


def of_several(template: str) -> str:
    """Return a question for one thing as a question for several.

    Examples:
        >>> of_several("When was {x} built?")
        'When were {x} built?'
    """
    before, _, after = template.partition(" {x}")
    *first, verb = before.split(" ")
    said = _OF_SEVERAL.get(verb.lower(), verb.lower())
    verb = said.capitalize() if verb[:1].isupper() else said
    return f"{' '.join([*first, verb])} {{x}}{_OWN.sub('their', after)}"


def _as_predicate(said: str) -> Predicate:
    """Return a predicate that reads as ``said`` already does."""
    verb, _, rest = said.partition(" ")
    if verb.startswith("["):
        singular, plural = verb[1:-1].split("|")
        return Predicate(read_verb(singular)._replace(plural=plural), rest)
    return Predicate(read_verb(verb), rest)


def _capital(text: str) -> str:
    return text if text.startswith(MARK) else text[:1].upper() + text[1:]


def _uncapital(text: str) -> str:
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def _clean(text: str) -> str:
    return " ".join(text.split()).replace(" ,", ",").replace(" ?", "?")
