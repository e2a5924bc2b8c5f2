"""Read separated text (CSV, TSV, pipes) into a table, finding out its separator and header.

Most files go through Arrow's parser. What it refuses (another encoding, odd quotes, a row that is
too short) is read again line by line, which is slower and knows where it is.
"""

import csv
import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphllm.errors import DataError
from graphllm.io.mapping import ROLES, ColumnMap, label_key, listed
from graphllm.io.source import Source
from graphllm.io.table import MARGIN, Table, TextColumn, from_arrow, tidy_labels
from graphllm.io.values import is_label, parse_value

logger = logging.getLogger(__name__)

_SEPARATORS = ("\t", "|", ",", ";")
_NAMES = {"\t": "tab", "|": "pipe", ",": "comma", ";": "semicolon"}
_BY_SUFFIX = {".tsv": "\t", ".tab": "\t", ".csv": ",", ".psv": "|"}
_SAMPLE_BYTES = 1 << 18
_NEWLINE = ord("\n")
_COMMENT = re.compile(r"#(\s|#|$)")
_MOST_COLUMNS = 4_096  # each is a relation or an attribute, and a file of the index
_WITH_DICTIONARY = re.compile(r"\S+\s+\S+\s*\{(\s*['\"\d].*)?\}\s*$")
_IDENTIFIER = re.compile(r"[a-z]+(_[a-z0-9]+)+|[A-Za-z][a-z]+([A-Z]+[a-z0-9]*)+")
_SAYS_WHAT = re.compile(r"(.*\W)?(id|code|name|number|date|type|title)", re.IGNORECASE)
_LOWER_LABEL = re.compile(r"[a-z][a-z0-9_ ]*")
_LINE_END = re.compile(r"\r\n|\n|\r")
# Words that hardly are the name of a thing: one of them makes the first row a header.
_STRONG = frozenset(
    ("head", "tail", "subject", "object", "predicate", "relation", "relationship", "source")
) | frozenset(("target", "weight", "fromnodeid", "tonodeid", "sourceid", "targetid", "nodeid"))
_NEO4J_LABEL = re.compile(
    r"[^:]*:(ID|START_ID|END_ID|TYPE|LABEL|IGNORE)(\([^)]*\))?|[^:]+:(int|long|float|double|string"
    r"|boolean|date|datetime|localdatetime|point|short|byte|char)(\[\])?(\{.*\})?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a separated text is written.

    Attributes:
        separator: What stands between two cells.
        quoted: Whether a cell may stand in double quotes, a quote inside it doubled.
        num_columns: How many cells a row has.
        num_comments: How many lines before the header or the first row are comments.
        header: The labels in the file; None when it has no header.
    """

    separator: str
    quoted: bool
    num_columns: int
    num_comments: int = 0
    header: tuple[str, ...] | None = None


class NoSeparatorError(DataError):
    """No separator cuts the lines of a text into cells."""


class Row(NamedTuple):
    """One row of the file, and the line it begins in."""

    line: int
    cells: list[str]


def read_delimited(source: Source) -> Table:
    """Return the table in a separated text.

    Raises:
        DataError: No separator fits, a row has another number of cells than the rest, or there
            is no row.
    """
    dialect = find_dialect(source)
    columns = _read_fast(source, dialect)
    if columns is None:
        columns = _read_by_line(source, dialect)
    elif dialect.quoted and any((column.values.data == _NEWLINE).any() for column in columns):
        _check_quotes(source, dialect)
    columns = _without_empty_rows(columns)
    if not columns or not len(columns[0]):
        raise source.error("holds a header and no rows; a graph needs at least one edge")
    labels = dialect.header or [""] * dialect.num_columns
    return Table(
        source=source,
        labels=tidy_labels(labels),
        columns=columns,
        has_header=dialect.header is not None,
        find_line=lambda row: _line_of_row(source, dialect, row),
    )


def find_dialect(source: Source) -> Dialect:
    """Return how the file is written, judged by its first lines and, for quotes, by all of it.

    Raises:
        DataError: No separator cuts most lines into the same number of cells, two or more.
    """
    sample = _sample(source)
    lines = [line for line in _LINE_END.split(sample) if line.strip(MARGIN)]
    comments = _leading_comments(lines)
    body = lines[comments:]
    if not body:
        raise source.error("holds only comments; a graph needs at least one edge")
    separator = _find_separator(body, source)
    quoted = _is_quoted(source, separator)
    rows = [cells for cells in _sample_rows(body, separator, quoted) if any(cells)]
    if not rows:
        raise source.error("holds only empty cells; a graph needs at least one edge")
    num_columns = Counter(len(cells) for cells in rows[:2000]).most_common(1)[0][0]
    if num_columns > _MOST_COLUMNS:
        raise source.error(
            f"{num_columns:,} columns, at most {_MOST_COLUMNS:,} are read; write a matrix as a row"
            " per edge"
        )
    header: tuple[str, ...] | None = None
    labelled = names_columns(source.mapping) or has_header(rows[:1000])
    if len(rows[0]) == num_columns and labelled:
        header = tuple(cell.strip(MARGIN) for cell in rows[0])
    elif len(rows[0]) == num_columns + 1 and not rows[0][-1].strip():
        header = tuple(cell.strip(MARGIN) for cell in rows[0][:-1])
    return Dialect(
        separator=separator,
        quoted=quoted,
        num_columns=num_columns,
        num_comments=_line_index(sample, comments),
        header=header,
    )


def _sample(source: Source) -> str:
    """Return the first lines of the file, whole ones."""
    head = source.head(_SAMPLE_BYTES)
    if len(head) == _SAMPLE_BYTES and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
    elif len(head) % 2 and head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[:-1]
    try:
        return head.decode("utf-8-sig") if b"\0" not in head else source.decode(head)
    except UnicodeDecodeError:
        return head.decode("utf-8", "replace")


def _leading_comments(lines: Sequence[str]) -> int:
    """Count the lines at the top that begin with ``#`` and are not rows themselves."""
    count = 0
    while count < len(lines) and lines[count].startswith("#"):
        count += 1
    plain = all(_COMMENT.match(line) for line in lines[:count])
    if plain or count == len(lines):
        return count if plain else 0
    # "#1 Record|..." is a row and "#from,to" a header: they have as many cells as the rows
    row = lines[count]
    alike = any(lines[0].count(s) == row.count(s) for s in _SEPARATORS if s in row)
    return 0 if alike else count


def _line_index(sample: str, num_comments: int) -> int:
    """Return how many lines of the file the first comments take, blank lines counted."""
    seen = 0
    for index, line in enumerate(_LINE_END.split(sample)):
        if seen == num_comments:
            return index if num_comments else 0
        seen += bool(line.strip(MARGIN))
    return 0


def _find_separator(lines: Sequence[str], source: Source) -> str:
    """Return the separator that cuts the most lines into the same number of cells."""
    preferred = _BY_SUFFIX.get(source.suffix)
    order = sorted(_SEPARATORS, key=lambda separator: separator != preferred)
    best, best_share = "", 0.0
    if _WITH_DICTIONARY.match(lines[0]):
        order = []  # the commas are those of the dictionaries
    for separator in order:
        rows = _sample_rows(lines[:500], separator, quoted=True)
        plain = [line.split(separator) for line in lines[:500]]
        share = max(_share_alike(rows), _share_alike(plain))
        if separator == preferred:
            share += 0.2  # a suffix is evidence too
        if share > best_share:
            best, best_share = separator, share
    if best_share < 0.5:
        error = source.error(
            "expected rows of 2 or more cells, separated by tab, comma, pipe or semicolon;"
            f" the first is {lines[0][:60]!r}"
        )
        raise NoSeparatorError(str(error))
    return best


def _sample_rows(lines: Sequence[str], separator: str, quoted: bool) -> list[list[str]]:
    """Return the cells of the first lines; quotes count for nothing where they do not close."""
    try:
        return [row.cells for row in _split("\n".join(lines), separator, quoted)]
    except _BadQuoteError:
        return [line.split(separator) for line in lines]


def _share_alike(rows: Sequence[Sequence[str]]) -> float:
    """Return the share of rows with the commonest number of cells; 0 when that is one."""
    if not rows:
        return 0.0
    width, count = Counter(len(cells) for cells in rows).most_common(1)[0]
    return count / len(rows) if width > 1 else 0.0


def _is_quoted(source: Source, separator: str) -> bool:
    """Whether quotes wrap cells, or are characters of names such as ``"Weird Al" Yankovic``.

    In comma-separated text quotes always wrap. Elsewhere they do only when every cell that begins
    with a quote is a well-formed quoted cell.
    """
    if separator in ",;":
        return True
    if not _mentions_quote(source, separator):
        return False
    data = source.data()
    sep = re.escape(separator.encode())
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = source.decode(data).encode()
    quoted = re.compile(rb"(^|[\r\n]|" + sep + rb')"(?:[^"]|"")*"(?=' + sep + rb"|[\r\n]|\Z)")
    rest = quoted.sub(rb"\1", data)
    return not re.search(rb"(?:^|[\r\n]|" + sep + rb')"', rest)


def _mentions_quote(source: Source, separator: str) -> bool:
    """Whether some cell begins with a quote; reads piece by piece."""
    signs = [before + b'"' for before in (b"\n", b"\r", separator.encode())]
    if source.head(4).startswith((b"\xff\xfe", b"\xfe\xff")):
        signs = [b'"']
    with source.reading(), source.open() as file:
        last = b"\n"
        while piece := file.read(1 << 22):
            if any(sign in piece for sign in signs) or (last + piece[:1]) in signs:
                return True
            last = piece[-1:]
    return False


def names_columns(mapping: ColumnMap) -> bool:
    """Whether the user's mapping names columns by label, which says that there is a header."""
    named = (name for column in mapping.roles.values() for name in column.split(";"))
    return not all(name.strip().isdecimal() for name in named)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns, rather than being a row like the others.

    Examples:
        >>> has_header([["from", "to"], ["Ada", "Babbage"]]), has_header([["Ada", "Babbage"]])
        (True, False)
        >>> has_header([["film", "year"], ["Alien", "1979"], ["Aliens", "1986"]])
        True
    """
    first = [cell.strip(MARGIN).lstrip("#").strip() for cell in rows[0]]
    body = rows[1:]
    if any(_NEO4J_LABEL.fullmatch(cell) for cell in first):
        return True
    if not all(is_label(cell) for cell in first) or sum(map(bool, first)) < len(first) - 1:
        return False
    words = [label_key(cell) for cell in first]
    known = sum(any(word in labels for labels in ROLES.values()) for word in words)
    if known == len(words) and (len(words) > 2 or any(len(word) > 1 for word in words)):
        return True
    columns = [[row[i] for row in body if i < len(row)] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(rows[0], columns, strict=True)):
        return False
    if known >= 2 or _STRONG & set(words):
        return True
    if any(_mostly_values(column) for column in columns) or _is_contrast(first, columns):
        return True
    return len(first) >= 4 and len(set(words)) == len(words) and bool(body)


def _is_contrast(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is written as labels are, and the columns below it are not.

    All in lower case is such a style; so are ``snake_case`` and ``camelCase``, in two cells or in
    one that ends in ``ID``, and two cells that end in words such as "code" and "name".
    """

    def unlike_below(style: re.Pattern[str]) -> list[str]:
        return [
            cell
            for cell, column in zip(first, columns, strict=True)
            if style.fullmatch(cell)
            and column
            and sum(bool(style.fullmatch(below)) for below in column) <= 0.2 * len(column)
        ]

    identifiers = unlike_below(_IDENTIFIER)
    if len(unlike_below(_SAYS_WHAT)) >= 2:
        return True
    if len(identifiers) >= 2 or any(cell.lower().endswith("id") for cell in identifiers):
        return True
    return len(unlike_below(_LOWER_LABEL)) == len(first)


def _mostly_values(column: Sequence[str]) -> bool:
    """Whether a column holds numbers or dates, so that a word above it must be a label."""
    filled = [cell.strip(MARGIN) for cell in column if cell.strip(MARGIN)]
    return len(filled) > 0 and sum(
        not isinstance(parse_value(cell), str) for cell in filled
    ) >= 0.9 * len(filled)


def _read_fast(source: Source, dialect: Dialect) -> tuple[TextColumn, ...] | None:
    """Return the columns as Arrow reads them, or None when it finds the file odd."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(i) for i in range(dialect.num_columns)]
    try:
        with pa.input_stream(
            str(source.path), compression="gzip" if source.is_gzip else None
        ) as stream:
            table = arrow_csv.read_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    column_names=names,
                    skip_rows=dialect.num_comments,
                    skip_rows_after_names=1 if dialect.header else 0,
                    block_size=1 << 24,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=dialect.separator,
                    quote_char='"' if dialect.quoted else False,
                    newlines_in_values=dialect.quoted,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
    except (pa.ArrowInvalid, OSError):
        return None
    uncoded = table.columns[::-1]
    del table
    return tuple(_column(uncoded.pop()) for _ in names)  # each is let go once it is coded


def _column(chunked: Any) -> TextColumn:  # noqa: ANN401 - pyarrow ships no types
    """Return an Arrow column of texts as a text column, the margins of its texts cut off."""
    import pyarrow.compute as pc

    if not len(chunked):
        return TextColumn.of(())
    encoded = chunked.dictionary_encode()  # the chunks share one dictionary
    trimmed = pc.utf8_trim(encoded.chunk(0).dictionary, characters=MARGIN).dictionary_encode()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
    if len(trimmed.dictionary) < len(trimmed.indices):
        codes = trimmed.indices.to_numpy()[codes]
    return TextColumn(codes.astype(np.int32, copy=False), from_arrow(trimmed.dictionary))


def _read_by_line(source: Source, dialect: Dialect) -> tuple[TextColumn, ...]:
    """Return the columns, read with the line numbers at hand."""
    rows = list(_rows(source, dialect))
    return tuple(TextColumn.of(row.cells[i] for row in rows) for i in range(dialect.num_columns))


def _rows(source: Source, dialect: Dialect) -> Iterator[Row]:
    """Yield the rows under the header, each of the right length.

    Raises:
        DataError: A row has too few or too many cells.
    """
    text = source.text()
    width, awaits_header = dialect.num_columns, dialect.header is not None
    mended: list[int] = []
    try:
        for row in _split(text, dialect.separator, dialect.quoted):
            if row.line <= dialect.num_comments or not any(row.cells):
                continue
            if awaits_header:
                awaits_header = False
            elif len(row.cells) == width:
                yield row
            elif len(row.cells) > width and not any(row.cells[width:]):
                yield Row(row.line, row.cells[:width])
            elif len(cells := _mend(row.cells, dialect.separator)) == width:
                mended.append(row.line)
                yield Row(row.line, cells)
            else:
                raise _wrong_width(source, dialect, row)
    except _BadQuoteError as error:
        raise source.error(error.message, error.line) from error
    if mended:
        logger.warning(
            "%s: %d rows hold a comma without quotes, the first in line %d; a comma before a space"
            " was read as part of the text",
            source.name,
            len(mended),
            mended[0],
        )


def _mend(cells: Sequence[str], separator: str) -> list[str]:
    """Join cells that begin with a space to the one before: commas of an address, not of the file.

    Examples:
        >>> _mend(["BLONP", "24", " place Kléber", "Strasbourg"], ",")
        ['BLONP', '24, place Kléber', 'Strasbourg']
    """
    mended: list[str] = []
    for cell in cells:
        if mended and separator == "," and cell.startswith(" "):
            mended[-1] += separator + cell
        else:
            mended.append(cell)
    return mended


def _wrong_width(source: Source, dialect: Dialect, row: Row) -> DataError:
    width, name = dialect.num_columns, _NAMES[dialect.separator]
    labels = f" ({listed(dialect.header)})" if dialect.header else ""
    if dialect.quoted and any(cell.count("\n") > 3 for cell in row.cells):
        advice = "a quote opened here is not closed where it should be"
    else:
        advice = f"cells are separated by {name}; put quotes around one that holds a {name}"
        if not dialect.quoted:
            advice = f"cells are separated by {name}, which no cell may hold"
    return source.error(f"{len(row.cells)} columns, expected {width}{labels}; {advice}", row.line)


def _split(text: str, separator: str, quoted: bool, *, strict: bool = False) -> Iterator[Row]:
    """Yield the rows of ``text`` with the line each begins in, blank ones too."""
    if not quoted:
        for line, row in enumerate(_LINE_END.split(text), 1):
            yield Row(line, row.split(separator) if row.strip(MARGIN) else [])
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    begin = 1
    try:
        for cells in reader:
            yield Row(begin, cells if any(cell.strip(MARGIN) for cell in cells) else [])
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _BadQuoteError(
            f"a quote that begins in this row is not closed where a cell ends ({error});"
            " double a quote that is part of the text",
            begin,
        ) from error


class _BadQuoteError(ValueError):
    """A quoted cell does not end where it should."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


def _check_quotes(source: Source, dialect: Dialect) -> None:
    """Refuse a text whose cells span lines only because a quote was never closed.

    Raises:
        DataError: There is text between a closing quote and the next separator.
    """
    try:
        for _ in _split(source.text(), dialect.separator, dialect.quoted, strict=True):
            pass
    except _BadQuoteError as error:
        raise source.error(error.message, error.line) from error


def _without_empty_rows(columns: tuple[TextColumn, ...]) -> tuple[TextColumn, ...]:
    """Leave out rows in which all cells are empty, as spreadsheets write below a table."""
    filled = np.zeros(len(columns[0]), dtype=np.bool_)
    for column in columns:
        empty = np.diff(column.values.offsets) == 0
        if not empty.any():
            return columns
        filled |= ~empty[column.codes]
    return columns if filled.all() else tuple(column.take(filled) for column in columns)


def _line_of_row(source: Source, dialect: Dialect, row: int) -> int | None:
    """Return the line in which row ``row`` begins, found by reading the file again."""
    for position, found in enumerate(_rows(source, dialect)):
        if position == row:
            return found.line
    return None
