"""Where nodes stand: apart, repeatably, and as far from each other as there are edges between."""

from itertools import combinations, pairwise
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.answer.layout import CROWD, GAP, Box, layout

SMALL = Box(width=40.0, height=46.0)


def overlaps(points, boxes, slack=2):
    return [
        (i, j)
        for i, j in combinations(range(len(points)), 2)
        if abs(points[i][0] - points[j][0]) < (boxes[i].width + boxes[j].width) / 2 - slack
        and abs(points[i][1] - points[j][1]) < (boxes[i].height + boxes[j].height) / 2 - slack
    ]


def test_nothing_and_one_node():
    assert layout([], [], 100.0) == []
    assert len(layout([SMALL], [(0, 0)], 100.0)) == 1


def test_two_nodes_stand_beside_each_other_the_first_on_the_left():
    (x0, y0), (x1, y1) = layout([SMALL, SMALL], [(1, 0), (0, 1)], 100.0)
    assert (x1 - x0, y1 - y0) == (100, 0)


def test_a_path_is_a_straight_line():
    points = layout([SMALL] * 5, [(i, i + 1) for i in range(4)], 100.0)
    assert [x - points[0][0] for x, _ in points] == pytest.approx([0, 100, 200, 300, 400], abs=4)
    assert {y for _, y in points} == {points[0][1]}


def test_distances_follow_edges():
    square = layout([SMALL] * 4, [(0, 1), (1, 2), (2, 3), (3, 0)], 100.0)
    sides = [dist(square[i], square[(i + 1) % 4]) for i in range(4)]
    assert max(sides) - min(sides) < 5
    assert dist(square[0], square[2]) > 1.2 * max(sides)


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25),
    st.lists(st.integers(30, 150), min_size=12, max_size=12),
)
def test_boxes_stand_apart_and_the_same_way_each_time(edges, widths):
    boxes = [Box(width=float(width), height=46.0) for width in widths]
    points = layout(boxes, edges, 120.0)
    assert points == layout(boxes, edges, 120.0)
    assert len(overlaps(points, boxes)) <= 1  # pushing ends after a fixed number of rounds


@pytest.mark.parametrize("count", [CROWD + 1, 119])
def test_a_crowd_stands_on_rings_around_its_hub(count):
    boxes = [SMALL] * (count + 3)
    edges = [(0, leaf) for leaf in range(1, count + 1)] + [(0, count + 1), (count + 1, count + 2)]
    points = layout(boxes, edges, 80.0)
    assert overlaps(points, boxes) == []
    radii = sorted({round(dist(points[0], points[leaf]), -1) for leaf in range(1, count + 1)})
    assert all(later - earlier >= SMALL.height for earlier, later in pairwise(radii))
    assert dist(points[0], points[count + 1]) > radii[-1]


def test_what_is_not_connected_stands_beside():
    boxes = [SMALL] * 9
    points = layout(boxes, [(0, 1), (1, 2), (3, 4)], 100.0)
    assert overlaps(points, [Box(width=40.0 + GAP, height=46.0 + GAP)] * 9) == []
