"""Small changes to the shipped encoder, trained by us: LoRA matrices, merged when they are read.

Hu et al. 2022, "LoRA", eq. 3: a weight becomes ``W + alpha / rank * B @ A``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from graphllm.errors import DataError


@dataclass(frozen=True)
class LoraWeights:
    """The matrices of a LoRA.

    Attributes:
        rank: Inner dimension.
        alpha: The change is scaled by ``alpha / rank``.
        matrices: By layer and side: ``encoder.layer.0.output.dense.lora_A`` of shape (rank, in)
            and ``..._B`` of shape (out, rank).
    """

    rank: int
    alpha: int
    matrices: Mapping[str, Float32[np.ndarray, "rows columns"]] = field(repr=False)

    @property
    def id(self) -> str:
        """A hash of the matrices."""
        hashed = hashlib.sha256(f"{self.rank} {self.alpha}".encode())
        for name in sorted(self.matrices):
            hashed.update(name.encode())
            hashed.update(np.ascontiguousarray(self.matrices[name]).tobytes())
        return hashed.hexdigest()[:16]

    def merged(
        self, tensors: Mapping[str, Float32[np.ndarray, "..."]]
    ) -> dict[str, Float32[np.ndarray, "..."]]:
        """Return a model's tensors with the change added to those it concerns.

        Raises:
            DataError: The matrices are not those of such a model.
        """
        changed = dict(tensors)
        scale = np.float32(self.alpha / self.rank)
        for name, down in self.matrices.items():
            layer, _, side = name.rpartition(".")
            if side != "lora_A":
                continue
            up, weight = self.matrices.get(f"{layer}.lora_B"), tensors.get(f"{layer}.weight")
            if up is None or weight is None or weight.shape != (len(up), down.shape[1]):
                raise DataError(f"{layer}: these LoRA weights belong to another model")
            changed[f"{layer}.weight"] = weight + scale * (up @ down)
        return changed


def read_lora(path: Path) -> LoraWeights:
    """Return the LoRA weights of a safetensors file, which may be in half precision.

    Raises:
        DataError: There is no such file, or it holds something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["lora"])
            matrices = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        return LoraWeights(int(about["rank"]), int(about["alpha"]), matrices)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: not a readable file of LoRA weights ({error})") from error
