"""Questions with known answers, any system that answers them, and numbers that can be compared.

A suite is a list of questions over one graph; a system is any callable from a question to a
``Predicted``; ``run`` brings them together.
"""

from graphllm.evaluate.bootstrap import PairedBootstrap, paired_bootstrap
from graphllm.evaluate.comparison import compare, comparison_table
from graphllm.evaluate.examples import Chain, Example, Predicted, Suite
from graphllm.evaluate.report import Report
from graphllm.evaluate.runner import run
from graphllm.evaluate.suites import SUITES, load_suite

__all__ = [
    "SUITES",
    "Chain",
    "Example",
    "PairedBootstrap",
    "Predicted",
    "Report",
    "Suite",
    "compare",
    "comparison_table",
    "load_suite",
    "paired_bootstrap",
    "run",
]
