"""Bucketed batches: every example once an epoch, within the budget, with little padding."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError
from graphllm.train.batches import BucketedBatches

lengths = st.lists(st.integers(0, 70), min_size=1, max_size=60)


def epoch_of(batches, number):
    first = number * batches.per_epoch
    return [batches[step] for step in range(first, first + batches.per_epoch)]


@settings(max_examples=30)
@given(lengths, st.integers(1, 9), st.integers(70, 300), st.integers(0, 3))
def test_every_epoch_has_every_example_once_within_both_limits(of, size, max_tokens, seed):
    examples = list(enumerate(of))
    batches = BucketedBatches(examples, of, size=size, max_tokens=max_tokens, seed=seed)
    for number in range(3):
        epoch = epoch_of(batches, number)
        assert Counter(e for batch in epoch for e in batch) == Counter(examples)
        for batch in epoch:
            assert 1 <= len(batch) <= size
            assert len(batch) * max(length for _, length in batch) <= max_tokens


def cut_by_loops(of, size, max_tokens):
    """The sizes of batches: lengths rounded, sorted, and taken while they fit."""
    rounded = {}
    for length in of:
        unit = 1
        while unit * 16 <= length:
            unit *= 2
        top = next(n for n in range(length, 2 * length + 2) if n % unit == 0)
        rounded.setdefault(top, []).append(length)
    sizes, count = [], 0
    for top in sorted(rounded):
        for _ in rounded[top]:
            if count == size or (count + 1) * max(rounded[top]) > max_tokens:
                sizes.append(count)
                count = 0
            count += 1
    return sorted([*sizes, count])


@settings(max_examples=30)
@given(lengths, st.integers(1, 9), st.integers(70, 300))
def test_batches_are_those_of_the_loops(of, size, max_tokens):
    batches = BucketedBatches(of, of, size=size, max_tokens=max_tokens)
    expected = cut_by_loops(of, size, max_tokens)
    for number in range(2):
        assert sorted(map(len, epoch_of(batches, number))) == expected


def test_batches_follow_from_seed_and_step_alone():
    of = np.random.default_rng(0).integers(1, 50, 200).tolist()
    one, other = (BucketedBatches(range(200), of, size=8, seed=4) for _ in range(2))
    in_order = [one[step] for step in range(60)]
    back = [other[step] for step in reversed(range(60))]
    assert in_order == back[::-1]
    assert in_order != [BucketedBatches(range(200), of, size=8, seed=5)[s] for s in range(60)]
    assert epoch_of(one, 0) != epoch_of(one, 1)


def test_examples_of_a_batch_have_about_one_length_and_other_company_each_epoch():
    of = np.random.default_rng(0).integers(1, 400, 3000).tolist()
    batches = BucketedBatches(range(3000), of, size=16)
    real, padded, companies = 0, 0, []
    for number in range(2):
        epoch = epoch_of(batches, number)
        companies.append({frozenset(batch) for batch in epoch})
        real += sum(of[i] for batch in epoch for i in batch)
        padded += sum(len(batch) * max(of[i] for i in batch) for batch in epoch)
    assert padded < 1.1 * real
    assert len(companies[0] & companies[1]) < 5
    mixed = BucketedBatches(range(3000), size=16)
    assert sum(len(b) * max(of[i] for i in b) for b in epoch_of(mixed, 0)) > 0.8 * padded


def test_without_lengths_examples_are_only_shuffled():
    batches = BucketedBatches("abcdefghij", size=4)
    assert batches.per_epoch == 3
    assert sorted("".join(map("".join, epoch_of(batches, 7)))) == list("abcdefghij")


WRONG = {
    "none": (lambda: BucketedBatches([], size=1), DataError, "no examples"),
    "limit": (lambda: BucketedBatches([1]), ConfigError, "say how large a batch is"),
    "size": (lambda: BucketedBatches([1], size=0), ConfigError, "a batch of 0 examples"),
    "long": (
        lambda: BucketedBatches("ab", [3, 9], max_tokens=8),
        ConfigError,
        "the longest example has 9 tokens",
    ),
    "lengths": (lambda: BucketedBatches("ab", [3], size=2), DataError, "2 examples need as many"),
    "below": (lambda: BucketedBatches("a", [-1], size=2), DataError, "lengths of 0 or more"),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_arguments_are_refused(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()
