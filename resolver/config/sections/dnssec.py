"""The section `[dnssec]`: what is believed of signed zones, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainValidator

from resolver.config.sections.base import Doc, OptionalPath, Section
from resolver.config.values import negative_anchor, trust_anchor
from resolver.dnssec.anchors import MAX_LISTED as MAX_ANCHORS
from resolver.dnssec.negative import MAX_LISTED as MAX_NEGATIVE
from resolver.dnssec.negative import NegativeAnchor

MAX_FILES = 16
"""Files with trust anchors: the root's, and a few for zones of one's own."""

TrustAnchors = Annotated[
    tuple[Annotated[str, PlainValidator(trust_anchor)], ...],
    Field(strict=False, max_length=MAX_ANCHORS),
    Doc(form="a list of DS or DNSKEY records"),
]
Paths = Annotated[
    tuple[Annotated[Path, Field(strict=False)], ...],
    Field(strict=False, max_length=MAX_FILES),
    Doc(form="a list of paths"),
]
NegativeTrustAnchors = Annotated[
    tuple[Annotated[NegativeAnchor, PlainValidator(negative_anchor)], ...],
    Field(strict=False, max_length=MAX_NEGATIVE),
    Doc(form='a list of "ZONE" or "ZONE until TIME"'),
]


class Dnssec(Section):
    """What is believed of signed zones: whether answers are validated (RFC 4035 section 5), and from which keys on."""

    validation: bool = True
    """Answers are validated: what is proven is told with AD, what is forged is SERVFAIL with an extended error that
    says why, and what is unsigned is answered as ever. Peers: Unbound on with an anchor (`module-config: "validator
    iterator"`), BIND on (`dnssec-validation auto`), Knot Resolver on, PowerDNS only for clients that ask for it
    (`dnssec.validation: process`)."""

    trust_anchors: TrustAnchors = ()
    """DS or DNSKEY records in master-file form, such as `". IN DS 20326 8 2 E06D…"`, that are believed without proof.
    What is given for a zone, here or in a file, takes the place of what is built in for it: for the root that is the
    keys of 2017 and 2024 with `resolver.roots = "internet"`, and the simulated world's own key with `"simulated"`. A
    zone that no anchor stands above is not validated. Peers: Unbound `trust-anchor`, BIND `trust-anchors`, Knot
    Resolver `trust_anchors.add()`, PowerDNS `dnssec.trustanchors`."""

    trust_anchor_files: Paths = ()
    """Files of such records, or IANA's root-anchors.xml (RFC 9718), of which what is valid at the moment counts. Read
    at the start and at each reload. Peers: Unbound `trust-anchor-file`, PowerDNS `dnssec.trustanchorfile`."""

    auto_trust_anchor_file: OptionalPath = None
    """A file of such records to begin with, whose zones then renew their keys themselves (RFC 5011): a new key is
    believed when it has been seen for 30 days, one that is revoked never again. What is known of the keys stands
    beside it, in a file of the same name with `.state` behind; the daemon must be able to write there. Peers: Unbound
    `auto-trust-anchor-file`, BIND `initial-key`, Knot Resolver the same, on by default; PowerDNS without."""

    negative_trust_anchors: NegativeTrustAnchors = ()
    """Zones that are taken for unsigned, with all below them (RFC 7646): for one that its owner has broken, until it is
    repaired. `"example.com until 2026-12-24T00:00:00Z"` ends by itself; RFC 7646 section 2 wants no more than a week.
    A trust anchor for a zone below counts again. Peers: Unbound `domain-insecure`, BIND `rndc nta` for at most a week
    and `validate-except`, Knot Resolver `trust_anchors.set_insecure()`, PowerDNS `dnssec.negative_trustanchors`."""

    nsec3_iterations_insecure: Annotated[int, Field(ge=0, le=2500), Doc("iterations")] = 50
    """A zone whose NSEC3 records are hashed more often than this is taken for unsigned (RFC 9276 section 3.2), with an
    extended error that says so: each hash of a name costs us as many. Peers: BIND 50, Unbound and Knot Resolver 150,
    earlier and for large keys up to 2,500 (`val-nsec3-keysize-iterations`), PowerDNS 50 (`nsec3-max-iterations`)."""

    nsec3_iterations_max: Annotated[int, Field(ge=0, le=65535), Doc("iterations")] = 150
    """Answers proven with more iterations than this are SERVFAIL (RFC 9276 section 3.2); 65,535 takes any zone with
    more than the limit above for unsigned. Peers: no such setting, which is that."""

    aggressive: bool = True
    """A name that a proven NSEC or NSEC3 record says is not there is answered without asking (RFC 8198), so that a
    flood of made-up names stays here. Peers: Unbound on (`aggressive-nsec`), BIND on for NSEC (`synth-from-dnssec`),
    Knot Resolver on, PowerDNS on (`aggressive-nsec-cache-size`)."""
