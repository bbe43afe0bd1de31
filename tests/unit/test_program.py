from __future__ import annotations

import asyncio
import io
import socket
import ssl
import threading
from dataclasses import replace

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from resolver import placing, rulebook
from resolver.app import build
from resolver.auth import hierarchy
from resolver.auth.findings import Finding
from resolver.config import Config
from resolver.errors import ConfigError, ListenError, ResolutionFailed, ZoneError
from resolver.listeners import Kind, bind_all
from resolver.message import Client, Edns, Message, Question, Rcode, Transport
from resolver.network import descriptors
from resolver.network.base import Endpoint
from resolver.observe.log import Log
from resolver.server.conduct import ANSWERING_S
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import worlds
from tests.support.certificates import write
from tests.support.daemons import free_port
from tests.support.messages import told
from tests.support.plans import shop
from tests.support.whole import whole


def settings(*listen: str, **sections) -> Config:
    return Config.model_validate(
        {"server": {"listen": list(listen or ("127.0.0.1:0",)), **sections.pop("server", {})}, **sections}
    )


async def ask(where: Endpoint, name: str, rtype: str = "A", *, tcp: bool = False) -> dns.message.Message:
    """What is answered at `where`, over a real socket."""
    query = dns.message.make_query(name, rtype)
    send = dns.query.tcp if tcp else dns.query.udp
    return await asyncio.to_thread(send, query, where.host, 5, where.port)


