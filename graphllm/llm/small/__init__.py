"""graphllm-small: the project's own small language model, which answers with references."""

from graphllm.llm.small.checkpoint import start_model
from graphllm.llm.small.replies import ReplyGrammar, SmallReply, allowed_tokens, read_small_reply
from graphllm.llm.small.storage import Small, export_small, load_small, save_small
from graphllm.llm.small.vocabulary import fast_tokenizer, transformers_tokenizer

__all__ = [
    "ReplyGrammar",
    "Small",
    "SmallReply",
    "allowed_tokens",
    "export_small",
    "fast_tokenizer",
    "load_small",
    "read_small_reply",
    "save_small",
    "start_model",
    "transformers_tokenizer",
]
