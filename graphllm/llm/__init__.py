"""Language models: any OpenAI-compatible server, and transformers on this machine."""

from importlib import import_module
from typing import TYPE_CHECKING

from graphllm.llm.counting import estimated_tokens
from graphllm.llm.language_model import (
    GREEDY,
    Decoding,
    Generation,
    LanguageModel,
    Message,
    Part,
    Prompt,
    SoftPart,
)
from graphllm.llm.load import LANGUAGE_MODELS, load_language_model
from graphllm.llm.patience import Patience
from graphllm.llm.token_prompt import TokenPart, TokenPrompt

if TYPE_CHECKING:
    from graphllm.llm._adapters import LoraSettings
    from graphllm.llm.http import OpenAICompatible
    from graphllm.llm.local import LocalLanguageModel

__all__ = [
    "GREEDY",
    "LANGUAGE_MODELS",
    "Decoding",
    "Generation",
    "LanguageModel",
    "LocalLanguageModel",
    "LoraSettings",
    "Message",
    "OpenAICompatible",
    "Part",
    "Patience",
    "Prompt",
    "SoftPart",
    "TokenPart",
    "TokenPrompt",
    "estimated_tokens",
    "load_language_model",
]

_WHERE = {
    "LocalLanguageModel": "graphllm.llm.local",
    "LoraSettings": "graphllm.llm._adapters",
    "OpenAICompatible": "graphllm.llm.http",
}


def __getattr__(name: str) -> object:
    """Import a model class when it is first used: httpx, torch and transformers take their time."""
    if name not in _WHERE:
        raise AttributeError(f"module 'graphllm.llm' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
