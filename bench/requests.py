"""Load on an HTTP API: so many keep-alive connections, on each one request after the other.

`python -m bench.requests` reads one JSON line: port, connections, seconds; `request`, all of one,
in which $TO stands for a receiver's number and $N for eight digits that are new in each; `status`
and `sign` (in the body) of success; `people`, a file of numpy with the receivers, and which of them
to write to (`first`, `last`), in turns. It prints one line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Final, cast

import numpy as np
import uvloop

_END: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Load:
    """What the connections share."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.request = str(given["request"]).encode()
        self.status = b" %d " % given["status"]
        self.sign = str(given["sign"]).encode()
        with np.load(given["people"]) as file:
            some = file["bystanders"][given["first"] : given["last"]].tolist()
        self.people = [b"%d" % one for one in some]
        self.number = int(given["start"])
        self.times: list[float] = []
        self.failed = ""
        self.busy = 0
        self.end = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> bytes:
        """Return the next request."""
        number, people = self.number, self.people
        self.number = number + 1
        request = self.request.replace(b"$TO", people[number % len(people)])
        return request.replace(b"$N", b"%08d" % number)

    async def run(self) -> dict[str, Any]:
        """Ask until the time is up and the last is answered."""
        loop, given = asyncio.get_running_loop(), self.given
        begin_ns, begin = time.monotonic_ns(), time.perf_counter()
        self.end = begin + given["seconds"]
        for _ in range(given["connections"]):
            await loop.create_connection(lambda: Asker(self), "127.0.0.1", given["port"])
        async with asyncio.timeout(given["seconds"] + 30):
            await self.ended
        if self.failed:
            raise SystemExit(f"not accepted: {self.failed}")
        times = sorted(self.times)
        return {
            "accepted": len(times),
            "seconds": time.perf_counter() - begin,
            "begin_ns": begin_ns,
            "ms_p50": 1e3 * times[len(times) // 2],
            "ms_p99": 1e3 * times[int(len(times) * 0.99)],
            "next": self.number,
            "cpu_s": time.process_time(),
        }


class Asker(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.got = b""
        self.begin = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.load.busy += 1
        self.ask()

    def ask(self) -> None:
        """Write the next request, or end."""
        load, now = self.load, time.perf_counter()
        if now < load.end and not load.failed:
            self.begin = now
            self.transport.write(load.next())
            return
        load.busy -= 1
        self.transport.close()
        if not load.busy and not load.ended.done():
            load.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.got = self.got + data if self.got else data
        head = self.got.find(_END)
        if head < 0:
            return
        headers = self.got[:head].lower()
        at = headers.find(b"content-length:")
        if at >= 0:
            size = int(headers[at + 15 :].split(b"\r\n", 1)[0])
            if len(self.got) < head + 4 + size:
                return
        elif not self.got.endswith(_LAST_CHUNK):
            return
        load, answer, self.got = self.load, self.got, b""
        load.times.append(time.perf_counter() - self.begin)
        if load.status not in answer[:16] or load.sign not in answer:
            load.failed = answer[:400].decode("utf-8", "replace")
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail when the server hangs up within an answer."""
        if not self.transport.is_closing() or self.got:
            self.load.failed = self.load.failed or f"the connection was lost: {exc}"
            if not self.load.ended.done():
                self.load.ended.set_result(None)


async def _main() -> None:
    print(json.dumps(await Load(json.loads(sys.stdin.readline())).run()), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
