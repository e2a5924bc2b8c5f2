"""Schemas of invented graphs, and how people speak about what is in them.

    [[schema]]
    name = "ships and ports"
    [schema.kinds]
    ship = {nouns = ["ship", "vessel"], names = "ship", num = 50, attributes = ["built"]}
    [[schema.relations]]
    triple = "ship owned_by line"                what the head is, the relation's own name, the tail
    each = "1"                                   tails of a head; "0-3" for some or none
    labels = ["owned by", "owner"]               what a graph may call it, from head to tail
    back = ["owns", "fleet"]                     what a graph may call the edge from tail to head
    say = ["t owns h", "h belongs to t"]         clauses
    tail = ["owner"]                             what the tail is to the head
    head = ["ship"]                              what the head is to the tail
    ask_tail = ["Whose ship is {h}?"]            whole questions for the tail
    ask_head = ["What has {t} got afloat?"]      whole questions for the head
    edge = {use = "since"}                       an attribute of the edge, from ``edges.toml``

Schemas are the files of ``graphllm/questions/schemas``, one for each domain; attributes that many
kinds share are in ``attributes.toml``.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeAlias

from graphllm.errors import DataError
from graphllm.questions.clauses import Clause
from graphllm.questions.inflect import Noun
from graphllm.retrieval.english import words
from graphllm.retrieval.labels import VERBS, LabelForm, label_form

Table: TypeAlias = Mapping[str, object]
_VERBAL = ("s", "ed", "ing", "wn", "ught", "ore")
_NO_NOUN = words(
    "has is in on at by to of for once under over next also downstream upstream took takes"
)
_LONGEST_NOUN = 3  # words of a label


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """What a kind of node is called."""

    nouns: tuple[Noun, ...]
    is_person: bool = False
    is_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeWords:
    """How people ask for an attribute of a node and compare by it.

    Attributes:
        nouns: "population"; "the population of Ulm".
        ask: Whole questions about ``{x}``.
        most, least: Superlatives, before the noun: "most populous".
        compare: "larger" and "smaller", for "which is ..., a or b?"; may be empty.
        more, less, same: Predicates with ``{v}``: "has more than {v} inhabitants".
        is_time: Compared by "before" and "after".
        adds: A sum of it means something.
    """

    nouns: tuple[str, ...]
    ask: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    is_time: bool = False
    adds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeWords:
    """How people ask for an attribute of an edge and limit a relation by it.

    Attributes:
        noun: What the value is.
        ask: Whole questions; ``{s}`` is a yes-or-no question about the relation.
        more, less, same: Adverbs with ``{v}``: "since {v}".
        tense: Which clauses go with it: "present", "past", or any.
    """

    noun: str
    ask: tuple[str, ...]
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    tense: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationWords:
    """How people speak about a relation; ``h`` and ``t`` are its head and its tail.

    Attributes:
        clauses: Sentences, in both directions.
        tail_nouns: What the tail is to the head: "the owner of h".
        head_nouns: What the head is to the tail.
        tail_labels, head_labels: The same, as graphs call it where they do not say it so.
        ask_tails: Whole questions for the tail of ``{h}``.
        ask_heads: Whole questions for the head of ``{t}``.
        one_tail: A head has one tail at most.
        one_head: A tail has one head at most.
        symmetric: It holds both ways.
        is_noun: All that is known is what the tail is called, so the tail is best called that.
    """

    clauses: tuple[Clause, ...] = ()
    tail_nouns: tuple[Noun, ...] = ()
    head_nouns: tuple[Noun, ...] = ()
    tail_labels: tuple[Noun, ...] = ()
    head_labels: tuple[Noun, ...] = ()
    ask_tails: tuple[str, ...] = ()
    ask_heads: tuple[str, ...] = ()
    one_tail: bool = False
    one_head: bool = False
    symmetric: bool = False
    is_noun: bool = False
    edge: EdgeWords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRange:
    """Which values an invented attribute takes: ``kind`` is as ``attributes.toml`` writes it."""

    kind: str
    labels: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSchema:
    """An attribute of a kind of node: its values and its words."""

    name: str
    range: ValueRange
    words: AttributeWords


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSchema:
    """A kind of node: its words, the recipe of its names, and how many there are in proportion."""

    name: str
    words: KindWords
    names: str
    num: int
    attributes: tuple[AttributeSchema, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationSchema:
    """A relation: between which kinds, how many, what a graph calls it and how people speak of it.

    Attributes:
        fewest, most: Tails of one head.
        sparse: Share of the heads that have a tail at all.
        labels: Labels that read from head to tail.
        back: Labels that read from tail to head.
        edge_range: Values of the attribute on its edges.
    """

    name: str
    head: str
    tail: str
    fewest: int
    most: int
    sparse: float
    labels: tuple[str, ...]
    back: tuple[str, ...]
    words: RelationWords
    edge_range: ValueRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What is in a graph of some domain."""

    domain: str
    name: str
    kinds: Mapping[str, KindSchema] = field(hash=False)
    relations: tuple[RelationSchema, ...]


