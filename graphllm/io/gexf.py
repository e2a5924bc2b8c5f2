"""GEXF, as Gephi writes it: labels, typed attribute values, weights; no drawing."""

from collections.abc import Mapping
from typing import NamedTuple

from graphllm.graph import TextualGraph
from graphllm.io.records import EdgeRecord, NodeRecord, assemble
from graphllm.io.source import Source
from graphllm.io.xml_events import needed, walk_xml

_INTEGERS = ("integer", "long", "int", "short", "byte", "biginteger")
_NUMBERS = ("float", "double", "bigdecimal")
_DIRECTIONS = ("directed", "undirected", "mutual")
_NODE_FIELDS = ("label", "start", "end")
_EDGE_FIELDS = ("label", "kind", "type", "start", "end")  # a type may say more than directed


def read_gexf(source: Source) -> TextualGraph:
    """Return the graph of a GEXF file; an undirected edge is one edge, as written.

    Raises:
        DataError: Not GEXF or not well-formed (with the line), a value that is not of its
            attribute's type, an id given twice, an edge to an unknown node, an entity.
    """
    reading = _GEXF(source)
    walk_xml(source, reading)
    if not reading.is_gexf:
        raise source.error("no <gexf> element; expected a GEXF file")
    return assemble(source, reading.nodes, reading.edges)


class _Attribute(NamedTuple):
    title: str
    type: str


class _GEXF:
    """The state of one reading; told each element by ``walk_xml``."""

    def __init__(self, source: Source) -> None:
        self.is_gexf = False
        self.nodes: list[NodeRecord] = []
        self.edges: list[EdgeRecord] = []
        self._source = source
        self._side = "node"  # which side <attributes> declares, or which element is open
        self._attributes: dict[tuple[str, str], _Attribute] = {}
        self._defaults: dict[tuple[str, str], object] = {}
        self._declared: tuple[str, str] | None = None
        self._owners: list[dict[str, object]] = []

    def start(self, tag: str, attributes: Mapping[str, str], line: int) -> None:
        """Open an element."""
        if tag == "gexf":
            self.is_gexf = True
        elif tag == "attributes":
            self._side = attributes.get("class", "node")
        elif tag == "attribute":
            self._declare(attributes, line)
        elif tag == "node":
            self._open_node(attributes, line)
        elif tag == "edge":
            self._open_edge(attributes, line)
        elif tag == "attvalue":
            self._add_value(attributes, line)

    def end(self, tag: str, text: str, line: int) -> None:
        """Close an element whose own text is ``text``."""
        if tag == "default" and self._declared is not None and text.strip():
            self._defaults[self._declared] = self._typed(
                self._attributes[self._declared], text.strip(), line
            )
        elif tag == "attribute":
            self._declared = None
        elif tag in ("node", "edge"):
            fields = self._owners.pop()
            for (side, key), value in self._defaults.items():
                if side == tag:
                    fields.setdefault(self._attributes[side, key].title, value)

    def _declare(self, attributes: Mapping[str, str], line: int) -> None:
        key = needed(self._source, attributes, "id", "attribute", line)
        title, kind = attributes.get("title", key), attributes.get("type", "string")
        self._declared = (self._side, key)
        self._attributes[self._declared] = _Attribute(title, kind.lower())

    def _open_node(self, attributes: Mapping[str, str], line: int) -> None:
        self._side = "node"
        fields: dict[str, object] = _chosen(attributes, _NODE_FIELDS)
        self._owners.append(fields)
        key = needed(self._source, attributes, "id", "node", line)
        self.nodes.append(NodeRecord(key, line, fields))

    def _open_edge(self, attributes: Mapping[str, str], line: int) -> None:
        self._side = "edge"
        fields: dict[str, object] = _chosen(attributes, _EDGE_FIELDS)
        if fields.get("type") in _DIRECTIONS:
            del fields["type"]
        if "weight" in attributes:
            fields["weight"] = self._typed(
                _Attribute("weight", "double"), attributes["weight"], line
            )
        self._owners.append(fields)
        head = needed(self._source, attributes, "source", "edge", line)
        tail = needed(self._source, attributes, "target", "edge", line)
        self.edges.append(EdgeRecord(head, tail, line, fields))

    def _add_value(self, attributes: Mapping[str, str], line: int) -> None:
        key = attributes.get("for", attributes.get("id"))  # "id" before GEXF 1.2
        side = self._side
        if key is None or (side, key) not in self._attributes or not self._owners:
            raise self._source.error(
                f"<attvalue> of the attribute {key!r}, which no <attribute> of class"
                f" {side!r} declares; declare it",
                line,
            )
        declared = self._attributes[side, key]
        value = self._typed(declared, attributes.get("value", ""), line)
        fields = self._owners[-1]
        held = fields.get(declared.title)
        if held is None or declared.title in (*_EDGE_FIELDS, "weight"):
            fields[declared.title] = value
        else:  # a dynamic attribute: its values over time
            fields[declared.title] = [*held, value] if isinstance(held, list) else [held, value]

    def _typed(self, attribute: _Attribute, text: str, line: int) -> object:
        word = text.strip()
        if not word:
            return None
        try:
            if attribute.type in _INTEGERS:
                return int(word)
            if attribute.type in _NUMBERS:
                return float(word)
            if attribute.type == "boolean":
                return {"true": True, "false": False, "1": True, "0": False}[word.lower()]
        except (ValueError, KeyError) as error:
            raise self._source.error(
                f"{word[:40]!r} is not {attribute.type}, the type of the attribute"
                f" {attribute.title!r}; mend the value or declare it as string",
                line,
            ) from error
        if attribute.type.startswith("list"):
            separator = "|" if "|" in word else ","
            return [item.strip(" '\"") for item in word.strip("[]").split(separator)]
        return text


def _chosen(attributes: Mapping[str, str], names: tuple[str, ...]) -> dict[str, object]:
    return {name: attributes[name] for name in names if attributes.get(name)}
