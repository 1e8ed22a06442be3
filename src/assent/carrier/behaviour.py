"""How a script is acted out: what becomes of each submit, and who answers it.

No socket here. All chance comes from generators seeded by (seed, carrier, concern), so that a
changed reply rule does not shuffle the receipts.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from assent.carrier.script import Delay, Reply, Script, chooser, draw_delay

if TYPE_CHECKING:
    from assent.carrier.mailbox import Account
    from assent.carrier.speech import Speech
    from assent.wire.pdus import SubmitPdu

OPEN_MESSAGES: Final = 10_000
"""Long messages of which segments are missing; beyond it the oldest is forgotten."""


MAINLAND: Final = 11
"""Digits of a mainland mobile number."""


class Outcome(NamedTuple):
    """What becomes of one accepted message (segment) to one person. Delays in seconds from its
    answer; `early` means before it. `copies` of the report are sent, 0 when none is."""

    stat: bytes
    delay: float
    early: bool
    copies: int


class PlannedReply(NamedTuple):
    """Someone will write `text` from `person` to `access` in `delay` seconds."""

    delay: float
    person: str
    access: str
    text: str


def matches(pattern: re.Pattern[str], number: str) -> bool:
    """Whether a number matches as it stands or, a mainland one, without its country: scripts are
    the same for dialects that write the 86 and for those that do not."""
    if pattern.search(number):
        return True
    bare = number.removeprefix("+").removeprefix("86")
    return len(bare) == MAINLAND < len(number) and pattern.search(bare) is not None


class _Rule:
    """A reply rule, compiled."""

    def __init__(self, reply: Reply, rng: Random) -> None:
        self.reply = reply
        self.text = re.compile(reply.text) if reply.text else None
        self.numbers = re.compile(reply.numbers) if reply.numbers else None
        self.choose = chooser(reply.texts, rng)
        self.done: Counter[str] = Counter()


class Behaviour:
    """One script in action at one carrier."""

    def __init__(self, script: Script, seed: str, speech: Speech) -> None:
        self.script = script
        self._speech = speech
        code = script.answers.throttle_code
        self._throttle_code = speech.flow_control if code is None else code
        self._answer_rng = Random(f"{seed}:answers")
        self._receipt_rng = Random(f"{seed}:receipts")
        self._reply_rng = Random(f"{seed}:replies")
        self._rules = [_Rule(reply, self._reply_rng) for reply in script.replies]
        self._refusals = [
            (refusal.code, refusal.share, re.compile(refusal.numbers or ""))
            for refusal in script.answers.refusals
        ]
        self._fates = [
            (re.compile(fate.numbers), fate.stat.encode()) for fate in script.receipts.numbers
        ]
        self._stat = chooser(script.receipts.stats, self._receipt_rng)
        self._open: OrderedDict[tuple[str, str, int, int], dict[int, tuple[str, bool]]]
        self._open = OrderedDict()
        receipts = script.receipts
        self._usual: Outcome | None = None
        steady = len([w for w in receipts.stats.values() if w > 0]) == 1
        chance = receipts.share < 1 or receipts.early or receipts.late or receipts.duplicate
        chance = chance or bool(self._fates)
        self.sure_stat: bytes | None = None
        """What every report says, where the script leaves that to no chance."""
        if steady and not chance:
            # Nothing is left to chance, so nothing is drawn.
            self.sure_stat = self._stat().encode()
            if isinstance(receipts.delay, int | float):
                self._usual = Outcome(self.sure_stat, float(receipts.delay), False, 1)

    def delays(self, count: int) -> list[float]:
        """Return the delays of the next `count` reports, in seconds."""
        delay = self.script.receipts.delay
        if not isinstance(delay, Delay):
            return [float(delay)] * count
        rng = self._receipt_rng
        return [delay.draw(rng) for _ in range(count)]

    @property
    def anyone_answers(self) -> bool:
        """Whether there are reply rules at all."""
        return bool(self._rules)

    def latency(self) -> float:
        """Return the seconds until the next answer."""
        return draw_delay(self.script.answers.latency, self._answer_rng)

    def results(self, submits: list[SubmitPdu], account: Account, now_s: float) -> list[int]:
        """Return the result of each submit: 0 or the code of its refusal."""
        answers = self.script.answers
        count = len(submits)
        results = [0] * count
        if answers.throttle_per_s is not None:
            room = account.room(now_s, count, answers.throttle_per_s)
            results[room:] = [self._throttle_code] * (count - room)
        for code, share, numbers in self._refusals:
            for place, submit in enumerate(submits):
                if results[place] or (share < 1 and self._answer_rng.random() >= share):
                    continue
                if any(matches(numbers, number) for number in submit.destinations):
                    results[place] = code
        return results

    def outcome(self, person: str) -> Outcome:
        """Return what becomes of one accepted message to a person."""
        if self._usual is not None:
            return self._usual
        rng = self._receipt_rng
        receipts = self.script.receipts
        stat = self._stat().encode()
        for pattern, fated in self._fates:
            if matches(pattern, person):
                stat = fated
                break
        if receipts.share < 1 and rng.random() >= receipts.share:
            return Outcome(stat, 0.0, False, 0)
        copies = 2 if receipts.duplicate and rng.random() < receipts.duplicate else 1
        if receipts.early and rng.random() < receipts.early:
            return Outcome(stat, 0.0, True, copies)
        late = receipts.late and rng.random() < receipts.late
        delay = draw_delay(receipts.late_delay if late else receipts.delay, rng)
        return Outcome(stat, delay, False, copies)

    def replies(self, submit: SubmitPdu, person: str, delivered: bool) -> Iterator[PlannedReply]:
        """Yield the replies to a message; to a long one when its last segment has come."""
        access = submit.src_id
        text: str | None = None
        if self._speech.is_part(submit):
            text, segment = self._speech.read(submit)
            if segment is not None:
                whole = self._completed(access, person, segment, text or "", delivered)
                if whole is None:
                    return
                text, delivered = whole
        if not delivered:
            return
        for rule in self._rules:
            # Most people do not answer: draw first, read the text only when it matters.
            if rule.reply.share < 1 and self._reply_rng.random() >= rule.reply.share:
                continue
            if text is None and rule.text is not None:
                text = self._speech.read(submit)[0] or ""
            planned = self._reply(rule, access, person, text or "")
            if planned is not None:
                yield planned

    def _completed(
        self,
        access: str,
        person: str,
        segment: tuple[int, int, int],
        text: str,
        delivered: bool,
    ) -> tuple[str, bool] | None:
        """Return (text, all delivered) of the long message that this segment completes."""
        reference, number, total = segment
        key = (access, person, reference, total)
        parts = self._open.setdefault(key, {})
        parts[number] = (text, delivered)
        if len(parts) < total:
            if len(self._open) > OPEN_MESSAGES:
                self._open.popitem(last=False)
            return None
        del self._open[key]
        ordered = [parts[place] for place in sorted(parts)]
        return "".join(part for part, _ in ordered), all(arrived for _, arrived in ordered)

    def _reply(self, rule: _Rule, access: str, person: str, text: str) -> PlannedReply | None:
        reply = rule.reply
        if not access.startswith(reply.source_prefix):
            return None
        if reply.times and rule.done[person] >= reply.times:
            return None
        if rule.text is not None and not rule.text.search(text):
            return None
        if rule.numbers is not None and not matches(rule.numbers, person):
            return None
        rule.done[person] += 1
        delay = draw_delay(reply.delay, self._reply_rng)
        return PlannedReply(delay, person, access, rule.choose())
