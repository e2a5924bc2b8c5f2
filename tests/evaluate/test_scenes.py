from collections import Counter, defaultdict

import pytest

from graphllm.evaluate import Compared, Published, load_suite


@pytest.fixture(scope="module")
def scenes():
    return load_suite("scenes", split="val")


def test_suites_of_scenes_need_no_data(scenes, monkeypatch):
    monkeypatch.delenv("GRAPHLLM_DATA", raising=False)
    suite = load_suite("scenes-200", split="val")
    assert suite.examples == scenes.examples
    example = suite.examples[0]
    assert (suite.split, len(suite)) == ("val", 400)
    assert example.prompt.text == f"Question: {example.question}\n\nAnswer:"
    assert (example.label,) == example.gold
    assert (example.published, example.compared) == (Published.CONTAINS, Compared.NORMALIZED)


@pytest.mark.slow
def test_splits_share_no_question_and_no_room():
    parts = [load_suite("scenes", split=split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [1200, 400, 400]
    ids = [example.id for part in parts for example in part.examples]
    assert sorted(ids) == list(range(1, 2001))
    asked = [{example.question for example in part.examples} for part in parts]
    assert sum(map(len, asked)) == len(set.union(*asked)) == 2000


def test_a_larger_scene_holds_the_same_room_and_is_made_the_same_again(scenes):
    large = load_suite("scenes-200", split="val")
    assert [e.question for e in scenes.examples] == [e.question for e in large.examples]
    for example in scenes.examples[:3]:
        room, scene = scenes.graph_of(example), large.graph_of(example)
        assert 200 <= scene.num_nodes < 240
        assert scene.content_hash == large.graph_of(example).content_hash
        start = list(scene.names).index(room.names[0])
        assert list(scene.texts[start : start + room.num_nodes]) == list(room.texts[:])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "num_nodes"), [("scenes-2000", 2_000), ("scenes-20000", 20_000)])
def test_large_scenes_have_their_size(scenes, name, num_nodes):
    graph = load_suite(name, split="val").graph_of(scenes.examples[0])
    assert num_nodes <= graph.num_nodes < num_nodes + 30
    rooms = [room for room in graph.names if " of " in room]
    assert len(set(rooms)) == len(rooms)
    assert sum(room in scenes.examples[0].question for room in rooms) == 1


def test_facts_of_the_described_stand_in_the_text_of_a_node():
    suite = load_suite("scenes-described", split="val")
    for example in suite.examples[:20]:
        graph = suite.graph_of(example)
        assert any(example.gold[0] in text for text in graph.texts)
        assert not any(example.gold[0] == name for name in graph.names)


@pytest.mark.slow
def test_the_most_frequent_answer_to_a_wording_is_seldom_right(scenes):
    """A question without its room is a wording; the baseline learns them on the training split."""
    learned = defaultdict(Counter)
    for example in load_suite("scenes", split="train").examples:
        for key in (wording(example), example.kind):
            learned[key][example.label] += 1
    tests = scenes.examples
    right = [
        learned[wording(e) if wording(e) in learned else e.kind].most_common(1)[0][0] == e.label
        for e in tests
    ]
    assert sum(right) / len(tests) < 0.4


def wording(example):
    return example.question.rsplit(" in the ", 1)[0]
