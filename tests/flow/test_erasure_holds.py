"""Erasure that waits or fails half-way, and what is left provable: holds, lost answers, bundles."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assent.clock import SystemClock
from assent.consent.entry import Kind, decode
from assent.consent.verify import verify
from assent.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from assent.flow.erasure import Erasing, Wish
from assent.flow.erasure_requests import ErasureRequest, HoldRequest
from assent.flow.fsck import Fsck
from assent.flow.needs import Store, Transaction, utc
from assent.flow.reassignment import Reassignments
from tests.flow.conftest import Platform, number
from tests.flow.test_erasure import (
    HER,
    SHE,
    dump,
    erase,
    hits,
    kinds,
    person_of,
    reassign,
    staff,
    walk,
)
from tests.flow.test_evidence import HERS as IN_BUNDLE
from tests.flow.test_evidence import gathering, seal, told, wanted


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


async def state(platform: Platform, *tables: str) -> list[Any]:
    return [
        await platform.value(f"SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '')"
                             f" FROM {table} t")
        for table in tables
    ]  # fmt: skip


TABLES = ("person", "entry", "standing", "standing_end", "number_mark", "erasure", "reply",
          "staff_act")  # fmt: skip


async def test_an_erasure_that_is_lost_did_nothing(platform: Platform) -> None:
    await platform.consent([SHE])
    before = await state(platform, *TABLES)
    node = platform.node
    failing = Erasing(Failing(node.store, before=True), node.clock, node.vault)  # type: ignore[arg-type]  # as much of a store as it needs
    with pytest.raises(Unavailable):
        await failing.erase(Wish(HER, "receiver"))
    assert await state(platform, *TABLES) == before
    assert (await platform.send([SHE]))["allowed"] == 1


async def test_an_erasure_that_is_done_and_not_answered_is_repeated_without_harm(
    platform: Platform,
) -> None:
    await platform.consent([SHE])
    node = platform.node
    person = await person_of(platform)
    assert person is not None
    failing = Erasing(Failing(node.store, before=False), node.clock, node.vault)  # type: ignore[arg-type]  # as above
    with pytest.raises(Unavailable):
        await failing.erase(Wish(HER, "receiver"), staff(platform))
    assert await person_of(platform) is None
    again = await node.erasure_desk.erasing.erase(Wish(HER, "receiver"))
    assert again.state == "unknown"
    assert (await kinds(platform, person)).count(Kind.ERASED) == 1
    assert await platform.value("SELECT count(*) FROM number_mark") == 1
    await node.live.sync(node.store)
    await platform.consent([SHE])
    assert (await platform.send([SHE]))["allowed"] == 0


@pytest.mark.parametrize("before", [True, False])
async def test_a_carriers_file_that_fails_closes_all_or_nobody(
    platform: Platform, before: bool
) -> None:
    both = [SHE, number("mobile", 8)]
    await platform.consent(both)
    node = platform.node
    desk = node.erasure_desk
    desk.reassignments = Reassignments(Failing(node.store, before), node.clock, node.vault)  # type: ignore[arg-type]  # as above
    tables = await state(platform, "person", "entry", "number_mark", "reassignment_file")
    with pytest.raises(Unavailable):
        await reassign(platform, *both)
    same = await state(platform, "person", "entry", "number_mark", "reassignment_file") == tables
    assert same is before
    desk.reassignments = Reassignments(node.store, node.clock, node.vault)
    again = await reassign(platform, *both)
    assert (again["closed"], again["repeated"]) == (2, not before)
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 6") == 2


async def test_a_legal_hold_makes_erasure_wait_and_says_so(platform: Platform) -> None:
    await platform.consent([SHE])
    desk, who = platform.node.erasure_desk, staff(platform)
    until = datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(days=2)
    held = await desk.hold(who, HoldRequest(recipient=SHE, why="court, file A", until=until))
    wish = ErasureRequest(recipient=SHE, ground="called, code shown", channel="voice")
    waits = await desk.erase(who, wish)
    assert waits == {"state": "held", "until": until}
    assert await person_of(platform) == held["person"]
    assert await desk.erasing.held_over() == 0
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 3 * 86_400)
    assert await desk.erasing.held_over() == 1
    assert await person_of(platform) is None
    assert (await kinds(platform, held["person"]))[-1] is Kind.ERASED
    acts = [row[0] for row in await platform.sql("SELECT what FROM staff_act ORDER BY id")]
    assert acts[-2:] == ["person.hold", "person.erase"]
    assert SHE not in str(await platform.sql("SELECT subject, before, after FROM staff_act"))


async def test_a_hold_that_is_lifted_lets_the_erasure_happen(platform: Platform) -> None:
    await platform.consent([SHE])
    desk, who = platform.node.erasure_desk, staff(platform)
    one = await desk.hold(who, HoldRequest(recipient=SHE, why="court"))
    two = await desk.hold(who, HoldRequest(recipient=SHE, why="police"))
    assert (await desk.erasing.erase(Wish(HER, "receiver"))).until is None
    assert len((await desk.holds(who, 0, 10))["items"]) == 2
    await desk.lift(who, int(one["id"]))
    assert await desk.erasing.held_over() == 0
    await desk.lift(who, int(two["id"]))
    assert await desk.erasing.held_over() == 1
    assert await person_of(platform) is None
    with pytest.raises(NotFound):
        await desk.lift(who, int(two["id"]))


async def test_a_number_on_hold_that_gets_a_new_holder_is_kept_sealed(platform: Platform) -> None:
    await platform.consent([SHE])
    desk, who = platform.node.erasure_desk, staff(platform)
    hold = await desk.hold(who, HoldRequest(recipient=SHE, why="court"))
    await desk.erasing.erase(Wish(HER, "receiver"))
    assert (await reassign(platform))["closed"] == 1
    assert await person_of(platform) is None
    sealed = await platform.value("SELECT sealed FROM legal_hold")
    opened = platform.node.vault.open(bytes(sealed), f"legal_hold.sealed/{hold['person']}")
    assert opened.decode() == str(HER)
    await desk.lift(who, int(hold["id"]))
    assert await platform.value("SELECT sealed FROM legal_hold") is None
    await desk.erasing.held_over()
    assert await platform.value("SELECT state FROM erasure") == "done"


async def test_only_staff_erase_and_say_why(platform: Platform) -> None:
    desk, who = platform.node.erasure_desk, staff(platform)
    wish = ErasureRequest(recipient=SHE, ground="called", channel="voice")
    with pytest.raises(NotAllowed):
        await desk.erase(platform.caller(), wish)
    for ground in ("", "her number is 138 0013 8000", "x" * 501):
        with pytest.raises(InvalidInput):
            await desk.erase(who, ErasureRequest(recipient=SHE, ground=ground, channel="voice"))
    assert (await desk.erase(who, wish))["state"] == "unknown"
    await platform.consent([SHE])
    listed = await desk.erasures(who, 0, 10)
    assert listed["items"] == []
    person = await person_of(platform)
    assert person is not None
    assert (await kinds(platform, person))[0] is Kind.RECEIVER_ONLY, "also of one nobody knew"


# What is left provable ---------------------------------------------------------------------


async def test_her_leaves_stay_and_nobody_opens_them(platform: Platform) -> None:
    await told(platform)
    await seal(platform)
    bundle = await gathering(platform).bundle(wanted(platform))
    msisdn = int("86" + IN_BUNDLE)
    person = await platform.value("SELECT id FROM person WHERE msisdn = $1", msisdn)
    await platform.node.erasure_desk.erasing.erase(Wish(msisdn, "receiver"))
    await seal(platform)
    verdict = verify(bundle, [str(key) for key in platform.node.ledger.keys])
    assert verdict.exit_code == 0, "what she was given before goes on being valid"
    with pytest.raises(NotFound):
        await gathering(platform).bundle(wanted(platform))
    node = platform.node
    report = await Fsck(node.store, node.ledger.keys[0]).run()
    hers = await platform.value("SELECT count(*) FROM entry WHERE person_id = $1", person)
    assert (report.faults, report.erased) == ([], hers)
    rows = await node.store.fetch("entries_unsealed", 0, 1000)
    bodies = [row for row in rows if decode(bytes(row["body"])).person == person]
    assert len(bodies) == hers
    assert all(row["secret"] is None for row in bodies)
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        last = max(one["position"] for one in json.loads(archive.read("entries.json")))
    over = [row["position"] for row in bodies if decode(bytes(row["body"])).kind is Kind.ERASED]
    assert len(over) == 1
    assert over[0] > last


async def test_a_process_that_starts_later_knows_the_same(platform: Platform) -> None:
    await platform.consent([SHE, number("mobile", 8)])
    old = await person_of(platform)
    await erase(platform)
    await platform.consent([SHE])
    new = await person_of(platform)
    node = platform.node
    anew = type(node.directory)()
    await anew.load(node.store)
    assert len(anew) == await platform.value("SELECT count(*) FROM person WHERE msisdn > 0")
    who = np.array([old, new], np.uint32)
    live = type(node.live)(node.catalogue)
    await live.load(node.store)
    programme = next(iter(node.catalogue.programmes))
    for one in (node.live, live):
        assert one.grades(programme, who, platform.clock.now()).tolist() == [0, 0]
    await walk(platform)
    assert {table for table, _ in hits(await dump(platform))} == {"person"}, "the new person's"
    assert utc(platform.clock.now()) > await platform.value("SELECT walked_at FROM erasure") - (
        timedelta(seconds=5)
    )
