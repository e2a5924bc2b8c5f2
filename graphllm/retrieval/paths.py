"""Rank relation paths from an entity by how well they explain a question."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from graphllm.query.plan import Step
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.alignment import Alignment, align
from graphllm.retrieval.beam import Beam
from graphllm.retrieval.english import (
    CONTAINMENT,
    COPULAS,
    FUNCTION_WORDS,
    HINT_WORDS,
    LIGHT_VERBS,
    NAMING_VERBS,
    PERSON_WORDS,
    RETURN_TRIGGERS,
    Token,
    family,
)
from graphllm.retrieval.linker import Mention, Span, weight
from graphllm.retrieval.roles import Role, forward, role_of
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.verbalize import LETTERS

MAX_HOPS = 3
_MAX_PATHS = 600
_MIN_AFFINITY = 0.12
_MIN_FOLLOWS = 0.02  # share of nodes that must have a port for a path to continue with it
_NAME, _PAST_NAME = 1.5, 0.3
_KIND_ASKED = 0.3  # half of the affinity of a noun to a kind of node that it surely names
_BRIDGE = 0.3  # share of nodes that go on, for a step that no word speaks of
_MOSTLY = 0.6  # share of values that read as numbers or dates
_MEASURING = [[w] for w in ("tall", "long", "high", "large", "big", "heavy", "deep", "far")]
_SORTS = frozenset(("kind", "sort", "type", "form", "style"))
_BACK = frozenset(("their", "its"))  # "their films" says again what the films are of
_NAMES_KIND = 0.55  # affinity from which a noun surely names a kind of node
_EXPECTED = 0.05  # an entity may lack a relation that this share of its like have
_MOST_UNSPOKEN = 160  # paths of each length whose steps no word need speak of
_MOST_ONWARD = 32  # of their steps from one node on

_KEPT = 65_536  # pairs of steps whose likelihood is remembered
_FIRST_BONUS = np.array([0, *[0.3, 0.05] * MAX_HOPS], dtype=np.float32)


class Weights(NamedTuple):
    """How the parts of a path's score are weighed; set by hand, not trained."""

    support: float = 0.35
    length: float = 0.03
    unsupported: float = 0.2
    rarity: float = 0.03
    cross_side: float = 0.04
    trigger: float = 0.5
    wh_word: float = 0.7
    hint: float = 0.5
    wrong_way: float = 0.7
    other_way: float = 0.9  # of a relation that holds both ways
    wrong_answer: float = 0.3
    preposition: float = 0.03
    idle_return: float = 0.06
    answer_noun: float = 1.4
    back: float = 0.2
    light: float = 0.2
    wrong_kind: float = 0.5
    lacking: float = 0.03
    lacking_this_way: float = 0.05  # on top, where the entity has the relation the other way
    no_answer_noun: float = 0.25
    unexplained: float = 0.08
    unknown_name: float = 0.3


class RankedPath(NamedTuple):
    """A path from a mention, and how well it explains the question.

    Attributes:
        mention: Where it begins.
        ports: The steps.
        score: About 0 to 1.3.
        support: How well each step is supported by a word, 0 to 1.
        explained: How well each word of the question is explained, by position.
        unsaid: A first step that no word has to speak of.
    """

    mention: Mention
    ports: tuple[int, ...]
    score: float
    support: tuple[float, ...]
    explained: dict[int, float]
    unsaid: Step | None = None


class Word(NamedTuple):
    """A word that should be explained: where, how much, whether it asks, and its grammar."""

    token: Token
    position: int
    weight: float
    asks: bool
    role: Role
    is_name: bool


