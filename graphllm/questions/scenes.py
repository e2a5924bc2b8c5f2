"""Invented scenes: rooms in which things with attributes stand, lie, hang, are held and worn.

They are synthetic. A scene is built to look like a scene graph of GQA (objects with a name,
attributes and a box; relations between them), but every relation of place follows from the boxes,
and attributes are drawn evenly, so nothing can be known without looking. A large scene is many
rooms, each with a name of its own; a question names its room, so it stays the same question
however large the scene is.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Num

from graphllm.errors import ConfigError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.questions.names import invent

WIDTH, HEIGHT = 1000, 600
"""The size of a room, in pixels; x grows to the right, y downwards."""

_BACK, _FRONT = 420, 585  # where things at the back and in front stand
_FAR = 250  # pixels between things that are still said to be side by side, or one above the other
_NEAR = 170  # pixels between the middles of things that are near
_DEEPER = 60  # pixels that one thing stands in front of another
_ON_FLOOR = ("support", "floor", "person")
_FAMILIES = ("color", "material", "pattern", "shape", "pose")
ATTACHED = {"holding": "held by", "wearing": "worn by", "riding": "ridden by"}
"""What ties a thing to the person who has it, and how that is said of the thing."""

OPPOSITE = {
    "to the left of": "to the right of",
    "above": "below",
    "in front of": "behind",
    "near": "near",
}


class Box(NamedTuple):
    """A box in pixels, from the upper left corner of its room."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """Where it ends to the right."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """Where it ends below."""
        return self.y + self.h

    @property
    def area(self) -> int:
        """Its size."""
        return self.w * self.h


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneThing:
    """An object of a scene.

    Attributes:
        name: What it is: ``"mug"``.
        place: Where such a thing can be; see ``scenes.toml``.
        attributes: Values by family: ``{"color": "red"}``.
        box: Where it is.
    """

    name: str
    place: str
    attributes: Mapping[str, str]
    box: Box


class SceneRelation(NamedTuple):
    """A relation between two things of a room, by their positions in it."""

    head: int
    relation: str
    tail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room with what is in it."""

    kind: str
    things: tuple[SceneThing, ...]
    relations: tuple[SceneRelation, ...]


class Kind(NamedTuple):
    """What ``scenes.toml`` says of a kind of thing; ``values`` are those it can have by family."""

    place: str
    width: tuple[int, int]
    height: tuple[int, int]
    values: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """Return all kinds of things by name."""
    table = _table()
    return {
        name: Kind(
            said["place"],
            (said["width"][0], said["width"][1]),
            (said["height"][0], said["height"][1]),
            {f: tuple(table["values"][said[f]]) for f in _FAMILIES if f in said},
        )
        for name, said in table["things"].items()
    }


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("graphllm.questions") / "scenes.toml").read_text("utf-8"))


def room_kinds() -> tuple[str, ...]:
    """Return the kinds of rooms."""
    return tuple(_table()["rooms"])


def things_of(room_kind: str) -> tuple[str, ...]:
    """Return the names of what can be in a room, people and what they have with them included."""
    tied = ("person", "worn", "held")
    people = (name for name, kind in kinds().items() if kind.place in tied)
    return (*_table()["rooms"][room_kind], *people)


# The text and the node of a thing


def thing_text(name: str, attributes: Sequence[str], box: tuple[int, int, int, int]) -> str:
    """Return the text of an object's node as G-Retriever writes it.

    Examples:
        >>> thing_text("dog", ["brown", "small"], (0, 4, 64, 34))
        'name: dog; attribute: brown, small; (x,y,w,h): (0, 4, 64, 34)'
    """
    said = f"; attribute: {', '.join(attributes)}" if attributes else ""
    return f"name: {name}{said}; (x,y,w,h): {tuple(box)}"


def add_thing(
    builder: GraphBuilder,
    key: str,
    name: str,
    attributes: Sequence[str],
    box: tuple[int, int, int, int],
    *,
    description: str = "",
) -> None:
    """Add an object with its attributes and box, as columns and as text.

    Args:
        description: More that is said of it, behind the text of G-Retriever.
    """
    text = " ".join(filter(None, [thing_text(name, attributes, box), description]))
    builder.node(key, name=name, text=text, attributes=dict(zip("xywh", box, strict=True)))
    for attribute in attributes:
        builder.node(key, attributes={"attribute": attribute})


# One room


