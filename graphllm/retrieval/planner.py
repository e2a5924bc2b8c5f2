"""From a question to plans, ranked by how well they explain its words."""

from collections.abc import Sequence
from dataclasses import replace

from graphllm.answer.history import Turn
from graphllm.graph.folding import humanize
from graphllm.graph.taught import NOTHING_TAUGHT, Taught
from graphllm.graph.view import GraphView
from graphllm.query.plan import Plan, Subtract
from graphllm.retrieval.beam import Beam
from graphllm.retrieval.comparisons import readings
from graphllm.retrieval.constraints import constraints
from graphllm.retrieval.directions import Ends
from graphllm.retrieval.english import family
from graphllm.retrieval.going_on import going_on, heeding, with_the_unsaid
from graphllm.retrieval.ground import EXCLUDING, Ground, PlanCandidate, Question
from graphllm.retrieval.intents import Intent, Want, intent
from graphllm.retrieval.linker import Match, Mention, Seeds, Span, is_filler
from graphllm.retrieval.no_name import from_kinds
from graphllm.retrieval.one_name import from_mentions, told
from graphllm.retrieval.openings import opening
from graphllm.retrieval.over_kinds import over_kinds
from graphllm.retrieval.phrasing import Phrasing
from graphllm.retrieval.rescoring import rescored
from graphllm.retrieval.scorer import PlanScorer
from graphllm.retrieval.two_names import pairs
from graphllm.retrieval.verbalize import Verbalizer
from graphllm.text.encoder import TextEncoder

_MOST_WORDS = 120  # of a question that is planned for; what is longer is a text
_NEGATIONS = EXCLUDING | {"didn t", "don t", "doesn t", "isn t", "wasn t", "aren t", "weren t"}


class Planner:
    """Ranks plans for a question: relation paths, and the operations that its words ask for.

    Args:
        view: The graph.
        encoder: Gives meaning to words that no label contains.
        label_encoder: Encodes the graph's own words, where they are remembered.
        taught: What its relations were said to mean.
        scorer: Compares the question with each plan as a whole; without it words decide alone.
    """

    def __init__(
        self,
        view: GraphView,
        encoder: TextEncoder,
        label_encoder: TextEncoder | None = None,
        taught: Taught = NOTHING_TAUGHT,
        scorer: PlanScorer | None = None,
    ) -> None:
        self.view = view
        self.scorer = scorer
        self.ground = Ground(view, encoder, label_encoder, taught)
        self.schema = self.ground.schema
        self.affinity = self.ground.affinity
        self.paths = self.ground.paths
        self.measures = self.ground.measures
        self.verbalizer = Verbalizer(self.schema)
        if scorer is not None:
            self.paths.beam = Beam(self.schema, self.verbalizer, scorer)

    def rank(self, seeds: Seeds, history: Sequence[Turn] = ()) -> list[PlanCandidate]:
        """Return candidate plans, best first; none for a text longer than any question.

        Args:
            history: Earlier turns, for questions that go on from the last of them.
        """
        if len(seeds.tokens) > _MOST_WORDS:
            return []
        named = _longest(self._without_vocabulary(seeds))
        seeds = with_the_unsaid(self.ground, named, history)
        found = heeding(seeds, self._afresh(seeds))
        later = list(going_on(self.ground, named, history, self._afresh))
        found += later
        best: dict[Plan, PlanCandidate] = {}
        for candidate in sorted(found, key=lambda c: -c.score):
            best.setdefault(candidate.plan, candidate)
        ranked = list(best.values())
        if self.scorer is None:
            return ranked
        plans = {candidate.plan for candidate in later}
        return rescored(self.scorer, self.verbalizer, named, ranked, plans)

    def _afresh(self, seeds: Seeds) -> list[PlanCandidate]:
        """Return plans for a question as it stands, in no order."""
        wanted = intent(seeds.tokens)
        found: list[PlanCandidate] = []
        plain = Question(seeds, wanted, (), None, wanted.spans)
        for question in readings(self.ground, seeds, wanted, plain):
            found += from_mentions(self.ground, question)
            found += from_kinds(self.ground, question)
        found += over_kinds(self.ground, plain)
        found += pairs(self.ground, plain)
        if wanted.want not in (Want.LIST, Want.CONFIRM):
            literal = Question(seeds, Intent(Want.LIST), (), None)
            found += [c._replace(score=c.score - 0.1) for c in from_mentions(self.ground, literal)]
        found += told(self.ground, plain)
        compared = [c.span for c in constraints(seeds.tokens)]
        kinds = self.ground.kinds
        named = kinds.named(seeds.tokens)
        # "from" may go with what is no event: "airlines" are from somewhere
        nouns = frozenset(n.span.last - 1 for n in named if not kinds.is_event(n.kind))
        ends = Ends(self.schema, seeds, nouns)
        found = [c for c in found if not ends.returns(c.plan)]
        if not ends.say_nothing:
            found = [c._replace(score=c.score + ends.agreement(c.plan)) for c in found]
        if self.view.node_types:
            phrasing = Phrasing(kinds, seeds, named)
            found = [c._replace(score=c.score - phrasing.cost(c.plan)) for c in found]
        return [c for c in found if _minds_negation(c, seeds) and _minds_than(c, seeds, compared)]

    def _without_vocabulary(self, seeds: Seeds) -> Seeds:
        """Drop mentions that are misspelt, or codes, and the graph's own words for its parts."""
        vocabulary = {family(w) for of in self.schema.phrases for p in of for w in p.split()}
        vocabulary |= {family(w) for t in self.view.node_types for w in humanize(t).split()}
        kept = tuple(
            m
            for m in seeds.mentions
            if not (m.match in (Match.FUZZY, Match.PARTIAL, Match.MEANING) or _is_code(m))
            or any(family(t.folded) not in vocabulary for t in seeds.tokens[slice(*m.span)])
        )
        return replace(seeds, mentions=kept)


