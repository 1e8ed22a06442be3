"""Codes under a real-time policy: taken where the system allows it, left alone where not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from assent.app.realtime import Realtime
from assent.store import Store

_TAKE = """
import os, sys
from assent.app.realtime import Realtime
if sys.argv[1] != "0":
    os.setuid(int(sys.argv[1]))
realtime = Realtime()
realtime.take()
realtime.take()
policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
child = os.fork()
if child == 0:
    os._exit(os.sched_getscheduler(0))
_, status = os.waitpid(child, 0)
print(policy == os.SCHED_RR, realtime.refused, os.waitstatus_to_exitcode(status) == os.SCHED_OTHER)
"""


def taken(uid: int) -> list[str]:
    """What a process of that user says: (real-time, refused, children are not)."""
    source = str(Path(__file__).parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-c", _TAKE, str(uid)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("realtime_refused") + done.stderr.count("realtime_refused") <= 1
    return done.stdout.splitlines()[-1].split()


def may() -> bool:
    """Whether this process may have the policy."""
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))",
        ],
        capture_output=True,
    )
    return found.returncode == 0


@pytest.mark.skipif(not may(), reason="needs CAP_SYS_NICE or RLIMIT_RTPRIO")
def test_a_process_takes_it_and_does_not_hand_it_on() -> None:
    assert taken(0) == ["True", "False", "True"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which needs root")
def test_where_it_is_refused_nothing_changes() -> None:
    assert taken(65534) == ["False", "True", "True"]


@pytest.mark.skipif(not may(), reason="needs CAP_SYS_NICE or RLIMIT_RTPRIO")
async def test_the_servers_processes_of_a_pool_take_it(empty_url: str) -> None:
    realtime, pids = Realtime(), list[int]()

    async def connected(connection: Any) -> None:
        pids.append(connection.get_server_pid())
        await realtime.take_backend(connection)

    store = await Store.open(empty_url, min=1, max=2, connected=connected)
    try:
        policies = [os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK for pid in pids]
    finally:
        await store.close()
    assert pids
    assert set(policies) == {os.SCHED_RR}
    assert not realtime.refused


class _Served:
    """A connection whose server says that it is some process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def get_server_pid(self) -> int:
        return self._pid


async def test_other_processes_are_left_alone() -> None:
    child = await asyncio.create_subprocess_exec("sleep", "30")
    try:
        realtime = Realtime()
        for pid in (child.pid, 2**22 + 1):  # the second is nobody's
            await realtime.take_backend(cast("Any", _Served(pid)))
        assert os.sched_getscheduler(child.pid) == os.SCHED_OTHER
        assert not realtime.refused
    finally:
        child.kill()
        await child.wait()
