"""Ports that a link's dialect cannot write: refused when they are filed; where one came in all the
same, only its own messages fail, and its lane goes on."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.app.ports import PortRoom
from assent.app.settings import Settings
from assent.errors import InvalidInput
from assent.flow.setup import Register, file_register
from assent.store import Store
from tests.flow.conftest import MARKETING_TEXT, PROMPT, numbers, register
from tests.flow.test_dialects import dialects, states

TOO_LONG = {"cmpp": "S" * 11, "sgip": "S" * 11, "smgp": "S" * 11, "smpp": "S" * 21}
FITS = {"cmpp": "S" * 10, "sgip": "S" * 10, "smgp": "S" * 10, "smpp": "S" * 5}


def settings_with(dialect: str) -> Settings:
    link: dict[str, Any] = {"host": "h", "port": 1, "user": "900001", "dialect": dialect}
    if dialect == "sgip":
        link["node"] = 3010012345
    carrier = {"name": "mobile", "networks": ["mobile"], "links": [link]}
    return msgspec.convert({"carriers": [carrier]}, Settings)


def register_with(code: str) -> Register:
    document = register(1)
    document["senders"][0]["ports"][0]["service_code"] = code
    return msgspec.convert(document, Register)


@pytest.mark.parametrize("dialect", list(TOO_LONG))
async def test_a_port_that_cannot_be_written_is_not_filed(fresh_store: Store, dialect: str) -> None:
    check = PortRoom(settings_with(dialect)).fault
    for code in (TOO_LONG[dialect], "服务"):
        with pytest.raises(InvalidInput) as caught:
            await file_register(fresh_store, register_with(code), 0.0, secrets.token_bytes, check)
        assert caught.value.code == "port_unwritable"
        assert caught.value.field == "senders.CODE1.ports.106900011.service_code"
        assert caught.value.mend
        assert not await fresh_store.fetch("ports_all")
    fitting = register_with(FITS[dialect])
    await file_register(fresh_store, fitting, 0.0, secrets.token_bytes, check)
    filed = {row["service_code"] for row in await fresh_store.fetch("ports_all")}
    assert filed == {"", FITS[dialect]}
    await file_register(fresh_store, register_with("X"), 0.0, secrets.token_bytes, check)
    filed = {row["service_code"] for row in await fresh_store.fetch("ports_all")}
    assert filed == {"", "X"}  # what was filed wrong can be mended


async def test_only_the_messages_of_such_a_port_fail(migrated_url: str, tmp_path: Path) -> None:
    async with dialects(migrated_url, tmp_path, PROMPT) as platform:
        await platform.sql("UPDATE port SET service_code = $1 WHERE number = '106900011'", "S" * 25)
        await platform.sql("SELECT pg_notify('catalogue', '')")
        await platform.until(
            lambda: len(platform.node.fleet.port_faults) == 3, "the operator is told"
        )
        people = numbers(60)
        await platform.consent(people)
        await platform.consent(people, place=2)
        others = numbers(3, 1000)
        await platform.consent(others)
        wrong = await platform.send(people)
        right = await platform.send(people, place=2)
        long = await platform.send(others, text="夏装上新" * 20 + MARKETING_TEXT)

        async def arrived() -> bool:
            status = platform.node.status
            found = await status.submission(platform.caller(2), int(right["id"]))
            return bool(found["states"] == {"delivered": 60})

        await platform.until(arrived, "the lane goes on")
        await platform.until(states(platform, wrong, {"refused": 60}), "those are refused")
        await platform.until(states(platform, long, {"refused": 3}), "long ones, too")
        assert platform.node.traffic.unwritable >= 60
        assert not platform.node.traffic.windows
        assert not platform.submits("106900011")
        posted = await platform.sql(
            "SELECT kind, sum(segments) AS n FROM posting WHERE batch_id > 0 GROUP BY kind"
        )
        sums = {row["kind"]: row["n"] for row in posted}
        assert sums["release"] >= 60 + 3
        told = platform.node.report()["ports_unwritable"][0]
        assert told["port"] == "106900011"
