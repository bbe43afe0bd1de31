from __future__ import annotations

from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Reply, Transport
from resolver.observe.drawing import branches, trees
from resolver.observe.notes import At, Faulted, Held, Inferred, Joined, Stage
from resolver.observe.transcript import Node, Root
from tests.support import zone_text
from tests.support.messages import sets


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


def test_the_questions_of_clients_are_drawn_with_what_they_were_told_and_what_was_noted():
    query = Query(zone_text.question("www.example.", "A"), Client("192.0.2.1", 53, Transport.UDP), 1, 4.5)
    sent = Node("www.example. A", "ns.test.", "192.0.2.1:53", transport="udp", rtt=0.4, notes=[Faulted("silent", 3)])
    failed = Root("www.example. A", below=[sent], query=query, told=ResolutionFailed("MUTE", 22, "silence"))
    cached = Root("www.example. A", query=query, told=Reply(0, sets("www.example. 9 IN A 192.0.2.1")), came_back="1 A")
    cached.notes = [At(Stage.CACHED), Held(40, 20), Held(90, -30), Joined(failed), Inferred(b"\0", None)]
    nodata, waiting = Root("a. A", query=query, told=Reply(0)), Root("b. A", query=query)
    nobodys = Root("", why="done for no client")
    assert list(trees([failed, cached, nodata, waiting, nobodys])) == [
        "www.example. A ? SERVFAIL: silence [MUTE]",
        "└─ www.example. A  → ns.test. 192.0.2.1:53 (udp) 400.0 ms",
        "   ! fault: silent (rule 3)",
        "www.example. A ? 1 A",
        "· from the cache",
        "· learnt 40 s ago, good for 20 s more",
        "· learnt 90 s ago, expired for 30 s",
        "· joined the same question, which was being asked already",
        "· follows from what is proven of other names",
        "a. A ? NODATA",
        "b. A ? no answer yet",
        "(done for no client)",
    ]
