"""Transports and servers made by hand, for connections without sockets."""

from __future__ import annotations


def framed(*wires):
    return b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires)


class Stream:
    """A transport whose client reads when `drain` is called."""

    def __init__(self, host="192.0.2.1", port=4000):
        self.peer = (host, port)
        self.writes = []
        self.buffered = 0
        self.reading = True
        self.stuck = self.closing = self.aborted = False
        self.high = None
        self.protocol = None

    def get_extra_info(self, name, default=None):
        assert name == "peername"
        return self.peer

    def set_write_buffer_limits(self, high, low=None):
        self.high = high

    def write(self, octets):
        assert not self.closing
        self.writes.append(octets)
        if self.stuck:
            before, self.buffered = self.buffered, self.buffered + len(octets)
            if before <= self.high < self.buffered:
                self.protocol.pause_writing()

    def drain(self):
        was, self.buffered = self.buffered, 0
        if was > self.high:
            self.protocol.resume_writing()

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True
        self.reading = False
        if not self.buffered:
            self.protocol.connection_lost(None)

    def abort(self):
        self.aborted = True
        self.closing = True
        self.protocol.connection_lost(None)


class Server:
    """A `Respond` that keeps queries until they are answered, or answers with `answer` at once."""

    def __init__(self, answer=None):
        self.waiting, self.wires, self.clients, self.answer = [], [], [], answer

    def __call__(self, wire, client, send):
        self.wires.append(wire)
        self.clients.append(client)
        if self.answer is None:
            self.waiting.append((wire, send))
        else:
            send(self.answer(wire))


def feed(stream, connection, octets):
    """The loop reads `octets`, as much at a time as there is room for."""
    while octets and stream.reading and not stream.closing:
        buffer = connection.get_buffer(-1)
        part, octets = octets[: len(buffer)], octets[len(buffer) :]
        buffer[: len(part)] = part
        connection.buffer_updated(len(part))
    return octets


class Kept:
    """What a listener looks for stored answers with: `stored` gives them, and they are counted."""

    def __init__(self, stored):
        self._stored, self.count = stored, 0

    def begin(self):
        return self._stored

    def begin_for(self, host):
        return self._stored

    def served(self, count):
        self.count += count
