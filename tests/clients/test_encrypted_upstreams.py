"""Upstreams over TLS and HTTPS that other people wrote: Debian's unbound and knot-resolver, asked by our network."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from resolver.message import Edns, Question, Transport
from resolver.network import pins
from resolver.network.base import Endpoint, Trouble
from resolver.network.base import Upstream as Named
from resolver.network.encrypted import Terms
from resolver.network.sockets import SocketNetwork
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support.authorities import Authority
from tests.support.fixtures import Ask, Serve
from tests.support.sockets import Inbox, network
from tests.support.upstreams import PATH, Kresd, Unbound, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

NAME = "dns.example"
Program = Callable[[str], str]
ENCRYPTED = [Transport.TLS, Transport.HTTPS]
PER_S = 150
"""Queries a second of a load."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start(authority: Authority, program: Program, tmp_path: Path) -> Iterator[Callable[..., Upstream]]:
    """`start(Unbound, "dns.example", days=3)`: one that runs until the test ends, with such a certificate."""
    started: list[Upstream] = []

    def begin(kind: type[Upstream], *names: str, **validity: int) -> Upstream:
        path, certificate = program(kind.program), authority.sign(*names, **validity)
        started.append(kind(tmp_path / str(len(started)), certificate, path))
        return started[-1]

    try:
        yield begin
    finally:
        for each in started:
            each.stop()


