"""The load generator: orders over HTTP, on keep-alive connections, a bounded number in flight.

`python -m bench.load orders` offers marketing orders of a thousand receivers for some seconds;
`python -m bench.load codes` sends single verification codes at a steady pace. Both read one JSON
line from stdin and print one JSON line at the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import numpy as np
import uvloop

from bench.world import TEXT

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_POLL_S: Final = 0.25


class Failed(Exception):
    """The server answered what a benchmark cannot go on with."""


class Http:
    """One keep-alive connection: one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Http:
        """Connect to the API on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request ("POST /path" and header lines) and return status and body."""
        line, _, more = head.partition("\r\n")
        more = f"{more}\r\n" if more else ""
        request = f"{line} HTTP/1.1\r\nHost: bench\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(request.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status, length = int(answer[9:12]), 0
        for header in answer.lower().split(b"\r\n"):
            if header.startswith(b"content-length:"):
                length = int(header[15:])
        return status, await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def send_head(key: str, number: str) -> str:
    """Return the head of an order with its idempotency key."""
    return (
        f"POST /v1/messages\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {number}"
    )


@dataclass
class Orders:
    """A run of marketing orders. `wrong` of each order's receivers have refused the sender."""

    given: dict[str, Any]
    rng: Random
    sent: list[int] = field(default_factory=list)
    accepted: int = 0
    orders: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    attempted: int = 0
    attempted_before: int | None = None
    first: int = 0
    waits: float = 0.0
    exhausted: bool = False

    def __post_init__(self) -> None:
        with np.load(self.given["people"]) as file:
            self.agreed, self.refused = file["agreed"], file["refused"]
        self.sent = [0] * len(self.agreed)

    def next(self) -> tuple[int, bytes] | None:
        """Return the next sender and order, None when everybody was written to once."""
        size, wrong = self.given["size"], self.given["wrong"]
        sender = self.orders % len(self.agreed)
        start = self.sent[sender]
        good = self.agreed[sender, start : start + size - wrong]
        if not len(good):
            self.exhausted = True
            return None
        self.sent[sender] = start + len(good)
        number = self.orders
        self.orders += 1
        bad = self.refused[sender, (number * wrong) % 1000 :][:wrong]
        lines = [
            f'{{"to":"+{to}","variables":{{"name":"{_SURNAMES[i % 20]}女士",'
            f'"coupon":"{(number * 7919 + i) % 10**8:08d}"}}}}'
            for i, to in enumerate([*good.tolist(), *bad.tolist()])
        ]
        head = f'{{"sender":"CODE{sender}","purpose":"marketing","text":"{TEXT}","messages":['
        return sender, (head + ",".join(lines) + "]}").encode()

    async def run(self) -> dict[str, Any]:
        """Offer orders until the time is up, then wait for the last answer."""
        self.first = time.monotonic_ns()
        end = asyncio.get_running_loop().time() + self.given["seconds"]
        watch = asyncio.create_task(self._watch())
        flights = [self._flight(end) for _ in range(self.given["flights"])]
        await asyncio.gather(*flights)
        offered = (time.monotonic_ns() - self.first) / 1e9
        watch.cancel()
        ordered = sorted(self.latencies)
        return {
            "orders": self.orders,
            "accepted": self.accepted,
            "reasons": dict(self.reasons),
            "first_ns": self.first,
            "offered_s": offered,
            "held_back_s": self.waits,
            "exhausted": self.exhausted,
            "order_ms_p50": 1e3 * ordered[len(ordered) // 2],
            "order_ms_p99": 1e3 * ordered[int(len(ordered) * 0.99)],
        }

    async def _watch(self) -> None:
        """Follow how many messages have been attempted, to bound what waits in the queue."""
        http = await Http.open(self.given["port"])
        while True:
            _, body = await http.ask("GET /readyz")
            processes = json.loads(body)["processes"].values()
            attempted = sum(process["attempts"] for process in processes)
            if self.attempted_before is None:
                self.attempted_before = attempted
            self.attempted = attempted - self.attempted_before
            await asyncio.sleep(_POLL_S)

    async def _flight(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        http = await Http.open(self.given["port"])
        keys, run = self.given["keys"], self.given["run"]
        while loop.time() < end:
            if self.accepted - self.attempted > self.given["backlog"]:
                self.waits += 0.01
                await asyncio.sleep(0.01)
                continue
            order = self.next()
            if order is None:
                break
            sender, body = order
            begin = loop.time()
            number = f"{run}-{self.orders}"
            status, answer = await http.ask(send_head(keys[f"account{sender}"], number), body)
            if status != 202:
                raise Failed(f"status {status}: {answer[:300].decode()}")
            self.latencies.append(loop.time() - begin)
            head = answer[: answer.index(b'"messages"')].rstrip(b",") + b"}"
            told = json.loads(head)
            self.accepted += told["allowed"]
            self.reasons.update(told["reasons"])
        http.close()


async def codes(given: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Send codes at random moments, `rate` a second on average; return when each was asked for."""
    loop = asyncio.get_running_loop()
    with np.load(given["people"]) as file:
        people = file["bystanders"].tolist()[given["skip"] :]
    free: list[Http] = []  # opened when needed: the server ends those that stay silent
    flying = 0
    asked: dict[str, int] = {}
    answered: list[float] = []
    crowded = 0

    async def one(place: int) -> None:
        nonlocal flying
        http = free.pop() if free else await Http.open(given["port"])
        sender, to = place % given["senders"], people[place]
        key = given["keys"][f"account{sender}"]
        body = (
            f'{{"sender":"CODE{sender}","purpose":"verification","template":"code","messages":'
            f'[{{"to":"+{to}","variables":{{"code":"{rng.randrange(10**6):06d}"}}}}]}}'
        ).encode()
        begin = asked[str(to)[2:]] = time.monotonic_ns()
        status, answer = await http.ask(
            send_head(key, f"{given['run']}-c{given['skip'] + place}"), body
        )
        if status != 202 or b'"allowed":1' not in answer:
            raise Failed(f"status {status}: {answer[:300].decode()}")
        answered.append((time.monotonic_ns() - begin) / 1e6)
        free.append(http)
        flying -= 1

    end, due, place = loop.time() + given["seconds"], loop.time(), 0
    async with asyncio.TaskGroup() as group:
        while loop.time() < end:
            due += rng.expovariate(given["rate"])
            await asyncio.sleep(max(0.0, due - loop.time()))
            if flying < given["flights"]:
                flying += 1
                group.create_task(one(place))
                place += 1
            else:
                crowded += 1
    answered.sort()
    return {"asked": asked, "crowded": crowded, "answer_ms_p50": answered[len(answered) // 2]}


async def _main(what: str) -> None:
    given = json.loads(sys.stdin.readline())
    rng = Random(given["seed"])
    result = await (Orders(given, rng).run() if what == "orders" else codes(given, rng))
    print(json.dumps(result | {"cpu_s": time.process_time()}), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