def closed(where: Endpoint) -> bool:
    """Whether both ports of `where` are free."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((where.host, where.port))
            except OSError:
                return False
    return True


async def busy(program) -> None:
    """A query is being worked on."""
    async with asyncio.timeout(5):
        while not program.stats()["queries.in_flight"]:  # noqa: ASYNC110 — nothing tells when
            await asyncio.sleep(0)


# -- without listening


def test_a_program_answers_without_listening():
    async def main(made):
        reply = await made.program.ask("www.example.com")
        return told(*reply.answer), made.program.listening, made.program.simulated

    assert whole(main) == (["www.example.com. 3600 A 192.0.2.80"], [], [])


def test_what_is_no_name_or_no_type_is_a_value_error():
    async def main(made):
        for name, rtype in (("a..b", "A"), ("x" * 64, "A"), ("example.com", "NOTATYPE")):
            with pytest.raises(ValueError, match=r"label|type"):
                await made.program.ask(name, rtype)
        with pytest.raises(ResolutionFailed):
            await made.program.ask("refused.broken.test")

    whole(main)


def test_asking_ends_in_the_time_given():
    async def main(made):
        began = made.clock.monotonic()
        with pytest.raises(ResolutionFailed, match="LATE"):
            await made.program.ask("silent.broken.test", timeout_s=1.0)
        return made.clock.monotonic() - began

    assert whole(main) == pytest.approx(1.0)


def test_stats_are_numbers_that_grow_with_use():
    async def main(made):
        before = made.program.stats()
        for _ in range(3):  # of servers, of records, of stored octets
            await made.ask("www.example.com.")
        await made.ask("gone.example.com.")
        await made.ask("refused.broken.test.")
        await made.clock.advance(60)
        return before, made.program.stats()

    before, after = whole(main, {"dnssec": {"validation": False}})
    assert before.keys() == after.keys()
    assert all(isinstance(value, int | float) for value in after.values())
    assert {
        key: after[key]
        for key in ("queries.udp", "answers.noerror", "answers.nxdomain", "answers.servfail", "answers.stored")
    } == {
        "queries.udp": 5,
        "answers.noerror": 2,
        "answers.nxdomain": 1,
        "answers.servfail": 1,
        "answers.stored": 1,
    }
    assert after["uptime.seconds"] == pytest.approx(60, abs=1)
    for key in (
        "upstream.sent",
        "cache.answers",
        "cache.answers_bytes",
        "cache.records_bytes",
        "cache.delegations",
        "cache.servers",
    ):
        assert after[key] > before[key] == 0, key
    assert after["cache.records"] == 2
    assert (after["queries.in_flight"], after["tasks.running"]) == (0, 0)


def test_what_is_held_is_listed_with_the_time_that_is_left():
    async def main(made):
        await made.ask("www.example.com.")
        await made.ask("example.com.", "MX")
        await made.ask("gone.example.com.")
        await made.ask("v4only.example.com.", "AAAA")
        await made.clock.advance(100)
        return made.program.cache_entries(100), made.program.cache_entries(2)

    entries, two = whole(main)
    listed = {(entry["name"], entry["type"]): (entry["ttl"], entry["records"]) for entry in entries}
    assert listed["www.example.com.", "A"] == (3500, 1)
    assert listed["example.com.", "MX"] == (3500, 2)
    assert listed["gone.example.com.", "NXDOMAIN"][1] == 0
    assert listed["v4only.example.com.", "AAAA"][1] == 0
    assert len(two) == 2


def test_what_was_flushed_is_asked_again():
    async def main(made):
        for name in ("www.example.com.", "mail.example.com.", "refused.broken.test."):
            await made.ask(name)
        sent = made.program.stats()["upstream.sent"]
        gone = made.program.flush(names.from_text("WWW.example.com."), False)
        await made.ask("mail.example.com.")
        await made.ask("www.example.com.")
        after_one = made.program.stats()["upstream.sent"] - sent
        below = made.program.flush(names.ROOT, True)
        stats = made.program.stats()
        return gone, after_one, below, stats["cache.records"], stats["cache.delegations"], stats["cache.answers"]

    gone, after_one, below, records, delegations, answers = whole(main)
    assert (gone, after_one) == (1, 1)
    assert below >= 5
    assert (records, delegations, answers) == (0, 0, 0)


def test_a_flush_forgets_failures():
    async def main(made):
        await made.ask("refused.broken.test.")
        sent = made.program.stats()["upstream.sent"]
        made.program.flush(names.from_text("refused.broken.test."), False)
        await made.ask("refused.broken.test.")
        return made.program.stats()["upstream.sent"] - sent

    assert whole(main) > 0


def test_settings_reach_the_stages():
    async def main(made):
        message = await made.ask("chain.example.com.", tcp=True)
        return message.rcode

    assert whole(main, {"budget": {"aliases": 3}}) == Rcode.SERVFAIL
    assert whole(main, {"budget": {"aliases": 4}}) == Rcode.NOERROR
    assert whole(main, {"budget": {"sends": 3}}) == Rcode.SERVFAIL
    assert whole(main, {"budget": {"referrals": 1}}) == Rcode.SERVFAIL


@pytest.mark.parametrize(("seconds", "setting"), [(1.0, 1000), (2.5, 2500)])
def test_a_client_waits_at_most_as_long_as_is_set(seconds, setting):
    async def main(made):
        await made.ask("silent.broken.test.")
        return made.took

    assert whole(main, {"resolver": {"client_timeout_ms": setting}}) == pytest.approx(seconds - ANSWERING_S)


def test_a_floor_and_a_ceiling_of_ttls_are_seen_in_answers():
    async def main(made):
        found = [(await made.ask(name)).answer[0].ttl for name in ("short.example.com.", "www.example.com.")]
        gone = await made.ask("gone.example.com.")
        return found, gone.authority[0].ttl

    cache = {"min_ttl_s": 60, "max_ttl_s": 600, "negative_max_ttl_s": 7}
    assert whole(main, {"cache": cache, "dnssec": {"validation": False}}) == ([60, 600], 7)
    assert whole(main, {"cache": cache}) == ([5, 600], 7), "what is proven is held no longer than its TTL"


# -- on real sockets


@pytest.mark.sockets
def test_it_listens_on_udp_and_tcp_and_so_do_its_simulated_servers(on_loop):
    async def main():
        program = build(settings())
        await program.start()
        (front,) = program.listening
        name, root = program.simulated[0]
        found = [await ask(front, "www.example.com", tcp=tcp) for tcp in (False, True)]
        referral = await ask(root, "www.example.com")
        servers = len(program.simulated)
        await program.stop()
        return front, name, root, found, referral, servers, program.listening

    front, name, root, found, referral, servers, listening = on_loop(main())
    assert front.port == root.port != 0
    assert name == "a.root-servers.test."
    for response in found:
        assert response.answer[0].to_text() == "www.example.com. 3600 IN A 192.0.2.80"
        assert response.flags & dns.flags.RA
    assert referral.authority[0].name.to_text() == "com."
    assert not referral.flags & dns.flags.RA
    assert servers > 20
    assert listening == []
    assert closed(front)


@pytest.mark.sockets
def test_both_modes_walk_over_real_sockets(on_loop):
    async def main():
        found = []
        for mode in ("iterative", "recursive"):
            program = build(settings(resolver={"mode": mode}))
            await program.start()
            found.append(await ask(program.listening[0], "chain.example.com", tcp=True))
            await program.stop()
        return found

    for response in on_loop(main()):
        assert response.rcode() == dns.rcode.NOERROR
        assert len(response.answer) == 5


@pytest.mark.sockets
def test_in_memory_the_simulated_servers_bind_nothing(on_loop):
    async def main():
        program = build(settings(world={"in_memory": True}))
        await program.start()
        response = await ask(program.listening[0], "www.example.com")
        simulated = program.simulated
        await program.stop()
        return response, simulated

    response, simulated = on_loop(main())
    assert response.answer
    assert simulated == []


@pytest.mark.sockets
def test_where_the_addresses_of_the_world_do_not_exist_it_runs_in_memory(on_loop, monkeypatch):
    real = placing.bind_all

    def bind_all(endpoints, buffer):
        wanted = list(endpoints)
        if any(each.host.startswith("127.53.") for each in wanted):
            import errno

            raise ListenError("127.53.0.1 cannot be bound here") from OSError(errno.EADDRNOTAVAIL, "no such address")
        return real(wanted, buffer)

    monkeypatch.setattr(placing, "bind_all", bind_all)
    monkeypatch.setattr(placing, "has_no_such_address", lambda error: "127.53." in str(error))

    async def main():
        log = io.StringIO()
        program = build(settings(), log=Log(log, lambda: 0.0))
        await program.start()
        response = await ask(program.listening[0], "www.example.com")
        await program.stop()
        return response, log.getvalue()

    response, log = on_loop(main())
    assert response.answer
    assert "world_in_memory" in log


@pytest.mark.sockets
def test_a_start_that_fails_has_opened_nothing(on_loop):
    async def main():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", 0))
            taken = holder.getsockname()[1]
            program = build(settings("127.0.0.1:0", f"127.0.0.1:{taken}"))
            with pytest.raises(ListenError, match=str(taken)):
                await program.start()
            listening = program.listening, program.simulated
            await program.stop()
            return listening

    assert on_loop(main()) == ([], [])


@pytest.mark.sockets
def test_a_reload_opens_what_is_new_closes_what_is_gone_and_keeps_the_rest_and_the_cache(on_loop):
    async def main():
        program = build(settings("127.0.0.1:0"))
        await program.start()
        (first,) = program.listening
        await ask(first, "www.example.com")
        sent = program.stats()["upstream.sent"]
        await program.reload(settings("127.0.0.1:0", "127.0.0.2:0"))
        both = list(program.listening)
        again = [await ask(each, "www.example.com") for each in both]
        sent_again = program.stats()["upstream.sent"]
        await program.reload(settings("127.0.0.2:0"))
        last = list(program.listening)
        alone = await ask(last[0], "www.example.com")
        gone = closed(first)
        await program.stop()
        return first, both, again, sent_again - sent, last, alone, gone

    first, both, again, sent, last, alone, gone = on_loop(main())
    assert both[0] == first
    assert all(response.answer for response in (*again, alone))
    assert sent == 0
    assert last == both[1:]
    assert gone


@pytest.mark.sockets
def test_a_reload_that_fails_changes_nothing(on_loop, tmp_path):
    (tmp_path / "hierarchy.toml").write_text("[zone.\n")

    async def main():
        program = build(settings(cache={"max_ttl_s": 600}))
        await program.start()
        (front,) = program.listening
        config, stats = program.config, program.stats()
        with pytest.raises(ZoneError):
            await program.reload(settings(world={"directory": str(tmp_path)}))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
            holder.bind(("127.0.0.2", 0))
            holder.listen()
            taken = holder.getsockname()[1]
            with pytest.raises(ListenError, match=str(taken)):
                await program.reload(settings("127.0.0.1:0", "127.0.0.3:0", f"127.0.0.2:{taken}"))
        same = program.config is config, program.listening == [front], program.stats().keys() == stats.keys()
        response = await ask(front, "www.example.com")
        await program.stop()
        return same, response

    same, response = on_loop(main())
    assert same == (True, True, True)
    assert response.answer[0].ttl == 600


@pytest.mark.sockets
def test_the_files_of_rules_are_read_beside_the_answers_and_once_for_a_reload(on_loop, tmp_path, monkeypatch):
    listed, zone = tmp_path / "names", tmp_path / "zone"
    listed.write_text("a.example\n")
    zone.write_text("z.example. 60 IN SOA ns.z.example. h.z.example. 1 2 3 4 5\nwww.z.example. 60 IN A 192.0.2.1\n")
    rules = [
        {"action": "refuse", "suffixes_files": [str(listed)]},
        {"action": "authority", "zone_files": [str(zone)]},
    ]
    read: list[tuple[object, int]] = []
    names_in, zone_in = rulebook.names_in, rulebook._zone
    monkeypatch.setattr(rulebook, "names_in", lambda path: read.append((path, threading.get_ident())) or names_in(path))
    monkeypatch.setattr(rulebook, "_zone", lambda path: read.append((path, threading.get_ident())) or zone_in(path))

    async def main():
        program, here = build(settings(rules=rules)), threading.get_ident()
        await program.start()
        assert [path for path, _ in read] == [listed, zone]
        read.clear()
        listed.write_text("b.example\n")
        await program.reload(settings(rules=rules))
        assert [path for path, _ in read] == [listed, zone]
        assert here not in {thread for _, thread in read}
        assert (await program.ask("www.b.example")).rcode == Rcode.REFUSED
        assert (await program.ask("www.z.example")).answer[0].rdatas == (bytes((192, 0, 2, 1)),)
        listed.write_text("not a name\n")
        with pytest.raises(ConfigError, match="names:1"):
            await program.reload(settings(rules=rules))
        assert (await program.ask("www.b.example")).rcode == Rcode.REFUSED
        await program.stop()

    on_loop(main())


def test_a_reload_that_fails_late_closes_what_it_had_opened(on_loop):
    """The listener could be bound, the simulated root could not."""

    async def main():
        program = build(settings())
        await program.start()
        before = list(program.listening), list(program.simulated)
        free = Endpoint("127.0.0.3", free_port("127.0.0.3"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.53.0.1", 0))
            taken = holder.getsockname()[1]
            wanted = settings("127.0.0.1:0", str(free), world={"port": taken})
            with pytest.raises(ListenError, match=str(taken)) as caught:
                await program.reload(wanted)
            was_closed = closed(free)
            told = str(caught.value)
            assert told.startswith(f"a simulated server cannot listen on 127.53.0.1:{taken} (UDP)")
            assert told.endswith("; or the simulated servers can have another port (world.port), or none (--in-memory)")
        after = list(program.listening), list(program.simulated)
        response = await ask(program.listening[0], "www.example.com")
        await program.stop()
        return was_closed, before == after, response

    was_closed, same, response = on_loop(main())
    assert was_closed
    assert same
    assert response.answer


@pytest.mark.sockets
def test_a_reload_to_another_world_forgets_what_the_first_one_said(on_loop, tmp_path):
    worlds.write(tmp_path, shop_test="$TTL 60\n$ORIGIN shop.test.\nwww A 192.0.2.99\n")

    async def main():
        program = build(settings())
        await program.start()
        (front,) = program.listening
        before = await ask(front, "www.shop.test")
        await program.reload(settings(world={"directory": str(tmp_path)}, server={"identity": "another"}))
        after = await ask(front, "www.shop.test")
        gone = await ask(front, "www.example.com")
        roots = [name for name, _ in program.simulated]
        await program.stop()
        return before, after, gone, roots

    before, after, gone, roots = on_loop(main())
    assert before.rcode() == gone.rcode() == dns.rcode.NXDOMAIN
    assert after.answer[0].to_text() == "www.shop.test. 60 IN A 192.0.2.99"
    assert roots[0] == "a.root.test."


@pytest.mark.sockets
def test_a_world_whose_keys_have_changed_is_believed_from_the_reload_on(on_loop, tmp_path):
    text = worlds.SMALL.replace('[zone."."]', '[zone."."]\ndnssec = "nsec"').replace(
        '[zone."test"]', '[zone."test"]\ndnssec = "nsec"'
    )
    worlds.write(tmp_path, text, test="www A 192.0.2.99\nother A 192.0.2.98\n")
    config = settings(world={"directory": str(tmp_path)})

    async def main():
        program = build(config)
        await program.start()
        (front,) = program.listening
        before = await ask(front, "www.test")
        worlds.write(tmp_path, '[dnssec]\nseed = "another"\n' + text)
        await program.reload(config)
        after = [await ask(front, name) for name in ("www.test", "other.test")]
        await program.stop()
        return [before, *after]

    assert [each.rcode() for each in on_loop(main())] == [dns.rcode.NOERROR] * 3


@pytest.mark.sockets
def test_a_zone_that_cannot_be_signed_is_told_in_the_log_and_the_others_are_served(on_loop, tmp_path):
    text = worlds.SMALL.replace('[zone."shop.test"]', '[zone."shop.test"]\ndnssec = "nsec"')
    worlds.write(tmp_path, text, shop_test="*.x NS ns.example.\n", test="www A 192.0.2.99\n")
    log = io.StringIO()

    async def main():
        program = build(settings(world={"directory": str(tmp_path)}), log=Log(log, lambda: 0.0))
        await program.start()
        (front,) = program.listening
        answers = [await ask(front, name) for name in ("www.test", "shop.test")]
        await program.stop()
        return answers

    other, unsignable = on_loop(main())
    assert other.answer[0].to_text().endswith("IN A 192.0.2.99")
    assert unsignable.rcode() == dns.rcode.SERVFAIL
    (told_of_it,) = (line for line in log.getvalue().splitlines() if "zone_not_served" in line)
    assert "level=error" in told_of_it
    assert f"{tmp_path}/shop.test.zone:1: zone shop.test. cannot be signed" in told_of_it


async def hear(program, host: str, options: tuple[tuple[int, bytes], ...] = ()) -> Message:
    """What a client at `host` is told over UDP, without a socket."""
    waiting = asyncio.get_running_loop().create_future()
    wire = render_query(7, Question(names.from_text("www.example.com"), 1), rd=True, edns=Edns(options=options))
    program.respond(wire, Client(host, 4242, Transport.UDP), waiting.set_result)
    return parse(await waiting)


@pytest.mark.rfc(5358, "4")
@pytest.mark.sockets
def test_a_listener_for_all_is_private_until_a_reload_names_networks(on_loop):
    async def main():
        wildcard = ("127.0.0.1:0", "0.0.0.0:0")
        program = build(settings(*wildcard))
        await program.start()
        hosts = ("8.8.8.8", "10.0.0.1", "127.0.0.1")
        asked = [[(await hear(program, host)).rcode for host in hosts]]
        gates = [[udp.allows and udp.allows("8.8.8.8") for _, udp, _ in program._fronts.of(Kind.PLAIN)._pairs.values()]]
        for server in ({"allow": ["8.0.0.0/8"]}, {}):
            await program.reload(settings(*wildcard, server=server))
            asked.append([(await hear(program, host)).rcode for host in hosts])
            gates.append(
                [udp.allows and udp.allows("8.8.8.8") for _, udp, _ in program._fronts.of(Kind.PLAIN)._pairs.values()]
            )
        await program.reload(settings("127.0.0.1:0"))
        asked.append([(await hear(program, host)).rcode for host in hosts])
        denied = program.stats()["queries.denied"]
        await program.stop()
        return asked, gates, denied

    asked, gates, denied = on_loop(main())
    refused = Rcode.REFUSED
    assert asked == [[refused, 0, 0], [0, refused, 0], [refused, 0, 0], [0, 0, 0]]
    assert gates == [[None, False], [None, True], [None, False]]
    assert denied == 3


async def over_tls(where: Endpoint, name: str) -> tuple[dns.message.Message, bytes]:
    """What is answered at `where` over TLS, and the certificate that is shown there."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(where.host, where.port, ssl=trusting)
    wire = dns.message.make_query(name, "A").to_wire()
    writer.write(len(wire).to_bytes(2, "big") + wire)
    octets = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    seen = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return dns.message.from_wire(octets), seen


