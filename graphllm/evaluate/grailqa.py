"""GrailQA's questions over a part of Freebase that you bring.

A file is a list of questions:

    [{"qid": 210026, "question": "in which dosage form is oxybutynin sold", "level": "zero-shot",
      "answer": [{"answer_type": "Entity", "answer_argument": "m.0h4wjsn", "entity_name": "Pill"}],
      "s_expression": "(AND medicine.drug_dosage_form (JOIN (R medicine.drug.form) m.0hqs1x_))",
      "graph_query": {"nodes": [...], "edges": [...]}}]

Source: Gu et al. 2021 (arXiv 2011.07743).
Differs from its scoring: answers are compared by name where they have one, else by their value; the
exact match of logical forms is not measured.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graphllm.errors import DataError
from graphllm.evaluate.examples import Chain, Compared, Example, Suite
from graphllm.evaluate.layout import choose_split, find_file
from graphllm.query.plan import Step

SPLITS = ("dev", "train")  # the answers of its test questions are not published
GRAPHS = ("freebase.tsv", "freebase.nt", "freebase.parquet", "freebase.csv", "freebase.txt")
_FOLDERS = ["grailqa", "GrailQA_v1.0", "GrailQA", "."]

Expression = str | list[Any]  # a word, or a list of expressions


class TopicChain(NamedTuple):
    """Where a chain of relations starts, and the relations."""

    topic: str
    chain: Chain


def grailqa(name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite; a question is numbered by its place in the file, from 1."""
    split = choose_split(name, split, SPLITS)
    path = find_file(data_dir, _FOLDERS, "GrailQA", [f"grailqa_v1.0_{split}.json"])
    what = "the triples of Freebase that GrailQA's questions are to be asked of"
    graph_path = find_file(data_dir, _FOLDERS, what, GRAPHS)
    return Suite(
        name=name,
        split=split,
        examples=tuple(
            _example(path, number, record) for number, record in enumerate(_records(path), 1)
        ),
        graph_path=graph_path,
    )


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{path}: expected a list of questions, each an object")
    return records


def chain_of_expression(text: str) -> TopicChain | None:
    """Return the chain that an s-expression walks from one entity, or ``None`` for another query.

    ``(JOIN r x)`` are the things whose relation ``r`` leads to ``x``, ``(JOIN (R r) x)`` those to
    which it leads from ``x``; a class that is intersected with them changes no relation.
    """
    words = iter(text.replace("(", " ( ").replace(")", " ) ").split())
    return _walked(_parsed(words))


def _parsed(words: Iterator[str]) -> Expression:
    """Return the next expression."""
    word = next(words, ")")
    if word != "(":
        return word
    parts: list[Expression] = []
    while (part := _parsed(words)) != ")":
        parts.append(part)
    return parts


def _walked(expression: Expression) -> TopicChain | None:
    match expression:
        case str():
            return TopicChain(expression, ())
        case ["AND", str(), [*rest]]:
            return _walked(rest)
        case ["JOIN", str(relation) | ["R", str(relation)] as step, source]:
            before = _walked(source)
            last = Step(relation, inverse=isinstance(step, str))
            return before and TopicChain(before.topic, (*before.chain, last))
    return None


def _example(path: Path, number: int, record: dict[str, Any]) -> Example:
    try:
        answers = [a.get("entity_name") or a["answer_argument"] for a in record["answer"]]
        walked = chain_of_expression(record.get("s_expression", ""))
        return Example(
            id=number,
            question=str(record["question"]),
            gold=tuple(dict.fromkeys(map(str, answers))),
            topic=walked.topic if walked else None,
            chain=walked.chain if walked else None,
            compared=Compared.NORMALIZED,
            kind=str(record.get("level", "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}, question {number}: expected question and answer [{{answer_argument,"
            f" entity_name}}], got {str(record)[:80]!r}"
        ) from error
