"""Graph encoders, pooling and soft prompts: tensors in, tensors out.

The encoders need torch-geometric, which takes seconds to import, so they are not imported here:
`encoder_class` finds them by name.
"""

from graphllm.nn.encoder import ENCODERS, GraphEncoder, encoder_class
from graphllm.nn.graph_tokens import GraphTokens
from graphllm.nn.pooling import ItemPooling, MeanPooling, Pooled, QueryPooling
from graphllm.nn.projector import Projector
from graphllm.nn.pyg import tokens_from_pyg, tokens_to_pyg
from graphllm.nn.soft_prompt import SoftPrompt

__all__ = [
    "ENCODERS",
    "GraphEncoder",
    "GraphTokens",
    "ItemPooling",
    "MeanPooling",
    "Pooled",
    "Projector",
    "QueryPooling",
    "SoftPrompt",
    "encoder_class",
    "tokens_from_pyg",
    "tokens_to_pyg",
]
