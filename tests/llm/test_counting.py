from tokenizers import Tokenizer

from graphllm.llm import estimated_tokens
from graphllm.text.weights import minilm_folder
from tests.llm.tiny import TEXT, byte_level

TEXTS = [
    TEXT,
    "head,relation,tail\nInception,directed_by,Christopher Nolan\nInception,year,2010\n",
    "The quick brown fox jumps over the lazy dog, and then it sleeps until the morning comes.",
    "PERSON_4711 -> HAS_ADDRESS -> 12 Rue de l'Église, 75001 Paris",
    "m.0k1xyz ; 3.14159 ; 2020-02-29T23:59:59Z ; https://example.org/a?b=c#d",
    "Россия граничит. 日本の首都は東京です。 😀😀",
    "deadbeef0123456789ABCDEF",
    "",
]


def test_the_estimate_is_above_tokenizers_that_are_at_hand():
    wordpiece = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    wordpiece.no_truncation()
    wordpiece.no_padding()
    for text in TEXTS:
        estimate = estimated_tokens(text)
        assert estimate >= len(wordpiece.encode(text, add_special_tokens=False).ids), text
        assert estimate <= max(len(text.encode()), 1)


def test_the_estimate_never_exceeds_the_bytes_and_grows_with_the_text():
    for text in TEXTS:
        counts = [estimated_tokens(text[:end]) for end in range(len(text) + 1)]
        assert counts[0] == 0
        assert counts[-1] == max(counts)


def test_english_is_not_counted_twice_over():
    prose = TEXTS[2]
    words = len(prose.split()) + 2
    assert estimated_tokens(prose) < 2 * words


def test_the_tiny_vocabulary_shows_what_an_unknown_script_costs():
    assert len(byte_level().encode("日").ids) == estimated_tokens("日")
