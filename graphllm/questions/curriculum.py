"""The curriculum: questions over invented graphs of every schema, one after the other."""

from collections.abc import Collection, Iterator

import numpy as np

from graphllm.questions.generate import BuiltGraph, absent_senses, generate
from graphllm.questions.names import invent
from graphllm.questions.question import BuiltQuestion
from graphllm.questions.sampling import Sampler
from graphllm.questions.schema import Schema, schemas

HELD_OUT = frozenset(
    {"agriculture", "energy", "law", "logistics", "mining", "museums", "music", "railways"}
)
"""Domains that no shipped weights were trained on: to calibrate with, and to measure on."""


def sampler_of(built: BuiltGraph, rng: np.random.Generator, *, dirt: float = 0.12) -> Sampler:
    """Return a sampler of questions over an invented graph.

    Args:
        dirt: Share of names that are misspelt.
    """
    kinds = built.schema.kinds

    def new_name(kind: str) -> str:
        return invent(kinds[kind].names if kind in kinds else "firm", rng)

    return Sampler(
        built.graph,
        built.lexicon,
        rng,
        absent=absent_senses(built),
        untold=built.untold,
        new_name=new_name,
        dirt=dirt,
        domain=built.schema.domain,
        schema=built.schema.name,
    )


def curriculum(
    rng: np.random.Generator,
    num_graphs: int,
    questions_per_graph: int,
    *,
    num_nodes: int | None = None,
    without: Collection[str] = (),
) -> Iterator[tuple[BuiltGraph, list[BuiltQuestion]]]:
    """Yield invented graphs, each with questions over it.

    Every schema comes once before any comes again; the same generator state gives the same
    curriculum.

    Args:
        num_nodes: About how many nodes a graph has; between 50 and 2,000 when ``None``.
        without: Domains left out, to train without them.

    Examples:
        >>> graph, questions = next(curriculum(np.random.default_rng(0), 1, 5, num_nodes=80))
        >>> len(questions), questions[0].domain == graph.schema.domain
        (5, True)
    """
    chosen = [schema for schema in schemas() if schema.domain not in without]
    for schema in _in_turns(chosen, rng, num_graphs):
        built = generate(schema, rng, num_nodes=num_nodes)
        yield built, list(sampler_of(built, rng).questions(questions_per_graph))


def _in_turns(chosen: list[Schema], rng: np.random.Generator, num: int) -> Iterator[Schema]:
    order: list[int] = []
    for _ in range(num):
        if not order:
            order = rng.permutation(len(chosen)).tolist()
        yield chosen[order.pop()]
