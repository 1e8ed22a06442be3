"""Looks behind links, in a process of its own that reaches no inside network.

addresses: which may be connected to. urls: links as browsers read them. dial: connections to what
was checked. hop: one question, within limits. walk: a chain to its page. profiles: who asks. child:
the process; frames: what is said to it; fetcher: the platform's side.
"""
