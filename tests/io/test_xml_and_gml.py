"""GraphML, GEXF and GML in; the right graph out."""

import networkx as nx
import pytest

from graphllm.graph import Kind

GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
  <key id="d0" for="node" attr.name="name" attr.type="string"/>
  <key id="d1" for="node" attr.name="born" attr.type="int"/>
  <key id="d2" for="node" attr.name="type" attr.type="string"><default>Person</default></key>
  <key id="d3" for="edge" attr.name="relation" attr.type="string"/>
  <key id="d4" for="edge" attr.name="weight" attr.type="double"/>
  <key id="d5" for="edge" attr.name="sure" attr.type="boolean"><default>true</default></key>
  <key id="d6" for="node" attr.name="died" attr.type="string"/>
  <graph edgedefault="undirected">
    <node id="a"><data key="d0">Ada Lovelace</data><data key="d1">1815</data>
      <data key="d6">1852-11-27</data></node>
    <node id="b"><data key="d0">Charles &amp; Co</data><data key="d2">Firm</data></node>
    <node id="c"><graph edgedefault="directed"><node id="c::1"><data key="d0">Inner</data></node>
      </graph></node>
    <edge source="a" target="b"><data key="d3">wrote to</data><data key="d4">2.5</data></edge>
    <edge source="b" target="a"><data key="d5">false</data></edge>
    <edge source="c::1" target="c"/>
  </graph>
</graphml>"""

YED = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/g">
  <key for="node" id="d6" yfiles.type="nodegraphics"/>
  <key for="edge" id="d10" yfiles.type="edgegraphics"/>
  <graph id="G" edgedefault="directed">
    <node id="n0"><data key="d6"><y:ShapeNode><y:Fill color="#FFCC00"/>
      <y:NodeLabel textColor="#000000">Order
intake<y:LabelModel/></y:NodeLabel></y:ShapeNode></data></node>
    <node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>Shipping</y:NodeLabel></y:ShapeNode>
      </data></node>
    <edge id="e0" source="n0" target="n1"><data key="d10"><y:PolyLineEdge>
      <y:EdgeLabel>hands over to</y:EdgeLabel></y:PolyLineEdge></data></edge>
  </graph></graphml>"""

GEXF = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">
  <graph defaultedgetype="undirected">
    <attributes class="node">
      <attribute id="0" title="country" type="string"><default>Germany</default></attribute>
      <attribute id="1" title="inhabitants" type="long"/>
    </attributes>
    <attributes class="edge"><attribute id="0" title="km" type="double"/></attributes>
    <nodes>
      <node id="b" label="Berlin"><attvalues><attvalue for="1" value="3700000"/></attvalues>
        <viz:color r="1" g="2" b="3"/><viz:size value="7"/></node>
      <node id="p" label="Paris"><attvalues><attvalue for="0" value="France"/></attvalues></node>
    </nodes>
    <edges>
      <edge id="0" source="b" target="p" label="train to" weight="3.0" type="directed">
        <attvalues><attvalue for="0" value="1050.5"/></attvalues></edge>
      <edge id="1" source="p" target="b"/>
    </edges>
  </graph>
</gexf>"""

GML = """# a comment
Creator "someone"
graph [
  directed 0
  node [ id 1 label "Myriel" born 1740.5 graphics [ x 1.0 y 2 ] address [ city "Digne" ] ]
  node [
    id 2
    label "Jean &amp; Valj&#233;an"
    alias "Madeleine"
    big 123456789012345678901234567890
  ]
  edge [ source 1 target 2 label "shelters" weight 4 ]
  edge [ source 2 target 2 ]
]"""


def test_graphml_keys_types_defaults_and_nested_graphs(read, facts, attributes, edge_attributes):
    graph = read("g.graphml", GRAPHML)
    assert facts(graph) == [
        ("Ada Lovelace", "wrote to", "Charles & Co"),
        ("Charles & Co", "linked to", "Ada Lovelace"),
        ("Inner", "linked to", "c"),
    ]
    assert [graph.node_types[t] for t in graph.node_type_ids] == ["Person", "Firm"] + ["Person"] * 2
    assert attributes(graph, "a") == {"born": [1815], "died": ["1852-11-27"]}
    assert graph.node_columns["died"].kind is Kind.DATE
    assert edge_attributes(graph, 0) == {"sure": [True]}
    assert edge_attributes(graph, 1) == {"sure": [False]}
    assert graph.weights is not None
    assert graph.weights.tolist() == [2.5, 1.0, 1.0]


def test_graphml_labels_of_yed(read, facts):
    assert facts(read("g.graphml", YED)) == [("Order\nintake", "hands over to", "Shipping")]


def test_gexf(read, facts, attributes, edge_attributes):
    graph = read("g.gexf", GEXF)
    assert facts(graph) == [("Berlin", "train to", "Paris"), ("Paris", "linked to", "Berlin")]
    assert attributes(graph, "b") == {"inhabitants": [3_700_000], "country": ["Germany"]}
    assert attributes(graph, "p") == {"country": ["France"]}
    assert edge_attributes(graph, 0) == {"km": [1050.5]}
    assert graph.weights is not None
    assert graph.weights.tolist() == [3.0, 1.0]


def test_gml(read, facts, attributes):
    graph = read("g.gml", GML)
    assert facts(graph) == [
        ("Myriel", "shelters", "Jean & Valjéan"),
        ("Jean & Valjéan", "linked to", "Jean & Valjéan"),
    ]
    assert attributes(graph, "1") == {"born": [1740.5], "address.city": ["Digne"]}
    assert attributes(graph, "2") == {"big": ["123456789012345678901234567890"]}
    assert graph.aliases(1) == ("Madeleine",)


@pytest.mark.parametrize(
    ("suffix", "write"),
    [("graphml", nx.write_graphml), ("gexf", nx.write_gexf), ("gml", nx.write_gml)],
)
def test_what_networkx_writes_is_read_as_networkx_meant_it(tmp_path, read, facts, suffix, write):
    original = nx.MultiDiGraph()
    original.add_node("a", name="Ada", born=1815)
    original.add_node("b", name="Babbage <&> Söhne", born=1791)
    original.add_edge("a", "b", relation="wrote to", year=1833)
    original.add_edge("a", "b", relation="admired", year=1840)
    original.add_edge("b", "b", relation="knew", year=1800)
    path = tmp_path / "written"
    write(original, path)
    graph = read(f"g.{suffix}", path.read_bytes())
    assert facts(graph) == [
        ("Ada", "wrote to", "Babbage <&> Söhne"),
        ("Ada", "admired", "Babbage <&> Söhne"),
        ("Babbage <&> Söhne", "knew", "Babbage <&> Söhne"),
    ]
    assert graph.node_columns["born"].values.tolist() == [1815, 1791]
    assert graph.edge_columns["year"].values.tolist() == [1833, 1840, 1800]


def test_the_encoding_that_xml_declares_is_used(read, facts):
    text = GRAPHML.replace("UTF-8", "ISO-8859-1").replace("Inner", "Zürich")
    assert facts(read("g.graphml", text.encode("latin-1")))[2][0] == "Zürich"


def test_a_dtd_without_entities_is_harmless(read):
    text = GRAPHML.replace("<graphml", '<!DOCTYPE graphml SYSTEM "graphml.dtd">\n<graphml', 1)
    assert read("g.graphml", text).num_edges == 3
