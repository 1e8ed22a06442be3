"""Pages behind links on a whole platform: sites that change, campaigns that rest, reviewers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.app.node import Node
from assent.app.settings import DispatchFile
from assent.clock import SystemClock
from assent.errors import Conflict
from assent.flow.needs import utc
from assent.flow.requests import Caller, CampaignRequest, ReviewDecision
from tests.fetch.sites import Site, World, page
from tests.flow.conftest import PROMPT, Platform, noon_offset, numbers, register

SHOP = "<title>安信商城</title><h1>夏装上新</h1>" + "".join(
    f"<p>第{n}款：{words}，透气舒适，门店与线上同价，七天无理由退换。</p>"
    for n, words in enumerate(
        ("纯棉连衣裙", "亚麻衬衫", "真丝半身裙", "防晒外套", "凉鞋", "草编手袋")
    )
)
BANK = (
    "<title>中国工商银行 - 登录</title><h1>网上银行</h1><form action='https://card.example.net/p'>"
    "<label>银行卡号<input name=card></label><label>取款密码<input type=password></label></form>"
)
LINK = "http://shop.example.cn/sale"
TEXT = f"夏装上新，全场八折，{LINK} 客服电话400-820-1234。拒收请回复R"


class Visited:
    """A platform whose fetcher sees the world of a test."""

    def __init__(self, platform: Platform, world: World, shop: Site) -> None:
        self.platform, self.world, self.shop = platform, world, shop

    @property
    def node(self) -> Node:
        return self.platform.node

    async def look(self) -> None:
        """Look at every page once, now."""
        desk, platform = self.node.page_desk, self.platform
        await desk.watch.settle()
        since = platform.clock.now()
        await asyncio.sleep(0.05)  # what is being claimed now was begun before
        await desk.watch.settle()
        await platform.sql(
            "UPDATE page SET next_at = now() - interval '1 year' WHERE next_at IS NOT NULL"
        )

        async def all_are() -> bool:
            desk.wake()
            late = "SELECT count(*) FROM page WHERE next_at IS NOT NULL AND looked_at IS NULL"
            old = " OR looked_at <= to_timestamp($1)"
            return await platform.value(late + old, since) == 0 and not desk.watch.under_way

        await platform.until(all_are, "all are looked at")

    async def row(self, link: str = LINK) -> Any:
        return (await self.platform.sql("SELECT * FROM page WHERE url = $1", link))[0]

    async def campaign(
        self, text: str = TEXT, people: int = 30, later: float = 0.0, **columns: list[str]
    ) -> int:
        platform = self.platform
        caller, campaigns = platform.caller(), platform.node.campaigns
        audience = await campaigns.create_audience(caller, "list", "own customers")
        who = numbers(people)
        rows = np.arange(1, people + 1, dtype=np.uint32)
        msisdns = np.array([int(f"86{one}") for one in who], np.uint64)
        await campaigns.add_chunk(audience, 0, rows, msisdns, np.zeros(people, np.uint8), columns)
        await campaigns.finish_audience(audience, list(columns))
        request = CampaignRequest(
            name="summer",
            audience=str(audience),
            sender="CODE1",
            purpose="marketing",
            text=text,
            not_before=utc(platform.clock.now() + later) if later else None,
        )
        return int(json.loads(await campaigns.create(caller, request, key=None, sha=b""))["id"])

    async def state(self, campaign: int) -> str:
        return str(await self.platform.value("SELECT state FROM campaign WHERE id = $1", campaign))

    def reviewer(self) -> Caller:
        operator = self.node.catalogue.operator
        assert operator is not None
        return Caller(operator.id, frozenset({"review", "audit"}), False, 1)

    async def item(self) -> dict[str, Any]:
        desk = self.node.front.desk
        (item,) = (await desk.queue(self.reviewer(), "page"))["items"]
        return dict(await desk.show(self.reviewer(), int(item["id"])))

    async def decide(self, verdict: str, code: str) -> dict[str, Any]:
        item = await self.item()
        decision = ReviewDecision(verdict=verdict, code=code)  # type: ignore[arg-type]  # a word
        return dict(await self.node.front.desk.decide(self.reviewer(), int(item["id"]), decision))


@pytest.fixture
async def visited(migrated_url: str, tmp_path: Path) -> AsyncIterator[Visited]:
    """A platform with one slow carrier, and a shop."""
    world = World()
    shop = await world.put("shop.example.cn", Site(sale=page(SHOP)))
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    platform.fetch_command = world.command()
    await platform.start(PROMPT, rate=30.0)
    platform.settings.pages.fetching = True
    platform.settings.dispatch = DispatchFile(window=20, low_water=20, leased=400)
    try:
        await platform.file(register())
        await platform.start_node()
        await platform.consent(numbers(30))
        yield Visited(platform, world, shop)
        await platform.node.stop()
    finally:
        await platform.stop()
    await world.stop()


async def test_a_page_that_changes_rests_its_campaign_and_a_reviewer_frees_it(
    visited: Visited,
) -> None:
    platform = visited.platform
    await platform.consent(numbers(600)[30:])
    campaign = await visited.campaign(people=600)
    await platform.until(lambda: len(platform.submits("106900011")) > 5, "it is under way")
    await visited.look()
    row = await visited.row()
    assert (row["state"], row["outcome"]) == ("clear", "seen")
    await visited.look()  # the same page again
    assert await visited.state(campaign) in ("running", "done")
    assert (await visited.row())["state"] == "clear"

    visited.shop.pages["/sale"] = page(BANK)
    await visited.look()
    assert (await visited.row())["state"] == "held"
    assert await visited.state(campaign) == "paused"
    await platform.until(
        lambda: campaign in visited.node.dispatcher.leases.halted, "dispatch knows"
    )
    sent = await quiet(visited)
    assert sent < 600

    item = await visited.item()
    assert {one["code"] for one in item["reasons"]} >= {"page_changed", "page_asks_card"}
    phone = next(one for one in item["subject"]["versions"] if one["profile"] == "phone")
    assert phone["kind"] == "changed"
    assert phone["asks"]["come"] == ["card", "password"]
    assert any(line.startswith("-") and "纯棉连衣裙" in line for line in phone["text"])
    assert any(line.startswith("+") and "网上银行" in line for line in phone["text"])
    assert "card.example.net" in phone["hosts"]["come"]

    # Who ordered it does not free it.
    with pytest.raises(Conflict) as caught:
        await visited.node.campaigns.set_state(platform.caller(), campaign, "running")
    assert caught.value.code == "page_held"

    # It is what it was again: still a person decides.
    visited.shop.pages["/sale"] = page(SHOP)
    await visited.look()
    assert await visited.state(campaign) == "paused"
    decided = await visited.decide("approve", "in_order")
    assert decided["state"] == "approved"
    assert await visited.state(campaign) in ("running", "done")
    await platform.until(lambda: len(platform.submits("106900011")) > sent + 20, "it goes on")
    acts = await platform.sql("SELECT after FROM staff_act WHERE what = 'review.approve'")
    assert json.loads(acts[0]["after"])["campaigns"] == [str(campaign)]


async def quiet(visited: Visited) -> int:
    """Return how many messages have left, once no more do."""
    before = -1
    while before != (now := len(visited.platform.submits("106900011"))):
        before = now
        await asyncio.sleep(0.7)
    return before


async def test_what_begins_while_a_page_is_held_rests_from_its_first_message(
    visited: Visited,
) -> None:
    visited.shop.pages["/sale"] = page(BANK)  # never fit to be seen
    first = await visited.campaign()
    await visited.look()
    item = await visited.item()
    codes = {one["code"] for one in item["reasons"]}
    assert {"page_brand_steals", "page_asks_card", "page_posts_elsewhere"} <= codes
    assert await visited.state(first) in ("paused", "done")
    second = await visited.campaign()
    assert await visited.state(second) == "paused"
    assert await visited.node.campaigns.step() is False
    stored = "SELECT count(*) FROM submission WHERE campaign_id = $1"
    assert await visited.platform.value(stored, second) == 0
    await visited.decide("refuse", "not_allowed_words")
    assert (await visited.row())["state"] == "stopped"
    assert await visited.state(second) == "stopped"
    third = await visited.campaign()  # nothing begins there any more
    assert await visited.state(third) == "paused"
    shown = await visited.node.page_desk.shown.fetch(
        visited.reviewer(), (await visited.row())["id"]
    )
    assert shown["state"] == "held"  # until a reviewer has it come up again
    await visited.decide("approve", "in_order")
    assert await visited.state(third) in ("running", "done")


async def test_a_page_that_seems_gone_is_looked_at_twice_and_failures_change_nothing(
    visited: Visited,
) -> None:
    campaign = await visited.campaign(later=3_600.0)
    await visited.look()
    visited.shop.pages["/sale"] = page("busy", "503 Busy")
    for failures in (1, 2, 3):
        await visited.look()
        row = await visited.row()
        assert (row["state"], row["outcome"], row["failures"]) == ("clear", "failed", failures)
        waits = (row["next_at"] - row["looked_at"]).total_seconds()
        assert waits == pytest.approx(300.0 * 2 ** (failures - 1), rel=0.01)
    assert await visited.state(campaign) != "paused"
    item = await visited.item()  # told after three
    assert [one["code"] for one in item["reasons"]] == ["page_unreachable"]
    visited.shop.pages["/sale"] = page("no", "404 Not Found")
    await visited.look()
    assert (await visited.row())["state"] == "clear"
    await visited.look()
    assert (await visited.row())["state"] == "held"
    visited.shop.pages["/sale"] = page(SHOP)
    await visited.look()
    assert (await visited.row())["failures"] == 0


async def test_a_page_that_tells_visitors_apart_is_held(visited: Visited) -> None:
    async def cloaked(path: str, headers: dict[str, str], writer: object) -> bytes:
        return page(BANK if "Mobile" in headers["user-agent"] else SHOP)

    visited.shop.pages["/sale"] = cloaked
    await visited.campaign()
    await visited.look()
    codes = {one["code"] for one in (await visited.item())["reasons"]}
    assert {"page_cloaked", "page_asks_password"} <= codes


async def test_one_look_serves_all_who_lead_there_and_links_in_variables_are_sampled(
    visited: Visited,
) -> None:
    campaigns = [await visited.campaign() for _ in range(3)]
    await visited.look()
    users = await visited.platform.sql("SELECT campaign_id FROM page_use ORDER BY campaign_id")
    assert [one["campaign_id"] for one in users] == campaigns
    asked = len(visited.shop.asked)
    await visited.look()
    assert len(visited.shop.asked) == asked + 3  # one of each kind of visitor
    assert len({headers["user-agent"] for _, headers in visited.shop.asked[asked:]}) == 3
    links = [f"http://shop.example.cn/to/{place % 5}" for place in range(30)]
    visited.shop.pages["/*"] = page(SHOP)
    await visited.campaign("夏装上新，详情 {link} 客服电话400-820-1234。拒收请回复R", link=links)
    await visited.platform.until(
        lambda: visited.platform.value("SELECT count(*) > 2 FROM page"), "they are known"
    )
    urls = {row["url"] for row in await visited.platform.sql("SELECT url FROM page")}
    assert urls <= {LINK, *links}
    assert len(urls) == 4


async def test_links_of_templates_are_looked_at_when_handed_in(visited: Visited) -> None:
    await visited.platform.sql(
        "INSERT INTO template (sender_id, name, purpose, body, basis, status, created_at)"
        " SELECT id, 'go', 2, '您的订单{order}已发货 http://shop.example.cn/sale', 'order',"
        " 'submitted',"
        " now() FROM sender WHERE credit_code = 'CODE1'"
    )
    visited.node.page_desk.wake()

    async def seen() -> bool:
        rows = await visited.platform.sql("SELECT state FROM page")
        return [row["state"] for row in rows] == ["clear"]

    await visited.platform.until(seen, "it is looked at")
    shown = await visited.node.page_desk.shown.list(visited.reviewer())
    assert (shown["items"][0]["templates"], shown["items"][0]["campaigns"]) == (1, 0)
    row = await visited.row()
    assert (row["next_at"] - row["looked_at"]).total_seconds() == pytest.approx(86_400, rel=0.01)
