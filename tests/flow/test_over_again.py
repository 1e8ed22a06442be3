"""A restored backup knows no erasure, new holder or reply since: they come back from beside it."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assent.app import ledger_commands
from assent.clock import SystemClock
from assent.consent.entry import Kind, decode
from assent.flow.erasure import Wish
from assent.flow.erasure_requests import ReassignmentRequest
from assent.flow.journal import read_journal
from assent.flow.over_again import facts_of, over_again
from assent.flow.replies_back import RepliesBrought, read_copies
from assent.flow.requests import Caller
from tests.flow.conftest import PROMPT, Platform, noon_offset, number, register
from tests.flow.test_rollback import KEPT, Stage

HERS, HIS, OTHERS, LATE = (number("mobile", place) for place in range(1, 5))
MORE = ("number_mark", "erasure", "legal_hold", "reassignment_file", "complaint")


class Older(Stage):
    """One whose backup holds what erasures change, too."""

    async def backup(self) -> None:
        await super().backup()
        await self.change(*(f"CREATE TABLE backup.{name} AS TABLE {name}" for name in MORE))

    async def restore(self) -> None:
        await super().restore()
        await self.change(
            "SET session_replication_role = replica",
            *(f"DELETE FROM {name}" for name in MORE),
            *(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM backup.{name}"
              for name in MORE),
        )  # fmt: skip

    async def back(self) -> None:
        """Stop, restore, start again."""
        await self.sealed()
        await self.platform.node.stop()
        await self.restore()
        await self.platform.start_node()

    async def recover(
        self, directory: Path, *replies: Path, copy: Path | None = None
    ) -> dict[str, Any]:
        """Run `assent ledger recover`, or `assent ledger replies`; return what it prints."""
        config = directory / "assent.toml"
        config.write_text(
            f'database_url = "{self.platform.url}"\n'
            f'vault_key_file = "{self.platform.settings.vault_key_file}"\n'
            f'[ledger]\njournal_dir = "{directory / "beside"}"\n'
        )
        code = 0
        with contextlib.redirect_stdout(io.StringIO()) as output:
            if copy is not None:
                code = await ledger_commands._copy(config, copy, None)
            else:
                code = await ledger_commands._recover(config, None, list(replies))
        assert code == 0
        told: dict[str, Any] = json.loads(output.getvalue().splitlines()[-1])
        return told

    async def kinds(self) -> list[Kind]:
        rows = await self.platform.sql(
            "SELECT body FROM entry WHERE person_id > 0 ORDER BY position"
        )
        return [decode(bytes(row["body"])).kind for row in rows]


@pytest.fixture
async def stage(migrated_url: str, tmp_path: Path) -> AsyncIterator[Older]:
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    try:
        await platform.file(register(2))
        platform.settings.ledger.journal_dir = str(tmp_path / "beside")
        await platform.start_node()
        yield Older(platform)
        await platform.node.stop()
    finally:
        await platform.stop()


def _number(phone: str) -> int:
    return int(f"86{phone}")


async def test_erasures_and_new_holders_survive_the_restoring_of_an_older_backup(
    stage: Older, tmp_path: Path
) -> None:
    platform = stage.platform
    assert set(MORE).isdisjoint(KEPT)
    await platform.consent([HERS, HIS, OTHERS])
    await stage.sealed()
    await stage.backup()
    desk = platform.node.erasure_desk
    await stage.refuse(HERS)
    assert (await desk.erasing.erase(Wish(_number(HERS), "receiver"))).state == "erased"
    staff = Caller(stage.staff().account_id, frozenset({"links"}), False, 1)
    today = datetime.fromtimestamp(platform.clock.now(), UTC).date()
    request = ReassignmentRequest(source="mobile", dated=today, numbers=[HIS], sure=True)
    assert (await desk.reassignments.take(staff, request))["closed"] == 1
    # Met and forgotten since the backup: it knows nothing of her.
    await platform.consent([LATE])
    await stage.refuse(LATE)
    assert (await desk.erasing.erase(Wish(_number(LATE), "receiver"))).state == "erased"
    lines = list(read_journal(platform.node.vault, platform.node.ledger.beside.journals()))
    facts = facts_of(lines)
    assert [one.entry.kind for one in facts] == [Kind.ERASED, Kind.REASSIGNED, Kind.ERASED]
    assert {one.msisdn for one in facts} == {0}  # digests, no numbers
    # Here, where nothing is lost, there is nothing to do.
    node = platform.node
    again = await over_again(node.store, node.clock, facts, node.vault, 6)
    assert (again.facts, again.there, again.erased + again.reassigned + again.nobody) == (3, 3, 0)

    await stage.back()
    known = "SELECT count(*) FROM person WHERE msisdn IS NOT NULL"
    assert await platform.value(known) == 3
    assert not await platform.value("SELECT count(*) FROM number_mark")
    told = await stage.recover(tmp_path)
    assert (told["over_again"]["erased"], told["over_again"]["reassigned"]) == (1, 1)
    assert told["over_again"]["nobody"] == 1
    # Refusals of before are not brought back to people who are over: that would meet them again.
    assert (told["over"], told["recovered"], told["unreadable"]) == (2, 0, 0)
    assert await platform.value(known) == 1
    assert await platform.value("SELECT count(*) FROM number_mark") == 3
    first = await stage.kinds()
    assert sorted(first) == sorted([*[Kind.GRANTED] * 3, Kind.ERASED, Kind.REASSIGNED])
    told = await stage.recover(tmp_path)
    assert (told["over_again"]["there"], told["over_again"]["nobody"]) == (2, 1)
    assert await stage.kinds() == first
    # No list brings them back.
    await platform.node.catalogue.load(platform.node.store)
    await platform.consent([HERS, HIS, LATE])
    assert await platform.value("SELECT count(*) FROM standing") == 1


async def test_somebody_who_was_met_since_the_restoring(stage: Older, tmp_path: Path) -> None:
    """A list brings an erased number in before the journal is read."""
    platform = stage.platform
    await platform.consent([HIS])
    await stage.sealed()
    await stage.backup()
    await platform.consent([HERS])
    await platform.node.erasure_desk.erasing.erase(Wish(_number(HERS), "receiver"))
    await stage.back()
    await platform.consent([HERS])
    assert await platform.value("SELECT count(*) FROM standing") == 2
    told = await stage.recover(tmp_path)
    assert told["over_again"]["later"] == 1
    assert await platform.value("SELECT count(*) FROM standing") == 1
    kinds = await stage.kinds()
    assert kinds[-2:] == [Kind.RECEIVER_ONLY, Kind.EXPIRED]
    await stage.recover(tmp_path)
    assert await stage.kinds() == kinds


async def test_refusals_come_back_from_copies_of_replies(stage: Older, tmp_path: Path) -> None:
    """The journal is lost with the disk; carriers know what they handed over, and there is a copy
    of the raw store."""
    platform = stage.platform
    await platform.consent([HERS, HIS, OTHERS])
    await stage.sealed()
    await stage.backup()
    await stage.refuse(HERS)
    await stage.refuse(HIS, "TD，" + "谢谢" * 50)  # in parts
    unclear = "SELECT count(*) FROM reply WHERE intent = 'unclear'"
    port = await platform.value(
        "SELECT number FROM port WHERE purpose = 3 AND sender_id = 1 LIMIT 1"
    )
    platform.simulators["mobile"].send_mo(OTHERS, port, "不用了")
    platform.simulators["mobile"].send_mo(number("mobile", 9), port, "你好")

    async def waits() -> bool:
        return bool(await platform.value(unclear) == 1)

    await platform.until(waits, "it is unclear")
    copy = tmp_path / "replies.jsonl"
    told = await stage.recover(tmp_path, copy=copy)
    assert told["lines"] >= 5
    assert copy.stat().st_mode & 0o777 == 0o600
    for recorder in platform.recorders.values():
        recorder.flush()
    record = tmp_path / "carrier-mobile.jsonl"
    await stage.back()
    for path in (tmp_path / "beside").glob("*.journal"):
        path.unlink()
    told = await stage.recover(tmp_path, record)
    assert (told["replies"]["recovered"], told["replies"]["paused"]) == (2, 1)
    told = await stage.recover(tmp_path, copy, record)
    assert (told["replies"]["recovered"], told["replies"]["paused"]) == (0, 0)
    assert told["replies"]["there"] == 6
    assert await platform.value("SELECT count(*) FROM refusal") == 2
    assert await platform.value("SELECT count(*) FROM pause") == 1
    assert await platform.value(unclear) == 1  # for a person to read
    # Nobody is written to about it.
    assert not await platform.value("SELECT count(*) FROM confirmation")
    bodies = await platform.sql("SELECT body FROM entry WHERE kind = 3")
    ages = [platform.clock.now() - decode(bytes(row["body"])).at_ms / 1000 for row in bodies]
    assert all(0 < age < 120 for age in ages)


def test_copies_are_read_as_they_come() -> None:
    def line(**more: Any) -> bytes:
        fields = {"t": 1_000, "carrier": "m", "direction": "out", "source": "1", "destination": "2",
                  "text": "TD", "segment": None, **more}  # fmt: skip
        return json.dumps(fields).encode() + b"\n"

    found = RepliesBrought()
    texts = read_copies(
        [
            line(), line(direction="in"), line(text=None, status="DELIVRD"), line(source=None),
            b"{\n", b"\xff\n", b"\n",
            line(t=9_000, segment=[7, 2, 2], text="D"), line(t=8_000, segment=[7, 1, 2], text="T"),
            line(t=5_000, segment=[8, 2, 2], text="D"),
            # The same reference much later is another text.
            line(t=10**15, segment=[7, 1, 2], text="你"),
            line(t=10**15, segment=[7, 2, 2], text="好"),
        ],
        found,
    )  # fmt: skip
    assert sorted(one.text for one in texts) == sorted(["TD", "TD", "…D", "你好"])
    assert (found.lines, found.unreadable) == (11, 2)
