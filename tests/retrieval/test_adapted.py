"""The weights of an adapted planner: put in force, read, damaged, removed."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from graphllm import GraphQA, TextualGraph
from graphllm.errors import DataError
from graphllm.index import GraphIndex
from graphllm.index.kept import Kept
from graphllm.retrieval.adapted import (
    adapted_report,
    adapted_scorer,
    put_in_force,
    remove_adapted,
)

LAYER = "encoder.layer.0.attention.self.query"


def weights(path, seed):
    """Write LoRA weights that change one layer a little."""
    rng = np.random.default_rng(seed)
    tensors = {
        f"{LAYER}.lora_A": rng.normal(size=(2, 384)).astype(np.float16),
        f"{LAYER}.lora_B": rng.normal(size=(384, 2)).astype(np.float16),
    }
    save_file(tensors, path, metadata={"lora": json.dumps({"rank": 2, "alpha": 2})})
    return path


@pytest.fixture
def pointer(tmp_path):
    return tmp_path / "planner.json"


def test_nothing_is_adapted_at_first(pointer):
    assert adapted_scorer(pointer) is None
    assert adapted_report(pointer) is None
    assert not remove_adapted(pointer)


def test_what_is_put_in_force_is_used_until_it_is_removed(pointer, tmp_path):
    put_in_force(pointer, weights(tmp_path / "new", 1), {"after": 0.5})
    first = adapted_scorer(pointer)
    assert adapted_report(pointer) == {"after": 0.5}
    put_in_force(pointer, weights(tmp_path / "new", 2), {"after": 0.6})
    second = adapted_scorer(pointer)
    assert first.id != second.id
    assert not np.allclose(first.vectors(["who?"]), second.vectors(["who?"]), atol=1e-3)
    assert len(list(tmp_path.glob("planner-*.safetensors"))) == 1  # the old ones are gone
    assert remove_adapted(pointer)
    assert adapted_scorer(pointer) is None
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_named_for_all_graphs_come_first(pointer, tmp_path, monkeypatch):
    put_in_force(pointer, weights(tmp_path / "new", 1), {})
    monkeypatch.setenv("GRAPHLLM_SCORER", "none")
    assert adapted_scorer(pointer) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": "other", "version": 1}',
        '{"format": "graphllm-adapted-planner", "version": 9, "weights": "a", "report": {}}',
        '{"format": "graphllm-adapted-planner", "version": 1, "weights": "../a", "report": {}}',
        '{"format": "graphllm-adapted-planner", "version": 1, "weights": 3, "report": {}}',
        '{"format": "graphllm-adapted-planner", "version": 1, "weights": "gone", "report": {}}',
        '{"format": "graphllm-adapted-planner", "version": 1, "weights": "planner.json",'
        ' "report": {}}',
    ],
    ids=str,
)
def test_a_damaged_file_says_how_to_go_on(pointer, text):
    pointer.write_text(text)
    with pytest.raises(DataError, match="train planner --graph FILE --remove"):
        adapted_scorer(pointer)
    assert remove_adapted(pointer)


def test_a_graph_is_asked_with_its_own_weights(tmp_path):
    folder = tmp_path / "parts.gllm"
    graph = TextualGraph.from_triples([("Arbel", "supplies", "Bolt AG")])
    GraphIndex.build(graph, folder)
    pointer = Kept.of(folder).planner
    put_in_force(pointer, weights(folder / ".new", 1), {})
    qa = GraphQA.open(folder)
    assert qa.reader.planner.scorer is adapted_scorer(pointer)
    GraphIndex.build(graph, folder)  # they outlast the generation
    assert GraphQA.open(folder).reader.planner.scorer is adapted_scorer(pointer)
    remove_adapted(pointer)
    assert GraphQA.open(folder).reader.planner.scorer is not qa.reader.planner.scorer
