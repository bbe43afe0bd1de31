"""Decides what an HTTP request asks, and what its response says: DNS over HTTPS (RFC 8484), whatever the version of
HTTP.

Rules:
* GET has the message in the parameter `dns`, in base64url without padding (section 4.1, RFC 4648 section 5); POST in
  its body, as `application/dns-message`. There is no other method, and no other form.
* 200 for whatever DNS says, SERVFAIL included (section 4.2.1). What is no DNS question by HTTP gets one of the 4xx,
  with a line of text that says what to send instead.
* A response is fresh for the least TTL of its answers, or what denies them, or of nothing at all (section 5.1).

Limits: a target of `MAX_TARGET` octets, a message of 65,535; what a path may be is for the settings to say.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterable
from struct import Struct
from typing import Final, NamedTuple

from resolver.message import Type
from resolver.wire.compression import HEADER

MEDIA_TYPE: Final = b"application/dns-message"

MAX_TARGET: Final = 8_192
"""Octets of path and parameters: a message of 6 KiB, a hundred times the usual; RFC 9110 section 4.1 asks for 8,000."""

MAX_MESSAGE: Final = 65_535
"""Octets of the longest message, and so of the longest body."""

MAX_HEADER: Final = 16_384
"""Octets of all header fields of a request (RFC 9113 section 6.5.2 counts 32 more for each)."""

_QR: Final = 0x80
_SOA: Final = int(Type.SOA)
_COUNTS: Final = Struct("!HH").unpack_from
_FIXED: Final = Struct("!HHIH").unpack_from
_RCODE: Final = 0x0F

_INSTEAD: Final = "send GET with the parameter dns, or POST with content-type: application/dns-message (RFC 8484)"


class Head(NamedTuple):
    """What is looked at of the head of a request."""

    method: bytes
    target: bytes
    content_type: bytes = b""
    content_length: bytes = b""

    @property
    def path(self) -> bytes:
        """The target without its parameters."""
        return self.target.partition(b"?")[0]


class Refusal(NamedTuple):
    """What is told of a request that asks nothing: a status of HTTP and why."""

    status: int
    text: str


def head_of(method: bytes, target: bytes, fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """What is looked at of a request with these header `fields`, whose names are in lower case."""
    content_type = content_length = b""
    for name, value in fields:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            content_length = value
    return Head(method, target, content_type, content_length)


def judged(head: Head, paths: Collection[bytes]) -> bytes | Refusal | None:
    """The message that a GET asks, None for a POST whose body is to come; or why it is neither."""
    if len(head.target) > MAX_TARGET:
        return Refusal(414, f"the target has more than {MAX_TARGET} octets; send a message that long by POST")
    if head.path not in paths:
        known = ", ".join(sorted(path.decode("ascii", "replace") for path in paths))
        return Refusal(404, f"there is nothing here; DNS is answered at {known}")
    if head.method == b"GET":
        return _parameter(head.target)
    if head.method != b"POST":
        return Refusal(405, f"there is no such method here; {_INSTEAD}")
    if head.content_type.partition(b";")[0].strip().lower() != MEDIA_TYPE:
        return Refusal(415, f"the content is no DNS message by its type; {_INSTEAD}")
    if head.content_length.isdigit() and int(head.content_length[:9]) > MAX_MESSAGE:
        return Refusal(413, f"a DNS message has at most {MAX_MESSAGE} octets")
    return None


def message(octets: bytes) -> bytes | Refusal:
    """`octets` if they can be a question that is answered at all (RFC 1035 section 4.1.1)."""
    if len(octets) < HEADER:
        return Refusal(400, f"{len(octets)} octets are no DNS message: its header alone has {HEADER}")
    if len(octets) > MAX_MESSAGE:
        return Refusal(413, f"a DNS message has at most {MAX_MESSAGE} octets")
    if octets[2] & _QR:
        return Refusal(400, "this DNS message is a response (QR is 1); send a query")
    return octets


def _parameter(target: bytes) -> bytes | Refusal:
    """The message in the parameter `dns` of `target`."""
    query = target.partition(b"?")[2]
    found = [value for name, _, value in (each.partition(b"=") for each in query.split(b"&")) if name == b"dns"]
    if len(found) != 1:
        what = "there is no parameter dns" if not found else "the parameter dns stands there twice"
        return Refusal(400, f"{what}; {_INSTEAD}")
    try:
        octets = _decoded(found[0])
    except ValueError:
        return Refusal(400, "the parameter dns is no base64url without padding (RFC 4648 section 5)")
    return message(octets)


def _decoded(text: bytes) -> bytes:
    """What base64url says. Raises `ValueError`. Its letters that are not those of base64 are the last two."""
    if b"+" in text or b"/" in text or b"=" in text:
        raise ValueError("no base64url")
    return binascii.a2b_base64(text.translate(_TO_BASE64) + b"=" * (-len(text) % 4), strict_mode=True)


_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")


def freshness(response: bytes) -> int:
    """Seconds for which `response`, one that we have made, may be kept (RFC 8484 section 5.1); 0 for one that fails."""
    if response[3] & _RCODE not in (0, 3) or len(response) <= HEADER:
        return 0
    answers, authority = _COUNTS(response, 6)
    at = HEADER
    while length := response[at]:
        at += length + 1
    at += 5
    lowest = -1
    for left in range(answers + authority, 0, -1):
        if left == authority and lowest >= 0:
            break  # there are answers
        while length := response[at]:
            if length >= 0xC0:
                at += 1
                break
            at += length + 1
        at += 1
        rtype, _, ttl, size = _FIXED(response, at)
        at += 10 + size
        if left > authority or rtype == _SOA:
            lowest = ttl if lowest < 0 or ttl < lowest else lowest
    return max(lowest, 0)


def explained(refusal: Refusal) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The header fields and the body that say `refusal`."""
    body = refusal.text.encode() + b"\n"
    fields = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if refusal.status == 405:
        fields.append((b"allow", b"GET, POST"))
    return fields, body


def answered(response: bytes) -> list[tuple[bytes, bytes]]:
    """The header fields of the DNS message `response`."""
    return [
        (b"content-type", MEDIA_TYPE),
        (b"content-length", b"%d" % len(response)),
        (b"cache-control", b"max-age=%d" % freshness(response)),
    ]