class PathRanker:
    """Enumerates relation paths from an entity and scores them against a question.

    Args:
        schema: The graph's relations and how they join.
        affinity: Words against relations and kinds of nodes.
    """

    def __init__(
        self,
        schema: GraphSchema,
        affinity: Affinity,
        weights: Weights = Weights(),  # noqa: B008
    ) -> None:
        self.schema = schema
        self.affinity = affinity
        self.weights = weights
        self.beam: Beam | None = None
        self._log_follow = lru_cache(_KEPT)(self._read_log_follow)

    def rank(
        self,
        tokens: Sequence[Token],
        mention: Mention,
        *,
        ignore: Sequence[Span] = (),
        limit: int = 12,
    ) -> list[RankedPath]:
        """Return paths from ``mention``, best first.

        Args:
            tokens: The question.
            mention: Where the paths begin.
            ignore: Other parts of the question that are explained already.
            limit: How many.
        """
        words = self.words(tokens, [mention.span, *ignore])
        self.affinity.prepare([w.token.folded for w in words])
        proposed = self._proposed(tokens, mention)
        paths = list(dict.fromkeys([*self._enumerate(words, mention.nodes), *proposed]))
        if not paths:
            return []
        aligned = self._best_alignment(words, mention, tokens, paths)
        scores, support = self._score(words, tokens, mention, ignore, paths, aligned)
        order = np.lexsort((np.array([len(p) for p in paths]), -scores))
        kept = set(proposed)
        chosen = [i for place, i in enumerate(order.tolist()) if place < limit or paths[i] in kept]
        return [
            RankedPath(
                mention,
                paths[i],
                float(scores[i]),
                tuple(support[i][: len(paths[i])].tolist()),
                {w.position: float(aligned.explained[j, i]) for j, w in enumerate(words)},
            )
            for i in chosen
        ]

    def _proposed(self, tokens: Sequence[Token], mention: Mention) -> list[tuple[int, ...]]:
        """Return paths that the trained scorer finds near to the question, if there is one."""
        first, last = mention.span
        if self.beam is None or first >= last:
            return []
        before, after = (" ".join(t.text for t in part) for part in (tokens[:first], tokens[last:]))
        question = f"{before} {LETTERS[0]} {after}".strip()
        return self.beam.paths(question, self.first_ports(mention.nodes), MAX_HOPS)

    def words(self, tokens: Sequence[Token], taken: Sequence[Span]) -> list[Word]:
        """Return the words outside ``taken`` that a reading should explain."""
        words = []
        for position, token in enumerate(tokens):
            if any(span.first <= position < span.last for span in taken):
                continue
            if self._sort_of_relation(tokens, position):
                continue
            asks = is_answer_word(tokens, position) and not _is_verb(tokens, position, taken)
            asks = asks or self._sort_of_relation(tokens, position - 2)
            importance = self._importance(token, asks=asks)
            owned = position > 0 and not any(s.first < position <= s.last for s in taken)
            if owned and tokens[position - 1].folded in _BACK and not asks:
                importance *= self.weights.back
            if importance > 0:
                role = role_of(tokens, position, taken[0]) if taken else Role.UNKNOWN
                is_name = not asks and self._is_unknown_name(tokens, position)
                words.append(Word(token, position, importance, asks, role, is_name))
        return words

    def _sort_of_relation(self, tokens: Sequence[Token], position: int) -> bool:
        """Return whether a word is the "form" of "what form of government": it says nothing more.

        Not so the "type" of "what type of film is X": that X is a film is no news.
        """
        if position < 1 or tokens[position].folded not in _SORTS:
            return False
        around = [tokens[position - 1].folded, *(t.folded for t in tokens[position + 1 :][:2])]
        if len(around) < 3 or around[0] not in ("what", "which") or around[1] != "of":
            return False
        return float(self.affinity.relations(around[2]).max(initial=0.0)) >= _NAMES_KIND

    def _importance(self, token: Token, *, asks: bool) -> float:
        if token.folded in PERSON_WORDS or token.folded in ("when", "where"):
            return self.weights.wh_word
        if token.folded in HINT_WORDS and not asks:
            relevant = self.affinity.relations(token.folded).max(initial=0.0) > 0
            return self.weights.hint if relevant else 0.0
        if asks and token.folded not in ("what", "which"):
            return self.weights.answer_noun
        if token.folded in LIGHT_VERBS:
            named = float(self.affinity.relations(token.folded).max(initial=0.0))
            return 1.0 if named >= _NAMES_KIND else self.weights.light
        if token.folded in NAMING_VERBS and not asks:
            named = float(self.affinity.relations(token.folded).max(initial=0.0))
            return 1.0 if named >= _NAMES_KIND else 0.0
        return 0.0 if token.folded in FUNCTION_WORDS or not token.folded else 1.0

    def _is_unknown_name(self, tokens: Sequence[Token], position: int) -> bool:
        """Return whether a word is written like a name, and is none of the graph's own words."""
        token = tokens[position]
        title_case = all(t.text[:1].isupper() for t in tokens if len(t.text) > 3)
        if not position or not token.text[:1].isupper() or (title_case and len(tokens) > 2):
            return False
        return not self.affinity.knows(token.folded)

    # Enumerate

    def _enumerate(self, words: Sequence[Word], nodes: Sequence[int]) -> list[tuple[int, ...]]:
        relevance = np.zeros(len(self.schema.labels), dtype=np.float32)
        for word in words:
            relevance = np.maximum(relevance, self.affinity.relations(word.token.folded))
        good = np.repeat(relevance, 2)
        ends = self._answering(words)
        statements = self.schema.statement_ports
        if statements:
            good = self._through_statements(good, ends)
        first: list[tuple[tuple[int, ...], int]] = [((p,), p) for p in self.first_ports(nodes)]
        frontier = [(path, float(good[p])) for path, p in first if good[p] > _MIN_AFFINITY]
        found = [path for path, p in first if max(good[p], ends[p]) > _MIN_AFFINITY]
        found += [(p, q) for _, p in first for q in self._bridged(p, good, ends)]
        for _ in range(MAX_HOPS - 1):
            longer: list[tuple[tuple[int, ...], float]] = []
            for path, total in frontier:
                usual = self.schema.follows(path[-1]) > _MIN_FOLLOWS
                for q in np.flatnonzero(usual & (np.maximum(good, ends) > _MIN_AFFINITY)).tolist():
                    if good[q] > _MIN_AFFINITY:
                        longer.append(((*path, q), total + float(good[q])))
                    else:
                        found.append((*path, q))
            frontier = sorted(longer, key=lambda item: -item[1])[:_MAX_PATHS]
            found += [path for path, _ in frontier]
        found = list(dict.fromkeys([*found, *self._unspoken([p for _, p in first], good, ends)]))
        return [path for path in found if path[-1] not in statements] if statements else found

    def _unspoken(
        self,
        first: Sequence[int],
        good: Float32[np.ndarray, "num_ports"],
        ends: Float32[np.ndarray, "num_ports"],
    ) -> Iterator[tuple[int, ...]]:
        """Yield the likeliest paths by what joins what, though no word speaks of their steps.

        A label may say nothing ("P286"), or say it in other words than the question.
        """
        value = np.maximum(good, ends)
        value = np.where(value > _MIN_AFFINITY, value, value - np.float32(self.weights.unsupported))
        paths: list[tuple[tuple[int, ...], float]] = [((p,), float(value[p])) for p in first]
        onward = cache(lambda port: self._onward(port, value))
        for hop in range(MAX_HOPS):
            if hop:
                paths = [
                    ((*path, q), total + more)
                    for path, total in paths
                    for q, more in onward(path[-1])
                ]
            paths = sorted(paths, key=lambda item: -item[1])[:_MOST_UNSPOKEN]
            yield from (path for path, _ in paths)

    def _onward(
        self, port: int, value: Float32[np.ndarray, "num_ports"]
    ) -> list[tuple[int, float]]:
        """Return the best steps after ``port``, and what each is worth."""
        follows = self.schema.follows(port)
        usual = np.flatnonzero(follows > _MIN_FOLLOWS)
        worth = value[usual] + self.weights.rarity * np.log(follows[usual])
        best = np.argsort(-worth, kind="stable")[:_MOST_ONWARD]
        return list(zip(usual[best].tolist(), worth[best].tolist(), strict=True))

    def _through_statements(
        self, good: Float32[np.ndarray, "num_ports"], ends: Float32[np.ndarray, "num_ports"]
    ) -> Float32[np.ndarray, "num_ports"]:
        """Return ``good`` with each step into a statement, or out of one, as good as the other."""
        best = good.copy()
        for port in self.schema.statement_ports:
            onward = self.schema.follows(port) > 0
            onward[port ^ 1] = False
            if not onward.any():
                continue
            best[port] = max(float(good[port]), float(np.maximum(good, ends)[onward].max()))
            best = np.where(onward, np.maximum(best, good[port]), best)
        return best.astype(np.float32)

    def _bridged(
        self,
        port: int,
        good: Float32[np.ndarray, "num_ports"],
        ends: Float32[np.ndarray, "num_ports"],
    ) -> list[int]:
        """Return steps to what is asked for, by way of a step that no word speaks of."""
        if max(good[port], ends[port]) > _MIN_AFFINITY:
            return []
        usual = (self.schema.follows(port) > _BRIDGE) & (ends > _MIN_AFFINITY)
        return [q for q in np.flatnonzero(usual).tolist() if q != port ^ 1]

    def _answering(self, words: Sequence[Word]) -> Float32[np.ndarray, "num_ports"]:
        """Return, per port, how well it ends in what is asked for, whatever its relation."""
        ends = np.zeros(self.schema.num_ports, dtype=np.float32)
        for word in words:
            if not word.is_name:
                ends = np.maximum(ends, 0.5 * self.affinity.classes(word.token.folded))
        return np.where(ends > _KIND_ASKED, ends, 0)

    def first_ports(self, nodes: Sequence[int]) -> list[int]:
        """Return the ports an entity has, those that its like have, and those of its parts."""
        has = self.schema.has_ports(nodes)
        expected = has.copy()
        for port in np.flatnonzero(has).tolist():
            expected |= self.schema.follows(port ^ 1) >= _EXPECTED
            if port & 1 and not CONTAINMENT.isdisjoint(self.schema.phrases[port >> 1]):
                expected |= self.schema.follows(port) > _MIN_FOLLOWS  # said of what lies in it
        for relation in range(len(self.schema.view.relations)):
            if self.schema.is_symmetric(relation):  # one way will do: the way it is written here
                there = bool(has[2 * relation]) or not has[2 * relation + 1]
                expected[2 * relation + there] = False
        return np.flatnonzero(expected).tolist()

    # Score

    def _best_alignment(
        self,
        words: Sequence[Word],
        mention: Mention,
        tokens: Sequence[Token],
        paths: Sequence[tuple[int, ...]],
    ) -> Alignment:
        affinity = self._element_affinity(words, paths)
        importance = np.array([w.weight for w in words], dtype=np.float32)
        telling = np.array([w.token.folded not in PERSON_WORDS for w in words], dtype=np.bool_)
        explained, supports, gains = [], [], []
        for number, order in enumerate(_orders(words, mention.span, tokens)):
            repeats = self._repeats(words, order, tokens)
            aligned = align(
                affinity[order], importance[order], _FIRST_BONUS, repeats, telling[order]
            )
            in_place = np.empty_like(aligned.explained)
            in_place[order] = aligned.explained
            explained.append(in_place)
            supports.append(aligned.support)
            gain = (importance[:, None] * in_place).sum(axis=0)
            gains.append(gain - np.float32(self.weights.cross_side * (number > 0)))
        best, every = np.stack(gains).argmax(axis=0), np.arange(len(paths))
        return Alignment(np.stack(explained)[best, :, every].T, np.stack(supports)[best, every])

    def _repeats(
        self, words: Sequence[Word], order: Int[np.ndarray, "num_words"], tokens: Sequence[Token]
    ) -> Bool[np.ndarray, "num_words"]:
        """Return which words, in this order, speak of a relation that another word spoke of.

        The same word again, or its like across "of" or "'s": "the child of X's daughter".
        """
        ordered = [words[i] for i in order.tolist()]
        return np.array(
            [
                any(self._again(word, other, tokens) for other in ordered[:i])
                for i, word in enumerate(ordered)
            ],
            dtype=np.bool_,
        )

    def _again(self, word: Word, other: Word, tokens: Sequence[Token]) -> bool:
        one, two = word.token.folded, other.token.folded
        if one == two:
            return True
        first, last = sorted((word.position, other.position))
        if family(one) == family(two) and self._all_alike(one):
            return True
        if not any(t.folded in ("s", "of") for t in tokens[first:last]):
            return False
        left, right = self.affinity.relations(one), self.affinity.relations(two)
        relation = int(left.argmax()) if len(left) else 0
        if (
            not len(left)
            or relation != int(right.argmax())
            or min(left[relation], right[relation]) < 0.4
        ):
            return False
        return self.affinity.label_word(one, relation) == self.affinity.label_word(two, relation)

    def _all_alike(self, word: str) -> bool:
        """Return whether the relation a word points to best joins nodes of one kind."""
        relations = self.affinity.relations(word)[: len(self.schema.view.relations)]
        return len(relations) > 0 and self._joins_alike(int(relations.argmax()))

    def _element_affinity(
        self, words: Sequence[Word], paths: Sequence[tuple[int, ...]]
    ) -> Float32[np.ndarray, "num_words num_paths num_elements"]:
        num_elements = 2 * MAX_HOPS + 1
        table = np.zeros((len(words), len(paths), num_elements), dtype=np.float32)
        lengths = np.array([len(p) for p in paths])
        ports = padded(paths)
        wrong_answer = np.float32(self.weights.wrong_answer)
        for row, word in zip(table, words, strict=True):
            if word.is_name:  # of something that is not in the graph: no relation is meant
                continue
            relations = self.affinity.relations(word.token.folded)
            kinds = self.affinity.classes(word.token.folded)
            directed = np.repeat(relations, 2) * self._direction(word)
            if word.asks and self.schema.view.node_types and kinds.max(initial=0) >= 1:
                directed = np.where(kinds >= _NAMES_KIND, directed, directed * wrong_answer)
            row[:, 0] = kinds[ports[:, 0] ^ 1]
            for hop in range(MAX_HOPS):
                there = lengths > hop
                row[:, 2 * hop + 1] = np.where(there, directed[ports[:, hop]], 0)
                row[:, 2 * hop + 2] = np.where(there, kinds[ports[:, hop]], 0)
            if word.asks:
                last = 2 * lengths[:, None]
                row[np.arange(num_elements)[None, :] < last - 1] = 0
        return table

    def _direction(self, word: Word) -> Float32[np.ndarray, "num_ports"]:
        """Return a factor per port: less than 1 where grammar says the other way is meant.

        A noun that stands for the answer ("which languages") is what the step arrives at.
        """
        factor = np.ones(self.schema.num_ports, dtype=np.float32)
        folded = word.token.folded
        relations = self.affinity.relations(folded)[: len(self.schema.view.relations)]
        for relation in np.flatnonzero(relations > 0).tolist():
            if self.schema.is_symmetric(relation):
                factor[2 * relation + 1] = self.weights.other_way
                continue
            if word.asks:
                role, wrong = Role.POSSESSOR, self.weights.wrong_answer
            elif self._joins_alike(relation):
                role, wrong = word.role, self.weights.wrong_way
            else:
                continue
            way = forward(self.affinity.phrase(folded, relation), folded, role)
            if role is Role.POSSESSOR and self.affinity.names_head(folded, relation):
                way = False
            if way is not None:
                factor[2 * relation + (1 if way else 0)] = wrong
        return factor

    def _joins_alike(self, relation: int) -> bool:
        """Return whether a relation's tails can be its heads too: people who teach people."""
        return bool(self.schema.follows(2 * relation)[2 * relation] > _MIN_FOLLOWS)

    def _score(
        self,
        words: Sequence[Word],
        tokens: Sequence[Token],
        mention: Mention,
        ignore: Sequence[Span],
        paths: Sequence[tuple[int, ...]],
        aligned: Alignment,
    ) -> tuple[Float32[np.ndarray, "num_paths"], Float32[np.ndarray, "num_paths hops"]]:
        lengths = np.array([len(p) for p in paths])
        ports = padded(paths)
        returns = _returns(ports, lengths)
        taken = [mention.span, *ignore]
        triggers = sum(
            t.folded in RETURN_TRIGGERS and not any(s.first <= i < s.last for s in taken)
            for i, t in enumerate(tokens)
        )
        before = tokens[mention.span.first - 1].folded if mention.span.first else ""
        persons = any(w.token.folded in ("who", "whom") for w in words)
        triggers += before == "with" and persons  # "who acted with X" goes there and back
        support = _step_support(aligned.support, returns, shared=triggers > 0)
        support = self._one_support(support, paths)
        explained = sum(weight(span, tokens) for span in ignore)
        named = name_weight(weight(mention.span, tokens))
        trigger_weight = self.weights.trigger * (triggers > 0)
        total = named + explained + sum(w.weight for w in words) + trigger_weight
        importance = np.array([w.weight for w in words], dtype=np.float32)
        gain = (importance[:, None] * aligned.explained).sum(axis=0)
        gain = gain + named * mention.quality + explained
        gain = gain + trigger_weight * returns.any(axis=1)
        left_over = self._left_over(words, aligned)
        steps = np.arange(MAX_HOPS)[None, :] < lengths[:, None]
        unsupported = ((support < _MIN_AFFINITY) & steps).sum(axis=1)
        score = gain / max(total, 1e-6) - left_over
        score = score + self.weights.support * (support * steps).sum(axis=1) / lengths
        score = score + self.weights.rarity * np.array([self._log_follows(p) for p in paths])
        before_it = {p: self._ends_in(before, p) for p in np.unique(ports[:, 0]).tolist()}
        first = np.array([before_it[p[0]] for p in paths])
        score = score + self.weights.preposition * first
        if not triggers:
            distinct, place = np.unique(ports, return_inverse=True)
            alike = np.array([self._joins_alike(q >> 1) for q in distinct.tolist()])
            alike = alike[place.reshape(ports.shape)]
            score = score - self.weights.idle_return * (returns & alike).any(axis=1)
        has = self.schema.has_ports(mention.nodes)
        first_ports = ports[:, 0]
        score = score - self.weights.lacking * ~has[first_ports]
        score = score - self.weights.lacking_this_way * (~has & has[_ways_back(has)])[first_ports]
        score = score - self.weights.wrong_kind * self._wrong_kind(words, tokens, paths)
        score = score - self.weights.length * lengths - self.weights.unsupported * unsupported
        return score.astype(np.float32), support

    def _ends_in(self, word: str, port: int) -> bool:
        """Return whether what a relation is called ends in a word: "in", of "born in"."""
        return any(p.endswith(f" {word}") for p in self.schema.phrases[port >> 1])

    def _one_support(
        self,
        support: Float32[np.ndarray, "num_paths hops"],
        paths: Sequence[tuple[int, ...]],
    ) -> Float32[np.ndarray, "num_paths hops"]:
        """Let a step into a statement and the one out of it, one relation, support each other."""
        if not self.schema.statement_ports:
            return support
        for row, path in zip(support, paths, strict=True):
            for hop, port in enumerate(path[:-1]):
                if port in self.schema.statement_ports:
                    row[hop : hop + 2] = row[hop : hop + 2].max()
        return support

    def _left_over(
        self, words: Sequence[Word], aligned: Alignment
    ) -> Float32[np.ndarray, "num_paths"]:
        """Return what a path loses for words it leaves unexplained; most for names."""
        cost = [self.cost_of_leaving(w) for w in words]
        unexplained = (aligned.explained < _MIN_AFFINITY).astype(np.float32)
        return (np.array(cost, dtype=np.float32)[:, None] * unexplained).sum(axis=0)

    def cost_of_leaving(self, word: Word) -> float:
        """Return what it costs a plan to leave ``word`` unexplained.

        Most for what is asked for: "the genre of X", or "which women" where nodes have types. In a
        graph without types, "which films" may well be what a relation leads to.
        """
        if word.is_name:
            return self.weights.unknown_name
        if word.asks and word.token.folded not in ("who", "whom", "when", "where"):
            told_apart = self.schema.view.node_types or word.role is Role.POSSESSOR
            return self.weights.no_answer_noun if told_apart else self.weights.unexplained
        return self.weights.unexplained * (word.weight >= 1)

    def _wrong_kind(
        self, words: Sequence[Word], tokens: Sequence[Token], paths: Sequence[tuple[int, ...]]
    ) -> Float32[np.ndarray, "num_paths"]:
        """Return 1 where a path ends in what the question word cannot be answered with."""
        asked = [w.token.folded for w in words if w.asks]
        opening = [t.folded for t in tokens[:2]]
        ends = sorted({path[-1] for path in paths})
        wrong = {end: float(self._cannot_be(asked, opening, end)) for end in ends}
        return np.array([wrong[path[-1]] for path in paths], dtype=np.float32)

    def _cannot_be(self, asked: Sequence[str], opening: Sequence[str], port: int) -> bool:
        is_time = self.schema.time_share(port) > _MOSTLY
        is_value = self.schema.value_share(port) > _MOSTLY
        if "who" in asked or "whom" in asked:
            return is_value
        if "where" in asked:
            return is_value or bool({"phone", "fax"} & set(self.schema.labels[port >> 1].split()))
        if "when" in asked:
            timed = any("year" in a or "date" in a for a in self._edge_attributes(port))
            return not (is_time or timed)
        if opening[:1] == ["why"]:
            return is_value
        if opening == ["how", "old"]:
            return "age" not in self.schema.labels[port >> 1].split()
        return opening[:1] == ["how"] and opening[1:] in _MEASURING and (is_time or not is_value)

    def _edge_attributes(self, port: int) -> list[str]:
        if self.schema.attribute(port) is not None:
            return []
        return [name.lower() for name in self.schema.edge_attributes(port >> 1)]

    def _log_follows(self, path: Sequence[int]) -> float:
        """Return how usual it is, as a log-probability, that each step goes on as it does."""
        return sum((self._log_follow(p, q) for p, q in pairwise(path)), start=0.0)

    def _read_log_follow(self, port: int, following: int) -> float:
        return float(np.log(max(self.schema.follows(port)[following], _MIN_FOLLOWS)))


