"""Self-examination: what was planted is found, what is honest is not, and the proof holds."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.examining import examined
from assent.app.main import app
from assent.consent.verify import verify
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow import examined as listing
from assent.flow.examine import Scope
from assent.flow.examine_bundle import told
from assent.flow.requests import Caller, Receiver, RefusalRequest
from assent.flow.text_requests import TextDecision
from assent.message import Purpose
from assent.policy.rulebook import Rulebook
from assent.screen.finding import Severity
from tests.flow.conftest import running
from tests.flow.planted import ADVERT, BAIT, HONEST, INTERNAL, NOTICE, Planted, document
from tests.flow.text_screens import Rule, WordScreens


@pytest.fixture
async def planted(migrated_url: str, tmp_path: Path) -> AsyncIterator[Planted]:
    async with running(migrated_url, tmp_path, document=document()) as platform:
        one = Planted(platform)
        await one.plant()
        yield one


async def look(planted: Planted, screens: WordScreens, **scope: Any) -> dict[str, Any]:
    examining = planted.examining(screens)
    await planted.catalogue.load(planted.node.store)
    return told(await examining.run(planted.scope(**scope)), planted.catalogue, texts=True)


async def test_what_was_planted_is_found_and_honest_texts_are_not(planted: Planted) -> None:
    # With what texts were screened with then, nothing is to be found.
    blind = WordScreens("blind")
    blind.rules = ()
    nothing = await look(planted, blind)
    assert (nothing["found"], nothing["messages"], nothing["batches"]) == ([], 20, 5)
    screens = WordScreens()
    found = await look(planted, screens)
    advert, bait = found["found"]
    assert (advert["port"]["number"], bait["port"]["number"]) == (INTERNAL, NOTICE)
    # One row for both orders of the advert; it was judged once.
    assert (advert["messages"], advert["people"], len(advert["batches"])) == (6, 6, 2)
    assert advert["customer"]["name"] == "account5"
    assert advert["verdict"] == "reject"
    assert {"gambling_words", "contact_chat"} <= {one["code"] for one in advert["reasons"]}
    assert all(one["zh"] and one["en"] for one in advert["reasons"])
    assert ADVERT in advert["text"]
    assert sum(screens.calls) == 4 + 1, "four texts, and one value in what came of it"
    # Of the notice only what the variable put in, and only whose it was.
    assert (bait["found_in"], bait["messages"], bait["people"]) == ("values", 2, 2)
    assert bait["batches"][0]["messages"] == [2, 4]
    assert BAIT in bait["text"]
    assert HONEST not in json.dumps(found, ensure_ascii=False)
    # Proof: the decisions of then, with what they were taken by.
    then = advert["decided_then"]
    rows = await planted.platform.sql("SELECT id, rulebook, position FROM submission")
    submissions = {str(row["id"]): row for row in rows}
    assert set(then["submissions"]) <= set(submissions)
    assert then["rulebooks"] == {planted.node.rulebook.digest.hex(): 6}
    assert len(then["screenings"]) == 1
    assert found["examined_with"]["screening"] == screens.digest
    assert then["ledger_positions"][0] == submissions[then["submissions"][0]]["position"]
    assert {one["kind"] for one in advert["case_evidence"]} == {"message"}
    # Only some, and nothing that is not there.
    one = await look(planted, screens, ports=(NOTICE,))
    assert [row["port"]["number"] for row in one["found"]] == [NOTICE]
    assert (await look(planted, screens, accounts=("account1",)))["messages"] == 8
    internal = await look(planted, screens, purposes=frozenset({Purpose.INTERNAL}))
    assert internal["messages"] == 12
    for wrong in ({"ports": ("1",)}, {"senders": ("X",)}, {"accounts": ("nobody",)}):
        with pytest.raises(NotFound):
            await look(planted, screens, **wrong)
    now = planted.scope()
    with pytest.raises(InvalidInput, match="period"):
        await planted.examining(screens).run(Scope(now.until, now.since))


async def test_what_people_decided_counts_as_it_does_for_orders(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, screens = planted.node, WordScreens()
    # A text that is held today, and that a reviewer approves, went rightly.
    loan = WordScreens("2", more=(Rule("meeting", "例会", "notice", Severity.HOLD),))
    before = await look(planted, loan)
    assert [row["messages"] for row in before["found"]] == [6, 2, 6]
    node.screening.texts.use(loan)
    answer = await planted.order(
        "internal", 5, text=HONEST, messages=[Receiver(to=planted.people[0])]
    )
    operator = node.catalogue.operator
    assert operator is not None
    for key in (101, 102):
        caller = Caller(operator.id, frozenset({"review", "second_review"}), False, key)
        shown = await node.screening.desk.approve(
            caller, int(answer["texts"][0]["review"]), TextDecision(code="in_order")
        )
        if shown["state"] == "approved":
            break
    after = await look(planted, loan)
    assert [row["messages"] for row in after["found"]] == [6, 2]
    assert after["approved_by_people"] == 6
    # Of batches so many are named, the others counted.
    monkeypatch.setattr(listing, "REFERENCES", 1)
    (advert, _) = (await look(planted, screens))["found"]
    assert (len(advert["batches"]), advert["batches_left_out"], advert["messages"]) == (1, 1, 6)
    # What would be too long a list is refused, not cut.
    monkeypatch.setattr(listing, "MOST", 1)
    with pytest.raises(Conflict, match="more than 1"):
        await look(planted, screens)


async def test_it_judges_by_todays_rulebook_and_by_standing_as_it_was(planted: Planted) -> None:
    """A refusal after the fact changes nothing; a stricter rulebook does."""
    platform, blind = planted.platform, WordScreens("blind")
    blind.rules = ()
    rulebook = json.loads(planted.node.rulebook.canonical)
    request = RefusalRequest(sender="CODE1", to=planted.people[:2], source="counter")
    await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
    assert (await look(planted, blind))["found"] == []
    for profile in rulebook["profiles"].values():
        profile["port_purposes"]["value"]["internal"] = []
    stricter = planted.examining(blind, Rulebook.from_document(rulebook))
    await planted.catalogue.load(planted.node.store)
    out = told(await stricter.run(planted.scope()), planted.catalogue, texts=False)
    assert {row["port"]["number"] for row in out["found"]} == {INTERNAL}
    assert {one["code"] for row in out["found"] for one in row["reasons"]} == {"wrong_port_purpose"}
    assert out["by_reason"] == {"wrong_port_purpose": 12}
    assert "text" not in out["found"][0]
    # An entry that is gone from what was known then: nobody stood.
    await platform.sql("UPDATE submission SET position = 0")
    await platform.sql("UPDATE batch SET position = 0")
    unproved = await look(planted, blind)
    assert unproved["by_reason"] == {"no_standing": 12}
    assert {one["source"] for row in unproved["found"] for one in row["reasons"]} == {"ledger"}


async def test_the_archive_verifies_and_what_was_done_is_written_down(planted: Planted) -> None:
    node = planted.node
    record, archive = await examined(
        planted.platform.settings, node.store, node.vault, node.clock, planted.scope(),
        texts=False, sealed=True,
    )  # fmt: skip
    verdict = verify(archive, [str(node.ledger.keys[0])])
    assert (verdict.exit_code, verdict.faults) == (0, [])
    assert any("rulebook" in words for words in verdict.proved)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        kept = json.loads(files.read("records/examination.json"))
    assert kept == record
    assert "text" not in json.dumps([sorted(row) for row in kept["found"]]).split('"')
    # The packaged screener finds both, too.
    assert {row["port"]["number"] for row in record["found"]} == {INTERNAL, NOTICE}
    assert verify(archive.replace(b'"messages":6', b'"messages":5')).exit_code == 1
    (act,) = await planted.platform.sql(
        "SELECT what, after::text AS after FROM staff_act WHERE what = 'examination.run'"
    )
    after = json.loads(act["after"])
    assert after["found"] == len(record["found"])
    assert ADVERT not in act["after"]


async def test_at_the_machine(planted: Planted, tmp_path: Path) -> None:
    """The commands, as processes of their own beside the platform."""
    config, out, table = (tmp_path / name for name in ("a.toml", "found.zip", "replayed.csv"))
    rulebook = planted.platform.settings.rulebook
    config.write_text(f'database_url = "{planted.platform.url}"\nrulebook = "{rulebook}"\n')
    scope = planted.scope()
    period = ("--from", scope.since.isoformat(), "--to", scope.until.isoformat())
    code, said = await command("examine", "-c", str(config), *period, "--out", str(out), "--json")
    assert code == 1, said
    found = json.loads(said)
    assert {row["port"]["number"] for row in found["found"]} == {INTERNAL, NOTICE}
    assert verify(out.read_bytes()).exit_code == 0
    assert out.stat().st_mode & 0o077 == 0
    stricter = json.loads(planted.node.rulebook.canonical)
    for profile in stricter["profiles"].values():
        profile["code_words"]["value"] = ["密码"]
    tried = tmp_path / "tried.json"
    tried.write_text(json.dumps(stricter))
    code, said = await command(
        "replay", "-c", str(config), *period, "--rulebook", str(tried), "--csv", str(table)
    )
    assert code == 0, said
    assert "code_word_missing" in said
    assert "reason,,allow,,reject,code_word_missing,2" in table.read_text()


def test_what_cannot_be_asked_at_the_machine(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("no,rulebook")
    for words in (
        ["examine", "--purposes", "nothing"],
        ["examine", "--from", "2026-11-02T00:00:00Z", "--to", "2026-11-01T00:00:00Z"],
        ["examine", "--from", "yesterday"],
        ["replay", "--rulebook", str(table)],
        ["replay", "--model", str(table)],
        ["replay", "--words", str(tmp_path / "missing")],
        ["replay", "--ceilings", str(table)],
    ):
        assert CliRunner().invoke(app, words).exit_code == 1, words


async def command(*words: str) -> tuple[int, str]:
    """Run `assent` and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.app.main", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200"},
    )  # fmt: skip
    said, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode() or errors.decode()
