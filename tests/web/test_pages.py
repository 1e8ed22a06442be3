"""Pages over HTTP and with commands: for reviewers, and a look behind a link without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.client import AsyncClient
from assent.errors import InvalidInput, NotAllowed, NotFound
from tests.web.whole import whole

PAGE = (
    "INSERT INTO page (url, digest, host, state, outcome, findings, first_at, next_at)"
    " VALUES ('http://shop.example.cn/a', sha256('a'), 'shop.example.cn', $1, 'failed',"
    """ '[{"code": "page_unreachable", "severity": "note", "en": "e", "zh": "z"}]', now(), NULL)"""
    " RETURNING id"
)


async def test_reviewers_see_pages_and_have_them_looked_at(
    migrated_url: str, tmp_path: Path
) -> None:
    async with whole(migrated_url, tmp_path) as site:
        page = await site.platform.value(PAGE, "stopped")
        reviewer = await site.key("operator", frozenset({"review"}))
        async with AsyncClient(site.url, reviewer) as client:
            listed = await client.pages()
            assert listed["fetching"] is False  # so that nobody takes silence for consent
            assert [one["state"] for one in listed["items"]] == ["stopped"]
            assert listed["items"][0]["findings"][0]["code"] == "page_unreachable"
            assert (await client.pages("clear"))["items"] == []
            with pytest.raises(InvalidInput, match="no such state"):
                await client.pages("odd")
            with pytest.raises(NotFound):
                await client.page(page + 1)
            assert (await client.page(page))["uses"] == []
            assert (await client.fetch_page(page))["state"] == "held"
            (item,) = (await client.review_items("page"))["items"]
            assert item["about"] == str(page)

        async def looked() -> bool:
            sql = "SELECT outcome, why FROM page WHERE id = $1"
            return tuple((await site.platform.sql(sql, page))[0]) == ("unknown", "fetching_off")

        await site.platform.until(looked, "it is unknown, and shown so")
        acts = await site.platform.sql(
            "SELECT what, subject FROM staff_act WHERE what = 'page.fetch'"
        )
        assert [tuple(act) for act in acts] == [("page.fetch", f"page/{page}")]
        async with AsyncClient(site.url, await site.key("account1")) as client:
            for call in (client.pages(), client.page(page), client.fetch_page(page)):
                with pytest.raises(NotAllowed):
                    await call
        auditor = await site.key("operator", frozenset({"audit"}))
        async with AsyncClient(site.url, auditor) as client:
            assert (await client.page(page))["id"] == page
            with pytest.raises(NotAllowed):
                await client.fetch_page(page)


def test_anybody_may_look_behind_a_link_and_nobody_gets_inside() -> None:
    run = CliRunner().invoke(app, ["links", "fetch", "http://2130706433/x", "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert {one["profile"] for one in told["looks"]} == {"phone", "desktop", "plain"}
    assert {one["why"] for one in told["looks"]} == {"inside_loopback"}
    assert [one["code"] for one in told["findings"]] == ["page_refused"]
    run = CliRunner().invoke(app, ["links", "fetch", "http://x/", "--profile", "phone"])
    assert "phone: refused no_domain" in run.stdout
    run = CliRunner().invoke(app, ["links", "fetch", "http://x/", "--profile", "odd"])
    assert run.exit_code == 3
