"""What the endpoints of challtestsrv come to, as a client of the resolver sees it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Coroutine
from typing import Any

import dns.message
import dns.rcode
import pytest

from resolver.auth.plan import Plan
from resolver.config import Config, Loaded
from resolver.control.challenges import Challenges, policy_rdata, text_rdata
from resolver.control.routes import routes
from resolver.control.table import Inside, Table
from resolver.control.turns import Turns
from resolver.laboratory import Laboratory
from resolver.observe.log import Log
from tests.support.whole import Whole, whole

SETTINGS: dict[str, Any] = {"history": {"messages": 1000}}


class Suite:
    """A program, driven as a suite of ACME tests drives challtestsrv."""

    def __init__(self, made: Whole, plan: Plan) -> None:
        self.made, self.plan = made, plan
        self.laboratory = Laboratory(made.program, None, plan)
        self.config = Config.model_validate(SETTINGS)
        inside = Inside(made.program, self.laboratory, lambda: Loaded(self.config, {}, None), Challenges())
        self.turns = Turns(lambda: None)
        self.table = Table(routes(inside, self.turns), Log(io.StringIO(), lambda: 0.0))

    async def post(self, path: str, body: object, method: str = "POST") -> tuple[int, Any]:
        said: list[tuple[int, Any]] = []
        self.table.answer(
            method, path, json.dumps(body).encode(), lambda status, _, value: said.append((status, value))
        )
        await self.turns.run()
        while not said:
            await self.made.clock.advance(0)
        return said[0]

    async def done(self, path: str, body: object, method: str = "POST") -> Any:
        status, value = await self.post(path, body, method)
        assert status == 200, value
        return value

    async def answer(self, name: str, rtype: str = "A") -> list[str]:
        """The response code, if it is not NOERROR, and the data of the answer, sorted."""
        message = dns.message.from_wire(await self.made.octets(name, rtype))
        rcode = dns.rcode.to_text(message.rcode())
        return [
            *([] if rcode == "NOERROR" else [rcode]),
            *sorted(each.to_text() for one in message.answer for each in one),
        ]


def play(scene: Callable[[Suite], Coroutine[Any, Any, None]], plan: Plan | None = None) -> None:
    plan = plan or Plan()
    whole(lambda made: scene(Suite(made, plan)), SETTINGS, world=plan.world())


def test_txt_records_are_added_and_cleared_and_each_question_sees_it() -> None:
    async def scene(suite: Suite) -> None:
        host = "_acme-challenge.shop.example"
        assert await suite.answer(host, "TXT") == ["NXDOMAIN"]
        assert await suite.done("/set-txt", {"host": host, "value": "one"}) == {}
        assert await suite.answer(host, "TXT") == ['"one"']
        await suite.done("/set-txt", {"host": f"{host.upper()}.", "value": "two"})
        await suite.done("/set-txt", {"host": host, "value": "two"})
        assert await suite.answer(host, "TXT") == ['"one"', '"two"']
        await suite.done("/clear-txt", {"host": host})
        assert await suite.answer(host, "TXT") == ["NXDOMAIN"]

    play(scene)


def test_addresses_are_added_and_cleared() -> None:
    async def scene(suite: Suite) -> None:
        host = "www.shop.example"
        await suite.done("/add-a", {"host": host, "addresses": ["192.0.2.1"]})
        await suite.done("/add-a", {"host": host, "addresses": ["192.0.2.2", "192.0.2.1"]})
        await suite.done("/add-aaaa", {"host": host, "addresses": ["2001:DB8::1"]})
        assert await suite.answer(host) == ["192.0.2.1", "192.0.2.2"]
        assert await suite.answer(host, "AAAA") == ["2001:db8::1"]
        await suite.done("/clear-a", {"host": host})
        assert await suite.answer(host) == []
        assert await suite.answer(host, "AAAA") == ["2001:db8::1"]
        await suite.done("/clear-aaaa", {"host": host})
        assert await suite.answer(host, "AAAA") == ["NXDOMAIN"]

    play(scene)


def test_caa_and_aliases_are_set_and_cleared() -> None:
    async def scene(suite: Suite) -> None:
        policies = [{"tag": "issue", "value": "letsencrypt.org"}, {"tag": "iodef", "value": 'mailto:"a"@b.example'}]
        await suite.done("/add-caa", {"host": "shop.example", "policies": policies})
        assert await suite.answer("shop.example", "CAA") == [
            '0 iodef "mailto:\\"a\\"@b.example"',
            '0 issue "letsencrypt.org"',
        ]
        await suite.done("/clear-caa", {"host": "shop.example"})
        assert await suite.answer("shop.example", "CAA") == ["NXDOMAIN"]
        await suite.done("/add-a", {"host": "real.other.example", "addresses": ["192.0.2.7"]})
        await suite.done("/set-cname", {"host": "alias.shop.example", "target": "real.other.example"})
        assert await suite.answer("alias.shop.example") == ["192.0.2.7", "real.other.example."]
        await suite.done("/clear-cname", {"host": "alias.shop.example"})
        assert await suite.answer("alias.shop.example") == ["NXDOMAIN"]

    play(scene)


def test_questions_for_a_host_fail_until_they_do_not_and_no_others_do() -> None:
    async def scene(suite: Suite) -> None:
        await suite.done("/add-a", {"host": "www.shop.example", "addresses": ["192.0.2.1"]})
        assert await suite.answer("www.shop.example") == ["192.0.2.1"]
        await suite.done("/set-servfail", {"host": "www.shop.example"})
        await suite.done("/set-servfail", {"host": "www.shop.example"})
        await suite.done("/set-servfail", {"host": "none.nowhere.test"})
        assert await suite.answer("www.shop.example") == ["SERVFAIL"]
        assert await suite.answer("none.nowhere.test") == ["SERVFAIL"]
        assert await suite.answer("shop.example") == []
        await suite.done("/clear-servfail", {"host": "www.shop.example"})
        await suite.done("/clear-servfail", {"host": "www.shop.example"})
        assert await suite.answer("www.shop.example") == ["192.0.2.1"]
        await suite.done("/clear-servfail", {"host": "none.nowhere.test"})
        assert await suite.answer("none.nowhere.test") == ["NXDOMAIN"]
        assert suite.laboratory.faults.listed() == []

    play(scene)


def test_a_default_address_answers_for_all_that_nobody_declared_until_it_is_unset() -> None:
    plan = Plan()
    plan.zone("declared.example", {"www": {"A": "192.0.2.99"}})

    async def scene(suite: Suite) -> None:
        assert await suite.answer("a.b.c.nowhere") == ["NXDOMAIN"]
        await suite.done("/set-default-ipv4", {"ip": "192.0.2.53"})
        await suite.done("/set-default-ipv6", {"ip": "2001:db8::53"})
        for name in ("nowhere", "a.b.c.nowhere", "other.example", "a.other.example"):
            assert await suite.answer(name) == ["192.0.2.53"], name
            assert await suite.answer(name, "AAAA") == ["2001:db8::53"], name
        assert await suite.answer("www.declared.example") == ["192.0.2.99"]
        assert await suite.answer("none.declared.example") == ["NXDOMAIN"]
        assert await suite.answer("a.b.c.nowhere", "TXT") == []
        await suite.done("/set-default-ipv4", {"ip": "192.0.2.54"})
        assert await suite.answer("a.b.c.nowhere") == ["192.0.2.54"]
        await suite.done("/set-default-ipv4", {"ip": ""})
        assert await suite.answer("a.b.c.nowhere") == []
        assert await suite.answer("a.b.c.nowhere", "AAAA") == ["2001:db8::53"]
        await suite.done("/set-default-ipv6", {"ip": ""})
        assert await suite.answer("a.b.c.nowhere") == ["NXDOMAIN"]

    play(scene, plan)


def test_a_host_with_other_records_has_the_default_address_and_one_with_its_own_does_not() -> None:
    """As an ACME server needs it: the host whose challenge is set is also asked for its address."""

    async def scene(suite: Suite) -> None:
        await suite.done("/set-default-ipv4", {"ip": "192.0.2.53"})
        await suite.done("/set-txt", {"host": "_acme-challenge.www.shop.example", "value": "x"})
        for name in ("shop.example", "www.shop.example", "_acme-challenge.www.shop.example", "other.shop.example"):
            assert await suite.answer(name) == ["192.0.2.53"], name
        await suite.done("/add-a", {"host": "www.shop.example", "addresses": ["192.0.2.1"]})
        assert await suite.answer("www.shop.example") == ["192.0.2.1"]
        assert await suite.answer("shop.example") == ["192.0.2.53"]
        await suite.done("/set-cname", {"host": "_acme-challenge.shop.example", "target": "elsewhere.example"})
        assert await suite.answer("_acme-challenge.shop.example", "TXT") == ["elsewhere.example."]
        await suite.done("/clear-a", {"host": "www.shop.example"})
        assert await suite.answer("www.shop.example") == ["192.0.2.53"]
        assert await suite.answer("_acme-challenge.www.shop.example", "TXT") == ['"x"']

    play(scene)


def test_a_zone_that_was_made_for_a_host_goes_with_its_last_record_and_no_other_zone_does() -> None:
    plan = Plan()
    plan.zone("declared.example", {"www": {"A": "192.0.2.99"}})

    async def scene(suite: Suite) -> None:
        before = {each["name"] for each in plan.described()}
        for number in range(3):
            host = f"_acme-challenge.random{number}.invalid-tld"
            await suite.done("/set-txt", {"host": host, "value": "x"})
            assert f"random{number}.invalid-tld." in {each["name"] for each in plan.described()}
            await suite.done("/clear-txt", {"host": host})
        await suite.done("/set-txt", {"host": "_acme-challenge.declared.example", "value": "x"})
        await suite.done("/clear-txt", {"host": "_acme-challenge.declared.example"})
        await suite.done("/clear-a", {"host": "www.declared.example"})
        assert {each["name"] for each in plan.described()} == before
        assert await suite.answer("www.declared.example") == ["NXDOMAIN"]

    play(scene, plan)


def test_what_is_not_there_is_cleared_without_an_error_and_nothing_appears() -> None:
    async def scene(suite: Suite) -> None:
        before = suite.plan.described(automatic=True)
        for path in ("/clear-a", "/clear-aaaa", "/clear-txt", "/clear-caa", "/clear-cname", "/clear-servfail"):
            assert await suite.done(path, {"host": "none.example"}) == {}
        assert suite.plan.described(automatic=True) == before

    play(scene)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/add-a", {"host": "a.example", "addresses": []}, "addresses is []"),
        ("/add-a", {"host": "", "addresses": ["192.0.2.1"]}, 'host is ""'),
        ("/add-a", {"host": "a..example", "addresses": ["192.0.2.1"]}, "empty label"),
        ("/add-a", {"host": "a.example", "addresses": ["2001:db8::1"]}, "is no address for A; write one as 192.0.2.1"),
        ("/add-aaaa", {"host": "a.example", "addresses": ["192.0.2.1"]}, "is no address for AAAA"),
        ("/add-caa", {"host": "a.example", "policies": [{"tag": "is sue", "value": ""}]}, "is no tag of a CAA record"),
        ("/set-txt", {"host": "a.example"}, 'has no "value"'),
        ("/set-default-ipv4", {"ip": "localhost"}, "is no address for A"),
        ("/set-default-ipv4", {}, 'has no "ip"'),
        ("/set-cname", {"host": "there.example", "target": "b.example"}, "CNAME"),
    ],
)
def test_what_is_impossible_is_told_and_changes_nothing(path: str, body: object, said: str) -> None:
    async def scene(suite: Suite) -> None:
        await suite.done("/add-a", {"host": "there.example", "addresses": ["192.0.2.1"]})
        await suite.done("/set-default-ipv6", {"ip": "2001:db8::53"})
        before = suite.plan.save()
        status, value = await suite.post(path, body)
        assert status == 400
        assert said in value["error"]
        assert suite.plan.save() is before
        assert await suite.answer("there.example") == ["192.0.2.1"]
        assert await suite.answer("x.there.example", "AAAA") == ["2001:db8::53"]

    play(scene)


def test_keys_that_are_not_known_are_passed_over_as_challtestsrv_does() -> None:
    async def scene(suite: Suite) -> None:
        await suite.done("/clear-txt", {"host": "a.example", "value": "x"})

    play(scene)


def test_the_history_of_a_host_is_what_the_resolver_was_asked_and_is_cleared_for_it_alone() -> None:
    async def scene(suite: Suite) -> None:
        await suite.done("/add-a", {"host": "www.shop.example", "addresses": ["192.0.2.1"]})
        await suite.answer("www.shop.example")
        await suite.answer("WWW.shop.example", "TXT")
        await suite.answer("other.shop.example")
        history = await suite.done("/dns-request-history", {"host": "www.shop.example."})
        assert history == [
            {"Question": {"Name": "www.shop.example.", "Qtype": 1, "Qclass": 1}},
            {"Question": {"Name": "WWW.shop.example.", "Qtype": 16, "Qclass": 1}},
        ]
        await suite.done("/clear-request-history", {"host": "www.shop.example", "type": "http"})
        assert await suite.done("/dns-request-history", {"host": "www.shop.example"}) == history
        await suite.done("/clear-request-history", {"host": "www.shop.example", "type": "dns"})
        assert await suite.done("/dns-request-history", {"host": "www.shop.example"}) == []
        assert len(await suite.done("/dns-request-history", {"host": "other.shop.example"})) == 1
        await suite.answer("www.shop.example")
        assert len(await suite.done("/dns-request-history", {"host": "www.shop.example"})) == 1

    play(scene)


def test_a_snapshot_brings_back_what_these_endpoints_know() -> None:
    async def scene(suite: Suite) -> None:
        await suite.done("/set-default-ipv4", {"ip": "192.0.2.53"})
        await suite.done("/set-servfail", {"host": "fails.shop.example"})
        await suite.done("/snapshots/save", {"name": "a"})
        await suite.done("/set-default-ipv4", {"ip": ""})
        await suite.done("/clear-servfail", {"host": "fails.shop.example"})
        await suite.done("/set-txt", {"host": "_acme-challenge.late.example", "value": "x"})
        await suite.done("/snapshots/restore", {"name": "a"})
        assert await suite.answer("x.nowhere") == ["192.0.2.53"]
        assert await suite.answer("fails.shop.example") == ["SERVFAIL"]
        assert await suite.answer("_acme-challenge.late.example", "TXT") == []
        await suite.done("/clear-servfail", {"host": "fails.shop.example"})
        await suite.done("/set-default-ipv4", {"ip": ""})
        assert await suite.answer("fails.shop.example") == ["NXDOMAIN"]
        assert await suite.answer("x.nowhere") == ["NXDOMAIN"]

    play(scene)


def test_the_endpoints_can_be_switched_off() -> None:
    async def scene(suite: Suite) -> None:
        suite.config = Config.model_validate({"admin": {"challtestsrv": False}})
        status, value = await suite.post("/set-txt", {"host": "a.example", "value": "x"})
        assert (status, value["error"].partition(";")[2]) == (404, " set admin.challtestsrv = true")

    play(scene)


def test_texts_become_character_strings_that_say_the_same() -> None:
    assert text_rdata("") == '""'
    assert text_rdata('a "b" \\ ;\n') == '"a \\034b\\034 \\092 ;\\010"'
    assert text_rdata("x" * 300) == f'"{"x" * 255}" "{"x" * 45}"'
    assert text_rdata("\u00fc") == '"\\195\\188"'
    assert policy_rdata("issue", "a;b") == '0 issue "a;b"'
