"""A language model by name."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import cast

from graphllm.errors import ConfigError
from graphllm.llm.language_model import LanguageModel
from graphllm.registry import load

LANGUAGE_MODELS = {
    "local": "graphllm.llm.local:LocalLanguageModel",
    "server": "graphllm.llm.http:OpenAICompatible",
    # what `train soft-prompt` leaves; a name, as this package knows nothing of prompters
    "run": "graphllm.models.prompted_model:PromptedModel",
}

HUB_PREFIX = "hf:"
SMALL = "small"  # the language model that ships
PROMPTED = "prompted.json"  # stands in the folder of a run that answers questions
_RUN = "run.toml"  # stands in the folder of any run


def load_language_model(spec: str, **options: object) -> LanguageModel:
    """Return the language model that ``spec`` names.

    Args:
        spec: A folder that holds a transformers model, or a run of ``graphllm train soft-prompt``;
            ``"small"``, the one that ships; ``"hf:ORG/NAME"``, a model of the Hugging Face hub or
            of its local cache; anything else is a model's name on an OpenAI-compatible server, the
            one at ``base_url`` or ``OPENAI_BASE_URL``, else OpenAI's own.
        options: Handed to `LocalLanguageModel`, `PromptedModel` or `OpenAICompatible`.

    Raises:
        ConfigError: There is no such model or option, or OpenAI's server is meant and no key given.
    """
    kind, name = _resolve(spec)
    load_class = load("language model", LANGUAGE_MODELS, kind)
    model_class = cast("Callable[..., LanguageModel]", load_class)
    known = set(inspect.signature(model_class).parameters)
    if unknown := sorted(set(options) - known):
        raise ConfigError(
            f"the language model {spec!r} has no option {unknown[0]!r}; it has {sorted(known)}"
        )
    return model_class(name, **options)


def is_on_server(spec: str) -> bool:
    """Return whether ``spec`` names a model on a server, and none on this machine."""
    return spec != SMALL and _resolve(spec)[0] == "server"


def _resolve(spec: str) -> tuple[str, str]:
    """Return what kind of model ``spec`` means, and what its class wants to be told."""
    if not spec.strip():
        raise ConfigError("the language model has no name; give a folder, hf:ORG/NAME or a name")
    if spec.startswith(HUB_PREFIX):
        return "local", spec.removeprefix(HUB_PREFIX)
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return _kind_of(folder), str(folder)
    if spec.startswith(("./", "../", "/", "~")):
        raise ConfigError(f"{spec}: no such folder; a language model on this machine is a folder")
    if spec == SMALL:
        from graphllm.llm.small.shipped import small_checkpoint  # torch takes its time

        return "local", str(small_checkpoint())
    return "server", spec


def _kind_of(folder: Path) -> str:
    if (folder / PROMPTED).is_file():
        return "run"
    if (folder / _RUN).is_file() and not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder} holds a training run without {PROMPTED}: one that is not finished, which the"
            " same command goes on with, or one of another kind; only runs of `graphllm train"
            " soft-prompt` answer questions"
        )
    return "local"
