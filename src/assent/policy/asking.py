"""When a person may be asked whether she agrees, and what may be declared of consents.

Pure: facts in, a word out. The numbers are the rulebook's parameter `asking` (CN-09, CN-10): a
question states kinds, frequency and period; silence and unclear words are no; nobody is asked again
before a time is over, nor more than once in a while over all senders; and whoever asks people that
do not want it is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

DAY_S: Final = 86_400.0
MOST_DAYS: Final = 3_650.0

HOWS: Final = (
    "form", "app", "reply", "counter", "call", "paper", "order", "event", "other",
)  # fmt: skip
"""Ways in which a consent may have been obtained. `order`: asked for while buying."""

DECLARED: Final = ("pre_ticked", "forced", "bundled", "incentive")
"""What makes a consent worth less (CN-42): the box was ticked already; nothing could be had without
it; agreed together with something else; given for a reward."""


def declared(words: list[str]) -> frozenset[str]:
    """Return words of a rulebook that consents are declared by. Raises ValueError."""
    unknown = sorted(set(words) - set(DECLARED))
    if unknown:
        raise ValueError(f"refused_consents: nobody declares {unknown[0]}")
    return frozenset(words)


class Why(StrEnum):
    """Why a question was not asked, or counts as a no. Stored, shown to staff only."""

    STANDS = "stands"  # she agreed already, with the best proof
    REFUSED_ALL = "refused_all"  # she refused everybody
    REFUSED = "refused"  # she refused this group: lately, or this is no act of hers since then
    PAUSED = "paused"  # her last words to this group wait for a reader
    BAN = "ban"  # she said no to this group, or nothing
    ASKED = "asked"  # somebody asked her lately
    STOPPED = "stopped"  # the sender asks too many who do not want it
    LATE = "late"  # could not be asked in time
    NOBODY = "nobody"  # the number has no person any more
    NO = "no"  # she said no
    UNCLEAR = "unclear"  # what she said is no yes
    WORDS = "words"  # she refused more than the question, in so many words


class Turn(StrEnum):
    """What to do about a request now."""

    ASK = "ask"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class AskingRules:
    """The rulebook's parameter. Seconds, but `least_yes` (a share) and counts.

    `every_s`: one question a person in this time, over all senders. `ban_s`: after a No or silence
    to a sender's group. `after_refusal_s`: after a refusal of it. `answer_s`: time to answer.
    `send_within_s`: after it a request is dropped. `present_s`: so long somebody who entered her
    number is there, whatever the hour. `judge`: questions that a sender is judged by at least,
    `judge_most` at most, each once it is answered or `judge_after_s` old; a smaller share of yes
    than `least_yes` stops it. `by_document`: numbers that one document stands for.
    """

    every_s: float
    ban_s: float
    after_refusal_s: float
    answer_s: float
    send_within_s: float
    present_s: float
    judge: int
    judge_most: int
    judge_after_s: float
    least_yes: float
    by_document: int

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> AskingRules:
        """Return what a rulebook says. Raises ValueError, KeyError for what it may not say."""
        known = {
            "every_days", "ban_days", "after_refusal_days", "answer_hours", "send_within_hours",
            "present_minutes", "judge", "judge_most", "judge_after_minutes", "least_yes_percent",
            "by_document",
        }  # fmt: skip
        if set(value) != known:
            raise KeyError(f"asking: {', '.join(sorted(set(value) ^ known))}")
        rules = cls(
            every_s=value["every_days"] * DAY_S,
            ban_s=value["ban_days"] * DAY_S,
            after_refusal_s=value["after_refusal_days"] * DAY_S,
            answer_s=value["answer_hours"] * 3600.0,
            send_within_s=value["send_within_hours"] * 3600.0,
            present_s=value["present_minutes"] * 60.0,
            judge=int(value["judge"]),
            judge_most=int(value["judge_most"]),
            judge_after_s=value["judge_after_minutes"] * 60.0,
            least_yes=value["least_yes_percent"] / 100,
            by_document=int(value["by_document"]),
        )
        rules._check()
        return rules

    def _check(self) -> None:
        if self.every_s < 30 * DAY_S:
            raise ValueError("asking: every_days is 30 at least")
        if not 0 < self.answer_s <= min(self.every_s, self.ban_s):
            raise ValueError("asking: the time to answer ends before somebody is asked again")
        longest = max(self.every_s, self.ban_s, self.after_refusal_s)
        if self.after_refusal_s < 0 or longest > MOST_DAYS * DAY_S:
            raise ValueError("asking: days are 0 to 3650")
        if not 0 < self.present_s <= self.send_within_s:
            raise ValueError("asking: present_minutes is part of send_within_hours")
        if not 0.2 <= self.least_yes <= 1 or not 1 <= self.judge <= self.judge_most:
            raise ValueError("asking: least_yes_percent is 20 at least; judge is 1 to judge_most")
        if self.judge_after_s <= 0 or self.by_document < 1:
            raise ValueError("asking: judge_after_minutes and by_document are positive")


@dataclass(frozen=True, slots=True)
class Record:
    """What a sender's last questions brought: `judged` of them count, `agreed` of those with a yes;
    `young` were sent so lately that nobody can tell."""

    judged: int = 0
    agreed: int = 0
    young: int = 0

    def stops(self, rules: AskingRules) -> bool:
        """Tell whether the sender has to stop asking."""
        return self.judged >= rules.judge and self.agreed < rules.least_yes * self.judged

    def room(self, rules: AskingRules) -> int:
        """Return how many more may be asked before answers come: so that nobody asks thousands in
        the hour in which it is not known yet that they do not want it."""
        return max(0, rules.judge + int(self.agreed / rules.least_yes) - self.young)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What is known of the person and whoever asks. Times in seconds, None for never.

    `last_asked`: by anybody. `last_no`: when a question of the group ended without a yes, or the
    time that one which is open may still be answered. `refused_group`: when she refused marketing
    of the group. `stands`: agreed already, with the best proof. `known`: has a number.
    """

    known: bool = True
    stands: bool = False
    refused_all: bool = False
    refused_group: float | None = None
    paused: bool = False
    last_asked: float | None = None
    last_no: float | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as it waits: since when, by which basis, whether it may go out now as far as hours
    and the sender's papers go."""

    taken: float
    by_document: bool
    hours: bool
    papers: bool


