"""What a much larger graph around it costs: MetaQA alone, and buried in ten million edges.

    python benchmarks/buried.py --data DIR --work FOLDER [--num 1000] [--seed 0] [--split dev|test]
                                [--nodes 2000000] [--edges 10000000] [--retrieve 100] [--misspelt]
                                [--out DIR]

Makes the graph of ``buried_graph.py`` and its index, once, in FOLDER. Then asks the same questions,
NUM for each number of hops, of MetaQA alone and of the buried one, each in a process of its own.
Claims: Hits@1 and exact sets with standard errors, and the paired difference; the time to open, of
the first question, and p50 and p95 of linking and planning (*retrieval*), of every retriever, and
of whole answers; memory that is resident, of which mapped from files; build time and size on disk.
Each retriever of ``graphllm.retrieval`` is asked the first ``--retrieve`` (100) questions
of each hop; its time includes linking, and ``gold`` is the share of gold answers it brings. Times
are given by the clock and as processor time: other work on the machine adds to the first.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from graphllm import GraphQA
from graphllm.evaluate import Example, load_suite
from graphllm.evaluate.metrics import latency, mean, score
from graphllm.evaluate.provenance import Provenance
from graphllm.index import GraphIndex
from graphllm.io import read_graph
from graphllm.retrieval.retrievers import RETRIEVERS, load_retriever

from buried_graph import bury  # isort: skip (a neighbour of this script)

Result = TypeVar("Result")
SUITES = ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop")


def sampled(options: argparse.Namespace) -> dict[str, tuple[Example, ...]]:
    """Return the questions of each suite: the same ones whoever asks."""
    rng = np.random.default_rng(options.seed)
    suites = {name: load_suite(name, options.data, options.split) for name in SUITES}
    asked = {name: suite.sample(options.num, rng).examples for name, suite in suites.items()}
    if options.misspelt:
        return {name: tuple(filter(None, map(misspelt, some))) for name, some in asked.items()}
    return asked


def misspelt(example: Example) -> Example | None:
    """Exchange the letters in the middle of the topic's longest word; none of short ones."""
    longest = max(example.topic.split(), key=len)
    middle = len(longest) // 2
    wrong = f"{longest[:middle]}{longest[middle : middle + 2][::-1]}{longest[middle + 2 :]}"
    if len(longest) < 5 or wrong == longest or example.topic not in example.question:
        return None
    topic = example.topic.replace(longest, wrong, 1)
    return replace(example, question=example.question.replace(example.topic, topic, 1))


def built(options: argparse.Namespace) -> tuple[Path, Path]:
    """Return the indexes of MetaQA alone and of the buried one, making what is missing."""
    alone = options.work / "alone.gllm"
    buried = options.work / f"buried-{options.nodes}-{options.edges}-{options.seed}.gllm"
    for path, is_buried in ((alone, False), (buried, True)):
        if not path.with_suffix(".json").exists():
            command = [sys.executable, __file__, *sys.argv[1:], "--build", str(path)]
            subprocess.run([*command, *(["--bury"] if is_buried else [])], check=True)
    return alone, buried


def build(options: argparse.Namespace) -> None:
    """Make one index, and a file beside it that says what it cost."""
    real = read_graph(load_suite(SUITES[0], options.data, options.split).graph_path)
    graph, facts = real, {}
    if options.bury:
        made = bury(real, options.nodes, options.edges, np.random.default_rng(options.seed))
        graph = made.graph
        facts = {"linking_edges": made.linking_edges, "namesakes": made.namesakes}
    start = time.perf_counter()
    index = GraphIndex.build(graph, options.build)
    facts |= {
        "build_s": time.perf_counter() - start,
        "build_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "disk_bytes": index.info().size_bytes,
        "nodes": index.num_nodes,
        "edges": index.num_edges,
        "relations": len(index.relations),
        "largest_degree": int(
            (np.diff(index.outgoing.indptr) + np.diff(index.incoming.indptr)).max()
        ),
    }
    options.build.with_suffix(".json").write_text(json.dumps(facts, indent=1))


