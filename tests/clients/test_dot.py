"""DNS over TLS by the programs that people use: kdig and openssl."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support import heard
from tests.support.certificates import write
from tests.support.daemons import PATIENCE, Daemon
from tests.support.fixtures import Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

TLS_AT = re.compile(r"^  127\.0\.0\.1:(\d+)  TLS$", re.MULTILINE)
PIN = re.compile(r"certificate.*: pin (\S+)$", re.MULTILINE)
ANY = '["127.0.0.1:0"]'


def over_tls(printed: Print, daemon: Daemon, *words: str, code: int = 0) -> str:
    """What kdig prints when it asks over TLS."""
    (port,) = TLS_AT.findall(daemon.out.text)
    return printed("kdig", "@127.0.0.1", "-p", port, "+retry=0", "+timeout=10", *words, code=code)


@pytest.mark.rfc(7858, "4.2")
def test_kdig_trusts_an_ephemeral_certificate_by_the_pin_of_the_banner(serve: Serve, printed: Print) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    (pin,) = PIN.findall(daemon.out.text)
    reply = heard.only(over_tls(printed, daemon, f"+tls-pin={pin}", "www.example.com"))
    assert reply.data == ["A 192.0.2.80"]
    other = "A" * 43 + "="
    assert "192.0.2.80" not in over_tls(printed, daemon, f"+tls-pin={other}", "www.example.com", code=1)
    assert len(re.findall("event=ephemeral_certificate", daemon.log.text)) == 1


@pytest.mark.rfc(8310, "8.1")
def test_kdig_trusts_a_certificate_by_its_name_and_a_reload_renews_it(
    serve: Serve, printed: Print, tmp_path: Path
) -> None:
    certificate, key = write(tmp_path)
    strict = (f"+tls-ca={certificate}", "+tls-hostname=dns.example")
    daemon = serve(
        RESOLVER_SERVER__LISTEN_TLS=ANY,
        RESOLVER_SERVER__TLS_CERTIFICATE=str(certificate),
        RESOLVER_SERVER__TLS_KEY=str(key),
    )
    assert heard.only(over_tls(printed, daemon, *strict, "www.example.com")).data == ["A 192.0.2.80"]
    over_tls(printed, daemon, strict[0], "+tls-hostname=other.example", "www.example.com", code=1)
    old = certificate.read_bytes()
    write(tmp_path)
    over_tls(printed, daemon, *strict, "www.example.com", code=1)
    daemon.reload()
    assert heard.only(over_tls(printed, daemon, *strict, "www.example.com")).data == ["A 192.0.2.80"]
    renewed = certificate.read_bytes()
    certificate.write_bytes(old)
    line = daemon.reload("reload_refused")
    assert "is not the key of" in line
    certificate.write_bytes(renewed)
    assert heard.only(over_tls(printed, daemon, *strict, "www.example.com")).data == ["A 192.0.2.80"]
    # The refused reload is an error in the log, as it should be.
    daemon.signal(15)
    assert daemon.wait() == 0


@pytest.mark.rfc(8467, "4.1")
def test_kdig_pads_and_is_padded(serve: Serve, printed: Print) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    text = over_tls(printed, daemon, "+tls", "+padding", "www.example.com")
    assert heard.only(text).size == 468


def test_kdig_asks_many_questions_on_one_connection(serve: Serve, printed: Print) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    replies = heard.read(over_tls(printed, daemon, "+tls", "+keepopen", *["www.example.com"] * 20))
    assert [reply.data for reply in replies] == [["A 192.0.2.80"]] * 20
    assert daemon.control("GET", "/stats")["tls.handshakes"] == 1


@pytest.mark.rfc(9325, "3.5")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_speaks_modern_tls_and_may_not_renegotiate(
    serve: Serve, program: object, tmp_path: Path, version: str
) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    (port,) = TLS_AT.findall(daemon.out.text)
    openssl = program("openssl")  # type: ignore[operator]
    done = subprocess.run(
        [openssl, "s_client", "-connect", f"127.0.0.1:{port}", version, "-alpn", "dot"],
        input="R\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "ALPN protocol: dot" in done.stdout
    assert "Compression: NONE" in done.stdout
    if version == "-tls1_2":
        assert "RENEGOTIATING" in done.stdout + done.stderr
        assert "no renegotiation" in done.stderr
    assert daemon.control("GET", "/stats")["tls.handshakes"] == 1


def test_openssl_with_an_old_version_is_refused_and_counted(serve: Serve, program: object) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    (port,) = TLS_AT.findall(daemon.out.text)
    openssl = program("openssl")  # type: ignore[operator]
    done = subprocess.run(
        [openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode != 0
    assert "protocol version" in done.stderr
    assert daemon.control("GET", "/stats")["tls.failed"] == 1


def test_check_says_what_is_wrong_with_a_certificate(serve: Serve, tmp_path: Path) -> None:
    from tests.support.daemons import run_resolver

    certificate, _ = write(tmp_path)
    _, key = write(tmp_path, "other.example")
    text = f'[server]\nlisten_tls = ["127.0.0.1"]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n'
    (tmp_path / "resolver.toml").write_text(text)
    checked = run_resolver(tmp_path, "check")
    assert checked.returncode == 2
    assert "is not the key of" in checked.stderr
    assert len(checked.stderr.splitlines()) == 1
