"""A large made-up graph with a real one buried in it.

The made-up nodes are people, organisations, places, works, products and events without types, as
MetaQA's are. Their names are built from the words of MetaQA's own names, so that stretches of a
question name many things: people share first and last names, works share words with films, and a
stated part of MetaQA's names are names of made-up nodes too. Forty relations of other domains join
them, a few of which mean nearly what one of MetaQA's does ("authored by", "book genre"). Degrees
have heavy tails. Some of MetaQA's nodes take part in these relations, and its years and genres are
shared with made-up works, so that they become hubs. Ids of nodes and edges are shuffled.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from graphllm.graph import StringTable, TextualGraph

KINDS = {
    "person": 0.35,
    "organisation": 0.15,
    "place": 0.08,
    "work": 0.20,
    "product": 0.15,
    "event": 0.07,
}
RELATIONS = (  # label, kind of head, kind of tail, share of the made-up edges
    ("works at", "person", "organisation", 6),
    ("born in", "person", "place", 6),
    ("lives in", "person", "place", 5),
    ("married to", "person", "person", 2),
    ("studied at", "person", "organisation", 4),
    ("member of", "person", "organisation", 4),
    ("supervised by", "person", "person", 3),
    ("plays for", "person", "organisation", 2),
    ("awarded at", "person", "event", 2),
    ("attended", "person", "event", 4),
    ("invested in", "person", "organisation", 2),
    ("located in", "organisation", "place", 5),
    ("supplies", "organisation", "organisation", 5),
    ("owns", "organisation", "organisation", 3),
    ("founded by", "organisation", "person", 2),
    ("manufactures", "organisation", "product", 5),
    ("sponsors", "organisation", "event", 2),
    ("competes with", "organisation", "organisation", 3),
    ("audited by", "organisation", "organisation", 1),
    ("insured by", "organisation", "organisation", 1),
    ("part of", "place", "place", 2),
    ("twinned with", "place", "place", 1),
    ("borders", "place", "place", 1),
    ("governed by", "place", "person", 1),
    ("authored by", "work", "person", 4),  # nearly "written_by"
    ("narrated by", "work", "person", 1),
    ("translated by", "work", "person", 1),
    ("managed by", "organisation", "person", 2),  # nearly "directed_by"
    ("book genre", "work", "genre", 3),  # nearly "has_genre"
    ("publication year", "work", "year", 3),  # nearly "release_year"
    ("published by", "work", "organisation", 2),
    ("cites", "work", "work", 4),
    ("adapted for", "work", "event", 1),
    ("contains part", "product", "product", 3),
    ("sold in", "product", "place", 3),
    ("designed by", "product", "person", 1),
    ("replaces", "product", "product", 1),
    ("held in", "event", "place", 2),
    ("organised by", "event", "organisation", 2),
    ("followed by", "event", "event", 1),
)
LINKED = 0.3  # of MetaQA's nodes take part in made-up relations
NAMESAKES = 0.02  # of MetaQA's names are the name of a made-up node too, besides chance
TAIL = 3  # the node of rank r among n is drawn in proportion to r ** (1 / TAIL - 1)
PLACE_ENDS = ("ville", "ton", "burg", "ford", "haven", "field", "mouth", "dale", "wick", "stad")
PLACE_STARTS = ("North", "South", "New", "Port", "Saint", "Lake", "Upper", "Fort", "Mount", "East")
FIRMS = ("Holdings", "Industries", "University", "Bank", "Institute", "Systems", "Brothers", "FC")
EVENTS = ("Festival", "Cup", "Conference", "Expo", "Awards", "Summit", "Marathon", "Biennale")
GLUE = (" ", " ", " ", " of the ", " and the ", " in ", " of ", ": ")


class Made(NamedTuple):
    """The buried graph, and how it lies.

    Attributes:
        linking_edges: Edges between a node of the real graph and a made-up one.
        namesakes: Nodes of the real graph whose name is that of a made-up node too.
    """

    graph: TextualGraph
    linking_edges: int
    namesakes: int


def bury(real: TextualGraph, num_nodes: int, num_edges: int, rng: np.random.Generator) -> Made:
    """Return a graph of ``num_nodes`` and ``num_edges`` that holds all of MetaQA's ``real``."""
    num_new = num_nodes - real.num_nodes
    kind_of, pools = _pools(real, num_new, rng)
    names = _names(real, kind_of, rng)
    linking = _linking_edges(real, pools, rng)
    plain = _plain_edges(pools, num_edges - real.num_edges - len(linking), rng)
    offset = len(RELATIONS)
    own = np.stack([real.heads, real.relation_ids + offset, real.tails], axis=1)
    edges = np.concatenate([own, linking, plain])[rng.permutation(num_edges)]
    place = rng.permutation(num_nodes).astype(np.int32)  # where each node goes
    called = np.array([*real.names, *names], dtype=object)
    ordered = np.empty_like(called)
    ordered[place] = called
    mixed = np.stack([place[edges[:, 0]], edges[:, 1], place[edges[:, 2]]]).astype(np.int32)
    graph = TextualGraph(
        keys=StringTable.from_strings(f"Q{node}" for node in range(num_nodes)),
        names=StringTable.from_strings(ordered),
        heads=mixed[0].copy(),
        relation_ids=mixed[1].copy(),
        tails=mixed[2].copy(),
        relations=(*(label for label, _, _, _ in RELATIONS), *real.relations),
    )
    across = (edges[:, [0, 2]] < real.num_nodes).sum(axis=1) == 1
    shared = set(names)
    return Made(graph, int(across.sum()), sum(name in shared for name in real.names))


