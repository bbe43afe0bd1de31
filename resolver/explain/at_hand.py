"""Causes of answers for which nobody was asked and nothing was looked up: what the server says of itself, what names
are special, who may not ask."""

from __future__ import annotations

from typing import Final

from resolver.config import HEALTH_NAME
from resolver.explain.case import Case
from resolver.explain.cause import Said
from resolver.message import Class, Rcode
from resolver.observe.notes import At, Stage
from resolver.wire import names, types
from resolver.wire.special import SPECIAL, Kind, special_above

_RFC: Final = {
    "invalid.": "RFC 6761 section 6.4",
    "local.": "RFC 6762",
    "onion.": "RFC 7686",
    "alt.": "RFC 9476",
    "internal.": "reserved by ICANN for private use",
    "home.arpa.": "RFC 8375",
    "service.arpa.": "RFC 9665",
    "resolver.arpa.": "RFC 9462",
}
_RFC_OF_REVERSE_ZONES: Final = "RFC 6303"


def not_allowed(case: Case) -> Said | None:
    """The client is in none of the networks that may ask."""
    if case.tag != "deny":
        return None
    text = f"{case.query.client.host} is in none of the networks that may ask this resolver."
    return Said(text, "Add its network to server.allow.")


def busy(case: Case) -> Said | None:
    """There was no place for the query."""
    if case.tag not in ("busy", "many"):
        return None
    whose = "this client" if case.tag == "many" else "all clients together"
    setting = "server.max_in_flight_per_client" if case.tag == "many" else "server.max_in_flight"
    return Said(f"{case.asked} was not worked on: {whose} had as many questions open as {setting} allows.",
                f"Ask again, or raise {setting}.")  # fmt: skip


def not_held(case: Case) -> Said | None:
    """Recursion was not desired, and nothing is held."""
    if case.tag != "nrec":
        return None
    text = f"{case.asked} is not in the cache, and the query did not desire recursion (RD=0), so nobody was asked."
    return Said(text, "Ask with RD=1.")


def not_shown(case: Case) -> Said | None:
    """Recursion was not desired, and the client may not look into the cache."""
    if case.tag != "snop":
        return None
    text = (
        f"The query did not desire recursion (RD=0), and {case.query.client.host} is in none of the networks that may "
    )
    return Said(f"{text}look into the cache.", "Ask with RD=1, or add its network to server.snoop.")


def undeclared_name(case: Case) -> Said | None:
    """A test asks for a name that nobody declared."""
    if case.tag != "undc":
        return None
    what, _, instead = case.reason.partition("; ")
    return Said(f"{what}.", f"{instead[:1].upper()}{instead[1:]}.")


def identity(case: Case) -> Said | None:
    """What the server says of itself in class CH."""
    if not _at(case, Stage.SCREENED) or case.question.cls != Class.CH:
        return None
    if case.tag == "chao":
        text = f"Class CH holds only what this server says of itself, and {names.to_text(case.name)} is none of that."
        return Said(text, "Ask for version.bind. or id.server., and set server.identity if they are to be answered.")
    return Said(f"The resolver says this of itself (RFC 4892): it is what server.identity is set to, and {_NOBODY}.")


def other_class(case: Case) -> Said | None:
    """The class is neither IN nor CH."""
    if case.tag != "clss":
        return None
    return Said(
        f"{case.asked} was asked in class {case.question.cls}, and only class IN is served.", "Ask in class IN."
    )


def transfer(case: Case) -> Said | None:
    """A zone transfer was asked for."""
    if case.tag != "nxfr":
        return None
    text = f"{case.asked} is a zone transfer, and a resolver has no zone to transfer (RFC 5936)."
    return Said(text, "Ask an authoritative server of the zone.")


def meta_type(case: Case) -> Said | None:
    """The type is none of data."""
    if not _at(case, Stage.SCREENED) or case.reply is None or case.reply.rcode not in (Rcode.NOTIMP, Rcode.FORMERR):
        return None
    rtype = types.to_text(case.question.type)
    return Said(f"{rtype} is a type of messages, not of data (RFC 6895 section 3.1), so there is nothing to look up.",
                "Ask for a type of data, such as A.")  # fmt: skip


def health(case: Case) -> Said | None:
    """The name that healthcheck asks for."""
    if not _at(case, Stage.SCREENED) or case.name != names.from_text(HEALTH_NAME):
        return None
    return Said(f"{HEALTH_NAME} is the name that `resolver healthcheck` asks for: it is always answered here, {_SO}.")


def localhost(case: Case) -> Said | None:
    """This machine."""
    if not _at(case, Stage.RESERVED) or _kind(case) not in (Kind.LOCALHOST, Kind.LOOPBACK):
        return None
    text = f"{names.to_text(case.name)} is this machine, whoever asks (RFC 6761 section 6.3), {_SO}."
    if case.answer:
        return Said(text)
    return Said(f"{text} It has addresses and nothing else.")


def reserved(case: Case) -> Said | None:
    """A special-use name."""
    if not _at(case, Stage.RESERVED):
        return None
    top = special_above(case.name) or case.name
    shown = names.to_text(top)
    what = f"is below {shown}," if top != case.name else "is"
    rfc = _RFC.get(shown, _RFC_OF_REVERSE_ZONES)
    text = f"{names.to_text(case.name)} {what} a special-use name ({rfc}) that is answered here, {_SO}."
    if case.tag != "locl":
        return Said(text)
    return Said(text, f'If somebody else is to answer it, set resolver.unreserved = ["{shown}"], or a stub or forward '
                "zone for it.")  # fmt: skip


_SO: Final = "and nobody else is asked"
_NOBODY: Final = "nobody else is asked"


def _at(case: Case, stage: Stage) -> bool:
    return At(stage) in case.root.notes


def _kind(case: Case) -> Kind | None:
    return SPECIAL.get(special_above(case.name) or b"")
