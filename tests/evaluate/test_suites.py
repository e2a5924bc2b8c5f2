from pathlib import Path

import numpy as np
import pytest

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import SUITES, Example, Suite, load_suite
from graphllm.evaluate.suites import MADE, metaqa_chain
from graphllm.query.plan import Step


def test_metaqa_hides_the_topic_in_the_question_and_keeps_it_beside(suites_dir):
    suite = load_suite("metaqa-1hop", suites_dir)
    assert (suite.name, suite.split, len(suite)) == ("metaqa-1hop", "test", 4)
    assert suite.graph_path == suites_dir / "metaqa" / "kb.txt"
    assert suite.examples[2] == Example(
        id=3,
        question="which films did Lumet direct",
        gold=("Serpico", "Network"),
        topic="Lumet",
        chain=(Step("directed_by", inverse=True),),
    )


def test_metaqa_bracket_at_the_start_and_before_an_apostrophe(suites_dir):
    questions = [example.question for example in load_suite("metaqa-2hop", suites_dir).examples]
    assert questions == ["Mann films were released in", "other films of Heat's actors"]


def test_dev_is_another_split(suites_dir):
    assert len(load_suite("metaqa-1hop", suites_dir, "dev")) == 1


def test_original_folders_of_metaqa_are_known(suites_dir):
    (suites_dir / "metaqa").rename(suites_dir / "MetaQA")
    folder = suites_dir / "MetaQA" / "1-hop"
    (folder / "vanilla").mkdir()
    (folder / "qa_test.txt").rename(folder / "vanilla" / "qa_test.txt")
    assert len(load_suite("metaqa-1hop", suites_dir)) == 4
    assert len(load_suite("metaqa-1hop", suites_dir / "MetaQA")) == 4


def test_pathquestion_reads_the_set_of_answers_and_the_path(suites_dir):
    (example,) = load_suite("pathquestion-2h", suites_dir).examples
    assert example == Example(
        id=1,
        question="what nation is ada_lovelace 's father ?",
        gold=("england", "great_britain"),
        topic="ada_lovelace",
        chain=(Step("parents"), Step("nationality")),
    )


def test_large_pathquestion_has_no_end_mark(suites_dir):
    (example,) = load_suite("pql-2h", suites_dir).examples
    assert example.question.startswith("what")
    assert example.gold == ("england",)
    assert example.chain == (Step("parents"), Step("nationality"))


@pytest.mark.parametrize(
    ("question_type", "steps"),
    [
        ("tag_to_movie", [("has_tags", True)]),
        ("movie_to_imdbvotes", [("has_imdb_votes", False)]),
        (
            "movie_to_actor_to_movie_to_language",
            [("starred_actors", False), ("starred_actors", True), ("in_language", False)],
        ),
        ("writer_to_movie_to_writer", [("written_by", True), ("written_by", False)]),
    ],
)
def test_question_types_are_walks(question_type, steps):
    assert [(s.relation, s.inverse) for s in metaqa_chain(question_type)] == steps


@pytest.mark.parametrize("question_type", ["actor_to_director", "movie_to_studio"])
def test_unknown_question_type_is_refused(question_type):
    with pytest.raises(DataError, match=f"unknown question type '{question_type}'"):
        metaqa_chain(question_type)


def test_sample_is_seeded_and_random_and_in_file_order():
    examples = tuple(Example(id=i, question=f"q{i}", gold=("a",)) for i in range(1, 101))
    suite = Suite(name="s", split="all", examples=examples, graph_path=Path("g"))
    ids = [e.id for e in suite.sample(10, np.random.default_rng(0)).examples]
    assert ids == [e.id for e in suite.sample(10, np.random.default_rng(0)).examples]
    assert ids != [e.id for e in suite.sample(10, np.random.default_rng(1)).examples]
    assert ids == sorted(set(ids))
    assert ids != list(range(1, 11))
    assert len(suite.sample(None, np.random.default_rng(0))) == 100
    assert len(suite.sample(1000, np.random.default_rng(0))) == 100
    with pytest.raises(ConfigError, match="limit must be 1 or more, got 0"):
        suite.sample(0, np.random.default_rng(0))


def test_a_suite_without_questions_is_refused():
    with pytest.raises(DataError, match="suite 's' has no questions"):
        Suite(name="s", split="all", examples=(), graph_path=Path("g"))


