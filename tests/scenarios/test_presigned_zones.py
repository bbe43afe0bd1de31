"""Zone files that came signed, behind a rule: who asks with DO gets what proves the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.message import AA, RA, Edns, Message, Rcode, Type
from tests.support.composed import composed
from tests.support.internet import ROOT_SERVER, leaf, root_with
from tests.support.messages import told

SCENARIO = Path(__file__).parents[1] / "data/scenarios/unbound/auth-zone-zonemd/auth_nsec3_ent.rpl"
ZONE = "unbound-auth-test.nlnetlabs.nl."
DO = Edns(do=True)
WILDCARD = "jrtu61ssgd18lfjglqrbbs5b2vmbh6cl."
SIGNED = "3600 RRSIG {0} 13 {1} 3600 20190430103407 20190402103407 15486"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The zone that stands in the scenario, with an alias for many that leads out of it; that one is not signed."""
    text = SCENARIO.read_text().partition(f"TEMPFILE_CONTENTS {ZONE.rstrip('.')}\n")[2].partition("TEMPFILE_END")[0]
    path = tmp_path / "zone"
    path.write_text(
        f"{text}*.c.b.{ZONE} 3600 IN CNAME www.elsewhere.\n".replace(f'*.c.b.{ZONE}\t3600\tIN\tTXT\t"*.c.b"', "")
    )
    return path


def asked(file: Path, *questions: tuple[str, str, Edns | None]) -> list[Message]:
    """What is answered by the zone of `file`, with an internet behind it that has other names."""

    async def main(made):
        made.internet.zones(
            ROOT_SERVER, root_with("elsewhere. 300 IN NS ns.elsewhere.", "ns.elsewhere. 300 IN A 10.0.0.2")
        )
        made.internet.zones("10.0.0.2", leaf("elsewhere.", "10.0.0.2", "www.elsewhere. 300 IN A 192.0.2.80"))
        return [await made.ask(f"{name}{ZONE}", rtype, edns=edns) for name, rtype, edns in questions]

    return composed(main, {"rules": [{"action": "authority", "zone_files": [str(file)]}]})


def test_an_empty_non_terminal_is_proven_to_be_one_for_who_wants_that(file):
    proven, plain = asked(file, ("a.b.", "TXT", DO), ("a.b.", "TXT", Edns()))
    assert (proven.rcode, proven.flags & (AA | RA), proven.answer) == (Rcode.NOERROR, AA | RA, ())
    assert [each.type for each in proven.authority] == [Type.SOA, Type.RRSIG, Type.NSEC3, Type.RRSIG]
    assert proven.authority[2].name.startswith(b"\x20toqivctpt4pdcp5g19neqt19fvtgbgeu")
    assert [each.type for each in plain.authority] == [Type.SOA]


@pytest.mark.rfc(4035, "3.1.3.3")
def test_what_a_wildcard_made_is_told_with_what_shows_that_it_may(file):
    proven, plain = asked(file, ("x.a.b.", "TXT", DO), ("x.a.b.", "TXT", None))
    assert told(proven.answer[0]) == told(plain.answer[0]) == [f'x.a.b.{ZONE} 3600 TXT "*.a.b"']
    assert told(proven.answer[1])[0].startswith(f"x.a.b.{ZONE} {SIGNED.format('TXT', 5)}")
    assert [told(each)[0].startswith(WILDCARD) for each in proven.authority] == [True, True]
    assert (plain.authority, len(plain.answer)) == ((), 1)


def test_an_alias_that_a_wildcard_made_is_followed_out_of_the_zone(file):
    proven, plain = asked(file, ("x.c.b.", "A", DO), ("y.c.b.", "A", None))
    for reply, first in ((proven, "x"), (plain, "y")):
        data = [line for each in reply.answer if each.type != Type.RRSIG for line in told(each)]
        assert data == [f"{first}.c.b.{ZONE} 3600 CNAME www.elsewhere.", "www.elsewhere. 300 A 192.0.2.80"]
