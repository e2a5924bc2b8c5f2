"""Text of unknown origin, shown."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from graphllm.graph.plain import plain


@given(st.text())
def test_nothing_that_acts_is_left_and_the_rest_is_untouched(text):
    shown = plain(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in shown)
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not any(unicodedata.bidirectional(c) in bidi for c in shown)
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


def test_scripts_and_emoji_stay():
    for text in ("Zoë", "שלום", "قهوة", "日本語", "👩‍🔬", "naïve — “quoted”"):
        assert plain(text) == text
