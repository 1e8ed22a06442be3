"""Orders that staff place for a customer: on its signed instruction, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assent.client import AsyncClient
from assent.errors import AssentError
from tests.flow.conftest import MARKETING_TEXT, number, numbers
from tests.web.whole import Whole, whole

SIGNED = "本公司委托平台发送下列活动短信。\n签名：李雷 2026-11-20".encode()
PHOTO = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
STAFF = frozenset({"behalf", "read", "audit"})


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


@pytest.fixture
async def staff(site: Whole) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(site.url, await site.key("operator", STAFF)) as one:
        yield one


async def audience(site: Whole, name: str = "account1") -> str:
    """Have a customer hand in an audience of people who agreed."""
    people = numbers(6)
    async with AsyncClient(site.url, await site.key(name)) as client:
        at = datetime.fromtimestamp(site.platform.clock.now(), UTC) - timedelta(days=9)
        code = f"CODE{name[-1]}"
        await client.import_consents(
            [{"to": to, "at": at} for to in people], sender=code, programme="offers",
            grade="document", wording="v1", source="shop",
        )  # fmt: skip
        made = await client.upload_audience(
            ("phone\n" + "\n".join(people)).encode(), statement="shop", relation="members"
        )
    return str(made["id"])


def day(site: Whole, ago: int = 2) -> str:
    return str((datetime.fromtimestamp(site.platform.clock.now(), UTC) - timedelta(ago)).date())


async def signed(site: Whole, staff: AsyncClient, file: bytes = SIGNED, **more: Any) -> Any:
    words = {
        "account": str(site.account("account1")), "words": "autumn offers", "signed_on": day(site)
    }  # fmt: skip
    return await staff.add_instruction(file, **{**words, **more})


def order(site: Whole, audience: str, instruction: str | None, **more: Any) -> dict[str, Any]:
    words = {
        "name": "autumn", "audience": audience, "sender": "CODE1", "purpose": "marketing",
        "text": MARKETING_TEXT, "on_behalf_of": str(site.account("account1")),
        "instruction": instruction,
    }  # fmt: skip
    return {**words, **more}


async def refused(staff: AsyncClient, code: str, body: dict[str, Any]) -> None:
    with pytest.raises(AssentError) as caught:
        await staff.create_campaign(**body)
    assert caught.value.code == code


async def test_staff_order_on_an_instruction_and_everything_shows_it(
    site: Whole, staff: AsyncClient
) -> None:
    people = await audience(site)
    told = await signed(site, staff)
    digest = hashlib.sha256(SIGNED).hexdigest()
    assert (told["sha256"], told["media_type"]) == (digest, "text/plain")
    assert told["campaign"] is None
    dry = await staff.dry_run_campaign(**order(site, people, told["id"]))
    assert dry["allowed"] == 6
    campaign = (await staff.create_campaign(**order(site, people, told["id"])))["id"]
    async with AsyncClient(site.url, await site.key("account1")) as customer:

        async def done() -> bool:
            return (await customer.campaign(campaign))["states"].get("delivered") == 6

        await site.platform.until(done, "the customer's campaign is delivered")
        assert (await customer.campaign(campaign))["instruction"] == told["id"]
        seen = await customer.instruction(told["id"])
        assert (seen["campaign"], seen["words"]) == (campaign, "autumn offers")
        assert (await customer.instruction_file(told["id"]))["octets"] == SIGNED
        charged = await customer.balance()
        assert charged["available_micro"] < 10**12
    # Sealed on the disk, written down in the record, and in evidence and dossier.
    sealed = await site.platform.value(
        "SELECT sealed FROM paper_file WHERE media_type = 'text/plain'"
    )
    assert SIGNED[:20] not in bytes(sealed)
    acts = await site.platform.sql(
        "SELECT what, subject, after FROM staff_act WHERE what LIKE 'instruction.%'"
        " OR what LIKE 'campaign.%' ORDER BY id"
    )
    assert [(row["what"], row["subject"]) for row in acts] == [
        ("instruction.add", f"instruction/{told['id']}"),
        ("campaign.order", f"campaign/{campaign}"),
    ]
    after = json.loads(acts[1]["after"])
    assert (after["sha256"], after["account"]) == (digest, site.account("account1"))
    await evidence_shows(site, told["id"], digest)
    await dossier_shows(site, told["id"], digest)


async def evidence_shows(site: Whole, instruction: str, digest: str) -> None:
    await site.platform.node.ledger.sealer.step()
    now = datetime.fromtimestamp(site.platform.clock.now(), UTC)
    async with AsyncClient(site.url, await site.key("operator", STAFF)) as auditor:
        told = await auditor.evidence(
            number("mobile", 0), "CODE1", now - timedelta(hours=1), now + timedelta(hours=1)
        )
    with zipfile.ZipFile(io.BytesIO(told["octets"])) as archive:
        (message,) = json.loads(archive.read("records/messages.json"))
    assert message["instruction"] == {
        "id": instruction, "sha256": digest, "grade": "provisional",
    }  # fmt: skip


async def dossier_shows(site: Whole, instruction: str, digest: str) -> None:
    async with AsyncClient(site.url, await site.key("operator", STAFF)) as auditor:
        told = await auditor.export_entity("CODE1")
    with zipfile.ZipFile(io.BytesIO(told["octets"])) as archive:
        (one,) = json.loads(archive.read("instructions.json"))
        assert (str(one["id"]), one["file_sha256"]) == (instruction, digest)
        assert archive.read(f"files/{digest}.txt") == SIGNED
        acts = json.loads(archive.read("staff_acts.json"))
    assert "campaign.order" in {act["what"] for act in acts}


async def test_without_the_instruction_nothing_is_ordered(site: Whole, staff: AsyncClient) -> None:
    people = await audience(site)
    before = await site.platform.value("SELECT count(*) FROM staff_act")
    told = await signed(site, staff)
    await refused(staff, "instruction_missing", order(site, people, None))
    await refused(staff, "no_instruction", order(site, people, "999"))
    await refused(staff, "no_instruction", order(site, people, "x" * 30))
    await refused(staff, "no_instruction", order(site, people, "9" * 40))
    other = await signed(site, staff, PHOTO, account=str(site.account("account2")))
    await refused(staff, "no_instruction", order(site, people, other["id"]))
    await refused(staff, "no_account", order(site, people, told["id"], on_behalf_of="999999"))
    operator = str(site.account("operator"))
    await refused(staff, "no_account", order(site, people, told["id"], on_behalf_of=operator))
    assert await site.platform.value("SELECT count(*) FROM campaign") == 0
    assert await site.platform.value("SELECT count(*) FROM staff_act") == before + 2
    # It serves once; another campaign needs another.
    await staff.create_campaign(**order(site, people, told["id"]))
    await refused(staff, "instruction_used", order(site, people, told["id"]))
    assert await site.platform.value("SELECT count(*) FROM campaign") == 1


async def test_two_orders_at_once_on_one_instruction_are_one(
    site: Whole, staff: AsyncClient
) -> None:
    people = await audience(site)
    told = await signed(site, staff)
    answers = await asyncio.gather(
        *(staff.create_campaign(**order(site, people, told["id"])) for _ in range(4)),
        return_exceptions=True,
    )
    codes = [one.code for one in answers if isinstance(one, AssentError)]
    assert codes == ["instruction_used"] * 3
    assert await site.platform.value("SELECT count(*) FROM campaign") == 1


async def test_who_may_not(site: Whole, staff: AsyncClient) -> None:
    people = await audience(site)
    told = await signed(site, staff)
    body = order(site, people, told["id"])
    for name, scopes in (
        ("operator", {"admin", "campaigns"}), ("account1", {"campaigns"}),
        ("account2", {"campaigns"}),
    ):  # fmt: skip
        async with AsyncClient(site.url, await site.key(name, frozenset(scopes))) as one:
            wanted = "missing_scope" if name == "operator" else "not_staff"
            await refused(one, wanted, body)
            with pytest.raises(AssentError) as caught:
                await signed(site, one)
            assert caught.value.code == "missing_scope"
    async with AsyncClient(site.url, await site.key("account2")) as stranger:
        with pytest.raises(AssentError) as caught:
            await stranger.instruction(told["id"])
        assert caught.value.code == "no_instruction"
    # Staff who act for the customer themselves, and the scope without on_behalf_of.
    await site.platform.node.store.execute(
        "roles_put", site.account("account1"), site.people["operator"], ["owner"],
        datetime.fromtimestamp(site.platform.clock.now(), UTC),
    )  # fmt: skip
    await site.platform.node.store.execute(
        "roles_put", site.account("operator"), site.people["operator"], ["order_desk"],
        datetime.fromtimestamp(site.platform.clock.now(), UTC),
    )  # fmt: skip
    async with AsyncClient(site.url, await site.session("operator")) as own:
        await refused(own, "own_account", body)
    await refused(staff, "missing_scope", {**body, "on_behalf_of": None, "instruction": None})
    assert await site.platform.value("SELECT count(*) FROM campaign") == 0


async def test_an_operators_key_sends_in_no_customers_name(site: Whole) -> None:
    """Not even where its account was tied to a customer's sender."""
    await site.platform.sql(
        "INSERT INTO account_sender (account_id, sender_id) SELECT a.id, s.id FROM account a,"
        " sender s WHERE a.kind = 'operator' AND s.credit_code = 'CODE1'"
    )
    await site.platform.node.catalogue.load(site.platform.node.store)
    async with AsyncClient(site.url, await site.key("operator")) as client:
        with pytest.raises(AssentError) as caught:
            await client.send(
                sender="CODE1", purpose="marketing", text=MARKETING_TEXT,
                messages=[{"to": number("mobile", 1)}],
            )  # fmt: skip
    assert caught.value.code == "instruction_missing"


async def test_what_is_no_instruction(site: Whole, staff: AsyncClient) -> None:
    cases: list[tuple[bytes, dict[str, Any], str]] = [
        (b"", {}, "file_missing"),
        (b"\x00\x01\x02", {}, "paper_type"),
        (b"\xff\xfe", {}, "paper_type"),
        (b"   \n", {}, "paper_type"),
        (SIGNED, {"words": " "}, "missing"),
        (SIGNED, {"signed_on": "2020-01-01"}, "instruction_date"),
        (SIGNED, {"signed_on": "2199-01-01"}, "instruction_date"),
        (SIGNED, {"signed_on": "soon"}, "invalid_field"),
        (SIGNED, {"account": "-1"}, "no_account"),
        (b"%PDF-" + bytes(6_000_000), {}, "paper_too_large"),
    ]
    for file, more, code in cases:
        with pytest.raises(AssentError) as caught:
            await signed(site, staff, file, **more)
        assert caught.value.code == code
    assert await site.platform.value("SELECT count(*) FROM instruction") == 0