@pytest.mark.sockets
def test_a_reload_renews_the_certificate_or_keeps_the_old_one(on_loop, tmp_path):
    def wanted(certificate, key) -> Config:
        files = {"tls_certificate": str(certificate), "tls_key": str(key)}
        return settings(server={"listen_tls": ["127.0.0.1:0"], **files})

    async def main():
        files = write(tmp_path)
        program = build(wanted(*files))
        await program.start()
        (where,) = program.encrypted
        seen = [await over_tls(where, "www.example.com")]
        _, other_key = write(tmp_path, "other.example")
        with pytest.raises(ConfigError, match="is not the key of"):
            await program.reload(wanted(files[0], other_key))
        seen.append(await over_tls(where, "www.example.com"))
        write(tmp_path)
        await program.reload(wanted(*files))
        seen.append(await over_tls(where, "www.example.com"))
        stats, same = program.stats(), list(program.encrypted) == [where]
        await program.reload(settings())
        gone = program.encrypted, closed(where), program.shown
        await program.stop()
        return seen, stats, same, gone

    ((answer, first), (_, second), (_, third)), stats, same, gone = on_loop(main())
    assert answer.answer[0][0].to_text() == "192.0.2.80"
    assert first == second != third
    assert (stats["queries.tls"], stats["tls.handshakes"], stats["queries.tcp"], same) == (3, 3, 0, True)
    assert gone == ([], True, None)


