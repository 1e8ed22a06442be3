"""Alarms over HTTP and by command: who sees them, who decides, and what customers may tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.client import AsyncClient
from assent.errors import NotAllowed
from tests.flow.conftest import numbers
from tests.web.test_ports_cli import Terminal
from tests.web.whole import Whole, whole


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


async def alarm_of(site: Whole, key: str) -> str:
    return str(
        await site.platform.value(
            "INSERT INTO alarm (detector, key, severity, account_id, evidence, score, state,"
            " first_at, last_at) VALUES ('volume', $1, 1, $2, '{\"messages\": 4711}', 3, 'open',"
            " now() - interval '2 days', now()) RETURNING id",
            key, site.account("account1"),
        )
    )  # fmt: skip


async def test_reviewers_decide_by_command_and_customers_see_nothing(
    site: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    at = Terminal(site)  # type: ignore[arg-type]  # what it needs of an office
    first, second = await alarm_of(site, "one"), await alarm_of(site, "two")
    listed = await at.run("operator", "alarm", "list", "--account", "account1")
    assert [one["id"] for one in listed["items"]] == [second, first]
    assert await at.run("operator", "alarm", "list", "--severity", "2") == {
        "items": [], "cursor": None,
    }  # fmt: skip
    shown = await at.run("operator", "alarm", "show", first)
    assert (shown["evidence"], shown["account"]) == ({"messages": 4711}, "account1")
    told = await at.run("operator", "alarm", "dismiss", first, "--reason", "新店开业")
    assert (told["state"], told["label"]) == ("dismissed", "wrong")
    assert [
        one["id"] for one in (await at.run("operator", "alarm", "show", second))["similar"]
    ] == [first]
    await at.run("operator", "alarm", "confirm", second, "--reason", "查实")
    (figures,) = (await at.run("operator", "alarm", "figures", "--days", "9"))["items"]
    assert figures["precision"] == 0.5
    again = await at.run("operator", "alarm", "dismiss", first, "--reason", "x", code=3)
    assert again["error"]["code"] == "alarm_over"
    async with AsyncClient(site.url, await site.key("account1")) as client:
        for call in (
            client.alarms(), client.alarm(first), client.alarm_figures(),
            client.dismiss_alarm(second, reason="x"), client.confirm_alarm(second, reason="x"),
        ):  # fmt: skip
            with pytest.raises(NotAllowed):
                await call


async def test_a_customer_tells_which_codes_were_used(site: Whole) -> None:
    async with AsyncClient(site.url, await site.key("account1")) as client:
        order = await client.send(
            sender="CODE1", purpose="verification", template="code",
            messages=[{"to": numbers(1)[0], "variables": {"code": "4711"}}],
        )  # fmt: skip
        message = order["messages"][0]["id"]
        assert await client.codes_completed([message, 7]) == {"new": 1, "unknown": 1}
        assert await client.codes_completed([message]) == {"new": 0, "unknown": 0}
