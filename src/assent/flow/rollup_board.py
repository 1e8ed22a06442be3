"""Batches side by side while they are counted: arrays over all their messages at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import U8, U16, U32, U64, pack, unpack
from assent.flow.rollup_counts import (
    DELIVERED,
    FAILED,
    SUBMITTED,
    Counts,
    Failure,
    Place,
    hour_of,
)
from assent.message import AttemptStatus, State

Ints = npt.NDArray[np.int64]

GOT: Final = 1
NOT_GOT: Final = 2
_MEASURE: Final = {GOT: DELIVERED, NOT_GOT: FAILED}
END_OF_STATE: Final = np.zeros(len(State), np.uint8)
"""How a state counts: delivered, failed (which a carrier's refusal is, too), or not yet."""
END_OF_STATE[State.DELIVERED] = GOT
END_OF_STATE[[State.FAILED, State.REFUSED]] = NOT_GOT


class Board:
    """Rows of `rollup_batches`. What is told of messages changes them; :meth:`settle` tells what
    that comes to. Telling anything again changes nothing, and the order does not matter."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows
        self.ids = np.array([row["id"] for row in rows], np.int64)
        sizes = np.array([row["n"] for row in rows], np.int64)
        self.base = np.concatenate(([0], np.cumsum(sizes)))
        self.batch_of = np.repeat(np.arange(len(rows)), sizes)
        self.ends = self._filled("ends", U8)
        self.codes = self._filled("codes", U64)
        self.provinces = self._filled("provinces", U8)
        self._before = self.ends.copy(), self.codes.copy()

    def _filled(self, name: str, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return a column of all batches, 0 where a batch has none."""
        found = np.zeros(int(self.base[-1]), dtype)
        for place, row in enumerate(self.rows):
            if row[name] is not None:
                found[self.base[place] : self.base[place + 1]] = unpack(row[name], dtype)
        return found

    def places(self, messages: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return where messages stand, and which of them stand here at all."""
        batches = messages >> 10
        at = np.minimum(np.searchsorted(self.ids, batches), max(len(self.ids) - 1, 0))
        known = self.ids[at] == batches if len(self.ids) else np.zeros(len(messages), np.bool_)
        return self.base[at[known]] + (messages[known] & 1023), known

    def end(self, messages: Ints, ends: npt.NDArray[np.uint8]) -> None:
        """Tell how messages ended; an end that was told before stays. There is one of each."""
        places, known = self.places(messages)
        ends = ends[known]
        new = self.ends[places] == 0
        self.ends[places[new]] = ends[new]

    def fail(self, messages: Ints, codes: npt.NDArray[np.uint64]) -> None:
        """Tell why messages failed, as far as they did; the greatest code of a message stays."""
        places, known = self.places(messages)
        np.maximum.at(self.codes, places, codes[known])

    def settle(self, counts: Counts) -> list[tuple[int, bytes | None, bytes | None]]:
        """Add what changed to counts; return the rows of `rollup_batch` that are new or changed."""
        self._count_new(counts)
        ends, codes = self._before
        changed = np.flatnonzero((self.ends != ends) | (self.codes != codes))
        self._count_ends(changed[self.ends[changed] != ends[changed]], counts)
        self._count_codes(changed, counts)
        touched = set(self.batch_of[changed].tolist())
        touched |= {place for place, row in enumerate(self.rows) if not row["counted"]}
        ended = set(self.batch_of[self.ends > 0].tolist())
        coded = set(self.batch_of[self.codes > 0].tolist())
        return [self._row(place, place in ended, place in coded) for place in sorted(touched)]

    def _place(self, batch: int, province: int) -> Place:
        row = self.rows[batch]
        return Place(
            hour_of(row["accepted_at"]), row["port_id"], row["sender_id"], row["account_id"],
            row["carrier"], province, row["category"], row["purpose"],
        )  # fmt: skip

    def _count_new(self, counts: Counts) -> None:
        new = np.array([not row["counted"] for row in self.rows], np.bool_)[self.batch_of]
        keys = (self.batch_of[new] << 8) | self.provinces[new]
        told, n = np.unique(keys, return_counts=True)
        for key, count in zip(told.tolist(), n.tolist(), strict=True):
            counts.add(self._place(key >> 8, key & 0xFF), SUBMITTED, count)

    def _count_ends(self, ended: Ints, counts: Counts) -> None:
        keys = (self.batch_of[ended] << 16) | (self.provinces[ended].astype(np.int64) << 8)
        told, n = np.unique(keys | self.ends[ended], return_counts=True)
        for key, count in zip(told.tolist(), n.tolist(), strict=True):
            place = self._place(key >> 16, (key >> 8) & 0xFF)
            counts.add(place, _MEASURE[key & 0xFF], count)

    def _count_codes(self, changed: Ints, counts: Counts) -> None:
        """Count failures where their code is known by now, and no longer where it was not."""
        ends, codes = self._before
        for some, one, sign in ((ends, codes, -1), (self.ends, self.codes, 1)):
            failed = changed[some[changed] == NOT_GOT]
            pairs = np.stack((self.batch_of[failed].astype(np.uint64), one[failed]), axis=1)
            told, n = np.unique(pairs, axis=0, return_counts=True)
            for (batch, code), count in zip(told.tolist(), n.tolist(), strict=True):
                row = self.rows[batch]
                hour = hour_of(row["accepted_at"])
                failure = Failure(hour, row["port_id"], row["carrier"], code)
                counts.add_failure(failure, sign * count)

    def _row(self, place: int, ended: bool, coded: bool) -> tuple[int, bytes | None, bytes | None]:
        part = slice(int(self.base[place]), int(self.base[place + 1]))
        return (
            self.rows[place]["id"],
            pack(self.ends[part], U8) if ended else None,
            pack(self.codes[part], U64) if coded else None,
        )


def refused_by_answers(rows: Sequence[Any]) -> tuple[Ints, npt.NDArray[np.uint64]]:
    """Return messages that carriers refused, and their codes, of rows of `rollup_results`."""
    messages, codes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for row in rows:
        refused = unpack(row["statuses"], U8) == AttemptStatus.REFUSED
        slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)[refused]]
        messages.append((row["batch_id"] << 10) + slots.astype(np.int64))
        codes.append(unpack(row["codes"], U32)[refused].astype(np.uint64))
    return np.concatenate(messages), np.concatenate(codes)


def failed_by_receipts(rows: Sequence[Any]) -> tuple[Ints, npt.NDArray[np.uint64]]:
    """Return messages that reports call failed, and their codes, of rows of `rollup_receipts`."""
    messages, codes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for row in rows:
        failed = unpack(row["states"], U8) == State.FAILED
        messages.append(unpack(row["messages"], U64)[failed].astype(np.int64))
        codes.append(unpack(row["codes"], U64)[failed])
    return np.concatenate(messages), np.concatenate(codes)
