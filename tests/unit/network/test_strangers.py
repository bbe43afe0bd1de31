"""Certificates of servers, which may hold anything."""

from __future__ import annotations

import contextlib
import datetime
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from resolver.network.strangers import read
from tests.support.authorities import Authority


@pytest.fixture(scope="module")
def der(tmp_path_factory):
    signed = Authority(tmp_path_factory.mktemp("authority")).sign("dns.example")[0].read_bytes()
    return x509.load_pem_x509_certificate(signed).public_bytes(Encoding.DER)


def seen(certificate):
    """All that anybody here looks at."""
    certificate.public_key()
    return certificate.extensions, certificate.issuer.rfc4514_string(), certificate.not_valid_after_utc


def with_serial(der: bytes, octet: int) -> bytes:
    """The certificate with a serial number that begins with `octet`."""
    at = der.index(b"\xa0\x03\x02\x01\x02\x02") + 7  # behind the version: an INTEGER and its length
    return der[:at] + bytes((octet,)) + der[at + 1 :]


def test_what_is_looked_for_is_seen(der):
    ends = read(der, lambda certificate: certificate.not_valid_after_utc)
    assert ends > datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_nobody_is_warned_of_a_serial_number_below_zero(der):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with contextlib.suppress(ValueError):  # as later versions of the library have it
            read(with_serial(der, 0x80), seen)
        assert warned == []


def test_a_certificate_of_a_version_that_there_is_not_is_none(der):
    version = der.index(b"\xa0\x03\x02\x01\x02") + 4
    with pytest.raises(ValueError, match="not a valid X509 version"):
        read(der[:version] + b"\x0f" + der[version + 1 :], seen)


@given(changes=st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=4), length=st.integers(0, 1000))
def test_whatever_it_holds_it_is_read_or_it_is_not(der, changes, length):
    octets = bytearray(der)
    for at, octet in changes:
        octets[at % len(octets)] = octet
    with contextlib.suppress(ValueError):
        read(bytes(octets[:length]), seen)
