import pytest

from graphllm.errors import DataError
from graphllm.io import read_graph

NODES = "id,name,type,aliases,description,born\n" + (
    "p1,Ada Lovelace,Person,Countess,Wrote the first program.,1815\n"
    "p2,Charles Babbage,Person,,Built engines.,1791\nm1,Analytical Engine,Machine,,,\n"
)
EDGES = "source,relation,target,year\np2,designed,m1,1837\np1,described,m1,1843\np1,met,p2,1833\n"


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "nodes.csv").write_text(NODES)
    (tmp_path / "edges.csv").write_text(EDGES)
    return tmp_path


def paths(folder):
    nodes, edges = folder / "nodes.csv", folder / "edges.csv"
    return [folder, edges, [nodes, edges], [edges, nodes], f"{nodes},{edges}", str(edges)]


@pytest.mark.parametrize("which", range(6))
def test_a_pair_of_nodes_and_edges(pair, which, facts, attributes, edge_attributes):
    graph = read_graph(paths(pair)[which])
    assert facts(graph) == [
        ("Charles Babbage", "designed", "Analytical Engine"),
        ("Ada Lovelace", "described", "Analytical Engine"),
        ("Ada Lovelace", "met", "Charles Babbage"),
    ]
    assert list(graph.keys) == ["p1", "p2", "m1"]
    assert attributes(graph, "p1") == {"born": [1815]}
    assert edge_attributes(graph, 1) == {"year": [1843]}
    assert graph.aliases(0) == ("Countess",)
    assert graph.texts[1] == "Built engines."
    assert graph.node_types == ("Person", "Machine")


def test_edges_that_speak_of_names(pair, facts):
    (pair / "edges.csv").write_text("from,to\nAda Lovelace,Charles Babbage\n")
    assert facts(read_graph(pair)) == [("Ada Lovelace", "linked to", "Charles Babbage")]


def test_a_node_that_only_edges_name(pair, facts, caplog):
    with (pair / "edges.csv").open("a") as file:
        file.write("p1,knew,p9,1840\n")
    graph = read_graph(pair)
    assert facts(graph)[-1] == ("Ada Lovelace", "knew", "p9")
    assert "1 nodes stand only in edges, the first is 'p9'" in caplog.text


def test_several_edge_files_name_their_relation(tmp_path, facts, edge_attributes):
    (tmp_path / "acted_in.csv").write_text("from,to,role\nKeanu,Matrix,Neo\n")
    (tmp_path / "directed.csv").write_text("from,to,year\nLana,Matrix,1999\n")
    graph = read_graph(tmp_path)
    assert facts(graph) == [("Keanu", "acted_in", "Matrix"), ("Lana", "directed", "Matrix")]
    assert edge_attributes(graph, 0) == {"role": ["Neo"]}
    assert edge_attributes(graph, 1) == {"year": [1999]}


def test_parts_of_one_list_of_triples(tmp_path, facts):
    (tmp_path / "train.txt").write_text("a\tr\tb\nb\tr\tc\n")
    (tmp_path / "valid.txt").write_text("c\ts\ta\n")
    assert facts(read_graph(tmp_path)) == [("a", "r", "b"), ("b", "r", "c"), ("c", "s", "a")]


def test_the_mapping_goes_to_the_table_it_fits(pair, facts):
    (pair / "edges.csv").write_text("a,b,how\np1,p2,met\n")
    graph = read_graph(pair, mapping="head=a,tail=b,relation=how,name=description")
    assert facts(graph) == [("Wrote the first program.", "met", "Built engines.")]
    with pytest.raises(
        DataError, match=r"edges.csv, nodes.csv: no column 'hwo'.*did you mean 'how'"
    ):
        read_graph(pair, mapping="head=a,tail=b,relation=hwo")


@pytest.fixture
def shop(tmp_path):
    tables = {
        "customers": "customerID,companyName,city\nALFKI,Alfreds,Berlin\nVINET,Vins,Reims\n",
        "employees": (
            "employeeID,lastName,firstName,hired,reportsTo\n"
            "1,Davolio,Nancy,1992-05-01,2\n2,Fuller,Andrew,1992-08-14,NULL\n"
        ),
        "orders": (
            "orderID,customerID,employeeID,freight\n"
            "10248,VINET,1,32.38\n10249,ALFKI,2,11.61\n10250,ALFKI,,5\n"
        ),
        "products": "productID,productName,price\n11,Queso Cabrales,21\n42,Noodles,14\n7,Pears,3\n",
        "order-details": (
            "orderID,productID,quantity\n10248,11,12\n10248,42,10\n10249,11,9\n10250,7,2\n"
        ),
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "README.md").write_text("not a table")
    return tmp_path


def test_tables_joined_by_keys(shop, facts, attributes, edge_attributes):
    lines = []
    graph = read_graph(shop, on_mapping=lines.append)
    found = facts(graph)
    assert ("order 10248", "customer", "Vins") in found
    assert ("order 10249", "employee", "Andrew Fuller") in found
    assert ("Nancy Davolio", "reportsTo", "Andrew Fuller") in found
    assert ("order 10249", "order-details", "Queso Cabrales") in found
    assert len(found) == 3 + 2 + 1 + 4
    assert attributes(graph, "customers/ALFKI") == {"city": ["Berlin"]}
    assert attributes(graph, "employees/1") == {"hired": ["1992-05-01"]}
    edge = found.index(("order 10248", "order-details", "Noodles"))
    assert edge_attributes(graph, edge) == {"quantity": [10]}
    assert graph.aliases(graph.find_key("customers/ALFKI")) == ("ALFKI",)
    assert graph.aliases(graph.find_key("orders/10250")) == ("10250",)
    assert lines[0] == "customers.csv: id=customerID, name=companyName"
    assert lines[2] == (
        "order-details.csv: each row links two rows, orderID -> orders, productID -> products"
    )