def name_weight(weight: float) -> float:
    """Return what a name counts for: the words of a long one do not drown the question's others."""
    return min(weight, _NAME) + _PAST_NAME * max(weight - _NAME, 0.0)


def padded(paths: Sequence[tuple[int, ...]]) -> Int[np.ndarray, "num_paths hops"]:
    """Return the paths as one array, the missing steps of short ones being port 0."""
    return np.array([[*p, *[0] * (MAX_HOPS - len(p))] for p in paths])


def _step_support(
    support: Float32[np.ndarray, "num_paths num_elements"],
    returns: np.ndarray,
    *,
    shared: bool,
) -> Float32[np.ndarray, "num_paths hops"]:
    """Return the support of each step.

    A noun for the nodes that a step reaches supports it by half ("films of X"). A step and its way
    back lend each other support: wholly when a word like "same" asks for it, in part when a noun
    names where they lead ("the films of the director").
    """
    kinds = np.where(support[:, 2::2] >= _NAMES_KIND, support[:, 2::2], 0)
    steps = np.maximum(support[:, 1::2], 0.5 * kinds)
    for hop in range(1, MAX_HOPS):
        lent = 0.95 if shared else 0.7 * (support[:, 2 * hop + 2] > _MIN_AFFINITY)
        both = lent * np.maximum(steps[:, hop - 1], steps[:, hop])
        for side in (hop - 1, hop):
            steps[:, side] = np.where(
                returns[:, hop], np.maximum(steps[:, side], both), steps[:, side]
            )
    return steps