def on_a_loop(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


def terms(
    world: SocketNetwork,
    there: Upstream,
    transport: Transport,
    ca: str,
    name: str = NAME,
    *,
    gets: bool = False,
    pins: Sequence[bytes] = (),
) -> Terms:
    """How `there` is spoken to over `transport`."""
    named = Named(there.at(transport), transport, name, PATH if transport is Transport.HTTPS else "", frozenset(pins))
    context = world.encrypted().context(ca, transport, checked=not named.is_known_by_pins_alone)
    return Terms(named, context, gets)


def pin_of(there: Upstream) -> bytes:
    """The pin of the key that `there` has."""
    assert there.certificate is not None
    return pins.pin_of(x509.load_pem_x509_certificate(there.certificate[0].read_bytes()))


def query(number: int) -> bytes:
    name = names.from_text(f"n{number}.example.")
    return render_query(number, Question(name, 1), rd=True, edns=Edns())


def is_answered(came: bytes | Trouble, number: int, there: Upstream) -> bool:
    """Whether `came` is the answer of `there` to the query of that number."""
    if isinstance(came, Trouble):
        return False
    message = parse(came)
    rdata = bytes(map(int, there.address.split(".")))
    return message.id == number and [rrset.rdatas for rrset in message.answer] == [(rdata,)]


async def asked(world: SocketNetwork, how: Terms, number: int) -> bytes | Trouble:
    inbox = Inbox()
    world.encrypted().send(how, query(number), inbox)
    return (await inbox.wait_for(1))[0]


@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_questions_are_answered_over_one_connection_each(
    start: Any, authority: Authority, kind: type[Upstream]
) -> None:
    there = start(kind, NAME, "127.0.0.1")

    async def main() -> None:
        world = network()
        for count, how in enumerate(
            [
                terms(world, there, Transport.TLS, authority.pem),
                terms(world, there, Transport.HTTPS, authority.pem),
                terms(world, there, Transport.TLS, authority.pem, name=""),
                terms(world, there, Transport.HTTPS, authority.pem, gets=True),
            ],
            1,
        ):
            came = await asyncio.gather(*(asked(world, how, number) for number in range(1, 80)))
            assert all(is_answered(each, number, there) for number, each in enumerate(came, 1)), how
            counts = world.counts()
            assert counts["upstream.tls_handshakes"] == counts["upstream.tls_connections"] == count
        assert world.counts()["upstream.tls_sent"] == world.counts()["upstream.https_sent"] == 2 * 79

    on_a_loop(main())


@pytest.mark.rfc(8310, "8.1")
@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_a_certificate_that_does_not_hold_is_told_and_nothing_is_asked(
    start: Any, authority: Authority, tmp_path: Path, kind: type[Upstream]
) -> None:
    there = start(kind, "other.example", began=-9, days=20)
    stranger = Authority(tmp_path, "Stranger")

    async def main(expected: list[tuple[str, str]]) -> None:
        world = network()
        for transport in ENCRYPTED:
            for ca, why in expected:
                came = await asked(world, terms(world, there, transport, ca), 1)
                assert str(came).startswith(f"{Trouble.UNTRUSTED}: {why}"), came

    unknown = (stranger.pem, "CN=Test Authority signed it, of whom nobody trusted here vouches")
    on_a_loop(main([(authority.pem, "it is for other.example, not for dns.example"), unknown]))
    there.stop()
    there.certificate = authority.sign(NAME, began=-9, days=3)
    there.start()
    on_a_loop(main([(authority.pem, "it expired on ")]))


@pytest.mark.rfc(7858, "4.2")
@pytest.mark.parametrize("kind", [Unbound, Kresd])
def test_who_has_a_pinned_key_is_asked_and_who_has_another_is_not(
    start: Any, authority: Authority, kind: type[Upstream]
) -> None:
    there = start(kind, "other.example", began=-9, days=3)
    right, wrong = pin_of(there), bytes(32)

    async def main() -> None:
        world = network()
        for number, transport in enumerate(ENCRYPTED, 1):
            how = terms(world, there, transport, authority.pem, name="", pins=(wrong, right))
            assert is_answered(await asked(world, how, number), number, there)
            came = await asked(world, terms(world, there, transport, authority.pem, name="", pins=(wrong,)), 9)
            assert (
                str(came) == f"{Trouble.UNTRUSTED}: the pin of its key is {pins.shown(right)}, and not one of those "
                "in `pins`"
            )
            named = await asked(world, terms(world, there, transport, authority.pem, pins=(right,)), 9)
            assert str(named).startswith(f"{Trouble.UNTRUSTED}: it "), "with a name, certificate and key must be right"

    on_a_loop(main())


async def load(numbers: range, answered: Callable[[int], Coroutine[Any, Any, bool]]) -> list[bool]:
    """What came of each of them, asked `PER_S` a second."""
    tasks = []
    for number in numbers:
        tasks.append(asyncio.ensure_future(answered(number)))
        await asyncio.sleep(1 / PER_S)
    return await asyncio.gather(*tasks)


async def restarted_under(running: Coroutine[Any, Any, list[bool]], restarting: Upstream) -> list[bool]:
    """What came of a load during which `restarting` was gone for a moment."""
    loop, outcome = asyncio.get_running_loop(), asyncio.ensure_future(running)
    await loop.run_in_executor(None, restarting.stop)
    await loop.run_in_executor(None, restarting.start)
    return await outcome


@pytest.mark.parametrize(("kind", "transport"), [(Unbound, Transport.TLS), (Kresd, Transport.HTTPS)])
def test_a_restart_under_load_is_told_of_each_query_that_it_costs(
    start: Any, authority: Authority, kind: type[Upstream], transport: Transport
) -> None:
    there = start(kind, NAME)

    async def main() -> None:
        world = network()
        how = terms(world, there, transport, authority.pem)
        told: list[Trouble] = []

        async def answered(number: int) -> bool:
            came = await asked(world, how, number)
            if isinstance(came, Trouble):
                told.append(came)
                return True
            return is_answered(came, number, there)

        assert all(await restarted_under(load(range(1, 150), answered), there))
        assert {each.kind for each in told} <= {Trouble.REFUSED, Trouble.RESET}
        assert is_answered(await asked(world, how, 300), 300, there), "it is asked again"
        assert world.counts()["upstream.tls_handshakes"] < 16

    on_a_loop(main())


def configured(directory: Path, authority: Authority, *members: str, pins: Sequence[str] = ()) -> tuple[str, str]:
    """The words of a daemon that has all names resolved by `members`, each with one of `pins`, if there are any."""
    pinned = f", pins = {json.dumps(pins)}" if pins else ""
    listed = ", ".join(f'{{ address = "{each}"{pinned} }}' for each in members)
    (directory / "resolver.toml").write_text(
        f"""
[server]
listen = ["127.0.0.1:0"]
[resolver]
roots = "internet"
forward_zones = {{ "." = "office" }}
[dnssec]
validation = false
[pools.office]
members = [{listed}]
tls_ca = "{authority.ca}"
policy = "round-robin"
check_name = "check.example"
check_type = "A"
"""
    )
    return ("--config", "resolver.toml")


def url(there: Upstream, transport: Transport, name: str = NAME) -> str:
    return f"{transport}://{there.at(transport)}{PATH if transport is Transport.HTTPS else ''}#{name}"


def test_no_client_notices_that_one_of_two_upstreams_restarts(
    start: Any, authority: Authority, serve: Serve, tmp_path: Path
) -> None:
    unbound, kresd = start(Unbound, NAME), start(Kresd, NAME)
    members = url(unbound, Transport.TLS), url(kresd, Transport.HTTPS)
    daemon = serve(*configured(tmp_path, authority, *members))

    async def main() -> None:
        world, at = network(), Endpoint(daemon.host, daemon.port)
        seen: set[str] = set()

        async def answered(number: int) -> bool:
            inbox = Inbox()
            world.send(at, query(number), Transport.UDP, inbox)
            (came,) = await inbox.wait_for(1)
            who = [each for each in (unbound, kresd) if is_answered(came, number, each)]
            seen.update(each.program for each in who)
            return len(who) == 1

        for number in range(400, 404):
            assert await answered(number)
        assert seen == {"unbound", "kresd"}, "both are asked, before one is gone"
        assert all(await restarted_under(load(range(1, 160), answered), unbound))

    on_a_loop(main())
    daemon.reload()
    stats = daemon.control("GET", "/stats")
    assert stats["upstream.tls_sent"] > 0
    assert stats["upstream.https_sent"] > 30
    assert stats["upstream.tls_handshakes"] < 16, "connections are kept, also over a reload"


def test_a_client_is_told_what_is_wrong_with_the_certificate_of_an_upstream(
    start: Any, authority: Authority, serve: Serve, kdig: Ask, tmp_path: Path
) -> None:
    there = start(Unbound, NAME)
    daemon = serve(*configured(tmp_path, authority, url(there, Transport.TLS, "wrong.example")))
    reply = kdig(daemon, "www.example", "+edns")
    assert reply.status == "SERVFAIL"
    why = "its certificate is refused: it is for dns.example, not for wrong.example"
    assert why in reply.text
    daemon.log.wait_for(rf'event=upstream_refused upstream=tls://\S+#wrong.example reason="{why}"')
    configured(tmp_path, authority, url(there, Transport.TLS))
    daemon.reload()
    assert kdig(daemon, "www.example").data == [f"A {there.address}"]
    authority.ca.write_text("nothing")
    try:
        assert "has no usable certificate in PEM" in daemon.reload("reload_refused")
        assert kdig(daemon, "other.example").data == [f"A {there.address}"]
    finally:
        authority.ca.write_text(authority.pem)
    daemon.signal(15)  # the refused reload is an error in the log, as it should be
    assert daemon.wait() == 0


EXPLAINING = {"RESOLVER_LOG__QUERIES": "true", "RESOLVER_LOG__EXPLANATIONS": "true"}


def test_a_key_that_is_not_pinned_is_told_wherever_somebody_looks(
    start: Any, authority: Authority, serve: Serve, kdig: Ask, tmp_path: Path
) -> None:
    there = start(Unbound, NAME)
    to, right, wrong = url(there, Transport.TLS), pins.shown(pin_of(there)), pins.shown(bytes(32))
    daemon = serve(*configured(tmp_path, authority, to, pins=[wrong]), **EXPLAINING)
    why = f"its certificate is refused: the pin of its key is {right}, and not one of those in `pins`"
    reply = kdig(daemon, "www.example", "+edns")
    assert reply.status == "SERVFAIL"
    assert why in reply.text, "to a client"
    daemon.log.wait_for(rf'event=upstream_refused upstream={re.escape(to)} reason="{re.escape(why)}"')
    (event,) = re.findall(r"event=query .*name=www\.example\..*", daemon.log.text)
    explained = (
        f'explanation="Asked for everything, a member of the pool \\"office\\" ({there.at(Transport.TLS)}): {why}. '
    )
    assert f"{explained}Compare what it shows with its `address`, its `pins` and `tls_ca`" in event
    daemon.log.wait_for("event=pool_member .*state=down")
    printed = daemon.resolver("pools", "--socket", str(daemon.socket)).stdout
    assert re.search(rf"^  \S+ +down .*{re.escape(why)}$", printed, re.MULTILINE), printed
    configured(tmp_path, authority, to, pins=[wrong, right])
    daemon.reload()
    assert kdig(daemon, "www.example").data == [f"A {there.address}"]
    daemon.signal(15)  # that nobody was left is an error in the log, as it should be
    assert daemon.wait() == 0


@pytest.mark.parametrize("scheme", ENCRYPTED)
def test_a_daemon_of_ours_is_known_by_the_pin_of_its_banner(
    serve: Serve, authority: Authority, kdig: Ask, tmp_path: Path, scheme: Transport
) -> None:
    (key,) = ({Transport.TLS: "LISTEN_TLS", Transport.HTTPS: "LISTEN_HTTPS"}[scheme],)
    above = serve(**{f"RESOLVER_SERVER__{key}": '["127.0.0.1:0"]'})
    (pin,) = re.findall(r"certificate.*: pin (\S+)$", above.out.text, re.MULTILINE)
    (port,) = re.findall(r"127\.0\.0\.1:(\d+)(?:  TLS|/dns-query)$", above.out.text, re.MULTILINE)
    below = serve(*configured(tmp_path, authority, f"{scheme}://127.0.0.1:{port}", pins=[pin]))
    assert kdig(below, "www.example.com").data == ["A 192.0.2.80"]
