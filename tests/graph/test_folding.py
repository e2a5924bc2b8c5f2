"""Words of names and identifiers, however they are written."""

import time

from graphllm.graph.folding import humanize


def test_the_words_of_a_label_without_end_are_those_of_its_beginning():
    start = time.perf_counter()
    words = humanize("bornIn" + "_and_then" * 1_000_000)
    assert words.startswith("born in and then and then")
    assert len(words) < 3_000
    assert time.perf_counter() - start < 1
