"""The examples of RFC 4035 appendix B with their own signatures, made in 2004: what is proven of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from resolver.dnssec import algorithms, chain
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.records import read_dnskey
from resolver.dnssec.signatures import Keys
from resolver.dnssec.trust import Trust, Unsigned
from resolver.engine.actions import Ended, Found, Race, Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.engine.classify import classify
from resolver.engine.outcome import Alias, Answer, Answered, Conclusion, Denied, Overlong
from resolver.errors import ResolutionFailed
from resolver.message import QR, Message, Rcode, RRset, Status, Type
from tests.support import zone_text
from tests.support.clocks import ManualClock
from tests.support.messages import name, sets

ZONE = name("example.")
MAY_2004 = 1_083_412_800
ZSK = (
    "example. 3600 IN DNSKEY 256 3 5 AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXx"
    "KciJFHyhl94C+NwILQdzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ=="
)
SIGNED = {
    (
        "x.w",
        "MX 1 xx.example.",
        3,
    ): "Il2WTZ+Bkv+OytBx4LItNW5mjB4RCwhOO8y1XzPHZmZUTVYL7LaA63f6T9ysVBzJRI3KRjAPH3U1qaYnDoN1DrWqmi9R"
    "Je4FoObkbcdm7P3Ikx70ePCoFgRz1Yq+bVVXCvGuAU4xALv3W/Y1jNSlwZ2mSWKHfxFQxPtLj8s32+k=",
    (
        "xx",
        "A 192.0.2.10",
        2,
    ): "kBF4YxMGWF0D8r0cztL+2fWWOvN1U/GYSpYP7SoKoNQ4fZKyk+weWGlKLIUM+uE1zjVTPXoa0Z6WG0oZp46rkl1EzMcdMgoa"
    "eUzzAJ2BMq+YVdxG9IK1yZkYGY9AgbTOGPoAgbJyO9EPULsxkbIDV6GPPSZVusnZU6OMgdgzHV4=",
    ("xx", "AAAA 2001:db8::f00:baaa", 2): "Zzj0yodDxcBLnnOIwDsuKo5WqiaK24DlKg9CaGaxDFiKgKobUj2jilYQHpGFn2poFRetZd4zulyQ"
    "kssz2QHrVrPuTMS22knudCiwP4LWpVTrU4zfeA+rDz9stmSBP/4PekH/x2IoAYnwctd/xS9cL2QgW7FChw16mzlkH6/vsfs=",
    (
        "",
        "SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600",
        1,
    ): "ONx0k36rcjaxYtcNgq6iQnpNV5+drqYAsC9h7TSJ"
    "aHCqbhE67Sr6aH2xDUGcqQWu/n0UVzrFvkgO9ebarZ0GWDKcuwlM6eNB5SiX2K74l5LWDA7S/Un/IbtDq4Ay8NMNLQI7Dw7n4p8/rjkBjV7j86HyQgM5"
    "e7+miRAz8V01b0I=",
    (
        "b",
        "NSEC ns1.example. NS RRSIG NSEC",
        2,
    ): "GNuxHn844wfmUhPzGWKJCPY5ttEX/RfjDoOx9ueK1PtYkOWKOOdiJ/PJKCYB3hYX+858dDWSxb2q"
    "nV/LSTCNVBnkm6owOpysY97MVj5VQEWs0lm9tFoqjcptQkmQKYPrwUnCSNwvvclSF1xZvhRXgWT7OuFXldoCG6TfVFMs9xE=",
    (
        "",
        "NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY",
        1,
    ): "O0k558jHhyrC97ISHnislm4kLMW48C7U7cBmFTfhke5iVqNRVTB1STLMpgpbDIC9"
    "hcryoO0VZ9ME5xPzUEhbvGnHd5sfzgFVeGxr5Nyyq4tWSDBgIBiLQUv1ivy29vhXy7WgR62dPrZ0PWvmjfFJ5arXf4nPxp/kEowGgBRzY/U=",
    (
        "ns1",
        "NSEC ns2.example. A RRSIG NSEC",
        2,
    ): "I4hj+Kt6+8rCcHcUdolks2S+Wzri9h3fHas81rGN/eILdJHN7JpV6lLGPIh/8fIBkfvdyWnBjjf1"
    "q3O7JgYO1UdI7FvBNWqaaEPJK3UkddBqZIaLi8Qr2XHkjq38BeQsbp8X0+6h4ETWSGT8IZaIGBLryQWGLw6Y6X8dqhlnxJM=",
    (
        "a",
        "DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B",
        2,
    ): "oXIKit/QtdG64J/CB+Gi8dOvnwRvqrto1AdQoRkAN15FP3iZ7suB7g"
    "vTBmXzCjL7XUgQVcoHkdhyCuzp8W9qJHgRUSwKKkczSyuL64nhgjuDEML8l9wlWVsl7PR2VnZduM9bLyBhaaPmRKX/Fm+v6ccF2EGNLRiY08kdkz+X"
    "HHo=",
    (
        "*.w",
        "MX 1 ai.example.",
        2,
    ): "OMK8rAZlepfzLWW75Dxd63jy2wswESzxDKG2f9AMN1CytCd10cYISAxfAdvXSZ7xujKAtPbctvOQ2ofO7AZJ+d01EeeQ"
    "TVBPq4/6KCWhqe2XTjnkVLNvvhnc0u28aoSsG0+4InvkkOHknKxw4kX18MMR34i8lC36SR5xBni8vHI=",
    (
        "x.y.w",
        "NSEC xx.example. MX RRSIG NSEC",
        4,
    ): "OvE6WUzN2ziieJcvKPWbCAyXyP6ef8cr6CspArVSTzKSquNwbezZmkU7E34o5lmb6CWSSSpgxw09"
    "8kNUFnHcQf/LzY2zqRomubrNQhJTiDTXa0ArunJQCzPjOYq5t0SLjm6qp6McJI1AP5VrQoKqJDCLnoAlcPOPKAm/jJkn3jk=",
    (
        "*.w",
        "NSEC x.w.example. MX RRSIG NSEC",
        2,
    ): "r/mZnRC3I/VIcrelgIcteSxDhtsdlTDt8ng9HSBlABOlzLxQtfgTnn8f+aOwJIAFe1Ee5RvU5cVh"
    "QJNP5XpXMJHfyps8tVvfxSAXfahpYqtx91gsmcV/1V9/bZAG55CefP9cM4Z9Y9NT9XQ8s1InQ2UoIv6tJEaaKkP701j8OLA=",
}
"""Of the records that are used, by owner and data, with their labels: the signatures."""


def lines(owner: str, rtype: str, at: str | None = None) -> list[str]:
    """The set of `rtype` at `owner`, and its signature; at `at` where it is made from a wildcard."""
    ((data, labels, signature),) = [
        (data, labels, signature)
        for (where, data, labels), signature in SIGNED.items()
        if (where, data.split()[0]) == (owner, rtype)
    ]
    shown = f"{owner if at is None else at}.example." if owner else "example."
    rrsig = f"{rtype} 5 {labels} 3600 20040509183619 20040409183619 38519 example. {signature}"
    return [f"{shown} 3600 IN {data}", f"{shown} 3600 IN RRSIG {rrsig}"]


class In2004(ManualClock):
    """A clock that shows the spring of 2004."""

    def wall(self) -> float:
        return MAY_2004 + self.now


@dataclass
class Proving:
    """Proves the answers of a server of the zone, whose keys are known."""

    trust: Trust
    ds: Answer | None = None

    def __call__(self, asked: str, rcode: int, answer: list[str], authority: list[str]) -> Conclusion:
        qname, rtype = asked.split()
        question = zone_text.question(qname, rtype)
        message = Message(0, QR | 0x400, rcode, question, sets(answer), sets(authority))
        conclusion = classify(message, question, ZONE, 53)
        assert isinstance(conclusion, Answered | Alias | Denied | Overlong)
        steps = chain.prove(question, conclusion, message, ZONE, self.trust, Budget(Limits(), 0))
        event: Any = None
        while True:
            try:
                action = steps.send(event)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            match action:
                case Verify(checks):
                    event = Verified(tuple(map(algorithms.verify, checks)))
                case Race((lookup,)) if self.ds is not None:
                    event = Ended(lookup, Found(self.ds))
                case _:
                    raise AssertionError(action)


@pytest.fixture
def proving() -> Proving:
    (key,) = sets(ZSK)
    dnskey = read_dnskey(key.rdatas[0])
    assert dnskey.tag == 38519
    trust = Trust({ZONE: Anchor(ZONE, dnskeys=(dnskey,))}, In2004())
    trust.found(ZONE, Keys(ZONE, (dnskey,)), 3600)
    return Proving(trust)


def secure(conclusion: Conclusion) -> list[RRset]:
    """The sets of `conclusion`, all of which are secure."""
    assert isinstance(conclusion, Answered | Denied)
    found = [*conclusion.chain, *([conclusion.soa] if isinstance(conclusion, Denied) else conclusion.rrsets)]
    assert all(each is not None and each.status is Status.SECURE for each in found)
    return [each for each in found if each is not None]


def beside(rrset: RRset) -> set[bytes]:
    """The owners of what stands beside it."""
    assert rrset.proof is not None
    assert all(each.status is Status.SECURE for each in rrset.proof.beside)
    return {each.name for each in rrset.proof.beside}


@pytest.mark.rfc(4035, "B.1")
@pytest.mark.parametrize(("owner", "rtype"), [("x.w", "MX"), ("xx", "A"), ("xx", "AAAA"), ("", "SOA")])
def test_an_answer(proving: Proving, owner: str, rtype: str) -> None:
    (found,) = secure(proving(f"{owner}.example. {rtype}".lstrip("."), 0, lines(owner, rtype), []))
    assert found.ttl == 3600


@pytest.mark.rfc(4035, "B.1")
@pytest.mark.parametrize(("days", "tag"), [(-30, "SIGF"), (9, "SIGX")])
def test_an_answer_at_another_time(proving: Proving, days: int, tag: str) -> None:
    proving.trust.clock.advance(days * 86_400)  # type: ignore[attr-defined]
    (key,) = sets(ZSK)
    proving.trust.found(ZONE, Keys(ZONE, (read_dnskey(key.rdatas[0]),)), 3600)
    with pytest.raises(ResolutionFailed) as caught:
        proving("x.w.example. MX", 0, lines("x.w", "MX"), [])
    assert caught.value.tag == tag


@pytest.mark.rfc(4035, "B.2")
def test_a_name_error(proving: Proving) -> None:
    authority = [*lines("", "SOA"), *lines("b", "NSEC"), *lines("", "NSEC")]
    (soa,) = secure(proving("ml.example. A", Rcode.NXDOMAIN, [], authority))
    assert beside(soa) == {name("b.example."), ZONE}
    for less in (lines("b", "NSEC"), lines("", "NSEC")):
        with pytest.raises(ResolutionFailed) as caught:
            proving("ml.example. A", Rcode.NXDOMAIN, [], [*lines("", "SOA"), *less])
        assert caught.value.tag == "NSUN"


@pytest.mark.rfc(4035, "B.3")
def test_a_no_data_error(proving: Proving) -> None:
    (soa,) = secure(proving("ns1.example. MX", 0, [], [*lines("", "SOA"), *lines("ns1", "NSEC")]))
    assert beside(soa) == {name("ns1.example.")}


@pytest.mark.rfc(4035, "B.4")
def test_a_referral_to_a_signed_zone(proving: Proving) -> None:
    (ds,) = secure(proving("a.example. DS", 0, lines("a", "DS"), []))
    assert ds.type == Type.DS


@pytest.mark.rfc(4035, "B.5")
def test_a_referral_to_an_unsigned_zone(proving: Proving) -> None:
    referral = Message(0, QR, 0, None, (), sets(["b.example. 3600 IN NS ns1.b.example.", *lines("b", "NSEC")]))
    proving.trust.referred(name("b.example."), referral)
    found = proving("mc.b.example. A", 0, ["mc.b.example. 300 IN A 192.0.2.9"], [])
    assert isinstance(found, Answered)
    assert found.rrsets[0].status is Status.INSECURE
    assert proving.trust.link(name("b.example.")) == Unsigned(name("b.example."), Status.INSECURE)


@pytest.mark.rfc(4035, "B.6")
def test_a_wildcard_expansion(proving: Proving) -> None:
    answer = lines("*.w", "MX", "a.z.w")
    (found,) = secure(proving("a.z.w.example. MX", 0, answer, lines("x.y.w", "NSEC")))
    assert beside(found) == {name("x.y.w.example.")}
    with pytest.raises(ResolutionFailed) as caught:
        proving("a.z.w.example. MX", 0, answer, [])
    assert caught.value.tag == "NSUN"


@pytest.mark.rfc(4035, "B.7")
def test_a_wildcard_without_the_data(proving: Proving) -> None:
    authority = [*lines("", "SOA"), *lines("x.y.w", "NSEC"), *lines("*.w", "NSEC")]
    (soa,) = secure(proving("a.z.w.example. AAAA", 0, [], authority))
    assert beside(soa) == {name("x.y.w.example."), name("*.w.example.")}


@pytest.mark.rfc(4035, "B.8")
def test_a_zone_that_denies_its_own_ds_is_not_the_one_to_ask(proving: Proving) -> None:
    authority = [*lines("", "SOA"), *lines("", "NSEC")]
    found = proving("example. DS", 0, [], authority)
    assert isinstance(found, Denied)
    assert found.soa is not None
    assert found.soa.status is Status.INDETERMINATE
