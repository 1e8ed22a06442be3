"""The entries of an evidence bundle in words, and those about nobody: the rules in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from assent.consent.bundle import Earlier, Proved
from assent.consent.entry import Entry, decode
from assent.consent.leaf import NOBODYS_SECRET
from assent.consent.note import Note
from assent.errors import Conflict, NotFound
from assent.flow.needs import Queries, utc
from assent.flow.sealing import Head, last, tree_for
from assent.message import Purpose

MOST: Final = 10_000
"""Rows of a kind in one bundle; more is refused, so that nothing is left out silently."""
MOST_HISTORY: Final = 50
"""Earlier checkpoints in one bundle."""


async def best_known(queries: Queries) -> tuple[Head, Note]:
    """Return the checkpoint that most is known of: the last that a witness cosigned and that holds
    every entry, else the last. Raises NotFound where there is none yet."""
    head = await last(queries)
    note = Note.parse(head.note) if head.note else None
    if note is None:
        raise NotFound("nothing_sealed", "the ledger has no checkpoint yet", field="ledger")
    for row in await queries.fetch("witnesses_all"):
        seen = Note.parse(row["note"])
        if row["size"] == head.size and seen.text == note.text:
            note = note.signed_by(*seen.signatures[len(note.signatures) :][:1])
    return head, note


async def history_of(queries: Queries, head: Head, positions: Mapping[int, str]) -> list[Earlier]:
    """Return the checkpoints that stood first after some positions (position → what was decided at
    it), of the smallest so many, with the proofs that the ledger of `head` extends them."""
    origin = head.note.partition("\n")[0] + "\n"
    found: dict[int, Earlier] = {}
    for position in sorted(positions)[:MOST_HISTORY]:
        row = await queries.fetchrow("evidence_checkpoint", position)
        if position == 0 or row is None or row["size"] in found:
            continue
        if row["size"] >= head.size or not row["note"].startswith(origin):
            continue  # one that was signed under an earlier name is another log's
        tree = await tree_for(queries, head.size, olds=[row["size"]])
        proof = tree.consistency(row["size"], head.size)
        why = f"it was signed at {row['at'].isoformat()}, after {positions[position]} was decided"
        found[row["size"]] = Earlier(Note.parse(row["note"]), proof, why)
    return list(found.values())


async def settings_in_force(
    queries: Queries, period: tuple[datetime, datetime], head: Head, entries: Sequence[Proved]
) -> tuple[list[Proved], dict[str, bytes]]:
    """Return the entries with those about nobody among them that were in force in a time, and the
    documents that these name, by file."""
    rows = await queries.fetch("settings_between", *period, head.size, MOST + 1)
    check_count(rows)
    tree = await tree_for(queries, head.size, *(row["position"] - 1 for row in rows))
    found = [
        Proved(
            row["position"],
            bytes(row["body"]),
            NOBODYS_SECRET,
            tree.inclusion(row["position"] - 1, head.size),
            words_of(decode(bytes(row["body"])), row["at"], {}) | {"document": row["what"]},
        )
        for row in rows
    ]
    documents = {
        f"settings/{row['position']}-{row['what']}.json": bytes(row["document"]) for row in rows
    }
    return sorted([*entries, *found], key=lambda one: one.position), documents


def words_of(entry: Entry, at: datetime, wordings: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Return what an entry says, in words."""
    wording = wordings.get(entry.wording) or wordings.get(-entry.programme) or {}
    words: dict[str, Any] = {
        "kind": entry.kind.name.lower(),
        "happened_at": utc(entry.at_ms / 1000).isoformat(),
        "appended_at": at.isoformat(),
        "scope": entry.scope.name.lower(),
        "channel": entry.channel.name.lower(),
        "origin": entry.origin.name.lower(),
        "grade": entry.grade.name.lower(),
        "purposes": [one.name.lower() for one in Purpose if entry.purposes >> one & 1],
        "group": entry.group,
        "sender": entry.sender,
        "programme": {"id": entry.programme, **wording} if entry.programme else None,
    }
    if entry.expires_ms:
        words["until"] = utc(entry.expires_ms / 1000).isoformat()
    if entry.receipt:
        words["receipt_code"] = entry.receipt
    if entry.refers_to:
        words["refers_to"] = entry.refers_to
    if entry.statement:
        words["statement_sha256"] = entry.statement.hex()
    return words


def check_count(rows: Sequence[Any]) -> None:
    """Raise Conflict where there is more than a bundle may hold."""
    if len(rows) > MOST:
        raise Conflict(
            "bundle_too_large", f"there are more than {MOST} rows of a kind", field="from",
            mend="ask for a shorter period",
        )  # fmt: skip
