"""Limits and timeouts of the HTTP API. Every one of them is told in docs/http-api.md."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Sizes in octets, times in seconds.

    What an outsider can make the server hold is bounded by the product of these numbers, so
    they are settings and not habits.
    """

    # Requests
    body_limit: int = 8 * MIB
    bodies_limit: int = 256 * MIB  # all bodies together that are held in memory
    body_timeout: float = 30.0  # for a whole JSON body
    requests_at_once: int = 2_000
    # Audience files
    upload_limit: int = GIB
    xlsx_limit: int = 64 * MIB  # a workbook is read whole, so it may be less large
    upload_idle: float = 30.0  # without a single octet
    upload_slowest: int = 10 * KIB  # octets a second on average, after the first half minute
    rows_limit: int = 20_000_000  # of one file: a packed one may hold any number
    text_limit: int = GIB  # characters of the variables that are kept of one file
    uploads_at_once: int = 8  # times upload_limit is what the spool needs at most
    uploads_each: int = 2  # of one account
    readers_at_once: int = 2
    reader_memory: int = 3 * GIB
    spool: Path | None = None  # None: the machine's directory for temporary files
    # Connections
    connections: int = 8_192
    header_limit: int = 64 * KIB
    header_timeout: float = 10.0
    keep_alive: float = 30.0
    write_timeout: float = 60.0  # a peer that does not read its answer
    shutdown_timeout: float = 20.0
    # Who calls, and how often
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # whose X-Forwarded-For is believed
    key_rate: float = 10_000.0  # requests a second of one key or person; twice that at once
    open_rate: float = 20.0  # of one network without a good key or session; five times that at once
    # Watching
    metrics_token: str | None = None  # None: /metrics answers this machine only
    access_log: bool = True
