"""What can be asked of a running daemon, and who may ask.

table.py      which routes there are, and how a request finds its own
routes.py     the one table: what a process answers by itself, and what is asked of a program
running.py    routes on the program as it runs: counters, workers, cache
server.py     requests over HTTP/1.1 on a Unix socket
"""
