"""Sketches of files: two that share most of their content share most of their sketch.

A file is cut where its content says so (so that octets put in or left out move no other cut), and
the sketch is the digests of a few pieces, the same ones in every copy. A picture that was saved
anew shares nothing any more: that is not found here.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

PIECES: Final = 8
"""Digests in a sketch at most."""

ALIKE: Final = 4
"""Digests that two sketches share when their files are nearly the same."""

_WINDOW: Final = 32
_CUT: Final = np.uint64(0x3FF)  # pieces of a thousand octets or so
_SHORTEST: Final = 64
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_ROOM: Final = np.uint64(20)


def sketch(data: bytes) -> list[bytes]:
    """Return the sketch of a file; nothing for one that is too short to be compared."""
    pieces = {hashlib.sha256(piece).digest() for piece in _pieces(data) if len(piece) >= _SHORTEST}
    return sorted(pieces)[:PIECES] if len(pieces) >= ALIKE else []


def _pieces(data: bytes) -> list[bytes]:
    cuts = [0, *_cuts(np.frombuffer(data, np.uint8)), len(data)]
    return [data[begin:end] for begin, end in pairwise(cuts)]


def _cuts(octets: npt.NDArray[np.uint8]) -> list[int]:
    """Return where the last octets before a place have a hash that says: here."""
    count = len(octets) - _WINDOW + 1
    if count < 1:
        return []
    hashes = np.zeros(count, np.uint64)
    for shift in range(_WINDOW):
        hashes *= _FACTOR
        hashes += octets[shift : shift + count]
    return [int(i) + _WINDOW for i in np.flatnonzero((hashes >> _ROOM) & _CUT == 0)]