@pytest.mark.sockets
def test_without_files_the_certificate_is_ephemeral_and_one_line_says_so(on_loop):
    async def main():
        out = io.StringIO()
        program = build(settings(server={"listen_tls": ["127.0.0.1:0"]}), log=Log(out, lambda: 0.0))
        await program.start()
        first = await over_tls(program.encrypted[0], "www.example.com")
        await program.reload(settings(server={"listen_tls": ["127.0.0.1:0"], "drain_s": 1.0}))
        second = await over_tls(program.encrypted[0], "www.example.com")
        pin = program.shown.pin
        await program.stop()
        return first[1] == second[1], pin, [line for line in out.getvalue().splitlines() if "ephemeral" in line]

    same, pin, warnings = on_loop(main())
    assert same
    assert len(warnings) == 1
    assert f"pin={pin}" in warnings[0].replace('"', "")


@pytest.mark.rfc(9018, "5")
@pytest.mark.sockets
def test_a_reload_keeps_the_secret_that_was_drawn_and_takes_the_one_that_is_set(on_loop):
    async def cookie(program, sent: bytes) -> bytes:
        ((_, data),) = (await hear(program, "127.0.0.1", ((10, sent),))).edns.options
        return data

    async def main():
        program = build(settings())
        await program.start()
        first = await cookie(program, b"clients!")
        await program.reload(settings(server={"identity": "another"}))
        second = await cookie(program, first)
        await program.reload(settings(server={"cookie_secret": "00112233445566778899aabbccddeeff"}))
        third = await cookie(program, second)
        await program.stop()
        return first, second, third

    first, second, third = on_loop(main())
    assert first == second != third
    assert third[:8] == b"clients!"


