from __future__ import annotations

import pytest

from resolver.message import Transport
from resolver.network.base import Endpoint, Trouble
from resolver.network.entropy import SeededEntropy
from resolver.network.oddly import Oddly, Stream
from resolver.network.simulated import OVERTAKEN_MS, Link, SimulatedNetwork
from resolver.testing.virtual_time import MONOTONIC_START, VirtualClock

ROOT = Endpoint("198.41.0.4", 53)
ASK = b"\x12\x34" + bytes(30)


def echo(wire, client, send):
    send(wire + b"!")


def simulate(run, act, *, seed=1, servers=None, **options):
    """What `act(network, clock, inbox)` returns; the inbox collects (milliseconds, what)."""

    async def main():
        clock, got = VirtualClock(), []
        network = SimulatedNetwork(
            {ROOT.host: echo} if servers is None else servers, clock, SeededEntropy(seed), **options
        )

        def inbox(what):
            got.append((round((clock.monotonic() - MONOTONIC_START) * 1000, 3), what))

        result = act(network, clock, inbox)
        assert got == [], "nothing is delivered from send()"
        await clock.advance(60)
        return got, network, result

    return run(main())


def send_one(network, clock, inbox, to=ROOT, transport=Transport.UDP, wire=ASK):
    return network.send(to, wire, transport, inbox)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_server_answers_under_its_address_on_any_port(run, transport):
    for port in (53, 5300):
        act = lambda n, c, i, port=port: send_one(n, c, i, Endpoint(ROOT.host, port), transport)  # noqa: E731
        assert simulate(run, act)[0] == [(0, ASK + b"!")]


def test_a_server_can_be_known_by_its_endpoint_alone_and_that_comes_first(run):
    servers = {ROOT: lambda wire, client, send: send(b"port 53"), ROOT.host: echo}
    assert simulate(run, send_one, servers=servers)[0] == [(0, b"port 53")]
    only = {ROOT: echo}
    act = lambda n, c, i: send_one(n, c, i, Endpoint(ROOT.host, 54))  # noqa: E731
    assert simulate(run, act, servers=only)[0] == [(0, Trouble.UNDECLARED)]


def test_both_addresses_of_a_server_lead_to_it(run):
    six = Endpoint("2001:503:ba3e::2:30", 53)
    servers = {ROOT.host: echo, six.host: echo}
    assert simulate(run, lambda n, c, i: send_one(n, c, i, six), servers=servers)[0] == [(0, ASK + b"!")]


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_an_address_that_is_not_declared_does_not_exist(run, transport):
    act = lambda n, c, i: send_one(n, c, i, Endpoint("203.0.113.1", 53), transport)  # noqa: E731
    got, network, _ = simulate(run, act)
    assert got == [(0, Trouble.UNDECLARED)]
    assert network.history[0].response is Trouble.UNDECLARED


def test_a_server_can_be_declared_later(run):
    def act(network, clock, inbox):
        network.declare("192.0.2.9", echo, Link(latency_ms=7))
        return send_one(network, clock, inbox, Endpoint("192.0.2.9", 53))

    assert simulate(run, act)[0] == [(7, ASK + b"!")]


def test_the_server_sees_the_transport_and_a_client(run):
    seen = []

    def respond(wire, client, send):
        seen.append(client)
        send(None)

    for transport in Transport:
        simulate(
            run,
            lambda n, c, i, t=transport: send_one(n, c, i, transport=t),
            servers={ROOT.host: respond},
            source="127.53.0.9",
        )
    assert [(client.host, client.transport) for client in seen] == [("127.53.0.9", t) for t in Transport]
    assert all(client.port >= 1024 for client in seen)


def test_latency_is_a_round_trip_and_a_stream_costs_one_more(run):
    link = Link(latency_ms=40)
    assert simulate(run, send_one, link=link)[0] == [(40, ASK + b"!")]
    act = lambda n, c, i: send_one(n, c, i, transport=Transport.TCP)  # noqa: E731
    assert simulate(run, act, link=link)[0] == [(80, ASK + b"!")]


def test_a_link_of_its_own_goes_before_the_common_one(run):
    options = {"link": Link(latency_ms=40), "links": {ROOT.host: Link(latency_ms=5)}}
    assert simulate(run, send_one, **options)[0] == [(5, ASK + b"!")]


def test_jitter_comes_on_top(run):
    times = [simulate(run, send_one, link=Link(latency_ms=40, jitter_ms=20), seed=seed)[0][0][0] for seed in range(20)]
    assert all(40 <= time < 60 for time in times)
    assert max(times) - min(times) > 10


