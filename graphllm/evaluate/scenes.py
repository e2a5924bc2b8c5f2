"""Suites of invented scenes, made from a seed: synthetic, and labelled so.

2,000 questions, each over a scene of its own; 60 % of them are for training, 20 % each for
validation and testing. ``scenes-200`` to ``scenes-20000`` ask the same questions about the same
rooms, among so many other rooms that the graph has about as many nodes. ``scenes-described`` tells
of each thing in 100 to 400 words, and asks what only that text says.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm.evaluate.examples import Example, Suite
from graphllm.evaluate.layout import choose_split
from graphllm.evaluate.random_split import published_split
from graphllm.evaluate.scenegraphs import SPLITS, scene_example
from graphllm.graph import TextualGraph
from graphllm.questions.scene_descriptions import ask_described
from graphllm.questions.scene_questions import KINDS, AskedRoom, SceneQuestion, ask_room
from graphllm.questions.scenes import Room, make_room, room_names, scene_graph

NUM_QUESTIONS = 2_000
SEED = 2402  # of all that is drawn
_WHERE = Path("invented scenes")
_POOL = 200  # rooms that large scenes are filled from


class _Scene(NamedTuple):
    """A room that is asked about, with what is told of its things."""

    asked: AskedRoom
    descriptions: Mapping[int, str]


def scenes(num_nodes: int, name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite whose scenes have about ``num_nodes`` nodes, but at least one room."""
    return _suite(name, split, _examples, partial(_graph, num_nodes))


def described_scenes(name: str, data_dir: Path, split: str | None) -> Suite:
    """Return the suite that asks for facts in long descriptions."""
    return _suite(name, split, _described_examples, _described_graph)


def _suite(
    name: str,
    split: str | None,
    examples: Callable[[str], tuple[Example, ...]],
    graph_of: Callable[[Example], TextualGraph],
) -> Suite:
    split = choose_split(name, split, SPLITS)
    return Suite(
        name=name, split=split, examples=examples(split), graph_path=_WHERE, graph_of=graph_of
    )


def _numbers(split: str) -> list[int]:
    """Return the questions of a split, counted from 1."""
    return (published_split(np.arange(NUM_QUESTIONS))[split] + 1).tolist()


@cache
def _examples(split: str) -> tuple[Example, ...]:
    return tuple(_example(number, _asked(number).question) for number in _numbers(split))


@cache
def _described_examples(split: str) -> tuple[Example, ...]:
    return tuple(_example(number, _described(number).asked.question) for number in _numbers(split))


def _example(number: int, question: SceneQuestion) -> Example:
    return scene_example(number, question.text, question.answer, question.kind)


@lru_cache(maxsize=64)
def _asked(number: int) -> AskedRoom:
    kind = list(KINDS)[number % len(KINDS)]
    return ask_room(kind, np.random.default_rng([SEED, number]))


@lru_cache(maxsize=64)
def _described(number: int) -> _Scene:
    asked, descriptions = ask_described(np.random.default_rng([SEED, number, 1]))
    return _Scene(asked, {thing: told.text for thing, told in enumerate(descriptions)})


def _described_graph(example: Example) -> TextualGraph:
    asked, descriptions = _described(example.id)
    told = {(0, thing): text for thing, text in descriptions.items()}
    return scene_graph([asked.room], [asked.name], told)


def _graph(num_nodes: int, example: Example) -> TextualGraph:
    """Return the room of a question among others; the room is anywhere among them."""
    asked = _asked(example.id)
    rng = np.random.default_rng([SEED, example.id, 2])
    others = list(_others(num_nodes - len(asked.room.things) - 1, rng))
    names = room_names(others, rng, taken=[asked.name])
    place = int(rng.integers(len(others) + 1))
    others.insert(place, asked.room)
    names.insert(place, asked.name)
    return scene_graph(others, names)


def _others(num_nodes: int, rng: np.random.Generator) -> Iterator[Room]:
    while num_nodes > 0:
        room = _pool()[int(rng.integers(_POOL))]
        num_nodes -= len(room.things) + 1
        yield room


@cache
def _pool() -> tuple[Room, ...]:
    rng = np.random.default_rng([SEED, 0])
    return tuple(make_room(rng) for _ in range(_POOL))
