"""A log that was rolled back goes on under another name, and says so itself."""

from __future__ import annotations

import hashlib
import json
import secrets

import pytest

from assent.clock import SystemClock
from assent.consent.note import Checkpoint, KeyKind, Note, SigningKey
from assent.errors import Conflict, InvalidInput
from assent.flow.fsck import Fsck
from assent.flow.ledger_key import open_key
from assent.flow.needs import utc
from assent.flow.sealing import Sealer, last
from assent.flow.succession import past_keys, succeed
from assent.flow.vault import Vault
from assent.store import Store
from tests.flow.test_sealing import BEGIN, Book

FIRST, SECOND = "log.example/consent", "log.example/consent-2"


async def test_it_goes_on_and_names_what_was(fresh_store: Store, migrated_url: str) -> None:
    store, random = fresh_store, secrets.token_bytes
    vault = Vault({1: bytes(32)}, random)
    book = Book(store, migrated_url)
    await book.meet(3)
    await book.append(5)
    _, old = await open_key(store, vault, random, BEGIN, FIRST)
    await Sealer(store, SystemClock(), old, FIRST, random).step()
    note = (await last(store)).note
    await store.execute("witness_put", "w.example", 9, note, utc(BEGIN))

    told = await succeed(store, vault, random, BEGIN, SECOND, "restored")
    origin, key = await open_key(store, vault, random, BEGIN)
    assert (origin, str(key.public)) == (SECOND, told["key"])
    assert key.public.octets != old.public.octets
    clock = SystemClock(3_600)  # of checkpoints one a minute is kept
    assert await Sealer(store, clock, key, SECOND, random).step() == 1
    assert Checkpoint.parse(Note.parse((await last(store)).note).text).origin == SECOND
    (row,) = await store.fetch("settings_all", 100)
    document = json.loads(bytes(row["document"]))
    assert document["before"] == {"origin": FIRST, "key": str(old.public), "checkpoint": note}
    assert document["witnessed"] == [{"name": "w.example", "size": 9, "note": note}]
    assert await store.fetch("witnesses_all") == []

    assert await past_keys(store) == [old.public]
    report = await Fsck(store, key.public, past=await past_keys(store)).run()
    assert (report.faults, report.checkpoints) == ([], 2)
    alone = await Fsck(store, key.public).run()
    assert [fault.code for fault in alone.faults] == ["signature_missing"]
    for name in (FIRST, SECOND, "two words"):
        with pytest.raises(InvalidInput, match="name"):
            await succeed(store, vault, random, BEGIN, name, "again")
    with pytest.raises(InvalidInput, match="reason"):
        await succeed(store, vault, random, BEGIN, "other.example", " ")
    # A key that somebody writes in is none that the ledger names.
    thief = SigningKey(FIRST, KeyKind.NOTE, bytes(range(32)))
    lie = json.dumps({**document, "before": {"origin": FIRST, "key": str(thief.public)}}).encode()
    digest = hashlib.sha256(lie).hexdigest()
    await book.sql(f"UPDATE setting SET document = '\\x{lie.hex()}', digest = '\\x{digest}'")
    assert await past_keys(store) == []


async def test_not_while_it_runs_or_refusals_are_missing(
    fresh_store: Store, migrated_url: str
) -> None:
    store, random = fresh_store, secrets.token_bytes
    vault = Vault({1: bytes(32)}, random)
    await open_key(store, vault, random, BEGIN, FIRST)
    book = Book(store, migrated_url)
    await book.sql(
        "INSERT INTO class_stop (reason, since) VALUES ('x', now())",
        "INSERT INTO ledger_recovery (source, code, seen, size, stop_id, noticed_at)"
        " SELECT 'head', 'ledger_rolled_back', 9, 5, id, now() FROM class_stop",
    )
    with pytest.raises(Conflict) as caught:
        await succeed(store, vault, random, BEGIN, SECOND, "restored")
    assert caught.value.code == "recovery_open"
    await book.sql(
        "INSERT INTO epoch (role, host, pid, started_at) VALUES ('bulk', 'h', 1, now())",
        "INSERT INTO process_health (epoch, role, at, body)"
        " SELECT id, 'bulk', now(), '{}' FROM epoch",
    )
    with pytest.raises(Conflict) as caught:
        await succeed(store, vault, random, SystemClock().now(), SECOND, "restored")
    assert caught.value.code == "platform_runs"
    assert (await open_key(store, vault, random, BEGIN))[0] == FIRST
