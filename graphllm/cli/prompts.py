"""``graphllm prompts``."""

from pathlib import Path

import click

from graphllm.cli.console import note, say


@click.group()
def prompts() -> None:
    """List, show and copy the prompts that language models are given.

    A prompt is plain text with $variables. Copy one to change it.

    \b
    Examples:
      graphllm prompts list
      graphllm prompts show graph_qa/answer
      graphllm prompts copy graph_qa/answer my_prompt.txt
    """


@prompts.command(name="list")
def list_() -> None:
    """Print the name of every prompt.

    \b
    Example:
      graphllm prompts list
    """
    from graphllm.assets import asset

    for folder in sorted(asset("prompts").iterdir(), key=lambda entry: entry.name):
        if folder.is_dir():
            for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith(".txt"):
                    say(f"{folder.name}/{file.name.removesuffix('.txt')}")


@prompts.command()
@click.argument("name")
def show(name: str) -> None:
    """Print one prompt.

    \b
    Example:
      graphllm prompts show graph_qa/answer
    """
    say(_read(name).rstrip("\n"))


@prompts.command()
@click.argument("name")
@click.argument("to", required=False, type=click.Path(dir_okay=False, path_type=Path))
def copy(name: str, to: Path | None) -> None:
    """Copy one prompt to a file that you can edit; never over a file that is there.

    \b
    Example:
      graphllm prompts copy graph_qa/answer my_prompt.txt
    """
    from graphllm.errors import ConfigError

    target = to or Path(name.replace("/", "_") + ".txt")
    text = _read(name)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{target} is there already; name another file") from error
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}") from error
    note(f"wrote {target}")


def _read(name: str) -> str:
    from graphllm.assets import asset
    from graphllm.errors import ConfigError

    parts = name.removesuffix(".txt").split("/")
    if len(parts) != 2 or not all(part.replace("_", "").isalnum() for part in parts):
        raise ConfigError(f"no prompt {name!r}; `graphllm prompts list` prints the names there are")
    try:
        return asset("prompts", parts[0], f"{parts[1]}.txt").read_text("utf-8")
    except ConfigError as error:
        raise ConfigError(
            f"no prompt {name!r}; `graphllm prompts list` prints the names there are"
        ) from error
