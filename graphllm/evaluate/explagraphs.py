"""ExplaGraphs as GraphQA asks it: do two arguments support or counter each other?

A row of ``train_dev.tsv``; fields that hold quotation marks are quoted:

    arg1                       arg2                      label    graph
    Cannabis should be legal.  It's not a bad thing ...  support  (cannabis; is a; herb)(herb; ..)

Source: Saha et al. 2021 (arXiv 2104.07644); split, prompt and graphs of G-Retriever's GraphQA.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm.errors import DataError
from graphllm.evaluate.examples import Compared, Example, Published, PublishedPrompt, Suite
from graphllm.evaluate.layout import choose_split, find_file, read_lines
from graphllm.evaluate.random_split import published_split
from graphllm.graph import TextualGraph

CHOICES = ("support", "counter")
QUESTION = (
    "Question: Do argument 1 and argument 2 support or counter each other?"
    " Answer in one word in the form of 'support' or 'counter'."
)
SPLITS = ("test", "val", "train")
_HEADER = ["arg1", "arg2", "label", "graph"]
_TRIPLE = re.compile(r"\((.*?)\)")


class _Row(NamedTuple):
    """One line of the file."""

    arguments: tuple[str, str]
    label: str
    triples: tuple[tuple[str, str, str], ...]


def explagraphs(name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite; a question is numbered by its row in the file, from 1."""
    split = choose_split(name, split, SPLITS)
    folders = ["explagraphs", "expla_graphs", "."]
    path = find_file(data_dir, folders, "ExplaGraphs", ["train_dev.tsv"])
    rows = _rows(path)
    chosen = published_split(np.arange(len(rows)))[split].tolist()
    return Suite(
        name=name,
        split=split,
        examples=tuple(_example(number + 1, rows[number]) for number in chosen),
        graph_path=path,
        graph_of=lambda example: TextualGraph.from_triples(rows[example.id - 1].triples),
        choices=CHOICES,
    )


def read_triples(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return the triples of ``(head; relation; tail)(head; ...)`` in lower case.

    Source: G-Retriever, code.

    Raises:
        DataError: What stands in brackets is not three parts.

    Examples:
        >>> read_triples("(Cats; is a; pets)(pets;capable of; sleep)")
        (('cats', 'is a', 'pets'), ('pets', 'capable of', 'sleep'))
    """
    triples = []
    for inside in _TRIPLE.findall(text):
        parts = [part.strip() for part in inside.lower().split(";")]
        if len(parts) != 3:
            raise DataError(f"expected (head; relation; tail), got ({inside})")
        triples.append((parts[0], parts[1], parts[2]))
    return tuple(triples)


def _rows(path: Path) -> list[_Row]:
    header, *rows = csv.reader(read_lines(path), delimiter="\t")
    if header != _HEADER:
        raise DataError(f"{path}, line 1: expected the columns {_HEADER}, got {header}")
    return [_row(path, number, row) for number, row in enumerate(rows, 2)]


def _row(path: Path, number: int, row: list[str]) -> _Row:
    if len(row) != 4 or row[2] not in CHOICES:
        raise DataError(
            f"{path}, line {number}: expected two arguments, support or counter, and a graph;"
            f" got {row}"
        )
    try:
        return _Row((row[0], row[1]), row[2], read_triples(row[3]))
    except DataError as problem:
        raise DataError(f"{path}, line {number}: {problem}") from problem


def _example(number: int, row: _Row) -> Example:
    first, second = row.arguments
    context = f"Argument 1: {first}\nArgument 2: {second}\n"
    return Example(
        id=number,
        question=context + QUESTION,
        gold=(row.label,),
        compared=Compared.NORMALIZED,
        prompt=PublishedPrompt(context, f"{QUESTION}\n\nAnswer:"),
        label=row.label,
        published=Published.CHOICE,
    )
