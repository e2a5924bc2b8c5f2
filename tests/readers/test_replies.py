"""Replies read: well-formed, sloppy, and anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.readers.replies import Cite, Reply, ReplyError, read_plan_text, read_reply


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            '{"answers": ["Ada", 4, 1.5, true], "cites": [1, "[2]", "3", "Ada"], "abstain": null}',
            Reply(
                answers=("Ada", "4", "1.5", "yes"),
                cites=(Cite(1), Cite(2), Cite(3), Cite(None, "Ada")),
            ),
        ),
        ('{"answers": "Ada", "cites": 1}', Reply(answers=("Ada",), cites=(Cite(1),))),
        ('{"answers": ["Ada", "Ada"]}', Reply(answers=("Ada",))),
        ('{"answers": ["Ada",], "cites": [1,],}', Reply(answers=("Ada",), cites=(Cite(1),))),
        ('{"x": 1} {"answers": ["a, ]"]}', Reply(answers=("a, ]",))),
        ('{"answers": ["Ada"], "abstain": "no"}', Reply(abstention="no")),
        ('{"answers": [], "abstain": null}', Reply(abstention="")),
        ('{"abstain": " a \\n b "}', Reply(abstention="a b")),
        ('{"answers": ["1903 Prize"], "cites": ["1903 Prize"]}',
         Reply(answers=("1903 Prize",), cites=(Cite(None, "1903 Prize"),))),
        ('{"answers": ["x"], "cites": ["[4] a | b | c"]}',
         Reply(answers=("x",), cites=(Cite(4, "a | b | c"),))),
    ],
)  # fmt: skip
def test_a_reply(text, read):
    assert read_reply(text) == read


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ('count(type("Film"))', 'count(type("Film"))'),
        ('```\nexists(type("a)b"))\n```', 'exists(type("a)b"))'),
        ('The count (of all) is count(type("a\\")"))', 'count(type("a\\")"))'),
        ('<think>count(type("x"))</think> none', ""),
        ("none", ""),
        ('count(type("x"', 'count(type("x"'),
    ],
)
def test_a_plan(text, plan):
    assert read_plan_text(text) == plan


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["answers", "cites", "abstain", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(alphabet='{}[]",:answercitb 0123\\\n|<>/', max_size=200) | JSON.map(json.dumps))
def test_anything_is_read_or_refused(text):
    try:
        reply = read_reply(text)
    except ReplyError:
        pass
    else:
        assert reply.answers or reply.abstention is not None
        assert all(isinstance(answer, str) and answer for answer in reply.answers)
    read_plan_text(text)


@pytest.mark.parametrize("piece", ["{", "[", '{"answers":', "<think>", "count(", '"\\', ",  "])
def test_a_megabyte_of_anything_is_refused_at_once(piece):
    for length in (99_999, 1_000_000):
        text = (piece * length)[:length]
        with pytest.raises(ReplyError):
            read_reply(text)