def _ways_back(ports: Bool[np.ndarray, "num_ports"]) -> Int[np.ndarray, "num_ports"]:
    return np.arange(len(ports)) ^ 1


def _returns(
    ports: Int[np.ndarray, "num_paths hops"], lengths: Int[np.ndarray, "num_paths"]
) -> Bool[np.ndarray, "num_paths hops"]:
    """Return, per path and hop, whether the hop walks the one before it back."""
    table = np.zeros(ports.shape, dtype=np.bool_)
    table[:, 1:] = ports[:, 1:] == ports[:, :-1] ^ 1
    return table & (np.arange(MAX_HOPS) < lengths[:, None])


def _orders(
    words: Sequence[Word], span: Span, tokens: Sequence[Token]
) -> list[Int[np.ndarray, "num_words"]]:
    """Return the distinct reading orders outward from the entity.

    By distance first, then left side first, then right first.

    Words that stand for the answer come last in all of them.
    """
    asking = [i for i, w in enumerate(words) if w.asks]
    main_verb = _main_verb(words, span, tokens)
    asking.sort(key=lambda i: _distance(words[i].position, span, tokens))
    asking = [i for i in main_verb if i not in asking] + asking
    rest = [i for i in range(len(words)) if i not in asking]
    left = [i for i in rest if words[i].position < span.first][::-1]
    right = [i for i in rest if words[i].position >= span.last]
    nearest = sorted(rest, key=lambda i: _distance(words[i].position, span, tokens))
    orders = ((*order, *asking) for order in (nearest, left + right, right + left))
    return [np.array(order, dtype=np.int64) for order in dict.fromkeys(orders)]


