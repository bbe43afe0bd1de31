"""Which settings there are, of what type, with what default and within which bounds: one model per section.

Limits: a model checks values and how they go together (`contradictions.py`); whether a file that a setting
names exists is checked where settings are loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, model_validator

from resolver.config.contradictions import Contradictions, find_contradictions
from resolver.config.sections.base import Section
from resolver.config.sections.budget import Budget
from resolver.config.sections.cache import Cache
from resolver.config.sections.dnssec import Dnssec
from resolver.config.sections.filters import Filters
from resolver.config.sections.limits import Limits
from resolver.config.sections.resolver import Resolver
from resolver.config.sections.server import Server
from resolver.config.sections.service import Admin, Control, History, Log
from resolver.config.sections.tables import LISTED, NAMED, Fields, listed, named
from resolver.config.sections.world import World
from resolver.config.upstreams import SYSTEM, PoolMember

if TYPE_CHECKING:
    from resolver.config.sections.pools import Pool
    from resolver.config.sections.rpz import Rpz
    from resolver.config.sections.rules import Rule

    Pools = dict[str, Pool]
    Rules = tuple[Rule, ...]
    PolicyZones = tuple[Rpz, ...]
else:
    Pools = Annotated[Any, named("pools")]
    Rules = Annotated[Any, listed("rules")]
    PolicyZones = Annotated[Any, listed("rpz")]

__all__ = [
    "HEALTH_NAME",
    "HEALTH_TEXT",
    "LISTED",
    "NAMED",
    "SECTIONS",
    "Admin",
    "Budget",
    "Cache",
    "Config",
    "Control",
    "Dnssec",
    "Fields",
    "Filters",
    "History",
    "Limits",
    "Log",
    "Resolver",
    "Server",
    "World",
]

HEALTH_NAME: Final = "health.resolverd.invalid."
"""The built-in name that `resolver healthcheck` asks for: below invalid. (RFC 6761 section 6.4), so nobody
owns it."""

HEALTH_TEXT: Final = "ok"
"""The TXT string that a healthy daemon answers for `HEALTH_NAME`."""


class Config(Section):
    """All settings; `Config()` is the defaults."""

    server: Server = Field(default_factory=Server)
    """The daemon's own front."""

    world: World = Field(default_factory=World)
    """The simulated internet."""

    resolver: Resolver = Field(default_factory=Resolver)
    """How answers are found."""

    dnssec: Dnssec = Field(default_factory=Dnssec)
    """What is believed of signed zones."""

    budget: Budget = Field(default_factory=Budget)
    """What one question may cost."""

    cache: Cache = Field(default_factory=Cache)
    """What is remembered."""

    log: Log = Field(default_factory=Log)
    """What is written to standard error."""

    control: Control = Field(default_factory=Control)
    """The control socket."""

    admin: Admin = Field(default_factory=Admin)
    """The same over TCP."""

    history: History = Field(default_factory=History)
    """Which messages are remembered."""

    limits: Limits = Field(default_factory=Limits)
    """How much one client may ask."""

    filters: Filters = Field(default_factory=Filters)
    """Names and answers that are decided here."""

    pools: Pools = Field(default_factory=dict)
    """Servers that recurse on our behalf, by the name of the pool."""

    rules: Rules = ()
    """What becomes of a query, in their order."""

    rpz: PolicyZones = ()
    """Response policy zones, in their order."""

    @property
    def world_served(self) -> bool:
        """Whether the simulated servers run, with `world.serve = "auto"` decided."""
        if self.world.serve != "auto":
            return self.world.serve
        return self.resolver.roots == "simulated" and not self.forwards_all

    @property
    def forwards_all(self) -> bool:
        """Whether nothing is iterated from the root, because all is forwarded and only forwarded."""
        return "." in self.resolver.forward_zones and "." not in self.resolver.forward_first

    @property
    def all_pools(self) -> dict[str, Pool]:
        """The pools by name, with those that forward zones have without a table of their own."""
        made = dict(self.pools)
        if not self.resolver.forward_zones:
            return made
        from resolver.config.sections.pools import Pool

        for zone, whom in self.resolver.forward_zones.items():
            if whom == SYSTEM and SYSTEM not in made:
                made[SYSTEM] = Pool(members=SYSTEM, check="none")
            elif not isinstance(whom, str):
                made[f"forward:{zone}"] = Pool(members=tuple(map(PoolMember, whom)), check="none")
        return made

    def pool_of(self, zone: str) -> str:
        """The name of the pool that the forward zone `zone` has asked."""
        whom = self.resolver.forward_zones[zone]
        return whom if isinstance(whom, str) else f"forward:{zone}"

    @model_validator(mode="after")
    def _settings_go_together(self) -> Config:
        found = find_contradictions(self)
        if found:
            raise Contradictions(found)
        return self


SECTIONS: Final[dict[str, Fields]] = {
    "server": Server.model_fields,
    "world": World.model_fields,
    "resolver": Resolver.model_fields,
    "dnssec": Dnssec.model_fields,
    "budget": Budget.model_fields,
    "cache": Cache.model_fields,
    "log": Log.model_fields,
    "control": Control.model_fields,
    "admin": Admin.model_fields,
    "history": History.model_fields,
    "limits": Limits.model_fields,
    "filters": Filters.model_fields,
}
"""The keys of each section."""
