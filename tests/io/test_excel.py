from datetime import date, datetime

import openpyxl
import pytest

from graphllm.errors import DataError
from graphllm.graph import Kind
from graphllm.io import read_graph


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_sheet_of_things(tmp_path, facts, attributes):
    rows = [
        ["title", "director", "year", "on", "rating"],
        ["Alien", "Ridley Scott", 1979, datetime(1979, 5, 25), 8.5],
        ["Blade Runner", "Ridley Scott", 1982, date(1982, 6, 25), None],
        [None, None, None, None, None],
    ]
    graph = read_graph(workbook(tmp_path / "movies.xlsx", {"Sheet1": rows}))
    assert facts(graph)[0] == ("Alien", "director", "Ridley Scott")
    assert attributes(graph, "Alien") == {"year": [1979], "on": ["1979-05-25"], "rating": [8.5]}
    assert graph.node_columns["on"].kind is Kind.DATE


def test_a_sheet_of_triples_below_and_beside_empty_cells(tmp_path, facts):
    rows = [
        [],
        [None, "subject", "predicate", "object"],
        [None, "a", "r", "b"],
        [None, "b", "r", 7],
    ]
    graph = read_graph(workbook(tmp_path / "kb.xlsx", {"kb": rows}))
    assert facts(graph) == [("a", "r", "b"), ("b", "r", "7")]


def test_sheets_of_nodes_and_edges(tmp_path, facts):
    path = workbook(
        tmp_path / "book.xlsx",
        {
            "nodes": [["id", "name"], [1, "Ada"], [2, "Bob"]],
            "edges": [["from", "to", "type"], [1, 2, "knows"]],
        },
    )
    assert facts(read_graph(path)) == [("Ada", "knows", "Bob")]


def test_a_formula_is_not_run_and_a_duplicate_is_found(tmp_path):
    path = workbook(
        tmp_path / "b.xlsx", {"s": [["id", "name", "kin"], [1, "a", "b"], [1, "b", "a"]]}
    )
    with pytest.raises(DataError, match=r"b.xlsx, line 3: the id '1' stands in line 2 already"):
        read_graph(path)


@pytest.mark.parametrize("rows", [[], [["id", "name"]], [["only"], ["one"]]])
def test_an_empty_workbook(tmp_path, rows):
    with pytest.raises(DataError, match=r"b.xlsx: no sheet holds a table"):
        read_graph(workbook(tmp_path / "b.xlsx", {"s": rows}))
