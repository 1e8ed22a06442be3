"""Who tampers with the ledger, and who finds it: one table over verify, fsck and the monitor.

Each attack is carried out by somebody who has the database, some with the log's own key as well, on
a ledger whose earlier checkpoint is in other hands: a bundle, a witness, a monitor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from assent.clock import SystemClock
from assent.consent.bundle import Evidence, Proved, build
from assent.consent.entry import decode
from assent.consent.monitor import Watched, compare, read
from assent.consent.note import KeyKind, Note, SigningKey
from assent.consent.verify import verify
from assent.flow.fsck import Fsck
from assent.flow.fsck_standing import check_standing
from assent.flow.needs import utc
from assent.flow.rollback import compare as compare_head
from assent.flow.sealing import Sealer, last, tree_for
from assent.store import Store
from tests.consent.test_bundle import BUNDLE, TRUSTED, evidence, repacked
from tests.flow.test_sealing import FREE, LOG, ORIGIN, Book

THIEF = SigningKey("log.example", KeyKind.NOTE, bytes(range(9, 41)))
ANEW = ["DELETE FROM ledger_tile", "DELETE FROM ledger_checkpoint"]
WATCHED = Watched(ORIGIN, LOG.public)


@dataclass(frozen=True)
class Attack:
    """What is done behind the platform's back, with which key it is sealed again (None: not), and
    who finds it: codes of fsck, of the monitor, of our own file, of a bundle made afterwards."""

    statements: tuple[str, ...]
    key: SigningKey | None = None
    fsck: frozenset[str] = frozenset()
    monitor: str = ""
    head: str = ""
    verify: frozenset[str] = frozenset()


def swap(old: int, new: int) -> tuple[str, ...]:
    moves = ((old, -old), (new, old), (-old, new))
    return tuple(f"UPDATE entry SET position = {to} WHERE position = {at}" for at, to in moves)


def flip(table: str, column: str, where: str, at: int) -> str:
    changed = f"set_byte({column}, {at}, get_byte({column}, {at}) # 1)"
    return f"UPDATE {table} SET {column} = {changed} WHERE {where}"


FLIP = flip("entry", "body", "position = 5", 20)
BACKDATE = "UPDATE entry SET body = set_byte(body, 15, 0) WHERE position = 300"
DROP_LAST = ("DELETE FROM entry WHERE position > 590", "UPDATE entry_position SET next = 591")
FORKED = {"monitor": "fork", "head": "ledger_forked"}

ATTACKS = {
    "flip": Attack((FLIP,), None, frozenset({"entry_changed"})),
    "drop": Attack(("DELETE FROM entry WHERE position = 5",), None, frozenset({"entry_missing"})),
    "reorder": Attack(swap(5, 6), None, frozenset({"entry_changed"})),
    "backdate": Attack((BACKDATE,), None, frozenset({"entry_changed"})),
    # Everything is made anew with the log's own key: fsck finds a whole ledger, and who saw the
    # other one does not.
    "flip, signed again": Attack((FLIP, *ANEW), LOG, **FORKED),
    "reorder, signed again": Attack((*swap(5, 6), *ANEW), LOG, **FORKED),
    "backdate, signed again": Attack((BACKDATE, *ANEW), LOG, **FORKED),
    "drop the last, signed again": Attack(
        (*DROP_LAST, *ANEW), LOG, monitor="rollback", head="ledger_rolled_back"
    ),
    # Somebody without the key signs as well as he can.
    "re-sign": Attack(
        tuple(ANEW), THIEF, frozenset({"signature_missing"}), "bad_signature",
        verify=frozenset({"key_other", "signature_missing"}),
    ),
    "fork, re-signed": Attack(
        (FLIP, *ANEW), THIEF, frozenset({"signature_missing"}), "bad_signature", "ledger_forked",
        frozenset({"key_other", "signature_missing"}),
    ),
    "standing that no entry gave": Attack(
        ("INSERT INTO standing VALUES (1, 1, 2, 1, NULL, false)",), None,
        frozenset({"standing_other"}),
    ),
}  # fmt: skip


async def watched(store: Store, seen: str) -> str:
    """Return what a monitor that saw a note finds now."""
    head = await last(store)
    now, wrong = read(WATCHED, head.note)
    if wrong is not None or now is None:
        return wrong.code if wrong else ""
    before, _ = read(WATCHED, seen)
    assert before is not None
    tree = await tree_for(store, head.size, olds=[before.size])
    proof = tree.consistency(before.size, now.size) if before.size < now.size else []
    found = compare(before, now, proof)
    return found.code if found else ""


async def bundled(store: Store, signer: SigningKey, position: int) -> set[str]:
    """Return what is wrong with a bundle that is made now, for who knows the log's key."""
    head = await last(store)
    tree = await tree_for(store, head.size, position - 1)
    (row,) = await store.fetch("entries_unsealed", position - 1, 1)
    entry = decode(bytes(row["body"]))
    at = utc(entry.at_ms / 1000).isoformat()
    proved = Proved(
        position, bytes(row["body"]), bytes(row["secret"]),
        tree.inclusion(position - 1, head.size), {"kind": "granted", "happened_at": at},
    )  # fmt: skip
    made = Evidence({}, "now", Note.parse(head.note), [signer.public], [proved])
    return {code for code, _ in verify(build(made, signer), [str(LOG.public)]).faults}


