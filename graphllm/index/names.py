"""Find nodes by what people call them: as written, folded, or misspelt.

One SQLite file holds, for every node, its name, its aliases and its key where that differs. Each
spelling belongs to a *form*, its folded text; forms are unique, and those of names and aliases are
in an FTS5 trigram index. Rank says which kind of spelling it was, best first.
"""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.errors import DataError, IndexDamagedError
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView
from graphllm.index.progress import Progress, silent, tracked

NAME, ALIAS, KEY, WITHOUT_ARTICLE = range(4)

ARTICLES = ("the ", "a ", "an ")
LONGEST_PHRASE = 20  # words; longer names are texts, and nobody types them into a question
LONGEST_FORM = 256  # characters; what follows only tells apart texts, not names
SHORTEST_PART = 3  # letters of a word by which alone a name may be found
CANDIDATES = 100  # forms that are compared letter by letter
POSTINGS = 8_000  # trigram occurrences read per fuzzy search, which bounds its time
POSTINGS_SHARE = 1 / 40  # ... or of all forms, when that is more: in a crowd, rare is not enough

SCHEMA = """
    CREATE TABLE form (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE spelling (
        form INTEGER, rank INTEGER, node INTEGER, text TEXT, PRIMARY KEY (form, rank, node, text)
    ) WITHOUT ROWID;
    CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER);
    CREATE VIRTUAL TABLE gram USING fts5(
        text, content='', tokenize='trigram case_sensitive 1'
    );
    CREATE VIRTUAL TABLE gram_vocabulary USING fts5vocab(gram, row);
    CREATE TABLE gram_count (gram TEXT PRIMARY KEY, forms INTEGER) WITHOUT ROWID;
"""


class NameMatch(NamedTuple):
    """A node, the spelling that brought it, and how alike that is to what was asked, 0 to 1."""

    node: int
    name: str
    score: float


