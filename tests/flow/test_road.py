"""The main road: judged, charged, sent, answered, reported, refused, confirmed."""

from __future__ import annotations

import asyncio

from tests.flow.conftest import CARRIERS, Platform, number, numbers


async def test_marketing_goes_to_those_who_agreed_and_to_nobody_else(platform: Platform) -> None:
    people = numbers(60)
    await platform.consent(people[:40])
    answer = await platform.send(people)
    assert answer["allowed"] == 40
    assert answer["reasons"] == {"no_standing": 20}
    assert answer["cost_micro"] == 40 * 50_000
    await platform.until(lambda: len(platform.submits()) == 40, "40 submits")
    assert {r["destination"].removeprefix("86") for r in platform.submits()} == set(people[:40])
    await platform.until(
        lambda: platform.node.inbound.receipts + platform.node.inbound.parked == 40, "receipts"
    )

    async def delivered() -> bool:
        status = await platform.node.status.submission(platform.caller(), int(answer["id"]))
        return bool(status["states"] == {"delivered": 40})

    await platform.until(delivered, "every message is delivered")
    assert await platform.value("SELECT count(*) FROM open_window") == 0
    assert await platform.value("SELECT count(*) FROM queue") == 0
    assert await platform.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'") == (
        40 * 50_000
    )


async def test_a_code_arrives_and_a_refusal_is_confirmed_once(platform: Platform) -> None:
    people = [number(carrier, 7) for carrier in CARRIERS]
    await platform.consent(people)
    await platform.send(people)
    await platform.until(lambda: len(platform.submits()) == 3, "3 submits")
    for carrier, person in zip(CARRIERS, people, strict=True):
        platform.simulators[carrier].send_mo(person, "106900011", "ＴＤ")
    await platform.until(lambda: len(platform.submits("1069999")) == 3, "3 confirmations")
    answer = await platform.send(people)
    assert answer["allowed"] == 0
    assert answer["reasons"] == {"no_standing": 3}
    await platform.send(people[:1], "verification")
    await platform.send(people[1:2], "notification")
    await platform.until(lambda: len(platform.submits()) == 8, "a code and a notice")
    await asyncio.sleep(0.3)
    assert len(platform.submits("1069999")) == 3
    assert len(platform.submits("106900011")) == 3
