"""Filters in a whole program: where they stand, what a reload makes of them, what is counted and logged."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from resolver import filtering
from resolver.config import Config
from resolver.config.sections.filters import MAX_LISTS
from resolver.errors import ConfigError
from resolver.message import Client, Edns, Message, Question, Rcode, Transport
from resolver.observe.log import Log
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.composed import Composed, composed
from tests.support.messages import reply
from tests.support.rules import query
from tests.support.whole import extended_errors

OFFICE, WORLD = "192.0.2.10", "192.0.2.30"


def script(query: Message, transport: Transport) -> Message:
    """A forwarder that has an IPv4 address for every name, and a private one for those with `inside` in them."""
    assert query.question is not None
    name, found = names.to_text(query.question.name), []
    if query.question.type == 1:
        found = [f"{name} 300 IN A {'10.0.0.1' if 'inside' in name else '203.0.113.3'}"]
    authority = [] if found else [f"{name} 300 IN SOA a. b. 1 2 3 4 100"]
    return reply(query.question, found, authority, aa=False, ra=True, edns=Edns())


async def ask(made: Composed, name: str, rtype: str = "A", *, tcp: bool = False) -> Message | None:
    """The response to a client; None where there is none."""
    question = Question(names.from_text(name), types.from_text(rtype))
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    client = Client("127.0.0.1", 4242, Transport.TCP if tcp else Transport.UDP)
    made.program.respond(render_query(7, question, rd=True, edns=Edns()), client, waiting.set_result)
    response = await waiting
    return None if response is None else parse(response)


async def told(made: Composed, name: str, rtype: str = "A") -> list[str] | int:
    """The answer section of the response; its rcode where that is empty."""
    response = await ask(made, name, rtype)
    assert response is not None
    return zone_text.lines(response.answer) or response.rcode


def settings(filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    resolver = {"roots": "internet", "forward_zones": {".": [WORLD]}, "use_0x20": False, "cookies": False}
    resolver |= more.pop("resolver", {})
    return {"resolver": resolver, "dnssec": {"validation": False}, "filters": filters, **more}


def program(main: Any, filters: dict[str, Any], **more: Any) -> Any:
    """What `main` returns for a program with these filters, over a forwarder."""

    async def go(made: Composed) -> Any:
        made.internet.script(WORLD, script)
        made.internet.script(OFFICE, script)
        return await main(made)

    return composed(go, settings(filters, **more))


def asking(*questions: str) -> Any:
    """What is told of each of `questions`, a name and perhaps a type, in turn."""

    async def main(made: Composed) -> list[list[str] | int]:
        return [await told(made, *each.split()) for each in questions]

    return main


OUTSIDE = ["www.test. 300 A 203.0.113.3"]


def test_without_filters_there_is_no_stage_and_nothing_is_read():
    assert filtering.read(Config()) is None
    assert filtering.unreserved(Config()) == ()

    async def main(made: Composed) -> set[str]:
        assert made.program._composed.branches.usual.filtered is None
        return {each for each in made.program.stats() if each.startswith("filters.")}

    assert program(main, {}) == {
        f"filters.{each}" for each in ("local", "blocked", "rebinding", "dns64", "rpz", "rpz_disabled")
    }


def test_local_data_come_before_block_lists_and_special_names():
    filters = {"local_data": ["nas.alt A 192.0.2.7", "ads.test 60 A 192.0.2.8"], "block": ["test"]}
    assert program(asking("nas.alt", "ads.test", "www.test", "other.alt"), filters) == [
        ["nas.alt. 300 A 192.0.2.7"],
        ["ads.test. 60 A 192.0.2.8"],
        Rcode.NXDOMAIN,
        Rcode.NXDOMAIN,
    ]


def test_a_local_zone_makes_a_special_name_one_that_is_looked_up():
    asked = asking("printer.alt", "localhost TXT")
    assert program(asked, {}) == [Rcode.NXDOMAIN, Rcode.NOERROR]
    zones = {"alt": "nodefault", "localhost": "transparent"}
    assert program(asked, {"local_zones": zones}) == [["printer.alt. 300 A 203.0.113.3"], Rcode.NOERROR]


def test_what_the_server_says_of_itself_is_not_filtered():
    (said,) = program(asking("health.resolverd.invalid TXT"), {"local_zones": {".": "always_nxdomain"}})
    assert said == ['health.resolverd.invalid. 0 TXT "ok"']


def test_an_alias_of_local_data_is_looked_up_and_told_as_a_whole():
    filters = {"local_data": ["shop.corp CNAME www.test"], "block": ["www.test"]}
    assert (
        program(asking("shop.corp", "shop.corp"), filters)
        == [["shop.corp. 300 CNAME www.test.", "www.test. 300 A 203.0.113.3"]] * 2
    )


def test_what_is_to_get_no_answer_gets_none_over_any_transport():
    async def main(made: Composed) -> tuple[object, object, int]:
        first, second = await ask(made, "a.gone.test"), await ask(made, "a.gone.test", tcp=True)
        return first, second, made.program.stats()["answers.untold"]

    assert program(main, {"local_zones": {"gone.test": "deny"}}) == (None, None, 2)


def test_names_of_hosts_files_and_their_addresses_are_answered(tmp_path):
    (tmp_path / "hosts").write_text("192.0.2.7 nas.home nas\n192.0.2.8 nas.corp\n")
    filters = {"hosts_files": [tmp_path / "hosts"], "local_data": ["nas.corp 9 A 192.0.2.99"], "local_ttl_s": 60}
    assert program(asking("nas.home", "nas", "7.2.0.192.in-addr.arpa PTR", "nas.corp", "nas.home AAAA"), filters) == [
        ["nas.home. 60 A 192.0.2.7"],
        ["nas. 60 A 192.0.2.7"],
        ["7.2.0.192.in-addr.arpa. 60 PTR nas.home."],
        ["nas.corp. 9 A 192.0.2.99"],
        Rcode.NOERROR,
    ]


def lists(tmp_path: Path, block: str, allow: str = "") -> dict[str, Any]:
    (tmp_path / "block.txt").write_text(block)
    (tmp_path / "allow.txt").write_text(allow)
    return {"block_lists": [tmp_path / "block.txt"], "allow_lists": [tmp_path / "allow.txt"]}


def test_names_of_lists_are_blocked_but_those_that_are_allowed(tmp_path):
    filters = lists(tmp_path, "ads.test\nb.test\n", "good.ads.test\n")
    filters |= {"block": ["*.c.test"], "allow": ["b.test"], "block_answer": "null", "block_ttl_s": 5}
    assert program(asking("a.ads.test", "good.ads.test", "b.test", "c.test", "a.c.test AAAA"), filters) == [
        ["a.ads.test. 5 A 0.0.0.0"],
        ["good.ads.test. 300 A 203.0.113.3"],
        ["b.test. 300 A 203.0.113.3"],
        ["c.test. 300 A 203.0.113.3"],
        ["a.c.test. 5 AAAA ::"],
    ]


def test_who_is_told_that_a_name_is_blocked_is_told_by_which_list(tmp_path):
    async def main(made: Composed) -> list[tuple[int, str]]:
        response = await ask(made, "a.ads.test")
        assert response is not None
        return extended_errors(response)

    said = program(main, lists(tmp_path, "ads.test\n") | {"block_answer": ["192.0.2.1"]})
    assert said == [(15, "ads.test. is blocked by block.txt [BLKD]")]


def test_names_of_the_configuration_are_blocked_whole_however_many_lists_there_are(tmp_path):
    paths = [tmp_path / f"{number}.txt" for number in range(2 * MAX_LISTS)]
    for number, path in enumerate(paths):
        path.write_text(f"n{number}.test\n")
    given = [str(path) for path in paths]
    config = Config.model_validate(
        {
            "filters": {
                "block_lists": given[:MAX_LISTS],
                "allow_lists": given[MAX_LISTS:],
                "block": ["ads.test", "*.n99.test"],
                "allow": ["b.test"],
            }
        }
    )
    found = filtering.read(config)
    assert found is not None
    assert found.blocking is not None
    for asked, source in (("ads.test.", "filters.block"), ("x.ads.test.", "filters.block"), ("n63.test.", "63.txt")):
        said = found.blocking.before(query(asked))
        assert said is not None
        assert said.cause.source == source
    assert found.blocking.before(query("x.n99.test.")) is None
    assert found.blocking.before(query("b.test.")) is None


def test_hosts_files_have_no_more_records_together_than_one_may(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text("192.0.2.1 a b c\n")
    config = Config.model_validate({"filters": {"hosts_files": list(map(str, paths)), "max_names": 7}})
    with pytest.raises(ConfigError, match=r"b:1: has more than 7 records with what was read before"):
        filtering.read(config)


def test_blocked_names_may_be_told_addresses_of_ones_own():
    filters = {"block": ["ads.test"], "block_answer": ["192.0.2.1", "2001:db8::1", "192.0.2.2"]}
    assert program(asking("ads.test", "ads.test AAAA", "ads.test MX"), filters) == [
        ["ads.test. 60 A 192.0.2.1", "ads.test. 60 A 192.0.2.2"],
        ["ads.test. 60 AAAA 2001:db8::1"],
        Rcode.NOERROR,
    ]


def test_a_reload_reads_the_lists_again_and_what_was_stored_is_not_told_any_more(tmp_path):
    filters = lists(tmp_path, "ads.test\n")

    async def main(made: Composed) -> list[list[str] | int]:
        before = [await told(made, "www.test") for _ in range(3)]  # the last is stored as octets
        (tmp_path / "block.txt").write_text("www.test\n")
        await made.program.reload(made.program.config)
        return [before[-1], await told(made, "www.test"), await told(made, "ads.test")]

    assert program(main, filters) == [OUTSIDE, Rcode.NXDOMAIN, ["ads.test. 300 A 203.0.113.3"]]


@pytest.mark.parametrize("text", [None, "<html>\n<p>Not found\n"], ids=["missing", "no list"])
def test_a_reload_with_a_list_that_cannot_be_used_leaves_the_old_one_in_force(tmp_path, text):
    filters = lists(tmp_path, "ads.test\n")

    async def main(made: Composed) -> list[list[str] | int]:
        (tmp_path / "block.txt").unlink()
        if text is not None:
            (tmp_path / "block.txt").write_text(text)
        with pytest.raises(ConfigError, match=r"block\.txt: "):
            await made.program.reload(made.program.config)
        return [await told(made, "ads.test"), made.program.stats()["filters.names"]]

    assert program(main, filters) == [Rcode.NXDOMAIN, 1]


def test_a_change_of_the_world_keeps_what_was_read():
    async def changed(made: Composed) -> list[str] | int:
        await made.program.change(None)
        return await told(made, "ads.test")

    assert program(changed, {"block": ["ads.test"]}) == Rcode.NXDOMAIN


def test_what_was_read_and_what_was_skipped_is_logged_and_counted(tmp_path):
    out = io.StringIO()
    filters = lists(tmp_path, "ads.test\n||b.test^\nno name\n||c.test^\n||d.test/x^\nads.test\n")

    async def main(made: Composed) -> dict[str, int]:
        made.program.log = Log(out, lambda: 0.0)
        await made.program.reload(made.program.config)
        return {key: value for key, value in made.program.stats().items() if key in filtering.COUNTED}

    counts = program(main, filters | {"allow": ["good.test"], "local_data": ["a.corp A 192.0.2.1"]})
    assert counts == {
        "filters.names": 3,
        "filters.names_allowed": 1,
        "filters.names_local": 1,
        "filters.lines_bad": 0,
        "filters.lines_skipped": 2,
    }
    lines = out.getvalue().splitlines()
    assert any(
        "event=names_read" in line and "form=adblock names=3 repeated=1 skipped=2 bad=0" in line for line in lines
    )


def test_the_first_bad_lines_are_in_one_warning(tmp_path):
    out = io.StringIO()
    good = "".join(f"a{at}.test\n" for at in range(9))

    async def main(made: Composed) -> None:
        made.program.log = Log(out, lambda: 0.0)
        await made.program.reload(made.program.config)

    program(main, lists(tmp_path, f"{good}no name\nb..test\nx y\nz z\n"))
    (line,) = [each for each in out.getvalue().splitlines() if "level=warning" in each]
    assert "event=names_skipped" in line
    assert "bad=4" in line
    assert 'line 10: \\"no name\\" is no name; line 11: \\"b..test\\" is no name; line 12:' in line


@pytest.mark.parametrize(("text", "level"), [("", "warning"), ("# moved\n", "warning"), ("ads.test\n", "info")])
def test_a_list_without_names_is_told_as_a_warning(tmp_path, text, level):
    out = io.StringIO()

    async def main(made: Composed) -> None:
        made.program.log = Log(out, lambda: 0.0)
        await made.program.reload(made.program.config)

    program(main, lists(tmp_path, text))
    lines = [each for each in out.getvalue().splitlines() if "event=names_read" in each]
    assert [("allow.txt" in each, f"level={level}" in each) for each in lines] == [
        (False, True),
        (True, level == "info"),
    ]


def test_private_addresses_from_outside_are_refused_and_others_are_not():
    filters = {"rebinding": True, "rebinding_names": ["ok.test"], "local_data": ["inside.corp A 10.0.0.9"]}
    asked = asking("inside.test", "inside.test", "www.test", "inside.ok.test", "inside.corp")
    assert program(asked, filters) == [
        Rcode.REFUSED,
        Rcode.REFUSED,
        OUTSIDE,
        ["inside.ok.test. 300 A 10.0.0.1"],
        ["inside.corp. 300 A 10.0.0.9"],
    ]
    assert program(asking("inside.test"), {"rebinding": True, "rebinding_networks": ["10.0.0.0/8"]}) == [
        ["inside.test. 300 A 10.0.0.1"]
    ]


def test_zones_that_the_configuration_sends_elsewhere_may_have_private_addresses():
    resolver = {"forward_zones": {".": [WORLD], "corp.test": [OFFICE]}}
    assert program(asking("inside.corp.test", "inside.test"), {"rebinding": True}, resolver=resolver) == [
        ["inside.corp.test. 300 A 10.0.0.1"],
        Rcode.REFUSED,
    ]


def test_answers_of_some_pools_may_have_private_addresses():
    rules = [{"action": "pool", "pool": pool, "suffixes": [f"{pool}.test"]} for pool in ("office", "guests")]
    pools = {name: {"members": [OFFICE]} for name in ("office", "guests")}
    filters = {"rebinding": True, "rebinding_pools": ["office"]}
    assert program(asking("inside.office.test", "inside.guests.test"), filters, pools=pools, rules=rules) == [
        ["inside.office.test. 300 A 10.0.0.1"],
        Rcode.REFUSED,
    ]


def test_names_without_an_ipv6_address_get_one():
    filters = {"dns64": ["64:ff9b::/96"], "rebinding": True, "block": ["ads.test"]}
    asked = asking("www.test AAAA", "www.test AAAA", "www.test AAAA", "inside.test AAAA", "ads.test AAAA", "www.test")
    made = ["www.test. 100 AAAA 64:ff9b::cb00:7103"]
    assert program(asked, filters) == [made, made, made, Rcode.NOERROR, Rcode.NXDOMAIN, OUTSIDE]


def test_behind_a_prefix_of_ones_own_private_addresses_are_refused_all_the_same():
    filters = {"dns64": ["2001:db8:64::/96"], "rebinding": True}
    assert program(asking("inside.test AAAA"), filters) == [Rcode.REFUSED]
    del filters["rebinding"]
    assert program(asking("inside.test AAAA"), filters) == [["inside.test. 100 AAAA 2001:db8:64::a00:1"]]


def test_a_translator_leads_around_no_rule_for_an_address(tmp_path):
    file = tmp_path / "policy"
    file.write_text("$TTL 60\n@ SOA ns. host. 1 2 3 4 5\n24.0.113.0.203.rpz-ip CNAME .\n")
    tables = [{"zone": "p.test", "file": file}]
    asked = asking("www.test", "www.test AAAA", "inside.test AAAA")
    filters = {"dns64": ["2001:db8:64::/96"]}
    allowed = ["inside.test. 100 AAAA 2001:db8:64::a00:1"]
    assert program(asked, filters, rpz=tables) == [Rcode.NXDOMAIN, Rcode.NXDOMAIN, allowed]


def test_what_was_decided_is_counted_and_logged_if_that_is_wanted():
    out = io.StringIO()
    filters = {"block": ["ads.test"], "local_zones": {"gone.test": "always_refuse"}, "dns64": ["64:ff9b::/96"]}

    async def main(made: Composed) -> list[int]:
        for name, rtype in (("a.ads.test", "A"), ("gone.test", "A"), ("www.test", "AAAA"), ("www.test", "A")):
            await ask(made, name, rtype)
        return [made.program.stats()[f"filters.{each}"] for each in ("blocked", "local", "dns64", "rebinding")]

    async def logged(made: Composed) -> list[int]:
        made.program.log = Log(out, lambda: 0.0)
        await made.program.reload(made.program.config)
        return await main(made)

    assert program(main, filters) == [1, 1, 1, 0]
    assert program(logged, filters | {"log": True}) == [1, 1, 1, 0]
    events = [line for line in out.getvalue().splitlines() if "event=filtered" in line]
    assert len(events) == 3
    assert "name=a.ads.test. type=A what=settled kind=blocked trigger=ads.test. source=filters.block" in events[0]
    assert "what=synthesised kind=dns64 trigger=www.test. source=64:ff9b::/96" in events[2]


def test_what_is_blocked_is_told_each_time_and_never_from_store():
    async def main(made: Composed) -> int:
        for _ in range(5):
            await ask(made, "ads.test")
        return made.program.stats()["filters.blocked"]

    assert program(main, {"block": ["ads.test"]}) == 5
