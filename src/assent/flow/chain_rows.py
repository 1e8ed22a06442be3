"""The rows that the chain is made of, and the letters on a way from a sender to whoever sends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from assent.flow.order import Account, Port, Sender, Template
from assent.message import Purpose
from assent.registry.papers import Paper, Seen


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity row: the industry it was admitted for, and how it stands."""

    id: int
    industry: str
    status: str


@dataclass(frozen=True, slots=True)
class Letter:
    """An authorisation row. `via`: the letter of the sender that a second link stands on."""

    id: int
    principal: int
    agent: int
    via: int | None
    purposes: int
    signatures: frozenset[str]
    first: date
    last: date
    state: str

    def covers(self, purpose: Purpose, signature: str) -> bool:
        """Return whether it is about this purpose and signature."""
        return bool(self.purposes >> purpose & 1) and (
            not self.signatures or signature in self.signatures
        )

    def holds_on(self, day: date) -> bool:
        """Return whether a day is within its term."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Stop:
    """A class of traffic that is switched off. Times in unix seconds."""

    industries: frozenset[str]
    purposes: int
    except_licensed: bool
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that the chain is made of."""

    accounts: Mapping[int, Account]
    senders: Mapping[int, Sender]
    ports: Mapping[int, Port]
    templates: Mapping[int, Template]
    may: frozenset[tuple[int, int]] = frozenset()  # account, sender
    entities: Mapping[int, Entity] = field(default_factory=dict)
    papers: Mapping[int, tuple[Paper, ...]] = field(default_factory=dict)  # of each entity
    letters: Mapping[int, Letter] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()


def ways(
    rows: Rows,
    held: Iterable[Letter],
    mine: int,
    theirs: int,
    purpose: Purpose,
    signature: str,
    today: date,
) -> list[tuple[int, ...]]:
    """Return the chains of letters in force from the sender to us, as the agents on each. `held`:
    the letters to us."""
    return [
        (mine,) if len(way) == 1 else (way[1].agent, mine)
        for way in _about(rows, held, mine, theirs, purpose, signature)
        if all(letter.state == "accepted" and letter.holds_on(today) for letter in way)
    ]


def was_revoked(
    rows: Rows,
    held: Iterable[Letter],
    mine: int,
    theirs: int,
    purpose: Purpose,
    signature: str,
) -> bool:
    """Return whether every way there was for this has a letter that was taken back: one that
    lapsed may be renewed, one that was taken back may not."""
    found = _about(rows, held, mine, theirs, purpose, signature)
    return bool(found) and all(any(one.state == "revoked" for one in way) for way in found)


def _about(
    rows: Rows,
    held: Iterable[Letter],
    mine: int,
    theirs: int,
    purpose: Purpose,
    signature: str,
) -> list[tuple[Letter, ...]]:
    """Return the letters of each way that is about this, however they stand: ours, and the
    sender's to its own agent where ours is a second link. There is no third."""
    found: list[tuple[Letter, ...]] = []
    for letter in held:
        if not letter.covers(purpose, signature):
            continue
        if letter.via is None:
            if letter.principal == theirs:
                found.append((letter,))
            continue
        first = rows.letters.get(letter.via)
        if (
            first is not None
            and first.via is None
            and first.principal == theirs
            and letter.principal in (theirs, first.agent)
            and first.agent != mine
            and first.covers(purpose, signature)
        ):
            found.append((letter, first))
    return found


def papers_of(rows: Sequence[Any]) -> dict[int, tuple[Paper, ...]]:
    """Return what each entity handed in."""
    papers: dict[int, list[Paper]] = defaultdict(list)
    for r in rows:
        paper = Paper(
            r["id"],
            r["kind"],
            Seen[r["seen"].upper()],
            r["state"] == "accepted",
            r["valid_from"],
            r["valid_to"],
            r["provisional_until"],
            frozenset(r["scope"]),
        )
        papers[r["entity_id"]].append(paper)
    return {entity: tuple(some) for entity, some in papers.items()}


def letter_of(r: Any) -> Letter:
    """Return a letter as it is read."""
    first: date = r["valid_from"]
    last: date = r["valid_to"]
    return Letter(
        r["id"],
        r["principal_id"],
        r["agent_id"],
        r["via_id"],
        r["purposes"],
        frozenset(r["signatures"]),
        first,
        last,
        r["state"],
    )


def stop_of(r: Any) -> Stop:
    """Return a stop as it is read."""
    until = r["until"]
    return Stop(
        frozenset(r["industries"]),
        r["purposes"],
        r["except_licensed"],
        r["since"].timestamp(),
        float("inf") if until is None else until.timestamp(),
    )
