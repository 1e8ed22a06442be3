"""Were the promises kept? Judged from the records alone: no database, no policy of ours.

What refuses is decided by the plain word list below and not by assent.policy, so that a reply
which the platform misreads is found here. Every difference names what was promised, about whom
(the number masked), and when.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from assent.demo.records import Records, Submitted
from assent.demo.traffic import Message, Reply, messages_of, person_of, replies_of

_WORDS: Final = """
T TD N R Q QX BK TDDX TDHY STOP UNSUBSCRIBE CANCEL QUIT END STOPTHANKYOU TD谢谢 回复TD 回TD
退 退订 退定 取消 取消订阅 拒收 不要 不收 不需要 别发 停止 勿扰 屏蔽
"""
WHOLE: Final = frozenset(_WORDS.split())
"""Replies that refuse when they stand alone (rules.md 1H), width, case and marks aside."""

ANYWHERE: Final = ("退订", "退訂", "拒收", "不要再发", "别再发", "别发了", "投诉", "举报", "骚扰")
"""Words that refuse wherever they stand (rules.md 1H)."""

SHANGHAI: Final = timedelta(hours=8)
HOURS: Final = (8, 21)
_CONSENTED: Final = frozenset({"marketing", "internal"})
_MOST_TOLD: Final = 20


@dataclass(slots=True)
class Judgement:
    """What the records say: figures by name, and the promises that were not kept."""

    figures: dict[str, Any] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    """(person, group) → when the refusal left the carrier; replies only."""
    confirmed: dict[tuple[str, str], int] = field(default_factory=dict)
    """(person, group) → when its confirmation reached the carrier."""

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.differences


def refuses(text: str) -> bool:
    """Tell whether a plain reader would take a reply for a refusal."""
    folded = unicodedata.normalize("NFKC", text).upper()
    bare = "".join(char for char in folded if unicodedata.category(char)[0] in "LN")
    squeezed = "".join(
        char for place, char in enumerate(bare) if place == 0 or bare[place - 1] != char
    )
    return bare in WHOLE or squeezed in WHOLE or any(word in bare for word in ANYWHERE)


def judge(records: Records) -> Judgement:
    """Judge a run by its records."""
    check = _Check(records)
    check.run()
    return check.judgement


def masked(person: str) -> str:
    """Return a number as it may be shown."""
    return f"{person[:3]}****{person[-4:]}"


def percentile(values: list[float], share: float) -> float | None:
    """Return the smallest value that `share` of them do not exceed, None for none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 1).__int__() - 1)]


