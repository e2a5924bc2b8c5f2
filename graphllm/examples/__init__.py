"""Graphs that ship with graphllm, so that a first question needs no file of one's own.

Examples:
    >>> sorted(file.name for file in DISCOVERIES.glob("*.csv"))
    ['edges.csv', 'nodes.csv']
"""

from pathlib import Path

__all__ = ["DISCOVERIES"]

DISCOVERIES = Path(__file__).parent / "discoveries"
"""The folder of the example graph: scientists, discoveries, prizes and places."""
