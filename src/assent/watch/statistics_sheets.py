"""A publication as plain tables, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.watch import statistics_words as words

Cell = str | int | float | None
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_RATES: Final = ("per_100m", "per_million")
_SUMMARY: Final = ("complaints", "port", "point", "matched", "not_ours", "messages", "users",
                   *_RATES)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a title, names of columns, rows."""

    title: str
    head: list[str]
    rows: list[list[Cell]]


def sheets(told: Mapping[str, Any], language: str, *, bounds: bool = True) -> list[Sheet]:
    """Return the summary and every table of a publication, in `en` or `zh`.

    `bounds`: with the bounds of shares and rates, which a screen has no room for.
    """

    def say(pair: words.Pair) -> str:
        return words.in_language(pair, language)

    found = [_summary(told, say, bounds)]
    for table in told["tables"]:
        measures = [one for one in table["measures"] if bounds or one not in ("low", "high")]
        title = say(words.table(table["name"]))
        title = f"{title} {table['period']}" if "period" in table else title
        heads = [_heads(say, one, bounds) for one in measures]
        head = [say(words.measure("key")), say(words.measure("name"))]
        for column in table["columns"]:
            head += [f"{column[language]} {name}" for names in heads for name in names]
        rows: list[list[Cell]] = []
        for row in table["rows"]:
            line: list[Cell] = [row["key"], row[language]]
            for cell in row["cells"]:
                line += [value for one in measures for value in _values(say, cell, one, bounds)]
            rows.append(line)
        if any(table["left_out"]):
            line = ["", say(words.measure("left_out"))]
            for n in table["left_out"]:
                at = [one for one in measures for _ in _heads(say, one, bounds)]
                line += [n if one == "n" else None for one in at]
            rows.append(line)
        found.append(Sheet(title, head, rows))
    if told.get("published"):
        found.append(_published(told["published"], say))
    return found


def _summary(told: Mapping[str, Any], say: Any, bounds: bool) -> Sheet:
    head = [say(words.measure("period"))]
    head += [name for one in _SUMMARY for name in _heads(say, one, bounds)]
    rows = [
        [one["name"], *[v for name in _SUMMARY for v in _values(say, one, name, bounds)]]
        for one in told["periods"]
    ]
    return Sheet(say(words.table("summary")), head, rows)


def _published(rows: Sequence[Mapping[str, Any]], say: Any) -> Sheet:
    names = ("period", "measure", "part", "value", "here", "unit", "source", "doubt")
    head = [say(words.measure(name)) for name in names]
    return Sheet(
        say(words.table("published")), head, [[row[name] for name in names] for row in rows]
    )


def _heads(say: Any, measure: str, bounds: bool) -> list[str]:
    names = [measure, f"{measure}_low", f"{measure}_high"] if measure in _RATES else [measure]
    return [say(words.measure(name)) for name in (names if bounds else names[:1])]


def _values(say: Any, cell: Mapping[str, Any], measure: str, bounds: bool) -> list[Cell]:
    value = cell.get(measure)
    if measure in _RATES:
        parts = ("value", "low", "high") if bounds else ("value",)
        return [None if value is None else value[part] for part in parts]
    if measure == "rank":
        return [value if cell["top"] else None]
    if measure == "change" and value is not None:
        by = cell["by"]
        return [say(words.change(value)) + (f" {by}" if by else "")]
    return [value]


# CSV -----------------------------------------------------------------------------------------


def safe(cell: str) -> str:
    """Return a text that a spreadsheet shows instead of working it out."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


_COLUMNS: Final = ("table", "key", "name", "column", "measure", "value")


def to_csv(told: Mapping[str, Any], language: str) -> bytes:
    """Return a publication as CSV: one figure a row, so that any program reads it; UTF-8 with a
    mark, so that spreadsheets do."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)

    def line(table: str, key: str, name: str, column: str, measure: str, value: Any) -> None:
        if isinstance(value, dict):
            for part in ("value", "low", "high"):
                measured = measure if part == "value" else f"{measure}_{part}"
                line(table, key, name, column, measured, value[part])
        elif value is not None and value is not False:
            writer.writerow([safe(str(one)) for one in (table, key, name, column, measure)]
                            + [safe(value) if isinstance(value, str) else value])  # fmt: skip

    for period in told["periods"]:
        for name in _SUMMARY:
            line("summary", "", "", period["name"], name, period[name])
    for table in told["tables"]:
        for row in table["rows"]:
            for column, cell in zip(table["columns"], row["cells"], strict=True):
                for name in table["measures"]:
                    value = cell.get(name)
                    if name == "rank" and not cell["top"]:
                        value = None
                    if name == "change" and value in ("up", "down"):
                        value = f"{value} {cell['by']}"
                    line(table["name"], row["key"], row[language], column["key"], name, value)
        for column, n in zip(table["columns"], table["left_out"], strict=True):
            if n:
                line(table["name"], "", words.in_language(words.measure("left_out"), language),
                     column["key"], "n", n)  # fmt: skip
    for row in told.get("published") or ():
        name = f"{row['measure']}: {row['part']}" if row["part"] else row["measure"]
        line("published", row["ours"], name, row["period"], row["unit"], row["value"])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
