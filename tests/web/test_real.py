"""The API over a real node: PostgreSQL, flow and carriers on sockets; nothing stands in."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from assent.app.http import serve
from assent.client import AsyncClient
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.keys import SCOPES, make_key
from tests.flow.conftest import MARKETING_TEXT, Platform, numbers, running


@dataclass
class Api:
    """A platform with its API."""

    platform: Platform
    url: str

    async def key(self, account: int = 1, *, sandbox: bool = False) -> str:
        node = self.platform.node
        return await make_key(
            node.store, self.platform.caller(account).account_id, sorted(SCOPES),
            sandbox=sandbox, random=secrets.token_bytes(24), at=node.clock.now(),
        )  # fmt: skip


@pytest.fixture
async def api(migrated_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running(migrated_url, tmp_path) as platform:
        http = msgspec.structs.replace(platform.settings.http, port=0)
        platform.node.settings = msgspec.structs.replace(platform.settings, http=http)
        server = await serve(platform.node)
        yield Api(platform, f"http://127.0.0.1:{server.port}")
        await server.stop()


async def test_the_road_of_a_customer(api: Api) -> None:  # long: one story
    people = numbers(30)
    now = datetime.fromtimestamp(api.platform.clock.now(), UTC)
    async with AsyncClient(api.url, await api.key()) as client:
        assert (await client.health())["ready"] is True
        done = await client.import_consents(
            [{"to": to, "at": now - timedelta(days=9)} for to in people],
            sender="CODE1", programme="offers", grade="document", wording="v1", source="shop",
        )  # fmt: skip
        assert done["accepted"] == 30
        await client.refuse(people[:3], sender="CODE1", source="counter")
        await api.platform.node.live.sync(api.platform.node.store)

        content = "手机号,名字\n" + "".join(f"{to},张\n" for to in [*people, "abc", people[5]])
        audience = await client.upload_audience(
            content.encode("gb18030"), statement="members since 2025", relation="members",
            columns={"name": "名字"},
        )  # fmt: skip
        assert (audience["rows"], audience["wrong"]) == (32, 1)
        assert (await client.audience(audience["id"]))["relation"] == "members"
        page = await client.audience_faults(audience["id"])
        assert page["items"] == audience["wrong_rows"]
        assert page["items"][0]["row"] == 31
        order = {
            "name": "spring", "audience": audience["id"], "sender": "CODE1",
            "purpose": "marketing", "text": "{name}，" + MARKETING_TEXT,
        }  # fmt: skip
        dry = await client.dry_run_campaign(**order)
        assert (dry["allowed"], dry["reasons"]) == (27, {"no_standing": 3, "duplicate": 1})
        campaign = await client.create_campaign(**order, key="once")
        assert await client.create_campaign(**order, key="once") == campaign
        with pytest.raises(Conflict):
            await client.create_campaign(**{**order, "name": "other"}, key="once")
        await api.platform.node.campaigns.step()

        code = await client.send(
            sender="CODE1", purpose="verification", template="code",
            messages=[{"to": people[0], "variables": {"code": "4711"}}],
        )  # fmt: skip
        assert code["allowed"] == 1
        number = code["messages"][0]["id"]

        async def delivered() -> bool:
            return (await client.message(number))["state"] == "delivered"

        await api.platform.until(delivered, "the code is delivered")
        assert (await client.order(code["id"]))["states"] == {"delivered": 1}
        assert (await client.campaign(campaign["id"]))["allowed"] == 27
        assert (await client.balance())["available_micro"] < 10**12
        assert (await client.receipts())["items"]
    async with AsyncClient(api.url, await api.key(2)) as stranger:
        with pytest.raises(NotFound):
            await stranger.message(number)
        with pytest.raises(NotFound):
            await stranger.order(code["id"])
        with pytest.raises(NotFound):
            await stranger.audience(audience["id"])
        with pytest.raises(NotFound):
            await stranger.campaign(campaign["id"])


async def test_errors_and_keys(api: Api) -> None:
    async with AsyncClient(api.url, "ak_" + "0" * 48) as client:
        with pytest.raises(NotAllowed) as caught:
            await client.balance()
        assert (caught.value.code, caught.value.status) == ("bad_key", 401)
    async with AsyncClient(api.url, await api.key()) as client:
        with pytest.raises(InvalidInput):
            await client.send(
                sender="NOBODY", purpose="marketing", text="x", messages=[{"to": "13900000000"}]
            )
        with pytest.raises(InvalidInput) as wrong:
            await client.upload_audience("手机号,a\n13900000000\n".encode(), statement="shop")
        assert (wrong.value.code, wrong.value.details) == ("ragged_row", {"row": 1})
        assert await api.platform.value("SELECT count(*) FROM audience") == 0
        assert await api.platform.value("SELECT count(*) FROM person") == 0
        with pytest.raises(InvalidInput) as wrong:
            await client.upload_audience("手机号\n12\n".encode(), statement="shop")
        assert wrong.value.code == "no_valid_number"
        failed = (wrong.value.details or {})["audience"]
        assert (await client.audience(failed))["state"] == "failed"
        assert await api.platform.value("SELECT count(*) FROM audience_chunk") == 0


async def test_sandbox_key_touches_nothing_real(api: Api) -> None:
    async with AsyncClient(api.url, await api.key(sandbox=True)) as client:
        answer = await client.send(
            sender="CODE1", purpose="marketing", text="你好", messages=[{"to": "13900000000"}]
        )
        assert answer["allowed"] == 1
        await client.upload_audience(b"phone\n13900000000\n", statement="shop")
    for table in ("submission", "batch", "audience", "person"):
        assert await api.platform.value(f"select count(*) from {table}") == 0
    assert not api.platform.submits()
