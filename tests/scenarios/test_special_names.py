"""Special-use names through the whole program: answered here, unless a zone has a word on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth import hierarchy
from resolver.message import Rcode
from tests.support import worlds, zone_text
from tests.support.composed import Composed, composed
from tests.support.internet import leaf, says
from tests.support.whole import extended_errors, whole


@pytest.mark.parametrize("mode", ["iterative", "recursive"])
def test_in_the_shipped_world_nobody_is_asked_for_them_and_its_own_zones_answer(mode):
    async def main(made):
        found = []
        for name, rtype in (("localhost.", "A"), ("1.0.0.127.in-addr.arpa.", "PTR")):
            found += zone_text.lines((await made.ask(name, rtype)).answer)
        for name in ("printer.local.", "a.onion.", "4.3.2.10.in-addr.arpa."):
            message = await made.ask(name, "PTR")
            assert (message.rcode, extended_errors(message)[0][1][-6:]) == (Rcode.NXDOMAIN, "[LOCL]")
        assert made.program.stats()["answers.local"] == 5
        assert made.program.stats()["upstream.sent"] == 0
        found += zone_text.lines((await made.ask("1.0.53.127.in-addr.arpa.", "PTR")).answer)
        found += zone_text.lines((await made.ask("80.2.0.192.in-addr.arpa.", "PTR")).answer)
        assert made.program.stats()["answers.local"] == 5
        return found

    told = whole(main, {"resolver": {"mode": mode}})
    assert told[:2] == ["localhost. 10800 A 127.0.0.1", "1.0.0.127.in-addr.arpa. 10800 PTR localhost."]
    assert "1.0.53.127.in-addr.arpa. 3600 PTR a.root-servers.test." in told[2]


def test_a_world_with_data_for_a_special_name_answers_it(tmp_path: Path):
    files = {"test": "", "arpa": "1.2.3.10.in-addr IN PTR host.test.\n"}
    world = hierarchy.load(worlds.write(tmp_path, **files))

    async def main(made):
        assert zone_text.lines((await made.ask("1.2.3.10.in-addr.arpa.", "PTR")).answer) != []
        assert extended_errors(await made.ask("9.9.9.10.in-addr.arpa.", "PTR")) == []
        assert extended_errors(await made.ask("1.1.168.192.in-addr.arpa.", "PTR")) != []

    whole(main, world=world)


def test_a_forward_and_a_stub_zone_come_first():
    async def main(made: Composed):
        made.internet.script("10.0.0.7", says("a.cluster.local. 30 IN A 10.1.2.3", ra=True))
        made.internet.zones(
            "10.0.0.8", leaf("10.in-addr.arpa.", "10.0.0.8", "1.2.3.10.in-addr.arpa. 30 IN PTR a.test.")
        )
        assert await made.lines("a.cluster.local.") == ["a.cluster.local. 30 A 10.1.2.3"]
        assert await made.lines("1.2.3.10.in-addr.arpa.", "PTR") == ["1.2.3.10.in-addr.arpa. 30 PTR a.test."]
        assert (await made.ask("b.local.")).rcode == Rcode.NXDOMAIN
        assert made.count("answers.local") == 1

    zones = {"forward_zones": {"cluster.local": ["10.0.0.7"]}, "stub_zones": {"10.in-addr.arpa": ["10.0.0.8"]}}
    composed(main, {"resolver": {"roots": "internet", **zones}})
