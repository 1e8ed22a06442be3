"""Submits a second over SMPP links, receipts on and the store excluded, against the bare sender.

One link and four, windows of 16 and 50: `carrier.Link`s whose bodies come from memory and whose
receipts are read and acknowledged at once; and smpp_bare.py's sender with as many connections. Both
write to the same sink, with a text of its own for each message. Runs alternate, the ratio is the
median over the pairs. `python -m bench.links` reads one JSON line (port, window, seconds,
connections) and is the links' side.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from random import Random
from statistics import median
from typing import Any, Final

import uvloop

from assent.carrier.link import Link, LinkSettings
from assent.clock import SystemClock
from assent.text import Alphabet
from bench.installation import Child
from bench.smpp_bare import NUMBERS, TEXT

WORKS: Final = ((1, 16), (1, 50), (4, 16), (4, 50))
"""Connections, and the window of each."""


class Memory:
    """Source and sink of links: endless messages; every receipt is read, acknowledged, counted."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.links: list[Link] = []
        self.sent = self.done = self.reports = 0
        self.begin = self.end = self.cpu = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Connect the links."""
        given = self.given
        for place in range(given["connections"]):
            settings = LinkSettings(
                f"bench{place}", "sink", "127.0.0.1", given["port"], "bench", "none",
                dialect="smpp", window=given["window"], place=place,
            )  # fmt: skip
            self.links.append(Link(settings, self, self, SystemClock(), Random(place)))
        kit = self.links[0].kit
        self.form = kit.form("", "106900011")
        self.fmt = kit.codings[Alphabet.UCS2]
        for link in self.links:
            link.start()

    def take(self, link: Any, credit: int) -> list[tuple[int, bytes]]:
        """Return a full credit of messages until the time is up."""
        if not self.begin or time.perf_counter() >= self.end:
            return []
        first, self.sent = self.sent, self.sent + credit
        numbers = range(first, self.sent)
        destinations = [b"86139%08d" % (number % NUMBERS) for number in numbers]
        texts = [TEXT.format(f"{number % NUMBERS:08d}") for number in numbers]
        contents = [text.encode("utf-16-be") for text in texts]
        bodies = self.form.own_bodies(destinations, contents, self.fmt)
        return list(zip(numbers, bodies, strict=True))

    def answered(self, link: Any, answers: list[tuple[int, int, int]]) -> None:
        """Count answers."""
        self.done += len(answers)
        self._look()

    def lost(self, link: Any, tokens: list[int]) -> None:
        """Fail: nothing may be lost on loopback."""
        self.ended.set_exception(RuntimeError(f"{len(tokens)} messages lost"))

    def arrived(self, link: Any, delivers: Any) -> None:
        """Read receipts and acknowledge them."""
        for deliver in delivers:
            if deliver.is_report and deliver.report().stat == "DELIVRD":
                self.reports += 1
        link.acknowledge(delivers)
        self._look()

    def changed(self, link: Any, state: str, detail: str) -> None:
        """Begin when every link is bound."""
        if state == "bound" and all(one.state.value == "bound" for one in self.links):
            self.begin, self.cpu = time.perf_counter(), time.process_time()
            self.end = self.begin + self.given["seconds"]
            for one in self.links:
                one.kick()

    def _look(self) -> None:
        """Notice the last receipt of the last message."""
        over = self.done == self.sent == self.reports and time.perf_counter() >= self.end
        if over and not self.ended.done():
            self.ended.set_result(None)


async def _send(given: dict[str, Any]) -> None:
    memory = Memory(given)
    memory.start()
    await asyncio.wait_for(memory.ended, given["seconds"] + 30)
    told = {
        "messages": memory.done,
        "seconds": time.perf_counter() - memory.begin,
        "cpu_s": time.process_time() - memory.cpu,
    }
    print(json.dumps(told), flush=True)
    for link in memory.links:
        await link.drain(2.0)


async def _once(module: list[str], given: dict[str, Any], lines: int) -> dict[str, float]:
    """Run one side; its last line says all."""
    child = await Child.start(*module, given=given, environment={})
    try:
        for _ in range(lines):
            told = await child.line(given["seconds"] + 60)
        return {
            "per_s": told["messages"] / told["seconds"],
            "cpu_us": 1e6 * told["cpu_s"] / max(1, told["messages"]),
        }
    finally:
        await child.stop()


async def run(seconds: float = 3.0, pairs: int = 5) -> dict[str, Any]:
    """Measure bare sender and links in turns, for each number of connections and window."""
    sink = await Child.start("bench.smpp_bare", "sink", given={}, environment={})
    result: dict[str, Any] = {}
    try:
        port = (await sink.line(20.0))["port"]
        for connections, window in WORKS:
            given = {"port": port, "window": window, "seconds": seconds, "connections": connections}
            bare, ours = [], []
            for _ in range(pairs):
                more = given | {"own": True, "reports": 1}
                bare.append(await _once(["bench.smpp_bare", "sender"], more, 2))
                ours.append(await _once(["bench.links"], given, 1))
            name = "one link" if connections == 1 else f"{connections} links"
            result[f"{name}, window {window}"] = _compare(bare, ours)
    finally:
        await sink.stop()
    return result


def _compare(bare: list[dict[str, float]], ours: list[dict[str, float]]) -> dict[str, Any]:
    ratios = [b["per_s"] / a["per_s"] for a, b in zip(bare, ours, strict=True)]
    return {
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "links_per_s": round(median(one["per_s"] for one in ours)),
        "bare_per_s": round(median(one["per_s"] for one in bare)),
        "links_cpu_us": round(median(one["cpu_us"] for one in ours), 2),
        "bare_cpu_us": round(median(one["cpu_us"] for one in bare), 2),
    }


if __name__ == "__main__":
    uvloop.run(_send(json.loads(sys.stdin.readline())))
