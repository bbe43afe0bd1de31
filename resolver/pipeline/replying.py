"""How an answer is told to a client: the sections of the reply (RFC 1034 section 4.3.1, RFC 2308 section 3)."""

from __future__ import annotations

from resolver.engine.outcome import Answer
from resolver.message import Reply


def reply_of(answer: Answer, again_s: int | None = None) -> Reply:
    """The reply that says `answer`: the chain and its end, the SOA in the authority section of a denial.

    It may be stored for `again_s` seconds, or for as long as it is good.
    """
    authority = () if answer.soa is None else (answer.soa,)
    return Reply(
        answer.rcode, answer.rrsets, authority, ra=True, storable=answer.keeps and again_s != 0, again_s=again_s
    )
