"""Decides whether a member of a pool is up, from what checks and its real traffic say of it.

Rules
* A member is up until something says otherwise. The very first check decides at once; from then on it takes `fall`
  failed checks in a row to take a member down, and `rise` good ones to bring it back.
* Traffic is heard, too: `passive_fall` failures in a row, or `passive_percent` of the last `WINDOW`, make a member
  *suspect*. Where checks confirm what traffic says, one is made at once: it takes the member down, or acquits it.
  A name that nobody can answer makes every member look bad, and must not take all of them down.
* Where nothing confirms, what is suspected is down for `passive_down_s`, twice as long each time that it comes back
  only to fail again, up to `LONGEST_DOWN_S`. Without checks it then comes back on trial: its next failure is its last,
  its first good reply acquits it.

Limits: what a failure is, and when a check is made, is decided by others. Times are monotonic seconds.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

WINDOW: Final = 32
"""Exchanges that are remembered of each member: enough to tell one failure in two from one in twenty."""
_MASK: Final = (1 << WINDOW) - 1

LONGEST_DOWN_S: Final = 300.0
"""The longest that a member is down for what its traffic said alone."""


class Verdict(enum.StrEnum):
    """What has become of a member by what was heard of it."""

    SAME = "same"
    SUSPECT = "suspect"
    """It is to be checked at once."""
    DOWN = "down"
    """It was up, and is down."""
    UP = "up"
    """It was down, and is up."""


class Rules(NamedTuple):
    """What it takes. `checked`: there are checks; `confirm`: they confirm what traffic says. `passive_fall` or
    `passive_percent` 0: traffic does not say that."""

    rise: int = 2
    fall: int = 3
    passive_fall: int = 5
    passive_percent: int = 50
    passive_down_s: float = 10.0
    checked: bool = True
    confirm: bool = True


class Health:
    """What is known of one member. `rules` may be replaced at any time."""

    __slots__ = (
        *("_aside", "_bad", "_failed", "_good", "_heard", "_on_trial", "_outcomes", "_soon", "_suspect"),
        *("down_until", "rules", "up"),
    )

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.up = True
        self.down_until = 0.0
        """Before this time nothing brings it back."""
        self._good = self._bad = self._failed = self._outcomes = 0
        self._aside = self._soon = 0.0
        self._heard = self._suspect = self._on_trial = False

    @property
    def suspect(self) -> bool:
        """Whether its traffic has failed and no check has been made since."""
        return self._suspect

    @property
    def spotless(self) -> bool:
        """Whether it is up, and nothing speaks against it: then a good reply says nothing new."""
        return self.up and not (self._outcomes or self._failed or self._on_trial)

    def checked(self, good: bool, now: float) -> Verdict:
        """A check has ended; what that makes of the member."""
        first, self._heard = not self._heard, True
        if good:
            self._bad = 0
            if self.up:
                if self._suspect:
                    self._acquit()
                return Verdict.SAME
            self._good += 1
            return self._rise() if self._good >= self.rules.rise and now >= self.down_until else Verdict.SAME
        self._good = 0
        self._bad += 1
        if self.up and (first or self._suspect or self._bad >= self.rules.fall):
            return self._fall(now)
        return Verdict.SAME

    def served(self, good: bool, now: float) -> Verdict:
        """Real traffic has been answered, or not; what that makes of the member."""
        self._outcomes = (self._outcomes << 1 | (not good)) & _MASK
        if good:
            self._failed = 0
            self._on_trial = False
            return Verdict.SAME if self.up else self._served_while_down()
        self._failed += 1
        if not self.up:
            if not self.rules.checked:
                self._good = 0
            return Verdict.SAME
        if not self._is_failing():
            return Verdict.SAME
        if self.rules.checked and self.rules.confirm:
            if self._suspect:
                return Verdict.SAME
            self._suspect = True
            return Verdict.SUSPECT
        self._put_aside(now)
        return self._fall(now)

    def due(self, now: float) -> Verdict:
        """Time has passed: a member that nothing checks is back on trial once it has been down for long enough."""
        if self.up or self.rules.checked or now < self.down_until:
            return Verdict.SAME
        verdict = self._rise()
        self._on_trial = bool(self.rules.passive_fall or self.rules.passive_percent)
        return verdict

    def _put_aside(self, now: float) -> None:
        """Nothing brings it back for a while, which is twice the last where it has come back only to fail again: before
        it was up for as long as it had been down."""
        again = now < self._soon
        seconds = min(LONGEST_DOWN_S, 2 * self._aside if again else self.rules.passive_down_s)
        self._aside, self.down_until, self._soon = seconds, now + seconds, now + 2 * seconds

    def _served_while_down(self) -> Verdict:
        """All are down, and it was asked all the same; where nothing checks it this is all that is heard of it."""
        if self.rules.checked:
            return Verdict.SAME
        self._good += 1
        if self._good < self.rules.rise:
            return Verdict.SAME
        return self._rise()

    def _is_failing(self) -> bool:
        rules = self.rules
        if self._on_trial or 0 < rules.passive_fall <= self._failed:
            return True
        return 0 < rules.passive_percent * WINDOW <= 100 * self._outcomes.bit_count()

    def _acquit(self) -> None:
        """What traffic has said is forgotten."""
        self._failed = self._outcomes = 0
        self._suspect = self._on_trial = False

    def _fall(self, now: float) -> Verdict:
        self._acquit()
        self._good = self._bad = 0
        self.up = False
        self.down_until = max(self.down_until, now)
        return Verdict.DOWN

    def _rise(self) -> Verdict:
        self._acquit()
        self._good = self._bad = 0
        self.up = True
        return Verdict.UP
