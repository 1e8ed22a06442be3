"""Three simulated carriers as one process: the far end of a road.

Reads one JSON line (script, seed), prints one with the ports, runs until stdin ends, then prints
one with its counters and the arrival times of what came from user CODES_USER, by destination,
in nanoseconds of CLOCK_MONOTONIC (the same clock for every process of a machine). With
`refusals` it has people refuse meanwhile (bench/refusing.py).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Final

import uvloop

from assent.carrier.script import script_from
from assent.carrier.simulate import look_for_no_cycles
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import clock_from_environment
from bench.refusing import Refusing
from bench.world import CARRIERS

BULK_USER: Final = "900001"
CODES_USER: Final = "900002"
SECRET: Final = "bench-only"  # noqa: S105  of a carrier that lives for minutes


def _watch(simulator: Simulator, arrivals: dict[str, int]) -> None:
    """Note when each message of the codes' user arrived."""
    submitted = simulator.intake.submitted

    def seen(connection: Any, account: Any, submits: Any) -> None:
        if account.user == CODES_USER:
            now = time.monotonic_ns()
            for submit in submits:
                for destination in submit.destinations:
                    arrivals.setdefault(destination, now)
        submitted(connection, account, submits)

    simulator.intake.submitted = seen  # type: ignore[method-assign]  # listened to beside it


async def _run() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    given = json.loads(await reader.readline())
    script, clock = script_from(given["script"]), clock_from_environment()
    users = {BULK_USER: SECRET, CODES_USER: SECRET}
    arrivals: dict[str, int] = {}
    simulators = []
    for place, name in enumerate(CARRIERS):
        settings = CarrierSettings(name, users, gateway=place + 1)
        simulator = Simulator(settings, script, clock, given["seed"] + place)
        await simulator.start()
        _watch(simulator, arrivals)
        simulators.append(simulator)
    refusing = Refusing.of(given, simulators)
    look_for_no_cycles()
    print(json.dumps({s.settings.name: s.port for s in simulators}), flush=True)
    writing = asyncio.create_task(refusing.run()) if refusing is not None else None
    await reader.read()
    if writing is not None:
        writing.cancel()
    counts = {s.settings.name: s.status() for s in simulators}
    for simulator in simulators:
        await simulator.stop()
    told = {} if refusing is None else refusing.told()
    answer = {"carriers": counts, "arrivals": arrivals, "refusals": told}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(_run())
