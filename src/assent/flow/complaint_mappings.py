"""How files of complaints are read: which column holds what, as data.

A mapping tells the names that columns may have, how a subscriber's report by SMS is written
("number*content" to 10086999), what categories, carriers and kinds of number are called, and how
times are written. The packaged ones are those of three carriers and of 12321; an operator may hand
in his own with a file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping as Words
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal

import msgspec

from assent.errors import InvalidInput
from assent.message import Network
from assent.screen.categories import BY_CODE as CATEGORIES

PACKAGED: Final = "data/complaint-mappings-2026.1.json"
LONGEST_TEXT: Final = 2_000
_LONGEST: Final = 100
_RULE: Final = "complaints: mappings"
_FULL_WIDTH: Final = {"*": "*＊×", "#": "#＃", ":": ":："}
_EARLIEST: Final = 946_684_800.0  # 2000

ColumnWord = Literal[
    "complainant", "at", "report", "number", "text", "words", "reference", "category", "brand",
    "province", "carrier", "port_type",
]  # fmt: skip
NetworkWord = Literal["mobile", "unicom", "telecom", "broadnet"]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST)]

FAULTS: Final = {
    "bad_report": ("it does not say number and content as the mapping does", "上行内容格式不符"),
    "bad_time": ("the time cannot be read, or is to come", "时间无法识别或在将来"),
    "bad_number": ("what is complained of is no number", "被举报号码不是号码"),
    "nothing_reported": ("it names neither number nor text", "未注明号码，也没有内容"),
}
"""What may be wrong with a row beside its complainant's number, in both languages."""
NOTES: Final = {
    "unknown_category": ("the mapping does not know the category", "分类名称未在映射中"),
    "unknown_province": ("there is no such province", "省份名称未知"),
    "unknown_carrier": ("the mapping does not know the carrier", "运营商名称未在映射中"),
}
"""What is left out of a row that is taken all the same."""


