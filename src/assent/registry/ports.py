"""The life of a port, and the room in which code numbers are handed out. Pure.

A port row is a code number with its extension on one carrier. What may happen to it is the table
:data:`MOVES`; how far its carrier has filed it (CN-70) is the table :data:`FILINGS` beside it. A
purpose is in neither: it never changes (CN-23), another purpose is another application.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from assent.errors import Conflict, InvalidInput

LONGEST_NUMBER: Final = 20
"""Digits of a code number with its extension: what the fields of every dialect hold (CN-60)."""

COOLING_MONTHS: Final = 6
SIGNATURE_MONTHS: Final = 5
"""After so long without use carriers strike a signature off (CN-74)."""

MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "applied": {"file": "filed", "revoke": "revoked"},
    "filed": {"activate": "active", "revoke": "revoked"},
    "active": {"pause": "paused", "suspend": "suspended", "revoke": "revoked"},
    "paused": {"resume": "active", "suspend": "suspended", "revoke": "revoked"},
    "suspended": {"resume": "active", "revoke": "revoked"},
    "revoked": {"cool": "cooling"},
    "cooling": {"recycle": "recycled"},
    "recycled": {},
}
"""Status → step → status. Only `active` sends; nothing comes back from `revoked`."""

FILINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "none": {"submit": "submitted"},
    "submitted": {"file": "filed", "turn_down": "refused"},
    "filed": {"turn_down": "refused"},
    "refused": {"submit": "submitted"},
}
"""What a carrier has of a port: nothing, our papers, filed it, turned it down (or struck it off).
`file` and `turn_down` move the port as well: what its carrier has not filed is not in use."""

STEPS: Final = tuple(
    dict.fromkeys(step for table in (FILINGS, MOVES) for moves in table.values() for step in moves)
)
CUSTOMERS_STEPS: Final = frozenset({"pause", "resume", "revoke"})
"""What a customer may do with its own port; what was suspended only staff set free."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "applied": ("approved; waits until its carrier has filed it", "已通过审核，待运营商报备"),
    "filed": ("its carrier has filed it; waits to be activated", "运营商已报备，待启用"),
    "active": ("in use", "使用中"),
    "paused": ("paused; may be resumed", "已暂停，可恢复"),
    "suspended": ("suspended by the operator", "已被平台停用"),
    "revoked": ("revoked for good", "已收回"),
    "cooling": ("revoked; nobody may have it until the day named", "已收回，冷却期内不得再分配"),
    "recycled": ("free for another application", "已回收，可重新申请"),
}
"""Each status in words, English and Chinese."""

_DIGITS: Final = re.compile(r"[0-9]*")
_NUMBER: Final = re.compile(r"[0-9]{3,20}")
_MOST_RANGES: Final = 100


def moved(status: str, filing: str, step: str) -> tuple[str, str]:
    """Return status and filing of a port row after a step. Raises Conflict (`port_state`)."""
    new_status = MOVES[status].get(step)
    new_filing = FILINGS[filing].get(step)
    if step in ("submit", "turn_down"):
        new_status = status if status not in ("revoked", "cooling", "recycled") else None
        if step == "turn_down" and new_status in ("filed", "active", "paused"):
            new_status = "applied"  # what its carrier strikes off sends no more
    elif step == "file":
        # One that the operator suspended meanwhile stays so.
        new_status = new_status or (status if status == "suspended" else None)
    else:
        new_filing = filing
    if step in ("activate", "resume") and filing != "filed":
        raise Conflict(
            "port_not_filed", f"the carrier's filing is {filing}", field="action", rule="CN-70",
            mend="wait until the carrier has filed it, and note that first",
        )  # fmt: skip
    if new_status is None or new_filing is None:
        can = [one for one in STEPS if _fits(status, filing, one)]
        raise Conflict(
            "port_state", f"a port that is {status} (filing: {filing}) cannot take this step",
            field="action", rule="CN-70", mend=f"possible now: {', '.join(can) or 'nothing'}",
        )  # fmt: skip
    return new_status, new_filing


