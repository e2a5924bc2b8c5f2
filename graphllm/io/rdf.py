"""RDF in all its spellings: IRIs as keys, labels as names, literals as typed attributes."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from graphllm.errors import DataError, MissingExtraError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io.conventions import Scalar, iso_date
from graphllm.io.source import Source
from graphllm.io.xml_events import walk_xml

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_DCTERMS = "http://purl.org/dc/terms/"
_SCHEMAS = ("http://schema.org/", "https://schema.org/")

_NAMES = (
    _RDFS + "label",
    _SKOS + "prefLabel",
    *(schema + "name" for schema in _SCHEMAS),
    "http://xmlns.com/foaf/0.1/name",
    _DCTERMS + "title",
    "http://purl.org/dc/elements/1.1/title",
)
_ALIASES = (_SKOS + "altLabel", *(schema + "alternateName" for schema in _SCHEMAS))
_TEXTS = (
    _RDFS + "comment",
    *(schema + "description" for schema in _SCHEMAS),
    _DCTERMS + "description",
    "http://purl.org/dc/elements/1.1/description",
    _SKOS + "definition",
    "http://dbpedia.org/ontology/abstract",
)
_ROLES = {
    **{iri: ("name", rank) for rank, iri in enumerate(_NAMES)},
    **{iri: ("alias", rank) for rank, iri in enumerate(_ALIASES)},
    **{iri: ("text", rank) for rank, iri in enumerate(_TEXTS)},
}
# Types that say nothing of a thing; any other type of it is preferred.
_EMPTY_TYPES = (
    "http://www.w3.org/2002/07/owl#NamedIndividual",
    "http://www.w3.org/2002/07/owl#Thing",
    _RDFS + "Resource",
)
_WHOLE = (
    "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
    "negativeInteger", "nonPositiveInteger", "unsignedInt", "unsignedLong", "unsignedShort",
    "unsignedByte", "gYear",
)  # fmt: skip
_REAL = ("decimal", "double", "float")
# How the parser numbers blank nodes without a label: 128 bits, without leading zeros.
_GENERATED = re.compile(r"[0-9a-f]{26,32}")
_OTHER = 3  # the rank of a language that nobody asked for

_FORMATS = {
    ".ttl": "TURTLE", ".nt": "N_TRIPLES", ".nq": "N_QUADS", ".trig": "TRIG", ".n3": "N3",
    ".rdf": "RDF_XML", ".owl": "RDF_XML", ".xml": "RDF_XML", ".jsonld": "JSON_LD",
}  # fmt: skip


def read_rdf(source: Source, language: str = "en") -> TextualGraph:
    """Return the graph of an RDF file: Turtle, N-Triples, N-Quads, TriG, N3, RDF/XML or JSON-LD.

    Keys are IRIs, and ``_:`` names for blank nodes. A node is named by its label, else by the
    end of its IRI; a relation by the label of its predicate, else by the end of its IRI as
    written, and by its prefixed name where two predicates would share that.

    Args:
        source: The file.
        language: The language of labels, texts and tagged attributes; then come untagged ones, and
            any other only where there is neither.

    Raises:
        DataError: Not the RDF that it should be, with line and column; XML that declares
            entities other than short prefixes.
        MissingExtraError: pyoxigraph is not installed.
    """
    oxigraph = _oxigraph()
    reading = _RDFGraph(language)
    parser = _parser(oxigraph, source)
    try:
        for quad in parser:
            reading.add(oxigraph, quad)
    except SyntaxError as error:
        raise _syntax_error(source, error) from error
    return reading.graph(parser.prefixes)


def _oxigraph() -> ModuleType:
    try:
        import pyoxigraph
    except ImportError as error:
        raise MissingExtraError("RDF files need pyoxigraph; pip install 'graphllm[rdf]'") from error
    return pyoxigraph


def _parser(oxigraph: ModuleType, source: Source) -> Any:  # noqa: ANN401 - pyoxigraph's QuadParser
    name = _FORMATS.get(source.suffix)
    is_xml = source.head(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<rdf:RDF"))
    if name is None or is_xml:
        name = "RDF_XML" if is_xml else "TURTLE"
    form = getattr(oxigraph.RdfFormat, name)
    base = f"file:///{quote(source.name)}" if name not in ("N_TRIPLES", "N_QUADS") else None
    if name == "RDF_XML":
        walk_xml(source, None, short_entities=True)  # the parser forgives a file cut short
        return oxigraph.parse(source.data(), form, base_iri=base)
    return oxigraph.parse(source.text().removeprefix("\ufeff"), form, base_iri=base)


def _syntax_error(source: Source, error: SyntaxError) -> DataError:
    message = error.msg or str(error)
    reason = re.sub(r"^Parser error (at|between) line [^:]*: ", "", message)
    column = f"column {error.offset}: " if error.offset else ""
    return source.error(f"{column}{reason}", error.lineno)


class _Text(NamedTuple):
    """A label or text that may yet lose against a better one."""

    rank: tuple[int, int]  # of its language, then of its predicate
    text: str


class _Tagged(NamedTuple):
    """A literal attribute and how well its language fits."""

    rank: int
    language: str | None
    value: Scalar


class _RDFGraph:
    """What the statements of a file say, until all labels are known."""

    def __init__(self, language: str) -> None:
        self._language = language.lower()
        self._keys: dict[str, None] = {}
        self._blank_keys: dict[str, str] = {}
        self._names: dict[str, _Text] = {}
        self._texts: dict[str, _Text] = {}
        self._aliases: dict[str, list[str]] = {}
        self._types: dict[str, list[str]] = {}
        self._edges: list[tuple[str, str, str, str | None]] = []
        self._literals: dict[tuple[str, str], list[_Tagged]] = {}
        self._predicates: dict[str, None] = {}

    def add(self, oxigraph: ModuleType, quad: Any) -> None:  # noqa: ANN401 - a pyoxigraph Quad
        """Take in one statement."""
        head = self._key(oxigraph, quad.subject)
        predicate, tail = quad.predicate.value, quad.object
        if isinstance(tail, oxigraph.Literal):
            self._add_literal(head, predicate, tail)
        elif predicate == _RDF + "type" and isinstance(tail, oxigraph.NamedNode):
            self._types.setdefault(head, []).append(tail.value)
        else:
            self._predicates[predicate] = None
            graph = quad.graph_name
            name = None if isinstance(graph, oxigraph.DefaultGraph) else graph.value
            self._edges.append((head, predicate, self._key(oxigraph, tail), name))

    def _key(self, oxigraph: ModuleType, term: Any) -> str:  # noqa: ANN401 - a pyoxigraph term
        if isinstance(term, oxigraph.NamedNode):
            key: str = term.value
        elif isinstance(term, oxigraph.BlankNode):
            # A generated label differs from run to run; its number in the file does not.
            label = term.value
            if _GENERATED.fullmatch(label):
                count = len(self._blank_keys) + 1
                key = self._blank_keys.setdefault(label, f"_:unlabelled{count}")
            else:
                key = f"_:{label}"
        else:  # a triple term
            key = str(term)
        self._keys[key] = None
        return key

    def _add_literal(self, head: str, predicate: str, literal: Any) -> None:  # noqa: ANN401
        rank = self._rank(literal.language)
        role, role_rank = _ROLES.get(predicate, (None, 0))
        if role == "name":
            self._offer_name(head, _Text((rank, role_rank), literal.value))
        elif role == "alias":
            if rank < _OTHER:
                self._aliases.setdefault(head, []).append(literal.value)
        elif role == "text":
            offered = _Text((rank, role_rank), literal.value)
            if head not in self._texts or offered.rank < self._texts[head].rank:
                self._texts[head] = offered
        else:
            self._predicates[predicate] = None
            value = _typed(literal.value, literal.datatype.value)
            tagged = _Tagged(rank, literal.language, value)
            self._literals.setdefault((head, predicate), []).append(tagged)

    def _offer_name(self, head: str, offered: _Text) -> None:
        held = self._names.get(head)
        if held is None or offered.rank < held.rank:
            self._names[head], loser = offered, held
        else:
            loser = offered
        if loser is not None and loser.rank[0] < _OTHER:
            self._aliases.setdefault(head, []).append(loser.text)

    def _rank(self, language: str | None) -> int:
        if language is None:
            return 2
        tag = language.lower()
        if tag == self._language:
            return 0
        return 1 if tag.split("-")[0] == self._language.split("-")[0] else _OTHER

    def graph(self, prefixes: Mapping[str, str]) -> TextualGraph:
        """Return the graph of all statements."""
        chosen_types = {head: _best_type(types) for head, types in self._types.items()}
        further = [
            (head, _RDF + "type", kind, None)
            for head, types in self._types.items()
            for kind in dict.fromkeys(types)
            if kind != chosen_types[head]
        ]
        self._predicates |= dict.fromkeys(predicate for _, predicate, _, _ in further)
        self._keys |= dict.fromkeys(kind for _, _, kind, _ in further)
        edges = self._edges + further
        relations = self._distinct(self._predicates, prefixes)
        classes = self._distinct(dict.fromkeys(chosen_types.values()), prefixes)
        names = self._node_names(edges, relations, {h: classes[c] for h, c in chosen_types.items()})
        builder = GraphBuilder()
        for key in self._node_keys(edges, classes):
            kind = chosen_types.get(key)
            name = names[key]
            builder.node(
                key,
                name=name,
                type=None if kind is None else classes[kind],
                text=self._texts[key].text if key in self._texts else None,
                aliases=[a for a in dict.fromkeys(self._aliases.get(key, ())) if a != name],
            )
        for (head, predicate), values in self._literals.items():
            for value in _in_best_language(values):
                builder.node(head, attributes={relations[predicate]: value})
        for head, predicate, tail, graph in edges:
            attributes = None if graph is None else {"graph": graph}
            builder.edge(head, relations[predicate], tail, attributes=attributes)
        return builder.build()

    def _node_keys(
        self, edges: Iterable[tuple[str, str, str, str | None]], classes: Mapping[str, str]
    ) -> list[str]:
        """Return what is a node: all but predicates and classes that the file only labels."""
        used = {end for head, _, tail, _ in edges for end in (head, tail)}
        used |= {head for head, _ in self._literals}
        used |= self._types.keys()
        return [
            key
            for key in self._keys
            if key in used or not (key in self._predicates or key in classes)
        ]

    def _distinct(self, iris: Iterable[str], prefixes: Mapping[str, str]) -> dict[str, str]:
        """Return a readable text for each predicate or class, no two the same."""
        texts = {
            iri: self._names[iri].text if iri in self._names else _local_name(iri) for iri in iris
        }
        counts = Counter(texts.values())
        longer = {
            iri: _prefixed(iri, prefixes) if counts[text] > 1 else text
            for iri, text in texts.items()
        }
        counts = Counter(longer.values())
        return {iri: iri if counts[text] > 1 else text for iri, text in longer.items()}

    def _node_names(
        self,
        edges: Iterable[tuple[str, str, str, str | None]],
        relations: Mapping[str, str],
        types: Mapping[str, str],
    ) -> dict[str, str]:
        """Return the name of each node; of a blank one, what it is and of whom."""
        parents: dict[str, tuple[str, str]] = {}
        for head, predicate, tail, _ in edges:
            if tail.startswith("_:"):
                parents.setdefault(tail, (head, relations[predicate]))
        names: dict[str, str] = {}
        num_unnamed = 0
        for key in self._keys:
            if key in self._names:
                names[key] = self._names[key].text
            elif not key.startswith("_:"):
                names[key] = unquote(_local_name(key)).replace("_", " ").strip() or key
        for key in self._keys:
            if key in names:
                continue
            if key in parents and parents[key][0] in names:
                head, relation = parents[key]
                names[key] = f"{relation} of {names[head]}"
            else:
                num_unnamed += 1
                names[key] = f"unnamed {types.get(key, 'node')} {num_unnamed}"
        return names


def _best_type(types: list[str]) -> str:
    return next((kind for kind in types if kind not in _EMPTY_TYPES), types[0])


def _in_best_language(values: list[_Tagged]) -> Iterator[Scalar]:
    """Yield the values in the language asked for or in none; else those in the first one."""
    if any(value.rank < _OTHER for value in values):
        yield from (value.value for value in values if value.rank < _OTHER)
    else:
        yield from (value.value for value in values if value.language == values[0].language)


def _local_name(iri: str) -> str:
    tail = re.split(r"[#/]", iri.rstrip("#/"))[-1]
    return (tail.rpartition(":")[2] if "/" not in iri and "#" not in iri else tail) or iri


def _prefixed(iri: str, prefixes: Mapping[str, str]) -> str:
    """Return ``prefix:name`` with the longest namespace that fits, or the IRI where none does."""
    fitting = [(ns, prefix) for prefix, ns in prefixes.items() if ns and iri.startswith(ns)]
    if not fitting:
        return iri
    namespace, prefix = max(fitting, key=lambda pair: len(pair[0]))
    return f"{prefix}:{iri[len(namespace) :]}"


def _typed(text: str, datatype: str) -> Scalar:
    """Return a literal as a number, date or truth value when its datatype says so, else as text."""
    kind = datatype.removeprefix(_XSD)
    try:
        if kind in _WHOLE:
            return int(text)
        if kind in _REAL:
            return float(text)
    except ValueError:  # a lexical form that its datatype does not have
        return text
    if kind == "boolean" and text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    if kind in ("date", "dateTime", "dateTimeStamp"):
        date = iso_date(text.removesuffix("Z") if kind == "date" else text)
        return text if date is None else date
    return text
