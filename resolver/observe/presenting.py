"""Decides how a message is written for people and as JSON: its flags, options and records in presentation form.

Rules: a record whose rdata is not in the form of its type is written in that of RFC 3597 section 5. Nothing that a
client or a server chose reaches a terminal as a control character.

Limits: dnspython writes the rdata; this is never on the way of a query.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from resolver.message import AA, AD, CD, EDE_OPTION, QR, RA, RD, TC, Ede, Message, Question, RRset
from resolver.wire import names, types

FLAGS: Final = {"QR": QR, "AA": AA, "TC": TC, "RD": RD, "RA": RA, "AD": AD, "CD": CD}
"""The flags of a header by their names."""

OPCODES: Final = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
"""Kinds of requests (RFC 6895 section 2.2)."""

KEPT_TEXTS: Final = 4096
"""Texts of rdata that are kept: in a history the same records come again and again."""

KEPT_OCTETS: Final = 256
"""Octets of rdata whose text is kept, so that all texts have a few megabytes."""


def flags(message: Message) -> list[str]:
    """The names of the flags that are set, DO of the OPT among them."""
    found = [name for name, bit in FLAGS.items() if message.flags & bit]
    return [*found, "DO"] if message.edns is not None and message.edns.do else found


def opcode(message: Message) -> str:
    """The name of the kind of request, `OPCODE7` for one without."""
    return OPCODES.get(message.opcode) or f"OPCODE{message.opcode}"


def extended_errors(message: Message) -> list[Ede]:
    """The extended errors that `message` carries (RFC 8914 section 2); those without a code are left out."""
    options = () if message.edns is None else message.edns.options
    return [
        Ede(int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "replace").rstrip("\0"))
        for code, data in options
        if code == EDE_OPTION and len(data) >= 2
    ]


def lines(rrset: RRset) -> list[str]:
    """The records in presentation form, a line each: `OWNER TTL CLASS TYPE RDATA`."""
    head = f"{names.to_text(rrset.name)} {rrset.ttl} {class_text(rrset.cls)} {types.to_text(rrset.type)}"
    cls, rtype = rrset.cls, rrset.type
    return [f"{head} {(_kept if len(rdata) <= KEPT_OCTETS else _rdata)(cls, rtype, rdata)}" for rdata in rrset.rdatas]


def _rdata(cls: int, rtype: int, rdata: bytes) -> str:
    """`rdata` in the form of its type, or in that of RFC 3597."""
    import dns.exception
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    generic = f"\\# {len(rdata)} {rdata.hex()}".rstrip()
    try:
        kind = dns.rdatatype.RdataType.make(rtype)
        text = dns.rdata.from_wire(dns.rdataclass.RdataClass.make(cls), kind, rdata, 0, len(rdata)).to_text()
    except (dns.exception.DNSException, ValueError):
        return generic
    return text if text.isprintable() else generic


_kept = lru_cache(KEPT_TEXTS)(_rdata)


def records(rrsets: Iterable[RRset]) -> list[str]:
    """The records of all of `rrsets`."""
    return [line for rrset in rrsets for line in lines(rrset)]


def question(asked: Question) -> dict[str, str]:
    """`asked` as JSON can carry it, in its spelling."""
    name, rtype, cls = asked
    return {"name": names.to_text(name), "type": types.to_text(rtype), "class": class_text(cls)}


def class_text(cls: int) -> str:
    """The mnemonic of a class, `CLASS99` for one without (RFC 3597 section 5)."""
    return {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}.get(cls) or f"CLASS{cls}"


def sections(message: Message | None) -> dict[str, Any]:
    """What a response says, as JSON can carry it; with nothing in it for None."""
    if message is None:
        return {"rcode": None, "flags": [], "answer": [], "authority": [], "additional": [], "ede": []}
    return {
        "rcode": types.rcode_to_text(message.rcode),
        "flags": flags(message),
        "answer": records(message.answer),
        "authority": records(message.authority),
        "additional": records(message.additional),
        "ede": [{"code": each.code, "text": each.text} for each in extended_errors(message)],
    }


def moment(wall: float) -> str:
    """Wall time in seconds since 1970 in the form of RFC 3339, in UTC with microseconds."""
    return datetime.datetime.fromtimestamp(wall, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wall(text: str) -> float:
    """The wall time that `text` says: as RFC 3339, or in seconds since 1970. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()
