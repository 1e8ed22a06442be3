"""The chain end to end: each broken link has its own code, stops what depends on it and only that,
within a second; what was held leaves when the link is whole again. Real sockets, a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.clock import SystemClock
from assent.flow.requests import CampaignRequest, Receiver, SendRequest
from assent.policy.reasons import unpack
from bench.papers import complete
from tests.flow.audit import audit
from tests.flow.conftest import (
    PROMPT,
    Platform,
    numbers,
    register,
    running,
)


def document() -> dict[str, Any]:
    """Two senders with accounts of their own, and an agent that sends for the second."""
    found = register(2)
    found["accounts"].append(
        {
            "name": "account3",
            "kind": "agent",
            "senders": ["CODE2"],
            "price_micro": 1,
            "deposits": {"first": 10**9},
        }
    )
    return complete(found)


@pytest.fixture
async def chained(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as platform:
        yield platform


async def changed(platform: Platform, sql: str) -> None:
    """Change a row as a desk would, and wait until the platform has read it."""
    before = platform.node.catalogue.chain.version
    await platform.sql(sql)
    await platform.sql("SELECT pg_notify('catalogue', '')")
    now = platform.clock.now
    chain = platform.node.catalogue.chain
    await platform.until(lambda: chain.as_of(now()) > before + 1, "the change was read")


PAPER = "UPDATE document d SET valid_to = '2021-01-01' FROM entity e WHERE e.id = d.entity_id"
PORT1 = "WHERE number = '106900012'"

AGENT, OPERATOR = "OWN-account3", "OWN-operator"
OF_ONE = "WHERE sender_id = (SELECT id FROM sender WHERE credit_code = 'CODE1')"
CODE1 = "credit_code = 'CODE1'"
ONE = "WHERE name = 'account1'"

STOP = "INSERT INTO class_stop (industries, reason, since) VALUES ('{retail}', 'x', '2020-01-01')"

# The code, what breaks the link, what breaks with it, and whose orders are concerned.
LINKS: list[tuple[str, str, str, int]] = [
    ("account_not_verified", f"UPDATE account SET entity_id = NULL {ONE}",
     "not_authorised", 1),
    ("account_not_verified", f"UPDATE account SET status = 'applied' {ONE}", "", 1),
    ("account_not_verified", f"{PAPER} AND d.kind = 'commitment_letter' AND {CODE1}", "", 1),
    ("account_suspended", f"UPDATE account SET status = 'suspended' {ONE}", "", 1),
    ("account_suspended", f"UPDATE account SET status = 'closed' {ONE}", "", 1),
    ("account_suspended", f"UPDATE entity SET status = 'suspended' WHERE credit_code = '{AGENT}'",
     "agent_not_licensed", 3),
    ("sender_not_qualified", f"UPDATE entity SET industry = 'bank' WHERE {CODE1}", "", 1),
    ("sender_not_qualified", "UPDATE sender SET entity_id = NULL WHERE credit_code = 'CODE1'",
     "not_authorised", 1),
    ("sender_suspended", f"UPDATE sender SET status = 'suspended' WHERE {CODE1}", "", 1),
    ("not_authorised", "UPDATE authorisation SET valid_to = '2021-01-01'", "", 3),
    ("not_authorised", "UPDATE authorisation SET state = 'revoked'", "", 3),
    ("not_authorised", "UPDATE authorisation SET purposes = 4", "", 3),
    ("not_authorised", "UPDATE authorisation SET signatures = '{商户9}'", "", 3),
    ("agent_not_licensed", f"{PAPER} AND d.kind = 'telecom_licence' AND credit_code = '{AGENT}'",
     "", 3),
    ("operator_licence", f"{PAPER} AND d.kind = 'telecom_licence' AND credit_code = '{OPERATOR}'",
     "", 1),
    ("operator_licence", "UPDATE document SET scope = '{1065}' WHERE kind = 'number_certificate'",
     "", 1),
    ("port_inactive", f"UPDATE port SET status = 'paused' {PORT1}", "", 1),
    ("port_not_filed", f"UPDATE port SET status = 'applied' {PORT1}", "port_inactive", 1),
    ("signature_lapsed", f"UPDATE port SET signature_lapsed_at = now() {PORT1}", "", 1),
    ("template_not_approved", "UPDATE template SET status = 'submitted'", "", 1),
    ("class_stopped", STOP, "", 1),
]  # fmt: skip


@pytest.mark.parametrize(("code", "sql", "also", "place"), LINKS)
async def test_each_broken_link_has_its_own_code(
    chained: Platform, code: str, sql: str, also: str, place: int
) -> None:
    platform = chained
    sender = 1 if place == 1 else 2
    request = SendRequest(
        sender=f"CODE{sender}",
        purpose="verification",
        template="code",
        messages=[Receiver(to=to, variables={"code": "123456"}) for to in numbers(3)],
    )
    caller = platform.caller(place)
    fine = await platform.node.sending.dry_run(caller, request)
    assert (fine.allowed, fine.reasons) == (3, {})
    await changed(platform, sql)
    dry = await platform.node.sending.dry_run(caller, request)
    assert (dry.allowed, dry.cost_micro) == (0, 0)
    assert code in dry.reasons or also in dry.reasons
    answer = json.loads(await platform.node.sending.send(caller, request, key=None, sha=b""))
    assert answer["allowed"] == 0
    findings = await findings_of(platform)
    assert findings <= {code, also}
    assert code in findings
    await asyncio.sleep(0.2)
    assert not platform.submits()
    # Nobody else is concerned, but by what is everybody's.
    others = {"operator_licence", "class_stopped", "template_not_approved"}
    if code not in others and place == 1:
        answer = await platform.send(numbers(3), "verification", place=2)
        assert answer["allowed"] == 3


async def findings_of(platform: Platform) -> set[str]:
    """Return every code found in the last submission."""
    rows = await platform.sql("SELECT findings FROM decision ORDER BY submission_id DESC LIMIT 1")
    masks = np.frombuffer(rows[0]["findings"], "<u8").tolist()
    return {reason.code for mask in masks for reason in unpack(mask)}


async def test_free_text_needs_the_right_to_it(chained: Platform) -> None:
    people = numbers(3)
    await chained.consent(people)
    assert (await chained.send(people))["allowed"] == 3
    await changed(chained, f"{PAPER} AND d.kind = 'free_text_letter' AND credit_code = 'CODE1'")
    assert (await chained.send(people))["reasons"] == {"free_text_not_allowed": 3}


async def test_what_was_seen_as_a_copy_opens_a_little(chained: Platform) -> None:
    """Neither marketing nor more than so many a day, and the day counts what was ordered."""
    people = numbers(60)
    await chained.consent(people)
    until = (datetime.now(UTC) + timedelta(days=3)).date()
    await changed(
        chained,
        "UPDATE document d SET seen = 'scan', provisional_until = "
        f"'{until}' FROM entity e WHERE e.id = d.entity_id AND credit_code = 'CODE1'",
    )
    assert (await chained.send(people[:2]))["reasons"] == {"sender_not_qualified": 2}
    most = 200
    allowed = 0
    for _ in range(3):
        allowed += (await chained.send(people, "notification"))["allowed"]
    assert allowed == 180
    answer = await chained.send(people, "notification")
    assert (answer["allowed"], answer["reasons"]) == (most - 180, {"provisional_limit": 40})
    assert await chained.value("SELECT day_messages FROM balance WHERE day_messages > 0") == most
    answer = await chained.send(people[:1], "verification")
    assert answer["reasons"] == {"provisional_limit": 1}


async def test_accounts_of_one_entity_share_what_a_copy_opens(chained: Platform) -> None:
    await changed(
        chained,
        "UPDATE account SET status = 'provisional', entity_id = (SELECT id FROM entity"
        " WHERE credit_code = 'CODE1') WHERE name IN ('account1', 'account2')",
    )
    people = numbers(60)
    told = [await chained.send(people, "notification") for _ in range(2)]
    assert [one["allowed"] for one in told] == [60, 40]
    assert told[1]["reasons"] == {"provisional_limit": 20}


async def test_a_provisional_account_sends_no_marketing(chained: Platform) -> None:
    people = numbers(3)
    await chained.consent(people)
    await changed(chained, f"UPDATE account SET status = 'provisional' {ONE}")
    assert (await chained.send(people))["reasons"] == {"provisional_scope": 3}
    assert (await chained.send(people, "notification"))["allowed"] == 3


async def test_orders_at_the_same_time_do_not_pass_the_limit(chained: Platform) -> None:
    await changed(chained, f"UPDATE account SET status = 'provisional' {ONE}")
    people = numbers(40)
    answers = await asyncio.gather(
        *(chained.send([one] * 1, "notification") for one in people * 6),
        *(chained.send(people[:20], "notification") for _ in range(3)),
        return_exceptions=True,
    )
    # Some give up while others count at the same time; none is counted that was not taken.
    allowed = sum(a["allowed"] for a in answers if isinstance(a, dict))
    assert 0 < allowed <= 200
    stored = "SELECT coalesce(sum(allowed), 0) FROM submission"
    assert await chained.value(stored) == allowed
    assert await chained.value("SELECT sum(day_messages) FROM balance") == allowed


async def test_a_port_of_one_carrier_concerns_its_people_only(chained: Platform) -> None:
    await changed(chained, f"UPDATE port SET status = 'paused' {PORT1} AND carrier = 'mobile'")
    answer = await chained.send(numbers(9), "verification")
    assert (answer["allowed"], answer["reasons"]) == (6, {"port_inactive": 3})


# --- what is queued -------------------------------------------------------------------------


async def campaign(
    platform: Platform, people: list[str], place: int, sender: int, **more: Any
) -> int:
    """Start a campaign of notices; return its id."""
    caller, campaigns = platform.caller(place), platform.node.campaigns
    id_ = await campaigns.create_audience(caller, "list", "as told by the sender")
    rows = np.arange(1, len(people) + 1, dtype=np.uint32)
    msisdns = np.array([int(f"86{one}") for one in people], np.uint64)
    orders = {"order": [f"A{i}" for i in range(len(people))]}
    await campaigns.add_chunk(id_, 0, rows, msisdns, np.zeros(len(rows), np.uint8), orders)
    await campaigns.finish_audience(id_, ["order"])
    request = CampaignRequest(
        name="c", audience=str(id_), sender=f"CODE{sender}", purpose="notification",
        template="notice", **more,
    )  # fmt: skip
    made = json.loads(await campaigns.create(caller, request, key=None, sha=b""))
    return int(made["id"])


async def progress(platform: Platform, place: int, id_: int) -> dict[str, Any]:
    return await platform.node.campaigns.progress(platform.caller(place), id_)


def reached(
    platform: Platform, place: int, id_: int, true: Callable[[dict[str, Any]], bool]
) -> Any:
    async def look() -> bool:
        return true(await progress(platform, place, id_))

    return look


OF_CODE1 = "credit_code = 'CODE1'"

# What breaks a link of account1's campaign, what mends it (none: it is over), and the code.
BREAKS: list[tuple[str, str, str]] = [
    ("UPDATE account SET status = 'suspended' WHERE name = 'account1'",
     "UPDATE account SET status = 'active' WHERE name = 'account1'", "account_suspended"),
    ("UPDATE sender SET status = 'suspended' WHERE credit_code = 'CODE1'",
     "UPDATE sender SET status = 'active' WHERE credit_code = 'CODE1'", "sender_suspended"),
    (f"{PAPER} AND credit_code = 'CODE1'",
     "UPDATE document SET valid_to = '2099-12-31'", "sender_not_qualified"),
    ("UPDATE port SET status = 'paused' WHERE number = '106900013'",
     "UPDATE port SET status = 'active' WHERE number = '106900013'", "port_inactive"),
    (f"UPDATE template SET status = 'withdrawn' {OF_ONE}",
     "UPDATE template SET status = 'active'", "template_not_approved"),
    ("UPDATE port SET status = 'revoked' WHERE number = '106900013'", "", "port_inactive"),
    ("UPDATE sender SET status = 'closed' WHERE credit_code = 'CODE1'", "", "sender_suspended"),
    ("UPDATE account SET status = 'closed' WHERE name = 'account1'", "", "account_suspended"),
]  # fmt: skip


@pytest.mark.parametrize(("breaks", "mends", "code"), BREAKS)
async def test_a_broken_link_stops_campaigns_within_a_second_and_only_its_own(
    migrated_url: str, tmp_path: Path, breaks: str, mends: str, code: str
) -> None:
    async with running(migrated_url, tmp_path, document=document(), rate=60.0) as platform:
        mine, other, agents = numbers(600), numbers(450, 10_000), numbers(90, 20_000)
        one = await campaign(platform, mine, 1, 1)
        two = await campaign(platform, other, 2, 2)
        three = await campaign(platform, agents, 3, 2)
        await platform.until(
            lambda: len(platform.submits("106900013")) > 30, "the campaign is under way"
        )
        await platform.sql(breaks)
        await platform.sql("SELECT pg_notify('catalogue', '')")
        broken_at = platform.clock.now()
        await asyncio.sleep(2.5)
        mine_at = [record["t"] / 1e9 for record in platform.submits("106900013")]
        assert max(mine_at) < broken_at + 1.0
        theirs_at = [record["t"] / 1e9 for record in platform.submits("106900023")]
        assert sum(at > broken_at + 1.0 for at in theirs_at) > 20  # the others go on
        found = await progress(platform, 1, one)
        for id_, place in ((two, 2), (three, 3)):
            assert (await progress(platform, place, id_))["held"] == 0
        if mends:
            assert found["held"] > 100
            assert code in found["held_for"]
            left = found["held"]
            assert await reserved(platform, 1) >= left * 50_000
            await platform.sql(mends)
            await platform.sql("SELECT pg_notify('catalogue', '')")
            await platform.until(
                reached(platform, 1, one, delivered(600)),
                "all of it arrives once the link is whole",
                60.0,
            )
            assert (await progress(platform, 1, one))["held"] == 0
        else:
            await platform.until(
                reached(platform, 1, one, lambda now: now["states"].get("stopped", 0) > 100),
                "what is left is stopped",
            )
            assert found["held"] == 0
            await platform.until(lambda: is_settled(platform, 1), "its money is released")
        for id_, place, count in ((two, 2, 450), (three, 3, 90)):
            await platform.until(
                reached(platform, place, id_, delivered(count)), "the others arrive", 60.0
            )
    assert await audit(migrated_url, platform.records()) == []


def delivered(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda now: now["states"].get("delivered") == count


async def reserved(platform: Platform, place: int) -> int:
    """Return what is reserved of an account's money."""
    return int(
        await platform.value(
            "SELECT coalesce(sum(CASE WHEN credit = 3 THEN amount WHEN debit = 3 THEN -amount END),"
            " 0) FROM posting WHERE account_id = (SELECT id FROM account WHERE name = $1)",
            f"account{place}",
        )
    )


