"""What becomes of the queries of a connection, whatever its server says."""

from __future__ import annotations

from types import SimpleNamespace

import h2.config
import h2.connection
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.message import Transport
from resolver.network.base import Endpoint, Trouble, Upstream
from resolver.network.carrying import Query
from resolver.network.dot import DotConnection
from resolver.network.https import MAX_BODIES, HttpsConnection
from resolver.network.peers import Terms

TERMS = Terms(Upstream(Endpoint("192.0.2.1", 443), Transport.HTTPS, "dns.example", "/dns-query"), None)
DNS = "application/dns-message"


class Home:
    """A peer without sockets: what is asked again is given up, as what is asked twice is."""

    def __init__(self):
        self.written = bytearray()
        self.closed = False
        self.stream = SimpleNamespace(
            write=self.written.extend, close=self.close, shaken=True, code=0, session=None, resumed=False
        )

    def close(self):
        self.closed = True

    def now(self):
        return 0.0

    def stream_for(self, above):
        return self.stream

    def shaken(self, stream, *, fits):
        assert fits

    def forget(self, carrier):
        pass

    gone = fruitless = forget

    def failed(self, queries, trouble, code=0):
        raise AssertionError

    def again(self, query, trouble):
        query.finish(trouble)

    refused = again


def asked(carrier, count):
    """The outcomes of so many queries that are put on `carrier`."""
    heard = [[] for _ in range(count)]
    for number in range(count):
        carrier.put(Query(b"id%d" % number, heard[number].append))
    return heard


def fed(carrier, home, octets, cuts):
    """`octets` have come in pieces, as far as they were wanted."""
    begin = 0
    for end in [*sorted(min(cut, len(octets)) for cut in cuts), len(octets)]:
        if not home.closed and begin < end:
            carrier.received(octets[begin:end])
        begin = end


def check(heard, home, carrier):
    """Each query has one outcome at most, and none is lost with its connection."""
    for outcomes in heard:
        assert len(outcomes) <= 1
        assert all(isinstance(each, Trouble) or each[:2] == b"id" for each in outcomes)
    if home.closed:
        assert all(heard)
        assert not carrier.waiting


CUTS = st.lists(st.integers(0, 300), max_size=5)
KEYS = st.sampled_from([b"id", b"ie", b"if", b"xx", b"", b"i"])
FRAMES = st.lists(st.tuples(KEYS, st.binary(max_size=20)), max_size=12)


@given(frames=FRAMES, loose=st.binary(max_size=10), cuts=CUTS)
def test_no_frames_of_a_server_over_tls_do_harm(frames, loose, cuts):
    home = Home()
    carrier = DotConnection(home)
    carrier.opened("dot")
    heard = asked(carrier, 3)
    wires = [key + body for key, body in frames]
    fed(carrier, home, b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires) + loose, cuts)
    check(heard, home, carrier)


def answers(written, status, media, bodies):
    """What a server of HTTP/2 says to the requests that were `written`."""
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    http.initiate_connection()
    said = [http.data_to_send()]
    http.receive_data(bytes(written))
    written.clear()
    said.append(http.data_to_send())
    for stream, body in zip(sorted(http.streams), bodies, strict=False):
        http.send_headers(stream, [(":status", status), ("content-type", media)])
        http.send_data(stream, body, end_stream=True)
    return b"".join([*said, http.data_to_send()])


@settings(max_examples=150)
@given(
    status=st.sampled_from(["200", "404"]),
    media=st.sampled_from([DNS, "text/html"]),
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3),
    cuts=CUTS,
)
def test_no_octets_of_a_server_over_https_do_harm(status, media, bodies, changes, cuts):
    home = Home()
    carrier = HttpsConnection(home, TERMS)
    carrier.opened("h2")
    heard = asked(carrier, 1)
    octets = bytearray(answers(home.written, status, media, bodies))
    for place, value in changes:
        octets[place % len(octets)] = value
    fed(carrier, home, bytes(octets), cuts)
    check(heard, home, carrier)
    if not changes:
        (outcome,) = heard[0]
        good = status == "200" and media == DNS and len(bodies[0]) >= 2
        assert outcome == b"id" + bodies[0][2:] if good else outcome.kind is Trouble.HTTP


