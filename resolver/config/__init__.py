"""What the daemon is told to do: the settings, their sources and the rules that they keep.

`load()` reads them; `Config` holds them; docs/configuration.md lists them.
"""

from resolver.config.contradictions import Contradictions
from resolver.config.load import Loaded, load
from resolver.config.sections import (
    HEALTH_NAME,
    HEALTH_TEXT,
    Budget,
    Cache,
    Config,
    Control,
    Dnssec,
    History,
    Log,
    Resolver,
    Server,
    World,
)

__all__ = [
    "HEALTH_NAME",
    "HEALTH_TEXT",
    "Budget",
    "Cache",
    "Config",
    "Contradictions",
    "Control",
    "Dnssec",
    "History",
    "Loaded",
    "Log",
    "Resolver",
    "Server",
    "World",
    "load",
]
