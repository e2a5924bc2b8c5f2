"""What graphllm-small learns from: the same for a seed, and right by the text alone."""

import re
from itertools import takewhile

import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.graph import TextualGraph
from graphllm.llm.small import fast_tokenizer
from graphllm.llm.small.vocabulary import line_of, node_of
from graphllm.questions import curriculum
from graphllm.train.small import SmallBatches, _lines, collated, filled, rendered, said, tokenized
from graphllm.train.small_examples import (
    AskedFacts,
    facts_of,
    of_graph,
    read_small_examples,
    write_small_examples,
)

NODE = re.compile(r"\[n(\d+)\] ([^|;>:\n]+)")


def count(text):
    return len(fast_tokenizer().encode(text, add_special_tokens=False).ids)


def invented(seed):
    rng = np.random.default_rng(seed)
    for built, questions in curriculum(rng, 2, 10, num_nodes=60):
        asked = [found for q in questions if (found := facts_of(q, built.graph))]
        yield from of_graph(built.graph, asked, rng, count, source="curriculum")


@pytest.fixture(scope="module")
def examples():
    found = list(invented(3))
    assert len(found) > 8
    return found


def decoded(ids):
    return fast_tokenizer().decode(ids)


def test_the_same_seed_gives_the_same_examples(examples):
    assert list(invented(3)) == examples
    assert list(invented(4)) != examples


def test_cited_lines_hold_the_answers(examples):
    for example in examples:
        lines = {int(n): line for line in example.lines for n in re.findall(r"^\[(\d+)\]", line)}
        cited = " ".join(lines[n] for n in example.cites)
        stand = {int(number) for number in re.findall(r"\[n(\d+)\]", cited)}
        assert stand.issuperset(example.answers)
        assert bool(example.answers) != bool(example.words)
        assert (example.words == "none") == (not example.cites)


def chain():
    """A hub with far more than fits, and a chain of two."""
    rows = [("hub", "has", f"part {i}") for i in range(60)]
    rows += [("part 7", "made by", "Ada"), ("part 8", "made by", "Bo"), ("Ada", "lives in", "Rome")]
    return TextualGraph.from_triples(rows)


def test_all_that_proves_an_answer_is_shown_and_nothing_else_is_cited():
    view = chain()
    asked = AskedFacts("who made part 7?", ((9, 15, (8,)),), (62 - 1,), "", (60,), "path", 1)
    rng = np.random.default_rng(0)
    for _ in range(20):
        for example in of_graph(view, [asked], rng, count, source="test"):
            if example.words == "none":
                assert not any("made by" in line and "Ada" in line for line in example.lines)
                continue
            [number] = example.cites
            [line] = [li for li in example.lines if li.startswith(f"[{number}]")]
            assert "made by" in line
            assert "Ada" in line
            names = dict(NODE.findall("\n".join(example.lines)))
            assert [names[str(n)].strip() for n in example.answers] == ["Ada"]


def names_of(ids):
    """The word pieces behind each reference to a node, by its number."""
    marks = set(fast_tokenizer().encode("|;>:", add_special_tokens=False).ids)

    def is_name(token):
        return token not in marks and node_of(token) is None and line_of(token) is None

    places = [at for at, token in enumerate(ids) if node_of(token) is not None]
    return {node_of(ids[at]): tuple(takewhile(is_name, ids[at + 1 :])) for at in places}


def test_references_are_drawn_anew_and_mean_the_same(examples):
    rng = np.random.default_rng(0)
    inputs = []
    for example, tokens in zip(examples, tokenized(examples), strict=True):
        before = names_of([t for line in tokens.lines for t in line])
        row = rendered(tokens, rng)
        after = names_of([t for line in _lines(row.input_ids) for t in line])
        numbers = [n for t in row.target_ids if (n := node_of(t)) is not None]
        right = sorted(before[n] for n in example.answers)
        assert sorted(after[n] for n in numbers) == right
        assert sum(line_of(t) is not None for t in row.target_ids) == len(example.cites)
        inputs.append(row.input_ids)
    assert inputs != [rendered(tokens, rng).input_ids for tokens in tokenized(examples)]


def test_lines_are_left_out_until_an_example_fits_but_no_cited_one(examples):
    rng = np.random.default_rng(0)
    lengths = []
    for tokens in tokenized(examples):
        row = rendered(tokens, rng, 60)
        if row is None:
            needed = [line for n, line in enumerate(tokens.lines, 1) if n in tokens.cites]
            assert 2 + len(tokens.question) + sum(map(len, needed)) > 60 or not needed
            continue
        lengths.append(len(row.input_ids))
        assert set(row.input_ids).issuperset(row.marks)
    assert lengths
    assert max(lengths) <= 60


def test_batches_follow_from_the_number_of_the_step(examples):
    tokens = tokenized(examples)
    stages = [(2, [60]), (1 << 60, [60, 90])]
    first, second = (SmallBatches(tokens, stages, max_tokens=400, seed=5) for _ in range(2))
    assert first[7] == second[7]
    assert first[7] != first[8]
    assert all(len(row.input_ids) <= 60 for row in first[1])
    batch = collated(first[0])
    assert batch.input_ids.shape == batch.attention_mask.shape == batch.marks.shape
    assert batch.decoder_ids.shape == batch.labels.shape
    assert (batch.marks == 1).sum() >= sum(len(row.marks) for row in first[0])
    # what is to be written is what was written before, one place later
    told = batch.decoder_ids[0, 1:][batch.labels[0, 1:] != -100]
    assert told.tolist() == first[0][0].target_ids[:-1]


def test_texts_to_write_stand_in_the_input(examples):
    rng = np.random.default_rng(0)
    for tokens in tokenized(examples)[:10]:
        row = rendered(tokens, rng)
        for task in (said, filled):
            made = task(row, rng)
            words = made.target_ids[:-1]
            assert words
            assert set(words) <= {*row.input_ids}
        gap = filled(row, rng)
        assert decoded(gap.input_ids).startswith("fill the gap")


def test_examples_are_read_as_they_were_written(examples, tmp_path):
    path = tmp_path / "examples.jsonl"
    assert write_small_examples(path, examples) == len(examples)
    assert read_small_examples(path) == examples
    path.write_text('{"question": 1}\n', "utf-8")
    with pytest.raises(DataError, match="line 1: not an example"):
        read_small_examples(path)
    with pytest.raises(DataError, match="no such file"):
        read_small_examples(tmp_path / "none")
