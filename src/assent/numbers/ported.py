"""Ported numbers, found fast among many that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.numbers.segments import Numbers

_BITS_EACH: Final = 32
"""Bits of the filter for one ported number: one other number in 32 passes it, or fewer."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio, odd: the high bits of a product with it are spread well, also for
numbers that follow one another (Knuth, The Art of Computer Programming 3, 6.4)."""


@dataclass(frozen=True, eq=False)
class PortedNumbers:
    """Numbers whose network is known and is not what their prefix says. Never changes.

    `numbers` is sorted and without doubles, `networks` has their :class:`Network`. `filter` is a
    bit set over hashes of the numbers: few of a long list are ported, and a bit is read in a
    hundredth of the time that a search takes.
    """

    numbers: Numbers
    networks: NDArray[np.uint8]
    filter: NDArray[np.uint8]

    @classmethod
    def of(cls, msisdn: Numbers, network: NDArray[np.uint8]) -> PortedNumbers:
        """Sort the columns; a number given twice takes the later row.

        Raises InvalidInput when the columns differ in length.
        """
        if len(msisdn) != len(network):
            raise InvalidInput(
                "bad_ported_numbers", "the columns differ in length", field="network"
            )
        # Of equal values np.unique names the first, so the rows are turned round before.
        numbers, last = np.unique(np.asarray(msisdn, np.uint64)[::-1], return_index=True)
        bits = np.zeros(1 << max(10, (numbers.size * _BITS_EACH - 1).bit_length()), np.bool_)
        bits[_spots(numbers, bits.size)] = True
        packed = np.packbits(bits, bitorder="little")
        return cls(numbers, np.asarray(network, np.uint8)[::-1][last], packed)

    def __len__(self) -> int:
        return self.numbers.size

    def find(self, msisdn: Numbers) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return the rows whose numbers are ported, and the networks of these."""
        spots = _spots(msisdn, self.filter.size * 8)
        bits = self.filter.take(spots >> 3, mode="clip")
        bits >>= (spots & 7).astype(np.uint8)
        bits &= 1
        rows = np.flatnonzero(bits)
        if not rows.size:
            return rows, self.networks[:0]
        wanted = msisdn[rows]
        # A search for sorted values walks through neighbouring memory: half the time.
        order = np.argsort(wanted)
        rows, wanted = rows[order], wanted[order]
        found = np.searchsorted(self.numbers, wanted)
        np.minimum(found, self.numbers.size - 1, out=found)
        ported = self.numbers[found] == wanted
        return rows[ported], self.networks[found[ported]]


def _spots(msisdn: Numbers, size: int) -> NDArray[np.int64]:
    """Hash numbers to 0 … size - 1; `size` is a power of two."""
    spots = msisdn * _MIX
    spots >>= np.uint64(65 - size.bit_length())
    return spots.view(np.int64)
