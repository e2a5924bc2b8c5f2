"""Find out what a file is, and read it into a textual graph."""

import os
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from graphllm.errors import ConfigError, DataError
from graphllm.graph import TextualGraph
from graphllm.io.mapping import ColumnMap, one_line
from graphllm.io.source import Source, silent
from graphllm.registry import load

Reader = Callable[[Source], TextualGraph]

# Each format and the function that reads one file of it: ``reader(source) -> TextualGraph``.
READERS: dict[str, str] = {
    "csv": "graphllm.io.tabular:read_csv",
    "triples": "graphllm.io.tabular:read_triples",
    "wide": "graphllm.io.tabular:read_wide",
    "edge_list": "graphllm.io.edge_list:read_edge_list",
    "apoc": "graphllm.io.apoc:read_apoc",
    "excel": "graphllm.io.excel:read_excel",
    "parquet": "graphllm.io.parquet:read_parquet",
    "json": "graphllm.io.json_graph:read_json",
    "json_lines": "graphllm.io.json_graph:read_json_lines",
    "graphml": "graphllm.io.graphml:read_graphml",
    "gexf": "graphllm.io.gexf:read_gexf",
    "gml": "graphllm.io.gml:read_gml",
    "rdf": "graphllm.io.rdf:read_rdf",
    "sqlite": "graphllm.io.sqlite:read_sqlite",
}

# What a suffix means; a suffix that is not here is decided by the content (see ``sniff``).
SUFFIXES: dict[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".graphml": "graphml",
    ".gexf": "gexf",
    ".gml": "gml",
    ".ttl": "rdf",
    ".n3": "rdf",
    ".nt": "rdf",
    ".nq": "rdf",
    ".trig": "rdf",
    ".rdf": "rdf",
    ".owl": "rdf",
    ".jsonld": "rdf",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}

# Other names for a format, as people call it.
ALIASES: dict[str, str] = {
    **{suffix.removeprefix("."): name for suffix, name in SUFFIXES.items()},
    "txt": "csv",
    "turtle": "rdf",
    "ntriples": "rdf",
    "n-triples": "rdf",
    "nquads": "rdf",
    "rdfxml": "rdf",
    "rdf/xml": "rdf",
    "json-ld": "rdf",
    "xls": "excel",
    "jsonl": "json_lines",
    "ndjson": "json_lines",
    "jsonlines": "json_lines",
    "json-lines": "json_lines",
    "node-link": "json",
    "edgelist": "edge_list",
    "edge-list": "edge_list",
    "neo4j": "csv",
    "db": "sqlite",
}

# Formats of which several files together make one graph.
TABLE_FORMATS = ("csv", "excel", "parquet")
_WHY_LEFT_OUT = f"only tables ({', '.join(TABLE_FORMATS)}) are read together"

# Suffixes of files that may hold a graph, whose content says which.
_LOOSE = (".txt", ".dat")
_JSON = (".json", ".jsonl", ".ndjson")

_NTRIPLES = re.compile(rb"\s*(<[^<>\s]+>|_:\S+)\s+<[^<>\s]+>\s+(<[^<>\s]+>|_:\S+|\".*)\s*\.\s*$")
_TURTLE = re.compile(rb"^\s*(@prefix|@base|PREFIX|BASE)\b", re.MULTILINE)
_GML = re.compile(rb"^\s*graph\s*\[", re.MULTILINE)


def read_graph(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    mapping: ColumnMap | str | None = None,
    format: str | None = None,
    on_mapping: Callable[[str], None] | None = None,
) -> TextualGraph:
    """Return the graph in a file, in a folder of files, or in several files together.

    Args:
        path: A file of any format in ``READERS``, possibly gzipped; a folder; or several files,
            as a list or separated by commas, that are tables of one graph.
        mapping: Which column plays which part, e.g. ``"head=from,tail=to,relation=type"``; what it
            does not name is guessed.
        format: A name in ``READERS`` or ``ALIASES``; guessed from suffix and content when ``None``.
        on_mapping: Called with a line per table that says how its columns were understood, e.g.
            ``"triples.csv: head=subject, relation=predicate, tail=object"``.

    Raises:
        DataError: The file is not there, not what its format says, or holds no edge.
        ConfigError: ``format`` or a part in ``mapping`` is unknown.
        MissingExtraError: The format needs an optional dependency that is not installed.
    """
    if isinstance(mapping, str):
        mapping = ColumnMap.parse(mapping)
    report = (lambda line: on_mapping(one_line(line))) if on_mapping else silent
    format = None if format is None else format_named(format)
    files = [
        Source(path=file, mapping=mapping or ColumnMap(), report=report)
        for file in graph_files(path)
    ]
    if unread := left_out(path):
        names = ", ".join(file.name for file in unread)
        report(f"{names}: left out, {_WHY_LEFT_OUT}; name a file to read it alone")
    graph = _read_one(files[0], format) if len(files) == 1 else _read_many(files, format)
    if graph.num_edges == 0:
        names = ", ".join(file.name for file in files[:3])
        raise DataError(
            f"{names}: no edges found ({graph.num_nodes} nodes); a graph needs rows that link"
            " two things, use --map to say which columns do"
        )
    return graph


