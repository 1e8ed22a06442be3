"""Looks behind links, in a process of its own that reaches no inside network."""
