"""What a gateway is to its load, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway that takes one message a request. `request`, `status`, `sign`: as
    bench/requests.py has them. `trees`: its processes, with their children."""

    name: str
    port: int
    request: str
    status: int
    sign: str
    trees: dict[str, int]
