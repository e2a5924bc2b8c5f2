"""From states of nodes to a few vectors for each graph."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from graphllm.errors import DataError
from graphllm.nn.encoder import check_at_least_one, head_dim


class Pooled(NamedTuple):
    """Vectors of each graph, and which of them are there; what is not is zero."""

    states: Float[Tensor, "num_graphs num_tokens hidden_dim"]
    mask: Bool[Tensor, "num_graphs num_tokens"]


class MeanPooling(nn.Module):
    """The mean of the states of a graph, as one vector.

    Source: G-Retriever, section 5.4. A graph without nodes has no vector: zero, and masked.
    """

    def forward(
        self,
        states: Float[Tensor, "num_nodes hidden_dim"],
        batch: Int64[Tensor, "num_nodes"],
        num_graphs: int,
    ) -> Pooled:
        """Return one vector for each graph that has nodes."""
        counts = batch.bincount(minlength=num_graphs)
        # in bfloat16 a sum stops growing after some hundreds of nodes
        exact = states.to(torch.promote_types(states.dtype, torch.float32))
        sums = exact.new_zeros(num_graphs, states.shape[1]).index_add(0, batch, exact)
        means = (sums / counts.clamp(min=1)[:, None]).to(states.dtype)
        return Pooled(means[:, None], (counts > 0)[:, None])


class QueryPooling(nn.Module):
    """As many vectors as there are learned queries, each of which attends over all nodes.

    With S the queries and Z the states of a graph,

        H = LayerNorm(S + MultiHeadAttention(S, Z, Z)),  PMA(Z) = LayerNorm(H + ReLU(W H + b))

    Source: Lee et al. 2019, "Set Transformer", arXiv 1810.00825, section 3.2, pooling by multihead
    attention. Differs from the paper: no feed-forward layer before Z, as the encoder ends with
    one. A graph without nodes has no vectors: zero, and masked.

    Args:
        hidden_dim: Width of a state; the heads share it.
        num_tokens: How many queries.
        num_heads: Attention heads.
    """

    def __init__(self, hidden_dim: int, num_tokens: int, *, num_heads: int = 4) -> None:
        super().__init__()
        check_at_least_one(num_tokens=num_tokens)
        self.num_tokens = num_tokens
        self.num_heads = num_heads
        head_dim(hidden_dim, num_heads)
        self.queries = nn.Parameter(torch.randn(num_tokens, hidden_dim) / hidden_dim**0.5)
        self.query = nn.Linear(hidden_dim, hidden_dim)
        # a key's bias would add the same to every score of a softmax
        self.key = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.value = nn.Linear(hidden_dim, hidden_dim)
        self.out = nn.Linear(hidden_dim, hidden_dim)
        self.feed_forward = nn.Linear(hidden_dim, hidden_dim)
        self.attention_norm = nn.LayerNorm(hidden_dim)
        self.output_norm = nn.LayerNorm(hidden_dim)

    def forward(
        self,
        states: Float[Tensor, "num_nodes hidden_dim"],
        batch: Int64[Tensor, "num_nodes"],
        num_graphs: int,
    ) -> Pooled:
        """Return a vector of each query for each graph that has nodes."""
        dense = _dense(states, batch, num_graphs)
        read = self.out(self._attended(dense))
        attended = self.attention_norm(self.queries + read)
        pooled = self.output_norm(attended + self.feed_forward(attended).relu())
        mask = dense.mask.any(dim=1, keepdim=True).expand(-1, self.num_tokens)
        return Pooled(pooled.masked_fill(~mask[..., None], 0), mask)

    def _attended(self, dense: Pooled) -> Float[Tensor, "num_graphs num_tokens hidden_dim"]:
        """Return each query's mean of the values it seeks, the heads side by side."""
        query = self._heads(self.query(self.queries)).expand(len(dense.states), -1, -1, -1)
        key, value = (self._heads(part(dense.states)) for part in (self.key, self.value))
        # what has no nodes reads padding, and is masked later: attention to nothing is no number
        read = dense.mask | ~dense.mask.any(dim=1, keepdim=True)
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=read[:, None, None])
        return found.transpose(-3, -2).flatten(-2)

    def _heads(self, vectors: Tensor) -> Tensor:
        return vectors.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


class ItemPooling(nn.Module):
    """The states of chosen nodes as they are, one vector for each.

    For tasks with a token per thing: a table, a column, a candidate. Rows are padded to the graph
    with the most items; a graph without items has no vectors.
    """

    def forward(
        self,
        states: Float[Tensor, "num_nodes hidden_dim"],
        batch: Int64[Tensor, "num_nodes"],
        num_graphs: int,
        items: Sequence[Int64[Tensor, "_"]] | None = None,
    ) -> Pooled:
        """Return the states of the chosen nodes of each graph, in the order given.

        Args:
            states: As the encoder gave them.
            batch: Which graph each node belongs to.
            num_graphs: How many graphs there are.
            items: For each graph the chosen nodes, counted from its first one; all by default.

        Raises:
            DataError: There is not one list for each graph, or an item is not in its graph.
        """
        dense = _dense(states, batch, num_graphs)
        if items is None:
            return dense
        _check_items(items, dense.mask.sum(dim=1).tolist())
        chosen = pad_sequence(list(items), batch_first=True).to(states.device)
        lengths = torch.tensor([len(row) for row in items], device=states.device)
        mask = torch.arange(chosen.shape[1], device=states.device) < lengths[:, None]
        graphs = torch.arange(num_graphs, device=states.device)[:, None]
        found = dense.states[graphs, chosen]
        return Pooled(found.masked_fill(~mask[..., None], 0), mask)


def _check_items(chosen: Sequence[Tensor], counts: Sequence[int]) -> None:
    if len(chosen) != len(counts):
        raise DataError(f"{len(chosen)} lists of items for {len(counts)} graphs; expected one each")
    for graph, (row, count) in enumerate(zip(chosen, counts, strict=True)):
        if len(row) and not 0 <= int(row.min()) <= int(row.max()) < count:
            reach = f"{int(row.min())}..{int(row.max())}"
            raise DataError(f"items of graph {graph} reach over {reach}, outside 0..{count - 1}")


def _dense(
    states: Float[Tensor, "num_nodes hidden_dim"],
    batch: Int64[Tensor, "num_nodes"],
    num_graphs: int,
) -> Pooled:
    """Return a vector for each node, in rows as long as the largest graph, and at least one."""
    counts = batch.bincount(minlength=num_graphs)
    longest = max(int(counts.max()), 1)
    place = torch.arange(len(batch), device=batch.device) - (counts.cumsum(0) - counts)[batch]
    dense = states.new_zeros(num_graphs, longest, states.shape[1])
    mask = torch.arange(longest, device=batch.device) < counts[:, None]
    return Pooled(dense.index_put((batch, place), states), mask)
