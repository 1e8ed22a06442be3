"""Carriers' own lists of people: CSV or XLSX, read in another thread, bounded."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

import msgspec

from assent.errors import InvalidInput, TooLarge
from assent.flow.carrier_blocks import BlockFile
from assent.web.exchange import Exchange
from assent.web.forms import Form, kept_file
from assent.web.problems import bad_json
from assent.web.refusal_files import LARGEST, rows_in

_RULE: Final = "ceilings: carriers' lists"
_LONGEST: Final = 100


class BlockForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What comes with a list: whose it is, of what day, and whether it is a further part of it."""

    carrier: str
    dated: date
    more: bool = False


async def read_blocks(exchange: Exchange) -> BlockFile:
    """Take a form with a file and read it. Raises InvalidInput, TooLarge naming what is wrong."""
    form = Form(exchange.header(b"content-type"))
    async with kept_file(form, exchange.stream(), LARGEST, _too_large) as (path, sha):
        try:
            told = msgspec.convert(form.fields, BlockForm, strict=False)
        except msgspec.ValidationError as error:
            raise bad_json(error, "BlockForm") from None
        if not told.carrier or len(told.carrier) > _LONGEST:
            raise InvalidInput(
                "block_file", "the carrier is missing or too long", field="carrier", rule=_RULE,
                mend="say whose list it is",
            )  # fmt: skip
        rows = await asyncio.to_thread(rows_in, path)
    return BlockFile(told.carrier, told.dated, sha, rows, told.more)


def _too_large() -> TooLarge:
    return TooLarge(
        "block_file_large", f"a file may have {LARGEST} octets", field="file", rule=_RULE,
        mend="split it, and take the rest as further parts",
    )  # fmt: skip
