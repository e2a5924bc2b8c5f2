"""The log of lessons on disk: kept, replayed, undone, shared and refused when damaged."""

import json
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import BusyError, ConfigError, DataError
from graphllm.graph import TextualGraph
from graphllm.graph.taught import Alias, Meaning
from graphllm.index import GraphIndex, check, clear_cache
from graphllm.index.kept import Kept
from graphllm.index.locks import only_one
from graphllm.index.taught_file import TaughtFile

SUPPLIES = Meaning("R17", "supplies")
OWNED = Meaning("R5", "owned by", inverse=True)
IBM = Alias("IBM", "International Business Machines", ("q1", "q\n2"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "taught.jsonl"


def test_lessons_outlast_the_process(path):
    file = TaughtFile(path)
    assert file.teach(SUPPLIES) == (1,)
    assert file.teach(OWNED, SUPPLIES, IBM, OWNED) == (2, 1, 3, 2)
    assert dict(TaughtFile(path).taught.lessons) == {1: SUPPLIES, 2: OWNED, 3: IBM}


def test_the_same_lesson_is_kept_once(path):
    file = TaughtFile(path)
    assert file.teach(SUPPLIES) == file.teach(SUPPLIES) == (1,)
    assert file.teach(OWNED) == (2,)
    assert file.teach(SUPPLIES) == (1,)
    assert len(file.taught.lessons) == 2


def test_forgetting_and_taking_back(path):
    file = TaughtFile(path)
    for lesson in (SUPPLIES, OWNED):
        file.teach(lesson)
    assert file.forget(1) == SUPPLIES
    assert dict(file.taught.lessons) == {2: OWNED}
    assert "1 was to be forgotten" in str(file.undo())
    assert dict(file.taught.lessons) == {1: SUPPLIES, 2: OWNED}
    assert str(file.undo()) == '2. ~R5 means "owned by"'
    assert str(file.undo()) == '1. R17 means "supplies"'
    with pytest.raises(ConfigError, match="nothing to take back"):
        file.undo()


def test_a_number_is_never_used_again(path):
    file = TaughtFile(path)
    for lesson in (SUPPLIES, OWNED):
        file.teach(lesson)
    file.forget(2)
    assert file.teach(IBM) == (3,)
    with pytest.raises(ConfigError, match="nothing of number 2 was taught; there is 1, 3"):
        file.forget(2)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("teach"), st.sampled_from([SUPPLIES, OWNED, IBM, Meaning("a", "b")])),
        st.tuples(st.just("forget"), st.integers(1, 6)),
        st.tuples(st.just("undo"), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(steps)
def test_it_is_a_history_whose_last_change_can_be_taken_back(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("log") / "taught.jsonl"
    history = [{}]  # what held after each change
    used = 0
    for what, value in steps:
        file = TaughtFile(path)  # as a new process would
        held = dict(history[-1])
        if what == "teach":
            if value not in held.values():
                used = 1 + max((n for state in history for n in state), default=0)
                history.append({**held, used: value})
            file.teach(value)
        elif what == "forget" and value in held:
            file.forget(value)
            history.append({n: x for n, x in held.items() if n != value})
        elif what == "undo" and len(history) > 1:
            file.undo()
            history.pop()
        assert dict(file.taught.lessons) == history[-1]
        assert dict(TaughtFile(path).taught.lessons) == history[-1]


def test_another_holder_sees_it_at_once_and_loses_nothing(path):
    one, other = TaughtFile(path), TaughtFile(path)
    assert not one.taught
    assert not other.taught
    one.teach(SUPPLIES)
    assert dict(other.taught.lessons) == {1: SUPPLIES}
    assert other.teach(OWNED) == (2,)
    one.forget(1)
    assert dict(other.taught.lessons) == dict(one.taught.lessons) == {2: OWNED}


def test_what_holds_is_the_same_object_until_it_changes(path):
    file = TaughtFile(path)
    file.teach(SUPPLIES)
    before = file.taught
    assert file.taught is before
    TaughtFile(path).teach(OWNED)
    assert file.taught is not before


def test_many_threads_teach_at_once(path):
    lessons = [Meaning(f"R{i}", "supplies") for i in range(12)]
    files = [TaughtFile(path) for _ in range(3)]
    threads = [
        threading.Thread(target=files[i % 3].teach, args=(x,)) for i, x in enumerate(lessons)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(TaughtFile(path).taught.lessons.values()) == set(lessons)
    assert sorted(TaughtFile(path).taught.lessons) == list(range(1, 13))


def test_a_file_that_is_being_written_is_waited_for_and_then_refused(path, monkeypatch):
    monkeypatch.setattr("graphllm.index.taught_file._PATIENCE_S", 0.05)
    lock = only_one(path.with_suffix(".lock"), "teaching")
    with lock, pytest.raises(BusyError, match="another process is teaching"):
        TaughtFile(path).teach(SUPPLIES)
    assert TaughtFile(path).teach(SUPPLIES) == (1,)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "{}",
        "[]",
        '{"number": 1, "relation": "R"}',
        '{"number": 0, "relation": "R", "means": "x", "inverse": false}',
        '{"number": true, "relation": "R", "means": "x", "inverse": false}',
        '{"number": 1, "relation": ["R"], "means": "x", "inverse": false}',
        '{"number": 1, "alias": "a", "name": "b", "keys": "q1", "x": {}, "keys": [1]}',
        '{"forget": "all"}',
        "[" * 100_000,
        "\x80\xff",
    ],
    ids=lambda line: ascii(line)[:30],
)
def test_a_damaged_line_is_named(path, line):
    TaughtFile(path).teach(SUPPLIES)
    with path.open("a", encoding="latin-1") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=r"taught.jsonl, line 3: not what graphllm writes there"):
        _ = TaughtFile(path).taught
    with pytest.raises(DataError, match="line 3"):
        TaughtFile(path).teach(OWNED)


@pytest.mark.parametrize("header", ['{"format": "other", "version": 1}', "{}", "x"])
def test_another_kind_of_file_is_refused(path, header):
    path.parent.mkdir()
    path.write_text(header + "\n")
    with pytest.raises(DataError, match="line 1"):
        _ = TaughtFile(path).taught


def test_a_log_of_a_later_version_is_refused(path):
    TaughtFile(path).teach(SUPPLIES)
    text = path.read_text()
    path.write_text(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(DataError, match="line 1"):
        _ = TaughtFile(path).taught


def test_a_huge_file_is_not_read(path):
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(20 << 20)
    with pytest.raises(DataError, match="is no log of lessons"):
        _ = TaughtFile(path).taught


def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be"):
        TaughtFile(tmp_path / "file" / "taught.jsonl").teach(SUPPLIES)


def test_every_line_is_json_and_holds_its_text_as_text(path):
    hostile = Alias('"}\u2028</script>', "a\\b", ("\x1b[2J",))
    TaughtFile(path).teach(hostile)
    lines = path.read_bytes().splitlines()
    assert [json.loads(line) for line in lines]
    assert b"\x1b" not in path.read_bytes()
    assert dict(TaughtFile(path).taught.lessons) == {1: hostile}
    assert "\x1b" not in str(TaughtFile(path).taught)


def test_an_index_keeps_it_when_it_is_built_again(tmp_path):
    folder = tmp_path / "parts.gllm"
    GraphIndex.build(TextualGraph.from_triples([("a", "R17", "b")]), folder)
    TaughtFile(Kept.of(folder).taught).teach(SUPPLIES)
    GraphIndex.build(TextualGraph.from_triples([("a", "R17", "c")]), folder)
    assert dict(TaughtFile(Kept.of(folder).taught).taught.lessons) == {1: SUPPLIES}
    assert check(folder) == []
    assert Kept.of(folder).taught.parent == folder


def test_of_files_it_is_kept_by_path_and_survives_clearing_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    TaughtFile(Kept.of(one).taught).teach(SUPPLIES)
    clear_cache()
    assert TaughtFile(Kept.of(str(one)).taught).taught
    assert not TaughtFile(Kept.of(other).taught).taught
    assert Kept.of([one, other]).taught == Kept.of([other, one]).taught != Kept.of(one).taught


def test_a_killed_writer_leaves_the_old_lessons(path):
    TaughtFile(path).teach(SUPPLIES)
    code = (
        "import os, pathlib, sys\n"
        "from graphllm.graph.taught import Meaning\n"
        "from graphllm.index import generations\n"
        "from graphllm.index.taught_file import TaughtFile\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "TaughtFile(pathlib.Path(sys.argv[1])).teach(Meaning('R1', 'x'))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert dict(TaughtFile(path).taught.lessons) == {1: SUPPLIES}
    assert TaughtFile(path).teach(OWNED) == (2,)
