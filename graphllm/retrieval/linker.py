"""From the words of a question to nodes of the graph."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.answer.history import Turn
from graphllm.graph.folding import fold, humanize
from graphllm.graph.taught import NOTHING_TAUGHT, Taught
from graphllm.graph.view import GraphView
from graphllm.index.names import NameMatch, Names
from graphllm.retrieval.demonyms import countries
from graphllm.retrieval.english import FUNCTION_WORDS, PLACE_TYPES, Token, family, tokenize
from graphllm.retrieval.referents import Referents
from graphllm.retrieval.slips import meant, readings

_MAX_NODES = 64  # nodes of one name that are told apart
_MAX_SPELLINGS = 4 * _MAX_NODES  # that are looked at, for the types and spellings of those
_SURELY_NAMED = 1.5  # weight of a name beside which "of the" is none
_LONGEST_GUESS = 4  # words of a name that is not as written
_MAX_PARTS = 3  # nodes that part of a name is taken for
_MAX_KINDS = 4  # types of nodes that share a name
_MAX_MENTIONS = 12
_LOOSE = 0.05
_WHOLE = 0.85  # quality of what is surely a whole name
_ONE_SLIP = 0.93  # quality of a whole name but for one slip
_SLIP = 0.05  # less for a second one
_AMBIGUOUS = 0.15  # less where several names are as near
_MEANS_THE_SAME = 0.6  # cosine from which one name may stand for another
_GUESSES = 6  # stretches of words that are compared by meaning
_FUZZY_FLOOR = 0.82
_ADJECTIVE = 0.95  # quality of the country that an adjective speaks of
_PLACES = frozenset(map(family, PLACE_TYPES))
_LONGEST_CODE = 6  # letters of a code that stands for a name
_MAX_POINTED = 4_096  # answers that "they" are


class Match(StrEnum):
    """How the words of a mention and a node's name agree."""

    EXACT = "exact"
    FOLDED = "folded"
    PARTIAL = "partial"
    FUZZY = "fuzzy"
    MEANING = "meaning"
    HISTORY = "history"


_QUALITY = {
    Match.EXACT: 1.0,
    Match.FOLDED: 0.97,
    Match.PARTIAL: 0.75,
    Match.FUZZY: 0.7,
    Match.MEANING: 0.7,
    Match.HISTORY: 0.9,
}


