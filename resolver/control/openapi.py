"""Decides how the table of routes is described to programs: an OpenAPI 3.1 document, made of the table itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from resolver.control.schemas import Schema
from resolver.control.table import Shape
from resolver.version import VERSION

VERSION_OF_OPENAPI: Final = "3.1.0"

_ABOUT: Final = (
    "What can be asked of a running resolverd, and changed: on its control socket, and over TCP where `admin.listen` "
    "says so. Requests and answers are JSON; an error is an object with one line under `error`."
)
_REFUSED: Final = {
    HTTPStatus.BAD_REQUEST: "Something in the request is wrong: what, where, and what to write instead.",
    HTTPStatus.UNAUTHORIZED: "The token is missing or wrong.",
    HTTPStatus.FORBIDDEN: "The request comes from a page of another site.",
    HTTPStatus.NOT_FOUND: "What is named is not there.",
    HTTPStatus.CONFLICT: "The daemon was not started, or is not in the state, for this.",
    HTTPStatus.MISDIRECTED_REQUEST: "The Host is none of the daemon's.",
    HTTPStatus.GATEWAY_TIMEOUT: "A worker of the daemon did not answer.",
}
_ERROR: Final = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "What is wrong, in one line."}},
    "required": ["error"],
}


class Described(Protocol):
    """What is needed of a route."""

    @property
    def method(self) -> str:
        """GET, POST, PUT or DELETE."""
        ...

    @property
    def path(self) -> str:
        """With names in braces."""
        ...

    @property
    def gives(self) -> str:
        """What it does, in a few words."""
        ...

    @property
    def shape(self) -> Shape:
        """What it takes and answers."""
        ...


def document(routes: Iterable[Described]) -> dict[str, Any]:
    """The document that describes `routes`."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": VERSION_OF_OPENAPI,
        "info": {"title": "resolverd", "version": VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                str(status.value): {
                    "description": says,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, says in _REFUSED.items()
            },
        },
        "security": [{"token": []}, {}],
    }


def _operation(route: Described) -> dict[str, Any]:
    shape = route.shape
    made: dict[str, Any] = {
        "operationId": operation(route),
        "summary": f"{route.gives[:1].upper()}{route.gives[1:]}.",
        "parameters": [*_parameters("path", shape.path), *_parameters("query", shape.query)],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": dict(shape.answer)}}},
            **{str(status.value): {"$ref": f"#/components/responses/{status.value}"} for status in _REFUSED},
        },
    }
    if shape.body is not None:
        content: dict[str, Any] = {"schema": dict(shape.body)}
        if shape.example is not None:
            content["example"] = dict(shape.example)
        needed = bool(shape.body.get("required"))
        made["requestBody"] = {"required": needed, "content": {"application/json": content}}
    return made


def operation(route: Described) -> str:
    """The name of what `route` does: no two have the same."""
    words = [word.strip("{}") for word in route.path.replace(".", "/").replace("-", "/").split("/") if word]
    return "".join([route.method.lower(), *(f"{word[:1].upper()}{word[1:]}" for word in words)])


def _parameters(place: str, known: Mapping[str, Schema]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path",
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in known.items()
    ]
