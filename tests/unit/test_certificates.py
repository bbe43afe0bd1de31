from __future__ import annotations

import base64
import hashlib
import io
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from resolver import certificate_files, certificates
from resolver.config import Config
from resolver.daemon import unraisable_logged
from resolver.errors import ConfigError
from resolver.message import Transport
from resolver.observe.log import Log
from tests.support.certificates import write


def server(**settings):
    return Config.model_validate({"server": {"listen_tls": ["127.0.0.1:0"], **settings}}).server


def files(certificate, key):
    return server(tls_certificate=str(certificate), tls_key=str(key))


def presented(context):
    """The certificate that a client of `context` sees."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answering = threading.Thread(target=lambda: context.wrap_socket(ours, server_side=True).close())
        answering.start()
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with trusting.wrap_socket(theirs) as tls:
            der = tls.getpeercert(True)
        answering.join()
    return x509.load_der_x509_certificate(der)


def pin_of(certificate):
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def refused(settings, now=None):
    with pytest.raises(ConfigError) as caught:
        certificates.shown(settings, time.time() if now is None else now)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.rfc(7858, "4.2")
def test_without_files_a_certificate_is_made_that_can_be_trusted_by_its_pin():
    made = certificates.shown(server(listen_tls=["192.0.2.1:853", "[::]:853"], identity="ns1.example"), time.time())
    seen = presented(made.contexts[Transport.TLS])
    assert pin_of(seen) == made.pin
    names = seen.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "ns1.example"}
    assert {str(each) for each in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "192.0.2.1", "::"}
    assert made.ephemeral is not None


def test_an_identity_that_is_no_host_name_is_no_name_of_the_certificate():
    assert certificates.shown(server(identity="resolverd 1.0"), 0.0).ephemeral == {"localhost", "127.0.0.1", "::1"}


def test_an_ephemeral_certificate_stays_until_its_names_change():
    first = certificates.shown(server(), 0.0)
    assert certificates.shown(server(), 1.0, first) is first
    assert certificates.shown(server(identity="ns1.example"), 1.0, first).pin != first.pin


@pytest.mark.rfc(9325, "3.1.1")
@pytest.mark.rfc(9325, "4.2")
def test_what_is_spoken_is_modern_tls():
    context = certificates.shown(server(), 0.0).contexts[Transport.TLS]
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert {each["kea"] for each in context.get_ciphers()} <= {"kx-ecdhe", "kx-any"}
    assert all(each["aead"] for each in context.get_ciphers())


def test_a_certificate_in_files_is_shown(tmp_path: Path):
    certificate, key = write(tmp_path)
    made = certificates.shown(files(certificate, key), time.time())
    assert made.ephemeral is None
    assert presented(made.contexts[Transport.TLS]).public_bytes(serialization.Encoding.PEM) == certificate.read_bytes()
    assert pin_of(x509.load_pem_x509_certificate(certificate.read_bytes())) == made.pin


def test_files_are_read_anew_each_time(tmp_path: Path):
    before = certificates.shown(files(*write(tmp_path)), time.time())
    after = certificates.shown(files(*write(tmp_path)), time.time(), before)
    assert before.pin != after.pin


def test_what_another_process_is_started_with_is_shown_once_whatever_is_in_the_files_by_then(tmp_path: Path):
    certificate, key = write(tmp_path)
    settings = files(certificate, key)
    before = certificates.shown(settings, time.time())
    certificate.write_text("being renewed")
    given = certificates.inherited(before, settings)
    again = certificates.shown(settings, time.time(), given)
    assert again == before
    with pytest.raises(ConfigError, match="no certificate in PEM"):
        certificates.shown(settings, time.time(), again)
    other = files(*write(tmp_path, "other.example"))
    assert certificates.shown(other, time.time(), given).pin != before.pin
    assert certificates.inherited(None, settings) is None


def test_an_ephemeral_certificate_that_another_process_is_started_with_is_that_one():
    before = certificates.shown(server(), time.time())
    assert certificates.shown(server(), time.time(), certificates.inherited(before, server())).pin == before.pin


def test_what_is_wrong_is_told_in_one_line(tmp_path: Path):
    certificate, key = write(tmp_path)
    other, its_key = write(tmp_path, "other.example")
    text = refused(files(certificate, its_key))
    assert text.startswith(f"server.tls_key: {its_key} is not the key of {certificate}; give")
    assert refused(files(key, key)).startswith(f"server.tls_certificate: {key} has no certificate in PEM; give")
    text = refused(files(certificate, certificate))
    assert text.startswith(f"server.tls_key: {certificate} cannot be used with {certificate} (")
    missing = tmp_path / "missing"
    assert "missing cannot be read: No such file" in refused(files(missing, key))
    assert refused(files(certificate, missing)).startswith("server.tls_key: ")
    assert other.exists()


def test_a_key_with_a_passphrase_asks_nobody_for_it(tmp_path: Path):
    certificate, key = write(tmp_path, passphrase=b"secret")
    assert f"{key} has a passphrase; write it without one" in refused(files(certificate, key))


def test_a_certificate_that_has_expired_is_refused(tmp_path: Path):
    certificate, key = write(tmp_path, began=-10, days=9)
    assert "expired at 20" in refused(files(certificate, key))
    made = certificates.shown(files(certificate, key), time.time() - 2 * 86_400)
    assert made.ephemeral is None, "it is the clock that is handed in that counts"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path):
    certificate, key = write(tmp_path)
    key.chmod(0)
    assert f"server.tls_key: {key} cannot be read: Permission denied" in refused(files(certificate, key))


def test_what_is_no_file_or_far_too_large_is_not_waited_for(tmp_path: Path):
    certificate, key = write(tmp_path)
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    with large.open("wb") as opened:
        opened.truncate(certificate_files.MAX_OCTETS + 1)
    assert f"server.tls_certificate: {pipe} is no regular file" in refused(files(pipe, key))
    assert f"server.tls_key: {pipe} is no regular file" in refused(files(certificate, pipe))
    assert f"{large} is larger than 1048576 octets" in refused(files(large, key))
    assert "is no regular file" in refused(files(tmp_path, key))


def test_a_name_of_an_odd_kind_is_no_name(tmp_path: Path):
    x400 = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x03\xa3\x01\x00")
    shown = certificates.shown(files(*write(tmp_path, names=x400)), time.time())
    assert shown.pin


def test_a_key_that_is_too_small_is_told_with_its_certificate(tmp_path: Path):
    certificate, key = write(tmp_path, key=ec.generate_private_key(ec.SECP192R1()))
    assert f"server.tls_certificate: {certificate} has a key that is too small; make one of" in refused(
        files(certificate, key)
    )


def swapping(monkeypatch, swap, times=1):
    """The next so many readings are followed by `swap`."""
    read, left = certificate_files.read, [times]

    def reading(*what):
        try:
            return read(*what)
        finally:
            if left[0]:
                left[0] -= 1
                swap()

    monkeypatch.setattr(certificate_files, "read", reading)


def test_files_that_are_swapped_while_they_are_read_are_shown_as_they_are_then(tmp_path: Path, monkeypatch):
    (tmp_path / "new").mkdir()
    now, new = write(tmp_path), write(tmp_path / "new")

    def swap():
        for old, fresh in zip(now, new, strict=True):
            fresh.replace(old)

    swapping(monkeypatch, swap)
    shown = certificates.shown(files(*now), time.time())
    for context in shown.contexts.values():
        assert pin_of(presented(context)) == shown.pin


def test_a_pair_of_which_only_one_was_there_when_it_was_read_is_read_again(tmp_path: Path, monkeypatch):
    certificate, key = write(tmp_path)
    kept = key.read_bytes()
    key.write_bytes(kept[:50])
    swapping(monkeypatch, lambda: key.write_bytes(kept))
    assert certificates.shown(files(certificate, key), time.time()).pin


def test_files_that_change_whenever_they_are_read_are_an_error(tmp_path: Path, monkeypatch):
    certificate, key = write(tmp_path)
    swapping(monkeypatch, lambda: write(tmp_path), times=100)
    assert "changes whenever it is read" in refused(files(certificate, key))


def several(tmp_path, *names, days=3650):
    pairs = []
    for number, name in enumerate(names):
        (tmp_path / str(number)).mkdir()
        pairs.append(write(tmp_path / str(number), name, days=days - number))
    return server(tls_certificate=[str(each) for each, _ in pairs], tls_key=[str(each) for _, each in pairs])


def spoken(shown, transport, name, version=None, session=None, client=None):
    """A handshake in memory with who calls us by `name`: the client's end and ours."""
    if client is None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.set_alpn_protocols(["h2", "dot"])
        if version is not None:
            client.maximum_version = version
    to_us, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_us, server_hostname=name, session=session)
    ours = shown.contexts[transport].wrap_bio(to_us, to_client, server_side=True)
    done = set()
    for _ in range(4):
        for end in (theirs, ours):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
    assert len(done) == 2
    ours.write(b"x")
    assert theirs.read(1) == b"x"
    return theirs, ours, client