async def is_settled(platform: Platform, place: int) -> bool:
    return await reserved(platform, place) == 0


# --- days, and deaths -------------------------------------------------------------------------


async def test_a_paper_that_ends_at_midnight_holds_the_rest_until_it_is_renewed(
    migrated_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    eve = now.replace(hour=15, minute=59, second=50, microsecond=0)  # ten seconds before, in China
    platform = Platform(migrated_url, tmp_path, SystemClock((eve - now).total_seconds()))
    await platform.start(PROMPT, rate=30.0)
    try:
        papers = document()
        for paper in papers["entities"][0]["papers"]:
            if paper["kind"] == "business_licence":
                paper["valid_to"] = str(eve.date())
        await platform.file(papers)
        await platform.start_node()
        one = await campaign(platform, numbers(1200), 1, 1)
        two = await campaign(platform, numbers(300, 10_000), 2, 2)
        midnight = eve.timestamp() + 10
        await platform.until(
            lambda: platform.clock.now() > midnight + 2.5, "it is the next day", 30.0
        )
        left_at = [record["t"] / 1e9 for record in platform.submits("106900013")]
        assert midnight - 2 < max(left_at) < midnight + 1.0
        found = await progress(platform, 1, one)
        assert found["held"] > 300
        assert set(found["held_for"]) == {"account_not_verified", "sender_not_qualified"}
        assert (await progress(platform, 2, two))["held"] == 0
        papers["entities"][0]["papers"][0]["valid_to"] = "2099-12-31"
        await platform.file(papers)
        await platform.until(
            reached(platform, 1, one, delivered(1200)), "the renewed paper frees the rest", 60.0
        )
        await platform.until(reached(platform, 2, two, delivered(300)), "the others arrive", 60.0)
        await platform.node.stop()
    finally:
        await platform.stop()
    assert await audit(migrated_url, platform.records()) == []


async def test_what_is_held_is_worked_out_again_after_a_restart(
    migrated_url: str, tmp_path: Path
) -> None:
    """What the queue says of it is never trusted: neither that a batch waits nor that it may go."""
    async with running(migrated_url, tmp_path, document=document(), rate=60.0) as platform:
        one = await campaign(platform, numbers(450), 1, 1)
        two = await campaign(platform, numbers(450, 10_000), 2, 2)
        await platform.until(lambda: len(platform.submits()) > 30, "they are under way")
        await platform.sql("UPDATE port SET status = 'paused' WHERE number = '106900013'")
        await platform.sql("SELECT pg_notify('catalogue', '')")
        await platform.until(
            reached(platform, 1, one, lambda now: now["held"] > 100), "the rest waits"
        )
        await platform.node.stop()
        sent = len(platform.submits("106900013"))
        await platform.sql(
            "UPDATE queue SET broken = CASE WHEN campaign_id = $1 THEN '{}'::text[]"
            " ELSE '{class_stopped}' END",
            one,
        )
        await platform.start_node()
        await platform.until(reached(platform, 2, two, delivered(450)), "the other arrives", 60.0)
        assert len(platform.submits("106900013")) == sent
        assert (await progress(platform, 1, one))["held_for"].keys() == {"port_inactive"}
        await platform.sql("UPDATE port SET status = 'active' WHERE number = '106900013'")
        await platform.sql("SELECT pg_notify('catalogue', '')")
        await platform.until(reached(platform, 1, one, delivered(450)), "all of it arrives", 60.0)
    assert await audit(migrated_url, platform.records()) == []


async def test_what_is_held_too_long_expires_and_its_money_is_free(chained: Platform) -> None:
    await changed(chained, "UPDATE port SET status = 'paused' WHERE number = '106900023'")
    later = datetime.fromtimestamp(chained.clock.now() + 4, UTC)
    await changed(chained, "UPDATE port SET status = 'active' WHERE number = '106900023'")
    begin = datetime.fromtimestamp(chained.clock.now() + 2, UTC)
    id_ = await campaign(chained, numbers(60), 3, 2, not_before=begin, expires_at=later)
    await chained.until(reached(chained, 3, id_, lambda now: now["allowed"] == 60), "it is judged")
    await changed(chained, "UPDATE authorisation SET valid_to = '2021-01-01'")
    await chained.until(
        reached(chained, 3, id_, lambda now: now["held_for"] == {"not_authorised": 60}), "it waits"
    )
    await chained.until(
        reached(chained, 3, id_, lambda now: now["states"] == {"expired": 60}), "it expires"
    )
    await chained.until(lambda: is_settled(chained, 3), "its money is released")
    assert not chained.submits()
