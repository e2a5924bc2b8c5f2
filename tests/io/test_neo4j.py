import gzip

import pytest

from graphllm.errors import DataError
from graphllm.io import read_graph

PEOPLE = "personId:ID(Person),name,born:int,tags:string[],:LABEL\n" + (
    "k,Keanu Reeves,1964,actor;bassist,Person;Actor\nc,Carrie-Anne Moss,1967,,Person\n"
)
MOVIES = "movieId:ID(Movie),title,released:int,rating:double,seen:boolean,on:date,:LABEL\n" + (
    "m,The Matrix,1999,8.7,true,1999-03-31,Movie\n"
)
ROLES = ":START_ID(Person),role,:END_ID(Movie),:TYPE,days:int\nk,Neo,m,ACTED_IN,90\n" + (
    "c,Trinity,m,ACTED_IN,\n"
)


@pytest.fixture
def folder(tmp_path):
    for name, text in (("movies", MOVIES), ("people", PEOPLE), ("roles", ROLES)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_a_folder_of_an_import(folder, facts, attributes, edge_attributes):
    lines = []
    graph = read_graph(folder, on_mapping=lines.append)
    assert facts(graph) == [
        ("Keanu Reeves", "ACTED_IN", "The Matrix"),
        ("Carrie-Anne Moss", "ACTED_IN", "The Matrix"),
    ]
    assert attributes(graph, "m")["released"] == [1999]
    assert attributes(graph, "m")["seen"] == [True]
    assert attributes(graph, "m")["on"] == ["1999-03-31"]
    assert attributes(graph, "k")["tags"] == ["actor", "bassist"]
    assert attributes(graph, "k")["label"] == ["Actor"]
    assert [graph.node_types[t] for t in graph.node_type_ids] == ["Movie", "Person", "Person"]
    assert edge_attributes(graph, 0) == {"role": ["Neo"], "days": [90]}
    assert "roles.csv: head=:START_ID(Person), tail=:END_ID(Movie), relation=:TYPE" in lines


def test_files_by_name_and_packed(folder, facts):
    packed = folder / "roles2.csv.gz"
    packed.write_bytes(gzip.compress(ROLES.encode()))
    graph = read_graph(f"{folder / 'people.csv'},{folder / 'movies.csv'},{packed}")
    assert len(facts(graph)) == 2


def test_ids_of_two_spaces_do_not_mix(tmp_path, facts):
    (tmp_path / "a.csv").write_text("id:ID(A),name\n1,Ada\n")
    (tmp_path / "b.csv").write_text("id:ID(B),name\n1,Bob\n")
    (tmp_path / "c.csv").write_text(":START_ID(A),:END_ID(B),:TYPE\n1,1,KNOWS\n")
    graph = read_graph(tmp_path)
    assert facts(graph) == [("Ada", "KNOWS", "Bob")]
    assert graph.find_key("A/1") == 0


def test_a_relationship_file_alone(folder, facts):
    assert facts(read_graph(folder / "roles.csv"))[0] == ("k", "ACTED_IN", "m")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1964", "soon", r"people.csv, line 2: born: expected a whole number, got 'soon'"),
        ("c,Carrie", "k,Carrie", r"people.csv, line 3: the :ID 'k' stands in line 2 already"),
        ("c,Carrie", ",Carrie", r"people.csv, line 3: no personId:ID\(Person\) in this row"),
        ("1967,,Person", "1967,Person", r"people.csv, line 3: 4 columns, expected 5"),
    ],
)
def test_malformed(folder, old, new, message):
    (folder / "people.csv").write_text(PEOPLE.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_graph(folder)
