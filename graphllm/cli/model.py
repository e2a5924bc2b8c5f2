"""The options that have a language model answer, and what is said before anything is sent."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from graphllm.cli.console import dim, note

if TYPE_CHECKING:
    from graphllm.llm import LanguageModel
    from graphllm.readers.asking import Asked

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What was said about the language model; nothing of it, and a plan answers."""

    llm: str | None = None
    llm_url: str | None = None
    retriever: str | None = None
    max_tokens: int | None = None
    prompts: str | None = None

    def refuse_without_model(self, *, dry_run: bool = False) -> None:
        """Say that an option needs ``--llm``.

        Raises:
            click.UsageError: One is given that has no meaning without a model.
        """
        if self.llm is not None:
            return
        given = {
            "--llm-url": self.llm_url,
            "--max-tokens": self.max_tokens,
            "--prompts": self.prompts,
            "--retriever": None if dry_run else self.retriever,
        }
        for option, value in given.items():
            if value is not None:
                or_see = ", or --dry-run to see what it finds" if option == "--retriever" else ""
                raise click.UsageError(f"{option} needs --llm{or_see}")

    def load(self, *, dry_run: bool = False) -> "LanguageModel | None":
        """Return the model, or ``None`` when none is named; for a dry run, without a key."""
        if self.llm is None:
            return None
        from graphllm.llm import load_language_model
        from graphllm.llm.load import is_on_server

        options = {} if self.llm_url is None else {"base_url": self.llm_url}
        if dry_run and is_on_server(self.llm):
            options["api_key"] = ""
        return load_language_model(self.llm, **options)


NO_MODEL = ModelChoice()


def model_options(command: F) -> F:
    """Add the options about a language model; the command gets them as one ``model``."""

    @functools.wraps(command)
    def collected(**given: object) -> object:
        parts = {name: given.pop(name) for name in ModelChoice.__slots__}
        return command(**given, model=ModelChoice(**cast("dict[str, Any]", parts)))

    wrapped = collected
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return cast(F, wrapped)


_OPTIONS = (
    click.option(
        "--llm",
        metavar="MODEL",
        help="Let a language model answer: its name on an OpenAI-compatible server, a folder of"
        " this machine, or hf:ORG/NAME.",
    ),
    click.option(
        "--llm-url",
        metavar="URL",
        help="The server, up to and with /v1; $OPENAI_BASE_URL when left out, else OpenAI's.",
    ),
    click.option(
        "--retriever",
        metavar="NAME",
        help="How the facts are chosen that the model sees: paths, ppr, khop, pcst or triples.",
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(min=1),
        metavar="N",
        help="Tokens of a prompt at most; 3000 when left out.",
    ),
    click.option(
        "--prompts",
        metavar="DIR",
        help="Your own prompts, as `graphllm prompts copy --all DIR` makes them.",
    ),
)


def announcer(llm: "LanguageModel") -> "Callable[[Asked], None] | None":
    """Return what says before each prompt what leaves the machine; ``None`` when nothing does."""
    from graphllm.graph.plain import plain

    if not llm.sends_to:
        return None

    def announce(asked: "Asked") -> None:
        where = plain(f"{llm.sends_to} ({llm.id})")
        note(dim(f"sending to {where}: {asked.holds}"))

    return announce
