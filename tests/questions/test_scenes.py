"""Relations of scenes from their boxes, and every answer by a second route: the question's words.

The second route reads the question as text, and the graph as its columns have it: what place a
thing has is worked out from boxes, pixel by pixel, and never from an edge.
"""

import re
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.questions.inflect import pluralize
from graphllm.questions.scene_descriptions import ask_described, describe
from graphllm.questions.scene_questions import ASKS, KINDS, ask_room
from graphllm.questions.scenes import (
    ATTACHED,
    OPPOSITE,
    Box,
    SceneThing,
    kinds,
    make_room,
    places,
    room_kinds,
    room_names,
    scene_graph,
    things_of,
)

VALUES = {v: family for kind in kinds().values() for family, vs in kind.values.items() for v in vs}
PLURALS = {pluralize(name): name for name in kinds()}
PLACES = ("on", "above", "below", "to the left of", "to the right of", "in front of", "behind")


class Seen:
    """A scene as its graph shows it: boxes, attributes, and edges that are not of place."""

    def __init__(self, graph, where):
        (room,) = (n for n in range(graph.num_nodes) if graph.names[n] == where)
        inside = graph.relations.index("in")
        edges = list(zip(graph.heads, graph.relation_ids, graph.tails, strict=True))
        self.things = [int(h) for h, r, t in edges if t == room and r == inside]
        self.name = {n: graph.names[n] for n in self.things}
        columns = graph.node_columns
        self.values = {
            n: {VALUES[v]: v for v in columns["attribute"].of(n)} if "attribute" in columns else {}
            for n in self.things
        }
        self.box = {n: tuple(int(columns[c].of(n)[0]) for c in "xywh") for n in self.things}
        self.ties = {(int(h), graph.relations[r], int(t)) for h, r, t in edges}
        self.tied = {t for _, r, t in self.ties if r in ATTACHED}

    def pixels(self, thing, axis):
        start, size = self.box[thing][axis], self.box[thing][axis + 2]
        return set(range(start, start + size))

    def place(self, a, b):
        """Return how a is placed to b, by sets of pixels; ``None`` for people's things."""
        if a in self.tied or b in self.tied or a == b:
            return None
        one, other = self.box[a], self.box[b]
        columns = self.pixels(a, 0) & self.pixels(b, 0)
        rows = self.pixels(a, 1) & self.pixels(b, 1)
        under = one[1] + one[3], other[1] + other[3]
        if under[0] == other[1] and self.pixels(a, 0) <= self.pixels(b, 0):
            return "on"
        if columns and 0 <= other[1] - under[0] <= 250:
            return "above"
        if rows and 0 <= other[0] - one[0] - one[2] <= 250:
            return "to the left of"
        floor = all(kinds()[self.name[n]].place in ("support", "floor", "person") for n in (a, b))
        return "in front of" if floor and columns and rows and under[0] - under[1] >= 60 else None

    def holds(self, a, phrase, b):
        """Return whether ``phrase`` can be said of a by way of b."""
        passive = {said: active for active, said in ATTACHED.items()}
        if phrase in passive:
            return (b, passive[phrase], a) in self.ties
        if phrase in (*ATTACHED, "looking at"):
            return (a, phrase, b) in self.ties
        if phrase == "near":
            return self.is_near(a, b)
        opposite = {other: said for said, other in OPPOSITE.items()}
        return self.place(a, b) == phrase or self.place(b, a) == opposite.get(phrase, "?")

    def is_near(self, a, b):
        if a in self.tied or b in self.tied or a == b or self.place(a, b) or self.place(b, a):
            return False
        (x, y, w, h), (u, v, p, q) = self.box[a], self.box[b]
        return np.hypot(x + w / 2 - u - p / 2, y + h / 2 - v - q / 2) <= 170

    def meant(self, words):
        """Return the things that "red mug" means."""
        for value, name in product([None, *VALUES], kinds()):
            if words == (f"{value} {name}" if value else name):
                named = [n for n in self.things if self.name[n] == name]
                return [n for n in named if value is None or value in self.values[n].values()]
        raise AssertionError(words)

    def one(self, words):
        (thing,) = self.meant(words)
        return thing


