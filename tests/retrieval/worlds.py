"""Two tiny graphs and the shipped one, with what reads them; each is built once per process.

The films are bare triples, as many graphs are: no types, and years are nodes. The family has types,
typed attributes on nodes and on edges, and a relation that joins people with people.
"""

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache

import numpy as np
from jaxtyping import Float32

from graphllm.examples import path
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.index import Names
from graphllm.io import read_graph
from graphllm.readers.plan_reader import PlanReader
from graphllm.retrieval.english import tokenize
from graphllm.retrieval.linker import Linker
from graphllm.text.encoder import TextEncoder, load_encoder

_FILMS = """\
Alien|directed by|Ridley Scott
Alien|written by|Dan O'Bannon
Alien|starring|Sigourney Weaver
Alien|starring|John Hurt
Alien|release year|1979
Alien|genre|Horror
Alien|genre|Science Fiction
Aliens|directed by|James Cameron
Aliens|written by|James Cameron
Aliens|starring|Sigourney Weaver
Aliens|starring|Bill Paxton
Aliens|release year|1986
Aliens|genre|Science Fiction
Aliens|genre|Action
Avatar|directed by|James Cameron
Avatar|written by|James Cameron
Avatar|starring|Sigourney Weaver
Avatar|starring|Zoe Saldana
Avatar|release year|2009
Avatar|genre|Science Fiction
Titanic|directed by|James Cameron
Titanic|written by|James Cameron
Titanic|starring|Kate Winslet
Titanic|starring|Bill Paxton
Titanic|release year|1997
Titanic|genre|Drama
Blade Runner|directed by|Ridley Scott
Blade Runner|written by|Hampton Fancher
Blade Runner|starring|Harrison Ford
Blade Runner|release year|1982
Blade Runner|genre|Science Fiction
Gladiator|directed by|Ridley Scott
Gladiator|written by|David Franzoni
Gladiator|starring|Russell Crowe
Gladiator|release year|2000
Gladiator|genre|Action
Witness|directed by|Peter Weir
Witness|written by|Earl Wallace
Witness|starring|Harrison Ford
Witness|release year|1985
Witness|genre|Drama
The Elephant Man|directed by|David Lynch
The Elephant Man|written by|David Lynch
The Elephant Man|starring|John Hurt
The Elephant Man|starring|Anthony Hopkins
The Elephant Man|release year|1980
The Elephant Man|genre|Drama
What's Up, Doc?|directed by|Peter Bogdanovich
What's Up, Doc?|starring|Barbra Streisand
What's Up, Doc?|release year|1972
What's Up, Doc?|genre|Comedy
$|directed by|Richard Brooks
$|starring|Warren Beatty
$|release year|1971
$|genre|Comedy
'71|directed by|Yann Demange
'71|starring|Jack O'Connell
'71|release year|2014
'71|genre|Drama
"""


@cache
def films() -> TextualGraph:
    return TextualGraph.from_triples([line.split("|") for line in _FILMS.splitlines()])


_PEOPLE = {
    "anna": ("Anna Berg", "1901-03-05", 12),
    "carl": ("Carl Berg", "1898-07-19", 3),
    "dora": ("Dora Berg", "1925-01-30", 40),
    "emil": ("Emil Berg", "1928-11-02", 7),
    "fritz": ("Fritz Keller", "1921-06-14", 25),
    "greta": ("Greta Keller", "1950-09-09", 18),
    "hugo": ("Hugo Keller", "1953-04-01", 31),
    "ida": ("Ida Lund", "1880-12-24", 2),
    "jonas": ("Jonas Lund", "1975-08-17", 5),
}
_CITIES = {
    "lund": ("Lund", "sweden", 94_000),
    "malmo": ("Malmö", "sweden", 362_000),
    "kiel": ("Kiel", "germany", 247_000),
    "bremen": ("Bremen", "germany", 577_000),
    "graz": ("Graz", "austria", 303_000),
}
_BORN_IN = {
    "anna": "lund", "carl": "kiel", "dora": "kiel", "emil": "kiel", "fritz": "bremen",
    "greta": "malmo", "hugo": "bremen", "ida": "lund", "jonas": "graz",
}  # fmt: skip
_PARENTS = {
    "dora": ("anna", "carl"), "emil": ("anna", "carl"), "greta": ("dora", "fritz"),
    "hugo": ("dora", "fritz"), "jonas": ("greta",), "anna": ("ida",),
}  # fmt: skip
_TAUGHT_BY = {"anna": "ida", "dora": "anna", "emil": "anna", "greta": "emil", "jonas": "greta"}
_WON = {
    ("anna", "lantern"): 1931,
    ("dora", "lantern"): 1960,
    ("greta", "lantern"): 1988,
    ("greta", "compass"): 1992,
    ("emil", "compass"): 1955,
}


@cache
def family() -> TextualGraph:
    builder = GraphBuilder()
    for key, (name, born, letters) in _PEOPLE.items():
        attributes = {"born": date.fromisoformat(born), "letters": letters}
        builder.node(key, name=name, type="person", attributes=attributes)
    for key, (name, _, population) in _CITIES.items():
        builder.node(key, name=name, type="city", attributes={"population": population})
    for key in ("sweden", "germany", "austria"):
        builder.node(key, name=key.title(), type="country")
    builder.node("lantern", name="Golden Lantern", type="award", text="An award for teachers.")
    builder.node("compass", name="Silver Compass", type="award")
    for city, (_, country, _) in _CITIES.items():
        builder.edge(city, "located in", country)
    for person, city in _BORN_IN.items():
        builder.edge(person, "born in", city)
    for child, parents in _PARENTS.items():
        for parent in parents:
            builder.edge(child, "parent", parent)
    for student, teacher in _TAUGHT_BY.items():
        builder.edge(student, "teacher", teacher)
    for (person, award), year in _WON.items():
        builder.edge(person, "won", award, attributes={"year": year})
    builder.edge("anna", "married to", "carl", attributes={"year": 1923})
    builder.edge("dora", "married to", "fritz", attributes={"year": 1948})
    return builder.build()


@cache
def discoveries() -> TextualGraph:
    return read_graph(path("discoveries"))


GRAPHS = {"films": films, "family": family, "discoveries": discoveries}


class Remembering:
    """A text encoder that encodes each text once, however many graphs and tests ask for it."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, Float32[np.ndarray, dim]] = {}
        self._lock = threading.Lock()
        self.dim, self.id = encoder.dim, encoder.id

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
            self._vectors.update(zip(new, self._encoder.encode(new), strict=True))
            return np.array([self._vectors[t] for t in texts], np.float32).reshape(-1, self.dim)


@cache
def encoder() -> Remembering:
    return Remembering(load_encoder())


def warm(questions: Iterable[str]) -> None:
    """Encode the words of many questions in one go, which is quicker than one by one."""
    encoder().encode(sorted({token.folded for q in questions for token in tokenize(q)}))


@cache
def names(world: str) -> Names:
    return Names.build(GRAPHS[world]())


@cache
def reader(world: str) -> PlanReader:
    return PlanReader(GRAPHS[world](), names(world), encoder())


@cache
def linker(world: str) -> Linker:
    return Linker(GRAPHS[world](), names(world))
