"""LoRA weights: merged as the paper says, and refused when they belong to another model."""

import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.text.lora import LoraWeights, read_lora


def weights(rank=2, alpha=4):
    rng = np.random.default_rng(0)
    return LoraWeights(
        rank,
        alpha,
        {
            "dense.lora_A": rng.normal(size=(rank, 5)).astype(np.float32),
            "dense.lora_B": rng.normal(size=(3, rank)).astype(np.float32),
        },
    )


def test_the_change_is_added_to_the_weight_it_concerns_and_to_no_other():
    lora = weights()
    model = {"dense.weight": np.ones((3, 5), np.float32), "dense.bias": np.ones(3, np.float32)}
    merged = lora.merged(model)
    up, down = lora.matrices["dense.lora_B"], lora.matrices["dense.lora_A"]
    expected = [
        [1 + 4 / 2 * sum(up[i, r] * down[r, j] for r in range(2)) for j in range(5)]
        for i in range(3)
    ]
    np.testing.assert_allclose(merged["dense.weight"], expected, rtol=1e-5)
    assert merged["dense.bias"] is model["dense.bias"]
    assert (model["dense.weight"] == 1).all()


@pytest.mark.parametrize(
    "model",
    [{}, {"dense.weight": np.ones((5, 3), np.float32)}],
    ids=["no such layer", "another shape"],
)
def test_weights_of_another_model_are_refused(model):
    with pytest.raises(DataError, match="dense: these LoRA weights belong to another model"):
        weights().merged(model)


def test_the_id_changes_with_the_weights():
    assert weights().id == weights().id
    assert weights().id != weights(alpha=8).id


@pytest.mark.parametrize(
    "content",
    [b"", b"not a file of tensors", b"\x08" + b"\0" * 7 + b"{}      "],
    ids=["empty", "text", "no tensors"],
)
def test_what_is_no_file_of_lora_weights_is_refused(tmp_path, content):
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable file of LoRA weights"):
        read_lora(path)
    with pytest.raises(DataError, match="not a readable file of LoRA weights"):
        read_lora(tmp_path / "absent.safetensors")
