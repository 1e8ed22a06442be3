"""Files of figures that others made: what a centre published, and how many users carriers have."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from assent.errors import InvalidInput
from assent.numbers import Name
from assent.watch.statistics import share
from assent.watch.statistics_periods import read
from assent.watch.statistics_rows import Data, family, nature
from assent.watch.statistics_shapes import of_messages, of_users, total

MOST_ROWS: Final = 5_000
_LONGEST: Final = 200
_AGAIN: Final = "same"
_LARGEST: Final = Decimal(10) ** 12
_FULL: Final = re.compile(r"[^\S\n]+")

_OURS: Final = {
    "p2p": "type:point", "point to point": "type:point", "port": "type:port",
    "port (a2p)": "type:port", "commercial": "nature:commercial",
    "commercial ads": "nature:commercial", "marketing": "nature:commercial",
    "suspected illegal": "nature:illegal", "loan+wealth": "family:lending+wealth",
    "loan": "family:lending", "loan+financing": "family:lending", "wealth": "family:wealth",
    "retail": "family:retail", "telecom service": "family:telecom",
    "insurance": "family:insurance", "education": "family:education",
    "illegal collection": "family:collection", "debt collection": "family:collection",
    "p2p reports per million users": "per_million:point",
    "port reports per 100m messages": "per_100m",
    "spam sms reports": "complaints", "complaints": "complaints",
}  # fmt: skip
"""Which figure of ours stands beside a published one, by the words it is published under. Carriers'
shares have none: ours are of those who complain, and it is not told whose theirs are."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure. `ours`: what stands beside it; `doubt`: `approximate`, `unnamed`
    (several values under one name) or both."""

    period: str
    measure: str
    part: str
    value: Decimal
    unit: str
    ours: str
    source: str
    doubt: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """The users of a carrier on a day; `province` 0: in the whole country."""

    carrier: str
    province: int
    day: date
    users: int
    source: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is not taken, and why; the first row below the names is 1."""

    row: int
    code: str
    words: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"row": self.row, "code": self.code, "reason": self.words}


