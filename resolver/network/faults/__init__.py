"""What goes wrong on purpose: rules, and whether one applies.

words.py      which faults there are, and what can be said of each
values.py     what the parameters take, however they come
rules.py      what a rule says, and how it is written
matching.py   to which queries a rule applies
table.py      which rules are in force, when, and how often they were applied

What a fault does to a message is `network.faulty`, over the octets of `network.forging`.
"""

from __future__ import annotations

from resolver.network.faults.matching import Place, check
from resolver.network.faults.rules import Rule, rule
from resolver.network.faults.table import NOBODY, RESOLVER_HOST, FaultTable, Hit
from resolver.network.faults.words import CONDITIONS, WORDS

__all__ = ["CONDITIONS", "NOBODY", "RESOLVER_HOST", "WORDS", "FaultTable", "Hit", "Place", "Rule", "check", "rule"]
