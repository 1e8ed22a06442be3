"""Files of complaints: CSV, XLSX, JSON, or a line a report; read in another thread, bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from assent.errors import InvalidInput, TooLarge
from assent.flow.complaint_files import MOST_ROWS, ComplaintFile
from assent.flow.complaint_mappings import Mapping as Columns
from assent.flow.complaint_mappings import guessed, mapping_of
from assent.web.exchange import Exchange
from assent.web.forms import Form, kept_file
from assent.web.problems import bad_json
from assent.web.registers import UNPACKED, check_unpacked
from assent.web.settings import MIB
from assent.web.tables import encoding_of, rows_of

LARGEST: Final = 32 * MIB
_RULE: Final = "complaints: files"
_LONGEST: Final = 200
_LINE: Final = 1 << 16
_KEYS: Final = ("items", "rows", "data", "list")
_Rows = list[tuple[int, Mapping[str, str]]]


class ComplaintForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What comes with a file. `mapping`: a name, or a mapping as JSON; found out if not given.
    `carrier`: whose file it is."""

    mapping: str = ""
    carrier: str = ""


async def read_complaints(exchange: Exchange) -> ComplaintFile:
    """Take a form with a file and read it. Raises InvalidInput, TooLarge naming what is wrong."""
    form = Form(exchange.header(b"content-type"))
    async with kept_file(form, exchange.stream(), LARGEST, _too_large) as (path, sha):
        try:
            told = msgspec.convert(form.fields, ComplaintForm)
        except msgspec.ValidationError as error:
            raise bad_json(error, "ComplaintForm") from None
        if len(told.carrier) > _LONGEST:
            raise InvalidInput(
                "complaint_file", "the carrier's name is too long", field="carrier", rule=_RULE,
                mend="name it as the settings do",
            )  # fmt: skip
        given = mapping_of(told.mapping) if told.mapping.strip() else None
        mapping, rows = await asyncio.to_thread(read_file, path, given)
    return ComplaintFile(mapping, sha, rows, told.carrier.strip())


def read_file(path: Path, given: Columns | None) -> tuple[Columns, _Rows]:
    """Return a file's rows and the mapping that they were read with: the one that is `given`, else
    the packaged one that fits. Raises InvalidInput, TooLarge."""
    with path.open("rb") as file:
        begin = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if begin.startswith(b"PK\x03\x04"):
            check_unpacked(file, UNPACKED)
    if begin[:1] in (b"[", b"{"):
        mapping, rows = _json(path, given)
    else:
        mapping, rows = _table(path, given, begin.startswith((b"PK\x03\x04", b"PAR1")))
    if not rows:
        raise InvalidInput(
            "file_empty", "the file has no rows", field="file", rule=_RULE,
            mend="put one complaint in each row",
        )  # fmt: skip
    return mapping, rows


def _table(path: Path, given: Columns | None, packed: bool) -> tuple[Columns, _Rows]:
    if not packed:
        line = next((line for _, line in _lines(path)), "")
        # A file without names: each line is what a subscriber sent.
        if given is not None and given.split(line) is not None:
            return given, _bounded((at, {"report": text}) for at, text in _lines(path))
        if given is None and not _has_names(line):
            mapping = guessed([], line)
            return mapping, _bounded((at, {"report": text}) for at, text in _lines(path))
    table = enumerate(rows_of(path, LARGEST), start=1)
    names = next((cells for _, cells in table if cells), [])
    mapping = given or guessed(names, "")
    columns = mapping.columns_of(names)
    if not mapping.fits(names):
        raise _columns(mapping)
    return mapping, _bounded(
        (place, {name: cells[i] for i, name in columns.items() if i < len(cells)})
        for place, cells in table
        if cells
    )


def _has_names(line: str) -> bool:
    """Tell whether the first line of a text file names columns, and is no report."""
    try:
        guessed([], line)
    except InvalidInput:
        return True
    return False


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file that are not empty, each with its place."""
    with path.open("r", encoding=encoding_of(path), errors="replace") as file:
        place = 0
        while line := file.readline(_LINE):
            place += 1
            if line.strip():
                yield place, line.rstrip("\r\n")


def _json(path: Path, given: Columns | None) -> tuple[Columns, _Rows]:
    try:
        document = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidInput(
            "complaint_json", "the file is no JSON", field="file", rule=_RULE,
            mend="hand in a list of objects, or an object that holds one",
        ) from None  # fmt: skip
    if isinstance(document, dict):
        keys = (*(given.rows if given is not None else ()), *_KEYS)
        document = next(
            (document[key] for key in keys if isinstance(document.get(key), list)), None
        )
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise InvalidInput(
            "complaint_json", "the file holds no list of objects", field="file", rule=_RULE,
            mend="hand in a list of objects, or name its key as `rows` of a mapping",
        )  # fmt: skip
    flat = [_flat(one) for one in document[: MOST_ROWS + 1]]
    names = list(dict.fromkeys(name for one in flat for name in one))
    mapping = given or guessed(names, "")
    columns = mapping.columns_of(names)
    if document and not mapping.fits(names):
        raise _columns(mapping)
    of = {names[place]: column for place, column in columns.items()}
    return mapping, _bounded(
        (place, {of[name]: value for name, value in one.items() if name in of})
        for place, one in enumerate(flat, start=1)
    )


def _flat(one: dict[str, Any]) -> dict[str, str]:
    """Return an object's values as text; those of objects in it under `name.name`."""
    found: dict[str, str] = {}
    for name, value in one.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": _text(some) for inner, some in value.items()}
        else:
            found[name] = _text(value)
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounded(rows: Iterator[tuple[int, Mapping[str, str]]]) -> _Rows:
    found: _Rows = []
    for row in rows:
        if len(found) == MOST_ROWS:
            raise TooLarge(
                "complaint_file_rows", f"a file may have {MOST_ROWS} rows", field="file",
                rule=_RULE, mend="split it",
            )  # fmt: skip
        found.append(row)
    return found


def _columns(mapping: Columns) -> InvalidInput:
    return InvalidInput(
        "complaint_columns", f"no column of the file is one that {mapping.name} knows",
        field="file", rule=_RULE, mend="name another mapping, or give your own",
    )  # fmt: skip


def _too_large() -> TooLarge:
    return TooLarge(
        "complaint_file_large", f"a file may have {LARGEST} octets", field="file", rule=_RULE,
        mend="split it",
    )  # fmt: skip
