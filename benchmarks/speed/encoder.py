"""How fast many strings are embedded, beside sentence-transformers in the same process.

    python benchmarks/speed/encoder.py STRINGS.txt [--num 20000] [--slice 2000]

Reads one string per line, or the heads and tails of a ``head|relation|tail`` file, and keeps
distinct ones. Sentence-transformers first chooses its best batch size. Then both encode one slice
after the other in turn. Printed are the ratio over all slices; the ratio of the fastest quarter of
the slices of each, which other work on the machine disturbs least; and recall@10 of nearest
neighbours against the vectors of sentence-transformers.

On a machine that others use, ``OMP_NUM_THREADS=1`` with ``--clock cpu`` compares the processor time
of one thread, which waiting for a core does not change.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sentence_transformers import SentenceTransformer

from graphllm.text.minilm import MiniLMEncoder
from graphllm.text.weights import minilm_folder

BATCH_SIZES = (16, 32, 64, 128, 256)


def read_strings(path: Path, num: int, seed: int) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    parts = (line.split("|") for line in lines)
    strings = sorted({text for part in parts for text in (part[0], part[-1]) if text})
    order = np.random.default_rng(seed).permutation(len(strings))[:num]
    return [strings[i] for i in order]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Run(NamedTuple):
    vectors: np.ndarray
    seconds: float


Encode = Callable[[Sequence[str]], np.ndarray]
Clock = Callable[[], float]


def timed(encode: Encode, texts: Sequence[str], clock: Clock) -> Run:
    start = clock()
    vectors = encode(texts)
    return Run(vectors, clock() - start)


def best_batch_size(
    model: SentenceTransformer, texts: Sequence[str], clock: Clock, rounds: int = 2
) -> int:
    """Return the fastest batch size; the sizes take turns, and each counts by its best round."""
    model.encode(texts[:256])
    best = dict.fromkeys(BATCH_SIZES, float("inf"))
    for size in BATCH_SIZES * rounds:
        best[size] = min(
            best[size], timed(partial(model.encode, batch_size=size), texts, clock).seconds
        )
    for size, timing in best.items():
        print(f"sentence-transformers, batch size {size:3}: {len(texts) / timing:6.0f} texts/s")
    return min(best, key=best.__getitem__)


def recall_at_10(found: np.ndarray, reference: np.ndarray, num_queries: int = 2000) -> float:
    """Share of the ten nearest in ``reference`` that are among the ten nearest in ``found``."""
    queries = np.arange(min(num_queries, len(reference)))
    hits = 0
    for part in np.array_split(queries, max(len(queries) // 250, 1)):
        near = [_nearest(vectors, part) for vectors in (found, reference)]
        hits += sum(len(set(a) & set(b)) for a, b in zip(*near, strict=True))
    return hits / (10 * len(queries))


def _nearest(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    scores = vectors[queries] @ vectors.T
    scores[np.arange(len(queries)), queries] = -np.inf
    return np.argpartition(-scores, 10, axis=1)[:, :10]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strings", type=Path)
    parser.add_argument("--num", type=int, default=20_000, help="how many of the strings")
    parser.add_argument("--slice", type=int, default=2_000, help="strings per turn")
    parser.add_argument("--seed", type=int, default=0, help="which of the strings")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what a second is")
    args = parser.parse_args()
    clock = CLOCKS[args.clock]

    texts = read_strings(args.strings, args.num, args.seed)
    slices = [texts[i : i + args.slice] for i in range(0, len(texts), args.slice)]
    ours, theirs = MiniLMEncoder(), SentenceTransformer(str(minilm_folder()), device="cpu")
    mean_tokens = statistics.mean(map(len, ours.token_ids(texts)))
    print(f"{len(texts)} distinct texts, {mean_tokens:.1f} tokens each")
    size = best_batch_size(theirs, slices[0], clock)

    ours.encode(texts[:256])
    runs = [
        (
            timed(ours.encode, part, clock),
            timed(partial(theirs.encode, batch_size=size), part, clock),
        )
        for part in slices
    ]
    found, reference = (np.concatenate([pair[i].vectors for pair in runs]) for i in (0, 1))
    our_times, their_times = (sorted(pair[i].seconds for pair in runs) for i in (0, 1))
    quarter = max(len(runs) // 4, 1)
    quiet_texts = quarter * args.slice
    print("                                        all   fastest quarter of the slices")
    for name, times in (("graphllm", our_times), (f"sentence-transformers ({size})", their_times)):
        rates = len(texts) / sum(times), quiet_texts / sum(times[:quarter])
        print(f"{name:30} {rates[0]:6.0f} {rates[1]:10.0f} texts/s")
    print(
        f"ratio {sum(their_times) / sum(our_times):.2f} over all, "
        f"{sum(their_times[:quarter]) / sum(our_times[:quarter]):.2f} in the fastest quarter, "
        f"n {len(texts)}, recall@10 {recall_at_10(found, reference):.4f}, "
        f"largest difference {np.abs(found - reference).max():.1e}"
    )


if __name__ == "__main__":
    main()