def test_unknown_names_are_refused(suites_dir):
    with pytest.raises(ConfigError, match="unknown suite 'metaqa'; there are metaqa-1hop"):
        load_suite("metaqa", suites_dir)
    with pytest.raises(ConfigError, match="no split 'train', only test, dev"):
        load_suite("metaqa-1hop", suites_dir, "train")
    with pytest.raises(ConfigError, match="no split 'test', only all"):
        load_suite("pathquestion-2h", suites_dir, "test")


def test_missing_data_says_what_to_do(suites_dir, monkeypatch):
    with pytest.raises(DataError, match=r"no file .*metaqa/3-hop/qa_test\.txt; unpack MetaQA"):
        load_suite("metaqa-3hop", suites_dir)
    with pytest.raises(DataError, match=r"no file .*pathquestion/PQ-3H\.txt; unpack PathQuestion"):
        load_suite("pathquestion-3h", suites_dir)
    monkeypatch.delenv("GRAPHLLM_DATA", raising=False)
    with pytest.raises(ConfigError, match="Give --data DIR, or set GRAPHLLM_DATA"):
        load_suite("metaqa-1hop")
    monkeypatch.setenv("GRAPHLLM_DATA", str(suites_dir))
    assert len(load_suite("metaqa-1hop")) == 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metaqa/1-hop/qa_test.txt", "who directed [Heat]\tMann\nwho\tMann\n\n\n", "line 2: expec"),
        ("metaqa/1-hop/qa_test.txt", "[a]\tb\n", "has 1 lines but .*qtype.txt has 4"),
        ("metaqa/1-hop/qa_test.txt", "", "is empty"),
        ("metaqa/1-hop/qa_test_qtype.txt", "x\ny\nz\nw\n", "unknown question type|no step"),
    ],
)
def test_malformed_metaqa_names_file_and_line(suites_dir, name, text, message):
    (suites_dir / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_suite("metaqa-1hop", suites_dir)


@pytest.mark.parametrize(
    "line", ["what", "q\ta(a/)\ts#r", "q\tb(b/)\ts#r#a", "q\ta(a/)\ts#r#a\tmore"]
)
def test_malformed_pathquestion_names_file_and_line(suites_dir, line):
    (suites_dir / "pathquestion/PQ-2H.txt").write_text(
        f"q\ta(a/)\ts#r#a\n{line}\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"PQ-2H\.txt, line 2: expected 'question"):
        load_suite("pathquestion-2h", suites_dir)


def test_text_that_is_not_utf_8_is_refused(suites_dir):
    (suites_dir / "metaqa/1-hop/qa_test.txt").write_bytes(b"who is [Caf\xe9]\tx\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        load_suite("metaqa-1hop", suites_dir)


PUBLISHED = {
    ("metaqa-1hop", "test"): 9_947,
    ("metaqa-2hop", "test"): 14_872,
    ("metaqa-3hop", "test"): 14_274,
    ("metaqa-1hop", "dev"): 9_992,
    ("metaqa-2hop", "dev"): 14_872,
    ("metaqa-3hop", "dev"): 14_274,
    ("pathquestion-2h", None): 1_908,
    ("pathquestion-3h", None): 5_198,
    ("pql-2h", None): 1_594,
    ("pql-3h", None): 1_031,
    ("webqsp-subgraphs", "test"): 1_628,
    ("webqsp-subgraphs", "dev"): 245,
    ("webqsp-subgraphs-refined", "test"): 1_628,
    ("webqsp-subgraphs-refined", "dev"): 245,
    ("graphqa-explagraphs", "train"): 1_659,
    ("graphqa-explagraphs", "val"): 553,
    ("graphqa-explagraphs", "test"): 554,
}


@pytest.mark.data
@pytest.mark.parametrize(("name", "split"), PUBLISHED)
def test_counts_are_the_published_ones(data_dir, name, split):
    suite = load_suite(name, data_dir, split)
    assert len(suite) == PUBLISHED[name, split]
    assert suite.graph_path.is_file()
    assert not any("[" in example.question for example in suite.examples if "metaqa" in name)


# read from their published layout, which tests write in small: the data are not among ours
NOT_AT_HAND = {"graphqa-scenegraphs", "graphqa-webqsp", "cwq", "grailqa"}


def test_every_suite_has_a_published_count():
    assert {name for name, _ in PUBLISHED} | NOT_AT_HAND | MADE == set(SUITES)
