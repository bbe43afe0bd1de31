"""Decides which wildcard a proven answer was expanded from, so that its data can answer for other names (RFC 8198 5.3).

Rules
* What says it is the proof beside the answer, and not the labels of a signature: whoever is on the way can add one.
* With NSEC the ends of the gap tell the closest encloser. With NSEC3 the next closer name is the first from the apex
  down that lies in a span, since no name that exists does.
* The wildcard of a zone below proves nothing with the records of the zone above, and one that was expanded itself
  nothing with any.

Limits: `DEEPEST` names are hashed, and none of a zone with more than `ITERATIONS`. The proof is taken as a good one.
"""

from __future__ import annotations

from typing import Final

from resolver.dnssec import nsec, nsec3
from resolver.dnssec.records import read_rrsig
from resolver.dnssec.standing import Missing
from resolver.errors import WireError
from resolver.message import Proof, RRset, Status, Type
from resolver.wire import names

ITERATIONS: Final = 50
"""How often a name may be hashed again: what costs more is not worth it (RFC 9276 section 3.2)."""
DEEPEST: Final = 4
"""Labels between the apex and a next closer name that is looked for; few wildcards are deeper."""


def is_signed_by(rrset: RRset, zone: bytes) -> bool:
    """Whether all signatures of `rrset` are by `zone`, folded."""
    signatures = () if rrset.proof is None else rrset.proof.signatures
    try:
        return all(read_rrsig(each).signer == zone for each in signatures)
    except WireError:
        return False


def own_of(data: RRset | None, zone: bytes) -> tuple[RRset, Proof] | None:
    """`data` of a wildcard with its proof, if it is secure by `zone`, folded, and no other wildcard's; else None."""
    if data is None or (proof := data.proof) is None or proof.status is not Status.SECURE or proof.beside:
        return None
    return (data, proof) if is_signed_by(data, zone) else None


def encloser_of(name: bytes, sets: tuple[RRset, ...], zone: bytes) -> bytes | None:
    """The closest encloser of `name`, which `sets`, of `zone`, prove to be answered by a wildcard; all folded.

    None where they do not tell, or it costs too much to find out.
    """
    links = [link for each in sets if each.type == Type.NSEC and (link := nsec.read(each, zone))]
    standing = nsec.NsecChain(nsec.Few(links)).stand(name)
    if isinstance(standing, Missing):
        return standing.encloser
    spans = [span for each in sets if each.type == Type.NSEC3 and (span := nsec3.read(each, zone))]
    if not spans or any(span.opt_out or span.params.iterations > ITERATIONS for span in spans):
        return None
    top = names.depth(zone)
    for depth in range(top + 1, min(names.depth(name), top + DEEPEST) + 1):
        ancestor = names.last_labels(name, depth)
        if any(span.covers(nsec3.hash_name(ancestor, span.params)) for span in spans):
            return names.parent(ancestor)
    return None
