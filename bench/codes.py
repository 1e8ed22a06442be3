"""How long a verification code takes from the HTTP request to the carrier's socket.

The clock starts before the request is written and stops when the carrier has read the SUBMIT;
both on CLOCK_MONOTONIC of this machine. Once alone, once while the road runs at full speed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.installation import Installation, running
from bench.road import Plan, campaign

_MARGIN: Final = 0.15


async def run(
    seconds: float, rate: float, plan: Plan, place: Path | None = None, tell: Any = print
) -> dict[str, Any]:
    """Measure `seconds` of codes alone and as many within a campaign that lasts longer."""
    plan = replace(plan, seconds=seconds * (1 + 2 * _MARGIN))
    async with running(plan.world, plan.links, plan.seed, plan.delay, place, tell) as one:
        tell("codes alone")
        alone = await _codes(one, seconds, rate, 0)
        tell("codes within a campaign")
        road = asyncio.create_task(campaign(one, plan))
        try:
            await asyncio.sleep(seconds * _MARGIN)
            within = await _codes(one, seconds, rate, len(alone["asked"]) + 100)
            told, took = await road
        finally:
            road.cancel()
        arrivals = (await one.carriers_end())["arrivals"]
        return {
            "alone": figures(alone, arrivals),
            "within a campaign": figures(within, arrivals),
            "campaign messages_per_second": round(told["accepted"] / took),
        }


async def _codes(one: Installation, seconds: float, rate: float, skip: int) -> dict[str, Any]:
    given = {
        "seconds": seconds,
        "rate": rate,
        "skip": skip,
        "senders": len(one.world.agreed),
        "flights": 32,
        "seed": 1 + skip,
    }
    child = await one.load("codes", given)
    told = await child.line(seconds + 60)
    await child.process.wait()
    del one.children["codes"]
    await asyncio.sleep(0.5)  # the last ones arrive
    return told


def figures(told: dict[str, Any], arrivals: dict[str, int]) -> dict[str, Any]:
    """Return the percentiles of the time to the wire, and what never arrived."""
    took = sorted((arrivals[to] - at) / 1e6 for to, at in told["asked"].items() if to in arrivals)
    return {
        "codes": len(told["asked"]),
        "never_arrived": len(told["asked"]) - len(took),
        "crowded_out": told["crowded"],
        "wire_ms_p50": round(took[len(took) // 2], 2),
        "wire_ms_p99": round(took[int(len(took) * 0.99)], 2),
        "wire_ms_max": round(took[-1], 2),
        "answer_ms_p50": round(told["answer_ms_p50"], 2),
    }
