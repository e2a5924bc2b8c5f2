"""Read what somebody teaches: ``R17 means "supplies"``, ``"IBM" is "I. B. Machines"``."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from graphllm.errors import ConfigError
from graphllm.graph.folding import fold, humanize
from graphllm.graph.plain import plain
from graphllm.graph.taught import Alias, Lesson, Meaning
from graphllm.graph.view import GraphView
from graphllm.index.names import Names
from graphllm.retrieval.labels import turned
from graphllm.retrieval.schema import relation_words

FORM = 'say R17 means "supplies", ~R17 means "supplied by", or "IBM" is "Some Name in the graph"'
_LONGEST_PHRASE = 80  # characters
_MOST_WORDS = 8
_LONGEST_NAME = 200  # characters
_MOST_NODES = 64  # of one name
_NEAR = 3
_ALIKE = 60  # percent
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»", "\u2018": "\u2019"}
_VERB = re.compile(r"\s+(means|is)\s+")


class _Said(NamedTuple):
    left: str
    verb: str
    right: str
    inverse: bool


def read_lesson(text: str, view: GraphView, names: Names) -> Lesson:
    """Return what ``text`` teaches about a graph.

    Args:
        text: ``RELATION means "words"``, ``~RELATION means "words"`` for how the relation reads
            from tail to head, or ``"other name" is "name in the graph"``. Quotes may be left out.

    Raises:
        ConfigError: It is neither, or names what is not in the graph.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> graph = TextualGraph.from_triples([("Arbel", "R17", "Bolt AG")])
        >>> print(read_lesson('R17 means "supplies"', graph, Names.build(graph)))
        R17 means "supplies"
        >>> read_lesson("the bolt makers is Bolt AG", graph, Names.build(graph))
        Alias(alias='the bolt makers', name='Bolt AG', keys=('Bolt AG',))
    """
    said = _read(text.strip())
    if said.verb == "means":
        return _meaning(said, view)
    if said.inverse:
        raise ConfigError(f"~ stands before a relation; {FORM}")
    return _alias(said, view, names)


def _read(text: str) -> _Said:
    """Take a lesson apart.

    Raises:
        ConfigError: It has not the form of one.
    """
    if plain(text) != text:
        raise ConfigError(f"{_shown(text)} holds characters that cannot be shown; {FORM}")
    rest = text.removeprefix("~").lstrip()
    inverse = text.startswith("~")
    quoted, rest = _unquoted(rest)
    found = _VERB.search(f" {rest}" if quoted is not None else rest)
    if found is None or (quoted is not None and found.start() > 0):
        raise ConfigError(f"{_shown(text)} teaches nothing; {FORM}")
    whole = f" {rest}" if quoted is not None else rest
    left = whole[: found.start()] if quoted is None else quoted
    right = whole[found.end() :].strip()
    said, more = _unquoted(right)
    if said is not None and more.strip(" ."):
        raise ConfigError(f"{_shown(text)} goes on after the quotes; teach one thing at a time")
    return _Said(left.strip(), found[1], (right if said is None else said).strip(), inverse)


def _unquoted(text: str) -> tuple[str | None, str]:
    """Return what stands in quotes at the beginning, or ``None``, and the rest."""
    closing = _QUOTES.get(text[:1])
    end = text.find(closing, 1) if closing else -1
    return (None, text) if end < 0 else (text[1:end], text[end + 1 :].lstrip())


def _meaning(said: _Said, view: GraphView) -> Meaning:
    relation = _relation(said.left, view)
    phrase = " ".join(said.right.split())
    words = humanize(phrase).split()
    if not any(c.isalpha() for c in "".join(words)):
        raise ConfigError(f'{relation} must mean something in words, e.g. "supplies"')
    if len(phrase) > _LONGEST_PHRASE or len(words) > _MOST_WORDS:
        raise ConfigError(
            f"{relation} must mean at most {_MOST_WORDS} words ({_LONGEST_PHRASE} characters),"
            f" not {len(words)}; say it as short as a relation is called"
        )
    if said.inverse and relation not in view.relations:
        raise ConfigError(f"{relation} is an attribute, which has no other direction; leave ~ out")
    if said.inverse and not turned(humanize(phrase)):
        raise ConfigError(
            f'"{phrase}" cannot be turned round; say what {relation} means from head to tail,'
            f" without ~"
        )
    return Meaning(relation, phrase, said.inverse)


def _relation(name: str, view: GraphView) -> str:
    """Return the relation or attribute that is called ``name``, as the graph writes it."""
    known = [*view.relations, *view.node_columns]
    if name in known:
        return name
    folded = fold(name)
    for words in (fold, humanize, relation_words):
        found = [label for label in known if folded and fold(words(label)) == folded]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"{_shown(name)} is several relations: {_listed(found)}; name one")
    near = _nearest(name, known)
    raise ConfigError(f"no relation or attribute is called {_shown(name)}{_hint(near)}")


def _alias(said: _Said, view: GraphView, names: Names) -> Alias:
    right, left = _nodes(said.right, view, names), _nodes(said.left, view, names)
    alias, name, nodes = (said.left, said.right, right) if right else (said.right, said.left, left)
    if not nodes:
        near = [match.name for text in (name, alias) for match in names.fuzzy(text, limit=_NEAR)]
        raise ConfigError(
            f"neither {_shown(said.left)} nor {_shown(said.right)} is a name in this graph"
            f"{_hint(near)}"
        )
    if len(alias) > _LONGEST_NAME or not fold(alias):
        raise ConfigError(
            f"a name has letters or digits, and at most {_LONGEST_NAME} characters; {FORM}"
        )
    if set(nodes) <= set(left if right else right):
        raise ConfigError(f"{_shown(alias)} is a name of {_shown(name)} in this graph already")
    return Alias(alias, name, tuple(view.keys[node] for node in nodes))


def _nodes(name: str, view: GraphView, names: Names) -> list[int]:
    """Return the nodes with a key or a name, as written or else folded."""
    node = view.find_key(name)
    exact = names.exact(name).tolist() or ([] if node is None else [node])
    return (exact or names.folded(name).tolist())[:_MOST_NODES]


def _nearest(name: str, known: Sequence[str]) -> list[str]:
    from rapidfuzz import fuzz, process

    found = process.extract(
        fold(name), {label: fold(humanize(label)) for label in known}, scorer=fuzz.ratio,
        score_cutoff=_ALIKE, limit=_NEAR,
    )  # fmt: skip
    return [label for _, _, label in found]


def _hint(near: Sequence[str]) -> str:
    found = list(dict.fromkeys(near))[:_NEAR]
    return f"; did you mean {_listed(found)}?" if found else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_shown(name) for name in names[:_NEAR])


def _shown(text: str) -> str:
    text = plain(text)
    return repr(text if len(text) <= _LONGEST_PHRASE else f"{text[:_LONGEST_PHRASE]}...")