@pytest.mark.sockets
def test_too_few_descriptors_are_told_with_what_to_do(on_loop, monkeypatch):
    monkeypatch.setattr(descriptors, "limit", lambda: 1024)

    async def main(**server):
        out = io.StringIO()
        program = build(settings(server=server), log=Log(out, lambda: 0.0))
        await program.start()
        await program.stop()
        return program.responder.conduct.max_in_flight, out.getvalue()

    most, told = on_loop(main())
    assert most == 256
    assert "event=few_descriptors max_in_flight=256" in told
    assert "server.max_in_flight" in told
    most, told = on_loop(main(max_in_flight=300))
    assert (most, "few_descriptors" in told) == (300, False)


def test_what_is_in_the_cache_is_answered_though_no_place_is_free():
    """Every stage passes on what the one below has at hand; a query with a cookie is not answered as stored octets."""

    async def main(made):
        await made.ask("www.example.com")
        silent = [asyncio.ensure_future(made.octets(f"{n}.silent.broken.test")) for n in range(2)]
        await asyncio.sleep(0.1)
        full = made.program.stats()["queries.in_flight"]
        before = made.clock.monotonic()
        held = await made.ask("www.example.com", edns=Edns(options=((10, b"clients!"),)))
        transfer = await made.ask("www.example.com", "AXFR")
        took = made.clock.monotonic() - before
        await asyncio.gather(*silent)
        return full, told(*held.answer), transfer.rcode, took

    settings = {"server": {"max_in_flight": 2}}
    assert whole(main, settings) == (2, ["www.example.com. 3600 A 192.0.2.80"], Rcode.REFUSED, 0.0)


