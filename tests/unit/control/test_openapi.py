"""The API as a document for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from resolver.config import load
from resolver.control import schemas
from resolver.control.openapi import document, operation
from resolver.control.routes import OF_PROGRAM, of_process
from resolver.testing.virtual_time import run
from tests.support.arranged import Asked

ROUTES = [*of_process(lambda: load(None, {})), *OF_PROGRAM]
WORDS = {
    *("type", "description", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "minimum"),
    *("maximum", "minItems", "maxItems", "minLength", "maxLength", "examples"),
}
"""Of JSON Schema, those that are used; `resolver.control.schemas` says which it checks."""


def inside(schema: Any) -> Iterator[dict[str, Any]]:
    """All schemas in `schema`, itself first."""
    if isinstance(schema, dict):
        yield schema
        for key in ("items", "additionalProperties"):
            yield from inside(schema.get(key))
        for each in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
            yield from inside(each)


def test_the_daemon_gives_the_document_of_its_own_routes() -> None:
    async def main() -> None:
        given = await Asked().done("GET", "/openapi.json")
        assert given == json.loads(json.dumps(document(ROUTES)))
        operations = [(path, method) for path, methods in given["paths"].items() for method in methods]
        assert sorted(operations) == sorted((route.path, route.method.lower()) for route in ROUTES)

    run(main())


def test_it_is_openapi_as_programs_read_it() -> None:
    made = document(ROUTES)
    assert made["openapi"] == "3.1.0"
    assert {"title", "version"} <= made["info"].keys()
    names = [each["operationId"] for methods in made["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names)) == len(ROUTES)
    for path, methods in made["paths"].items():
        for each in methods.values():
            stated = {one["name"] for one in each["parameters"] if one["in"] == "path"}
            assert stated == set(re.findall(r"{(\w+)}", path)), path
            for response in each["responses"].values():
                if "$ref" in response:
                    assert response["$ref"].rpartition("/")[2] in made["components"]["responses"]


@pytest.mark.parametrize("route", ROUTES, ids=operation)
def test_what_a_route_says_of_itself_is_what_it_checks(route: Any) -> None:
    shape = route.shape
    assert (shape.example is not None) == bool(shape.body)
    if shape.body is not None:
        schemas.check(shape.body, shape.example)
    assert route.gives
    for schema in (shape.body, shape.answer, *shape.query.values(), *shape.path.values()):
        for each in inside(schema):
            assert each.keys() <= WORDS, each
