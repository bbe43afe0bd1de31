"""What can be asked of a running daemon, and changed, and who may do so.

table.py        how a request finds its route, and how what is wrong with it is told
schemas.py      what a request's JSON may be; the same words describe it to people and programs (openapi.py)
routes.py       the one table: what a process answers by itself, and what is asked of a program, by subject:
                running.py, zones.py, faults.py, clock.py, messages.py, snapshots.py, challtestsrv.py
changing.py     how a change of the world is made, and what is forgotten with it
challenges.py   what the endpoints of challtestsrv come to
turns.py        changes, one after the other
http.py         one request and one response of HTTP/1.1
guarding.py     who may ask over TCP
server.py       where requests are taken: on a Unix socket, and on addresses of TCP
paths.py        where that Unix socket lies
"""
