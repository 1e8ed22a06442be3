"""The short way of a refusal and the long one come to the same rows, and the short one is taken."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from assent.flow.fsck_standing import check_standing
from assent.store import Store
from tests.flow.conftest import Platform, number

HERS, ANOTHERS = number("mobile", 1), number("mobile", 2)
TABLES = {
    "inbound": "carrier, link, destination, fmt, content, reference, total, number",
    "reply": "carrier, destination, text, intent, complaint, complete, groups, keyword_set,"
    " keyword_digest, keyword, read_as, reviewed_at",
    "entry": "kind, group_id, sender_id, programme_id, length(body)",
    "standing_end": "group_id, purposes, programme_id",
    "refusal": "group_id, purposes",
    "standing": "programme_id, grade",
    "confirmation": "groups, names, repeat, cardinality(waits), state, tried",
}


async def rows_of(platform: Platform, person: int) -> dict[str, list[Any]]:
    """Return what the tables hold of a person, but for ids and times."""
    return {
        table: [
            tuple(row)
            for row in await platform.sql(
                f"SELECT {columns} FROM {table} WHERE person_id = $1 ORDER BY 1, 2", person
            )
        ]
        for table, columns in TABLES.items()
    }


async def person_of(platform: Platform, msisdn: str) -> int:
    return int(await platform.value("SELECT id FROM person WHERE msisdn = $1", int(f"86{msisdn}")))


async def refuses(platform: Platform, who: str, words: str, confirmed: int) -> None:
    port = await platform.value("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1")
    platform.simulators["mobile"].send_mo(who, port, words)

    async def told() -> bool:
        return bool(
            await platform.value("SELECT count(*) FROM confirmation WHERE state = 'attempted'")
            == confirmed
        )

    await platform.until(told, "she is told")


@pytest.mark.parametrize("words", ["TD", "全部退订", "不要再给我发了，退订"])
async def test_both_ways_come_to_the_same(platform: Platform, words: str) -> None:
    await platform.consent([HERS, ANOTHERS])
    replies = platform.node.replies
    short, taken = replies._at_once.write, []

    async def noted(*args: Any) -> bool:
        taken.append(await short(*args))
        return bool(taken[-1])

    async def never(*args: Any) -> bool:
        return False

    replies._at_once.write = noted  # type: ignore[method-assign]  # watched
    await refuses(platform, HERS, words, 1)
    assert taken == [True]
    replies._at_once.write = never  # type: ignore[method-assign]  # the long way
    await refuses(platform, ANOTHERS, words, 2)
    hers = await rows_of(platform, await person_of(platform, HERS))
    anothers = await rows_of(platform, await person_of(platform, ANOTHERS))
    links = [{row[1] for row in rows["inbound"]} for rows in (hers, anothers)]
    assert all(len(some) == 1 for some in links)
    for rows in (hers, anothers):
        rows["inbound"] = [(row[0], *row[2:]) for row in rows["inbound"]]
    assert hers == anothers
    assert [len(hers[table]) for table in ("inbound", "reply", "refusal")] == [1, 1, 1]
    assert hers["standing"] == []
    assert (await check_standing(platform.node.store)).faults == []
    events = await platform.sql("SELECT subject FROM event WHERE kind = 'reply' ORDER BY subject")
    stored = await platform.sql("SELECT id FROM reply ORDER BY id")
    assert [row["subject"] for row in events] == [row["id"] for row in stored]


async def test_what_stands_already_takes_the_long_way(platform: Platform) -> None:
    await platform.consent([HERS])
    replies = platform.node.replies
    short, taken = replies._at_once.write, []

    async def noted(*args: Any) -> bool:
        taken.append(await short(*args))
        return bool(taken[-1])

    replies._at_once.write = noted  # type: ignore[method-assign]  # watched
    await refuses(platform, HERS, "TD", 1)
    port = await platform.value("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1")
    platform.simulators["mobile"].send_mo(HERS, port, "TD")

    async def read() -> bool:
        return bool(await platform.value("SELECT count(*) FROM reply") == 2)

    await platform.until(read, "the second is read, too")
    assert taken == [True, False]
    await asyncio.sleep(0.2)
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 3") == 1
    assert await platform.value("SELECT count(*) FROM confirmation") == 1  # once a day


class Deaf:
    """A store whose announcements of stored messages reach nobody."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def execute(self, name: str, *args: Any) -> None:
        if name == "inbound_store":
            args = (*args[:-1], False)
        await self._store.execute(name, *args)


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_what_is_handed_over(platform: Platform, heard: bool) -> None:
    """A busy process stores what came and another acts on it; if none does, it does so itself."""
    await platform.consent([HERS])
    replies = platform.node.replies
    short, taken = replies._at_once.write, []

    async def noted(words: Any, now: float, stored: bool) -> bool:
        taken.append((stored, await short(words, now, stored)))
        return bool(taken[-1][1])

    replies._at_once.write = noted  # type: ignore[method-assign]  # watched
    replies.hands_over = True
    if not heard:
        replies._store = cast("Store", Deaf(platform.node.store))
    begun = asyncio.get_running_loop().time()
    await refuses(platform, HERS, "TD", 1)
    took = asyncio.get_running_loop().time() - begun
    assert taken == [(True, True)]
    assert heard or took > 1.0  # that it is sooner when heard is for the benchmark
    rows = await rows_of(platform, await person_of(platform, HERS))
    assert len(rows["inbound"]) == len(rows["reply"]) == len(rows["refusal"]) == 1
    assert await platform.value("SELECT count(*) FROM inbound WHERE reply_id IS NULL") == 0


async def test_several_at_once_and_one_twice(platform: Platform) -> None:
    """What arrives together is one call; who says it twice is entered once."""
    people = [number("mobile", place) for place in range(1, 6)]
    await platform.consent(people)
    port = await platform.value("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1")
    for person in [*people, people[0]]:
        platform.simulators["mobile"].send_mo(person, port, "T")

    async def told() -> bool:
        return bool(
            await platform.value("SELECT count(*) FROM confirmation WHERE state = 'attempted'") == 5
        )

    await platform.until(told, "all are told")

    async def read() -> bool:
        return bool(await platform.value("SELECT count(*) FROM reply") == 6)

    await platform.until(read, "all are read")
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 3") == 5
    assert await platform.value("SELECT count(*) FROM inbound WHERE reply_id IS NULL") == 0
    assert (await check_standing(platform.node.store)).faults == []
