"""What becomes of a message decides about its money: docs/money.md has the table, this walks it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from assent.flow.requests import CampaignRequest, RefusalRequest
from assent.flow.verify import verify
from assent.message import FINAL, State
from assent.numbers import parse
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, running
from tests.flow.treasury import Treasury

PRICE = 50_000
DOCS = Path(__file__).parents[2] / "docs" / "money.md"
SCRIPT = {
    "answers": {"latency": 0.002, "refusals": [{"code": 13, "numbers": "^(86)?13000900"}]},
    "receipts": {"delay": 0.02, "stats": {"UNDELIV": 1, "DELIVRD": 1}},
}


def table() -> dict[str, dict[State, str]]:
    """Return the table of the manual: contract → state → what becomes of the money."""
    rows = re.findall(
        r"^\| `(\w+)` \| ([\w ]+) \| ([\w ]+) \|$", DOCS.read_text("utf-8"), re.MULTILINE
    )
    return {
        contract: {State[row[0].upper()]: row[place] for row in rows}
        for place, contract in enumerate(("accepted", "delivered"), start=1)
    }


def test_every_state_stands_in_the_table() -> None:
    for contract in table().values():
        assert set(contract) == set(State)
        for state in FINAL:
            assert contract[state] in ("charged", "given back"), "nothing final stays reserved"


async def states(platform: Platform) -> dict[State, int]:
    """Return how many segments ended in each state."""
    rows = await platform.sql(
        "SELECT s.value::int AS state, count(*) AS n FROM batch_final f JOIN batch b"
        " ON b.id = f.batch_id, unpack(f.states, 1) s WHERE b.account_id = 1 GROUP BY 1"
    )
    return {State(row["state"]): row["n"] for row in rows}


async def campaign(platform: Platform, people: list[str], later: datetime) -> None:
    """Order a campaign for later, and stop it."""
    campaigns, caller = platform.node.campaigns, platform.caller()
    audience = await campaigns.create_audience(caller, "shop", "customers of the shop")
    parsed = parse(people)
    rows = np.arange(len(people), dtype=np.uint32)
    await campaigns.add_chunk(audience, 0, rows, parsed.msisdn, parsed.fault, None)
    await campaigns.finish_audience(audience, [])
    request = CampaignRequest(
        name="summer", audience=str(audience), sender="CODE1", purpose="marketing",
        text=MARKETING_TEXT, not_before=later,
    )  # fmt: skip
    await campaigns.create(caller, request, key=None, sha=b"")

    async def judged() -> bool:
        asked = "SELECT count(*) FROM batch WHERE campaign_id IS NOT NULL"
        return bool(await platform.value(asked))

    campaigns.wake()
    await platform.until(judged, "the campaign is judged")
    id_ = await platform.value("SELECT id FROM campaign")
    await campaigns.set_state(caller, id_, "stopped")


@pytest.mark.parametrize("contract", ["accepted", "delivered"])
async def test_each_final_state_has_its_charge(
    migrated_url: str, tmp_path: Path, contract: str
) -> None:
    """It is long because every way in which a message can end is walked in one platform."""
    async with running(migrated_url, tmp_path, SCRIPT, window=4) as platform:
        treasury = Treasury(platform)
        await treasury.terms("account1", charge_on=contract)
        before = await treasury.available()
        people = numbers(90)
        refused = [number("unicom", 900_000 + i) for i in range(4)]
        await platform.consent([*people, *refused])
        now = platform.clock.now()
        soon = datetime.fromtimestamp(now + 600.0, UTC)
        await platform.send(people[:30])  # delivered, failed
        await platform.send(refused)
        await platform.send(people[30:42], not_before=soon)  # cancelled
        request = RefusalRequest(sender="CODE1", to=people[30:42], source="counter")
        await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
        await platform.send(
            people[42:50], not_before=soon, expires_at=soon + timedelta(seconds=1)
        )  # expired
        await platform.send(people[50:60], not_before=soon)
        await platform.send(people[50:60], not_before=soon)  # over_cap, one of both
        await campaign(platform, people[60:70], soon)  # stopped
        await treasury.quiet_but_waiting()
        treasury.later(700.0 / 86_400)
        platform.node.dispatcher.wake()
        for simulator in platform.simulators.values():  # withheld: committed, and not written yet
            simulator.change({"answers": {"latency": 0.4}})
        await platform.send(people[70:90])
        await asyncio.sleep(0.2)
        request = RefusalRequest(sender="CODE1", to=people[70:90], source="counter")
        await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
        await treasury.quiet()

        async def reported() -> bool:
            await treasury.quiet()
            found = await states(platform)
            return not found.keys() & {State.ACCEPTED, State.QUEUED, State.ATTEMPTED}

        await platform.until(reported, "every message has ended")
        tomorrow = platform.clock.now() + 86_400.0
        for _ in range(3):
            await platform.node.settler.daily(tomorrow)
        found = await states(platform)
        assert found.keys() >= {
            State.DELIVERED, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED,
            State.OVER_CAP, State.STOPPED, State.WITHHELD,
        }, found  # fmt: skip
        money = table()[contract]
        charged = sum(count for state, count in found.items() if money[state] == "charged")
        assert await treasury.available() == before - charged * PRICE
        reserved = await platform.value(
            "SELECT sum(CASE WHEN credit = 3 THEN amount ELSE 0 END"
            " - CASE WHEN debit = 3 THEN amount ELSE 0 END) FROM posting WHERE account_id = 1"
        )
        assert reserved == 0
        checks = await treasury.proved()
        counted = checks["messages are charged and given back at most once"]["counted"]
        assert counted >= sum(found.values()), "confirmations are messages, too"
        failed = "SELECT coalesce(sum(failed), 0) FROM usage"
        given_back = found[State.FAILED] if contract == "delivered" else 0
        assert await platform.value(failed) == given_back


async def test_late_failures_and_reports_that_repeat_change_nothing(
    migrated_url: str, tmp_path: Path
) -> None:
    script = {**SCRIPT, "receipts": {"delay": 1.5, "stats": {"UNDELIV": 1}}}
    async with running(migrated_url, tmp_path, script) as platform:
        treasury = Treasury(platform)
        await treasury.terms("account1", charge_on="delivered")
        people = numbers(12)
        await platform.consent(people)
        before = await treasury.available()
        await platform.send(people)
        await treasury.quiet()
        # Before the reports come: as if their validity had ended long ago.
        await platform.sql("UPDATE batch SET expires_at = expires_at - interval '6 days'")

        async def failed() -> bool:
            await treasury.quiet()
            return (await states(platform)).get(State.FAILED) == 12

        await platform.until(failed, "all failed")
        assert await treasury.available() == before - 12 * PRICE
        await treasury.proved()


POST = (
    "INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)"
    " SELECT account_id, batch_id, {kind}, {source}, {debit}, {credit}, segments, amount, at"
    " FROM posting WHERE kind = 'revenue' LIMIT 1"
)
AGAIN = POST.format(kind="kind", source="-source", debit="debit", credit="credit")
BACK = POST.format(kind="'release'", source="-source", debit=3, credit=2)
ONE_SIDED = POST.format(kind="'allot_in'", source=7, debit=6, credit=2)
UNLIMITED = "ALTER TABLE balance DROP CONSTRAINT balance_within_limit;"
UNSURE = (
    "INSERT INTO unsure_segment (batch_id, slot, segment, window_id, carrier, person_id, at,"
    " charged) SELECT id, 0, 0, 1, carrier, 1, accepted_at, true FROM batch"
)
CLOSED = (
    "INSERT INTO settled_month SELECT 1, date_trunc('month', min(day)), '2026-01-01Z' FROM usage"
)


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        ("UPDATE balance SET available = available - 1 WHERE account_id = 1", "balances"),
        (UNLIMITED + "UPDATE balance SET available = -1 WHERE account_id = 3", "no balance is"),
        (AGAIN, "orders: no more"),
        (AGAIN, "postings say"),
        (BACK, "postings say"),
        ("DELETE FROM posting WHERE id IN (SELECT id FROM posting WHERE kind = 'revenue' LIMIT 1)",
         "usage is"),
        ("UPDATE window_result SET statuses = set_byte(statuses, 0, 2)", "postings say"),
        (UNSURE, "messages are"),
        ("UPDATE usage SET segments = segments + 1", "usage is"),
        (ONE_SIDED, "the ledger"),
        (CLOSED, "tiers"),
    ],
)  # fmt: skip
async def test_the_proof_finds_what_is_wrong(platform: Platform, spoil: str, check: str) -> None:
    treasury = Treasury(platform)
    people = numbers(9)
    await platform.consent(people)
    await treasury.plan("flat", [(0, PRICE)])
    month = datetime.fromtimestamp(platform.clock.now(), UTC).strftime("%Y-%m")
    await treasury.terms("account1", plan="flat", from_month=month)
    await platform.send(people)
    await treasury.quiet()
    await treasury.proved()
    for statement in spoil.split(";"):
        await platform.sql(statement)
    answer = await verify(platform.node.store)
    assert not answer["ok"]
    assert any(one["check"].startswith(check) for one in answer["checks"] if one["faults"])