@pytest.mark.sockets
def test_to_stop_is_to_finish_what_is_in_progress(on_loop):
    """slow.broken.test takes most of a second; the stop comes while it is asked."""

    async def main():
        program = build(settings(server={"drain_s": 3}))
        await program.start()
        (front,) = program.listening
        loop = asyncio.get_running_loop()
        query = dns.message.make_query("slow.broken.test", "A")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(query.to_wire(), (front.host, front.port))
            await busy(program)
            await program.stop()
            response = await loop.run_in_executor(None, client.recv, 4096)
        return dns.message.from_wire(response), len(program._tasks)

    response, tasks = on_loop(main())
    assert response.answer[0][0].to_text() == "192.0.2.94"
    assert tasks == 0


@pytest.mark.sockets
def test_a_stop_waits_no_longer_than_it_may(on_loop):
    async def main():
        program = build(settings(server={"drain_s": 0.1}))
        await program.start()
        (front,) = program.listening
        query = dns.message.make_query("silent.broken.test", "A")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(query.to_wire(), (front.host, front.port))
            await busy(program)
            began = asyncio.get_running_loop().time()
            await program.stop()
            return asyncio.get_running_loop().time() - began, program.stats()["queries.in_flight"]

    took, in_flight = on_loop(main())
    assert took < 1
    assert in_flight == 0


