"""HTTP/2 with a client in memory, past TLS, in virtual time."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from resolver.message import Client, Session, Transport
from resolver.network import h2_settings
from resolver.server import doh, http2, weighing
from resolver.server.terms import Terms
from resolver.testing.virtual_time import run as run_in_virtual_time
from tests.support.https import QUERY, Bench, Peer, head, parameter, response


def bench(run, act, answer=response, stored=None, terms=None, **limits):
    async def main():
        return await act(Bench(answer, stored, terms, **limits))

    return run(main())


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@pytest.mark.rfc(8484, "4.1")
@pytest.mark.parametrize("how", ["get", "post"])
def test_a_question_is_answered_and_fresh_for_its_least_ttl(run, how):
    async def act(made):
        peer = Peer(made, server_name="dns.example")
        stream = getattr(peer, how)()
        assert peer.statuses == {stream: 200}
        assert peer.said[stream] == response(QUERY)
        assert peer.ended == [stream]
        fields = peer.fields[stream]
        assert fields[b"content-type"] == b"application/dns-message"
        assert fields[b"content-length"] == b"%d" % len(response(QUERY))
        assert fields[b"cache-control"] == b"max-age=300"
        session = Session("dns.example", "/dns-query")
        assert made.server.clients == [Client("192.0.2.1", 4000, Transport.HTTPS, session)]
        assert (made.listener.received, made.listener.sent) == (1, 1)

    bench(run, act)


def test_only_those_header_fields_are_told_that_rules_look_at(run):
    async def act(made):
        peer = Peer(made)
        peer.get(extra=[(b"x-team", b"blue"), (b"user-agent", b"curl")])
        assert made.server.clients[0].session == Session("", "/dns-query", (("x-team", "blue"),))

    bench(run, act, terms=Terms(fields=frozenset({b"x-team"})))


@pytest.mark.parametrize("how", ["get", "post"])
def test_answers_that_are_stored_leave_with_one_write_and_those_like_earlier_ones_do_not_pass_h2(run, monkeypatch, how):
    async def act(made):
        peer = Peer(made)
        first = getattr(peer, how)()
        getattr(peer, how)()
        read = []
        real = http2.Http2._frame
        monkeypatch.setattr(
            http2.Http2, "_frame", lambda self, kind, *rest: read.append(kind) or real(self, kind, *rest)
        )
        before = len(peer.stream.writes)
        several = [getattr(peer, how)(sends=False) for _ in range(20)]
        peer.send()
        assert len(peer.stream.writes) == before + 1
        assert read == []
        for stream in (first, *several):
            assert (peer.statuses[stream], peer.said[stream]) == (200, response(QUERY))
            assert peer.fields[stream] == peer.fields[first]
        assert made.server.wires == []
        assert made.listener.received == made.listener.sent == 22

    bench(run, act, stored=response)


def test_heads_that_come_before_their_bodies_are_answered_in_whatever_order_bodies_come(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(2):
            peer.post()
        streams = [peer.post(ends=False, sends=False) for _ in range(0)]
        heads, bodies = [], []
        for _ in range(6):
            stream = peer.post(sends=False)
            octets = peer.http.data_to_send()
            cut = 9 + int.from_bytes(octets[:3], "big")
            heads.append(octets[:cut])
            bodies.append(octets[cut:])
            streams.append(stream)
        peer.send(b"".join(heads))
        assert not set(streams) & set(peer.statuses)
        for body in (bodies[3], bodies[1], bodies[5]):
            peer.send(body)
        peer.send(frame(6, 0, 0, bytes(8)))  # a PING: now h2 learns of those that wait
        for body in (bodies[0], bodies[4], bodies[2]):
            peer.send(body)
        assert [peer.said[stream] for stream in streams] == [response(QUERY)] * 6
        later = peer.post()
        assert peer.said[later] == response(QUERY)
        assert peer.gone is None

    bench(run, act, stored=response)


def test_what_is_not_stored_goes_the_long_way_among_what_is(run):
    other = QUERY.replace(b"www", b"ftp")

    async def act(made):
        peer = Peer(made)
        peer.get(), peer.post()
        streams = [peer.post(q, sends=False) for q in (QUERY, other, QUERY, other, QUERY)]
        streams += [peer.get(q, sends=False) for q in (QUERY, other, QUERY)]
        peer.send()
        assert all(peer.statuses[stream] == 200 for stream in streams)
        assert made.server.wires == [other] * 3
        assert peer.said[streams[1]] == response(other)

    bench(run, act, stored=lambda wire: response(wire) if b"www" in wire else None)


def test_a_window_that_bodies_have_used_is_given_back(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(3000):  # 99,000 octets of bodies
            peer.post()
        assert len(peer.ended) == 3000
        assert peer.gone is None

    bench(run, act, stored=lambda wire: wire[:2] + b"\x81\x80" + wire[4:])


def test_a_body_of_another_length_than_was_told_is_no_request(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(2):
            peer.post()
        stream = peer.post(sends=False)
        octets = peer.http.data_to_send()
        cut = 9 + int.from_bytes(octets[:3], "big")
        peer.send(octets[:cut] + frame(0, 1, stream, QUERY + b"x"))
        assert stream not in peer.statuses

    bench(run, act, stored=response)


@pytest.mark.rfc(9113, "5.2.1")
def test_an_answer_waits_for_room_in_the_windows_of_the_client(run):
    async def act(made):
        peer = Peer(made)
        peer.acknowledges = False
        peer.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
        peer.send()
        stream = peer.get()
        assert peer.said[stream] == response(QUERY)[:10]
        assert peer.connection._speaker.unsent == len(response(QUERY)) - 10
        peer.http.increment_flow_control_window(1000, stream)
        peer.send()
        assert peer.said[stream] == response(QUERY)
        assert peer.connection._speaker.unsent == 0
        other = peer.get()
        await made.clock.advance(10.5)
        assert peer.stream.aborted, "a client that never takes its answer keeps no place"
        assert other in peer.said

    bench(run, act, stored=response)


def test_a_client_that_gives_no_room_is_not_made_answers_for_without_end(run):
    async def act(made):
        peer = Peer(made)
        peer.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        peer.send()
        for _ in range(10):
            peer.get()
        assert peer.connection._speaker.unsent <= http2.UNSENT
        assert set(peer.resets.values()) == {ErrorCodes.ENHANCE_YOUR_CALM}
        assert made.https.reset == len(peer.resets) > 0

    bench(run, act, answer=lambda wire: response(wire) + bytes(40_000))


@pytest.mark.rfc(8484, "4.2.1")
@pytest.mark.parametrize(
    ("how", "status", "text"),
    [
        ({"target": b"/"}, 404, "DNS is answered at /dns-query"),
        ({"target": b"/dns-query"}, 400, "there is no parameter dns; send GET with the parameter dns, or POST"),
        ({"target": parameter(QUERY)[:-3] + b"+=="}, 400, "no base64url without padding"),
        ({"query": b"short"}, 400, "5 octets are no DNS message"),
        ({"method": b"DELETE"}, 405, "there is no such method here"),
        ({"target": b"/" + b"x" * 9000}, 414, "more than 8192 octets"),
    ],
)
def test_what_asks_nothing_is_told_why(run, how, status, text):
    async def act(made):
        peer = Peer(made)
        stream = peer.get(**how)
        assert peer.statuses[stream] == status
        assert text in peer.said[stream].decode()
        assert peer.fields[stream][b"content-type"] == b"text/plain; charset=utf-8"
        assert (peer.fields[stream].get(b"allow") == b"GET, POST") == (status == 405)
        assert (made.https.refused, made.server.wires, peer.ended) == (1, [], [stream])
        assert peer.said[peer.get()] == response(QUERY), "the connection goes on"

    bench(run, act)


def test_a_request_that_is_refused_may_be_ended_and_is_broken_off_where_it_goes_on_and_on(run):
    async def act(made):
        peer = Peer(made)
        stream = peer.post(kind=b"text/plain", length=False, ends=False)
        assert (peer.statuses[stream], peer.resets, peer.ended) == (415, {}, [stream])
        for _ in range(2):
            peer.http.send_data(stream, bytes(8000))
            peer.send()
        assert peer.resets == {}
        peer.http.send_data(stream, bytes(1000))
        peer.send()
        assert peer.resets == {stream: ErrorCodes.NO_ERROR}
        assert made.https.counts()["https.bodies_cut"] == 1
        whole = peer.post(kind=b"text/plain", length=False, ends=False)
        assert peer.connection._speaker.partial_since is not None, "its end is owed"
        peer.http.send_data(whole, b"", end_stream=True)
        peer.send()
        assert whole not in peer.resets
        assert peer.connection._speaker.partial_since is None
        fields = [*head(b"POST"), (b":path", b"/dns-query"), (b"content-type", b"application/dns-message")]
        long = peer.request([*fields, (b"content-length", b"65536")], ends=False)
        assert peer.statuses[long] == 413

    bench(run, act)


def test_who_is_told_nothing_has_the_stream_reset(run):
    async def act(made):
        peer = Peer(made)
        stream = peer.get()
        assert peer.resets == {stream: ErrorCodes.REFUSED_STREAM}
        assert made.https.reset == 1

    bench(run, act, answer=lambda wire: None)


def test_requests_that_were_given_up_count_as_long_as_they_are_worked_on(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(5):
            stream = peer.get()
            if stream not in peer.resets:
                peer.http.reset_stream(stream, ErrorCodes.CANCEL)
                peer.send()
        assert len(made.server.wires) == 3
        assert (peer.connection.outstanding, made.https.reset) == (3, 2)
        for _, send in made.server.waiting:
            send(response(QUERY))
        assert (peer.said, peer.connection.outstanding) == ({}, 0)
        made.server.answer = response
        assert peer.said == {}
        assert peer.said.get(peer.get()) == response(QUERY)

    bench(run, act, answer=None, terms=Terms(streams=3))


def _pings(peer):
    return frame(6, 0, 0, bytes(8))


def _settings(peer):
    return frame(4, 0, 0)


def _rapid_resets(peer):
    stream = peer.get(QUERY.replace(b"www", b"ftp"), sends=False)
    peer.http.reset_stream(stream, ErrorCodes.CANCEL)
    return peer.http.data_to_send()


def _empty_data(peer):
    if not hasattr(peer, "open"):
        peer.open = peer.post(b"x", length=False, ends=False)
    return frame(0, 0, peer.open)


def _small_data(peer):
    if not hasattr(peer, "open"):
        peer.open = peer.post(b"x", length=False, ends=False)
    return frame(0, 0, peer.open, b"y")


def _priorities(peer):
    return frame(2, 0, 1, bytes(5))


def _updates(peer):
    return frame(8, 0, 0, b"\x00\x00\x00\x01")


def _unknown(peer):
    return frame(0x42, 0, 0, b"whatever")


@pytest.mark.rfc(9113, "10.5")
@pytest.mark.parametrize(
    "flood",
    [_pings, _settings, _rapid_resets, _empty_data, _small_data, _priorities, _updates, _unknown],
)
def test_a_flood_of_frames_that_ask_nothing_ends_the_connection(run, flood):
    async def act(made):
        peer = Peer(made)
        sent = 0
        while not peer.stream.closing and sent < 1000:
            octets = flood(peer)
            peer.stream.reading = True
            peer.connection.received(octets)
            sent += 1
        assert weighing.ODD // 2 <= sent <= weighing.ODD + 8
        peer.take()
        assert peer.gone == ErrorCodes.ENHANCE_YOUR_CALM
        assert made.https.calmed == 1
        assert len(made.server.wires) <= 100

    bench(run, act, answer=None)


def test_a_client_that_asks_may_send_other_frames_beside_for_ever(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(1000):
            stream = peer.get(sends=False)
            octets = peer.http.data_to_send()
            peer.send(octets + _pings(peer) + _updates(peer) + _updates(peer))
            assert peer.said[stream] == response(QUERY)
        assert peer.acks >= 1000

    bench(run, act, stored=response)


def test_a_header_block_that_does_not_end_is_cut_off(run):
    async def act(made):
        peer = Peer(made)
        block = b"\x82\x87" + b"\x00\x01x\x7f\xe1\x7e" + b"v" * 16_000
        peer.stream.reading = True
        peer.connection.received(frame(1, 1, 1, block[:8000]))
        for _ in range(9):
            if not peer.stream.closing:
                peer.connection.received(frame(9, 0, 1, b"v" * 4000))
        peer.take()
        assert (peer.gone, peer.stream.closing) == (ErrorCodes.ENHANCE_YOUR_CALM, True)

    bench(run, act)


@pytest.mark.rfc(9113, "6.5.2")
def test_a_header_list_that_is_too_long_when_decoded_ends_the_connection(run):
    async def act(made):
        peer = Peer(made)
        peer.get(extra=[(b"x-%d" % n, b"v" * 100) for n in range(200)])
        assert peer.gone is not None
        assert peer.stream.closing
        assert made.server.wires == []

    bench(run, act)


@pytest.mark.parametrize("wait", ["preface", "frame", "head", "body", "held"])
def test_what_was_begun_must_be_whole_in_time(run, wait):
    async def act(made):
        if wait == "preface":
            stream, connection = made.connect()
            connection.received(b"PRI * HT")
        else:
            peer = Peer(made)
            peer.post(), peer.post()
            stream, connection = peer.stream, peer.connection
            octets = {
                "frame": lambda: frame(6, 0, 0, bytes(8))[:12],
                "head": lambda: frame(1, 1, 99, b"\x82"),
                "body": lambda: peer.post(length=False, ends=False) and b"",
                "held": lambda: peer.post(sends=False) and peer.http.data_to_send()[:40],
            }[wait]()
            connection.received(octets)
        await made.clock.advance(4.8)
        assert not stream.closing
        await made.clock.advance(0.4)
        assert stream.aborted
        assert made.places.timed_out == 1

    bench(run, act, stored=response)


@pytest.mark.rfc(9113, "9.1")
def test_who_is_idle_is_told_and_closed_and_pings_do_not_keep_a_place(run):
    async def act(made):
        peer = Peer(made)
        peer.get()
        for _ in range(4):
            await made.clock.advance(2.4)
            peer.send(_pings(peer))
        assert not peer.stream.closing
        await made.clock.advance(0.6)
        peer.take()
        assert (peer.gone, peer.stream.closing, peer.stream.aborted) == (ErrorCodes.NO_ERROR, True, False)
        assert len(made.places) == 0

    bench(run, act)


@pytest.mark.rfc(9113, "6.8")
def test_to_stop_is_to_say_so_and_to_finish_what_was_asked(run):
    async def act(made):
        peer = Peer(made)
        stream = peer.get()
        made.listener._sock = type("Closable", (), {"close": lambda self: None})()
        made.listener.stop_reading()
        sent = peer.stream.writes[-1]
        assert sent[3] == 7, "GOAWAY"
        assert not peer.stream.closing
        made.server.waiting[0][1](response(QUERY))
        assert peer.stream.closing
        assert response(QUERY) in peer.stream.writes[-1]
        assert stream == 1

    bench(run, act, answer=None)


def test_who_asks_after_the_end_was_announced_is_refused(run):
    async def act(made):
        peer = Peer(made)
        peer.get()
        peer.connection.finish()
        late = peer.get(sends=False)
        feed = peer.http.data_to_send()
        peer.connection.received(feed)
        assert len(made.server.wires) == 1
        assert late == 3

    bench(run, act, answer=None)


def test_other_paths_are_in_force_at_once_also_for_requests_like_earlier_ones(run):
    async def act(made):
        peer = Peer(made)
        for _ in range(3):
            assert peer.statuses[peer.get()] == 200
        made.https.terms = Terms(paths=frozenset({b"/dns"}))
        assert peer.statuses[peer.get()] == 404

    bench(run, act, stored=response)


def test_whoever_does_not_speak_http2_is_ended(run):
    async def act(made):
        for garbage in (
            b"\x00" * 100,
            b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 99,
        ):
            stream, connection = made.connect()
            connection.received(garbage)
            assert stream.closing, garbage
        assert len(made.places) == 0

    bench(run, act)


@given(st.data())
def test_nothing_that_a_client_can_send_breaks_the_server(data):
    frames = st.tuples(
        st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 66]),
        st.sampled_from([0, 1, 4, 5, 8, 0x24, 0x25, 0x2D]),
        st.sampled_from([0, 1, 2, 3, 5, 1 << 31]),
        st.one_of(
            st.binary(max_size=40),
            st.just(bytes.fromhex("82870484") + b"/dns"),
            st.just(b"\x83\x87\x04\x0a/dns-query\x5f\x17application/dns-message"),
            st.just(QUERY),
        ),
    )
    octets = b"".join(frame(*each) for each in data.draw(st.lists(frames, max_size=12)))
    octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + octets
    cut = data.draw(st.integers(0, len(octets)))
    broken = []

    async def main():
        made = Bench(data.draw(st.sampled_from([response, None])), stored=data.draw(st.sampled_from([response, None])))
        made.listener.broke = broken.append
        _, connection = made.connect()
        connection.received(octets[:cut])
        connection.received(octets[cut:])
        connection.finish()
        for _, send in made.server.waiting:
            send(response(QUERY))

    run_in_virtual_time(main())
    assert broken == []


def test_limits_are_told_in_the_settings(run):
    async def act(made):
        peer = Peer(made)
        told = peer.http.remote_settings
        assert told.max_concurrent_streams == 7
        assert told.max_header_list_size == doh.MAX_HEADER

    bench(run, act, terms=Terms(streams=7))


def test_of_streams_that_are_over_no_more_are_remembered_than_may_still_be_heard_of(run, monkeypatch):
    monkeypatch.setattr(http2._H2, "MAX_CLOSED_STREAMS", 8)

    async def act(made):
        peer = Peer(made)
        for number in range(50):  # each has another path, which is read the long way
            peer.get(QUERY.replace(b"www", b"%03d" % number))
        assert len(peer.ended) == 50
        assert len(peer.connection._speaker._http._closed_streams) <= 8
        late = peer.ended[0]
        peer.send(frame(8, 0, late, (1).to_bytes(4, "big")))  # a WINDOW_UPDATE that comes late
        peer.send(frame(3, 0, late, (8).to_bytes(4, "big")))  # and an RST_STREAM
        assert peer.get() in peer.said
        assert peer.gone is None

    bench(run, act)


@pytest.mark.rfc(9113, "6.5.2")
def test_settings_that_nobody_knows_are_not_held_however_many_come(run):
    async def act(made):
        peer = Peer(made)
        before = len(peer.connection._speaker._http.remote_settings)
        for number in range(100):
            unknown = range(256 + 60 * number, 256 + 60 * number + 60)
            settings = b"".join(each.to_bytes(2, "big") + bytes(4) for each in unknown)
            peer.send(
                frame(
                    h2_settings.SETTINGS, 0, 0, settings + SettingCodes.HEADER_TABLE_SIZE.to_bytes(2, "big") + bytes(4)
                )
            )
        assert len(peer.connection._speaker._http.remote_settings) <= before
        assert peer.connection._speaker._http.remote_settings.header_table_size == 0
        assert peer.acks == 1 + 100
        assert peer.statuses == {peer.get(): 200}

    bench(run, act)


def test_a_frame_with_more_settings_than_there_are_ends_the_connection(run):
    async def act(made):
        peer = Peer(made)
        one = b"\x01\x00" + bytes(4)
        peer.send(frame(h2_settings.SETTINGS, 0, 0, one * h2_settings.MOST))
        assert peer.gone is None
        peer.send(frame(h2_settings.SETTINGS, 0, 0, one * (h2_settings.MOST + 1)))
        assert (peer.gone, made.https.calmed) == (ErrorCodes.ENHANCE_YOUR_CALM, 1)

    bench(run, act)


def test_however_many_windows_a_read_opens_what_waits_is_looked_at_once(run, monkeypatch):
    async def act(made):
        peer = Peer(made)
        peer.send(frame(h2_settings.SETTINGS, 0, 0, SettingCodes.INITIAL_WINDOW_SIZE.to_bytes(2, "big") + bytes(4)))
        streams = [peer.get() for _ in range(50)]
        tried = []
        real = http2.Http2._send
        monkeypatch.setattr(http2.Http2, "_send", lambda self, *what: tried.append(what) or real(self, *what))
        peer.send(frame(8, 0, 0, b"\x00\x00\x00\x01") * 200)
        assert len(tried) == len(streams)
        assert peer.gone is None
        peer.send(b"".join(frame(8, 0, stream, b"\x00\x00\x10\x00") for stream in streams))
        assert peer.ended == streams

    bench(run, act)


@pytest.mark.rfc(7541, "4.2")
@pytest.mark.parametrize("room", [0, 100, 4096, 65_536, 0xFFFFFFFF])
def test_however_large_a_table_a_client_offers_answers_are_written_by_a_small_one(run, room):
    ttls = iter(range(1000, 9000))

    async def act(made):
        peer = Peer(made)
        peer.http.update_settings({SettingCodes.HEADER_TABLE_SIZE: room})
        peer.send()
        streams = []
        for _ in range(300):
            streams.append(peer.get())
            await made.clock.advance(0)
        assert [peer.fields[stream][b"cache-control"] for stream in streams] == [
            b"max-age=%d" % ttl for ttl in range(1000, 1300)
        ]
        table = peer.connection._speaker._http.encoder.header_table
        assert table.maxsize <= min(room, h2_settings.TABLE)
        assert len(table.dynamic_entries) <= h2_settings.TABLE // 32

    bench(run, act, answer=lambda wire: response(wire, ttl=next(ttls)))
