"""Decides what a rule for a fault says, and how it is written.

Rules: a rule says what goes wrong (`words`), and with whom, with which questions, how often and when. It is read
from what hierarchy.toml, a fixture, a command or the API gives, which is the same everywhere, and told in that form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resolver.errors import InputError
from resolver.network.faults.values import Unfit
from resolver.network.faults.words import CONDITIONS, WORDS, known, meant
from resolver.text import nearest, printable

_KIND: Final = ("kind", "fault")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that goes wrong: `kind` says what, the others with whom, with which questions, how often and when.

    `parameters` are those of its word, all of them, but for those that nobody gave and that have no default. Names are
    absolute and folded, times in seconds. What is empty or None is no condition.
    """

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    server: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    transport: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    at: float = 0.0
    for_: float | None = None

    def as_data(self) -> dict[str, object]:
        """The same as JSON can carry it: what `rule` takes. What is as it would be anyway is left out."""
        said: dict[str, object] = {"kind": self.kind}
        for parameter in WORDS[self.kind].parameters:
            value = self.parameters.get(parameter.word)
            if value != parameter.default:
                said[parameter.word] = _plain(value)
        for word, condition in CONDITIONS.items():
            value = getattr(self, _attribute(word))
            if value not in (condition.default, ()):
                said[word] = _plain(value)
        return said

    @property
    def text(self) -> str:
        """The same in one line, for people: `latency ms=200 server=ns1.example.com. probability=0.5`."""
        said = self.as_data()
        return f"{said.pop('kind')} {in_words(said)}".rstrip()


def in_words(said: Mapping[str, Any]) -> str:
    """What is `said` of a fault, as `as_data` has it, in one line for people: `ms=200 server=a.test.,b.test.`."""
    return " ".join(f"{word}={_shown(value)}" for word, value in said.items())


def rule(given: Mapping[str, object]) -> Rule:
    """The rule that `given` says: `kind` (or `fault`), the parameters of that word, and `CONDITIONS`.

    Raises `InputError`, whose `where` is the key that is wrong, with the right spelling.
    """
    said = {_spelled(key): value for key, value in given.items()}
    kind = next((said.pop(key) for key in _KIND if key in said), None)
    if kind is None:
        raise InputError("the rule names no fault", where="kind", instead=f"write one of: {', '.join(WORDS)}")
    word = known(kind) if isinstance(kind, str) else None
    if word is None:
        raise InputError(f"unknown fault {kind!r}", where="kind", instead=meant(str(kind)))
    parameters: dict[str, Any] = {
        each.word: each.default for each in word.parameters if not each.required and each.default is not None
    }
    conditions: dict[str, Any] = {}
    for key, value in said.items():
        if value is None:  # JSON's null, Python's None: nothing is said
            continue
        parameter = word.parameter(key) or CONDITIONS.get(key)
        if parameter is None:
            valid = ("kind", *(each.word for each in word.parameters), *CONDITIONS)
            raise InputError(f"the fault {word.word} has no {key!r}", where=key, instead=nearest(key, valid))
        try:
            read = parameter.read(value)
        except Unfit as unfit:
            raise InputError(str(unfit), where=key, instead=unfit.instead) from None
        if word.parameter(key) is None:
            conditions[_attribute(key)] = read
        else:
            parameters[key] = read
    for each in word.parameters:
        if each.required and each.word not in parameters:
            what = f"the fault {word.word} needs {each.word}, {each.does}"
            raise InputError(what, where=each.word, instead=f"write {each.takes}")
    return Rule(word.word, parameters, **conditions)


def _attribute(word: str) -> str:
    """The attribute of `Rule` that has the condition `word`: `for` is a word of Python."""
    return "for_" if word == "for" else word


def _spelled(key: str) -> str:
    return key.rstrip("_").replace("-", "_")


def _plain(value: Any) -> Any:
    """`value` with lists for tuples; a list of one item is that item."""
    if not isinstance(value, tuple):
        return value
    made = [list(each) if isinstance(each, tuple) else each for each in value]
    return made[0] if len(made) == 1 else made


def _shown(value: Any) -> str:
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            return " | ".join(",".join(group) for group in value)
        return ",".join(map(str, value))
    return f"{value:.15g}" if isinstance(value, float) else printable(str(value))
