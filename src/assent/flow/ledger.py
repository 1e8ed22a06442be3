"""Appending to the consent ledger inside a transaction.

Positions are gapless and in order of commit: they are drawn from a one-row counter whose lock
is held until commit, so drawing them is the last lock a transaction takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from assent.consent.entry import Entry, Kind, Scope, encode
from assent.flow.needs import Transaction

AT_ONCE: Final = 1000
"""Entries a transaction appends at most (DESIGN.md, "Locks")."""

_ENDING: Final = frozenset(
    {
        Kind.WITHDRAWN,
        Kind.PAUSED,
        Kind.REASSIGNED,
        Kind.EXPIRED,
        Kind.CORRECTED,
        Kind.ERASED,
    }
)
_ALL_PURPOSES: Final = 0x7F
_FEW: Final = 100
"""Up to so many go in one call, since a refusal must not wait; more are copied."""
_COLUMNS: Final = (
    "position",
    "at",
    "kind",
    "group_id",
    "sender_id",
    "programme_id",
    "person_id",
    "body",
)


@dataclass(frozen=True, slots=True)
class Appended:
    """The position that each entry got, in their order."""

    positions: range


async def append(
    tx: Transaction, entries: Sequence[Entry], at: datetime, bodies: Sequence[bytes] | None = None
) -> Appended:
    """Append entries and what dispatch must see of them; announce it at commit.

    The caller holds the exclusive locks of every group whose standing these can end. `bodies`:
    canonical bytes already made.
    """
    made = bodies if bodies is not None else [encode(entry) for entry in entries]
    if len(entries) <= _FEW:
        first = await tx.fetchval("entries_append", at, *_columns(entries, made))
        return Appended(range(first, first + len(entries)))
    return Appended(await _copied(tx, entries, made, at))


async def _copied(
    tx: Transaction, entries: Sequence[Entry], made: Sequence[bytes], at: datetime
) -> range:
    """Append many entries; return their positions."""
    first = await tx.fetchval("positions_take", len(entries))
    positions = range(first, first + len(entries))
    await tx.copy(
        "entry",
        _COLUMNS,
        [
            (
                position,
                at,
                int(entry.kind),
                entry.group,
                entry.sender,
                entry.programme,
                entry.person,
                body,
            )
            for position, entry, body in zip(positions, entries, made, strict=True)
        ],
    )
    ending = [(p, e) for p, e in zip(positions, entries, strict=True) if e.kind in _ENDING]
    if ending:
        await tx.copy(
            "standing_end",
            ("position", "group_id", "person_id", "purposes", "programme_id"),
            [
                (position, e.group, e.person, e.purposes or _ALL_PURPOSES, _one_programme(e))
                for position, e in ending
            ],
        )
    await tx.execute("notify", "ledger", str(positions[-1]))
    return positions


def _columns(entries: Sequence[Entry], bodies: Sequence[bytes]) -> list[list[Any]]:
    """Return what a few entries are stored as in one statement: their columns, then those of what
    dispatch must see, by their place."""
    ending = [(place, e) for place, e in enumerate(entries) if e.kind in _ENDING]
    return [
        [int(e.kind) for e in entries],
        [e.group for e in entries],
        [e.sender for e in entries],
        [e.programme for e in entries],
        [e.person for e in entries],
        list(bodies),
        [place for place, _ in ending],
        [e.purposes or _ALL_PURPOSES for _, e in ending],
        [_one_programme(e) for _, e in ending],
    ]


def _one_programme(entry: Entry) -> int:
    """Return the only programme whose standing an entry ends, 0 where it may end more."""
    alone = entry.kind is Kind.WITHDRAWN and entry.scope is Scope.PROGRAMME
    return entry.programme if alone else 0
