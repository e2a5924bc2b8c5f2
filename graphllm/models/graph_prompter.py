"""The graph half of G-Retriever: a part of a graph becomes soft tokens for a language model."""

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from jaxtyping import Int64
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from graphllm.config import settings
from graphllm.errors import ConfigError, DataError
from graphllm.index.generations import write_file
from graphllm.nn import (
    GraphEncoder,
    GraphTokens,
    ItemPooling,
    MeanPooling,
    Pooled,
    Projector,
    QueryPooling,
    SoftPrompt,
    encoder_class,
)
from graphllm.nn.projector import Activation

POOLINGS = ("items", "mean", "queries")
WEIGHTS, ABOUT = "prompter.safetensors", "prompter.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrompterSettings:
    """What a prompter is made of.

    Attributes:
        in_dim: Width of a node's vector.
        edge_dim: Width of an edge's vector; ``None`` when edges have none.
        model_dim: Width of the language model's word embeddings.
        embedding_norm: Mean length of its word embeddings; ``None`` leaves tokens as they come.
        encoder: A name in ``graphllm.nn.ENCODERS``.
        hidden_dim: Width of a node's state.
        num_layers: How many edges away a node still counts.
        num_heads: Attention heads of encoder and pooling, where they have any.
        dropout: Of the encoder.
        pooling: ``"queries"``: ``num_tokens`` learned queries read all nodes. ``"mean"``: the mean
            of all nodes gives all tokens. ``"items"``: a token for each node that is asked for.
        num_tokens: Soft tokens for a graph; of items, each has one.
        projector_dim: Width between the two layers of the projector; ``hidden_dim`` when ``None``.
        activation: Between them.
        norm: Of the encoder's states: ``"layer"``, or ``"batch"`` as in the paper.
        both_ways: Whether messages also pass from tail to head.

    Raises:
        ConfigError: ``pooling`` is none of these, or there is no token.
    """

    in_dim: int
    edge_dim: int | None
    model_dim: int
    embedding_norm: float | None = None
    encoder: str = "graph_transformer"
    hidden_dim: int = 256
    num_layers: int = 3
    num_heads: int = 4
    dropout: float = 0.0
    pooling: str = "queries"
    num_tokens: int = 8
    projector_dim: int | None = None
    activation: Activation = "gelu"
    norm: str = "layer"
    both_ways: bool = True

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ConfigError(f"pooling is one of {POOLINGS}, got {self.pooling!r}")
        if self.num_tokens < 1:
            raise ConfigError(f"num_tokens must be 1 or more, got {self.num_tokens}")


class GraphPrompter(nn.Module):
    """Reads graphs with a graph encoder, pools their nodes, and projects to soft tokens.

    With S the states that the encoder gives the nodes of a graph,

        tokens = MLP(POOL(S))

    Source: He et al. 2024, G-Retriever, arXiv 2402.07630, section 5.4, equations 7 and 8. Their
    settings, for Llama-2-7b, are ``PrompterSettings(in_dim=1024, edge_dim=1024, model_dim=4096,
    hidden_dim=1024, num_layers=4, pooling="mean", num_tokens=1, projector_dim=2048,
    activation="sigmoid", norm="batch", both_ways=False, embedding_norm=None)``.
    Differs from the paper: several tokens for a graph, each by a query of its own, instead of one
    that is the mean of all nodes; messages pass both ways; tokens are as long as word embeddings
    (see `Projector`). What reads the soft prompt may ask for a token of chosen nodes instead.

    Examples:
        >>> import torch
        >>> made = PrompterSettings(in_dim=4, edge_dim=None, model_dim=6, hidden_dim=8)
        >>> tokens = GraphTokens.single(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]]))
        >>> tuple(GraphPrompter(made)(tokens).embeds.shape)
        (1, 8, 6)
    """

    def __init__(self, made: PrompterSettings) -> None:
        super().__init__()
        self.made = made
        self.encoder = _encoder(made)
        self.pooling = _pooling(made)
        self.projector = Projector(
            made.hidden_dim,
            made.model_dim,
            embedding_norm=made.embedding_norm,
            num_tokens=made.num_tokens if made.pooling == "mean" else 1,
            hidden_dim=made.projector_dim,
            activation=made.activation,
        )

    def forward(
        self, tokens: GraphTokens, items: Sequence[Int64[Tensor, "_"]] | None = None
    ) -> SoftPrompt:
        """Return the soft tokens of each graph.

        Args:
            tokens: The graphs.
            items: With pooling of items, the nodes of each graph that get a token; all by default.

        Raises:
            ConfigError: Items are given, and pooling is another.
        """
        states = self.encoder(tokens)
        return cast("SoftPrompt", self.projector(self._pooled(states, tokens, items)))

    def _pooled(
        self, states: Tensor, tokens: GraphTokens, items: Sequence[Tensor] | None
    ) -> Pooled:
        if isinstance(self.pooling, ItemPooling):
            pooled = self.pooling(states, tokens.batch, tokens.num_graphs, items)
        elif items is not None:
            raise ConfigError(f"pooling by {self.made.pooling} takes no items")
        else:
            pooled = self.pooling(states, tokens.batch, tokens.num_graphs)
        return cast("Pooled", pooled)

    def save(self, folder: Path) -> None:
        """Write weights and settings into ``folder``.

        Raises:
            DataError: They cannot be written.
        """
        weights = {name: value.cpu().contiguous() for name, value in self.state_dict().items()}
        write_file(folder / WEIGHTS, save(weights))
        write_file(folder / ABOUT, f"{json.dumps(asdict(self.made), indent=1)}\n".encode())

    @classmethod
    def load(cls, folder: Path) -> "GraphPrompter":
        """Return the prompter that ``save`` wrote into ``folder``.

        Raises:
            DataError: A file is missing or damaged, or the two do not belong together.
        """
        about = read_json(folder / ABOUT)
        try:
            prompter = cls(settings(PrompterSettings, about))
            prompter.load_state_dict(load_file(folder / WEIGHTS))
        except (OSError, SafetensorError, RuntimeError, TypeError, ConfigError) as error:
            first = str(error).strip().splitlines()[0]
            raise DataError(f"{folder}: not the files of a prompter ({first})") from error
        return prompter.eval()


def _encoder(made: PrompterSettings) -> GraphEncoder:
    kind = cast("Callable[..., GraphEncoder]", encoder_class(made.encoder))
    # DAGNN has no norm between its layers
    norm = {"norm": made.norm} if "norm" in inspect.signature(kind).parameters else {}
    return kind(
        made.in_dim,
        made.hidden_dim,
        num_layers=made.num_layers,
        edge_dim=made.edge_dim,
        num_heads=made.num_heads,
        dropout=made.dropout,
        both_ways=made.both_ways,
        **norm,
    )


def _pooling(made: PrompterSettings) -> nn.Module:
    if made.pooling == "queries":
        return QueryPooling(made.hidden_dim, made.num_tokens, num_heads=made.num_heads)
    return MeanPooling() if made.pooling == "mean" else ItemPooling()


def read_json(path: Path) -> dict[str, object]:
    """Return the object that a file holds as JSON.

    Raises:
        DataError: There is no such file, or it holds none.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object, got {type(found).__name__}")
    return found
