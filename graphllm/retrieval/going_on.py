"""Plans for a question that goes on from the ones before it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from graphllm.answer.history import Turn
from graphllm.errors import PlanError
from graphllm.graph.folding import fold
from graphllm.query.plan import (
    Attribute,
    Condition,
    Count,
    Degree,
    Entities,
    Exists,
    Filter,
    Follow,
    HavingStep,
    Intersect,
    Literal,
    Measure,
    NodePlan,
    OfType,
    Plan,
    Reached,
    Subtract,
    TopK,
    Values,
    check_depth,
)
from graphllm.retrieval.comparisons import readings
from graphllm.retrieval.constraints import Constraint, superlative
from graphllm.retrieval.english import COPULAS, FUNCTION_WORDS, Token, family, tokenize, words
from graphllm.retrieval.follow_ups import (
    about,
    among,
    asks_how_many,
    asks_otherwise,
    asks_reverse,
    compared_as_best,
    corrects,
    mapped,
    opening,
    reversed_plan,
)
from graphllm.retrieval.ground import PATHS_KEPT, Ground, PlanCandidate, Question
from graphllm.retrieval.intents import Want, intent
from graphllm.retrieval.linker import Match, Mention, Seeds, Span, name_like_spans
from graphllm.retrieval.measures import ScoredMeasure
from graphllm.retrieval.paths import RankedPath
from graphllm.retrieval.referents import found_by, leaves, plan_of, source_of, topics

Afresh = Callable[[Seeds], list[PlanCandidate]]
Compared = tuple[Constraint, tuple[ScoredMeasure, ...]]

_POINTS = 0.7  # quality of a mention that surely points back
_PASSED_OVER = 0.3
_GOES_ON = 1.3  # as good as a question that is wholly explained
_OF_A_KIND = 0.1  # of that, for a name of the same kind as the one it takes the place of
_EARLIER = 0.03  # for each turn that lies between
_NARROWS = 1.15  # a filter that nothing stood in the place of
_LOOKED_BACK = 3  # turns in which a ranking or a list is looked for
_TRIED = 6  # candidates that are run, to see whether they give what was said already
_BACK_ALONG = 1.0
_REASKED = 0.25
_OF_THE_ANSWER = 0.06  # what is left unsaid is rather what the last question was about
_EXPLAINED = 0.12  # a word explained less than this is not explained
_LEFT = 0.3  # for each word that a narrowing leaves over
_ASKING = words("who whom whose when where what which why how tell show list find give")
_PLACES = {"second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "2nd": 2, "3rd": 3}
_MORE = words("more greater larger bigger higher longer later newer younger heavier taller")
_LESS = words("less fewer smaller lower shorter earlier older lighter")
_OTHERS = words("else other others another")
_ORDERING = words("sort sorted order ordered rank ranked arrange by ascending descending")


def going_on(
    ground: Ground, seeds: Seeds, history: Sequence[Turn], afresh: Afresh
) -> Iterator[PlanCandidate]:
    """Yield plans for a question that is not complete without those before it.

    Args:
        ground: The graph made ready for planning.
        seeds: What the question mentions.
        history: Earlier turns, oldest first.
        afresh: Plans a question as it stands.
    """
    if history and seeds.tokens:
        for candidate in _Talk(ground, seeds, history, afresh).candidates():
            if _is_short_enough(candidate.plan):
                yield candidate


def with_the_unsaid(ground: Ground, seeds: Seeds, history: Sequence[Turn]) -> Seeds:
    """Let a question without a name be about what the last one was about."""
    if not history or any(not _is_guess(m, seeds.tokens) for m in seeds.mentions):
        return seeds
    return _about_unsaid(seeds, topics(history[-1], ground.view))


def heeding(seeds: Seeds, candidates: Iterable[PlanCandidate]) -> list[PlanCandidate]:
    """Return the candidates, those with a lower score that pass over a word that points back."""
    pointing = {
        m.span
        for m in seeds.mentions
        if m.match is Match.HISTORY and m.quality >= _POINTS and m.span.first < m.span.last
    }
    return [
        c if pointing <= {m.span for m in c.mentions} else c._replace(score=c.score - _PASSED_OVER)
        for c in candidates
    ]


def _is_short_enough(plan: Plan) -> bool:
    """Whether a plan can be run: one narrowed again and again grows with every turn."""
    try:
        check_depth(plan)
    except PlanError:
        return False
    return True


def _about_unsaid(seeds: Seeds, nodes: tuple[int, ...]) -> Seeds:
    if not nodes:
        return seeds
    end = len(seeds.tokens)
    unsaid = Mention(Span(end, end), "", nodes, Match.HISTORY, 1.0)
    return replace(seeds, mentions=(*seeds.mentions, unsaid))


def _is_guess(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Whether a mention takes words in small letters for something like a name."""
    small = not any(t.text[:1].isupper() for t in tokens[slice(*mention.span)])
    return small and mention.match in (Match.PARTIAL, Match.FUZZY, Match.MEANING)


