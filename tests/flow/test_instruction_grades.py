"""What a customer signed: a good signature of one who may, a scan, a file that was changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assent.errors import InvalidInput
from assent.flow.audience_requests import InstructionRequest
from assent.flow.instructions import Instructions
from assent.flow.requests import Caller
from assent.registry.signed_pdf import Roots
from tests.flow.conftest import Platform
from tests.flow.front_site import Authority, pdf

SCAN = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


async def add(
    platform: Platform, roots: Roots, file: bytes
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hand in an instruction of account1; return how it stands, and what the act says."""
    node = platform.node
    rooms = Instructions(node.front.rooms, node.catalogue, None, roots)
    names = {one.name: one for one in node.catalogue.accounts.values()}
    staff = Caller(names["operator"].id, frozenset({"behalf"}), False, 1)
    day = (datetime.fromtimestamp(platform.clock.now(), UTC) - timedelta(days=1)).date()
    request = InstructionRequest(
        account=str(names["account1"].id), words="autumn offers", signed_on=day
    )
    told = await rooms.add(staff, request, file)
    rows = await platform.sql("SELECT after FROM staff_act ORDER BY id DESC LIMIT 1")
    return told, json.loads(rows[0]["after"])


async def test_who_may_sign_and_what_a_scan_is(platform: Platform, tmp_path: Path) -> None:
    account = next(o for o in platform.node.catalogue.accounts.values() if o.name == "account1")
    if account.entity_id is None:
        pytest.fail("the register gives its customers entities")
    name = await platform.value("SELECT legal_name FROM entity WHERE id = $1", account.entity_id)
    theirs, other = Authority(), Authority("某机构")
    # The certificate names the customer itself.
    theirs.signer = theirs._certificate(f" {name} ", theirs.signer_key, theirs.root)
    roots = Roots.load([theirs.write_root(tmp_path), other.write_root(tmp_path)])
    plain = pdf("we order")
    good = await theirs.sign(plain)
    told, act = await add(platform, roots, good)
    assert (told["grade"], told["checked"]["signed_by"]) == ("signed", "entity")
    assert act["grade"] == "signed"
    assert name not in json.dumps(act, ensure_ascii=False)
    # A good signature of somebody who is nobody there.
    told, _ = await add(platform, roots, await other.sign(plain))
    assert (told["grade"], told["checked"]["why"]) == ("provisional", "signer_unknown")
    # One that leads nowhere, a PDF without one, a picture: provisional, and says why.
    stranger = await Authority("别人").sign(plain)
    for file, why in ((stranger, "not_trusted"), (plain, "unsigned"), (SCAN, "unsigned")):
        told, _ = await add(platform, roots, file)
        assert (told["grade"], told["checked"]["why"]) == ("provisional", why)
    told, _ = await add(platform, Roots(), good)
    assert (told["grade"], told["checked"]["why"]) == ("provisional", "no_roots")
    # Changed after it was signed: nothing is kept.
    count = await platform.value("SELECT count(*) FROM instruction")
    for changed in (good + b"\n% more", good.replace(b"we order", b"we 0rder", 1)):
        if changed == good:
            continue  # its text is packed
        with pytest.raises(InvalidInput) as caught:
            await add(platform, roots, changed)
        assert caught.value.code == "instruction_changed"
    assert await platform.value("SELECT count(*) FROM instruction") == count