def test_things_that_no_table_describes(tmp_path, facts, edge_attributes):
    (tmp_path / "movies.csv").write_text("movieId,title\n1,Alien\n2,Aliens\n")
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating\n7,1,4.5\n7,2,3.0\n8,1,5.0\n")
    graph = read_graph(tmp_path)
    assert facts(graph)[0] == ("user 7", "ratings", "Alien")
    assert edge_attributes(graph, 0) == {"rating": [4.5]}
    assert graph.num_nodes == 4


AIRPORTS = "Airport ID,Name,City,Country,IATA,DST,Type,Source\n" + "".join(
    f"{i},{name},{city},{country},{code},{dst},airport,OurAirports\n"
    for i, (name, city, country, code, dst) in enumerate(
        [
            ("Goroka Airport", "Goroka", "Papua New Guinea", "GKA", "U"),
            ("Madang Airport", "Madang", "Papua New Guinea", "MAG", "U"),
            ("Heathrow", "London", "Britain", "LHR", "E"),
            ("Gatwick", "London", "Britain", "LGW", "E"),
            ("Yangon", "Yangon", "Burma", "RGN", "U"),
            ("Kabri Dar", "Kabri Dar", "Ethiopia", r"\N", "U"),
            *((f"Field {c}", f"Town {c}", "Britain", f"FI{c}", "E") for c in "ABCDEF"),
        ],
        1,
    )
)
COUNTRIES = "name,iso_code,dafif_code\n" + "".join(
    f"Land {i},L{chr(65 + i)},X{chr(65 + i)}\n" for i in range(20)
).replace("Land 0,", "Papua New Guinea,").replace("Land 1,", "Britain,").replace(
    "Land 2,", "Ethiopia,"
)
ROUTES = (
    "Airline,Source airport,Source airport ID,Destination airport,Destination airport ID\n"
    "BA,LHR,3,LGW,4\nBA,LGW,4,LHR,3\nPX,GKA,1,MAG,2\nPX,MAG,2,GKA,1\nPX,MAG,2,RGN,5\n"
    "PX,MAG,2,XXX,99\n"
) + "".join(f"BA,FI{code},{i},LHR,3\nBA,LHR,3,FI{code},{i}\n" for i, code in enumerate("ABCDEF", 7))


@pytest.fixture
def flights(tmp_path):
    for name, text in (("airports", AIRPORTS), ("countries", COUNTRIES), ("routes", ROUTES)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_rows_with_names_of_their_own_are_no_edges(flights, facts):
    graph = read_graph(flights)
    found = facts(graph)
    assert ("Heathrow", "Country", "Britain") in found
    assert ("Heathrow", "routes", "Gatwick") in found
    alone = read_graph(flights / "airports.csv")
    assert ("Heathrow", "Country", "Britain") in facts(alone)


def test_codes_are_other_names_and_no_reference_stands_twice(flights, facts):
    lines = []
    graph = read_graph(flights, on_mapping=lines.append)
    assert graph.aliases(graph.find_key("airports/3")) == ("LHR",)
    assert graph.aliases(graph.find_key("airports/6")) == ()
    assert "Source airport" not in graph.node_columns
    assert "Source airport left out, the code of Source airport ID" in "\n".join(lines)
    assert sum(relation == "routes" for _, relation, _ in facts(graph)) == 17


def test_what_no_row_describes_is_none_of_the_kind(flights):
    graph = read_graph(flights)
    kinds = [graph.node_types[t] if t >= 0 else None for t in graph.node_type_ids.tolist()]
    assert (kinds.count("country"), kinds.count("airport")) == (20, 12)
    assert kinds[graph.find_key("country/Burma")] is None


def test_rows_of_one_name_that_agree_are_one_thing(flights):
    with (flights / "countries.csv").open("a") as file:
        file.write("Britain,LB,ZZ\n")
    graph = read_graph(flights)
    assert graph.node_columns["dafif_code"].of(graph.find_key("countries/Britain")) == ["XB", "ZZ"]
    with (flights / "countries.csv").open("a") as file:
        file.write("Ethiopia,QQ,WW\n")  # another country of that name, for all the table says
    assert read_graph(flights).find_key("countries/Britain") is None


def test_two_references_to_one_table(tmp_path, facts):
    (tmp_path / "person.csv").write_text("person_id,name\n1,Ada\n2,Bob\n3,Cid\n")
    (tmp_path / "knows.csv").write_text("person_id_1,person_id_2,since\n1,2,1833\n3,1,1840\n")
    graph = read_graph(tmp_path)
    assert facts(graph) == [("Ada", "knows", "Bob"), ("Cid", "knows", "Ada")]
    assert graph.edge_columns["since"].of(0) == [1833]


def test_rows_that_link_to_nothing_are_told(shop, facts, caplog):
    with (shop / "order-details.csv").open("a") as file:
        file.write("10249,NULL,3\n")
    assert len(facts(read_graph(shop))) == 10
    assert "order-details.csv: 1 rows link to nothing and were left out" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p2,Charles", "p1,Charles", r"nodes.csv, line 3: .*'p1' stands in line 2 already"),
        ("p2,Charles Babbage", ",Charles", r"nodes.csv, line 3: no id in this row"),
        ("p2,Charles Babbage", "p2", r"nodes.csv, line 3: 5 columns, expected 6"),
    ],
)
def test_malformed_nodes(pair, old, new, message):
    (pair / "nodes.csv").write_text(NODES.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_graph(pair)
