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


# what train_test_split of scikit-learn 1.9.1 gives; it is no dependency of ours
@pytest.mark.parametrize(
    ("num_rows", "val", "test"), [(7, [5], [0, 1]), (19, [1, 3, 8, 11], [0, 5, 13, 16])]
)
def test_the_split_is_that_of_scikit_learn(num_rows, val, test):
    found = published_split(np.arange(num_rows))
    assert (found["val"].tolist(), found["test"].tolist()) == (val, test)
    rest = sorted({*range(num_rows)} - {*val, *test})
    assert found["train"].tolist() == rest


def test_the_split_of_explagraphs_is_that_of_scikit_learn():
    found = published_split(np.arange(2766))
    assert found["test"][:6].tolist() == [8, 18, 32, 44, 45, 59]
    assert found["val"][:6].tolist() == [7, 13, 23, 25, 29, 30]
    sums = {part: int(rows.sum()) for part, rows in found.items()}
    assert sums == {"train": 2_298_800, "val": 772_552, "test": 752_643}


@given(st.integers(3, 3000))
def test_the_split_leaves_no_row_out_and_has_the_published_shares(num_rows):
    found = published_split(np.arange(num_rows))
    assert sorted(row for rows in found.values() for row in rows.tolist()) == list(range(num_rows))
    aside = -(-2 * num_rows // 5)
    assert (len(found["train"]), len(found["test"])) == (num_rows - aside, -(-aside // 2))


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
