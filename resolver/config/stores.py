"""How the place of a table that daemons share is read.

Limits: the store is at an address, as upstreams are: to look up its name may take this daemon.
"""

from __future__ import annotations

import re
from typing import Final

from resolver.config.values import shown, split_endpoint

MEMORY: Final = "memory"
PORT: Final = 6379
SCHEMES: Final = ("valkey", "redis", "valkeys", "rediss")
"""Those with an s at the end are over TLS."""
_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[^/@:\s]{1,64})@)?(?P<place>[^/@\s]+)(?:/(?P<db>\d{1,3}))?/?",
    re.IGNORECASE,
)
_INSTEAD: Final = 'write "memory", or a URL as in "valkey://127.0.0.1:6379/0"'


def sticky_table(value: object) -> str | None:
    """Where a table is: None for nowhere, `MEMORY`, or the URL of a store with its port. Raises ValueError."""
    if value is None or value == MEMORY:
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no place of a table; {_INSTEAD}")
    found = _URL.fullmatch(value)
    if found is None:
        account = value.partition("://")[2].rpartition("@")[0]
        if ":" in account:  # not shown
            raise ValueError("this place of a table has a password; write it as `sticky_password`")
        raise ValueError(f"{shown(value)} is no place of a table; {_INSTEAD}")
    scheme = found["scheme"].lower()
    if scheme not in SCHEMES:
        raise ValueError(f"{shown(value)} has no scheme of ours; write one of {', '.join(SCHEMES)}")
    endpoint = split_endpoint(found["place"], PORT, _INSTEAD)
    user = f"{found['user']}@" if found["user"] else ""
    return f"{scheme}://{user}{endpoint}/{found['db'] or 0}"
