"""A conversation, through a pipe and on a terminal."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from graphllm.cli.chat import HELP

pytestmark = pytest.mark.slow

SESSION = """\
Who discovered radium?
/why
And where were they born?
/plan
/subgraph

/save talk.md
/nonsense
/help
/quit
Who discovered uranium?
"""


def test_a_session_through_a_pipe(graphllm, tmp_path):
    done = graphllm("chat", "discoveries", input=SESSION)
    assert done.returncode == 0, done.stderr
    assert "> Who discovered radium?\nMarie Curie and Pierre Curie" in done.stdout
    after = done.stdout.partition("> And where were they born?\n")[2]
    assert "Warsaw" in after
    assert "Paris" in after
    for part in ("understood as:", "plan:", "\tborn in\t", HELP):
        assert part in done.stdout
    assert "there is no /nonsense" in done.stderr
    assert "uranium" not in done.stdout  # /quit leaves
    saved = (tmp_path / "talk.md").read_text("utf-8")
    assert saved.count("## ") == 2


def test_saving_never_writes_over_a_file(graphllm, tmp_path):
    (tmp_path / "talk.md").write_text("mine", "utf-8")
    done = graphllm("chat", "discoveries", input="/save talk.md\n/save\n/save no/such/dir\n")
    assert (tmp_path / "talk.md").read_text("utf-8") == "mine"
    for part in ("is there already", "say where", "cannot write"):
        assert part in done.stderr


def test_commands_before_a_question_and_text_that_is_none(graphllm):
    done = graphllm("chat", "discoveries", input="/why\n/plan\n\x1b[2J\nWho directed Casablanca?\n")
    assert done.returncode == 0
    assert done.stdout.count("ask something first") == 2
    assert "\x1b" not in done.stdout + done.stderr


def test_why_and_plan_after_no_answer_explain_it(graphllm):
    done = graphllm("chat", "discoveries", input="Who directed Casablanca?\n/why\n/plan\n")
    assert "ask something first" not in done.stdout
    assert "no answer:\n  Nothing that the question names" in done.stdout
    assert "understood as: nothing; no words of it are a name in this graph" in done.stdout
    assert "there is no plan, because there is no answer: Nothing that" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_on_a_terminal_ctrl_c_stays_and_ctrl_d_leaves(tmp_path):
    import pty

    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "graphllm.cli", "chat", "discoveries"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=tmp_path,
        env={**os.environ, **terminal_env(tmp_path)},
        start_new_session=True,
    )
    os.close(terminal)
    screen = Screen(controller)
    try:
        screen.wait_for("leaves.")
        screen.type("half a quest")
        screen.type("\x03")
        screen.type("Who discovered radium?\r")
        screen.wait_for("Marie Curie")
        screen.type("Who discovered polonium?\r")
        process.send_signal(signal.SIGINT)  # while it answers, or just after
        screen.type("Who discovered curium?\r")
        screen.wait_for("Seaborg")
        screen.type("\x04")
        assert process.wait(timeout=120) == 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    history = tmp_path / "cache" / "chat_history"
    assert "Who discovered radium?" in history.read_text("utf-8")
    assert history.stat().st_mode & 0o077 == 0


def terminal_env(folder):
    return {
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody answers where the cursor is
        "GRAPHLLM_CACHE": str(folder / "cache"),
    }


class Screen:
    """What a program writes to its terminal."""

    def __init__(self, controller: int) -> None:
        self.controller = controller
        self.seen = ""

    def type(self, keys: str) -> None:
        time.sleep(0.3)
        os.write(self.controller, keys.encode())

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 120
        start = len(self.seen)
        while text not in self.seen[start:]:
            ready, _, _ = select.select([self.controller], [], [], deadline - time.monotonic())
            assert ready, self.seen
            self.seen += os.read(self.controller, 4096).decode("utf-8", "replace")
