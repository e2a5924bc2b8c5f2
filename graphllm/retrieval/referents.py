"""What "it", "they", "that company" and "the second one" may mean in a conversation."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from graphllm.answer.history import Turn
from graphllm.errors import PlanError
from graphllm.graph.folding import fold, humanize
from graphllm.graph.view import GraphView
from graphllm.query.execute import execute
from graphllm.query.plan import Count, Entities, Follow, NodePlan, Plan, children
from graphllm.query.text import parse_plan
from graphllm.retrieval.english import (
    COPULAS,
    FUNCTION_WORDS,
    PERSON_TYPES,
    PLACE_TYPES,
    Token,
    family,
    is_person_noun,
    tokenize,
    words,
)

_PERSONAL = words("he she him her his hers")
_NEUTER = words("it its")
_PLURAL = words("they them their theirs those these")
_OWNING = words("his her its their")
_POINTING = words("that this those these")
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "last": -1}
_OF_TWO = {"former": 0, "latter": -1}
_ONES = words("one ones")
_PEOPLE = PERSON_TYPES | words(
    "employee customer client member user student patient staff contact guest parent child friend"
)
_MOST_TURNS = 4  # that are looked back at
_MOST_REFERENTS = 4  # that one expression is taken for
_BEST = 0.9
_FARTHER = 0.04  # what each further referent is less likely
_BOUND = 0.3  # "her" after a name in the same question is rather that one's
_SURE, _PERHAPS = 0.9, 0.5


class Pointing(NamedTuple):
    """Words that point back: where they stand, what they may mean, and how likely that is."""

    first: int
    last: int
    nodes: tuple[int, ...]
    quality: float


class Referent(NamedTuple):
    """Something an earlier turn was about, or was answered with.

    Attributes:
        nodes: What it is.
        called: Families of the nouns it was called by.
        is_person: Whether it is, where that is known.
        is_place: The same.
        is_answer: It was an answer.
    """

    nodes: tuple[int, ...]
    called: frozenset[str]
    is_person: bool | None
    is_place: bool | None
    is_answer: bool


def plan_of(turn: Turn) -> Plan | None:
    """Return the plan of an earlier turn, or ``None`` when it had none that reads."""
    if not turn.plan_text:
        return None
    try:
        return parse_plan(turn.plan_text)
    except PlanError:
        return None


def source_of(plan: Plan | None) -> NodePlan | None:
    """Return the plan for the nodes that were listed, or counted."""
    inner = plan.source if isinstance(plan, Count) else plan
    return inner if isinstance(inner, NodePlan) else None


def found_by(plan: Plan | None, view: GraphView) -> tuple[int, ...]:
    """Return the nodes that ``plan`` lists or counts; none for a plan over another graph."""
    source = source_of(plan)
    if source is None:
        return ()
    try:
        return tuple(execute(source, view).nodes.tolist())
    except PlanError:
        return ()


def topics(turn: Turn, view: GraphView) -> tuple[int, ...]:
    """Return the nodes that an earlier turn was about."""
    found = (view.find_key(key) for key in turn.focus)
    return tuple(node for node in found if node is not None)


def leaves(plan: Plan) -> Iterator[Entities]:
    """Yield the entities that a plan begins with, in the order they are written."""
    if isinstance(plan, Entities):
        yield plan
    for part in children(plan):
        yield from leaves(part)


class Referents:
    """What a conversation has spoken of, nearest first.

    Args:
        view: The graph.
        named: Returns the nodes that have exactly this name.
        history: Earlier turns, oldest first.
    """

    def __init__(
        self, view: GraphView, named: Callable[[str], Sequence[int]], history: Sequence[Turn]
    ) -> None:
        self.view = view
        self._named = named
        self._persons = {kind for kind, t in enumerate(view.node_types) if _names_person(t)}
        nearest = list(history)[::-1][:_MOST_TURNS]
        self.said = [referent for turn in nearest for referent in self._of(turn)]

    def pointings(self, tokens: Sequence[Token], named: Sequence[int]) -> Iterator[Pointing]:
        """Yield what points back in a question, each with what it may mean, likeliest first.

        Args:
            tokens: The question.
            named: Positions at which a name ends.
        """
        position = 0
        while position < len(tokens):
            last, chosen = self._pointing_at(tokens, position)
            bound = tokens[position].folded in _OWNING and any(n <= position for n in named)
            for rank, nodes in enumerate(dict.fromkeys(chosen[:_MOST_REFERENTS])):
                quality = _BEST - _FARTHER * rank - _BOUND * bound
                yield Pointing(position, last, nodes, quality)
            position = max(last, position + 1)

    def _pointing_at(
        self, tokens: Sequence[Token], first: int
    ) -> tuple[int, list[tuple[int, ...]]]:
        """Return where an expression that begins here ends, and what it may mean."""
        word = tokens[first].folded
        if word == "the" and (found := self._one_of_several(tokens, first + 1)):
            return found
        if word in (*_POINTING, "the") and (found := self._described(tokens, first)):
            return found
        return first + 1, self._pronoun(tokens, first)

    # Pronouns

    def _pronoun(self, tokens: Sequence[Token], position: int) -> list[tuple[int, ...]]:
        word = tokens[position].folded
        if word in _PERSONAL:
            return self._single(lambda r: r.is_person is not False)
        if word in _NEUTER or (word in ("that", "this") and _stands_alone(tokens, position)):
            return self._single(lambda r: r.is_person is not True)
        if word == "there" and not _says_there_is(tokens, position):
            return self._single(lambda r: r.is_place is not False and r.is_person is not True)
        return self._several() if word in _PLURAL else []

    def _single(self, fits: Callable[[Referent], bool]) -> list[tuple[int, ...]]:
        """Return what one thing may be meant; several answers only where nothing else is."""
        fitting = [r for r in self.said if fits(r)]
        single = [r.nodes for r in fitting if len({self.view.names[n] for n in r.nodes}) == 1]
        topics = [r.nodes for r in fitting if not r.is_answer]
        return single or topics or [r.nodes for r in fitting]

    def _several(self) -> list[tuple[int, ...]]:
        """Return what many things may be meant: what was answered last, then other lists."""
        answers = [r.nodes for r in self.said if r.is_answer]
        many = [nodes for nodes in answers[1:] if len(nodes) > 1]
        return [*answers[:1], *many] or [r.nodes for r in self.said]

    # Descriptions

    def _described(
        self, tokens: Sequence[Token], first: int
    ) -> tuple[int, list[tuple[int, ...]]] | None:
        """Read "that company", "those films", or "the album" where one was spoken of."""
        noun = first + 1
        if noun >= len(tokens) or tokens[noun].folded in FUNCTION_WORDS:
            return None
        if self._is_in_type(tokens, noun) and noun + 1 < len(tokens):
            noun += self._is_type(tokens[noun + 1].folded)
        if tokens[first].folded == "the" and _asks_for(tokens, first, noun):
            return None
        fits = [(self._kind_fit(tokens[noun].folded, r), r) for r in self.said]
        after_verb = first == 2 and tokens[0].folded in ("who", "what")  # not "films that won"
        opens = after_verb or first == 0 or tokens[first - 1].folded in FUNCTION_WORDS
        loose = tokens[first].folded in ("that", "this") and opens
        least = _PERHAPS if loose else _SURE
        best = max((fit for fit, _ in fits), default=0.0)
        if best < least:
            return None
        chosen = [r for fit, r in fits if fit == best]
        many = tokens[first].folded in ("those", "these") or _is_plural(tokens[noun].folded)
        right = [r.nodes for r in chosen if (len(r.nodes) > 1) == many]
        if not right and tokens[first].folded == "the":
            return None
        return noun + 1, right or [r.nodes for r in chosen]

    def _one_of_several(
        self, tokens: Sequence[Token], position: int
    ) -> tuple[int, list[tuple[int, ...]]] | None:
        """Read "the second one", "the first company", "the latter": one of the last answers."""
        word = tokens[position].folded if position < len(tokens) else ""
        place = _ORDINALS.get(word, _OF_TWO.get(word))
        listed = [r for r in self.said if len(r.nodes) > 1 and r.is_answer][:1]
        if place is None or not listed:
            return None
        after = tokens[position + 1].folded if position + 1 < len(tokens) else ""
        last = position + 1
        if after in _ONES:
            last += 1
        elif after not in FUNCTION_WORDS and word not in _OF_TWO:
            if self._kind_fit(after, listed[0]) < _SURE:
                return None
            last += 1
        nodes = listed[0].nodes
        return (last, [(nodes[place],)]) if place < len(nodes) else None

    def _kind_fit(self, noun: str, referent: Referent) -> float:
        """Return how well a noun names something that was spoken of."""
        if family(noun) in referent.called:
            return _SURE
        kind = int(self.view.node_type_ids[referent.nodes[0]])
        if kind >= 0 and family(noun) in map(family, humanize(self.view.node_types[kind]).split()):
            return _SURE
        if self._is_type(noun):
            return 0.0
        if is_person_noun(noun):
            return _fit(referent.is_person)
        if noun in PLACE_TYPES:
            return 0.0 if referent.is_person else _fit(referent.is_place)
        return 0.0 if referent.is_person else _PERHAPS

    def _is_type(self, noun: str) -> bool:
        return any(
            family(noun) == family(humanize(t).split()[-1])
            for t in self.view.node_types
            if humanize(t)
        )

    def _is_in_type(self, tokens: Sequence[Token], position: int) -> bool:
        """Return whether this word and the next are a type: "chemical element"."""
        pair = " ".join(t.folded for t in tokens[position : position + 2])
        return pair in map(humanize, self.view.node_types)

    # What was spoken of

    def _of(self, turn: Turn) -> Iterator[Referent]:
        tokens = tokenize(turn.question)
        answers = self._answers(turn)
        if answers:
            where = any(t.folded == "where" for t in tokens) or None
            yield Referent(
                answers,
                _asked_nouns(tokens) | _last_relation(turn),
                self._is_person(answers, _asks_person(tokens)),
                self._is_place(answers, where),
                is_answer=True,
            )
        said = {t.folded for t in tokens}
        person = True if said & _PERSONAL else False if said & _NEUTER else None
        for focus in self._topics(turn):
            is_person = self._is_person(focus, person)
            is_place = self._is_place(focus, None)
            if focus != answers:
                yield Referent(focus, frozenset(), is_person, is_place, is_answer=False)

    def _topics(self, turn: Turn) -> list[tuple[int, ...]]:
        """Return what a turn was about, each name by itself, in the order they were said."""
        plan, question = plan_of(turn), fold(turn.question)
        keys = [leaf.keys for leaf in leaves(plan)] if plan else [turn.focus]
        found = [
            tuple(n for n in map(self.view.find_key, of) if n is not None)
            for of in dict.fromkeys(keys)
        ]
        said = [(question.find(fold(self.view.names[of[0]])), of) for of in found if of]
        return [
            of for place, of in sorted(said, key=lambda s: s[0] if s[0] >= 0 else len(question))
        ]

    def _answers(self, turn: Turn) -> tuple[int, ...]:
        """Return what a turn was answered with, in the order it was said in."""
        found = found_by(plan_of(turn), self.view)
        if found:
            place = {name: i for i, name in enumerate(turn.entities)}
            return tuple(sorted(found, key=lambda n: place.get(self.view.names[n], len(place))))
        named = (self._named(name)[:1] for name in turn.entities if not turn.plan_text)
        return tuple(int(node) for nodes in named for node in nodes)

    def _is_person(self, nodes: Sequence[int], asked: bool | None) -> bool | None:
        kind = int(self.view.node_type_ids[nodes[0]])
        if kind >= 0 and self._persons:
            return kind in self._persons or (None if asked else False)
        return asked if kind < 0 or asked else None

    def _is_place(self, nodes: Sequence[int], asked: bool | None) -> bool | None:
        kind = int(self.view.node_type_ids[nodes[0]])
        if kind < 0:
            return asked
        return not PLACE_TYPES.isdisjoint(humanize(self.view.node_types[kind]).split()) or asked


def _fit(known: bool | None) -> float:
    return _PERHAPS if known is None else _SURE * known


def _names_person(node_type: str) -> bool:
    parts = humanize(node_type).split()
    return bool(parts) and (parts[-1] in _PEOPLE or is_person_noun(parts[-1]))


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith("ss")


def _stands_alone(tokens: Sequence[Token], position: int) -> bool:
    """Return whether "that" is a pronoun: "who wrote that?", "is that more than ...".

    Examples:
        >>> [_stands_alone(tokenize(q), 2) for q in ("who wrote that", "films she that made")]
        [True, False]
    """
    if position + 1 == len(tokens):
        return position > 0
    after_verb = position > 0 and tokens[position - 1].folded in COPULAS
    return after_verb and tokens[position + 1].folded in FUNCTION_WORDS


def _says_there_is(tokens: Sequence[Token], position: int) -> bool:
    """Return whether "there" says that something exists: "how many are there"."""
    around = [*tokens[max(position - 1, 0) : position], *tokens[position + 1 : position + 2]]
    return any(t.folded in ("is", "are", "was", "were") for t in around)


def _asks_for(tokens: Sequence[Token], first: int, noun: int) -> bool:
    """Return whether "the head" is what is asked for, or has an owner: "the head of X"."""
    after = tokens[noun + 1].folded if noun + 1 < len(tokens) else "of"
    before = [t.folded for t in tokens[:first]]
    asked = bool(before) and before[0] in ("who", "what", "which") and before[-1] in COPULAS
    return asked or after in ("of", "s") or not first


def _asked_nouns(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the families of the nouns that were asked for: "which companies"."""
    found = set()
    for position, token in enumerate(tokens[:-1]):
        following = tokens[position + 1].folded
        asks = token.folded in ("which", "what", "many", "other", "else")
        if asks and following not in FUNCTION_WORDS:
            found.add(family(following))
    return frozenset(found)


def _asks_person(tokens: Sequence[Token]) -> bool | None:
    """Return whether a person was asked for; ``None`` when the question does not say.

    Examples:
        >>> [_asks_person(tokenize(q)) for q in ("Who is it?", "Where is it?", "and Ada?")]
        [True, False, None]
    """
    for position, token in enumerate(tokens):
        if token.folded in ("who", "whom"):
            return True
        if token.folded in ("when", "where", "how"):
            return False
        if token.folded in ("which", "what"):
            noun = tokens[position + 1].folded if position + 1 < len(tokens) else ""
            return None if noun in ("of", *_ONES) else is_person_noun(noun)
    return None


def _last_relation(turn: Turn) -> frozenset[str]:
    """Return the families of the words of the relation that led to the answers."""
    plan = source_of(plan_of(turn))
    if not isinstance(plan, Follow):
        return frozenset()
    parts = humanize(plan.step.relation).split()
    return frozenset(family(w) for w in parts if w not in FUNCTION_WORDS)
