"""Decides how a zone is to be signed: what `dnssec` says of it in `hierarchy.toml`, and `[dnssec]` of the whole world.

Rules: `dnssec = "nsec"` or `"nsec3"` is short for a table with that `denial`; in a table it may be left out. What is
only for NSEC3 is wrong beside NSEC. The fault `nsec3-iterations` wants NSEC3 and brings its iterations. Keys are
derived from the seed, or read from a directory where the world names one.

Limits: one algorithm for each zone, with one key of each role. Key rollovers are not played.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from resolver.auth.findings import Where
from resolver.auth.values import Schema, Wrong, flag, text
from resolver.dnssec import algorithms, keys
from resolver.dnssec.chains import MAX_ITERATIONS, MAX_SALT, Parameters
from resolver.dnssec.faults import MANY_ITERATIONS, Fault
from resolver.text import nearest

NSEC: Final = "nsec"
NSEC3: Final = "nsec3"
DENIALS: Final = (NSEC, NSEC3)

_NSEC3_ONLY: Final = ("opt_out", "iterations", "salt")


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the keys of a world come from: its `seed`, or the `directory` of their files."""

    seed: str = keys.SEED
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """How one zone is signed; it is denied by NSEC where `nsec3` is None."""

    where: Where
    algorithm: int = algorithms.ECDSAP256
    nsec3: Parameters | None = None
    fault: Fault | None = None


def table(value: Any) -> dict[str, Any]:
    """What `dnssec` is given, as a table. Raises `Wrong`."""
    if isinstance(value, str):
        return {"denial": value}
    if isinstance(value, dict):
        return value
    raise Wrong(f"{value!r} says nothing about signing", 'write dnssec = "nsec", or leave the key out')


def read(value: Any, where: Where, complain: Callable[[str, str, str], None]) -> Signing | None:
    """How a zone is signed that has `value` for its `dnssec`; None where that cannot be made out. `complain(key, what,
    instead)` takes what is wrong, "" for the key where it is the whole."""
    try:
        words = table(value)
    except Wrong as wrong:
        complain("", f"dnssec: {wrong}", wrong.instead)
        return None
    given: dict[str, Any] = {}
    for key, each in words.items():
        try:
            if key not in ZONE:
                raise Wrong("unknown key", nearest(key, ZONE))
            given[key] = ZONE[key](each)
        except Wrong as wrong:
            complain(key, f"dnssec.{key}: {wrong}", wrong.instead)
    return make(given, where, complain)


def described(how: Signing) -> dict[str, Any]:
    """The words that `read` takes for `how`."""
    words: dict[str, Any] = {"denial": NSEC if how.nsec3 is None else NSEC3}
    words["algorithm"] = algorithms.MNEMONICS[how.algorithm]
    if how.nsec3 is not None:
        words |= {
            "opt_out": how.nsec3.opt_out,
            "iterations": how.nsec3.iterations,
            "salt": how.nsec3.salt.hex(),
        }
    if how.fault is not None:
        words["fault"] = how.fault.value
    return words


def make(given: dict[str, Any], where: Where, complain: Callable[[str, str, str], None]) -> Signing:
    """What the good values `given` come to. `complain(key, what, instead)` takes what does not fit together."""
    fault: Fault | None = given.get("fault")
    iterated = fault == Fault.ITERATIONS
    denial = given.get("denial", NSEC3 if iterated else NSEC)
    if denial == NSEC:
        for key in _NSEC3_ONLY:
            if key in given:
                complain(key, f"{key} is for NSEC3", 'write denial = "nsec3", or leave it out')
        if iterated:
            complain("fault", f"the fault {fault} is for NSEC3", 'write denial = "nsec3", or leave the denial out')
    iterations = given.get("iterations", MANY_ITERATIONS if iterated else 0)
    parameters = Parameters(iterations, given.get("salt", b""), given.get("opt_out", False))
    return Signing(
        where,
        algorithm=given.get("algorithm", algorithms.ECDSAP256),
        nsec3=parameters if denial == NSEC3 else None,
        fault=fault,
    )


def _denial(value: Any) -> str:
    """How names are denied."""
    word = text(value)
    if word not in DENIALS:
        raise Wrong(f"{word!r} is no way to deny a name", nearest(word, DENIALS))
    return word


def _algorithm(value: Any) -> int:
    """A signing algorithm by its mnemonic."""
    word = text(value)
    if word not in keys.SIGNING:
        raise Wrong(f"zones are not signed with {word!r}", nearest(word, keys.SIGNING))
    return keys.SIGNING[word]


def _iterations(value: Any) -> int:
    """Additional iterations of NSEC3."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ITERATIONS:
        raise Wrong(f"{value!r} is no number of iterations", f"write 0 (RFC 9276), or up to {MAX_ITERATIONS}")
    return value


def _salt(value: Any) -> bytes:
    """The salt of NSEC3 in hexadecimal; "" and "-" for none."""
    try:
        salt = bytes.fromhex("" if value == "-" else value)
    except (TypeError, ValueError):
        raise Wrong(f"{value!r} is not hexadecimal", 'write salt = "ab12", or "" for none (RFC 9276)') from None
    if len(salt) > MAX_SALT:
        raise Wrong(f"the salt has {len(salt)} octets", f"{MAX_SALT} are the most")
    return salt


def _fault(value: Any) -> Fault:
    """One of the known faults."""
    word = text(value)
    known = [fault.value for fault in Fault]
    if word not in known:
        raise Wrong(f"unknown fault {word!r}", nearest(word, known))
    return Fault(word)


ZONE: Final[Schema] = {
    "denial": _denial,
    "algorithm": _algorithm,
    "opt_out": flag,
    "iterations": _iterations,
    "salt": _salt,
    "fault": _fault,
}
"""The keys of `dnssec` of a zone."""

WORLD: Final[Schema] = {"seed": text, "keys": text}
"""The keys of `[dnssec]`."""
