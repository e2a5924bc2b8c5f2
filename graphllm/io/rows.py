"""Plain JSON records, a row per object: a table whose labels are the fields."""

import json
from collections.abc import Iterator, Mapping, Sequence

from graphllm.io.source import Source
from graphllm.io.table import Table, TextColumn, tidy_labels
from graphllm.io.values import as_text

_NAMES = ("name", "title", "label", "id")


def records_table(
    source: Source, records: Sequence[Mapping[str, object]], lines: Sequence[int | None]
) -> Table:
    """Return records as a table; a field that a record lacks is an empty cell.

    Args:
        lines: The line in which each record stands; ``None`` in a file that is one document.
    """
    rows = [dict(_flat(record)) for record in records]
    labels = list(dict.fromkeys(label for row in rows for label in row))
    return Table(
        source=source,
        labels=tidy_labels(labels),
        columns=tuple(TextColumn.of(row.get(label, "") for row in rows) for label in labels),
        has_header=True,
        find_line=lines.__getitem__,
    )


def _flat(record: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field as text, those of an inner object with its label before their own.

    Examples:
        >>> list(_flat({"name": "Ada", "born": {"year": 1815}, "knows": ["Bo", {"name": "Cy"}]}))
        [('name', 'Ada'), ('born year', '1815'), ('knows', 'Bo;Cy')]
    """
    for field, value in record.items():
        label = f"{prefix}{field}"
        if isinstance(value, dict):
            yield from _flat(value, f"{label} ")
        elif isinstance(value, list):
            yield label, ";".join(map(_item, value))
        else:
            yield label, as_text(value)


def _item(value: object) -> str:
    """Return an entry of a list as text: of an object what it is called."""
    if isinstance(value, dict):
        named = next((value[field] for field in _NAMES if field in value), None)
        return json.dumps(value, ensure_ascii=False) if named is None else as_text(named)
    return as_text(value)
