"""Client libraries of Python, unmodified, in the internet of a test: against servers on loopback."""

from __future__ import annotations

import asyncio
import http.server
import smtplib
import socketserver
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resolver.testing import Internet

Library = Callable[[str], Any]

pytestmark = [pytest.mark.sockets, pytest.mark.clients]


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 mail.shop.example ESMTP\r\n")
        in_data = False
        for line in self.rfile:
            if in_data:
                self.server.received.append(line)  # type: ignore[attr-defined]
                in_data = line != b".\r\n"
                answer = b"" if in_data else b"250 taken\r\n"
            elif line.upper().startswith(b"DATA"):
                in_data, answer = True, b"354 go on\r\n"
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                answer = b"250 good\r\n"
            self.wfile.write(answer)


def serve(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(shop: Internet) -> Iterator[str]:
    """The address of a page that says by which name it was asked for."""
    for server in serve(http.server.HTTPServer(("127.0.0.1", 0), _Page)):
        yield f"http://www.shop.example:{server.server_address[1]}/"


@pytest.fixture
def shop(dns: Internet) -> Internet:
    """A zone whose names lead to this machine."""
    dns.zone(
        "shop.example",
        {
            "@": {"MX": "10 mail"},
            "www": {"A": "127.0.0.1"},
            "mail": {"A": "127.0.0.1"},
            "_sip._tcp": {"SRV": "1 2 5060 www"},
            "text": {"TXT": '"some text"'},
            "big": {"TXT": ['"' + "x" * 200 + f'{number}"' for number in range(30)]},
        },
    )
    return dns


def host_of(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def test_urllib(shop: Internet, web: str) -> None:
    shop.patch_getaddrinfo()
    with urllib.request.urlopen(web) as page:
        assert page.read().decode() == host_of(web)
    shop.history.assert_asked("www.shop.example", "A", side="client")
    with pytest.raises(urllib.error.URLError, match="Name or service not known"):
        urllib.request.urlopen(web.replace("www", "gone"))


def test_requests(shop: Internet, web: str, library: Library) -> None:
    requests = library("requests")
    shop.patch_getaddrinfo()
    assert requests.get(web, timeout=10).text == host_of(web)
    with pytest.raises(requests.exceptions.ConnectionError, match="Name or service not known"):
        requests.get(web.replace("www", "gone"), timeout=10)


def test_httpx_in_both_its_forms(shop: Internet, web: str, library: Library) -> None:
    httpx = library("httpx")
    shop.patch_getaddrinfo()
    assert httpx.get(web).text == host_of(web)

    async def main() -> str:
        async with httpx.AsyncClient() as client:
            return str((await client.get(web)).text)

    assert asyncio.run(main()) == host_of(web)
    with pytest.raises(httpx.ConnectError, match="Name or service not known"):
        httpx.get(web.replace("www", "gone"))


def test_aiohttp_with_either_of_its_resolvers(shop: Internet, web: str, library: Library) -> None:
    """Where aiodns is installed aiohttp asks a name server by itself, and does not call getaddrinfo."""
    aiohttp = library("aiohttp")
    from aiohttp.resolver import AsyncResolver, ThreadedResolver

    shop.patch_getaddrinfo()

    async def get(make: Callable[[], object], url: str) -> str:
        connector = aiohttp.TCPConnector(resolver=make())
        async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
            return str(await response.text())

    for make in (ThreadedResolver, AsyncResolver):
        shop.flush()
        before = len(shop.history.answers())
        assert asyncio.run(get(make, web)) == host_of(web)
        assert len(shop.history.answers()) > before
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            asyncio.run(get(make, web.replace("www", "gone")))


def test_aiodns_given_the_nameserver(shop: Internet, library: Library) -> None:
    aiodns = library("aiodns")
    host, port = shop.nameserver.host, shop.nameserver.port

    async def main() -> object:
        asked = aiodns.DNSResolver(nameservers=[f"{host}:{port}"])
        try:
            return await asked.query_dns("shop.example", "MX")
        finally:
            await asked.close()

    assert "mail.shop.example" in repr(asyncio.run(main()))


def test_pycares_that_was_given_no_servers(shop: Internet, library: Library) -> None:
    pycares = library("pycares")
    shop.patch_getaddrinfo()
    told = threading.Event()
    found: list[object] = []

    def done(result: object, error: object) -> None:
        found.append((result, error))
        told.set()

    channel = pycares.Channel(timeout=5.0, tries=1)
    channel.query("text.shop.example", pycares.QUERY_TYPE_TXT, callback=done)
    assert told.wait(10)
    channel.close()
    assert "some text" in repr(found)


def test_dnspython(shop: Internet) -> None:
    import dns.resolver

    stub = shop.nameserver.resolver()
    assert [each.to_text() for each in stub.resolve("shop.example", "MX")] == ["10 mail.shop.example."]
    assert [each.to_text() for each in stub.resolve("_sip._tcp.shop.example", "SRV")] == ["1 2 5060 www.shop.example."]
    assert len(stub.resolve("big.shop.example", "TXT")) == 30
    with pytest.raises(dns.resolver.NXDOMAIN):
        stub.resolve("gone.shop.example", "A")
    assert {each.transport for each in shop.history.answers(name="big.shop.example")} == {"udp", "tcp"}


def test_dnspython_asynchronously_in_the_loop_of_a_test(shop: Internet) -> None:
    import dns.asyncresolver

    async def main() -> list[str]:
        stub = dns.asyncresolver.Resolver(configure=False)
        stub.nameservers, stub.port = [shop.nameserver.host], shop.nameserver.port
        return [each.to_text() for each in await stub.resolve("www.shop.example", "A")]

    assert asyncio.run(main()) == ["127.0.0.1"]


def test_dnspython_that_asks_the_nameservers_of_the_system(shop: Internet) -> None:
    import dns.asyncresolver
    import dns.resolver

    given = dns.resolver.Resolver(configure=False)
    given.nameservers = ["192.0.2.53"]
    before = dns.resolver.get_default_resolver()
    with shop.patch_getaddrinfo():
        assert [each.to_text() for each in dns.resolver.resolve("shop.example", "MX")] == ["10 mail.shop.example."]
        assert [each.to_text() for each in dns.resolver.Resolver().resolve("www.shop.example")] == ["127.0.0.1"]
        asked = asyncio.run(dns.asyncresolver.resolve("shop.example", "MX"))
        assert [each.to_text() for each in asked] == ["10 mail.shop.example."]
        with pytest.raises(dns.resolver.NXDOMAIN):
            dns.resolver.resolve("gone.shop.example")
        assert dns.resolver.Resolver(configure=False).nameservers == []
    assert dns.resolver.get_default_resolver() is before
    assert given.nameservers == ["192.0.2.53"]


def test_smtplib_finds_the_mail_server_by_its_mx(shop: Internet) -> None:
    shop.patch_getaddrinfo()
    server = socketserver.TCPServer(("127.0.0.1", 0), _Mail)
    server.received = []  # type: ignore[attr-defined]
    for _ in serve(server):
        (exchange,) = shop.nameserver.resolver().resolve("shop.example", "MX")
        with smtplib.SMTP(exchange.exchange.to_text(), server.server_address[1], timeout=10) as mail:
            mail.sendmail("a@other.example", ["b@shop.example"], "Subject: hello\r\n\r\nhello")
    assert b"hello\r\n" in server.received  # type: ignore[attr-defined]


def test_dig(shop: Internet, program: Callable[[str], str]) -> None:
    host, port = shop.nameserver.host, str(shop.nameserver.port)
    for transport in ("+notcp", "+tcp"):
        command = [program("dig"), f"@{host}", "-p", port, "www.shop.example", "+short", transport]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "127.0.0.1\n"
    assert str(shop.nameserver) == f"{host}:{port}"


def test_a_client_that_asks_for_what_nobody_declared_is_refused_and_told_why(shop: Internet) -> None:
    import dns.message
    import dns.query
    import dns.rcode

    query = dns.message.make_query("www.shpo.example", "A", use_edns=0)
    response = dns.query.udp(query, shop.nameserver.host, port=shop.nameserver.port, timeout=10)
    assert response.rcode() == dns.rcode.REFUSED
    assert "nobody declared www.shpo.example." in response.options[0].text  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="nobody declared"):
        shop.raise_for_undeclared()


def test_time_passes_by_itself_for_real_clients_and_can_be_moved(shop: Internet) -> None:
    stub = shop.nameserver.resolver()
    began = shop.clock.now
    stub.resolve("www.shop.example", "A")
    shop.set("www.shop.example", "A", "192.0.2.9")
    assert shop.clock.now > began
    shop.clock.advance("61s")
    assert [each.to_text() for each in stub.resolve("www.shop.example", "A")] == ["192.0.2.9"]
