"""What is said of a certificate that was refused, however odd it is."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from resolver.network.inspecting import described
from resolver.network.trust import EXPIRED, NO_ISSUER, NOT_YET, WRONG_NAME


@pytest.mark.parametrize("code", [*WRONG_NAME, EXPIRED, NOT_YET, NO_ISSUER[0], 99])
@pytest.mark.parametrize(
    "names",
    [
        b"\x30\x04\xa3\x02\x30\x00",  # an address of X.400
        b"\x30\x03\x82\x01\xff",  # a name that is no ASCII
        b"\x04\x00",  # no list of names
        b"\x30\x00",
    ],
)
def test_names_that_nobody_can_read_are_not_told_and_do_no_harm(names, code):
    said = described(certificate(names), code, "dns.example")
    assert said == "" or said.isprintable()
    assert said == "" if code in WRONG_NAME and names != b"\x30\x00" else True


def certificate(names, *, twice=False):
    """One with such octets in the extension for names, and in one that nobody knows if it is to have them `twice`."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
    )
    for number in map(x509.ObjectIdentifier, ["2.5.29.17", "2.5.29.99"][: 1 + twice]):
        builder = builder.add_extension(x509.UnrecognizedExtension(number, names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_an_extension_that_stands_there_twice_is_not_told():
    odd = certificate(b"\x30\x00", twice=True).replace(b"\x55\x1d\x63", b"\x55\x1d\x11")
    assert described(odd, WRONG_NAME[0], "dns.example") == ""


def test_what_is_no_certificate_at_all_is_not_told():
    for octets in (b"", b"\x30\x00", bytes(200)):
        assert described(octets, EXPIRED, "dns.example") == ""
