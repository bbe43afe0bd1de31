"""A daemon of several processes: who starts them, what each gets, and how they answer as one.

supervisor.py   starts, watches, reloads and ends them; asks them for what the control socket is asked
worker.py       the life of one: a program as `daemon.py` runs it, told what to do by the supervisor
messages.py     what the two say to each other
link.py         the supervisor's end of that
group.py        the sockets of all of them
division.py     what each may have of a limit of the daemon
aggregation.py  how the answers of all become one
restarts.py     when one that has died is started again
count.py        how many there are
"""
