"""The sessions in the README happen as they are shown.

A ```console block holds commands after ``$`` and what they print; lines that begin with ``> `` are
typed into the command. ``...`` stands for any text. GRAPHLLM_UPDATE_README=1 writes what the
commands print now into the README (put the ``...`` back where a line changes from run to run).
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UPDATE = bool(os.environ.get("GRAPHLLM_UPDATE_README"))


class Command(NamedTuple):
    line: str
    shown: str

    @property
    def typed(self) -> str:
        lines = self.shown.splitlines()
        return "".join(f"{line[2:]}\n" for line in lines if line.startswith("> "))


def commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Command(line, shown)


def run(command: Command, folder: Path, model_url: str) -> str:
    words = shlex.split(command.line, comments=True)
    assert words[0] == "graphllm", f"only graphllm commands belong in a console block: {words}"
    done = subprocess.run(
        [sys.executable, "-m", "graphllm.cli", *words[1:]],
        cwd=folder,
        input=command.typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "OPENAI_BASE_URL": model_url},
        timeout=120,
    )
    assert "Traceback" not in done.stdout
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def agrees(shown: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(piece) for piece in shown.strip().split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


@pytest.mark.slow
def test_every_session_prints_what_is_shown(tmp_path, model_server, cite):
    def model(prompt: str) -> str:
        """Reply as a language model would that understands the questions of the README."""
        if "You write a plan" in prompt:
            return 'count(follow(entities("paris"), ~"born in"))'
        return cite(prompt, ["Marie Curie", "Pierre Curie"], "discovered&radium")

    url = model_server(model).url
    text = README.read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) > 3
    for block in blocks:
        rewritten = ""
        for command in commands(block):
            printed = run(command, tmp_path, url)
            if UPDATE and not agrees(command.shown, printed):
                rewritten += f"$ {command.line}\n{printed}"
                continue
            rewritten += f"$ {command.line}\n{command.shown}"
            assert agrees(command.shown, printed), f"$ {command.line}\n{printed}"
        text = text.replace(block, rewritten)
    if UPDATE:
        README.write_text(text, "utf-8")


def test_what_agrees():
    assert agrees("a\n...\nd", "a\nb\nc\nd\n")
    assert agrees("took ... ms", "took 12 ms")
    assert not agrees("a\nb", "a\nc")
    assert not agrees("a", "a\nb")


def test_what_graphllm_prints_is_shown_in_tested_blocks_only():
    """A shell block may install and build; a session belongs in a console block."""
    for block in re.findall(r"^```sh\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            assert line.split()[0] in {"pip", "make", "py"} or "\\Scripts\\" in line, line
