"""Receivers' pages, end to end: a number is proved, then everything is shown and ruled."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.consent.entry import Channel, Kind, Origin, Scope, decode
from assent.consent.verify import verify
from assent.flow.requests import Caller
from assent.message import Grade
from tests.flow.conftest import number
from tests.web.receiver_site import Browser, Site, rooms_of, site

SERVICE = "1069999"


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path) as one:
        yield one


async def written_to(desk: Site, phone: str) -> None:
    """Have a person agree to an offer, and get it."""
    await desk.platform.consent([phone])
    assert (await desk.platform.send([phone]))["allowed"] == 1

    async def delivered() -> bool:
        rows = await desk.platform.sql("SELECT states FROM batch_final")
        return bool(rows)

    await desk.platform.until(delivered, "the offer is delivered")


def confirmations(desk: Site, phone: str) -> list[str]:
    sent = desk.platform.submits(SERVICE)
    return [one["text"] for one in sent if phone in one["destination"]]


async def stands(desk: Site, phone: str, place: int = 1) -> bool:
    """Tell whether an order would find standing: it may be over the day's cap all the same."""
    await desk.sync()
    return "no_standing" not in (await desk.platform.send([phone], place=place))["reasons"]


async def confirmed(desk: Site, phone: str, count: int = 1) -> str:
    await desk.platform.until(
        lambda: len(confirmations(desk, phone)) >= count, "the confirmation is out"
    )
    return confirmations(desk, phone)[-1]


async def entered(desk: Site, phone: str, lang: str = "en") -> Browser:
    browser = desk.browser(lang)
    await desk.prove(browser, phone)
    assert browser.answer.status_code == 200
    assert browser.answer.url.path == "/r/me"
    return browser


async def test_she_sees_what_she_got_from_whom_and_on_what_consent(desk: Site) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    told = browser.page.text
    assert "夏装上新" in told
    assert "商户1" in told
    assert "10690" in told  # the port
    assert "delivered" in told
    assert "shop form" in told  # the source of the consent
    assert "a document" in told  # its grade
    assert f"+86{phone}" in told
    (given,) = await desk.platform.sql(
        "SELECT position FROM entry JOIN person ON person.id = person_id WHERE msisdn = $1",
        int(f"86{phone}"),
    )
    assert f"It stands on record {given['position']} " in f"{told} "
    assert f"e{given['position']}" in browser.page.ids
    # The code that she entered with is among what she was sent.
    assert desk.codes(phone)[-1] in told


async def test_she_sees_who_sent_on_whose_behalf(desk: Site) -> None:
    phone = number("mobile", 7)
    await desk.platform.sql(
        "WITH agent AS (INSERT INTO entity (credit_code, legal_name, kind, created_at)"
        " VALUES ('AGENT', '代发信息技术公司', 'company', now()) RETURNING id)"
        " UPDATE account SET entity_id = agent.id FROM agent WHERE name = 'account2'"
    )
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    assert "代发信息技术公司" not in browser.page.text
    await desk.platform.sql(
        "UPDATE batch SET account_id = (SELECT id FROM account WHERE name = 'account2')"
        " WHERE purpose = (SELECT max(purpose) FROM port WHERE number = '106900011')"
    )
    again = await entered(desk, number("unicom", 1))
    assert "代发信息技术公司" not in again.page.text
    rooms_of(desk).view.forget(1)
    page = await browser.get("/r/me")
    assert "Sent by, on its behalf 代发信息技术公司" in page.text


async def test_she_refuses_one_programme_and_takes_it_back(desk: Site) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    programme = str(await desk.platform.value("SELECT min(id) FROM programme"))
    form = browser.page.form("/r/refuse", what="programme", id=programme)
    page = await browser.submit(form)
    assert "a message will confirm it" in page.text
    assert "（offers）" in await confirmed(desk, phone)
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.kind, entry.scope) == (Kind.WITHDRAWN, Scope.PROGRAMME)
    assert (entry.channel, entry.origin) == (Channel.WEB, Origin.RECEIVER)
    assert not await stands(desk, phone)
    # No import of the customer's brings her back.
    await desk.platform.consent([phone])
    assert not await stands(desk, phone)
    page = await browser.submit(page.form("/r/agree", programme=programme))
    assert "Your agreement is recorded" in page.text
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.kind, entry.grade, entry.origin) == (
        Kind.GRANTED, Grade.RECEIVER, Origin.RECEIVER,
    )  # fmt: skip
    assert await stands(desk, phone)


