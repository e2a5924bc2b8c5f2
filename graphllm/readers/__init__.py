"""Readers turn a question and a graph into a draft answer."""

from graphllm.readers.plan_reader import PlanReader
from graphllm.readers.reading import Reader, Reading

__all__ = ["PlanReader", "Reader", "Reading"]
