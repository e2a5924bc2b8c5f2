"""Plans that begin at one name: what a question leaves open comes behind what it says."""

import pytest

from graphllm.query import to_text
from tests.retrieval import worlds

SHARED = 'follow(follow(entities("Alien"), "directed by"), ~"directed by")'
FOUND = {
    # with the film that they share a director with, or without it
    ("films", "Who wrote the films with the same director as Alien?"): (
        f'follow(subtract({SHARED}, entities("Alien")), "written by")',
        f'follow({SHARED}, "written by")',
    ),
    # written down one way, meant either way
    ("family", "Who is Carl Berg married to?"): (
        'union(follow(entities("carl"), "married to"), follow(entities("carl"), ~"married to"))',
    ),
    # ranked and compared by what no word names
    ("family", "Who is the greatest child of Anna Berg?"): (
        'top(follow(entities("anna"), ~"parent"), attribute("letters"), 1)',
    ),
    ("family", "Which children of Anna Berg wrote more than 20?"): (
        'filter(follow(entities("anna"), ~"parent"), attribute("letters"), ">", 20)',
    ),
}


def plans(world, question):
    found = worlds.reader(world).planner.rank(worlds.linker(world).link(question))
    return [to_text(candidate.plan) for candidate in found]


@pytest.mark.parametrize(("world", "question"), FOUND)
def test_the_plans_are_among_the_candidates(world, question):
    found = plans(world, question)[:32]
    places = [found.index(plan) for plan in FOUND[world, question]]
    assert places == sorted(places)