@pytest.mark.sockets
def test_its_own_listeners_are_never_asked(on_loop):
    """A forwarder that is the daemon itself, on a port that was not known when it was configured, would be a loop."""

    async def main():
        program = build(settings())
        await program.start()
        (front,) = program.listening
        forwards = {"loop.test.": [f"127.0.0.1:{front.port}"]}
        await program.reload(settings("127.0.0.1:0", resolver={"forward_zones": forwards}))
        response = await ask(front, "www.loop.test")
        sent = program.stats()["queries.udp"]
        await program.stop()
        return response, sent

    response, queries = on_loop(main())
    assert response.rcode() == dns.rcode.SERVFAIL
    assert queries == 1


@pytest.mark.sockets
def test_a_forward_zone_is_asked_over_real_sockets(on_loop):
    async def main():
        other = build(settings("127.0.0.5:0"))
        await other.start()
        upstream = other.listening[0]
        forwards = {".": [f"{upstream.host}:{upstream.port}"]}
        program = build(settings(resolver={"forward_zones": forwards}))
        await program.start()
        response = await ask(program.listening[0], "chain.example.com")
        simulated = program.simulated
        await program.stop()
        await other.stop()
        return response, simulated

    response, simulated = on_loop(main())
    assert len(response.answer) == 5
    assert simulated == []