def frame(kind, payload, flags=0, stream=0):
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def test_bodies_that_do_not_end_are_not_held_without_bound():
    home = Home()
    carrier = HttpsConnection(home, TERMS)
    carrier.opened("h2")
    carrier.received(frame(4, b""))
    heard = asked(carrier, 60)
    fields = b"\x88\x0f\x10\x17" + DNS.encode()
    for stream in range(1, 101, 2):
        carrier.received(frame(1, fields, 4, stream))
        for _ in range(3):
            carrier.received(frame(0, bytes(16_000), 0, stream))
    assert MAX_BODIES // 2 < sum(len(each.body) for each in carrier._responses.values()) <= MAX_BODIES
    refused = [str(each[0]) for each in heard if each]
    assert len(refused) > 20
    assert set(refused) == {f"{Trouble.HTTP}: too many long responses that do not end"}
    carrier.received(frame(1, fields, 4, 119) + frame(0, b"id, ed", 1, 119))
    assert heard[59] == [b"id, ed"], "what is short is still taken"
    assert not home.closed


FLAGS = st.one_of(st.sampled_from([0, 1, 4, 5]), st.integers(0, 255))
STREAMS = st.sampled_from([0, 1, 1, 2, 3, 5, 9, 0x7FFFFFFF, 0xFFFFFFFF])
PAYLOADS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            *(b"\x88", b"\x88\x0f\x10\x17" + DNS.encode(), b"\x08\x03103", b"\x82", b"\x3f\xe1\xff\x03", b"\0\0\0\1"),
            *(b"\x7f\xff\xff\xff", b"\0\3\0\0\0\0", b"\0\4\0\0\0\0", b"\0\4\x7f\xff\xff\xff", b"\0\1\0\0\0\0"),
            *(b"\0\5\0\0\x40\0", b"\0\2\0\0\0\1", bytes(8), b"\x7f\xff\xff\xff" + bytes(4), bytes(80)),
        ]
    ),
)


@settings(max_examples=400)
@given(
    frames=st.lists(st.tuples(st.integers(0, 12), FLAGS, STREAMS, PAYLOADS), max_size=12),
    given_up=st.sets(st.integers(0, 3)),
    cuts=CUTS,
)
def test_no_frames_of_http_2_do_harm(frames, given_up, cuts):
    home = Home()
    carrier = HttpsConnection(home, TERMS)
    carrier.opened("h2")
    carrier.received(bytes.fromhex("000000 04 00 00000000"))
    heard = [[] for _ in range(5)]
    queries = [Query(b"id%d" % number, each.append) for number, each in enumerate(heard)]
    for query in queries[:4]:
        carrier.put(query)
    for number in given_up:
        queries[number].close()
        heard[number].append(Trouble.LOCAL)  # which stands for what nobody wants
    octets = b"".join(frame(kind, payload, flags, stream) for kind, flags, stream, payload in frames)
    fed(carrier, home, octets, cuts)
    if not home.closed and not carrier.leaving:
        carrier.put(queries[4])
    else:
        heard.pop()
    check(heard, home, carrier)


@pytest.mark.parametrize("made", [DotConnection, lambda home: HttpsConnection(home, TERMS)])
def test_a_receiver_may_close_the_connection_while_it_is_told(made):
    home = Home()
    carrier = made(home)
    carrier.opened("h2" if carrier.__class__ is HttpsConnection else "")
    told = []

    def close(outcome):
        told.append(outcome)
        carrier.close()

    for _ in range(2):
        carrier.put(Query(b"id", close))
    carrier.ended(Trouble.RESET)
    assert told == [Trouble.RESET] * 2
    carrier.close()
    assert home.closed
