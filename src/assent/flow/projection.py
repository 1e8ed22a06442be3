"""What the ledger adds up to, kept in tables: who stands, who refused, for whom it pauses.

The rules are those of `consent/standing.py`; a test holds the two and the memory of `live.py`
together. Whoever appends entries projects them in the same transaction, behind the append:
the position counter is locked by then, so entries are projected in the order of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from assent.consent.entry import Entry, Kind, Scope
from assent.consent.standing import OVER
from assent.flow.ends import EVERYONE
from assent.flow.needs import Transaction, utc
from assent.flow.refold import corrected_among, refold
from assent.message import Grade

Row = tuple[int, Entry]
"""(position, entry)"""


async def project(tx: Transaction, rows: Sequence[Row], reply_ids: Sequence[int] = ()) -> None:
    """Apply entries just appended, ascending. `reply_ids`: of the pauses, one a row.

    People of whom an entry was corrected, now or ever, are folded anew (refold.py).
    """
    replies = dict(zip((position for position, _ in rows), reply_ids, strict=False))
    corrected = await corrected_among(tx, rows)
    if corrected:
        await refold(tx, corrected, replies)
        rows = [row for row in rows if row[1].person not in corrected]
    for _, some in groupby(rows, key=_like):
        alike = list(some)
        kind = alike[0][1].kind
        if kind is Kind.GRANTED:
            await _grant(tx, alike)
        elif kind is Kind.WITHDRAWN:
            await _withdraw(tx, alike)
        elif kind is Kind.PAUSED:
            columns = [
                (_reach(e), e.person, e.purposes, position, replies.get(position, 0))
                for position, e in alike
            ]
            await tx.execute("pauses_put", *_columns(columns))
        elif kind in OVER:
            await tx.execute("standing_drop_all", [entry.person for _, entry in alike])
        elif kind in (Kind.RESUMED, Kind.EXPIRED, Kind.EVIDENCE):
            await _one_by_one(tx, alike)
        elif kind not in (Kind.REQUESTED, Kind.RECEIVER_ONLY):  # `standing_put` looks for these
            raise ValueError(f"{kind.name.lower()} has no projection")


async def _grant(tx: Transaction, rows: list[Row]) -> None:
    first = rows[0][1]
    if not first.programme:
        for _, entry in rows:
            at = utc(entry.at_ms / 1000)
            await tx.execute("refusal_take_back", _reach(entry), entry.person, entry.purposes, at)
        await tx.execute("refusals_drop_empty", [entry.person for _, entry in rows])
        return
    await tx.execute(
        "standing_put",
        first.programme,
        [entry.person for _, entry in rows],
        int(first.grade),
        [position for position, _ in rows],
        utc(first.expires_ms / 1000) if first.expires_ms else None,
        [utc(entry.at_ms / 1000) for _, entry in rows],
        first.group,
        first.purposes,
    )


async def _withdraw(tx: Transaction, rows: list[Row]) -> None:
    at = utc(rows[0][1].at_ms / 1000)
    if rows[0][1].scope is Scope.PROGRAMME:
        alone = [(e.programme, e.person, position) for position, e in rows]
        await tx.execute("programme_refusals_put", *_columns(alone), at)
        return
    columns = [(_reach(e), e.person, e.purposes, position) for position, e in rows]
    await tx.execute("refusals_put", *_columns(columns), at)
    await tx.execute("standing_drop", *_columns([column[:3] for column in columns]))


async def _one_by_one(tx: Transaction, rows: list[Row]) -> None:
    for _, entry in rows:
        if entry.kind is Kind.RESUMED:
            await tx.execute("pause_end", entry.refers_to, entry.person)
        elif entry.kind is Kind.EXPIRED:
            await tx.execute(
                "standing_expire",
                entry.person,
                entry.programme if entry.scope is Scope.PROGRAMME else 0,
                entry.group if entry.scope is Scope.GROUP else 0,
                entry.refers_to,
            )
        else:
            lifted = min(entry.grade, Grade.DOCUMENT)
            await tx.execute("standing_lift", entry.person, entry.refers_to, int(lifted))


def _like(row: Row) -> tuple[object, ...]:
    """What entries must share to be applied by one statement; a repeated person parts them."""
    entry = row[1]
    if entry.kind is Kind.GRANTED:
        return (
            entry.kind,
            entry.programme,
            entry.group,
            entry.purposes,
            entry.grade,
            entry.expires_ms,
        )
    if entry.kind is Kind.WITHDRAWN:
        return (entry.kind, entry.at_ms, entry.scope is Scope.PROGRAMME)
    return (entry.kind,)


def _reach(entry: Entry) -> int:
    return EVERYONE if entry.scope is Scope.PLATFORM else entry.group


def _columns(rows: Sequence[tuple[int, ...]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]
