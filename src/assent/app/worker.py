"""A child process of the supervisor: one node, until it is told to stop or loses its epoch.

Started as ``python -m assent.app.worker ROLE``; reads one JSON line from stdin (the database's
URL holds a password, so it is in no argument list), prints one JSON line when it is ready, and
ends when its supervisor does.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import structlog
import uvloop

from assent.app import settings as app_settings
from assent.app.node import Node
from assent.clock import clock_from_environment
from assent.errors import AssentError

_PR_SET_PDEATHSIG = 1
_NICENESS = {"bulk": 10, "watch": 15}
"""Where cores are short, codes go before campaigns, and campaigns before counting."""


def main(argv: list[str]) -> int:
    """Run a node; return 0 after an orderly stop, 1 after the loss of its epoch."""
    _die_with_parent()
    configure_logging()
    line = sys.stdin.readline()
    if not line:
        return 2
    return uvloop.run(_run(argv[0], json.loads(line)))


def _die_with_parent() -> None:
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # it went before the call


def configure_logging() -> None:
    """Log JSON lines to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _collect_rarely() -> None:
    """What was loaded stays: collections need not look at it again, nor come often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


async def _run(role: str, given: dict[str, Any]) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    path = given["config"]
    settings = app_settings.load(Path(path) if path else None)
    if given.get("port"):
        settings.http.port = given["port"]
    os.nice(_NICENESS.get(role, 0))
    gc.disable()  # while loading nothing is garbage, and looking takes a third of the time
    config = Path(path) if path else None
    key = bytes.fromhex(given["key"]) if given.get("key") else None
    node = Node(settings, role, given["dsn"], clock_from_environment(), config, key)
    ready: dict[str, Any] = {"role": role}
    http = None
    try:
        await node.start()
        if role in ("front", "all"):
            from assent.app.http import serve

            http = await serve(node)
            ready["port"] = http.port
    except AssentError as error:
        structlog.get_logger("assent").error("start_failed", **error.to_problem())
        return 3
    _collect_rarely()
    print(json.dumps(ready), flush=True)
    waits = [asyncio.create_task(stopping.wait()), asyncio.create_task(node.lost.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    lost = node.lost.is_set()
    if lost:
        await node.halt()  # first of all, so that requests under way are answered
    if http is not None:
        await http.stop()
    await node.stop()
    return 1 if lost or node.lost.is_set() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
