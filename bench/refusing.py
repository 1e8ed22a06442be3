"""People who refuse while they are being written to: the part of the carriers' process.

The road writes to each sender's people in their order. So whoever stands a little behind the one
who was written to last is in the queue, in a window or on a link at this moment: from among those
come the refusals. Noted are when the bytes of each were written and when the last message of that
sender to that person arrived, in nanoseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from assent.carrier.simulator import Simulator
from bench.world import CARRIERS

WORDS = ("TD", "退订", "T", "td谢谢", "STOP")


class Refusing:
    """`senders`: of how many senders people refuse; `rate`: how many people a second, `after` so
    many seconds; `ahead`: how far behind the last one written to, least and most."""

    def __init__(
        self, given: dict[str, Any], people: str, seed: int, simulators: Sequence[Simulator]
    ) -> None:
        self._given = given
        self._rng = Random(seed)
        with np.load(people) as file:
            agreed = file["agreed"][: given["senders"]]
        self._agreed = agreed
        self._place = [
            {int(number) % 10**11: place for place, number in enumerate(row.tolist())}
            for row in agreed
        ]
        self._sender = {f"10690{sender:03d}1": sender for sender in range(len(agreed))}
        self._reached = [-1] * len(agreed)
        self._by_prefix = dict(zip(CARRIERS.values(), simulators, strict=True))
        self._written: dict[tuple[str, str], list[Any]] = {}
        for simulator in simulators:
            self._watch(simulator)

    @classmethod
    def of(cls, given: dict[str, Any], simulators: Sequence[Simulator]) -> Refusing | None:
        """Return who refuses, None where nobody is to."""
        wanted = given.get("refusals")
        return None if not wanted else cls(wanted, given["people"], given["seed"], simulators)

    def _watch(self, simulator: Simulator) -> None:
        submitted = simulator.intake.submitted

        def seen(connection: Any, account: Any, submits: Any) -> None:
            now = time.monotonic_ns()
            for submit in submits:
                noted = self._written.get((submit.src_id, submit.destinations[0][-11:]))
                if noted is not None:
                    noted[1] = now
            sender = self._sender.get(submits[-1].src_id) if submits else None
            if sender is not None:
                last = submits[-1]
                place = self._place[sender].get(int(last.destinations[0][-11:]), -1)
                self._reached[sender] = max(self._reached[sender], place)
            submitted(connection, account, submits)

        simulator.intake.submitted = seen  # type: ignore[method-assign]

    async def run(self) -> None:
        """Have people refuse, at an even pace, until cancelled."""
        await asyncio.sleep(self._given["after"])
        pause = 1 / self._given["rate"]
        due = time.monotonic()
        while True:
            self._one()
            due += pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _one(self) -> None:
        sender = self._rng.randrange(len(self._agreed))
        place = self._reached[sender] + self._rng.randint(*self._given["ahead"])
        if self._reached[sender] < 0 or place >= self._agreed.shape[1]:
            return
        person = str(int(self._agreed[sender, place]))[-11:]
        port = f"10690{sender:03d}1"
        if (port, person) in self._written:
            return
        simulator = self._by_prefix[int(person[:3])]
        account = self._rng.choice(list(simulator.accounts))
        self._written[port, person] = noted = [0, 0, account]
        simulator.send_mo(person, port, self._rng.choice(WORDS), account)
        noted[0] = time.monotonic_ns()

    def told(self) -> dict[str, list[Any]]:
        """Return by "port person": when it was written, when the last message came (0: none), and
        over whose connection it was read."""
        return {" ".join(key): noted for key, noted in self._written.items() if noted[0]}
