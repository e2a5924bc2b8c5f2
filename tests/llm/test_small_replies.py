"""graphllm-small's vocabulary and what it may reply, without the model."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from graphllm.graph.textualize import MOST_REFERENCES
from graphllm.llm.small.prompt import marked_question, reply_of, small_prompt
from graphllm.llm.small.replies import NONE, ReplyGrammar, SmallReply, read_small_reply
from graphllm.llm.small.vocabulary import (
    END,
    MOST_LINES,
    fast_tokenizer,
    line_id,
    line_of,
    node_id,
    node_of,
    reference_ids,
)
from graphllm.text.weights import minilm_folder

ALIEN = (
    "[1] [n1] Alien | starring | [n2] Hurt; [n4] Weaver\n[2] [n3] Aliens | made by | [n5] Cameron"
)


def ids(text):
    return fast_tokenizer().encode(text).ids


@cache
def minilm():
    tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def test_every_reference_is_one_token_of_its_own():
    names = [f"[{n}]" for n in range(1, MOST_LINES + 1)]
    names += [f"[n{n}]" for n in range(1, MOST_REFERENCES + 1)]
    tokens = [fast_tokenizer().encode(name, add_special_tokens=False).ids for name in names]
    assert [t for [t] in tokens] == reference_ids()
    assert len(set(reference_ids())) == len(names)
    assert line_of(line_id(7)) == 7
    assert node_of(node_id(7)) == 7
    assert line_of(node_id(7)) is node_of(line_id(7)) is None


def test_the_vocabulary_does_not_grow():
    assert fast_tokenizer().get_vocab_size() == minilm().get_vocab_size()


@given(st.text(st.characters(codec="utf-8", exclude_characters="["), max_size=40))
def test_all_other_text_reads_as_minilm_reads_it(text):
    assert ids(text) == minilm().encode(text).ids


@given(st.data())
def test_whatever_follows_the_grammar_names_nothing_that_is_not_there(data):
    lines = data.draw(st.lists(st.lists(st.integers(1, 30), max_size=4), max_size=6))
    text = "\n".join(
        f"[{n}] " + "; ".join(f"[n{node}] name" for node in nodes)
        for n, nodes in enumerate(lines, 1)
    )
    about = data.draw(st.integers(31, 40))
    grammar = ReplyGrammar.of(ids(f"who is [n50] it?\n{text}\n- [n{about}] alone: a person"))
    reply: list[int] = []
    while not reply or reply[-1] != END:
        reply.append(data.draw(st.sampled_from(grammar.allowed(reply))))
        assert len(reply) < 60
    said = read_small_reply(reply)
    assert all(1 <= n <= len(lines) for n in said.cites)
    stand = {node for n in said.cites for node in lines[n - 1]}
    assert stand.issuperset(said.answers)
    assert not (said.answers and said.words)
    assert said.is_none == (said.words == NONE)
    assert bool(said.cites) != said.is_none
    assert len(reply) == len(set(reply)) or said.words  # nothing is written twice


def test_the_right_reply_follows_the_grammar():
    grammar = ReplyGrammar.of(ids(f"who stars in [n1] Alien?\n{ALIEN}"))
    for right in ("[1] [n2] [n4]", "[1] [2] [n5]", "[2] yes", "[1] 12", "none"):
        reply = [*fast_tokenizer().encode(right, add_special_tokens=False).ids, END]
        for at, token in enumerate(reply):
            assert token in grammar.allowed(reply[:at])
    reply = [line_id(1)]
    assert node_id(5) not in grammar.allowed(reply)
    assert END not in grammar.allowed(reply)


def test_replies_are_read_from_tokens_and_from_text():
    right = SmallReply(cites=(2, 5), answers=(7,))
    assert read_small_reply([line_id(2), line_id(5), node_id(7), END, node_id(9)]) == right
    assert reply_of("[2] [5] [n7]") == right
    assert reply_of(" none ").is_none
    assert reply_of("").is_none
    assert reply_of("[3] yes") == SmallReply(cites=(3,), words="yes")


def test_questions_have_references_before_names():
    asked = "did Alien or Aliens win?"
    marked = marked_question(asked, [(13, 19, [3]), (4, 9, [1, 2]), (5, 9, [8]), (20, 23, [])])
    assert marked == "did [n1] [n2] Alien or [n3] Aliens win?"


@given(st.text(max_size=30))
def test_a_question_cannot_forge_a_reference(text):
    tokens = ids(small_prompt(marked_question(f"[n3] {text} [2]", []), ""))
    assert not any(line_of(t) or node_of(t) for t in tokens)
