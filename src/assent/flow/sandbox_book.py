"""What the sandbox remembers of one account, within bounds; the oldest is forgotten first."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput
from assent.flow.answers import OrderAnswer
from assent.flow.magic_numbers import Outcome
from assent.flow.render import placeholders
from assent.flow.sandbox_order import PRICE_MICRO, Road, SandboxJudged, SandboxReceiver
from assent.message import FINAL, Purpose, State, batch_id, message_id
from assent.numbers import Fault, mask
from assent.policy.filing import Relation

MOST_MESSAGES: Final = 20_000
MOST_ORDERS: Final = 2_000
MOST_AUDIENCES: Final = 10
MOST_CAMPAIGNS: Final = 100
MOST_KEYS: Final = 2_000
MOST_EVENTS: Final = 20_000
MOST_REFUSED: Final = 10_000
FIRST_BALANCE: Final = 10**12
_SETTLE_EVERY_S: Final = 0.1

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """A table that forgets its oldest rows."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: OrderedDict[Any, Kept] = OrderedDict()

    def all(self) -> list[Kept]:
        """Return the rows, the oldest first."""
        return list(self._rows.values())

    def get(self, key: object) -> Kept | None:
        """Return a row, None when there is none."""
        return self._rows.get(key)

    def put(self, key: object, row: Kept) -> None:
        """Keep a row."""
        self._rows[key] = row
        if len(self._rows) > self._limit:
            self._rows.popitem(last=False)

    def drop(self, key: object) -> None:
        """Forget a row."""
        self._rows.pop(key, None)


class Log:
    """A feed: items numbered through, the oldest forgotten."""

    def __init__(self) -> None:
        self._items: deque[tuple[int, dict[str, Any]]] = deque(maxlen=MOST_EVENTS)
        self._numbers = count(1)

    def add(self, item: dict[str, Any]) -> None:
        """Append an item."""
        self._items.append((next(self._numbers), item))

    def page(self, cursor: int, limit: int) -> dict[str, Any]:
        """Return the items after a cursor."""
        after = [pair for pair in self._items if pair[0] > cursor]
        page = after[:limit]
        return {
            "items": [item for _, item in page],
            "cursor": page[-1][0] if page else cursor,
            "more": len(after) > len(page),
        }


@dataclass(slots=True)
class SandboxMessage:
    """A message that is acted out. `begins`: when it may leave; None while its campaign rests."""

    id: int
    order: int
    campaign: int | None
    row: int
    number: int
    purpose: Purpose
    segments: int
    outcome: Outcome
    accepted: float
    expires: float
    begins: float | None
    left: float = 0.0  # seconds that had passed when its campaign was paused
    told: State = State.QUEUED
    replied: bool = False

    def seconds(self, now: float) -> float:
        """Return for how long the message could have left."""
        return self.left if self.begins is None else now - self.begins

    def state(self, now: float) -> State:
        """Return where the message stands."""
        if self.told is State.CANCELLED:
            return State.CANCELLED
        return self.outcome.state(self.seconds(now))

    def shown(self, now: float) -> dict[str, Any]:
        """Return the message as GET /v1/messages/{id} tells it, and what its number acts out."""
        attempted = next((t for t, s in self.outcome.steps if s is State.ATTEMPTED), None)
        tried = attempted is not None and self.seconds(now) >= attempted
        state = self.state(now)
        begins = self.begins if self.begins is not None else now
        attempts = [{"at": moment(begins + (attempted or 0.0)), "try": 0}] if tried else []
        return {
            "id": str(self.id),
            "order": str(self.order),
            "to": mask(self.number),
            "purpose": self.purpose.name.lower(),
            "state": (State.QUEUED if state is State.CANCELLED else state).name.lower(),
            "segments": self.segments,
            "price_micro": PRICE_MICRO * self.segments,
            "row": self.row,
            "accepted_at": moment(self.accepted),
            "not_before": moment(begins),
            "expires_at": moment(self.expires),
            "campaign": str(self.campaign) if self.campaign is not None else None,
            "video": None,
            "attempts": attempts,
            "sandbox": self.outcome.words,
        }


@dataclass(slots=True)
class SandboxOrder:
    """What GET /v1/orders/{id} tells of an order, and its messages."""

    facts: dict[str, Any]
    messages: list[int]


