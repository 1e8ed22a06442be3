"""Mainland numbers → network, province, city; by prefix, and by what is known to be ported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.message import Network
from assent.numbers.ported import PortedNumbers
from assent.numbers.segments import Name, Numbers

_ROWS: Final = 1 << 15
"""Rows worked on at once, so that the arrays in between stay in the processor's cache."""

FIRST_PREFIX: Final = 1_300_000
PREFIXES: Final = 700_000
"""The table has a place for each beginning of seven digits, 1300000 to 1999999."""

_FIRST: Final = np.uint64(860_000_000 + FIRST_PREFIX)
_OUTSIDE: Final = np.uint64(PREFIXES)
_POWERS: Final = np.array([10**i for i in range(1, 20)], np.uint64)


class Places(NamedTuple):
    """Columns of a look-up. `province` and `city` index the table's lists; 0 is not known.

    `network` holds :class:`assent.message.Network`; `virtual` marks numbers of operators who
    resell that network.
    """

    network: NDArray[np.uint8]
    province: NDArray[np.uint8]
    city: NDArray[np.uint16]
    virtual: NDArray[np.bool_]

    def rows(self, part: slice) -> Places:
        """Return some of the rows, as views of the same memory."""
        return Places(self.network[part], self.province[part], self.city[part], self.virtual[part])


@dataclass(frozen=True, eq=False)
class NumberTable:
    """The network, province and city of every mainland mobile prefix. Never changes.

    `codes` has PREFIXES + 1 entries of network (bits 0 to 2), virtual (bit 3), province (bits 8
    to 15) and city (bits 16 to 31); the last one, all zero, is for numbers outside the table.
    """

    codes: NDArray[np.uint32]
    provinces: tuple[Name, ...]
    cities: tuple[Name, ...]
    source: str
    table_digest: str
    ported: PortedNumbers | None = None

    @classmethod
    def load(cls, path: Path | None = None) -> NumberTable:
        """Read the table of the package, or one that tools/build_numbers.py wrote to `path`.

        Raises InvalidInput when the file is missing or is no such table.
        """
        packaged = resources.files("assent") / "data" / "numbers.npz"
        try:
            with (path or packaged).open("rb") as file, np.load(file) as arrays:
                return cls._from_arrays({name: arrays[name] for name in arrays.files})
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise InvalidInput(
                "bad_number_table",
                f"the number table cannot be read ({type(error).__name__})",
                field="numbers",
                mend="build it again with tools/build_numbers.py",
            ) from error

    @classmethod
    def _from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> NumberTable:
        codes = np.zeros(PREFIXES + 1, np.uint32)
        codes[:-1] = arrays["network"]
        codes[:-1] |= arrays["virtual"].astype(np.uint32) << 3
        codes[:-1] |= arrays["province"].astype(np.uint32) << 8
        codes[:-1] |= arrays["city"].astype(np.uint32) << 16
        names = {
            kind: tuple(Name(*row) for row in arrays[kind].tolist())
            for kind in ("provinces", "cities")
        }
        # Over what the table says, not over the file: compressors differ between machines.
        digest = hashlib.sha256(codes.astype("<u4").tobytes())
        digest.update(repr([[tuple(name) for name in names[kind]] for kind in names]).encode())
        source = str(arrays["source"])
        return cls(codes, names["provinces"], names["cities"], source, digest.hexdigest())

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the table and the ported numbers: equal digests give equal answers."""
        if not self.ported:
            return self.table_digest
        digest = hashlib.sha256(self.table_digest.encode())
        digest.update(self.ported.numbers.astype("<u8").tobytes())
        digest.update(self.ported.networks.tobytes())
        return digest.hexdigest()

    def with_ported(self, msisdn: Numbers, network: NDArray[np.uint8]) -> NumberTable:
        """Return a table that knows these numbers' networks, in place of all known before.

        A number given twice takes the later row. Raises InvalidInput when the columns differ
        in length.
        """
        return replace(self, ported=PortedNumbers.of(msisdn, network))

    def lookup(self, msisdn: Numbers) -> Places:
        """Return where numbers belong: one row for each, in their order.

        0 and mainland numbers that the table does not know get Network.UNKNOWN, numbers of
        other countries Network.FOREIGN. A ported number is not virtual: resold numbers cannot
        be ported.
        """
        size = len(msisdn)
        places = Places(
            np.empty(size, np.uint8),
            np.empty(size, np.uint8),
            np.empty(size, np.uint16),
            np.empty(size, np.bool_),
        )
        for start in range(0, size, _ROWS):
            part = slice(start, start + _ROWS)
            self._lookup(msisdn[part], places.rows(part))
        return places

    def _lookup(self, msisdn: Numbers, places: Places) -> None:
        index = msisdn // np.uint64(10_000)
        index -= _FIRST  # a number before the first prefix wraps round to a very large one
        np.minimum(index, _OUTSIDE, out=index)
        codes = self.codes.take(index.view(np.int64), mode="clip")
        np.bitwise_and(codes, 7, out=places.network, casting="unsafe")
        np.not_equal(codes & np.uint32(8), 0, out=places.virtual)
        # The bytes of a little-endian word in order: flags, province, city (two bytes).
        words = codes.astype("<u4", copy=False)
        places.province[:] = words.view(np.uint8)[1::4]
        places.city[:] = words.view("<u2")[1::2]
        outside = np.flatnonzero(index == _OUTSIDE)
        if outside.size:
            places.network[outside] = _network_outside(msisdn[outside])
        if self.ported:
            moved, networks = self.ported.find(msisdn)
            places.network[moved] = networks
            places.virtual[moved] = False


def _network_outside(msisdn: Numbers) -> NDArray[np.uint8]:
    """Judge by country code alone numbers that are no mainland mobile numbers."""
    digits = np.searchsorted(_POWERS, msisdn, side="right") + 1
    country = msisdn // _POWERS[np.maximum(digits - 3, 0)]
    foreign = (digits > 3) & (country != 86)
    return np.where(foreign, np.uint8(Network.FOREIGN), np.uint8(Network.UNKNOWN))
