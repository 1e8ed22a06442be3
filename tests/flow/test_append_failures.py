"""Appending as it fails: lost before its commit, and stored but unanswered. Neither loses
a refusal, and neither makes two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from assent.consent.entry import Kind
from assent.errors import Unavailable
from assent.flow.bring_back import bring_back
from assent.flow.fsck_standing import check_standing
from assent.flow.journal import read_journal
from assent.flow.needs import Transaction
from assent.flow.settings_log import note_settings
from assent.store import Store
from tests.flow.conftest import Platform, number
from tests.flow.test_sealing import Failing

HERS = number("mobile", 1)


class FailingOnce:
    """A store whose next transaction that appends fails, before its COMMIT or after it."""

    def __init__(self, store: Store, before: bool) -> None:
        self._store = store
        self._before = before
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def once(self, name: str, *args: Any) -> Any:
        first = not self.failed
        self.failed += 1
        if first and self._before:
            raise Unavailable("store_gone", "the connection fell before the statement came")
        row = await self._store.once(name, *args)
        if first:
            raise Unavailable("commit_unknown", "the connection fell before its answer")
        return row

    @asynccontextmanager
    async def transaction(self, **how: Any) -> AsyncIterator[Transaction]:
        first = not self.failed
        async with self._store.transaction(**how) as tx:
            yield tx
            if first and self._before:
                self.failed += 1
                raise Unavailable("store_gone", "the connection fell before the COMMIT")
        if first:
            self.failed += 1
            raise Unavailable("commit_unknown", "the connection fell after the COMMIT")


async def never(*args: object) -> bool:
    return False


@pytest.mark.parametrize("way", ["short", "long"])
@pytest.mark.parametrize("before", [True, False], ids=["lost", "stored but unanswered"])
async def test_a_refusal_whose_commit_fails(platform: Platform, before: bool, way: str) -> None:
    await platform.consent([HERS])
    node = platform.node
    failing = FailingOnce(node.store, before)
    if way == "short":
        node.replies._at_once._store = cast("Store", failing)
    else:
        node.replies._at_once.write = never  # type: ignore[method-assign]  # the long way
        node.replies._store = cast("Store", failing)
    port = await platform.value("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1")
    platform.simulators["mobile"].send_mo(HERS, port, "TD")

    async def confirmed() -> bool:
        count = await platform.value("SELECT count(*) FROM confirmation WHERE state = 'attempted'")
        return bool(count)

    await platform.until(confirmed, "she is told")
    assert failing.failed == 1
    await asyncio.sleep(0.3)
    kind = int(Kind.WITHDRAWN)
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = $1", kind) == 1
    assert await platform.value("SELECT count(*) FROM confirmation") == 1
    # The journal may hold a refusal that was lost and given again; to bring it back adds the one
    # that was lost, which she did ask for, and changes nothing else.
    lines = list(read_journal(node.vault, node.ledger.beside.journals()))
    assert len(lines) == (2 if before else 1)
    brought = await bring_back(node.store, node.clock, lines, node.vault)
    assert brought.recovered == len(lines) - 1
    assert await platform.value("SELECT count(*) FROM refusal") == 1
    assert (await check_standing(node.store)).faults == []


@pytest.mark.parametrize("before", [True, False], ids=["lost", "stored but unanswered"])
async def test_a_setting_whose_commit_fails(fresh_store: Store, before: bool) -> None:
    document = {"rulebook": b"{}"}
    with pytest.raises(Unavailable):
        await note_settings(cast("Store", Failing(fresh_store, before)), document, 1.8e9)
    assert await note_settings(fresh_store, document, 1.8e9) == (["rulebook"] if before else [])
    rows = await fresh_store.fetch("entries_unsealed", 0, 10)
    assert [row["position"] for row in rows] == [1]  # no gap either


class Away:
    """A store that is away for a while, in the middle of things."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.tried = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def once(self, name: str, *args: Any) -> Any:
        self._check()
        return await self._store.once(name, *args)

    async def execute(self, name: str, *args: Any) -> None:
        self._check()
        await self._store.execute(name, *args)

    def _check(self) -> None:
        if self.away:
            self.tried += 1
            raise Unavailable("store_gone", "PostgreSQL does not answer")


async def test_the_journal_does_not_grow_while_the_store_is_away(platform: Platform) -> None:
    await platform.consent([HERS])
    node = platform.node
    away = Away(node.store)
    node.replies._store = node.replies._at_once._store = cast("Store", away)
    port = await platform.value("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1")
    away.away = True
    platform.simulators["mobile"].send_mo(HERS, port, "TD")
    await platform.until(lambda: away.tried > 5, "it is tried again and again")
    assert len(list(read_journal(node.vault, node.ledger.beside.journals()))) == 1
    away.away = False

    async def told() -> bool:
        return bool(
            await platform.value("SELECT count(*) FROM confirmation WHERE state = 'attempted'")
        )

    await platform.until(told, "she is told")
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 3") == 1