class _Talk:
    """A question in its conversation, and every way to read it as going on."""

    def __init__(
        self, ground: Ground, seeds: Seeds, history: Sequence[Turn], afresh: Afresh
    ) -> None:
        self.ground, self.view = ground, ground.view
        self.seeds, self.tokens = seeds, seeds.tokens
        self.history, self._afresh = history, afresh
        self.begin = opening(self.tokens)
        self.last = plan_of(history[-1])
        nearest = [plan_of(turn) for turn in history[: -1 - _LOOKED_BACK : -1]]
        self.plans = [plan for plan in nearest if plan is not None]
        self.named = [m for m in seeds.mentions if m.match is not Match.HISTORY]
        self.said = {family(t.folded) for t in tokenize(history[-1].question)}

    def afresh(self, seeds: Seeds) -> list[PlanCandidate]:
        """Return plans for a question as it stands."""
        return heeding(seeds, self._afresh(seeds))

    def candidates(self) -> Iterator[PlanCandidate]:
        """Yield the plans of every way."""
        if self.last is not None:
            yield from self._counted(self.last)
            yield from self._reversed(self.last)
            yield from self._about_another()
            yield from self._compared_with(self.last)
        yield from self._valued_otherwise()
        yield from self._ranked_otherwise()
        yield from self._narrowed()
        yield from self._others()
        yield from self._back_along()
        yield from self._asked_again()
        yield from self._of_the_answer()
        yield from self._complete()

    # The earlier plan, changed in one place

    def _counted(self, plan: Plan) -> Iterator[PlanCandidate]:
        """Yield "how many is that?"."""
        source = source_of(plan)
        if asks_how_many(self.tokens) and source is not None:
            yield PlanCandidate(Count(source), _GOES_ON)

    def _reversed(self, plan: Plan) -> Iterator[PlanCandidate]:
        """Yield "and the other way round?"."""
        other = reversed_plan(plan) if asks_reverse(self.tokens) else None
        if other is not None:
            yield PlanCandidate(other, _GOES_ON)

    def _about_another(self) -> Iterator[PlanCandidate]:
        """Yield "and Ada?": the name takes the place of what is most like it, in what said that."""
        for mention in self.named:
            outside = self._outside([mention.span])
            if "than" in outside or not self._says_only([mention.span]):
                continue
            new = self.ground.entities(mention.nodes)
            for age, plan in enumerate(self._saying_names()):
                fits = [(self._likeness(leaf, mention), leaf, kept) for leaf, kept in _places(plan)]
                for fit, leaf, kept in sorted(fits, key=lambda f: -f[0])[:2]:
                    score = _GOES_ON - _OF_A_KIND * (1 - fit) - (1 - mention.quality) * _LEFT
                    if fit > 0:
                        put = Entities((*kept, *new.keys))
                        score -= _EARLIER * age
                        yield PlanCandidate(about(plan, leaf, put), score, (mention,))

    def _saying_names(self) -> list[Plan]:
        """Return the earlier plans; a ranking of what was listed before comes after that list.

        "Who reports to Ada?", "Who is the oldest of them?", "And to Bo?": who reports to Bo.
        """
        return sorted(self.plans, key=lambda p: isinstance(p, TopK) and p.source in self.plans)

    def _likeness(self, leaf: Entities, mention: Mention) -> float:
        """Return how far a name is of the kind of what a plan begins with, 0 to 1."""
        nodes = self._nodes(leaf)
        if not nodes:
            return 0.0
        types = self.view.node_type_ids[[nodes[0], mention.nodes[0]]].tolist()
        if min(types) >= 0:
            return float(types[0] == types[1])
        one, other = (self.ground.schema.has_ports(n) for n in (nodes, mention.nodes))
        return float((one & other).sum() / max(int((one | other).sum()), 1))

    def _nodes(self, leaf: Entities) -> tuple[int, ...]:
        found = (self.view.find_key(key) for key in leaf.keys)
        return tuple(node for node in found if node is not None)

    def _valued_otherwise(self) -> Iterator[PlanCandidate]:
        """Yield "and before 1960?": another value for what was compared."""
        for compared in self._comparisons():
            changed = next(
                (c for plan in self.plans if (c := recompared(plan, compared)) is not None), None
            )
            if changed is not None:
                yield PlanCandidate(changed, _GOES_ON)

    def _comparisons(self) -> Iterator[list[Compared]]:
        """Yield the comparisons of a question that says nothing else."""
        wanted = intent(self.tokens)
        plain = Question(self.seeds, wanted, (), None, wanted.spans)
        for question in readings(self.ground, self.seeds, wanted, plain):
            spans = [constraint.span for constraint, _ in question.constraints]
            if spans and self._says_only(spans):
                yield list(question.constraints)

    def _ranked_otherwise(self) -> Iterator[PlanCandidate]:
        """Yield "and the smallest?", "the second largest?": the earlier ranking, changed."""
        earlier = next((top for plan in self.plans for top in _rankings(plan)), None)
        wanted = superlative(compared_as_best(self.tokens))
        if earlier is None:
            return
        if wanted is None:
            yield from self._flipped(earlier)
            return
        place = (
            _PLACES.get(self.tokens[wanted.span.first - 1].folded, 0) if wanted.span.first else 0
        )
        span = Span(wanted.span.first - bool(place), wanted.span.last)
        cues = {family(cue) for cue in wanted.cues}
        if not self._says_only([span], cues):
            return
        measure = self._measure(earlier, wanted.cues, is_time=wanted.is_time)
        if measure is None:
            return
        top = TopK(earlier.source, measure, place or wanted.k, wanted.ascending)
        yield PlanCandidate(_without_those_before(top) if place else top, _GOES_ON)

    def _flipped(self, earlier: TopK) -> Iterator[PlanCandidate]:
        """Yield "and the fewest?", "and the second?", which say nothing of what is measured."""
        said = [t.folded for t in self.tokens[self.begin :] if t.folded not in ("the", "one")]
        if said in (["most"], ["fewest"], ["least"]):
            yield PlanCandidate(replace(earlier, k=1, ascending=said != ["most"]), _GOES_ON)
        if len(said) == 1 and said[0] in _PLACES:
            top = replace(earlier, k=_PLACES[said[0]])
            yield PlanCandidate(_without_those_before(top), _GOES_ON)

    def _measure(self, earlier: TopK, cues: Sequence[str], *, is_time: bool) -> Measure | None:
        """Return what is ranked by: the same as before, where the words allow it."""
        found = self.ground.measures.find(cues, is_time=is_time)
        if any(m.measure == earlier.measure for m in found):
            return earlier.measure
        best = self.ground.measures.of_nodes(found, found_by(earlier.source, self.view))
        return best.measure if best else None

    # Some of what was answered

    def _narrowed(self) -> Iterator[PlanCandidate]:
        """Yield "which of them was born in Leeds?", "only those before 1900", "the oldest?"."""
        span = among(self.tokens)
        sources = (source for plan in self.plans if (source := source_of(plan)) is not None)
        listed = ((source, found_by(source, self.view)) for source in sources)
        source, nodes = next(((s, n) for s, n in listed if len(n) > 1), (None, ()))
        if source is None:
            return
        ordered = any(t.folded in _ORDERING - {"by"} for t in self.tokens)
        taken = [Span(i, i + 1) for i, t in enumerate(self.tokens) if t.folded in _ORDERING]
        wanted = intent(self.tokens)
        spans = (*wanted.spans, *([span] if span else []), *(taken if ordered else []))
        seeds = replace(self.seeds, tokens=compared_as_best(self.tokens))
        plain = Question(seeds, wanted, (), None, spans)
        for question in readings(self.ground, seeds, wanted, plain):
            question = replace(question, spans=(*question.spans, *spans))
            passing = self._passing(question, source, nodes)
            if ordered:
                yield from self._sorted(question, source, nodes)
            elif passing is not None and span is not None:
                yield from self._restricted(question, passing, source, nodes)
            elif passing is not None and passing != source:
                best = all(w in FUNCTION_WORDS for w in self._outside(question.spans))
                if best and question.superlative is not None:
                    yield PlanCandidate(_done(question, passing), _GOES_ON)
                elif self._says_only(question.spans, self.said):
                    yield PlanCandidate(_done(question, passing), _NARROWS)

    def _passing(
        self, question: Question, source: NodePlan, nodes: Sequence[int]
    ) -> NodePlan | None:
        """Return ``source`` with the question's comparisons; ``None`` where it cannot be made."""
        plan, measures = source, self.ground.measures
        for constraint, fitting in question.constraints:
            measure = measures.of_nodes(fitting, nodes)
            if measure is None:
                return None
            plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        if question.superlative is None:
            return plan
        wanted, fitting = question.superlative
        measure = measures.of_nodes(fitting, nodes)
        if measure is not None:
            return TopK(plan, measure.measure, wanted.k, wanted.ascending)
        fit = self.ground.port_fit(wanted.cues) * self.ground.schema.has_ports(nodes)
        port = int(fit.argmax())
        return self.ground.most(plan, port, wanted) if wanted.counts and fit[port] > 0 else None

    def _restricted(
        self, question: Question, plan: NodePlan, source: NodePlan, nodes: tuple[int, ...]
    ) -> Iterator[PlanCandidate]:
        """Yield those of the earlier answers that also lie on a path that the question names."""
        used = False
        for mention in self._whole_names(question.spans):
            for path, left in self._meeting(question, mention, nodes):
                used = True
                both = Intersect(plan, self.ground.chain(path))
                score = _GOES_ON - _LEFT * left + 0.1 * path.score - (1 - mention.quality) * _LEFT
                yield PlanCandidate(_done(question, both), score, (mention,))
        spans = (*question.spans, *(m.span for m in self.named if used))
        unread = self.ground.paths.words(self.tokens, spans)
        if not used and plan != source:
            score = _GOES_ON - _LEFT * sum(w.weight for w in unread)
            yield PlanCandidate(_done(question, plan), score)
        if not used and unread:
            yield from self._that_have(question, plan, nodes)

    def _whole_names(self, spans: Sequence[Span]) -> list[Mention]:
        """Return the names outside ``spans``; "a Nobel Prize" is any whose name has these words."""
        free = [m for m in self.named if not any(m.span.overlaps(s) for s in spans)]
        together: dict[Span, Mention] = {}
        for mention in free:
            before = together.get(mention.span)
            if before is None:
                together[mention.span] = mention
            elif mention.match is Match.PARTIAL and before.match is Match.PARTIAL:
                nodes = tuple(dict.fromkeys((*before.nodes, *mention.nodes)))
                together[mention.span] = replace(before, nodes=nodes)
        return list(together.values())

    def _meeting(
        self, question: Question, mention: Mention, nodes: tuple[int, ...]
    ) -> Iterator[tuple[RankedPath, float]]:
        """Yield paths from a name to nodes like the earlier answers, and what words they leave."""
        has = self.ground.schema.has_ports(nodes)
        spans = [*question.spans]
        tokens = self._saying_from(nodes)
        words = self.ground.paths.words(tokens, [mention.span, *spans])
        ranked = self.ground.paths.rank(tokens, mention, ignore=spans, limit=PATHS_KEPT)
        for path in self.ground.inside(ranked) or self._any_step(mention, nodes):
            if self.ground.schema.attribute(path.ports[-1]) is None and has[path.ports[-1] ^ 1]:
                explained = path.explained
                left = sum(w.weight for w in words if explained.get(w.position, 0.0) < _EXPLAINED)
                yield path, left

    def _saying_from(self, nodes: tuple[int, ...]) -> tuple[Token, ...]:
        """Return the question's words, "from" read as "born in" for people."""
        kind = int(self.view.node_type_ids[nodes[0]])
        person = kind >= 0 and kind == self.ground.type_named("person")
        return tuple(
            t._replace(folded="born" if person else "located") if t.folded == "from" else t
            for t in self.tokens
        )

    def _any_step(self, mention: Mention, nodes: tuple[int, ...]) -> list[RankedPath]:
        """Return the single steps that lead from a name to nodes like these, if none is named."""
        ports = np.flatnonzero(self.ground.schema.has_ports(mention.nodes)).tolist()
        has = self.ground.schema.has_ports(nodes)
        found = [p for p in ports if has[p ^ 1] and self.ground.schema.attribute(p) is None]
        return [RankedPath(mention, (p,), 0.0, (0.0,), {}) for p in found]

    def _that_have(
        self, question: Question, plan: NodePlan, nodes: tuple[int, ...]
    ) -> Iterator[PlanCandidate]:
        """Yield "which of them have children?"."""
        everyone = Mention(Span(0, 0), "", nodes, Match.HISTORY, 1.0)
        words = self.ground.paths.words(self.tokens, question.spans)
        ranked = self.ground.paths.rank(self.tokens, everyone, ignore=question.spans, limit=4)
        for path in ranked:
            if len(path.ports) > 1 or self.ground.schema.attribute(path.ports[0]) is not None:
                continue
            step = self.ground.schema.step(path.ports[0])
            kinds = {w.position: self._kind_reached(w.token.folded, path.ports[0]) for w in words}
            kind = next((k for k in kinds.values() if k is not None), None)
            there: NodePlan = HavingStep(step)
            if kind is not None:
                there = Follow(OfType(kind), replace(step, inverse=not step.inverse))
            left = [
                w
                for w in words
                if kinds[w.position] is None and path.explained.get(w.position, 0.0) < _EXPLAINED
            ]
            score = path.score + 0.1 - _LEFT * sum(w.weight for w in left)
            yield PlanCandidate(_done(question, Intersect(plan, there)), score)

    def _kind_reached(self, word: str, port: int) -> str | None:
        """Return the type that a word names, where a step leads to such nodes among others."""
        kind = self.ground.type_named(word)
        shares = self.ground.schema.arrival_types(port)
        among_others = kind is not None and len(shares) > 1
        return self.view.node_types[kind] if kind is not None and among_others else None

    def _sorted(
        self, question: Question, source: NodePlan, nodes: tuple[int, ...]
    ) -> Iterator[PlanCandidate]:
        """Yield "sort them by price": all of them, ranked."""
        left = self.ground.paths.words(self.tokens, question.spans)
        found = self.ground.measures.find([w.token.folded for w in left], is_time=False)
        measure = self.ground.measures.of_nodes(found, nodes)
        if measure is not None:
            down = any(t.folded in ("descending", "largest", "highest") for t in self.tokens)
            top = TopK(source, measure.measure, len(nodes), ascending=not down)
            yield PlanCandidate(top, _GOES_ON)

    # Others, comparisons, and the earlier question asked again

    def _others(self) -> Iterator[PlanCandidate]:
        """Yield "what else did she write?": less what was named or answered before."""
        place = next((i for i, t in enumerate(self.tokens) if t.folded in _OTHERS), None)
        if place is None:
            return
        said = {t.folded for t in self.tokens[self.begin :]}
        if said <= {"who", "what", "which", "where", "whom", "any", "anyone", *_OTHERS}:
            yield from self._the_rest()
            return
        seeds = with_the_unsaid(self.ground, _left_out(self.seeds, place), self.history)
        known = self._spoken_of()
        for candidate in sorted(self.afresh(seeds), key=lambda c: -c.score)[:_TRIED]:
            source = source_of(candidate.plan)
            again = tuple(n for n in found_by(source, self.view) if n in known)
            if source is not None and again:
                rest = Subtract(source, self.ground.entities(again))
                new = Count(rest) if isinstance(candidate.plan, Count) else rest
                yield PlanCandidate(new, candidate.score + 0.1, candidate.mentions)

    def _back_along(self) -> Iterator[PlanCandidate]:
        """Yield "what else did they write?" by the relation that "who wrote X?" was answered by."""
        match self.last:
            case Follow(Entities() as one, step):
                back = replace(step, inverse=not step.inverse)
            case _:
                return
        answers = found_by(self.last, self.view)
        for mention in self.seeds.mentions:
            new = [
                family(w)
                for w in self._outside([mention.span])
                if w not in FUNCTION_WORDS and w not in _OTHERS
            ]
            if new and mention.nodes == answers and self.said.issuperset(new):
                there: NodePlan = Follow(self.ground.entities(answers), back)
                if any(t.folded in _OTHERS for t in self.tokens):
                    there = Subtract(there, one)
                yield PlanCandidate(there, _BACK_ALONG, (mention,))

    def _the_rest(self) -> Iterator[PlanCandidate]:
        """Yield "who else?": whoever the earlier plan gives besides the one that was named."""
        match self.last:
            case Exists(Intersect(everyone, Entities() as one)):
                yield PlanCandidate(Subtract(everyone, one), _GOES_ON)
            case plan if (source := source_of(plan)) is not None:
                found = found_by(source, self.view)
                if found:
                    yield PlanCandidate(Subtract(source, self.ground.entities(found)), _GOES_ON)

    def _spoken_of(self) -> frozenset[int]:
        found: set[int] = set()
        for turn in self.history[-2:]:
            found |= {*topics(turn, self.view), *found_by(plan_of(turn), self.view)}
        return frozenset(found)

    def _compared_with(self, plan: Plan) -> Iterator[PlanCandidate]:
        """Yield "is that more than for Ada?": whether the first of the two has more."""
        said = [t.folded for t in self.tokens]
        more = [w for w in said if w in _MORE | _LESS]
        measured = _measured(plan)
        if "than" not in said or len(more) != 1 or measured is None:
            return
        one, measure = measured
        for mention in self.named:
            spans = [mention.span]
            if all(w in FUNCTION_WORDS or w in more for w in self._outside(spans)):
                two = (*one.keys, *self.ground.entities(mention.nodes).keys)
                least = TopK(Entities(two), measure, 1, ascending=more[0] in _MORE)
                fit = self._likeness(one, mention)
                yield PlanCandidate(Exists(Subtract(one, least)), _GOES_ON + 0.01 * fit, (mention,))

    def _asked_again(self) -> Iterator[PlanCandidate]:
        """Yield "and when?" and, after a question that was not understood, "I meant Ada"."""
        earlier = tokenize(self.history[-1].question)
        asking = asks_otherwise(self.tokens)
        first = next((i for i, t in enumerate(earlier) if t.folded in _ASKING), None)
        if asking and first is not None:
            yield from self._reasked([*asking, *earlier[first + 1 :]])
        if self.last is None and not asking:
            yield from self._with_the_right_name(earlier)

    def _reasked(self, tokens: list[Token]) -> Iterator[PlanCandidate]:
        nodes = topics(self.history[-1], self.view)
        if nodes:
            span = self._where_named(tokens, nodes[0])
            mention = Mention(span, "", nodes, Match.HISTORY, 1.0)
            seeds = Seeds(self.seeds.question, tuple(tokens), (mention,))
            yield from self._best_of(seeds)

    def _where_named(self, tokens: Sequence[Token], node: int) -> Span:
        """Return where a question names a node, or has a pronoun for it; else its end."""
        name = fold(self.view.names[node]).split()
        said = [t.folded for t in tokens]
        for first in range(len(said)):
            if said[first : first + len(name)] == name:
                return Span(first, first + len(name))
        for first, word in enumerate(said):
            if word in ("it", "he", "she", "they", "him", "her", "them", "his", "its", "their"):
                return Span(first, first + 1)
        return Span(len(said), len(said))

    def _with_the_right_name(self, earlier: list[Token]) -> Iterator[PlanCandidate]:
        """Ask the earlier question of another name than the one that it did not find."""
        spans = name_like_spans(earlier)[:1]
        for mention in self.named[:2]:
            if spans and self._says_only([mention.span]):
                name = self.tokens[slice(*mention.span)]
                tokens = (*earlier[: spans[0].first], *name, *earlier[spans[0].last :])
                span = Span(spans[0].first, spans[0].first + len(name))
                seeds = Seeds(self.seeds.question, tokens, (replace(mention, span=span),))
                yield from self._best_of(seeds)

    def _best_of(self, seeds: Seeds) -> Iterator[PlanCandidate]:
        unsaid = Span(len(self.tokens), len(self.tokens))
        for candidate in sorted(self.afresh(seeds), key=lambda c: -c.score)[:_TRIED]:
            mentions = tuple(replace(m, span=unsaid) for m in candidate.mentions)
            yield candidate._replace(score=candidate.score + _REASKED, mentions=mentions)

    def _of_the_answer(self) -> Iterator[PlanCandidate]:
        """Yield "and the birthplace?" about what was just answered."""
        if any(not _is_guess(m, self.tokens) for m in self.seeds.mentions):
            return
        seeds = _about_unsaid(self.seeds, found_by(self.last, self.view)[:64])
        for candidate in self.afresh(seeds):
            yield candidate._replace(score=candidate.score - _OF_THE_ANSWER)

    def _complete(self) -> Iterator[PlanCandidate]:
        """Yield what a question without a name means by itself: "which country is the largest?"."""
        if not self.begin and not self.seeds.mentions:
            yield from self.afresh(self.seeds)

    # What is said

    def _outside(self, spans: Sequence[Span]) -> list[str]:
        """Return the words after the opening and outside ``spans``."""
        return [
            t.folded
            for i, t in enumerate(self.tokens)
            if i >= self.begin and not any(s.first <= i < s.last for s in spans)
        ]

    def _says_only(self, spans: Sequence[Span], known: set[str] | None = None) -> bool:
        """Whether nothing new is said outside ``spans``: "and by Ada?", "and before 1960?".

        After an opening, words may be repeated from the question before; a question of its own
        would ask with a word like "who" or begin with a verb.
        """
        outside = self._outside(spans)
        if corrects(self.tokens) and "not" in outside:
            outside = outside[: outside.index("not")]
        known = (known or set()) | (self.said if self.begin else set())
        asks = _ASKING if self.begin else _ASKING | COPULAS
        return all(w not in asks and (w in FUNCTION_WORDS or family(w) in known) for w in outside)


