from __future__ import annotations

from resolver.observe.drawing import branches, plain
from resolver.observe.transcript import Node


def test_a_transcript_is_a_tree_with_what_came_back_and_what_was_decided():
    inner = Node("ns.example. A", "ns.test.", "192.0.2.2:53", transport="tcp", rtt=0.0125, came_back="REFUSED")
    lookup = Node("ns.example. A", below=[inner], came_back="failed", why="the address of a name server")
    first = Node("www.example. A", "", "192.0.2.1:53", transport="udp", recursion_desired=True, decided="referral")
    waited = Node("www.example. A", zone="example.", came_back="no reply")
    assert list(branches([first, waited, lookup], "> ")) == [
        "> ├─ www.example. A  → (a configured server) 192.0.2.1:53 (udp, recursion desired)",
        "> │  = referral",
        "> ├─ www.example. A  (replies are waited for)",
        "> │  ← no reply",
        "> └─ ns.example. A  (the address of a name server)",
        ">    └─ ns.example. A  → ns.test. 192.0.2.2:53 (tcp) 12.5 ms",
        ">       ← REFUSED",
        ">    ← failed",
    ]


def test_nothing_that_a_server_wrote_reaches_the_terminal():
    assert plain("a\x1b[2Jé\u202e") == "a\\027[2Jé\\8238"
