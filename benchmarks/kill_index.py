"""Kill index builds and embedding runs at random moments, and see what is left.

    python benchmarks/kill_index.py --kills 100 --seed 0 [--graph kb.txt]

Half of the kills hit a build that replaces an index, half hit an embedding run. After each, the
index must open, pass its own check and hold the old graph or the new one, whole; the next build
must succeed and leave no leftovers; the next embedding run must encode at most one batch that was
encoded before. A run that ended before it was killed does not count. Exits with 1 when any of this
fails. The last line is JSON.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from graphllm.graph import TextualGraph
from graphllm.index import GraphIndex, check, vectors

BATCH = 64
BATCH_S = 0.01


class SlowEncoder:
    """Vectors from a text's bytes, after a nap; says on stdout which batch is finished."""

    id = "slow/1"
    dim = 32

    def __init__(self, nap_s=0.0, out=None):
        self.nap_s = nap_s
        self.out = out
        self.count = 0

    def encode(self, texts):
        time.sleep(self.nap_s)
        self.count += len(texts)
        vectors = np.ones((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            data = np.frombuffer(text.encode()[: self.dim], dtype=np.uint8)
            vectors[row, : len(data)] += data
        if self.out:
            print(len(texts), file=self.out, flush=True)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def synthetic(salt, num_nodes=3000):
    rng = random.Random(salt)
    names = [f"{salt} person {i} {rng.getrandbits(40):x}" for i in range(num_nodes)]
    return TextualGraph.from_triples(
        (rng.choice(names), f"relation {rng.randrange(9)}", rng.choice(names))
        for _ in range(3 * num_nodes)
    )


def load(salt, graph):
    """The graph called ``salt``: made up, or that of a file (reversed for the second salt)."""
    if graph is None:
        return synthetic(salt)
    lines = [line.split("|") for line in Path(graph).read_text("utf-8").splitlines()]
    return TextualGraph.from_triples(lines if salt == "old" else lines[::-1])


def child(args):
    """Do the work that is to be killed."""
    graph = load(args.salt, args.graph) if args.child == "build" else None
    print("ready", flush=True)
    if graph is not None:
        GraphIndex.build(graph, args.path)
    else:
        vectors.BATCH = BATCH
        GraphIndex.open(args.path).embed(SlowEncoder(BATCH_S, sys.stdout))


def run(mode, path, args, salt="old", kill_after_s=None):
    """Run a child, perhaps kill it; return its seconds of work and the lines it wrote."""
    command = [sys.executable, __file__, "--child", mode, "--path", str(path), "--salt", salt]
    if args.graph:
        command += ["--graph", args.graph]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n", "the child did not start"
    began = time.perf_counter()
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    rest, _ = process.communicate()
    assert kill_after_s is not None or process.returncode == 0
    killed = process.returncode != 0
    return time.perf_counter() - began, rest.split(), killed


def kill_build(folder, args, graphs, after_s):
    path = folder / "g.gllm"
    _, _, killed = run("build", path, args, "new", after_s)
    problems = check(path)
    outcome = "?" if problems else in_force(path, graphs)
    if outcome == "?":
        problems.append("the index is neither the old graph nor the new one")
    building = any(path.glob("building-*"))
    GraphIndex.build(graphs["old"], path).close()
    left = [p.name for p in path.iterdir() if p.name.startswith(("building-", "trash-", "."))]
    problems += [f"left over: {name}" for name in left] + check(path)
    return {"killed": killed, "half_written": building, "new_in_force": outcome == "new"}, problems


def in_force(path, graphs):
    """Say which graph an index answers from, or "?"."""
    with GraphIndex.open(path) as index:
        for salt, graph in graphs.items():
            same = index.content_hash == graph.content_hash and list(index.names) == list(
                graph.names
            )
            if same and 7 in index.lexicon.exact(graph.names[7]):
                return salt
    return "?"


def kill_embed(folder, args, graphs, after_s):
    path, graph = folder / "g.gllm", graphs["old"]
    shutil.rmtree(folder / "cache", ignore_errors=True)
    GraphIndex.build(graph, path).close()
    _, lines, killed = run("embed", path, args, kill_after_s=after_s)
    finished = sum(map(int, lines))
    problems = check(path)
    total = len(set(graph.names))
    encoder = SlowEncoder()
    with GraphIndex.open(path) as index:
        was_whole = index.vectors(encoder.id) is not None
        made = index.embed(encoder)
        expected = SlowEncoder().encode(list(graph.names)[:200])
        if not np.allclose(made.of(np.arange(len(expected))), expected, atol=2e-3):
            problems.append("the vectors are not those of the encoder")
    repeated = encoder.count - (total - finished)
    if repeated > BATCH:
        problems.append(f"{repeated} strings were encoded again, more than a batch of {BATCH}")
    problems += check(path)
    return {"killed": killed, "whole_before": was_whole, "repeated": max(repeated, 0)}, problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graph", help="a head|relation|tail file; made-up graphs when left out")
    parser.add_argument("--child", choices=["build", "embed"], help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("--salt", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args)
        return 0
    rng = random.Random(args.seed)
    graphs = {salt: load(salt, args.graph) for salt in ("old", "new")}
    vectors.BATCH = BATCH
    rows, failures = {"build": [], "embed": []}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GRAPHLLM_CACHE"] = str(folder / "cache")
        GraphIndex.build(graphs["old"], folder / "g.gllm").close()
        lasts = {mode: run(mode, folder / "g.gllm", args)[0] for mode in rows}
        number = 0
        while sum(row["killed"] for made in rows.values() for row in made) < args.kills:
            number += 1
            mode = ("build", "embed")[number % 2]
            after_s = rng.uniform(0, lasts[mode])
            act = kill_build if mode == "build" else kill_embed
            row, problems = act(folder, args, graphs, after_s)
            rows[mode].append(row)
            failures += [f"run {number} ({mode}, after {after_s:.3f} s): {p}" for p in problems]
    print("\n".join(failures))
    summary = {
        "runs": number,
        "kills": args.kills,
        "seed": args.seed,
        "failures": len(failures),
        "batch": BATCH,
    }
    summary |= {f"{mode}_s": round(seconds, 3) for mode, seconds in lasts.items()}
    for mode, made in rows.items():
        for key in made[0] if made else ():
            summary[f"{mode}_{key}"] = (max if key == "repeated" else sum)(row[key] for row in made)
    print(json.dumps(summary))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
