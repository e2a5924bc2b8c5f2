"""Graph encoders, pooling and soft prompts: tensors in, tensors out.

The encoders need torch-geometric, which takes seconds to import, so they are not imported here:
`encoder_class` finds them by name.
"""

from graphllm.nn.encoder import ENCODERS, GraphEncoder, encoder_class
from graphllm.nn.graph_tokens import GraphTokens
from graphllm.nn.pooling import MeanPooling, Pooled
from graphllm.nn.projector import Projector
from graphllm.nn.soft_prompt import SoftPrompt

__all__ = [
    "ENCODERS",
    "GraphEncoder",
    "GraphTokens",
    "MeanPooling",
    "Pooled",
    "Projector",
    "SoftPrompt",
    "encoder_class",
]
