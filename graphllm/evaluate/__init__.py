"""Questions with known answers, any system that answers them, and numbers that can be compared.

A suite is a list of questions over one graph, or each over its own; a system is any callable from
a question to a ``Predicted``; ``run`` brings them together, ``run_system`` in batches.
"""

from graphllm.evaluate.bootstrap import PairedBootstrap, paired_bootstrap
from graphllm.evaluate.comparison import compare, comparison_table
from graphllm.evaluate.examples import (
    Chain,
    Compared,
    Example,
    Predicted,
    Published,
    PublishedPrompt,
    Suite,
)
from graphllm.evaluate.hallucination import Named, hallucination
from graphllm.evaluate.report import Report
from graphllm.evaluate.runner import Query, run, run_system
from graphllm.evaluate.suites import SUITES, load_suite

__all__ = [
    "SUITES",
    "Chain",
    "Compared",
    "Example",
    "Named",
    "PairedBootstrap",
    "Predicted",
    "Published",
    "PublishedPrompt",
    "Query",
    "Report",
    "Suite",
    "compare",
    "comparison_table",
    "hallucination",
    "load_suite",
    "paired_bootstrap",
    "run",
    "run_system",
]
