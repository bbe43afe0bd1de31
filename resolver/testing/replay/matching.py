"""Decides which queries an entry fits, and which octets a scripted server replies.

Rules
* Every word of MATCH must hold; without any, all queries fit. Names are compared without regard to letter case.
* A reply has the id of the query, whether or not the script says `copy_id`: players that hand a reply straight to the
  question that waits for it have no use for ids, so scripts forget the word. With `copy_query` it has the question of
  the query, too. A question that equals that of the query but for letter case is spelled as there (0x20).
* A reply to a query with an OPT has one, whatever the script says: a real server of today does so.
* A reply to a query with RD has RD and RA: it comes from a forwarder, and it answers.
* Octets that are given as they are get the id and the spelling, and nothing else.
* With `wrong_id`, a word of our own, the id is another one.

Limits: `answer`, `flags` and the like speak of answers, so in the entry of a server they hold always.
"""

from __future__ import annotations

from typing import Final

from resolver.message import RA, RD, Edns, Message, Question, Transport
from resolver.testing.replay.script import Entry
from resolver.wire import names
from resolver.wire.render import render

_HEADER: Final = 12
_OTHER: Final = 0x5AA5


def fits(entry: Entry, query: Message, transport: Transport) -> bool:
    """Whether `query` is one that `entry` is meant for."""
    return all(_holds(word, entry, query, transport) for word in entry.match)


def _holds(word: str, entry: Entry, query: Message, transport: Transport) -> bool:
    asked, meant = query.question, entry.question
    match word:
        case "UDP":
            return transport is Transport.UDP
        case "TCP":
            return transport is Transport.TCP
        case "DO":
            return query.edns is not None and query.edns.do
        case "noedns":
            return query.edns is None
        case "opcode":
            return query.opcode == 0
    if word not in ("qname", "qtype", "qclass", "subdomain", "question", "all"):
        return True
    if asked is None or meant is None:
        return asked is meant
    one, other = names.fold(asked.name), names.fold(meant.name)
    match word:
        case "qname":
            return one == other
        case "subdomain":
            return names.is_below(one, other)
        case "qtype":
            return asked.type == meant.type
        case "qclass":
            return asked.cls == meant.cls
        case _:
            return (one, asked.type, asked.cls) == (other, meant.type, meant.cls)


def reply(entry: Entry, query: Message) -> bytes:
    """The octets with which a server that plays `entry` replies to `query`."""
    asked = query.question
    ident = query.id ^ (_OTHER if "wrong_id" in entry.adjust else 0)
    if entry.raw is not None:
        return _given(entry.raw, ident, asked)
    question = entry.question
    if asked is not None and ("copy_query" in entry.adjust or _same(question, asked)):
        question = asked
    edns = entry.edns
    if edns is None and query.edns is not None:
        edns = Edns(do=query.edns.do)
    sections = (entry.answer, entry.authority, entry.additional)
    flags = entry.flags | (RD | RA if query.flags & RD else 0)
    return render(Message(ident, flags, entry.rcode, question, *sections, edns))


def _same(one: Question | None, other: Question) -> bool:
    return one is not None and one._replace(name=names.fold(one.name)) == other._replace(name=names.fold(other.name))


def _given(raw: bytes, ident: int, asked: Question | None) -> bytes:
    raw = ident.to_bytes(2, "big") + raw[2:]
    if asked is not None:
        end = _HEADER + len(asked.name)
        if names.fold(raw[_HEADER:end]) == names.fold(asked.name):
            raw = raw[:_HEADER] + asked.name + raw[end:]
    return raw
