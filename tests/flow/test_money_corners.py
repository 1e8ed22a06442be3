"""Corners of money in which an amount would move twice, to the wrong account, or not at all."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.errors import AssentError
from assent.flow.bank_lines import CsvForm, read_camt053, read_csv
from assent.flow.money_requests import AllotRequest, ComplaintRequest, LimitsRequest
from assent.flow.needs import utc
from assent.flow.payments import codes_in, reference_code
from assent.flow.pricing import month_of, next_month, spending_day
from assent.flow.verify import verify
from assent.message import Purpose
from tests.flow.conftest import Platform, numbers, register, running
from tests.flow.test_payments import COMPANY, YUAN, camt, entry, intent, take
from tests.flow.test_rebates import rule, sent
from tests.flow.treasury import Treasury


@pytest.fixture
async def treasury(platform: Platform) -> Treasury:
    one = Treasury(platform)
    await one.entity(1, COMPANY)
    return one


# Payments ----------------------------------------------------------------------------------


async def test_what_staff_sent_back_is_not_taken_from_another_payment(treasury: Treasury) -> None:
    code = await intent(treasury, 200)
    before = await treasury.available()
    await take(treasury, entry("a", "100", code), entry("b", "100", code, payer="张三"))
    (held,) = (await treasury.desk.payments.held())["lines"]
    for person in treasury.staff[:2]:
        await treasury.desk.payments.wish(person, int(held["id"]), "return", None)
    told = await take(treasury, entry("r", "100", f"退汇 {code}", kind="DBIT", back=True))
    assert told["lines"][0]["original"] == held["id"]
    assert await treasury.available() == before + 100 * YUAN
    told = await take(treasury, entry("r2", "100", "退汇", kind="DBIT", back=True, end_id="b"))
    assert told["lines"][0]["why"] == "no_original", "nothing comes back twice"
    await treasury.proved()


async def test_a_return_waits_for_who_is_just_releasing_the_payment(treasury: Treasury) -> None:
    code = await intent(treasury, 100)
    before = await treasury.available()
    await take(treasury, entry("a", "100", code, payer="张三"))
    (held,) = (await treasury.desk.payments.held())["lines"]
    await treasury.desk.payments.wish(treasury.staff[0], int(held["id"]), "release", None)
    async with treasury.node.store.transaction() as tx:  # another process is about to agree
        row = await tx.fetchrow("payment_hold", int(held["id"]))
        returning = asyncio.create_task(
            take(treasury, entry("r", "100", "退汇", kind="DBIT", back=True, end_id="a"))
        )
        await asyncio.sleep(0.3)
        await treasury.desk.payments._do(tx, row, "release", 1, treasury.platform.clock.now())
    assert (await returning)["counts"] == {"returned": 1}
    assert await treasury.available() == before
    await treasury.proved()


def test_an_entry_says_what_was_booked_and_each_part_which_way_it_went() -> None:
    whole = entry("a", "985", "x").replace(
        "<Refs>", '<AmtDtls><TxAmt><Amt Ccy="USD">1000</Amt></TxAmt></AmtDtls><Refs>'
    )
    (line,) = read_camt053(camt(whole)).lines
    assert (line.amount, line.currency) == (985 * YUAN, "CNY")
    parts = "".join(
        f'<TxDtls><Refs><AcctSvcrRef>{name}</AcctSvcrRef></Refs><Amt Ccy="CNY">{amount}</Amt>'
        f"<CdtDbtInd>{way}</CdtDbtInd></TxDtls>"
        for name, amount, way in (("p", "70", "CRDT"), ("q", "20", "DBIT"))
    )
    head, _, rest = entry("e", "50", "x").partition("<TxDtls>")
    mixed = head + parts + rest.partition("</TxDtls>")[2]
    found = read_camt053(camt(mixed))
    assert [(one.external_id, one.kind) for one in found.lines] == [("p", "credit")]
    assert found.skipped == {"paid_by_us": 1}


def test_a_line_without_a_name_is_the_same_however_it_is_laid_out() -> None:
    columns = {"booked_on": "d", "amount": "a", "payer": "p", "text": "t"}
    form = CsvForm(columns)
    one = read_csv(b"d,a,p,t\n2026-11-20,10.00,ACME (CN) Ltd,pay  X\n", form).lines
    two = read_csv(
        "d,a,p,t\n2026-11-20,10,ACME（CN）\u3000Ltd,\"pay\nX \"\n".encode(), form
    ).lines  # fmt: skip
    assert one[0].external_id == two[0].external_id
    assert one[0].digest() == two[0].digest()


@pytest.mark.parametrize("amount", ["10,50", "1.234,56", "1,23,456.00", "1,2345", ",5"])
def test_a_comma_that_parts_no_thousands_is_no_amount(amount: str) -> None:
    form = CsvForm({"booked_on": "d", "amount": "a", "payer": "p"})
    with pytest.raises(AssentError) as refused:
        read_csv(f'd,a,p\n2026-11-20,"{amount}",x\n'.encode(), form)
    assert refused.value.code == "bank_file"
    (line,) = read_csv('d,a,p\n2026-11-20,"1，234,567.80",x\n'.encode(), form).lines
    assert line.amount == 1_234_567_800_000


def test_a_row_with_money_in_and_out_is_refused() -> None:
    form = CsvForm({"booked_on": "d", "amount": "a", "payer": "p", "out": "o"})
    with pytest.raises(AssentError) as refused:
        read_csv(b"d,a,p,o\n2026-11-20,10,x,7\n", form)
    assert refused.value.code == "bank_file"


async def test_a_return_takes_nothing_from_another_code(treasury: Treasury) -> None:
    await treasury.entity(2, "远山贸易有限公司")
    mine, other = await intent(treasury, 100), await intent(treasury, 100, 2)
    before = await treasury.available()
    await take(treasury, entry("a", "100", mine))
    await take(treasury, entry("b", "100", other, payer="远山贸易有限公司"))
    # Whoever pays chooses the end-to-end name, also that of somebody else's line.
    told = await take(treasury, entry("r", "100", other, kind="DBIT", back=True, end_id="a"))
    assert told["counts"] == {"returned": 1}
    assert await treasury.available() == before + 100 * YUAN
    await treasury.proved()


def test_a_code_is_found_behind_words_that_begin_like_one() -> None:
    code = reference_code(lambda n: bytes(range(n)))
    assert codes_in(f"CHEAP PAYMENT {code}") == [code]
    assert codes_in(f"AP{code}") == [code]


# Sub-accounts and limits -------------------------------------------------------------------


async def test_a_reference_is_of_one_sub_account(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, document=register(3)) as platform:
        treasury = Treasury(platform)
        for name in ("account2", "account3"):
            await treasury.terms(name, parent="account1")
        purses, parent = treasury.desk.purses, treasury.customer(1)
        before = await treasury.available(3)
        first = AllotRequest(account="account2", amount_micro=7, reference="r")
        await purses.allot(parent, first)
        with pytest.raises(AssentError) as reused:
            await purses.allot(parent, msgspec.structs.replace(first, account="account3"))
        assert reused.value.code == "reference_reused"
        assert await treasury.available(3) == before
        await treasury.proved()


async def test_a_sub_account_does_not_lift_its_parents_limit(treasury: Treasury) -> None:
    await treasury.terms("account2", parent="account1")
    purses = treasury.desk.purses
    parent, child = treasury.customer(1), treasury.customer(2)

    async def limit(caller: Any, **told: Any) -> Any:
        return await purses.limit(caller, msgspec.convert(told, LimitsRequest))

    await limit(parent, account="account2", daily_limit_micro=100)
    for more in (None, 101):
        with pytest.raises(AssentError) as lifted:
            await limit(child, daily_limit_micro=more)
        assert lifted.value.code == "parents_limit"
    assert (await limit(child, daily_limit_micro=60))["daily_limit_micro"] == 60
    assert (await limit(child, alert_below_micro=5))["daily_limit_micro"] == 60
    shown = await limit(parent, account="account2", daily_limit_micro=None)
    assert shown["sub_accounts"][0]["daily_limit_micro"] is None


async def test_an_order_of_yesterday_does_not_begin_the_day_anew(treasury: Treasury) -> None:
    now = treasury.platform.clock.now()
    today, yesterday = spending_day(now), spending_day(now - 86_400)
    await treasury.platform.sql("UPDATE balance SET daily_limit = 100 WHERE account_id = 1")

    async def admit(day: date, cost: int) -> bool:
        async with treasury.node.store.transaction() as tx:
            row = await tx.fetchrow("order_admit", 1, None, None, None, utc(now), cost, day, 1, 3)
        return bool(row["paid"])

    assert await admit(yesterday, 90)
    assert await admit(today, 60)
    assert await admit(yesterday, 10), "judged before midnight, stored after it"
    assert not await admit(today, 60), "60 + 10 are gone of 100"
    assert await admit(today, 30)
    assert not await admit(today, 0), "three messages were sent"
    spent = "SELECT day_spent FROM balance WHERE account_id = 1"
    assert await treasury.platform.value(spent) == 100


# Rebates -----------------------------------------------------------------------------------


@pytest.fixture
async def agency(migrated_url: str, tmp_path: Path) -> Any:
    document = register(2)
    document["accounts"][1]["kind"] = "agent"
    async with running(migrated_url, tmp_path, document=document) as platform:
        yield Treasury(platform)


async def test_an_earlier_month_takes_nothing_back_and_an_ended_rule_does(
    agency: Treasury,
) -> None:
    rebates, (first, second, third) = agency.desk.rebates, agency.staff
    month = month_of(spending_day(agency.platform.clock.now()))
    earlier = month_of(spending_day(agency.platform.clock.now() - 40 * 86_400))
    made = await rebates.propose(first, rule(month, from_month=f"{earlier:%Y-%m}"))
    await rebates.decide(second, made["rule"], "approve")
    ids = await sent(agency, numbers(10))
    agency.later((next_month(month) - month).days + 1)
    before = await agency.available(2)
    assert (await rebates.pay(third, f"{month:%Y-%m}"))["payments"][0]["amount_micro"] == 40_000
    told = (await rebates.pay(third, f"{earlier:%Y-%m}"))["payments"][0]
    assert told["amount_micro"] == 0, "what was paid for later months stays paid"
    await rebates.decide(third, made["rule"], "end")
    await rebates.exclude(third, ComplaintRequest(messages=ids[:4]))
    told = (await rebates.pay(third, f"{month:%Y-%m}"))["payments"][0]
    assert told["amount_micro"] == -16_000, "ending a rule saves nobody from the claw-back"
    assert await agency.available(2) == before + 24_000
    await agency.proved()


async def test_two_who_pay_at_the_same_time_pay_once(agency: Treasury) -> None:
    rebates, (first, second, third) = agency.desk.rebates, agency.staff
    month = month_of(spending_day(agency.platform.clock.now()))
    made = await rebates.propose(first, rule(month))
    await rebates.decide(second, made["rule"], "approve")
    await sent(agency, numbers(10))
    agency.later((next_month(month) - month).days + 1)
    before = await agency.available(2)
    pays = [rebates.pay(one, f"{month:%Y-%m}") for one in (first, second, third) * 3]
    paid = [told["payments"][0]["amount_micro"] for told in await asyncio.gather(*pays)]
    assert sorted(paid) == [0] * 8 + [40_000]
    assert await agency.available(2) == before + 40_000
    await agency.proved()


# Prices ------------------------------------------------------------------------------------


async def test_no_video_is_free_because_a_plan_forgot_its_purpose(treasury: Treasury) -> None:
    now = treasury.platform.clock.now()
    pricing = treasury.node.catalogue.pricing
    month = f"{month_of(spending_day(now)):%Y-%m}"
    await treasury.plan("films", [(0, 300_000)], channel="video", purpose="marketing")
    await treasury.terms("account1", plan="films", from_month=month)
    account = next(a for a in treasury.node.catalogue.accounts.values() if a.name == "account1")
    assert account.video_price is None
    assert pricing.sells_video(account, Purpose.MARKETING, ["mobile"])
    assert not pricing.sells_video(account, Purpose.NOTIFICATION, ["mobile"])
    await treasury.plan("mobile", [(0, 300_000)], channel="video", carrier="mobile")
    await treasury.terms("account1", plan="mobile", from_month=month)
    assert pricing.sells_video(account, Purpose.NOTIFICATION, ["mobile"])
    assert not pricing.sells_video(account, Purpose.NOTIFICATION, ["mobile", "unicom"])


# The proof ---------------------------------------------------------------------------------


_PLANTED = [
    "VALUES (1, 0, 'topup', 999, 1, 2, 0, $1, now())",
    "VALUES (1, 0, 'tier', 999, 4, 2, 0, $1, now())",
    "VALUES (1, 0, 'rebate', 999, 7, 2, 0, $1, now())",
    "VALUES (1, 0, 'gift', 999, 1, 2, 0, $1, now())",
    "VALUES (1, 0, 'deposit', 999, 4, 2, 0, $1, now())",
    "SELECT 2, id, 'failed', 999, 4, 2, 0, $1, now() FROM batch LIMIT 1",
]


@pytest.mark.parametrize("planted", _PLANTED)
async def test_a_posting_that_nothing_stands_behind_is_found(
    treasury: Treasury, planted: str
) -> None:
    await sent(treasury, numbers(3))
    await treasury.proved()
    account = 2 if planted.startswith("SELECT 2") else 1
    await treasury.platform.sql(
        "INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount,"
        f" at) {planted}", 50_000,
    )  # fmt: skip
    if "failed" not in planted:
        await treasury.platform.sql(
            "UPDATE balance SET available = available + 50000 WHERE account_id = $1", account
        )
    answer = await verify(treasury.node.store)
    names = {check["check"] for check in answer["checks"] if check["faults"]}
    assert "nothing is posted without its reason" in names


async def test_a_failure_that_gave_back_more_than_it_cost_is_found(treasury: Treasury) -> None:
    await treasury.terms("account1", charge_on="delivered")
    await sent(treasury, numbers(3))
    await treasury.platform.sql(
        "INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount,"
        " at) SELECT account_id, id, 'failed', 999, 4, 2, 1, 2 * price, now() FROM batch LIMIT 1"
    )
    await treasury.platform.sql("UPDATE batch_final SET refunded = refunded + 1")
    answer = await verify(treasury.node.store)
    names = {check["check"] for check in answer["checks"] if check["faults"]}
    assert "nothing is posted without its reason" in names


async def test_a_rebate_that_nobody_approved_is_found(agency: Treasury) -> None:
    month = month_of(spending_day(agency.platform.clock.now()))
    await agency.desk.rebates.propose(agency.staff[0], rule(month))
    await agency.proved()
    await agency.platform.sql("UPDATE rebate_rule SET state = 'approved'")
    answer = await verify(agency.node.store)
    assert [c["check"] for c in answer["checks"] if c["faults"]] == [
        "rebates are what was approved"
    ]
