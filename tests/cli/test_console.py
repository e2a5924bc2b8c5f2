"""Colour and bars appear where someone looks, and nowhere else."""

import io

import pytest

from graphllm.cli.console import Progress, has_colour


class Terminal(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_colour_is_for_terminals():
    assert has_colour(Terminal())
    assert not has_colour(io.TextIOWrapper(io.BytesIO()))


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    assert has_colour(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colour(Terminal())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quick_stage_draws_no_bar_and_a_slow_one_does(capsys):
    clock = Clock()
    progress = Progress(clock)
    progress("reading", 0, 100)
    clock.now = 0.4
    progress("reading", 50, 100)
    assert not progress.is_drawing
    clock.now = 0.7
    progress("reading", 60, 100)
    assert progress.is_drawing
    progress("reading", 100, 100)
    progress("indexing", 0, 100)
    clock.now = 5.0
    progress("indexing", 100, 100)  # over before it was looked at
    progress.close()
    assert capsys.readouterr().out == ""  # bars are on stderr


def test_nobody_is_told_where_stderr_is_no_terminal(graphllm, tmp_path):
    (tmp_path / "a.csv").write_text("head,relation,tail\na,b,c\n", "utf-8")
    done = graphllm("index", "a.csv")
    assert "\x1b" not in done.stderr
    assert "reading" not in done.stderr
