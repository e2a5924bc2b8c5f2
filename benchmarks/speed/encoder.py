"""How fast many strings are embedded, beside sentence-transformers in the same process.

    python benchmarks/speed/encoder.py STRINGS.txt [--num 20000] [--rounds 3]

Reads one string per line, or the heads and tails of a ``head|relation|tail`` file; keeps distinct
ones; lets sentence-transformers choose its best batch size on a part of them; then times both in
turn and prints the ratio of the medians, with recall@10 of the neighbours against its vectors.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

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


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def best_batch_size(model: SentenceTransformer, texts: Sequence[str]) -> int:
    model.encode(texts[:256])
    timings = {size: seconds(lambda: model.encode(texts, batch_size=size)) for size in BATCH_SIZES}
    for size, timing in timings.items():
        print(f"sentence-transformers, batch size {size:3}: {len(texts) / timing:7.0f} texts/s")
    return min(timings, key=timings.__getitem__)


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
    parser.add_argument("--num", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    texts = read_strings(args.strings, args.num, args.seed)
    ours, theirs = MiniLMEncoder(), SentenceTransformer(str(minilm_folder()), device="cpu")
    tokens = [len(ids) for ids in ours.token_ids(texts)]
    print(f"{len(texts)} distinct texts, {statistics.mean(tokens):.1f} tokens each")
    size = best_batch_size(theirs, texts[: max(len(texts) // 5, 1000)])
    ours.encode(texts[:256])

    found, reference = np.empty((2, len(texts), ours.dim), np.float32)
    our_times, their_times = [], []
    for _ in range(args.rounds):
        our_times.append(seconds(lambda: found.__setitem__(slice(None), ours.encode(texts))))
        their_times.append(
            seconds(
                lambda: reference.__setitem__(slice(None), theirs.encode(texts, batch_size=size))
            )
        )
    for name, times in (("graphllm", our_times), (f"sentence-transformers ({size})", their_times)):
        rates = ", ".join(f"{len(texts) / t:.0f}" for t in times)
        print(f"{name:28} texts/s by round: {rates}")
    ratio = statistics.median(their_times) / statistics.median(our_times)
    print(
        f"ratio {ratio:.2f}, n {len(texts)}, recall@10 {recall_at_10(found, reference):.4f}, "
        f"largest difference {np.abs(found - reference).max():.1e}"
    )


if __name__ == "__main__":
    main()
