"""The database's disk fills up in the middle of a campaign, and is made room on again.

PostgreSQL lives on a small file system of its own (tmpfs; making one needs root). While it is
full, callers are told so and nothing is half-done; what was accepted before stays accounted for;
once there is room the same installation goes on by itself.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from assent.client import AsyncClient
from assent.errors import AssentError, Unavailable
from tests.flow.audit import audit
from tests.flow.conftest import numbers
from tests.flow.installation import Installation
from tests.flow.test_crash import RATE, SCRIPT, begin_campaign, finished

SIZE = "288m"
PEOPLE = 1_200
RECEIVERS = 2_000


@pytest.fixture
def small_disk(engine_root: Path, tmp_path: Path) -> Iterator[Path]:
    place = engine_root / f"disk-{tmp_path.name[-20:]}"
    place.mkdir(mode=0o755)
    options = f"size={SIZE},mode=0755"
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("there is no mount command")
    command = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own cannot be mounted here (it needs root)")
    try:
        yield place
    finally:
        subprocess.run([umount, "-l", str(place)], check=False)


@pytest.fixture
async def installation(small_disk: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    one = Installation(small_disk / "data", tmp_path)
    try:
        yield one
    finally:
        await one.end()


def fill(ballast: Path) -> None:
    """Write zeros until nothing more fits."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


async def ready_made_wal(url: str) -> None:
    """Have WAL segments made in advance, so that it is tables that do not fit."""
    connection = await asyncpg.connect(url)
    for _ in range(4):
        await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT")
    await connection.close()


async def order(client: AsyncClient, number: int) -> None:
    people = numbers(RECEIVERS, 100_000 + number * RECEIVERS)
    await client.send(
        sender="CODE2",
        purpose="notification",
        template="notice",
        messages=[{"to": to, "variables": {"order": f"{number}-{to}"}} for to in people],
        key=f"order-{number}",
    )


async def until_full(client: AsyncClient) -> tuple[int, list[AssentError]]:
    """Order until that fails; return how many orders were accepted, and what the next says when
    it is repeated."""
    for number in range(400):
        try:
            await order(client, number)
        except Unavailable as error:
            errors: list[AssentError] = [error]
            break
    else:
        pytest.fail("the disk never became full")
    for _ in range(5):
        try:
            await order(client, number)
        except Unavailable as error:
            errors.append(error)
        await asyncio.sleep(0.1)
    return number, errors


async def test_a_full_disk_is_told_and_survived(
    installation: Installation, small_disk: Path
) -> None:
    await installation.prepare(SCRIPT, RATE, seed=4, window=50)
    await installation.serve(processes=1)
    await installation.until(installation.is_up, "the installation is up", 60.0)
    await ready_made_wal(installation.url)
    await begin_campaign(installation, numbers(PEOPLE))
    await installation.until(
        lambda: len(installation.submits("106900011")) > 100, "the campaign is under way"
    )
    ballast = small_disk / "ballast"
    await asyncio.to_thread(fill, ballast)
    async with installation.client(2, tries=1) as client:
        accepted, errors = await until_full(client)
        told = [error for error in errors if error.code == "disk_full"]
        assert told, [error.code for error in errors]
        assert told[0].status == 503
        assert "free space" in (told[0].mend or "")
        ballast.unlink()
        await installation.until(installation.is_up, "the installation is up again", 60.0)
        await order(client, accepted)
        await order(client, 399)
    await finished(installation)
    problems = await audit(installation.url, installation.records())
    assert not problems, "\n".join(problems)
    assert await installation.value(
        "SELECT count(*) FROM submission WHERE purpose = 2"
    ) == await installation.value("SELECT count(*) FROM idempotency WHERE key LIKE 'order-%'")
    orders = await installation.value("SELECT count(*) FROM submission WHERE purpose = 2")
    assert accepted + 1 <= orders <= accepted + 2
    assert await installation.value("SELECT sum(n) FROM batch WHERE purpose = 3") == PEOPLE
    assert await installation.terminate() == 0
