"""From consent to refusal on a whole platform, and the bundle that tells it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from assent.clock import SystemClock
from assent.consent.verify import verify
from assent.errors import InvalidInput, NotFound
from assent.flow.evidence import Gathering, Wanted
from assent.flow.requests import ConsentImport
from assent.flow.settings_log import canonical
from tests.flow.conftest import Platform, number

HERS, HIS = number("mobile", 1), number("mobile", 2)


def gathering(platform: Platform) -> Gathering:
    return platform.node.ledger.gathering


def wanted(platform: Platform, **changes: Any) -> Wanted:
    now = datetime.fromtimestamp(platform.clock.now(), UTC)
    fields: dict[str, Any] = {
        "recipient": HERS,
        "sender": "CODE1",
        "since": now - timedelta(days=1),
        "to": now + timedelta(days=1),
    }
    return Wanted(**{**fields, **changes})


async def seal(platform: Platform) -> None:
    """Wait until the platform has sealed everything."""

    async def done() -> bool:
        row = await platform.sql("SELECT max(size) AS size FROM ledger_checkpoint")
        return bool(
            (row[0]["size"] or 0) == await platform.value("SELECT max(position) FROM entry")
        )

    await platform.until(done, "everything is sealed")


def opened(bundle: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


def about_people(files: dict[str, Any]) -> list[Any]:
    return [one for one in files["entries.json"] if one["words"]["kind"] != "setting"]


async def told(platform: Platform) -> None:
    """A consent, a message, its receipt, a refusal by reply, its confirmation, one more order."""
    await platform.consent([HERS, HIS])
    await seal(platform)
    # Of checkpoints one a minute is kept.
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 61)
    await platform.send([HERS, HIS])
    count = "SELECT count(*) FROM receipt_log"
    await platform.until(lambda: _at_least(platform, count, 1), "the receipts came")
    port = (await platform.sql("SELECT number FROM port WHERE purpose = 3 AND sender_id = 1"))[0][0]
    platform.simulators["mobile"].send_mo(HERS, port, "TD")
    done = "SELECT count(*) FROM confirmation WHERE state = 'attempted'"
    await platform.until(lambda: _at_least(platform, done, 1), "the refusal was confirmed")
    await platform.send([HERS, HIS])
    await platform.until(
        lambda: _at_least(platform, "SELECT count(*) FROM batch_final", 2), "states are folded"
    )
    await seal(platform)


async def _at_least(platform: Platform, query: str, count: int) -> bool:
    return bool(await platform.value(query) >= count)


async def test_a_story_with_its_proofs(platform: Platform) -> None:
    await told(platform)
    bundle = await gathering(platform).bundle(wanted(platform))
    verdict = verify(bundle, [str(platform.node.ledger.keys[0])])
    assert (verdict.exit_code, verdict.faults) == (0, [])
    about_her = [one for one in verdict.entries if one["words"]["kind"] != "setting"]
    assert [one["words"]["kind"] for one in about_her] == ["granted", "withdrawn"]
    assert any("keywords, links, rulebook" in words for words in verdict.proved)
    files = opened(bundle)
    (message,) = files["records/messages.json"]
    assert message["text"].startswith("【商户1】夏装上新")
    assert message["purpose"] == "marketing"
    assert message["state"] == "delivered"
    assert message["attempts"][0]["answers"][0]["status"] == "accepted"
    assert message["receipts"][0]["state"] == "delivered"
    (rejection,) = files["records/rejections.json"]
    assert rejection["decision"]["reason"]["code"] == "refused"
    (reply,) = files["records/replies.json"]
    assert (reply["text"], reply["intent"]) == ("TD", "refuse")
    (confirmation,) = files["records/confirmations.json"]
    assert confirmation["state"] == "attempted"
    withdrawn = about_her[1]["words"]
    assert withdrawn["receipt_code"] == confirmation["receipt_code"]
    page = files["records/readable.html"].decode()
    assert files["records/readable.pdf"].startswith(b"%PDF-")
    rules = platform.node.rulebook
    (place,) = [n for n in files if n.startswith("records/settings/") and "rulebook" in n]
    assert canonical(files[place]) == rules.canonical
    assert message["decision"]["rulebook"] == rules.digest.hex()
    assert "夏装上新" in page
    assert HIS not in page
    assert HIS.encode() not in bundle
    assert any("when it was signed" in words for words in verdict.proved)


async def test_another_s_entries_prove_nothing_here(platform: Platform) -> None:
    await told(platform)
    his = opened(await gathering(platform).bundle(wanted(platform, recipient=HIS)))
    hers = opened(await gathering(platform).bundle(wanted(platform)))
    secrets = {one["secret"] for one in about_people(hers)}
    assert secrets.isdisjoint(one["secret"] for one in about_people(his))
    assert len(secrets) == 1
    assert [one["words"]["kind"] for one in about_people(his)] == ["granted"]
    assert len(his["records/messages.json"]) == 1
    (rejection,) = his["records/rejections.json"]
    assert rejection["decision"]["reason"]["code"] == "over_cap"


async def test_another_sender_s_messages_stay_out(platform: Platform) -> None:
    await told(platform)
    await platform.consent([HERS], place=2)
    await platform.send([HERS], place=2)
    await seal(platform)
    bundle = opened(await gathering(platform).bundle(wanted(platform)))
    assert {one["sender"] for one in bundle["records/messages.json"]} == {"CODE1"}
    assert len(about_people(bundle)) == 2
    other = opened(await gathering(platform).bundle(wanted(platform, sender="CODE2")))
    assert {one["sender"] for one in other["records/messages.json"]} == {"CODE2"}


async def test_a_text_cannot_write_into_the_page(platform: Platform) -> None:
    await platform.consent([HERS])
    await platform.send([HERS], text="<script>alert(1)</script>客服400-820-1234。拒收请回复R")
    await seal(platform)
    page = opened(await gathering(platform).bundle(wanted(platform)))["records/readable.html"]
    assert b"<script>" not in page
    assert b"&lt;script&gt;" in page


async def test_what_cannot_be_asked(platform: Platform) -> None:
    # The person is known, and nothing was sealed yet.
    await platform.send([HERS], purpose="notification")
    await seal(platform)
    await platform.sql("WITH gone AS (DELETE FROM ledger_tile) DELETE FROM ledger_checkpoint")
    with pytest.raises(NotFound, match="checkpoint"):
        await gathering(platform).bundle(wanted(platform))
    await platform.consent([HERS])
    await seal(platform)
    for changes, error in (
        ({"sender": "NOBODY"}, NotFound),
        ({"recipient": number("unicom", 99)}, NotFound),
        ({"recipient": "12"}, NotFound),
        ({"to": datetime(2026, 1, 1, tzinfo=UTC)}, InvalidInput),
        ({"since": datetime(2026, 1, 1)}, InvalidInput),  # noqa: DTZ001
    ):
        with pytest.raises(error):
            await gathering(platform).bundle(wanted(platform, **changes))


async def test_how_a_consent_came_lies_beside_it(platform: Platform) -> None:
    form = hashlib.sha256(b"her form").hexdigest()
    words = "我同意接收商户1的优惠信息，每周两条，为期一年。"
    request = msgspec.convert(
        {
            "sender": "CODE1", "programme": "offers", "grade": "document", "wording": "v7",
            "wording_text": words, "source": "shop form", "how": "form", "declared": ["bundled"],
            "consents": [
                {"to": HERS, "at": "2026-03-01T10:00:00+08:00", "evidence": form},
                {"to": HIS, "at": "2026-03-01T10:00:00+08:00"},
            ],
        },
        ConsentImport,
    )  # fmt: skip
    await platform.node.consents.import_rows(platform.caller(), request, key=None, sha=b"")
    await seal(platform)
    bundle = await gathering(platform).bundle(wanted(platform))
    verdict = verify(bundle, [str(platform.node.ledger.keys[0])])
    assert (verdict.exit_code, verdict.faults) == (0, [])
    files = opened(bundle)
    (first,) = files["records/consents/imports.json"]
    assert files[first["wording"]["file"]].decode() == words
    said = json.loads(files[first["statement"]["file"]])
    assert (said["how"], said["declared"], said["source"]) == ("form", ["bundled"], "shop form")
    assert first["row_evidence_sha256"] == form
    assert first["brought_by"]["account"] == "account1"
    page = files["records/readable.html"].decode()
    assert words in page
    assert form in page
    assert HIS not in page
    assert any(one.startswith("1 consents carry the digest") for one in verdict.proved)
    # Whose import said no more than its source.
    await platform.consent([HERS], place=2)
    await seal(platform)
    files = opened(await gathering(platform).bundle(wanted(platform, sender="CODE2")))
    (other,) = files["records/consents/imports.json"]
    assert files[other["statement"]["file"]] == b"shop form"
