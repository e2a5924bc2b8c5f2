"""WebQSP and CWQ with a part of Freebase for each question, as RoG publishes them.

A row of a Parquet file (``data/test-00000-of-00002-....parquet``) or of ``test.jsonl``:

    {"id": "WebQTest-0", "question": "what does jamaican people speak", "answer": ["Jamaican .."],
     "q_entity": ["Jamaica"], "a_entity": ["Jamaican English"],
     "graph": [["Jamaica", "location.country.languages_spoken", "Jamaican English"], ...]}

Source: Luo et al. 2024 (arXiv 2310.01061); split, prompt, label and graphs of G-Retriever, which
takes heads and tails in lower case and leaves out the one validation question (row 2937 of all)
that has no graph.
"""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphllm.errors import DataError
from graphllm.evaluate.examples import Compared, Example, Published, PublishedPrompt, Suite
from graphllm.evaluate.layout import choose_split, json_object
from graphllm.evaluate.metrics import loosely
from graphllm.graph import TextualGraph

if TYPE_CHECKING:
    import pyarrow as pa

SPLITS = {"test": "test", "val": "validation", "train": "train"}

Triples = list[tuple[str, str, str]]


class _Row(NamedTuple):
    """One question, and how to read its graph again: all graphs are too many to be kept."""

    question: str
    answers: tuple[str, ...]
    topics: tuple[str, ...]
    num_triples: int
    in_graph: bool
    triples: Callable[[], Triples]


def rog(folder: str, name: str, data_dir: Path, split: str | None) -> Suite:
    """Return a suite; a question is numbered by its row among those of its split, from 1.

    An answer is in the graph when a node has its name, compared as ``loosely`` does.

    Args:
        folder: What the data set is called: ``"RoG-webqsp"``.
    """
    split = choose_split(name, split, list(SPLITS))
    files = _files(data_dir, folder, SPLITS[split])
    rows = {
        number: row
        for number, row in enumerate((row for file in files for row in _read(file)), 1)
        if row.num_triples or split != "val"
    }
    return Suite(
        name=name,
        split=split,
        examples=tuple(_example(number, row) for number, row in rows.items()),
        graph_path=files[0],
        graph_of=lambda example: TextualGraph.from_triples(rows[example.id].triples()),
    )


def webqsp_prompt(question: str) -> PublishedPrompt:
    """Return what G-Retriever reads beside a part of Freebase."""
    return PublishedPrompt("", f"Question: {question}\nAnswer: ")


def webqsp_label(answers: tuple[str, ...]) -> str:
    """Return what G-Retriever learns to write: all answers, in lower case."""
    return "|".join(answers).lower()


def _files(data_dir: Path, folder: str, part: str) -> list[Path]:
    """Return the files of a split, in the order of their names."""
    short = folder.removeprefix("RoG-")
    for place in (folder, f"rmanluo/{folder}", short, "."):
        for pattern in (f"data/{part}-*.parquet", f"{part}*.parquet", f"{part}.jsonl"):
            found = sorted((data_dir / place).glob(pattern))
            if found:
                return found
    raise DataError(
        f"no file {data_dir / folder / 'data'}/{part}-*.parquet, nor {part}.jsonl in {folder}/;"
        f" download rmanluo/{folder}, and name the folder above it with --data or GRAPHLLM_DATA"
    )


def _read(path: Path) -> Iterator[_Row]:
    return _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path)


def _parquet_rows(path: Path) -> Iterator[_Row]:
    import pyarrow.parquet as pq

    number = 0
    for group in range(pq.ParquetFile(path).num_row_groups):
        table = _row_group(path, group)
        for index in range(len(table)):
            number += 1
            record = table.slice(index, 1).to_pylist()[0]
            yield _row(path, number, record, partial(_parquet_triples, path, group, index))


@lru_cache(maxsize=2)
def _row_group(path: Path, group: int) -> "pa.Table":
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read_row_group(group)


def _parquet_triples(path: Path, group: int, index: int) -> Triples:
    return _lower(_row_group(path, group).slice(index, 1).column("graph").to_pylist()[0])


def _json_rows(path: Path) -> Iterator[_Row]:
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            record = json_object(line, f"{path}, line {number}")
            yield _row(path, number, record, partial(_json_triples, path, start))
            start += len(line)


def _json_triples(path: Path, start: int) -> Triples:
    with path.open("rb") as file:
        file.seek(start)
        return _lower(json.loads(file.readline())["graph"])


def _row(path: Path, number: int, record: dict[str, Any], triples: Callable[[], Triples]) -> _Row:
    try:
        answers = tuple(map(str, record["answer"]))
        graph = _lower(record["graph"])
        return _Row(
            question=str(record["question"]),
            answers=answers,
            topics=tuple(str(topic).lower() for topic in record["q_entity"]),
            num_triples=len(graph),
            in_graph=_holds(graph, answers),
            triples=triples,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}, row {number}: expected question, answer, q_entity and graph [[head, relation,"
            f" tail]], got the keys {sorted(record)}"
        ) from error


def _lower(graph: list[list[str]]) -> Triples:
    return [(head.lower(), relation, tail.lower()) for head, relation, tail in graph]


def _holds(graph: Triples, answers: tuple[str, ...]) -> bool:
    """Return whether a node has the name of an answer."""
    names = {name for head, _, tail in graph for name in (head, tail)}
    if any(answer.lower() in names for answer in answers):
        return True
    wanted = {loosely(answer) for answer in answers}
    return any(loosely(name) in wanted for name in names)


def _example(number: int, row: _Row) -> Example:
    return Example(
        id=number,
        question=row.question,
        gold=tuple(dict.fromkeys(row.answers)),
        topic=row.topics[0] if row.topics else None,
        in_graph=row.in_graph,
        compared=Compared.NORMALIZED,
        prompt=webqsp_prompt(row.question),
        label=webqsp_label(row.answers),
        published=Published.ANSWERS,
    )