def name_shown(end):
    certificate = x509.load_der_x509_certificate(end.getpeercert(True))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)[0]


@pytest.mark.rfc(6066, "3")
def test_of_several_certificates_the_one_is_shown_that_is_for_the_name_of_the_client(tmp_path):
    shown = certificates.shown(several(tmp_path, "dns.example", "other.example", "*.wild.example"), time.time())
    for name, seen in (
        ("dns.example", "dns.example"),
        ("OTHER.example", "other.example"),
        ("a.wild.example", "*.wild.example"),
        ("a.b.wild.example", "dns.example"),
        ("unknown.example", "dns.example"),
        (None, "dns.example"),
    ):
        theirs, ours, _ = spoken(shown, Transport.HTTPS, name)
        assert name_shown(theirs) == seen
        assert ours.server_name == (name or "").lower()
        assert ours.selected_alpn_protocol() == "h2"
    assert spoken(shown, Transport.TLS, "other.example")[1].selected_alpn_protocol() == "dot"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["dns.example", "other.example"])
def test_sessions_are_resumed_whichever_certificate_is_shown(tmp_path, version, name):
    shown = certificates.shown(several(tmp_path, "dns.example", "other.example"), time.time())
    first, _, client = spoken(shown, Transport.TLS, name, version)
    again, ours, _ = spoken(shown, Transport.TLS, name, version, first.session, client)
    assert again.session_reused
    assert ours.session_reused


