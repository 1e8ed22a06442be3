"""Promise 7, with standing: what a withdrawal stopped is not told before the daily batch, in no
answer, count, sum or feed; until then it looks like what waits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from assent.flow.purses import Purses
from assent.flow.requests import CampaignRequest
from assent.flow.statements import statement
from assent.numbers import parse
from tests.flow.conftest import MARKETING_TEXT, PROMPT, Platform, number, running
from tests.flow.test_promises import at, move, refuse


class Sight:
    """Everything that a customer may look at."""

    def __init__(self, platform: Platform, order: int, messages: list[int], campaign: int = 0):
        self.platform = platform
        self.order = order
        self.messages = messages
        self.campaign = campaign

    async def look(self) -> dict[str, Any]:
        """Return it, settled as far as there is anything to settle."""
        node, caller = self.platform.node, self.platform.caller()
        await node.settler.step()
        await node.settler.fold_balances()
        status = node.status
        month = f"{at(self.platform, 8 * 3600):%Y-%m}"
        purses = Purses(node.store, node.clock)
        bill = await statement(node.store, node.clock, caller.account_id, month)
        found: dict[str, Any] = {
            "messages": [await status.message(caller, id_) for id_ in self.messages],
            "order": await status.submission(caller, self.order) if self.order else None,
            "receipts": await status.feed(caller, "receipts", 0, 1000),
            "replies": await status.feed(caller, "replies", 0, 1000),
            "balance": await status.balance(caller),
            "money": await purses.show(caller),
            "statement": bill.told(),
        }
        if self.campaign:
            found["campaign"] = await node.campaigns.progress(caller, self.campaign)
        return found


async def cancelled(platform: Platform, count: int) -> None:
    async def there() -> bool:
        await platform.node.settler.step()
        return bool(await platform.value("SELECT count(*) FROM untold") == count)

    await platform.until(there, f"{count} are stopped, and not told")


async def test_an_order_looks_as_before_until_the_daily_batch(platform: Platform) -> None:
    """One of two who wait for their hour refuses by reply, the other through her sender."""
    replied, told = number("mobile", 1), number("mobile", 2)
    await platform.consent([replied, told])
    answer = await platform.send([replied, told], not_before=at(platform, 60.0))
    ids = [int(line["id"]) for line in answer["messages"]]
    sight = Sight(platform, int(answer["id"]), ids)
    before = await sight.look()
    platform.simulators["mobile"].send_mo(replied, "106900011", "TD")
    await refuse(platform, [told])
    await platform.until(lambda: platform.node.confirmer.sent == 2, "both are confirmed")
    assert await sight.look() == before
    move(platform, 61.0)
    await cancelled(platform, 2)
    assert await sight.look() == before
    move(platform, 86_400.0)
    await platform.node.settler.daily(platform.clock.now())
    after = await sight.look()
    assert after["order"]["states"] == {"not_sent": 2}
    assert {line["state"] for line in after["messages"]} == {"not_sent"}
    assert [line["attempts"] for line in after["messages"]] == [[], []]
    assert after["balance"]["available_micro"] == before["balance"]["available_micro"] + 100_000
    assert [item["state"] for item in after["receipts"]["items"]] == ["not_sent", "not_sent"]
    assert after["replies"]["items"] == []
    assert "refus" not in json.dumps(after, default=str)


async def campaign(platform: Platform, people: list[str], **more: Any) -> int:
    """Order a campaign over people; return its id once all are judged."""
    campaigns, caller = platform.node.campaigns, platform.caller()
    audience = await campaigns.create_audience(caller, "shop", "customers of the shop")
    parsed = parse(people)
    rows = np.arange(len(people), dtype=np.uint32)
    await campaigns.add_chunk(audience, 0, rows, parsed.msisdn, parsed.fault, None)
    await campaigns.finish_audience(audience, [])
    request = CampaignRequest(
        name="summer", audience=str(audience), sender="CODE1", purpose="marketing",
        text=MARKETING_TEXT, **more,
    )  # fmt: skip
    made = json.loads(await campaigns.create(caller, request, key=None, sha=b""))

    async def judged() -> bool:
        progress = await campaigns.progress(caller, int(made["id"]))
        return bool(progress["judged"] == len(people))

    await platform.until(judged, "it is judged")
    return int(made["id"])


async def test_a_campaign_counts_as_before(platform: Platform) -> None:
    people = [number("mobile", place) for place in range(1, 9)]
    await platform.consent(people)
    made = await campaign(platform, people, not_before=at(platform, 60.0))
    sight = Sight(platform, 0, [], made)
    before = await sight.look()
    assert before["campaign"]["states"] == {"queued": 8}
    await refuse(platform, people[:3])
    platform.simulators["mobile"].change({"answers": {"latency": 30.0}})
    move(platform, 61.0)
    await cancelled(platform, 3)
    assert (await sight.look())["campaign"] == before["campaign"]


async def test_what_a_campaign_counts_as_held_tells_no_withdrawal(
    migrated_url: str, tmp_path: Path
) -> None:
    """A link of its chain breaks while it is under way: who was stopped is held, as it seems."""
    async with running(migrated_url, tmp_path, PROMPT, links=1, rate=2.0) as platform:
        platform.settings.dispatch.window = 250
        people = [number("mobile", place) for place in range(1, 31)]
        await platform.consent(people)
        made = await campaign(platform, people)

        async def committed() -> bool:
            return bool(await platform.value("SELECT count(*) FROM attempt_window") > 0)

        await platform.until(committed, "attempts are committed")
        await refuse(platform, people[12:15])
        await cancelled(platform, 3)
        await platform.sql("UPDATE port SET status = 'paused' WHERE number = '106900011'")
        await platform.sql("SELECT pg_notify('catalogue', '')")
        progress: dict[str, Any] = {}

        async def held() -> bool:
            await platform.node.settler.step()
            progress.update(await platform.node.campaigns.progress(platform.caller(), made))
            return bool(progress["held"])

        await platform.until(held, "the rest is held")
        assert progress["held"] == progress["states"]["queued"]
        assert progress["held_for"] == {"port_inactive": progress["held"]}


@pytest.mark.parametrize("door", ["reply", "sender"])
async def test_one_withheld_at_the_last_moment_was_never_seen_to_leave(
    migrated_url: str, tmp_path: Path, door: str
) -> None:
    """Its attempt is committed and was not written yet; an attempt that is shown and then is not
    would tell at once."""
    async with running(migrated_url, tmp_path, PROMPT, links=1, rate=2.0) as platform:
        people = [number("mobile", place) for place in range(1, 31)]
        await platform.consent(people)
        answer = await platform.send(people)
        lines = {person: int(line["id"]) for person, line in zip(people, answer["messages"],
                                                                strict=True)}  # fmt: skip

        async def committed() -> bool:
            return bool(await platform.value("SELECT count(*) FROM attempt_window") > 0)

        await platform.until(committed, "attempts are committed")
        last = people[-1]
        sight = Sight(platform, 0, [lines[last]])
        before = (await sight.look())["messages"][0]
        assert (before["state"], before["attempts"]) == ("queued", [])
        if door == "reply":
            platform.simulators["mobile"].send_mo(last, "106900011", "TD")
        else:
            await refuse(platform, [last])
        await cancelled(platform, 1)
        assert (await sight.look())["messages"][0] == before


async def test_what_is_left_of_a_statement_is_reserved(platform: Platform) -> None:
    """What a withdrawal gave back counts as reserved, in the statement of the day itself, too."""
    person = number("mobile", 1)
    await platform.consent([person])
    await platform.send([person], not_before=at(platform, 60.0))
    sight = Sight(platform, 0, [])
    before = await sight.look()
    await refuse(platform, [person])
    move(platform, 61.0)
    await cancelled(platform, 1)
    after = await sight.look()
    assert after["statement"]["reserved_micro"] == 50_000
    assert msgspec.json.encode(after) == msgspec.json.encode(before)
