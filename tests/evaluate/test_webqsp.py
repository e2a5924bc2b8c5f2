import json

import pytest

from graphllm.errors import ConfigError, DataError, LanguageModelError
from graphllm.evaluate import Compared, Predicted, Query, load_suite, run, run_system
from graphllm.evaluate.predictions import read_predictions
from graphllm.index import Names
from graphllm.tasks import GraphQA
from graphllm.tasks.evaluation import naive_system, on_own_graph, own_graph_system


class Letters:
    """An encoder that knows letters alone: near are texts with the same ones."""

    dim, id = 26, "letters"

    def encode(self, texts):
        import numpy as np

        counts = np.array([[t.count(c) for c in map(chr, range(97, 123))] for t in texts])
        norms = np.linalg.norm(counts.reshape(-1, 26), axis=1, keepdims=True)
        return (counts.reshape(-1, 26) / np.maximum(norms, 1)).astype(np.float32)


def plan_system():
    make = on_own_graph(lambda view: GraphQA(view, Names.build(view), Letters()))
    return own_graph_system(make)


def test_each_question_has_its_graph_and_says_whether_it_holds_an_answer(suites_dir):
    suite = load_suite("webqsp-subgraphs", suites_dir)
    first, second = suite.examples
    assert (suite.split, first.id, second.id) == ("test", 1, 2)
    assert first.gold == ("The Rex!", "fido")
    assert first.compared is Compared.NORMALIZED
    assert (first.answerable, second.answerable) == (True, False)
    graph = suite.graph_of(first)
    assert list(graph.names) == ["ann lee", "rex", "m.01x"]
    assert (graph.num_edges, graph.relations) == (1, ("people.person.pets",))
    assert suite.graph_of(second).num_nodes == 2


def test_dev_is_the_validation_file_of_that_kind(suites_dir):
    assert len(load_suite("webqsp-subgraphs-refined", suites_dir, "dev")) == 2
    with pytest.raises(DataError, match=r"no file .*val_attn_subgraph\.jsonl"):
        load_suite("webqsp-subgraphs", suites_dir, "dev")
    with pytest.raises(ConfigError, match="no split 'all', only test, dev, val, train"):
        load_suite("webqsp-subgraphs", suites_dir, "all")
    with pytest.raises(DataError, match=r"no file .*train_attn_subgraph\.jsonl"):
        load_suite("webqsp-subgraphs", suites_dir, "train")  # is made, not published


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"line 2: expected an object with question"),
        ('{"id": 1, "question": "q", "answers": []}', r"line 2: expected an object"),
        (
            '{"question": "q", "answers": [], "nodes": [[1, "a"]], "edges": [[1, "r", 2]]}',
            r"line 2: an edge names node 2",
        ),
        ('{"question": "q", "answers": [], "nodes": [["x", "a"]], "edges": []}', r"line 2: exp"),
    ],
)
def test_a_line_that_is_no_question_is_named(suites_dir, line, message):
    path = suites_dir / "webqsp_retrieved" / "test_attn_subgraph.jsonl"
    path.write_text(path.read_text().split("\n")[0] + "\n" + line + "\n")
    with pytest.raises(DataError, match=message):
        load_suite("webqsp-subgraphs", suites_dir)


def test_scores_over_all_questions_and_over_those_whose_answer_is_there(suites_dir):
    suite = load_suite("webqsp-subgraphs", suites_dir)
    says = {"what is the name of ann lee's dog": ("rex",), "where was ann lee born": ("rex",)}
    means = run(suite, lambda q: Predicted(entities=says[q])).means
    assert means["hits_at_1"].value == 0.5
    assert (means["hits_at_1_in_graph"].value, means["hits_at_1_in_graph"].n) == (1.0, 1)
    assert means["hit_in_graph"].value == 1.0
    assert means["recall_in_graph"].value == 0.5
    assert means["exact_set_in_graph"].value == 0.0
    assert (means["abstention_recall"].value, means["abstention_recall"].n) == (0.0, 1)


