"""Rulebook, keywords and links are entries: once each, by whoever starts, and when staff steer."""

from __future__ import annotations

import asyncio
import json

import pytest

from assent.consent.entry import Kind, Origin, decode
from assent.flow import steering
from assent.flow.fsck import Fsck
from assent.flow.requests import Caller
from assent.flow.sealing import Sealer
from assent.flow.settings_log import canonical, note_settings
from assent.store import Store
from tests.flow.conftest import Platform
from tests.flow.test_evidence import seal
from tests.flow.test_sealing import BEGIN, LOG, ORIGIN, Book

ONE, OTHER = canonical({"a": 1, "b": "中"}), canonical({"a": 2})


async def entries(store: Store) -> list[tuple[str, Origin]]:
    rows = await store.fetch("entries_unsealed", 0, 100)
    found = [decode(bytes(row["body"])) for row in rows]
    assert all(entry.kind is Kind.SETTING and entry.person == 0 for entry in found)
    assert all(bytes(row["secret"]) == bytes(16) for row in rows)
    return [(entry.receipt, entry.origin) for entry in found]


async def test_only_what_changed_is_an_entry(fresh_store: Store) -> None:
    store = fresh_store
    assert await note_settings(store, {"rulebook": ONE, "links": ONE}, BEGIN) == [
        "links", "rulebook",
    ]  # fmt: skip
    assert await note_settings(store, {"rulebook": ONE, "links": ONE}, BEGIN) == []
    assert await note_settings(store, {"rulebook": OTHER}, BEGIN, Origin.STAFF) == ["rulebook"]
    assert await note_settings(store, {"rulebook": ONE}, BEGIN) == ["rulebook"]  # back again
    assert await entries(store) == [
        ("links", Origin.PLATFORM), ("rulebook", Origin.PLATFORM), ("rulebook", Origin.STAFF),
        ("rulebook", Origin.PLATFORM),
    ]  # fmt: skip


async def test_processes_that_start_together_append_it_once(fresh_store: Store) -> None:
    await asyncio.gather(*(note_settings(fresh_store, {"x": ONE}, BEGIN) for _ in range(5)))
    assert await entries(fresh_store) == [("x", Origin.PLATFORM)]


async def test_staff_who_steer_a_link_change_the_ledger(platform: Platform) -> None:
    node = platform.node
    operator = node.catalogue.operator
    assert operator is not None
    caller = Caller(operator.id, frozenset({"links"}), False, 1)
    names = node.fleet.settings.names()
    before = await platform.value("SELECT count(*) FROM setting WHERE what = 'links'")
    await steering.order(node.store, node.clock, caller, names, "mobile", "pause")
    await node.ledger.note_settings(Origin.STAFF)
    rows = await platform.sql("SELECT document FROM setting WHERE what = 'links' ORDER BY 1")
    assert len(rows) == before + 1
    told = [json.loads(bytes(row[0])) for row in rows]
    assert {"mobile": "paused"} in [one["orders"] for one in told]
    assert all("secret" not in json.dumps(one) for one in told)
    await seal(platform)
    report = await Fsck(node.store, node.ledger.keys[0]).run()
    assert report.faults == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE setting SET document = '\\x7b7d0a'", "setting_changed"),
        ("UPDATE setting SET what = 'keywords'", "setting_changed"),
        ("SET session_replication_role = replica; DELETE FROM entry", "setting_missing"),
    ],
)
async def test_a_document_that_was_changed_is_found(
    fresh_store: Store, migrated_url: str, change: str, code: str
) -> None:
    book = Book(fresh_store, migrated_url)
    await note_settings(fresh_store, {"rulebook": ONE}, BEGIN)
    await Sealer(fresh_store, book.sealer._clock, LOG, ORIGIN, bytes).step()
    assert (await book.fsck()).faults == []
    await book.sql(*change.split("; "))
    assert code in {fault.code for fault in (await book.fsck()).faults}
