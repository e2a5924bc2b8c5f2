"""Ask tables some 120 questions whose answers SQL computes: airports, a trader, four databases.

    python benchmarks/tables_dev.py --data DIR [--only SOURCE] [--json FILE] [--wrong]

DIR (or GRAPHLLM_DATA) holds ``demo_openflights``, ``demo_northwind`` and ``spider``, as unpacked.
OpenFlights' tables come without headers; its own page names the columns, and those are written
above them here. Nothing else is told of any table. ``tables_dev/*.toml`` hold the questions.

This is a development set, as ``chinook.py`` is: rules were written while looking at what it got
wrong, so its numbers say what is covered, and nothing about questions that nobody looked at.
GRAPHLLM_SCORER=none asks without the trained scorer.
"""

import argparse
import csv
import os
import re
import sqlite3
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from chinook import answers, report, told

from graphllm import GraphQA

QUESTIONS = Path(__file__).parent / "tables_dev"
OPENFLIGHTS = {
    "airports": (
        "Airport ID,Name,City,Country,IATA,ICAO,Latitude,Longitude,Altitude,Timezone,DST,"
        "Tz database timezone,Type,Source"
    ),
    "airlines": "Airline ID,Name,Alias,IATA,ICAO,Callsign,Country,Active",
    "routes": (
        "Airline,Airline ID,Source airport,Source airport ID,Destination airport,"
        "Destination airport ID,Codeshare,Stops,Equipment"
    ),
    "planes": "Name,IATA code,ICAO code",
    "countries": "name,iso_code,dafif_code",
}
# The columns that the questions' SQL uses, by what they are called there.
COLUMNS = {
    "airports": "id name city country iata icao lat long altitude tz dst tzdb type source",
    "airlines": "id name alias iata icao callsign country active",
    "routes": "airline airline_id source source_id destination destination_id share stops plane",
    "planes": "name iata icao",
    "countries": "name iso dafif",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--only", help="one source, as its file of questions is called")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrongly")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of the data with --data or GRAPHLLM_DATA")
    right: dict[str, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        for file in sorted(QUESTIONS.glob("*.toml")):
            if options.only not in (None, file.stem):
                continue
            for kind, ok in ask_all(file, Path(options.data), Path(scratch), wrong=options.wrong):
                right[f"{file.stem}"].append(ok)
                right[f"  {kind}"].append(ok)
                right["all"].append(ok)
    report(dict(sorted(right.items())), options.json)


def ask_all(file: Path, data: Path, scratch: Path, *, wrong: bool) -> Iterator[tuple[str, bool]]:
    """Yield the kind of each question of a file, and whether it was answered rightly."""
    source, database = opened(file.stem, data, scratch)
    qa = GraphQA.from_file(source, cache=False)
    with closing(database):
        for asked in tomllib.loads(file.read_text("utf-8"))["question"]:
            wanted = {tuple(map(told, row)) for row in database.execute(asked["sql"])}
            if not wanted:
                raise SystemExit(f"{file.name}: nothing answers {asked['text']!r}")
            pairs = len(next(iter(wanted))) > 1
            answered, plan = answers(qa, asked["text"], pairs=pairs)
            if wrong and answered != wanted:
                print(f"{file.stem}, {asked['kind']}: {asked['text']}\n    ran {plan}")
                print(f"    said {sorted(answered)[:4]}, expected {sorted(wanted)[:4]}", flush=True)
            yield asked["kind"], answered == wanted


def opened(name: str, data: Path, scratch: Path) -> tuple[Path, sqlite3.Connection]:
    """Return what graphllm is pointed at, and a database with the same rows for the SQL."""
    if name.startswith("openflights"):
        return _openflights(data / "demo_openflights", scratch / name)
    if name.startswith("northwind"):
        return _northwind(data / "demo_northwind", scratch / name)
    file = data / "spider" / "database" / name / f"{name}.sqlite"
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace").strip().removesuffix("\\r")
    return file, database


def _openflights(folder: Path, scratch: Path) -> tuple[Path, sqlite3.Connection]:
    scratch.mkdir()
    database = sqlite3.connect(":memory:")
    for table, header in OPENFLIGHTS.items():
        text = (folder / f"{table}.dat").read_text("utf-8")
        (scratch / f"{table}.csv").write_text(f"{header}\n{text}", "utf-8")
        rows = [[_cell(c) for c in row] for row in csv.reader(text.splitlines())]
        _fill(database, table, COLUMNS[table].split(), rows)
    return scratch, database


def _northwind(folder: Path, scratch: Path) -> tuple[Path, sqlite3.Connection]:
    scratch.mkdir()
    database = sqlite3.connect(":memory:")
    for file in sorted(folder.glob("*.csv")):
        (scratch / file.name).write_bytes(file.read_bytes())
        header, *rows = csv.reader(file.read_text("utf-8").splitlines())
        table = {"order-details": "details", "employee-territories": "covers"}.get(file.stem)
        mended = [list(_mended(row, len(header))) for row in rows]
        _fill(database, table or file.stem, header, mended)
    return scratch, database


def _mended(row: list[str], width: int) -> Iterator[str | int | float | None]:
    """Yield the cells of a row whose addresses hold commas without quotes."""
    cells: list[str] = []
    for cell in row:
        if len(row) > width and cell.startswith(" "):
            cells[-1] += "," + cell
        else:
            cells.append(cell)
    yield from map(_cell, cells)


def _fill(
    database: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[list[object]]
) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    database.execute(f'CREATE TABLE "{table}" ({listed})')
    database.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)


def _cell(text: str) -> str | int | float | None:
    if text in ("\\N", "NULL"):
        return None
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d*\.\d+([eE]-?\d+)?", text) else text


if __name__ == "__main__":
    main()
