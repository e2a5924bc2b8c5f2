"""Long descriptions of what is in an invented scene, and questions that only they answer.

Every thing and person of a room is described in 100 to 400 words. A sentence tells a fact (who owns
it, where it was found), and names another value of the same sort that belongs to something else;
the question says by a relation which thing is meant. So the graph leads to the thing, and its text
to the answer, which stands there letter for letter.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

import numpy as np

from graphllm.errors import ConfigError
from graphllm.questions.names import invent, recipes
from graphllm.questions.scene_questions import AskedRoom, Asker, SceneQuestion
from graphllm.questions.scenes import Room, SceneThing, make_room, room_names

_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_TRIES = 1_000


class Description(NamedTuple):
    """What is told of a thing.

    Attributes:
        text: 100 to 400 words.
        facts: The value of each sort of fact in it.
    """

    text: str
    facts: Mapping[str, str]


class DescribedRoom(NamedTuple):
    """A room with a question about it, and the description of each thing in it."""

    asked: AskedRoom
    descriptions: tuple[Description, ...]


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("graphllm.questions") / "scene_facts.toml").read_text("utf-8"))


def describe(thing: SceneThing, rng: np.random.Generator) -> Description:
    """Return an invented description: five to eight facts, and other sentences, in any order."""
    kind = _kind(thing)
    sorts = _table()[kind]
    facts, sentences = {}, []
    for sort in _shuffled(list(sorts), rng)[: int(rng.integers(5, 9))]:
        value, other = _values(sorts[sort]["value"], rng)
        facts[sort] = value
        sentence = Template(_shuffled(sorts[sort]["sentences"], rng)[0])
        sentences.append(sentence.substitute(name=thing.name, v=value, o=other))
    fillers = _shuffled(_table()["filler"][kind], rng)[: int(rng.integers(4, 11))]
    return Description(" ".join(_shuffled([*sentences, *fillers], rng)), facts)


def ask_described(rng: np.random.Generator) -> DescribedRoom:
    """Return an invented room with descriptions, and a question that one of them answers."""
    for _ in range(_TRIES):
        room = make_room(rng)
        (name,) = room_names([room], rng)
        descriptions = tuple(describe(thing, rng) for thing in room.things)
        question = _question(room, f"the {name}", descriptions, rng)
        if question:
            return DescribedRoom(AskedRoom(room, name, question), descriptions)
    raise ConfigError(f"no room of {_TRIES:,} had a thing that can be told from others")


def _question(
    room: Room, where: str, descriptions: Sequence[Description], rng: np.random.Generator
) -> SceneQuestion | None:
    for meant in Asker(room, where, rng, 0).meant():
        facts = descriptions[meant.thing].facts
        sort = _shuffled(list(facts), rng)[0]
        asked = _table()[_kind(room.things[meant.thing])][sort]["question"]
        text, answer = asked.format(meant.words), facts[sort]
        return SceneQuestion(text, answer, sort.replace("_", " "), (meant.thing, meant.other))
    return None


def _kind(thing: SceneThing) -> str:
    return "person" if thing.place == "person" else "thing"


def _shuffled(options: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [options[i] for i in rng.permutation(len(options)).tolist()]


def _values(source: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return a value and another, neither of which is a part of the other."""
    while True:
        value, other = _value(source, rng), _value(source, rng)
        if value not in other and other not in value:
            return value, other


def _value(source: str, rng: np.random.Generator) -> str:
    if numbers := _RANGE.fullmatch(source):
        return str(rng.integers(int(numbers[1]), int(numbers[2]) + 1))
    lists: Mapping[str, Sequence[str]] = _table()["lists"]
    if source in lists:
        return lists[source][int(rng.integers(len(lists[source])))]
    if source not in recipes():
        raise ConfigError(f"scene_facts.toml: {source!r} is no list, no recipe and no range")
    return invent(source, rng)