def _is_code(mention: Mention) -> bool:
    """Whether a name is a code in capitals, and no name as it is written: ``DST``."""
    return mention.match is Match.FOLDED and mention.text.isupper() and len(mention.text) > 1


def _longest(seeds: Seeds) -> Seeds:
    """Drop mentions inside a longer one that fits as well, even one that has no edges.

    Not where the longer one only adds a word like "of": the film is "Glue", "of Glue" is a book.
    """
    kept = tuple(
        m
        for m in seeds.mentions
        if not any(
            o.span.first <= m.span.first
            and m.span.last <= o.span.last
            and o.span != m.span
            and o.quality >= m.quality
            and not all(
                is_filler(Span(*around), seeds.tokens)
                for around in ((o.span.first, m.span.first), (m.span.last, o.span.last))
            )
            for o in seeds.mentions
        )
    )
    return replace(seeds, mentions=kept)


def _minds_than(candidate: PlanCandidate, seeds: Seeds, compared: Sequence[Span]) -> bool:
    """Whether a plan compares where the question does: "older than Ada" is not a path."""
    positions = [i for i, t in enumerate(seeds.tokens) if t.folded == "than"]
    read = [*compared, *(m.span for m in candidate.mentions)]
    return all(any(s.first <= i < s.last for s in read) for i in positions)


def _minds_negation(candidate: PlanCandidate, seeds: Seeds) -> bool:
    """Return whether a plan does what a "not" asks: only "A but not B" is understood."""
    leads = opening(seeds.tokens)  # "not sure who to ask, but" denies nothing
    denied = any(
        token.folded in _NEGATIONS
        and not any(m.span.first <= i < m.span.last for m in candidate.mentions)
        for i, token in enumerate(seeds.tokens)
        if i >= leads
    )
    excludes = isinstance(candidate.plan, Subtract) and len(candidate.mentions) > 1
    return excludes or candidate.denies or not denied
