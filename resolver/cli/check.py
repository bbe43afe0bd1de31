"""`resolver check`: says whether the configuration, or the zones of a world, are fit to be served.

Rules: exit 0 clean, 1 findings in zones, 2 unusable: the daemon would not start with it. Findings are
printed one a line with `file:line`. Checking the configuration checks the zones of the world it serves,
too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from resolver import encrypting
from resolver.auth.shipped import find_zones
from resolver.cli import options
from resolver.config import Config
from resolver.errors import ConfigError
from resolver.text import printable, quoted

EXAMPLES: Final = """examples:
  resolver check --config resolver.toml
  resolver check zones
  resolver check zones ./my-world

exit codes: 0 clean, 1 findings, 2 unusable"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to check."""
    parser.add_argument("what", nargs="?", choices=("zones",), help="only the zones (default: the configuration)")
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        help="with hierarchy.toml (default: the world of the configuration)",
    )
    options.add_config_file(parser)


def run(args: argparse.Namespace) -> int:
    """Findings are printed; 2 if one of them is fatal, 1 if there are others, else 0. Raises `InputError`."""
    directory: Path | None = args.directory
    if directory is None:
        loaded = options.settings(args)
        if args.what is None:
            _check_hints(loaded.config)
            _check_certificate(loaded.config)
            _check_anchors(loaded.config)
            _check_token(loaded.config)
            encrypting.check(loaded.config)
            _check_pools(loaded.config)
            _check_rules(loaded.config)
            _check_filters(loaded.config)
            print(f"{loaded.file or 'built-in settings'}: clean")
            if not loaded.config.world_served:
                return 0
        directory = loaded.config.world.directory or find_zones()
    if not directory.is_dir():
        raise ConfigError("is no directory", where=str(directory), instead="give one with a hierarchy.toml")
    return _check_zones(directory)


def _check_hints(config: Config) -> None:
    """The hints file, if there is one, can be used. Raises `InputError`."""
    if config.resolver.hints_file is not None:
        from resolver import hints

        hints.from_file(config.resolver.hints_file)


def _check_certificate(config: Config) -> None:
    """What clients of TLS and HTTPS are shown, if anything, can be used, and what serves them is there. Raises
    `InputError`."""
    if config.server.listen_tls or config.server.listen_https:
        from resolver import fronts
        from resolver.network.clock import RealClock

        fronts.to_show(config, RealClock.wall(), None)


def _check_anchors(config: Config) -> None:
    """The files with trust anchors, if there are some, can be used. Raises `InputError`."""
    if config.dnssec.trust_anchor_files or config.dnssec.auto_trust_anchor_file is not None:
        from resolver.network.clock import RealClock
        from resolver.trusted import trusted

        trusted(config, RealClock.wall())


def _check_token(config: Config) -> None:
    """The file with the token of the admin API, if there is one, can be used. Raises `InputError`."""
    if config.admin.token_file is not None:
        from resolver.control import guarding

        guarding.token_of(config.admin)


def _check_pools(config: Config) -> None:
    """What pools need is there. Raises `InputError`."""
    if config.pools:
        from resolver import balancing, probing

        balancing.check(config)
        probing.certify(config)


def _check_rules(config: Config) -> None:
    """The files that rules name, if there are some, can be used. Raises `InputError`."""
    if config.rules:
        from resolver import rulebook

        rulebook.read(config)


def _check_filters(config: Config) -> None:
    """The lists of names, if there are some, can be used; what is skipped of them is printed. Raises `InputError`."""
    from resolver import filtering

    found = filtering.read(config)
    for report in () if found is None else found.reports:
        for mistake in report.told:
            print(printable(f"{report.path}:{mistake.line}: {quoted(mistake.text)} {mistake.what}"))
        if report.bad > len(report.told):
            print(printable(f"{report.path}: {report.bad} lines cannot be read, and are skipped"))
    zones = None if found is None else found.policy_zones
    for line in () if zones is None else zones.lines():
        print(printable(line))


def _check_zones(directory: Path) -> int:
    from resolver.auth import lint

    findings = lint.check(directory)
    for finding in findings:
        print(printable(str(finding)))
    if findings:
        unusable = any(finding.fatal for finding in findings)
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''} in {directory}"
        print(f"resolver: {count}{'; it cannot be served' if unusable else ''}", file=sys.stderr)
        return 2 if unusable else 1
    print(f"{directory}: clean")
    return 0
