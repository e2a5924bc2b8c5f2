"""``graphllm teach``, and teaching inside a chat."""

import pytest

pytestmark = pytest.mark.slow

PARTS = "Arbel,R17,Bolt AG\nArbel,R17,Cato Ltd\nDuro,R17,Bolt AG\nArbel,R2,Vienna\n"


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "parts.csv").write_text(PARTS, "utf-8")
    return "parts.csv"


def test_lessons_are_kept_listed_and_taken_back(graphllm, parts):
    done = graphllm("teach", parts, 'R17 means "supplies"', '"The Bolters" is "Bolt AG"')
    assert done.stdout == '1. R17 means "supplies"\n2. "The Bolters" is "Bolt AG"\n'
    assert graphllm("teach", parts, "R2", "means", "headquarters").stdout.startswith("3. R2")
    asked = graphllm("ask", parts, "Who supplies the Bolters?")
    assert asked.stdout.startswith("Arbel and Duro\n")
    assert 'R17 means "supplies"' in graphllm("suggest", parts).stdout
    assert graphllm("teach", parts, "--forget", "1").stdout == 'forgot R17 means "supplies"\n'
    assert graphllm("ask", parts, "Who supplies the Bolters?").returncode == 3
    assert graphllm("teach", parts, "--undo").stdout == "took back that 1 was to be forgotten\n"
    assert graphllm("teach", parts, "--list").stdout.count("\n") == 3


def test_a_glossary(graphllm, parts, tmp_path):
    (tmp_path / "words.txt").write_text("# parts\n\nR17 means supplies\nR2 means seat\n", "utf-8")
    done = graphllm("teach", parts, "--from", "words.txt")
    assert done.stdout == '1. R17 means "supplies"\n2. R2 means "seat"\n'
    (tmp_path / "words.txt").write_text("R17 means vendor\nR99 means seat\n", "utf-8")
    done = graphllm("teach", parts, "--from", "words.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no relation or attribute is called 'R99'" in done.stderr
    assert graphllm("teach", parts).stdout.count("\n") == 2  # all of them or none


def test_wrong_usage_and_unknown_things(graphllm, parts):
    done = graphllm("teach", parts, 'R18 means "supplies"')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("called 'R18'; did you mean 'R17'?\n")
    assert graphllm("teach", parts, "--list", "--undo").returncode == 2
    done = graphllm("teach", parts)
    assert done.stdout == 'nothing yet; say what a relation means: R17 means "supplies"\n'
    done = graphllm("teach", parts, "R17 means \x1b[2J")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr


def test_in_a_chat_it_is_used_at_once(graphllm, parts):
    typed = (
        "Who supplies Bolt AG?\n/teach R17 means \"supplies\"\nWho supplies Bolt AG?\n/teach\n"
        "/undo\n/forget x\n/forget 9\n/teach nonsense\nWho supplies Bolt AG?\n"
    )  # fmt: skip
    done = graphllm("chat", parts, input=typed)
    assert done.returncode == 0
    before, after, last = done.stdout.split("> Who supplies Bolt AG?\n")[1:]
    assert "Arbel" not in before
    assert after.startswith("Arbel and Duro\n")
    assert after.count('1. R17 means "supplies"') == 2
    assert "took back 1." in after
    assert "Arbel" not in last
    for part in ("say which: /forget N", "nothing of number 9", "'nonsense' teaches nothing"):
        assert part in done.stderr
