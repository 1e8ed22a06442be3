"""Asking over HTTP, the SDK and the command line; what senders and staff see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assent.client import AsyncClient
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.flow.asking_site import asked, code_of, questions, say, settled
from tests.flow.conftest import number
from tests.flow.front_site import pdf
from tests.web.test_ports_cli import Terminal
from tests.web.whole import Whole, whole

WHO = number("mobile", 1)
OFFERS: dict[str, Any] = {"sender": "CODE1", "programme": "offers"}


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


async def test_from_the_session_to_the_days_list(site: Whole) -> None:
    async with AsyncClient(site.url, await site.key("account1")) as client:
        session = await client.begin_consent_session(**OFFERS)
        until = datetime.fromisoformat(session["expires_at"]).timestamp()
        assert 55 < until - site.platform.clock.now() <= 60
        token = session["session"]
        assert await client.ask_consent(WHO, session=token, **OFFERS) == {"state": "taken"}
        text = await asked(site.platform, WHO)
        assert await client.ask_consent(WHO, session=token, **OFFERS) == {"state": "taken"}
        with pytest.raises(Conflict, match="another number") as used:
            await client.ask_consent(number("mobile", 2), session=token, **OFFERS)
        assert used.value.code == "session_used"
        look = await client.look_at_consent(WHO, sender="CODE1")
        assert look["items"] == [{"programme": "offers", "state": "no_standing"}]
        await say(site.platform, WHO, f"Y{code_of(text)}")
        look = (await client.look_at_consent(WHO, sender="CODE1"))["items"][0]
        assert (look["state"], look["grade"], look["how"]) == ("stands", "receiver", "reply")
        assert look["wording_text"].startswith("商户1请您确认")
        here = datetime.fromtimestamp(site.platform.clock.now(), UTC) + timedelta(hours=8)
        with pytest.raises(Conflict) as early:
            await client.consents_agreed(here.date())
        assert early.value.code == "day_open"
        assert (await client.consents_agreed())["items"] == []
        await site.platform.sql(
            "UPDATE consent_request SET answered_at = answered_at - interval '1 day'"
        )
        agreed = await client.consents_agreed()
        assert agreed["items"] == [{"number": f"+86{WHO}", **OFFERS}]
        assert agreed["cursor"] is None
    async with AsyncClient(site.url, await site.key("account2")) as client:
        assert (await client.consents_agreed())["items"] == []
        with pytest.raises(NotAllowed):
            await client.look_at_consent(WHO, sender="CODE1")


async def test_what_is_no_request_is_told_and_does_nothing(site: Whole) -> None:
    async with AsyncClient(site.url, await site.key("account1")) as client:
        token = (await client.begin_consent_session(**OFFERS))["session"]
        for fields, code in (
            ({}, "consent_basis"),
            ({"session": token, "document": "1"}, "consent_basis"),
            ({"session": "cs_" + "x" * 32}, "no_session"),
            ({"session": "x"}, "invalid_field"),
        ):
            with pytest.raises(InvalidInput) as wrong:
                await client.ask_consent(WHO, **OFFERS, **fields)
            assert wrong.value.code == code
        with pytest.raises(InvalidInput):
            await client.ask_consent("12", session=token, **OFFERS)
        with pytest.raises(NotFound) as none:
            await client.ask_consent(WHO, document=7, **OFFERS)
        assert none.value.code == "no_consent_document"
        await site.platform.sql(
            "UPDATE consent_session SET expires_at = created_at - interval '1 s'"
        )
        with pytest.raises(InvalidInput) as over:
            await client.ask_consent(WHO, session=token, **OFFERS)
        assert over.value.code == "session_over"
    async with AsyncClient(site.url, await site.key("account2")) as client:
        with pytest.raises(NotAllowed):
            await client.ask_consent(WHO, session=token, **OFFERS)
        theirs = {"sender": "CODE2", "programme": "offers"}
        with pytest.raises(InvalidInput) as foreign:
            await client.ask_consent(WHO, session=token, **theirs)
        assert foreign.value.code == "no_session"
    assert await site.platform.value("SELECT count(*) FROM consent_request") == 0


async def test_a_document_stands_for_a_question_once_it_was_seen(site: Whole) -> None:
    document = await site.platform.value(
        "INSERT INTO document (entity_id, kind, state, seen, created_at) SELECT entity_id,"
        " 'consent_evidence', 'submitted', 'paper', now() FROM sender"
        " WHERE credit_code = 'CODE1' RETURNING id"
    )
    async with AsyncClient(site.url, await site.key("account1")) as client:
        for state, seen in (("submitted", "paper"), ("accepted", "scan"), ("refused", "paper")):
            await site.platform.sql("UPDATE document SET state = $1, seen = $2 WHERE id = $3",
                                    state, seen, document)  # fmt: skip
            with pytest.raises(NotFound):
                await client.ask_consent(WHO, document=document, **OFFERS)
        await site.platform.sql(
            "UPDATE document SET state = 'accepted', seen = 'paper' WHERE id = $1", document
        )
        await client.ask_consent(WHO, document=document, **OFFERS)
        await client.ask_consent(WHO, document=document, **OFFERS)  # the same again
        await asked(site.platform, WHO)
        assert await site.platform.value("SELECT count(*) FROM consent_request") == 1
        room = site.platform.node.asking_desk.asking
        rules = room._rules
        object.__setattr__(rules, "by_document", 1)
        with pytest.raises(Conflict) as full:
            await client.ask_consent(number("mobile", 2), document=document, **OFFERS)
        assert full.value.code == "document_used_up"


async def test_commands_do_the_same(
    site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    at = Terminal(site)  # type: ignore[arg-type]  # what it needs of an office
    own = ("--sender", "CODE1", "--programme", "offers")
    token = (await at.run("account1", "consent", "session", *own))["session"]
    words = ("consent", "ask", "--number", WHO, "--session", token, "--place", "203.0.113.9")
    assert await at.run("account1", *words, *own) == {"state": "taken"}
    await say(site.platform, WHO, f"Y{code_of(await asked(site.platform, WHO))}")
    look = ("consent", "show", "--number", WHO, "--sender", "CODE1")
    assert (await at.run("account1", *look))["items"][0]["state"] == "stands"
    assert (await at.run("account1", "consent", "agreed"))["items"] == []
    sealed = await site.platform.sql("SELECT number_sealed, place_sealed FROM consent_request")
    assert sealed[0]["number_sealed"] is None
    assert b"203.0.113.9" not in sealed[0]["place_sealed"]
    file = tmp_path / "consents.csv"
    file.write_text(f"phone,at\n{number('unicom', 1)},2026-10-01T09:00:00+08:00\n")
    (tmp_path / "words.txt").write_text("同意接收优惠信息", "utf-8")
    (tmp_path / "forms.pdf").write_bytes(pdf("forms"))
    digest = (await at.run("account1", "consent", "file", str(tmp_path / "forms.pdf")))["sha256"]
    order = (
        "consent", "import", str(file), *own, "--grade", "document", "--wording", "v2",
        "--source", "shop", "--how", "form", "--wording-file", str(tmp_path / "words.txt"),
        "--evidence", digest,
    )  # fmt: skip
    assert (await at.run("account1", *order))["accepted"] == 1
    await site.platform.node.live.sync(site.platform.node.store)
    look = ("consent", "show", "--number", number("unicom", 1), "--sender", "CODE1")
    shown = (await at.run("account1", *look))["items"][0]
    assert (shown["how"], shown["wording_text"]) == ("form", "同意接收优惠信息")
    assert shown["evidence_sha256"] == digest
    refused = await at.run("account1", *order, "--declared", "pre_ticked", code=4)
    assert refused["error"]["code"] == "consent_not_free"


async def test_staff_see_who_was_stopped_and_let_ask_again(site: Whole) -> None:
    platform = site.platform
    await platform.sql(
        "INSERT INTO asking_stop (sender_id, at, asked, agreed) SELECT id, now() - interval"
        " '2 days', 50, 3 FROM sender WHERE credit_code = 'CODE1'"
    )
    async with AsyncClient(site.url, await site.key("account1")) as client:
        with pytest.raises(Conflict) as stopped:
            await client.begin_consent_session(**OFFERS)
        assert stopped.value.code == "asking_stopped"
        with pytest.raises(NotAllowed):
            await client.asking_stops()
    async with AsyncClient(site.url, await site.key("operator", {"review"})) as staff:
        (item,) = (await staff.asking_stops())["items"]
        assert (item["sender"], item["asked"], item["agreed"]) == ("CODE1", 50, 3)
        await staff.release_asking("CODE1", reason="they mended their form")
        with pytest.raises(NotFound):
            await staff.release_asking("CODE1", reason="again")
    act = (await platform.sql("SELECT what, before, after FROM staff_act ORDER BY id DESC"))[0]
    assert act["what"] == "asking.release"
    assert "mended" in act["after"]
    async with AsyncClient(site.url, await site.key("account1")) as client:
        token = (await client.begin_consent_session(**OFFERS))["session"]
        await client.ask_consent(WHO, session=token, **OFFERS)
    await settled(platform)
    await asyncio.sleep(0)
    assert WHO in questions(platform)
