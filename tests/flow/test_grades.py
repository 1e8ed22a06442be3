"""Who may be written to on which proof of consent: finance and cold lists (promise 1)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.consent.entry import Channel, Entry, Kind, Origin, purpose_mask
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.projection import project
from assent.flow.requests import CampaignRequest
from assent.message import Grade, Purpose
from assent.policy.filing import Relation
from tests.flow.conftest import MARKETING_TEXT, Platform, numbers, register, running

PEOPLE = dict(zip((Grade.ASSERTION, Grade.DOCUMENT, Grade.RECEIVER), numbers(3), strict=True))
BANK, SHOP = 1, 2


@pytest.fixture
async def graded(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """A bank and a shop; three people agreed to the offers of both, each with other proof."""
    document = register()
    document["senders"][BANK - 1]["industry"] = "finance"
    for sender in document["senders"]:  # a bank may write nothing freely
        offer = {"name": "offer", "purpose": "marketing", "body": MARKETING_TEXT}
        sender["templates"].append(offer)
    async with running(migrated_url, tmp_path, document=document) as platform:
        for place in (BANK, SHOP):
            await agree(platform, place)
        yield platform


async def agree(platform: Platform, place: int) -> None:
    node = platform.node
    now = node.clock.now()
    sender = next(s for s in node.catalogue.senders.values() if s.credit_code == f"CODE{place}")
    programme = next(p for p in node.catalogue.programmes.values() if p.sender_id == sender.id)
    msisdns = np.array([int(f"86{number}") for number in PEOPLE.values()], np.uint64)
    ids = await node.directory.ids(node.store, msisdns, utc(now))
    entries = [
        Entry(
            at_ms=int(now * 1000) - 86_400_000,
            kind=Kind.GRANTED,
            person=person,
            group=sender.group_id,
            sender=sender.id,
            programme=programme.id,
            purposes=purpose_mask(Purpose.MARKETING),
            channel=Channel.API,
            origin=Origin.CUSTOMER,
            grade=grade,
        )
        for grade, person in zip(PEOPLE, ids.tolist(), strict=True)
    ]
    async with node.store.transaction() as tx:
        done = await append(tx, entries, utc(now))
        await project(tx, list(zip(done.positions, entries, strict=True)))
    await node.live.sync(node.store)


async def ordered(platform: Platform, place: int, **more: Any) -> list[Grade]:
    """Return whose grade sufficed for a direct order; the others learn no more than usual."""
    if "purpose" not in more:
        more |= {"text": None, "template": "offer"}
    answer = await platform.send(PEOPLE.values(), place=place, **more)
    for line in answer["messages"]:
        assert "id" in line or line["reason"] == "no_standing", line
    inner = await platform.value("SELECT reasons FROM submission ORDER BY id DESC LIMIT 1")
    assert set(json.loads(inner)) <= {"grade_too_low"}
    return [g for g, line in zip(PEOPLE, answer["messages"], strict=True) if "id" in line]


async def audience(platform: Platform, place: int, *relation: Relation) -> int:
    caller, campaigns = platform.caller(place), platform.node.campaigns
    id_ = await campaigns.create_audience(caller, "list", "as told by the sender", *relation)
    rows = np.arange(1, len(PEOPLE) + 1, dtype=np.uint32)
    msisdns = np.array([int(f"86{number}") for number in PEOPLE.values()], np.uint64)
    await campaigns.add_chunk(id_, 0, rows, msisdns, np.zeros(len(rows), np.uint8), None)
    await campaigns.finish_audience(id_, [])
    return id_


async def campaigned(platform: Platform, place: int, id_: int) -> list[Grade]:
    """Return whose grade sufficed for a campaign, dry run and real alike."""
    caller, campaigns = platform.caller(place), platform.node.campaigns
    request = CampaignRequest(
        name="c", audience=str(id_), sender=f"CODE{place}", purpose="marketing",
        template="offer",
    )  # fmt: skip
    dry = await campaigns.dry_run(caller, request, 10)
    made = json.loads(await campaigns.create(caller, request, key=None, sha=b""))

    async def done() -> bool:
        return (await campaigns.progress(caller, int(made["id"])))["state"] == "done"

    await platform.until(done, "the campaign is judged")
    found = await campaigns.progress(caller, int(made["id"]))
    assert (found["allowed"], found["reasons"]) == (dry["allowed"], dry["reasons"])
    assert set(found["reasons"]) <= {"no_standing"}
    rejected = set(dry["samples"].get("no_standing", []))
    return [grade for row, grade in enumerate(PEOPLE, start=1) if row not in rejected]


RECEIVER = [Grade.RECEIVER]
DOCUMENTS = [Grade.DOCUMENT, Grade.RECEIVER]
ANY = [Grade.ASSERTION, *DOCUMENTS]
CASES = [
    (SHOP, "customers", ANY),
    (SHOP, "members", ANY),
    (SHOP, "cold", RECEIVER),
    (SHOP, None, DOCUMENTS),
    (BANK, "customers", RECEIVER),
    (BANK, None, RECEIVER),
]


@pytest.mark.parametrize(("place", "relation", "suffice"), CASES)
async def test_an_order(
    graded: Platform, place: int, relation: str | None, suffice: list[Grade]
) -> None:
    assert await ordered(graded, place, relation=relation) == suffice


@pytest.mark.parametrize(("place", "relation", "suffice"), CASES)
async def test_a_campaign(
    graded: Platform, place: int, relation: str | None, suffice: list[Grade]
) -> None:
    id_ = await audience(graded, place, Relation(relation or "unstated"))
    assert (await graded.node.campaigns.audience(graded.caller(place), id_))["relation"] == (
        relation or "unstated"
    )
    assert await campaigned(graded, place, id_) == suffice


async def test_codes_and_notices_of_a_bank_need_no_grade(graded: Platform) -> None:
    assert await ordered(graded, BANK, purpose="verification") == ANY
    assert await ordered(graded, BANK, purpose="notification") == ANY
