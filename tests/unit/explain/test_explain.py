"""What is told beside the cause: how aliases lead there, who else was silent, what is declared."""

from __future__ import annotations

import io
from typing import Any

import pytest

from resolver.auth.findings import Where
from resolver.errors import ResolutionFailed, WireError
from resolver.explain import Declared, explain, explain_octets
from resolver.explain import declared as declared_module
from resolver.explain.logged import Logged
from resolver.message import Client, Query, Reply, Transport, Type
from resolver.network.base import Trouble
from resolver.network.faults import rule
from resolver.observe.log import Log
from resolver.observe.transcript import Root
from resolver.wire import names
from tests.support import zone_text
from tests.support.explained import WALL, Explaining, Scripted, scripted, shipped, shipped_plan, shipped_world
from tests.support.messages import reply as said
from tests.support.messages import soa

CLIENT = Client("127.0.0.1", 4242, Transport.UDP)
QUERY = Query(zone_text.question("www.shop.test.", "A"), CLIENT, 7, 0.0)
declared = Declared(shipped_world(), shipped_plan().where)


def name(text: str) -> bytes:
    return names.from_text(text)


# -- how it is told


def test_where_a_forwarder_was_asked_it_may_be_what_takes_signatures_out() -> None:
    async def main(made: Scripted) -> str:
        made.internet.script("192.0.2.53", lambda query, _: said(query.question, ra=True))
        return str((await made.why("www.shop.test")).advice)

    forwarding = {"resolver": {"forward_zones": {".": ["192.0.2.53"]}}, "dnssec": {"validation": True}}
    assert scripted(main, forwarding).startswith("If whoever is asked in our stead takes signatures out")


def test_what_nobody_asked_or_has_no_answer_yet_cannot_be_explained() -> None:
    for root in (Root("www.shop.test. A", told=Reply(0)), Root("www.shop.test. A", query=QUERY)):
        with pytest.raises(ValueError, match="nobody asked this, or it has no answer yet"):
            explain(root)


def test_octets_that_are_no_query_cannot_be_explained() -> None:
    with pytest.raises(WireError):
        explain_octets(b"", b"", CLIENT)
    with pytest.raises(WireError, match="the query has no question"):
        explain_octets(bytes(12), bytes(12), CLIENT)


def test_aliases_that_lead_to_a_failure_are_told_before_it() -> None:
    async def main(made: Scripted) -> Any:
        made.delegate("other.test. 9 IN NS ns.other.test.", "ns.other.test. 9 IN A 10.0.0.4")
        made.internet.script(
            "10.0.0.2", lambda query, _: said(query.question, "www.shop.test. 9 IN CNAME www.other.test.")
        )
        made.internet.script("10.0.0.4", lambda query, _: said(query.question, rcode=5))
        return await made.why("www.shop.test")

    explanation = scripted(main)
    assert explanation.cause == "refused"
    assert explanation.text == (
        "www.shop.test. is an alias of www.other.test.; asked for other.test., ns.other.test. (10.0.0.4) refused to "
        "answer."
    )


def test_a_denial_tells_who_was_silent_before() -> None:
    async def main(made: Scripted) -> Any:
        made.delegate()
        lost = [True]

        def script(query: Any, transport: Transport) -> Any:
            if lost:
                return lost.pop() and None
            return said(query.question, authority=soa("shop.test."), rcode=3)

        made.internet.script("10.0.0.2", script)
        return await made.why("gone.shop.test")

    assert scripted(main).text == (
        "ns1.shop.test. (10.0.0.2, for shop.test.) says that gone.shop.test. does not exist (NXDOMAIN); before, "
        "ns1.shop.test. (10.0.0.2) kept silent for 0.4 s."
    )


def test_what_is_stale_is_told_with_why_it_could_not_be_had_anew() -> None:
    async def main(made: Scripted) -> Any:
        made.delegate()
        made.shop()
        await made.why("www.shop.test")
        await made.clock.advance(120)
        made.network.troubles["10.0.0.2"] = Trouble.REFUSED
        return await made.why("www.shop.test")

    explanation = scripted(main)
    assert explanation.cause == "stale"
    assert "expired 60 s ago, but asking again failed (shop.test.: ns1.shop.test. (10.0.0.2): connection refused" in (
        explanation.text
    )


def test_a_rule_that_was_added_at_run_time_is_named_by_its_number() -> None:
    async def main(made: Explaining) -> Any:
        faults = made.program.lab.faults
        server = {"server": "ns1.example.us."}
        number = faults.add(rule({"kind": "silent", "count": 1, **server}))
        again = await made.why("www.example.us")
        faults.clear(number)
        await made.clock.advance(86_400)
        last = faults.add(rule({"kind": "servfail", **server}))
        return number, again, last, await made.why("example.us", "MX")

    number, again, last, failed = shipped(main, {"cache": {"serve_stale": False}})
    assert again.cause == "asked-again" or again.cause == "failed-over"
    assert f"(fault rule {number}: silent)" in again.text
    assert failed.cause == "fault"
    assert f"the fault rule {last} (servfail) was applied to ns1.example.us." in failed.text
    assert failed.advice == f"`resolver fault clear {last}` ends it."


