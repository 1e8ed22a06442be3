"""Sealing on a real store: proofs of what was appended, failures half-way, tampering found."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import cast

import asyncpg
import numpy as np
import pytest

from assent.clock import SystemClock
from assent.consent.entry import Channel, Entry, Kind, Origin, purpose_mask
from assent.consent.leaf import commitment
from assent.consent.note import Checkpoint, KeyKind, Note, SigningKey
from assent.consent.tree import extends, includes, leaf_hash
from assent.errors import Unavailable
from assent.flow import sealing
from assent.flow.fsck import Fsck, Report
from assent.flow.ledger import append
from assent.flow.needs import Transaction, utc
from assent.flow.people import Directory
from assent.flow.sealing import Sealer, tree_for
from assent.message import Grade, Purpose
from assent.store import Store

LOG = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
ORIGIN = "log.example/consent"
BEGIN = 1_800_000_000.0
MARKETING = purpose_mask(Purpose.MARKETING)


class Book:
    """A store with people and a sealer."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        self.people: list[int] = []
        self.count = 0
        self.sealer = Sealer(store, SystemClock(), LOG, ORIGIN, Random(1).randbytes)

    async def meet(self, count: int) -> None:
        numbers = np.arange(13_900_000_000, 13_900_000_000 + count, dtype=np.uint64)
        self.people = (await Directory().ids(self.store, numbers, utc(BEGIN))).tolist()

    async def append(self, count: int) -> None:
        """Append grants, each of a person in turn."""
        start = self.count
        entries = [
            Entry(
                at_ms=int(BEGIN * 1000) + place,
                kind=Kind.GRANTED,
                person=self.people[place % len(self.people)],
                group=1,
                sender=1,
                programme=1,
                purposes=MARKETING,
                channel=Channel.WEB,
                origin=Origin.CUSTOMER,
                grade=Grade.DOCUMENT,
            )
            for place in range(start, start + count)
        ]
        for first in range(0, count, 1000):
            async with self.store.transaction() as tx:
                await append(tx, entries[first : first + 1000], utc(BEGIN))
        self.count += count

    async def seal(self) -> None:
        while await self.sealer.step():
            pass

    async def leaf(self, position: int) -> bytes:
        (row,) = await self.store.fetch("entries_unsealed", position - 1, 1)
        return leaf_hash(commitment(bytes(row["secret"]), bytes(row["body"])))

    async def fsck(self) -> Report:
        return await Fsck(self.store, LOG.public).run()

    async def sql(self, *statements: str) -> None:
        """Do what no code of ours does: change rows behind its back."""
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class Failing:
    """A store whose transactions fail, before their COMMIT or after it."""

    def __init__(self, store: Store, before: bool) -> None:
        self._store = store
        self._before = before

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._store.transaction() as tx:
            yield tx
            if self._before:
                raise Unavailable("store_gone", "the connection fell before the COMMIT")
        raise Unavailable("commit_unknown", "the connection fell after the COMMIT")


@pytest.fixture
async def book(fresh_store: Store, migrated_url: str) -> Book:
    made = Book(fresh_store, migrated_url)
    await made.meet(7)
    return made


async def test_every_entry_is_proved_and_trees_extend_each_other(book: Book) -> None:
    heads = []
    for count in (1, 2, 253, 700, 3):
        await book.append(count)
        await book.seal()
        heads.append(book.sealer.head)
    size, root = heads[-1].size, heads[-1].root
    assert size == 959
    checkpoint = Checkpoint.parse(Note.parse(heads[-1].note).text)
    assert (checkpoint.size, checkpoint.root, checkpoint.origin) == (size, root, ORIGIN)
    assert [key for key, _ in Note.parse(heads[-1].note).signers([LOG.public])] == [LOG.public]
    for position in (1, 2, 255, 256, 257, 512, 958, 959):
        tree = await tree_for(book.store, size, position - 1)
        proof = tree.inclusion(position - 1, size)
        assert includes(await book.leaf(position), position - 1, size, proof, root)
    for old, new in itertools.combinations(heads, 2):
        tree = await tree_for(book.store, new.size, olds=[old.size])
        proof = tree.consistency(old.size, new.size)
        assert extends(old.size, new.size, proof, old.root, new.root)
    report = await book.fsck()
    assert (report.size, report.root, report.faults) == (size, root, [])


async def test_what_is_appended_later_waits_for_the_next_seal(book: Book) -> None:
    await book.append(5)
    await book.seal()
    await book.append(2)
    report = await book.fsck()
    assert (report.entries, report.unsealed, report.faults) == (5, 2, [])