class Separated(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A report by SMS: `head`, the number, `separator`, the content."""

    head: Annotated[str, msgspec.Meta(max_length=20)]
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)]


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A mapping. `columns`: names by what they hold. `rows`: keys under which a JSON file may have
    its list. `network`: of the people of a carrier's file. `times`: forms beside ISO 8601."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,60}$")]
    source: Literal["carrier", "12321"]
    columns: dict[ColumnWord, list[Word]]
    network: NetworkWord | None = None
    report: Separated | None = None
    rows: list[Word] = []
    times: list[Word] = []
    zone_minutes: Annotated[int, msgspec.Meta(ge=-720, le=840)] = 480
    categories: dict[Word, Word] = {}
    networks: dict[Word, NetworkWord] = {}
    port_types: dict[Word, bool] = {}

    def columns_of(self, names: Sequence[str]) -> dict[int, ColumnWord]:
        """Return what each column of a file holds, by its place; what is not known is left out."""
        known = {_plain(word): column for column, words in self.columns.items() for word in words}
        found: dict[int, ColumnWord] = {}
        for place, name in enumerate(names):
            column = known.get(_plain(name))
            if column is not None and column not in found.values():
                found[place] = column
        return found

    def fits(self, names: Sequence[str]) -> bool:
        """Tell whether columns of these names say what is complained of."""
        return not {"report", "number", "text"}.isdisjoint(self.columns_of(names).values())

    def split(self, report: str) -> tuple[str, str] | None:
        """Return number and content of a report by SMS; None where it is written otherwise."""
        if self.report is None:
            return None
        marks = re.escape(_FULL_WIDTH.get(self.report.separator, self.report.separator))
        head = "".join(
            f"[{re.escape(_FULL_WIDTH.get(letter, letter))}]" for letter in self.report.head
        )
        found = re.fullmatch(
            rf"\s*{head}\s*(\+?[0-9][0-9 -]{{2,28}}?)\s*[{marks}]\s*(.*)", report,
            re.DOTALL | re.IGNORECASE,
        )  # fmt: skip
        return None if found is None else (found[1], found[2])


@dataclass(frozen=True, slots=True)
class Reported:
    """A row as it is understood. `at`: seconds, None where the file does not say. `number`: digits,
    '' where none is told; `port_type`: None where the file does not say. `network`: of who
    complains. `notes`: codes of :data:`NOTES`."""

    place: int
    complainant: str = ""
    at: float | None = None
    number: str = ""
    text: str = ""
    words: str = ""
    reference: str = ""
    category: str = ""
    brand: str = ""
    province: int = 0
    network: Network | None = None
    port_type: bool | None = None
    notes: tuple[str, ...] = field(default=())


@cache
def packaged() -> tuple[Mapping, ...]:
    """Return the mappings that come with the platform."""
    octets = resources.files("assent").joinpath(PACKAGED).read_bytes()
    return tuple(msgspec.json.decode(octets, type=list[Mapping]))


def mapping_of(given: str) -> Mapping:
    """Return a packaged mapping by its name, or one that is given as JSON. Raises InvalidInput."""
    for one in packaged():
        if one.name == given.strip():
            return one
    if not given.lstrip().startswith("{"):
        names = ", ".join(one.name for one in packaged())
        raise _wrong(f"there is no such mapping; there are {names}", "name one, or give a file")
    try:
        made = msgspec.json.decode(given, type=Mapping)
    except msgspec.MsgspecError as error:
        raise _wrong(str(error)[:200], "correct it, see docs/complaints.md") from None
    if {"report", "number", "text"}.isdisjoint(made.columns) and made.report is None:
        raise _wrong("no column is number, text or report", "say where they stand")
    if "report" in made.columns and made.report is None:
        raise _wrong("a column is a report, and `report` does not say how it is written",
                     "add `report`")  # fmt: skip
    unknown = sorted(set(made.categories.values()) - set(CATEGORIES))
    if unknown:
        raise _wrong(f"there is no category {unknown[0]}", "use the codes of docs/screening.md")
    return made


def guessed(names: Sequence[str], line: str) -> Mapping:
    """Return the packaged mapping for a file whose first row has these names, or is this line of a
    report. Raises InvalidInput where none or several are it."""
    written = [one for one in packaged() if one.split(line) is not None]
    # "ljdxjb#1069…#…" is no other's; what begins with a number is whoever's separator comes first.
    if len(written) == 1:
        return written[0]
    fitting = [one for one in packaged() if one.fits(names)]
    most = max((len(one.columns_of(names)) for one in fitting), default=0)
    best = [one for one in fitting if len(one.columns_of(names)) == most]
    if len(best) == 1:
        return best[0]
    raise InvalidInput(
        "complaint_mapping",
        "the file does not say whose it is" if fitting or written else "no column is known",
        field="mapping", rule=_RULE,
        mend=f"name a mapping: {', '.join(one.name for one in packaged())}, or your own",
    )  # fmt: skip


def read_row(
    mapping: Mapping, place: int, cells: Words[str, str], provinces: Words[str, int], now: float
) -> Reported | str:
    """Return a row as it is understood, or the code of what is wrong with it (:data:`FAULTS`).
    `cells` by column; `provinces`: names to places in the number table."""
    told = {name: value.strip() for name, value in cells.items() if value.strip()}
    number, text = told.get("number", ""), told.get("text", "")
    if "report" in told:
        split = mapping.split(told["report"])
        if split is None:
            return "bad_report"
        number, text = split[0], split[1] or text
    digits = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", number))
    digits = re.sub(r"^(?:\+86|0086)", "", digits)
    if digits and not re.fullmatch(r"\+?[0-9]{3,25}", digits):
        return "bad_number"
    if not digits and not text:
        return "nothing_reported"
    at = _time_of(mapping, told["at"], now) if "at" in told else None
    if "at" in told and at is None:
        return "bad_time"
    notes: list[str] = []
    return Reported(
        place,
        told.get("complainant", ""),
        at,
        digits,
        text[:LONGEST_TEXT],
        told.get("words", "")[:LONGEST_TEXT],
        told.get("reference", "")[:_LONGEST],
        _category(mapping, told.get("category", ""), notes),
        told.get("brand", "")[:_LONGEST],
        _province(told.get("province", ""), provinces, notes),
        _network(mapping, told.get("carrier", ""), notes),
        _looked_up(mapping.port_types, told.get("port_type", "")),
        tuple(notes),
    )


def _time_of(mapping: Mapping, word: str, now: float) -> float | None:
    """Return a time in seconds; None for one that is none, of long ago, or to come."""
    found: datetime | None = None
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        for form in mapping.times:
            try:
                found = datetime.strptime(word, form)  # noqa: DTZ007  # its zone follows
                break
            except ValueError:
                continue
    if found is None:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone(timedelta(minutes=mapping.zone_minutes)))
    try:
        at = found.astimezone(UTC).timestamp()
    except (OverflowError, ValueError):
        return None
    return at if _EARLIEST <= at <= now + 86_400 else None


def _category(mapping: Mapping, word: str, notes: list[str]) -> str:
    known = _looked_up(mapping.categories, word)
    if known is not None:
        return str(known)
    if word and word not in CATEGORIES:
        notes.append("unknown_category")
        return ""
    return word


def _network(mapping: Mapping, word: str, notes: list[str]) -> Network | None:
    if not word:
        return None if mapping.network is None else Network[mapping.network.upper()]
    known = _looked_up(mapping.networks, word)
    if known is None:
        notes.append("unknown_carrier")
        return None
    return Network[known.upper()]


def _province(word: str, provinces: Words[str, int], notes: list[str]) -> int:
    if not word:
        return 0
    plain = re.sub(r"(?:壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市)$", "", word)
    place = provinces.get(plain.casefold(), provinces.get(word.casefold(), 0))
    if not place:
        notes.append("unknown_province")
    return place


def _looked_up(table: Words[str, Any], word: str) -> Any:
    """Return what a word stands for, however wide or large its letters are."""
    wanted = _plain(word)
    return next((value for key, value in table.items() if _plain(key) == wanted), None)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _wrong(words: str, mend: str) -> InvalidInput:
    return InvalidInput("complaint_mapping", words, field="mapping", rule=_RULE, mend=mend)
