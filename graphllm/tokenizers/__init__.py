"""Graphs to tokens: vectors of nodes and edges, from how a graph is wired and what it says.

Nothing is imported here: topology needs no torch, which takes seconds to import.
"""
