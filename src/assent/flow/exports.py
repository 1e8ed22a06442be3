"""Tables for people's spreadsheets: no cell of them is a formula, whoever wrote what is in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

_BEGINS_FORMULA: Final = "=+-@\t\r\n＝＋－＠"
BOM: Final = "\ufeff"
"""In front of a file, so that spreadsheets read it as UTF-8."""


def csv_cell(value: Any) -> str:
    """Return a value as it stands in a cell. What a spreadsheet would take for a formula gets an
    apostrophe in front; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    first = text.lstrip(" \u00a0\u3000\u200b\ufeff")[:1]
    return f"'{text}" if first and first in _BEGINS_FORMULA else text


def csv_row(values: Iterable[Any]) -> str:
    """Return a line, ended as RFC 4180 says."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([csv_cell(value) for value in values])
    return out.getvalue()


def csv_table(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a whole table."""
    return BOM + csv_row(header) + "".join(csv_row(row) for row in rows)
