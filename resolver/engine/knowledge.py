"""What the engine must be told, as protocols: the caches and the configuration stand behind them.

The engine decides; it neither stores nor measures. `pipeline/knowledge.py` is the resolver's own knowledge,
`pipeline/recursing.py` that of a simulated server which offers recursion.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

from resolver.engine.actions import Steps
from resolver.engine.budget import Budget
from resolver.engine.delegation import Delegation, Trim
from resolver.engine.outcome import Conclusion, Outcome
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Question, RRset, Transport
from resolver.network.base import Endpoint, Trouble

CONFIGURED: Final = "a configured server"
"""What a member is called whose pool is a mere list."""


class Target(NamedTuple):
    """A member of a pool: where it is, how it is reached, and what a person calls it."""

    endpoint: Endpoint
    transport: Transport
    called: str = CONFIGURED


class Choice(Protocol):
    """Which members of a pool are asked one question. Each that `next` gives is on its way until it has replied or
    failed, or the choice has ended."""

    def next(self) -> Target | None:
        """One that has not been asked yet; None when there is none that may be."""
        ...

    def patience(self, target: Target) -> float:
        """Seconds after which another one is asked too, while the reply of `target` is still waited for."""
        ...

    def replied(self, target: Target, seconds: float, good: bool) -> None:
        """`target` replied after `seconds`; not `good` is what says nothing of the question, such as SERVFAIL."""
        ...

    def failed(self, target: Target, trouble: Trouble, waited: float) -> None:
        """`target` could not be asked, or broke off, after `waited` seconds."""
        ...

    def end(self) -> None:
        """Nothing more is asked, and what is still on its way is of no interest. Calling it again does nothing."""
        ...


class Upstreams(Protocol):
    """A pool of servers that recurse on our behalf."""

    @property
    def patience_s(self) -> float:
        """Seconds that all of its members together may be silent."""
        ...

    def choose(self, question: Question, client: str, without: Endpoint | None) -> Choice:
        """Who is asked `question` for the `client` at an address, or for nobody; not the one at `without`."""
        ...


class Route(NamedTuple):
    """Who is asked. `recursed`: they are asked with RD=1 and give whole answers; nothing is iterated. Where there are
    `upstreams` these are asked, and the delegation says for which zone."""

    delegation: Delegation
    recursed: bool = False
    upstreams: Upstreams | None = None


class ServerKnowledge(Protocol):
    """Which server first, how long to wait, and what it cannot do."""

    def ordered(self, servers: Sequence[Endpoint], zone: bytes) -> Sequence[Endpoint]:
        """`servers` of `zone`, the one to ask first in front."""
        ...

    @property
    def network_works(self) -> bool:
        """Whether any server has replied lately; if not, silence is perhaps not theirs."""
        ...

    def enter(self, server: Endpoint) -> bool:
        """Whether one more message may be on its way to it; if so it is counted until `leave`."""
        ...

    def leave(self, server: Endpoint) -> None:
        """One message less is on its way to it."""
        ...

    def timeout(self, server: Endpoint) -> float:
        """Seconds to wait for the first try."""
        ...

    def standing(self, server: Endpoint) -> tuple[bool, bool, bool]:
        """Whether it knows EDNS, whether it keeps the letter case of questions, and whether it has ever replied.

        The first two until it has shown that it does not; the third as far as is remembered, and has not been given up.
        """
        ...

    def replied(self, server: Endpoint, seconds: float) -> None:
        """It replied after `seconds`."""
        ...

    def silent(self, server: Endpoint, waited: float) -> None:
        """It did not reply within `waited` seconds."""
        ...

    def without_edns(self, server: Endpoint) -> None:
        """It does not know EDNS."""
        ...

    def lame(self, server: Endpoint, zone: bytes) -> None:
        """It has no authority over `zone`, which is delegated to it."""
        ...

    def no_route(self, server: Endpoint) -> None:
        """Nothing can be sent from here to addresses of its family, for the time being."""
        ...

    def changes_case(self, server: Endpoint) -> None:
        """It does not echo the letter case of a question."""
        ...


class Knowledge(Protocol):
    """What is known before anyone is asked, and where what is learnt goes."""

    @property
    def servers(self) -> ServerKnowledge:
        """What is known of servers, apart from data."""
        ...

    @property
    def port(self) -> int:
        """The port that servers found through the DNS are asked on."""
        ...

    @property
    def trim(self) -> Trim:
        """How much is used of a delegation."""
        ...

    @property
    def borders(self) -> Collection[bytes]:
        """The zones (folded) that the configuration has asked elsewhere: nobody else is believed about them."""
        ...

    @property
    def minimises(self) -> bool:
        """Whether servers are asked minimised names (RFC 9156)."""
        ...

    @property
    def validates(self) -> bool:
        """Whether the answers of checked questions are proven (RFC 4035 section 4)."""
        ...

    @property
    def overhears(self) -> bool:
        """Whether anything is kept by `overheard`, so that replies must be read whole."""
        ...

    def recall(self, name: bytes, rtype: int, checked: bool) -> Conclusion | None:
        """What is known of the question now; where answers are proven, a `checked` one does not see what was not."""
        ...

    def current(self, rrset: RRset) -> RRset:
        """`rrset`, which was recalled or learnt a while ago, with the TTL that is left of it now."""
        ...

    def route(self, question: Question) -> Route | None:
        """Who is asked for `question`; None when nobody may be, and what is known must do."""
        ...

    def otherwise(self, question: Question) -> Route | None:
        """Who is asked for `question` where the upstreams of its route were of no use; None when nobody may be."""
        ...

    def wants_priming(self) -> bool:
        """True once when the servers of the root, which are about to be asked, are known from hints only (RFC 9609)."""
        ...

    def attach(self, conclusion: Conclusion, message: Message) -> Conclusion:
        """`conclusion`, which was drawn from `message`, with the signatures in it, of which nothing is proven."""
        ...

    def prove(
        self, question: Question, conclusion: Conclusion, message: Message, zone: bytes, budget: Budget
    ) -> Steps[Conclusion]:
        """The same for `conclusion` from a server of `zone`, with the status of each part of it.

        Raises `ResolutionFailed`, with the label "bogus" where it is not to be believed.
        """
        ...

    def told(self, name: bytes) -> tuple[Ede, ...]:
        """Why nothing is proven of `name`, where that can be told."""
        ...

    def learn(self, question: Question, conclusion: Conclusion) -> Conclusion:
        """`conclusion` is what the servers said about `question`; returned with the TTLs it is kept for."""
        ...

    def learn_delegation(self, delegation: Delegation) -> None:
        """`delegation` is good for its TTL."""
        ...

    def referred(self, zone: bytes, message: Message) -> None:
        """`message` refers to `zone`, and may say of its DS what else would have to be asked."""
        ...

    def overheard(self, question: Question, zone: bytes, message: Message) -> None:
        """`message` is what an upstream for `zone` answered `question`, and is believed. What else it says of the
        name servers of zones is confirmed by nobody: it must not have anybody asked, nor be told as an answer."""
        ...

    def dead_zone(self, delegation: Delegation) -> ResolutionFailed | None:
        """The failure of `delegation`, all of whose servers were silent a moment ago."""
        ...

    def learn_dead_zone(self, delegation: Delegation, failure: ResolutionFailed) -> None:
        """All servers of `delegation` were silent."""
        ...

    @property
    def blames_zones(self) -> bool:
        """Whether what fails is put down to its zone, and not to the way there: somebody replies, the root too."""
        ...

    def note(self, outcome: Outcome) -> None:
        """The engine decided that the last reply means `outcome`; for transcripts."""
        ...