class _Wrong(Exception):
    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def _rows(text: str, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield rows by their names. Raises InvalidInput for a file without the columns."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        head = [cell.strip().lower() for cell in next(reader, [])]
        if missing := [name for name in wanted if name not in head]:
            raise InvalidInput(
                "missing_column", f"the file has no column {missing[0]}", field="file",
                rule="statistics: files", mend=f"give it the columns {', '.join(wanted)}",
            )  # fmt: skip
        for number, cells in enumerate(reader, start=1):
            if number > MOST_ROWS:
                raise InvalidInput(
                    "too_many_rows", f"a file may have {MOST_ROWS} rows", field="file",
                    rule="statistics: files", mend="split the file",
                )  # fmt: skip
            if any(cells):
                padded = [*cells, *[""] * len(head)]
                yield number, {name: padded[at].strip() for at, name in enumerate(head)}
    except csv.Error as error:
        raise InvalidInput(
            "malformed_csv", f"the file cannot be read: {error}", field="file",
            rule="statistics: files", mend="save it as CSV (UTF-8)",
        ) from None  # fmt: skip


# What a centre published ---------------------------------------------------------------------


def read_published(text: str) -> tuple[list[Figure], list[Fault]]:
    """Return the figures of a file and its wrong rows.

    Columns period, metric, value, source, and `ours` if wanted. A metric may name several parts
    (`P2P / port %`) whose values stand alike (`26.5 / 49.3`); `~` says about; a source `same` is
    that of the row above. Raises InvalidInput for what is no such file.
    """
    figures: list[Figure] = []
    faults: list[Fault] = []
    source = ""
    for number, row in _rows(text, ("period", "metric", "value", "source")):
        source = source if row["source"].lower() == _AGAIN else row["source"]
        try:
            figures += _figures(row, source)
        except _Wrong as wrong:
            faults.append(Fault(number, wrong.code, str(wrong)))
    return figures, faults


def _figures(row: Mapping[str, str], source: str) -> list[Figure]:
    try:
        period = read(row["period"], "period").name
    except InvalidInput as error:
        raise _Wrong(error.code, error.message) from None
    metric = _FULL.sub(" ", row["metric"]).strip()
    if not metric or not source or max(len(metric), len(source)) > _LONGEST:
        raise _Wrong("bad_words", f"metric and source have 1 to {_LONGEST} characters")
    measure = metric.removesuffix("%").strip()
    cut = ";" if ";" in row["value"] else "/"
    values = [one.strip() for one in row["value"].split(cut)]
    names = [one.strip() for one in _inside(measure).split(cut)] if len(values) > 1 else [measure]
    unnamed = len(names) == 1 < len(values)
    if unnamed:
        names = [str(n) for n in range(1, len(values) + 1)]
    if len(names) != len(values):
        raise _Wrong("parts_differ", f"{len(names)} names, {len(values)} values")
    found = []
    for name, written in zip(names, values, strict=True):
        bare = " ".join(name.replace("~", " ").split()).removeprefix("share ")
        about = "~" in written or "~" in name
        doubts = [word for word, so in (("approximate", about), ("unnamed", unnamed)) if so]
        ours = row.get("ours") or ("" if unnamed else _OURS.get(bare.lower(), ""))
        if ours and not known_figure(ours):
            raise _Wrong("unknown_figure", f"there is no figure {ours[:60]}")
        part = "" if len(values) == 1 else bare
        unit = _unit(metric, bare)
        value = _number(written, percent=unit == "percent")
        found.append(Figure(period, measure, part, value, unit, ours, source, ", ".join(doubts)))
    return found


def _inside(measure: str) -> str:
    """Return the names of parts: what follows a colon, where there is one."""
    return measure.partition(": ")[2] or measure


def _unit(metric: str, name: str) -> str:
    if "%" in metric:
        return "percent"
    lower = name.lower()
    if lower.endswith("per million users"):
        return "per_million_users"
    return "per_100m_messages" if lower.endswith("per 100m messages") else "count"


def _number(written: str, *, percent: bool) -> Decimal:
    bare = written.replace("~", "").replace(",", "").removesuffix("%").strip()
    try:
        value = Decimal(bare)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= (100 if percent else _LARGEST):
        raise _Wrong("bad_value", f"no figure: {written[:40]}")
    return value


# Beside ours ---------------------------------------------------------------------------------

_KINDS: Final = {"type": ("port", "point"), "nature": ("commercial", "illegal", "service")}
_FAMILIES: Final = frozenset(
    name for name in ("lending", "wealth", "insurance", "collection", "retail", "telecom",
                      "education", "other_offers", "illegal", "service", "reported")
)  # fmt: skip


def known_figure(ours: str) -> bool:
    """Tell whether there is such a figure of ours."""
    kind, _, parts = ours.partition(":")
    if kind == "family":
        return bool(parts) and set(parts.split("+")) <= _FAMILIES
    if kind in _KINDS:
        return parts in _KINDS[kind]
    return ours in ("complaints", "per_100m", "per_million", "per_million:point",
                    "per_million:port")  # fmt: skip


def figure(ours: str, data: Data) -> float | None:
    """Return a figure of ours in a period: a share (rounded by itself), a rate or a count."""
    rows = data.complaints
    kind, _, parts = ours.partition(":")
    if kind == "complaints":
        return total(rows)
    if kind in ("per_100m", "per_million"):
        chosen = [row for row in rows if not parts or row.port_type == (parts == "port")]
        found = (
            of_messages(chosen, data.messages)
            if kind == "per_100m"
            else of_users(chosen, data.users)
        )
        return None if found is None else float(found["value"])
    wanted = set(parts.split("+"))
    if kind == "type":
        n = total(row for row in rows if row.port_type == (parts == "port"))
    elif kind == "nature":
        n = total(row for row in rows if nature(row.category) in wanted)
    else:
        n = total(row for row in rows if family(row.category) in wanted)
    return share(n, total(rows))


# Users ---------------------------------------------------------------------------------------


def read_users(text: str, provinces: Sequence[Name]) -> tuple[list[UserRow], list[Fault]]:
    """Return how many users carriers have, by province, and the file's wrong rows.

    Columns carrier, province (Chinese or English; empty: the whole country), users, as_of
    (2026-09-30), source. Raises InvalidInput for what is no such file.
    """
    rows: dict[tuple[str, int, date], UserRow] = {}
    faults: list[Fault] = []
    for number, row in _rows(text, ("carrier", "province", "users", "as_of", "source")):
        try:
            one = _users(row, provinces)
            if (one.carrier, one.province, one.day) in rows:
                raise _Wrong("row_twice", "this carrier, province and day stand there already")
            rows[one.carrier, one.province, one.day] = one
        except _Wrong as wrong:
            faults.append(Fault(number, wrong.code, str(wrong)))
    return list(rows.values()), faults


def _users(row: Mapping[str, str], provinces: Sequence[Name]) -> UserRow:
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", row["carrier"], re.ASCII):
        raise _Wrong("bad_carrier", "a carrier's code has small letters, digits, - and _")
    place = province_place(row["province"], provinces) if row["province"] else 0
    if place is None:
        raise _Wrong("unknown_province", f"there is no province {row['province'][:40]}")
    if not re.fullmatch(r"[0-9]{1,10}", row["users"], re.ASCII):
        raise _Wrong("bad_value", "users are a whole number")
    try:
        day = date.fromisoformat(row["as_of"])
    except ValueError:
        raise _Wrong("bad_date", "as_of is a day such as 2026-09-30") from None
    if not row["source"] or len(row["source"]) > _LONGEST:
        raise _Wrong("bad_words", f"source has 1 to {_LONGEST} characters")
    return UserRow(row["carrier"], place, day, int(row["users"]), row["source"])


def province_place(written: str, provinces: Sequence[Name]) -> int | None:
    """Return the place of a province in the number table by its name, also with 省 or 市 behind it;
    None for one that is not there."""
    for place, name in enumerate(provinces):
        if place and (written.startswith(name.zh) or written.lower() == name.en.lower()):
            return place
    return None