def test_a_certificate_that_nobody_would_be_shown_is_an_error(tmp_path):
    settings = several(tmp_path, "dns.example", "dns.example")
    what = "is for no name that one before it is not for, so nobody would be shown it"
    assert f"{settings.tls_certificate[1]} {what}" in refused(settings)


def test_what_is_shown_knows_when_the_first_of_its_certificates_expires(tmp_path):
    settings = several(tmp_path, "a.example", "b.example", days=10)
    assert 7.9 < (certificates.shown(settings, time.time()).until - time.time()) / 86400 < 8.1


def test_a_client_that_calls_us_by_what_is_no_name_is_refused_and_nothing_is_logged():
    shown = certificates.shown(server(), time.time())
    to_us, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs = client.wrap_bio(to_client, to_us, server_hostname="dns.example")
    with pytest.raises(ssl.SSLWantReadError):
        theirs.do_handshake()
    to_us.write(to_us.read().replace(b"dns.example", b"\xff\xfe\xfd.example"))
    ours = shown.contexts[Transport.TLS].wrap_bio(to_us, to_client, server_side=True)
    out = io.StringIO()
    with unraisable_logged(Log(out, time.time)), pytest.raises(ssl.SSLError):
        ours.do_handshake()
    assert out.getvalue() == ""


def test_what_else_cannot_be_raised_is_logged():
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    out = io.StringIO()
    with unraisable_logged(Log(out, time.time)):
        made = Broken()
        del made
    assert "event=internal_error" in out.getvalue()
    assert "ValueError('broken')" in out.getvalue()
