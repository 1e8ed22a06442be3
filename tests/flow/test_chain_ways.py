"""Every way in meets the same chain: customers' links, campaigns and their dry runs; and what the
operator owes to receivers is bound by none of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.flow.requests import CampaignRequest
from assent.policy.reasons import BY_CODE
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, running
from tests.flow.test_chain import OPERATOR, PAPER, campaign, changed, progress, reached
from tests.flow.test_customers import CODES, Software
from tests.flow.test_customers import document as with_logins
from tests.flow.test_promises import refuse

CODE = "您的验证码482913，5分钟内有效。"


@pytest.fixture
async def linked(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=with_logins()) as platform:
        yield platform


async def test_a_link_is_told_the_broken_link_by_its_number(linked: Platform) -> None:
    first = Software(linked)
    assert await first.hand_in(first.handed(number("mobile", 1), CODE, CODES))
    await linked.until(lambda: len(linked.submits()) == 1, "the whole chain sends")
    await changed(linked, "UPDATE sender SET status = 'suspended' WHERE credit_code = 'CODE1'")
    assert await first.hand_in(first.handed(number("mobile", 2), CODE, CODES))
    receipts = await first.receipts(2)
    told = {(one.stat, one.error) for one in receipts.values()}
    assert told == {("DELIVRD", 0), ("REJECTD", BY_CODE["sender_suspended"].number)}
    assert len(linked.submits()) == 1
    other = Software(linked, "login2")
    text = f"【商户2】{CODE}"
    assert await other.hand_in(other.handed(number("mobile", 3), text, "106900022"))
    assert {one.stat for one in (await other.receipts(1)).values()} == {"DELIVRD"}


async def test_a_campaign_and_its_dry_run_tell_the_same(linked: Platform) -> None:
    people = numbers(6)
    await linked.consent(people)
    await changed(linked, f"{PAPER} AND d.kind = 'consent_statement' AND credit_code = 'CODE1'")
    notices = await campaign(linked, people, 1, 1)
    await linked.until(
        reached(linked, 1, notices, lambda now: now["allowed"] == 6), "notices need no consent"
    )
    audience = (await progress(linked, 1, notices))["audience"]
    request = CampaignRequest(
        name="c", audience=audience, sender="CODE1", purpose="marketing", text=MARKETING_TEXT
    )
    caller, campaigns = linked.caller(1), linked.node.campaigns
    dry = await campaigns.dry_run(caller, request, 10)
    assert (dry["allowed"], dry["reasons"]) == (0, {"sender_not_qualified": 6})
    made = json.loads(await campaigns.create(caller, request, key=None, sha=b""))
    await linked.until(
        reached(linked, 1, int(made["id"]), lambda now: now["state"] == "done"), "it is judged"
    )
    found = await progress(linked, 1, int(made["id"]))
    assert (found["allowed"], found["reasons"]) == (0, dry["reasons"])


async def test_a_refusal_is_confirmed_though_nothing_else_may_leave(linked: Platform) -> None:
    """A confirmation is owed to its receiver, whatever is wrong with a sender or with us."""
    person = [number("mobile", 6)]
    await linked.consent(person)
    assert (await linked.send(person))["allowed"] == 1
    await linked.until(lambda: len(linked.submits("106900011")) == 1, "the offer")
    await changed(linked, f"{PAPER} AND credit_code IN ('{OPERATOR}', 'CODE1')")
    assert (await linked.send(numbers(3), "verification"))["allowed"] == 0
    await refuse(linked, person)
    await linked.until(lambda: len(linked.submits("1069999")) == 1, "the confirmation")
