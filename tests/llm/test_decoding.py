import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphllm.llm._decoding import UNFINISHED, GrowingText, GumbelNoise
from tests.llm.tiny import byte_level, with_spaces

TOKENIZERS = {"byte level": byte_level, "with spaces": with_spaces}


def pieces(tokenizer, ids):
    growing = GrowingText(lambda token_ids: tokenizer.decode(list(token_ids)))
    return [*map(growing.add, ids), growing.rest()]


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.text(st.sampled_from("Zoë the 中文😀\n."), max_size=20))
def test_pieces_are_the_text_and_hold_no_half_characters(kind, text):
    tokenizer = TOKENIZERS[kind]()
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    given_out = pieces(tokenizer, ids)
    assert "".join(given_out) == tokenizer.decode(ids)
    assert UNFINISHED not in "".join(given_out)


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(data=st.data())
def test_pieces_of_any_tokens_are_what_they_are_together(kind, data):
    tokenizer = TOKENIZERS[kind]()
    token = st.integers(0, tokenizer.get_vocab_size() - 1)
    ids = data.draw(st.lists(token, max_size=20))
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids)


def test_every_row_is_drawn_as_it_would_be_alone():
    scores = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    ids = torch.zeros(3, 1, dtype=torch.long)
    together = GumbelNoise(3, 0.7, 11)
    alone = [GumbelNoise(1, 0.7, 11) for _ in range(3)]
    for _ in range(4):
        drawn = together(ids, scores)
        for row, noise in enumerate(alone):
            assert torch.equal(drawn[row], noise(ids[:1], scores[row : row + 1])[0])
