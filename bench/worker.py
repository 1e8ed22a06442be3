"""A worker of assent with a meter: which task of it uses the CPU.

`python -m bench.worker ROLE` is `python -m assent.app.worker ROLE`, but every task's steps are
timed. SIGUSR1 makes it append one JSON line {task: CPU seconds} to the file that
BENCH_STAGES names. What runs outside tasks (sockets, links, timers) is the rest of the process's
CPU time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any, Final

import uvloop

from assent.app import worker

_NAMES: Final = {
    "Dispatcher.run": "dispatch",
    "Results.run": "results",
    "Inbound._run_reports": "receipts",
    "Inbound._run_replies": "replies",
    "Settler.run": "fold and settle",
    "Node._housekeeping": "housekeeping",
    "Confirmer.run": "confirmations",
    "Campaigns.run": "campaigns",
    "RequestResponseCycle.run_asgi": "http and judging",
    "GuardedProtocol._serve": "http and judging",
    "PoolConnectionHolder.release": "connection pool",
}
spent: defaultdict[str, int] = defaultdict(int)


class _Metered(Coroutine[Any, Any, Any]):
    """A coroutine whose steps are timed under a name."""

    def __init__(self, inner: Coroutine[Any, Any, Any], name: str) -> None:
        self._inner = inner
        self._name = name

    def send(self, value: Any) -> Any:
        begin = time.thread_time_ns()
        try:
            return self._inner.send(value)
        finally:
            spent[self._name] += time.thread_time_ns() - begin

    def throw(self, *error: Any) -> Any:
        begin = time.thread_time_ns()
        try:
            return self._inner.throw(*error)
        finally:
            spent[self._name] += time.thread_time_ns() - begin

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def _factory(loop: asyncio.AbstractEventLoop, body: Any, **more: Any) -> asyncio.Task[Any]:
    owner = getattr(body, "__qualname__", "")
    return asyncio.Task(_Metered(body, _NAMES.get(owner, owner)), loop=loop, **more)


async def _run(role: str, given: dict[str, Any], target: Path) -> int:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(_factory)

    def tell() -> None:
        line = {name: ns / 1e9 for name, ns in spent.items()}
        with target.open("a") as file:
            file.write(json.dumps({"cpu": time.process_time(), "tasks": line}) + "\n")

    loop.add_signal_handler(signal.SIGUSR1, tell)
    return await loop.create_task(worker._run(role, given))


def main(role: str) -> int:
    """Run one worker. Its settings come as worker.py takes them."""
    worker._die_with_parent()
    worker.configure_logging()
    given = json.loads(sys.stdin.readline())
    return uvloop.run(_run(role, given, Path(os.environ["BENCH_STAGES"])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
