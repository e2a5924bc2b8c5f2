"""Training on disk: weights, moments of the optimizer and random states, in one safetensors file.

No pickle. A file holds a checksum of all its tensors and numbers, and is replaced at once: what a
crash leaves is the checkpoint before or the one after.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from graphllm.errors import DataError
from graphllm.index.generations import write_atomically

Tensors = dict[str, torch.Tensor]
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_LAYOUT = "graphllm.checkpoint/1"


@dataclass(slots=True, kw_only=True)
class TrainState:
    """Where a training stands, in plain numbers.

    Attributes:
        step: How many are done.
        best: What the best one returned.
        best_step: The step it came after; 0 before any.
        num_worse: Validations since then.
        is_over: Whether patience ran out.
    """

    step: int = 0
    best: dict[str, float] | None = None
    best_step: int = 0
    num_worse: int = 0
    is_over: bool = False


# Weights of a module


def trainable(module: torch.nn.Module) -> Tensors:
    """Return what training changes: what requires a gradient, and the buffers beside it.

    Buffers, such as the running means of a batch norm, count where their layer is not frozen.
    """
    found: Tensors = {_clean(n): p for n, p in module.named_parameters() if p.requires_grad}
    for prefix, layer in module.named_modules():
        own = [p.requires_grad for p in layer.parameters(recurse=False)]
        if all(own):
            for name, buffer in layer.named_buffers(recurse=False):
                if name not in layer._non_persistent_buffers_set:
                    found[_clean(f"{prefix}.{name}".lstrip("."))] = buffer
    return found


def _clean(name: str) -> str:
    """Return the name a tensor has in the module as it was before it was wrapped."""
    return name.replace("_checkpoint_wrapped_module.", "").replace("_orig_mod.", "")


def copied(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return copies on the CPU; those of a tensor that is spread over processes are whole."""
    return {name: whole(tensor).cpu().clone().contiguous() for name, tensor in tensors.items()}


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that may be spread over processes, with all of it here."""
    from torch.distributed.tensor import DTensor

    found = tensor.detach()
    return found.full_tensor() if isinstance(found, DTensor) else found


def put(into: torch.Tensor, value: torch.Tensor) -> None:
    """Write a whole tensor into one that may be spread over processes."""
    with torch.no_grad():
        into.copy_(like(into, value))


def like(one: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return a whole tensor on the device of ``one``, spread over processes as that is."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    value = value.to(one.device)
    if not isinstance(one, DTensor):
        return value
    return distribute_tensor(value, one.device_mesh, one.placements, src_data_rank=None)


def save_trainable(
    path: Path, module: torch.nn.Module, about: Mapping[str, str] | None = None
) -> None:
    """Write what training changes of ``module`` as safetensors, and nothing else.

    Args:
        about: What else the file should say; it stands in its header.
    """
    write_tensors(path, copied(trainable(module)), {"weights": dict(about or {})})


def load_trainable(path: Path, module: torch.nn.Module) -> dict[str, str]:
    """Put into ``module`` what ``save_trainable`` wrote, and return what it said ``about`` it.

    Raises:
        DataError: The file is damaged, or of another module.
    """
    tensors, said = read_tensors(path)
    if "weights" not in said:
        raise DataError(f"{path}: a checkpoint, not the weights that a training ended with")
    put_trainable(tensors, module, str(path))
    return {str(key): str(value) for key, value in said["weights"].items()}


def put_trainable(tensors: Mapping[str, torch.Tensor], module: torch.nn.Module, where: str) -> None:
    """Put tensors into those of the same names; they must be all that training changes.

    Raises:
        DataError: Names or shapes differ; the message says how.
    """
    places = trainable(module)
    odd = sorted(places.keys() ^ tensors.keys())
    odd += [n for n in sorted(places) if n not in odd and places[n].shape != tensors[n].shape]
    if odd:
        name = odd[0]
        there, here = (list(t[name].shape) if name in t else "none" for t in (tensors, places))
        raise DataError(
            f"{where}: weights of another module: {name} is {there} there and {here} here"
            f" ({len(odd)} of {len(places)} differ)"
        )
    for name, place in places.items():
        put(place, tensors[name])


# Moments of an optimizer


def moments(optimizer: torch.optim.Optimizer, named: Mapping[str, torch.Tensor]) -> Tensors:
    """Return what AdamW remembers of each parameter; nothing of one that had no gradient yet."""
    found = {
        f"{moment}.{name}": optimizer.state[parameter][moment]
        for name, parameter in named.items()
        for moment in MOMENTS
        if moment in optimizer.state.get(parameter, {})
    }
    return copied(found)


def put_moments(
    tensors: Mapping[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    named: Mapping[str, torch.Tensor],
) -> None:
    """Give AdamW back what it remembered."""
    for name, parameter in named.items():
        if f"step.{name}" in tensors:
            optimizer.state[parameter] = {
                m: tensors[f"{m}.{name}"]
                if m == "step"
                else like(parameter, tensors[f"{m}.{name}"])
                for m in MOMENTS
            }


# Files


def write_tensors(path: Path, tensors: Tensors, about: Mapping[str, object]) -> None:
    """Replace the file at ``path`` by one with these tensors, plain data about them, a checksum."""
    said = json.dumps(dict(about))
    # one entry: safetensors writes several in no order, and the same training gives the same bytes
    header = {"graphllm": json.dumps([_LAYOUT, _checksum(tensors, said), said])}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(tensors, metadata=header))


def read_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Return the tensors of a file that ``write_tensors`` wrote, and what it says about them.

    Raises:
        DataError: There is no such file, or it is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            layout, checksum, said = json.loads((file.metadata() or {})["graphllm"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise DataError(f"{path}: not a checkpoint of this training ({error})") from error
    if layout != _LAYOUT:
        raise DataError(f"{path}: of another version: {layout}, expected {_LAYOUT}")
    if checksum != _checksum(tensors, said):
        raise DataError(f"{path}: damaged, its checksum is wrong; delete it to begin again")
    return tensors, json.loads(said)


def _checksum(tensors: Mapping[str, torch.Tensor], said: str) -> str:
    digest = sha256(said.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_checkpoint(path: Path, tensors: Tensors, state: TrainState) -> None:
    """Write where a training stands; the tensors' names begin with what they are."""
    write_tensors(path, tensors, {"training": asdict(state)})


def read_checkpoint(path: Path) -> tuple[Tensors, TrainState] | None:
    """Return what ``write_checkpoint`` wrote; ``None`` without a file.

    Raises:
        DataError: The file is damaged, or something else.
    """
    if not path.is_file():
        return None
    tensors, about = read_tensors(path)
    try:
        return tensors, TrainState(**about["training"])
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not a checkpoint of this training ({error})") from error


def named(kind: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return tensors under names that begin with ``kind``."""
    return {f"{kind}.{name}": tensor for name, tensor in tensors.items()}


def of_kind(kind: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return the tensors whose names begin with ``kind``, under the rest of their names."""
    return dict(_of_kind(kind, tensors))


def _of_kind(kind: str, tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if first == kind:
            yield rest, tensor
