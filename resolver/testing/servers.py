"""Decides how a test speaks of one server: what goes wrong there, a method for each word of a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from resolver.errors import InputError
from resolver.network.faults.words import CONDITIONS, WORDS, known
from resolver.testing.calling import at_the_callers_line
from resolver.testing.tried import FAULTS
from resolver.text import nearest

if TYPE_CHECKING:
    from resolver.testing.internets import Internet

VERBS: Final[Mapping[str, str]] = {
    "drop": "silent",
    "delay": "latency",
    "lose": "loss",
    "duplicate": "duplication",
    "reorder": "reordering",
    "refuse": "refused",
    "truncate": "truncated",
}
"""What a test may say in place of the word of a fault, where that is no verb."""


Applies = Callable[..., "ServerHandle"]
"""What makes something go wrong at a server; it takes a value, other parameters and conditions, as `fault` does."""


class Fault(int):
    """The number of a rule by which something goes wrong. With `with` it does inside of the block alone."""

    _end: Callable[[], object]

    @classmethod
    def of(cls, number: int, end: Callable[[], object]) -> Fault:
        """The rule `number`, which `end` puts out of force."""
        made = cls(number)
        made._end = end
        return made

    def end(self) -> None:
        """It is in force no more. Ending it again does nothing."""
        self._end()

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *raised: object) -> None:
        self.end()


class ServerHandle:
    """One server of an internet. Besides the methods below it has one for each word of `faults.words.WORDS`, with `_`
    for `-`, and for each of `VERBS`: `server.servfail(count=1)`, `server.delay("300ms")`, `server.tcp_reset()`. The
    value is that of the word's own parameter, or without one the probability; the keywords are its other parameters and
    conditions. Each returns the handle, so that they can be strung together; with `with`, what was arranged by a handle
    goes wrong inside of the block alone."""

    # Named for editors and type checkers, which do not see what `__getattr__` finds.
    latency: Applies
    jitter: Applies
    late: Applies
    clock_skew: Applies
    silent: Applies
    loss: Applies
    duplication: Applies
    reordering: Applies
    partition: Applies
    servfail: Applies
    refused: Applies
    rcode: Applies
    truncated: Applies
    lame: Applies
    upward: Applies
    oversize: Applies
    wrong_id: Applies
    wrong_question: Applies
    wrong_case: Applies
    wrong_source: Applies
    garbage: Applies
    no_octets: Applies
    header_only: Applies
    cut_short: Applies
    trailing_octets: Applies
    wrong_counts: Applies
    compression_loop: Applies
    forward_pointer: Applies
    bad_label: Applies
    long_name: Applies
    bad_length: Applies
    two_questions: Applies
    two_opts: Applies
    echo: Applies
    tcp_reset: Applies
    tcp_stall: Applies
    tcp_cut: Applies
    tcp_slow: Applies
    tcp_empty: Applies
    expired: Applies
    future: Applies
    wrongkey: Applies
    bogus: Applies
    unsigned: Applies
    ds_mismatch: Applies
    unknown_algorithm: Applies
    unknown_digest: Applies
    nsec_missing: Applies
    nsec3_iterations: Applies
    ksk_missing: Applies
    revoked: Applies
    lose: Applies
    duplicate: Applies
    reorder: Applies
    refuse: Applies
    truncate: Applies

    def __init__(self, internet: Internet, name: str) -> None:
        """`name` is absolute."""
        self._internet, self.name = internet, name
        self._arranged: list[Fault] = []

    def __enter__(self) -> ServerHandle:
        return self

    def __exit__(self, *raised: object) -> None:
        for each in self._arranged:
            each.end()
        self._arranged.clear()

    @at_the_callers_line
    def fault(self, word: str, *value: Any, **said: Any) -> ServerHandle:
        """What `word` says goes wrong at this server from now on. Raises `InputError`."""
        self._arranged.append(self._internet.fault(word, *value, server=self.name, **said))
        return self

    @at_the_callers_line
    def drop(self, **said: Any) -> ServerHandle:
        """It never replies."""
        return self.fault("silent", **said)

    @at_the_callers_line
    def delay(self, ms: float | str, **said: Any) -> ServerHandle:
        """Its replies are late by so many milliseconds, or by a time like `300ms`."""
        return self.fault("latency", ms, **said)

    @at_the_callers_line
    def restore(self) -> ServerHandle:
        """Nothing that a test has arranged at this server alone goes wrong any more."""
        self._internet.clear_faults(server=self.name)
        return self

    @property
    def zones(self) -> list[str]:
        """The zones that it serves."""
        return list(self._internet.described_server(self.name)["zones"])

    @property
    def addresses(self) -> list[str]:
        """Its IPv4 and IPv6 addresses."""
        found = self._internet.described_server(self.name)
        return [each for each in (found["address"], found.get("ipv6")) if each]

    if not TYPE_CHECKING:  # or every misspelling would be a method

        def __getattr__(self, word: str) -> Callable[..., ServerHandle]:
            """The method of the fault `word`. Raises AttributeError with the right spelling."""
            __tracebackhide__ = True
            if word.startswith("__"):
                raise AttributeError(word)
            found = known(VERBS.get(word, word))
            if found is None:
                raise AttributeError(f"there is no fault {word!r}; {_meant(word, ('restore',))}")
            kind = found.word

            def apply(*value: Any, **said: Any) -> ServerHandle:
                __tracebackhide__ = True
                return self.fault(kind, *value, **said)

            own = "".join(f"\n{each.word}: {each.does}" for each in found.parameters)
            apply.__name__, apply.__doc__ = word, f"{found.does}{own}\nConditions: {', '.join(CONDITIONS)}."
            return apply

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(each.replace("-", "_") for each in (*WORDS, *VERBS))]

    def __repr__(self) -> str:
        return f"<server {self.name}>"


def said(word: str, value: tuple[Any, ...], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """What `faults.rules.rule` reads: the fault `word` with its own `value` and the rest. Raises `InputError`."""
    found = known(VERBS.get(word, word))
    if found is None:
        raise InputError(f"there is no fault {word!r}", instead=_meant(word))
    given = {"kind": found.word, **conditions}
    if len(value) > 1:
        own = ", ".join(each.word for each in found.parameters) or "probability"
        raise InputError(f"{word} takes one value", instead=f"name the others: {own}")
    if value:
        given[found.parameters[0].word if found.parameters else "probability"] = value[0]
    return given


def _meant(word: str, others: tuple[str, ...] = ()) -> str:
    """A hint that names the fault which is meant by `word`, or the nearest of all, and of the `others`."""
    meant = FAULTS.get(word.lower().replace("-", "_"))
    if meant is not None:
        return f"use {meant}"
    return nearest(word, {each.replace("-", "_") for each in (*WORDS, *VERBS)} | set(others))