def turn(
    wish: Wish, receiver: Receiver, record: Record, rules: AskingRules, now: float
) -> tuple[Turn, Why | None]:
    """Return what to do about a request. Whoever is asked has not said no lately to this sender,
    has been asked by nobody lately, and does not refuse everybody."""
    why = _against(wish, receiver, rules, now)
    if why is None and record.stops(rules):
        why = Why.STOPPED
    if why is None and now - wish.taken > rules.send_within_s:
        why = Why.LATE
    if why is not None:
        return Turn.DROP, why
    present = not wish.by_document and now - wish.taken <= rules.present_s
    if not wish.papers or not (wish.hours or present) or not record.room(rules):
        return Turn.WAIT, None
    return Turn.ASK, None


def _against(wish: Wish, receiver: Receiver, rules: AskingRules, now: float) -> Why | None:
    if not receiver.known:
        return Why.NOBODY
    if receiver.stands:
        return Why.STANDS
    if receiver.refused_all:
        return Why.REFUSED_ALL
    refused = receiver.refused_group
    # A paper says what she wanted once. Only her own act, now, comes after a refusal.
    if refused is not None and (wish.by_document or now - refused < rules.after_refusal_s):
        return Why.REFUSED
    if receiver.paused:
        return Why.PAUSED
    if receiver.last_no is not None and now - receiver.last_no < rules.ban_s:
        return Why.BAN
    if receiver.last_asked is not None and now - receiver.last_asked < rules.every_s:
        return Why.ASKED
    return None