def recompared(plan: Plan, compared: Sequence[Compared]) -> Plan | None:
    """Return ``plan`` with other values compared with; ``None`` where nothing alike is compared."""
    constraint = compared[0][0]
    measures = {m.measure for _, fitting in compared for m in fitting}
    placed = False

    def change(part: Plan) -> Plan:
        nonlocal placed
        if isinstance(part, Filter) and (
            part.measure in measures or _alike(part.value, constraint, unnamed=not measures)
        ):
            inner: NodePlan = part.source
            for other, _ in () if placed else compared:
                inner = Filter(inner, part.measure, other.comparison, other.value)
            placed = True
            return inner
        old = part.step.condition if isinstance(part, Follow) else None
        if old and isinstance(part, Follow) and constraint.is_time and _is_time(old.value):
            placed = True
            new = Condition(old.attribute, constraint.comparison, constraint.value)
            return replace(part, step=replace(part.step, condition=new))
        return part

    changed = mapped(plan, change)
    return changed if placed else None


def _alike(value: Literal, constraint: Constraint, *, unnamed: bool) -> bool:
    """Return whether a value may stand where ``value`` stood: a time for a time, or numbers."""
    if constraint.is_time or _is_time(value):
        return constraint.is_time and _is_time(value)
    return unnamed and isinstance(value, int | float) and isinstance(constraint.value, int | float)


