"""Files of refusals: CSV or XLSX, read in another thread, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final, Literal

import msgspec

from assent.errors import InvalidInput, TooLarge
from assent.flow.refusal_files import MOST_ROWS, RefusalFile, columns_of
from assent.web.exchange import Exchange
from assent.web.forms import Form, kept_file
from assent.web.problems import bad_json
from assent.web.registers import UNPACKED, check_unpacked
from assent.web.settings import MIB
from assent.web.tables import rows_of

LARGEST: Final = 32 * MIB
_RULE: Final = "refusals: files"
_LONGEST: Final = 200


class RefusalForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What comes with a file: who sent it, of what day, and whom its rows refuse."""

    origin: Literal["regulator", "carrier"]
    source: str
    dated: date
    sender: str = ""
    port: str = ""
    everybody: bool = False


async def read_refusals(exchange: Exchange) -> RefusalFile:
    """Take a form with a file and read it. Raises InvalidInput, TooLarge naming what is wrong."""
    form = Form(exchange.header(b"content-type"))
    async with kept_file(form, exchange.stream(), LARGEST, _too_large) as (path, sha):
        try:
            told = msgspec.convert(form.fields, RefusalForm, strict=False)
        except msgspec.ValidationError as error:
            raise bad_json(error, "RefusalForm") from None
        words = {name: getattr(told, name).strip() for name in ("source", "sender", "port")}
        for name, word in words.items():
            if len(word) > _LONGEST or (name == "source" and not word):
                raise InvalidInput(
                    "refusal_file", f"the {name} is missing or too long", field=name, rule=_RULE,
                    mend="say who sent the file, and whom it is about",
                )  # fmt: skip
        rows = await asyncio.to_thread(rows_in, path)
    return RefusalFile(
        told.origin, words["source"], told.dated, sha, rows, words["sender"],
        words["port"], told.everybody,
    )  # fmt: skip


def _too_large() -> TooLarge:
    return TooLarge(
        "refusal_file_large", f"a file may have {LARGEST} octets", field="file", rule=_RULE,
        mend="split it",
    )  # fmt: skip


def rows_in(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Return the rows of a file: place, cells by column. Raises InvalidInput, TooLarge."""
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            check_unpacked(file, UNPACKED)
    columns: dict[int, str] | None = None
    found: list[tuple[int, Mapping[str, str]]] = []
    for place, cells in enumerate(rows_of(path, LARGEST), start=1):
        if not cells:
            continue
        if columns is None:
            columns = columns_of(cells)
            if columns:
                continue
            columns = {0: "number"}
        if len(found) == MOST_ROWS:
            raise TooLarge(
                "refusal_file_rows", f"a file may have {MOST_ROWS} rows", field="file",
                rule=_RULE, mend="split it",
            )  # fmt: skip
        found.append((place, {name: cells[i] for i, name in columns.items() if i < len(cells)}))
    if not found:
        raise InvalidInput(
            "file_empty", "the file has no rows", field="file", rule=_RULE,
            mend="put one person in each row",
        )  # fmt: skip
    return found