def _main_verb(words: Sequence[Word], span: Span, tokens: Sequence[Token]) -> list[int]:
    """Return the verb that closes "when did the films by X's writers come out", if any."""
    last = len(words) - 1
    after = [w for w in words if w.position >= span.last]
    inverted = any(
        t.folded in ("did", "does", "do") and tokens[i - 1].folded in ("when", "where", "what")
        for i, t in enumerate(tokens[: span.first])
        if i
    )
    return [last] if inverted and len(after) > 1 and not words[last].asks else []


def _distance(position: int, span: Span, tokens: Sequence[Token]) -> int:
    """Return how many words lie between; a verb like "were" after the entity opens a new clause."""
    if position < span.first:
        return span.first - position
    between = tokens[span.last : position]
    return position - span.last + 1 + 3 * any(t.folded in COPULAS for t in between)


def _is_verb(tokens: Sequence[Token], position: int, taken: Sequence[Span]) -> bool:
    """Return whether the word is the verb of "what treats X": X follows, and nothing after it."""
    if not taken or not position or tokens[position - 1].folded != "what":
        return False
    entity = taken[0]
    between = [t.folded for t in tokens[position + 1 : entity.first]]
    return entity.first > position and entity.last == len(tokens) and set(between) <= {"the", "a"}


def is_answer_word(tokens: Sequence[Token], position: int) -> bool:
    """Return whether the word stands for the answer: "who", or the noun of "which films".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> words = tokenize("what are the genres of films that Ada wrote")
        >>> [w.text for i, w in enumerate(words) if is_answer_word(words, i)]
        ['genres']
    """
    word = tokens[position].folded
    if word in ("who", "whom", "when", "where"):
        return True
    if position >= 2 and [t.folded for t in tokens[position - 2 : position]] == ["how", "many"]:
        return True
    asking = [i for i in range(position) if tokens[i].folded in ("which", "what", "who")]
    if not asking or (word in FUNCTION_WORDS and word not in HINT_WORDS):
        return False
    between = [t.folded for t in tokens[asking[-1] + 1 : position]]
    if not between:
        after = [t.folded for t in tokens[position + 1 : position + 3]]
        modifies = len(after) == 2 and after[0] not in FUNCTION_WORDS and after[1] in COPULAS
        return tokens[asking[-1]].folded != "who" and not modifies
    if len(between) == 1 and between[0] not in FUNCTION_WORDS:
        following = [t.folded for t in tokens[position + 1 : position + 2]]
        return bool(following) and following[0] in COPULAS  # "which film genre is"
    return between[-1] == "the" and all(w in COPULAS or w == "the" for w in between)
