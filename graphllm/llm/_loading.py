"""A transformers model and its tokenizer from disk or hub, without running foreign code."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from graphllm.errors import ConfigError, MissingExtraError
from graphllm.graph.plain import plain

log = logging.getLogger(__name__)

Device: TypeAlias = str
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantize = Literal["int8", "nf4"]

SHOWN_CHARS = 300

# What of a model's own settings for generation belongs to its vocabulary. The rest (sampling,
# penalties, beams) would make replies depend on a file that nobody sees.
_VOCABULARY_SETTINGS = (
    "bos_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "suppress_tokens",
    "begin_suppress_tokens",
)


class Loaded(NamedTuple):
    """A model ready to generate."""

    model: Any  # a PreTrainedModel that generates; transformers has no type for that
    tokenizer: PreTrainedTokenizerBase
    end_ids: frozenset[int]
    context_tokens: int | None


def load_transformers(
    name_or_path: str,
    *,
    device: Device,
    dtype: Dtype,
    download: bool,
    quantize: Quantize | None = None,
) -> Loaded:
    """Return the causal or sequence-to-sequence model at ``name_or_path``.

    Raises:
        ConfigError: It is not there, is no language model, has no safetensors, lacks weights, or
            would need code of its own; or ``quantize`` is given and ``device`` is no CUDA device.
        MissingExtraError: ``quantize`` is given and bitsandbytes not installed.
    """
    quantized = _quantization(quantize, device)
    if Path(name_or_path).is_dir():
        _check_folder(Path(name_or_path))
    here = {"local_files_only": not download, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(name_or_path, **here)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        tokenizer = AutoTokenizer.from_pretrained(name_or_path, **here)
        with _quiet():
            opened: Any = kind.from_pretrained(
                name_or_path,
                use_safetensors=True,
                dtype=_torch_dtype(dtype, device),
                output_loading_info=True,
                **quantized,
                **here,
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        log.debug("opening %s failed", name_or_path, exc_info=error)
        raise ConfigError(_why_not(name_or_path, error, download)) from error
    model, found = opened
    _check_tokenizer(name_or_path, tokenizer)
    # the head that some encoders put on their first token has no part in writing text
    if missing := sorted(key for key in found["missing_keys"] if ".pooler." not in key):
        raise ConfigError(
            f"{name_or_path} has no weights for {missing[0]!r} ({len(missing)} are missing): "
            "it is damaged, or not a model that generates text"
        )
    end_ids = _end_ids(model, tokenizer)
    context_tokens = _context_tokens(model, tokenizer)
    kept = {key: getattr(model.generation_config, key, None) for key in _VOCABULARY_SETTINGS}
    model.generation_config = GenerationConfig(**kept)  # type: ignore[no-untyped-call]
    placed = model if quantized else model.to(device)
    return Loaded(placed.eval(), tokenizer, end_ids, context_tokens)


def _quantization(quantize: str | None, device: Device) -> dict[str, object]:
    """Return what transformers is told to keep linear layers in 8 or 4 bits, where it is to."""
    if quantize is None:
        return {}
    if quantize not in get_args(Quantize):
        raise ConfigError(f"quantize must be 'int8' or 'nf4', got {plain(quantize)!r}")
    if not device.startswith("cuda"):
        raise ConfigError(
            f"quantize={quantize!r} needs a CUDA device, got {device!r}; leave it out, or take "
            "dtype='bfloat16' for half the memory"
        )
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError(
            f"quantize={quantize!r} needs bitsandbytes: pip install 'graphllm[quantized]'"
        )
    bits = {"load_in_8bit": quantize == "int8", "load_in_4bit": quantize == "nf4"}
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        **bits, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    return {"quantization_config": config, "device_map": {"": device}}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing a bar and from reporting on weights, which is done here."""
    shown = transformers_logging.is_progress_bar_enabled()
    level = transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder} has no config.json; expected the folder of a transformers model"
        )
    if any(folder.glob("*.safetensors")):
        return
    others = sorted(path.name for path in folder.glob("*.bin"))
    found = f"only {others[0]}, which can run code when it is read" if others else "none"
    raise ConfigError(
        f"{folder} should hold its weights as .safetensors, it has {found}; save it again with "
        "save_pretrained of transformers"
    )


def _check_tokenizer(name: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse the empty vocabulary that transformers makes up where there is no tokenizer."""
    ids = tokenizer("the", add_special_tokens=False)["input_ids"]
    if not ids or tokenizer.unk_token_id in ids:
        raise ConfigError(
            f"{name} cannot be opened as a language model: it has no tokenizer (tokenizer.json), "
            "or one that does not know the letters of English"
        )


def _why_not(name: str, error: Exception, download: bool) -> str:
    first = str(error).strip().split("\n")[0]
    said = plain(first[:SHOWN_CHARS])
    if Path(name).is_dir():
        return f"{name} cannot be opened as a language model: {said}"
    where = "on this machine or the Hugging Face hub" if download else "on this machine"
    return f"no language model {name!r} with .safetensors {where} (HF_HOME, HF_HUB_OFFLINE): {said}"


def chosen_device(device: Device) -> Device:
    """Return ``device``, or the best there is for ``"auto"``.

    Raises:
        ConfigError: This machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"no device {plain(device)!r} here: expected 'auto', 'cpu', 'cuda' or 'mps'"
        ) from error
    return device


def _torch_dtype(dtype: Dtype, device: Device) -> str | torch.dtype:
    """Return float32 on a CPU, which is slow with halves, and elsewhere what the file has."""
    if dtype == "auto":
        return torch.float32 if device.startswith("cpu") else "auto"
    return getattr(torch, dtype)


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return every token that ends a reply: models list them here, tokenizers there."""
    found: set[int] = set()
    for ids in (model.generation_config.eos_token_id, tokenizer.eos_token_id):
        found.update(ids if isinstance(ids, list) else [ids] if ids is not None else [])
    return frozenset(found)


def _context_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the smaller of what model and tokenizer allow; tokenizers without a limit say 1e30."""
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [positions, tokenizer.model_max_length]
    meant = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < 1e9]
    return min(meant, default=None)
