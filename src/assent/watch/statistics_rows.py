"""What statistics are made of: counts of complaints and of messages, and how categories join.

Rows come grouped by the database; how they are split and in which order does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from assent.numbers import Name
from assent.screen.categories import BY_CODE
from assent.watch.statistics_periods import Period

_PERSON: Final = re.compile(r"(?:\+?86)?1[3-9][0-9]{9}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{7,}", re.ASCII)
_LONGEST: Final = 60

NONE: Final = ""
"""The key of what was not told or is not known."""


class Counted(NamedTuple):
    """`n` complaints that are alike. `sender` 0: nobody of ours; `province` 0: not known;
    `matched`: by message, text or port; `not_ours`: judged to concern another platform."""

    n: int
    source: str
    port_type: bool
    number: str
    sender: int
    carrier: str
    province: int
    category: str
    brand: str
    matched: bool
    not_ours: bool


class Carried(NamedTuple):
    """`n` messages that were accepted for sending and are alike."""

    n: int
    number: str
    sender: int
    carrier: str
    province: int
    category: str


class Answered(NamedTuple):
    """One complaint on its way; times in seconds since 1970, None where there is none."""

    source: str
    at: float
    due_at: float | None
    answered_at: float | None
    not_ours: bool
    port_type: bool
    carrier: str
    province: int
    category: str


class Users(NamedTuple):
    """How many a carrier serves in a province; 0: in all of them together."""

    carrier: str
    province: int
    n: int


@dataclass(frozen=True, slots=True)
class Data:
    """All of one period."""

    period: Period
    complaints: tuple[Counted, ...]
    messages: tuple[Carried, ...]
    answers: tuple[Answered, ...]
    users: tuple[Users, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What numbers stand for: senders' (legal name, credit code), the number table's provinces."""

    senders: Mapping[int, tuple[str, str]]
    provinces: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Only:
    """What is left in; None: everything. `type`: `port` or `point`. `category`: of
    screen/categories.py, as reported, or a family. `province`: its place in the number table."""

    type: str | None = None
    category: str | None = None
    carrier: str | None = None
    province: int | None = None
    source: str | None = None


# Categories ----------------------------------------------------------------------------------

_JOINED: Final = {
    "loan": "lending", "credit_bait": "lending", "wealth": "wealth", "insurance": "insurance",
    "collection": "collection", "retail": "retail", "telecom_offer": "telecom",
    "education": "education",
}  # fmt: skip
FAMILIES: Final = (*dict.fromkeys(_JOINED.values()), "other_offers", "illegal", "service",
                   "reported", NONE)  # fmt: skip
"""Every category belongs to one of them: `illegal` are the harmful ones, `reported` those that are
not of our list."""

NATURES: Final = ("commercial", "illegal", "service", "reported", NONE)


def family(category: str) -> str:
    """Return the family of a category."""
    if category in _JOINED or not category:
        return _JOINED.get(category, NONE)
    known = BY_CODE.get(category)
    if known is None:
        return "reported"
    return {"harmful": "illegal", "service": "service"}.get(known.nature, "other_offers")


def nature(category: str) -> str:
    """Return whether a text of a category is commercial (an offer, with or without a licence; also
    debt collection), suspected to be illegal, or a service's."""
    known = BY_CODE.get(category)
    if known is None:
        return "reported" if category else NONE
    return {"harmful": "illegal", "service": "service"}.get(known.nature, "commercial")


# What may be shown ---------------------------------------------------------------------------


def port_number(written: str) -> str:
    """Return a code number as it may be shown; "" for what looks like a person's number."""
    return NONE if _PERSON.fullmatch(written) else written[:20]


def plain(words: str) -> str:
    """Return words of a complaint's file (a brand, a category) as they may be shown: one line, not
    long, without signs that cannot be seen and digits that may be somebody's number."""
    seen = "".join(sign for sign in " ".join(words.split()) if sign.isprintable())
    return _DIGITS.sub("…", seen)[:_LONGEST]


def cleaned(rows: Iterable[Counted]) -> Iterator[Counted]:
    """Yield complaints as they may be shown."""
    for row in rows:
        yield row._replace(
            number=port_number(row.number) if row.port_type else NONE,
            category=plain(row.category),
            brand=plain(row.brand),
        )


# Filters -------------------------------------------------------------------------------------


def restricted(data: Data, only: Only) -> Data:
    """Return what a filter leaves of a period.

    Messages have no source and are of ports, so `source` leaves them as they are, and `type`
    `point` leaves none.
    """

    def fits(carrier: str, province: int, category: str) -> bool:
        return (
            (only.carrier is None or carrier == only.carrier)
            and (only.province is None or province == only.province)
            and (only.category is None or only.category in (category, family(category)))
        )

    def meant(row: Counted | Answered) -> bool:
        return (
            (only.type is None or row.port_type == (only.type == "port"))
            and (only.source is None or row.source == only.source)
            and fits(row.carrier, row.province, row.category)
        )

    return Data(
        data.period,
        tuple(row for row in data.complaints if meant(row)),
        tuple(
            row
            for row in data.messages
            if only.type != "point" and fits(row.carrier, row.province, row.category)
        ),
        tuple(row for row in data.answers if meant(row)),
        tuple(
            row
            for row in data.users
            if (only.carrier is None or row.carrier == only.carrier)
            and (only.province is None or row.province == only.province)
        ),
    )


def users_of(
    users: Iterable[Users], carrier: str | None = None, province: int | None = None
) -> dict[tuple[str, int], int]:
    """Return the users of a carrier, a province, both or everywhere, by cells that do not overlap.

    Where a province is asked for, only its own cells count; otherwise a carrier's figure for the
    whole country comes before the sum of its provinces.
    """
    cells = {(row.carrier, row.province): row.n for row in users}
    if province is not None:
        return {key: n for key, n in cells.items()
                if key[1] == province and carrier in (None, key[0])}  # fmt: skip
    whole = {key[0] for key in cells if key[1] == 0}
    return {key: n for key, n in cells.items()
            if carrier in (None, key[0]) and (key[1] == 0 or key[0] not in whole)}  # fmt: skip
