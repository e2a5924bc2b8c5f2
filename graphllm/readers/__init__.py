"""Readers turn a question and a graph into a draft answer."""

from graphllm.readers.plan_reader import PlanReader, Reading

__all__ = ["PlanReader", "Reading"]
