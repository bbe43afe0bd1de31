"""What is broken on purpose: each fault breaks one thing, and leaves the rest as good as in any other zone."""

from __future__ import annotations

import pytest

from resolver.dnssec import algorithms, canonical, keys
from resolver.dnssec.faults import UNASSIGNED, Fault
from resolver.dnssec.records import REVOKED, Rrsig, key_tag, read_dnskey, read_ds, read_rrsig
from resolver.dnssec.sign import Signer
from resolver.engine.actions import Check
from resolver.message import RRset, Type
from resolver.wire import names
from tests.support import zone_text

APEX = names.from_text("example.")
KEYS = keys.derived("a seed", APEX, algorithms.ECDSAP256)
NOW = 1_700_000_000.0
(WWW,) = zone_text.rrsets(["www.example. 300 IN A 192.0.2.1"])
GOOD = Signer(APEX, KEYS)


def dnskey(signer: Signer) -> RRset:
    return RRset(APEX, Type.DNSKEY, 1, 60, signer.dnskeys)


def rrsig(signer: Signer, covered: RRset) -> Rrsig | None:
    made = signer.rrsig(covered, NOW)
    return None if made is None else read_rrsig(made.rdatas[0])


def proven_by(signer: Signer, covered: RRset) -> set[int]:
    """The flags of the published keys by which the signature of `covered` holds, times apart."""
    signature = rrsig(signer, covered)
    if signature is None:
        return set()
    data = canonical.signed_data(covered, signature, covered.name)
    found = [read_dnskey(each) for each in signer.dnskeys]
    return {
        key.flags
        for key in found
        if key.tag == signature.tag
        and key.algorithm == signature.algorithm
        and algorithms.verify(Check(key.algorithm, key.key, signature.signature, data))
    }


def fits(signer: Signer) -> bool:
    """The DS names a key that is published."""
    ds = read_ds(signer.ds)
    return any(
        (ds.tag, ds.algorithm) == (key_tag(key), key[3]) and algorithms.digest(ds.digest_type, APEX, key) == ds.digest
        for key in signer.dnskeys
    )


def broken(signer: Signer) -> set[str]:
    """What is not as in a zone without a fault."""
    keyed, data = rrsig(signer, dnskey(signer)), rrsig(signer, WWW)
    return {
        what
        for what, good in {
            "ds": fits(signer),
            "keys": proven_by(signer, dnskey(signer)) == {257},
            "data": proven_by(signer, WWW) == {256},
            "times of keys": keyed is not None and keyed.begins < NOW < keyed.expires,
            "times of data": data is None or data.begins < NOW < data.expires,
        }.items()
        if not good
    }


def test_nothing_is_wrong_with_a_zone_without_a_fault() -> None:
    assert broken(GOOD) == set()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.EXPIRED, {"times of keys", "times of data"}),
        (Fault.FUTURE, {"times of keys", "times of data"}),
        (Fault.WRONG_KEY, {"data"}),
        (Fault.BOGUS, {"data"}),
        (Fault.UNSIGNED, {"data"}),
        (Fault.DS_MISMATCH, {"ds"}),
        (Fault.UNKNOWN_ALGORITHM, {"keys", "data"}),
        (Fault.UNKNOWN_DIGEST, {"ds"}),
        (Fault.NSEC_MISSING, set()),
        (Fault.ITERATIONS, set()),
        (Fault.KSK_MISSING, {"ds", "keys"}),
        (Fault.REVOKED, {"ds", "keys"}),
    ],
)
def test_a_fault_breaks_what_it_says_and_nothing_else(fault: Fault, expected: set[str]) -> None:
    assert broken(Signer(APEX, KEYS, fault)) == expected


def test_every_fault_is_tried() -> None:
    (marks,) = test_a_fault_breaks_what_it_says_and_nothing_else.pytestmark
    assert {each[0] for each in marks.args[1]} == set(Fault)


def test_expired_signatures_were_good_once_and_future_ones_will_be() -> None:
    expired, future = (rrsig(Signer(APEX, KEYS, fault), WWW) for fault in (Fault.EXPIRED, Fault.FUTURE))
    assert expired is not None
    assert future is not None
    assert expired.begins < expired.expires < NOW - 86_400
    assert NOW + 86_400 < future.begins < future.expires


def test_a_wrong_key_is_none_of_the_zone_s_by_its_tag() -> None:
    signature = rrsig(Signer(APEX, KEYS, Fault.WRONG_KEY), WWW)
    assert signature is not None
    assert signature.tag not in (KEYS.ksk.tag, KEYS.zsk.tag)
    assert signature.algorithm == algorithms.ECDSAP256


@pytest.mark.rfc(5011, "2.1")
def test_a_revoked_key_signs_the_keys_and_the_ds_names_what_it_was() -> None:
    signer = Signer(APEX, KEYS, Fault.REVOKED)
    assert proven_by(signer, dnskey(signer)) == {257 | REVOKED}
    assert signer.ds == GOOD.ds


def test_what_nobody_knows_is_unassigned() -> None:
    algorithm, digest = Signer(APEX, KEYS, Fault.UNKNOWN_ALGORITHM), Signer(APEX, KEYS, Fault.UNKNOWN_DIGEST)
    assert fits(algorithm)
    assert {key[3] for key in algorithm.dnskeys} == {UNASSIGNED} == {read_ds(algorithm.ds).algorithm}
    assert (read_ds(digest.ds).digest_type, read_ds(digest.ds).algorithm) == (UNASSIGNED, algorithms.ECDSAP256)
    assert UNASSIGNED not in algorithms.SUPPORTED | algorithms.DIGESTS
