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
    """Print the folder, and what is in it with its size and source, the last used first.

    \b
    Example:
      graphllm cache list
    """
    from graphllm.graph.plain import plain
    from graphllm.index.cache import cache_entries
    from graphllm.index.folders import cache_dir

    note(plain(str(cache_dir())))
    for entry in cache_entries():
        of = ", ".join(entry.sources) or entry.path.name
        size = f"{entry.size_bytes / 1e6:9,.1f} MB"
        say(f"{size}  {entry.what:8} {_when(entry.last_used)}  {plain(of)}")


@cache.command()
def clear() -> None:
    """Delete everything in the cache; the files that were indexed are untouched.

    \b
    Example:
      graphllm cache clear
    """
    from graphllm.index.cache import clear_cache

    say(f"freed {clear_cache() / 1e6:,.1f} MB")


def _when(seconds: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
