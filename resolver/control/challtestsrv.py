"""Decides which requests of Let's Encrypt's challtestsrv are answered, and how they are written; `challenges.py` does
what they ask for.

Rules: all are POST, with a JSON object. An answer has status 200; nobody reads more of it, but for the history. They
are answered unless `admin.challtestsrv` is false.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from resolver.control import challenges, schemas
from resolver.control.changing import agreed, folded
from resolver.control.messages import history_of
from resolver.control.running import MAX_ENTRIES
from resolver.control.table import Answers, Ask, Inside, OfProgram, Refused, Shape
from resolver.observe.wanted import Wanted
from resolver.wire import names

OFF: Final = "the endpoints of challtestsrv are switched off; set admin.challtestsrv = true"
MAX_VALUES: Final = 1_000
KINDS: Final = ("dns", "http", "tlsalpn")

Handle = Callable[[Inside, Ask], Awaitable[object]]


def _host(ask: Ask) -> bytes:
    return folded(ask.body["host"])


def _adding(rtype: str) -> Handle:
    async def handle(inside: Inside, ask: Ask) -> None:
        addresses = [challenges.address(each, rtype) for each in ask.body["addresses"]]
        await inside.challenges.add(inside, _host(ask), rtype, addresses)

    return handle


def _clearing(rtype: str) -> Handle:
    async def handle(inside: Inside, ask: Ask) -> None:
        await inside.challenges.clear(inside, _host(ask), rtype)

    return handle


def _default(rtype: str) -> Handle:
    async def handle(inside: Inside, ask: Ask) -> None:
        given = ask.body["ip"]
        await inside.challenges.set_default(inside, rtype, challenges.address(given, rtype) if given else "")

    return handle


async def _set_txt(inside: Inside, ask: Ask) -> None:
    await inside.challenges.add(inside, _host(ask), "TXT", [challenges.text_rdata(ask.body["value"])])


async def _add_caa(inside: Inside, ask: Ask) -> None:
    policies = [challenges.policy_rdata(each["tag"], each["value"]) for each in ask.body["policies"]]
    await inside.challenges.add(inside, _host(ask), "CAA", policies)


async def _set_cname(inside: Inside, ask: Ask) -> None:
    await inside.challenges.set_alias(inside, _host(ask), names.to_text(folded(ask.body["target"])))


async def _set_servfail(inside: Inside, ask: Ask) -> None:
    await inside.challenges.fail(inside, _host(ask))


async def _clear_servfail(inside: Inside, ask: Ask) -> None:
    await inside.challenges.fail_no_more(inside, _host(ask))


async def _history(inside: Inside, ask: Ask) -> object:
    host, history = _host(ask), history_of(inside)
    wanted = Wanted(side="client", name=names.to_text(host), after=inside.challenges.hidden(host))
    asked = [seen.question for seen in history.select(wanted, MAX_ENTRIES)]
    return [
        {"Question": {"Name": names.to_text(each.name), "Qtype": each.type, "Qclass": each.cls}}
        for each in asked
        if each is not None
    ]


def _all_histories(_: Ask, answers: Answers) -> Any:
    return [each for answer in answers for each in answer][-MAX_ENTRIES:]


async def _clear_history(inside: Inside, ask: Ask) -> None:
    history = history_of(inside)
    if ask.body.get("type", KINDS[0]) == KINDS[0]:
        newest = history.select(limit=1)
        inside.challenges.hide(_host(ask), newest[-1].number if newest else 0)


def _route(path: str, does: str, handle: Handle, body: Mapping[str, Any], example: Mapping[str, Any]) -> OfProgram:
    async def answer(inside: Inside, ask: Ask) -> object:
        if not inside.settings().config.admin.challtestsrv:
            raise Refused(HTTPStatus.NOT_FOUND, OFF)
        value = await handle(inside, ask)
        return {} if value is None else value

    body = {**body, "additionalProperties": schemas.ANYTHING}  # clients send more than is read
    is_list = handle is _history
    said = _QUESTIONS if is_list else schemas.record("", {})
    merge = _all_histories if is_list else agreed
    return OfProgram("POST", path, does, answer, merge, Shape(body=body, answer=said, example=example))


_HOST: Final = schemas.text("A domain name, with or without the final dot.", most=1024, least=1)
_ADDRESSES: Final = schemas.listed("Addresses.", schemas.text("An address.", most=64), most=MAX_VALUES, least=1)
_POLICY: Final = schemas.record(
    "", {"tag": schemas.text("As `issue`.", most=15, least=1), "value": schemas.text("A CA, as a domain.", most=4096)}
)
_OF_HOST: Final = schemas.record("", {"host": _HOST})
_OF_ADDRESSES: Final = schemas.record("", {"host": _HOST, "addresses": _ADDRESSES})
_OF_IP: Final = schemas.record("", {"ip": schemas.text('An address; "" for none.', most=64)})
_OF_POLICIES: Final = schemas.record("", {"host": _HOST, "policies": schemas.listed("", _POLICY, most=100, least=1)})
_OF_TEXT: Final = schemas.record("", {"host": _HOST, "value": schemas.text("What the record says.", most=8_192)})
_OF_TARGET: Final = schemas.record("", {"host": _HOST, "target": _HOST})
_OF_HISTORY: Final = schemas.record(
    "", {"host": _HOST}, type=schemas.word("`dns` unless said; others clear nothing.", *KINDS)
)
_QUESTIONS: Final = schemas.listed(
    "Oldest first.",
    schemas.record(
        "",
        {
            "Question": schemas.record(
                "",
                {
                    "Name": schemas.text("As it was asked."),
                    "Qtype": schemas.integer("The number of the type.", 0, 65_535),
                    "Qclass": schemas.integer("1 for IN.", 0, 65_535),
                },
            )
        },
    ),
    most=1 << 20,
)
_WWW: Final = {"host": "www.acme.example"}
_NAME: Final = {"host": "_acme-challenge.acme.example"}
_ALIAS: Final = {"host": "alias.acme.example"}

ROUTES: Final = (
    _route(
        "/set-default-ipv4", "the A record of all that nobody declared", _default("A"), _OF_IP, {"ip": "192.0.2.53"}
    ),
    _route("/set-default-ipv6", "the AAAA record of it", _default("AAAA"), _OF_IP, {"ip": "2001:db8::53"}),
    _route("/add-a", "a host has these addresses", _adding("A"), _OF_ADDRESSES, {**_WWW, "addresses": ["192.0.2.80"]}),
    _route("/add-aaaa", "the same of IPv6", _adding("AAAA"), _OF_ADDRESSES, {**_WWW, "addresses": ["2001:db8::80"]}),
    _route(
        "/add-caa",
        "a host has these CAA records",
        _add_caa,
        _OF_POLICIES,
        {**_WWW, "policies": [{"tag": "issue", "value": "letsencrypt.org"}]},
    ),
    _route("/set-txt", "a host has this TXT record as well", _set_txt, _OF_TEXT, {**_NAME, "value": "a-digest"}),
    _route("/set-cname", "a host is an alias", _set_cname, _OF_TARGET, {**_ALIAS, "target": "www.acme.example"}),
    _route("/set-servfail", "questions for a host fail", _set_servfail, _OF_HOST, {"host": "fails.acme.example"}),
    _route("/dns-request-history", "what the resolver was asked of a host", _history, _OF_HOST, _WWW),
    _route("/clear-request-history", "that is forgotten", _clear_history, _OF_HISTORY, {**_WWW, "type": "dns"}),
    _route("/clear-servfail", "they do not fail any more", _clear_servfail, _OF_HOST, {"host": "fails.acme.example"}),
    _route("/clear-cname", "a host is no alias", _clearing("CNAME"), _OF_HOST, _ALIAS),
    _route("/clear-txt", "a host has no TXT records", _clearing("TXT"), _OF_HOST, _NAME),
    _route("/clear-caa", "a host has no CAA records", _clearing("CAA"), _OF_HOST, _WWW),
    _route("/clear-aaaa", "a host has no AAAA records", _clearing("AAAA"), _OF_HOST, _WWW),
    _route("/clear-a", "a host has no A records", _clearing("A"), _OF_HOST, _WWW),
)
