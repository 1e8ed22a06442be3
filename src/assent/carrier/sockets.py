"""What connections of every kind do to their sockets: read them or not, end with a reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: close drops unsent bytes and sends RST (socket(7))."""

BACKLOG: Final = 1 << 20
"""Octets that the kernel does not take above which nothing is read: what arrives wants answers, and
a carrier that asks and never reads would have them pile up here."""


def reset(transport: asyncio.Transport) -> None:
    """Close at once, dropping what the kernel has not sent."""
    sock = transport.get_extra_info("socket")
    # A socket that is closed already is an OSError, or with uvloop a ValueError.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


class Holds:
    """Reasons why a transport is not read; it is read again when the last of them has gone. One
    that closes is left alone: not every loop's takes it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._reasons: set[str] = set()

    def hold(self, reason: str) -> None:
        """Read nothing more."""
        if not self._reasons and not self._transport.is_closing():
            self._transport.pause_reading()
        self._reasons.add(reason)

    def release(self, reason: str) -> None:
        """This is no reason any more. A reason that was none does no harm."""
        if reason in self._reasons:
            self._reasons.remove(reason)
            if not self._reasons and not self._transport.is_closing():
                self._transport.resume_reading()


class Progress:
    """Whether a socket that was full takes anything: its backlog, and when that last shrank."""

    def __init__(self, size: int, now: float) -> None:
        self._size = size
        self._at = now

    def stands(self, size: int, now: float) -> float:
        """Return for how many seconds the backlog, now of this size, has not shrunk."""
        if size < self._size:
            self._size, self._at = size, now
        return now - self._at
