"""How long a verification code takes from the HTTP request to the carrier's socket.

The clock starts before the request is written and stops when the carrier has read the SUBMIT;
both on CLOCK_MONOTONIC of this machine. Three times: alone; while campaigns over uploaded
audiences run at full speed (judged and sent by the bulk process); and while the road's orders of
a thousand come in over the same HTTP front.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from assent.client import AsyncClient
from bench.installation import Installation, running
from bench.load import Http
from bench.road import Plan, offer
from bench.world import TEXT

_MARGIN: Final = 0.15
_CAMPAIGN_A_SECOND: Final = 25_000


async def run(
    seconds: float,
    rate: float,
    plan: Plan,
    place: Path | None = None,
    tell: Any = print,
    realtime: bool = True,
) -> dict[str, Any]:
    """Measure `seconds` of codes alone, within campaigns, and within orders. `realtime`: with the
    setting `realtime_codes`; the answer says whether the system allowed it."""
    length = seconds * (1 + 2 * _MARGIN)
    plan = replace(plan, seconds=length)
    async with running(plan.world, plan.links, plan.seed, plan.delay, place, tell, realtime) as one:
        tell("uploading audiences")
        each = int(length * _CAMPAIGN_A_SECOND) // len(one.world.agreed)
        audiences = await _upload(one, min(each, plan.world.agreed // 2))
        tell("codes alone")
        told = {"alone": await _codes(one, seconds, rate, 0)}
        tell("codes within campaigns")
        running_campaigns = await _start(one, audiences)
        await asyncio.sleep(seconds * _MARGIN)
        speeds = {}
        before = await _attempted(one)
        told["within campaigns"] = await _codes(one, seconds, rate, _asked(told))
        speeds["within campaigns"] = (await _attempted(one) - before) / seconds
        await _stop(one, running_campaigns)
        tell("codes within orders")
        orders = asyncio.create_task(offer(one, plan))
        try:
            await asyncio.sleep(seconds * _MARGIN)
            before = await _attempted(one)
            told["within orders"] = await _codes(one, seconds, rate, _asked(told))
            speeds["within orders"] = (await _attempted(one) - before) / seconds
            await orders
        finally:
            orders.cancel()
        arrivals = (await one.carriers_end())["arrivals"]
        found: dict[str, Any] = {name: figures(part, arrivals) for name, part in told.items()}
        for name, speed in speeds.items():
            found[name]["messages_per_second_beside"] = round(speed)
        policy = os.sched_getscheduler(one.children["front"].process.pid)
        found["realtime"] = bool(policy & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR)
        return found


def _asked(told: dict[str, dict[str, Any]]) -> int:
    """Return how many people to skip: nobody is asked for twice."""
    return sum(len(part["asked"]) + 100 for part in told.values())


def _client(one: Installation, sender: int) -> AsyncClient:
    return AsyncClient(f"http://127.0.0.1:{one.port}", one.world.keys[f"account{sender}"])


async def _upload(one: Installation, each: int) -> list[str]:
    """Hand in an audience for each sender: its last people, whom the orders do not reach."""
    audiences = []
    for sender, numbers in enumerate(one.world.agreed[:, -each:].tolist()):
        rows = [f"+{number},王女士,{place:08d}" for place, number in enumerate(numbers)]
        body = "\n".join(["number,name,coupon", *rows]).encode()
        async with _client(one, sender) as client:
            answer = await client.upload_audience(
                body, statement="shop form", number_column="number", filename="people.csv"
            )
        audiences.append(str(answer["id"]))
    return audiences


async def _start(one: Installation, audiences: list[str]) -> list[str]:
    campaigns = []
    for sender, audience in enumerate(audiences):
        async with _client(one, sender) as client:
            answer = await client.create_campaign(
                name="autumn",
                audience=audience,
                sender=f"CODE{sender}",
                purpose="marketing",
                text=TEXT,
            )
        campaigns.append(str(answer["id"]))
    return campaigns


async def _stop(one: Installation, campaigns: list[str]) -> None:
    """Stop them and wait until nothing more is attempted."""
    for sender, number in enumerate(campaigns):
        async with _client(one, sender) as client:
            if (await client.campaign(number))["state"] == "running":
                await client.stop_campaign(number)
    before = -1
    while (now := await _attempted(one)) != before:
        before = now
        await asyncio.sleep(2.5)


async def _attempted(one: Installation) -> int:
    http = await Http.open(one.port)
    _, body = await http.ask("GET /readyz")
    http.close()
    return sum(process["attempts"] for process in json.loads(body)["processes"].values())


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
