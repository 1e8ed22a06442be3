"""A capture file out of octets: TCP over IPv4 over Ethernet, made up around what was recorded.

Nothing is sniffed, so nobody needs the right to. Headers say what a capture on the loopback would;
checksums are right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

NEAR, FAR = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
"""The platform and the carrier."""

_FILE: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
_ETHERNET: Final = bytes(5) + b"\1" + bytes(5) + b"\2" + b"\x08\x00"
_PSH_ACK: Final = 0x18
_MOST: Final = 60_000
"""Octets of a segment. The loopback's are as long; a PDU longer than this spans several."""


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Capture:
    """One connection to the carrier's `port`, segment by segment."""

    def __init__(self, port: int, client: int = 40_000) -> None:
        self._ports = (client, port)
        self._next = {True: 1, False: 1}
        self._packets: list[bytes] = []

    def add(self, data: bytes, *, up: bool) -> None:
        """Octets that left in one write, to the carrier or from it."""
        for start in range(0, len(data), _MOST):
            self._packets.append(self._packet(data[start : start + _MOST], up))

    def _packet(self, data: bytes, up: bool) -> bytes:
        source, target = (NEAR, FAR) if up else (FAR, NEAR)
        ports = self._ports if up else self._ports[::-1]
        sequence, acknowledged = self._next[up], self._next[not up]
        self._next[up] += len(data)
        size = 20 + len(data)

        def tcp(check: int) -> bytes:
            numbers = (sequence, acknowledged, 5 << 12 | _PSH_ACK, 65_535, check, 0)
            return struct.pack(">HHIIHHHH", *ports, *numbers)

        pseudo = source + target + struct.pack(">BBH", 0, 6, size)
        whole = tcp(checksum(pseudo + tcp(0) + data)) + data

        def ip(check: int) -> bytes:
            words = (0x4500, 20 + size, len(self._packets) & 0xFFFF, 0x4000, 64, 6, check)
            return struct.pack(">HHHHBBH", *words) + source + target

        return _ETHERNET + ip(checksum(ip(0))) + whole

    def write(self, path: Path) -> None:
        """Write the file; packets are a millisecond apart."""
        parts = [_FILE]
        for place, packet in enumerate(self._packets):
            stamp = (1_795_000_000 + place // 1000, place % 1000 * 1000)
            parts.append(struct.pack("<IIII", *stamp, len(packet), len(packet)) + packet)
        path.write_bytes(b"".join(parts))


def write_capture(path: Path, port: int, writes: Iterable[tuple[bool, bytes]]) -> None:
    """Write (whether to the carrier, octets) as one connection."""
    capture = Capture(port)
    for up, data in writes:
        capture.add(data, up=up)
    capture.write(path)
