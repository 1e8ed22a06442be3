"""The fetcher as a process: what it may not have, and what it may do wrong without harm."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from assent.fetch.fetcher import Fetcher, environment
from tests.fetch.sites import Site, World, authority, page

TEXT = "<p>" + "全场八折，满三百减五十，门店地址见下。" * 6 + "</p>"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    one = World()
    yield one
    await one.stop()


async def test_it_looks_from_its_own_process_without_our_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSENT_DATABASE_URL", "postgresql://u:hunter2@db/x")
    monkeypatch.setenv("ASSENT_KEY", "hunter2")
    monkeypatch.setenv("HTTPS_PROXY", "http://hunter2@127.0.0.1:1")
    shown, _, trusted = authority(world.file.parent, "shop.example.cn")
    trusted.chmod(0o644)
    await world.put("shop.example.cn", Site(a=page(TEXT)), tls=shown)
    fetcher = Fetcher(world.command(trusted))
    try:
        looks = await asyncio.gather(
            *(fetcher.fetch("https://shop.example.cn/a", who) for who in ("phone", "plain"))
        )
        assert [(one.outcome, one.profile) for one in looks] == [
            ("seen", "phone"),
            ("seen", "plain"),
        ]
        assert looks[0].page is not None
        assert "全场八折" in looks[0].page.text
        process = psutil.Process(fetcher.pid)
        if os.geteuid() == 0:
            assert process.uids().real == 65_534
        with contextlib.suppress(psutil.AccessDenied):  # nobody may look, which is as good
            assert "hunter2" not in repr(process.environ())
        assert "hunter2" not in repr(environment())
        assert "hunter2" not in repr(process.cmdline())
    finally:
        await fetcher.close()
    assert fetcher.pid is None or not psutil.pid_exists(fetcher.pid)


async def test_a_crash_costs_what_was_under_way_only(world: World) -> None:
    await world.put("shop.example.cn", Site(a=page(TEXT)))
    fetcher = Fetcher(world.command())
    try:
        assert (await fetcher.fetch("http://shop.example.cn/a", "phone")).outcome == "seen"
        first = fetcher.pid
        crashed = await fetcher.fetch("http://crash.example.com/", "phone")
        assert (crashed.outcome, crashed.why) == ("unknown", "fetcher_died")
        again = await fetcher.fetch("http://shop.example.cn/a", "phone")
        assert again.outcome == "seen"
        assert fetcher.pid != first
        assert fetcher.restarts == 1
    finally:
        await fetcher.close()


async def test_one_that_hangs_is_ended(world: World) -> None:
    await world.put("shop.example.cn", Site(a=page(TEXT)))
    fetcher = Fetcher(world.command(), patience_s=5.0)
    try:
        hung = await fetcher.fetch("http://hang.example.com/", "phone")
        assert (hung.outcome, hung.why) == ("unknown", "fetcher_hung")
        await asyncio.sleep(0.1)
        assert (await fetcher.fetch("http://shop.example.cn/a", "phone")).outcome == "seen"
    finally:
        await fetcher.close()


async def test_one_that_speaks_nonsense_or_never_starts_is_unknown() -> None:
    for command in (
        (sys.executable, "-c", "print('hello world, this is no frame')"),
        (sys.executable, "-c", "raise SystemExit(3)"),
        ("/nowhere/at/all",),
    ):
        fetcher = Fetcher(command)
        told = {(await fetcher.fetch("http://shop.example.cn/", "phone")).outcome for _ in range(4)}
        assert told == {"unknown"}
        await fetcher.close()


async def test_the_real_process_connects_to_nobody_inside() -> None:
    site = await Site(a=page(TEXT)).start()
    fetcher = Fetcher()
    try:
        for link in ("http://127.0.0.1/a", "http://localhost.localdomain/a", "http://[::1]/a"):
            seen = await fetcher.fetch(link, "phone")
            assert seen.outcome in ("refused", "failed"), seen
            assert seen.page is None
        assert site.asked == []
    finally:
        await fetcher.close()
        await site.stop()


async def test_it_ends_with_its_parent() -> None:
    code = (
        "import asyncio, os\nfrom assent.fetch.fetcher import Fetcher\n"
        "async def main():\n    f = Fetcher()\n    await f.fetch('http://127.0.0.1/', 'phone')\n"
        "    print(f.pid, flush=True)\n    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    await parent.wait()
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        await asyncio.sleep(0.05)
    pytest.fail("it lives on")