def _is_time(value: Literal) -> bool:
    is_year = isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 2100
    return is_year or isinstance(value, np.datetime64)


def _places(plan: Plan) -> list[tuple[Entities, tuple[str, ...]]]:
    """Return the entities that may be exchanged, with those of their keys that stay.

    Where one thing is compared with another, it stays, and the other is exchanged.
    """
    every = list(dict.fromkeys(leaves(plan)))
    compared = [(both, one) for both in every for one in every if set(one.keys) < set(both.keys)]
    return [(both, one.keys) for both, one in compared] or [(leaf, ()) for leaf in every]


def _rankings(plan: Plan) -> list[TopK]:
    """Return the rankings in ``plan``, the outermost last."""
    found: list[TopK] = []

    def note(part: Plan) -> Plan:
        if isinstance(part, TopK):
            found.append(part)
        return part

    mapped(plan, note)
    return found


def _without_those_before(top: TopK) -> NodePlan:
    """Return the last of the first ``k``: the second largest, not the two largest."""
    return Subtract(top, replace(top, k=top.k - 1)) if top.k > 1 else top


def _done(question: Question, plan: NodePlan) -> Plan:
    return Count(plan) if question.intent.want is Want.COUNT else plan


def _left_out(seeds: Seeds, place: int) -> Seeds:
    """Return a question without one of its words."""

    def moved(span: Span) -> Span:
        return Span(span.first - (span.first > place), span.last - (span.last > place))

    tokens = tuple(t for i, t in enumerate(seeds.tokens) if i != place)
    kept = [m for m in seeds.mentions if not m.span.first <= place < m.span.last]
    mentions = tuple(replace(m, span=moved(m.span)) for m in kept)
    return replace(seeds, tokens=tokens, mentions=mentions)


def _measured(plan: Plan) -> tuple[Entities, Measure] | None:
    """Return whose number a plan gives, and how it is measured."""
    match plan:
        case Count(Follow(Entities() as one, step)):
            return one, Degree(step)
        case Values(Entities() as one, attribute):
            return one, Attribute(attribute)
        case Follow(Entities() as one, step):
            return one, Reached(step)
        case Exists(Subtract(Entities() as one, TopK(_, measure))):
            return one, measure
    return None
