"""``graphllm teach``, and what ``graphllm chat`` says of teaching."""

from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

import click

from graphllm.cli.console import note, say
from graphllm.cli.opening import graph_options, open_graph

if TYPE_CHECKING:
    from graphllm.tasks import GraphQA


@click.command()
@graph_options
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option("--list", "list_", is_flag=True, help="What was taught, with numbers.")
@click.option("--forget", type=int, metavar="N", help="Take the lesson of that number back.")
@click.option("--undo", is_flag=True, help="Take back what was last taught, or forgotten.")
@click.option(
    "--from", "file", type=click.File(encoding="utf-8"), help="A file with a lesson on each line."
)
def teach(
    graph: str,
    mapping: str | None,
    format_: str | None,
    lessons: tuple[str, ...],
    list_: bool,
    forget: int | None,
    undo: bool,
    file: IO[str] | None,
) -> None:
    """Say what a relation means, or what else something is called.

    R17 means "supplies" says how the relation reads from head to tail, and ~R17 means "supplied
    by" from tail to head; "IBM" is "International Business Machines" gives another name. Lessons
    are kept with the graph, also when its file changes, until they are taken back; ask, chat and
    suggest heed them.

    \b
    Examples:
      graphllm teach parts.csv 'R17 means "supplies"' '"IBM" is "International Business Machines"'
      graphllm teach parts.csv --from glossary.txt
      graphllm teach parts.csv --list
      graphllm teach parts.csv --forget 2
    """
    if sum((bool(lessons or file), list_, forget is not None, undo)) > 1:
        raise click.UsageError("teach, --list, --forget and --undo go one at a time")
    qa = open_graph(graph, mapping, format_)
    if forget is not None:
        say(forgotten(qa, forget))
    elif undo:
        say(undone(qa))
    elif lessons or file:
        say(learnt(qa, [*_one_or_many(lessons), *_lines(file)]))
    else:
        say(taught_text(qa))


def _one_or_many(words: Sequence[str]) -> Sequence[str]:
    """Return the lessons; words that the shell took apart are one."""
    whole = all(" means " in word or " is " in word for word in words)
    return words if whole or not words else [" ".join(words)]


def _lines(file: IO[str] | None) -> Iterator[str]:
    for line in file or ():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def taught_text(qa: "GraphQA") -> str:
    """Return what was taught, with numbers."""
    return str(qa.taught) or 'nothing yet; say what a relation means: R17 means "supplies"'


def learnt(qa: "GraphQA", lessons: Sequence[str]) -> str:
    """Teach all ``lessons``, or none where one is wrong, and return them with their numbers."""
    numbers = qa.teach_many(lessons)
    held = qa.taught.lessons
    return "\n".join(f"{number}. {held[number]}" for number in numbers)


def forgotten(qa: "GraphQA", number: int) -> str:
    """Take a lesson back and say so."""
    return f"forgot {qa.forget(number)}"


def undone(qa: "GraphQA") -> str:
    """Take the last lesson back and say so."""
    return f"took back {qa.undo()}"


def in_chat(qa: "GraphQA", name: str, argument: str) -> None:
    """Carry out /teach, /forget or /undo of a chat."""
    from graphllm.errors import GraphLLMError
    from graphllm.graph.plain import plain

    try:
        if name == "undo":
            say(undone(qa))
        elif name == "forget" and not argument.isdecimal():
            note("say which: /forget N; /teach lists them")
        elif name == "forget":
            say(forgotten(qa, int(argument)))
        else:
            say(learnt(qa, [argument]) if argument else taught_text(qa))
    except GraphLLMError as error:
        note(f"graphllm: {plain(str(error))}")