def send_many(count, transport=Transport.UDP):
    def act(network, clock, inbox):
        for n in range(count):
            network.send(ROOT, n.to_bytes(2, "big") + ASK[2:], transport, inbox)

    return act


def test_loss_is_drawn_in_each_direction_and_streams_lose_nothing(run):
    got, network, _ = simulate(run, send_many(1000), link=Link(loss=0.3), history=2000)
    assert 440 < len(got) < 540, "0.7 squared"
    answered = sum(sent.response is not None for sent in network.history)
    assert 650 < answered < 750, "the server has seen those whose reply was lost"
    assert sum(sent.delivered for sent in network.history) == len(got)
    got, _, _ = simulate(run, send_many(50, Transport.TCP), link=Link(loss=1.0))
    assert len(got) == 50


def test_the_same_seed_gives_the_same_run_and_another_one_another(run):
    link = Link(latency_ms=10, jitter_ms=10, loss=0.2, duplication=0.2, reordering=0.2)
    first, again, other = (simulate(run, send_many(200), link=link, seed=seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_duplicate_arrives_twice(run):
    got, network, _ = simulate(run, send_one, link=Link(duplication=1.0))
    assert got == [(0, ASK + b"!")] * 2
    assert network.history[0].delivered == 2


def test_a_reordered_reply_is_overtaken_by_later_ones(run):
    got, _, _ = simulate(run, send_many(100), link=Link(latency_ms=4, reordering=0.3), seed=2)
    order = [int.from_bytes(what[:2], "big") for _, what in got]
    assert sorted(order) == list(range(100))
    assert order != sorted(order)
    assert {time for time, _ in got} == {4, 8 + OVERTAKEN_MS}


@pytest.mark.parametrize("forgery", ["garbage", "wrong_id", "wrong_question"])
def test_a_forger_is_faster_than_the_server_even_where_the_reply_is_lost(run, forgery):
    import dns.message

    wire = dns.message.make_query("www.example.com", "A").to_wire()

    def respond(query, client, send):
        send(dns.message.make_response(dns.message.from_wire(query)).to_wire())

    act = lambda n, c, i: send_one(n, c, i, wire=wire)  # noqa: E731
    (_, forged), (_, true) = simulate(run, act, servers={ROOT.host: respond}, link=Link(forgery=forgery))[0]
    query = dns.message.from_wire(wire)
    assert query.is_response(dns.message.from_wire(true))
    try:
        assert not query.is_response(dns.message.from_wire(forged))
    except dns.exception.DNSException:
        assert forgery == "garbage"
    stream = lambda n, c, i: send_one(n, c, i, wire=wire, transport=Transport.TCP)  # noqa: E731
    assert len(simulate(run, stream, servers={ROOT.host: respond}, link=Link(forgery=forgery))[0]) == 1


@pytest.mark.parametrize(
    ("link", "came"),
    [
        (Link(latency_ms=40, stream="reset"), [(80, Trouble.RESET)]),
        (Link(latency_ms=40, stream="empty"), [(80, Trouble.RESET)]),
        (Link(latency_ms=40, stream="cut", octet_ms=2), [(80 + 35 // 2 * 2, Trouble.RESET)]),
        (Link(latency_ms=40, stream="hanging"), []),
        (Link(latency_ms=40, octet_ms=2), [(80 + 2 * 35, ASK + b"!")]),
    ],
)
def test_a_stream_can_go_wrong_and_datagrams_then_do_not(run, link, came):
    act = lambda n, c, i: send_one(n, c, i, transport=Transport.TCP)  # noqa: E731
    assert simulate(run, act, link=link)[0] == came
    assert simulate(run, send_one, link=link)[0] == [(40, ASK + b"!")]


def test_a_silenced_host_is_silent_until_it_is_restored(run):
    def act(network, clock, inbox):
        other = Endpoint("192.0.2.2", 53)
        network.declare(other.host, echo)
        network.silence(ROOT.host)
        send_one(network, clock, inbox)
        send_one(network, clock, inbox, other, wire=b"other")
        clock.after(1, lambda: network.restore(ROOT.host))
        clock.after(2, lambda: send_one(network, clock, inbox, wire=b"again"))

    got, network, _ = simulate(run, act)
    assert got == [(0, b"other!"), (2000, b"again!")]
    assert network.history[0].response is None, "the server has not seen it"


def test_a_partition_also_stops_what_is_on_its_way(run):
    def act(network, clock, inbox):
        send_one(network, clock, inbox)
        clock.after(0.15, network.silence)
        clock.after(0.3, lambda: send_one(network, clock, inbox, transport=Transport.TCP))
        clock.after(1, network.restore)
        clock.after(2, lambda: send_one(network, clock, inbox, wire=b"again"))

    assert simulate(run, act, link=Link(latency_ms=200))[0] == [(2200, b"again!")]


def test_nothing_is_delivered_to_who_has_closed(run):
    def act(network, clock, inbox):
        sending = send_one(network, clock, inbox)
        undeclared = send_one(network, clock, inbox, Endpoint("203.0.113.1", 53))
        for one in (sending, undeclared, sending, undeclared):
            one.close()

    got, network, _ = simulate(run, act)
    assert got == []
    assert network.history[0].delivered == 0


def test_a_receiver_may_close_while_a_duplicate_is_on_its_way(run):
    async def main():
        clock, got = VirtualClock(), []
        network = SimulatedNetwork({ROOT.host: echo}, clock, SeededEntropy(1), link=Link(duplication=1.0))

        def inbox(what):
            got.append(what)
            sending.close()

        sending = network.send(ROOT, ASK, Transport.UDP, inbox)
        await clock.advance(1)
        return got

    assert run(main()) == [ASK + b"!"]


def test_the_history_tells_what_was_sent_and_is_bounded(run):
    got, network, _ = simulate(run, send_many(7), history=5, link=Link(latency_ms=10))
    assert len(got) == 7
    assert [sent.wire[1] for sent in network.history] == [2, 3, 4, 5, 6]
    last = network.history[-1]
    assert (last.time, last.to, last.transport, last.delivered) == (MONOTONIC_START, ROOT, Transport.UDP, 1)
    assert last.response == last.wire + b"!"


@pytest.mark.parametrize(
    "bad",
    [
        {"latency_ms": -1},
        {"jitter_ms": -1},
        {"loss": 2},
        {"duplication": -1},
        {"reordering": 2},
        {"forgery": "lame"},
        {"octet_ms": -1},
        {"stream": "lame"},
    ],
)
def test_a_link_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ValueError):
        Link(**bad)


def oddly(**how):
    return {ROOT.host: lambda wire, client, send: send(Oddly.of(b"0123456789", **how))}


def test_a_server_may_send_its_reply_more_than_once(run):
    got, network, _ = simulate(run, send_one, servers=oddly(copies=3))
    assert got == [(0, b"0123456789")] * 3
    assert {type(what) for _, what in got} == {bytes}
    assert network.history[0].delivered == 3
    assert type(network.history[0].response) is bytes


@pytest.mark.parametrize("source", ["address", "port"])
def test_a_reply_from_elsewhere_reaches_nobody(run, source):
    got, network, _ = simulate(run, send_one, servers=oddly(source=source), link=Link(duplication=1.0))
    assert got == []
    assert network.history[0].response == b"0123456789"


@pytest.mark.parametrize(
    ("how", "came"),
    [
        ({"stream": Stream.RESET}, [(0, Trouble.RESET)]),
        ({"stream": Stream.EMPTY}, [(0, Trouble.RESET)]),
        ({"stream": Stream.CUT}, [(0, Trouble.RESET)]),
        ({"stream": Stream.HANGING}, []),
        ({"octet_ms": 10.0}, [(120, b"0123456789")]),
        ({"octet_ms": 10.0, "stream": Stream.CUT}, [(60, Trouble.RESET)]),
    ],
)
def test_a_server_may_make_a_stream_go_wrong(run, how, came):
    act = lambda n, c, i: send_one(n, c, i, transport=Transport.TCP)  # noqa: E731
    assert simulate(run, act, servers=oddly(**how))[0] == came
    assert simulate(run, send_one, servers=oddly(**how))[0] == [(0, b"0123456789")]


def test_each_sender_has_an_address_of_its_own(run):
    hosts = []

    def server(wire, client, send):
        hosts.append(client.host)
        send(wire)

    def act(network, clock, inbox):
        for sender in (network, network.at("127.53.0.1"), network.at("127.54.0.1")):
            send_one(sender, clock, inbox)

    got, network, _ = simulate(run, act, servers={ROOT.host: server})
    assert sorted(hosts) == ["127.0.0.1", "127.53.0.1", "127.54.0.1"]
    assert len(got) == len(network.history) == 3