def _pools(
    real: TextualGraph, num_new: int, rng: np.random.Generator
) -> tuple[list[str], dict[str, Int[np.ndarray, "num_of_kind"]]]:
    """Return the kind of each made-up node, and the nodes of each kind, likeliest first."""
    counts = np.floor(np.array(list(KINDS.values())) * num_new).astype(int)
    counts[0] += num_new - counts.sum()
    kind_of = [kind for kind, count in zip(KINDS, counts, strict=True) for _ in range(count)]
    ends = real.num_nodes + np.cumsum(counts)
    pools = {
        kind: rng.permutation(np.arange(end - count, end))
        for kind, count, end in zip(KINDS, counts.tolist(), ends.tolist(), strict=True)
    }
    pools["year"], pools["genre"] = (_tails(real, [r]) for r in ("release_year", "has_genre"))
    return kind_of, pools


def _tails(real: TextualGraph, relations: Sequence[str]) -> Int[np.ndarray, "num_tails"]:
    wanted = [real.relations.index(relation) for relation in relations]
    return np.unique(real.tails[np.isin(real.relation_ids, wanted)])


def _plain_edges(
    pools: Mapping[str, Int[np.ndarray, "num_of_kind"]], count: int, rng: np.random.Generator
) -> Int[np.ndarray, "num_edges 3"]:
    shares = np.array([share for _, _, _, share in RELATIONS], dtype=float)
    per_relation = np.floor(shares / shares.sum() * count).astype(int)
    per_relation[0] += count - per_relation.sum()
    return np.concatenate(
        [
            np.stack(
                [
                    _drawn(pools[head], size, rng),
                    np.full(size, relation),
                    _drawn(pools[tail], size, rng),
                ],
                axis=1,
            ).astype(np.int32)
            for relation, ((_, head, tail, _), size) in enumerate(
                zip(RELATIONS, per_relation.tolist(), strict=True)
            )
        ]
    )


def _drawn(
    pool: Int[np.ndarray, "n"], size: int, rng: np.random.Generator
) -> Int[np.ndarray, "size"]:
    """Draw nodes with a heavy tail: the first of the pool are hubs."""
    return pool[(len(pool) * rng.random(size) ** TAIL).astype(np.int64)]