@dataclass(slots=True)
class Audience:
    """An audience that was uploaded with a sandbox key."""

    id: int
    name: str
    statement: str
    relation: Relation
    state: str = "loading"
    columns: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    values: list[dict[str, str]] = field(default_factory=list)
    wrong: list[tuple[int, int]] = field(default_factory=list)
    total: int = 0

    def add(
        self, rows: npt.NDArray[np.uint32], numbers: npt.NDArray[np.uint64],
        faults: npt.NDArray[np.uint8], variables: dict[str, list[str]] | None,
    ) -> None:  # fmt: skip
        """Keep the rows with numbers, and count the others."""
        self.total += len(rows)
        for place, row in enumerate(rows.tolist()):
            if faults[place]:
                self.wrong.append((row, int(faults[place])))
                continue
            self.rows.append(row)
            self.numbers.append(int(numbers[place]))
            self.values.append({k: v[place] for k, v in (variables or {}).items()})

    def fail(self) -> None:
        """Give the audience up."""
        self.state = "failed"
        for column in (self.rows, self.numbers, self.values, self.wrong):
            column.clear()

    def receivers(self, text: str) -> list[SandboxReceiver]:
        """Return the receivers of a campaign. Raises InvalidInput for a missing column."""
        missing = [name for name in placeholders(text) if name not in self.columns]
        if missing:
            raise InvalidInput(
                "missing_variable", f"the text uses {{{missing[0]}}}, a column the audience lacks",
                field="text", mend=f"the audience has: {', '.join(self.columns) or 'none'}",
            )  # fmt: skip
        return [
            SandboxReceiver(row, number, 0, values)
            for row, number, values in zip(self.rows, self.numbers, self.values, strict=True)
        ]

    def shown(self) -> dict[str, Any]:
        """Return the audience as GET /v1/audiences/{id} tells it."""
        faults = Counter(Fault(fault).name.lower() for _, fault in self.wrong)
        return {
            "id": str(self.id),
            "name": self.name,
            "statement": self.statement,
            "relation": self.relation.value,
            "state": self.state,
            "rows": self.total,
            "wrong": len(self.wrong),
            "columns": self.columns,
            "faults": dict(faults),
        }


@dataclass(slots=True)
class Campaign:
    """A campaign that is acted out."""

    id: int
    name: str
    audience: Audience
    answer: OrderAnswer
    state: str = "running"
    messages: list[SandboxMessage] = field(default_factory=list)

    def steer(self, state: str, now: float) -> None:
        """Pause, resume or stop: what has not left waits, goes on, or is cancelled."""
        for message in self.messages:
            if state == "running" and message.begins is None:
                message.begins = now - message.left
            elif state != "running" and message.state(now) is State.QUEUED:
                message.left = min(message.seconds(now), message.left or message.seconds(now))
                message.begins = None
                if state == "stopped":
                    message.told = State.CANCELLED
        self.state = state

    def shown(self, now: float) -> dict[str, Any]:
        """Return the campaign as GET /v1/campaigns/{id} tells it."""
        states = Counter(message.state(now) for message in self.messages)
        states[State.QUEUED] += states.pop(State.CANCELLED, 0)
        over = all(message.seconds(now) >= message.outcome.last for message in self.messages)
        return {
            "id": str(self.id),
            "name": self.name,
            "state": "done" if self.state == "running" and over else self.state,
            "audience": str(self.audience.id),
            "receivers": self.audience.total - len(self.audience.wrong),
            "wrong": len(self.audience.wrong),
            "judged": self.answer.receivers,
            "allowed": self.answer.allowed,
            "rejected": self.answer.rejected,
            "cost_micro": self.answer.cost_micro,
            "reasons": self.answer.reasons,
            "states": {state.name.lower(): n for state, n in states.items() if n},
            "held": 0,
            "held_for": {},
        }


