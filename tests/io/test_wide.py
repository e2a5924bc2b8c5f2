import gzip

import pytest

from graphllm.graph import Kind
from graphllm.io import read_graph

MOVIES = (
    "title,director,genres,released,on,seen,plot,starring\n"
    "Alien,Ridley Scott,Horror;Science Fiction,1979,1979-05-25,yes,"
    + "The crew of a freighter answers a distress call and finds what they should not have. "
    * 2
    + ",Sigourney Weaver|Tom Skerritt\n"
    "Blade Runner,Ridley Scott,Science Fiction,1982,,no,"
    + "A policeman hunts artificial people who have come back to the earth, and likes one. "
    * 2
    + ",Harrison Ford\n"
    "Aliens,James Cameron,Action;Science Fiction,1986,1986-07-18,yes,"
    + "Years later she goes back with soldiers, who are not prepared for what they will meet. " * 2
    + ",Sigourney Weaver\n"
)


def test_a_row_per_movie(tmp_path, facts, attributes):
    path = tmp_path / "movies.csv"
    path.write_text(MOVIES)
    lines = []
    graph = read_graph(path, on_mapping=lines.append)
    assert lines == [
        "movies.csv: a row per thing: name=title, text=plot, relations=director;genres;starring,"
        " attributes=released;on;seen"
    ]
    assert facts(graph)[:5] == [
        ("Alien", "director", "Ridley Scott"),
        ("Alien", "genres", "Horror"),
        ("Alien", "genres", "Science Fiction"),
        ("Alien", "starring", "Sigourney Weaver"),
        ("Alien", "starring", "Tom Skerritt"),
    ]
    assert attributes(graph, "Alien") == {"released": [1979], "on": ["1979-05-25"], "seen": [True]}
    assert attributes(graph, "Blade Runner") == {"released": [1982], "seen": [False]}
    assert graph.texts[graph.find_key("Aliens")].startswith("Years later")
    types = {n: graph.node_types[t] for n, t in zip(graph.names, graph.node_type_ids, strict=True)}
    assert types["Alien"] == "movie"
    assert types["Ridley Scott"] == "director"


def test_what_was_told_can_be_said(tmp_path):
    path = tmp_path / "movies.csv.gz"
    path.write_bytes(gzip.compress(MOVIES.encode()))
    lines = []
    told = read_graph(path, on_mapping=lines.append)
    again = read_graph(path, mapping=lines[0].split("thing: ")[1])
    assert again.content_hash == told.content_hash


def test_the_mapping_moves_columns(tmp_path, facts, attributes):
    path = tmp_path / "movies.csv"
    path.write_text(MOVIES)
    graph = read_graph(path, mapping="name=title, relations=director;released, attributes=genres")
    assert ("Alien", "released", "1979") in facts(graph)
    assert attributes(graph, "Alien")["genres"] == ["Horror;Science Fiction"]


def test_values_that_are_rows_are_those_rows(read, facts):
    graph = read("staff.csv", "id,name,manager,born\n1,Ada,,1815\n2,Bob,Ada,1950\n3,Cid,Ada,1960\n")
    assert facts(graph) == [("Bob", "manager", "Ada"), ("Cid", "manager", "Ada")]
    assert graph.num_nodes == 3
    assert graph.find_key("1") == 0


def test_ids_types_and_aliases(read, attributes):
    graph = read(
        "things.tsv",
        "id\tname\ttype\taliases\tcity\tzip\n"
        "Q1\tAda\tPerson\tA. L.|Countess\tLondon\t01234\nQ2\tEngine\tMachine\t\tLondon\t99999\n"
        "Q3\tBabbage\tPerson\t\tLondon\t00001\n",
    )
    assert graph.aliases(0) == ("A. L.", "Countess")
    assert graph.node_types == ("Person", "Machine", "city")
    assert graph.node_columns["zip"].kind is Kind.TEXT
    assert attributes(graph, "Q1") == {"zip": ["01234"]}


def test_lists_with_commas_recur_and_addresses_do_not(read, facts):
    genres = ["Drama, War", "War, Comedy", "Comedy, Drama", "War", "Drama, Comedy"]
    rows = [f'f{i},"{genres[i % 5]}","{i} High St, Town {i}",x\n' for i in range(12)]
    graph = read("films.csv", "film,genre,address,code\n" + "".join(rows))
    tails = {tail for _, relation, tail in facts(graph) if relation == "genre"}
    assert tails == {"Drama", "War", "Comedy"}
    assert not any(relation == "address" for _, relation, _ in facts(graph))


def test_short_unique_texts_link_when_nothing_else_does(read, facts):
    graph = read("countries.csv", "name,capital,area\nFrance,Paris,1\nItaly,Rome,2\n")
    assert facts(graph) == [("France", "capital", "Paris"), ("Italy", "capital", "Rome")]


def test_binary_columns_are_left_out(read):
    blob = "0x" + "15" * 100
    graph = read("things.csv", f"name,kin,pic\na,b,{blob}\nb,a,{blob}\nc,a,{blob}\n")
    assert graph.node_columns == {}
    assert "pic" not in graph.relations


@pytest.mark.parametrize("format", ["wide", "triples"])
def test_the_format_can_be_forced(tmp_path, format, facts):
    path = tmp_path / "kb.csv"
    path.write_text("Alien,director,Scott\nAliens,director,Cameron\n")
    relations = {relation for _, relation, _ in facts(read_graph(path, format=format))}
    assert relations == ({"director"} if format == "triples" else {"column 2", "column 3"})


def test_unique_years_are_no_ids(read, facts, attributes):
    graph = read("people.csv", "Name,Born,Country\nAda,1815,UK\nBob,1900,UK\n")
    assert facts(graph) == [("Ada", "Country", "UK"), ("Bob", "Country", "UK")]
    assert attributes(graph, "Ada") == {"Born": [1815]}
    assert graph.node_types == ("person", "Country")


def test_several_rows_may_speak_of_one_thing(read, facts, attributes):
    graph = read(
        "films.csv",
        "id,title,year,genre\n1,Alien,1979,Horror\n1,Alien,1979,SF\n2,Aliens,1986,SF\n",
    )
    assert facts(graph) == [
        ("Alien", "genre", "Horror"), ("Alien", "genre", "SF"), ("Aliens", "genre", "SF")
    ]  # fmt: skip
    assert attributes(graph, "1") == {"year": [1979]}
