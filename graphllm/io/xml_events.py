"""Walk an XML file element by element, with line numbers, and without trusting it."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Protocol, runtime_checkable
from xml.parsers import expat

from graphllm.errors import DataError
from graphllm.io.source import Source

_MAX_ENTITY = 1000  # characters; the prefixes that ontologies declare are far shorter


@runtime_checkable
class XMLHandler(Protocol):
    """What is told of each element; tags come without their namespace."""

    def start(self, tag: str, attributes: Mapping[str, str], line: int) -> None:
        """An element begins."""

    def end(self, tag: str, text: str, line: int) -> None:
        """An element ends; ``text`` is its own text, without that of elements in it."""


def walk_xml(source: Source, handler: XMLHandler | None, *, short_entities: bool = False) -> None:
    """Tell ``handler`` each element of an XML file.

    Entities are refused before anything of them is expanded, so that a small file cannot
    fill the memory or read another file.

    Args:
        source: The file.
        handler: ``None`` only checks that the file is sound.
        short_entities: Permit short entities that use no others, as ontologies declare them for
            their prefixes.

    Raises:
        DataError: The XML is not well-formed, or declares entities.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse_entities(source, parser, short_entities)
    if handler is not None:
        _connect(parser, handler)
    try:
        parser.Parse(source.data(), True)
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise source.error(
            f"column {error.offset + 1}: not well-formed XML: {reason}", error.lineno
        ) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise source.error(f"an encoding that cannot be read: {error}; save as UTF-8") from error


def needed(source: Source, attributes: Mapping[str, str], name: str, tag: str, line: int) -> str:
    """Return the attribute ``name`` of an element.

    Raises:
        DataError: The element has none.
    """
    value = attributes.get(name)
    if value is None:
        raise source.error(f"<{tag}> without its {name!r}; add it", line)
    return value


def _connect(parser: expat.XMLParserType, handler: XMLHandler) -> None:
    open_texts: list[list[str]] = [[]]

    def start(tag: str, attributes: dict[str, str]) -> None:
        open_texts.append([])
        handler.start(tag.rpartition("}")[2], attributes, parser.CurrentLineNumber)

    def characters(text: str) -> None:
        open_texts[-1].append(text)

    def end(tag: str) -> None:
        text = "".join(open_texts.pop())
        handler.end(tag.rpartition("}")[2], text, parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters


def _refuse_entities(
    source: Source, parser: expat.XMLParserType, short_entities: bool
) -> Callable[..., None]:
    def refuse(
        name: str,
        is_parameter: int,
        value: str | None,
        base: str | None,
        system_id: str | None,
        public_id: str | None,
        notation: str | None,
    ) -> None:
        is_short = value is not None and len(value) <= _MAX_ENTITY and "&" not in value
        if short_entities and is_short and not is_parameter:
            return
        raise source.error(
            f"declares the entity {PurePath(name).name[:40]!r}; entities can hide other files or"
            " endless text and are not read, write their text out",
            parser.CurrentLineNumber,
        )

    return refuse
