"""An old backup is restored: it is noticed, nothing marketing leaves, refusals come back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from assent.app.beside import Beside
from assent.app.ledger import WitnessFile
from assent.app.mail import MailFile
from assent.app.metrics import text
from assent.clock import SystemClock
from assent.consent.entry import Entry, Kind, Scope
from assent.consent.note import KeyKind, SigningKey
from assent.consent.witness import Request, cosign
from assent.errors import Conflict, InvalidInput, Unavailable
from assent.flow.bring_back import bring_back
from assent.flow.journal import RefusalJournal, read_journal
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.flow.rollback import Recoveries
from tests.flow.conftest import PROMPT, Platform, noon_offset, number, register
from tests.flow.test_sealing import LOG

HERS, HIS, OTHERS = number("mobile", 1), number("mobile", 2), number("unicom", 3)
SEEN_AT = 1_800_000_000.0
WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))
KEPT = (
    "entry", "entry_position", "standing", "standing_end", "refusal", "pause", "confirmation",
    "ledger_tile", "ledger_checkpoint", "ledger_witness", "setting", "person", "class_stop",
    "ledger_recovery", "inbound", "reply",
)  # fmt: skip


class Stage:
    """A platform whose node may be stopped and started, and whose database may be set back."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def backup(self) -> None:
        """Copy the tables that a backup would hold."""
        await self.change(
            "CREATE SCHEMA backup",
            *(f"CREATE TABLE backup.{name} AS TABLE {name}" for name in KEPT),
        )

    async def restore(self) -> None:
        """Have the database be what it was."""
        await self.change(
            "SET session_replication_role = replica",
            *(f"DELETE FROM {name}" for name in reversed(KEPT)),
            *(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM backup.{name}"
              for name in KEPT),
        )  # fmt: skip

    async def change(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.platform.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def sealed(self) -> None:
        """Wait until everything is sealed, and our own file knows."""
        node = self.platform.node

        def done() -> bool:
            head = node.ledger.beside.head()
            return head is not None and head.size == node.ledger.sealer.head.size

        async def all_of_it() -> bool:
            size = await self.platform.value("SELECT max(position) FROM entry")
            return node.ledger.sealer.head.size == size and done()

        await self.platform.until(all_of_it, "the head is kept")

    async def refuse(self, who: str, text: str = "TD") -> None:
        platform = self.platform
        port = await platform.value(
            "SELECT number FROM port WHERE purpose = 3 AND sender_id = 1 LIMIT 1"
        )
        before = await platform.value("SELECT count(*) FROM refusal")
        platform.simulators["mobile" if who.startswith("139") else "unicom"].send_mo(
            who, port, text
        )

        async def refused() -> bool:
            return bool(await platform.value("SELECT count(*) FROM refusal") > before)

        await platform.until(refused, "she is refused")

    def marketing_to(self, who: str) -> list[dict[str, Any]]:
        return [one for one in self.platform.submits() if one["destination"] == who
                and "夏装" in (one["text"] or "")]  # fmt: skip

    def staff(self) -> Caller:
        operator = self.platform.node.catalogue.operator
        assert operator is not None
        return Caller(operator.id, frozenset({"admin"}), False, 1)

    def recoveries(self) -> Recoveries:
        node = self.platform.node
        return Recoveries(node.store, node.clock, node.catalogue)


@pytest.fixture
async def stage(migrated_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    try:
        await platform.file(register(2))
        platform.settings.ledger.journal_dir = str(tmp_path / "beside")
        await platform.start_node()
        # What texts are screened with is an entry; it shall not come in the middle.
        await platform.node.screening.texts.ready()
        told = "SELECT count(*) FROM entry WHERE kind = 12"
        before = await platform.value(told)

        async def noted() -> bool:
            return bool(await platform.value(told) > 3)

        assert before >= 3
        await platform.until(noted, "it is noted")
        yield Stage(platform)
        await platform.node.stop()
    finally:
        await platform.stop()


async def test_a_refusal_survives_the_restoring_of_an_older_backup(
    stage: Stage, tmp_path: Path
) -> None:
    platform = stage.platform
    await platform.consent([HERS, HIS, OTHERS])
    await stage.sealed()
    await stage.backup()
    await stage.refuse(HERS)
    await stage.refuse(OTHERS, "退订")
    codes = [
        row[0] for row in await platform.sql("SELECT receipt_code FROM confirmation ORDER BY 1")
    ]
    await stage.sealed()
    await platform.node.stop()
    await stage.restore()
    assert await platform.value("SELECT count(*) FROM refusal") == 0

    await platform.start_node()
    answer = await platform.send([HERS, HIS, OTHERS])
    assert answer["allowed"] == 0
    assert set(answer["reasons"]) == {"class_stopped"}
    assert (await platform.send([HIS], "verification"))["allowed"] == 1
    assert (await platform.send([HIS], "notification"))["allowed"] == 1
    (row,) = await stage.recoveries().show()
    assert (row["source"], row["code"], row["ended_at"]) == ("head", "ledger_rolled_back", None)
    assert row["size"] < row["seen"]
    assert platform.node.report()["ledger"]["held"]

    config = tmp_path / "assent.toml"
    config.write_text(
        f'database_url = "{platform.url}"\n[ledger]\njournal_dir = "{tmp_path / "beside"}"\n'
    )
    for recovered in (2, 0):  # it may be repeated
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "assent.app.main", "ledger", "recover", "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), 60.0)
        assert process.returncode == 0, errors
        told = json.loads(output)
        assert (told["recovered"], told["lines"], told["strange"]) == (recovered, 2, 0)
    bodies = await platform.sql("SELECT body FROM entry WHERE kind = $1", int(Kind.WITHDRAWN))
    assert sorted(bytes(row[0])[-8:].decode() for row in bodies) == codes

    ended = await stage.recoveries().end(stage.staff(), "journal imported")
    assert ended == {"ended": 1, "recovered": 2}
    with pytest.raises(Conflict):
        await stage.recoveries().end(stage.staff(), "again")

    async def goes_on() -> bool:
        return bool((await platform.send([HIS]))["allowed"] == 1)

    await platform.until(goes_on, "marketing goes on")
    answer = await platform.send([HERS, OTHERS])
    assert answer["allowed"] == 0
    await platform.until(lambda: len(stage.marketing_to(HIS)) == 1, "his arrived")
    assert not stage.marketing_to(HERS)
    assert not stage.marketing_to(OTHERS)
    acts = await platform.sql("SELECT what, after::text FROM staff_act")
    assert [act["what"] for act in acts] == ["ledger.resume"]
    await stage.sealed()
    await platform.node.stop()  # a recovery that was ended is not noticed again
    await platform.start_node()
    assert not platform.node.report()["ledger"]["held"]


async def test_a_rewritten_ledger_is_noticed_without_a_witness(stage: Stage) -> None:
    platform = stage.platform
    await platform.consent([HERS, HIS])
    await stage.sealed()
    await platform.node.stop()
    await stage.change(
        "SET session_replication_role = replica",
        "UPDATE entry SET body = set_byte(body, 15, 0) WHERE kind = 2",
        "DELETE FROM ledger_tile",
        "DELETE FROM ledger_checkpoint",
    )
    # Everything is sealed again, with the real key, before anybody looks.
    head = platform.node.ledger.beside.directory
    hidden = [(path, path.read_bytes()) for path in head.glob("head-*.json")]
    for path, _ in hidden:
        path.unlink()
    await platform.start_node()
    await stage.sealed()
    await platform.node.stop()
    for path, octets in hidden:
        path.write_bytes(octets)
    await platform.start_node()
    (row,) = await stage.recoveries().show()
    assert row["code"] == "ledger_forked"


async def test_a_file_that_cannot_be_read_is_no_new_beginning(stage: Stage) -> None:
    platform = stage.platform
    await platform.consent([HERS])
    await stage.sealed()
    await platform.node.stop()
    (path,) = platform.node.ledger.beside.directory.glob("head-*.json")
    good = path.read_bytes()
    path.write_text("{")
    with pytest.raises(InvalidInput, match="checkpoint"):
        await platform.start_node()
    await platform.node.store.close()
    path.write_bytes(good)
    await platform.start_node()


async def test_a_disk_that_fails_does_not_fail_a_refusal(stage: Stage) -> None:
    platform = stage.platform
    journal = platform.node.ledger.journal
    assert journal is not None

    def full(octets: bytes) -> None:
        raise OSError(28, "no space left")

    journal._write = full
    await platform.consent([HERS])
    await stage.refuse(HERS)
    report = platform.node.report()
    assert (report["ledger"]["journal_lost"], report["errors"]["journal"]) == (1, "journal_28")


async def test_refusals_that_come_together_share_a_write(stage: Stage) -> None:
    node = stage.platform.node
    people = await node.directory.ids(
        node.store, np.arange(8613900000001, 8613900000101, dtype=np.uint64), utc(0.0)
    )
    writes: list[bytes] = []

    def slow(octets: bytes) -> None:
        time.sleep(0.01)
        writes.append(octets)

    journal = RefusalJournal(node.vault, node.directory, node.catalogue, slow)

    async def one(person: int) -> None:
        entry = Entry(
            1, Kind.WITHDRAWN, person, group=1, purposes=4, scope=Scope.GROUP, receipt="ABC"
        )
        await (await journal.begin(node.store, [entry]))
        assert any(octets for octets in writes)  # it is written when this ends

    await asyncio.gather(*(one(person) for person in people.tolist()))
    assert len(writes) <= 3
    noted = list(read_journal(node.vault, writes))
    assert sorted(line.entry.person for line in noted if line) == sorted(people.tolist())
    assert journal.kept == 100


async def test_lines_that_were_cut_off_or_changed(stage: Stage) -> None:
    platform = stage.platform
    node = platform.node
    await platform.consent([HERS, OTHERS])
    await stage.refuse(HERS)
    (octets,) = node.ledger.beside.journals()
    good = list(read_journal(node.vault, [octets]))
    assert len(good) == 1
    assert good[0] is not None
    assert good[0].senders == ("CODE1",)
    assert HERS[2:].encode() not in octets
    torn = octets + octets[: len(octets) // 2]
    assert list(read_journal(node.vault, [torn])) == good
    changed = bytearray(octets + octets)
    changed[30] ^= 1
    assert list(read_journal(node.vault, [bytes(changed)])) == [None, *good]
    (path,) = node.ledger.beside.directory.glob("refusals-*.journal")
    path.write_bytes(torn)  # what a crash leaves
    node.ledger.beside.close()
    await stage.refuse(OTHERS)
    lines = list(read_journal(node.vault, node.ledger.beside.journals()))
    assert [one is None for one in lines] == [False, True, False]
    brought = await bring_back(node.store, node.clock, lines, node.vault)
    assert (brought.there, brought.recovered, brought.unreadable) == (2, 0, 1)


async def test_senders_that_nobody_knows_any_more(stage: Stage) -> None:
    """A refusal whose sender the backup does not know ends everybody's marketing to her."""
    platform = stage.platform
    await platform.consent([HERS])
    await stage.sealed()
    await stage.backup()
    await stage.refuse(HERS)
    await stage.sealed()
    await platform.node.stop()
    await stage.restore()
    await stage.change("UPDATE sender SET credit_code = 'OTHER' WHERE credit_code = 'CODE1'")
    node = await platform.start_node()
    lines = list(read_journal(node.vault, node.ledger.beside.journals()))
    brought = await bring_back(node.store, node.clock, lines, node.vault)
    assert (brought.recovered, brought.strange) == (1, 1)
    assert await platform.value("SELECT count(*) FROM refusal WHERE group_id = 0") == 1


async def test_who_was_erased_is_not_met_again(stage: Stage) -> None:
    platform = stage.platform
    node = platform.node
    await platform.consent([HERS])
    await stage.refuse(HERS)
    await stage.change("UPDATE person SET msisdn = NULL, secret = NULL")
    lines = list(read_journal(node.vault, node.ledger.beside.journals()))
    brought = await bring_back(node.store, node.clock, lines, node.vault)
    assert (brought.there, brought.recovered) == (1, 0)
    assert await platform.value("SELECT count(*) FROM person WHERE msisdn IS NOT NULL") == 0


def test_journals_go_after_their_time(tmp_path: Path) -> None:
    clock = SystemClock()
    beside = Beside(tmp_path, LOG.public, "all", clock, 100)
    mark = LOG.public.id.hex()
    (tmp_path / f"refusals-{mark}-all-2020-01.journal").write_bytes(b"x\n")
    (tmp_path / f"refusals-{'0' * 8}-all-2020-01.journal").write_bytes(b"another log's\n")
    beside.write(b"new\n")
    beside.close()
    left = sorted(path.name for path in tmp_path.glob("*.journal"))
    assert len(left) == 2
    assert f"refusals-{mark}-all-2020-01.journal" not in left
    assert list(beside.journals()) == [b"new\n"]


class Silent:
    """Witnesses, as far as they answer."""

    def __init__(self) -> None:
        self.answer: tuple[int, str] | None = None
        self.asked = 0

    async def post(self, url: str, body: str) -> tuple[int, str]:
        self.asked += 1
        if self.answer is None:
            raise Unavailable("witness_away", "the witness does not answer")
        if self.answer[0] == 200:
            request = Request.parse(body)
            return 200, str(cosign(request, WITNESS, int(SEEN_AT)))
        return self.answer


async def test_on_another_machine_marketing_waits_until_a_witness_answers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = stage.platform
    await platform.consent([HERS])
    await stage.sealed()
    await platform.node.stop()
    for path in platform.node.ledger.beside.directory.glob("head-*.json"):
        path.unlink()  # the directory was not brought along
    silent = Silent()
    monkeypatch.setattr("assent.app.ledger.post", silent.post)
    url = "http://127.0.0.1:9/add-checkpoint"
    platform.settings.ledger.witnesses = [WitnessFile(key=str(WITNESS.public), url=url)]
    await platform.start_node()
    assert (await platform.send([HERS]))["reasons"] == {"class_stopped": 1}
    (row,) = await stage.recoveries().show()
    assert row["code"] == "ledger_unchecked"
    silent.answer = (200, "")
    await platform.node.ledger.witnessing.round()

    async def goes_on() -> bool:
        return bool((await platform.send([HERS]))["allowed"] == 1)

    await platform.until(goes_on, "marketing goes on by itself")


async def test_a_witness_that_saw_more_stops_marketing_while_it_runs(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = stage.platform
    await platform.consent([HERS])
    await stage.sealed()
    await platform.node.stop()
    silent = Silent()
    silent.answer = (409, "1000000\n")
    monkeypatch.setattr("assent.app.ledger.post", silent.post)
    url = "http://127.0.0.1:9/add-checkpoint"
    platform.settings.ledger.witnesses = [WitnessFile(key=str(WITNESS.public), url=url)]
    await platform.start_node()
    assert (await platform.send([HERS]))["reasons"] == {"class_stopped": 1}
    await stage.recoveries().end(stage.staff(), "the witness's operator confirms a mistake")
    asked = silent.asked
    await platform.node.ledger.witnessing.round()
    assert silent.asked > asked

    async def goes_on() -> bool:
        return bool((await platform.send([HERS]))["allowed"] == 1)

    await platform.until(goes_on, "what staff answered is not noticed again")


async def test_an_hour_without_a_witness_is_told_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = stage.platform
    await platform.consent([HERS])
    await stage.sealed()
    await platform.node.stop()
    silent = Silent()
    monkeypatch.setattr("assent.app.ledger.post", silent.post)
    url = "http://127.0.0.1:9/add-checkpoint"
    platform.settings.ledger.witnesses = [WitnessFile(key=str(WITNESS.public), url=url)]
    mail = platform.directory / "mail"
    platform.settings.mail = MailFile(directory=str(mail), sender="no-reply@platform.example")
    node = await platform.start_node()
    await administrator(platform)
    report = node.report()["ledger"]
    assert (report["witness_missing"], report["witnesses"]) == (False, 1)
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 3_700)
    for _ in range(3):
        await node.ledger.witnessing.round()
    report = node.report()["ledger"]
    assert report["witness_missing"]
    assert report["witness_missing_seconds"] > 3_600
    assert b'assent_ledger_witness_missing{role="all"} 1.0' in text({1: node.report()})
    assert await platform.value("SELECT count(*) FROM mail_out") + len(
        list(mail.glob("*"))
    ) == 1  # fmt: skip
    # Refusals and codes wait for nobody.
    assert (await platform.send([HERS], "verification"))["allowed"] == 1
    await stage.refuse(HERS)
    silent.answer = (200, "")
    monkeypatch.setattr("tests.flow.test_rollback.SEEN_AT", platform.clock.now())
    await node.ledger.witnessing.round()
    assert not node.report()["ledger"]["witness_missing"]


async def administrator(platform: Platform) -> None:
    """Give the operator's account somebody to write to."""
    node = platform.node
    operator = node.catalogue.operator
    assert operator is not None
    now = utc(node.clock.now())
    actor = await node.store.fetchval("actor_insert", "root@o.example", "root", "x", now)
    await node.store.execute("roles_put", operator.id, actor, ["administrator"], now)
