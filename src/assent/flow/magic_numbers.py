"""What each number does in the sandbox. docs/http-api.md prints this table; a test compares.

The magic numbers begin with 154, which no network was given: sent with a real key by mistake
they are rejected (`number_unknown_prefix`), so they reach nobody and cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from assent.message import State
from assent.numbers import Parsed, parse

FIRST: Final = 86_154_0000_0000
_DAY_S: Final = 86_400
_CHINA_S: Final = 8 * 3600
_MORNING_S: Final = 8 * 3600


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a message.

    `reject`: the reason it is rejected for, as customers see it, '' when it is accepted.
    `steps`: (seconds after it may leave, state). `reply`: (seconds, text) that the person
    answers. `refuses`: that reply ends marketing. `quiet`: it waits for 08:00 in China.
    """

    words: str
    steps: tuple[tuple[float, State], ...] = ()
    reject: str = ""
    reply: tuple[float, str] | None = None
    refuses: bool = False
    quiet: bool = False

    def state(self, seconds: float) -> State:
        """Return the state some seconds after the message may leave."""
        state = State.QUEUED
        for after, to in self.steps:
            if seconds >= after:
                state = to
        return state

    @property
    def last(self) -> float:
        """Seconds after which nothing more happens."""
        times = [after for after, _ in self.steps]
        if self.reply is not None:
            times.append(self.reply[0])
        return max(times, default=0.0)


_SENT: Final = ((0.2, State.ATTEMPTED), (0.4, State.ACCEPTED))
_WELL: Final = (*_SENT, (2.0, State.DELIVERED))
ORDINARY: Final = Outcome("delivered after 2 s", _WELL)
"""What any valid number does that is not magic."""

MAGIC: Final[dict[int, Outcome]] = {
    FIRST + place: outcome
    for place, outcome in {
        0: ORDINARY,
        1: Outcome("failed: the carrier reports UNDELIV", (*_SENT, (2.0, State.FAILED))),
        2: Outcome("expired: no link takes it within its validity", ((1.0, State.EXPIRED),)),
        3: Outcome("refused by the carrier", (_SENT[0], (0.4, State.REFUSED))),
        4: Outcome(
            "throttled by the carrier, sent again, delivered after 5 s",
            (_SENT[0], (0.4, State.QUEUED), (3.0, State.ATTEMPTED), (3.2, State.ACCEPTED),
             (5.0, State.DELIVERED)),
        ),
        5: Outcome("unsure: the carrier's answer never comes", (_SENT[0], (1.0, State.UNSURE))),
        6: Outcome(
            "unsure, settled as delivered by a late receipt after 30 s",
            (_SENT[0], (1.0, State.UNSURE), (30.0, State.DELIVERED)),
        ),
        7: Outcome("accepted by the carrier, no receipt ever", _SENT),
        8: Outcome("over the cap when its turn comes", ((0.2, State.OVER_CAP),)),
        10: Outcome("rejected: no standing", reject="no_standing"),
        11: Outcome("rejected: over the cap", reject="over_cap"),
        12: Outcome("rejected: the balance does not suffice", reject="balance"),
        13: Outcome("rejected: no route to the network", reject="no_route"),
        14: Outcome("rejected: a restriction forbids it", reject="restricted"),
        15: Outcome("deferred to the next 08:00 in China, then delivered", _WELL, quiet=True),
        20: Outcome("delivered; replies 好的 after 3 s", _WELL, reply=(3.0, "好的")),
        21: Outcome(
            "delivered; replies TD after 3 s and is confirmed: marketing has no standing then",
            _WELL, reply=(3.0, "TD"), refuses=True,
        ),
        30: Outcome("rejected: no such number segment", reject="number_unknown_prefix"),
        31: Outcome("rejected: a fixed line", reject="number_fixed_line"),
    }.items()
}  # fmt: skip


def parse_with_magic(values: Sequence[str]) -> Parsed:
    """Read phone numbers, taking the magic ones for right."""
    parsed = parse(values)
    for place in np.flatnonzero(parsed.fault).tolist():
        digits = "".join(mark for mark in values[place] if mark.isdecimal())
        number = 86 * 10**11 + int(digits[-11:]) if 11 <= len(digits) <= 15 else 0
        if number in MAGIC:
            parsed.msisdn[place], parsed.fault[place] = number, 0
    return parsed


def next_morning(now: float) -> float:
    """Return the next 08:00 in China after a time, both in seconds since 1970."""
    local = now + _CHINA_S
    return local - local % _DAY_S + _DAY_S + _MORNING_S - _CHINA_S


def table(line: Callable[[str, str], str]) -> list[str]:
    """Return the magic numbers as lines of (number, words)."""
    return [line(str(number - 86 * 10**11), one.words) for number, one in MAGIC.items()]
