"""What people do with the messages that carriers bring: nothing mostly; some refuse, some complain,
some answer the platform's questions. They know what they agreed to; the platform does not.

People are seen through the carriers' own record of PDUs, and answer through the carrier.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from assent.clock import Clock
from assent.quarter.cast import Sender
from assent.quarter.population import belongs_to_nobody
from assent.quarter.register import SERVICE_PORT

_AUDIT: Final = re.compile(r"】(.+?)称您曾同意接收其短信")
_QUESTION: Final = re.compile(
    r"】(.+?)(?:请您确认是否同意|邀请您接收其内部通知).*?同意请回复Y(\d+)"
)
_REFUSALS: Final = ("TD", "TD", "TD", "td", "退订", "退订谢谢", "拒收", "R", "T", "N", "别再发了")
_ANSWERING: Final = 0.35
_PROTESTING: Final = 0.15
"""Shares of those who answer when the operator asks whether they agreed, and who say "never"."""
_TO_CENTRE: Final = 0.25
"""Share of complaints that go to 12321, which passes them on once a week."""
_COMPLAINING: Final = ("TD，再发就投诉", "再发就投诉你们", "退订，再发投诉")


@dataclass(frozen=True, slots=True)
class Mood:
    """How likely somebody refuses a message, or complains of it."""

    refuse: float
    complain: float


CALM: Final = {
    "marketing": Mood(0.004, 0.0002),
    "notification": Mood(0.0003, 0.00005),
    "verification": Mood(0.0, 0.00002),
    "internal": Mood(0.001, 0.0001),
}
"""What people do about messages that they wanted."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody told her carrier of a message, or 12321. `at`: seconds since 1970; `port`: who
    wrote."""

    at: float
    person: str
    carrier: str
    port: str
    text: str
    to_centre: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that left, as its carrier saw it."""

    at: float
    sender: str
    port: str
    person: str


@dataclass(slots=True)
class Receivers:
    """All people together."""

    seed: int
    answer: Callable[[str, str, str, str], None] = lambda carrier, person, port, text: None
    sent: list[Sent] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    agreed: set[tuple[str, str]] = field(default_factory=set)
    moods: dict[str, Mood] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _ports: dict[str, tuple[Sender, str]] = field(default_factory=dict)
    _later: list[tuple[str, str, str, str]] = field(default_factory=list)
    eye: Eye = field(init=False)
    _rng: Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = Random(f"quarter-{self.seed}-receivers")
        self.eye = Eye(self)

    def knows(self, sender: Sender) -> None:
        """Learn who writes from which port."""
        for purpose, number in sender.ports.items():
            self._ports[number] = (sender, purpose)

    def speak(self) -> int:
        """Let everybody answer who meant to; return how many did."""
        later, self._later = self._later, []
        for carrier, person, port, text in later:
            self.answer(carrier, person, port, text)
        return len(later)

    def take(self, record: dict[str, Any], at: float) -> None:
        """See a message on its way to somebody."""
        self.arrived += 1
        segment = record["segment"]
        if segment is not None and segment[1] != 1:
            return
        port, person = record["source"], record["destination"].removeprefix("86")
        text, carrier = record["text"] or "", record["carrier"]
        if port.startswith(SERVICE_PORT):
            self._asked(carrier, person, port, text)
            return
        known = self._ports.get(port)
        if known is None:
            return
        sender, purpose = known
        sent = Sent(at, sender.code, port, person)
        self.sent.append(sent)
        if not belongs_to_nobody(person):
            self._feel(self.moods.get(port) or CALM[purpose], sent, text, carrier)

    def _feel(self, mood: Mood, sent: Sent, text: str, carrier: str) -> None:
        rng, again = self._rng, sent.person in self.refused[sent.sender]
        if rng.random() < mood.complain * (2 if again else 1):
            self.counts["complaints"] += 1
            self.complaints.append(
                Complaint(
                    sent.at, sent.person, carrier, sent.port, text, rng.random() < _TO_CENTRE
                )
            )  # fmt: skip
        if rng.random() < mood.refuse:
            self.counts["refusals"] += 1
            self.refused[sent.sender].add(sent.person)
            words = rng.choice(_COMPLAINING if rng.random() < mood.complain else _REFUSALS)
            self._later.append((carrier, sent.person, sent.port, words))

    def _asked(self, carrier: str, person: str, port: str, text: str) -> None:
        """Answer a question of the platform's own, or say nothing."""
        if belongs_to_nobody(person):
            return
        rng = self._rng
        if found := _AUDIT.search(text):
            self.counts["audits"] += 1
            true = (found[1], person) in self.agreed
            if rng.random() < (_ANSWERING if true else _PROTESTING):
                self._later.append((carrier, person, port, "1" if true else "2"))
        elif found := _QUESTION.search(text):
            self.counts["questions"] += 1
            if (found[1], person) in self.agreed:
                self._later.append((carrier, person, port, f"Y{found[2]}"))
            elif rng.random() < 0.3:
                self._later.append((carrier, person, port, f"N{found[2]}"))


class Eye:
    """The carriers' record of PDUs, of which people are told what is for them."""

    def __init__(self, receivers: Receivers) -> None:
        self.clock: Clock
        self._receivers = receivers

    def add(self, record: dict[str, Any]) -> None:
        """Take one PDU."""
        if record["direction"] == "in" and record["command"] == "SUBMIT":
            self._receivers.take(record, record["t"] / 1e9)
