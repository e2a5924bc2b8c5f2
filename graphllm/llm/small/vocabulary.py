"""The vocabulary of graphllm-small: MiniLM's, with references in the place of unused word pieces.

``[3]`` means a line of the text and ``[n7]`` a node, each one token. They take over rows of
MiniLM's vocabulary that no text uses, so that it does not grow.
"""

import json
from functools import cache
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer

from graphllm.graph.layouts import node_reference
from graphllm.graph.textualize import MOST_REFERENCES
from graphllm.text.weights import minilm_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, START, END, MASK = 0, 101, 102, 103
MOST_LINES = 64  # of a text; 512 word pieces hold no more
FIRST_LINE = 1  # the id of "[1]", once "[unused0]"
FIRST_NODE = 104  # the id of "[n1]", once "[unused99]"
CONTEXT = 512


def line_id(number: int) -> int:
    """Return the token that means a line."""
    return FIRST_LINE + number - 1


def node_id(number: int) -> int:
    """Return the token that means the node with a reference."""
    return FIRST_NODE + number - 1


def line_of(token: int) -> int | None:
    """Return the line that a token means, if it means one."""
    number = token - FIRST_LINE + 1
    return number if 1 <= number <= MOST_LINES else None


def node_of(token: int) -> int | None:
    """Return the reference that a token is, if it is one."""
    number = token - FIRST_NODE + 1
    return number if 1 <= number <= MOST_REFERENCES else None


def reference_ids() -> list[int]:
    """Return every token that is a reference, lines first."""
    lines = [line_id(n) for n in range(1, MOST_LINES + 1)]
    return lines + [node_id(n) for n in range(1, MOST_REFERENCES + 1)]


@cache
def tokenizer_json() -> str:
    """Return MiniLM's tokenizer with the references in it, as tokenizers reads it."""
    read = json.loads((minilm_folder() / "tokenizer.json").read_text("utf-8"))
    read["truncation"] = read["padding"] = None
    words: dict[str, int] = read["model"]["vocab"]
    by_id = {token: word for word, token in words.items()}
    named = {line_id(n): f"[{n}]" for n in range(1, MOST_LINES + 1)}
    named |= {node_id(n): node_reference(n) for n in range(1, MOST_REFERENCES + 1)}
    for token, name in named.items():
        del words[by_id[token]]
        words[name] = token
    tokenizer = Tokenizer.from_str(json.dumps(read))
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in named.values()])
    return tokenizer.to_str()


@cache
def fast_tokenizer() -> Tokenizer:
    """Return the tokenizer as tokenizers has it; without limit or padding; not to be changed."""
    return Tokenizer.from_str(tokenizer_json())


def transformers_tokenizer() -> "PreTrainedTokenizerFast":
    """Return the tokenizer as transformers has it, which can be saved beside a model."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(tokenizer_json()),
        pad_token="[PAD]",  # noqa: S106  the name of a word piece
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
        eos_token="[SEP]",  # noqa: S106
        model_max_length=CONTEXT,
        padding_side="right",
    )
