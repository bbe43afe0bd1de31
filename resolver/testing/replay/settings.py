"""Decides what the configuration of a scenario means for our program, word by word.

Rules: a word is either made into a setting, or it names a feature that a scenario may need and we may not have, or it
stands in `MEANINGLESS` with the reason why it changes nothing here. A word in none of these is an error of the file.
Root hints are the addresses of the stub zone `.`; in the dialect of Deckard, `stub-addr` and `forward-addr` stand alone
and mean the root. A feature that is needed does not skip a file by itself: the file is played, and may pass without it.

What a script does not mention is as its author had it: nothing stale is served, nothing is prefetched, special-use
names are looked up like any other, and what none of its trust anchors covers is not validated; without one, nothing is.
Zones with many NSEC3 iterations are insecure, and never bogus, unless `nsec3-iterations-max`, a word of our own, says
above how many they are. All else is our own default.

Where `access-control` stands, who has `allow_snoop` may look into the cache by queries without RD, and nobody else.

Where `unblock-lan-zones: no` stands, special-use names are answered here, but for those of a `local-zone: X nodefault`.

Limits: hosts by name (`stub-host`) and ports other than 53 are not known; no scenario has them.
"""

from __future__ import annotations

import calendar
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from resolver.config import Config
from resolver.dnssec import anchors, negative
from resolver.engine.delegation import Delegation, NameServer
from resolver.errors import ConfigError, ScenarioError
from resolver.hints import PORT
from resolver.network.base import Endpoint
from resolver.testing.replay import authorities, filters, policies
from resolver.testing.replay.filters import Filters
from resolver.testing.replay.script import Scenario, Word
from resolver.testing.virtual_time import WALL_START
from resolver.text import nearest
from resolver.wire import names

MEANINGLESS: Final[dict[str, str]] = {
    "verbosity": "how much Unbound logs; the transcript is always whole here",
    "log-servfail": "what Unbound logs",
    "target-fetch-policy": "addresses of name servers are looked up when they are needed, never beforehand",
    "rrset-roundrobin": "answers are compared as sets",
    "minimal-responses": "answers are always minimal; what else a script expects counts at the level strict",
    "iter-scrub-promiscuous": "scrubbing cannot be switched off",
    "harden-unknown-additional": "scrubbing cannot be switched off",
    "harden-glue": "glue outside the zone of its sender is never believed",
    "harden-unverified-glue": "glue is used for its delegation only, and is never answered",
    "harden-below-nxdomain": "a denial that is proven cuts off what is below it, always",
    "harden-referral-path": "the NS sets on the way are not asked for; Unbound's default, too",
    "msg-cache-size": "a bound of memory in Unbound's own entries",
    "rrset-cache-size": "a bound of memory in Unbound's own entries",
    "fake-sha1": "a seam of Unbound's tests for signatures that no longer exist",
    "trust-anchor-signaling": "RFC 8145 is not done; scenarios switch it off",
    "ede": "extended errors are always sent",
    "ede-serve-expired": "extended errors are always sent",
    "discard-timeout": "a late answer of Unbound's is dropped; here a client is always answered in time",
    "name": "read with its clause",
    "for-upstream": "a zone that clients are answered from is not asked by the resolver itself",
    "fallback-enabled": "belongs to the feature auth-zone",
    "stub-name": "the name of a root server; its address is what counts",
}
"""Words that change nothing here, with the reason."""

FEATURES: Final[dict[str, str]] = {
    "auto-trust-anchor-file": "rfc5011",
    "view": "views",
}
"""Words that need a feature, by its name."""

_TRANSFER: Final = "rpz-transfer"
"""The feature that a policy zone needs which is to be had from elsewhere."""

_ZONE: Final = "auth-zone"
"""The feature that a zone needs which is for the resolver alone, or is to be had from elsewhere."""

_CLAUSES: Final = frozenset(("server", "stub-zone", "forward-zone", "auth-zone", "rpz", "view"))
_STALE_VALUES: Final = {
    "serve-expired-ttl": "stale_max_age_s",
    "serve-expired-reply-ttl": "stale_ttl_s",
    "serve-expired-client-timeout": "stale_client_timeout_ms",
}
_UNLIMITED_S: Final = 604_800
"""The most that our own setting takes, for `serve-expired-ttl: 0`, which knows no limit."""

