"""A client of HTTP/2 in memory, and a listener for HTTPS without a socket, past TLS."""

from __future__ import annotations

import asyncio
import base64

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
)

from resolver.server.https import HttpsConnection, HttpsListener
from resolver.server.places import Places, TcpLimits
from resolver.server.terms import Https, Terms
from resolver.testing.virtual_time import VirtualClock
from tests.support.streams import Kept, Server, Stream, feed

QUERY = bytes.fromhex("00000100000100000000000003777777076578616d706c6503636f6d0000010001")


def response(query, *, ttl=300, rcode=0):
    """A response to `query` with an address."""
    answer = b"\xc0\x0c\x00\x01\x00\x01" + ttl.to_bytes(4, "big") + b"\x00\x04\xc0\x00\x02\x01"
    return query[:2] + bytes((0x81, 0x80 | rcode)) + b"\x00\x01\x00\x01" + bytes(4) + query[12:] + answer


def parameter(query):
    return b"/dns-query?dns=" + base64.urlsafe_b64encode(query).rstrip(b"=")


class Bench:
    """A listener for HTTPS in virtual time."""

    def __init__(self, answer=response, stored=None, terms=None, **limits):
        self.clock, self.server = VirtualClock(), Server(answer)
        self.https, self.places = Https(terms or Terms()), Places(TcpLimits(**limits))
        self.listener = HttpsListener(
            asyncio.get_running_loop(),
            None,
            self.server,
            self.clock,
            self.places,
            hits=stored and Kept(stored),
            https=self.https,
        )

    def connect(self, protocol="h2", server_name="", host="192.0.2.1"):
        stream, connection = Stream(host), HttpsConnection(self.listener)
        stream.protocol = connection
        connection.connection_made(stream)
        connection.shaken(server_name, protocol)
        return stream, connection


class Peer:
    """A client that speaks HTTP/2 on a connection of `bench`."""

    def __init__(self, bench, **how):
        self.stream, self.connection = bench.connect(**how)
        self.http = H2Connection(H2Configuration(header_encoding=None, validate_outbound_headers=False))
        self.http.initiate_connection()
        self.said, self.statuses, self.fields = {}, {}, {}
        self.ended, self.resets, self.gone, self.acks = [], {}, None, 0
        self._taken, self.acknowledges = 0, True
        self.take()
        self.send()

    def send(self, octets=None):
        """What it has to say, or `octets`, is read; what comes of it is heard."""
        left = feed(self.stream, self.connection, self.http.data_to_send() if octets is None else octets)
        self.take()
        return left

    def take(self):
        for each in self.stream.writes[self._taken :]:
            for event in self.http.receive_data(each):
                self._hear(event)
        self._taken = len(self.stream.writes)

    def _hear(self, event):
        if isinstance(event, ResponseReceived):
            fields = dict(event.headers)
            self.statuses[event.stream_id], self.fields[event.stream_id] = int(fields[b":status"]), fields
        elif isinstance(event, DataReceived):
            self.said[event.stream_id] = self.said.get(event.stream_id, b"") + event.data
            if self.acknowledges:
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.ended.append(event.stream_id)
        elif isinstance(event, StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, ConnectionTerminated):
            self.gone = event.error_code
        elif isinstance(event, (PingAckReceived, SettingsAcknowledged)):
            self.acks += 1

    def request(self, fields, body=None, *, ends=True, sends=True):
        """A stream is begun with these `fields`, and perhaps ended; its number."""
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, fields, end_stream=body is None and ends)
        if body is not None:
            self.http.send_data(stream, body, end_stream=ends)
        if sends:
            self.send()
        return stream

    def get(self, query=QUERY, *, target=None, method=b"GET", extra=(), **how):
        path = hpack.NeverIndexedHeaderTuple(b":path", parameter(query) if target is None else target)
        return self.request([*head(method), path, *extra], **how)

    def post(self, query=QUERY, *, kind=b"application/dns-message", length=True, target=b"/dns-query", **how):
        fields = [*head(b"POST"), (b":path", target), (b"content-type", kind)]
        if length:
            fields.append(hpack.NeverIndexedHeaderTuple(b"content-length", b"%d" % len(query)))
        return self.request(fields, query, **how)


def head(method):
    return [(b":method", method), (b":scheme", b"https"), (b":authority", b"dns.example")]