@lru_cache(maxsize=1)
def schemas() -> tuple[Schema, ...]:
    """Return every schema that ships, ordered by domain and name.

    Raises:
        DataError: A file does not hold what a schema needs; the message names file and place.
    """
    folder = files("graphllm.questions") / "schemas"
    found = [s for file in folder.iterdir() if file.name.endswith(".toml") for s in _read(file)]
    return tuple(sorted(found, key=lambda schema: (schema.domain, schema.name)))


def _read(file: Traversable) -> Iterable[Schema]:
    return read_schemas(file.read_text("utf-8"), where=file.name)


def read_schemas(text: str, where: str = "schemas") -> list[Schema]:
    """Return the schemas that one TOML file writes.

    Args:
        where: What errors call the file.

    Raises:
        DataError: Something is missing, unknown or malformed.
    """
    try:
        table = tomllib.loads(text)
        domain = _text(table, "domain")
        return [_schema(domain, entry) for entry in _tables(table, "schema")]
    except (DataError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{where}: {error}") from error


def _schema(domain: str, table: Table) -> Schema:
    name = _text(table, "name")
    entries = table.get("kinds")
    if not isinstance(entries, dict):
        raise DataError(f"schema {name!r} needs a table 'kinds'")
    try:
        kinds = {kind: _kind(kind, entry) for kind, entry in entries.items()}
        relations = [_relation(entry, kinds) for entry in _tables(table, "relations")]
    except DataError as error:
        raise DataError(f"schema {name!r}: {error}") from error
    return Schema(domain=domain, name=name, kinds=kinds, relations=tuple(relations))


def _kind(name: str, table: Table) -> KindSchema:
    words = KindWords(
        nouns=_nouns(table, "nouns"),
        is_person=bool(table.get("person", False)),
        is_place=bool(table.get("place", False)),
    )
    attributes = tuple(map(shared_attribute, _texts(table, "attributes")))
    num = table.get("num")
    if not isinstance(num, int):
        raise DataError(f"kind {name!r} needs a whole number 'num'")
    return KindSchema(
        name=name, words=words, names=_text(table, "names"), num=num, attributes=attributes
    )


def _relation(table: Table, kinds: Mapping[str, KindSchema]) -> RelationSchema:
    triple = _text(table, "triple").split()
    if len(triple) != 3 or triple[0] not in kinds or triple[2] not in kinds:
        raise DataError(f"relation {' '.join(triple)!r}: expected a kind, a name and a kind")
    head, name, tail = triple
    fewest, _, most = _text(table, "each").partition("-")
    use = table.get("edge")
    edge = shared_edge(_text(use, "use")) if isinstance(use, dict) else None
    clauses = tuple(map(Clause.read, _texts(table, "say")))
    labels, back = _texts(table, "labels"), _texts(table, "back")
    words = RelationWords(
        clauses=clauses,
        tail_nouns=_nouns(table, "tail"),
        head_nouns=_nouns(table, "head"),
        tail_labels=_label_nouns(labels, clauses),
        head_labels=_label_nouns(back, clauses),
        ask_tails=_texts(table, "ask_tail"),
        ask_heads=_texts(table, "ask_head"),
        one_tail=int(most or fewest) == 1,
        one_head=bool(table.get("unique", False)) or table.get("heads") == 1,
        symmetric=bool(table.get("symmetric", False)),
        edge=None if edge is None else edge[1],
    )
    sparse = table.get("sparse", 1.0 if int(fewest) else 0.7)
    return RelationSchema(
        name=name,
        head=head,
        tail=tail,
        fewest=int(fewest),
        most=int(most or fewest),
        sparse=float(sparse) if isinstance(sparse, int | float) else 1.0,
        labels=labels,
        back=back,
        words=words,
        edge_range=None if edge is None else edge[0],
    )


def _label_nouns(labels: Sequence[str], clauses: Sequence[Clause]) -> tuple[Noun, ...]:
    """Return the labels that are nouns: no verb of a sentence about the relation, nor one in -s."""
    verbs = {form for c in clauses for form in (c.verb.base, c.verb.singular, c.verb.plural)}
    found = []
    for label in labels:
        first, last = label.split()[0], label.split()[-1]
        is_verb = verbs & {first, last} or last.endswith(_VERBAL) or last in VERBS
        is_noun = label_form(label) is LabelForm.NOUN and first not in _NO_NOUN
        if is_noun and not is_verb and len(label.split()) < _LONGEST_NOUN and label.islower():
            found.append(Noun.read(label))
    return tuple(found)


@lru_cache(maxsize=1)
def _shared() -> Table:
    return tomllib.loads((files("graphllm.questions") / "attributes.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _shared_edges() -> Table:
    return tomllib.loads((files("graphllm.questions") / "edges.toml").read_text("utf-8"))


@cache
def shared_attribute(name: str) -> AttributeSchema:
    """Return an attribute of ``attributes.toml``.

    Raises:
        DataError: There is no such attribute.
    """
    table = _shared().get(name)
    if not isinstance(table, dict):
        raise DataError(f"attributes.toml has no attribute {name!r}")
    ranked = bool(table.get("ranked", True))
    words = AttributeWords(
        nouns=_texts(table, "noun"),
        ask=_texts(table, "ask"),
        most=_texts(table, "most") if ranked else (),
        least=_texts(table, "least") if ranked else (),
        compare=_texts(table, "compare"),
        more=_texts(table, "more"),
        less=_texts(table, "less"),
        same=_texts(table, "same"),
        is_time=table.get("kind") in ("year", "date"),
        adds=bool(table.get("adds", False)),
    )
    return AttributeSchema(name=name, range=_range(table), words=words)


@cache
def shared_edge(name: str) -> tuple[ValueRange, EdgeWords]:
    """Return an edge attribute of ``edges.toml``.

    Raises:
        DataError: There is no such attribute.
    """
    table = _shared_edges().get(name)
    if not isinstance(table, dict):
        raise DataError(f"edges.toml has no attribute {name!r}")
    words = EdgeWords(
        noun=_text(table, "noun"),
        ask=_texts(table, "ask"),
        more=_texts(table, "more"),
        less=_texts(table, "less"),
        same=_texts(table, "same"),
        tense=str(table.get("tense", "")),
    )
    return _range(table), words


def _range(table: Table) -> ValueRange:
    low, high = table.get("low", 0.0), table.get("high", 1.0)
    return ValueRange(
        kind=_text(table, "kind"),
        labels=_texts(table, "labels"),
        low=float(low) if isinstance(low, int | float) else 0.0,
        high=float(high) if isinstance(high, int | float) else 1.0,
        values=_texts(table, "values"),
    )


def _text(table: Table, key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise DataError(f"expected text for {key!r}, got {value!r}")
    return value


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DataError(f"expected a list of texts for {key!r}, got {value!r}")
    return tuple(value)


def _nouns(table: Table, key: str) -> tuple[Noun, ...]:
    return tuple(map(Noun.read, _texts(table, key)))


def _tables(table: Table, key: str) -> Sequence[Table]:
    value = table.get(key)
    if not isinstance(value, list) or not value:
        raise DataError(f"expected at least one [[{key}]]")
    return value
