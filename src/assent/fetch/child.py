"""The fetcher's own process: ``python -m assent.fetch.child``.

Reads what to look at from standard input and tells on standard output what it saw. It is started
without the platform's environment, holds no secret, writes no file, and ends with who started it.
"""

from __future__ import annotations

import asyncio
import codecs
import concurrent.futures.thread  # noqa: F401  # as below: asyncio would import it later
import contextlib
import ctypes
import os
import resource
import signal
import ssl
import sys
from typing import Final

from assent.fetch.dial import Connector, Dialer, Resolver, Sockets, SystemResolver
from assent.fetch.frames import Ask, Told, pack, read_frame
from assent.fetch.walk import Walker
from assent.screen.drift import owner_of
from assent.screen.page import read_page
from assent.screen.page_brands import known_brands
from assent.screen.page_look import unknown

__all__ = ["AT_ONCE", "main", "serve"]

AT_ONCE: Final = 32
"""Links that are looked at at the same time."""
MEMORY: Final = 2 << 30
_NOBODY: Final = 65_534
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38


def main(
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    trust: ssl.SSLContext | None = None,
) -> None:
    """Run until standard input ends."""
    dialer = Dialer(resolver or SystemResolver(), connector or Sockets(), trust)
    confine()
    asyncio.run(serve(Walker(dialer)))


def confine() -> None:
    """Give up what a fetcher does not need: files, memory without end, another's rights."""
    read_page("<p>", "http://example.com/")  # loads what is read from files while that can be done
    known_brands()
    owner_of("example.com")
    for name in ("idna", "gb18030", "big5", "latin-1", "utf-16", "shift_jis", "euc_kr", "cp1252"):
        codecs.lookup(name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        parent = os.getppid()
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)  # after setuid, which clears it
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)


async def serve(walker: Walker) -> None:
    """Answer frames until the other end is closed."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout.buffer
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    room = asyncio.Semaphore(AT_ONCE)
    tasks: set[asyncio.Task[None]] = set()

    async def one(ask: Ask) -> None:
        async with room:
            try:
                look = await walker.look(ask.url, ask.profile, ask.own)
            except Exception:  # a page that we cannot read costs that page only
                look = unknown("", ask.profile, "fetcher_failed")
        writer.write(pack(Told(ask.id, look)))
        await writer.drain()

    with contextlib.suppress(EOFError, ValueError, OSError):
        while True:
            task = loop.create_task(one(await read_frame(reader, Ask)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    main()
