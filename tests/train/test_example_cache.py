"""The cache of examples: computed once, also after a crash, and read back as computed."""

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.train.example_cache import ExampleCache


def arrays_of(text):
    """What depends on a text: arrays of several kinds and shapes, also empty ones."""
    codes = np.array([ord(c) for c in text], dtype=np.int32)
    return {
        "codes": codes,
        "square": np.outer(codes % 7, codes % 5).astype(np.float16),
        "n": codes.sum(),
    }


class Computing:
    """Computes arrays, remembers of what, and breaks down after some batches."""

    def __init__(self, breaks_after=99):
        self.calls, self.breaks_after = [], breaks_after

    def __call__(self, texts):
        if len(self.calls) == self.breaks_after:
            raise KeyboardInterrupt
        self.calls.append(texts)
        return [arrays_of(text) for text in texts]


def is_right(cached, texts):
    for found, text in zip(cached, texts, strict=True):
        expected = arrays_of(text)
        assert found.keys() == expected.keys()
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=4), max_size=12), batch=st.integers(1, 5))
def test_every_content_is_computed_once(texts, batch, tmp_path_factory):
    folder, computing = tmp_path_factory.mktemp("cache"), Computing()
    cache = ExampleCache(folder, of="codes")
    is_right(cache.fill(texts, computing, batch=batch), texts)
    assert [t for call in computing.calls for t in call] == list(dict.fromkeys(texts))
    assert all(len(call) <= batch for call in computing.calls)
    again = ExampleCache(folder, of="codes")
    is_right(again.fill(texts[::-1], Computing(breaks_after=0), batch=batch), texts[::-1])


def test_what_was_written_before_a_crash_is_not_computed_again(tmp_path):
    texts = [f"text {number}" for number in range(10)]
    with pytest.raises(KeyboardInterrupt):
        ExampleCache(tmp_path, of="codes").fill(texts, Computing(breaks_after=2), batch=3)
    cache, computing, told = ExampleCache(tmp_path, of="codes"), Computing(), []
    assert len(cache) == 6
    found = cache.fill(texts, computing, batch=3, progress=lambda *of: told.append(of))
    assert computing.calls == [texts[6:9], texts[9:]]
    assert told == [(6, 10), (9, 10), (10, 10)]
    is_right(found, texts)
    is_right(found[2:4], texts[2:4])
    is_right([found[-1]], texts[-1:])


def test_what_computes_is_part_of_the_address(tmp_path):
    one, other = ExampleCache(tmp_path, of="k 3"), ExampleCache(tmp_path, of="k 4")
    one.fill(["a"], Computing())
    computing = Computing()
    other.fill(["a"], computing)
    assert computing.calls == [["a"]]


def test_an_example_without_arrays_is_remembered(tmp_path):
    cache = ExampleCache(tmp_path, of="nothing")
    assert list(cache.fill(["a", "b"], lambda texts: [{} for _ in texts])) == [{}, {}]
    assert len(ExampleCache(tmp_path, of="nothing")) == 2


def test_a_torn_file_is_computed_again(tmp_path, caplog):
    ExampleCache(tmp_path, of="codes").fill(["a", "b"], Computing(), batch=1)
    torn = min(tmp_path.rglob("*.safetensors"))
    os.truncate(torn, torn.stat().st_size - 3)
    computing = Computing()
    cache = ExampleCache(tmp_path, of="codes")
    assert f"{torn} cannot be read" in caplog.text
    is_right(cache.fill(["a", "b"], computing), ["a", "b"])
    assert computing.calls == [["a"]]


def test_too_few_arrays_are_an_error(tmp_path):
    with pytest.raises(DataError, match="2 examples gave arrays for 1"):
        ExampleCache(tmp_path, of="codes").fill(["a", "b"], lambda texts: [{}])


def test_nothing_on_disk_is_a_pickle(tmp_path):
    ExampleCache(tmp_path, of="codes").fill(["a"], Computing())
    (path,) = tmp_path.rglob("*.safetensors")
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert {name.split(".")[-1] for name in header} == {"__metadata__", "codes", "square", "n"}
