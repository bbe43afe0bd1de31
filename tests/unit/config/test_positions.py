"""On which line each key of a TOML text stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.config.effective import toml
from resolver.config.positions import key_lines

TEXT = '''\
# [not.a.table]
top = 1
"quoted key" = """
[server]
x = 1 \\""" y = 2
"""
[server]   # comment
listen = [
  "127.0.0.1:5300",  # = [
  "[::1]:5300"
]
literal = \'\'\'
a = 1
\'\'\'
a.b."c.d" = 3
[resolver . "forward zones"]
"." = ["192.0.2.1"]
inline = { one = 1, two = { three = [ { four = 4 } ], five = "}" }, six = 6 }
last = 1979-05-27T07:32:00Z
[[many]]
key = 1.5
'''


def test_every_key_is_found_on_its_line() -> None:
    tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert lines == {
        ("top",): 2,
        ("quoted key",): 3,
        ("server",): 7,
        ("server", "listen"): 8,
        ("server", "literal"): 12,
        ("server", "a"): 15,
        ("server", "a", "b"): 15,
        ("server", "a", "b", "c.d"): 15,
        ("resolver", "forward zones"): 16,
        ("resolver", "forward zones", "."): 17,
        ("resolver", "forward zones", "inline"): 18,
        ("resolver", "forward zones", "inline", "one"): 18,
        ("resolver", "forward zones", "inline", "two"): 18,
        ("resolver", "forward zones", "inline", "two", "three"): 18,
        ("resolver", "forward zones", "inline", "two", "three", "four"): 18,
        ("resolver", "forward zones", "inline", "two", "five"): 18,
        ("resolver", "forward zones", "inline", "six"): 18,
        ("resolver", "forward zones", "last"): 19,
        ("many",): 20,
        ("many", "1"): 20,
        ("many", "1", "key"): 21,
    }


def test_a_long_string_may_end_in_quotes_of_its_own() -> None:
    text = 'a = ["""x"""", "]", """y""""", \'\'\'z\'\'\'\']\nb = 1\n'
    tomllib.loads(text)
    assert key_lines(text) == {("a",): 1, ("b",): 2}


def test_line_ends_of_windows_count_once() -> None:
    assert key_lines("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}


def paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*above, key)
            yield from paths(inner, (*above, key))


KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_whatever_is_written_key_by_key_is_found_on_its_line(table: dict[str, Any]) -> None:
    text = "".join(f"\n{toml(key)} = {toml(value)}" for key, value in table.items())
    assert tomllib.loads(text) == table
    lines = key_lines(text)
    for number, (key, value) in enumerate(table.items(), 2):
        assert lines[(key,)] == number
        for path in paths(value, (key,)):
            assert lines[path] == number


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "[a]"])
def test_texts_without_keys_have_none(text: str) -> None:
    assert not [path for path in key_lines(text) if path != ("a",)]
