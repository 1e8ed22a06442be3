"""Steps of cases on running traffic: from a step's commit on nothing leaves that it stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.app.settings import DispatchFile
from assent.clock import SystemClock
from assent.flow.case_requests import CaseAct, CaseAppeal, CaseDecision, CaseOpen, CaseWords
from assent.flow.needs import utc
from assent.flow.requests import Caller
from tests.flow.conftest import PROMPT, Platform, noon_offset, numbers, register

MARKETING = "106900011"
CODES = "106900012"
TRIED = """SELECT coalesce(sum(length(w.slots) / 2), 0) FROM attempt_window w
    JOIN batch b ON b.id = w.batch_id WHERE b.purpose = $1::smallint"""


class Acting:
    """Staff of a platform under way."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.rooms = platform.node.case_desk
        operator = platform.node.catalogue.operator
        assert operator is not None
        scopes = frozenset({"enforce", "second_enforce"})
        self.one, self.two, self.three = (
            Caller(operator.id, scopes, False, key) for key in (1, 2, 3)
        )
        self.customer = platform.caller(1)

    async def act(self, case: int, step: str, **more: Any) -> dict[str, Any]:
        """Take a step; have a second person agree where that is needed."""
        order = CaseAct(step=step, words="x", **more)  # type: ignore[arg-type]  # any field
        told = await self.rooms.cases.act(self.one, case, order)
        for number in told["waiting"]:
            told = await self.rooms.cases.agree(self.two, case, int(number))
        return told

    async def order(self, people: list[str]) -> dict[str, Any]:
        """Order marketing for some people and wait until it is under way."""
        before = await self.tried()
        await self.platform.consent(people)
        order = await self.platform.send(people)

        async def moved() -> bool:
            return await self.tried() > before

        await self.platform.until(moved, "marketing is under way")
        return order

    async def tried(self, purpose: int = 3) -> int:
        return int(await self.platform.value(TRIED, purpose))

    async def stands_still(self, code: str) -> int:
        """Look how many attempts there are right after a step's commit; a code goes through
        meanwhile; none was added."""
        before, codes = await self.tried(), len(self.platform.submits(CODES))
        answer = await self.platform.send([code], "verification")
        assert answer["allowed"] == 1
        await self.platform.until(
            lambda: len(self.platform.submits(CODES)) == codes + 1, "the code has left"
        )
        assert await self.tried() == before
        return before

    async def all_left(self, count: int) -> None:
        """Wait until so many have left; what was taken back before it was written is tried anew."""
        await self.platform.until(
            lambda: len(self.platform.submits(MARKETING)) == count, "the rest has left"
        )


@pytest.fixture
async def at(migrated_url: str, tmp_path: Path) -> AsyncIterator[Acting]:
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await platform.start(PROMPT, links=1, rate=30.0)
    platform.settings.dispatch = DispatchFile(window=10, low_water=10, leased=1024)
    try:
        await platform.file(register(2))
        node = await platform.start_node()
        try:
            yield Acting(platform)
        finally:
            await node.stop()
    finally:
        await platform.stop()


async def test_steps_bind_running_traffic(at: Acting) -> None:
    """One installation for the three: they take their time."""
    people = numbers(270)
    await an_alarm_stops_marketing_and_lifting_lets_it_go_on(at, people[:90])
    await suspending_stops_everything_and_reversal_puts_it_back(at, people[90:180])
    await taking_a_port_back_ends_what_waits_for_it(at, people[180:])


async def an_alarm_stops_marketing_and_lifting_lets_it_go_on(at: Acting, people: list[str]) -> None:
    platform, rooms = at.platform, at.rooms
    await at.order(people)
    sender = await platform.value("SELECT id FROM sender WHERE credit_code = 'CODE1'")
    await platform.sql(
        """INSERT INTO alarm (detector, key, severity, sender_id, evidence, score, state, first_at,
            last_at) VALUES ('burst', 'k', 3, $1, '{}', 1, 'open', $2, $2)""",
        sender, utc(platform.clock.now()),
    )  # fmt: skip

    async def opened() -> bool:
        await rooms.rules.step()
        return bool(await platform.value("SELECT count(*) FROM restriction"))

    await platform.until(opened, "a case is open and marketing stops")
    assert await at.stands_still(people[0]) > 0
    assert len(platform.submits(MARKETING)) < 90
    (short,) = (await rooms.cases.list(at.one))["items"]
    case = int(short["id"])
    told = await rooms.cases.show(at.customer, case)
    assert "营销" in told["steps"][0]["zh"]
    await rooms.cases.lift(at.one, case, int(told["steps"][0]["id"]), CaseWords(words="误报"))
    await at.all_left(90)
    await rooms.cases.close(at.one, case, CaseWords(words="误报"))
    assert await platform.value("SELECT state FROM alarm") == "ended"


async def suspending_stops_everything_and_reversal_puts_it_back(
    at: Acting, people: list[str]
) -> None:
    platform, rooms = at.platform, at.rooms
    await at.order(people)
    told = await rooms.cases.open(at.one, CaseOpen(title="短信轰炸", sender="CODE1", severity=3))
    case = int(told["id"])
    told = await at.act(case, "suspend")
    tried, codes = await at.tried(), len(platform.submits(CODES))
    assert (await platform.send([people[0]], "verification", place=2))["allowed"] == 1
    await platform.until(lambda: bool(platform.submits("106900022")), "another sender's code left")
    own = await platform.send([people[0]], "verification")
    assert (own["allowed"], len(platform.submits(CODES))) == (0, codes)
    assert await at.tried() == tried
    assert len(platform.submits(MARKETING)) < 180
    suspended = told["in_force"][0]
    await rooms.appeals.appeal(at.customer, case, CaseAppeal(step=suspended, words="系误判"))
    decision = CaseDecision(step=suspended, verdict="reverse", words="成立")
    told = await rooms.appeals.decide(at.three, case, decision)
    assert told["state"] == "reversed"
    await at.all_left(180)
    assert (await platform.send([people[1]], "verification"))["allowed"] == 1


async def taking_a_port_back_ends_what_waits_for_it(at: Acting, people: list[str]) -> None:
    platform, rooms = at.platform, at.rooms
    order = await at.order(people)
    told = await rooms.cases.open(at.one, CaseOpen(title="改作营销", port=MARKETING, severity=3))
    case = int(told["id"])
    await at.act(case, "suspend")
    tried = await at.stands_still(people[0])
    await at.act(case, "revoke")

    async def ended() -> bool:
        kept = await platform.sql(
            "SELECT p.kind, sum(p.amount)::bigint AS n FROM posting p JOIN batch b"
            " ON b.id = p.batch_id WHERE b.submission_id = $1::bigint GROUP BY p.kind",
            int(order["id"]),
        )  # fmt: skip
        by_kind = {row["kind"]: row["n"] for row in kept}
        spent = by_kind.get("revenue", 0) + by_kind.get("release", 0)
        return "release" in by_kind and spent == order["cost_micro"]

    await platform.until(ended, "what waited has ended, and its money is back")
    assert await at.stands_still(people[1]) == tried
    assert len(platform.submits(MARKETING)) < 270
    steps = [row["step"] for row in await platform.sql("SELECT step FROM port_step ORDER BY id")]
    assert steps == ["suspend"] * 3 + ["revoke"] * 3
