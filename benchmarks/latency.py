"""How long a person waits: cold, warm, opening; and how much memory it takes.

    python benchmarks/latency.py --data DIR [--runs 9] [--num 1000] [--peer] [--out DIR]

Each cold number is the median over RUNS whole processes, started from nothing but a warm disk:
``graphllm --help``; ``graphllm ask kb.txt`` with its index in the cache; the same with an empty
cache. Warm numbers are over NUM questions of MetaQA's dev split, a third for each number of hops,
in one process. ``--peer`` times a process that imports sentence-transformers and encodes one
question with the same weights, and prints the ratio. Ratios of one run are claims; seconds of
different machines or days are not.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from graphllm import GraphQA
from graphllm.errors import ConfigError
from graphllm.evaluate import load_suite
from graphllm.evaluate.metrics import latency
from graphllm.evaluate.provenance import Provenance
from graphllm.text.weights import minilm_folder

SUITES = ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop")
QUESTION, ANSWER = "who directed The Green Mile", "Frank Darabont"
PEER = """
from sentence_transformers import SentenceTransformer
model = SentenceTransformer({folder!r}, device="cpu")
model.encode([{question!r}])
"""


def seconds_of(command: Sequence[str], environment: Mapping[str, str], says: str = "") -> float:
    """Time a whole process that must succeed and print ``says``: a wrong answer is not fast."""
    start = time.perf_counter()
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True)
    taken = time.perf_counter() - start
    if done.returncode or says not in done.stdout:
        raise SystemExit(f"{' '.join(command)} failed: {done.stdout}{done.stderr.strip()[-500:]}")
    return taken


def spread(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "median_s": statistics.median(seconds),
        "least_s": min(seconds),
        "most_s": max(seconds),
        "n": len(seconds),
    }


def cold(kb: Path, runs: int, folder: Path) -> dict[str, dict[str, float]]:
    """Time whole processes; the cache lies in ``folder``, so the user's own is not touched."""
    program = shutil.which("graphllm", path=str(Path(sys.executable).parent))
    if program is None:
        raise ConfigError("no graphllm beside this python; install the package first")
    environment = {**os.environ, "GRAPHLLM_CACHE": str(folder)}
    ask = [program, "ask", str(kb), QUESTION]
    never_seen = []
    for _ in range(max(1, runs // 3)):
        shutil.rmtree(folder, ignore_errors=True)
        never_seen.append(seconds_of(ask, environment, ANSWER))
    return {
        "help": spread([seconds_of([program, "--help"], environment) for _ in range(runs)]),
        "ask_never_seen": spread(never_seen),
        "ask_index_present": spread([seconds_of(ask, environment, ANSWER) for _ in range(runs)]),
    }


def peer(runs: int) -> dict[str, float]:
    code = PEER.format(folder=str(minilm_folder()), question=QUESTION)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return spread([seconds_of([sys.executable, "-c", code], environment) for _ in range(runs)])


def memory_bytes() -> dict[str, int]:
    """Resident memory of this process, now and at most; empty where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    names = {"resident_bytes": "VmRSS", "most_resident_bytes": "VmHWM"}
    return {name: int(lines[key].split()[0]) * 1024 for name, key in names.items()}


def warm(kb: Path, data: Path, num: int, seed: int) -> dict[str, object]:
    GraphQA.from_file(kb)  # the index is in the cache from here on
    openings = []
    for _ in range(20):
        start = time.perf_counter()
        qa = GraphQA.from_file(kb)
        openings.append(time.perf_counter() - start)
    memory = {"opened": memory_bytes()}
    start = time.perf_counter()
    qa.ask(QUESTION)
    first = time.perf_counter() - start
    rng = np.random.default_rng(seed)
    taken: dict[str, list[float]] = {}
    for position, name in enumerate(SUITES):
        share = (num + len(SUITES) - 1 - position) // len(SUITES)
        for example in load_suite(name, data, "dev").sample(share, rng).examples:
            start = time.perf_counter()
            qa.ask(example.question)
            taken.setdefault(name, []).append(time.perf_counter() - start)
    memory["after_questions"] = memory_bytes()
    everything = np.concatenate([np.array(seconds) for seconds in taken.values()])
    return {
        "open": spread(openings),
        "first_question_s": first,
        "warm": {"n": len(everything), **latency(everything)._asdict()},
        **{name: latency(np.array(seconds))._asdict() for name, seconds in taken.items()},
        "memory": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kb = load_suite(SUITES[0], options.data, "dev").graph_path
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, object] = {"cold": cold(kb, options.runs, Path(folder) / "cache")}
        os.environ["GRAPHLLM_CACHE"] = str(Path(folder) / "cache")
        found |= warm(kb, options.data, options.num, options.seed)
    if options.peer:
        other = peer(max(1, options.runs // 3))
        ours = found["cold"]["ask_index_present"]["median_s"]
        found["peer_first_vector"] = other
        found["peer_over_cold_ask"] = other["median_s"] / ours
    found |= {"seed": options.seed, **asdict(Provenance())}
    text = json.dumps(found, indent=2)
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "latency.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
