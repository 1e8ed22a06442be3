"""What a run came to: the carriers' records beside the platform's own books, and the differences.

check.py judges the promises by the records; here the books must agree with them: counts, states
and money to the last micro-yuan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from assent.demo import cast
from assent.demo.books import Books
from assent.demo.cast import BOOKS, MALL, MARKET
from assent.demo.check import Judgement, reached
from assent.demo.play import Told
from assent.demo.scenario import Scenario
from assent.demo.traffic import Message, person_of
from assent.message import State
from assent.numbers import NumberTable

MAKES_UP: Final = ("submitted", "cancelled_in_queue", "withheld", "over_cap_late", "expired")
"""What becomes of allowed messages: these figures add up to `allowed`."""


@dataclass(slots=True)
class Outcome:
    """A run. `rejected` by inner reason code, wrong rows of uploads included; `carriers` and
    `provinces`: name → counts, for the charts."""

    seed: int
    judgement: Judgement
    books: Books
    told: Told
    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    carriers: dict[str, Counter[str]] = field(default_factory=dict)
    provinces: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether all promises were kept and the books agree."""
        return not self.differences


def weigh(
    scenario: Scenario, judgement: Judgement, books: Books, told: Told, seconds: float
) -> Outcome:
    """Put a run together and find what does not agree."""
    outcome = Outcome(scenario.seed, judgement, books, told, seconds)
    outcome.differences += judgement.differences
    _arrival(outcome)
    _rejections(outcome)
    _figures(outcome)
    _groups(outcome, scenario)
    _money(outcome)
    _charts(outcome)
    return outcome


def _arrival(outcome: Outcome) -> None:
    arrival = outcome.told.arrival
    if arrival is None:
        outcome.differences.append("sign-up: nobody came")
    else:
        outcome.differences += arrival.differences()


def _rejections(outcome: Outcome) -> None:
    for order in outcome.books.customers:
        outcome.rejected.update(order.reasons)
    for wrong in outcome.told.wrong.values():
        outcome.rejected.update(wrong)


def _figures(outcome: Outcome) -> None:
    books, records = outcome.books, outcome.judgement.figures
    recipients = sum(outcome.told.handed_in.values())
    figures: dict[str, Any] = {
        "recipients": recipients,
        "allowed": sum(order.allowed for order in books.customers),
        "rejected": dict(outcome.rejected.most_common()),
        "submitted": records["submitted"],
        "delivered": records["delivered"],
        "replies": records["replies"],
        "refusals": records["refusals"],
        "refusals_confirmed": records["refusals_confirmed"],
        "confirmations_unsure": books.total(State.UNSURE, system=True),
        "cancelled_in_queue": books.total(State.CANCELLED),
        "withheld": books.total(State.WITHHELD),
        "over_cap_late": books.total(State.OVER_CAP),
        "expired": books.total(State.EXPIRED),
        "unsure": books.total(State.UNSURE),
        "unaccounted": books.unaccounted,
    }
    arrival = outcome.told.arrival
    if arrival is not None:
        figures |= {"signed_up": arrival.status, "mails": arrival.mails,
                    "unverified_refused": arrival.refused}  # fmt: skip
    figures["consents_reviewed"] = len(outcome.told.released)
    if outcome.told.refusers:
        figures["evidence"] = outcome.told.evidence
        if outcome.told.evidence != "valid":
            outcome.differences.append(f"evidence: {outcome.told.evidence}")
    outcome.figures = {**records, **figures, "seed": outcome.seed, "seconds": outcome.seconds}
    judged = figures["allowed"] + outcome.rejected.total()
    _equal(outcome, "everybody judged", "handed in", recipients, "allowed and rejected", judged)
    became = sum(figures[name] for name in MAKES_UP)
    _equal(outcome, "accounted for", "allowed", figures["allowed"], "sent or ended", became)
    _equal(outcome, "accounted for", "open messages", figures["unaccounted"], "expected", 0)
    states = books.total(State.DELIVERED)
    _equal(outcome, "receipts", "delivered, books", states, "records", records["delivered"])


