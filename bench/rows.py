"""Rows for COPY in PostgreSQL's binary format, made from columns: some million rows a second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_AT_ONCE: Final = 50_000
_EPOCH_2000: Final = 946_684_800


def micros(seconds: float) -> int:
    """Return a time as `timestamptz` holds it: microseconds since 2000."""
    return int((seconds - _EPOCH_2000) * 1_000_000)


def octets(values: list[bytes]) -> npt.NDArray[np.void]:
    """Return bytes of one length as a column."""
    size = len(values[0])
    return np.frombuffer(b"".join(values), np.dtype((np.void, size)))


async def binary(columns: Mapping[str, npt.NDArray[Any]]) -> AsyncIterator[bytes]:
    """Yield a COPY stream of columns of equal length; None of their values is NULL."""
    count = len(next(iter(columns.values())))
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, column in columns.items():
        kind = column.dtype.newbyteorder(">").str
        layout += [(f"{name} size", ">i4"), (name, kind)]
    yield _HEADER
    for start in range(0, count, _AT_ONCE):
        stop = min(count, start + _AT_ONCE)
        rows = np.zeros(stop - start, np.dtype(layout))
        rows["fields"] = len(columns)
        for name, column in columns.items():
            rows[f"{name} size"] = column.dtype.itemsize
            rows[name] = column[start:stop]
        yield rows.tobytes()
    yield _TRAILER


async def copy(connection: Any, table: str, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Append rows to a table over an asyncpg connection."""
    await connection.copy_to_table(
        table, source=binary(columns), columns=list(columns), format="binary"
    )
