"""What happened to messages, as rows of a Parquet file: the schema, and batches made rows.

A row is one thing that happened: a message was accepted, was delivered, failed, somebody refused or
complained. Every row carries where it counts, so that nothing has to be joined. People are dense
ids; there is no number and no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assent.flow.columns import U8, U16, U32, U64, unpack
from assent.flow.rollup_board import GOT, Board, Ints
from assent.message import AttemptStatus, State

VERSION: Final = 1
ACCEPTED, DELIVERED, FAILED, REFUSED, COMPLAINED = range(1, 6)
"""Kinds of rows."""

SCHEMA: Final = pa.schema(
    [
        ("at", pa.timestamp("ms")),  # UTC
        ("kind", pa.uint8()),
        ("message", pa.int64()),  # 0: none is known
        ("accepted_at", pa.timestamp("ms")),  # of the message; else when it happened
        ("port", pa.int32()),
        ("sender", pa.int32()),
        ("account", pa.int32()),
        ("carrier", pa.dictionary(pa.int32(), pa.string())),
        ("province", pa.uint8()),
        ("category", pa.dictionary(pa.int32(), pa.string())),
        ("purpose", pa.uint8()),
        ("person", pa.uint32()),
        ("segments", pa.uint8()),
        ("template", pa.int32()),
        ("campaign", pa.int64()),
        ("code", pa.int64()),  # of a failure
    ]
)

Times = tuple[Ints, npt.NDArray[np.int64]]
"""Messages in order, and milliseconds since 1970."""


def table_of(columns: Mapping[str, Any]) -> pa.Table:
    """Return columns as a table of SCHEMA. Raises ValueError for a column that is missing."""
    arrays = []
    for field in SCHEMA:
        values = columns[field.name]
        if pa.types.is_dictionary(field.type):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        elif pa.types.is_timestamp(field.type):
            arrays.append(pa.array(np.asarray(values, "datetime64[ms]")))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def rows_of_batches(
    rows: Sequence[Any], board: Board, delivered: Times, failed: Times
) -> dict[str, Any]:
    """Return the columns of what became of batches: a row that each message was accepted, and one
    for its end if it has one. `board`: the batches with ends and codes; `delivered`, `failed`: when
    each message was."""
    # long: a row has so many columns
    messages = (board.ids[board.batch_of] << 10) + np.arange(len(board.ends))
    messages -= board.base[board.batch_of]
    ended = np.flatnonzero(board.ends)
    which = np.concatenate((np.arange(len(board.ends)), ended))
    batches = board.batch_of[which]
    accepted = np.array([_ms(row["accepted_at"]) for row in rows], np.int64)[batches]
    got = board.ends[ended] == GOT
    at = accepted.copy()
    first = len(board.ends)
    at[first:] = np.where(
        got,
        _when(messages[ended], delivered, accepted[first:]),
        _when(messages[ended], failed, accepted[first:]),
    )
    kinds = np.full(len(which), ACCEPTED, np.uint8)
    kinds[first:] = np.where(got, DELIVERED, FAILED)
    codes = np.where(kinds == FAILED, board.codes[which], 0).astype(np.int64)

    def each(name: str) -> npt.NDArray[Any]:
        return np.array([row[name] or 0 for row in rows], np.int64)[batches]

    def words(name: str) -> pa.DictionaryArray:
        values = pa.array([row[name] for row in rows], pa.string()).dictionary_encode()
        return values.take(pa.array(batches)).dictionary_decode()

    people = np.concatenate([unpack(row["people"], U32) for row in rows])
    segments = np.concatenate([unpack(row["segments"], U8) for row in rows])
    return {
        "at": at, "kind": kinds, "message": messages[which], "accepted_at": accepted,
        "port": each("port_id"), "sender": each("sender_id"), "account": each("account_id"),
        "carrier": words("carrier"), "province": board.provinces[which],
        "category": words("category"), "purpose": each("purpose"), "person": people[which],
        "segments": segments[which], "template": each("template_id"),
        "campaign": each("campaign_id"), "code": codes,
    }  # fmt: skip


def rows_of_acts(kind: int, rows: Sequence[Any]) -> dict[str, Any]:
    """Return the columns of refusals or complaints. `accepted_at`: the hour that they count in."""
    zeros = np.zeros(len(rows), np.int64)

    def each(name: str) -> list[Any]:
        return [row[name] for row in rows]

    return {
        "at": [_ms(row["at"]) for row in rows], "kind": zeros + kind,
        "message": each("message_id"), "accepted_at": [_ms(row["hour"]) for row in rows],
        "port": each("port_id"), "sender": each("sender_id"), "account": each("account_id"),
        "carrier": each("carrier"), "province": each("province"), "category": each("category"),
        "purpose": each("purpose"), "person": each("person_id"), "segments": zeros,
        "template": zeros, "campaign": zeros, "code": zeros,
    }  # fmt: skip


def reported(rows: Sequence[Any], state: State) -> Times:
    """Return the messages that reports call delivered or failed, and when each report came."""
    messages, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for row in rows:
        chosen = unpack(row["messages"], U64)[unpack(row["states"], U8) == state]
        messages.append(chosen.astype(np.int64))
        times.append(np.full(len(chosen), _ms(row["at"]), np.int64))
    return np.concatenate(messages), np.concatenate(times)


def refused(rows: Sequence[Any]) -> Times:
    """Return the messages that carriers refused in answers, and when."""
    messages, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for row in rows:
        places = unpack(row["positions"], U16)[unpack(row["statuses"], U8) == AttemptStatus.REFUSED]
        slots = unpack(row["slots"], U16)[places].astype(np.int64)
        messages.append((row["batch_id"] << 10) + slots)
        times.append(np.full(len(slots), _ms(row["at"]), np.int64))
    return np.concatenate(messages), np.concatenate(times)


def settled(times: Sequence[Times], *, last: bool) -> Times:
    """Return each message once, in order, with the first of its times, or the last."""
    messages = np.concatenate([np.empty(0, np.int64), *(one for one, _ in times)])
    at = np.concatenate([np.empty(0, np.int64), *(one for _, one in times)])
    order = np.lexsort((-at if last else at, messages))
    messages, at = messages[order], at[order]
    firsts = np.ones(len(messages), np.bool_)
    firsts[1:] = messages[1:] != messages[:-1]
    return messages[firsts], at[firsts]


def _when(messages: Ints, times: Times, otherwise: Ints) -> Ints:
    known, at = times
    if not len(known):
        return otherwise
    places = np.minimum(np.searchsorted(known, messages), len(known) - 1)
    return np.where(known[places] == messages, at[places], otherwise)


def _ms(at: Any) -> int:
    milliseconds: int = round(at.timestamp() * 1000)
    return milliseconds