async def test_she_refuses_a_sender_and_everybody_and_takes_that_back(desk: Site) -> None:
    phone = number("unicom", 7)
    await written_to(desk, phone)
    await desk.platform.consent([phone], place=2)
    browser = await entered(desk, phone)
    page = await browser.submit(browser.page.form("/r/refuse", what="sender", id="1"))
    assert "You have refused: advertising, internal message" in page.text
    assert "商户1" in await confirmed(desk, phone)
    assert not await stands(desk, phone)
    assert await stands(desk, phone, place=2)
    assert (await desk.platform.send([phone], "notification"))["allowed"] == 1
    page = await browser.submit(page.form("/r/refuse", what="all"))
    assert "You have refused advertising of all senders." in page.text
    assert "所有发送方" in await confirmed(desk, phone, 2)
    assert not await stands(desk, phone, place=2)
    # Taking refusals back opens nothing by itself.
    page = await browser.submit(page.form("/r/take-back", sender=""))
    page = await browser.submit(page.form("/r/take-back", sender="1"))
    assert await desk.platform.value("SELECT count(*) FROM refusal") == 0
    assert not await stands(desk, phone)
    assert not [one for one in page.forms if one.action == "/r/take-back"]


async def test_she_refuses_codes_only_in_so_many_words(desk: Site) -> None:
    phone = number("mobile", 9)
    await desk.platform.consent([phone], place=2)
    browser = await entered(desk, phone)
    form = browser.page.form("/r/refuse", what="sender", id="2")
    await browser.submit(form, services="yes")
    await desk.sync()
    assert (await desk.platform.send([phone], "verification", place=2))["allowed"] == 0
    assert (await desk.platform.send([phone], "notification"))["allowed"] == 1


async def test_a_complaint_ends_advertising_at_once_and_is_sealed(desk: Site) -> None:
    phone, other = number("mobile", 7), number("mobile", 8)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    # The first is her code; the offer stands below.
    links = [one for one in browser.page.links if "/r/complain/" in one]
    page = await browser.get(links[-1])
    words = "我从来没有同意过 <b>!"
    page = await browser.submit(page.form("/r/complain"), words=words)
    row = (await desk.platform.sql("SELECT * FROM complaint"))[0]
    assert row["receipt_code"] in page.text
    assert words in page.text
    assert words.encode() not in bytes(row["sealed"])
    assert (row["source"], row["state"], row["sender_id"]) == ("receiver", "open", 1)
    assert (row["matched"], row["number"], row["account_id"]) == ("message", "106900011", 1)
    assert (row["carrier"], row["port_type"], row["brand"]) == ("mobile", True, "商户1")
    assert row["due_at"] > row["forward_by"] > row["at"] == row["complained_at"]
    await confirmed(desk, phone)
    assert not await stands(desk, phone)
    # She sees when she is answered, and the answer.
    assert "You are answered by" in browser.page.text
    node = desk.platform.node
    rooms, operator = node.complaint_desk.desk, node.catalogue.operator
    assert operator is not None
    reviewer = Caller(operator.id, frozenset({"review"}), False, 900)
    await rooms.forward(reviewer, row["id"], "请说明")
    assert "passed on" in (await browser.get("/r/me")).text
    await rooms.answer(reviewer, row["id"], "已停止向您发送 <i>")
    page = await browser.get("/r/me")
    assert "已停止向您发送 <i>" in page.text
    assert "请说明" not in page.text
    # Twice is once; a message of somebody else's is none of hers.
    page = await browser.get(links[-1])
    await browser.submit(page.form("/r/complain"), words="again")
    assert await desk.platform.value("SELECT count(*) FROM complaint") == 1
    stranger = await entered(desk, other)
    page = await stranger.get(links[-1])
    await stranger.submit(page.form("/r/complain"), words="x")
    assert stranger.answer.status_code == 404


