"""Nobody decides about the money, the terms or the ports of a customer whom they act for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assent.errors import NotAllowed
from assent.flow.pricing import month_of, spending_day
from assent.flow.requests import Caller
from tests.flow.conftest import register, running
from tests.flow.test_payments import entry, intent, take
from tests.flow.test_rebates import rule
from tests.flow.treasury import Treasury


@pytest.fixture
async def treasury(migrated_url: str, tmp_path: Path) -> Any:
    document = register(2)
    document["accounts"][1]["kind"] = "agent"
    async with running(migrated_url, tmp_path, document=document) as platform:
        made = Treasury(platform)
        await made.entity(1, "南京商户一有限公司")
        yield made


async def acts_for(treasury: Treasury, staff: Caller, place: int) -> None:
    """Let somebody of the staff have a role in a customer's account."""
    await treasury.platform.sql(
        "INSERT INTO actor (id, email, name, created_at) OVERRIDING SYSTEM VALUE"
        " VALUES ($1::int, $1::int || '@example.com', 'x', '2026-01-01Z')", staff.actor_id,
    )  # fmt: skip
    await treasury.platform.sql(
        "INSERT INTO actor_role (account_id, actor_id, role, created_at)"
        " VALUES ($1, $2, 'read_only', '2026-01-01Z')",
        treasury.customer(place).account_id, staff.actor_id,
    )  # fmt: skip


async def refused(call: Any) -> None:
    with pytest.raises(NotAllowed) as caught:
        await call
    assert caught.value.code == "own_account"


async def test_nobody_releases_a_payment_to_an_account_of_their_own(treasury: Treasury) -> None:
    await acts_for(treasury, treasury.staff[0], 1)
    code = await intent(treasury, 100)
    await take(treasury, entry("a", "100", code, payer="张三"))
    (held,) = (await treasury.desk.payments.held())["lines"]
    wish, line = treasury.desk.payments.wish, int(held["id"])
    await refused(wish(treasury.staff[0], line, "release", None))
    await refused(wish(treasury.staff[0], line, "return", None))
    assert not (await wish(treasury.staff[1], line, "release", None))["done"]
    await refused(wish(treasury.staff[0], line, "release", None))
    assert (await wish(treasury.staff[2], line, "release", None))["done"]


@pytest.mark.parametrize("place", [1, 2], ids=["customer", "agent"])
async def test_nobody_approves_a_rebate_of_their_own(treasury: Treasury, place: int) -> None:
    await acts_for(treasury, treasury.staff[1], place)
    rebates = treasury.desk.rebates
    month = month_of(spending_day(treasury.platform.clock.now()))
    made = await rebates.propose(treasury.staff[0], rule(month))
    await refused(rebates.decide(treasury.staff[1], made["rule"], "approve"))
    assert (await rebates.decide(treasury.staff[2], made["rule"], "approve"))["state"] == "approved"


async def test_nobody_changes_terms_of_an_entity_of_their_own(treasury: Treasury) -> None:
    """Also of its other accounts."""
    await acts_for(treasury, treasury.staff[0], 1)
    await treasury.platform.sql(
        "UPDATE account SET entity_id = (SELECT entity_id FROM account WHERE id = $1)"
        " WHERE id = $2", treasury.customer(1).account_id, treasury.customer(2).account_id,
    )  # fmt: skip
    for name in ("account1", "account2"):
        await refused(treasury.terms(name, credit_limit_micro=10**9))
    treasury.staff.pop(0)
    assert (await treasury.terms("account1", credit_limit_micro=10**9))["credit_limit_micro"]
