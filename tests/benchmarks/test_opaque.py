"""The opaque copy says what the graph says, and each question has an answer."""

from graphllm.query import execute, parse_plan


def test_the_copy_is_the_graph_with_other_labels(script):
    opaque = script("opaque")
    triples = opaque.rows("edges.tsv")
    names = opaque.renamed(triples)
    assert list(names.values()) == [f"R{number}" for number in range(1, 11)]
    back = {label: relation for relation, label in names.items()}
    copy = [(h, names[r], t) for h, r, t in triples]
    assert [(h, back[r], t) for h, r, t in copy] == triples
    assert opaque.lessons(names)[0] == 'R1 means "produces"'


def test_every_node_has_a_kind(script):
    opaque = script("opaque")
    triples, types = opaque.rows("edges.tsv"), dict(opaque.rows("nodes.tsv"))
    graph = opaque.graph(triples, types)
    assert {
        (graph.names[n], graph.node_types[graph.node_type_ids[n]]) for n in range(graph.num_nodes)
    } == set(types.items())
    assert graph.num_edges == len(triples)


def test_every_question_has_an_answer(script):
    opaque = script("opaque")
    graph = opaque.graph(opaque.rows("edges.tsv"), {})
    for question, plan in opaque.rows("questions.tsv"):
        result = execute(parse_plan(plan), graph)
        assert not result.is_empty, question
        assert plan.startswith("exists") or result.values != (0,), question