def _linking_edges(
    real: TextualGraph,
    pools: Mapping[str, Int[np.ndarray, "num_of_kind"]],
    rng: np.random.Generator,
) -> Int[np.ndarray, "num_links 3"]:
    """Give ``LINKED`` of the real people and films one to four edges of made-up relations."""
    own = {
        "person": _tails(real, ["directed_by", "written_by", "starred_actors"]),
        "work": np.unique(real.heads),
    }
    found = []
    for kind, nodes in own.items():
        nodes = rng.choice(nodes, int(len(nodes) * LINKED), replace=False)
        nodes = np.repeat(nodes, rng.integers(1, 5, len(nodes)))
        sides = [(r, 0) for r, (_, head, _, _) in enumerate(RELATIONS) if head == kind]
        sides += [(r, 1) for r, (_, _, tail, _) in enumerate(RELATIONS) if tail == kind]
        picks = rng.integers(len(sides), size=len(nodes))
        for node, pick in zip(nodes.tolist(), picks.tolist(), strict=True):
            relation, side = sides[pick]
            other = _drawn(pools[RELATIONS[relation][2 - side]], 1, rng)[0]
            found.append((other, relation, node) if side else (node, relation, other))
    return np.array(found, dtype=np.int32)


def _names(real: TextualGraph, kind_of: Sequence[str], rng: np.random.Generator) -> list[str]:
    people = [real.names[int(n)] for n in _tails(real, ["directed_by", "starred_actors"])]
    films = [real.names[int(n)] for n in np.unique(real.heads)]
    parts = [name.split() for name in people]
    first = [p[0] for p in parts if len(p) > 1]
    last = [p[-1] for p in parts if len(p) > 1]
    words = [w for film in films for w in film.split()]
    makers = {
        "person": lambda n: _joined(rng, n, first, (" ",), last),
        "organisation": lambda n: _joined(rng, n, last, (" ", " & "), last, (" ",), FIRMS),
        "place": lambda n: _places(rng, n, last),
        "work": lambda n: _works(rng, n, words),
        "product": lambda n: _numbered(_joined(rng, n, words, (" ", "-"), words), 9_999, rng),
        "event": lambda n: _numbered(_joined(rng, n, last, (" ",), EVENTS), 2_025, rng),
    }
    names: list[str] = []
    for kind in KINDS:
        names += makers[kind](kind_of.count(kind))
    taken = rng.choice(real.num_nodes, int(real.num_nodes * NAMESAKES), replace=False)
    for place, node in zip(rng.choice(len(names), len(taken), replace=False), taken, strict=True):
        names[place] = real.names[int(node)]
    return names


def _joined(rng: np.random.Generator, count: int, *parts: Sequence[str]) -> list[str]:
    drawn = (_words(part, count, rng) for part in parts)
    return ["".join(chosen) for chosen in zip(*drawn, strict=True)]


def _words(words: Sequence[str], count: int, rng: np.random.Generator) -> Iterator[str]:
    return (words[i] for i in rng.integers(len(words), size=count).tolist())


def _places(rng: np.random.Generator, count: int, roots: Sequence[str]) -> list[str]:
    return _joined(rng, count, PLACE_STARTS, (" ",), roots, PLACE_ENDS)


def _works(rng: np.random.Generator, count: int, words: Sequence[str]) -> list[str]:
    """Return titles of one to five words, in the proportions 3 : 25 : 40 : 22 : 10."""
    lengths = rng.choice(np.arange(1, 6), size=count, p=[0.03, 0.25, 0.40, 0.22, 0.10])
    drawn, glue = _words(words, int(lengths.sum()), rng), _words(GLUE, int(lengths.sum()), rng)
    return [
        "".join(f"{next(glue) if i else ''}{next(drawn)}" for i in range(length))
        for length in lengths.tolist()
    ]


def _numbered(names: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    return [f"{n} {i}" for n, i in zip(names, rng.integers(1, most, len(names)), strict=True)]
