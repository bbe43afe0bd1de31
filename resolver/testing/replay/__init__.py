"""Plays scenarios that others wrote: files in the `.rpl` format of Unbound's testbound and of Deckard.

    text → reading → Scenario → settings → playing (over network, with matching) → comparing → Verdict

A file says what the servers of the world answer, what a client asks, and what it must be told. The program that
`app.build` makes is put into that world in virtual time, and what it tells the client is compared as octets.

What a real server would do and a script forgets is filled in, and each verdict says where (`Verdict.notes`):

* the question of a reply is spelled as it was in the query (0x20), where the names are equal but for letter case;
* a query with an OPT is replied to with one;
* the addresses of a name server that the script itself used as glue are answered, as A or AAAA, when no entry of the
  whole file answers that question; where it has addresses of the other family only, there is no such data.

AA on a positive answer need not be filled in: an answer without it is accepted.
"""