def memory_bytes() -> dict[str, int]:
    """Resident memory of this process: all, its own, and pages mapped from files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"resident": "VmRSS", "own": "RssAnon", "mapped": "RssFile", "most": "VmHWM"}
    return {name: int(lines[key].split()[0]) * 1024 for name, key in names.items()}


class Times(NamedTuple):
    """Seconds by the clock, and of this process's processors."""

    clock: list[float]
    processor: list[float]

    def spread(self) -> dict[str, float]:
        found = latency(np.array(self.clock))._asdict() | {"most_s": max(self.clock)}
        p50, p95 = latency(np.array(self.processor))
        return found | {"p50_processor_s": p50, "p95_processor_s": p95, "n": len(self.clock)}

    def take(self, do: Callable[[], Result]) -> Result:
        clock, processor = time.perf_counter(), time.process_time()
        result = do()
        self.clock.append(time.perf_counter() - clock)
        self.processor.append(time.process_time() - processor)
        return result


def seconds(do: Callable[[], object]) -> float:
    times = Times([], [])
    times.take(do)
    return times.clock[0]


def retrieved(name: str, qa: GraphQA, examples: Sequence[Example]) -> dict[str, float]:
    """Ask one retriever: the time from question to subgraph, and the gold answers in it."""
    retriever, link = load_retriever(name, qa.reader.planner), qa.reader.linker.link
    first = seconds(lambda: retriever.retrieve(link(examples[0].question)))
    times, gold = Times([], []), []
    for example in examples:
        found = times.take(lambda: retriever.retrieve(link(example.question)))  # noqa: B023
        names = {qa.view.names[node] for node in found.nodes.tolist()}
        gold.append(len(names.intersection(example.gold)) / len(example.gold))
    return {"first_s": first, **times.spread(), "gold": mean(np.array(gold)).value}


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Ask everything of the index ``options.measure`` in this process."""
    asked = sampled(options)
    found: dict[str, object] = {"memory_before": memory_bytes()}
    first_open = seconds(lambda: GraphQA.open(options.measure))
    openings = [seconds(lambda: GraphQA.open(options.measure)) for _ in range(20)]
    found["open"] = {"first_s": first_open, **latency(np.array(openings))._asdict()}
    qa = GraphQA.open(options.measure)
    found["memory_opened"] = memory_bytes()
    other = load_suite(SUITES[0], options.data, "dev").examples[-1].question
    found["first_question_s"] = seconds(lambda: qa.ask(other))
    found["memory_first"] = memory_bytes()
    rows: list[tuple[str, float, float, bool]] = []
    retrieval, whole = [], Times([], [])
    for name, examples in asked.items():
        for example in examples:
            answer = whole.take(lambda: qa.ask(example.question))  # noqa: B023
            retrieval.append(answer.timings["link"] + answer.timings["plan"])
            scores = score(answer.entities, example.gold)
            rows.append((name, scores.hits_at_1, scores.exact_set, bool(answer)))
    found["retrieval"] = latency(np.array(retrieval))._asdict() | {"most_s": max(retrieval)}
    found["answer"] = whole.spread()
    found["memory_after"] = memory_bytes()
    some = [e for examples in asked.values() for e in examples[: options.retrieve]]
    found["retrievers"] = {name: retrieved(name, qa, some) for name in RETRIEVERS}
    found["memory_with_retrievers"] = memory_bytes()
    found["rows"] = rows
    found["load"] = os.getloadavg()
    return found


def apart(path: Path) -> dict[str, object]:
    """Measure an index in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--measure", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def compared(alone: Sequence[Sequence], buried: Sequence[Sequence]) -> dict[str, object]:
    """Return, per suite and metric, both means and the paired difference with standard errors."""
    report: dict[str, object] = {}
    for name in SUITES:
        before, after = (
            np.array([row[1:] for row in rows if row[0] == name], dtype=float)
            for rows in (alone, buried)
        )
        for column, metric in enumerate(("hits_at_1", "exact_set", "answered")):
            a, b = before[:, column], after[:, column]
            report[f"{name} {metric}"] = {
                "alone": mean(a).value,
                "buried": mean(b).value,
                "buried_se": mean(b).standard_error,
                "difference": mean(b - a).value,
                "difference_se": mean(b - a).standard_error,
                "n": len(a),
            }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--nodes", type=int, default=2_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument(
        "--misspelt", action="store_true", help="exchange two letters of each topic"
    )
    parser.add_argument("--retrieve", type=int, default=100)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bury", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.build:
        return build(options)
    if options.measure:
        return print(json.dumps(measure(options)))
    paths = built(options)
    found = [apart(path) for path in paths]
    rows = [each.pop("rows") for each in found]
    report = {
        "answers": compared(*rows),
        "alone": found[0],
        "buried": found[1] | {"index": json.loads(paths[1].with_suffix(".json").read_text())},
        "seed": options.seed,
        "split": options.split,
        "num_per_hop": options.num,
        **asdict(Provenance()),
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "buried.json").write_text(text + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