def test_a_chain_of_trust_that_a_fault_broke_higher_up_names_the_rule() -> None:
    async def main(made: Explaining) -> Any:
        number = made.program.lab.faults.add(rule({"kind": "expired", "zone": "org."}))
        return number, await made.why("www.example.org")

    number, failed = shipped(main)
    assert failed.cause == "expired-signature"
    assert f"(on purpose: fault rule {number}: expired zone=org.)" in failed.text
    assert failed.advice.startswith(f"`resolver fault clear {number}` ends it. ")


def test_a_special_name_itself_is_told_as_what_it_is() -> None:
    explanation = shipped(lambda made: made.why("10.in-addr.arpa"))
    assert explanation.text.startswith("10.in-addr.arpa. is a special-use name (RFC 6303)")


def test_a_rule_behind_a_server_that_recursed_is_named() -> None:
    async def main(made: Explaining) -> Any:
        number = made.program.lab.faults.add(
            rule({"kind": "refused", "server": ["ns1.example.com", "ns2.example.com"]})
        )
        return number, await made.why("www.example.com")

    number, explanation = shipped(main, {"resolver": {"mode": "recursive"}})
    assert explanation.cause == "fault"
    assert f"the fault rule {number} (refused) was applied to ns" in explanation.text


@pytest.mark.parametrize(("kind", "cause"), [("ds-mismatch", "ds-mismatch"), ("unknown-digest", "unknown-digest")])
def test_a_rule_at_the_zone_above_is_named_where_it_makes_a_proof_fail_below(kind: str, cause: str) -> None:
    async def main(made: Explaining) -> Any:
        number = made.program.lab.faults.add(rule({"kind": kind, "zone": "example.com"}))
        return number, await made.why("www.example.com")

    number, explanation = shipped(main)
    assert explanation.cause == cause
    assert f" (on purpose: fault rule {number}: {kind} zone=example.com.)" in explanation.text


def test_a_failure_that_nobody_knows_is_told_as_it_is() -> None:
    failure = ResolutionFailed("QQQQ", 0, "something new")
    explanation = explain(Root("www.shop.test. A", query=QUERY, told=failure))
    assert explanation.cause == "unknown"
    assert (
        explanation.text == "www.shop.test. A was answered as it is told: something new; nothing more is known of that."
    )


# -- what is declared


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("ww.example.com.", "www.example.com."),
        ("wwww.example.com.", "www.example.com."),
        ("exampel.com.", "example.com."),
        ("qqqqqqqq.example.com.", None),
    ],
)
def test_a_name_is_suggested_if_it_is_near(wrong: str, meant: str | None) -> None:
    assert declared.nearest(name(wrong)) == meant


def test_no_names_of_a_large_zone_are_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared_module, "MAX_RECORDS", 3)
    assert declared.nearest(name("ww.example.com.")) is None
    assert declared.below(name("ent.example.org.")) is None


def test_types_are_those_that_people_have_written() -> None:
    assert declared.types(name("www.example.com.")) == [Type.A, Type.AAAA, Type.HTTPS]
    assert declared.types(name("nope.example.com.")) == []
    assert Declared(shipped_world()).types(name("www.nowhere.")) == []


def test_a_wildcard_answers_only_for_names_that_have_nothing() -> None:
    assert declared.wildcard(name("x.wild.example.org."), Type.A) == name("*.wild.example.org.")
    assert declared.wildcard(name("x.web.example.org."), Type.A) == name("*.web.example.org.")
    assert declared.wildcard(name("here.wild.example.org."), Type.TXT) is None
    assert declared.wildcard(name("www.example.com."), Type.A) is None


def test_a_line_is_told_by_the_name_of_its_file_and_not_told_where_there_is_none() -> None:
    def line(owner: bytes, rtype: int) -> Where | None:
        return {1: Where("/some/where/a.zone", 7), 2: Where("<plan>", 0)}.get(rtype)

    world = Declared(shipped_world(), line)
    assert [world.line(b"\0", rtype) for rtype in (1, 2, 3)] == ["a.zone:7", "", ""]
    assert Declared(shipped_world()).line(b"\0", 1) == ""


def test_a_zone_that_is_signed_wrongly_on_purpose_is_found_from_below() -> None:
    assert declared.dnssec_fault(name("www.expired.dnssec-failed.test.")) == ("expired.dnssec-failed.test.", "expired")
    assert declared.dnssec_fault(name("www.example.com.")) is None


# -- the log


class Last:
    """An answerer that told its answer to `last`."""

    def __init__(self, last: Root | None) -> None:
        self.last = last


def logged(last: Root | None) -> tuple[Logged, io.StringIO]:
    stream = io.StringIO()
    return Logged(Last(last), None, Log(stream, lambda: WALL)), stream  # type: ignore[arg-type]


def test_the_log_is_told_of_the_query_with_that_id_alone() -> None:
    told, _ = logged(Root("www.shop.test. A", query=QUERY, told=Reply(2)))
    text = told(7)
    assert text is not None
    assert text.startswith("www.shop.test. A was answered as it is told")
    assert told(8) is None
    assert logged(None)[0](7) is None


def test_a_mistake_costs_the_explanation_and_no_answer() -> None:
    told, stream = logged(Root("www.shop.test. A", query=QUERY))
    assert told(7) is None
    assert "event=internal_error query=7" in stream.getvalue()
