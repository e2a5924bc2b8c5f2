"""``graphllm index``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import note, progress, say
from graphllm.cli.group import EXPECTED_ERROR, LazyGroup
from graphllm.cli.opening import file_options, resolve, tell_mapping

if TYPE_CHECKING:
    from graphllm.index import GraphIndex


@click.group(cls=LazyGroup)
def index() -> None:
    """Build an index of a file, look at one, or check one.

    An index is a folder that opens at once, whatever the size of the graph. `ask FILE` keeps one
    in the cache by itself; build your own to keep it beside the data or to hand it on.

    \b
    Examples:
      graphllm index films.csv                   writes films.gllm
      graphllm index films.csv -o movies.gllm    writes movies.gllm
      graphllm index info films.gllm
      graphllm index check films.gllm
    """


index.default = "build"


@index.command()
@file_options
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write; FILE's name with .gllm when left out.",
)
@click.option("--embed", is_flag=True, help="Also the vectors of all names, for search by meaning.")
@click.option(
    "--topology",
    is_flag=True,
    help="Also a vector of where each node stands in the graph, which `train soft-prompt"
    " --topology` reads; without it they are computed when they are first read, once.",
)
def build(
    graph: str,
    mapping: str | None,
    format_: str | None,
    out: Path | None,
    embed: bool,
    topology: bool,
) -> None:
    """Read FILE and write its index; the word `build` may be left out.

    An index that is there stays whole until the new one is. Building again after an interruption
    goes on with the vectors where it stopped.

    \b
    Examples:
      graphllm index build films.csv -o films.gllm
      graphllm index films.csv --embed --topology
      graphllm index data.csv --map "head=from,relation=how,tail=to"
    """
    from graphllm.graph.plain import plain
    from graphllm.index import GraphIndex, SourceFile, SourceInfo
    from graphllm.io import graph_files, read_graph
    from graphllm.text.encoder import load_encoder

    source = resolve(graph)
    files = graph_files(source)
    target = out or Path(_stem(source, files) + ".gllm")
    notes: list[str] = []
    with progress() as report:
        report("reading", 0, 1)
        read = read_graph(source, mapping=mapping, format=format_, on_mapping=notes.append)
        report("reading", 1, 1)
        for line in notes:
            tell_mapping(line)
        options = {"mapping": mapping or "", "format": format_ or ""}
        about = SourceInfo(
            files=tuple(map(SourceFile.of, files)),
            reader_options=options,
            reader_notes=tuple(notes),
        )
        built = GraphIndex.build(read, target, source=about, progress=report)
        if embed:
            encoder = load_encoder()
            for what in ("relations", "names"):
                built.embed(encoder, what, progress=report)
        if topology:
            _keep_topology(built, report)
    say(f"{plain(str(target))}: {built.num_nodes:,} nodes, {built.num_edges:,} edges")


def _keep_topology(built: "GraphIndex", report: Callable[[str, int, int], None]) -> None:
    """Compute the topology tokens that trainings read, and leave them beside the index."""
    from graphllm.tokenizers.topology import TopologySettings, graph_topology

    report("computing topology tokens", 0, 1)
    graph_topology(built, TopologySettings())
    report("computing topology tokens", 1, 1)


def _stem(source: str, files: Sequence[Path]) -> str:
    """Return the name of the file or folder without what its format adds."""
    if len(files) > 1:
        return Path(source).name or "graph"
    return files[0].name.removesuffix(".gz").rsplit(".", 1)[0]


@index.command()
@click.argument("path", metavar="INDEX", type=click.Path(path_type=Path))
def info(path: Path) -> None:
    """Print what an index holds, and whether its source has changed since.

    \b
    Example:
      graphllm index info films.gllm
    """
    from graphllm.graph.plain import plain
    from graphllm.index import GraphIndex

    about = GraphIndex.open(path).info()
    attributes = [f"{entry.name} ({entry.kind})" for entry in about.node_columns]
    edge_attributes = [f"{entry.name} ({entry.kind})" for entry in about.edge_columns]
    rows = {
        "nodes": f"{about.num_nodes:,}",
        "edges": f"{about.num_edges:,}",
        "aliases": f"{about.num_aliases:,}",
        "relations": ", ".join(about.relations[:20]),
        "types": ", ".join(about.node_types[:20]),
        "node attributes": ", ".join(attributes),
        "edge attributes": ", ".join(edge_attributes),
        "size": f"{about.size_bytes / 1e6:,.1f} MB",
        "built": about.created,
        "generation": str(about.generation),
        "sources": ", ".join(file.path for file in about.sources),
        "read as": "; ".join(about.reader_notes),
        "content": about.content_hash[:16],
    }
    for name, value in rows.items():
        if value:
            say(f"{name:16} {plain(value)}")
    for source in about.changed_sources:
        note(f"{plain(source)} has changed since; build the index again")


@index.command()
@click.argument("path", metavar="INDEX", type=click.Path(path_type=Path))
def check(path: Path) -> int:
    """Read every file of an index and compare it with its checksum.

    Exits with 1 when something is damaged.

    \b
    Example:
      graphllm index check films.gllm
    """
    from graphllm.graph.plain import plain
    from graphllm.index.graph_index import check as problems_of

    problems = problems_of(path)
    for problem in problems:
        note(plain(problem))
    if problems:
        note(f"{len(problems)} of its files are damaged; build the index again")
        return EXPECTED_ERROR
    say(f"{plain(str(path))}: every file is as it was written")
    return 0
