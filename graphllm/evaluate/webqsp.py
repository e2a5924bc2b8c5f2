"""WebQSP questions, each over its own small part of Freebase that a retriever picked.

A line of the file, with nodes numbered as in the larger graph they were picked from:

    {"id": 2828, "question": "what is nina dobrev nationality", "answers": ["bulgaria", "canada"],
     "nodes": [[5, "nina dobrev"], [49, "bulgaria"]],
     "edges": [[5, "people.person.nationality", 49]]}

Names are in lower case; a node like ``m.075rt74`` is a statement of Freebase that has no name.
"""

import json
from pathlib import Path
from typing import NamedTuple

from graphllm.errors import DataError
from graphllm.evaluate.examples import Compared, Example, Published, Suite
from graphllm.evaluate.layout import choose_split, find_file, read_lines
from graphllm.evaluate.metrics import loosely
from graphllm.evaluate.rog import webqsp_label, webqsp_prompt
from graphllm.graph import GraphBuilder, TextualGraph

_PARTS = {"test": "test", "dev": "val", "val": "val", "train": "train"}


class _Row(NamedTuple):
    """One line: a question, its answers, and the triples and lone nodes of its graph."""

    question: str
    answers: tuple[str, ...]
    nodes: dict[int, str]
    edges: list[tuple[int, str, int]]


def webqsp_subgraphs(kind: str, name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite of one kind of subgraphs.

    An answer is in the graph when a node has its name, compared as ``loosely`` does. The published
    subgraphs have no split to train on; a folder that ``pipelines/graph_qa/webqsp_questions.py``
    wrote has one, of questions over graphs made for them.

    Args:
        kind: ``""``, or ``"_refined"`` for the subgraphs grown by a hop.
    """
    split = choose_split(name, split, list(_PARTS))
    file = f"{_PARTS[split]}_attn_subgraph{kind}.jsonl"
    path = find_file(data_dir, ["webqsp_retrieved", "."], "the WebQSP subgraphs", [file])
    rows = [_row(path, number, line) for number, line in enumerate(read_lines(path), 1)]
    return Suite(
        name=name,
        split=split,
        examples=tuple(_example(number, row) for number, row in enumerate(rows, 1)),
        graph_path=path,
        graph_of=lambda example: _graph(rows[example.id - 1]),
    )


def _row(path: Path, number: int, line: str) -> _Row:
    try:
        record = json.loads(line)
        nodes = {int(node): str(text) for node, text in record["nodes"]}
        edges = [(int(head), str(relation), int(tail)) for head, relation, tail in record["edges"]]
        row = _Row(str(record["question"]), tuple(map(str, record["answers"])), nodes, edges)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}, line {number}: expected an object with question, answers, nodes"
            f" [[id, text]] and edges [[id, relation, id]], got {line[:80]!r}"
        ) from error
    missing = {end for head, _, tail in edges for end in (head, tail)} - nodes.keys()
    if missing:
        raise DataError(f"{path}, line {number}: an edge names node {min(missing)}, not a node")
    return row


def _example(number: int, row: _Row) -> Example:
    gold = tuple(dict.fromkeys(row.answers))
    there = {loosely(text) for text in row.nodes.values()}
    return Example(
        id=number,
        question=row.question,
        gold=gold,
        in_graph=any(loosely(answer) in there for answer in gold),
        compared=Compared.NORMALIZED,
        prompt=webqsp_prompt(row.question),
        label=webqsp_label(row.answers),
        published=Published.ANSWERS,
    )


def _graph(row: _Row) -> TextualGraph:
    """Return the graph; nodes of one text are one node, as the source has it."""
    builder = GraphBuilder()
    for text in row.nodes.values():
        builder.node(text)
    for head, relation, tail in row.edges:
        builder.edge(row.nodes[head], relation, row.nodes[tail])
    return builder.build()
