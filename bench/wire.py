"""Submits a second over one CMPP link, store excluded, against the bare sender of bare.py.

Both send to the same sink process (full decode), with the same window; runs alternate, so that
what else the machine does hits both, and the ratio is the median over the pairs.
`python -m bench.wire PORT WINDOW SECONDS fixed|own` is the link's side: a `carrier.Link` whose
source makes bodies from memory.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from assent.wire.cmpp import SubmitForm
from bench.bare import NUMBERS, TEXT, text_of
from bench.installation import Child

WINDOWS: Final = (16, 50)
_UCS2: Final = int(Alphabet.UCS2)


class Memory:
    """Source and sink of a link: endless messages, counted answers."""

    def __init__(self, seconds: float, own: bool) -> None:
        self.form = SubmitForm(0x30, src_id="106900011", msg_src="900001")
        self.seconds, self.own = seconds, own
        self.content = TEXT.encode("utf-16-be")
        self.given = self.done = 0
        self.begin = self.end = self.cpu = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, link: Any, credit: int) -> list[tuple[int, bytes]]:
        """Return a full credit of messages until the time is up."""
        now = time.perf_counter()
        if not self.begin:
            self.begin, self.end = now, now + self.seconds
            self.cpu = time.process_time()
        if now >= self.end:
            if self.done == self.given:
                self._finish()  # the last answers came a moment before the end
            return []
        first, self.given = self.given, self.given + credit
        numbers = range(first, self.given)
        destinations = [b"139%08d" % (number % NUMBERS) for number in numbers]
        if self.own:
            contents = [text_of(number).encode("utf-16-be") for number in numbers]
            bodies = self.form.own_bodies(destinations, contents, _UCS2)
        else:
            bodies = self.form.bodies(destinations, self.content, _UCS2)
        return list(zip(numbers, bodies, strict=True))

    def answered(self, link: Any, answers: list[tuple[int, int, int]]) -> None:
        """Count answers; notice the last one."""
        self.done += len(answers)
        if self.done == self.given and time.perf_counter() >= self.end:
            self._finish()

    def lost(self, link: Any, tokens: list[int]) -> None:
        """Fail: nothing may be lost on loopback."""
        self.ended.set_exception(RuntimeError(f"{len(tokens)} messages lost"))

    def arrived(self, link: Any, delivers: Any) -> None:
        """Take nothing: the sink sends no reports."""

    def changed(self, link: Any, state: str, detail: str) -> None:
        """Begin when the link is bound."""
        if state == "bound":
            link.kick()

    def _finish(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def _send(port: int, window: int, seconds: float, own: bool) -> None:
    memory = Memory(seconds, own)
    settings = LinkSettings("bench", "sink", "127.0.0.1", port, "900001", "none", window=window)
    link = Link(settings, memory, memory, SystemClock(), Random(1))
    link.start()
    await asyncio.wait_for(memory.ended, seconds + 20)
    taken = time.perf_counter() - memory.begin
    cpu = time.process_time() - memory.cpu
    await link.drain(2.0)
    print(json.dumps({"messages": memory.done, "seconds": taken, "cpu_s": cpu}), flush=True)


async def _once(module: list[str], given: list[str], seconds: float) -> dict[str, float]:
    child = await Child.start(*module, *given, given={}, environment={})
    try:
        told = await child.line(seconds + 30)
        return {
            "per_s": told["messages"] / told["seconds"],
            "cpu_us": 1e6 * told["cpu_s"] / max(1, told["messages"]),
        }
    finally:
        await child.stop()


async def run(seconds: float = 3.0, pairs: int = 5) -> dict[str, Any]:
    """Measure link and bare sender in turns, for each window and kind of text."""
    sink = await Child.start("bench.bare", "sink", given={}, environment={})
    result: dict[str, Any] = {}
    try:
        port = str((await sink.line(20))["port"])
        for window in WINDOWS:
            for kind in ("fixed", "own"):
                given = [port, str(window), str(seconds), kind]
                bare, link = [], []
                for _ in range(pairs):
                    bare.append(await _once(["bench.bare", "sender"], given, seconds))
                    link.append(await _once(["bench.wire"], given, seconds))
                result[f"window {window}, {kind} text"] = _compare(bare, link)
    finally:
        with contextlib.suppress(ProcessLookupError):
            await sink.stop()
    return result


def _compare(bare: list[dict[str, float]], link: list[dict[str, float]]) -> dict[str, Any]:
    ratios = [b["per_s"] / a["per_s"] for a, b in zip(bare, link, strict=True)]
    return {
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "link_per_s": round(median(one["per_s"] for one in link)),
        "bare_per_s": round(median(one["per_s"] for one in bare)),
        "link_cpu_us": round(median(one["cpu_us"] for one in link), 2),
        "bare_cpu_us": round(median(one["cpu_us"] for one in bare), 2),
    }


if __name__ == "__main__":
    uvloop.run(_send(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "own"))
