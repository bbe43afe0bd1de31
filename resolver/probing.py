"""Decides what a check of a pool asks of its members, by the settings of `[pools.NAME]`.

Rules: a query is sent as the questions of clients are, to the same place over the same transport. Streams are opened
to `check_port`, or to where the member is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resolver.message import Question
from resolver.network.base import Entropy, Network, Upstream
from resolver.network.probes import DnsProbe, Wanted
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.balance.checking import Probe
    from resolver.config.sections.pools import Pool


def probe(pool: Pool, upstream: Upstream, network: Network, entropy: Entropy) -> Probe | None:
    """What checks `upstream` as a member of `pool`; None where nothing does."""
    if pool.check == "none":
        return None
    question = Question(names.from_text(pool.check_name), types.from_text(pool.check_type))
    wanted = Wanted(question, frozenset(map(types.rcode_from_text, pool.check_rcodes)))
    return DnsProbe(network, entropy, upstream.endpoint, upstream.transport, wanted)
