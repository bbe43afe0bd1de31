"""Signatures of a zone: made when they are asked for, kept for a period, and valid with time to spare."""

from __future__ import annotations

import pytest

from resolver.dnssec import algorithms, canonical, keys, sign
from resolver.dnssec.records import Rrsig, key_tag, read_ds, read_rrsig
from resolver.dnssec.sign import PERIOD, SKEW_S, Signer
from resolver.engine.actions import Check
from resolver.message import RRset, Type
from resolver.wire import names
from tests.support import zone_text

APEX = names.from_text("example.")
KEYS = keys.derived("a seed", APEX, algorithms.ED25519)
NOW = 1_700_000_000.0


def rrset(line: str, *more: str) -> RRset:
    return zone_text.rrsets([line, *more])[0]


WWW = rrset("WWW.example. 300 IN MX 10 Mail.example.", "WWW.example. 300 IN MX 5 a.example.")


def signed(signer: Signer, covered: RRset, now: float = NOW, told: RRset | None = None) -> Rrsig:
    made = signer.rrsig(covered, now, told)
    assert made is not None
    return read_rrsig(made.rdatas[0])


def holds(signature: Rrsig, covered: RRset, key: keys.ZoneKey) -> bool:
    owner = canonical.signed_owner(covered.name, signature.labels)
    assert owner is not None
    data = canonical.signed_data(covered, signature, owner)
    return algorithms.verify(Check(key.algorithm, key.public, signature.signature, data))


@pytest.mark.rfc(4034, "3.1")
def test_a_signature_says_what_it_is_over_and_who_made_it() -> None:
    signature = signed(Signer(APEX, KEYS), WWW)
    assert signature[:4] == (Type.MX, algorithms.ED25519, 2, 300)
    assert (signature.tag, signature.signer) == (KEYS.zsk.tag, APEX)
    assert holds(signature, WWW, KEYS.zsk)


@pytest.mark.rfc(4034, "3")
def test_it_stands_under_the_name_and_the_ttl_of_what_it_covers() -> None:
    made = Signer(APEX, KEYS).rrsig(WWW, NOW)
    assert made is not None
    assert (made.name, made.type, made.ttl) == (WWW.name, Type.RRSIG, 300)


@pytest.mark.rfc(4035, "2.2")
def test_the_keys_are_signed_by_the_key_signing_key() -> None:
    signer = Signer(APEX, KEYS)
    dnskey = RRset(APEX, Type.DNSKEY, 1, 60, signer.dnskeys)
    signature = signed(signer, dnskey)
    assert signature.tag == KEYS.ksk.tag
    assert holds(signature, dnskey, KEYS.ksk)


@pytest.mark.rfc(4034, "3.1.3")
def test_labels_leave_out_the_root_and_the_wildcard() -> None:
    signer = Signer(APEX, KEYS)
    wildcard = rrset("*.wild.example. 300 IN A 192.0.2.1")
    made = rrset("a.b.wild.example. 100 IN A 192.0.2.1")
    signature = signed(signer, wildcard, told=made)
    assert (signature.labels, signature.original_ttl) == (2, 300)
    assert holds(signature, made, KEYS.zsk)
    told = signer.rrsig(wildcard, NOW, made)
    assert told is not None
    assert (told.name, told.ttl) == (made.name, 100)


@pytest.mark.parametrize("offset", [0, 1, PERIOD // 2, PERIOD - 1])
def test_a_signature_is_valid_for_an_hour_and_fifteen_days_at_least(offset: int) -> None:
    now = (NOW // PERIOD) * PERIOD + offset
    signature = signed(Signer(APEX, KEYS), WWW, now)
    assert signature.begins <= now - SKEW_S
    assert signature.expires >= now + PERIOD + SKEW_S
    assert signature.expires - signature.begins == 2 * PERIOD + 2 * SKEW_S


def test_a_signature_is_made_once_in_a_period_and_anew_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    counting = KEYS._replace(zsk=keys.ZoneKey(256, 15, KEYS.zsk.public, lambda data: made.append(data) or bytes(64)))
    signer = Signer(APEX, counting)
    for now in (NOW, NOW + 1):
        signer.rrsig(WWW, now)
        signer.rrsig(WWW._replace(name=names.from_text("www.EXAMPLE.")), now)
    assert len(made) == 1
    later = signed(signer, WWW, NOW + PERIOD)
    assert len(made) == 2
    assert later.begins == signed(Signer(APEX, KEYS), WWW).begins + PERIOD


def test_who_signs_the_same_zone_in_the_same_period_says_the_same() -> None:
    start = sign.period(NOW) * PERIOD
    first, second = Signer(APEX, KEYS), Signer(APEX, keys.derived("a seed", APEX, algorithms.ED25519))
    assert first.rrsig(WWW, start) == second.rrsig(WWW, start + PERIOD - 1)


@pytest.mark.rfc(4034, "3.1.5")
def test_times_go_on_behind_the_year_2106() -> None:
    signature = signed(Signer(APEX, KEYS), WWW, 2.0**32 + 10)
    assert signature.begins > signature.expires
    assert holds(signature, WWW, KEYS.zsk)


@pytest.mark.rfc(4034, "5.1")
@pytest.mark.rfc(4509, "2.1")
def test_the_ds_is_the_digest_of_the_key_signing_key() -> None:
    signer = Signer(APEX, KEYS)
    ds = read_ds(signer.ds)
    assert (ds.tag, ds.algorithm, ds.digest_type) == (key_tag(KEYS.ksk.rdata), algorithms.ED25519, 2)
    assert ds.digest == algorithms.digest(2, APEX, KEYS.ksk.rdata)
    assert signer.dnskeys == (KEYS.ksk.rdata, KEYS.zsk.rdata)
