"""Which columns of a table mean what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import msgspec

from assent.errors import InvalidInput
from assent.flow.magic_numbers import parse_with_magic

MOST_VARIABLES: Final = 20

_NUMBER_NAMES: Final = frozenset(
    {
        "手机号", "手机号码", "手机", "电话", "电话号码", "联系电话", "联系方式", "号码",
        "移动电话", "接收号码",
        "mobile", "mobileno", "mobilenumber", "mobilephone", "phone", "phoneno", "phonenumber",
        "msisdn", "cell", "cellphone", "tel", "telephone", "number", "to", "recipient",
        "destination",
    }
)  # fmt: skip
_SEPARATORS: Final = re.compile(r"[\s_\-./()]+")
_VARIABLE: Final = re.compile(r"[^{}]{1,64}")


class ReadOptions(msgspec.Struct, frozen=True):
    """What the caller and the settings say about reading a file.

    `columns`: variable name → column; None keeps every other column under its own name.
    `rows_limit`: rows, blank ones included; `text_limit`: characters of all variables that are
    kept. `magic`: the sandbox's numbers count as right.
    """

    number_column: str | None = None
    columns: dict[str, str] | None = None
    xlsx_limit: int = 64 << 20
    memory: int = 3 << 30
    rows_limit: int = 20_000_000
    text_limit: int = 1 << 30
    magic: bool = False


class Plan(msgspec.Struct, frozen=True):
    """Places of the columns that are wanted. `header`: the first row is names, not data."""

    names: list[str]
    header: bool
    number: int
    variables: dict[str, int]


def plan(first: Sequence[str], options: ReadOptions) -> Plan:
    """Return what the columns mean, from the table's first row.

    Raises InvalidInput naming the columns there are, when the one with the numbers is not
    found or not the only one, or when a variable's column is missing.
    """
    cells = [cell.strip() for cell in first]
    header = not any(is_number(cell) for cell in cells)
    names = cells if header else [f"column{place}" for place in range(1, len(cells) + 1)]
    if header and (repeated := _repeated(names)):
        raise _wrong(
            "repeated_column", f"two columns are named {_shown([repeated])}", "file",
            "give each column its own name",
        )  # fmt: skip
    number = _number_column(names, cells, header, options.number_column)
    return Plan(names, header, number, _variables(names, number, options.columns))


def _number_column(names: list[str], cells: list[str], header: bool, wanted: str | None) -> int:
    if wanted is not None:
        return _place(names, wanted, "number_column")
    if header:
        found = [place for place, name in enumerate(names) if _plain(name) in _NUMBER_NAMES]
        if not found and len(names) == 1:
            found = [0]
    else:
        found = [place for place, cell in enumerate(cells) if is_number(cell)]
    if len(found) == 1:
        return found[0]
    raise _wrong(
        "number_column_missing" if not found else "number_column_unclear",
        f"it is not clear which column has the numbers; there are {_shown(names)}",
        "number_column", "name it in number_column",
    )  # fmt: skip


def _variables(names: list[str], number: int, columns: dict[str, str] | None) -> dict[str, int]:
    if columns is None:
        places = {name: i for i, name in enumerate(names) if i != number and name}
        mend = "name the columns that the text uses in columns"
    else:
        places = {
            name: _place(names, column, f"columns.{name}") for name, column in columns.items()
        }
        mend = "leave out what the text does not use"
    if len(places) > MOST_VARIABLES:
        raise _wrong(
            "too_many_columns", f"an audience keeps at most {MOST_VARIABLES} variables", "columns",
            mend,
        )  # fmt: skip
    for name in places:
        if not _VARIABLE.fullmatch(name):
            raise _wrong(
                "bad_variable_name", "a variable's name has 1 to 64 characters without { and }",
                "columns", "map the column to another name in columns",
            )  # fmt: skip
    return places


def _place(names: list[str], wanted: str, field: str) -> int:
    exact = [place for place, name in enumerate(names) if name == wanted.strip()]
    loose = [place for place, name in enumerate(names) if _plain(name) == _plain(wanted)]
    for found in (exact, loose):
        if len(found) == 1:
            return found[0]
    raise _wrong(
        "no_such_column", f"the file has no such column; it has {_shown(names)}", field,
        "name a column of the file",
    )  # fmt: skip


def is_number(cell: str) -> bool:
    """Tell whether a cell is a phone number; a table's first row with one is no header."""
    return any(mark.isdigit() for mark in cell) and not parse_with_magic([cell]).fault[0]


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).lower()


def _repeated(names: list[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            return name
        seen.add(name)
    return None


def _shown(names: Sequence[str]) -> str:
    """Return column names for a message: few and short ones."""
    listed = ", ".join(f"“{name[:30]}”" for name in names[:10])
    return listed + (" …" if len(names) > 10 else "")


def _wrong(code: str, words: str, field: str, mend: str) -> InvalidInput:
    return InvalidInput(code, words, field=field, rule="http-api: audiences", mend=mend)
