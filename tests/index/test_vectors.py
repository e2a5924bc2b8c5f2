"""Vectors are made once, survive a crash, and are searched as a plain sort would."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from graphllm.errors import BusyError, ConfigError, DataError, IndexDamagedError
from graphllm.graph import TextualGraph
from graphllm.index import GraphIndex, check, vectors
from graphllm.index.vector_store import VectorStore, keys_of
from graphllm.index.vectors import Vectors, embed

DIM = 8


class HashingEncoder:
    """Vectors of length one from the letters of a text, and a record of what was asked."""

    def __init__(self, id="hashing/1", dim=DIM):
        self.id = id
        self.dim = dim
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            seed = int.from_bytes(keys_of([text])[0].ljust(16, b"\0")[:4], "little")
            out[row] = np.random.default_rng(seed).normal(size=self.dim)
        return out / np.linalg.norm(out, axis=1, keepdims=True)

    @property
    def count(self):
        return sum(map(len, self.asked))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def graph(people=30):
    return TextualGraph.from_triples(
        [(f"p{i}", "knows", f"p{(i * 7) % people}") for i in range(people)]
    )


@pytest.fixture
def index(tmp_path):
    with GraphIndex.build(graph(), tmp_path / "g.gllm") as built:
        yield built


def test_vectors_of_names_are_those_the_encoder_gave(index):
    encoder = HashingEncoder()
    assert index.vectors(encoder.id) is None
    made = index.embed(encoder)
    np.testing.assert_allclose(
        made.of(np.arange(30)), HashingEncoder().encode(list(index.names)), atol=1e-3
    )
    again = index.vectors(encoder.id)
    np.testing.assert_array_equal(again.matrix, made.matrix)
    assert index.info().encoders == ("hashing/1",)
    assert check(index.path) == []


def test_each_distinct_string_is_encoded_once_ever(index, tmp_path):
    encoder = HashingEncoder()
    index.embed(encoder, "names", strings=["b", "a", "b", "", "a"])
    assert sorted(encoder.asked[0]) == ["", "a", "b"]
    made = index.embed(encoder, "mine", strings=["a", "c", "a"])
    assert encoder.asked[1:] == [["c"]]
    assert made.rows.tolist() == [0, 1, 0]
    assert made.owners(0).tolist() == [0, 2]
    with GraphIndex.build(graph(), tmp_path / "other.gllm") as other:
        other.embed(encoder, strings=["c", "a"])
    assert encoder.count == 4
    other = HashingEncoder(id="hashing/2")
    index.embed(other, "mine", strings=["a", "c", "a"])
    assert other.count == 2


def test_the_same_again_is_taken_and_other_strings_are_not(index):
    encoder = HashingEncoder()
    first = index.embed(encoder, "mine", strings=["a", "b"])
    index.embed(encoder, "mine", strings=["a", "b"])
    assert encoder.count == 2
    changed = index.embed(encoder, "mine", strings=["b", "a"])
    np.testing.assert_array_equal(changed.matrix, first.matrix[::-1])


def test_only_what_is_known_can_be_embedded_without_strings(index):
    with pytest.raises(ConfigError, match="only names, texts, relations"):
        index.embed(HashingEncoder(), "nmaes")
    assert index.embed(HashingEncoder(), "relations").rows.tolist() == [0]


class CrashError(Exception):
    pass


class CrashingEncoder(HashingEncoder):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def encode(self, texts):
        if len(self.asked) == self.batches:
            raise CrashError
        return super().encode(texts)


def test_a_run_that_was_stopped_goes_on(index, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 8)
    with pytest.raises(CrashError):
        index.embed(CrashingEncoder(batches=2))
    assert index.vectors("hashing/1") is None
    seen = []
    encoder = HashingEncoder()
    index.embed(encoder, progress=lambda *call: seen.append(call))
    assert encoder.count == 30 - 16
    assert seen[0] == ("embedding names", 16, 30)
    assert seen[-1] == ("embedding names", 30, 30)


def stored(cache):
    (segment,) = cache.glob("vectors/*/*.segment")
    return segment


@pytest.mark.parametrize("torn", [1, 20, 300])
def test_a_torn_batch_is_encoded_again_and_no_other(index, cache, monkeypatch, torn):
    monkeypatch.setattr(vectors, "BATCH", 10)
    with pytest.raises(CrashError):
        index.embed(CrashingEncoder(batches=2))
    segment = stored(cache)
    segment.write_bytes(segment.read_bytes()[:-torn])
    encoder = HashingEncoder()
    made = index.embed(encoder)
    assert encoder.count == 20
    np.testing.assert_allclose(
        made.of(np.arange(30)), HashingEncoder().encode(list(index.names)), atol=1e-3
    )


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=30, deadline=None)
def test_a_flipped_byte_in_the_store_is_never_believed(tmp_path_factory, where, flip):
    folder = tmp_path_factory.mktemp("store")
    strings = [f"s{i}" for i in range(20)]
    truth = HashingEncoder().encode(strings).astype(np.float16)
    store = VectorStore(folder, DIM)
    for start in (0, 10):
        store.append(keys_of(strings[start : start + 10]), truth[start : start + 10])
    (segment,) = folder.glob("*.segment")
    data = bytearray(segment.read_bytes())
    data[where % len(data)] ^= flip
    segment.write_bytes(data)
    again = VectorStore(folder, DIM)
    held = again.holds(keys_of(strings))
    assert 0 <= held.sum() <= 10
    out = np.zeros((held.sum(), DIM), dtype=np.float16)
    again.fill(keys_of(strings)[held], out)
    np.testing.assert_array_equal(out, truth[held])


def test_damaged_vectors_are_reported_and_made_again(index):
    index.embed(HashingEncoder())
    (matrix,) = index.path.glob("gen-*/vectors/*/names.matrix.npy")
    data = bytearray(matrix.read_bytes())
    data[-3] ^= 1
    matrix.write_bytes(data)
    (problem,) = check(index.path)
    assert "names.matrix.npy fails its checksum; embed again" in problem
    matrix.write_bytes(data[:-1])
    with pytest.raises(IndexDamagedError, match="embed again"):
        index.vectors("hashing/1")
    encoder = HashingEncoder()
    index.embed(encoder)
    assert encoder.count == 0  # the store still has them
    assert check(index.path) == []
    matrix.with_name("names.json").write_text("[]")
    with pytest.raises(IndexDamagedError, match="embed again"):
        index.vectors("hashing/1")
    assert len(check(index.path)) == 1


class WrongEncoder(HashingEncoder):
    def __init__(self, wrong):
        super().__init__()
        self.wrong = wrong

    def encode(self, texts):
        return self.wrong(super().encode(texts))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda v: v[:-1], "expected"),
        (lambda v: v[:, :-1], "expected"),
        (lambda v: v * np.float32(np.nan), "not finite"),
        (lambda v: v * np.float32(1e6), "not finite"),
    ],
)
def test_an_encoder_that_misbehaves_spoils_nothing(index, wrong, message):
    with pytest.raises(DataError, match=message):
        index.embed(WrongEncoder(wrong))
    encoder = HashingEncoder()
    index.embed(encoder)
    assert encoder.count == 30


def test_two_at_once_are_one_too_many(index):
    started, finish = threading.Event(), threading.Event()

    class SlowEncoder(HashingEncoder):
        def encode(self, texts):
            started.set()
            finish.wait(10)
            return super().encode(texts)

    thread = threading.Thread(target=lambda: index.embed(SlowEncoder()))
    thread.start()
    started.wait(10)
    with pytest.raises(BusyError, match="another process is embedding names"):
        index.embed(HashingEncoder())
    finish.set()
    thread.join()
    assert index.vectors("hashing/1") is not None


VALUES = arrays(np.int8, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(-3, 3))


@given(VALUES, VALUES, st.integers(0, 45), st.sampled_from([1, 7, 100]))
@settings(max_examples=40, deadline=None)
def test_search_is_a_sort(matrix, queries, top_k, block):
    found = Vectors(np.arange(len(matrix), dtype=np.int32), matrix.astype(np.float16))
    queries = queries.astype(np.float32)
    kept = vectors.KEPT_BYTES, vectors.BLOCK
    try:
        for vectors.KEPT_BYTES, vectors.BLOCK in ((1 << 20, 1), (0, block)):
            hits = found.search(queries, top_k)
            for query, rows, scores in zip(queries, *hits, strict=True):
                every = matrix.astype(np.float32) @ query
                expected = sorted(range(len(matrix)), key=lambda row: (-every[row], row))[:top_k]
                assert rows.tolist() == expected
                assert scores.tolist() == every[expected].tolist()
    finally:
        vectors.KEPT_BYTES, vectors.BLOCK = kept


@pytest.mark.slow
def test_an_approximate_search_finds_nearly_all(tmp_path):
    encoder = HashingEncoder(dim=32)
    strings = [f"name {i}" for i in range(4000)]
    flat = embed(strings, encoder, tmp_path / "flat", "names")
    listed = embed(strings, encoder, tmp_path / "listed", "names", flat_limit=1000)
    assert next((tmp_path / "listed").rglob("names.faiss")).stat().st_size > 4000 * 32
    queries = encoder.encode([f"name {i}" for i in range(0, 4000, 80)])
    exact, near = flat.search(queries, 10), listed.search(queries, 10)
    shared = [len(set(a) & set(b)) for a, b in zip(exact.rows, near.rows, strict=True)]
    assert np.mean(shared) >= 5  # random vectors are the worst case: no clusters to find
    assert (near.rows[:, 0] == exact.rows[:, 0]).mean() > 0.9
    everything = listed.search(queries[:2], 4000)
    assert everything.rows.shape == (2, 4000)
