"""Columns of numbers inside a database row: little-endian bytes, one number after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

U8: Final = np.dtype("<u1")
U16: Final = np.dtype("<u2")
I16: Final = np.dtype("<i2")
U32: Final = np.dtype("<u4")
U64: Final = np.dtype("<u8")

_FLIP: Final = 1 << 63


def pack(values: Iterable[int] | npt.NDArray[Any], dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of a column."""
    if isinstance(values, np.ndarray):
        return values.astype(dtype, copy=False).tobytes()
    return np.fromiter(values, dtype).tobytes()


def unpack(data: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a read-only array over the bytes of a column."""
    return np.frombuffer(data, dtype)


def to_signed(value: int) -> int:
    """Map an unsigned 64-bit id to a bigint so that order is kept (its top bit flipped)."""
    return value - _FLIP


def from_signed(value: int) -> int:
    """Undo :func:`to_signed`."""
    return value + _FLIP


def array_literal(values: Iterable[int]) -> str:
    """Return numbers as PostgreSQL writes an array: for a column of arrays of different length."""
    return "{" + ",".join(map(str, values)) + "}"


_encoder = msgspec.msgpack.Encoder()


def pack_object(value: Any) -> bytes:
    """Return the msgpack bytes of a payload or of text columns."""
    return _encoder.encode(value)


def unpack_object(data: bytes) -> Any:
    """Undo :func:`pack_object`."""
    return msgspec.msgpack.decode(data)
