"""``graphllm prompts``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import note, say

if TYPE_CHECKING:
    from graphllm.assets import PromptFile


@click.group()
def prompts() -> None:
    """List, show and copy the prompts that language models are given.

    A prompt is plain text with $variables. To change some, copy them all, edit the copies, and name
    the folder with --prompts or in $GRAPHLLM_PROMPTS. What a folder lacks is taken from here.

    \b
    Examples:
      graphllm prompts list
      graphllm prompts show graph_qa/answer
      graphllm prompts copy --all my_prompts
      graphllm ask films.csv "who wrote Alien?" --llm MODEL --prompts my_prompts
    """


@prompts.command(name="list")
def list_() -> None:
    """Print the name of every prompt and what it is for.

    \b
    Example:
      graphllm prompts list
    """
    from graphllm.assets import prompt_file, prompt_names
    from graphllm.graph.plain import plain

    names = list(prompt_names())
    width = max(map(len, names))
    for name in names:
        say(f"{name:{width}}  {plain(prompt_file(name).about)}".rstrip())


@prompts.command()
@click.argument("name")
def show(name: str) -> None:
    """Print one prompt: the one of your folder, where there is one.

    \b
    Example:
      graphllm prompts show graph_qa/answer
    """
    from graphllm.assets import prompt_file

    say(prompt_file(name).content.rstrip("\n"))


@prompts.command()
@click.argument("name", required=False)
@click.argument("to", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--all", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Copy every prompt."
)
def copy(name: str | None, to: Path | None, folder: Path | None) -> None:
    """Copy one prompt to a file that you can edit, or all to a folder; never over a file.

    \b
    Examples:
      graphllm prompts copy --all my_prompts
      graphllm prompts copy graph_qa/answer my_prompts/graph_qa/answer.txt
    """
    from graphllm.assets import prompt_file, prompt_names

    if (name is None) == (folder is None):
        raise click.UsageError("give the NAME of a prompt, or --all DIR")
    if folder is not None:
        copies = {folder / f"{each}.txt": prompt_file(each) for each in prompt_names()}
    else:
        target = to or Path(f"{str(name).removesuffix('.txt').replace('/', '_')}.txt")
        copies = {target: prompt_file(str(name))}
    _write(copies)
    note(f"wrote {folder or next(iter(copies))}")


def _write(copies: "dict[Path, PromptFile]") -> None:
    """Write every file, or none where one is there already."""
    from graphllm.errors import ConfigError

    there = [path for path in copies if path.exists()]
    if there:
        raise ConfigError(f"{there[0]} is there already; name another file")
    for path, file in copies.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as out:
                out.write(file.content)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}") from error
