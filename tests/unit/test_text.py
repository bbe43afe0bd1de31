"""How text that somebody else chose is shown."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.text import printable, quoted


def test_what_is_printable_is_left_as_it_is() -> None:
    assert printable('a "b" é \\') == 'a "b" é \\'
    assert printable("a\tb\x1b\x7f\x9b\u202e") == "a\\tb\\u001b\\u007f\\u009b\\u202e"


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text())
def test_a_quoted_text_can_be_read_back(text: str) -> None:
    assert quoted(text).isprintable()
    assert json.loads(quoted(text)) == text
    assert printable(text).isprintable()
