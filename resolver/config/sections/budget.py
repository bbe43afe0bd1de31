"""The section `[budget]`: what one question of a client may make others pay.

One budget goes with a question through everything it needs: aliases, minimised names, addresses of name servers.
It never begins anew. A hard limit ends the question in SERVFAIL with a tag that names the limit; a soft one
trims and goes on.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from resolver.config.sections.base import Doc, Section


class Budget(Section):
    """What one question of a client may cost, all that it leads to included. Counts are for the whole question
    where nothing else is said."""

    sends: Annotated[int, Field(ge=1, le=1000), Doc("messages")] = 100
    """Hard (`BUDX`). Datagrams and TCP queries sent to servers. Bounds what a question can be made to send by
    hostile zones (NXNSAttack, CVE-2020-8616; CAMP). Peers: BIND 200 (`max-query-count`), Knot Resolver 100
    (`KR_ITER_LIMIT`), PowerDNS 50, earlier 60 (`max-qperq`), Unbound 200, earlier 128 (`max-global-quota`)."""

    sends_per_fetch: Annotated[int, Field(ge=1, le=1000), Doc("messages")] = 50
    """Hard for the fetch (`BUDF`), soft for the question. Messages sent to find one address of a name server, so
    that one bad name leaves something for the others. Peers: BIND 50 (`max-recursion-queries`)."""

    depth: Annotated[int, Field(ge=1, le=32), Doc("levels")] = 7
    """Hard (`BUDD`). How deep finding the address of a name server may lead to other name servers to be found.
    Peers: BIND 7 (`max-recursion-depth`), PowerDNS 16 (`max-recursion-depth`), Unbound 4 by its
    `target-fetch-policy`."""

    referrals: Annotated[int, Field(ge=1, le=255), Doc("referrals")] = 32
    """Hard (`BUDR`). Referrals that are followed. A name under ip6.arpa has 34 labels but few cuts. Peers:
    Unbound 130 (`MAX_REFERRAL_COUNT`)."""

    aliases: Annotated[int, Field(ge=1, le=64), Doc("aliases")] = 11
    """Hard (`BUDA`). CNAME and DNAME records that are followed; two minimised names that led no further down, beyond
    the first two, count as one (CAMP). Peers: Unbound 11 (`max-query-restarts`), BIND 11
    (`max-query-restarts`), PowerDNS 10 (`max-cnames-followed`), Knot Resolver 13."""

    failed_address_fetches: Annotated[int, Field(ge=1, le=64), Doc("names")] = 5
    """Hard (`BUDN`). Names of name servers for which no address was found; then no more are sought. Peers:
    Unbound 5 (`MAX_TARGET_NX`), PowerDNS 5 (`non-resolving-ns-max-fails`), Knot Resolver 5."""

    address_fetches: Annotated[int, Field(ge=1, le=128), Doc("names")] = 10
    """Soft. Names of name servers whose addresses are sought. Peers: PowerDNS 10 (`max-ns-address-qperq`),
    Unbound 64 (`MAX_TARGET_COUNT`), BIND 20 for each zone."""

    ns_names: Annotated[int, Field(ge=1, le=64), Doc("names")] = 13
    """Soft. Names that are used of a delegation's NS set, a random choice: the root itself has 13. Peers: Unbound 20
    (`iter-scrub-ns`), BIND 20 or 13 by its version (`max-delegation-servers`), PowerDNS 13 (`max-ns-per-resolve`)."""

    addresses_per_ns: Annotated[int, Field(ge=1, le=64), Doc("addresses")] = 8
    """Soft. Addresses that are used of one name server, a random choice: enough for both families of the largest
    operators, too few to make the set a weapon. Peers: no such setting."""

    minimised_names: Annotated[int, Field(ge=0, le=64), Doc("names")] = 10
    """Soft. Minimised names that are asked; then servers are asked the full name (RFC 9156 section 2.3). Peers:
    Unbound 10 for each name (`MAX_MINIMISE_COUNT`), PowerDNS 10."""

    sends_per_server: Annotated[int, Field(ge=1, le=16), Doc("messages")] = 3
    """Soft. Messages with one question to one address, for UDP and for TCP each. Peers: Unbound 5
    (`outbound-msg-retry`), Knot Resolver 4."""

    sends_to_silent_zone: Annotated[int, Field(ge=1, le=32), Doc("messages")] = 3
    """Soft. Messages with one question to a zone of which no server has ever replied, so that a dead zone fails
    fast: within 3 s. Peers: no such setting; to two silent servers the best of them send 6."""

    silent_zone_ms: Annotated[int, Field(ge=100, le=10000)] = 2500
    """Soft. How long a question waits for a zone of which no server has ever replied: its client hears within 3 s.
    Peers: no such setting; with two silent servers they take 3 to more than 20 s."""

    signature_checks: Annotated[int, Field(ge=4, le=1024), Doc("checks")] = 32
    """Hard (`BUDS`). Signatures that are checked, those of the chain of trust included: an answer of a zone below com.
    takes six when nothing is known (KeyTrap, CVE-2023-50387). One that does not hold counts four times; one of ECDSA
    P-384, of Ed448, or of RSA above 2,400 bits with a large exponent twice, as they take longer.
    Where half is spent in vain no other server is asked. Peers: BIND 16 for each fetch
    (`max-validations-per-fetch`), PowerDNS 30 (`max-signature-validations-per-query`), Knot Resolver 32
    (`KR_VLD_LIMIT_CRYPTO_DEFAULT`), Unbound 16 pauses after 8 each (`MAX_VALIDATION_SUSPENDS`)."""

    rrsigs_per_rrset: Annotated[int, Field(ge=1, le=64), Doc("signatures")] = 8
    """Soft. Signatures of one RRset that are tried before it counts as bogus. Peers: Unbound 8
    (`MAX_VALIDATE_RRSIGS`), PowerDNS 2 (`max-rrsigs-per-record`), BIND 1 that fails
    (`max-validation-failures-per-fetch`)."""

    keys_per_tag: Annotated[int, Field(ge=1, le=16), Doc("keys")] = 2
    """Soft. Keys of a zone with the same tag and algorithm that are tried with a signature: two that collide by chance
    are rare, more are an attack. Peers: PowerDNS 2 (`max-dnskeys`)."""

    ds_per_zone: Annotated[int, Field(ge=1, le=64), Doc("records")] = 8
    """Soft. DS records of a delegation that are tried. Peers: PowerDNS 8 (`max-ds-per-zone`), Unbound 4 that do not fit
    (`MAX_DS_MATCH_FAILURES`)."""

    nsec3_hashes: Annotated[int, Field(ge=8, le=4096), Doc("names")] = 64
    """Hard (`BUDH`). Names that are hashed to read denials by NSEC3 (CVE-2023-50868), each with as many iterations as
    the zone says, within the bounds of RFC 9276; 20 iterations cost as much as one more name. Peers: Unbound 8 at once
    (`MAX_NSEC3_CALCULATIONS`), PowerDNS 600, iterations included (`max-nsec3-hash-computations-per-query`)."""

    message_records: Annotated[int, Field(ge=16, le=65535), Doc("records")] = 512
    """A message with more records is refused whole, before they are read. No answer of use has as many. Peers: no such
    setting; they read what fits into 64 KiB."""

    edns_options: Annotated[int, Field(ge=1, le=1024), Doc("options")] = 32
    """A message with more EDNS options is refused whole: each has to be read, and no more than a few are in use. Peers:
    no such setting."""

    work_ms: Annotated[int, Field(ge=100, le=60000)] = 8000
    """How long the work on a question goes on, for the cache, when its client has already been told that there is
    no answer in time (`resolver.client_timeout_ms`): long enough for a slow zone to be known when the client asks
    again. Peers: BIND 10,000 (`resolver-query-timeout`), Knot Resolver 10,000 (`KR_RESOLVE_TIME_LIMIT`), PowerDNS
    7,000 (`max-total-msec`)."""
