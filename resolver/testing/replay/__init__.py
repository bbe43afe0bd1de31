"""Plays scenarios that others wrote: files in the `.rpl` format of Unbound's testbound and of Deckard.

    text → reading → Scenario → settings → playing (over network, with matching) → comparing → Verdict

A file says what the servers of the world answer, what a client asks, and what it must be told. The program that
`app.build` makes is put into that world in virtual time, and what it tells the client is compared as octets. Whatever
else can be a `subject.Subject` plays the same steps: `testing.blackbox` has daemons in processes of their own.

What a real server would do and a script forgets is filled in, and each verdict says where (`Verdict.notes`):

* a reply has the id of its query, and its question is spelled as there (0x20), where the names are equal but for case;
* a query with an OPT is replied to with one, and a query with RD (to a forwarder) with RD and RA;
* the addresses of a name server that the script itself used as glue are answered, as A or AAAA, when no entry of the
  whole file answers that question; where it has addresses of the other family only, there is no such data;
* a minimised name is answered (RFC 9156) where the script only has names below it, or types besides A.

AA on a positive answer need not be filled in: an answer without it is accepted.
"""
