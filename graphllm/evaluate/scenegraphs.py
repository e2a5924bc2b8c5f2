"""GQA's scene graphs as GraphQA asks them, read from the files of both.

``questions.csv`` of G-Retriever holds a question a row; ``train_sceneGraphs.json`` of GQA the graph
of each image:

    image_id,question,answer,full_answer
    2354786,What is in front of the door?,dog,The dog is in front of the door.

    {"2354786": {"width": 500, "height": 375, "objects": {"681267": {"name": "dog", "x": 0, "y": 4,
     "w": 64, "h": 34, "attributes": ["brown"], "relations": [
     {"name": "in front of", "object": "253106"}]}, "253106": ...}}}

Source: Hudson and Manning 2019 (arXiv 1902.09506); split, prompt and node texts of G-Retriever.
Differs from its code: image ids are compared as they are written, where pandas may read some of
them as numbers and some as text.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graphllm.errors import DataError
from graphllm.evaluate.examples import Compared, Example, Published, PublishedPrompt, Suite
from graphllm.evaluate.layout import choose_split, find_file, read_lines
from graphllm.evaluate.random_split import SEED, published_split
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.questions.scenes import add_thing

SPLITS = ("test", "val", "train")
_COLUMNS = ("image_id", "question", "answer")
_WHAT = "GQA's scene graphs, and the questions that G-Retriever drew from GQA,"


class _Row(NamedTuple):
    """One question."""

    image: str
    question: str
    answer: str


def scenegraphs(name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite; a question is numbered by its row in the file, from 1."""
    split = choose_split(name, split, SPLITS)
    path = find_file(data_dir, ["scene_graphs", "gqa", "."], _WHAT, ["questions.csv"])
    graph_path = find_file(
        data_dir, ["gqa", "scene_graphs", "."], _WHAT, ["train_sceneGraphs.json"]
    )
    rows = _rows(path)
    chosen = [number for number, part in enumerate(_parts(rows)) if part == split]
    scenes = _scenes(graph_path, {rows[number].image for number in chosen})
    return Suite(
        name=name,
        split=split,
        examples=tuple(
            scene_example(number + 1, rows[number].question, rows[number].answer)
            for number in chosen
        ),
        graph_path=graph_path,
        graph_of=lambda example: _graph(graph_path, rows[example.id - 1].image, scenes),
    )


def scene_example(number: int, question: str, answer: str, kind: str = "") -> Example:
    """Return a question about a scene, with what G-Retriever reads beside it."""
    return Example(
        id=number,
        question=question,
        gold=(answer,),
        compared=Compared.NORMALIZED,
        prompt=PublishedPrompt("", f"Question: {question}\n\nAnswer:"),
        label=answer,
        published=Published.CONTAINS,
        kind=kind,
    )


def _rows(path: Path) -> list[_Row]:
    reader = csv.DictReader(f"{line}\n" for line in read_lines(path))
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{path}, line 1: no column {missing[0]!r}, only {reader.fieldnames}")
    rows = []
    for record in reader:
        values = [record[column] for column in _COLUMNS]
        if not all(values):
            raise DataError(
                f"{path}, line {reader.line_num}: image_id, question or answer is empty"
            )
        rows.append(_Row(*values))
    if not rows:
        raise DataError(f"{path} holds no question")
    return rows


def _parts(rows: Sequence[_Row]) -> list[str]:
    """Return the part of each question: images are split, in a random order of their own."""
    images = list(dict.fromkeys(row.image for row in rows))
    shuffled = np.random.RandomState(SEED).permutation(len(images))
    part_of = {
        images[image]: part
        for part, chosen in published_split(shuffled).items()
        for image in chosen.tolist()
    }
    return [part_of[row.image] for row in rows]


def _scenes(path: Path, images: set[str]) -> dict[str, Mapping[str, Any]]:
    """Return the objects of the images that are asked about."""
    try:
        with path.open(encoding="utf-8") as file:
            scenes = json.load(file)
        found = {image: scenes[image]["objects"] for image in sorted(images)}
    except KeyError as error:
        raise DataError(f"{path} has no scene graph of image {error}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: expected scene graphs by image id: {error}") from error
    return found


def _graph(path: Path, image: str, scenes: Mapping[str, Mapping[str, Any]]) -> TextualGraph:
    builder, objects = GraphBuilder(), scenes[image]
    try:
        relations = [
            (key, str(relation["name"]), str(relation["object"]))
            for key, thing in objects.items()
            for relation in thing["relations"]
        ]
        for key, thing in objects.items():
            box = (int(thing["x"]), int(thing["y"]), int(thing["w"]), int(thing["h"]))
            add_thing(builder, key, str(thing["name"]), list(thing["attributes"]), box)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}, image {image}: expected objects of GQA: {error!r}") from error
    for head, name, tail in relations:
        if tail not in objects:
            raise DataError(f"{path}, image {image}: {head} is {name} {tail}, which is no object")
        builder.edge(head, name, tail)
    return builder.build()
