"""The formula of every encoder, written out node by node and edge by edge in double precision.

Nothing of torch-geometric is used here; parameters are read by their names in the state dict.
"""

import math

import torch


class Params:
    """The parameters below a prefix of a state dict: ``p["conv.lin.weight"]``, ``p.at("conv")``."""

    def __init__(self, state, prefix=""):
        self.state, self.prefix = state, prefix

    def at(self, name):
        return Params(self.state, f"{self.prefix}{name}.")

    def __contains__(self, name):
        return self.prefix + name in self.state

    def __getitem__(self, name):
        return self.state[self.prefix + name]

    def linear(self, name, vector):
        out = self[f"{name}.weight"] @ vector
        return out + self[f"{name}.bias"] if f"{name}.bias" in self else out

    def norm(self, name, vector):
        """A layer norm, or a batch norm with what it has kept."""
        if f"{name}.module.running_mean" in self:
            inner = self.at(f"{name}.module")
            mean, variance = inner["running_mean"], inner["running_var"]
        else:
            inner = self.at(name)
            mean = vector.mean()
            variance = ((vector - mean) ** 2).mean()
        return (vector - mean) / (variance + 1e-5).sqrt() * inner["weight"] + inner["bias"]


def edge_list(encoder, tokens):
    """(source, target, vector or None) of each message, the reversed ones last."""
    p = Params(encoder.state_dict())
    edges = []
    for reverse in (False, True) if encoder.both_ways else (False,):
        for edge, (head, tail) in enumerate(tokens.edge_index.T.tolist()):
            vector = None
            if encoder.edge_dim is not None:
                vector = tokens.edge_attr[edge] + (p["reverse"] if reverse else 0)
            edges.append((tail, head, vector) if reverse else (head, tail, vector))
    return edges


def stacked(encoder, tokens, layer):
    """Layers of ``layer(params, x, edges)`` with a norm and ReLU after all but the last."""
    p, x = Params(encoder.state_dict()), list(tokens.x)
    edges = edge_list(encoder, tokens)
    for number in range(len(encoder.stack.convs)):
        if number:
            x = [p.norm(f"stack.norms.{number - 1}", row).relu() for row in x]
        x = layer(p.at(f"stack.convs.{number}"), x, edges)
    return torch.stack(x)


def softmax(scores):
    weights = [math.exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]


def heads_of(vector, num_heads):
    return vector.view(num_heads, -1)


def graph_transformer(encoder, tokens, num_heads):
    def layer(p, x, edges):
        out = []
        for i, row in enumerate(x):
            coming = [(j, e) for j, target, e in edges if target == i]
            parts = []
            for head in range(num_heads):
                query = heads_of(p.linear("lin_query", row), num_heads)[head]
                keys, values = [], []
                for j, e in coming:
                    said = 0 if e is None else heads_of(p.linear("lin_edge", e), num_heads)[head]
                    keys.append(heads_of(p.linear("lin_key", x[j]), num_heads)[head] + said)
                    values.append(heads_of(p.linear("lin_value", x[j]), num_heads)[head] + said)
                weights = softmax([float(query @ key) / len(query) ** 0.5 for key in keys])
                pairs = zip(weights, values, strict=True)
                parts.append(sum((w * v for w, v in pairs), torch.zeros_like(query)))
            out.append(p.linear("lin_skip", row) + torch.cat(parts))
        return out

    return stacked(encoder, tokens, layer)


def gat(encoder, tokens, num_heads):
    def layer(p, x, edges):
        out = []
        for i, row in enumerate(x):
            coming = [(j, e) for j, target, e in edges if target == i and j != i]
            own = None
            if encoder.edge_dim is not None:
                vectors = [e for _, e in coming]
                own = sum(vectors, torch.zeros(encoder.edge_dim).double()) / max(len(vectors), 1)
            coming.append((i, own))
            parts = []
            for head in range(num_heads):
                values = [heads_of(p.linear("lin_l", x[j]), num_heads)[head] for j, _ in coming]
                scores = []
                for value, (_, e) in zip(values, coming, strict=True):
                    mixed = value + heads_of(p.linear("lin_r", row), num_heads)[head]
                    if e is not None:
                        mixed = mixed + heads_of(p.linear("lin_edge", e), num_heads)[head]
                    mixed = torch.where(mixed > 0, mixed, 0.2 * mixed)
                    scores.append(float(p["att"][0, head] @ mixed))
                pairs = zip(softmax(scores), values, strict=True)
                parts.append(sum(weight * value for weight, value in pairs))
            out.append(torch.cat(parts) + p["res.weight"] @ row + p["bias"])
        return out

    return stacked(encoder, tokens, layer)