class Names:
    """The lexical index of one graph's names; safe to share between threads.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> graph = TextualGraph.from_triples([("Amélie", "directed by", "Jean-Pierre Jeunet")])
        >>> names = Names.build(graph)
        >>> names.exact("Amélie").tolist(), names.exact("amelie").tolist()
        ([0], [])
        >>> names.folded("AMELIE!").tolist(), names.fuzzy("jean piere jeunet")[0].name
        ([0], 'Jean-Pierre Jeunet')
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], path: Path | None) -> None:
        self._path = path
        self._connect = connect
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._finalizer = weakref.finalize(self, _close_all, self._opened)

    @classmethod
    def build(
        cls, view: GraphView, path: Path | None = None, progress: Progress = silent
    ) -> "Names":
        """Index the names of ``view`` in a new file at ``path``, or in memory.

        Raises:
            DataError: The file cannot be written.
        """
        try:
            connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
            if path is not None:  # a half-written file is thrown away with its generation
                connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            connection.executescript(SCHEMA)
            with connection:
                _fill(connection, view, progress)
        except sqlite3.OperationalError as error:
            raise DataError(f"{path}: cannot be written: {error}") from error
        if path is None:
            return cls(lambda: connection, None)
        connection.close()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "Names":
        """Open a file that ``build`` wrote; nothing is read yet.

        Raises:
            DataError: There is no such file.
        """
        if not path.is_file():
            raise DataError(f"{path}: no such file; build the index again")
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        return cls(lambda: sqlite3.connect(uri, uri=True, check_same_thread=False), path)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._finalizer()

    @property
    def max_words(self) -> int:
        """The words of the longest folded name, at most 20: longer phrases match nothing."""
        with self._reading() as connection:
            return _fact(connection, "max_words")

    def exact(self, text: str) -> Int32[np.ndarray, "num_found"]:
        """Return the nodes with a name, alias or key that is ``text``, letter by letter."""
        text = _storable(text)
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT spelling.node FROM form JOIN spelling ON form = form.id"
                " WHERE form.text = ? AND spelling.text = ? AND rank < ? ORDER BY rank, node",
                (_form(text), text, WITHOUT_ARTICLE),
            ).fetchall()
        return _unique(node for (node,) in rows)

    def folded(self, text: str, *, articles: bool = False) -> Int32[np.ndarray, "num_found"]:
        """Return the nodes called ``text`` when case, accents and punctuation are ignored.

        Args:
            articles: Also find names without their leading "the", "a" or "an", after the others.
        """
        form = _form(_storable(text))
        return self.folded_many([form], articles=articles).get(form, np.zeros(0, dtype=np.int32))

    def folded_many(
        self, texts: Sequence[str], *, articles: bool = False
    ) -> dict[str, Int32[np.ndarray, "num_found"]]:
        """Look up many texts, folded already, at once; those that name nothing are left out.

        The nodes of one text come by name first, then alias, then key, each by id.
        """
        asked = dict.fromkeys(_storable(text) for text in texts)
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT form.text, node FROM json_each(?) AS asked"
                " CROSS JOIN form ON form.text = asked.value"
                " CROSS JOIN spelling ON spelling.form = form.id AND rank <= ?"
                " ORDER BY asked.id, rank, node",
                (json.dumps(list(asked)), WITHOUT_ARTICLE if articles else KEY),
            ).fetchall()
        found: dict[str, list[int]] = {}
        for text, node in rows:
            found.setdefault(text, []).append(node)
        return {text: _unique(nodes) for text, nodes in found.items()}

    def fuzzy(self, text: str, limit: int = 10) -> list[NameMatch]:
        """Return the nodes whose names look most like ``text``, best first.

        Names that share the rarest trigrams with ``text`` are compared with it in full, so typing
        errors, missing words and swapped words are forgiven. Ties go to the lower node id.
        """
        query = _form(_storable(text))
        with self._reading() as connection:
            forms = self._alike(connection, query)
            scored = _scores(query, forms)[:limit]
            rows = connection.execute(
                "SELECT form, node, text, rank FROM spelling"
                " WHERE form IN (SELECT value FROM json_each(?)) ORDER BY form, rank, node",
                (json.dumps([form for form, _ in scored]),),
            ).fetchall()
        return _matches(rows, dict(scored), limit)

    def containing(self, text: str, limit: int = 10) -> list[NameMatch]:
        """Return the nodes with a name of which ``text`` is some of the words: "Curie", "Einstein".

        Shorter names first; a name is not found by all of its words, which is what ``folded`` does.
        """
        words = _form(_storable(text).replace("\0", " ")).split()  # FTS5 reads up to a NUL
        if not words or max(map(len, words)) < SHORTEST_PART:
            return []
        asked = " AND ".join(f'"{w.replace(chr(34), chr(34) * 2)}"' for w in words if len(w) > 2)
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT form.id, form.text FROM (SELECT rowid AS found FROM gram WHERE gram MATCH ?"
                " LIMIT ?) JOIN form ON form.id = found",
                (asked, CANDIDATES),
            ).fetchall()
            whole = {
                id_: len(words) / len(form.split())
                for id_, form in rows
                if set(words) < set(form.split())
            }
            spellings = connection.execute(
                "SELECT form, node, text, rank FROM spelling"
                " WHERE form IN (SELECT value FROM json_each(?)) AND rank < ?",
                (json.dumps(list(whole)), KEY),
            ).fetchall()
        return _matches(spellings, whole, limit)

    def _alike(self, connection: sqlite3.Connection, query: str) -> dict[int, str]:
        """Return forms worth comparing with ``query``, by id."""
        same = connection.execute("SELECT id, text FROM form WHERE text = ?", (query,)).fetchall()
        grams = _rarest(connection, query)
        if not grams:
            return dict(same)
        asked = " OR ".join(f'"{gram.replace(chr(34), chr(34) * 2)}"' for gram in grams)
        alike = connection.execute(
            "SELECT form.id, form.text FROM"
            " (SELECT rowid AS found FROM gram WHERE gram MATCH ? ORDER BY rank LIMIT ?)"
            " JOIN form ON form.id = found",
            (asked, CANDIDATES),
        ).fetchall()
        return dict(same + alike)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection, and report a damaged file as one."""
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._connect()
                self._local.connection = connection
                self._opened.append(connection)
            yield connection
        except sqlite3.ProgrammingError:
            raise  # closed, which is the caller's doing and no damage
        except sqlite3.DatabaseError as error:
            where = self._path or "the index of names in memory"
            raise IndexDamagedError(f"{where}: {error}; build the index again") from error


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _fact(connection: sqlite3.Connection, name: str) -> int:
    found = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    if found is None:
        raise sqlite3.DatabaseError(f"the file does not say its {name}")
    return int(found[0])


