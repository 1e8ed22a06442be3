"""Files of registers: CSV, XLSX or JSON, read in another thread, bounded in every direction."""

from __future__ import annotations

import asyncio
import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import msgspec

from assent.errors import InvalidInput, TooLarge
from assent.flow.admission_requests import RegisterKind
from assent.flow.registers import RegisterFile, columns_of
from assent.web.exchange import Exchange
from assent.web.forms import Form, kept_file
from assent.web.problems import bad_json
from assent.web.settings import MIB
from assent.web.tables import rows_of

LARGEST: Final = 64 * MIB
UNPACKED: Final = 256 * MIB
MOST_ROWS: Final = 500_000
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_STEP: Final = 1 << 20


class RegisterForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What comes with a file: which register it is, where it is from, of what day."""

    kind: Literal["business", "telecom", "icp", "finance", "trademark"]
    source: str
    dated: date


async def read_register(exchange: Exchange) -> RegisterFile:
    """Take a form with a file and read it. Raises InvalidInput, TooLarge naming what is wrong."""
    form = Form(exchange.header(b"content-type"))
    kept = kept_file(form, exchange.stream(), LARGEST, lambda: _large(LARGEST))
    async with kept as (path, sha):
        try:
            told = msgspec.convert(form.fields, RegisterForm, strict=False)
        except msgspec.ValidationError as error:
            raise bad_json(error, "RegisterForm") from None
        if not 1 <= len(told.source.strip()) <= 200:
            raise InvalidInput(
                "register", "the source is missing or too long", field="source",
                rule="admission: registers", mend="say who published the file, and where",
            )  # fmt: skip
        rows = await asyncio.to_thread(_rows, path)
    return RegisterFile(_kind(told), told.source.strip(), told.dated, sha, rows)


def _kind(told: RegisterForm) -> RegisterKind:
    return told.kind


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    with path.open("rb") as file:
        begin = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if begin.startswith(b"PK\x03\x04"):
            check_unpacked(file, UNPACKED)
        elif begin.startswith(b"["):
            file.seek(0)
            return _json(file.read())
    table = rows_of(path, LARGEST)
    columns: dict[int, str] | None = None
    found: list[tuple[int, Mapping[str, str]]] = []
    for place, cells in enumerate(table, start=1):
        if not cells:
            continue
        if columns is None:
            columns = columns_of(cells)
            continue
        _check_count(len(found))
        found.append((place, {name: cells[i] for i, name in columns.items() if i < len(cells)}))
    return found


def _json(octets: bytes) -> list[tuple[int, Mapping[str, str]]]:
    try:
        rows = msgspec.json.decode(octets, type=list[dict[str, str | int | float | bool | None]])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        why = str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON"
        raise InvalidInput(
            "malformed_register", f"not a list of objects with plain values: {why}", field="file",
            rule="admission: registers", mend='write [{"credit_code": "…", "name": "…"}, …]',
        ) from None  # fmt: skip
    _check_count(len(rows) - 1)
    found: list[tuple[int, Mapping[str, str]]] = []
    for place, row in enumerate(rows, start=1):
        names = columns_of(row)
        values = list(row.values())
        found.append((place, {name: _text(values[i]) for i, name in names.items()}))
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def check_unpacked(file: BinaryIO, limit: int) -> None:
    """Raise TooLarge for an archive whose entries unpack to more than a limit, whatever its
    directory says of them; InvalidInput for what is no archive."""
    left = limit
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
        for entry in entries:
            file.seek(entry.header_offset)
            head = _LOCAL.unpack(file.read(_LOCAL.size))
            file.seek(head[9] + head[10], 1)
            left -= _unpacked(file, entry, left)
    except (zipfile.BadZipFile, struct.error, zlib.error, OSError, ValueError):
        raise InvalidInput(
            "malformed_xlsx", "the workbook cannot be read", field="file",
            rule="admission: registers", mend="save it again as XLSX, or as CSV (UTF-8)",
        ) from None  # fmt: skip


def _unpacked(file: BinaryIO, entry: zipfile.ZipInfo, limit: int) -> int:
    """Return how many octets an entry really unpacks to."""
    if entry.compress_type == zipfile.ZIP_STORED:
        size, rest = entry.compress_size, 0
        if size > limit:
            raise _large(UNPACKED)
        return size
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError("packed in another way than workbooks are")
    packed, size, rest = zlib.decompressobj(-15), 0, entry.compress_size
    while rest > 0 and not packed.eof:
        data = file.read(min(_STEP, rest))
        if not data:
            break
        rest -= len(data)
        while data:
            size += len(packed.decompress(data, _STEP))
            if size > limit:
                raise _large(UNPACKED)
            data = packed.unconsumed_tail
    return size


def _check_count(count: int) -> None:
    if count >= MOST_ROWS:
        raise TooLarge(
            "register_rows", f"the file has more than {MOST_ROWS} rows", field="file",
            rule="admission: registers", mend="split it",
        )  # fmt: skip


def _large(limit: int) -> TooLarge:
    return TooLarge(
        "register_too_large", f"the file is larger than {limit} octets, or unpacks to more",
        field="file", rule="admission: registers", mend="save it as CSV (UTF-8), or split it",
        details={"limit": limit},
    )  # fmt: skip
