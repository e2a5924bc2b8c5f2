"""Language models: any OpenAI-compatible server, and transformers on this machine."""

from graphllm.llm.language_model import (
    GREEDY,
    Decoding,
    Generation,
    LanguageModel,
    Message,
    Prompt,
)

__all__ = ["GREEDY", "Decoding", "Generation", "LanguageModel", "Message", "Prompt"]
