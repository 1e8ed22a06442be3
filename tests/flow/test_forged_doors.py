"""Forged consent over HTTP and from the command line; questions by chance; writes that fail."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.http import serve
from assent.app.main import app
from assent.consent.entry import Entry, Kind, decode
from assent.consent.standing import fold
from assent.errors import InvalidInput, Unavailable
from assent.flow.audits import meaning
from assent.flow.imports import networks_of
from assent.flow.keys import make_key
from assent.flow.requests import VoidRequest
from assent.message import Grade
from assent.policy.rulebook import Rulebook
from tests.flow.conftest import Platform, lenient_rulebook, running
from tests.flow.test_forged import asked, bring, desk, mobiles, say, staff
from tests.flow.test_replies import move, wait_for

HOUR = 3_600.0


class Stage:
    """A platform with an API, and keys of the operator and of customers."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.url = ""
        self.keys: dict[str, str] = {}

    async def run(self, who: str, *words: object, code: int = 0) -> Any:
        environment = {"ASSENT_URL": self.url, "ASSENT_KEY": self.keys[who], "COLUMNS": "200"}
        given = [*(str(word) for word in words), "--json"]
        done = await asyncio.to_thread(CliRunner(env=environment).invoke, app, given)
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)


@pytest.fixture
async def stage(migrated_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with running(migrated_url, tmp_path) as platform:
        node = platform.node
        node.settings.http.port = 0
        server = await serve(node)
        made = Stage(platform)
        made.url = f"http://127.0.0.1:{server.port}"
        accounts = {a.name: a.id for a in node.catalogue.accounts.values()}
        for name, account, scopes in (
            ("auditor", "operator", ["audit"]), ("reviewer", "operator", ["review"]),
            ("shop", "account1", ["consents", "read"]), ("other", "account2", ["consents"]),
        ):  # fmt: skip
            made.keys[name] = await make_key(
                node.store, accounts[account], scopes, sandbox=False,
                random=secrets.token_bytes(24), at=platform.clock.now(),
            )  # fmt: skip
        yield made
        await server.stop()


async def test_from_a_file_to_a_case_with_commands(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [f"{to},2026-08-01T10:00:00+08:00" for to in mobiles(60)]
    file.write_text("\n".join(["phone,at", *rows]), encoding="utf-8")
    file.write_text(
        "phone,at\n" + "\n".join(f"{to},2026-08-01T10:00:00+08:00" for to in mobiles(60)),
        encoding="utf-8",
    )
    done = await stage.run(
        "shop", "consent", "import", file, "--sender", "CODE1", "--programme", "offers",
        "--grade", "document", "--wording", "v1", "--source", "shop form",
    )  # fmt: skip
    number = done["imports"][0]["id"]
    assert (done["accepted"], done["imports"][0]["state"]) == (60, "taken")
    assert (await stage.run("shop", "consent", "show", number))["state"] == "taken"
    refused = await stage.run("other", "consent", "show", number, code=3)
    assert refused["error"]["code"] == "no_import"
    seen = await stage.run("reviewer", "consent", "list", "--state", "opened")
    assert [(one["id"], one["opened"]) for one in seen["items"]] == [(number, 60)]
    for who in ("shop", "other", "auditor"):
        words = ("consent", "void", "--import", number, "--reason", "x")
        assert (await stage.run(who, *words, code=4))["error"]["code"] == "missing_scope"
    lone = await stage.run("reviewer", "consent", "void", "--reason", "x", code=3)
    assert lone["error"]["code"] == "import_or_recipient"
    done = await stage.run(
        "reviewer", "consent", "void", "--recipient", mobiles(1)[0], "--sender", "CODE1",
        "--reason", "the receiver called: never agreed",
    )  # fmt: skip
    assert done["voided"] == [number]
    await wait_for(
        stage.platform, "SELECT state FROM consent_import", "voided", "the import is void"
    )
    cases = await stage.run("auditor", "consent", "cases", "--state", "open")
    assert [(one["import"], one["evidence"]["by"]) for one in cases["items"]] == [
        (number, "complaint")
    ]
    closed = await stage.run("reviewer", "consent", "cases", "--close", cases["items"][0]["id"])
    assert closed["state"] == "closed"
    report = await stage.run("auditor", "consent", "importers")
    assert [(one["account"], one["rows"], one["voided"]) for one in report["items"]] == [
        ("account1", 60, 1)
    ]
    for words in (("cases",), ("importers",)):
        assert (await stage.run("shop", "consent", *words, code=4))["error"]["code"] == (
            "missing_scope"
        )
    # What was kept of it names nobody.
    kept = await stage.platform.sql("SELECT evidence::text AS t FROM consent_case")
    acts = await stage.platform.sql("SELECT after::text AS t FROM staff_act")
    assert not any(mobiles(1)[0] in row["t"] for row in (*kept, *acts))


# By chance -----------------------------------------------------------------------------------


async def test_people_of_a_document_are_asked_by_chance_and_later(
    migrated_url: str, tmp_path: Path
) -> None:
    document = json.loads(Rulebook.load().canonical)
    document["consent"]["imports"]["value"]["effect"] = "note"
    document["consent"]["audits"]["value"]["document_rate"] = 0.25
    async with running(migrated_url, tmp_path) as first:
        assert first.settings.rulebook == str(tmp_path / "rulebook.json")
        await first.node.stop()
        lenient_rulebook(tmp_path).write_text(json.dumps(document), encoding="utf-8")
        await first.start_node()
        people = mobiles(40)
        await bring(first, people)
        assert await first.value("SELECT count(*) FROM standing") == 40
        rows = await first.sql("SELECT person_id, due_at FROM consent_audit")
        assert len(rows) == 10
        spread = max(row["due_at"] for row in rows) - min(row["due_at"] for row in rows)
        assert spread.days >= 2  # of fourteen: nobody can tell when
        move(first, 14 * 24 * HOUR)
        first.node.confirmer.wake()
        await first.until(lambda: len(asked(first)) == 10, "ten questions")
        await say(first, asked(first)[4], "从未同意")
        await wait_for(first, "SELECT state FROM consent_import", "voided", "the import is void")
        assert await first.value("SELECT count(*) FROM standing") == 0
        assert (await first.send(people[:9]))["allowed"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", "yes"), ("１", "yes"), (" 1。", "yes"), ("同意过", "yes"), ("1谢谢", "yes"),
        ("2", "never"), ("２ ", "never"), ("从未同意", "never"), ("我没同意！", "never"),
        ("Never.", "never"), ("12", "unclear"), ("21", "unclear"), ("", "unclear"),
        ("你是谁", "unclear"), ("同意过吗", "unclear"), ("不同意", "unclear"),
    ],
)  # fmt: skip
def test_what_an_answer_says(text: str, said: str) -> None:
    assert meaning(text) == said


def test_network_addresses() -> None:
    assert networks_of(["203.0.113.7", "", "2001:db8::1", "2001:db8::2"]) == [
        "203.0.113.7", "", "2001:db8::/64", "2001:db8::/64",
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="row 1"):
        networks_of(["", "somewhere"])


# What people give themselves -----------------------------------------------------------------


async def test_what_people_give_themselves_waits_for_a_witness_too(platform: Platform) -> None:
    people = mobiles(2)
    await bring(platform, people[:1])
    store = platform.node.store
    person = int(await platform.value("SELECT person_id FROM entry WHERE kind = 2"))
    entry = Entry(
        at_ms=int(platform.clock.now() * 1000), kind=Kind.GRANTED, person=person, group=1,
        sender=1, programme=1, purposes=1 << 2, grade=Grade.RECEIVER,
    )  # fmt: skip
    grants = desk(platform).grants
    desk(platform).witness.wanted = True
    move(platform, 2 * HOUR)
    async with store.transaction() as tx:
        assert await grants.put(tx, [entry], platform.clock.now()) == 0
    await desk(platform).step()
    assert await platform.value("SELECT max(grade) FROM standing") == 2
    desk(platform).witness.wanted = False
    await desk(platform).step()
    assert await platform.value("SELECT max(grade) FROM standing") == 3
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 2") == 2


# Writes that fail ----------------------------------------------------------------------------


class Frail:
    """A store whose commits fail now and then: lost, or done and not answered."""

    def __init__(self, store: Any, mode: str) -> None:
        self._store = store
        self._mode = mode
        self.fails = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transaction(self, **more: Any) -> Any:
        return _Frail(self, self._store, self._mode, more)


class _Frail:
    def __init__(self, frail: Frail, store: Any, mode: str, more: dict[str, Any]) -> None:
        self._frail = frail
        self._inner = store.transaction(**more)
        self._mode = mode

    async def __aenter__(self) -> Any:
        return await self._inner.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> Any:
        gone = Unavailable("commit_unknown", "nobody answered")
        if kind is None and self._frail.fails > 0:
            self._frail.fails -= 1
            if self._mode == "lost":
                await self._inner.__aexit__(Unavailable, gone, None)
            else:
                await self._inner.__aexit__(None, None, None)
            raise gone
        return await self._inner.__aexit__(kind, error, trace)


@pytest.mark.parametrize("mode", ["lost", "unanswered"])
async def test_opening_and_voiding_survive_commits_that_fail(platform: Platform, mode: str) -> None:
    """Whatever is lost or not answered: each person is opened once, and undone once."""
    platform.node.consent_desk.stop()  # it is stepped by hand here
    await platform.node._finish("consents")
    people = mobiles(2_500)
    one = desk(platform)
    frail = Frail(platform.node.store, mode)
    one.opener._store = frail  # type: ignore[assignment]  # fails as told
    one.voider._store = frail  # type: ignore[assignment]  # fails as told
    frail.fails = 1
    with pytest.raises(Unavailable):
        await bring(platform, people)
    for fails in (1, 1, 0, 0):
        frail.fails = fails
        try:
            await one.step()
        except Unavailable:
            continue
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 2") == 2_500
    assert await platform.value("SELECT count(*) FROM standing") == 2_500
    assert await platform.value("SELECT state FROM consent_import") == "opened"
    await one.shown.void(staff(platform), VoidRequest(reason="x", import_id="1"))
    for fails in (1, 1, 1, 0, 0):
        frail.fails = fails
        try:
            await one.step()
        except Unavailable:
            continue
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 8") == 2_500
    assert await platform.value("SELECT count(*) FROM standing") == 0
    assert await platform.value("SELECT state FROM consent_import") == "voided"
    rows = await platform.node.store.fetch("entries_between", 1, 10_000)
    rows = [row for row in rows if decode(bytes(row["body"])).person]
    ledger = fold((row["position"], decode(bytes(row["body"]))) for row in rows)
    assert not ledger.standings
