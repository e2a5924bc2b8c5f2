"""A graph on disk that answers as one in memory does, and also finds names and meanings.

Everything is opened when it is first used: opening reads the manifest and looks at file sizes.
Keys, names and texts are string tables (two ``.npy`` each), because ``names[i]`` is asked far more
often than anything else of a node; SQLite holds only what is searched.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, UInt64

from graphllm.errors import ConfigError, IndexDamagedError
from graphllm.graph.columns import Column, Kind
from graphllm.graph.strings import StringTable
from graphllm.graph.textual import TextualGraph
from graphllm.graph.view import Adjacency, RelationEdges, group_by_relation
from graphllm.index.attributes import LazyColumns, read_column, write_column
from graphllm.index.derived import check_derived, derive
from graphllm.index.generations import (
    ColumnEntry,
    Generation,
    GenerationWriter,
    Manifest,
    SourceFile,
    check_files,
    new_generation,
    open_generation,
    publish,
    sync,
)
from graphllm.index.names import Names
from graphllm.index.progress import Progress, silent, tracked
from graphllm.index.vectors import Vectors, check_vectors, embed, embedded_with, open_vectors
from graphllm.text.encoder import TextEncoder

NAMES = "names.sqlite"
EMBEDDED = ("names", "texts", "relations")
TABLES = ("keys", "names", "texts", "alias_names", "relations", "node_types")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Where a graph came from.

    Attributes:
        files: The files it was read from, as they were then.
        reader_options: What the reader was told, e.g. ``{"format": "csv"}``.
        reader_notes: What the reader said, e.g. how it understood the columns.
    """

    files: tuple[SourceFile, ...] = ()
    reader_options: Mapping[str, str] = field(default_factory=dict)
    reader_notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, *paths: str | os.PathLike[str], **reader_options: str) -> "SourceInfo":
        """Describe the files at ``paths`` as they are now."""
        return cls(files=tuple(map(SourceFile.of, paths)), reader_options=reader_options)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """What an index holds and where it came from."""

    path: Path
    generation: int
    format_version: int
    created: str
    content_hash: str
    num_nodes: int
    num_edges: int
    relations: tuple[str, ...]
    num_aliases: int
    node_types: tuple[str, ...]
    node_columns: tuple[ColumnEntry, ...]
    edge_columns: tuple[ColumnEntry, ...]
    size_bytes: int
    sources: tuple[SourceFile, ...]
    changed_sources: tuple[str, ...]
    reader_options: Mapping[str, str]
    reader_notes: tuple[str, ...]
    encoders: tuple[str, ...]