class Book:
    """One account in the sandbox. `road`: what its texts are counted by."""

    def __init__(self, clock: Clock, road: Road | None = None) -> None:
        self.clock = clock
        self.road = road or Road()
        self.balance = FIRST_BALANCE
        self.messages: Shelf[SandboxMessage] = Shelf(MOST_MESSAGES)
        self.orders: Shelf[SandboxOrder] = Shelf(MOST_ORDERS)
        self.audiences: Shelf[Audience] = Shelf(MOST_AUDIENCES)
        self.campaigns: Shelf[Campaign] = Shelf(MOST_CAMPAIGNS)
        self.feeds = {"receipts": Log(), "replies": Log()}
        self.refused: OrderedDict[int, None] = OrderedDict()
        self._open: Shelf[SandboxMessage] = Shelf(MOST_MESSAGES)
        self._keys: Shelf[tuple[bytes, bytes]] = Shelf(MOST_KEYS)
        self._counter = count()
        self._due_at = 0.0  # nothing is due before

    def new_id(self) -> int:
        """Return an id of the shape that batches have."""
        return batch_id(self.clock.now_ms(), next(self._counter))

    def repeated(self, key: str | None, sha: bytes) -> bytes | None:
        """Return the first answer for a key. Raises Conflict for another body."""
        kept = self._keys.get(key) if key is not None else None
        if kept is None:
            return None
        if kept[0] != sha:
            raise Conflict(
                "idempotency_key_reused", "this key was used with another body",
                field="Idempotency-Key", mend="use a new key for a new request",
            )  # fmt: skip
        return kept[1]

    def remember(self, key: str | None, sha: bytes, answer: bytes) -> bytes:
        """Keep an answer under its key, and return it."""
        if key is not None:
            self._keys.put(key, (sha, answer))
        return answer

    def accept(self, judged: SandboxJudged, campaign: int | None = None) -> list[SandboxMessage]:
        """Give a judged order its ids and begin to act it out; return its messages."""
        judged.id = self.new_id()
        batch = self.new_id()
        messages = []
        for place, line in enumerate(judged.allowed):
            line.id = message_id(batch, 0) + place
            begins = line.not_before if line.not_before is not None else judged.begins
            message = SandboxMessage(
                line.id, judged.id, campaign, line.row, line.number, judged.purpose,
                line.segments, line.outcome, judged.at, judged.expires, begins,
            )  # fmt: skip
            messages.append(message)
            self.messages.put(line.id, message)
            self._open.put(line.id, message)
        answer = judged.answer(lines=0)
        self.balance -= judged.cost
        facts = {
            "id": answer.id, "purpose": answer.purpose, "receivers": answer.receivers,
            "allowed": answer.allowed, "rejected": answer.rejected,
            "cost_micro": answer.cost_micro, "at": moment(judged.at), "reasons": answer.reasons,
            "rulebook": "sandbox",
        }  # fmt: skip
        self.orders.put(judged.id, SandboxOrder(facts, [line.id for line in judged.allowed]))
        return messages

    def refuse(self, number: int) -> None:
        """Note that a person refused marketing."""
        self.refused[number] = None
        if len(self.refused) > MOST_REFUSED:
            self.refused.popitem(last=False)

    def forgive(self, numbers: Iterable[int]) -> None:
        """Note that people agreed anew."""
        for number in numbers:
            self.refused.pop(number, None)

    def settle(self) -> None:
        """Tell the feeds what became due since the last time."""
        now = self.clock.now()
        if now < self._due_at:
            return
        self._due_at = now + _SETTLE_EVERY_S
        due: list[tuple[float, int, str, dict[str, Any]]] = []
        for message in self._open.all():
            if message.told is State.CANCELLED:
                self._open.drop(message.id)
                continue
            due += self._due(message, now)
            if message.begins is not None and message.seconds(now) >= message.outcome.last:
                self._open.drop(message.id)
        for _, _, kind, item in sorted(due, key=lambda one: one[:2]):
            self.feeds[kind].add(item)

    def _due(
        self, message: SandboxMessage, now: float
    ) -> list[tuple[float, int, str, dict[str, Any]]]:
        state = message.state(now)
        begins, found = message.begins or now, []
        if state in FINAL and message.told is not state:
            message.told = state
            at = begins + message.outcome.steps[-1][0]
            item = {"id": str(message.id), "state": state.name.lower(), "at": moment(at)}
            found.append((at, message.id, "receipts", item))
        reply = message.outcome.reply
        if reply is not None and not message.replied and message.seconds(now) >= reply[0]:
            message.replied = True
            if message.outcome.refuses:
                # As in earnest: who refused is not told by the feed.
                self.refuse(message.number)
            else:
                at = begins + reply[0]
                item = {
                    "id": str(message.id), "from": str(message.number), "port": "sandbox",
                    "text": reply[1], "intent": "none", "at": moment(at),
                }  # fmt: skip
                found.append((at, message.id, "replies", item))
        return found


def moment(seconds: float) -> datetime:
    """Return a time as answers tell it."""
    return datetime.fromtimestamp(seconds, UTC)
