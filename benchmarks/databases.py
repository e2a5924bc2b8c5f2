"""Ask 300 questions of two real databases, with answers that SQL computes.

    python benchmarks/databases.py --data DIR [--only NAME] [--json FILE] [--wrong]

OpenFlights (airports, airlines, routes; DIR/demo_openflights/*.dat) and Northwind (customers,
products and orders of a wholesaler; DIR/demo_northwind/northwind.sqlite), 150 questions each, as a
traveller and as somebody in the office would put them. They were written from the databases, before
anything was trained and without asking graphllm; nothing is trained or tuned on them. Beside each
question stands the SQL of its answer, run anew each time; ``null`` marks a question that the
database does not answer. graphllm reads Northwind as it is, and the files of OpenFlights with a
line of column names on top, for they come without.

An answer is right when it is the whole set and nothing else; numbers may be rounded to two
decimals. Of a question with an answer per group, the answer must name each group and its number.
``--wrong`` is for authors of questions only.
"""

import argparse
import csv
import json
import os
import re
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import Answer, GraphQA
from graphllm.evaluate.provenance import Provenance

from shares import line, share_of, write_json  # isort: skip (a neighbour of this script)

FOLDER = Path(__file__).parent / "databases"
NAMES = ("openflights", "northwind")
# Column names of OpenFlights' files as a person writes them on top, and as the SQL has them.
HEADERS = {
    "airports": "airport id,name,city,country,IATA,ICAO,latitude,longitude,altitude,UTC offset,"
    "DST,time zone,type,data source",
    "airlines": "airline id,name,alias,IATA,ICAO,callsign,country,active",
    "routes": "airline code,airline id,source airport code,source airport id,"
    "destination airport code,destination airport id,codeshare,stops,equipment",
    "planes": "name,IATA,ICAO",
    "countries": "name,ISO code,DAFIF code",
}
COLUMNS = {
    "airports": "airport_id,name,city,country,iata,icao,latitude,longitude,altitude,utc_offset,"
    "dst,timezone,type,source",
    "airlines": "airline_id,name,alias,iata,icao,callsign,country,active",
    "routes": "airline,airline_id,source,source_id,destination,destination_id,codeshare,stops,"
    "equipment",
    "planes": "name,iata,icao",
    "countries": "name,iso,dafif",
}
NUMBERS = re.compile(r"_id$|^(altitude|latitude|longitude|utc_offset|stops)$")
ROUNDING = 0.00501


class Question(NamedTuple):
    """One line of questions.jsonl; ``sql`` gives the answer, ``None`` where there is none."""

    kind: str
    question: str
    sql: str | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--only", choices=NAMES, help="one of the two databases")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrongly")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR or GRAPHLLM_DATA must name the folder of the datasets")
    right, seconds = defaultdict(list), []
    for name in [options.only] if options.only else NAMES:
        qa = graph(name, options.data)
        with closing(database(name, options.data)) as connection:
            for question in questions(name):
                gold = answers(connection, question)
                start = time.perf_counter()
                said = qa.ask(question.question)
                seconds.append(time.perf_counter() - start)
                ok = is_right(question, gold, said)
                answered = "not there (abstained)" if gold is None else "answerable"
                for what in (f"kind: {question.kind}", f"database: {name}", answered, "all"):
                    right[what].append(ok)
                if options.wrong and not ok:
                    report(name, question, gold, said)
    shares = {what: share_of(oks) for what, oks in sorted(right.items())}
    for what, share in shares.items():
        print(line(what, share))
    print(f"p50 {np.median(seconds) * 1000:.0f} ms, p95 {np.quantile(seconds, 0.95) * 1000:.0f} ms")
    write_json(options.json, shares, commit=Provenance().commit)


def questions(name: str) -> list[Question]:
    """Return the questions about one database."""
    lines = (FOLDER / name / "questions.jsonl").read_text("utf-8").splitlines()
    return [Question(**json.loads(line)) for line in lines]


