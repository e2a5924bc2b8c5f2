import json

import pytest

from graphllm.errors import DataError
from graphllm.evaluate import Published, load_suite


def thing(name, attributes=(), relations=()):
    return {
        "name": name,
        "x": 1,
        "y": 2,
        "w": 30,
        "h": 40,
        "attributes": list(attributes),
        "relations": [{"name": r, "object": o} for r, o in relations],
    }


SCENE = {
    "width": 500,
    "height": 375,
    "objects": {
        "7": thing("dog", ["brown", "small"], [("in front of", "3"), ("near", "9")]),
        "3": thing("door", [], [("behind", "7")]),
        "9": thing("dog", ["brown"]),
    },
}
IMAGES = [f"n{number}" for number in range(10)]
CSV = "image_id,question,answer,full_answer\n" + "".join(
    f'{image},"What is in front of the door, {turn}?",dog,"The dog, of course."\n'
    for turn in ("1", "2")
    for image in IMAGES
)


@pytest.fixture
def scene_dir(tmp_path):
    for name, text in {
        "scene_graphs/questions.csv": CSV,
        "gqa/train_sceneGraphs.json": json.dumps(dict.fromkeys(IMAGES, SCENE)),
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_question_prompt_label_and_graph(scene_dir):
    suite = load_suite("graphqa-scenegraphs", scene_dir)
    example = suite.examples[0]
    assert example.question == "What is in front of the door, 1?"
    assert example.prompt.text == f"Question: {example.question}\n\nAnswer:"
    assert (example.label, example.gold, example.published) == (
        "dog",
        ("dog",),
        Published.CONTAINS,
    )
    graph = suite.graph_of(example)
    assert (list(graph.keys), list(graph.names)) == (["7", "3", "9"], ["dog", "door", "dog"])
    assert list(graph.texts) == [
        "name: dog; attribute: brown, small; (x,y,w,h): (1, 2, 30, 40)",
        "name: door; (x,y,w,h): (1, 2, 30, 40)",
        "name: dog; attribute: brown; (x,y,w,h): (1, 2, 30, 40)",
    ]
    assert graph.node_columns["attribute"].of(0) == ["brown", "small"]
    assert [graph.relations[r] for r in graph.relation_ids] == ["in front of", "near", "behind"]
    assert (graph.heads.tolist(), graph.tails.tolist()) == ([0, 0, 1], [1, 2, 0])


def test_the_split_is_the_published_one_and_by_image(scene_dir):
    # a permutation of seed 42, and train_test_split of scikit-learn 1.9.1 of what it gives
    published = {"val": ["n2", "n3"], "test": ["n1", "n8"]}
    published["train"] = sorted({*IMAGES} - {"n1", "n2", "n3", "n8"})
    for part, images in published.items():
        suite = load_suite("graphqa-scenegraphs", scene_dir, part)
        found = [IMAGES[(example.id - 1) % 10] for example in suite.examples]
        assert found == 2 * images


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("scene_graphs/questions.csv", "image_id,question\na,b\n", "line 1: no column 'answer'"),
        ("scene_graphs/questions.csv", CSV + "n1,why,\n", "line 22: image_id, question or answer"),
        ("scene_graphs/questions.csv", "image_id,question,answer\n", "holds no question"),
        ("gqa/train_sceneGraphs.json", "{}", "has no scene graph of image 'n"),
        ("gqa/train_sceneGraphs.json", "[", "expected scene graphs by image id"),
    ],
)
def test_malformed_files_are_named(scene_dir, name, text, message):
    (scene_dir / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_suite("graphqa-scenegraphs", scene_dir)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({"7": thing("dog", [], [("near", "8")])}, "image n.: 7 is near 8, which is no object"),
        ({"7": {"name": "dog"}}, "image n.: expected objects of GQA"),
    ],
)
def test_a_malformed_scene_is_named_when_it_is_asked(scene_dir, objects, message):
    scenes = json.dumps({image: {"objects": objects} for image in IMAGES})
    (scene_dir / "gqa/train_sceneGraphs.json").write_text(scenes, encoding="utf-8")
    suite = load_suite("graphqa-scenegraphs", scene_dir)
    with pytest.raises(DataError, match=message):
        suite.graph_of(suite.examples[0])
