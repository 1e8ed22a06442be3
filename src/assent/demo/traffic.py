"""From PDUs to what people would say happened: messages, receipts, replies.

Reads the carriers' records and nothing else.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from assent.demo.records import Pdu, Port


@dataclass(slots=True)
class Message:
    """A message as its carrier saw it. `times`: when each part came in; `statuses`: what the
    carrier answered to each part (None: nothing); `stats`: what its receipts said."""

    carrier: str
    person: str
    port: str
    total: int
    parts: dict[int, str] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, int | str | None] = field(default_factory=dict)
    stats: dict[int, set[str]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text, of the parts that came."""
        return "".join(self.parts[number] for number in sorted(self.parts))

    @property
    def first(self) -> int:
        """When its first part came in."""
        return min(self.times.values())

    @property
    def taken(self) -> bool:
        """Whether all parts came and the carrier accepted each."""
        return len(self.parts) == self.total and all(s == 0 for s in self.statuses.values())

    @property
    def delivered(self) -> bool:
        """Whether every part was reported delivered."""
        return len(self.parts) == self.total and all(
            "DELIVRD" in self.stats.get(number, ()) for number in self.parts
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person wrote to a port; `t`: when its last part left the carrier."""

    t: int
    person: str
    port: str
    text: str


def person_of(number: str | None) -> str:
    """Return a number as eleven mainland digits or with its country code, "" for what is none."""
    digits = "".join(str(unicodedata.decimal(char)) for char in number or "" if char.isdecimal())
    digits = digits.removeprefix("00")
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return digits


def messages_of(pdus: Iterable[Pdu]) -> list[Message]:
    """Put messages together from SUBMIT PDUs, their answers and their reports, in order of time.

    A part with a number that its message has already begins another message.
    """
    messages: list[Message] = []
    open_: dict[tuple[object, ...], Message] = {}
    asked: dict[tuple[str, int, int], tuple[Message, int]] = {}
    named: dict[tuple[str, str], tuple[Message, int]] = {}
    early: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pdu in pdus:
        if pdu.command == "SUBMIT" and pdu.direction == "in":
            message, number = _message(pdu, open_, messages)
            asked[pdu.carrier, pdu.connection, pdu.sequence] = (message, number)
        elif pdu.command == "SUBMIT_RESP" and pdu.direction == "out":
            found = asked.get((pdu.carrier, pdu.connection, pdu.sequence))
            if found is None:
                continue
            message, number = found
            message.statuses[number] = pdu.status
            if pdu.message_id and pdu.status == 0:
                named[pdu.carrier, pdu.message_id] = found
                message.stats[number] = early.pop((pdu.carrier, pdu.message_id), set())
        elif pdu.command == "DELIVER" and pdu.direction == "out" and pdu.status is not None:
            key = (pdu.carrier, pdu.message_id or "")
            found = named.get(key)
            stats = early[key] if found is None else found[0].stats[found[1]]
            stats.add(str(pdu.status))
    return messages


def _message(
    pdu: Pdu, open_: dict[tuple[object, ...], Message], messages: list[Message]
) -> tuple[Message, int]:
    person, port = person_of(pdu.destination), pdu.source or ""
    reference, number, total = pdu.segment or (None, 1, 1)
    key = (pdu.carrier, person, port, reference, total)
    message = open_.get(key) if total > 1 else None
    if message is None or number in message.parts:
        message = open_[key] = Message(pdu.carrier, person, port, total)
        messages.append(message)
    message.parts[number] = pdu.text or ""
    message.times[number] = pdu.t
    message.statuses[number] = None
    return message, number


def replies_of(pdus: Iterable[Pdu], ports: Iterable[Port]) -> list[Reply]:
    """Put replies together from DELIVER PDUs; a redelivered part counts once."""
    numbers = sorted((port.port for port in ports), key=len, reverse=True)
    seen: set[tuple[str, str]] = set()
    parts: dict[tuple[object, ...], dict[int, Pdu]] = defaultdict(dict)
    replies: list[Reply] = []
    for pdu in pdus:
        if pdu.command != "DELIVER" or pdu.direction != "out" or pdu.status is not None:
            continue
        once = (pdu.carrier, pdu.message_id or "")
        if once in seen:
            continue
        seen.add(once)
        destination = pdu.destination or ""
        port = next((each for each in numbers if destination.startswith(each)), destination)
        reference, number, total = pdu.segment or (0, 1, 1)
        person = person_of(pdu.source)
        some = parts[person, port, reference, total, once[1] if total == 1 else None]
        some[number] = pdu
        if len(some) == total:
            text = "".join(some[place].text or "" for place in sorted(some))
            replies.append(Reply(max(each.t for each in some.values()), person, port, text))
            some.clear()
    return replies
