"""Stored decisions as parts: people of one order with the same text, port and outcome, and what is
still known of the facts that they were decided on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import I16, U8, U32, U64, unpack, unpack_object
from assent.flow.needs import Queries
from assent.flow.restored import Asked, Will, networks, wills
from assent.message import NEEDS_STANDING, Purpose
from assent.numbers import NumberTable, zone_minutes
from assent.policy.facts import People

_OF_WILL: Final = frozenset({"no_standing", "grade_too_low", "refused", "paused"})
_OF_TEXT: Final = frozenset(
    {
        "wrong_port_purpose", "port_not_free", "signature_missing", "signature_wrong",
        "signature_second", "contact_missing", "refusal_way_missing", "basis_missing",
        "code_word_missing", "code_missing", "codes_several", "expires_before_window",
        "quiet_hours",
    }
)  # fmt: skip
_OF_VALUES: Final = frozenset({"too_long", "signature_in_value", "internal_commercial"})


@dataclass(slots=True)
class Part:
    """People of one order. `order`: its row; `batch`: the row of their batch, or, of people who
    were not allowed, of a batch of the same order: its text, port and programme are theirs; None
    where nobody was allowed, so that no text is kept. `recorded` uint64[n]: what was found then.
    `number` uint64[n]: 0 where it is not kept. `computable`: codes whose facts are all kept."""

    order: Any
    batch: Any | None
    allowed: bool
    columns: People
    recorded: npt.NDArray[np.uint64]
    reason: npt.NDArray[np.uint16]
    segments: npt.NDArray[np.uint8]
    variables: Mapping[str, list[str]] | None
    number: npt.NDArray[np.uint64]
    input_rows: npt.NDArray[np.uint32]
    computable: frozenset[str] = frozenset()
    will: Will | None = None
    screening: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[int] = ()  # their ids, where they are of several batches

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.columns)

    @property
    def purpose(self) -> Purpose:
        """What the order was for."""
        return Purpose(self.order["purpose"])

    @property
    def erased(self) -> npt.NDArray[np.bool_]:
        """Whose number is not kept any more, though there was one."""
        gone: npt.NDArray[np.bool_] = (self.number == 0) & (self.columns.person != 0)
        return gone

    def ids(self) -> Sequence[int]:
        """Return the ids of the messages of people who were allowed."""
        if self.messages or self.batch is None:
            return self.messages
        first = self.batch["id"] * 1024
        return range(first, first + self.n)

    def example(self, place: int) -> str:
        """Return what names one person's decision without naming the person."""
        if self.allowed:
            return f"message {self.ids()[place]}"
        return f"order {self.order['id']} row {int(self.input_rows[place])}"


async def parts_of(queries: Queries, table: NumberTable, orders: Sequence[Any]) -> list[Part]:
    """Return the parts of some decisions, in order, with all that is kept of their facts."""
    batches: dict[int, list[Any]] = defaultdict(list)
    for row in await queries.fetch("replay_batches", [order["id"] for order in orders]):
        batches[row["submission_id"]].append(row)
    parts = []
    for order in orders:
        own = batches[order["id"]]
        parts += [_allowed(order, batch) for batch in own]
        if order["people"] is not None:
            parts.append(_rejected(order, own))
    parts = [part for part in parts if part.n]
    await _numbers(queries, table, parts)
    await _wills(queries, parts)
    return parts


def _allowed(order: Any, batch: Any) -> Part:
    n, people = batch["n"], unpack(batch["people"], U32)
    variables = unpack_object(batch["variables"]) if batch["variables"] else None
    columns = People(people, np.zeros(n, np.uint8), unpack(batch["zones"], I16),
                     np.zeros(n, np.uint8), np.zeros(n, np.bool_))  # fmt: skip
    codes = _OF_WILL | _OF_TEXT | _OF_VALUES
    return Part(
        order, batch, True, columns, np.zeros(n, np.uint64), np.zeros(n, np.uint16),
        unpack(batch["segments"], U8), variables, np.zeros(n, np.uint64),
        unpack(batch["rows"], U32), codes, screening=json.loads(order["screening"] or "{}"),
    )  # fmt: skip


def _rejected(order: Any, own: Sequence[Any]) -> Part:
    """Return those who were not allowed. What was put into their texts is not kept, so rules that
    look at it can be run again for a fixed text only."""
    people = unpack(order["people"], U32)
    n = len(people)
    batch = own[0] if own else None
    codes: frozenset[str] = frozenset()
    segments = np.ones(n, np.uint8)
    if batch is not None:
        codes = _OF_WILL | _OF_TEXT
        counts = {one for row in own for one in set(unpack(row["segments"], U8).tolist())}
        if not batch["variables"] and len(counts) == 1:
            segments[:] = counts.pop()
            codes |= _OF_VALUES
    columns = People(people, np.zeros(n, np.uint8), np.full(n, 480, np.int16),
                     np.zeros(n, np.uint8), np.zeros(n, np.bool_))  # fmt: skip
    return Part(
        order, batch, False, columns, unpack(order["findings"], U64),
        unpack(order["reasons"], np.dtype("<u2")), segments, None, np.zeros(n, np.uint64),
        unpack(order["rows"], U32), codes, screening=json.loads(order["screening"] or "{}"),
    )  # fmt: skip


async def _numbers(queries: Queries, table: NumberTable, parts: Sequence[Part]) -> None:
    """Fill in the networks and, of those who were not allowed, the zones."""
    if not parts:
        return
    people = np.concatenate([part.columns.person for part in parts])
    network, number = await networks(queries, table, people)
    end = 0
    for part in parts:
        start, end = end, end + part.n
        columns, mine = part.columns, number[start:end]
        zone = columns.zone if part.allowed else np.where(mine != 0, zone_minutes(mine), 480)
        part.number = mine
        part.columns = People(columns.person, network[start:end], zone.astype(np.int16),
                              columns.fault, columns.duplicate)  # fmt: skip


async def _wills(queries: Queries, parts: Sequence[Part]) -> None:
    asked, whose = [], []
    for part in parts:
        if part.batch is None:
            continue
        order = part.order
        whose.append(part)
        asked.append(
            Asked(part.columns.person, part.batch["programme_id"], part.batch["group_id"],
                  part.purpose, order["position"], order["at"].timestamp())
        )  # fmt: skip
    if asked:
        for part, will in zip(whose, await wills(queries, asked), strict=True):
            part.will = will
            if part.purpose not in NEEDS_STANDING:
                part.computable -= {"no_standing", "grade_too_low", "paused"}
