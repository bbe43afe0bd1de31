"""Decides how what an explanation advises is said in a test: methods of the internet stand for commands and files."""

from __future__ import annotations

import re
from typing import Final

from resolver.explain import Explanation

_IN_A_TEST: Final = (
    (re.compile(r"`resolver cache flush ([^`]+?)(?:/subtree)?`"), r'dns.flush("\1")'),
    (re.compile(r"(?:for a daemon that runs, )?`resolver fault clear (\d+)`"), r"dns.clear_faults(\1)"),
    (re.compile("Give these names A or AAAA records"), "Name them in `servers` of dns.zone"),
    (re.compile(r"`resolver trace [^`]+`"), "dns.tree()"),
)
"""What is said of a daemon, and what stands in its place."""


def in_a_test(explained: Explanation) -> Explanation:
    """`explained` as a test can follow it."""
    advice = explained.advice
    for command, method in _IN_A_TEST:
        advice = command.sub(method, advice)
    return explained._replace(advice=advice)
