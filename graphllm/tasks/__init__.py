"""The Python API of each task."""

from graphllm.tasks.conversation import Conversation
from graphllm.tasks.graph_qa import GraphQA

__all__ = ["Conversation", "GraphQA"]
