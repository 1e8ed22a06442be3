"""Admission over HTTP, the SDK and the command line: a shop walks in with commands only; what is no
paper, no workbook, no right stays out."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assent.cli import app
from assent.client import AsyncClient
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooLarge, Unavailable
from assent.flow.keys import Keys, make_key
from assent.flow.requests import Caller
from assent.store import Store
from assent.web import registers
from tests.flow.front_site import (
    LISTED,
    NAMES,
    PNG,
    SHOP,
    STRANGER,
    SUNDAY,
    Site,
    application,
    bomb,
    open_site,
    pdf,
    person,
)
from tests.web.site import running

LOOK = "2026-11-22T11:00:00+08:00"


class House:
    """A front door behind a real server, with a key for each who comes."""

    def __init__(self, site: Site, url: str, keys: dict[str, str]) -> None:
        self.site, self.url, self.keys = site, url, keys

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[AsyncClient]:
        async with AsyncClient(self.url, self.keys[name]) as client:
            yield client

    async def run(self, name: str, *words: str | Path, code: int = 0) -> Any:
        runner = CliRunner(env={"ASSENT_URL": self.url, "ASSENT_KEY": self.keys[name],
                                "COLUMNS": "200"})  # fmt: skip
        done = await asyncio.to_thread(
            runner.invoke, app, [*(str(word) for word in words), "--json"]
        )
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)

    async def words(self, name: str, *words: str | Path) -> str:
        runner = CliRunner(env={"ASSENT_URL": self.url, "ASSENT_KEY": self.keys[name],
                                "COLUMNS": "200"})  # fmt: skip
        done = await asyncio.to_thread(runner.invoke, app, [str(word) for word in words])
        assert done.exit_code == 0, (done.output, done.exception)
        return str(done.stdout)


@pytest.fixture
async def house(fresh_store: Store) -> AsyncIterator[House]:
    site = await open_site(fresh_store)
    scopes = {
        "shop": ("shop", ["admission"]), "stranger": ("stranger", ["admission"]),
        "reader": ("shop", ["read", "send"]), "one": ("operator", ["review"]),
        "two": ("operator", ["review", "second_review"]), "auditor": ("operator", ["audit"]),
        "pretender": ("shop", ["review", "audit", "admission"]),
    }  # fmt: skip
    keys = {
        name: await make_key(fresh_store, site.accounts[account], words, sandbox=False,
                             random=secrets.token_bytes(24), at=SUNDAY)
        for name, (account, words) in scopes.items()
    }  # fmt: skip
    keys["sandbox"] = await make_key(
        fresh_store, site.accounts["shop"], ["admission"], sandbox=True,
        random=secrets.token_bytes(24), at=SUNDAY,
    )  # fmt: skip
    async with running(keys=Keys(fresh_store), front=site.front) as server:
        yield House(site, server.url, keys)


async def test_a_shop_walks_in_with_commands_only(house: House, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(
        json.dumps(application(SHOP, "retail", [person(1, "legal"), person(2, "responsible"),
                                                person(3, "operator")])), "utf-8"
    )  # fmt: skip
    told = await house.run("shop", "account", "apply", file)
    assert len(told["entity"]["lacks"]) == 5
    words = await house.words("shop", "account", "show")
    assert "营业执照" in words
    assert "business licence" in words
    register = tmp_path / "register.csv"
    register.write_text(
        f"统一社会信用代码,企业名称,联系电话\n{SHOP},{NAMES[SHOP]},{LISTED[SHOP]}\n,,\n,无码,\n",
        "utf-8",
    )
    told = await house.run("one", "register", "import", register, "--kind", "business", "--source",
                           "公示系统", "--dated", "2026-11-20")  # fmt: skip
    assert (told["rows"], told["wrong"], told["faults"][0]["row"]) == (1, 1, 4)
    assert (await house.run("one", "register", "look", SHOP))["result"] == "found"
    assert len((await house.run("one", "register", "list"))["items"]) == 1

    shot = tmp_path / "shot.png"
    shot.write_bytes(PNG)
    for kind in ("business_licence", "legal_person_identity", "responsible_person_identity",
                 "applicant_identity", "commitment_letter"):  # fmt: skip
        copy = tmp_path / f"{kind}.pdf"
        copy.write_bytes(pdf(kind))
        paper = await house.run("shop", "document", "add", kind, copy, "--holder", NAMES[SHOP])
        number = paper["id"]
        if kind == "business_licence":
            look = await house.run("one", "review", "see", number, "--way", "register")
            assert look["result"] == "yes"
            await house.run("one", "review", "look-up", number, "--url", "https://www.gsxt.gov.cn",
                            "--at", LOOK, "--showed", "存续", "--result", "yes", "--by", "李雷",
                            "--screenshot", shot)  # fmt: skip
        elif kind == "commitment_letter":
            await house.run("one", "review", "call-back", number, "--number", LISTED[SHOP], "--by",
                            "李雷", "--confirmed")  # fmt: skip
        else:
            await house.run("one", "review", "see", number, "--way", "paper", "--by", "李雷",
                            "--where", "柜台")  # fmt: skip
        items = (await house.run("one", "review", "list", "--kind", "document"))["items"]
        told = await house.run("one", "review", "decide", items[0]["id"], "approve", "--code",
                               "in_order")  # fmt: skip
        assert told["state"] == "approved"
    (item,) = (await house.run("one", "review", "list"))["items"]
    await house.run("one", "review", "ask", item["id"], "主要客户是谁？")
    told = await house.run("shop", "account", "show")
    assert [one["state"] for one in told["items"] if one["kind"] == "account"] == ["asked"]
    await house.run("shop", "account", "answer", item["id"], "本店会员")
    shown = await house.run("one", "review", "show", item["id"])
    assert [word["words"] for word in shown["thread"]] == ["主要客户是谁？", "本店会员"]
    someone = shown["subject"]["people"][0]["id"]
    await house.run("one", "review", "match", someone, "yes", "--source", "三要素", "--at", LOOK)
    assert (await house.run("one", "review", "person", someone))["name"] == "王1"
    await house.run("one", "review", "decide", item["id"], "approve", "--code", "in_order")
    assert (await house.run("shop", "account", "show"))["account"]["status"] == "active"

    told = await house.run("shop", "sender", "register", file)
    assert told["purposes"]["notification"]["opens"] == "full"
    (item,) = (await house.run("one", "review", "list", "--kind", "sender"))["items"]
    await house.run("one", "review", "decide", item["id"], "approve", "--code", "in_order")
    assert (await house.run("shop", "sender", "show", SHOP))["state"] == "approved"
    assert len((await house.run("shop", "sender", "show"))["items"]) == 1
    assert (await house.run("one", "review", "graph", SHOP))["flags"] == []
    out = tmp_path / "shop.zip"
    told = await house.run("auditor", "review", "export", SHOP, "--out", out)
    assert out.stat().st_size == told["octets"]
    assert (await house.run("auditor", "review", "export", SHOP, "--out", out, code=3))["error"][
        "code"
    ] == "cannot_write"
    await house.run("one", "review", "entity", SHOP, "suspend", "--reason", "投诉")
    assert (await house.run("shop", "account", "show"))["entity"]["entity_status"] == "suspended"


async def test_papers_and_letters_by_command(house: House, tmp_path: Path) -> None:
    await house.site.apply("shop", SHOP, "telecom_resale")
    file = tmp_path / "sender.toml"
    file.write_text(
        f'credit_code = "{STRANGER}"\nlegal_name = "远山贸易有限公司"\nindustry = "retail"\n'
    )
    await house.run("shop", "sender", "register", file)
    copy = tmp_path / "letter.png"
    copy.write_bytes(PNG)
    paper = await house.run("shop", "document", "add", "authorisation_letter", copy, "--entity",
                            STRANGER, "--valid-to", "2027-12-31", "--scope", "b25")  # fmt: skip
    assert (paper["entity"], paper["scope"]) == (STRANGER, ["B25"])
    words = ("--principal", STRANGER, "--purpose", "notification", "--document", paper["id"],
             "--valid-from", "2026-01-01", "--valid-to", "2027-12-31")  # fmt: skip
    letter = await house.run("shop", "letter", "add", *words, "--signature", "远山")
    assert letter["signatures"] == ["远山"]
    assert (await house.run("shop", "letter", "list"))["items"][0]["id"] == letter["id"]
    plain = await house.run("shop", "document", "add", "telecom_licence", "--in-process")
    assert plain["state"] == "in_process"
    told = await house.run("shop", "document", "add", "telecom_licence", code=3)
    assert told["error"]["code"] == "file_missing"
    assert len((await house.run("shop", "document", "list"))["items"]) == 2
    assert (await house.run("shop", "document", "withdraw", plain["id"]))["state"] == "withdrawn"
    assert (await house.run("shop", "document", "show", plain["id"]))["state"] == "withdrawn"
    out = tmp_path / "copy.png"
    await house.run("shop", "document", "file", paper["id"], "--out", out)
    assert out.read_bytes() == PNG
    file.write_text("[", "utf-8")
    assert (await house.run("shop", "account", "apply", file, code=3))["error"][
        "code"
    ] == "bad_file"


async def test_rights(house: House) -> None:
    await house.site.apply("shop", SHOP, "retail")
    paper = await house.site.paper("shop", "contract", PNG)
    item = (await house.site.item("document"))["id"]
    number = paper["id"]

    async def refused(
        name: str, kind: type[Exception], *calls: Callable[[AsyncClient], Any]
    ) -> None:
        async with house.client(name) as client:
            for call in calls:
                with pytest.raises(kind):
                    await call(client)

    desk: list[Callable[[AsyncClient], Any]] = [
        lambda c: c.review_items(), lambda c: c.review_item(item),
        lambda c: c.decide_item(item, "approve", "in_order"), lambda c: c.ask_item(item, "?"),
        lambda c: c.see_document(number, "paper", by="x", where="y"), lambda c: c.person(1),
        lambda c: c.import_register(b"credit_code\nx\n", kind="business", source="s",
                                    dated="2026-01-01"),
        lambda c: c.registers(), lambda c: c.look_in_registers(SHOP), lambda c: c.graph(SHOP),
        lambda c: c.order_entity(SHOP, "revoke", "x"), lambda c: c.export_entity(SHOP),
    ]  # fmt: skip
    for name in ("shop", "pretender", "reader"):
        await refused(name, NotAllowed, *desk)
    front: list[Callable[[AsyncClient], Any]] = [
        lambda c: c.admission(), lambda c: c.documents(), lambda c: c.senders(),
        lambda c: c.apply(application(SHOP, "retail", [])), lambda c: c.letters(),
    ]  # fmt: skip
    for name in ("reader", "sandbox", "one", "auditor"):
        await refused(name, NotAllowed, *front)
    await refused(
        "stranger", NotFound, lambda c: c.document(number), lambda c: c.document_file(number),
        lambda c: c.withdraw_document(number), lambda c: c.answer_item(item, "我"),
        lambda c: c.sender(SHOP),
    )  # fmt: skip
    assert await house.site.value("SELECT count(*) FROM staff_act") == 0
    async with house.client("auditor") as client:
        assert (await client.review_item(item))["id"] == item
        assert (await client.document(number))["id"] == number


async def test_uploads_that_are_none(house: House) -> None:
    await house.site.apply("shop", SHOP, "retail")
    async with house.client("shop") as client:
        for octets in (b"MZ", b"<html>", b"\xff\xd8"):
            with pytest.raises(InvalidInput) as caught:
                await client.add_document("contract", octets, filename="contract.pdf")
            assert caught.value.code == "paper_type"
        with pytest.raises(TooLarge):
            await client.add_document("contract", b"%PDF-" + bytes(5_000_001))
        with pytest.raises(TooLarge):
            await client.add_document("contract", b"%PDF-" + bytes(9_000_000))
        with pytest.raises(InvalidInput) as caught:
            await client.add_document("contract", PNG, colour="red")
        assert caught.value.field == "colour"
        with pytest.raises(InvalidInput) as caught:
            await client.add_document("contract", PNG, valid_to="tomorrow")
        assert caught.value.field == "valid_to"
    head = {"authorization": f"Bearer {house.keys['shop']}"}
    async with httpx.AsyncClient(base_url=house.url, headers=head) as plain:
        for body, kind in ((b"x", "text/plain"), (b"x", 'multipart/form-data; boundary="b"')):
            answer = await plain.post("/v1/documents", content=body,
                                      headers={"content-type": kind})  # fmt: skip
            assert (answer.status_code, answer.json()["code"]) == (400, "malformed_form")
    assert await house.site.value("SELECT count(*) FROM document") == 0


async def test_a_file_is_a_strangers_file(house: House) -> None:
    await house.site.apply("shop", SHOP, "retail")
    paper = await house.site.paper("shop", "contract", PNG)
    head = {"authorization": f"Bearer {house.keys['one']}"}
    async with httpx.AsyncClient(base_url=house.url, headers=head) as plain:
        answer = await plain.get(f"/v1/documents/{paper['id']}/file")
    assert answer.content == PNG
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("octets", "kind", "code"),
    [
        (b"", InvalidInput, "file_empty"),
        (b"colour,size\nred,1\n", InvalidInput, "register"),
        (b"credit_code\n\xff\xfe\x00\n", InvalidInput, None),
        (b'[{"credit_code": {"a": 1}}]', InvalidInput, "malformed_register"),
        (b"[1, 2", InvalidInput, "malformed_register"),
        (b"[]", InvalidInput, "register_empty"),
        (b"PK\x03\x04nothing", InvalidInput, "malformed_xlsx"),
        (b"%PDF-1.7", InvalidInput, "unknown_format"),
        (bomb(10_000_001), TooLarge, "register_too_large"),
        (bomb(10_000_001, 1000), TooLarge, "register_too_large"),
    ],
    ids=range(10),
)
async def test_registers_that_are_none(
    house: House,
    octets: bytes,
    kind: type[InvalidInput],
    code: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registers, "UNPACKED", 8_000_000)
    assert len(octets) < 100_000
    async with house.client("one") as client:
        with pytest.raises(kind) as caught:
            await client.import_register(octets, kind="business", source="s", dated="2026-01-01")
    if code is not None:
        assert caught.value.code == code
    assert await house.site.value("SELECT count(*) FROM register_file") == 0


async def test_registers_of_every_form(house: House, tmp_path: Path) -> None:
    async with house.client("one") as client:
        rows = [
            {"credit_code": SHOP, "name": NAMES[SHOP], "founded_on": "2001-03-04"},
            {"name": "x"},
        ]
        told = await client.import_register(
            json.dumps(rows).encode(), kind="business", source="s", dated="2026-01-01"
        )
        assert (told["rows"], told["faults"][0]["row"]) == (1, 2)
        text = f"﻿信用代码\t许可证号\t持证单位\n{SHOP}\t粤B2-20090059\t{NAMES[SHOP]}\n"
        for octets in (text.encode("utf-8"), text.lstrip("﻿").encode("gb18030")):
            told = await client.import_register(
                octets, kind="telecom", source="s", dated="2026-01-01"
            )
            assert told["rows"] == 1
        found = await client.look_in_registers(number="粤B2-20090059")
        assert found["rows"][0]["credit_code"] == SHOP
        for wrong in ({"kind": "rumours"}, {"dated": "soon"}, {"source": " "}):
            words = {"kind": "telecom", "source": "s", "dated": "2026-01-01", **wrong}
            with pytest.raises(InvalidInput) as caught:
                await client.import_register(text.encode(), **words)
            assert caught.value.field == next(iter(wrong))


async def test_an_answer_that_is_lost_and_a_commit_that_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision whose commit fails is not done; one whose answer is lost is done once."""
    await house.site.apply("shop", SHOP, "retail")
    await house.site.paper("shop", "contract", PNG)
    item = (await house.site.item("document"))["id"]
    desk, store = house.site.front.desk, house.site.store
    begun = store.transaction

    @asynccontextmanager
    async def lost(**more: Any) -> AsyncIterator[Any]:
        async with begun(**more) as tx:
            yield tx
            raise Unavailable("commit_unknown", "gone before it was stored")

    @asynccontextmanager
    async def unanswered(**more: Any) -> AsyncIterator[Any]:
        async with begun(**more) as tx:
            yield tx
        raise Unavailable("commit_unknown", "stored, and the answer was lost")

    caller = Caller(house.site.accounts["operator"], frozenset({"review"}), False, 1)
    from tests.flow.test_admission import APPROVE

    for broken, state in ((lost, "submitted"), (unanswered, "accepted")):
        monkeypatch.setattr(store, "transaction", broken)
        with pytest.raises(Unavailable):
            await desk.decide(caller, int(item), APPROVE)
        monkeypatch.setattr(store, "transaction", begun)
        assert await house.site.value("SELECT state FROM document") == state
    assert (await desk.decide(caller, int(item), APPROVE))["state"] == "approved"
    other = Caller(house.site.accounts["operator"], frozenset({"review"}), False, 9)
    with pytest.raises(Conflict):
        await desk.decide(other, int(item), APPROVE)
    assert await house.site.value("SELECT count(*) FROM review_word") == 1
    assert await house.site.value("SELECT count(*) FROM staff_act") == 1
    assert await house.site.value("SELECT count(*) FROM event WHERE kind = 'review'") == 1


async def test_many_decide_at_once_and_it_is_done_once(house: House) -> None:
    await house.site.apply("shop", SHOP, "retail")
    await house.site.paper("shop", "contract", PNG)
    item = (await house.site.item("document"))["id"]
    clients = [AsyncClient(house.url, house.keys[name]) for name in ("one", "two") * 4]
    try:
        ends = await asyncio.gather(
            *(one.decide_item(item, "approve", "in_order") for one in clients),
            return_exceptions=True,
        )
    finally:
        for one in clients:
            await one.aclose()
    done = [end for end in ends if isinstance(end, dict)]
    assert len(done) == 4  # the one who was first, each time it asked
    assert all(isinstance(end, Conflict) for end in ends if not isinstance(end, dict))
    assert await house.site.value("SELECT count(*) FROM staff_act") == 1
