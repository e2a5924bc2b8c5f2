"""Score what published systems retrieved for WebQSP, and runs of graphllm, by the same code.

    python benchmarks/webqsp.py --data DIR [--runs FOLDER ...] [--out DIR]

All 1,628 test questions. The outputs of the language models of RoG and GNN-RAG are not stored, but
the paths that they were given: the answers of a row are the ends of the stored paths, so a row says
what the retrieval alone gives, and bounds what a reader can make of it. RoG's relation paths are
walked in the retrieved subgraphs, from the topic that GNN-RAG's paths start at. A run is a folder
that ``graphllm eval webqsp-subgraphs --out FOLDER`` or ``pipelines/graph_qa/train.py`` wrote.

Published scores are G-Retriever's (letters anywhere in what was said); Hits@1, F1 and words are
strict; "there" is where the subgraph holds an answer. See ``graphllm.evaluate.graphqa_metrics``.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from graphllm.errors import DataError
from graphllm.evaluate import Predicted, Published, Suite, load_suite
from graphllm.evaluate.layout import json_object, read_lines
from graphllm.evaluate.measure import measure
from graphllm.evaluate.metrics import Mean
from graphllm.evaluate.predictions import Prediction, read_predictions
from graphllm.evaluate.provenance import Provenance
from graphllm.evaluate.report import PREDICTIONS, aligned
from graphllm.evaluate.rog import webqsp_label

COLUMNS = {
    "published_hit": "hit",
    "published_accuracy": "acc",
    "published_precision": "prec",
    "published_f1": "F1 publ",
    "hits_at_1": "Hits@1",
    "f1": "F1",
    "word_match": "words",
    "coverage": "answered",
    "hits_at_1_in_graph": "Hits@1 there",
    "f1_in_graph": "F1 there",
}
GNN_RAG = {
    "GNN-RAG, ReaRev + SBERT: ends of paths": "test_paths_gnnrag_rearev-sbert.jsonl",
    "GNN-RAG, ReaRev + LMSR: ends of paths": "test_paths_gnnrag_rearev-lmsr.jsonl",
}
ROG = "test_relation_paths_rog.jsonl"

Row = Mapping[str, Mean]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="folders of eval runs")
    parser.add_argument("--out", type=Path, help="write webqsp.json into this folder")
    options = parser.parse_args()
    if options.data is None:
        parser.error("where is the data? Give --data DIR, or set GRAPHLLM_DATA")
    rows = stored_rows(options.data) | {str(run): row_of_run(run) for run in options.runs}
    print("\n".join(table(rows)))
    if options.out:
        write(rows, options.out / "webqsp.json")


def stored_rows(data: Path) -> dict[str, Row]:
    """Return the scores of what is stored."""
    folder = data / "webqsp_retrieved"
    suite = load_suite("webqsp-subgraphs", data)
    paths = {name: records(folder / file) for name, file in GNN_RAG.items()}
    ends = {
        name: {question: ends_of(record["paths"]) for question, record in found.items()}
        for name, found in paths.items()
    }
    rows = {name: score(suite, found.__getitem__) for name, found in ends.items()}
    both = {
        q: [end for found in ends.values() for end in found[q]] for q in next(iter(ends.values()))
    }
    rows["GNN-RAG, both"] = score(suite, lambda question: list(dict.fromkeys(both[question])))
    topics = {
        question: [
            start for found in paths.values() for start in starts_of(found[question]["paths"])
        ]
        for question in both
    }
    relations = records(folder / ROG)
    for kind in ("webqsp-subgraphs", "webqsp-subgraphs-refined"):
        for what, label in (("rog_paths", "RoG's"), ("ground_paths", "gold")):
            found = walked(load_suite(kind, data), topics, relations, what)
            rows[f"{label} relation paths in {kind}"] = score(suite, found.__getitem__)
    return rows


def records(path: Path) -> dict[str, dict]:
    """Return the lines of a file by their question."""
    lines = [json_object(line, f"{path}, line {n}") for n, line in enumerate(read_lines(path), 1)]
    return {line["question"]: line for line in lines}


def ends_of(paths: Iterable[str]) -> list[str]:
    """Return where paths end, each place once.

    Examples:
        >>> ends_of(["A -> r -> B", "A -> r -> C -> s -> B"])
        ['B']
    """
    return list(dict.fromkeys(path.split(" -> ")[-1] for path in paths))


def starts_of(paths: Iterable[str]) -> list[str]:
    """Return where paths start, each place once."""
    return list(dict.fromkeys(path.split(" -> ")[0] for path in paths))


def walked(
    suite: Suite, topics: Mapping[str, list[str]], relations: Mapping[str, dict], what: str
) -> dict[str, list[str]]:
    """Return where relation paths lead from the topics in each question's subgraph."""
    found = {}
    for example in suite.examples:
        view = suite.graph_of(example)
        steps = defaultdict(list)
        columns = (view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist())
        for head, relation, tail in zip(*columns, strict=True):
            name = view.relations[relation]
            steps[view.names[head], name].append(view.names[tail])
            steps[view.names[tail], name].append(view.names[head])  # as RoG: edges go both ways
        starts = [topic.lower() for topic in topics[example.question]]
        paths = relations[example.question][what]
        ends = [end for path in paths for end in walk(starts, path, steps)]
        found[example.question] = list(dict.fromkeys(ends))
    return found


def walk(
    starts: list[str], path: list[str], steps: Mapping[tuple[str, str], list[str]]
) -> list[str]:
    """Return where a path of relations leads, back to the start excepted."""
    here = starts
    for relation in path:
        here = list(dict.fromkeys(end for node in here for end in steps.get((node, relation), ())))
    return [node for node in here if node not in starts]


def score(suite: Suite, answers: Callable[[str], list[str]]) -> Row:
    """Return the scores of answers to the questions of a suite, best first."""
    predictions = []
    for example in suite.examples:
        said = tuple(answers(example.question))
        predicted = Predicted(entities=said, abstained=not said)
        predictions.append(Prediction(example=example, predicted=predicted, seconds=0.0))
    return measure(predictions)


def row_of_run(folder: Path) -> Row:
    """Return the scores of a saved run; one from before labels were kept gets its label again."""
    path = folder / PREDICTIONS
    if not path.is_file():
        raise DataError(f"{folder} holds no run: there is no {PREDICTIONS} in it")
    return measure([labelled(prediction) for prediction in read_predictions(path)])


def labelled(prediction: Prediction) -> Prediction:
    example = prediction.example
    label = example.label or webqsp_label(example.gold)
    example = replace(example, label=label, published=Published.ANSWERS)
    return replace(prediction, example=example)


def table(rows: Mapping[str, Row]) -> list[str]:
    """Return lines: percentages, with the standard error of hit and of Hits@1."""
    lines = [["", *COLUMNS.values(), "n"]]
    for name, row in rows.items():
        cells = [percent(row.get(column), "hit" in column) for column in COLUMNS]
        lines.append([name, *cells, str(row["hits_at_1"].n)])
    return aligned(lines)


def percent(found: Mean | None, with_error: bool) -> str:
    """Return an average as a cell; empty where no question counts."""
    if found is None:
        return ""
    error = f"+-{100 * found.standard_error:.2f}" if with_error else ""
    return f"{100 * found.value:.2f}{error}"


def write(rows: Mapping[str, Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = {
        name: {column: row[column]._asdict() for column in COLUMNS if column in row}
        for name, row in rows.items()
    }
    record = {"rows": numbers, **asdict(Provenance())}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