def make_room(rng: np.random.Generator) -> Room:
    """Return an invented room with about 18 things."""
    kind = _pick(room_kinds(), rng)
    has: dict[str, list[str]] = {}
    for name in things_of(kind):
        has.setdefault(kinds()[name].place, []).append(name)
    supports = [*_at_the_back(has["support"], rng)]
    alone = [
        *supports,
        *(small for support in supports for small in _on(support, has["small"], rng)),
        *_on_the_wall(has["wall"], rng),
        *_in_front([*has["floor"], *has["person"], *has["person"]], rng),
    ]
    things, ties = list(alone), []
    for number, thing in enumerate(alone):
        if thing.place == "person":
            for relation, place in _possessions(has, rng):
                ties.append(SceneRelation(number, relation, len(things)))
                things.append(_attached(thing, place, has, rng))
    looks = _looks(alone, rng)
    relations = (*places(alone), *ties, *looks)
    return Room(kind=kind, things=tuple(things), relations=relations)


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _thing(name: str, x: int, bottom: int, width: int, rng: np.random.Generator) -> SceneThing:
    """Return a thing that stands on ``bottom``, and is no wider than ``width``."""
    kind = kinds()[name]
    w = min(int(rng.integers(kind.width[0], kind.width[1] + 1)), width)
    h = int(rng.integers(kind.height[0], kind.height[1] + 1))
    left = x + int(rng.integers(width - w + 1))
    attributes = {family: _pick(values, rng) for family, values in kind.values.items()}
    if len(attributes) > 1:  # not everything is said of everything
        attributes.pop(_pick([*attributes, ""], rng), None)
    box = Box(left, bottom - h, w, h)
    return SceneThing(name=name, place=kind.place, attributes=attributes, box=box)


def _at_the_back(names: Sequence[str], rng: np.random.Generator) -> Iterator[SceneThing]:
    slot = WIDTH // 3
    for position in range(3):
        yield _thing(_pick(names, rng), position * slot, _BACK, slot - 20, rng)


def _on(
    support: SceneThing, names: Sequence[str], rng: np.random.Generator
) -> Iterator[SceneThing]:
    count = int(rng.integers(1, 4))
    slot = support.box.w // count
    for position in range(count):
        x = support.box.x + position * slot
        yield _thing(_pick(names, rng), x, support.box.y, slot, rng)


def _on_the_wall(names: Sequence[str], rng: np.random.Generator) -> Iterator[SceneThing]:
    for position in rng.permutation(3)[: int(rng.integers(1, 3))].tolist():
        slot = WIDTH // 3
        bottom = int(rng.integers(150, 200))
        yield _thing(_pick(names, rng), position * slot, bottom, slot - 20, rng)


def _in_front(names: Sequence[str], rng: np.random.Generator) -> Iterator[SceneThing]:
    slot = WIDTH // 4
    for position in rng.permutation(4)[: int(rng.integers(2, 5))].tolist():
        yield _thing(_pick(names, rng), position * slot, _FRONT, slot - 20, rng)