def smoothing(edges, num_nodes):
    """The dense matrix that GCN multiplies with, row i for what comes in to i."""
    counts = torch.zeros(num_nodes, num_nodes).double()
    for j, i, _ in edges:
        counts[i, j] += 1
    counts.fill_diagonal_(1)
    degree = counts.sum(dim=1)
    return counts / (degree[:, None] * degree).sqrt()


def gcn(encoder, tokens, num_heads):
    def layer(p, x, edges):
        return list(smoothing(edges, len(x)) @ torch.stack(x) @ p["lin.weight"].T + p["bias"])

    return stacked(encoder, tokens, layer)


def gin_layer(p, x, edges):
    out = []
    for i, row in enumerate(x):
        total = (1 + p["eps"]) * row
        for j, target, e in edges:
            if target == i:
                total = total + (x[j] if e is None else (x[j] + p.linear("lin", e)).relu())
        out.append(p.linear("nn.3", p.norm("nn.1", p.linear("nn.0", total)).relu()))
    return out


def gin(encoder, tokens, num_heads):
    return stacked(encoder, tokens, gin_layer)


def graphsage(encoder, tokens, num_heads):
    def layer(p, x, edges):
        out = []
        for i, row in enumerate(x):
            coming = [x[j] for j, target, _ in edges if target == i]
            mean = sum(coming, torch.zeros_like(row)) / max(len(coming), 1)
            out.append(p.linear("lin_l", mean) + p.linear("lin_r", row))
        return out

    return stacked(encoder, tokens, layer)


def attention(p, x, num_heads):
    """Multi-head self-attention of all rows, as torch names its parameters."""
    query, key, value = (
        (torch.stack(x) @ weight.T + bias).view(len(x), num_heads, -1)
        for weight, bias in zip(
            p["in_proj_weight"].chunk(3), p["in_proj_bias"].chunk(3), strict=True
        )
    )
    out = []
    for i in range(len(x)):
        parts = []
        for head in range(num_heads):
            scores = [float(query[i, head] @ row) / query.shape[2] ** 0.5 for row in key[:, head]]
            pairs = zip(softmax(scores), value[:, head], strict=True)
            parts.append(sum(weight * row for weight, row in pairs))
        out.append(p.linear("out_proj", torch.cat(parts)))
    return out


def gps(encoder, tokens, num_heads):
    p, edges = Params(encoder.state_dict()), edge_list(encoder, tokens)
    x = [p.linear("enter", row) for row in tokens.x]
    for number in range(len(encoder.layers)):
        q = p.at(f"layers.{number}")
        near, far = gin_layer(q.at("conv"), x, edges), attention(q.at("attn"), x, num_heads)
        mixed = [
            q.norm("norm1", row + a) + q.norm("norm2", row + b)
            for row, a, b in zip(x, near, far, strict=True)
        ]
        x = [
            q.norm("norm3", row + q.linear("mlp.3", q.linear("mlp.0", row).relu())) for row in mixed
        ]
    return torch.stack(x)


def dagnn(encoder, tokens, num_heads):
    p = Params(encoder.state_dict())
    smooth = smoothing(edge_list(encoder, tokens), tokens.num_nodes)
    hop = torch.stack([p.linear("mlp.4", p.linear("mlp.1", row).relu()) for row in tokens.x])
    total = torch.zeros_like(hop)
    for _ in range(encoder.num_layers + 1):
        total += 1 / (1 + (-(hop @ p["gate.weight"].T)).exp()) * hop
        hop = smooth @ hop
    return total


ENCODERS = {
    "graph_transformer": graph_transformer,
    "gat": gat,
    "gcn": gcn,
    "gin": gin,
    "graphsage": graphsage,
    "gps": gps,
    "dagnn": dagnn,
}
