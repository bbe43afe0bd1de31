"""Settings that bound the work of a question, each seen to reach what it bounds."""

from __future__ import annotations

import asyncio

import pytest

from resolver.message import Edns, Rcode
from resolver.network.simulated import Link
from tests.support.composed import composed
from tests.support.internet import ROOT_SERVER, leaf, root_with

WWW = "www.example. 300 IN A 192.0.2.80"
GLUE = [f"ns.example. 3600 IN A 10.0.0.{last}" for last in (2, 3, 4)]


@pytest.mark.parametrize(("setting", "asked"), [(1, 1), (2, 2)])
def test_of_a_name_server_with_many_addresses_as_many_are_used_as_is_set(setting: int, asked: int) -> None:
    async def main(made):
        made.internet.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", *GLUE))
        assert (await made.ask("www.example.")).rcode == Rcode.SERVFAIL
        return len({each.to.host for each in made.network.history} - {ROOT_SERVER})

    assert composed(main, {"budget": {"addresses_per_ns": setting}}) == asked


@pytest.mark.parametrize(("setting", "answered"), [(1, 1), (2, 2)])
def test_one_server_has_as_many_questions_at_a_time_as_is_set(setting: int, answered: int) -> None:
    async def main(made):
        made.internet.zones(ROOT_SERVER, root_with("example. 3600 IN NS ns.example.", GLUE[0]))
        zone = leaf("example.", "10.0.0.2", WWW, "mail.example. 300 IN A 192.0.2.25")
        made.internet.zones("10.0.0.2", zone, link=Link(latency_ms=100))
        await made.lines("ns.example.")
        both = await asyncio.gather(made.ask("www.example."), made.ask("mail.example."))
        return sum(each.rcode == Rcode.NOERROR for each in both)

    assert composed(main, {"resolver": {"roots": "internet", "max_per_server": setting}}) == answered


@pytest.mark.parametrize(("setting", "rcode"), [(2, Rcode.NOERROR), (1, Rcode.FORMERR)])
def test_a_query_has_as_many_options_as_is_set(setting: int, rcode: Rcode) -> None:
    async def main(made):
        made.internet.zones(ROOT_SERVER, root_with(WWW))
        return (await made.ask("www.example.", edns=Edns(options=((65001, b""), (65002, b""))))).rcode

    assert composed(main, {"budget": {"edns_options": setting}}) == rcode


@pytest.mark.parametrize(("setting", "known"), [(8000, True), (1100, False)])
def test_a_question_is_worked_on_as_long_as_is_set_though_its_client_was_told_that_it_is_late(
    setting: int, known: bool
) -> None:
    async def main(made):
        made.internet.zones(ROOT_SERVER, root_with(WWW), link=Link(latency_ms=1500))
        assert (await made.ask("www.example.")).rcode == Rcode.SERVFAIL
        await made.clock.advance(8)
        return (await made.ask("www.example.", rd=False)).rcode == Rcode.NOERROR

    settings = {"resolver": {"roots": "internet", "client_timeout_ms": 1000}, "budget": {"work_ms": setting}}
    assert composed(main, settings) == known
