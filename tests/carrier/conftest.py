"""A rig of real sockets: simulated carriers, links to them, and a flow that remembers."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.carrier.link import Link, LinkSettings
from assent.carrier.pool import Pool
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import SystemClock
from assent.flow.links import Deliver, LinkHandle
from assent.text import alphabet_of, segment
from assent.wire.cmpp import SubmitForm

USER, SECRET, ACCESS = "900001", "888888", "10690000"


class Flow:
    """A source and sink in one. It gives what is queued and keeps everything it hears."""

    def __init__(self, version: int = 0x30) -> None:
        self.form = SubmitForm(version, src_id=ACCESS, msg_src=USER)
        self.queue: list[tuple[int, bytes]] = []
        self.taken: list[int] = []
        self.asked: list[int] = []
        self.answers: list[tuple[int, int, int]] = []
        self.losses: list[tuple[int, bool]] = []
        """(token, whether its socket was closed when it was reported lost)."""
        self.sockets: dict[str, tuple[int, int]] = {}
        self.delivers: list[Deliver] = []
        self.states: list[tuple[str, str, str]] = []
        self.acknowledges = True
        self.order: list[str] = []

    def add(self, text: str = "hello", person: int = 13_800_000_000, count: int = 1) -> None:
        """Queue `count` messages, each to the next person; long ones in segments."""
        alphabet = alphabet_of(text)
        parts = segment(text, alphabet, reference=len(self.queue) & 0xFF)
        for number in range(person, person + count):
            for place, part in enumerate(parts, 1):
                udhi = int(len(parts) > 1)
                body = self.form.body(b"%d" % number, part, int(alphabet), udhi, len(parts), place)
                self.queue.append((len(self.queue) + len(self.taken), body))

    def take(self, link: LinkHandle, credit: int) -> list[tuple[int, bytes]]:
        self.asked.append(credit)
        given, self.queue = self.queue[:credit], self.queue[credit:]
        self.taken += [token for token, _ in given]
        return given

    def answered(self, link: LinkHandle, answers: list[tuple[int, int, int]]) -> None:
        self.answers += answers
        self.order.append("answered")

    def lost(self, link: LinkHandle, tokens: list[int]) -> None:
        closed = not is_open(*self.sockets[link.name])
        self.losses += [(token, closed) for token in tokens]

    def arrived(self, link: LinkHandle, delivers: Sequence[Deliver]) -> None:
        self.delivers += delivers
        self.order += ["report" if deliver.is_report else "mo" for deliver in delivers]
        if self.acknowledges:
            link.acknowledge(delivers)

    def changed(self, link: LinkHandle, state: str, detail: str) -> None:
        self.states.append((link.name, state, detail))
        if state == "bound":
            assert isinstance(link, Link)
            assert link._connection is not None
            assert link._connection._transport is not None
            number = link._connection._transport.get_extra_info("socket").fileno()
            self.sockets[link.name] = (number, os.fstat(number).st_ino)

    @property
    def lost_tokens(self) -> list[int]:
        return [token for token, _ in self.losses]

    @property
    def results(self) -> Counter[int]:
        return Counter(result for _, result, _ in self.answers)

    def settled(self) -> bool:
        """Whether every token that was taken is answered or lost, each exactly once."""
        ends = [token for token, _, _ in self.answers] + self.lost_tokens
        return sorted(ends) == sorted(self.taken)


def is_open(number: int, inode: int) -> bool:
    """Whether the kernel still has this very socket under this number."""
    try:
        return os.fstat(number).st_ino == inode
    except OSError:
        return False


class Rig:
    """Makes carriers and links, and ends them."""

    def __init__(self, records: Path) -> None:
        self.clock = SystemClock()
        self.path = records
        self.recorder = Recorder(records, self.clock)
        self.flow = Flow()
        self.pools: list[Pool] = []
        self.simulators: list[Simulator] = []

    async def carrier(
        self, script: dict[str, Any] | None = None, *, seed: int = 1, **more: Any
    ) -> Simulator:
        settings = CarrierSettings(name="mobile", accounts={USER: SECRET}, **more)
        simulator = Simulator(settings, script_from(script or {}), self.clock, seed, self.recorder)
        await simulator.start()
        self.simulators.append(simulator)
        return simulator

    def pool(self, port: int, links: Sequence[str] = ("mobile-0",), **more: Any) -> Pool:
        """Start a pool of links that come back quickly."""
        one = LinkSettings(
            name="", carrier="mobile", host="127.0.0.1", port=port, user=USER, secret=SECRET,
            reconnect_base_s=0.02, reconnect_cap_s=0.1,
        )  # fmt: skip
        settings = [replace(one, name=name, **more) for name in links]
        pool = Pool("mobile", settings, self.flow, self.flow, self.clock, Random(7))
        pool.start()
        self.pools.append(pool)
        return pool

    async def bound(self, pool: Pool) -> Link:
        """Wait until all links of the pool are bound; return the first."""
        await until(lambda: pool.bound == len(pool.links))
        return pool.links[0]

    def records(self) -> list[dict[str, Any]]:
        """Return what the simulators recorded so far."""
        self.recorder.flush()
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    async def close(self) -> None:
        for pool in self.pools:
            await pool.stop()
        for simulator in self.simulators:
            await simulator.stop()
        self.recorder.close()


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until `condition()` is true; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition, also one nobody signals
            await asyncio.sleep(0.005)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path / "records.jsonl")
    yield made
    await made.close()