class Span(NamedTuple):
    """Tokens ``first`` to ``last`` of a question, ``last`` excluded."""

    first: int
    last: int

    def overlaps(self, other: "Span") -> bool:
        """Return whether the two have a token in common."""
        return self.first < other.last and other.first < self.last


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of a question that may name nodes.

    Attributes:
        span: Where it stands among the question's tokens.
        text: The words.
        nodes: The nodes that may be meant; several when a name is shared.
        match: How name and words agree.
        quality: Between 0 and 1.
    """

    span: Span
    text: str
    nodes: tuple[int, ...]
    match: Match
    quality: float


@dataclass(frozen=True, slots=True)
class Seeds:
    """What a question mentions.

    Attributes:
        question: As asked.
        tokens: Its words.
        mentions: Possible mentions of nodes, longest and surest first; they may overlap.
        near_misses: Names that look like words of the question which named nothing.
    """

    question: str
    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    near_misses: tuple[str, ...] = field(default=())


class Linker:
    """Finds the nodes a question names: as written, then folded, then misspelt, then by pronoun.

    Args:
        view: The graph.
        names: Search over its names.
        by_meaning: Returns nodes whose names mean nearly what a text says, and how nearly (0..1),
            best first; asked last, where the names have vectors.
        taught: Other names that people taught.
    """

    def __init__(
        self,
        view: GraphView,
        names: Names,
        by_meaning: Callable[[str], list[tuple[int, float]]] | None = None,
        taught: Taught = NOTHING_TAUGHT,
    ) -> None:
        self.view = view
        self.names = names
        self.by_meaning = by_meaning
        self._taught = _TaughtNames(taught, view)

    def link(self, question: str, history: Sequence[Turn] = ()) -> Seeds:
        """Return what ``question`` mentions; which mention is meant is decided with the relations.

        Args:
            question: Plain language.
            history: Earlier turns, oldest first; "it" and "they" look back at the last of them.
        """
        tokens = tuple(tokenize(question))
        mentions = self._by_name(question, tokens)
        mentions += self._by_adjective(question, tokens)
        intended = meant(tokens, self.names)
        mentions += self._by_slip(question, tokens, intended)
        mentions += self._by_part(question, tokens, mentions, intended)
        back = self._pointing_back(tokens, history, mentions)
        mentions = [m for m in mentions if not _means_back(m, back, tokens)] + back
        named = any(_is_naming(m, tokens) for m in mentions)
        fuzzy, near = self._misspelt(question, tokens, _unwritten(tokens, mentions, named=named))
        mentions += fuzzy or ([] if named else self._meant(question, tokens))
        tokens = self._as_named(tokens, mentions)
        mentions.sort(key=lambda m: (-weight(m.span, tokens) * m.quality, m.span))
        return Seeds(question, tokens, tuple(mentions[:_MAX_MENTIONS]), near)

    def _by_name(self, question: str, tokens: Sequence[Token]) -> list[Mention]:
        longest = min(max(self.names.max_words, self._taught.max_words) + 1, len(tokens))
        folded: dict[Span, str] = {}
        for first in range(len(tokens)):
            for last in range(first + 1, min(first + longest, len(tokens)) + 1):
                words = [t.folded for t in tokens[first:last]]
                folded[Span(first, last)] = " ".join(w for w in words if w)
        asked = [text for text in folded.values() if text]
        found = self._taught.added(
            self.names.folded_many(asked, articles=True, limit=_MAX_SPELLINGS), asked
        )
        named = any(
            text in found and weight(span, tokens) >= _SURELY_NAMED for span, text in folded.items()
        )
        mentions = []
        for span, text in folded.items():
            if (named and is_filler(span, tokens)) or _says_i(tokens[slice(*span)]):
                continue
            surface = question[tokens[span.first].start : tokens[span.last - 1].end]
            nodes = found.get(text) if text else self.names.exact(surface)
            if nodes is not None and len(nodes):
                spellings = _spellings(
                    question, tokens[span.first].start, tokens[span.last - 1].end
                )
                mentions += self._mentions(span, spellings, nodes.tolist())
        return mentions

    def _by_adjective(self, question: str, tokens: Sequence[Token]) -> list[Mention]:
        """Return the countries that adjectives speak of: "German" airlines."""
        mentions = []
        for span in _stretches_with(range(len(tokens)), 2, len(tokens)):
            names = countries(" ".join(t.folded for t in tokens[slice(*span)]))
            found = self.names.folded_many(names, articles=True, limit=_MAX_NODES) if names else {}
            nodes = [n for name in names for n in found.get(name, ()) if self._is_place(int(n))]
            if nodes:
                surface = question[tokens[span.first].start : tokens[span.last - 1].end]
                mentions.append(Mention(span, surface, (int(nodes[0]),), Match.FOLDED, _ADJECTIVE))
        return mentions

    def _is_place(self, node: int) -> bool:
        kind = int(self.view.node_type_ids[node])
        words = humanize(self.view.node_types[kind]).split() if kind >= 0 else []
        return any(family(word) in _PLACES for word in words)

    def _mentions(self, span: Span, spellings: Sequence[str], nodes: list[int]) -> list[Mention]:
        """Return a mention for each type of node that has the name: the album, and the song."""
        called = [n for n in nodes[:_MAX_SPELLINGS] if self._may_call(n, spellings[0])]
        return [self._mention(span, spellings, same) for same in self._by_type(called)]

    def _may_call(self, node: int, surface: str) -> bool:
        """Whether words may be what a node is called: a code in capitals only as it is written.

        Of some thousand codes of three letters, "fly", "all" and "most" are three.
        """
        if surface.isupper() or len(surface) > _LONGEST_CODE or surface == self.view.keys[node]:
            return True
        if fold(self.view.names[node]) == fold(surface):
            return True
        return surface.upper() not in self.view.aliases(node)

    def _by_type(self, nodes: Sequence[int]) -> list[list[int]]:
        by_type: dict[int, list[int]] = {}
        for node in nodes:
            by_type.setdefault(int(self.view.node_type_ids[node]), []).append(node)
        return list(by_type.values())[:_MAX_KINDS]

    def _mention(self, span: Span, spellings: Sequence[str], nodes: list[int]) -> Mention:
        surface = spellings[0]
        as_written = (n for n in nodes if self._is_called(n, spellings))
        same = list(islice(as_written, _MAX_NODES))
        match = Match.EXACT if same else Match.FOLDED
        chosen = tuple((same or nodes)[:_MAX_NODES])
        quality = _QUALITY[match]
        called = fold(surface)
        taught = self._taught.nodes.get(called, ())
        if not same and all(fold(self.view.names[n]) != called and n not in taught for n in chosen):
            quality -= _LOOSE  # an alias, or a name without its article
        return Mention(span, surface, chosen, match, quality)

    def _is_called(self, node: int, spellings: Sequence[str]) -> bool:
        taught = not self._taught.spellings.get(node, frozenset()).isdisjoint(spellings)
        return taught or self.view.names[node] in spellings or self.view.keys[node] in spellings

    def _as_named(
        self, tokens: tuple[Token, ...], mentions: Sequence[Mention]
    ) -> tuple[Token, ...]:
        """Return the words with names of several words written as in the graph.

        Capitals tell a name from common words; people leave them out.
        """
        written = list(tokens)
        whole = [m for m in mentions if m.quality >= _WHOLE and m.span.last - m.span.first > 1]
        for mention in sorted(whole, key=lambda m: (m.span.last - m.span.first, m.quality)):
            name = tokenize(self.view.names[mention.nodes[0]])
            if len(name) == mention.span.last - mention.span.first:
                for i, word in enumerate(name, mention.span.first):
                    written[i] = tokens[i]._replace(text=word.text)
        return tuple(written)

    def _by_slip(
        self, question: str, tokens: Sequence[Token], intended: Mapping[int, Sequence[str]]
    ) -> list[Mention]:
        """Return whole names with a slip in one of their words or two: "Marie Cruie"."""
        words = [token.folded for token in tokens]
        read = {
            span: list(readings(words[slice(*span)], span.first, intended))
            for span in _stretches_with(intended, self.names.max_words, len(tokens))
        }
        asked = [reading.text for of in read.values() for reading in of]
        found = self.names.folded_many(asked, articles=True, limit=_MAX_NODES) if asked else {}
        mentions = []
        for span, of in read.items():
            named = [reading for reading in of if reading.text in found]
            surface = question[tokens[span.first].start : tokens[span.last - 1].end]
            for reading in named:
                quality = _ONE_SLIP - _SLIP * (reading.num_slips - 1)
                quality -= _AMBIGUOUS * (len(named) > 1)
                mentions += [
                    Mention(span, surface, tuple(same), Match.FUZZY, quality)
                    for same in self._by_type(found[reading.text].tolist())
                ]
        return mentions

    def _meant(self, question: str, tokens: Sequence[Token]) -> list[Mention]:
        """Return nodes by meaning for words that name nothing: "space travel" for "astronauts"."""
        mentions = []
        for span in name_like_spans(tokens)[:_GUESSES] if self.by_meaning else ():
            surface = question[tokens[span.first].start : tokens[span.last - 1].end]
            for node, likeness in self.by_meaning(surface) if self.by_meaning else ():
                if likeness >= _MEANS_THE_SAME:
                    quality = _QUALITY[Match.MEANING] * likeness
                    mentions.append(Mention(span, surface, (node,), Match.MEANING, quality))
        return mentions

    def _by_part(
        self,
        question: str,
        tokens: Sequence[Token],
        found: Sequence[Mention],
        intended: Mapping[int, Sequence[str]],
    ) -> list[Mention]:
        """Read capitals that are no whole name as part of one: "Einstein" for Albert Einstein."""
        mentions = []
        for span in name_like_spans(tokens):
            first = tokens[span.first]
            exact = any(
                m.match is Match.EXACT and m.span.first <= span.first and span.last <= m.span.last
                for m in found
            )
            if not exact and first.text[:1].isupper():
                mentions += self._parts_of_names(question, tokens, span)
                words = [t.folded for t in tokens[slice(*span)]]
                for reading in readings(words, span.first, intended):
                    mentions += self._parts_of_names(question, tokens, span, reading.text)
        return mentions

    def _parts_of_names(
        self, question: str, tokens: Sequence[Token], span: Span, said: str = ""
    ) -> list[Mention]:
        """Return the best-connected nodes with a name that a stretch of words is part of.

        Args:
            said: What the words were meant to be, where they are misspelt.
        """
        surface = question[tokens[span.first].start : tokens[span.last - 1].end]
        nodes = [m.node for m in self.names.containing(said or surface, limit=_MAX_NODES)]
        nodes.sort(key=lambda n: (-self._degree(n), n))
        best = _QUALITY[Match.PARTIAL] - _SLIP * bool(said)
        return [
            Mention(span, surface, (node,), Match.PARTIAL, best - 0.02 * rank)
            for rank, node in enumerate(nodes[:_MAX_PARTS])
        ]

    def _degree(self, node: int) -> int:
        sides = (self.view.outgoing.indptr, self.view.incoming.indptr)
        return sum(int(indptr[node + 1]) - int(indptr[node]) for indptr in sides)

    def _pointing_back(
        self, tokens: Sequence[Token], history: Sequence[Turn], mentions: Sequence[Mention]
    ) -> list[Mention]:
        """Return what "it", "they", "that company" and the like may mean after earlier turns."""
        if not history:
            return []
        named = [m.span.last for m in mentions if weight(m.span, tokens) >= _SURELY_NAMED]
        return [
            Mention(
                Span(found.first, found.last),
                " ".join(t.text for t in tokens[found.first : found.last]),
                found.nodes[:_MAX_POINTED],
                Match.HISTORY,
                found.quality,
            )
            for found in Referents(self.view, self._called, history).pointings(tokens, named)
        ]

    def _called(self, name: str) -> list[int]:
        return self.names.exact(name).tolist()

    def _misspelt(
        self, question: str, tokens: Sequence[Token], spans: Sequence[Span]
    ) -> tuple[list[Mention], tuple[str, ...]]:
        mentions: list[Mention] = []
        near: dict[str, float] = {}
        for span in spans:
            surface = question[tokens[span.first].start : tokens[span.last - 1].end]
            if not tokens[span.first].text[:1].isupper():  # capitals were tried as parts already
                mentions += self._parts_of_names(question, tokens, span)
            digits = any(c.isdigit() for c in surface)  # another number is not a misspelt one
            for match in () if digits else self.names.fuzzy(surface, limit=3):
                alike = self._called_like(span, surface, match)
                said = any(m.span == span and m.nodes == alike.nodes for m in mentions)
                if match.score >= _FUZZY_FLOOR and not said:
                    mentions.append(alike)
                near[match.name] = max(match.score, near.get(match.name, 0.0))
        best = sorted(near, key=lambda name: -near[name])[:3]
        return mentions, tuple(name for name in best if near[name] > 0.5)

    def _called_like(self, span: Span, surface: str, match: NameMatch) -> Mention:
        """Return what a near name may mean: the node, and others of its kind and name."""
        types = self.view.node_type_ids
        named = self.names.exact(match.name)[:_MAX_NODES].tolist()
        alike = [node for node in named if types[node] == types[match.node]]
        nodes = tuple(sorted({match.node, *alike}))
        return Mention(span, surface, nodes, Match.FUZZY, _QUALITY[Match.FUZZY] * match.score)


class _TaughtNames:
    """Names that people taught, ready to be looked up.

    Attributes:
        nodes: By folded name.
        spellings: The names as they were written, by node.
        max_words: Of the longest.
    """

    def __init__(self, taught: Taught, view: GraphView) -> None:
        self.nodes: dict[str, tuple[int, ...]] = {}
        self.spellings: dict[int, frozenset[str]] = {}
        for lesson in taught.aliases:
            found = [n for n in map(view.find_key, lesson.keys) if n is not None]
            if not found:  # not in the graph any more
                continue
            name = fold(lesson.alias)
            self.nodes[name] = tuple(dict.fromkeys((*self.nodes.get(name, ()), *found)))
            for node in found:
                self.spellings[node] = self.spellings.get(node, frozenset()) | {lesson.alias}
        self.max_words = max((len(name.split()) for name in self.nodes), default=0)

    def added(
        self, found: dict[str, Int32[np.ndarray, "_"]], asked: Sequence[str]
    ) -> dict[str, Int32[np.ndarray, "_"]]:
        """Return what was ``found`` for each folded text, with the nodes that were taught first."""
        for text in self.nodes.keys() & set(asked):
            others = found.get(text, np.zeros(0, dtype=np.int32)).tolist()
            nodes = dict.fromkeys((*self.nodes[text], *others))
            found[text] = np.array(list(nodes), dtype=np.int32)
        return found


def _says_i(tokens: Sequence[Token]) -> bool:
    """Whether the only capital among several words is that of "I"."""
    capitals = [token.text for token in tokens if token.text[:1].isupper()]
    return len(tokens) > 1 and capitals == ["I"]


def _spellings(question: str, start: int, end: int) -> list[str]:
    """Return a stretch of a question as it may be written: with the signs around it, or without.

    Examples:
        >>> _spellings("who is in Mother! (2009)", 10, 16)
        ['Mother', 'Mother!']
    """
    first, last = start, end
    while first > 0 and not (question[first - 1].isspace() or question[first - 1].isalnum()):
        first -= 1
    while last < len(question) and not (question[last].isspace() or question[last].isalnum()):
        last += 1
    pairs = ((start, end), (start, last), (first, end), (first, last))
    return list(dict.fromkeys(question[a:b] for a, b in pairs))


def name_like_spans(tokens: Sequence[Token]) -> list[Span]:
    """Return the stretches of words that look like a name: capitals first, else content words.

    Examples:
        >>> name_like_spans(tokenize("who advised Enrico Fremi in Rome?"))
        [Span(first=2, last=4), Span(first=5, last=6)]
        >>> name_like_spans(tokenize("who taught enrico fremi"))[:3]
        [Span(first=1, last=4), Span(first=1, last=3), Span(first=2, last=4)]
    """
    capital = _runs([i > 0 and t.text[:1].isupper() for i, t in enumerate(tokens)])
    if capital:
        return capital
    content = _runs([t.folded not in FUNCTION_WORDS for t in tokens])
    parts = [
        Span(first, last)
        for run in content
        for first in range(run.first, run.last)
        for last in range(first + 1, min(first + _LONGEST_GUESS, run.last) + 1)
    ]
    return sorted(parts, key=lambda s: (s.first - s.last, s))


def _stretches_with(positions: Iterable[int], longest: int, num_tokens: int) -> list[Span]:
    """Return the stretches of at most ``longest`` words with one of the positions in them.

    Examples:
        >>> _stretches_with([2], 2, 4)
        [Span(first=1, last=3), Span(first=2, last=3), Span(first=2, last=4)]
    """
    spans = {
        Span(first, last)
        for at in positions
        for first in range(max(0, at - longest + 1), at + 1)
        for last in range(at + 1, min(first + longest, num_tokens) + 1)
    }
    return sorted(spans)


def _unwritten(tokens: Sequence[Token], mentions: Sequence[Mention], *, named: bool) -> list[Span]:
    """Return the stretches that may be misspelt names.

    Where something else is named, only capitals that are no name, nor part of one: "star" may well
    be a film, but "Meril Streep" is somebody.
    """
    if not named:
        return name_like_spans(tokens)
    read = [m.span for m in mentions if m.match is not Match.HISTORY]
    return [
        span
        for span in name_like_spans(tokens)
        if any(t.text[:1].isupper() for t in tokens[slice(*span)])
        and not any(s.first <= span.first and span.last <= s.last for s in read)
    ]


def _runs(flags: Sequence[bool]) -> list[Span]:
    runs, first = [], None
    for position, flag in enumerate([*flags, False]):
        if flag and first is None:
            first = position
        elif not flag and first is not None:
            runs.append(Span(first, position))
            first = None
    return runs


def weight(span: Span, tokens: Sequence[Token]) -> float:
    """Return how much of a question a mention explains: names weigh more than common words.

    Examples:
        >>> words = tokenize("who directed The Whisperer in Darkness")
        >>> round(weight(Span(2, 6), words), 2), round(weight(Span(0, 1), words), 2)
        (3.9, 0.1)
    """
    capitals = sum(t.text[:1].isupper() for t in tokens[1:])
    weights = (
        token_weight(t, is_name=(i > 0 or capitals > 0) and t.text[:1].isupper())
        for i, t in enumerate(tokens[span.first : span.last], span.first)
    )
    return sum(weights, 0.0)  # what a question leaves unsaid has an empty span


def token_weight(token: Token, *, is_name: bool) -> float:
    """Return the weight of one word inside a mention."""
    common = token.folded in FUNCTION_WORDS
    if is_name:
        return 0.8 if common else 1.5
    return 0.1 if common else 1.0


def is_filler(span: Span, tokens: Sequence[Token]) -> bool:
    """Whether there are only words like "of the", in small letters: a large graph names them all.

    Examples:
        >>> words = tokenize("Who is in Her with It")
        >>> [is_filler(Span(i, i + 1), words) for i in range(6)]
        [True, True, True, False, True, False]
    """
    return all(
        token.folded in FUNCTION_WORDS and (i == 0 or not token.text[:1].isupper())
        for i, token in enumerate(tokens[span.first : span.last], span.first)
    )


def _means_back(mention: Mention, back: Sequence[Mention], tokens: Sequence[Token]) -> bool:
    """Whether small letters that point back, like "it" or "one", were taken for a name."""
    small = not any(t.text[:1].isupper() for t in tokens[slice(*mention.span)])
    return small and any(
        found.span.first <= mention.span.first and mention.span.last <= found.span.last
        for found in back
    )


def _is_naming(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Whether the mention is more than a pronoun or common words in small letters."""
    return mention.match is Match.HISTORY or weight(mention.span, tokens) >= 1.0