async def test_two_sealers_make_one_ledger(book: Book) -> None:
    other = Sealer(book.store, SystemClock(), LOG, ORIGIN, Random(2).randbytes)
    await book.append(4_100)
    while any(await asyncio.gather(book.sealer.step(), other.step())):
        pass
    assert book.sealer.sealed + other.sealed == 4_100
    assert (await book.fsck()).faults == []


async def test_a_commit_that_is_lost_and_one_that_is_not_answered(book: Book) -> None:
    """Both end in the same tree: the next step begins at what is stored."""
    await book.append(300)

    for before, stored in ((True, 0), (False, 300)):
        store = cast("Store", Failing(book.store, before))
        failing = Sealer(store, SystemClock(), LOG, ORIGIN, Random(1).randbytes)
        with pytest.raises(Unavailable):
            await failing.step()
        assert (await sealing.last(book.store)).size == stored
    await book.seal()
    assert (await book.fsck()).faults == []
    await book.append(1)
    await book.seal()
    assert (await book.fsck()).size == 301


async def test_an_erased_person_leaves_the_tree_whole(book: Book) -> None:
    await book.append(20)
    await book.seal()
    root = book.sealer.head.root
    await book.sql("UPDATE person SET msisdn = NULL, secret = NULL WHERE id = 1")
    report = await book.fsck()
    assert report.erased == 3
    assert (report.faults, report.root) == ([], root)


FREE = "SET session_replication_role = replica"  # the superuser's way around the trigger
FLIP = "UPDATE {} SET {column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1) WHERE {}"
TAMPERINGS = {
    "an entry changed": (
        [FREE, FLIP.format("entry", "position = 5", column="body", at=20)],
        {("entry_changed", "entry 5")},
    ),
    "an entry gone": (
        [FREE, "DELETE FROM entry WHERE position = 5"],
        {("entry_missing", "entry 5")},
    ),
    "two entries swapped": (
        [FREE, *(f"UPDATE entry SET position = {new} WHERE position = {old}"
                 for old, new in ((5, -5), (6, 5), (-5, 6)))],
        {("entry_changed", "entry 5"), ("entry_changed", "entry 6")},
    ),
    "an entry backdated": (
        [FREE, "UPDATE entry SET body = set_byte(body, 15, 0) WHERE position = 300"],
        {("entry_changed", "entry 300")},
    ),
    "an entry that is none": (
        [FREE, "UPDATE entry SET body = body || '\\x00' WHERE position = 5"],
        {("entry_changed", "entry 5"), ("entry_not_canonical", "entry 5")},
    ),
    "a leaf changed": (
        [FLIP.format("ledger_tile", "level = 0 AND number = 1", column="hashes", at=0)],
        {("entry_changed", "entry 257"), ("tile_changed", "tile 1/0"),
         ("root_wrong", "checkpoint 600")},
    ),
    "a tile gone": (
        ["DELETE FROM ledger_tile WHERE level = 1"],
        {("tile_missing", "tile 1/0")},
    ),
    "a tile too many": (
        ["INSERT INTO ledger_tile SELECT 0, 9, hashes FROM ledger_tile WHERE number = 1"],
        {("tile_extra", "tile 0/9")},
    ),
    "a root changed": (
        [FLIP.format("ledger_checkpoint", "size = 600", column="root", at=0)],
        {("root_wrong", "checkpoint 600")},
    ),
    "a note changed": (
        ["UPDATE ledger_checkpoint SET note = replace(note, '600', '601') WHERE size = 600"],
        {("signature_wrong", "checkpoint 600")},
    ),
    "a signature gone": (
        ["UPDATE ledger_checkpoint SET note = replace(note, ' log.example ', ' log.evil ')"],
        {("signature_missing", "checkpoint 600")},
    ),
    "a note that is none": (
        ["UPDATE ledger_checkpoint SET note = 'x' WHERE size = 600"],
        {("checkpoint_form", "checkpoint 600")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_tampering_is_found_and_named(book: Book, what: str) -> None:
    statements, faults = TAMPERINGS[what]
    await book.append(200)
    await book.seal()
    await book.append(400)
    await book.seal()
    await book.sql(*statements)
    found = {(fault.code, fault.place) for fault in (await book.fsck()).faults}
    assert found == faults


async def test_a_ledger_signed_again_by_another_is_found(book: Book) -> None:
    """Who has the database, but not the key, rebuilds everything with a key of his own."""
    await book.append(10)
    thief = SigningKey("log.example", KeyKind.NOTE, bytes(range(9, 41)))
    await Sealer(book.store, SystemClock(), thief, ORIGIN, Random(1).randbytes).step()
    found = [(fault.code, fault.place) for fault in (await book.fsck()).faults]
    assert found == [("signature_missing", "checkpoint 10")]
