import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.llm._replies import BadReplyError, EventParser, refusal


def events(chunks):
    parser = EventParser()
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    return [*found, *parser.feed(b"", last=True)]


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


line = st.text(st.sampled_from('aé中😀: {"\u2028\x0b'), max_size=6)
written = st.lists(
    st.tuples(
        st.lists(line, min_size=1, max_size=3),  # the data lines of an event
        st.sampled_from(["", ": comment", "event: x", "id", "retry: 3", "database: y"]),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.booleans(),
    ),
    max_size=4,
)


@given(written, st.lists(st.integers(0, 500), max_size=12), st.sampled_from(["", "\ufeff"]))
def test_events_are_the_same_however_the_bytes_arrive(written, places, mark):
    text = mark
    for data, other, end, spaced in written:
        fields = [f"data:{' ' if spaced or part.startswith(' ') else ''}{part}" for part in data]
        text += end.join([*filter(None, [other]), *fields, "", ""])
    expected = ["\n".join(data) for data, *_ in written]
    assert events(cut(text.encode(), places)) == [*filter(None, expected)]


def test_an_event_without_the_empty_line_after_it_counts():
    assert events([b"data: a\n\ndata: [DONE]"]) == ["a", "[DONE]"]


def test_a_field_without_a_colon_and_an_empty_event():
    assert events([b"data\n\n\n\ndata: x\n\n"]) == ["x"]


@pytest.mark.parametrize("chunks", [[b"data: \xff\n\n"], [b"data: \xe4\xb8"]])
def test_bytes_that_are_not_utf8(chunks):
    with pytest.raises(BadReplyError, match="is not UTF-8"):
        events(chunks)


def nested(inner):
    keys = st.sampled_from(["error", "message", "code", "x"])
    return st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), nested, max_leaves=6))
def test_every_refusal_has_a_text(data):
    found = refusal(json.dumps(data).encode())
    assert all(isinstance(part, str) for part in found)


@given(st.binary())
def test_a_refusal_that_is_not_json_is_its_text(data):
    assert isinstance(refusal(data).message, str)
