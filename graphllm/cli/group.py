"""The ``graphllm`` command: finds its commands, and turns what they raise into exit codes."""

import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import cast

import click

from graphllm.errors import GraphLLMError
from graphllm.registry import load

EXPECTED_ERROR, WRONG_USAGE, NOT_IN_GRAPH, INTERRUPTED = 1, 2, 3, 130
BROKEN_PIPE = 141  # what a shell reports of a program that wrote to a closed pipe

COMMANDS = {
    "demo": "graphllm.cli.demo:demo",
    "ask": "graphllm.cli.ask:ask",
    "chat": "graphllm.cli.chat:chat",
    "teach": "graphllm.cli.teach:teach",
    "suggest": "graphllm.cli.suggest:suggest",
    "index": "graphllm.cli.index:index",
    "cache": "graphllm.cli.cache:cache",
    "prompts": "graphllm.cli.prompts:prompts",
    "train": "graphllm.cli.train:train",
    "eval": "graphllm.cli.eval:evaluate",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    Attributes:
        table: Command names to ``"module:attribute"``, in the order help shows them.
        default: The command that is meant when the first word is none of them.
    """

    table: Mapping[str, str] = {}
    default: str | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [*self.table, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name in self.table:
            return cast(click.Command, load("command", self.table, cmd_name))
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; of a word that is none, name the nearest."""
        word, known = args[0], self.list_commands(ctx)
        near = get_close_matches(word, known, n=1)
        if near and word not in known and not word.startswith("-"):
            ctx.fail(f"No such command {word!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command first where none is named."""
        asks_help = bool(set(args[:1]) & {"--help", "-h"})
        if self.default and args and not asks_help and args[0] not in self.list_commands(ctx):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="graphllm", message="%(package)s %(version)s")
def cli() -> None:
    """Ask a graph you already have, and get an answer that names the edges it stands on.

    \b
    Begin here:
      graphllm demo                                  a question to the example graph
      graphllm suggest films.csv                     what is in a file, what to ask
      graphllm ask films.csv "who directed Alien?"   one question
      graphllm chat films.csv                        many, with follow-ups

    A FILE can be CSV, TSV, Excel, Parquet, JSON, GraphML, GEXF, GML, RDF, SQLite or a folder of
    tables. Nothing is sent anywhere, unless you name the server of a language model with --llm.

    \b
    Exit codes: 0 answered, 1 an error that is explained, 2 wrong usage,
    3 not in this graph, 130 interrupted.
    """


cli.table = COMMANDS


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name may not fit the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run(args))


def _run(args: Sequence[str] | None) -> int:
    try:
        code = _invoke(list(sys.argv[1:] if args is None else args))
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except GraphLLMError as error:
        from graphllm.graph.plain import plain

        click.echo(f"graphllm: {plain(str(error))}", err=True)
        return EXPECTED_ERROR
    return code if isinstance(code, int) else 0


def _invoke(args: list[str]) -> object:
    """Run the command and return what it returns; click's own ``main`` hides a closed pipe."""
    if completing := os.environ.get("_GRAPHLLM_COMPLETE"):  # what a shell asks on TAB
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "graphllm", "_GRAPHLLM_COMPLETE", completing)
    with cli.make_context("graphllm", args) as context:
        return cli.invoke(context)