class _Check:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._ports = records.ports
        self.judgement = Judgement()
        self._figures = self.judgement.figures
        self._told: Counter[str] = Counter()

    def run(self) -> None:
        """Fill in the judgement."""
        judgement = self.judgement
        judgement.messages = messages_of(self._records.pdus)
        judgement.replies = replies_of(self._records.pdus, self._ports.values())
        known = []
        for message in judgement.messages:
            if message.port in self._ports:
                known.append(message)
            else:
                self._differ("unknown port", f"{message.port} wrote to {masked(message.person)}")
        by_purpose: dict[str, list[Message]] = defaultdict(list)
        for message in known:
            by_purpose[self._ports[message.port].purpose].append(message)
        marketing = [m for p in _CONSENTED for m in by_purpose[p]]
        marketing.sort(key=lambda message: message.first)
        self._count(known, marketing)
        self._texts(known)
        self._refusals(by_purpose["system"])
        self._standing(marketing)
        self._after_confirmation(marketing)
        self._once(marketing)
        self._arrivals(by_purpose)
        self._handed_in(marketing)

    def _differ(self, promise: str, detail: str) -> None:
        """Note a difference; of very many of a kind, the first ones."""
        self._told[promise] += 1
        if self._told[promise] <= _MOST_TOLD:
            self.judgement.differences.append(f"{promise}: {detail}")

    # Figures ---------------------------------------------------------------------------------

    def _count(self, known: list[Message], marketing: list[Message]) -> None:
        customers = [m for m in known if self._ports[m.port].purpose != "system"]
        figures = self._figures
        figures["submitted"] = len(customers)
        figures["delivered"] = sum(message.delivered for message in customers)
        figures["segments"] = sum(len(message.parts) for message in known)
        figures["marketing"] = len(marketing)
        for message in known:
            if any(status is None for status in message.statuses.values()):
                self._differ("unanswered", f"{_who(message)} was never answered by the carrier")
        # Seconds are counted in tenths in which marketing came in: pauses between campaigns
        # are not sending.
        busy = {time // 100_000_000 for m in marketing for time in m.times.values()}
        figures["messages_per_second"] = round(10 * len(marketing) / len(busy)) if busy else 0

    def _texts(self, known: list[Message]) -> None:
        for message in known:
            port = self._ports[message.port]
            if not message.text.startswith(f"【{port.signature}】"):
                self._differ("signature", f"{_who(message)} does not begin with its signature")
            hour = datetime.fromtimestamp(message.first / 1e9, UTC) + SHANGHAI
            if port.purpose == "marketing" and not HOURS[0] <= hour.hour < HOURS[1]:
                self._differ("quiet hours", f"{_who(message)} at {hour:%H:%M}")

    # Refusals --------------------------------------------------------------------------------

    def _refusals(self, confirmations: list[Message]) -> None:
        """Every refusal is confirmed exactly once, in the order in which a person refused."""
        asked: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for (person, group), t in self._all_refusals().items():
            asked[person].append((t, group))
        sent: dict[str, list[Message]] = defaultdict(list)
        for message in sorted(confirmations, key=lambda message: message.first):
            sent[message.person].append(message)
        for person in asked.keys() | sent.keys():
            self._confirmations(person, sorted(asked.get(person, [])), sent.get(person, []))
        judgement, figures = self.judgement, self._figures
        figures["replies"] = len(judgement.replies)
        figures["refusals"] = len(judgement.refused)
        figures["refusals_confirmed"] = len(judgement.refused.keys() & judgement.confirmed.keys())
        waits = [
            (judgement.confirmed[pair] - t) / 1e6
            for pair, t in judgement.refused.items()
            if pair in judgement.confirmed
        ]
        figures["confirmation_ms_p50"] = _rounded(percentile(waits, 0.5))
        figures["confirmation_ms_p99"] = _rounded(percentile(waits, 0.99))

    def _all_refusals(self) -> dict[tuple[str, str], int]:
        """Return when each person refused each group first: reported ones, and by reply."""
        known = {(person_of(person), group): t for t, group, person in self._records.refusals}
        for reply in self.judgement.replies:
            port = self._ports.get(reply.port)
            if port is not None and refuses(reply.text):
                self.judgement.refused.setdefault((reply.person, port.group), reply.t)
                known.setdefault((reply.person, port.group), reply.t)
        return known

    def _confirmations(self, person: str, asked: list[tuple[int, str]], got: list[Message]) -> None:
        if len(got) != len(asked):
            self._differ(
                "confirmed exactly once",
                f"{masked(person)} refused {len(asked)} and was confirmed {len(got)} times",
            )
        for (_, group), message in zip(asked, got, strict=False):
            self.judgement.confirmed[person, group] = message.first
            if not message.taken:
                self._differ("confirmed exactly once", f"{_who(message)} was not accepted")

    def _after_confirmation(self, marketing: list[Message]) -> None:
        """Nothing reaches a refused pair after its confirmation; each PDU counts."""
        count = 0
        for message in marketing:
            confirmed = self.judgement.confirmed.get((message.person, self._group(message)))
            if confirmed is None:
                continue
            late = [t for t in message.times.values() if t > confirmed]
            count += len(late)
            if late:
                self._differ(
                    "silence after the confirmation",
                    f"{_who(message)} {(min(late) - confirmed) / 1e6:.1f} ms after it",
                )
        self._figures["sent_after_confirmation"] = count

    def _standing(self, marketing: list[Message]) -> None:
        """Nothing reaches a person who had not agreed before, or who had refused elsewhere."""
        agreed: dict[tuple[str, str], int] = {}
        for t, sender, person in self._records.consents:
            agreed.setdefault((person_of(person), sender), t)
        ended = {(person_of(p), group): t for t, group, p in self._records.refusals}
        count = 0
        for message in marketing:
            pair = (message.person, self._ports[message.port].sender)
            since, until = agreed.get(pair), ended.get((message.person, self._group(message)))
            for t in message.times.values():
                if since is None or t < since or (until is not None and t > until):
                    count += 1
                    self._differ("standing", f"{_who(message)} without consent")
        self._figures["sent_without_standing"] = count

    def _group(self, message: Message) -> str:
        return self._ports[message.port].group

    # Once, and all of them -------------------------------------------------------------------

    def _once(self, marketing: list[Message]) -> None:
        """No text twice to a person; at most one marketing message a sender, person and day."""
        texts: Counter[tuple[str, str, str]] = Counter()
        days: Counter[tuple[str, str, str]] = Counter()
        for message in marketing:
            if any(status not in (0, None) for status in message.statuses.values()):
                continue  # the carrier did not take it: it was not sent
            sender = self._ports[message.port].sender
            day = f"{datetime.fromtimestamp(message.first / 1e9, UTC) + SHANGHAI:%Y-%m-%d}"
            texts[message.port, message.person, message.text] += 1
            days[sender, message.person, day] += 1
        for (port, person, _), count in texts.items():
            if count > 1:
                self._differ("never twice", f"{port} wrote the same to {masked(person)} {count}×")
        for (sender, person, day), count in days.items():
            if count > 1:
                self._differ("cap", f"{sender} wrote to {masked(person)} {count}× on {day}")

    def _arrivals(self, by_purpose: dict[str, list[Message]]) -> None:
        """Every code and notice handed in reaches its carrier, once; codes quickly."""
        waits: list[float] = []
        for purpose in ("verification", "notification"):
            came: dict[tuple[str, str], list[Message]] = defaultdict(list)
            for message in by_purpose[purpose]:
                came[self._ports[message.port].sender, message.person].append(message)
            asked: dict[tuple[str, str], list[Submitted]] = defaultdict(list)
            for row in self._records.submitted:
                if row.purpose == purpose:
                    asked[row.sender, person_of(row.person)].append(row)
            for pair in asked.keys() | came.keys():
                rows, got = asked.get(pair, []), came.get(pair, [])
                if len(rows) != len(got) or not all(message.taken for message in got):
                    self._differ(
                        f"every {purpose} arrives",
                        f"{len(rows)} to {masked(pair[1])} handed in, "
                        f"{sum(message.taken for message in got)} of {len(got)} accepted",
                    )
                if purpose == "verification":
                    waits += [
                        (message.first - row.t) / 1e6
                        for row, message in zip(sorted(rows, key=_t), got, strict=False)
                        if row.order == "codes"
                    ]
            self._figures[f"{purpose}s"] = len(by_purpose[purpose])
        self._figures["codes_timed"] = len(waits)
        self._figures["code_latency_ms_p50"] = _rounded(percentile(waits, 0.5))
        self._figures["code_latency_ms_p99"] = _rounded(percentile(waits, 0.99))

    def _handed_in(self, marketing: list[Message]) -> None:
        """Nobody gets what was not handed in for her."""
        asked: dict[tuple[str, str], int] = {}
        for row in self._records.submitted:
            if row.purpose in _CONSENTED:
                asked.setdefault((person_of(row.person), row.sender), row.t)
        for message in marketing:
            t = asked.get((message.person, self._ports[message.port].sender))
            if t is None or message.first < t:
                self._differ("only what was ordered", f"{_who(message)} was never handed in")


def reached(judgement: Judgement, ports: Iterable[str], people: Iterable[str]) -> set[str]:
    """Return which of `people` some ports wrote to, as far as the carrier took it."""
    wanted, numbers = set(people), set(ports)
    return {
        message.person
        for message in judgement.messages
        if message.port in numbers and message.person in wanted and message.taken
    }


def _t(row: Submitted) -> int:
    return row.t


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _who(message: Message) -> str:
    return f"{message.port} to {masked(message.person)} at {message.carrier}"
