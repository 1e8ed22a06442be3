"""Balancing a database against the carriers' own records, after any kind of trouble.

`audit` reads everything that was stored and everything that the carriers wrote down, unpacks the
columns by itself (nothing of flow/ is used but the meaning of the numbers) and returns what does
not add up, as sentences. An empty list means: every accepted message is accounted for exactly
once, nothing of marketing reached a carrier twice or over a cap, no refusal was lost, none was
confirmed twice, and the money is exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import numpy as np

from assent.message import (
    WITHHELD_EXPIRED,
    WITHHELD_REFUSED,
    WITHHELD_STOPPED,
    AttemptStatus,
    Purpose,
    State,
)

SERVICE_PORT = "1069999"
REFUSALS = frozenset({"TD", "ＴＤ", "td", "退订", "T"})
DAY_NS = 86_400 * 10**9
CHINA_NS = 8 * 3600 * 10**9

Segment = tuple[int, int, int]
"""(batch, slot, segment)."""

_TABLES = (
    "batch",
    "submission",
    "attempt_window",
    "open_window",
    "window_result",
    "slot_end",
    "queue",
    "unsure_segment",
    "posting",
    "balance",
    "entry",
    "entry_position",
    "refusal",
    "confirmation",
    "person",
    "port",
    "sender",
    "epoch",
    "batch_final",
)


def column(data: bytes, kind: str) -> list[int]:
    """Return a column's numbers."""
    found: list[int] = np.frombuffer(data, np.dtype(kind)).tolist()
    return found


