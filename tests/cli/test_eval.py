"""A benchmark through the command line, on a folder laid out as MetaQA is."""

import pytest

KB = "Alien|directed_by|Ridley Scott\nHeat|directed_by|Michael Mann\nHeat|release_year|1995\n"
QUESTIONS = "who directed [Alien]\tRidley Scott\nwho directed [Heat]\tMichael Mann\n"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "metaqa" / "1-hop" / "vanilla"
    folder.mkdir(parents=True)
    (tmp_path / "metaqa" / "kb.txt").write_text(KB, "utf-8")
    (folder / "qa_dev.txt").write_text(QUESTIONS, "utf-8")
    (folder / "qa_dev_qtype.txt").write_text("movie_to_director\n" * 2, "utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_run_is_measured_kept_and_compared(graphllm, data, tmp_path):
    args = ["eval", "metaqa-1hop", "--split", "dev", "--data", str(data)]
    first = graphllm(*args, "--out", "one")
    assert first.returncode == 0, first.stderr
    assert "hits_at_1         1.0000" in first.stdout
    assert "2 questions over" in first.stderr
    assert len((tmp_path / "one" / "predictions.jsonl").read_text("utf-8").splitlines()) == 2
    second = graphllm(*args, "--out", "two", "--against", "one")
    assert "difference" in second.stdout


def test_comparing_needs_a_kept_run(graphllm, tmp_path):
    done = graphllm("eval", "metaqa-1hop", "--against", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "keep this one too, with --out" in done.stderr


def test_an_unknown_suite_is_named_with_those_there_are(graphllm):
    done = graphllm("eval", "metaqa")
    assert done.returncode == 1
    assert "metaqa-1hop" in done.stderr
