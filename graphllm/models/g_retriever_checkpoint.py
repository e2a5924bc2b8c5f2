"""Checkpoints of others in our modules: of G-Retriever's own code, and of PyG's ``GRetriever``.

The names of their tensors, and of ours:

    graph_encoder.convs.0.lin_key.weight    encoder.stack.convs.0.lin_key.weight     TransformerConv
    graph_encoder.bns.0.running_mean        encoder.stack.norms.0.module.running_mean
    projector.0.weight, projector.2.weight  projector.inner.weight, projector.outer.weight
    model.base_model.model.model.layers...  model.layers...                          peft's LoRA
    prompt                                  vectors                                  prompt tuning

PyG has ``gnn.`` for ``graph_encoder.``, and ``llm_generator.`` for ``model.``.
"""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from graphllm.errors import ConfigError, DataError
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.g_retriever import LearnedTokens
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings

_OURS = (
    (re.compile(r"^(?:graph_encoder|gnn)\.convs\."), "encoder.stack.convs."),
    (
        re.compile(r"^(?:graph_encoder|gnn)\.(?:bns|norms)\.(\d+)\.(?:module\.)?"),
        r"encoder.stack.norms.\1.module.",
    ),
    (re.compile(r"^projector\.0\."), "projector.inner."),
    (re.compile(r"^projector\.2\."), "projector.outer."),
)
_LORA = re.compile(r"^(?:model|llm_generator)\.base_model\.model\.(?P<name>.*\.lora_[AB]\..*)$")
# shared with the frozen language model, or computed anew
_LEFT_OUT = re.compile(r"^word_embedding\.|\.inv_freq$|^(?:model|llm_generator|llm)\.(?!.*\.lora_)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a checkpoint of others holds.

    Attributes:
        prompter: The graph encoder and the projector; ``None`` where it has none.
        learned: The vectors of prompt tuning; ``None`` where it has none.
        lora: Adapters by the names that our language models give them.
        epoch: After which it was saved; ``None`` where it does not say.
    """

    prompter: GraphPrompter | None = None
    learned: LearnedTokens | None = None
    lora: Mapping[str, Tensor] = field(default_factory=dict)
    epoch: int | None = None

    def put_lora(self, llm: LocalLanguageModel) -> None:
        """Put the adapters into a language model that was opened with the same ones.

        Raises:
            ConfigError: It has other adapters, or none.
        """
        if self.lora:
            llm.load_trainable(self.lora)


def read_published(
    path: Path, *, num_heads: int | None = None, model_dim: int | None = None
) -> Published:
    """Return what a file of G-Retriever's code, or of PyG's model, holds.

    Only tensors and plain values are read from it, so that a file of strangers can run nothing.

    Args:
        path: A ``.pth`` with ``model``, ``config`` and ``epoch``, or a plain state dictionary.
        num_heads: Of the graph encoder, which the tensors do not tell; by default what ``config``
            says, else 4 as published.
        model_dim: Width of the language model's words, where a graph has several tokens (PyG's
            ``mlp_out_tokens``); by default it has one.

    Raises:
        DataError: It cannot be read, holds more than tensors and plain values, or another model.
    """
    saved = _loaded(path)
    whole = saved.get("model")
    is_whole = isinstance(whole, Mapping)
    state = whole if isinstance(whole, Mapping) else saved
    tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    if num_heads is None:
        num_heads = int(getattr(saved.get("config"), "gnn_num_heads", 4))
    epoch = saved.get("epoch") if is_whole else None
    graph, rest = _sorted_out(tensors)
    lora = {found["name"]: rest[n] for n in rest if (found := _LORA.match(n))}
    unknown = [name for name in rest if not _LORA.match(name) and name != "prompt"]
    if unknown or not (graph or lora or "prompt" in rest):
        what = f"it holds {unknown[0]!r}" if unknown else "it holds no weights of one"
        raise DataError(f"{path}: expected a checkpoint of G-Retriever, but {what}")
    return Published(
        prompter=_prompter(path, graph, num_heads, model_dim) if graph else None,
        learned=LearnedTokens(rest["prompt"], len(rest["prompt"])) if "prompt" in rest else None,
        lora=lora,
        epoch=epoch if isinstance(epoch, int) else None,
    )


def _loaded(path: Path) -> Mapping[str, object]:
    try:
        # the settings of a command line are plain values in a namespace
        with torch.serialization.safe_globals([argparse.Namespace]):
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a torn or foreign file fails in any way there is
        first = str(error).strip().splitlines()[0]
        raise DataError(f"{path}: cannot be read as tensors alone ({first})") from error
    if not isinstance(saved, Mapping):
        raise DataError(f"{path}: expected a dictionary of tensors, got {type(saved).__name__}")
    return saved


def _sorted_out(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of encoder and projector by our names, and the others that count."""
    graph, rest = {}, {}
    for name, value in tensors.items():
        ours = name
        for theirs, replacement in _OURS:
            ours = theirs.sub(replacement, ours)
        if ours != name:
            graph[ours] = value.float() if value.is_floating_point() else value
        elif not _LEFT_OUT.search(name):
            rest[name] = value
    return graph, rest


def _prompter(
    path: Path, state: Mapping[str, Tensor], num_heads: int, model_dim: int | None
) -> GraphPrompter:
    """Return the prompter that these tensors are the weights of; their shapes tell its settings."""
    try:
        hidden_dim, in_dim = state["encoder.stack.convs.0.lin_key.weight"].shape
        width, _ = state["projector.inner.weight"].shape
        out_dim, _ = state["projector.outer.weight"].shape
        model_dim = model_dim or out_dim
        edge = state.get("encoder.stack.convs.0.lin_edge.weight")
        made = PrompterSettings(
            in_dim=in_dim,
            edge_dim=None if edge is None else edge.shape[1],
            model_dim=model_dim,
            hidden_dim=hidden_dim,
            num_layers=1 + max(_layer(name) for name in state),
            num_heads=num_heads,
            pooling="mean",
            num_tokens=out_dim // model_dim,
            projector_dim=width,
            activation="sigmoid",
            norm="batch",
            both_ways=False,
        )
        prompter = GraphPrompter(made)
        prompter.load_state_dict(dict(state))
    except (KeyError, ValueError, RuntimeError, ConfigError) as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise DataError(
            f"{path}: not the weights of a published graph transformer and projector ({first})"
        ) from error
    return prompter.eval()


def _layer(name: str) -> int:
    found = re.search(r"\.convs\.(\d+)\.", name)
    return int(found[1]) if found else 0
