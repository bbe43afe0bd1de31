"""`resolver zones`: what of a world is to be handed to somebody else. `anchor` prints its trust anchor.

Rules: the trust anchor is printed as records of a master file, the DS and the DNSKEY of the root's key, which is what
our own `trust_anchor_files` and Unbound's `trust-anchor-file` read; or as the statement of BIND that `delv` and `named`
read. It is that of the world that would be served: the one in `--directory`, else the one of the configuration. Exit 2
when the root is not signed.

Limits: keys are those of the files as they are now; a daemon that runs may have read them earlier.
"""

from __future__ import annotations

import argparse
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.auth.shipped import find_zones, load_world
from resolver.cli import options
from resolver.errors import ZoneError
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.auth.signed import SignedZone

EXAMPLES: Final = """examples:
  resolver zones anchor > anchor
  resolver zones anchor --directory ./my-world
  resolver zones anchor --bind > anchor.bind"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to print, and of which world."""
    parser.add_argument("what", choices=("anchor",), help="the trust anchor of the world: DS and DNSKEY of its root")
    parser.add_argument(
        "--directory",
        metavar="DIR",
        type=Path,
        help="with hierarchy.toml (default: the world of the configuration)",
    )
    parser.add_argument("--bind", action="store_true", help="as a statement of BIND, for delv and named")
    options.add_config_file(parser)


def run(args: argparse.Namespace) -> int:
    """The anchor is printed. Raises `InputError`, also where there is none."""
    directory = args.directory or options.settings(args).config.world.directory or find_zones()
    root = _signed_root(directory)
    print(_bind(root) if args.bind else _records(root, directory), end="")
    return 0


def _signed_root(directory: Path) -> SignedZone:
    """The root of the world in `directory`. Raises `ZoneError` when it cannot be read, or is not signed."""
    from resolver.auth.signed import SignedZone
    from resolver.wire import names

    world = load_world(directory)
    root = world.zones[names.ROOT]
    if isinstance(root, SignedZone):
        return root
    failed = next((finding for finding in world.findings if "zone . " in finding.text), None)
    if failed is not None:
        raise failed.error()
    raise ZoneError("the root is not signed", where=str(directory), instead='write dnssec = "nsec" below [zone."."]')


def _records(root: SignedZone, directory: Path) -> str:
    """The DS and the DNSKEY in master form (RFC 4034 sections 2.2 and 5.3)."""
    ds, ksk = root.signer.ds, root.signer.ksk
    ttl = root.soa.ttl
    key = b64encode(ksk.public).decode()
    return (
        f"; The trust anchor of the world in {printable(str(directory))}, for validators that start from its root.\n"
        f". {ttl} IN DS {ksk.tag} {ds[2]} {ds[3]} {ds[4:].hex().upper()}\n"
        f". {ttl} IN DNSKEY {ksk.flags} 3 {ksk.algorithm} {key}\n"
    )


def _bind(root: SignedZone) -> str:
    """The key in a `trust-anchors` statement."""
    ksk = root.signer.ksk
    key = b64encode(ksk.public).decode()
    return f'trust-anchors {{\n    . static-key {ksk.flags} 3 {ksk.algorithm} "{key}";\n}};\n'
