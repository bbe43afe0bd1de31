"""How a request finds what answers it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from resolver.control import schemas
from resolver.control.table import MAX_ERROR, Ask, Route, Shape, Table
from resolver.errors import InputError, ListenError
from resolver.observe.log import Log

NAME = {"name": schemas.text("", most=20, least=1)}


def echo(ask: Ask) -> object:
    return {"path": dict(ask.path), "query": dict(ask.query), "body": dict(ask.body)}


def fails(ask: Ask) -> object:
    raise ListenError("port 53 is taken\nby another") if ask.body else InputError("x" * 100_000)


ROUTES = [
    Route("GET", "/zones", "", echo),
    Route("PUT", "/zones/{name}", "", echo, Shape(body=schemas.table("", schemas.ANYTHING), path=NAME)),
    Route("GET", "/zones/{name}", "", echo, Shape(path=NAME, query={"n": schemas.integer("", 1, 5)})),
    Route("DELETE", "/records/{name}/{type}", "", echo),
    Route("POST", "/fails", "", fails, Shape(body=schemas.ANYTHING)),
]


def ask(method: str, target: str, body: bytes = b"") -> tuple[int, Any]:
    said: list[tuple[int, Any]] = []
    table = Table(ROUTES, Log(io.StringIO(), lambda: 0.0))
    table.answer(method, target, body, lambda status, headers, value: said.append((status, value)))
    return said[0]


def test_a_part_of_the_path_is_what_stands_there_decoded() -> None:
    assert ask("GET", "/zones/shop.example?n=3")[1] == {
        "path": {"name": "shop.example"},
        "query": {"n": "3"},
        "body": {},
    }
    assert ask("PUT", "/zones/0%2F25.2.0.192")[1]["path"] == {"name": "0/25.2.0.192"}
    assert ask("DELETE", "/records/a%20b/A")[1]["path"] == {"name": "a b", "type": "A"}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/zones/a/../b", 404),
        ("/zones//", 404),
        ("/zones/", 404),
        ("//zones", 404),
        ("http://localhost/zones", 404),
        ("*", 404),
        ("", 404),
        ("/zones/%ff", 400),
        ("/zones/" + "x" * 21, 400),
        ("/" * 5000, 404),
        ("/zones/a?n=6", 400),
        ("/zones/a?n=1&n=2", 400),
        ("/zones/a?n=%ff", 400),
        ("/zones?n=1", 400),
    ],
)
def test_a_path_that_is_none_is_refused(target: str, status: int) -> None:
    assert ask("GET", target)[0] == status


def test_a_method_that_is_not_allowed_says_which_are_for_all_routes_of_the_path() -> None:
    assert ask("PATCH", "/zones/a")[1]["allow"] == "PUT, GET"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":NaN}', b'{"a":Infinity}', b"1", b'{"a":' + b"9" * 5000 + b"}", b"\0"]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert ask("PUT", "/zones/a", body) == (400, {"error": "the body is no JSON object"})


def test_a_body_of_more_levels_than_anything_has_is_refused() -> None:
    deep = b'{"a":' * 40 + b"[]" + b"}" * 40
    assert ask("PUT", "/zones/a", deep) == (
        400,
        {"error": "more than 32 objects and lists of the body are in one another"},
    )
    assert ask("PUT", "/zones/a", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}")[0] == 400
    assert ask("PUT", "/zones/a", b'{"a":' * 32 + b"1" + b"}" * 32)[0] == 200


def test_a_body_that_nobody_reads_is_refused() -> None:
    assert ask("GET", "/zones", b'{"limit": 3}')[0] == 400


def test_an_address_that_cannot_be_bound_is_a_conflict_in_one_line() -> None:
    assert ask("POST", "/fails", b'{"a": 1}') == (409, {"error": "port 53 is taken | by another"})


def test_an_error_does_not_repeat_all_that_was_written() -> None:
    status, value = ask("POST", "/fails")
    assert status == 400
    assert len(value["error"]) <= MAX_ERROR + 3


def test_names_that_are_text_of_any_kind_can_be_told_again() -> None:
    status, value = ask("PUT", "/zones/a", json.dumps({"\ud800": "\x1b"}).encode())
    assert status == 200
    json.dumps(value).encode()
