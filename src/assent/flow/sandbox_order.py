"""Judging an order in the sandbox: each number says itself what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.flow.answers import MessageAnswer, OrderAnswer
from assent.flow.magic_numbers import MAGIC, ORDINARY, Outcome, next_morning, parse_with_magic
from assent.flow.orders import LONGEST_TEXT, MOST_RECEIVERS
from assent.flow.render import placeholders
from assent.flow.requests import CampaignRequest, SendRequest
from assent.flow.sandbox_chain import reason_of
from assent.message import Purpose
from assent.policy.reasons import BY_CODE, FAULT_CODES
from assent.text import PLAIN, Writing, compose

if TYPE_CHECKING:
    from assent.flow.sandbox_book import Book

PRICE_MICRO: Final = 50_000
SIGNATURE: Final = "沙箱"
_VALID_S: Final = 86_400.0
_REFUSABLE: Final = frozenset({Purpose.MARKETING, Purpose.INTERNAL})


def _usual(numbers: npt.NDArray[np.uint64]) -> list[Writing]:
    return [PLAIN] * len(numbers)


@dataclass(frozen=True, slots=True)
class Road:
    """What the real road counts segments by: the wording at the end of marketing texts, and how
    texts to each of some numbers are written (`Submit.writings`)."""

    refusal_wording: str | None = None
    writings: Callable[[npt.NDArray[np.uint64]], list[Writing]] = _usual


@dataclass(frozen=True, slots=True)
class SandboxReceiver:
    """One receiver: row, number (0 where wrong), its fault, and the text it gets."""

    row: int
    number: int
    fault: int
    values: Mapping[str, str]


@dataclass(slots=True)
class Line:
    """A receiver after judgement. `id` is 0 until the order is accepted."""

    row: int
    number: int
    reason: str
    segments: int
    not_before: float | None
    outcome: Outcome
    id: int = 0


@dataclass(slots=True)
class SandboxJudged:
    """An order after judgement. Times in seconds since 1970."""

    purpose: Purpose
    lines: list[Line]
    at: float
    begins: float
    expires: float
    id: int = 0

    @property
    def allowed(self) -> list[Line]:
        """The lines that are accepted."""
        return [line for line in self.lines if not line.reason]

    @property
    def cost(self) -> int:
        """What the order costs, in micro-yuan."""
        return sum(line.segments for line in self.allowed) * PRICE_MICRO

    def answer(self, *, dry_run: bool = False, lines: int | None = None) -> OrderAnswer:
        """Return what the caller is told."""
        allowed = self.allowed
        shown = [
            MessageAnswer(line.row, "rejected", reason=line.reason)
            if line.reason
            else MessageAnswer(
                line.row, "accepted", None if dry_run else str(line.id), line.segments,
                not_before=line.not_before,
            )
            for line in self.lines[:lines]
        ]  # fmt: skip
        return OrderAnswer(
            str(self.id), self.purpose.name.lower(), len(self.lines), len(allowed),
            len(self.lines) - len(allowed), sum(line.segments for line in allowed), self.cost,
            dict(Counter(line.reason for line in self.lines if line.reason)), shown, dry_run,
        )  # fmt: skip


def receivers_of(request: SendRequest) -> list[SandboxReceiver]:
    """Return the receivers of an order. Raises InvalidInput for their number or variables."""
    count = len(request.messages)
    if not 1 <= count <= MOST_RECEIVERS:
        raise InvalidInput(
            "receivers", f"an order has 1 to {MOST_RECEIVERS} receivers", field="messages",
            mend="split it, or upload an audience and make a campaign",
        )  # fmt: skip
    parsed = parse_with_magic([receiver.to for receiver in request.messages])
    numbers, faults = parsed.msisdn.tolist(), parsed.fault.tolist()
    names = set(placeholders(request.text or ""))
    for row, receiver in enumerate(request.messages):
        if request.text is not None:
            _check_variables(row, names, receiver.variables)
    return [
        SandboxReceiver(row, numbers[row], faults[row], receiver.variables)
        for row, receiver in enumerate(request.messages)
    ]


def _check_variables(row: int, names: set[str], values: Mapping[str, str]) -> None:
    for code, wrong, words, mend in (
        ("missing_variable", names - values.keys(), "the text uses a variable that is not given",
         "give a value for it to every receiver, or remove it from the text"),
        ("unknown_variable", values.keys() - names, "the text does not use this variable",
         "remove it, or use it in the text as {name}"),
    ):  # fmt: skip
        if wrong:
            field = f"messages[{row}].variables.{min(wrong)}"
            raise InvalidInput(code, words, field=field, mend=mend)


def judge(
    book: Book, request: SendRequest | CampaignRequest, receivers: Sequence[SandboxReceiver]
) -> SandboxJudged:
    """Return what becomes of an order. Raises InvalidInput naming the field."""
    text = _content(request)
    now = book.clock.now()
    purpose = Purpose[request.purpose.upper()]
    begins = max(now, _seconds(request.not_before, "not_before") or now)
    expires = _seconds(request.expires_at, "expires_at") or begins + _VALID_S
    if expires <= begins:
        raise InvalidInput(
            "expires_too_early", "expires_at is not after not_before", field="expires_at",
            mend="give a later time, or leave it out",
        )  # fmt: skip
    counts = _counts(book.road, text, purpose, receivers)
    seen: set[int] = set()
    link = reason_of(request.sender, purpose, now)
    lines = []
    for receiver, segments in zip(receivers, counts, strict=True):
        outcome = MAGIC.get(receiver.number, ORDINARY)
        reason = _reason(book, purpose, receiver, outcome, seen)
        if link and (not reason or BY_CODE[link].rank < BY_CODE[reason].rank):
            reason = link
        seen.add(receiver.number)
        wait = begins if begins > now else None
        if outcome.quiet and not reason:
            wait = next_morning(begins)
        lines.append(Line(receiver.row, receiver.number, reason, segments, wait, outcome))
    return SandboxJudged(purpose, lines, now, begins, expires)


def _reason(
    book: Book, purpose: Purpose, receiver: SandboxReceiver, outcome: Outcome, seen: set[int]
) -> str:
    if receiver.fault:
        return FAULT_CODES[receiver.fault - 1]
    if receiver.number in seen:
        return "duplicate"
    if purpose in _REFUSABLE and receiver.number in book.refused:
        return "no_standing"
    return outcome.reject


def _content(request: SendRequest | CampaignRequest) -> str:
    if request.video is not None:
        raise InvalidInput(
            "sandbox_video", "the sandbox acts out no videos", field="video",
            rule="http-api: sandbox", mend="try a text, or a real key with one receiver",
        )  # fmt: skip
    if (request.text is None) == (request.template is None):
        raise InvalidInput(
            "text_or_template", "give exactly one of text and template", field="text",
            mend="remove one of them, or add the missing one",
        )  # fmt: skip
    text = request.text if request.text is not None else f"〔{request.template}〕"
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise InvalidInput(
            "text_length", f"the text is empty or longer than {LONGEST_TEXT} characters",
            field="text", mend="shorten it, or write one",
        )  # fmt: skip
    return text


def _counts(
    road: Road, text: str, purpose: Purpose, receivers: Sequence[SandboxReceiver]
) -> list[int]:
    """Return how many segments each receiver's text takes."""
    wording = road.refusal_wording if purpose is Purpose.MARKETING else None
    names = placeholders(text)
    by_writing: dict[Writing, dict[int, str]] = {}
    writings = road.writings(np.array([one.number for one in receivers], np.uint64))
    for place, (receiver, writing) in enumerate(zip(receivers, writings, strict=True)):
        own = text
        for name in names:
            own = own.replace("{" + name + "}", receiver.values.get(name, ""))
        by_writing.setdefault(writing, {})[place] = compose(SIGNATURE, own, wording)
    counts = [1] * len(receivers)
    for writing, texts in by_writing.items():
        signed = writing.signed(SIGNATURE)
        found = signed.counts([signed.own(whole) for whole in texts.values()]).tolist()
        for place, count in zip(texts, found, strict=True):
            counts[place] = count
    return counts


def _seconds(time: datetime | None, field: str) -> float | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidInput(
            "time_without_zone", f"{field} has no time zone", field=field,
            mend="write it like 2026-11-22T10:00:00+08:00",
        )  # fmt: skip
    return time.timestamp()
