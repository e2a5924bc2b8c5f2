"""Questions about a room of an invented scene, with their answers.

What is asked for is drawn first, and then a room is sought that has it, so that answers are spread
evenly: as many "yes" as "no" and "left" as "right", counts from 0 to 4. Every question names its
room.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from graphllm.errors import ConfigError
from graphllm.questions.inflect import pluralize, with_article
from graphllm.questions.scenes import ATTACHED, Room, kinds, make_room, room_names, things_of

_T = TypeVar("_T")

ASKS = {
    "color": "What color is {}?",
    "material": "What material is {}?",
    "pattern": "What pattern does {} have?",
    "shape": "What shape is {}?",
    "pose": "What is {} doing?",
}
"""How the attributes of each family are asked for."""

_LARGER = 1.25  # the area of the larger thing is at least this many times that of the other
_TRIES = 5_000


class SceneQuestion(NamedTuple):
    """A question about a room.

    Attributes:
        text: The question.
        answer: One word, or a number.
        kind: One of ``KINDS``.
        things: What must be looked at, by position in the room.
    """

    text: str
    answer: str
    kind: str
    things: tuple[int, ...]


class AskedRoom(NamedTuple):
    """A room with its name and a question about it."""

    room: Room
    name: str
    question: SceneQuestion


class Fact(NamedTuple):
    """What can be said of one thing by way of another: "the mug", "on", "the table"."""

    thing: int
    phrase: str
    other: int


class Meant(NamedTuple):
    """A thing, the one by way of which it is meant, and the words that mean it."""

    thing: int
    other: int
    words: str


@dataclass(frozen=True)
class Asker:
    """Asks about one room; each method returns ``None`` when the room has nothing fit to ask.

    Attributes:
        room: The room.
        where: Its name with its article: "the kitchen of Elhurst House".
        rng: Draws what is asked by way of what.
        wish: Says which answer or form is wanted, where there is a choice; any number.
    """

    room: Room
    where: str
    rng: np.random.Generator
    wish: int

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """All relations, those of possession both ways, in a random order."""
        found = [Fact(*relation) for relation in self.room.relations]
        found += [
            Fact(tail, ATTACHED[relation], head)
            for head, relation, tail in self.room.relations
            if relation in ATTACHED
        ]
        return tuple(self._shuffled(found))

    def _shuffled(self, options: Sequence[_T]) -> list[_T]:
        return [options[i] for i in self.rng.permutation(len(options)).tolist()]

    def _named(self, name: str, value: str | None = None) -> list[int]:
        return [
            number
            for number, thing in enumerate(self.room.things)
            if thing.name == name and (value is None or value in thing.attributes.values())
        ]

    def said(self, number: int) -> str | None:
        """Return words that mean this thing alone: "table", or "red table"; ``None`` without."""
        thing = self.room.things[number]
        names: list[tuple[str, str | None]] = [(thing.name, None)]
        names += [(thing.name, value) for value in thing.attributes.values()]
        alone = [
            f"{value} {name}" if value else name
            for name, value in names
            if self._named(name, value) == [number]
        ]
        return self._shuffled(alone)[0] if alone else None

    def _those(self, phrase: str, other: int) -> list[int]:
        """Return the things of which ``phrase`` can be said by way of ``other``."""
        return sorted({f.thing for f in self.facts if f.phrase == phrase and f.other == other})

    def meant(self) -> Iterator["Meant"]:
        """Yield things with words that mean them alone by a relation, those of a shared name first.

        "the mug on the table in the kitchen of Elhurst House": of all mugs just one is on a table
        that is the only one of its name.
        """
        several = [f for f in self.facts if len(self._named(self._name(f.thing))) > 1]
        for thing, phrase, other in dict.fromkeys((*several, *self.facts)):
            name, reference = self._name(thing), self.said(other)
            there = [n for n in self._those(phrase, other) if self._name(n) == name]
            if reference and len(there) == 1:
                words = f"the {name} {phrase} the {reference} in {self.where}"
                yield Meant(thing, other, words)

    def attribute(self) -> SceneQuestion | None:
        """Ask for an attribute of a thing that a relation tells from others of its name."""
        for meant in self.meant():
            attributes = self.room.things[meant.thing].attributes
            if attributes:
                family = self._shuffled(list(attributes))[0]
                return SceneQuestion(
                    ASKS[family].format(meant.words),
                    attributes[family],
                    "attribute",
                    (meant.thing, meant.other),
                )
        return None

    def object(self) -> SceneQuestion | None:
        """Ask what the one thing is that a relation and a thing lead to."""
        for fact in self.facts:
            reference = self.said(fact.other)
            if reference and self._those(fact.phrase, fact.other) == [fact.thing]:
                return SceneQuestion(
                    self._what(fact.phrase, reference),
                    self._name(fact.thing),
                    "object",
                    (fact.thing, fact.other),
                )
        return None

    def _what(self, phrase: str, reference: str) -> str:
        active = {passive: active for active, passive in ATTACHED.items()}
        if phrase in active:
            return f"What is the {reference} in {self.where} {active[phrase]}?"
        return f"What is {phrase} the {reference} in {self.where}?"

    def _name(self, number: int) -> str:
        return self.room.things[number].name

    def exists(self) -> SceneQuestion | None:
        """Ask whether there is such a thing at such a place; "no" is as likely as "yes"."""
        for fact in self.facts:
            thing, reference = self.room.things[fact.thing], self.said(fact.other)
            if not reference or not thing.attributes:
                continue
            family = self._shuffled(list(thing.attributes))[0]
            there = {
                self.room.things[n].attributes.get(family)
                for n in self._those(fact.phrase, fact.other)
                if self._name(n) == thing.name
            }
            absent = [v for v in kinds()[thing.name].values[family] if v not in there]
            if not absent:
                continue
            yes = self.wish % 2 == 0
            value = thing.attributes[family] if yes else self._shuffled(absent)[0]
            what = with_article(f"{value} {thing.name}")
            return SceneQuestion(
                f"Is there {what} {fact.phrase} the {reference} in {self.where}?",
                "yes" if yes else "no",
                "exists",
                (fact.thing, fact.other),
            )
        return None

    def count(self) -> SceneQuestion | None:
        """Ask how many there are of a kind, with an attribute, or at a place."""
        ways = (self._of_a_name, self._of_a_value, self._at_a_place)
        wanted, way = self.wish % 5, ways[self.wish // 5 % 3]
        for what, counted in way():
            if len(counted) == wanted:
                return SceneQuestion(f"How many {what}?", str(wanted), "count", tuple(counted))
        return None

    def _of_a_name(self) -> Iterator[tuple[str, list[int]]]:
        for name in self._shuffled(things_of(self.room.kind)):
            yield f"{pluralize(name)} are in {self.where}", self._named(name)

    def _of_a_value(self) -> Iterator[tuple[str, list[int]]]:
        values = {v for kind in kinds().values() for v in kind.values.get("color", ())}
        for value in self._shuffled(sorted(values)):
            counted = [n for n, t in enumerate(self.room.things) if value in t.attributes.values()]
            yield f"{value} things are in {self.where}", counted

    def _at_a_place(self) -> Iterator[tuple[str, list[int]]]:
        phrases = sorted({f.phrase for f in self.facts if f.phrase not in ATTACHED})
        phrases = [phrase for phrase in phrases if phrase not in ATTACHED.values()]
        others = self._shuffled(range(len(self.room.things)))
        for phrase in self._shuffled(phrases):
            for other in others:
                if reference := self.said(other):
                    what = f"things are {phrase} the {reference} in {self.where}"
                    yield what, self._those(phrase, other)

    def compare(self) -> SceneQuestion | None:
        """Ask which of two is larger, or whether two have the same color."""
        return self._larger() if self.wish // 2 % 2 else self._same_color()

    def _pairs(self) -> Iterator[tuple[int, int]]:
        numbers = self._shuffled(range(len(self.room.things)))
        return ((a, b) for a in numbers for b in numbers if a != b)

    def _larger(self) -> SceneQuestion | None:
        for a, b in self._pairs():
            one, other = self.room.things[a], self.room.things[b]
            if one.name != other.name:
                continue
            large, small = sorted((one.box.area, other.box.area), reverse=True)
            values = self._told_apart_by(a, b)
            if values and large >= _LARGER * small:
                return SceneQuestion(
                    f"Which {one.name} in {self.where} is larger, the {values[0]} one"
                    f" or the {values[1]} one?",
                    values[0 if one.box.area == large else 1],
                    "compare",
                    (a, b),
                )
        return None

    def _told_apart_by(self, a: int, b: int) -> tuple[str, str] | None:
        """Return values of one family that tell two things of a name from each other and others."""
        one, other = self.room.things[a], self.room.things[b]
        for family in self._shuffled(list(one.attributes)):
            values = one.attributes[family], other.attributes.get(family, "")
            if values[1] and [self._named(one.name, v) for v in values] == [[a], [b]]:
                return values
        return None

    def _same_color(self) -> SceneQuestion | None:
        same = self.wish % 2 == 0
        for a, b in self._pairs():
            colors = [self.room.things[n].attributes.get("color") for n in (a, b)]
            alone = all(self._named(self._name(n)) == [n] for n in (a, b))
            if alone and all(colors) and (colors[0] == colors[1]) == same:
                return SceneQuestion(
                    f"Do the {self._name(a)} and the {self._name(b)} in {self.where}"
                    " have the same color?",
                    "yes" if same else "no",
                    "compare",
                    (a, b),
                )
        return None

    def side(self) -> SceneQuestion | None:
        """Ask on which side of another a thing is."""
        side = "left" if self.wish % 2 else "right"
        for fact in self.facts:
            if fact.phrase != f"to the {side} of":
                continue
            said = self.said(fact.thing), self.said(fact.other)
            if all(said):
                return SceneQuestion(
                    f"Is the {said[0]} to the left or to the right of the {said[1]}"
                    f" in {self.where}?",
                    side,
                    "side",
                    (fact.thing, fact.other),
                )
        return None


KINDS: dict[str, Callable[[Asker], SceneQuestion | None]] = {
    "attribute": Asker.attribute,
    "object": Asker.object,
    "exists": Asker.exists,
    "count": Asker.count,
    "compare": Asker.compare,
    "side": Asker.side,
}
"""The kinds of questions."""


def ask_room(kind: str, rng: np.random.Generator) -> AskedRoom:
    """Return an invented room with a question of one of the ``KINDS``.

    Raises:
        ConfigError: There is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind of question {kind!r}; there are {', '.join(KINDS)}")
    wish = int(rng.integers(60))
    for _ in range(_TRIES):
        room = make_room(rng)
        (name,) = room_names([room], rng)
        question = KINDS[kind](Asker(room, f"the {name}", rng, wish))
        if question:
            return AskedRoom(room, name, question)
    raise ConfigError(f"no room of {_TRIES:,} had a question of the kind {kind!r}")
