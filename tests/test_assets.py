"""Prompts: those that ship, the user's own before them, and errors that name the file."""

import pytest

from graphllm.assets import OWN_PROMPTS, prompt, prompt_file, prompt_names
from graphllm.errors import ConfigError

REWRITE = {"history": "h", "question": "q"}


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "graph_qa"
    folder.mkdir()

    def write(text: str):
        (folder / "rewrite.txt").write_text(text, "utf-8")
        return tmp_path

    return write


def test_every_prompt_says_what_it_is_for_and_no_model_sees_that():
    names = list(prompt_names())
    assert "graph_qa/answer" in names
    assert names == sorted(names)
    for name in names:
        file = prompt_file(name)
        assert file.about, name
        assert file.about not in file.text
        assert file.content.endswith(file.text)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("zero_cot", "Let's think step by step."),
        ("cot_bag", "Let's construct a graph with the nodes and edges first."),
    ],
)
def test_published_phrases_end_the_prompt(name, phrase):
    assert prompt(f"graph_qa/{name}", graph="g", question="q").endswith(f"{phrase}\n")


def test_a_folder_goes_before_what_ships(own, monkeypatch):
    shipped = prompt("graph_qa/rewrite", **REWRITE)
    folder = own("#: mine\nMINE $history $question")
    assert prompt("graph_qa/rewrite", folder=folder, **REWRITE) == "MINE h q"
    assert prompt("graph_qa/rewrite", **REWRITE) == shipped
    monkeypatch.setenv(OWN_PROMPTS, str(folder))
    assert prompt("graph_qa/rewrite", **REWRITE) == "MINE h q"
    assert "graph_qa" in prompt_file("graph_qa/answer").where  # the others are those that ship


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$history $question $wrong", r"rewrite\.txt: there is no \$wrong; it can use \$history"),
        ("$history", r"rewrite\.txt: \$question is missing"),
        ("$history $question costs $ 5", r"rewrite\.txt: a \$ that begins no variable"),
    ],
)
def test_a_prompt_that_does_not_fit_is_named(own, text, message):
    with pytest.raises(ConfigError, match=message):
        prompt("graph_qa/rewrite", folder=own(text), **REWRITE)


def test_what_is_no_text_is_named(own, tmp_path):
    folder = own("x")
    (folder / "graph_qa" / "rewrite.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"rewrite\.txt: cannot be read as UTF-8"):
        prompt("graph_qa/rewrite", folder=folder, **REWRITE)
    with pytest.raises(ConfigError, match=r"no folder of prompts; .*copy --all"):
        prompt("graph_qa/rewrite", folder=tmp_path / "none", **REWRITE)


def test_values_are_not_filled_in_twice():
    text = prompt("graph_qa/rewrite", history="$question ${x} $$", question="Who?")
    assert "$question ${x} $$" in text
