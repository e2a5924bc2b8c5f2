"""Arrays beside an index: made once, made again when damaged, by one process at a time."""

import threading

import numpy as np
import pytest

from graphllm.graph import TextualGraph
from graphllm.index import GraphIndex, check


@pytest.fixture
def index(tmp_path):
    graph = TextualGraph.from_triples([("a", "r", "b")])
    with GraphIndex.build(graph, tmp_path / "g.gllm") as built:
        yield built


class Maker:
    """Makes ones, and counts how often."""

    def __init__(self, size=2000):
        self.calls, self.size = 0, size

    def __call__(self):
        self.calls += 1
        return np.ones(self.size, dtype=np.float32)


def files(index, suffix):
    return sorted(index.path.glob(f"gen-*/derived/*{suffix}"))


def test_an_array_is_made_once_and_mapped(index):
    make = Maker()
    assert index.derived("ones", make).sum() == 2000
    with GraphIndex.open(index.path) as again:
        found = again.derived("ones", make)
    assert (make.calls, found.sum(), found.flags.writeable) == (1, 2000, False)
    assert check(index.path) == []
    other = index.derived("few", Maker(3))
    assert (other.shape, len(files(index, ".npy"))) == ((3,), 2)


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "describe"])
def test_a_damaged_array_is_told_and_made_again(index, harm, caplog):
    make = Maker()
    index.derived("ones", make)
    (path,), (description,) = files(index, ".npy"), files(index, ".json")
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[-1] ^= 1
        path.write_bytes(data)
    elif harm == "cut":
        path.write_bytes(data[:-4])
    elif harm == "remove":
        path.unlink()
    else:
        description.write_text("{}")
    assert len(check(index.path)) == 1
    assert index.derived("ones", make).sum() == 2000
    assert make.calls == 2
    assert "it is made again" in caplog.text
    assert check(index.path) == []


def test_what_fails_leaves_nothing(index):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        index.derived("ones", fail)
    assert files(index, ".npy") == files(index, ".json") == []


def test_two_threads_make_it_once(index):
    make = Maker()
    started = threading.Barrier(2)

    def ask():
        started.wait()
        return index.derived("ones", make)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert make.calls == 1


def test_a_new_generation_has_none_of_the_old(index):
    make = Maker()
    index.derived("ones", make)
    graph = TextualGraph.from_triples([("a", "r", "c"), ("c", "r", "b")])
    with GraphIndex.build(graph, index.path) as rebuilt:
        rebuilt.derived("ones", make)
    assert make.calls == 2
