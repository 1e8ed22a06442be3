"""Other people's programs as children of a benchmark: started, waited for, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_STOP_S: Final = 15.0


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


async def start(
    *command: str, log: Path, environment: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a program; what it says goes to `log`."""
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            env=os.environ | dict(environment or {}),
        )


async def listening(port: int, process: asyncio.subprocess.Process, patience_s: float) -> None:
    """Wait until a program listens. Raises RuntimeError when it ends, TimeoutError."""
    async with asyncio.timeout(patience_s):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"a program ended at once ({process.returncode})")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a program, by force if it does not."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
