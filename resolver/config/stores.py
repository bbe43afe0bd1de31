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
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[^/@:\s]*):(?P<password>[^/@\s]*)@)?(?P<place>[^/@\s]+)(?:/(?P<db>\d{1,3}))?/?",
    re.IGNORECASE,
)
_INSTEAD: Final = 'write "memory", or a URL as in "valkey://127.0.0.1:6379/0"'


def sticky_table(value: object) -> str | None:
    """Where a table is: None for nowhere, `MEMORY`, or the URL of a store with its port. Raises ValueError."""
    if value is None or value == MEMORY:
        return value  # type: ignore[return-value]
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no place of a table; {_INSTEAD}")
    found = _URL.fullmatch(value)
    if found is None:  # not shown: a URL may hold a password
        raise ValueError(f"this is no place of a table; {_INSTEAD}")
    scheme = found["scheme"].lower()
    if scheme not in SCHEMES:
        raise ValueError(f"{shown(scheme)} is no store of ours; {_INSTEAD}")
    endpoint = split_endpoint(found["place"], PORT, _INSTEAD)
    account = "" if found["password"] is None else f"{found['user']}:{found['password']}@"
    return f"{scheme}://{account}{endpoint}/{found['db'] or 0}"
