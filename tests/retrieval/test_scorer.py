"""The trained scorer beside the words: what it compares, what it moves, what it proposes."""

import zlib

import numpy as np
import pytest

from graphllm.errors import ConfigError, DataError
from graphllm.retrieval.beam import Beam
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.rescoring import rescored, texts_of
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.scorer import OTHER, PlanScorer, shipped_scorer
from graphllm.retrieval.verbalize import Verbalizer
from tests.retrieval import worlds


class BagOfWords:
    """Texts are alike as far as they have the same words: an encoder whose liking is known."""

    dim, id = 512, "bag of words"

    def __init__(self):
        self.encoded = []

    def encode(self, texts):
        self.encoded += texts
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().replace(":", "").split():
                vectors[row, zlib.crc32(word.encode()) % self.dim] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def test_a_text_is_encoded_once():
    encoder = BagOfWords()
    scorer = PlanScorer(encoder)
    scorer.vectors(["a", "b", "a"])
    again = scorer.vectors(["b", "c"])
    assert encoder.encoded == ["a", "b", "c"]
    np.testing.assert_array_equal(again, encoder.encode(["b", "c"]))


def test_similarities_are_cosines_of_each_pair():
    scorer = PlanScorer(BagOfWords())
    found = scorer.similarities([("red car", "red car"), ("red car", "red bike"), ("a", "b")])
    np.testing.assert_allclose(found, [1, 0.5, 0], atol=1e-6)
    assert scorer.similarities([]).shape == (0,)


@pytest.fixture
def ranked():
    seeds = worlds.linker("family").link("where was the teacher of Anna Berg born?")
    planner = Planner(worlds.family(), worlds.encoder())
    return seeds, planner.rank(seeds)


def test_what_is_less_similar_falls_behind(ranked):
    seeds, candidates = ranked
    verbalizer = Verbalizer(GraphSchema(worlds.family()))
    moved = rescored(PlanScorer(BagOfWords()), verbalizer, seeds, candidates, ())
    before = {c.plan: c.score for c in candidates}
    most = max(c.similarity for c in moved)
    assert [c.score for c in moved] == sorted((c.score for c in moved), reverse=True)
    for candidate in moved:
        lost = before[candidate.plan] - candidate.score
        assert lost == pytest.approx(2.0 * (most - candidate.similarity), abs=1e-5)


def test_what_goes_on_from_history_keeps_its_score(ranked):
    seeds, candidates = ranked
    verbalizer = Verbalizer(GraphSchema(worlds.family()))
    later = {candidates[1].plan}
    moved = rescored(PlanScorer(BagOfWords()), verbalizer, seeds, candidates, later)
    kept = next(c for c in moved if c.plan in later)
    assert (kept.score, kept.similarity) == (candidates[1].score, None)


def test_names_are_letters_in_both_texts(ranked):
    seeds, candidates = ranked
    chosen = next(c for c in candidates if c.mentions)
    question, plan = texts_of(Verbalizer(GraphSchema(worlds.family())), seeds, chosen)
    assert question == "where was the teacher of X born?"
    assert "Anna" not in plan
    assert plan.endswith("X")


def test_the_beam_finds_the_path_that_the_question_describes():
    schema = GraphSchema(worlds.family())
    planner = Planner(worlds.family(), worlds.encoder())
    beam = Beam(schema, Verbalizer(schema), PlanScorer(BagOfWords()))
    anna = worlds.family().find_key("anna")
    first = planner.paths.first_ports([anna])
    best = beam.paths("city: born in of teacher of X", first, 3)[0]
    assert [schema.step(port).relation for port in best] == ["teacher", "born in"]
    assert len(beam.paths("anything", first, 1)) <= len(first)
    assert beam.paths("anything", [], 3) == []


def test_what_the_beam_proposes_is_ranked_however_little_its_words_fit():
    seeds = worlds.linker("family").link("Anna Berg parent parent parent")
    words = Planner(worlds.family(), worlds.encoder()).paths
    alone = words.rank(seeds.tokens, seeds.mentions[0], limit=1)
    words.beam = Beam(words.schema, Verbalizer(words.schema), PlanScorer(BagOfWords()))
    more = words.rank(seeds.tokens, seeds.mentions[0], limit=1)
    assert len(alone) == 1
    assert len(more) > 4
    assert more[0] == alone[0]


def test_the_scorer_can_be_left_out_or_named(monkeypatch, tmp_path):
    monkeypatch.setenv(OTHER, "none")
    assert shipped_scorer() is None
    monkeypatch.setenv(OTHER, str(tmp_path / "absent.safetensors"))
    with pytest.raises(ConfigError, match="expected a file of weights or 'none'"):
        shipped_scorer()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"damaged")
    monkeypatch.setenv(OTHER, str(damaged))
    with pytest.raises(DataError, match="not a readable file of LoRA weights"):
        shipped_scorer()
