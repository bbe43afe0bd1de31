"""What the stages of a program are made of, and what they come to: what passes between `program` and `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resolver.answering import Answerer
from resolver.arranged import Lab
from resolver.caches import Caches
from resolver.config import Config
from resolver.message import Respond
from resolver.network.base import Endpoint, Network
from resolver.network.sockets import SocketNetwork
from resolver.observe.log import Log
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known
from resolver.pipeline.resolved import Resolved
from resolver.server.conduct import Explains, KindOf
from resolver.tasks import Tasks

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World
    from resolver.balance.pool import Pool
    from resolver.branching import Branches
    from resolver.filtering import Filtering
    from resolver.rolling import Rolling
    from resolver.rulebook import Files


@dataclass(frozen=True, slots=True)
class Setting:
    """What the stages are made of. `port`: where simulated servers are; `bound`: whether they have sockets of their
    own; `own`: where we listen, which is never asked; `sockets`: those to other servers; `pools`: by name, where there
    are any."""

    config: Config
    world: World | None
    port: int
    bound: bool
    own: tuple[Endpoint, ...]
    caches: Caches
    tools: Tools
    tasks: Tasks
    log: Log
    lab: Lab
    sockets: SocketNetwork
    pools: Mapping[str, Pool]
    filtering: Filtering | None = None
    """What was read for the filters."""
    rules: Files | None = None
    """What was read for the rules."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The stages by the outermost, two of the usual branch that are spoken to directly, all branches, the simulated
    servers by host, what the resolver asks by, and what follows the keys of zones, and explains answers, where
    something does."""

    answerer: Answerer
    known: Known
    resolved: Resolved
    branches: Branches
    simulated: Mapping[str, Respond]
    network: Network
    rolling: Rolling | None = None
    explains: Explains | None = None
    kind_of: KindOf | None = None
    """Tells clients apart where rules do."""


Compose = Callable[[Setting], Composed]
