"""The command line as a program: help, exit codes, streams."""

import subprocess
import sys

import click
import pytest

from graphllm.cli import cli
from graphllm.cli.group import COMMANDS
from graphllm.errors import ConfigError
from graphllm.registry import load


def every_command() -> list[tuple[str, click.Command]]:
    found = []
    for name in COMMANDS:
        command = load("command", COMMANDS, name)
        assert isinstance(command, click.Command)
        found.append((name, command))
        if isinstance(command, click.Group):
            context = click.Context(command)
            subcommands = (
                (n, command.get_command(context, n)) for n in command.list_commands(context)
            )
            found += [(f"{name} {n}", sub) for n, sub in subcommands if sub is not None]
    return found


@pytest.mark.parametrize(("name", "command"), every_command(), ids=lambda value: str(value)[:20])
def test_every_command_says_what_it_does_and_shows_an_example(name, command):
    assert command.help is not None
    assert command.get_short_help_str()
    assert "Example" in command.help
    assert f"graphllm {name}" in command.help


def test_help_names_every_command(graphllm):
    done = graphllm("--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from graphllm.cli.group import _run; _run(['--help']);"
        "print(sorted({'numpy', 'torch', 'rich', 'pyarrow', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_is_quick(processor_seconds):
    assert min(processor_seconds("--help") for _ in range(3)) < 0.3  # about 0.1


def test_importing_graphllm_imports_no_part_of_it():
    code = "import sys, graphllm; print([m for m in sys.modules if m.startswith('graphllm.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wrong_usage_exits_2_and_says_how(graphllm):
    done = graphllm("ask")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: graphllm ask" in done.stderr
    done = graphllm("aks")
    assert done.returncode == 2
    assert done.stderr.endswith("No such command 'aks'. Did you mean 'ask'?\n")
    assert "Did you mean" not in graphllm("zzz").stderr


def test_an_expected_error_exits_1_with_one_line(graphllm):
    done = graphllm("prompts", "show", "no/such")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "graphllm: no prompt 'no/such'; `graphllm prompts list` prints the names there are\n"
    )


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", "graph_qa/../../x", "a/b/c", ""])
def test_a_prompt_name_cannot_leave_the_prompts(name):
    with pytest.raises(ConfigError, match="no prompt"):
        cli.main(["prompts", "show", name], standalone_mode=False)


def test_prompts_list_show_and_copy_agree(graphllm, tmp_path):
    name = graphllm("prompts", "list").stdout.split()[0]
    shown = graphllm("prompts", "show", name).stdout
    copied = graphllm("prompts", "copy", name, "mine.txt", cwd=tmp_path)
    assert copied.returncode == 0
    assert (tmp_path / "mine.txt").read_text("utf-8") == shown
    again = graphllm("prompts", "copy", name, "mine.txt", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (
        1, "graphllm: mine.txt is there already; name another file\n",
    )  # fmt: skip


def test_a_closed_pipe_is_no_news():
    code = (
        "import sys, click; from graphllm.cli import cli, main\n"
        "@cli.command()\n"
        "def flood():\n"
        "    for _ in range(100000): click.echo('x' * 80)\n"
        "main(['flood'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=120) == 141


def test_an_interrupt_exits_130():
    code = (
        "from graphllm.cli import cli, main\n"
        "@cli.command()\n"
        "def stopped(): raise KeyboardInterrupt\n"
        "main(['stopped'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_bug_shows_its_traceback():
    code = (
        "from graphllm.cli import cli, main\n@cli.command()\ndef broken(): 1 / 0\nmain(['broken'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_an_error_message_cannot_act_on_the_terminal(graphllm):
    done = graphllm("prompts", "show", "a\x1b[2Jb")
    assert "\x1b" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_command_is_the_one_pyproject_names(graphllm):
    assert cli.name == "cli"
    assert graphllm("--version").stdout.startswith("graphllm ")
