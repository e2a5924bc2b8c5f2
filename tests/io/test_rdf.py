"""RDF in its spellings in; the right graph out."""

import pyoxigraph
import pytest

from graphllm.graph import Kind
from graphllm.io.rdf import read_rdf
from graphllm.io.source import Source

TURTLE = """
@prefix ex: <http://example.org/> .
@prefix onto: <http://example.org/onto#> .
@prefix other: <http://other.example/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .

onto:doctoralAdvisor rdfs:label "doctoral advisor"@en, "Doktorvater"@de .
onto:Physicist rdfs:label "physicist"@en .

ex:curie a owl:NamedIndividual, onto:Physicist, onto:Chemist ;
    rdfs:label "Marie Curie"@en, "Marie Skłodowska Curie"@pl ;
    skos:prefLabel "Madame Curie"@en ;
    skos:altLabel "Maria Salomea Skłodowska", "Curie"@en, "Madame Curie"@fr ;
    rdfs:comment "Polnisch-französische Physikerin"@de, "Polish and French physicist"@en ;
    onto:born "1867-11-07"^^xsd:date ;
    onto:prizes 2 ;
    onto:height 1.6 ;
    onto:alive false ;
    onto:motto "Rien n'est à craindre"@fr, "Nothing is to be feared"@en ;
    onto:nativeName "Maria"@pl, "Marya"@de ;
    onto:address [ onto:street "Rue Cuvier"; onto:city ex:Paris ] ;
    onto:doctoralAdvisor ex:Gabriel_Lippmann ;
    onto:field ex:physics ;
    other:field ex:chemistry .
ex:physics rdfs:label "Physik"@de .
"""

RDF_XML = """<?xml version="1.0"?>
<!DOCTYPE rdf:RDF [ <!ENTITY ex "http://example.org/"> ]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:o="http://example.org/o#"
         xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">
  <o:Person rdf:about="&ex;ada"><rdfs:label>Ada</rdfs:label>
    <o:wroteTo rdf:resource="&ex;babbage"/></o:Person>
</rdf:RDF>"""


def test_labels_languages_types_and_relations(read, facts):
    graph = read("g.ttl", TURTLE)
    assert facts(graph) == [
        ("address of Marie Curie", "city", "Paris"),
        ("Marie Curie", "address", "address of Marie Curie"),
        ("Marie Curie", "doctoral advisor", "Gabriel Lippmann"),
        ("Marie Curie", "onto:field", "Physik"),
        ("Marie Curie", "other:field", "chemistry"),
        ("Marie Curie", "type", "NamedIndividual"),
        ("Marie Curie", "type", "Chemist"),
    ]
    curie = graph.find_key("http://example.org/curie")
    assert curie is not None
    assert graph.node_types[int(graph.node_type_ids[curie])] == "physicist"
    assert graph.aliases(curie) == ("Madame Curie", "Maria Salomea Skłodowska", "Curie")
    assert graph.texts[curie] == "Polish and French physicist"
    assert graph.find_key("http://example.org/onto#doctoralAdvisor") is None  # not a thing


def test_literals_become_typed_attributes(read, attributes):
    graph = read("g.ttl", TURTLE)
    assert attributes(graph, "http://example.org/curie") == {
        "born": ["1867-11-07"],
        "prizes": [2],
        "height": [1.6],
        "alive": [False],
        "motto": ["Nothing is to be feared"],
        "nativeName": ["Maria"],
    }
    kinds = {name: column.kind for name, column in graph.node_columns.items()}
    assert (kinds["born"], kinds["prizes"], kinds["alive"]) == (
        Kind.DATE,
        Kind.INTEGER,
        Kind.BOOLEAN,
    )


def test_the_language_can_be_chosen(tmp_path, attributes):
    path = tmp_path / "g.ttl"
    path.write_text(TURTLE, encoding="utf-8")
    graph = read_rdf(Source(path=path), language="de")
    assert "Doktorvater" in graph.relations
    curie = graph.find_key("http://example.org/curie")
    assert curie is not None
    assert graph.texts[curie] == "Polnisch-französische Physikerin"
    assert attributes(graph, "http://example.org/curie")["nativeName"] == ["Marya"]


def test_blank_nodes_have_the_same_key_in_every_reading(read):
    assert read("g.ttl", TURTLE).content_hash == read("g.ttl", TURTLE).content_hash
    many = "".join(f"[] <http://e/r> [ <http://e/n> {n} ] .\n" for n in range(200))
    assert read("g.ttl", many).content_hash == read("g.ttl", many).content_hash
    labelled = "_:x <http://e/r> _:y .\n<http://e/a> <http://e/r> _:y .\n"
    graph = read("g.nt", labelled)
    assert list(graph.keys) == ["_:x", "_:y", "http://e/a"]
    assert list(graph.names) == ["unnamed node 1", "r of unnamed node 1", "a"]


def test_rdf_xml_with_the_short_entities_that_ontologies_use(read, facts):
    graph = read("g.rdf", RDF_XML)
    assert facts(graph) == [("Ada", "wroteTo", "babbage")]
    assert graph.node_types == ("Person",)


def test_named_graphs_are_kept_as_an_attribute(read, edge_attributes):
    lines = "<http://e/a> <http://e/r> <http://e/b> <http://e/g> .\n" * 2
    graph = read("g.nq", lines + "<http://e/a> <http://e/r> <http://e/c> .\n")
    assert graph.num_edges == 3
    assert edge_attributes(graph, 0) == {"graph": ["http://e/g"]}
    assert edge_attributes(graph, 2) == {}


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("ttl", pyoxigraph.RdfFormat.TURTLE),
        ("nt", pyoxigraph.RdfFormat.N_TRIPLES),
        ("nq", pyoxigraph.RdfFormat.N_QUADS),
        ("trig", pyoxigraph.RdfFormat.TRIG),
        ("rdf", pyoxigraph.RdfFormat.RDF_XML),
        ("jsonld", pyoxigraph.RdfFormat.JSON_LD),
    ],
)
def test_every_spelling_says_the_same(read, facts, suffix, form):
    entity, city = "http://example.org/x/Ada", "http://example.org/x/London"
    quads = [
        pyoxigraph.Quad(
            pyoxigraph.NamedNode(entity),
            pyoxigraph.NamedNode("http://example.org/onto/birthPlace"),
            pyoxigraph.NamedNode(city),
        ),
        pyoxigraph.Quad(
            pyoxigraph.NamedNode(entity),
            pyoxigraph.NamedNode("http://example.org/onto/born"),
            pyoxigraph.Literal(1815),
        ),
    ]
    content = pyoxigraph.serialize(quads, format=form)
    assert content is not None
    graph = read(f"g.{suffix}", content)
    assert facts(graph) == [("Ada", "birthPlace", "London")]
    assert graph.node_columns["born"].of(0) == [1815]


def test_two_predicates_with_one_local_name_and_no_prefix_stay_apart(read):
    graph = read(
        "g.nt",
        "<http://a/x> <http://p/of> <http://a/y> .\n<http://a/x> <http://q/of> <http://a/y> .",
    )
    assert graph.relations == ("http://p/of", "http://q/of")
