"""What an examination lists: one row for all messages of a text from a port by a customer that
should not have gone, for the same reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.errors import Conflict
from assent.message import UNSENT, Purpose, message_id

MOST: Final = 5_000
"""Rows of one examination; more is refused, so that nothing is left out silently."""
REFERENCES: Final = 100_000
"""Batches that one examination names; those after them are counted."""
_EXAMPLES: Final = 20
_PARTS: Final = 64

Key = tuple[Any, ...]


class Heads:
    """Counts different people in bounded steps: at most 4 octets for each."""

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.uint32]] = []

    def add(self, people: npt.NDArray[np.uint32]) -> None:
        """Take in some."""
        self._parts.append(people)
        if len(self._parts) > _PARTS:
            self._parts = [np.unique(np.concatenate(self._parts))]

    def __len__(self) -> int:
        if not self._parts:
            return 0
        together = np.unique(np.concatenate(self._parts))
        return len(together) - int(together[0] == 0)


@dataclass(slots=True)
class Listed:
    """Messages that should not have gone. `reasons`: {code, severity, en, zh, rules, source, spans,
    owner}; `source` is `screening`, `rulebook`, `ledger` or `review`. `digest`: by which the text
    can be found by who has the vault, not read."""

    port_id: int
    account_id: int
    sender_id: int
    purpose: Purpose
    kind: str
    verdict: str
    reasons: Sequence[Mapping[str, Any]]
    category: str
    spam: float
    digest: bytes
    text: str
    messages: int = 0
    not_sent: int = 0
    people: Heads = field(default_factory=Heads)
    first_at: datetime | None = None
    last_at: datetime | None = None
    rulebooks: Counter[str] = field(default_factory=Counter)
    screenings: Counter[str] = field(default_factory=Counter)
    positions: tuple[int, int] = (0, 0)
    campaigns: dict[int, None] = field(default_factory=dict)
    submissions: dict[int, None] = field(default_factory=dict)
    batches: list[dict[str, Any]] = field(default_factory=list)
    batches_left_out: int = 0

    def take(
        self, row: Any, slots: npt.NDArray[np.intp], people: npt.NDArray[np.uint32],
        states: npt.NDArray[np.uint8] | None, screening: str, room: bool,
    ) -> bool:  # fmt: skip
        """Add messages of a batch. `states`: of each of its messages, if they are known; `room`:
        whether one more batch may be named. Returns whether it was."""
        self.messages += len(slots)
        if states is not None:
            self.not_sent += int(np.isin(states[slots], _UNSENT).sum())
        self.people.add(people[slots])
        self.first_at = min(self.first_at or row["accepted_at"], row["accepted_at"])
        self.last_at = max(self.last_at or row["accepted_at"], row["accepted_at"])
        self.rulebooks[row["rulebook"]] += len(slots)
        self.screenings[screening] += len(slots)
        low, high = self.positions
        position = row["position"]
        self.positions = (min(low, position) if self.batches else position, max(high, position))
        for ids, one in ((self.campaigns, row["campaign_id"]), (self.submissions,
                         row["submission_id"])):  # fmt: skip
            if one is not None and len(ids) < _EXAMPLES:
                ids[one] = None
        if self.batches and not room:
            self.batches_left_out += 1
            return False
        every = len(slots) == row["n"]
        self.batches.append(
            {
                "id": str(row["id"]),
                "submission": str(row["submission_id"]),
                "ledger_position": position,
                "messages": None if every else slots.tolist(),
            }
        )
        return True

    def told(self, who: Mapping[str, Any], texts: bool) -> dict[str, Any]:
        """Return it as JSON has it; with its text only where that may be read. (long: a line a
        member)"""
        examples = [
            str(message_id(int(one["id"]), (one["messages"] or [0])[0])) for one in self.batches
        ][:_EXAMPLES]
        campaigns = [{"kind": "campaign", "ref": str(one)} for one in self.campaigns]
        told = {
            **who,
            "purpose": self.purpose.name.lower(),
            "found_in": self.kind,
            "verdict": self.verdict,
            "reasons": [dict(one) for one in self.reasons],
            "category": self.category,
            "spam_probability": round(self.spam, 4),
            "text_digest": self.digest.hex(),
            "messages": self.messages,
            "not_sent": self.not_sent,
            "people": len(self.people),
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "decided_then": {
                "rulebooks": dict(self.rulebooks),
                "screenings": dict(self.screenings),
                "ledger_positions": list(self.positions),
                "submissions": [str(one) for one in self.submissions],
            },
            "examples": examples,
            "batches": self.batches,
            "batches_left_out": self.batches_left_out,
            "case_evidence": [{"kind": "message", "ref": one} for one in examples[:3]] + campaigns,
        }
        return told | ({"text": self.text} if texts else {})


class Listing:
    """All rows of an examination."""

    def __init__(self) -> None:
        self.rows: dict[Key, Listed] = {}
        self._named = 0

    def take(
        self, listed: Listed, row: Any, slots: npt.NDArray[np.intp],
        people: npt.NDArray[np.uint32], states: npt.NDArray[np.uint8] | None, screening: str,
    ) -> None:  # fmt: skip
        """Add messages of a batch to a row; see :meth:`Listed.take`."""
        room = self._named < REFERENCES
        self._named += listed.take(row, slots, people, states, screening, room)

    def of(self, key: Key, make: Any) -> Listed:
        """Return the row of a key, made at its first message. Raises Conflict when there are too
        many."""
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= MOST:
                raise Conflict(
                    "examination_too_large", f"there is more than {MOST} to list", field="from",
                    rule="examine: limits", mend="examine a shorter period, or fewer ports",
                )  # fmt: skip
            row = self.rows[key] = make()
        return row

    def ordered(self) -> Iterable[Listed]:
        """Return the rows: the gravest first, then those with most messages."""
        return sorted(
            self.rows.values(),
            key=lambda one: (one.verdict != "reject", -one.messages, one.port_id, one.digest),
        )


_UNSENT: Final = np.array(sorted(int(state) for state in UNSENT), np.uint8)
