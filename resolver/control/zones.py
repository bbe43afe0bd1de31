"""Decides what can be asked and changed of the zones of the simulated internet, and of their records.

Limits: a zone is read and told whole, in the loop: `MAX_RECORDS`, and `http.MAX_BODY` octets.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from resolver.control import schemas
from resolver.control.changing import FORGET, NAME, TTL, agreed, change, folded, forgotten, plan_of
from resolver.control.table import Ask, Inside, OfProgram, Refused, Shape
from resolver.errors import InputError
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.auth.plan import Plan

MAX_RECORDS: Final = 10_000
"""Records of a zone that one request says, or one answer tells, and values of one type at one name: each takes some 0.1
ms of the loop, in which nobody else is answered."""


def _listed(inside: Inside, _: Ask) -> object:
    plan = plan_of(inside)
    servers: dict[str, list[str]] = {}
    for server in plan.servers():
        for zone in server["zones"]:
            servers.setdefault(zone, []).append(server["name"])
    order = sorted(servers, key=lambda zone: (names.depth(names.from_text(zone)), zone))
    return {
        "zones": [
            {"name": zone, "servers": servers[zone], "automatic": plan.is_automatic(folded(zone))} for zone in order
        ]
    }


def _one(inside: Inside, ask: Ask) -> object:
    plan, apex = plan_of(inside), folded(ask.path["name"])
    if (size := plan.size(apex)) > MAX_RECORDS:
        why = f"{names.to_text(apex)} has {size} records; zones of {MAX_RECORDS} are told: ask its servers for more"
        raise Refused(HTTPStatus.CONFLICT, why)
    for each in plan.described(automatic=True, only=apex):
        return each
    raise _no_zone(apex)


def _no_zone(apex: bytes) -> Refused:
    why = f"there is no zone {names.to_text(apex)}; GET /zones lists those that are there"
    return Refused(HTTPStatus.NOT_FOUND, why)


def _is_declared(plan: Plan, apex: bytes) -> bool:
    return plan.owner(apex) == apex and not plan.is_automatic(apex)


async def _put(inside: Inside, ask: Ask) -> object:
    return await _declare(inside, ask, ask.path["name"])


async def _post(inside: Inside, ask: Ask) -> object:
    name = ask.body["name"]
    if _is_declared(plan_of(inside), folded(name)):
        shown = names.to_text(folded(name))
        raise Refused(HTTPStatus.CONFLICT, f"the zone {shown} is declared already; PUT /zones/{shown} replaces it")
    return await _declare(inside, ask, name)


async def _declare(inside: Inside, ask: Ask, name: str) -> object:
    apex, said = folded(name), ask.body
    if (size := _said_in(said.get("data", {}))) > MAX_RECORDS:
        raise InputError(f"data has {size} values", instead=f"write a zone of at most {MAX_RECORDS} records")
    lines = [*said.get("records", ()), *([said["text"]] if "text" in said else ())]

    def edit(plan: Plan) -> None:
        options = {key: said[key] for key in ("servers", "ttl", "negative_ttl", "dnssec") if key in said}
        plan.zone(names.to_text(apex), said.get("data"), records=lines, most=MAX_RECORDS, **options)

    await change(inside, edit, forgotten(ask, apex))
    return {"zone": names.to_text(apex)}


def _said_in(data: Mapping[str, Mapping[str, object]]) -> int:
    """How many records a mapping of owners says, those of one type in a list or not."""
    given = [each for types in data.values() for each in types.values()]
    listed = [each.get("values") if isinstance(each, dict) else each for each in given]
    return sum(len(each) if isinstance(each, list) else 1 for each in listed)


async def _delete(inside: Inside, ask: Ask) -> object:
    apex = folded(ask.path["name"])
    if not _is_declared(plan_of(inside), apex):
        raise _no_zone(apex)
    await change(inside, lambda plan: plan.without_zone(names.to_text(apex)), forgotten(ask, apex))
    return {"zone": names.to_text(apex)}


async def _put_records(inside: Inside, ask: Ask) -> object:
    name, (rtype, values, ttl) = folded(ask.path["name"]), _records(ask)
    text = names.to_text(name)
    await change(inside, lambda plan: plan.put(text, rtype, values, ttl=ttl), forgotten(ask, name))
    return {"name": text, "type": rtype}


async def _add_records(inside: Inside, ask: Ask) -> object:
    name, (rtype, values, ttl) = folded(ask.path["name"]), _records(ask)
    text = names.to_text(name)
    await change(inside, lambda plan: plan.add(text, rtype, values, ttl=ttl), forgotten(ask, name))
    return {"name": text, "type": rtype}


def _records(ask: Ask) -> tuple[str, list[str], int | None]:
    values = ask.body["values"]
    return ask.path["type"].upper(), [values] if isinstance(values, str) else values, ask.body.get("ttl")


async def _remove_records(inside: Inside, ask: Ask) -> object:
    name, rtype, value = folded(ask.path["name"]), ask.path.get("type"), ask.query.get("value")
    text = names.to_text(name)
    removed = await change(inside, lambda plan: plan.remove(text, rtype, value), forgotten(ask, name))
    return {"removed": removed}


_VALUES: Final = schemas.either(
    "In presentation format, as in a master file.",
    schemas.text("One record's data.", most=65_535),
    schemas.listed("The data of each record.", schemas.text("One record's data.", most=65_535), most=MAX_RECORDS),
)
_DATA: Final = schemas.table(
    "By owner name (`@`, relative, or absolute with a final dot), then by type: values in presentation format.",
    schemas.table(
        "By type.",
        schemas.either(
            "One value, several, or either with a TTL of its own.",
            *_VALUES["anyOf"],
            schemas.record("With a TTL.", {"values": _VALUES}, ttl=TTL),
        ),
    ),
)
_OPTIONS: Final = {
    "data": _DATA,
    "records": schemas.listed("Lines of a master file.", schemas.text("A line.", most=65_535), most=MAX_RECORDS),
    "text": schemas.text("A master file (RFC 1035 section 5), whole.", most=1 << 20),
    "servers": schemas.listed("Names of its servers; ns1 and ns2 below it unless said.", NAME, most=64, least=1),
    "ttl": TTL,
    "negative_ttl": TTL,
    "dnssec": schemas.either(
        "How it is signed; zones/README.md has the words.",
        schemas.text("One word.", most=64),
        schemas.table("Keys and values.", schemas.ANYTHING),
    ),
    "forget": FORGET,
}
_ZONE: Final = schemas.record("The zone: it has these records and no others.", {}, **_OPTIONS)
_NEW_ZONE: Final = schemas.record("The zone.", {"name": NAME}, **_OPTIONS)
_SAID: Final = schemas.record("", {"zone": schemas.text("Its name.")})
_SHOWN: Final = schemas.table("The zone as PUT takes it, with its `name`.", schemas.ANYTHING)
_LISTED: Final = schemas.record(
    "",
    {
        "name": schemas.text("Its name."),
        "servers": schemas.listed("", schemas.text("A name."), most=1 << 20),
        "automatic": schemas.flag("Whether it stands there only because another one needs a parent."),
    },
)
_RECORDS: Final = schemas.record("The records.", {"values": _VALUES}, ttl=TTL, forget=FORGET)
_TYPE: Final = schemas.text("A record type.", most=16, least=1)
_SET: Final = schemas.record("", {"name": schemas.text("The name."), "type": schemas.text("The type.")})
_REMOVED: Final = schemas.record("", {"removed": schemas.integer("Records that are gone.", 0, 1 << 53)})
_KEPT: Final = schemas.word("`false`: the resolver's own cache keeps what it holds.", "true", "false")
_ONE_NAME: Final = {"name": NAME}
_ONE_SET: Final = {"name": NAME, "type": _TYPE}
_ONE_VALUE: Final = {"value": schemas.text("Only the record with these data.", most=65_535), "forget": _KEPT}
_SHOP: Final = {"data": {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}}}

ROUTES: Final = (
    OfProgram(
        "GET",
        "/zones",
        "the zones, without their records",
        _listed,
        agreed,
        Shape(answer=schemas.record("", {"zones": schemas.listed("", _LISTED, most=1 << 20)})),
    ),
    OfProgram(
        "POST",
        "/zones",
        "declares a zone that is not there yet",
        _post,
        agreed,
        Shape(body=_NEW_ZONE, answer=_SAID, example={"name": "new.example", "records": ["www 60 A 192.0.2.7"]}),
    ),
    OfProgram(
        "PUT",
        "/zones/{name}",
        "declares a zone, in the place of the one that was there",
        _put,
        agreed,
        Shape(body=_ZONE, path=_ONE_NAME, answer=_SAID, example=_SHOP, target="/zones/shop.example"),
    ),
    OfProgram(
        "GET",
        "/zones/{name}",
        "one zone with its records",
        _one,
        agreed,
        Shape(path=_ONE_NAME, answer=_SHOWN, target="/zones/shop.example"),
    ),
    OfProgram(
        "PUT",
        "/records/{name}/{type}",
        "the records of a name and type are these",
        _put_records,
        agreed,
        Shape(
            body=_RECORDS,
            path=_ONE_SET,
            answer=_SET,
            example={"values": ["192.0.2.9"], "ttl": 30},
            target="/records/www.shop.example/A",
        ),
    ),
    OfProgram(
        "POST",
        "/records/{name}/{type}",
        "the records of a name and type are these as well",
        _add_records,
        agreed,
        Shape(
            body=_RECORDS,
            path=_ONE_SET,
            answer=_SET,
            example={"values": '"v=spf1 -all"'},
            target="/records/shop.example/TXT",
        ),
    ),
    OfProgram(
        "DELETE",
        "/records/{name}/{type}",
        "the records of a name and type, or one of them, are gone",
        _remove_records,
        agreed,
        Shape(
            path=_ONE_SET,
            query=_ONE_VALUE,
            answer=_REMOVED,
            target="/records/www.shop.example/A?value=192.0.2.9",
        ),
    ),
    OfProgram(
        "DELETE",
        "/records/{name}",
        "all records of a name are gone",
        _remove_records,
        agreed,
        Shape(path=_ONE_NAME, query={"forget": _KEPT}, answer=_REMOVED, target="/records/api.shop.example"),
    ),
    OfProgram(
        "DELETE",
        "/zones/{name}",
        "a zone is gone",
        _delete,
        agreed,
        Shape(path=_ONE_NAME, query={"forget": _KEPT}, answer=_SAID, target="/zones/new.example"),
    ),
)