@pytest.mark.sockets
def test_clients_are_answered_while_a_reload_reads_the_zones(on_loop, monkeypatch):
    answered = threading.Event()
    original = hierarchy.load

    def load(directory):
        assert answered.wait(5), "nobody was answered meanwhile"
        return original(directory)

    async def main():
        program = build(settings())
        await program.start()
        monkeypatch.setattr(hierarchy, "load", load)
        reload = asyncio.ensure_future(program.reload(program.config))
        response = await ask(program.listening[0], "www.example.com")
        answered.set()
        await reload
        await program.stop()
        return response

    assert on_loop(main()).answer


def test_a_reload_changes_what_is_too_large_for_the_cache():
    async def main(made):
        made.program._caches.adjust(Config.model_validate({"cache": {"entry_max_kb": 2, "rrset_max_records": 7}}))
        caches = made.program._caches
        return caches.answers.large, caches.records.ttls.max_bytes, caches.records.ttls.max_records

    assert whole(main) == (2048, 2048, 7)


@pytest.mark.sockets
def test_a_world_that_is_changed_before_the_start_opens_nothing_nor_does_one_after_a_start_that_failed(on_loop):
    plan = shop()

    taken = [ListenError("127.0.0.2:53 is in use", "choose another")]

    def bind_once_free(endpoints, receive_buffer, kind):
        if endpoints and taken:
            raise taken.pop()
        return bind_all(endpoints, receive_buffer, kind)

    async def main():
        program = build(settings("127.0.0.1:0"), plan.world(), bind=bind_once_free)
        plan.put("new.shop.example", "A", ["192.0.2.9"])
        await program.change(plan.world())
        before = list(program.listening), list(program.simulated)
        with pytest.raises(ListenError, match="in use"):
            await program.start()
        await program.change(plan.world())
        after = list(program.listening), list(program.simulated)
        await program.start()
        found = await ask(program.listening[0], "new.shop.example")
        await program.stop()
        return before, after, found.answer[0].to_text()

    before, after, found = on_loop(main())
    assert before == after == ([], [])
    assert found == "new.shop.example. 60 IN A 192.0.2.9"


def test_a_change_of_the_world_does_not_warn_again():
    out = io.StringIO()
    plan = shop(dnssec="nsec")

    async def main(made):
        made.program.log = Log(out, lambda: 0.0)
        unsignable = plan.world()
        finding = Finding("zones/hierarchy.toml", 3, "zone shop.example. cannot be signed", "write a key")
        for _ in range(2):
            await made.program.change(replace(unsignable, findings=(finding,)))
        once = out.getvalue().count("zone_not_served")
        await made.program.reload(made.program.config)
        return once, out.getvalue().count("zone_not_served")

    assert whole(main, world=plan.world()) == (0, 1)


def test_two_changes_at_once_are_made_one_after_the_other():
    plan, order = shop(), []

    async def main(made):
        put_in_force = made.program._put_in_force

        async def slowly(*coming):
            order.append("begun")
            await asyncio.sleep(1)
            await put_in_force(*coming)
            order.append("done")

        made.program._put_in_force = slowly
        await asyncio.gather(made.program.change(plan.world()), made.program.reload(made.program.config))

    whole(main, world=plan.world())
    assert order == ["begun", "done", "begun", "done"]