async def test_she_takes_her_proof_and_her_data_out(desk: Site) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    await browser.submit(browser.page.form("/r/refuse", what="sender", id="1"))
    node = desk.platform.node

    async def sealed() -> bool:
        await node.ledger.sealer.step()
        head = await node.store.fetchval("ledger_head")
        return bool(await desk.platform.value("SELECT max(size) FROM ledger_checkpoint") == head)

    await desk.platform.until(sealed, "the ledger is sealed")
    await browser.submit(browser.page.form("/r/proof", sender="1"))
    assert browser.answer.headers["content-type"] == "application/zip"
    result = verify(browser.answer.content)
    assert not result.faults, result
    await desk.platform.send([phone])  # which is refused, and told
    await browser.submit(browser.page.form("/r/data"))
    with zipfile.ZipFile(io.BytesIO(browser.answer.content)) as archive:
        told = json.loads(archive.read("everything.json"))
    assert told["number"] == f"+86{phone}"
    assert [one["kind"] for one in told["entries"]] == ["granted", "withdrawn"]
    assert any("夏装上新" in one["text"] for one in told["messages"])
    assert told["entries"][0]["source"] == "shop form"
    assert [one["reason"]["code"] for one in told["rejections"]] == ["refused"]
    assert told["complete"] is True


@pytest.mark.parametrize("mark", [True, False])
async def test_she_is_forgotten_at_once_when_she_is_sure(desk: Site, mark: bool) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    await browser.submit(
        (await browser.get(browser.page.links[-2])).form("/r/complain"), words="nie"
    )
    page = await browser.get("/r/erase")
    assert "until you refuse anew" in page.text
    page = await browser.submit(page.form("/r/erase"), mark="yes")
    assert browser.answer.status_code == 422  # she has not said that she is sure
    assert await desk.platform.value("SELECT count(*) FROM person WHERE msisdn IS NULL") == 0
    told = {"sure": "yes", **({"mark": "yes"} if mark else {})}
    page = await browser.submit(page.form("/r/erase"), **told)
    assert "not on this platform any more" in page.text
    assert not browser.http.cookies
    gone = await desk.platform.sql("SELECT id FROM person WHERE msisdn IS NULL AND secret IS NULL")
    assert len(gone) == 1
    assert decode((await desk.entries())[-1]["body"]).kind is Kind.ERASED
    assert await desk.platform.value("SELECT count(*) FROM complaint WHERE sealed IS NULL") == 1
    assert await desk.platform.value("SELECT count(*) FROM number_mark") == int(mark)
    await browser.get("/r/me")
    assert browser.answer.url.path == "/r"
    # Another account's list does not bring her back, where the mark stayed.
    await desk.platform.until(
        lambda: len(desk.platform.node.directory) == 0, "the number is forgotten in memory"
    )
    await desk.platform.consent([phone], place=2)
    assert await stands(desk, phone, place=2) is not mark


async def test_she_looks_a_receipt_up_that_is_hers(desk: Site) -> None:
    phone, other = number("mobile", 7), number("mobile", 8)
    await written_to(desk, phone)
    browser = await entered(desk, phone)
    await browser.submit(browser.page.form("/r/refuse", what="sender", id="1"))
    code = (await confirmed(desk, phone)).rpartition("回执码")[2]
    page = await browser.get("/r/me")
    page = await browser.submit(page.form("/r/receipt"), code=code.lower())
    assert code in page.text
    assert "you refused 商户1" in page.text
    stranger = await entered(desk, other)
    page = await stranger.submit(stranger.page.form("/r/receipt"), code=code)
    assert "no such receipt code of yours" in page.text
