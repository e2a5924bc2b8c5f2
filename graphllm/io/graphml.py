"""GraphML: typed keys with defaults, labels as yEd writes them, nested graphs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphllm.graph import TextualGraph
from graphllm.io.conventions import OWN_FIELDS, OWN_MARK
from graphllm.io.records import EdgeRecord, NodeRecord, assemble
from graphllm.io.source import Source
from graphllm.io.xml_events import needed, walk_xml

_INTEGERS = ("int", "integer", "long", "short", "byte")
_NUMBERS = ("float", "double", "real")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_graphml(source: Source) -> TextualGraph:
    """Return the graph of a GraphML file; an undirected edge is one edge, as written.

    Nodes of nested graphs are nodes like all others. Drawing data is left out, but for the labels
    that yEd keeps in it.

    Raises:
        DataError: Not GraphML or not well-formed (with the line), a value that is not of its
            key's type, an id given twice, an edge to an unknown node, a hyperedge, an entity.
    """
    reading = _GraphML(source)
    walk_xml(source, reading)
    if not reading.is_graphml:
        raise source.error("no <graphml> element; expected a GraphML file")
    fields = OWN_FIELDS if reading.is_own else None
    return assemble(source, reading.nodes, reading.edges, fields)


@dataclass(slots=True)
class _Key:
    """What a ``<key>`` declares: an attribute of nodes or edges."""

    name: str
    domain: str
    type: str
    default: object = None


@dataclass(slots=True)
class _Owner:
    """A node, edge or graph whose data is being read."""

    domain: str
    fields: dict[str, object] = field(default_factory=dict)


class _GraphML:
    """The state of one reading; told each element by ``walk_xml``."""

    def __init__(self, source: Source) -> None:
        self.is_graphml = False
        self.is_own = False  # written by this project, so that no field need be guessed
        self.nodes: list[NodeRecord] = []
        self.edges: list[EdgeRecord] = []
        self._source = source
        self._keys: dict[str, _Key] = {}
        self._defaulted: list[_Key] = []
        self._owners: list[_Owner] = []
        self._key: _Key | None = None  # of the <key> or <data> that is open

    def start(self, tag: str, attributes: Mapping[str, str], line: int) -> None:
        """Open an element."""
        if tag == "graphml":
            self.is_graphml = True
        elif tag == "key":
            self._open_key(attributes, line)
        elif tag == "data":
            self._open_data(attributes, line)
        elif tag == "graph":
            self._owners.append(_Owner("graph"))
        elif tag == "node":
            self._open_node(attributes, line)
        elif tag == "edge":
            self._open_edge(attributes, line)
        elif tag == "hyperedge":
            raise self._source.error(
                "a <hyperedge>; expected edges with two ends, write it as several edges", line
            )

    def end(self, tag: str, text: str, line: int) -> None:
        """Close an element whose own text is ``text``."""
        if tag in ("data", "default"):
            if self._key is not None:
                self._close_value(tag, text, line)
            if tag == "data":
                self._key = None
        elif tag == "key":
            self._key = None
        elif tag in ("node", "edge", "graph"):
            self._close_owner(tag)
        elif tag in ("NodeLabel", "EdgeLabel") and self._owners and text.strip():
            self._owners[-1].fields.setdefault("label", text.strip())

    def _open_key(self, attributes: Mapping[str, str], line: int) -> None:
        name = attributes.get("attr.name", attributes.get("id", ""))
        domain, kind = attributes.get("for", "all"), attributes.get("attr.type", "string")
        if "yfiles.type" in attributes:
            name = ""  # drawing
        self._key = _Key(name, domain, kind.lower())
        self._keys[needed(self._source, attributes, "id", "key", line)] = self._key

    def _open_data(self, attributes: Mapping[str, str], line: int) -> None:
        key = needed(self._source, attributes, "key", "data", line)
        if key not in self._keys:
            raise self._source.error(
                f"<data> of the key {key!r}, which no <key> declares; declare it", line
            )
        self._key = self._keys[key]

    def _open_node(self, attributes: Mapping[str, str], line: int) -> None:
        owner = _Owner("node")
        self._owners.append(owner)
        key = needed(self._source, attributes, "id", "node", line)
        self.nodes.append(NodeRecord(key, line, owner.fields))

    def _open_edge(self, attributes: Mapping[str, str], line: int) -> None:
        owner = _Owner("edge")
        self._owners.append(owner)
        head = needed(self._source, attributes, "source", "edge", line)
        tail = needed(self._source, attributes, "target", "edge", line)
        self.edges.append(EdgeRecord(head, tail, line, owner.fields))

    def _close_value(self, tag: str, text: str, line: int) -> None:
        key = self._key
        if key is None or not key.name or not text.strip():
            return
        value = self._typed(key, text, line)
        if tag == "default":
            key.default = value
            self._defaulted.append(key)
        elif self._owners:
            fields = self._owners[-1].fields
            if key.name in fields:
                held = fields[key.name]
                fields[key.name] = [*held, value] if isinstance(held, list) else [held, value]
            else:
                fields[key.name] = value

    def _typed(self, key: _Key, text: str, line: int) -> object:
        if key.type == "string":
            return text
        word = text.strip()
        try:
            if key.type in _INTEGERS:
                return int(word)
            if key.type in _NUMBERS:
                return float(word)
            if key.type in ("boolean", "bool"):
                return _TRUTH[word.lower()]
        except (ValueError, KeyError) as error:
            raise self._source.error(
                f"{word[:40]!r} is not {key.type}, the type of the key {key.name!r};"
                " mend the value or declare the key as string",
                line,
            ) from error
        return text

    def _close_owner(self, tag: str) -> None:
        owner = self._owners.pop()
        if tag == "graph":
            self.is_own |= OWN_MARK in owner.fields
            return
        for key in self._defaulted:
            if key.domain in (tag, "all"):
                owner.fields.setdefault(key.name, key.default)
