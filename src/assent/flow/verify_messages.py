"""Every message, segment by segment: charged at most once, given back at most once, never both, but
for a failure that the contract gives back; and its batch's postings say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import U8, U16, unpack
from assent.flow.needs import Transaction
from assent.message import AttemptStatus, Purpose

_AT_ONCE: Final = 500
_OVER: Final = (AttemptStatus.ACCEPTED, AttemptStatus.REFUSED, AttemptStatus.WITHHELD)

Told = tuple[str, int, list[str]]


async def check_messages(tx: Transaction) -> list[Told]:
    """Go through all batches; return what was counted and what is wrong."""
    messages = segments = 0
    faults: list[str] = []
    postings: list[str] = []
    last, batches = 0, 0
    while rows := await tx.fetch("batches_checked", last, _AT_ONCE):
        last = rows[-1]["id"]
        batches += len(rows)
        ids = [row["id"] for row in rows]
        tallies = {row["id"]: _Tally(row) for row in rows}
        for answer in await tx.fetch("answers_of_batches", ids):
            tallies[answer["batch_id"]].answered(answer)
        for unsure in await tx.fetch("unsure_checked", ids):
            tallies[unsure["batch_id"]].unsure(unsure)
        for end in await tx.fetch("ends_checked", ids):
            tallies[end["batch_id"]].ended(end)
        for row in rows:
            tally = tallies[row["id"]]
            messages += len(tally.counts)
            segments += len(tally.charged)
            faults += tally.faults()
            postings += tally.against(row)
    return [
        ("messages are charged and given back at most once", messages, faults),
        ("postings say what became of each segment", segments, postings),
    ]


class _Tally:
    """How often each segment of a batch was charged and given back."""

    def __init__(self, row: Any) -> None:
        self.id = row["id"]
        self.verification = row["purpose"] == Purpose.VERIFICATION
        self.counts = unpack(row["segments"], U8).astype(np.int64)
        self.first = np.cumsum(self.counts) - self.counts
        size = int(self.counts.sum())
        self.charged = np.zeros(size, np.int64)
        self.given_back = np.zeros(size, np.int64)
        self.over = np.zeros(size, np.bool_)

    def answered(self, row: Any) -> None:
        """Take in what a carrier answered."""
        slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)]
        places = self.first[slots] + unpack(row["segments"], U8)
        statuses = unpack(row["statuses"], U8)
        np.add.at(self.charged, places[statuses == AttemptStatus.ACCEPTED], 1)
        gone = (statuses == AttemptStatus.REFUSED) | (statuses == AttemptStatus.WITHHELD)
        np.add.at(self.given_back, places[gone], 1)
        over = np.isin(statuses, _OVER)
        if not self.verification:  # a code that is unsure is tried again
            over |= statuses == AttemptStatus.UNSURE
        self.over[places[over]] = True

    def unsure(self, row: Any) -> None:
        """Take in what settled an unsure segment."""
        place = int(self.first[row["slot"]]) + row["segment"]
        self.charged[place] += row["charged"]
        self.given_back[place] += row["released"]

    def ended(self, row: Any) -> None:
        """Take in messages that ended without an attempt, or without another."""
        for slot in unpack(row["slots"], U16).tolist():
            begin = int(self.first[slot])
            places = np.arange(begin, begin + int(self.counts[slot]))
            np.add.at(self.given_back, places[~self.over[places]], 1)

    def faults(self) -> Iterable[str]:
        """Yield what is wrong of single segments."""
        for words, bad in (
            ("charged twice", self.charged > 1),
            ("given back twice", self.given_back > 1),
            ("charged and given back", (self.charged > 0) & (self.given_back > 0)),
        ):
            for place in np.flatnonzero(bad).tolist():
                slot = int(np.searchsorted(self.first, place, "right")) - 1
                yield f"message {self.id * 1024 + slot}: segment {place - self.first[slot]} {words}"

    def against(self, row: Any) -> Iterable[str]:
        """Yield where the postings of the batch say something else."""
        if not row["price"]:
            return
        for words, told, found in (
            ("charged", row["charged"], _sum(self.charged)),
            ("given back", row["given_back"], _sum(self.given_back)),
            ("failed", row["failed"], row["refunded"]),
        ):
            if int(told) != found:
                yield f"batch {self.id}: {words} {told} by postings, {found} by what happened"


def _sum(column: npt.NDArray[np.int64]) -> int:
    return int(column.sum())