def _possessions(
    has: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> Iterator[tuple[str, str]]:
    yield "wearing", "worn"
    if rng.random() < 0.6:
        yield "holding", "held"
    if "ridden" in has and rng.random() < 0.4:
        yield "riding", "ridden"


def _attached(
    person: SceneThing, place: str, has: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> SceneThing:
    box = person.box
    bottom = box.bottom if place == "ridden" else box.y + box.h * 2 // 3
    name = _pick(has[place], rng)
    if place == "ridden":
        return _thing(name, max(box.x - 20, 0), bottom, box.w + 40, rng)
    return _thing(name, box.x, bottom, box.w, rng)


def _looks(things: Sequence[SceneThing], rng: np.random.Generator) -> tuple[SceneRelation, ...]:
    """Return what some persons look at."""
    found = []
    for number, thing in enumerate(things):
        seen = int(rng.integers(len(things)))
        if thing.place == "person" and seen != number and rng.random() < 0.5:
            found.append(SceneRelation(number, "looking at", seen))
    return tuple(found)


def places(things: Sequence[SceneThing]) -> tuple[SceneRelation, ...]:
    """Return where things are to one another; it follows from their boxes alone.

    One is on another when its lower edge is the other's upper edge, within its width; above it when
    it ends up to 250 pixels higher, and their widths overlap; to the left of it when it ends up to
    250 pixels before it, and their heights overlap; in front of it when both stand on the floor, it
    60 pixels lower at least, and their widths overlap. Things of which nothing else is said are
    near when their middles are no more than 170 pixels apart.
    """
    x, y, w, h = np.array([thing.box for thing in things]).reshape(-1, 4).T
    right, bottom = x + w, y + h
    floor = np.array([thing.place in _ON_FLOOR for thing in things], dtype=np.bool_)
    widths = _each(np.less, x, right) & _each(np.less, x, right).T
    heights = _each(np.less, y, bottom) & _each(np.less, y, bottom).T
    on = _each(np.equal, bottom, y) & _each(np.greater_equal, x, x)
    on &= _each(np.less_equal, right, right)
    lower = _each(np.subtract, bottom, bottom)
    found = {
        "on": on,
        "above": widths & _is_gap(bottom, y),
        "to the left of": heights & _is_gap(right, x),
        "in front of": widths & heights & _each(np.logical_and, floor, floor) & (lower >= _DEEPER),
    }
    said = np.eye(len(things), dtype=np.bool_)
    for holds in found.values():  # the first that can be said is said
        holds &= ~said
        said |= holds
    said |= said.T
    apart = _each(np.subtract, x + right, x + right) ** 2
    apart += _each(np.subtract, y + bottom, y + bottom) ** 2
    found["near"] = ~said & (apart <= (2 * _NEAR) ** 2)
    return tuple(_said(found))


def _each(
    operation: np.ufunc,
    a: Num[np.ndarray, "n"] | Bool[np.ndarray, "n"],
    b: Num[np.ndarray, "n"] | Bool[np.ndarray, "n"],
) -> Num[np.ndarray, "n n"] | Bool[np.ndarray, "n n"]:
    return operation(a[:, None], b[None, :])


def _is_gap(end: Int[np.ndarray, "n"], start: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n n"]:
    gap = start[None, :] - end[:, None]
    return (gap >= 0) & (gap <= _FAR)


def _said(found: Mapping[str, Bool[np.ndarray, "n n"]]) -> Iterator[SceneRelation]:
    """Yield relations with their opposites."""
    for relation, holds in found.items():
        for a, b in np.argwhere(holds).tolist():
            yield SceneRelation(a, relation, b)
            if relation in OPPOSITE and relation != "near":
                yield SceneRelation(b, OPPOSITE[relation], a)


# A scene of many rooms


def room_names(
    rooms: Sequence[Room], rng: np.random.Generator, *, taken: Collection[str] = ()
) -> list[str]:
    """Return a name for each room, each different: ``"kitchen of Elhurst House"``.

    Args:
        taken: Names that none of them may have.
    """
    found: dict[str, None] = {}
    for room in rooms:
        name = _room_name(room, rng)
        while name in found or name in taken:
            name = _room_name(room, rng)
        found[name] = None
    return list(found)


def _room_name(room: Room, rng: np.random.Generator) -> str:
    town = invent("town", rng)
    while not town.isalpha():
        town = invent("town", rng)
    return f"{room.kind} of {town} House"


def scene_graph(
    rooms: Sequence[Room],
    names: Sequence[str],
    descriptions: Mapping[tuple[int, int], str] | None = None,
) -> TextualGraph:
    """Return the scene graph of rooms: things are in their room, rooms are next to each other.

    The key of thing ``t`` of room ``r`` is ``"r.t"``, that of the room ``"r"``.

    Args:
        descriptions: More that is said of things, by room and thing.

    Raises:
        ConfigError: There is not one name for each room.
    """
    if len(rooms) != len(names):
        raise ConfigError(f"{len(rooms)} rooms, but {len(names)} names")
    builder, told = GraphBuilder(), descriptions or {}
    for number, (room, name) in enumerate(zip(rooms, names, strict=True)):
        add_thing(builder, str(number), name, [], (0, 0, WIDTH, HEIGHT))
        for index, thing in enumerate(room.things):
            attributes = tuple(thing.attributes.values())
            said = told.get((number, index), "")
            add_thing(
                builder, f"{number}.{index}", thing.name, attributes, thing.box, description=said
            )
        for index in range(len(room.things)):
            builder.edge(f"{number}.{index}", "in", str(number))
        for head, relation, tail in room.relations:
            builder.edge(f"{number}.{head}", relation, f"{number}.{tail}")
        if number:
            builder.edge(str(number - 1), "next to", str(number))
    return builder.build()
