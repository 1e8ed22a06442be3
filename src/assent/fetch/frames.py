"""What goes over the pipe between the platform and the fetcher: a length, then msgpack."""

from __future__ import annotations

import asyncio
import struct
from typing import Final, TypeVar

import msgspec

from assent.screen.page_look import Look

__all__ = ["MOST_FRAME", "Ask", "Told", "pack", "read_frame"]

MOST_FRAME: Final = 4 << 20
_LENGTH: Final = struct.Struct(">I")
Kind = TypeVar("Kind")


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """Look behind a link. `own`: hosts and paths below which links are ours."""

    id: int
    url: str
    profile: str
    own: list[tuple[str, str]] = []


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What was seen."""

    id: int
    look: Look


def pack(body: Ask | Told) -> bytes:
    """Return a frame."""
    octets = msgspec.msgpack.encode(body)
    return _LENGTH.pack(len(octets)) + octets


async def read_frame(reader: asyncio.StreamReader, kind: type[Kind]) -> Kind:
    """Return the next frame's body. Raises EOFError at the end, ValueError for what is none."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MOST_FRAME:
            raise ValueError("a frame is too large")
        return msgspec.msgpack.decode(await reader.readexactly(length), type=kind)
    except asyncio.IncompleteReadError:
        raise EOFError from None
