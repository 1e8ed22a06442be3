"""The platform's side of the fetcher: starts the process, asks it, and survives it.

What the process does wrong costs the looks that were under way, which are `unknown` then; it is
ended and started again, after a pause that grows while it keeps failing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import structlog

from assent.fetch.frames import Ask, Told, pack, read_frame
from assent.fetch.walk import Own
from assent.screen.page_look import Look, unknown

__all__ = ["COMMAND", "Fetcher", "environment"]

COMMAND: Final = (sys.executable, "-m", "assent.fetch.child")
PATIENCE_S: Final = 20.0
"""Longer than any visit may take: who has not answered by then does not answer at all."""
_PAUSES: Final = (0.0, 0.2, 1.0, 5.0, 30.0)
_END_S: Final = 5.0
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH")
log = structlog.get_logger("assent")


def environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the fetcher's environment: where programs and certificates lie, nothing else."""
    ours = os.environ if inherited is None else inherited
    paths = [path for path in sys.path if path]
    return {
        **{name: ours[name] for name in _INHERITED if name in ours},
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Fetcher:
    """One fetcher process, started when the first link comes. `own`: links that are never fetched.
    `restarts`: how often it had to be started again."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        own: Collection[Own] = (),
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._command = command
        self._own = [(host, path) for host, path in own]
        self._patience_s = patience_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Look]] = {}
        self._starting = asyncio.Lock()
        self._last = 0
        self._failures = 0
        self._not_before = 0.0
        self._closed = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def fetch(self, url: str, profile: str) -> Look:
        """Look behind a link. Never raises for what goes wrong: that is `unknown`, with a word."""
        process = await self._started()
        if process is None or process.stdin is None:
            return unknown(url, profile, "fetcher_down")
        self._last += 1
        number, answer = self._last, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            process.stdin.write(pack(Ask(number, url, profile, self._own)))
            await process.stdin.drain()
            look: Look = await asyncio.wait_for(answer, self._patience_s)
        except TimeoutError:
            log.warning("fetcher_hangs")
            self._kill(process)
            return unknown(url, profile, "fetcher_hung")
        except (ConnectionError, OSError):
            return unknown(url, profile, "fetcher_down")
        finally:
            self._waiting.pop(number, None)
        return look

    async def close(self) -> None:
        """End the process; nothing more is fetched."""
        self._closed = True
        process, reading = self._process, self._reading
        if process is not None:
            self._kill(process)
            await process.wait()
        if reading is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _started(self) -> asyncio.subprocess.Process | None:
        async with self._starting:
            if self._process is not None or self._closed:
                return None if self._closed else self._process
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                return None
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=environment(),
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                log.error("fetcher_not_started", reason=error.strerror)
                self._failed()
                return None
            self._reading = loop.create_task(self._read(self._process), name="fetcher")
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                told = await read_frame(process.stdout, Told)
                self._failures = 0
                answer = self._waiting.get(told.id)
                if answer is not None and not answer.done():
                    answer.set_result(told.look)
        except EOFError:
            pass  # it ended
        except (ValueError, OSError):
            self._kill(process)  # it says what nobody can read
        finally:
            if process.stdin is not None:
                process.stdin.close()
            self._process = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result(unknown("", "", "fetcher_died"))
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            self._kill(process)
            await process.wait()
        if not self._closed:
            log.warning("fetcher_ended", code=process.returncode)
            self.restarts += 1
            self._failed()

    def _failed(self) -> None:
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause

    @staticmethod
    def _kill(process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not process.kill(): that may wait for it itself, and then the loop cannot.
                os.kill(process.pid, signal.SIGKILL)