def format_named(name: str) -> str:
    """Return the format that is called ``name``, in any of its names.

    Raises:
        ConfigError: None is; the message lists those there are, and the nearest.

    Examples:
        >>> format_named("Turtle"), format_named(".tsv"), format_named("graphml")
        ('rdf', 'csv', 'graphml')
    """
    folded = name.strip().lower().removeprefix(".")
    if folded in READERS:
        return folded
    if folded in ALIASES:
        return ALIASES[folded]
    near = get_close_matches(folded, [*READERS, *ALIASES], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"unknown format {name!r}; there are {', '.join(sorted(READERS))}{hint}")


def _read_one(source: Source, format: str | None) -> TextualGraph:
    return cast(Reader, load("format", READERS, format or sniff(source)))(source)


def _read_many(sources: Sequence[Source], format: str | None) -> TextualGraph:
    """Read several files as the tables of one graph."""
    from graphllm.io.folder import read_tables

    for source in sources:
        name = format or sniff(source)
        if name not in TABLE_FORMATS:
            raise source.error(
                f"is {name}, and only tables ({', '.join(TABLE_FORMATS)}) can be read several at"
                " once; name one file"
            )
    return read_tables(sources)


def graph_files(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the files that ``path`` stands for, in order."""
    if isinstance(path, str | os.PathLike):
        single = Path(path)
        if single.is_dir():
            return _files_in(single)
        if single.exists() or "," not in str(path):
            return _with_nodes([_existing(single)])
        path = [piece.strip() for piece in str(path).split(",") if piece.strip()]
    files = [_existing(Path(piece)) for piece in path]
    if not files:
        raise DataError("no file to read; name at least one")
    return files


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    if path.exists():
        raise DataError(f"{path}: is neither a file nor a folder of files; name a file")
    folder = path.parent
    there = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    near = get_close_matches(path.name, there, n=1)
    hint = f"; did you mean {str(folder / near[0])!r}?" if near else ""
    raise DataError(f"{path}: no such file{hint}")


def left_out(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the files of a folder that may hold a graph and are not read with the others."""
    if not isinstance(path, str | os.PathLike) or not Path(path).is_dir():
        return []
    chosen = _files_in(Path(path))
    suffixes = {*SUFFIXES, *_JSON, *_LOOSE}
    return [p for p in _visible(Path(path)) if p not in chosen and _suffix(p) in suffixes]


def _visible(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.is_file() and p.name[0] not in "._"]


def _files_in(folder: Path) -> list[Path]:
    """Return the files of a folder that make one graph: its tables, or else its only graph."""
    files = _visible(folder)
    tables = [p for p in files if SUFFIXES.get(_suffix(p)) in TABLE_FORMATS]
    graphs = [p for p in files if _suffix(p) in SUFFIXES or _suffix(p) in _JSON]
    loose = [p for p in files if _suffix(p) in _LOOSE]
    chosen = tables or graphs or loose
    if not chosen:
        raise DataError(f"{folder}: holds no file of a known format; name the file to read")
    if not tables and len(graphs) > 1:
        listed = ", ".join(p.name for p in graphs)
        raise DataError(f"{folder}: holds several graphs ({listed}); name the one to read")
    return chosen


def _with_nodes(files: list[Path]) -> list[Path]:
    """Add the ``nodes`` table that lies beside an ``edges`` table."""
    name = files[0].name
    for word in ("edges", "relationships", "links", "rels"):
        if word in name.lower():
            start = name.lower().index(word)
            beside = files[0].with_name(name[:start] + "nodes" + name[start + len(word) :])
            if beside.is_file():
                return [beside, *files]
    return files


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def sniff(source: Source) -> str:
    """Return the format of a file, by its suffix and, where that leaves it open, by its content.

    Raises:
        DataError: The file is empty, or is of a kind that holds no graph.
    """
    head = source.head()
    if not head.lstrip(b"\xef\xbb\xbf\xff\xfe").strip():
        raise source.error("is empty; a graph needs at least one edge")
    return _binary_format(source, head) or SUFFIXES.get(source.suffix) or _text_format(head)


def _binary_format(source: Source, head: bytes) -> str | None:
    if head.startswith(b"SQLite format 3\0"):
        return "sqlite"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head or source.suffix in (".xlsx", ".xlsm"):
            return "excel"
        raise source.error("is a zip archive; unpack it and name the folder")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    if b"\0" in head[:4096]:
        raise source.error("is binary data of no known format; export it as CSV or JSON lines")
    return None


def _text_format(head: bytes) -> str:
    """Return the format that the first bytes of a text look like; a table when nothing else."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") and not _NTRIPLES.match(start.split(b"\n", 1)[0]):
        return _xml_format(start)
    if _NTRIPLES.match(start.split(b"\n", 1)[0]) or _TURTLE.search(start[:4096]):
        return "rdf"
    if start.startswith((b"{", b"[")):
        return _json_format(start)
    if _GML.search(start[:4096]):
        return "gml"
    return "csv"


def _xml_format(start: bytes) -> str:
    for tag, name in ((b"<graphml", "graphml"), (b"<gexf", "gexf"), (b"rdf:RDF", "rdf")):
        if tag in start[:4096]:
            return name
    return "csv"


def _json_format(start: bytes) -> str:
    first, _, rest = start.partition(b"\n")
    if re.search(rb'"type"\s*:\s*"(node|relationship)"', first):
        return "apoc"
    one_object_per_line = first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
    return "json_lines" if one_object_per_line else "json"
