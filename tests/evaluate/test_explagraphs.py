import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import Compared, Published, load_suite
from graphllm.evaluate.random_split import published_split

HEADER = "arg1\targ2\tlabel\tgraph\n"
ROWS = (
    'Cats are pets.\t"They ""sleep""."\tsupport\t(Cats; is a; Pets)(pets;capable of ; sleep)\n'
    "Dogs bark.\tDogs are quiet.\tcounter\t(dogs; capable of; bark)(bark; antonym of; quiet)\n"
) * 5


@pytest.fixture
def expla_dir(tmp_path):
    folder = tmp_path / "explagraphs"
    folder.mkdir()
    (folder / "train_dev.tsv").write_text(HEADER + ROWS, encoding="utf-8")
    return tmp_path


def test_arguments_question_and_label_are_the_published_ones(expla_dir):
    suite = load_suite("graphqa-explagraphs", expla_dir, "train")
    example = suite.examples[0]
    assert suite.choices == ("support", "counter")
    assert example.prompt.text == (
        'Argument 1: Cats are pets.\nArgument 2: They "sleep".\n'
        "Question: Do argument 1 and argument 2 support or counter each other?"
        " Answer in one word in the form of 'support' or 'counter'.\n\nAnswer:"
    )
    assert example.prompt.text.startswith(example.question)
    assert (example.label, example.gold) == ("support", ("support",))
    assert (example.published, example.compared) == (Published.CHOICE, Compared.NORMALIZED)


def test_nodes_are_lower_case_strings_each_once(expla_dir):
    suite = load_suite("graphqa-explagraphs", expla_dir, "train")
    graph = suite.graph_of(suite.examples[0])
    assert list(graph.names) == ["cats", "pets", "sleep"]
    assert graph.relations == ("is a", "capable of")
    assert (graph.heads.tolist(), graph.tails.tolist()) == ([0, 1], [1, 2])


def test_splits_share_no_row_and_leave_none_out(expla_dir):
    parts = [load_suite("graphqa-explagraphs", expla_dir, s) for s in ("train", "val", "test")]
    ids = [example.id for part in parts for example in part.examples]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert sorted(ids) == list(range(1, 11))
    with pytest.raises(ConfigError, match="no split 'dev', only test, val, train"):
        load_suite("graphqa-explagraphs", expla_dir, "dev")


@given(st.integers(3, 3000))
def test_the_split_is_that_of_scikit_learn(num_rows):
    from sklearn.model_selection import train_test_split

    train, rest = train_test_split(np.arange(num_rows), test_size=0.4, random_state=42)
    val, test = train_test_split(rest, test_size=0.5, random_state=42)
    found = published_split(np.arange(num_rows))
    for part, rows in {"train": train, "val": val, "test": test}.items():
        assert found[part].tolist() == sorted(rows.tolist())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n", "line 1: expected the columns"),
        (HEADER + "a\tb\tsupport\n", "line 2: expected two arguments"),
        (HEADER + "a\tb\tperhaps\t(a; b; c)\n", "line 2: expected two arguments"),
        (HEADER + ROWS + "a\tb\tcounter\t(a; c)\n", r"line 12: expected \(head; relation; tail\)"),
    ],
)
def test_malformed_rows_are_named(expla_dir, text, message):
    (expla_dir / "explagraphs" / "train_dev.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_suite("graphqa-explagraphs", expla_dir)


@pytest.mark.data
def test_counts_are_those_of_the_paper(data_dir):
    parts = [load_suite("graphqa-explagraphs", data_dir, s) for s in ("train", "val", "test")]
    graphs = [part.graph_of(example) for part in parts for example in part.examples]
    assert round(np.mean([graph.num_nodes for graph in graphs]), 2) == 5.17
    assert round(np.mean([graph.num_edges for graph in graphs]), 2) == 4.25
