"""Names are soiled so that they can still be told."""

import numpy as np
import pytest

from graphllm.graph.folding import fold


@pytest.fixture
def dirty(script):
    return script("dirty_names")


def test_each_way_changes_the_name_and_none_makes_it_another(dirty):
    known = {fold(name) for name in ("Zoë Marlow", "Zoë Marlwo", "Zoë Malow")}
    for seed in range(200):
        soils = dict(dirty.soils_of("Zoë Marlow", known, np.random.default_rng(seed)))
        assert "Zoë Marlow" not in soils.values()
        assert all(fold(s) == "zoe marlow" or fold(s) not in known for s in soils.values())
        assert soils["small letters"] == "zoë marlow"
        assert soils["accents left out"] == "Zoe Marlow"
        assert fold(soils["accent too many"]) == "zoe marlow"


def test_what_comes_out_as_it_was_is_left_out(dirty):
    assert dict(dirty.soils_of("ndt", set(), np.random.default_rng(0))) == {"capitals": "NDT"}


def test_the_table_compares_the_same_questions(dirty):
    pairs = [dirty.Pair("g", "typo", True, ok) for ok in (True, False, True, True)]
    pairs += [dirty.Pair("g", "capitals", False, True)]
    table = dirty.table(pairs)
    assert (table["clean: typo"].share, table["soiled: typo"].share) == (1.0, 0.75)
    assert table["lost: typo"].share == -0.25
    assert table["lost: all"] == (0.0, pytest.approx(np.std([0, -1, 0, 0, 1], ddof=1) / 5**0.5), 5)


def test_the_kept_questions_name_something_and_have_an_answer(dirty):
    from graphllm.questions import BuiltQuestion, MentionSpan, Refusal

    def built(**changes):
        plain = {
            "question": "Who knows Ada?", "mentions": (MentionSpan(10, 13, ("a",)),), "plan": None,
            "answers": ("Bo",), "operation": "path", "hops": 1, "style": "plain",
        }  # fmt: skip
        return BuiltQuestion(**{**plain, **changes})

    nobody = built(mentions=(MentionSpan(10, 13, ()),))
    refused = built(refusal=Refusal.NO_EDGE)
    kept = list(dirty.as_asked([built(), nobody, refused], np.random.default_rng(0)))
    assert [(q.question[q.start : q.end], q.answers) for q in kept] == [("Ada", ("Bo",))]
