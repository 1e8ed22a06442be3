"""Reading the projections whole, at start: columns by binary COPY straight into arrays.

A row through the driver's ordinary answers costs some microseconds and some hundred octets; a
hundred million of them take minutes and a machine's memory. COPY's rows are of one length here
(no NULL among them), so a portion of the stream is one array with fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.consent.filling import Filling
from assent.consent.packing import pack
from assent.consent.sets import RefusalSet, StandingSet
from assent.flow.needs import Queries

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_AT_ONCE: Final = 1 << 20
"""Rows that are worked on together: 40 MB of them."""
_EPOCH_2000: Final = 946_684_800
_NO_END: Final = np.iinfo(np.int64).min  # -infinity, which stands for NULL

Take = Callable[[npt.NDArray[Any]], None]

_STANDING: Final = (("programme", ">i4"), ("person", ">i4"), ("until", ">i8"), ("flags", ">i2"))
_MASK: Final = (("group", ">i4"), ("person", ">i4"), ("purposes", ">i2"))


class CopyRows:
    """Takes a stream of binary COPY in pieces and hands its rows on by the million. `fields`: name
    and type of each column, as numpy has them; none may be NULL."""

    def __init__(self, fields: tuple[tuple[str, str], ...], take: Take) -> None:
        layout = [("fields", ">i2")]
        for name, kind in fields:
            layout += [(f"{name} size", ">i4"), (name, kind)]
        self._row = np.dtype(layout)
        self._take = take
        self._pieces: list[bytes] = []
        self._held = -len(_HEADER)
        self._begun = False

    async def feed(self, piece: bytes) -> None:
        """Take the next piece of the stream."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held >= _AT_ONCE * self._row.itemsize:
            self._work(final=False)

    def finish(self) -> None:
        """The stream is over. Raises ValueError where it does not end as COPY does."""
        self._work(final=True)

    def _work(self, *, final: bool) -> None:
        data = b"".join(self._pieces)
        start = 0
        if not self._begun:
            if not data.startswith(_HEADER):
                raise ValueError("this is no binary COPY")
            start, self._begun = len(_HEADER), True
        count, rest = divmod(len(data) - start, self._row.itemsize)
        end = start + count * self._row.itemsize
        if final and data[end:] != _TRAILER:
            raise ValueError("a COPY of other columns, or one with NULL, or one that was cut")
        self._pieces, self._held = ([data[end:]] if rest else []), rest
        if count:
            self._take(np.frombuffer(data, self._row, count, start))


async def load_standings(queries: Queries, into: StandingSet) -> None:
    """Read everybody's standing into an empty set. `queries` shows one moment: a transaction that
    is repeatable read."""
    counts = await queries.fetch("standing_counts")
    filling = Filling({row["programme_id"]: row["people"] for row in counts})

    def take(rows: npt.NDArray[Any]) -> None:
        until = rows["until"].astype(np.int64)
        ends = np.where(until == _NO_END, 0, until // 1_000_000 + _EPOCH_2000)
        flags = rows["flags"].astype(np.uint8)
        packed = pack(len(rows), flags & np.uint8(3), ends, (flags & np.uint8(4)) != 0)
        filling.add(rows["programme"].astype(np.int64), rows["person"].astype(np.uint32), packed)

    reader = CopyRows(_STANDING, take)
    await queries.copy_out("standing_copy", reader.feed)
    reader.finish()
    filling.finish(into)


async def load_masks(queries: Queries, query: str, into: RefusalSet) -> None:
    """Read everybody's refusals, or pauses, into an empty set. `queries` as above."""
    portions: list[npt.NDArray[Any]] = []

    def take(rows: npt.NDArray[Any]) -> None:
        plain = np.empty(len(rows), [("group", "i4"), ("person", "u4"), ("purposes", "u1")])
        for name in plain.dtype.names or ():
            plain[name] = rows[name]
        portions.append(plain)

    reader = CopyRows(_MASK, take)
    await queries.copy_out(query, reader.feed)
    reader.finish()
    if not portions:
        return
    rows = np.concatenate(portions)
    order = np.argsort(rows["group"], kind="stable")
    rows = rows[order]
    ends = np.append(np.flatnonzero(rows["group"][1:] != rows["group"][:-1]) + 1, len(rows))
    start = 0
    for end in ends.tolist():
        part = rows[start:end]
        into.load(int(part["group"][0]), part["person"].copy(), part["purposes"].copy())
        start = end
