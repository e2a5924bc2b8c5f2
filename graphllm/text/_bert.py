"""The forward pass of a BERT encoder in NumPy, on packed tokens and without padding.

Activations are kept *feature-major*: ``x`` is (dim, num_tokens), so that a linear layer is
``weight @ x`` with the weight in the layout of the file. BLAS is up to twice as fast that way on
the few tokens of a question, and the memory-mapped weights are used without a copy.

Many texts are one long row of tokens, ordered by text length. Linear layers see all tokens at
once; attention runs over each *segment*, the neighbouring texts of one length.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int

HALF = np.float32(0.5)
HEADS = 12
LAYERS = 6
LAYER_NORM_EPS = np.float32(1e-12)

# Softmax needs its maximum subtracted only where exp could leave float32 (beyond +-87): that pass
# is skipped unless a score is larger than this.
SAFE_SCORE = 80.0

# 2 * gelu(x) = x + |x| * erf(|x| / sqrt(2)), and 1 - erf = exp(P(|x|)) with P fitted so that the
# largest error of gelu over all x is smallest: 4e-7 for degree 5, highest power first.
ERFC_EXPONENT = (
    -0.0003280729199760445,
    0.004910639766427673,
    -0.03592400022266749,
    -0.3188424684465943,
    -0.7976653511032692,
    -2.6078656695238678e-05,
)
GELU_BLOCK = 65_536  # elements: three blocks of float32 fit a second-level cache


class Layer(NamedTuple):
    """The weights of one transformer layer, each (out, in), with the exact foldings of `fold`."""

    qkv_weight: Float32[np.ndarray, "three_dim dim"]
    query_bias: Float32[np.ndarray, "dim 1"]
    out_weight: Float32[np.ndarray, "dim dim"]
    out_bias: Float32[np.ndarray, "dim 1"]
    attention_gain: Float32[np.ndarray, "dim 1"]
    attention_shift: Float32[np.ndarray, "dim 1"]
    up_weight: Float32[np.ndarray, "hidden dim"]
    up_bias: Float32[np.ndarray, "hidden 1"]
    down_weight: Float32[np.ndarray, "dim hidden"]
    down_bias: Float32[np.ndarray, "dim 1"]
    output_gain: Float32[np.ndarray, "dim 1"]
    output_shift: Float32[np.ndarray, "dim 1"]


class Bert(NamedTuple):
    """The weights of the encoder; ``positions`` already holds the embedding of token type 0."""

    words: Float32[np.ndarray, "vocabulary dim"]
    positions: Float32[np.ndarray, "max_tokens dim"]
    gain: Float32[np.ndarray, "dim 1"]
    shift: Float32[np.ndarray, "dim 1"]
    layers: tuple[Layer, ...]

    @property
    def dim(self) -> int:
        """Width of the token states."""
        return self.words.shape[1]


class Segment(NamedTuple):
    """``num_texts`` texts of ``length`` tokens each, from column ``start`` on."""

    start: int
    num_texts: int
    length: int

    @property
    def stop(self) -> int:
        """The column after the last."""
        return self.start + self.num_texts * self.length


class Workspace:
    """Buffers for the activations of one batch at a time; one per thread.

    Reused between layers and batches, since fresh pages cost more than the arithmetic on them.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def take(self, name: str, *shape: int) -> Float32[np.ndarray, "..."]:
        """Return an uninitialised contiguous array; the last one of this name is overwritten."""
        size = int(np.prod(shape))
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, np.float32)
        return buffer[:size].reshape(shape)


def bert_from_tensors(tensors: Mapping[str, Float32[np.ndarray, "..."]]) -> Bert:
    """Arrange the tensors of a BERT checkpoint; large ones stay views of the file."""
    layers = tuple(fold(tensors, f"encoder.layer.{i}.") for i in range(LAYERS))
    return Bert(
        words=tensors["embeddings.word_embeddings.weight"],
        positions=tensors["embeddings.position_embeddings.weight"]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        gain=_column(tensors["embeddings.LayerNorm.weight"]),
        shift=_column(tensors["embeddings.LayerNorm.bias"]),
        layers=layers,
    )


