"""Decides in which order causes are looked for: what happened before anybody was asked, what failed, what was held,
what was answered. The last applies to everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from resolver.explain import answered, at_hand, bogus, decided, held, limits, servers, upstreams
from resolver.explain.case import Case
from resolver.explain.cause import Explanation, Said
from resolver.observe.notes import Joined


class Cause(NamedTuple):
    """A cause, and what says so where it applies."""

    name: str
    applies: Callable[[Case], Said | None]


def _unknown(case: Case) -> Said | None:
    """Nothing is known of it."""
    why = f": {case.reason}" if case.reason else ""
    return Said(f"{case.asked} was answered as it is told{why}; nothing more is known of that.")


CAUSES: Final[tuple[Cause, ...]] = (
    Cause("not-allowed", at_hand.not_allowed),
    Cause("busy", at_hand.busy),
    Cause("undeclared-name", at_hand.undeclared_name),
    Cause("not-held", at_hand.not_held),
    Cause("not-shown", at_hand.not_shown),
    Cause("identity", at_hand.identity),
    Cause("other-class", at_hand.other_class),
    Cause("transfer", at_hand.transfer),
    Cause("meta-type", at_hand.meta_type),
    Cause("health", at_hand.health),
    Cause("by-rule", decided.by_rule),
    Cause("local-data", decided.local_data),
    Cause("policy-zone", decided.policy_zone),
    Cause("blocked", decided.blocked),
    Cause("private-address", decided.private_address),
    Cause("dns64", decided.dns64),
    Cause("localhost", at_hand.localhost),
    Cause("reserved", at_hand.reserved),
    Cause("dead-zone", limits.dead_zone),
    Cause("remembered-failure", limits.remembered),
    Cause("alias-loop", limits.alias_loop),
    Cause("too-many-aliases", limits.too_many_aliases),
    Cause("too-late", limits.too_late),
    Cause("crowded", limits.crowded),
    Cause("fault", servers.fault),
    Cause("forwarding-loop", upstreams.looping),
    Cause("no-upstream", upstreams.nobody),
    Cause("upstreams-silent", upstreams.silent),
    Cause("upstream-unreachable", upstreams.unreachable),
    Cause("upstream-failed", upstreams.of_no_use),
    Cause("tcp-failed", servers.tcp_failed),
    Cause("forged", servers.forged),
    Cause("silent", servers.silent),
    Cause("undeclared-address", servers.undeclared),
    Cause("forbidden-address", servers.forbidden),
    Cause("connection-refused", servers.connection_refused),
    Cause("no-route", servers.no_route),
    Cause("cyclic-delegation", servers.cyclic),
    Cause("dangling-ns", servers.dangling),
    Cause("no-address", servers.no_address),
    Cause("lame", servers.lame),
    Cause("upward-referral", servers.upward),
    Cause("refused", servers.refused),
    Cause("servfail", servers.servfail),
    Cause("odd-rcode", servers.odd_rcode),
    Cause("too-large", servers.too_large),
    Cause("malformed", servers.malformed),
    Cause("budget", limits.budget),
    Cause("proof-budget", limits.proof_budget),
    Cause("expired-signature", bogus.bogus("sigx")),
    Cause("future-signature", bogus.bogus("sigf")),
    Cause("wrong-key", bogus.bogus("sigk")),
    Cause("no-signature", bogus.bogus("sigu")),
    Cause("bad-signature", bogus.bogus("sigb")),
    Cause("unusable-signature", bogus.bogus(*bogus.OTHER_SIGNATURES)),
    Cause("ds-mismatch", bogus.bogus("keym")),
    Cause("no-dnskey", bogus.bogus("keyn")),
    Cause("revoked-key", bogus.bogus("keyr")),
    Cause("too-many-iterations", bogus.too_many_iterations),
    Cause("denial-missing", bogus.bogus("nsun")),
    Cause("ds-denial-missing", bogus.bogus("dsun")),
    Cause("chain-failed", bogus.chain_failed),
    Cause("stale", held.stale),
    Cause("inferred", held.inferred),
    Cause("referred", held.referred),
    Cause("cached", held.cached),
    Cause("cached-denial", held.cached_denial),
    Cause("no-such-name", answered.no_such_name),
    Cause("name-too-long", answered.name_too_long),
    Cause("checking-disabled", bogus.checking_disabled),
    Cause("unknown-algorithm", bogus.unknown_algorithm),
    Cause("unknown-digest", bogus.unknown_digest),
    Cause("unproven-iterations", bogus.iterations),
    Cause("negative-anchor", bogus.negative_anchor),
    Cause("empty-non-terminal", answered.empty_non_terminal),
    Cause("no-such-type", answered.no_such_type),
    Cause("failed-over", answered.failed_over),
    Cause("slow", answered.slow),
    Cause("asked-again", answered.asked_again),
    Cause("over-tcp", answered.over_tcp),
    Cause("dname", answered.by_dname),
    Cause("wildcard", answered.from_wildcard),
    Cause("pool", answered.by_pool),
    Cause("forwarder", answered.by_forwarder),
    Cause("stub", answered.by_stub),
    Cause("recursion", answered.by_recursion),
    Cause("alias", answered.by_alias),
    Cause("authority", answered.by_authority),
    Cause("put-together", answered.put_together),
    Cause("unknown", _unknown),
)

JOINED: Final = "The same was being asked already for somebody else, whose answer this is."


def _begun(text: str) -> str:
    """`text` with a capital letter in front, unless it begins with a name, and one full stop at its end."""
    text = text[:-1] if text.endswith("..") else text
    return text if "." in text.partition(" ")[0] else text[:1].upper() + text[1:]


def first_of(case: Case) -> Explanation:
    """The first cause that applies to `case`."""
    for name, applies in CAUSES:
        said = applies(case)
        if said is not None:
            joined = f" {JOINED}" if case.note(Joined) is not None else ""
            return Explanation(name, f"{_begun(said.text)}{joined}", said.advice)
    raise AssertionError("the last cause applies to everything")
