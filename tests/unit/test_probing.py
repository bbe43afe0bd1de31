"""What a check asks of a member, by the settings of its pool."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from resolver import probing
from resolver.config import Config
from resolver.config.sections.pools import Pool
from resolver.config.upstreams import upstream
from resolver.errors import ConfigError
from resolver.message import Question, Type
from resolver.network.base import Network
from resolver.network.entropy import SeededEntropy
from resolver.network.probes import DnsProbe
from resolver.network.stream_probes import StreamProbe
from resolver.wire import names
from tests.support import certificates
from tests.support.clocks import ManualClock


def pool(**said: Any) -> Pool:
    return Pool.model_validate({"members": ["192.0.2.1"], **said})


def made(settings: Pool, member: str) -> Any:
    """What checks that member."""

    async def main() -> Any:
        network: Network = None  # type: ignore[assignment]
        probe = probing.probing("office", settings, network, ManualClock(), SeededEntropy(1))
        return None if probe is None else probe(upstream(member))

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "member", "port"),
    [
        ("tcp", "192.0.2.1", 53),
        ("tcp", "tls://192.0.2.1", 853),
        ("tls", "tls://192.0.2.1:8853", 8853),
        ("tls", "https://192.0.2.1/dns-query", 443),
        ("tls", "192.0.2.1", 853),
        ("http", "192.0.2.1", 80),
        ("http", "https://192.0.2.1", 80),
        ("https", "192.0.2.1", 443),
        ("https", "https://192.0.2.1:8443", 8443),
        ("https", "tls://192.0.2.1", 443),
    ],
)
def test_a_stream_leads_to_the_members_own_port_where_that_is_spoken_there(kind: str, member: str, port: int):
    assert probing.place(pool(check=kind), upstream(member)) == ("192.0.2.1", port)
    assert probing.place(pool(check=kind, check_port=7), upstream(member)) == ("192.0.2.1", 7)


def test_nothing_checks_where_nothing_is_to():
    assert made(pool(check="none"), "192.0.2.1") is None


def test_a_query_is_for_what_is_wanted():
    probe = made(pool(check_name="www.example.com", check_type="A", check_answer="192.0.2.80"), "tcp://192.0.2.1:5353")
    assert isinstance(probe, DnsProbe)
    assert probe._wanted.question == Question(names.from_text("www.example.com"), Type.A)
    assert probe._wanted.rdatas == (bytes((192, 0, 2, 80)),)
    assert probe._wanted.rcodes == {0, 3}
    assert (probe._to, probe._transport) == (("192.0.2.1", 5353), "tcp")


@pytest.mark.parametrize(
    ("said", "member", "name"),
    [
        ({}, "tls://192.0.2.1#dns.example", "dns.example"),
        ({}, "tls://192.0.2.1", "192.0.2.1"),
        ({"check_host": "other.example"}, "tls://192.0.2.1#dns.example", "other.example"),
    ],
)
def test_a_certificate_must_be_for_the_name_that_is_set_or_that_of_the_member_or_its_address(
    said: dict[str, Any], member: str, name: str
):
    probe = made(pool(check="tls", check_certificate_days=7, **said), member)
    assert isinstance(probe, StreamProbe)
    assert probe._tls is not None
    assert (probe._tls.name, probe._tls.days) == (name, 7)
    assert probe._http is None


def test_a_request_is_for_what_is_wanted():
    probe = made(pool(check="http", check_path="/health", check_status=[204], check_body="üp"), "[2001:db8::1]:53")
    assert probe._tls is None
    assert probe._http == ("[2001:db8::1]", "/health", ((204, 204),), "üp".encode())


def test_a_file_of_authorities_that_cannot_be_used_is_told_before_it_is_needed(tmp_path: Path):
    (tmp_path / "none.pem").write_text("nothing")
    for path, problem in (("gone.pem", "cannot be read"), ("none.pem", "has no usable certificate")):
        said = {"members": ["192.0.2.1"], "check": "https", "tls_ca": str(tmp_path / path)}
        with pytest.raises(ConfigError, match=rf"pools\.office\.tls_ca: .*{path} {problem}"):
            probing.certify(Config.model_validate({"pools": {"office": said}}))


def test_the_context_of_checks_is_made_once_and_speaks_of_what_may_be_behind(tmp_path: Path):
    authority, _ = certificates.write(tmp_path)
    settings = pool(check="tls", tls_ca=str(authority))
    probing.certify(Config().model_copy(update={"pools": {"office": settings}}))
    probe = made(settings, "tls://192.0.2.1")
    assert probe._tls.context() is probe._tls.context()
    assert [each["subject"] for each in probe._tls.context().get_ca_certs()] == [((("commonName", "dns.example"),),)]


PIN = "A" * 43 + "="


@pytest.mark.rfc(7858, "4.2")
def test_pins_of_a_member_hold_where_its_own_port_is_checked() -> None:
    def pinned(address: str, **said: Any) -> Any:
        settings = Pool.model_validate({"members": [{"address": address, "pins": [PIN]}], "check": "tls", **said})
        return made(settings, settings.members[0].upstream)._tls

    alone = pinned("tls://192.0.2.1")
    assert (alone.pins, alone.context().verify_mode) == ({bytes(32)}, ssl.CERT_NONE)
    assert alone.context() is alone.context()
    named = pinned("tls://192.0.2.1#dns.example")
    assert (named.pins, named.context().verify_mode) == ({bytes(32)}, ssl.CERT_REQUIRED)
    elsewhere = pinned("tls://192.0.2.1", check_port=8443)
    assert (elsewhere.pins, elsewhere.context().verify_mode) == (frozenset(), ssl.CERT_REQUIRED)
