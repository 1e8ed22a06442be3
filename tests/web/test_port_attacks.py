"""Attacks on ports, signatures, templates and hosts by another account of the same sender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.office import Office, office


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(migrated_url, tmp_path) as one:
        yield one


async def test_an_agent_does_not_end_what_others_made_for_the_sender(desk: Office) -> None:
    await desk.number()
    signature = await desk.signature()
    number = await desk.port()
    template = await desk.template("您的订单{x:code}已发货")
    host = await desk.post("account1", "/v1/hosts", {"host": "a.example.cn", "sender": "CODE1"})
    platform, agent = desk.platform, desk.account("account2")
    sender = (await platform.sql("SELECT id FROM sender WHERE credit_code = 'CODE1'"))[0]["id"]
    await platform.sql(f"INSERT INTO account_sender VALUES ({agent}, {sender})")
    await platform.node.catalogue.load(platform.node.store)
    for path in (
        f"/v1/ports/{number}/pause", f"/v1/ports/{number}/revoke",
        f"/v1/signatures/{signature['id']}/withdraw", f"/v1/templates/{template['id']}/withdraw",
        f"/v1/hosts/{host['id']}/withdraw",
    ):  # fmt: skip
        answer = await desk.call("account2", "POST", path, {"reason": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "made_by_another"), path
    # The sender itself ends what any account made for it.
    await platform.sql(
        f"UPDATE account SET entity_id = (SELECT entity_id FROM sender WHERE id = {sender})"
        f" WHERE id = {agent}"
    )
    own = await platform.sql(f"SELECT entity_id FROM sender WHERE id = {sender}")
    who = "account2" if own[0]["entity_id"] is not None else "account1"
    await desk.post(who, f"/v1/ports/{number}/pause", {"reason": "x"})
    await desk.post(who, f"/v1/hosts/{host['id']}/withdraw", {"reason": "x"})


async def test_staff_take_no_step_with_a_port_of_a_customer_of_their_own(desk: Office) -> None:
    await desk.number()
    await desk.signature()
    number = await desk.port()
    platform = desk.platform
    await platform.sql(
        "WITH one AS (INSERT INTO actor (email, name, created_at, totp_on_at)"
        " VALUES ('han@example.com', 'Han', '2026-01-01Z', '2026-01-01Z') RETURNING id),"
        " role AS (INSERT INTO actor_role (account_id, actor_id, role, created_at)"
        f" SELECT {desk.account('account1')}, id, 'read_only', '2026-01-01Z'::timestamptz FROM one"
        f" UNION SELECT {desk.account('operator')}, id, 'administrator', '2026-01-01Z' FROM one)"
        f" UPDATE api_key SET actor_id = one.id FROM one"
        f" WHERE account_id = {desk.account('operator')}"
    )
    await platform.node.catalogue.load(platform.node.store)
    at = f"/v1/ports/{number}/pause"
    assert (await desk.refused("operator", at, {"reason": "x"}))[1] == "own_account"
    await platform.sql("DELETE FROM actor_role WHERE role = 'read_only'")
    await desk.post("operator", at, {"reason": "x"})