def _storable(text: str) -> str:
    """Return ``text`` as a string table would give it back: lone surrogates are not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _form(text: str) -> str:
    """Fold ``text``; a name of punctuation only, like "$" or "!!!", stands for itself."""
    return (fold(text) or text.strip().casefold())[:LONGEST_FORM]


def _unique(nodes: Iterable[int]) -> Int32[np.ndarray, "num_nodes"]:
    return np.fromiter(dict.fromkeys(nodes), dtype=np.int32)


def _fill(connection: sqlite3.Connection, view: GraphView, progress: Progress) -> None:
    forms: dict[str, list[tuple[int, int, str]]] = {}
    for node, rank, text in _spellings(view, progress):
        form = _form(text)
        if form:
            forms.setdefault(form, []).append((rank, node, text))
            bare = form if rank == KEY else _without_article(form)
            if bare != form:
                forms.setdefault(bare, []).append((WITHOUT_ARTICLE, node, text))
    ordered = sorted(forms)
    connection.executemany("INSERT INTO form VALUES (?, ?)", enumerate(ordered))
    connection.executemany(
        "INSERT OR IGNORE INTO spelling VALUES (?, ?, ?, ?)",
        ((id_, *row) for id_, form in enumerate(ordered) for row in sorted(forms[form])),
    )
    connection.execute("CREATE UNIQUE INDEX form_of_text ON form (text)")
    counted = enumerate(tracked(ordered, "indexing names", len(ordered), progress))
    connection.executemany(
        "INSERT INTO gram (rowid, text) VALUES (?, ?)",
        ((id_, form) for id_, form in counted if _is_named(forms[form])),
    )
    connection.execute("INSERT INTO gram_count SELECT term, doc FROM gram_vocabulary")
    longest = max((form.count(" ") + 1 for form in ordered), default=0)
    facts = [("max_words", min(longest, LONGEST_PHRASE)), ("forms", len(ordered))]
    connection.executemany("INSERT INTO fact VALUES (?, ?)", facts)


def _spellings(view: GraphView, progress: Progress) -> Iterator[tuple[int, int, str]]:
    """Yield (node, rank, text) for all that a node is called."""
    both = zip(view.names, view.keys, strict=True)
    for node, (name, key) in enumerate(tracked(both, "reading names", view.num_nodes, progress)):
        yield node, NAME, name
        if key != name:
            yield node, KEY, key
    for node in range(view.num_nodes) if _has_aliases(view) else ():
        for alias in view.aliases(node):
            yield node, ALIAS, alias


def _has_aliases(view: GraphView) -> bool:
    """Say whether asking each node for aliases is worth it; a view that cannot tell is asked."""
    owners = getattr(view, "alias_ids", None)
    return owners is None or len(owners) > 0


def _without_article(form: str) -> str:
    for article in ARTICLES:
        if form.startswith(article):
            return form.removeprefix(article)
    return form


def _is_named(spellings: Iterable[tuple[int, int, str]]) -> bool:
    """Say whether a form is a name or an alias; keys are often addresses, alike by the million."""
    return any(rank in (NAME, ALIAS) for rank, _, _ in spellings)


def _rarest(connection: sqlite3.Connection, query: str) -> list[str]:
    """Return the trigrams of ``query`` that the index holds, rarest first, within the budget."""
    grams = sorted({query[i : i + 3] for i in range(len(query) - 2)})
    counted = connection.execute(
        "SELECT gram, forms FROM gram_count WHERE gram IN (SELECT value FROM json_each(?))"
        " ORDER BY forms, gram",
        (json.dumps(grams),),
    ).fetchall()
    budget = max(POSTINGS, _fact(connection, "forms") * POSTINGS_SHARE)
    total, kept = 0, list[str]()
    for gram, forms in counted:
        total += forms
        if kept and total > budget:
            break
        kept.append(gram)
    return kept


def _scores(query: str, forms: Mapping[int, str]) -> list[tuple[int, float]]:
    """Return (form id, likeness 0 to 1), best first."""
    from rapidfuzz import fuzz

    def likeness(form: str) -> float:
        if form == query:
            return 1.0
        shorter, longer = sorted((len(form), len(query)))
        same_words = fuzz.token_set_ratio(query, form) * (0.6 + 0.3 * shorter / longer)
        return float(
            max(fuzz.ratio(query, form), 0.97 * fuzz.token_sort_ratio(query, form), same_words)
            / 100
        )

    scored = [(id_, likeness(form)) for id_, form in forms.items()]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def _matches(
    rows: Iterable[tuple[int, int, str, int]], scores: Mapping[int, float], limit: int
) -> list[NameMatch]:
    """Return one match per node, by its best spelling; names come before aliases and keys."""
    ordered = sorted(rows, key=lambda row: (-scores[row[0]], row[3], row[1], row[2]))
    best: dict[int, NameMatch] = {}
    for form, node, text, _ in ordered:
        best.setdefault(node, NameMatch(node, text, scores[form]))
    return list(best.values())[:limit]
