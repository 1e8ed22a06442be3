"""The auditor's sum of everybody's entries is what the tables say; what differs is named."""

from __future__ import annotations

import asyncpg
import pytest

from assent.flow.fsck import Fault
from assent.flow.fsck_standing import check_standing
from tests.flow.test_projection import book, history_of


@pytest.mark.parametrize("page", [3, 40, 20_000])
async def test_it_agrees_with_the_tables_however_it_is_paged(migrated_url: str, page: int) -> None:
    async with book(migrated_url) as one:
        for seed in range(25):
            await one.live_through(history_of(seed, 25))
        found = await check_standing(one.store, page)
    assert found.faults == []
    assert found.people > 30
    assert min(found.standings, found.refusals, found.pauses) > 0


TAMPERINGS = {
    "standing that nobody gave": (
        "INSERT INTO standing SELECT 4, max(person_id) + 1, 2, 999, NULL, false FROM entry",
        "standing_extra", "programme 4, entry 999",
    ),
    "standing of one who never agreed": (
        ("INSERT INTO standing SELECT 4, person_id, 2, 999, NULL, false FROM entry e WHERE NOT"
        " EXISTS (SELECT FROM standing s WHERE s.person_id = e.person_id AND s.programme_id = 4)"
        " LIMIT 1"),
        "standing_extra", "programme 4, entry 999",
    ),
    "a better grade": ("UPDATE standing SET grade = 4 WHERE position = {standing}",
                       "standing_other", "entry {standing}"),
    "a longer period": (
        "UPDATE standing SET until = '2099-01-01' WHERE position = {standing}",
        "standing_other", "entry {standing}",
    ),
    "standing taken away": ("DELETE FROM standing WHERE position = {standing}",
                            "standing_missing", "entry {standing}"),
    "a refusal gone": ("DELETE FROM refusal WHERE position = {refusal}", "refusal_missing", ""),
    "a refusal made smaller": (
        "UPDATE refusal SET purposes = 0 WHERE position = {refusal}", "refusal_other", "",
    ),
    "a refusal of nobody": (
        "INSERT INTO refusal VALUES (1, 100000, 4, 998, now())", "refusal_extra", "entry 998",
    ),
    "a pause gone": ("DELETE FROM pause WHERE position = {pause}", "pause_missing", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_what_was_changed_is_named(migrated_url: str, what: str) -> None:
    statement, code, place = TAMPERINGS[what]
    async with book(migrated_url) as one:
        for seed in range(8):
            await one.live_through(history_of(seed, 25))
        connection = await asyncpg.connect(migrated_url)
        try:
            at = {
                table: await connection.fetchval(f"SELECT min(position) FROM {table}")
                for table in ("standing", "refusal", "pause")
            }
            await connection.execute(statement.format(**at))
        finally:
            await connection.close()
        found = await check_standing(one.store, 10)
    (fault,) = found.faults
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert fault.place.endswith(place.format(**at))
