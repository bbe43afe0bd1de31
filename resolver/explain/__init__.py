"""Decides what a person is told of an answer: in one or two sentences why it is what it is, and what to do.

Rules: a question of a transcript (`observe.transcript.Root`) holds all that is known: what was asked, what came back,
what was told. `table.CAUSES` are looked through in their order, and the first that applies explains it.
"""

from __future__ import annotations

from resolver.errors import WireError
from resolver.explain.case import Case
from resolver.explain.cause import Explanation
from resolver.explain.declared import Declared
from resolver.message import CD, Client, Query, Reply
from resolver.observe.presenting import extended_errors
from resolver.observe.transcript import Root, in_words
from resolver.wire.parse import parse

__all__ = ["Declared", "Explanation", "explain", "explain_octets"]


def explain(root: Root, declared: Declared | None = None) -> Explanation:
    """Why the client's question `root` was told what it was. `declared` is the simulated world, where there is one:
    with it, lines of zone files and names that exist can be told."""
    from resolver.explain.table import first_of

    return first_of(Case(root, declared))


def explain_octets(query: bytes, response: bytes, client: Client, declared: Declared | None = None) -> Explanation:
    """Why `client` was told `response` to `query`, as far as the two say it themselves: for what never came to be a
    question of a transcript. Raises `WireError`."""
    asked, said = parse(query), parse(response)
    if asked.question is None:
        raise WireError("the query has no question")
    put = Query(asked.question, client, 0, 0.0, cd=bool(asked.flags & CD), edns=asked.edns)
    told = Reply(said.rcode, said.answer, said.authority, ede=tuple(extended_errors(said)))
    return explain(Root(asked=in_words(asked.question), query=put, told=told), declared)
