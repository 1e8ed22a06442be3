"""kill -9 at random moments: of the platform's processes, of its supervisor, of PostgreSQL.

A small campaign runs at a limited pace over three carriers while people reply TD and customers
ask for codes. Ten times something is killed and comes back. Afterwards the database and the
carriers' own records are balanced against each other (audit.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.errors import Conflict, Unavailable
from assent.flow.rollup_recount import Recount
from assent.store import Store
from tests.flow.audit import acknowledged_refusals, audit
from tests.flow.conftest import numbers
from tests.flow.installation import Installation, alive, kill

pytestmark = pytest.mark.timeout(600)  # ten restarts each; more on a busy machine

PEOPLE = 2_400
KILLS = 10
RATE = 160.0  # SUBMITs a second and carrier, shared out over the links
TEXT = "夏装上新，全场八折，编号{nr}。客服电话400-820-1234。拒收请回复R"
SCRIPT: dict[str, Any] = {
    "answers": {"latency": {"uniform": [0.001, 0.03]}},
    "receipts": {"delay": {"uniform": [0.1, 1.0]}},
    "replies": [
        {
            "texts": {"TD": 3, "ＴＤ": 1, "退订": 1},
            "share": 0.05,
            "delay": {"uniform": [0.05, 0.5]},
            "source_prefix": "10690",
            "text": "编号",
        }
    ],
}
IDLE = """SELECT (SELECT count(*) FROM campaign WHERE state = 'running')
    + (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)
    + (SELECT count(*) FROM inbound WHERE reply_id IS NULL)
    + (SELECT count(*) FROM confirmation WHERE state = 'waiting')"""


@pytest.fixture
async def installation(engine_root: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    one = Installation(engine_root / f"crash-{tmp_path.name[-24:]}", tmp_path)
    try:
        yield one
    finally:
        await one.end()


async def begin_campaign(installation: Installation, people: list[str]) -> None:
    """Import consents, upload the audience and order the campaign."""
    at = datetime.now(UTC) - timedelta(days=30)
    rows = "".join(f"{number},{nr:05d}\n" for nr, number in enumerate(people))
    async with installation.client() as client:
        await client.import_consents(
            [{"to": number, "at": at} for number in people],
            sender="CODE1",
            programme="offers",
            grade="document",
            wording="v1",
            source="shop form",
        )
        audience = await client.upload_audience(
            f"number,nr\n{rows}".encode(), statement="customers of the shop", filename="a.csv"
        )
        await client.create_campaign(
            name="summer",
            audience=audience["id"],
            sender="CODE1",
            purpose="marketing",
            text=TEXT,
            key="summer",
        )


class Codes:
    """A customer who asks for codes all the time, repeating what was not answered."""

    def __init__(self, installation: Installation, people: list[str]) -> None:
        self.installation = installation
        self.people = people
        self.accepted: dict[str, str] = {}
        self.enough = False

    async def run(self) -> None:
        async with self.installation.client(tries=1) as client:
            for place, person in enumerate(self.people):
                if self.enough:
                    return
                while str(place) not in self.accepted:
                    try:
                        answer = await client.send(
                            sender="CODE1",
                            purpose="verification",
                            template="code",
                            messages=[{"to": person, "variables": {"code": f"{place:06d}"}}],
                            key=f"code-{place}",
                        )
                    except (Unavailable, Conflict):
                        await asyncio.sleep(0.1)
                        continue
                    self.accepted[str(place)] = answer["messages"][0]["id"]
                await asyncio.sleep(0.15)


async def finished(installation: Installation) -> None:
    async def idle() -> bool:
        for simulator in installation.simulators.values():
            status = simulator.status()
            if status["later"] or status["waiting"] or status["unacknowledged"]:
                return False  # people still answer
        return await installation.ask(IDLE) == 0

    await installation.until(idle, f"everything is settled\n{installation.said()}", 200.0)


async def balance(installation: Installation, codes: Codes) -> None:
    """Check everything, after the end of a campaign."""
    problems = await audit(installation.url, installation.records())
    assert not problems, "\n".join(problems)
    assert await installation.value("SELECT count(*) FROM batch WHERE purpose = 1") == len(
        codes.accepted
    )
    for id_ in codes.accepted.values():
        batch = int(id_) >> 10
        assert await installation.value("SELECT count(*) FROM batch WHERE id = $1", batch) == 1
    assert await installation.value("SELECT sum(n) FROM batch WHERE purpose = 3") == PEOPLE
    assert len(acknowledged_refusals(installation.records())) > PEOPLE // 100
    await counted(installation)


async def counted(installation: Installation) -> None:
    """Check that the counts an hour are what the rows come to."""
    store = await Store.open(installation.url, min=1, max=2)
    try:

        async def agree() -> bool:
            report = await Recount(store).check()
            return report.messages > PEOPLE and report.wrong == 0

        await installation.until(agree, "counts are what the rows come to", 30.0)
    finally:
        await store.close()


async def test_the_platform_is_killed_ten_times(installation: Installation) -> None:
    rng = Random(11)
    await installation.prepare(SCRIPT, RATE, seed=1)
    await installation.serve()
    await installation.until(installation.is_up, "the installation is up", 90.0)
    await begin_campaign(installation, numbers(PEOPLE))
    codes = Codes(installation, numbers(400, 50_000))
    asking = asyncio.create_task(codes.run())
    for place in range(KILLS):
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        if place % 4 == 3:
            assert installation.process is not None
            orphans = [*installation.children().values(), installation.postmaster()]
            installation.process.kill()
            await installation.process.wait()
            await installation.until(
                lambda found=orphans: not any(pid and alive(pid) for pid in found),
                "children die with their supervisor",
            )
            await installation.serve()
        else:
            role = rng.choice(["front", "bulk", "watch"])
            before = installation.children()
            kill(before[role])
            await installation.until(
                lambda role=role, old=before[role]: installation.children().get(role, old) != old,
                f"{role} is started again",
                90.0,
            )
        await installation.until(installation.is_up, "the installation is up again", 90.0)
    codes.enough = True
    await asyncio.wait_for(asking, 90.0)
    await finished(installation)
    await balance(installation, codes)
    assert await installation.terminate() == 0


async def test_postgresql_is_killed_ten_times(installation: Installation) -> None:
    rng = Random(12)
    await installation.prepare(SCRIPT, RATE, seed=2)
    await installation.serve(processes=1)
    await installation.until(installation.is_up, "the installation is up", 90.0)
    await begin_campaign(installation, numbers(PEOPLE))
    codes = Codes(installation, numbers(400, 50_000))
    asking = asyncio.create_task(codes.run())
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        before = installation.postmaster()
        assert before is not None
        kill(before)
        await installation.until(
            lambda old=before: installation.postmaster() not in (None, old),
            "PostgreSQL is started again",
            90.0,
        )
        await installation.until(installation.is_up, "the installation is up again", 90.0)
    codes.enough = True
    await asyncio.wait_for(asking, 90.0)
    await finished(installation)
    await balance(installation, codes)
    assert await installation.terminate() == 0


async def test_a_clean_stop_leaves_nothing_behind(installation: Installation) -> None:
    """SIGTERM, twice: windows are drained, leases given back, and the next start goes on."""
    await installation.prepare(SCRIPT, RATE, seed=3)
    await installation.serve()
    await installation.until(installation.is_up, "the installation is up", 90.0)
    await begin_campaign(installation, numbers(600))
    await installation.until(
        lambda: len(installation.submits("106900011")) > 100, "the campaign is under way"
    )
    assert installation.process is not None
    installation.process.terminate()
    await asyncio.sleep(0.05)
    for pid in installation.children().values():
        installation.terminate_pid(pid)
    assert await installation.terminate() == 0
    async with installation.engine():
        problems = await audit(installation.url, installation.records(), finished=False)
        assert not problems, "\n".join(problems)
        assert await installation.value("SELECT count(*) FROM unsure_segment") == 0
        assert await installation.value("SELECT count(*) FROM open_window") == 0
        assert await installation.value("SELECT count(*) FROM queue WHERE epoch IS NOT NULL") == 0
        assert await installation.value("SELECT count(*) FROM epoch WHERE ended_at IS NULL") == 0
    await installation.serve()
    await finished(installation)
    problems = await audit(installation.url, installation.records())
    assert not problems, "\n".join(problems)
    assert len(installation.submits("106900011")) == 600
    assert await installation.terminate() == 0
