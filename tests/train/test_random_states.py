"""The states of the random generators: put back, what is drawn next is drawn again."""

import random

import numpy as np
import pytest
import torch

from graphllm.errors import DataError
from graphllm.train.random_states import kept_random_states, random_states, restore_random_states


def drawn():
    from_numpy = np.random.standard_normal()  # noqa: NPY002  the global one is what is kept
    return [random.gauss(0, 1), random.random(), from_numpy, float(torch.rand(1))]


@pytest.mark.parametrize("before", [0, 1])  # after one, both keep the other of a pair of gaussians
def test_what_was_drawn_is_drawn_again(before):
    for _ in range(before):
        drawn()
    states = random_states()
    first = [drawn() for _ in range(3)]
    restore_random_states(states)
    assert [drawn() for _ in range(3)] == first


def test_states_are_restored_from_the_rows_of_several_processes():
    states = random_states()
    rows = {name: torch.stack([state, state]) for name, state in states.items()}
    first = drawn()
    restore_random_states({name: row[1] for name, row in rows.items()})
    assert drawn() == first


def test_what_is_drawn_inside_changes_nothing_outside():
    states = random_states()
    first = drawn()
    restore_random_states(states)
    with kept_random_states():
        drawn()
    assert drawn() == first


def test_other_tensors_are_no_states():
    with pytest.raises(DataError, match="not the states of random generators"):
        restore_random_states({"torch": torch.zeros(3)})