class GraphIndex:
    """A ``GraphView`` over memory-mapped files, with its names and vectors; safe to share.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> graph = TextualGraph.from_triples([("Ada", "wrote to", "Babbage")])
        >>> with TemporaryDirectory() as folder:
        ...     index = GraphIndex.build(graph, f"{folder}/letters.gllm")
        ...     index.names[1], index.lexicon.folded("ADA").tolist(), index.find_key("Babbage")
        ('Babbage', [0], 1)
    """

    def __init__(self, path: Path, generation: Generation) -> None:
        self.path = path
        self._generation = generation
        self.manifest = generation.manifest

    @classmethod
    def build(
        cls,
        graph: TextualGraph,
        path: str | os.PathLike[str],
        *,
        source: SourceInfo | None = None,
        progress: Progress = silent,
    ) -> "GraphIndex":
        """Write an index of ``graph`` to the folder ``path`` and open it.

        An index that is there stays in force until the new one is whole and on disk.

        Raises:
            BusyError: Another process is writing it.
            DataError: The folder holds other things, or cannot be written.
        """
        with new_generation(Path(path)) as writer:
            publish(writer, _fill(writer, graph, source or SourceInfo(), progress))
        return cls.open(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "GraphIndex":
        """Open the index folder at ``path``; it reads this generation until it is closed.

        Raises:
            DataError: There is no index, or a later graphllm wrote it.
            IndexDamagedError: It is damaged; ``check`` says more, building again mends it.
        """
        root = Path(path).absolute()
        return cls(root, open_generation(root))

    def close(self) -> None:
        """Release the names and let a writer remove this generation."""
        if "lexicon" in self.__dict__:
            self.lexicon.close()
        self._generation.close()

    def __enter__(self) -> "GraphIndex":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        return GraphIndex.open, (str(self.path),)

    @property
    def num_nodes(self) -> int:
        """How many nodes."""
        return self._count("nodes")

    @property
    def num_edges(self) -> int:
        """How many edges."""
        return self._count("edges")

    def _count(self, what: str) -> int:
        count = self.manifest.counts.get(what)
        if not isinstance(count, int):
            raise self._generation.damaged(f"the manifest does not count its {what}")
        return count

    @cached_property
    def heads(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge leaves."""
        return self._generation.array("heads")

    @cached_property
    def relation_ids(self) -> Int32[np.ndarray, "num_edges"]:
        """The relation of each edge, a position in ``relations``."""
        return self._generation.array("relation_ids")

    @cached_property
    def tails(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge enters."""
        return self._generation.array("tails")

    @cached_property
    def weights(self) -> Float32[np.ndarray, "num_edges"] | None:
        """The weight of each edge, when there are weights."""
        return self._generation.array("weights") if self._has("weights") else None

    @cached_property
    def outgoing(self) -> Adjacency:
        """Edges by the node they leave."""
        return self._adjacency("outgoing")

    @cached_property
    def incoming(self) -> Adjacency:
        """Edges by the node they enter."""
        return self._adjacency("incoming")

    def _adjacency(self, side: str) -> Adjacency:
        return Adjacency(*(self._generation.array(f"{side}.{part}") for part in Adjacency._fields))

    @cached_property
    def by_relation(self) -> RelationEdges | None:
        """The edges of each relation; ``None`` in an index that an earlier graphllm built."""
        if not self._has("by_relation.edge_ids"):
            return None
        parts = (self._generation.array(f"by_relation.{p}") for p in RelationEdges._fields)
        return RelationEdges(*parts)

    @cached_property
    def keys(self) -> StringTable:
        """The source's identifier of each node."""
        return self._strings("keys")

    @cached_property
    def names(self) -> StringTable:
        """What a person calls each node."""
        return self._strings("names")

    @cached_property
    def texts(self) -> StringTable:
        """A description of each node, or ``""``."""
        return self._strings("texts")

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """The distinct relation texts."""
        return tuple(self._strings("relations"))

    @cached_property
    def node_types(self) -> tuple[str, ...]:
        """The distinct types of nodes."""
        return tuple(self._strings("node_types"))

    def _strings(self, name: str) -> StringTable:
        if name not in self.manifest.strings:
            raise self._generation.damaged(f"the manifest does not say where its {name} are")
        stored = self.manifest.strings[name]
        if stored is None:
            return _nothing(self.num_nodes)
        return self._generation.strings(stored)

    @cached_property
    def node_type_ids(self) -> Int32[np.ndarray, "num_nodes"]:
        """The type of each node, or -1."""
        if not self._has("node_type_ids"):
            return np.full(self.num_nodes, -1, dtype=np.int32)
        return self._generation.array("node_type_ids")

    @cached_property
    def alias_ids(self) -> Int32[np.ndarray, "num_aliases"]:
        """The owner of each alias, ascending."""
        return self._generation.array("alias_ids")

    @cached_property
    def alias_names(self) -> StringTable:
        """The aliases themselves."""
        return self._strings("alias_names")

    def aliases(self, node: int) -> tuple[str, ...]:
        """Return the other names of ``node``."""
        start, end = np.searchsorted(self.alias_ids, [node, node + 1])
        return tuple(self.alias_names[int(start) : int(end)])

    @cached_property
    def node_columns(self) -> Mapping[str, Column]:
        """Typed attributes of nodes, each read when it is first asked for."""
        return self._columns(self.manifest.node_columns)

    @cached_property
    def edge_columns(self) -> Mapping[str, Column]:
        """Typed attributes of edges, each read when it is first asked for."""
        return self._columns(self.manifest.edge_columns)

    def _columns(self, entries: Sequence[ColumnEntry]) -> LazyColumns:
        def reader(entry: ColumnEntry) -> Callable[[], Column]:
            path = self._generation.path(entry.file)
            return lambda: read_column(entry.name, Kind(entry.kind), path)

        return LazyColumns([(entry.name, reader(entry)) for entry in entries])

    @property
    def content_hash(self) -> str:
        """The ``content_hash`` of the graph this was built from."""
        return self.manifest.content_hash

    @cached_property
    def _key_hashes(self) -> UInt64[np.ndarray, "num_nodes"]:
        return self._generation.array("key_hashes")

    @cached_property
    def _key_order(self) -> Int32[np.ndarray, "num_nodes"]:
        return self._generation.array("key_order")

    def find_key(self, key: str) -> int | None:
        """Return the node whose key is exactly ``key``."""
        wanted = np.uint64(_hash(key))
        row = int(np.searchsorted(self._key_hashes, wanted))
        while row < len(self._key_hashes) and self._key_hashes[row] == wanted:
            node = int(self._key_order[row])
            if self.keys[node] == key:
                return node
            row += 1
        return None

    @cached_property
    def lexicon(self) -> Names:
        """The search over names, aliases and keys."""
        return Names.open(self._generation.path(NAMES))

    def vectors(self, encoder_id: str, what: str = "names") -> Vectors | None:
        """Return what ``embed`` made with that encoder, or ``None``.

        Raises:
            IndexDamagedError: The files are not as they were written.
        """
        return open_vectors(self._generation.folder, encoder_id, what)

    def embed(
        self,
        encoder: TextEncoder,
        what: str = "names",
        *,
        strings: Sequence[str] | None = None,
        progress: Progress = silent,
    ) -> Vectors:
        """Return the vectors of ``what``, making those that neither index nor cache has yet.

        Args:
            what: ``"names"``, ``"texts"`` or ``"relations"``, or a word of yours for ``strings``.
            strings: What to embed, an item each; needed when ``what`` is your own.

        Raises:
            ConfigError: ``what`` is unknown and there are no ``strings``.
            BusyError: Another process is embedding the same.
        """
        if strings is None and what not in EMBEDDED:
            raise ConfigError(f"cannot embed {what!r}, only {', '.join(EMBEDDED)}")
        texts = getattr(self, what) if strings is None else strings
        return embed(texts, encoder, self._generation.folder, what, progress=progress)

    def derived(self, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return an array that ``make`` computes from this graph, kept beside the index.

        Args:
            name: What it is and with which settings, as a file name: no other array may have it.

        Raises:
            BusyError: Another process is making it, and has not finished in an hour.
            DataError: It cannot be written.
        """
        return derive(self._generation.folder, name, make)

    def changed_sources(self) -> tuple[str, ...]:
        """Return the source files that now hold something else than was indexed."""
        return tuple(file.path for file in self.manifest.sources if file.has_changed())

    def is_stale(self) -> bool:
        """Say whether a source file has changed since; one that is gone has not."""
        return bool(self.changed_sources())

    def info(self) -> IndexInfo:
        """Return what the index holds and where it came from."""
        manifest = self.manifest
        folder = self._generation.folder
        return IndexInfo(
            path=self.path,
            generation=manifest.generation,
            format_version=manifest.format_version,
            created=manifest.created,
            content_hash=manifest.content_hash,
            num_nodes=self.num_nodes,
            num_edges=self.num_edges,
            relations=self.relations,
            num_aliases=self._count("aliases"),
            node_types=self.node_types,
            node_columns=manifest.node_columns,
            edge_columns=manifest.edge_columns,
            size_bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
            sources=manifest.sources,
            changed_sources=self.changed_sources(),
            reader_options=manifest.reader_options,
            reader_notes=manifest.reader_notes,
            encoders=embedded_with(folder),
        )

    def _has(self, name: str) -> bool:
        return f"{name}.npy" in self.manifest.files

    def __repr__(self) -> str:
        return f"GraphIndex({str(self.path)!r}, {self.num_nodes} nodes, {self.num_edges} edges)"


def check(path: str | os.PathLike[str]) -> list[str]:
    """Read every file of the index at ``path`` and return what is wrong, a line each.

    Raises:
        DataError: There is no index at ``path``.
    """
    try:
        generation = open_generation(Path(path))
    except IndexDamagedError as error:
        return [str(error)]
    folder = generation.folder
    problems = check_files(generation) + check_vectors(folder) + check_derived(folder)
    generation.close()
    return problems


def _nothing(count: int) -> StringTable:
    return StringTable(np.zeros(count + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8))


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _fill(
    writer: GenerationWriter, graph: TextualGraph, source: SourceInfo, progress: Progress
) -> Manifest:
    """Write all files of a generation and return its manifest."""
    _write_edges(writer, graph, progress)
    strings = _write_strings(writer, graph)
    _write_keys(writer, graph.keys, progress)
    node_columns = _write_columns(writer, "node", graph.node_columns, progress)
    edge_columns = _write_columns(writer, "edge", graph.edge_columns, progress)
    Names.build(graph, writer.folder / NAMES, progress).close()
    writer.add(NAMES)
    return Manifest(
        generation=writer.number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        content_hash=graph.content_hash,
        counts={
            "nodes": graph.num_nodes,
            "edges": graph.num_edges,
            "relations": len(graph.relations),
            "aliases": len(graph.alias_ids),
        },
        sources=source.files,
        reader_options=source.reader_options,
        reader_notes=source.reader_notes,
        strings=strings,
        node_columns=node_columns,
        edge_columns=edge_columns,
        files=writer.files,
    )


def _write_edges(writer: GenerationWriter, graph: TextualGraph, progress: Progress) -> None:
    arrays = {"heads": graph.heads, "relation_ids": graph.relation_ids, "tails": graph.tails}
    arrays["alias_ids"] = graph.alias_ids
    if graph.weights is not None:
        arrays["weights"] = graph.weights
    if graph.node_types:
        arrays["node_type_ids"] = graph.node_type_ids
    for name, array in arrays.items():
        writer.save(name, array)
    for done, side in enumerate(("outgoing", "incoming")):
        progress("sorting edges", done, 3)
        for part, array in getattr(graph, side)._asdict().items():
            writer.save(f"{side}.{part}", array)
    progress("sorting edges", 2, 3)
    by_relation = group_by_relation(graph.relation_ids, len(graph.relations))
    for part, array in by_relation._asdict().items():
        writer.save(f"by_relation.{part}", array)
    progress("sorting edges", 3, 3)


def _write_strings(writer: GenerationWriter, graph: TextualGraph) -> dict[str, str | None]:
    """Write the string tables, equal ones once; return which file pair holds each."""
    tables = {name: getattr(graph, name) for name in TABLES[:4]}
    tables["relations"] = StringTable.from_strings(graph.relations)
    tables["node_types"] = StringTable.from_strings(graph.node_types)
    stored: dict[str, str | None] = {}
    for name, table in tables.items():
        if name == "texts" and not len(table.data):
            stored[name] = None
        elif name == "names" and table == graph.keys:
            stored[name] = "keys"
        else:
            writer.save_strings(name, table)
            stored[name] = name
    return stored


def _write_keys(writer: GenerationWriter, keys: StringTable, progress: Progress) -> None:
    """Write the hashes of all keys in order, and whose they are: a search tree without a tree."""
    every = tracked(keys, "hashing keys", len(keys), progress)
    hashes = np.fromiter(map(_hash, every), dtype=np.uint64)
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    writer.save("key_hashes", hashes[order])
    writer.save("key_order", order)


def _write_columns(
    writer: GenerationWriter, owner: str, columns: Mapping[str, Column], progress: Progress
) -> tuple[ColumnEntry, ...]:
    entries = []
    for number, (name, column) in enumerate(columns.items()):
        file = f"{owner}-{number}.arrow"
        with (writer.folder / file).open("wb") as stream:
            write_column(column, stream)
            sync(stream)
        writer.add(file, synced=True)
        entries.append(
            ColumnEntry(name=name, kind=column.kind.value, file=file, count=len(column.ids))
        )
        progress(f"writing {owner} attributes", number + 1, len(columns))
    return tuple(entries)
