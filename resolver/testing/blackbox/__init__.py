"""Plays scenarios against a resolver that is a process of its own: any daemon, in real time, from outside.

    Scenario → judging → configs, daemon (started in a namespace) → replay.playing with an Outside → Verdict

`namespace` makes a network in which every address is this machine; `servers` binds those of the script there, at port
53, and answers as the script says; `clients` asks the daemon. The steps and what is compared are those of `replay`.
"""
