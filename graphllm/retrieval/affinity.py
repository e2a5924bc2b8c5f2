"""How strongly a word of a question points to a relation, or to a kind of node.

Three sources, strongest first: the words of a label (by word family), a small thesaurus, and the
cosine of MiniLM vectors, contrasted over the relations of this graph.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float32

from graphllm.graph.folding import humanize
from graphllm.retrieval.english import (
    FUNCTION_WORDS,
    PERSON_TYPES,
    PERSON_WORDS,
    PLACE_TYPES,
    PLACE_WORDS,
    TIME_WORDS,
    family,
    is_converse,
    is_person_noun,
    opposed,
    synonyms,
    thesaurus,
    typical_properties,
)
from graphllm.retrieval.labels import LabelForm, label_form
from graphllm.retrieval.schema import GraphSchema, context_words
from graphllm.text.encoder import TextEncoder

_SYNONYM = 0.8
_CONVERSE = 0.65
_PERSON_NOUN = 0.5  # "dentist" names a person, but whether a relation leads to one it does not say
_CONTEXT = 0.5  # weight of a word of a path-like label before its last part
_NAMES_OUTRIGHT = 0.7
_SHORTEST_MISSPELT = 5  # letters
_ALIKE = 84  # percent
_USUAL = 0.3  # share of a kind of node that has a relation it is known by
_FAIR_PART = 0.15  # of the nodes a port arrives at
_KEPT = 4_096  # words that are remembered as known or not
_PROTOTYPES = {
    "person": "Maria Schmidt, John Smith, Pierre Dupont, Anna Kowalska, Li Wei, Kofi Mensah",
    "place": "Berlin, Brazil, Kyoto, New York City, Nigeria, Lyon, California",
    "time": "1954, 2003, 1987, 1999, 1876, 2015",
    "other": "A Long Walk Home, The Golden Key, Night Train, Second Chances",
    "kind": "adventure, blue, medium, acoustic, friendly, wooden, annual",
}


class Affinity:
    """Scores between 0 and 1 of words against one graph's relations and kinds of nodes.

    Args:
        schema: The graph's relations.
        encoder: Gives the vectors of words.
        label_encoder: Gives those of the graph's own words, perhaps remembered from another time.
    """

    def __init__(
        self, schema: GraphSchema, encoder: TextEncoder, label_encoder: TextEncoder | None = None
    ) -> None:
        self.schema = schema
        self.encoder = encoder
        self.label_encoder = label_encoder or encoder
        self._label_words = [_words_of(phrases) for phrases in schema.phrases]
        self._label_weights = _rarity(self._label_words)
        for relation, label in enumerate(schema.view.relations):
            about = _telling_words(context_words(label)) if context_words(label) else []
            self._label_words[relation] += about
            self._label_weights[relation] += [_CONTEXT] * len(about)
        self._phrase_vectors = self.label_encoder.encode([p for of in schema.phrases for p in of])
        self._first_phrases = np.cumsum([0, *map(len, schema.phrases)])[:-1]
        self._vectors: dict[str, Float32[np.ndarray, dim]] = {}
        self._relations: dict[str, Float32[np.ndarray, num_relations]] = {}
        self._classes: dict[str, Float32[np.ndarray, num_ports]] = {}
        self._profile: Float32[np.ndarray, "num_ports dim"] | None = None
        self._likeness: dict[str, Float32[np.ndarray, num_ports]] | None = None
        self.knows = lru_cache(_KEPT)(self._knows)

    def prepare(self, words: Sequence[str]) -> None:
        """Embed the words that are new, in one batch."""
        new = [w for w in dict.fromkeys(words) if w not in self._vectors]
        if new:
            self._vectors.update(zip(new, self.encoder.encode(new), strict=True))

    def vector(self, word: str) -> Float32[np.ndarray, "dim"]:
        """Return the vector of a word or phrase."""
        self.prepare([word])
        return self._vectors[word]

    def relations(self, word: str) -> Float32[np.ndarray, "num_relations"]:
        """Return the affinity of a folded word to every relation."""
        if word not in self._relations:
            self._relations[word] = self._relation_affinity(word)
        return self._relations[word]

    def _relation_affinity(self, word: str) -> Float32[np.ndarray, "num_relations"]:
        lexical = np.zeros(len(self._label_words), dtype=np.float32)
        word = self._spelled(word)
        for relation, words in enumerate(self._label_words):
            for label_word, weight in zip(words, self._label_weights[relation], strict=True):
                if family(label_word) == family(word):
                    lexical[relation] = max(lexical[relation], weight)
                elif synonyms(label_word, word):
                    lexical[relation] = max(lexical[relation], _SYNONYM * weight)
                elif is_converse(label_word, word):
                    lexical[relation] = max(lexical[relation], _CONVERSE * weight)
        if word in FUNCTION_WORDS or self._typical_kinds(word).any():
            return lexical
        cosine = self._label_cosine(word)
        rival = 0.0
        if not self.schema.view.node_types and lexical.max(initial=0.0) < _SYNONYM:
            rival = float(self._class_cosine(word).max(initial=0.0))
        near = _contrast(cosine, lexical, rival)
        for relation, words in enumerate(self._label_words):
            if any(opposed(word, label_word) for label_word in words):
                near[relation] = 0
        return np.maximum(lexical, near)

    def _label_cosine(self, word: str) -> Float32[np.ndarray, "num_relations"]:
        """Return the likeness of a word to each relation: to the phrase that is most like it."""
        cosine = self._phrase_vectors @ self.vector(word)
        if len(cosine) == len(self._first_phrases):
            return np.asarray(cosine)
        return np.maximum.reduceat(cosine, self._first_phrases)

    def phrase(self, word: str, relation: int) -> str:
        """Return the phrase of a relation that ``word`` speaks of; the label where none is told."""
        phrases = self.schema.phrases[relation]
        for phrase in phrases if len(phrases) > 1 else ():
            if any(family(w) == family(word) or synonyms(w, word) for w in phrase.split()):
                return phrase
        return phrases[0]

    def _knows(self, word: str) -> bool:
        """Return whether a folded word is, or means, one of the graph's own words."""
        labels = range(len(self._label_words))
        if any(self.label_word(word, relation) for relation in labels):
            return True
        types = (part for t in self.schema.view.node_types for part in humanize(t).split())
        return any(family(part) == family(word) or synonyms(part, word) for part in types)

    def is_kind(self, word: str) -> bool:
        """Return whether a folded word is what some nodes are, by the relations they have."""
        return bool(self._typical_kinds(word).any())

    def label_word(self, word: str, relation: int) -> str:
        """Return the word of a label that ``word`` matches; ``""`` if only its meaning is near."""
        for label_word in self._label_words[relation]:
            if family(label_word) == family(word) or synonyms(label_word, word):
                return label_word
        return ""

    def names_head(self, word: str, relation: int) -> bool:
        """Return whether a folded word says what a path-like label is about, and no more.

        In "language.human_language.countries" the word "languages" names the heads of the edges.
        """
        kind = context_words(self.schema.view.relations[relation]).split()[-1:]
        own = {family(w) for p in self.schema.phrases[relation] for w in p.split()}
        return bool(kind) and family(word) not in own and family(kind[0]) == family(word)

    def _spelled(self, word: str) -> str:
        """Return the graph's own word that a misspelt ``word`` is, or ``word`` itself."""
        if len(word) < _SHORTEST_MISSPELT or word in FUNCTION_WORDS or word.isdigit():
            return word
        if (
            any(family(word) == family(own) for own in self._own_words)
            or family(word) in thesaurus()
        ):
            return word
        from rapidfuzz import fuzz, process

        found = process.extractOne(word, self._own_words, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return found[0] if found and found[0][0] == word[0] else word

    @cached_property
    def _own_words(self) -> list[str]:
        """The words of relations and types, and those that mean the same."""
        own = {w for words in self._label_words for w in words if len(w) >= _SHORTEST_MISSPELT}
        own |= {w for t in self.schema.view.node_types for w in humanize(t).split()}
        return sorted(own)

    def classes(self, word: str) -> Float32[np.ndarray, "num_ports"]:
        """Return, per port, how well a folded word names the nodes that the port arrives at."""
        if word not in self._classes:
            self._classes[word] = self._class_affinity(word)
        return self._classes[word]

    def _class_affinity(self, word: str) -> Float32[np.ndarray, "num_ports"]:
        for words, kind in ((PERSON_WORDS, "person"), (TIME_WORDS, "time"), (PLACE_WORDS, "place")):
            if word in words:
                return self.likeness(kind)
        if word in FUNCTION_WORDS:
            return np.zeros(self.schema.num_ports, dtype=np.float32)
        rival = float(self.relations(word).max(initial=0.0))
        damped = np.float32(0.3 if rival >= _NAMES_OUTRIGHT else 1.0)  # it names a relation
        if self.schema.view.node_types:
            kinds = self._type_affinity(word)
            return np.where(kinds >= _SYNONYM, kinds, kinds * damped)
        known = self._typical_kinds(word)
        if known.any():
            return known[self.schema.port_classes]
        kinds = _contrast(self._class_cosine(word), np.zeros(1, dtype=np.float32))
        return (kinds * damped)[self.schema.port_classes]

    def _typical_kinds(self, word: str) -> Float32[np.ndarray, "num_classes"]:
        """Return, per kind of node, how far its relations are what such a thing usually has."""
        typical = typical_properties(word)
        if not typical:
            return np.zeros(len(self._properties), dtype=np.float32)
        hits = np.array(
            [
                sum(any(family(w) in typical for w in self._label_words[r]) for r in relations)
                for relations in self._properties
            ],
            dtype=np.float32,
        )
        best = hits.max(initial=0)
        return hits / best if best >= 2 else np.zeros_like(hits)

    @cached_property
    def _properties(self) -> list[list[int]]:
        """Per kind of node, the relations that say something of it.

        What it is the head of; but "directed" says of a film, its tail, who made it. (A drug is
        known by what it "treats": the present tense is about the head.)
        """
        classes = self.schema.port_classes
        found: list[set[int]] = [set() for _ in range(max(classes, default=-1) + 1)]
        done_to = [
            label_form(n) is LabelForm.ACTIVE and not n.endswith("s") for n in self.schema.labels
        ]
        told_by = 2 * np.arange(len(done_to)) + np.array(done_to, dtype=np.int64)
        for port, number in enumerate(classes):
            usual = self.schema.follows(port)[told_by] > _USUAL
            found[number].update(np.flatnonzero(usual).tolist())
        return [sorted(relations) for relations in found]

    def _class_cosine(self, word: str) -> Float32[np.ndarray, "num_classes"]:
        if word in FUNCTION_WORDS:
            return np.zeros(len(self.profiles()), dtype=np.float32)
        return np.asarray(self.profiles() @ self.vector(word), dtype=np.float32)

    def _type_affinity(self, word: str) -> Float32[np.ndarray, "num_ports"]:
        types = [humanize(t) for t in self.schema.view.node_types]
        scores = np.zeros(len(types), dtype=np.float32)
        for i, name in enumerate(types):
            if is_person_noun(word) and name in PERSON_TYPES:
                scores[i] = max(scores[i], _PERSON_NOUN)
            for part in name.split():
                if family(part) == family(word):
                    scores[i] = 1.0
                elif synonyms(part, word):
                    scores[i] = max(scores[i], _SYNONYM)
        vectors = self._type_vectors
        scores = np.maximum(scores, _contrast(vectors @ self.vector(word), scores))
        return self._of_types(scores)

    @cached_property
    def _type_vectors(self) -> Float32[np.ndarray, "num_types dim"]:
        return self.label_encoder.encode([humanize(t) for t in self.schema.view.node_types])

    def _of_types(
        self, scores: Float32[np.ndarray, "num_types"]
    ) -> Float32[np.ndarray, "num_ports"]:
        """Return, per port, the best score of a type that a fair part of its arrivals have."""
        return np.array(
            [
                max(
                    (float(scores[t]) * min(1.0, s / _FAIR_PART) for t, s in shares.items()),
                    default=0.0,
                )
                for shares in map(self.schema.arrival_types, range(self.schema.num_ports))
            ],
            dtype=np.float32,
        )

    def _share_of_types(self, nouns: frozenset[str]) -> Float32[np.ndarray, "num_ports"]:
        names = (humanize(t).split()[-1:] for t in self.schema.view.node_types)
        listed = [float(bool(n) and (n[0] in nouns or n[0].rstrip("s") in nouns)) for n in names]
        return self._of_types(np.array(listed, dtype=np.float32))

    def profiles(self) -> Float32[np.ndarray, "num_classes dim"]:
        """Return a vector per kind of node, from the relations that such nodes are heads of."""
        if self._profile is None:
            self._profile = self.label_encoder.encode(
                [
                    "something that has " + ", ".join(self.schema.labels[r] for r in heads[:6])
                    if heads
                    else "a value"
                    for heads in self._heads_by_class()
                ]
            )
        return self._profile

    def _heads_by_class(self) -> list[list[int]]:
        """Return, per kind of node, the relations that such nodes are heads of, commonest first."""
        classes = self.schema.port_classes
        shares = np.zeros((max(classes, default=-1) + 1, len(self.schema.labels)))
        for port, number in enumerate(classes):
            shares[number] = np.maximum(shares[number], self.schema.follows(port)[0::2])
        return [[r for r in np.argsort(-row).tolist() if row[r] > 0.3] for row in shares]

    def likeness(self, kind: str) -> Float32[np.ndarray, "num_ports"]:
        """Return, per port, how much its arrivals look like persons, places or times, by name."""
        if self._likeness is None:
            self._likeness = self._name_likeness()
        return self._likeness[kind]

    def _name_likeness(self) -> dict[str, Float32[np.ndarray, "num_ports"]]:
        kinds = list(_PROTOTYPES)
        prototypes = self.label_encoder.encode(list(_PROTOTYPES.values()))
        ports = range(self.schema.num_ports)
        names = [", ".join(self.schema.names(p, 6))[:120] or "nothing" for p in ports]
        cosine = self.label_encoder.encode(names) @ prototypes.T
        share = np.exp(12 * (cosine - cosine.max(axis=1, keepdims=True)))
        share /= share.sum(axis=1, keepdims=True)
        values = np.array([self.schema.value_share(p) for p in ports], dtype=np.float32)
        found = {kind: share[:, i] * (1 - values) for i, kind in enumerate(kinds)}
        found["time"] = np.array([self.schema.time_share(p) for p in ports], dtype=np.float32)
        for kind, nouns in (("person", PERSON_TYPES), ("place", PLACE_TYPES)):
            by_type = self._share_of_types(nouns) if self.schema.view.node_types else np.zeros(1)
            if by_type.any():
                found[kind] = by_type
        return {kind: np.asarray(v, dtype=np.float32) for kind, v in found.items()}


def _words_of(phrases: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(word for phrase in phrases for word in _telling_words(phrase)))


def _telling_words(label: str) -> list[str]:
    words = label.split()
    return [w for w in words if w not in FUNCTION_WORDS] or words


def _rarity(labels: Sequence[Sequence[str]]) -> list[list[float]]:
    """Weigh each word of a label: 1 when no other label has it, less when many do."""
    counts: dict[str, int] = {}
    for words in labels:
        for word in {family(w) for w in words}:
            counts[word] = counts.get(word, 0) + 1
    return [[1.0 / counts[family(w)] ** 0.5 for w in words] for words in labels]


def _contrast(
    cosine: Float32[np.ndarray, "n"], lexical: Float32[np.ndarray, "m"], rival: float = 0.0
) -> Float32[np.ndarray, "n"]:
    """Turn cosines into affinities: only those near the best count, and only if it stands out.

    Args:
        lexical: What is known by the letters; a sure match there leaves less to the cosine.
        rival: The best cosine among other readings of the word.
    """
    if not len(cosine):
        return cosine
    best = max(float(cosine.max()), rival)
    level = np.clip((best - 0.3) / 0.28, 0, 1) * (
        0.5 if lexical.max(initial=0) >= _SYNONYM else 0.85
    )
    near = np.clip((cosine - best + 0.15) / 0.15, 0, 1)
    return (level * near).astype(np.float32)
