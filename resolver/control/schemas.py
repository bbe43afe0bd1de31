"""Decides what a request's JSON may be, and what is said of JSON that is something else.

Rules: a shape is a JSON Schema (the dialect that OpenAPI 3.1 has), of the few words that are used here; so what is
checked is what is documented. An object has the keys that are listed and no others; a key that is none is told with the
nearest one. Each problem is one line that says where, what is there and what to write instead.

Limits: the words are `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `anyOf`, `minimum`,
`maximum`, `minItems`, `maxItems`, `minLength` and `maxLength`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from resolver.errors import InputError
from resolver.text import nearest, printable

Schema = Mapping[str, Any]

MAX_SHOWN: Final = 60
"""Characters of what was written that are told again."""

ANYTHING: Final[Schema] = {}


def text(says: str, *, most: int = 4096, least: int = 0, example: str | None = None) -> dict[str, Any]:
    """A text of `least` to `most` characters."""
    schema = {"type": "string", "description": says, "minLength": least, "maxLength": most}
    return schema if example is None else {**schema, "examples": [example]}


def word(says: str, *words: str) -> dict[str, Any]:
    """One of `words`."""
    return {"type": "string", "description": says, "enum": list(words)}


def integer(says: str, least: int, most: int) -> dict[str, Any]:
    """An integer from `least` to `most`."""
    return {"type": "integer", "description": says, "minimum": least, "maximum": most}


def number(says: str, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """A number from `least` to `most`."""
    bounds = {"minimum": least, "maximum": most}
    return {"type": "number", "description": says, **{key: value for key, value in bounds.items() if value is not None}}


def flag(says: str) -> dict[str, Any]:
    """True or false."""
    return {"type": "boolean", "description": says}


def listed(says: str, of: Schema, *, most: int = 4096, least: int = 0) -> dict[str, Any]:
    """A list of `least` to `most` such values."""
    return {"type": "array", "description": says, "items": of, "minItems": least, "maxItems": most}


def table(says: str, of: Schema) -> dict[str, Any]:
    """An object whose keys are free, with such values."""
    return {"type": "object", "description": says, "additionalProperties": of}


def record(says: str, needed: Mapping[str, Schema], **optional: Schema) -> dict[str, Any]:
    """An object with the keys that are `needed` and those that are `optional`."""
    return {
        "type": "object",
        "description": says,
        "properties": {**needed, **optional},
        "required": list(needed),
        "additionalProperties": False,
    }


def either(says: str, *of: Schema) -> dict[str, Any]:
    """A value of one of these shapes."""
    return {"description": says, "anyOf": list(of)}


def check(schema: Schema, value: object, where: str = "") -> None:
    """`value` is what `schema` says. Raises `InputError` for the first thing that is not."""
    if "anyOf" in schema:
        _check_any(schema, value, where)
    elif "enum" in schema:
        if not isinstance(value, str) or value not in schema["enum"]:
            raise _wrong(schema, value, where)
    elif not _is_of_type(schema, value):
        raise _wrong(schema, value, where)
    elif isinstance(value, dict):
        _check_keys(schema, value, where)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            check(schema.get("items", ANYTHING), each, f"{where}[{index}]")


def wanted(schema: Schema) -> str:
    """What is to be written for `schema`."""
    if "anyOf" in schema:
        return " or ".join(wanted(each) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f'"{each}"' for each in schema["enum"])
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = (
        f" from {low} to {high}" if low is not None and high is not None else "" if low is None else f", {low} or more"
    )
    match schema.get("type"):
        case "string":
            least = schema.get("minLength", 0)
            return f"a text of {f'{least} to' if least else 'at most'} {schema['maxLength']} characters"
        case "integer":
            return f"an integer{bounds}"
        case "number":
            return f"a number{bounds}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list of {schema['minItems']} to {schema['maxItems']} values, each {wanted(schema['items'])}"
        case "object":
            keys = ", ".join(f'"{key}"' for key in schema.get("properties", ()))
            return f"an object with {keys}" if keys else "an object"
    return "anything"


def shown(value: object) -> str:
    """`value` as it was written, short and without control characters."""
    said = printable(json.dumps(value, ensure_ascii=False, default=str))
    return said if len(said) <= MAX_SHOWN else said[: MAX_SHOWN - 3] + "..."


def _is_of_type(schema: Schema, value: object) -> bool:
    match schema.get("type"), value:
        case None, _:
            return True
        case "boolean", bool():
            return True
        case (("integer" | "number"), bool()):
            return False
        case ("integer", int()) | ("number", int() | float()):
            return schema.get("minimum", value) <= value <= schema.get("maximum", value)  # type: ignore[no-any-return]
        case "string", str():
            return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
        case "array", list():
            return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)))
        case "object", dict():
            return True
        case "null", None:
            return True
    return False


def _check_keys(schema: Schema, value: Mapping[str, object], where: str) -> None:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", ANYTHING)
    for key, inner in value.items():
        if key in known:
            check(known[key], inner, _below(where, key))
        elif others is False:
            raise InputError(f"{shown(key)} is no key of {where or 'the body'}", instead=nearest(key, known))
        else:
            check(others, inner, _below(where, key))
    for key in schema.get("required", ()):
        if key not in value:
            raise InputError(f'{where or "the body"} has no "{key}"', instead=f"write {wanted(known[key])}")


def _check_any(schema: Schema, value: object, where: str) -> None:
    wrong: list[InputError] = []
    for each in schema["anyOf"]:
        try:
            check(each, value, where)
        except InputError as problem:
            if isinstance(value, (dict, list)) and _is_of_type(each, value):
                raise  # it is meant to be this one: what is wrong is inside
            wrong.append(problem)
        else:
            return
    raise _wrong(schema, value, where)


def _below(where: str, key: str) -> str:
    said = key if key.isascii() and key.isidentifier() else shown(key)
    return f"{where}.{said}" if where else said


def _wrong(schema: Schema, value: object, where: str) -> InputError:
    return InputError(f"{where or 'the body'} is {shown(value)}", instead=f"write {wanted(schema)}")
