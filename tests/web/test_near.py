"""Same texts over HTTP and the command line, from an order to its signature and its group."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from assent.client import AsyncClient
from assent.consent.note import KeyKind, SigningKey
from assent.errors import InvalidInput, NotAllowed
from assent.flow.fingerprint_file import Fingerprint, written
from assent.screen.minhash import signatures
from assent.screen.normal import normalise
from assent.screen.shingles import shingles
from tests.flow.conftest import MARKETING_TEXT, numbers
from tests.web.test_ports_cli import Terminal
from tests.web.whole import Whole, whole

DAY = date(2026, 11, 22)
KEY = SigningKey("two.example/fingerprints", KeyKind.NOTE, bytes(range(32)))


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


async def test_an_order_of_free_text_leaves_its_signature_once(site: Whole) -> None:
    node = site.platform.node
    people = numbers(3)
    await site.platform.consent(people)
    for _ in range(2):
        await site.platform.send(people, text=MARKETING_TEXT)
    await node.near_desk.step(node.clock.now())
    await node.near_desk.step(node.clock.now())
    (row,) = await site.platform.sql(
        "SELECT p.signature, u.what, u.uses, a.name, s.credit_code FROM text_use u"
        " JOIN text_print p ON p.id = u.print_id JOIN account a ON a.id = u.account_id"
        " JOIN sender s ON s.id = u.sender_id WHERE u.what = 'order'"
    )
    assert (row["what"], row["uses"]) == ("order", 2)
    assert (row["name"], row["credit_code"]) == ("account1", "CODE1")
    expected = signatures(shingles([normalise(await sent(site)).text]))[0].tobytes()
    assert row["signature"] == expected


async def sent(site: Whole) -> str:
    return str(await site.platform.value("SELECT content FROM batch LIMIT 1"))


async def test_commands_of_fingerprints_and_groups(
    site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    at = Terminal(site)  # type: ignore[arg-type]  # what it needs of an office
    assert await at.run("operator", "groups", "list") == {"items": [], "cursor": None}
    assert (await at.run("operator", "groups", "show", "7", code=3))["error"]["code"] == "no_group"
    file = tmp_path / "ours"
    told = await at.run("operator", "fingerprints", "export", str(file), "--days", "30")
    text = file.read_text("utf-8")
    assert text.startswith("assent fingerprints v1\n")
    assert told["rows"] == 0
    again = await at.run("operator", "fingerprints", "export", str(file), code=3)
    assert again["error"]["code"] == "file_exists"
    own = (await at.run("operator", "fingerprints", "peers"))["own"]
    assert own == told["key"]
    theirs = tmp_path / "theirs"
    made = signatures(shingles(["您的备用金额度即将失效，请尽快回复办理"]))[0].tobytes()
    theirs.write_text(written(KEY, DAY, [Fingerprint(made, "credit_bait", DAY, DAY, 5, False)]))
    words = ("fingerprints", "import", str(theirs))
    assert (await at.run("operator", *words, code=3))["error"]["code"] == "fingerprint_peer"
    await at.run("operator", "fingerprints", "trust", str(KEY.public))
    taken = await at.run("operator", *words)
    assert taken["new"] is True
    assert (await at.run("operator", *words))["new"] is False
    (source,) = (await at.run("operator", "fingerprints", "sources"))["items"]
    assert (source["platform"], source["rows"]) == (KEY.public.name, 1)
    await at.run("operator", "fingerprints", "withdraw", source["id"], "--reason", "误报")
    await at.run("operator", "fingerprints", "distrust", KEY.public.name)
    assert (await at.run("operator", "fingerprints", "peers"))["items"] == []
    theirs.write_bytes(b"\xff\xfe")
    assert (await at.run("operator", *words, code=3))["error"]["code"] == "bad_file"


async def test_customers_have_no_part_in_it(site: Whole) -> None:
    async with AsyncClient(site.url, await site.key("account1")) as client:
        for call in (
            client.groups, lambda: client.group(1), client.export_fingerprints,
            lambda: client.import_fingerprints("x"), client.fingerprint_sources,
            client.fingerprint_peers, lambda: client.trust_fingerprints(str(KEY.public)),
            lambda: client.distrust_fingerprints("x"),
            lambda: client.withdraw_fingerprints(1, reason="x"),
        ):  # fmt: skip
            with pytest.raises(NotAllowed):
                await call()
    reviewer = await site.key("operator", frozenset({"review"}))
    async with AsyncClient(site.url, reviewer) as client:
        assert (await client.groups("open"))["items"] == []
        with pytest.raises(InvalidInput):
            await client.groups("nonsense")
        with pytest.raises(NotAllowed):
            await client.export_fingerprints()
    admin = await site.key("operator", frozenset({"admin"}))
    async with AsyncClient(site.url, admin) as client:
        with pytest.raises(InvalidInput) as few:
            await client.export_fingerprints(least=2)
        assert few.value.field == "least"
        with pytest.raises(InvalidInput):
            await client.import_fingerprints(secrets.token_hex(20))