def _fits(status: str, filing: str, step: str) -> bool:
    if step in ("submit", "turn_down"):
        return step in FILINGS[filing] and status not in ("revoked", "cooling", "recycled")
    return step in MOVES[status] and (step != "file" or step in FILINGS[filing])


@dataclass(frozen=True, slots=True)
class Range:
    """Extensions from `low` to `high`, of as many digits; both empty: the number itself."""

    low: str
    high: str

    def holds(self, extension: str) -> bool:
        """Tell whether an extension is one of these."""
        return len(extension) == len(self.low) and self.low <= extension <= self.high

    def each(self) -> Iterator[str]:
        """Yield the extensions in their order."""
        if not self.low:
            yield ""
            return
        size = len(self.low)
        for value in range(int(self.low), int(self.high) + 1):
            yield f"{value:0{size}d}"


def ranges_of(words: Sequence[str], number: str) -> tuple[Range, ...]:
    """Read ranges written `0000-4999`; `-` is the number itself. Raises InvalidInput."""
    found: list[Range] = []
    for place, word in enumerate(words):
        low, dash, high = word.replace("—", "-").partition("-")
        fits = dash and _DIGITS.fullmatch(low) and _DIGITS.fullmatch(high)
        if not fits or len(low) != len(high) or low > high:
            raise _bad_range(place, "is not LOW-HIGH with as many digits on both sides")
        if len(number) + len(low) > LONGEST_NUMBER:
            raise _bad_range(place, f"makes numbers of more than {LONGEST_NUMBER} digits")
        found.append(Range(low, high))
    if not 1 <= len(found) <= _MOST_RANGES:
        raise _bad_range(0, f"a code number has 1 to {_MOST_RANGES} ranges of extensions")
    return tuple(found)


def _bad_range(place: int, words: str) -> InvalidInput:
    return InvalidInput(
        "bad_range", words, field=f"ranges[{place}]", rule="CN-60",
        mend="write them like 0000-4999, and - for the number itself",
    )  # fmt: skip


def check_number(number: str) -> None:
    """Raise InvalidInput unless a code number is one."""
    if not _NUMBER.fullmatch(number):
        raise InvalidInput(
            "bad_number", f"a code number has 3 to {LONGEST_NUMBER} digits", field="number",
            rule="CN-60", mend="write its digits only",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A number that somebody has, or has applied for."""

    number: str
    sender_id: int | None
    purpose: int


def clash(number: str, sender_id: int, held: Iterable[Held]) -> Held | None:
    """Return who makes a number impossible for a sender, None when nobody does.

    A reply goes to the longest number that its destination begins with, and people answer with
    digits behind a number. So of two senders neither may have a number that begins the other's; one
    sender may, since whatever a reply says it says to that sender. A number stands once.
    """
    for other in held:
        same = other.number == number
        begins = other.number.startswith(number) or number.startswith(other.number)
        if same or (begins and other.sender_id != sender_id):
            return other
    return None


def free_extension(
    number: str, ranges: Sequence[Range], sender_id: int, held: Sequence[Held]
) -> str | None:
    """Return the first extension that a sender may have, None when all are taken."""
    taken = {one.number for one in held}
    shorter = [one for one in held if one.sender_id != sender_id and one.number.startswith(number)]
    for some in ranges:
        for extension in some.each():
            whole = number + extension
            if whole not in taken and clash(whole, sender_id, shorter) is None:
                return extension
    return None


def months_later(day: date, months: int) -> date:
    """Return the day some months later; the last of the month where it has no such day."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def lapsed(last_used: date, today: date, months: int = SIGNATURE_MONTHS) -> bool:
    """Tell whether a signature that was last used on a day has lapsed by another (CN-74): the day
    itself, so many months later, is the first on which it is no longer in force."""
    return today >= months_later(last_used, months)