def read(pattern, text):
    found = re.fullmatch(pattern, text)
    return found and found.groups()


PHRASE = "|".join([*PLACES, "near", "looking at", *ATTACHED, *ATTACHED.values()])


def answer_by_words(text, seen, where):
    """Return the answer to a question, from its words alone."""
    text = text.replace(f" in the {where}", "")
    for family, ask in ASKS.items():
        words = read(re.escape(ask).replace(r"\{\}", rf"the (\w+) ({PHRASE}) the ([\w ]+)"), text)
        if words:
            name, phrase, other = words[0], words[1], seen.one(words[2])
            (thing,) = (n for n in seen.meant(name) if seen.holds(n, phrase, other))
            return seen.values[thing][family]
    if words := read(rf"What is the ([\w ]+?) ({'|'.join(ATTACHED)})\?", text):
        (thing,) = (n for n in seen.things if seen.holds(seen.one(words[0]), words[1], n))
        return seen.name[thing]
    if words := read(rf"What is ({PHRASE}) the ([\w ]+)\?", text):
        (thing,) = (n for n in seen.things if seen.holds(n, words[0], seen.one(words[1])))
        return seen.name[thing]
    if words := read(rf"Is there an? ([\w ]+?) ({PHRASE}) the ([\w ]+)\?", text):
        there = [n for n in seen.meant(words[0]) if seen.holds(n, words[1], seen.one(words[2]))]
        return "yes" if there else "no"
    if words := read(rf"How many things are ({PHRASE}) the ([\w ]+)\?", text):
        return str(sum(seen.holds(n, words[0], seen.one(words[1])) for n in seen.things))
    if words := read(r"How many (\w+) things are\?", text):
        return str(sum(words[0] in seen.values[n].values() for n in seen.things))
    if words := read(r"How many (\w+) are\?", text):
        return str(len(seen.meant(PLURALS[words[0]])))
    if words := read(r"Which (\w+) is larger, the (\w+) one or the (\w+) one\?", text):
        sizes = [np.prod(seen.box[seen.one(f"{v} {words[0]}")][2:]) for v in words[1:]]
        return words[1 + int(np.argmax(sizes))]
    if words := read(r"Do the (\w+) and the (\w+) have the same color\?", text):
        one, other = (seen.values[seen.one(word)]["color"] for word in words)
        return "yes" if one == other else "no"
    words = read(r"Is the ([\w ]+) to the left or to the right of the ([\w ]+)\?", text)
    one, other = (seen.box[seen.one(word)] for word in words)
    return "left" if one[0] + one[2] / 2 < other[0] + other[2] / 2 else "right"


@pytest.mark.parametrize("kind", KINDS)
def test_answers_follow_from_the_words_and_the_boxes(kind):
    for seed in range(20):
        room, name, question = ask_room(kind, np.random.default_rng([1, seed]))
        seen = Seen(scene_graph([room], [name]), name)
        assert question.kind == kind
        assert answer_by_words(question.text, seen, name) == question.answer, question.text


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_spread_so_that_the_words_do_not_tell_them(kind):
    rng = np.random.default_rng(3)
    answers = Counter(ask_room(kind, rng).question.answer for _ in range(100))
    most = answers.most_common(1)[0][1] / 100
    assert most < {"attribute": 0.2, "object": 0.3, "count": 0.4}.get(kind, 0.65)


