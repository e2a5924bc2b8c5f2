"""Where the generators of random numbers stand, as tensors: what dropout draws next follows."""

import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

from graphllm.errors import DataError


def random_states() -> dict[str, torch.Tensor]:
    """Return the states of the global generators of torch, numpy and Python."""
    _, words, gaussian = random.getstate()
    _, keys, place, has_gaussian, cached = np.random.get_state()  # noqa: NPY002  the global one
    states = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor(words),
        "python_gaussian": _float(gaussian),
        "numpy": torch.tensor([*np.asarray(keys).tolist(), place, has_gaussian]),
        "numpy_gaussian": _float(float(cached)),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: Mapping[str, torch.Tensor]) -> None:
    """Put the global generators where ``random_states`` found them.

    Raises:
        DataError: These are no such states.
    """
    try:
        gaussian = states["python_gaussian"].item()
        words = tuple(states["python"].tolist())
        random.setstate((3, words, None if math.isnan(gaussian) else gaussian))
        *keys, place, has_gaussian = states["numpy"].tolist()
        cached = states["numpy_gaussian"].item()
        legacy = ("MT19937", np.array(keys, dtype=np.uint32), place, has_gaussian, cached)
        np.random.set_state(legacy)  # noqa: NPY002  the global one
        # a row of a larger tensor would be read from that one's beginning, and beyond its end
        torch.set_rng_state(states["torch"].clone())
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state(states["cuda"].clone())
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"not the states of random generators ({error})") from error


def _float(value: float | None) -> torch.Tensor:
    return torch.tensor([math.nan if value is None else value], dtype=torch.float64)


@contextmanager
def kept_random_states() -> Iterator[None]:
    """Leave the global generators as they were: what is drawn inside changes nothing outside."""
    states = random_states()
    try:
        yield
    finally:
        restore_random_states(states)