@dataclass
class Books:
    """Everything that was stored, unpacked, and what the carriers recorded."""

    tables: dict[str, list[asyncpg.Record]]
    records: list[dict[str, Any]]
    problems: list[str] = field(default_factory=list)
    batches: dict[int, asyncpg.Record] = field(default_factory=dict)
    segments: dict[int, list[int]] = field(default_factory=dict)
    windows: dict[int, asyncpg.Record] = field(default_factory=dict)
    # Every answer stored: (window, result row, status, code, carrier's id).
    answers: dict[Segment, list[tuple[int, int, int, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # Slots that ended without an attempt: (row, state).
    ends: dict[tuple[int, int], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    # Unsure attempts of codes that were tried again: (window, batch, slot, segment).
    retried: set[tuple[int, int, int, int]] = field(default_factory=set)

    def wrong(self, true: bool, words: str) -> None:
        """Note a problem, the first twenty of them."""
        if true and len(self.problems) < 20:
            self.problems.append(words)

    def purpose(self, batch: int) -> Purpose:
        return Purpose(self.batches[batch]["purpose"])

    def all_segments(self) -> Iterator[Segment]:
        for batch, counts in self.segments.items():
            for slot, count in enumerate(counts):
                for number in range(count):
                    yield batch, slot, number

    def final(self, segment: Segment) -> list[tuple[int, int, int, int, int]]:
        """Return the answers after which a segment is never tried again."""
        again = (AttemptStatus.THROTTLED, AttemptStatus.RETURNED)
        return [
            one
            for one in self.answers.get(segment, ())
            if one[2] not in again
            and not (one[2] == AttemptStatus.UNSURE and (one[0], *segment) in self.retried)
        ]


async def read(url: str, records: list[dict[str, Any]]) -> Books:
    """Read a database whole; for small ones."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            tables = {name: await connection.fetch(f"SELECT * FROM {name}") for name in _TABLES}
    finally:
        await connection.close()
    books = Books(tables, records)
    for row in tables["batch"]:
        books.batches[row["id"]] = row
        books.segments[row["id"]] = column(row["segments"], "<u1")
    for row in tables["attempt_window"]:
        books.windows[row["id"]] = row
    for row in tables["window_result"]:
        slots = column(books.windows[row["window_id"]]["slots"], "<u2")
        for position, number, status, code, carrier_id in zip(
            column(row["positions"], "<u2"),
            column(row["segments"], "<u1"),
            column(row["statuses"], "<u1"),
            column(row["codes"], "<u4"),
            column(row["carrier_ids"], "<u8"),
            strict=True,
        ):
            books.answers[row["batch_id"], slots[position], number].append(
                (row["window_id"], row["id"], status, code, carrier_id)
            )
    for row in tables["slot_end"]:
        for slot, state in zip(
            column(row["slots"], "<u2"), column(row["states"], "<u1"), strict=True
        ):
            books.ends[row["batch_id"], slot].append((row["id"], state))
    _find_retried(books)
    return books


def _find_retried(books: Books) -> None:
    """Note the unsure attempts of codes after which something else happened."""
    tries: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for id_, window in books.windows.items():
        for slot, number in zip(
            column(window["slots"], "<u2"), column(window["tries"], "<u1"), strict=True
        ):
            tries[window["batch_id"], slot][id_] = number
    for row in books.tables["unsure_segment"]:
        place = (row["batch_id"], row["slot"])
        later = max(tries[place].values()) > tries[place][row["window_id"]]
        if books.purpose(row["batch_id"]) is Purpose.VERIFICATION and (
            later or place in books.ends
        ):
            books.retried.add((row["window_id"], *place, row["segment"]))


async def audit(url: str, records: list[dict[str, Any]], *, finished: bool = True) -> list[str]:
    """Return what does not add up, nothing when all is well.

    `finished`: nothing may wait any more, in the queue or in open windows.
    """
    books = await read(url, records)
    _check_messages(books, finished)
    _check_windows(books, finished)
    _check_carriers(books)
    _check_caps(books)
    _check_ledger(books)
    _check_refusals(books)
    _check_confirmations(books, finished)
    _check_money(books)
    return books.problems


# Messages ---------------------------------------------------------------------------------------


def _check_messages(books: Books, finished: bool) -> None:
    """Each segment has exactly one end, or still waits where it can be found."""
    queued = {row["batch_id"] for row in books.tables["queue"]}
    open_ = _open_segments(books)
    for segment in books.all_segments():
        batch, slot, _ = segment
        finals = books.final(segment)
        ends = books.ends.get((batch, slot), [])
        # A message that ended before its rest was tried again: what it had is kept.
        count = len(finals) + (len(ends) if not finals else 0)
        waits = segment in open_ or batch in queued
        books.wrong(count > 1 or len(ends) > 1, f"{segment} ended {count} times")
        books.wrong(count == 0 and not waits, f"{segment} is not accounted for")
        books.wrong(finished and count == 0, f"{segment} still waits")
        seen = Counter(answer[0] for answer in books.answers.get(segment, ()))
        books.wrong(
            max(seen.values(), default=0) > 1, f"{segment} was answered twice in one window"
        )


def _open_segments(books: Books) -> set[Segment]:
    found: set[Segment] = set()
    for row in books.tables["open_window"]:
        window = books.windows[row["id"]]
        for slot in column(window["slots"], "<u2"):
            for number in range(books.segments[row["batch_id"]][slot]):
                answered = any(
                    one[0] == row["id"] for one in books.answers[row["batch_id"], slot, number]
                )
                if not answered:
                    found.add((row["batch_id"], slot, number))
    return found


def _check_windows(books: Books, finished: bool) -> None:
    """What a dead epoch held is free; nothing is attempted twice at the same time."""
    ended = {row["id"] for row in books.tables["epoch"] if row["ended_at"] is not None}
    for row in books.tables["open_window"]:
        books.wrong(row["epoch"] in ended, f"window {row['id']} is open, its epoch ended")
    for row in books.tables["queue"]:
        books.wrong(row["epoch"] in ended, f"batch {row['batch_id']} is leased by a dead epoch")
    if finished:
        books.wrong(bool(books.tables["open_window"]), "windows are open")
        books.wrong(bool(books.tables["queue"]), "the queue is not empty")
    tries: Counter[tuple[int, int, int]] = Counter()
    for window in books.windows.values():
        for slot, number in zip(
            column(window["slots"], "<u2"), column(window["tries"], "<u1"), strict=True
        ):
            tries[window["batch_id"], slot, number] += 1
    for key, count in tries.items():
        books.wrong(count > 1, f"try {key[2]} of {key[:2]} was committed {count} times")


# Carriers ---------------------------------------------------------------------------------------


def taken(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the SUBMITs that a carrier accepted, or may have: all but those it refused."""
    refused: set[tuple[str, int, int]] = set()
    submits = []
    for record in records:
        key = (record["carrier"], record["connection"], record["sequence"])
        if record["command"] == "SUBMIT_RESP" and record["direction"] == "out":
            if record["status"] != 0:
                refused.add(key)
        elif record["command"] == "SUBMIT" and record["direction"] == "in":
            submits.append((key, record))
    return [record for key, record in submits if key not in refused]


def _ports(books: Books, purpose: Purpose) -> dict[str, int]:
    return {
        row["number"]: row["sender_id"]
        for row in books.tables["port"]
        if row["purpose"] == purpose and row["sender_id"] is not None
    }


def _check_carriers(books: Books) -> None:
    """No marketing twice; and what either side knows of, the other does too."""
    marketing = _ports(books, Purpose.MARKETING)
    seen: Counter[tuple[Any, ...]] = Counter()
    for record in taken(books.records):
        if record["source"] in marketing:
            part = tuple(record["segment"][1:]) if record["segment"] else ()
            seen[record["source"], record["destination"], record["text"], part] += 1
    for key, count in seen.items():
        books.wrong(count > 1, f"marketing of {key[0]} reached its carrier {count} times")
    ids: dict[tuple[str, int], Segment] = {}
    for segment, answers in books.answers.items():
        carrier = books.batches[segment[0]]["carrier"]
        # A text that went as one PDU has one id for all its segments.
        whole = "payload" in (books.batches[segment[0]]["writing"] or "")
        for _, _, status, _, carrier_id in answers:
            if status == AttemptStatus.ACCEPTED:
                other = ids.setdefault((carrier, carrier_id), segment)
                twice = other[:2] != segment[:2] if whole else other != segment
                books.wrong(twice, f"{carrier} {carrier_id} stands twice")
    answered = {
        (record["carrier"], int(record["message_id"]))
        for record in books.records
        if record["command"] == "SUBMIT_RESP" and record["status"] == 0
    }
    unheard = ids.keys() - answered
    books.wrong(bool(unheard), f"{len(unheard)} acceptances that no carrier gave")
    unsure = len(books.tables["unsure_segment"])
    unknown = len(taken(books.records)) - len(ids)
    books.wrong(unknown > unsure, f"{unknown} more taken than accepted, but {unsure} unsure")


def _check_caps(books: Books) -> None:
    """At most one marketing message a day from a sender to a person."""
    marketing = _ports(books, Purpose.MARKETING)
    texts: dict[tuple[int, str, int], set[Any]] = defaultdict(set)
    for record in taken(books.records):
        if record["source"] in marketing:
            day = (record["t"] + CHINA_NS) // DAY_NS
            part = record["segment"][0] if record["segment"] else record["text"]
            texts[marketing[record["source"]], record["destination"], day].add(part)
    for (sender, _, _), some in texts.items():
        books.wrong(len(some) > 1, f"sender {sender} wrote {len(some)} times a day to one person")


# Refusals ---------------------------------------------------------------------------------------


def _check_ledger(books: Books) -> None:
    positions = sorted(row["position"] for row in books.tables["entry"])
    books.wrong(positions != list(range(1, len(positions) + 1)), "the ledger has gaps")
    next_ = books.tables["entry_position"][0]["next"]
    books.wrong(next_ != len(positions) + 1, "the ledger's counter is off")


def acknowledged_refusals(records: Iterable[dict[str, Any]]) -> set[str]:
    """Return the numbers whose refusal the platform answered for."""
    asked: dict[tuple[str, int, int], str] = {}
    found: set[str] = set()
    for record in records:
        key = (record["carrier"], record["connection"], record["sequence"])
        if record["command"] == "DELIVER" and (record["text"] or "").strip() in REFUSALS:
            asked[key] = record["source"]
        elif record["command"] == "DELIVER_RESP" and record["status"] == 0 and key in asked:
            found.add(asked[key])
    return found


def _check_refusals(books: Books) -> None:
    """Whoever's refusal was acknowledged has one in the books."""
    refused = {row["person_id"] for row in books.tables["refusal"]}
    people = {str(row["msisdn"]): row["id"] for row in books.tables["person"]}
    for number in acknowledged_refusals(books.records):
        person = people.get("86" + number.removeprefix("86"))
        books.wrong(person not in refused, "an acknowledged refusal is lost")
    withdrawn = {row["person_id"] for row in books.tables["entry"] if row["kind"] == 3}
    books.wrong(not refused <= withdrawn, "a refusal without its entry")


def _check_confirmations(books: Books, finished: bool) -> None:
    """Each is sent once, or unsure; and no marketing of that group leaves after it."""
    sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in taken(books.records):
        if record["source"] == SERVICE_PORT:
            sent[record["text"][-8:]].append(record)
    for row in books.tables["confirmation"]:
        times = len(sent.pop(row["receipt_code"], []))
        books.wrong(times > 1, f"confirmation {row['id']} was sent {times} times")
        if row["state"] != "attempted":
            books.wrong(times > 0, f"confirmation {row['id']} is {row['state']} but was sent")
            books.wrong(finished and row["state"] == "waiting", "a confirmation waits")
            continue
        message = row["message_id"]
        statuses = {one[2] for one in books.answers.get((message >> 10, message & 1023, 0), ())}
        books.wrong(
            AttemptStatus.ACCEPTED in statuses and times != 1,
            f"confirmation {row['id']} is accepted but was sent {times} times",
        )
        books.wrong(
            times == 1 and not statuses & {AttemptStatus.ACCEPTED, AttemptStatus.UNSURE},
            f"confirmation {row['id']} was sent but is {statuses}",
        )
    books.wrong(bool(sent), f"{len(sent)} confirmations that nobody wrote")
    _check_after_confirmation(books)


def _check_after_confirmation(books: Books) -> None:
    groups = {row["id"]: row["group_id"] for row in books.tables["sender"]}
    marketing = _ports(books, Purpose.MARKETING)
    codes = {row["receipt_code"]: set(row["groups"]) for row in books.tables["confirmation"]}
    confirmed: dict[str, set[int]] = defaultdict(set)
    for record in sorted(taken(books.records), key=lambda record: record["t"]):
        if record["source"] == SERVICE_PORT:
            confirmed[record["destination"]] |= codes.get(record["text"][-8:], set())
        elif record["source"] in marketing:
            group = groups[marketing[record["source"]]]
            books.wrong(
                bool(confirmed[record["destination"]] & {group, 0}),
                "marketing left after the confirmation of a refusal",
            )


# Money ------------------------------------------------------------------------------------------


def _check_money(books: Books) -> None:
    """Every posting has its cause and every cause its posting; the books are what they add to."""
    expected = _expected_postings(books)
    settled = _settled_by_time(books)
    found: Counter[tuple[str, int]] = Counter()
    others: Counter[tuple[str, int]] = Counter()
    for row in books.tables["posting"]:
        key = (row["kind"], row["source"])
        if row["kind"] not in ("revenue", "release", "release_daily"):
            continue
        price = books.batches[row["batch_id"]]["price"]
        books.wrong(row["amount"] != row["segments"] * price, f"posting {row['id']}: amount")
        if key in expected:
            found[key] += row["segments"]
        else:
            others[row["kind"], row["batch_id"]] += row["segments"]
    for key, count in expected.items():
        books.wrong(found[key] != count, f"{key}: {found[key]} segments posted, {count} due")
    # A receipt that comes after the release moves nothing: so only the sum is due.
    for batch in {key[1] for key in others} | {key[1] for key in settled}:
        posted = others["revenue", batch] + others["release", batch]
        due = settled.get(("revenue", batch), 0) + settled.get(("release", batch), 0)
        books.wrong(posted != due, f"batch {batch}: {posted} settled later, {due} due")
    _check_reserved(books)
    _check_balances(books)


def _expected_postings(books: Books) -> dict[tuple[str, int], int]:
    """Return segments by (kind, source), from answers and ends."""
    due: Counter[tuple[str, int]] = Counter()
    for (batch, slot, number), answers in books.answers.items():
        if not books.batches[batch]["price"]:
            continue
        for _, row, status, code, _ in answers:
            if status == AttemptStatus.ACCEPTED:
                due["revenue", row] += 1
            elif status == AttemptStatus.REFUSED or (
                status == AttemptStatus.WITHHELD and code in (WITHHELD_EXPIRED, WITHHELD_STOPPED)
            ):
                due["release", row] += 1
            elif status == AttemptStatus.WITHHELD and code == WITHHELD_REFUSED:
                due["release_daily", row] += 1
        assert number < books.segments[batch][slot]
    for (batch, slot), ends in books.ends.items():
        if not books.batches[batch]["price"]:
            continue
        for row, state in ends:
            kind = "release_daily" if state == State.CANCELLED else "release"
            for number in range(books.segments[batch][slot]):
                if not books.final((batch, slot, number)):
                    due[kind, row] += 1
    return {key: count for key, count in due.items() if count}


def _settled_by_time(books: Books) -> dict[tuple[str, int], int]:
    """Return segments by (kind, batch) that a late receipt or the end of waiting settled."""
    kinds = {"receipt": "revenue", "released": "release"}
    due: Counter[tuple[str, int]] = Counter()
    for row in books.tables["unsure_segment"]:
        batch = row["batch_id"]
        retried = (row["window_id"], batch, row["slot"], row["segment"]) in books.retried
        if row["settled"] in kinds and books.batches[batch]["price"] and not retried:
            due[kinds[row["settled"]], batch] += 1
    return dict(due)


def _check_reserved(books: Books) -> None:
    """What is reserved is the price of the segments that nothing has settled."""
    sums: Counter[tuple[int, int]] = Counter()
    for row in books.tables["posting"]:
        sums[row["account_id"], row["credit"]] += row["amount"]
        sums[row["account_id"], row["debit"]] -= row["amount"]
    books.wrong(sum(sums.values()) != 0, "the books do not add up to nothing")
    late = {
        (row["batch_id"], row["slot"], row["segment"])
        for row in books.tables["unsure_segment"]
        if row["settled"] in ("receipt", "released")
    }
    due: Counter[int] = Counter()
    for segment in books.all_segments():
        batch = books.batches[segment[0]]
        finals = [one for one in books.final(segment) if one[2] != AttemptStatus.UNSURE]
        unsure = len(books.final(segment)) > len(finals)
        ended = bool(books.ends.get(segment[:2])) and not unsure
        if not finals and not ended and not (unsure and segment in late):
            due[batch["account_id"]] += batch["price"]
    for account in {row["account_id"] for row in books.tables["balance"]}:
        reserved = sums[account, 3]
        books.wrong(
            reserved != due[account], f"account {account}: {reserved} reserved, {due[account]} due"
        )
        books.wrong(sums[account, 2] < 0 or sums[account, 5] < 0, "a book is below nothing")


def _check_balances(books: Books) -> None:
    for row in books.tables["balance"]:
        visible = 0
        for posting in books.tables["posting"]:
            if posting["account_id"] != row["account_id"]:
                continue
            sign = (posting["credit"] == 2) - (posting["debit"] == 2)
            seen = posting["kind"] in ("deposit", "reserve") or posting["xid"] < row["folded_to"]
            visible += sign * posting["amount"] * seen
        books.wrong(visible != row["available"], f"balance of account {row['account_id']} is off")
    costs: Counter[int] = Counter()
    for batch in books.batches.values():
        segments = sum(books.segments[batch["id"]])
        costs[batch["submission_id"]] += segments * batch["price"]
    reserved = {
        row["source"]: row["amount"] for row in books.tables["posting"] if row["kind"] == "reserve"
    }
    due = {id_: cost for id_, cost in costs.items() if cost}
    books.wrong(reserved != due, "what was reserved is not what the orders cost")