def test_relations_are_those_of_the_boxes():
    def thing(place, *box):
        return SceneThing(name="mug", place=place, attributes={}, box=Box(*box))

    table, mug = thing("support", 100, 300, 200, 120), thing("small", 150, 260, 30, 40)
    lamp, chair = thing("small", 290, 260, 10, 40), thing("floor", 120, 400, 100, 185)
    clock, far = thing("wall", 150, 100, 50, 50), thing("floor", 600, 400, 50, 185)
    found = {(r.head, r.relation, r.tail) for r in places([table, mug, lamp, chair, clock, far])}
    assert {
        (1, "on", 0),
        (2, "on", 0),
        (1, "to the left of", 2),
        (2, "to the right of", 1),
    } <= found
    assert {(3, "in front of", 0), (0, "behind", 3), (4, "above", 1), (1, "below", 4)} <= found
    assert not any(5 in (head, tail) for head, _, tail in found)
    assert (0, "above", 1) not in found


@given(st.integers(0, 2**32))
def test_rooms_have_what_such_rooms_can_have_where_it_fits(seed):
    room = make_room(np.random.default_rng(seed))
    assert room.kind in room_kinds()
    for thing in room.things:
        kind = kinds()[thing.name]
        assert thing.name in things_of(room.kind)
        assert thing.place == kind.place
        assert all(value in kind.values[family] for family, value in thing.attributes.items())
        assert thing.box.x >= 0
        assert thing.box.y >= 0
        assert thing.box.w > 0
        assert thing.box.bottom <= 600
    said = [
        (r.head, r.tail) for r in room.relations if r.relation in PLACES or r.relation == "near"
    ]
    assert len(said) == len(set(said))
    pairs = {frozenset(pair) for pair in said}
    assert all(len(pair) == 2 for pair in pairs)


def test_a_scene_of_rooms_is_one_graph_in_which_each_room_has_a_name():
    rng = np.random.default_rng(0)
    rooms = [make_room(rng) for _ in range(30)]
    names = room_names(rooms, rng, taken=["kitchen of Elhurst House"])
    graph = scene_graph(rooms, names)
    assert len(set(names)) == 30
    assert graph.num_nodes == 30 + sum(len(room.things) for room in rooms)
    neighbours = {n: set() for n in range(graph.num_nodes)}
    for head, tail in zip(graph.heads.tolist(), graph.tails.tolist(), strict=True):
        neighbours[head].add(tail)
        neighbours[tail].add(head)
    reached, left = {0}, [0]
    while left:
        new = neighbours[left.pop()] - reached
        reached |= new
        left += new
    assert len(reached) == graph.num_nodes
    with pytest.raises(ConfigError, match="30 rooms, but 29 names"):
        scene_graph(rooms, names[:-1])


def test_names_run_out_of_no_taken_one():
    rng = np.random.default_rng(5)
    room = make_room(rng)
    (first,) = room_names([room], np.random.default_rng(9))
    (second,) = room_names([room], np.random.default_rng(9), taken=[first])
    assert first != second


def test_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="unknown kind of question 'why'; there are attribute"):
        ask_room("why", np.random.default_rng(0))


def test_descriptions_are_long_and_hold_their_facts_once():
    rng = np.random.default_rng(2)
    for _ in range(3):
        for thing in make_room(rng).things:
            text, facts = describe(thing, rng)
            assert 100 <= len(text.split()) <= 400
            assert len(facts) >= 5
            assert all(text.count(value) >= 1 for value in facts.values())


def test_only_the_description_of_the_thing_that_is_meant_answers():
    answered = 0
    for seed in range(30):
        (room, name, question), descriptions = ask_described(np.random.default_rng([4, seed]))
        seen = Seen(scene_graph([room], [name]), name)
        said = re.search(rf"the (\w+) ({PHRASE}) the ([\w ]+?) in the {name}", question.text)
        (thing,) = (n for n in seen.meant(said[1]) if seen.holds(n, said[2], seen.one(said[3])))
        told = descriptions[seen.things.index(thing)].text
        assert question.answer in told
        assert question.answer not in question.text
        answered += all(
            question.answer not in other.text
            for number, other in enumerate(descriptions)
            if number != seen.things.index(thing)
        )
    assert answered >= 20  # a year or a trade may be told of two things