_ITERATIONS: Final = 150
"""Up to which the peers of whose players scripts were written hash NSEC3; beyond it a zone is insecure to them."""
_NEVER_BOGUS: Final = 65_535
"""The most iterations that a record can name."""

_YES: Final = {"yes": True, "on": True, "no": False, "off": False}


@dataclass(slots=True)
class Arrangement:
    """What a configuration comes to. `families`: the IP versions that can be sent to; `wall`: seconds since 1970.

    `needs` are the features that its words ask for, with the line that does.
    """

    config: Config = field(default_factory=Config)
    root: Delegation = field(default_factory=lambda: Delegation(names.ROOT, (), 0, configured=True))
    families: frozenset[int] = frozenset((4, 6))
    wall: float = WALL_START
    needs: dict[str, int] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """What stands in the place of files of policy zones that the configuration names."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """What is to stand in the files of zones that the configuration names."""


def arrange(scenario: Scenario) -> Arrangement:
    """What the configuration of `scenario` means. Raises `ScenarioError`."""
    return _Arranger(scenario).result()


class _Arranger:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._resolver: dict[str, Any] = {"roots": "internet", "unreserved": ["."]}
        self._cache: dict[str, Any] = {"serve_stale": False, "prefetch": False}
        self._dnssec: dict[str, Any] = {
            "trust_anchors": [],
            "trust_anchor_files": [],
            "negative_trust_anchors": [],
            "nsec3_iterations_insecure": _ITERATIONS,
            "nsec3_iterations_max": _NEVER_BOGUS,
        }
        self._snoop: list[str] | None = None
        self._filters = Filters()
        self._lines: dict[str, Word] = {}
        self._zones: dict[str, dict[str, list[str]]] = {"stub-zone": {}, "forward-zone": {}}
        self._reserves = False
        self._nodefault: list[str] = []
        self._anchored: set[bytes] = set()
        self._policies: list[dict[str, Any]] = []
        self._served: dict[str, str] = {}
        self._begins = 1
        self._made = Arrangement(texts=dict(scenario.files))

    def result(self) -> Arrangement:
        clause = ""
        group: list[Word] = []
        for word in self._scenario.words:
            if not word.value and word.key in _CLAUSES:
                self._clause(clause, group)
                clause, group, self._begins = word.key, [], word.line
                if word.key in FEATURES:
                    self._made.needs.setdefault(FEATURES[word.key], word.line)
            else:
                group.append(word)
        self._clause(clause, group)
        made = self._made
        roots = self._zones["stub-zone"].pop(".", [])
        servers = tuple(NameServer(names.from_text(f"root-{n}."), (Endpoint(a, PORT),)) for n, a in enumerate(roots))
        made.root = Delegation(names.ROOT, servers, 0, configured=True)
        if self._reserves:
            self._resolver["unreserved"] = self._nodefault
        self._resolver["stub_zones"] = self._zones["stub-zone"]
        self._resolver["forward_zones"] = self._zones["forward-zone"]
        made.config, made.zones = self._config(), self._served
        return made

    def _config(self) -> Config:
        anchored = bool(self._dnssec["trust_anchors"] or self._dnssec["trust_anchor_files"])
        self._dnssec["validation"] = anchored
        if names.ROOT not in self._anchored:
            # Where the script has no anchor of its own, that of the Internet's root must not count.
            self._dnssec["negative_trust_anchors"].append(negative.read("."))
        try:
            ours = {"resolver": self._resolver, "cache": self._cache, "dnssec": self._dnssec}
            ours |= {"filters": self._filters.settings(), "server": {"snoop": self._snoop}}
            rules = [{"action": "authority", "zone_files": [each]} for each in self._served]
            return Config.model_validate({**ours, "rpz": self._policies, "rules": rules})
        except ValidationError as wrong:
            found = wrong.errors()[0]
            word = self._lines.get(str(found["loc"][-1]), Word(1, 0, "the configuration", ""))
            self._fail(word, f"{word.key} {word.value}: {found['msg']}", "write what our own setting takes")

    def _clause(self, clause: str, words: list[Word]) -> None:
        """The words of one clause; of the top of a file `clause` is empty."""
        if clause == "rpz":
            table = policies.table(words, self._made.texts, self._fail)
            if table is None:
                self._made.needs.setdefault(_TRANSFER, words[0].line if words else 1)
            else:
                self._policies.append(table)
            return
        if clause == _ZONE:
            text = authorities.zone_file(words, self._made.texts, self._fail)
            if text is None:
                self._made.needs.setdefault(_ZONE, self._begins)
            else:
                self._served[f"zone-{len(self._served)}"] = text
            words = [word for word in words if word.key not in authorities.WORDS]
        zone = next((word.value for word in words if word.key == "name"), ".")
        for word in words:
            if clause == "view" and word.key.startswith("local-"):
                continue  # belongs to the feature views
            if word.key in ("stub-addr", "forward-addr"):
                kind = word.key.replace("-addr", "-zone")
                if clause not in ("", "server", kind):
                    self._fail(word, f"{word.key} in the clause {clause}", f"write it in a {kind}")
                self._zones[kind].setdefault(zone.rstrip(".") or ".", []).append(self._address(word))
            elif word.key == "forward-first" and clause == "forward-zone":
                if self._yes(word):
                    self._resolver.setdefault("forward_first", []).append(zone.rstrip(".") or ".")
            else:
                self._word(word)

    def _word(self, word: Word) -> None:
        known = _WORDS.get(word.key)
        if known is not None:
            known(self, word)
        elif word.key in FEATURES:
            if word.value != "no":
                self._made.needs.setdefault(FEATURES[word.key], word.line)
        elif word.key == "local-zone" and word.value.endswith(" nodefault"):
            zone = word.value.removesuffix(" nodefault")
            if zone.rstrip(".") != "test":  # which is special to Unbound, and a name as any other here
                self._nodefault.append(zone)
        elif self._filters.takes(word.key):
            try:
                self._filters.take(word.key, word.value)
            except ValueError as wrong:
                what, _, instead = str(wrong).partition("; ")
                self._fail(word, f"{word.key}: {what}", instead or "write what Unbound takes")
        elif word.key not in MEANINGLESS:
            self._fail(
                word,
                f"{word.key!r} is neither a setting here nor a word without meaning",
                hint if (hint := nearest(word.key, words_known())).startswith("did") else "leave it out",
            )

    # -- words with a meaning

    def _minimisation(self, word: Word) -> None:
        self._resolver["qname_minimisation"] = self._yes(word)

    def _case(self, word: Word) -> None:
        self._resolver["use_0x20"] = self._yes(word)

    def _family(self, word: Word) -> None:
        if not self._yes(word):
            self._made.families -= {int(word.key[-1])}

    def _date(self, word: Word) -> None:
        found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", word.value)
        if found is not None:
            self._made.wall = float(calendar.timegm(tuple(map(int, found.groups()))))
        elif word.value.isdecimal():
            self._made.wall = float(word.value)
        else:
            self._fail(word, f"{word.value!r} is no date", "write YYYYMMDDhhmmss or seconds since 1970")

    def _modules(self, word: Word) -> None:
        modules = set(word.value.split())
        self._filters.synthesises = "dns64" in modules
        unknown = modules - {"iterator", "validator", "respip", "dns64"}
        if unknown:
            self._fail(word, f"there is no module {unknown.pop()!r} here", "a resolver iterates and validates")

    def _access(self, word: Word) -> None:
        network, action = (*word.value.split(), "", "")[:2]
        if action not in ("allow", "allow_snoop"):
            self._fail(word, f"access-control {word.value!r}", "only allow and allow_snoop have a meaning here")
        try:
            named = str(ipaddress.ip_network(network, strict=False))
        except ValueError:
            self._fail(word, f"access-control: {network!r} is no network", "write one like 192.0.2.0/24")
        self._snoop = [*(self._snoop or ()), *([named] if action == "allow_snoop" else ())]

    def _stale(self, word: Word) -> None:
        self._cache["serve_stale"] = self._yes(word)

    def _stale_value(self, word: Word) -> None:
        key, value = _STALE_VALUES[word.key], self._number(word)
        self._lines[key] = word
        self._cache[key] = _UNLIMITED_S if key == "stale_max_age_s" and not value else value

    def _prefetch(self, word: Word) -> None:
        self._cache["prefetch"] = self._yes(word)

    def _anchor(self, word: Word) -> None:
        try:
            self._anchored.add(anchors.read_record(word.value).zone)
        except ValueError as wrong:
            what, _, instead = str(wrong).partition("; ")
            self._fail(word, f"trust-anchor: {what}", instead)
        self._dnssec["trust_anchors"].append(word.value)

    def _anchor_file(self, word: Word) -> None:
        path = self._scenario.beside(word.value)
        if path is None:
            self._fail(word, f"trust-anchor-file: {word.value!r} is not beside the scenario", "put a copy of it there")
        try:
            self._anchored.update(anchor.zone for anchor in anchors.read_file(path, self._made.wall))
        except ConfigError as wrong:
            self._fail(word, f"trust-anchor-file: {wrong.what}", wrong.instead)
        self._dnssec["trust_anchor_files"].append(path)

    def _insecure(self, word: Word) -> None:
        try:
            self._dnssec["negative_trust_anchors"].append(negative.read(word.value))
        except ValueError as wrong:
            what, _, instead = str(wrong).partition("; ")
            self._fail(word, f"domain-insecure: {what}", instead)

    def _aggressive(self, word: Word) -> None:
        self._dnssec["aggressive"] = self._yes(word)

    def _iterations(self, word: Word) -> None:
        """Pairs of a key size and the iterations up to which a zone with keys of at most that size is validated. We
        have one limit for all: that for the smallest keys."""
        numbers = word.value.split()
        if not numbers or len(numbers) % 2 or not all(number.isdecimal() for number in numbers):
            self._fail(word, f"{word.key}: {word.value!r}", "write pairs of a key size and a number of iterations")
        self._lines["nsec3_iterations_insecure"] = word
        self._dnssec["nsec3_iterations_insecure"] = int(numbers[1])

    def _most_iterations(self, word: Word) -> None:
        self._lines["nsec3_iterations_max"] = word
        self._dnssec["nsec3_iterations_max"] = self._number(word)

    def _reserving(self, word: Word) -> None:
        self._reserves = not self._yes(word)

    # -- values

    def _yes(self, word: Word) -> bool:
        if word.value not in _YES:
            self._fail(word, f"{word.key}: {word.value!r}", "write yes or no")
        return _YES[word.value]

    def _number(self, word: Word) -> int:
        if not word.value.isdecimal():
            self._fail(word, f"{word.key}: {word.value!r}", "write a number")
        return int(word.value)

    def _address(self, word: Word) -> str:
        try:
            return str(ipaddress.ip_address(word.value))
        except ValueError:
            self._fail(word, f"{word.value!r} is no IP address", "write one like 192.0.2.1 or 2001:db8::1")

    def _fail(self, word: Word, what: str, instead: str) -> NoReturn:
        raise ScenarioError(what, where=f"{self._scenario.path}:{word.line}", instead=instead)


_WORDS: Final[dict[str, Callable[[_Arranger, Word], None]]] = {
    "qname-minimisation": _Arranger._minimisation,
    "query-minimization": _Arranger._minimisation,
    "use-caps-for-id": _Arranger._case,
    "do-ip4": _Arranger._family,
    "do-ip6": _Arranger._family,
    "val-override-date": _Arranger._date,
    "module-config": _Arranger._modules,
    "access-control": _Arranger._access,
    "serve-expired": _Arranger._stale,
    "serve-expired-ttl": _Arranger._stale_value,
    "serve-expired-reply-ttl": _Arranger._stale_value,
    "serve-expired-client-timeout": _Arranger._stale_value,
    "prefetch": _Arranger._prefetch,
    "unblock-lan-zones": _Arranger._reserving,
    "nsec3-iterations-max": _Arranger._most_iterations,
    "trust-anchor": _Arranger._anchor,
    "trust-anchor-file": _Arranger._anchor_file,
    "domain-insecure": _Arranger._insecure,
    "aggressive-nsec": _Arranger._aggressive,
    "val-nsec3-keysize-iterations": _Arranger._iterations,
}


def words_known() -> Iterable[str]:
    """Every word that a configuration may have."""
    known = {*_WORDS, *authorities.WORDS, *MEANINGLESS, *FEATURES, *_CLAUSES, *filters.WORDS, *policies.WORDS}
    return {*known, "stub-addr", "forward-addr", "forward-first"}
