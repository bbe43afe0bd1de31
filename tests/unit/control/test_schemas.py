"""What a request's JSON may be, and what is said of what is something else."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.control import schemas
from resolver.control.schemas import check
from resolver.errors import InputError

WORD = schemas.word("", "dns", "http")
SHAPE = schemas.record(
    "",
    {"name": schemas.text("", most=10, least=1)},
    count=schemas.integer("", 1, 9),
    share=schemas.number("", 0, 1),
    on=schemas.flag(""),
    kind=WORD,
    each=schemas.listed("", schemas.text("", most=3), most=2),
    by=schemas.either("", schemas.text("", most=3), schemas.number("", 0, 5)),
    free=schemas.table("", schemas.integer("", 0, 5)),
)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (3, 'the body is 3; write an object with "name", "count", "share", "on", "kind", "each", "by", "free"'),
        ({}, 'the body has no "name"; write a text of 1 to 10 characters'),
        ({"name": ""}, 'name is ""; write a text of 1 to 10 characters'),
        ({"name": "x" * 11}, 'name is "xxxxxxxxxxx"; write a text of 1 to 10 characters'),
        ({"name": True}, "name is true; write a text of 1 to 10 characters"),
        ({"nam": "x"}, "\"nam\" is no key of the body; did you mean 'name'?"),
        ({"name": "x", "count": 0}, "count is 0; write an integer from 1 to 9"),
        ({"name": "x", "count": True}, "count is true; write an integer from 1 to 9"),
        ({"name": "x", "count": 1.5}, "count is 1.5; write an integer from 1 to 9"),
        ({"name": "x", "share": 1e400}, "share is Infinity; write a number from 0 to 1"),
        ({"name": "x", "on": 1}, "on is 1; write true or false"),
        ({"name": "x", "kind": "smtp"}, 'kind is "smtp"; write one of "dns", "http"'),
        (
            {"name": "x", "each": "abc"},
            'each is "abc"; write a list of 0 to 2 values, each a text of at most 3 characters',
        ),
        ({"name": "x", "each": ["a", "abcd"]}, 'each[1] is "abcd"; write a text of at most 3 characters'),
        ({"name": "x", "by": None}, "by is null; write a text of at most 3 characters or a number from 0 to 5"),
        ({"name": "x", "free": {"a b\n": 9}}, 'free."a b\\n" is 9; write an integer from 0 to 5'),
    ],
)
def test_what_is_wrong_is_told_with_where_and_what_instead(value: Any, line: str) -> None:
    with pytest.raises(InputError) as caught:
        check(SHAPE, value)
    assert str(caught.value) == line


def test_what_is_right_is_let_pass() -> None:
    check(
        SHAPE, {"name": "x", "count": 9, "share": 0, "on": False, "kind": "http", "each": ["abc"], "by": 5, "free": {}}
    )


def test_what_is_wrong_inside_of_one_of_several_shapes_is_told_there() -> None:
    shape = schemas.either("", schemas.text(""), schemas.record("", {"values": schemas.text("")}))
    with pytest.raises(InputError, match=r'"value" is no key of a\.A; did you mean'):
        check(schemas.table("", schemas.table("", shape)), {"a": {"A": {"value": "x"}}})


def test_what_is_told_again_is_short_and_without_control_characters() -> None:
    with pytest.raises(InputError) as caught:
        check(WORD, "\x1b[2J" + "x" * 10_000)
    assert len(str(caught.value)) < 120
    assert "\x1b" not in str(caught.value)
