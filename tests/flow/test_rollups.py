"""Counts an hour: what a platform sent, what came of it, who refused; equal to a recount."""

from __future__ import annotations

from pathlib import Path

from assent.flow.rollup_recount import Recount
from assent.flow.rollups_read import sums
from tests.flow.conftest import numbers, running

MIXED = {
    "answers": {"latency": 0.001},
    "receipts": {"delay": 0.05, "stats": {"DELIVRD": 0.6, "UNDELIV": 0.4}},
}


async def test_a_platform_is_counted_as_it_runs(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, MIXED) as platform:
        people = numbers(60)
        await platform.consent(people)
        await platform.send(people)
        await platform.send(people[:9], "notification", 2)

        async def counted() -> bool:
            rows = await sums(platform.node.store, 0.0, platform.clock.now() + 3_600.0)
            return bool(rows) and rows[0].delivered + rows[0].failed == 69

        await platform.until(counted, "all are counted", 30.0)
        report = await Recount(platform.node.store).check()
        assert (report.messages, report.wrong) == (69, 0), report.differences
        await platform.sql("UPDATE rollup_hour SET delivered = delivered + 1 WHERE port_id = 1")
        report = await Recount(platform.node.store).check()
        assert report.wrong == 1
        assert report.differences[0]["port"] == 1
        await Recount(platform.node.store).rebuild()
        assert (await Recount(platform.node.store).check()).wrong == 0