def test_declining_where_the_answer_is_not_there_is_right(suites_dir):
    suite = load_suite("webqsp-subgraphs", suites_dir)

    def careful(question):
        born = "born" in question
        return Predicted(entities=() if born else ("Rex",), abstained=born)

    report = run(suite, careful)
    assert report.means["abstention_recall"].value == 1.0
    assert report.means["abstention_precision"].value == 1.0
    assert report.means["hits_at_1"].value == 0.5  # declining is no answer, even so
    assert list(report.curve.values())[:5] == [0.0] * 5
    assert report.curve["100%"] == 0.5


def test_hit_reads_the_whole_reply_and_hits_at_1_only_the_answer(suites_dir):
    suite = load_suite("webqsp-subgraphs", suites_dir)
    said = Predicted(entities=("a dog",), text="It was Fido, I think.\nAnswer: a dog")
    means = run(suite, lambda _: said).means
    assert (means["hit_in_graph"].value, means["hits_at_1_in_graph"].value) == (1.0, 0.0)


def test_plan_reader_answers_from_the_graph_of_each_question(suites_dir, tmp_path):
    suite = load_suite("webqsp-subgraphs", suites_dir)
    asked = []

    def watched(queries):
        asked.extend(queries)
        return plan_system()(queries)

    report = run_system(suite, watched, out=tmp_path / "run")
    assert [query.view.num_nodes for query in asked] == [3, 2]
    lines = (tmp_path / "run" / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["in_graph"] for line in lines] == [True, False]
    kept = read_predictions(tmp_path / "run" / "predictions.jsonl")
    assert [p.example.compared for p in kept] == [Compared.NORMALIZED] * 2
    assert report.means["hits_at_1"].n == 2


def test_naive_baselines_on_a_graph(suites_dir):
    suite = load_suite("webqsp-subgraphs", suites_dir)
    query = Query(suite.examples[0].question, suite.graph_of(suite.examples[0]))
    (relation,) = naive_system("nearest_relation", Letters())([query])
    assert (relation.entities, relation.linked) == (("rex",), ("ann lee",))
    (node,) = naive_system("nearest_node", Letters())([query])
    assert node.entities in (("rex",), ("m.01x",))  # not the one that the question names
    (nothing,) = naive_system("nearest_relation", Letters())([Query("who", query.view)])
    assert nothing.abstained


def test_systems_over_own_graphs_refuse_a_question_without_one():
    with pytest.raises(ConfigError, match="no graph of their own"):
        plan_system()([Query("who?")])
    with pytest.raises(ConfigError, match="each question has its own graph"):
        naive_system("nearest_node", Letters())([Query("who?")])


def test_batches_have_the_size_asked_for_and_order_is_kept(suites_dir):
    suite = load_suite("metaqa-1hop", suites_dir)
    sizes = []

    def count(queries):
        sizes.append(len(queries))
        return [Predicted(entities=(query.question,)) for query in queries]

    report = run_system(suite, count, batch_size=3)
    assert sizes == [3, 1]
    assert report.means["hits_at_1"].n == 4


def test_a_refused_batch_is_asked_one_by_one(suites_dir):
    suite = load_suite("metaqa-1hop", suites_dir)

    def refuses_films(queries):
        if any("films" in query.question for query in queries):
            raise DataError("no films")
        return [Predicted(entities=("Mann",)) for _ in queries]

    report = run_system(suite, refuses_films, batch_size=4)
    assert report.means["errors"].value == 0.25
    assert report.means["coverage"].value == 0.75


def test_a_language_model_that_fails_stops_the_run_and_it_goes_on_later(suites_dir, tmp_path):
    suite = load_suite("metaqa-1hop", suites_dir)
    calls = []

    def dies(queries):
        calls.append(len(queries))
        if len(calls) == 2:
            raise LanguageModelError("the server at http://localhost:1 does not answer")
        return [Predicted(entities=("Mann",)) for _ in queries]

    with pytest.raises(LanguageModelError, match="does not answer"):
        run_system(suite, dies, batch_size=2, out=tmp_path)
    run_system(suite, dies, batch_size=2, out=tmp_path)
    assert calls == [2, 2, 2]


@pytest.mark.data
def test_the_published_share_of_questions_has_an_answer_in_its_graph(data_dir):
    suite = load_suite("webqsp-subgraphs", data_dir)
    assert sum(example.in_graph for example in suite.examples) == 1011
