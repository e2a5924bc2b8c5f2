"""Read the sheets of an Excel workbook as tables (extra ``excel``)."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from zipfile import BadZipFile

from graphllm.errors import MissingExtraError
from graphllm.graph import TextualGraph
from graphllm.io.delimited import has_header, names_columns
from graphllm.io.source import Source
from graphllm.io.table import Table, TextColumn, tidy_labels
from graphllm.io.values import as_text


def read_excel(source: Source) -> TextualGraph:
    """Return the graph in a workbook: of its sheet, or of all its sheets joined by key columns."""
    from graphllm.io.folder import tables_graph
    from graphllm.io.tabular import table_graph

    tables = read_sheets(source)
    return table_graph(tables[0]) if len(tables) == 1 else tables_graph(tables)


def read_sheets(source: Source) -> list[Table]:
    """Return the sheets that hold a table of two columns or more.

    Raises:
        DataError: The file is no workbook, or no sheet holds a table.
        MissingExtraError: openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError(
            f"{source.name}: reading Excel needs openpyxl; pip install 'graphllm[excel]'"
        ) from error
    try:
        with source.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and rules that do not concern the cells
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheets = {s.title: [list(r) for r in s.values] for s in book.worksheets}
    except (OSError, BadZipFile, KeyError, ValueError, TypeError, SyntaxError, EOFError) as error:
        raise source.error(
            f"cannot be read as an Excel workbook ({error}); save it as .xlsx or CSV"
        ) from error
    parts = sheets if len(sheets) > 1 else {"": next(iter(sheets.values()), [])}
    tables = [_table(replace(source, part=name), rows) for name, rows in parts.items()]
    found = [table for table in tables if table and table.num_rows and len(table.labels) > 1]
    if not found:
        raise source.error("no sheet holds a table of at least two columns and one row")
    return found


def _table(source: Source, sheet: Sequence[Sequence[object]]) -> Table | None:
    """Return the cells of a sheet as a table, empty rows and empty columns left out."""
    texts = [[as_text(cell) for cell in row] for row in sheet]
    lines = [number for number, row in enumerate(texts, 1) if any(row)]
    rows = [texts[number - 1] for number in lines]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    used = [i for i in range(width) if any(row[i] for row in rows)]
    rows = [[row[i] for i in used] for row in rows]
    if not rows:
        return None
    header = names_columns(source.mapping) or has_header(rows[:1000])
    body = rows[1:] if header else rows
    body_lines = lines[1:] if header else lines
    return Table(
        source=source,
        labels=tidy_labels(rows[0] if header else [""] * len(used)),
        columns=tuple(TextColumn.of(row[i] for row in body) for i in range(len(used))),
        has_header=header,
        find_line=body_lines.__getitem__,
    )
