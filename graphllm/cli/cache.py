"""``graphllm cache``."""

import click

from graphllm.cli.console import note, say


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """List or clear the indexes kept of files that were asked.

    `graphllm ask FILE` keeps an index of FILE, so that the next question is quick. A changed file
    gets a new one. GRAPHLLM_CACHE names another folder.

    \b
    Examples:
      graphllm cache           where it is, and what is in it
      graphllm cache clear
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@cache.command(name="list")
def list_() -> None:
    """Print the folder, and each index in it with its size and source.

    \b
    Example:
      graphllm cache list
    """


@cache.command()
def clear() -> None:
    """Delete every cached index; files that were indexed are untouched.

    \b
    Example:
      graphllm cache clear
    """
