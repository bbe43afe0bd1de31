"""The signed zone of a run is one that our own proof, and dnspython's, takes."""

from __future__ import annotations

import dns.dnssec
import dns.rdatatype
import dns.zone

from resolver.dnssec.anchors import read_record
from tests.bench.names import Signed
from tests.bench.rows import SIGNED_NAMES
from tests.bench.sample import Turn
from tests.bench.servers import ALONE, OURS, Arena
from tests.bench.signature import signature
from tests.bench.signing import SIGNED_ZONE, anchor, signed_name, signed_zone, signer


def test_every_set_of_the_signed_zone_is_signed_by_the_key_that_its_anchor_names() -> None:
    zone = dns.zone.from_text(signed_zone("10.53.0.6", 5), f"{SIGNED_ZONE}.", relativize=False)
    keys = {zone.origin: zone.find_rdataset(zone.origin, "DNSKEY")}
    seen = 0
    for name, node in zone.items():
        for rdataset in node:
            if rdataset.rdtype != dns.rdatatype.RRSIG:
                dns.dnssec.validate(
                    (name, rdataset),
                    (name, node.find_rdataset(rdataset.rdclass, dns.rdatatype.RRSIG, rdataset.rdtype)),
                    keys,
                )
                seen += 1
    assert seen == 3 + 2 + 5
    assert read_record(anchor()).ds[0].tag == signer().ksk.tag


def test_names_are_those_of_the_zone_and_run_out() -> None:
    stock = Signed(600)
    assert stock.warm().names[0] == signed_name(0)
    part = stock.take(1000)
    assert (len(part.names), part.misses, part.upstream) == (100, 100, 100)
    assert part.names[-1] == signed_name(599)


def test_there_are_enough_signed_names_for_a_sample() -> None:
    assert SIGNED_NAMES >= 500 + 3 * 6_000


def test_the_price_of_a_signature_is_that_of_answers_that_are_secure(tmp_path) -> None:
    assert 0 < signature(Turn(Arena(tmp_path, 0, 0), ALONE[OURS], quick=True)).value < 100_000