def graph(name: str, data: Path) -> GraphQA:
    """Return what answers from one database, read as a user would have graphllm read it."""
    if name == "northwind":
        return GraphQA.from_file(data / "demo_northwind" / "northwind.sqlite", cache=False)
    with tempfile.TemporaryDirectory() as folder:
        for table, header in HEADERS.items():
            rows = (data / "demo_openflights" / f"{table}.dat").read_text("utf-8")
            Path(folder, f"{table}.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
        return GraphQA.from_file(folder, cache=False)


def database(name: str, data: Path) -> sqlite3.Connection:
    """Return the database that the SQL is run on."""
    if name == "northwind":
        uri = (data / "demo_northwind" / "northwind.sqlite").absolute().as_uri()
        return sqlite3.connect(f"{uri}?mode=ro", uri=True)
    connection = sqlite3.connect(":memory:")
    for table, listed in COLUMNS.items():
        columns = listed.split(",")
        typed = [f"{name} {'NUMERIC' if NUMBERS.search(name) else 'TEXT'}" for name in columns]
        connection.execute(f"CREATE TABLE {table} ({', '.join(typed)})")
        places = ", ".join("?" * len(columns))
        rows = flights(data / "demo_openflights" / f"{table}.dat")
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        keys = [name for name in columns if name.endswith("_id")]
        for key in keys:
            connection.execute(f"CREATE INDEX {table}_{key} ON {table} ({key})")
    return connection


def flights(path: Path) -> Iterator[list[str | None]]:
    r"""Yield the rows of a file of OpenFlights, which writes ``\N`` where nothing is."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            yield [None if cell in (r"\N", "") else cell for cell in row]


def answers(connection: sqlite3.Connection, question: Question) -> list[tuple] | None:
    """Return the rows that the SQL gives, ``None`` where the database has no answer."""
    if question.sql is None:
        return None
    rows = connection.execute(question.sql).fetchall()
    if question.kind == "yes / no":
        return [("yes" if rows[0][0] else "no",)]
    return rows


def is_right(question: Question, gold: Sequence[tuple] | None, said: Answer) -> bool:
    """Whether the answer is the whole of ``gold`` and nothing else."""
    if gold is None:
        return bool(said.abstained)
    if said.abstained:
        return False
    if len(gold[0]) == 2:
        return is_grouped(gold, said)
    return same_set([row[0] for row in gold], said.entities)


def is_grouped(gold: Sequence[tuple], said: Answer) -> bool:
    """Whether just the groups are named, and in the text each has its number behind it."""
    text = spelled(said.text)
    return same_set([name for name, _ in gold], said.entities) and all(
        re.search(rf"{re.escape(spelled(name))}\W{{1,3}}{number}\b", text) for name, number in gold
    )


def same_set(gold: Sequence[object], said: Sequence[str]) -> bool:
    """Whether both hold the same answers, each at least once."""
    return all(any(same(a, b) for b in said) for a in gold) and all(
        any(same(a, b) for a in gold) for b in said
    )


def same(gold: object, said: str) -> bool:
    """Whether two answers are one: a number but for rounding, a text but for case and blanks."""
    try:
        return abs(float(gold) - float(said.removeprefix("Order "))) <= ROUNDING
    except (TypeError, ValueError):
        return spelled(gold) == spelled(said)


def spelled(answer: object) -> str:
    """Return a text as it is compared; midnight is no part of a date."""
    text = re.sub(r"(?<=\d)[ T]00:00:00(\.0+)?$", "", str(answer))
    return " ".join(text.split()).casefold()


def report(name: str, question: Question, gold: Sequence[tuple] | None, said: Answer) -> None:
    wanted = "no answer" if gold is None else ", ".join(str(row) for row in gold[:5])
    print(f"{name}: {question.question}\n    wanted {wanted}\n    said   {said.text[:200]}")
    print(f"    ran    {said.plan and said.plan.text}")


if __name__ == "__main__":
    main()
