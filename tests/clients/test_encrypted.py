"""DNS over TLS and HTTPS by the programs that people use: kdig, openssl and curl."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import heard
from tests.support.certificates import write
from tests.support.daemons import PATIENCE, Daemon
from tests.support.fixtures import Print, Serve

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

TLS_AT = re.compile(r"^  127\.0\.0\.1:(\d+)  TLS$", re.MULTILINE)
HTTPS_AT = re.compile(r"^  https://127\.0\.0\.1:(\d+)/dns-query$", re.MULTILINE)
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


# -- HTTPS

QUERY = base64.urlsafe_b64encode(bytes.fromhex("00000100000100000000000003777777076578616d706c6503636f6d0000010001"))
QUERY = QUERY.rstrip(b"=")


def https_port(daemon: Daemon) -> str:
    """The port of HTTPS."""
    (port,) = HTTPS_AT.findall(daemon.out.text)
    return str(port)


def curl(program: object, *words: str) -> subprocess.CompletedProcess[bytes]:
    """What curl does, which trusts anybody."""
    argv = [program("curl"), "-sk", "--max-time", "10", *words]  # type: ignore[operator]
    return subprocess.run(argv, capture_output=True, timeout=PATIENCE)


@pytest.mark.rfc(8484, "4.1")
def test_kdig_asks_over_https_by_post_and_by_get_and_trusts_the_pin_of_the_banner(serve: Serve, printed: Print) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_HTTPS=ANY)
    (pin,) = PIN.findall(daemon.out.text)
    to = ("kdig", "@127.0.0.1", "-p", https_port(daemon), "+retry=0", "+timeout=10")
    for how in ("+https", "+https-get", "+https=/dns-query"):
        text = printed(*to, how, f"+tls-pin={pin}", "+padding", "www.example.com")
        reply = heard.only(text)
        assert (reply.data, reply.size) == (["A 192.0.2.80"], 468)
        assert "HTTP/2-" in text
        assert "status: 200" in text
    assert "404" in printed(*to, "+https=/elsewhere", "www.example.com", code=1)
    counts = daemon.control("GET", "/stats")
    assert (counts["queries.https"], counts["https.refused"]) == (3, 1)


@pytest.mark.rfc(8484, "5.1")
@pytest.mark.parametrize(("version", "said"), [("--http2", b"HTTP/2 200"), ("--http1.1", b"HTTP/1.1 200")])
def test_curl_asks_by_either_version_of_http(serve: Serve, program: object, version: str, said: bytes) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_HTTPS=ANY)
    url = f"https://127.0.0.1:{https_port(daemon)}/dns-query"
    done = curl(program, version, "-D", "-", f"{url}?dns={QUERY.decode()}", f"{url}?dns={QUERY.decode()}")
    assert done.stdout.count(said) == 2
    assert len(re.findall(rb"(?i)cache-control: max-age=\d{4}\r", done.stdout)) == 2
    assert done.stdout.count(bytes((192, 0, 2, 80))) == 2
    refused = curl(program, version, "-w", " %{http_code}", "-d", "{}", "-H", "content-type: application/json", url)
    assert refused.stdout.endswith(b" 415")
    assert b"application/dns-message" in refused.stdout
    assert daemon.control("GET", "/stats")["tls.handshakes"] == 2


def test_curl_resolves_names_by_https(serve: Serve, program: object) -> None:
    """What it then connects to is a simulated server, which refuses it."""
    daemon = serve(RESOLVER_SERVER__LISTEN_HTTPS=ANY)
    url = f"https://127.0.0.1:{https_port(daemon)}/dns-query"
    argv = ("--doh-url", url, "--doh-insecure", "-4", "-v", "http://a.nic.com:9/")
    assert b"Trying 127.53.1.1:9" in curl(program, *argv).stderr
    assert daemon.control("GET", "/stats")["queries.https"] >= 1


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", ["LISTEN_TLS", "LISTEN_HTTPS"])
def test_openssl_resumes_its_session(serve: Serve, program: object, tmp_path: Path, version: str, kind: str) -> None:
    daemon = serve(**{f"RESOLVER_SERVER__{kind}": ANY})
    (port,) = TLS_AT.findall(daemon.out.text) if kind == "LISTEN_TLS" else [https_port(daemon)]
    openssl = program("openssl")  # type: ignore[operator]
    sessions = [tmp_path / "first", tmp_path / "second"]
    for session, more in zip(sessions, ([], ["-sess_in", str(sessions[0])]), strict=True):
        argv = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", version, "-sess_out", str(session), *more]
        if version == "-tls1_2":
            subprocess.run(argv, input=b"", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE)
            continue
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            deadline = time.monotonic() + PATIENCE
            while not (session.exists() and session.stat().st_size):  # it comes after the handshake
                assert time.monotonic() < deadline
                time.sleep(0.01)
            one.terminate()
    counts = daemon.control("GET", "/stats")
    assert (counts["tls.handshakes"], counts["tls.resumed"]) == (2, 1)


def test_clients_are_shown_the_certificate_for_their_name_and_open_connections_outlive_a_renewal(
    serve: Serve, tmp_path: Path
) -> None:
    places = []
    for name in ("dns.example", "other.example"):
        (tmp_path / name).mkdir()
        places.append(write(tmp_path / name, name))
    daemon = serve(
        RESOLVER_SERVER__LISTEN_TLS=ANY,
        RESOLVER_SERVER__TLS_CERTIFICATE=str([str(each) for each, _ in places]).replace("'", '"'),
        RESOLVER_SERVER__TLS_KEY=str([str(each) for _, each in places]).replace("'", '"'),
        RESOLVER_SERVER__TLS_WATCH_S="0.1",
    )
    (port,) = TLS_AT.findall(daemon.out.text)

    def connect(name: str, trusted: Path) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(trusted))
        plain = socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE)
        return context.wrap_socket(plain, server_hostname=name)

    def ask(over: ssl.SSLSocket) -> bytes:
        wire = base64.urlsafe_b64decode(QUERY + b"=")
        over.sendall(len(wire).to_bytes(2, "big") + wire)
        return over.recv(512)

    certificates = [each for each, _ in places]
    open_ones = [connect(name, each) for name, each in zip(("dns.example", "other.example"), certificates, strict=True)]
    for each in open_ones:
        assert ask(each).endswith(bytes((192, 0, 2, 80)))
    write(tmp_path / "other.example", "other.example")
    daemon.log.wait_for("event=certificate_renewed")
    with connect("other.example", certificates[1]) as renewed:
        assert ask(renewed).endswith(bytes((192, 0, 2, 80)))
    for each in open_ones:
        assert ask(each).endswith(bytes((192, 0, 2, 80)))
        each.close()


def test_a_client_that_calls_us_by_no_name_leaves_no_word_in_the_log(serve: Serve) -> None:
    daemon = serve(RESOLVER_SERVER__LISTEN_TLS=ANY)
    (port,) = TLS_AT.findall(daemon.out.text)
    said, heard_by_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(heard_by_us, said, server_hostname="dns.example")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE) as client:
        client.sendall(said.read().replace(b"dns.example", b"\xff\xfe\xfd.example"))
        while client.recv(512):
            pass
    assert daemon.control("GET", "/stats")["tls.failed"] == 1
    assert "Traceback" not in daemon.log.text
    assert "internal_error" not in daemon.log.text
