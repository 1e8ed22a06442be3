"""Agents' rebates: two persons, a cap, nothing for refused or complained messages, clawed back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import AssentError
from assent.flow.money_requests import ComplaintRequest, RateRequest, RebateRequest
from assent.flow.pricing import month_of, next_month, spending_day
from assent.flow.rebates import entitled
from assent.flow.requests import Caller
from tests.flow.conftest import number, numbers, register, running
from tests.flow.treasury import STAFF, Treasury


def rule(month: Any, **other: Any) -> RebateRequest:
    told = {
        "agent": "account2", "account": "account1", "micro": 4_000, "cap_micro": 100_000,
        "end_micro": 80_000, "from_month": f"{month:%Y-%m}", "to_month": f"{month:%Y-%m}",
    }  # fmt: skip
    return msgspec.convert({**told, **other}, RebateRequest)


@pytest.fixture
async def agency(migrated_url: str, tmp_path: Path) -> Any:
    document = register(2)
    document["accounts"][1]["kind"] = "agent"
    async with running(migrated_url, tmp_path, document=document) as platform:
        yield Treasury(platform)


async def approved(treasury: Treasury, **other: Any) -> Any:
    month = month_of(spending_day(treasury.platform.clock.now()))
    rebates = treasury.desk.rebates
    made = await rebates.propose(treasury.staff[0], rule(month, **other))
    await rebates.decide(treasury.staff[1], made["rule"], "approve")
    return month


async def sent(treasury: Treasury, people: list[str]) -> list[str]:
    await treasury.platform.consent(people)
    answer = await treasury.platform.send(people)
    await treasury.quiet()
    return [line["id"] for line in answer["messages"]]


async def test_it_takes_two_persons(agency: Treasury) -> None:
    month = month_of(spending_day(agency.platform.clock.now()))
    rebates, staff = agency.desk.rebates, agency.staff
    made = await rebates.propose(staff[0], rule(month))
    same_actor = Caller(staff[0].account_id, STAFF, False, 77, staff[0].actor_id)
    same_key = Caller(staff[0].account_id, STAFF, False, staff[0].key_id, None)
    for one in (staff[0], same_actor, same_key):
        with pytest.raises(AssentError) as alone:
            await rebates.decide(one, made["rule"], "approve")
        assert alone.value.code == "second_person"
    assert (await rebates.decide(staff[1], made["rule"], "approve"))["state"] == "approved"
    with pytest.raises(AssentError) as twice:
        await rebates.decide(staff[2], made["rule"], "approve")
    assert twice.value.code == "rebate_state"
    for wrong, code in (
        ({"micro": 40_001}, "bad_rebate"), ({"agent": "account1"}, "no_agent"),
        ({"account": "nobody"}, "no_account"),
    ):  # fmt: skip
        with pytest.raises(AssentError) as refused:
            await rebates.propose(staff[0], rule(month, **wrong))
        assert refused.value.code == code


async def test_paid_once_within_the_cap_and_clawed_back(agency: Treasury) -> None:
    month = await approved(agency)
    ids = await sent(agency, numbers(30))
    rebates, staff = agency.desk.rebates, agency.staff[2]
    before = await agency.available(2)
    with pytest.raises(AssentError) as early:
        await rebates.pay(staff, f"{month:%Y-%m}")
    assert early.value.code == "month_not_over"
    agency.later((next_month(month) - month).days + 1)
    paid = (await rebates.pay(staff, f"{month:%Y-%m}"))["payments"][0]
    assert (paid["segments"], paid["amount_micro"]) == (30, 100_000), "30 × 4,000 is over the cap"
    assert (await rebates.pay(staff, f"{month:%Y-%m}"))["payments"][0]["amount_micro"] == 0
    assert await agency.available(2) == before + 100_000
    await agency.proved()
    told = await rebates.exclude(staff, ComplaintRequest(messages=ids[:10]))
    assert told["new"] == 10
    assert (await rebates.exclude(staff, ComplaintRequest(messages=ids[:10])))["new"] == 0
    back = (await rebates.pay(staff, f"{month:%Y-%m}"))["payments"][0]
    assert (back["excluded_segments"], back["amount_micro"]) == (10, -20_000)
    assert await agency.available(2) == before + 80_000
    await agency.platform.sql(
        "WITH gone AS (UPDATE balance SET available = 5000 WHERE account_id = 2"
        " RETURNING (SELECT available FROM balance WHERE account_id = 2) - 5000 AS spent)"
        " INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount,"
        " at) SELECT 2, 0, 'topup_back', -1, 2, 1, 0, spent, '2026-11-01Z' FROM gone"
    )
    await rebates.exclude(staff, ComplaintRequest(messages=ids[10:20]))
    back = (await rebates.pay(staff, f"{month:%Y-%m}"))["payments"][0]
    assert back["amount_micro"] == -5_000, "as far as the balance reaches"
    assert await agency.available(2) == 0
    with pytest.raises(AssentError) as unknown:
        await rebates.exclude(staff, ComplaintRequest(messages=["12345"]))
    assert unknown.value.code == "no_message"


async def test_who_answers_by_refusing_is_not_paid_for(agency: Treasury) -> None:
    month = await approved(agency)
    person = number("mobile", 0)
    await sent(agency, numbers(9))
    port = await agency.platform.value(
        "SELECT number FROM port WHERE id = (SELECT port_id FROM batch b JOIN port p"
        " ON p.id = b.port_id WHERE p.carrier = 'mobile' LIMIT 1)"
    )
    agency.platform.simulators["mobile"].send_mo(person, port, "R")

    async def refused() -> bool:
        return bool(await agency.platform.value("SELECT count(*) FROM reply") == 1)

    await agency.platform.until(refused, "the refusal is read")
    agency.later((next_month(month) - month).days + 1)
    paid = (await agency.desk.rebates.pay(agency.staff[2], f"{month:%Y-%m}"))["payments"][0]
    assert (paid["segments"], paid["excluded_segments"]) == (9, 1)
    assert paid["amount_micro"] == 8 * 4_000
    reasons = await agency.platform.sql("SELECT reason FROM rebate_excluded")
    assert [row["reason"] for row in reasons] == ["refused"]
    await agency.proved()


async def test_auditors_see_the_spread(agency: Treasury) -> None:
    month = await approved(agency)
    await sent(agency, numbers(9))
    for carrier, micro in (("mobile", 30_000), ("unicom", 33_000), ("telecom", 36_000)):
        request = RateRequest(carrier=carrier, from_day=month, micro=micro)
        await agency.desk.treasury.add_rate(agency.staff[0], request)
    (told,) = (await agency.desk.rebates.show())["rebates"]
    assert told["carrier_rate_micro"] == 33_000
    assert told["customer_price_micro"] == 50_000
    assert (told["rebate_micro"], told["end_price_micro"]) == (4_000, 80_000)
    acts = await agency.platform.sql("SELECT what FROM staff_act ORDER BY id")
    assert [act["what"] for act in acts][:2] == ["rebate.propose", "rebate.approve"]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=12),
       st.integers(1, 9_000), st.integers(1, 10**6))  # fmt: skip
def test_no_month_passes_its_cap(months: list[tuple[int, int]], micro: int, cap: int) -> None:
    owed = entitled(months, micro, cap)
    assert 0 <= owed <= cap * len(months)
    assert owed <= micro * sum(max(0, segments - less) for segments, less in months)
    more = [(segments, less + 1) for segments, less in months]
    assert entitled(more, micro, cap) <= owed, "a complaint never pays"
