"""Files of receivers as rows of text: CSV, Parquet, XLSX. What a file is, its content tells.

Rows come one by one (CSV, XLSX) or in portions of columns (Parquet) and are never held all
together, except a workbook's, whose format asks for it; so that one has a smaller limit.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from assent.errors import InvalidInput, TooLarge

MOST_COLUMNS: Final = 200
_BLOCK: Final = 1 << 20
_LINE: Final = 1 << 20
_DELIMITERS: Final = ",;\t|"
_ROWS: Final = 8_192
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def rows_of(path: Path, xlsx_limit: int) -> Iterator[list[str]]:
    """Return the rows of a table, the first one (names or data) first.

    Blank rows come as empty lists, so that rows can be counted as a spreadsheet does. Raises
    InvalidInput, at once or on the way, naming what is wrong and in which row.
    """
    with path.open("rb") as file:
        begin = file.read(8)
    if not begin:
        raise wrong("file_empty", "the file is empty", "put one receiver in each row")
    if begin.startswith(b"PAR1"):
        return _parquet(path)
    if begin.startswith(b"PK\x03\x04"):
        return _xlsx(path, xlsx_limit)
    if begin.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
        raise wrong(
            "unknown_format", "the file is not CSV, Parquet or XLSX",
            "save it as CSV (UTF-8) or XLSX, not packed",
        )  # fmt: skip
    return _csv(path)


# CSV -----------------------------------------------------------------------------------------


def encoding_of(path: Path) -> str:
    """Return a text file's encoding, found by decoding all of it: UTF-8, GB18030 or UTF-16.

    Raises InvalidInput when it is none of them, naming the octet at which it fails as UTF-8.
    """
    with path.open("rb") as file:
        begin = file.read(4)
    for mark, name in _BOMS:
        if begin.startswith(mark):
            return name
    place = _fails_at(path, "utf-8")
    if place is None:
        return "utf-8"
    if _fails_at(path, "gb18030") is None:
        return "gb18030"  # GBK and GB2312 are parts of it
    raise wrong(
        "bad_encoding", f"the file is neither UTF-8 nor GB18030 (octet {place})",
        "save it as CSV UTF-8",
    )  # fmt: skip


def _fails_at(path: Path, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return done + error.start
            if "\0" in text:
                raise wrong(
                    "unknown_format", "the file is not CSV, Parquet or XLSX",
                    "save it as CSV (UTF-8) or XLSX",
                )  # fmt: skip
            if not block:
                return None
            done += len(block)


def _csv(path: Path) -> Iterator[list[str]]:
    encoding = encoding_of(path)
    with path.open("r", encoding=encoding, newline="") as file:
        delimiter = _delimiter(file.readline(_LINE))
        file.seek(0)
        lines = _lines(file)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        width = 0
        row = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise wrong(
                    "malformed_csv", f"row {row} cannot be read: {error}",
                    "check the quotation marks of this row and the one before",
                    row=row,
                ) from None  # fmt: skip
            except UnicodeError:
                raise wrong(
                    "bad_encoding", f"row {row} is not {encoding}", "save it as CSV UTF-8", row=row
                ) from None
            if cells is None:
                return
            if not any(cells):
                cells = []
            elif not width:
                width = _width(cells)
            elif len(cells) != width:
                cells = _squared(cells, width, row)
            yield cells
            row += 1


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    """Yield lines; one without an end would otherwise be held whole."""
    while line := file.readline(_LINE):
        if len(line) == _LINE:
            raise wrong(
                "line_too_long", f"a line is longer than {_LINE} characters",
                "put one receiver in each row",
            )  # fmt: skip
        yield line


def _delimiter(first: str) -> str:
    """Return the delimiter that stands most often in the first line, outside quotes."""
    bare = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _width(cells: list[str]) -> int:
    if len(cells) > MOST_COLUMNS:
        raise wrong(
            "too_many_columns", f"the file has more than {MOST_COLUMNS} columns",
            "hand in the columns that are needed",
        )  # fmt: skip
    return len(cells)


def _squared(cells: list[str], width: int, row: int) -> list[str]:
    """Return a row at its width. Spreadsheets leave empty cells at the end; nothing else may."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    raise wrong(
        "ragged_row", f"row {row} has {len(cells)} columns, the first row {width}",
        "give every row the same columns; put quotation marks around cells with delimiters",
        row=row,
    )  # fmt: skip


# Parquet -------------------------------------------------------------------------------------


def _parquet(path: Path) -> Iterator[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Otherwise a column of a row group is read as a whole, and a file may be one group.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BLOCK) as file:
            names = list(file.schema_arrow.names)
            _width(names)
            yield names
            for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                columns = [[_text(value) for value in column.to_pylist()] for column in batch]
                for cells in zip(*columns, strict=True):
                    yield list(cells) if any(cells) else []
    except (pa.ArrowException, OSError, ValueError) as error:
        raise wrong(
            "malformed_parquet", f"the Parquet file cannot be read ({type(error).__name__})",
            "write it again",
        ) from None  # fmt: skip


# XLSX ----------------------------------------------------------------------------------------


def _xlsx(path: Path, limit: int) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            # A workbook packs well, a bomb better still: what counts is the size unpacked.
            size = max(size, sum(entry.file_size for entry in archive.infolist()) // 8)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _bad_workbook() from None
    if size > limit:
        raise TooLarge(
            "workbook_too_large", f"a workbook may have {limit} octets", field="file",
            rule="http-api: limits", mend="save the sheet as CSV (UTF-8)",
        )  # fmt: skip
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            rows = workbook.get_sheet_by_index(0).iter_rows()
            first = [_text(value) for value in next(iter(rows), [])]
    except (CalamineError, OSError, ValueError, IndexError):
        raise _bad_workbook() from None
    width = _width(first)
    rest = ([_text(value) for value in row[:width]] for row in rows)
    return (cells if any(cells) else [] for cells in chain([first], rest))


def _bad_workbook() -> InvalidInput:
    return wrong(
        "malformed_xlsx", "the workbook cannot be read, or its first sheet is not a table",
        "save it again as XLSX, or as CSV (UTF-8)",
    )  # fmt: skip


def _text(value: Any) -> str:
    """Return a cell as text; whole numbers without the `.0` that spreadsheets give them."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def portions(rows: Iterator[list[str]], size: int) -> Iterator[list[list[str]]]:
    """Yield rows in lists of at most `size`."""
    while portion := list(islice(rows, size)):
        yield portion


def wrong(code: str, words: str, mend: str, *, row: int | None = None) -> InvalidInput:
    """Return the error for a file that cannot be used."""
    return InvalidInput(
        code, words, field="file", rule="http-api: audiences", mend=mend,
        details=None if row is None else {"row": row},
    )  # fmt: skip
