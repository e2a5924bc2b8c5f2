"""``graphllm chat``."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.ask import emphasized, plan_text_of, subgraph_text, why_text
from graphllm.cli.console import note, say
from graphllm.cli.model import ModelChoice, model_options
from graphllm.cli.opening import graph_options, max_error_option, open_graph
from graphllm.cli.teach import in_chat

if TYPE_CHECKING:
    from graphllm.tasks import Conversation, GraphQA

HELP = """\
Type a question. A follow-up may say "it", "they" or "and who wrote it?".
  /why         how the last question was understood, and what else it could mean
  /plan        its plan, as text, Cypher and SPARQL
  /subgraph    every edge its answer stands on, tab-separated
  /teach ...   what a relation means, or what else something is called:
               R17 means "supplies", "IBM" is "International Business Machines";
               alone, all that was taught, with numbers
  /forget N    take a lesson back; /undo takes back the last
  /save FILE   write the conversation as Markdown
  /help        this
  /quit        leave (or Ctrl-D)"""


@click.command()
@graph_options
@max_error_option
@model_options
def chat(
    graph: str,
    mapping: str | None,
    format_: str | None,
    max_error: float | None,
    model: ModelChoice,
) -> None:
    """Talk with a graph: questions, follow-ups, and the reasons on request.

    Inside: /why /plan /subgraph /teach /forget /undo /save FILE /help /quit. Ctrl-C stops an
    answer, Ctrl-D leaves. Questions can also come through a pipe, one on each line.

    \b
    Examples:
      graphllm chat films.csv
      graphllm chat films.csv --llm llama3.2 --llm-url http://localhost:11434/v1
      printf 'who directed Alien?\\nand who wrote it?\\n' | graphllm chat films.csv
    """
    model.refuse_without_model()
    qa = open_graph(graph, mapping, format_, model, max_error=max_error)
    note(f"{qa.describe()}. /help says what you can do, Ctrl-D leaves.")
    conversation = qa.chat()
    for line in _lines():
        if line.startswith("/"):
            if not _command(qa, conversation, line):
                return
        elif line:
            _ask(conversation, line)


def _ask(conversation: "Conversation", question: str) -> None:
    from graphllm.errors import GraphLLMError
    from graphllm.graph.plain import plain

    try:
        say(emphasized(conversation.ask(question)))
        say()
    except KeyboardInterrupt:
        note("(stopped)")
    except GraphLLMError as error:
        note(f"graphllm: {plain(str(error))}")


def _command(qa: "GraphQA", conversation: "Conversation", line: str) -> bool:
    """Carry out a slash command; return whether to go on."""
    name, _, argument = line[1:].strip().partition(" ")
    last = conversation.answers[-1] if conversation.answers else None
    about_last: dict[str, Callable[..., str]] = {
        "why": why_text,
        "plan": plan_text_of,
        "subgraph": subgraph_text,
    }
    if name in ("quit", "exit", "q"):
        return False
    if name in about_last:
        say("ask something first" if last is None else about_last[name](last))
        say()
    elif name in ("teach", "forget", "undo"):
        in_chat(qa, name, argument.strip())
    elif name == "save":
        _save(conversation, argument.strip())
    elif name == "help":
        say(HELP)
    else:
        note(f"there is no /{name}\n{HELP}")
    return True


def _save(conversation: "Conversation", name: str) -> None:
    if not name:
        note("say where: /save FILE")
        return
    try:
        with Path(name).expanduser().open("x", encoding="utf-8") as file:
            file.write(conversation.transcript())
    except FileExistsError:
        note(f"{name} is there already; name another file")
    except OSError as error:
        note(f"cannot write {name}: {error.strerror}")
    else:
        note(f"wrote {name}")


def _lines() -> Iterator[str]:
    """Yield what is typed, with line editing on a terminal; what comes is shown through a pipe."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        yield from _typed_lines()
        return
    from graphllm.graph.plain import plain

    for line in sys.stdin:
        if line.strip():
            say(f"> {plain(line.strip())}")
            yield line.strip()


def _typed_lines() -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory

    session: PromptSession[str] = PromptSession(history=FileHistory(str(_history_file())))
    while True:
        try:
            yield session.prompt("> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _history_file() -> Path:
    """Return where earlier questions are kept, for the arrow keys; only the user may read it."""
    from graphllm.index.folders import cache_dir

    path = cache_dir() / "chat_history"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path