def fold(tensors: Mapping[str, Float32[np.ndarray, "..."]], prefix: str) -> Layer:
    """Read one layer, with what can be computed ahead folded in, exactly.

    * The factor 1 / sqrt(head_dim) goes into the query.
    * The key bias adds the same to all scores of a query, and softmax ignores that: dropped.
    * Attention weights sum to one, so the value bias passes through: moved to the output bias.
    """

    def part(name: str) -> Float32[np.ndarray, "..."]:
        return tensors[prefix + name]

    query = part("attention.self.query.weight")
    scale = np.float32((len(query) // HEADS) ** -0.5)
    out_weight = part("attention.output.dense.weight")
    out_bias = part("attention.output.dense.bias") + out_weight @ part("attention.self.value.bias")
    qkv = (query * scale, part("attention.self.key.weight"), part("attention.self.value.weight"))
    return Layer(
        qkv_weight=np.concatenate(qkv),
        query_bias=_column(part("attention.self.query.bias") * scale),
        out_weight=out_weight,
        out_bias=_column(out_bias),
        attention_gain=_column(part("attention.output.LayerNorm.weight")),
        attention_shift=_column(part("attention.output.LayerNorm.bias")),
        up_weight=part("intermediate.dense.weight"),
        up_bias=_column(part("intermediate.dense.bias")),
        down_weight=part("output.dense.weight"),
        down_bias=_column(part("output.dense.bias")),
        output_gain=_column(part("output.LayerNorm.weight")),
        output_shift=_column(part("output.LayerNorm.bias")),
    )


def _column(vector: Float32[np.ndarray, "dim"]) -> Float32[np.ndarray, "dim 1"]:
    return vector[:, None]


def token_states(
    bert: Bert, ids: Int[np.ndarray, "num_tokens"], segments: list[Segment], work: Workspace
) -> Float32[np.ndarray, "dim num_tokens"]:
    """Return the last layer's state of every token, in a buffer of ``work``."""
    x = _embed(bert, ids, segments, work)
    for layer in bert.layers:
        attended = _attend(layer, x, segments, work)
        attended += x
        _layer_norm_(attended, layer.attention_gain, layer.attention_shift, work)
        x = _feed_forward(layer, attended, x, work)
    return x


def _embed(
    bert: Bert, ids: Int[np.ndarray, "num_tokens"], segments: list[Segment], work: Workspace
) -> Float32[np.ndarray, "dim num_tokens"]:
    rows = bert.words[ids]
    for start, count, length in segments:
        part = rows[start : start + count * length].reshape(count, length, -1)
        part += bert.positions[:length]
    x = work.take("x", bert.dim, len(ids))
    x[:] = rows.T
    _layer_norm_(x, bert.gain, bert.shift, work)
    return x


def _attend(
    layer: Layer,
    x: Float32[np.ndarray, "dim num_tokens"],
    segments: list[Segment],
    work: Workspace,
) -> Float32[np.ndarray, "dim num_tokens"]:
    dim, num_tokens = x.shape
    qkv = np.matmul(layer.qkv_weight, x, out=work.take("qkv", 3 * dim, num_tokens))
    qkv[:dim] += layer.query_bias
    context = work.take("context", dim, num_tokens)
    for segment in segments:
        _attend_segment(qkv, context, segment)
    out = np.matmul(layer.out_weight, context, out=work.take("attended", dim, num_tokens))
    out += layer.out_bias
    return out


def _attend_segment(
    qkv: Float32[np.ndarray, "three_dim num_tokens"],
    context: Float32[np.ndarray, "dim num_tokens"],
    segment: Segment,
) -> None:
    """Fill the segment's columns of ``context``; scores are kept (head, text, key, query)."""
    columns = slice(segment.start, segment.stop)
    by_head = (HEADS, -1, segment.num_texts, segment.length)
    query, key, value = (
        part[:, columns].reshape(by_head).transpose(0, 2, 1, 3) for part in np.split(qkv, 3)
    )
    scores = np.matmul(key.transpose(0, 1, 3, 2), query)
    if max(scores.max(), -scores.min()) > SAFE_SCORE:
        scores -= scores.max(axis=2, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=2, keepdims=True)
    np.matmul(value, scores, out=context[:, columns].reshape(by_head).transpose(0, 2, 1, 3))


def _feed_forward(
    layer: Layer,
    attended: Float32[np.ndarray, "dim num_tokens"],
    out: Float32[np.ndarray, "dim num_tokens"],
    work: Workspace,
) -> Float32[np.ndarray, "dim num_tokens"]:
    hidden_dim, num_tokens = len(layer.up_weight), attended.shape[1]
    hidden = np.matmul(layer.up_weight, attended, out=work.take("hidden", hidden_dim, num_tokens))
    double_gelu_(hidden, layer.up_bias, work)
    np.matmul(layer.down_weight, hidden, out=out)
    out *= HALF
    out += layer.down_bias
    out += attended
    _layer_norm_(out, layer.output_gain, layer.output_shift, work)
    return out


def _layer_norm_(
    x: Float32[np.ndarray, "dim num_tokens"],
    gain: Float32[np.ndarray, "dim 1"],
    shift: Float32[np.ndarray, "dim 1"],
    work: Workspace,
) -> None:
    """Normalise every column in place; sums over rows are matrix products with a row of 1 / dim."""
    average = np.full(len(x), 1 / len(x), np.float32)
    x -= average @ x
    variance = average @ np.square(x, out=work.take("square", *x.shape))
    variance += LAYER_NORM_EPS
    x *= 1 / np.sqrt(variance)
    x *= gain
    x += shift


def double_gelu_(
    x: Float32[np.ndarray, "hidden num_tokens"],
    bias: Float32[np.ndarray, "hidden 1"],
    work: Workspace,
) -> None:
    """Replace ``x`` by 2 * gelu(x + bias), a block of rows at a time so that passes hit cache.

    Halving is left to the caller, who has a quarter of the numbers to halve after its product.
    """
    num_rows = max(GELU_BLOCK // x.shape[1], 1)
    for start in range(0, len(x), num_rows):
        block = x[start : start + num_rows]
        block += bias[start : start + num_rows]
        _double_gelu_block_(block, *work.take("gelu", 2, *block.shape))


def _double_gelu_block_(
    x: Float32[np.ndarray, "rows num_tokens"],
    size: Float32[np.ndarray, "rows num_tokens"],
    erf: Float32[np.ndarray, "rows num_tokens"],
) -> None:
    np.abs(x, out=size)
    np.multiply(size, np.float32(ERFC_EXPONENT[0]), out=erf)
    for coefficient in ERFC_EXPONENT[1:-1]:
        erf += np.float32(coefficient)
        erf *= size
    erf += np.float32(ERFC_EXPONENT[-1])
    np.exp(erf, out=erf)
    np.subtract(np.float32(1), erf, out=erf)
    erf *= size
    x += erf