@pytest.fixture
async def book(fresh_store: Store, migrated_url: str) -> Book:
    made = Book(fresh_store, migrated_url)
    await made.meet(7)
    await made.append(600)
    await made.seal()
    return made


@pytest.mark.parametrize("name", ATTACKS)
async def test_it_is_found_and_named(book: Book, name: str) -> None:
    attack = ATTACKS[name]
    seen = await last(book.store)
    await book.sql(
        "INSERT INTO standing SELECT 1, person_id, 2, max(position), NULL, false FROM entry"
        " GROUP BY person_id"
    )
    if name == "standing that no entry gave":
        await book.sql("DELETE FROM standing WHERE person_id = 1")
    await book.sql(FREE, *attack.statements)
    if attack.key is not None:
        sealer = Sealer(book.store, SystemClock(), attack.key, ORIGIN, Random(1).randbytes)
        while await sealer.step():
            pass
    report = await Fsck(book.store, LOG.public).run()
    found = {fault.code for fault in report.faults}
    if not attack.statements[0].startswith(("UPDATE entry", "DELETE FROM entry")):
        found |= {fault.code for fault in (await check_standing(book.store)).faults}
    assert found == attack.fsck
    assert await watched(book.store, seen.note) == attack.monitor
    head = await compare_head(book.store, seen)
    assert (head.code if head else "") == attack.head
    if attack.key is not None:
        assert await bundled(book.store, attack.key, 7) == attack.verify
    assert attack.fsck or attack.monitor or attack.verify


async def test_nothing_is_found_where_nothing_was_done(book: Book) -> None:
    seen = await last(book.store)
    await book.append(20)
    await book.seal()
    assert (await Fsck(book.store, LOG.public).run()).faults == []
    assert await watched(book.store, seen.note) == ""
    assert await compare_head(book.store, seen) is None
    assert await bundled(book.store, LOG, 7) == set()


def test_bundles_that_were_tampered_with_are_named() -> None:
    """The same words for an archive: its own tests try every octet (tests/consent)."""
    cases: dict[str, tuple[Callable[[], bytes], str]] = {
        "flip": (lambda: BUNDLE.replace("您好".encode(), "你好".encode(), 1), "file_changed"),
        "drop": (lambda: repacked({"records/raw.bin": None}), "file_missing"),
        "put in": (lambda: repacked({"records/zzz.txt": b"x"}), "file_extra"),
        "reorder": (
            lambda: build(evidence(entries=evidence().entries[::-1]), LOG), "entry_order",
        ),
        "re-sign": (lambda: build(evidence(), THIEF), "signature_missing"),
    }  # fmt: skip
    for name, (make, code) in cases.items():
        verdict = verify(make(), TRUSTED)
        assert verdict.exit_code == 1, name
        assert code in {one for one, _ in verdict.faults}, (name, verdict.faults)