def _groups(outcome: Outcome, scenario: Scenario) -> None:
    """The second campaign leaves refusers alone; the other sender, codes, notices reach them."""
    judgement, figures = outcome.judgement, outcome.figures
    refused = {person for person, group in judgement.refused if group == MALL.group}
    missed = refused - set(outcome.told.refusers)
    if missed:
        outcome.differences.append(f"refusals: {len(missed)} came after the second campaign began")
    agreed = {number for number, _ in scenario.consents[BOOKS.code]}
    expected = refused & agreed & {row.number for row in scenario.readers}
    got = reached(judgement, [BOOKS.ports["marketing"]], expected)
    _equal(outcome, "another sender still reaches", "asked", len(expected), "reached", len(got))
    second = reached(judgement, [MARKET.ports["marketing"]], refused)
    figures["left_alone"] = len(refused)
    figures["sibling_before_refusal"] = len(second)
    figures["other_sender_expected"], figures["other_sender_reached"] = len(expected), len(got)
    for name, purpose, people in (
        ("notices_afterwards", "notification", set(outcome.told.refusers)),
        ("codes_afterwards", "verification", set(outcome.told.codes_afterwards)),
    ):
        count = len(reached(judgement, [MALL.ports[purpose]], people))
        _equal(outcome, f"{name} reach refusers", "sent", len(people), "reached", count)
        figures[name] = count


def _money(outcome: Outcome) -> None:
    """Each account's books add up, and what was charged is what its carriers accepted."""
    accepted: Counter[str] = Counter()
    for message in outcome.judgement.messages:
        sender = _SENDER_OF.get(message.port)
        if sender is not None:
            accepted[sender.account] += sum(s == 0 for s in message.statuses.values())
    for money in outcome.books.money:
        if money.account == cast.OPERATOR:
            continue
        stands = money.available + money.reserved + money.revenue + money.released
        what = f"money of {money.account}"
        _equal(outcome, what, "deposited", money.deposited, "stands", stands)
        _equal(outcome, what, "visible", money.visible, "available", money.available)
        charged = money.price * accepted[money.account]
        _equal(outcome, what, "charged", money.revenue, "price × segments accepted", charged)
        unsure = money.price * outcome.figures["unsure"]
        if money.reserved and not unsure:
            _equal(outcome, what, "reserved", money.reserved, "expected", 0)
    outcome.figures["revenue_micro"] = sum(money.revenue for money in outcome.books.money)
    outcome.figures["released_micro"] = sum(money.released for money in outcome.books.money)


_SENDER_OF: Final = {number: sender for sender in cast.SENDERS for number in sender.ports.values()}


def _charts(outcome: Outcome) -> None:
    table = NumberTable.load()
    carriers: dict[str, Counter[str]] = {name: Counter() for name in cast.CARRIERS}
    provinces: dict[str, Counter[str]] = defaultdict(Counter)
    judgement = outcome.judgement
    people = sorted({message.person for message in judgement.messages})
    numbers = np.array([int(_e164(person)) for person in people], np.uint64)
    places = dict(zip(people, table.lookup(numbers).province.tolist(), strict=True))

    def province(person: str) -> Counter[str]:
        name = table.provinces[places.get(person, 0)]
        return provinces[f"{name.zh} {name.en}".strip() or "其他 elsewhere"]

    for message in judgement.messages:
        kind = _fate(message)
        carriers[message.carrier][kind] += 1
        province(message.person)[kind] += 1
    for person, _ in judgement.refused:
        province(person)["refused"] += 1
    outcome.carriers = carriers
    outcome.provinces = dict(sorted(provinces.items(), key=lambda one: -one[1].total()))


def _fate(message: Message) -> str:
    return "delivered" if message.delivered else "not delivered"


def _e164(person: str) -> str:
    return person if len(person) != 11 else f"86{person_of(person)}"


def _equal(outcome: Outcome, promise: str, left: str, a: int, right: str, b: int) -> None:
    if a != b:
        outcome.differences.append(f"{promise}: {left} {a:,}, {right} {b:,}")
