"""HOST:PORT, as settings have it."""

from __future__ import annotations


def split_address(text: str) -> tuple[str, int] | None:
    """(host, port); None for what is no such thing. An IPv6 host may stand in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        return None
    return host.strip("[]"), int(port)
