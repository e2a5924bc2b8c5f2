"""Read a Parquet file as a table."""

from typing import Any

import numpy as np

from graphllm.graph import StringTable, TextualGraph
from graphllm.io.source import Source
from graphllm.io.table import MARGIN, Table, TextColumn, from_arrow, merge, tidy_labels
from graphllm.io.values import as_text


def read_parquet(source: Source) -> TextualGraph:
    """Return the graph in a Parquet file, its rows being edges or things."""
    from graphllm.io.tabular import table_graph

    return table_graph(read_parquet_table(source))


def read_parquet_table(source: Source) -> Table:
    """Return the columns of a Parquet file as texts.

    Raises:
        DataError: The file is not Parquet, or has no rows.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with source.open() as file:
            table = parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise source.error(f"cannot be read as Parquet ({first}); write it again") from error
    kept = [name for name in table.column_names if not name.startswith("__index_level")]
    if not table.num_rows or len(kept) < 2:
        raise source.error(
            f"{table.num_rows} rows, {len(kept)} columns; expected a row and two columns at least"
        )
    return Table(
        source=source,
        labels=tidy_labels(kept),
        columns=tuple(_column(table.column(name)) for name in kept),
        has_header=not all(name.isdecimal() for name in kept),
        find_line=lambda row: row + 1,
    )


def _column(chunked: Any) -> TextColumn:  # noqa: ANN401 - pyarrow ships no types
    """Return a column of any Arrow type as texts; a null is an empty one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(chunked.type):
        chunked = chunked.cast(chunked.type.value_type)
    if pa.types.is_nested(chunked.type):
        return TextColumn.of(as_text(value) for value in chunked.to_pylist())
    encoded = chunked.combine_chunks().dictionary_encode(null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    values, codes = encoded.dictionary, encoded.indices.to_numpy()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        texts = from_arrow(pc.utf8_trim(values, characters=MARGIN))
    else:
        texts = StringTable.from_strings(as_text(value) for value in values.to_pylist())
    merged, (remap,) = merge([texts])
    return TextColumn(np.asarray(remap[codes], dtype=np.int32), merged)
