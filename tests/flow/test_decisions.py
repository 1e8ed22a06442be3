"""Decisions name their reasons and can be taken again from what is stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assent.consent.entry import decode
from assent.consent.standing import fold
from assent.flow.claims import ClaimBook
from assent.flow.columns import U16, U32, U64, unpack
from assent.flow.requests import RefusalRequest
from assent.message import Purpose
from assent.numbers import NumberTable, zone_minutes
from assent.policy.caps import ClaimSet
from assent.policy.decide import Verdict, decide
from assent.policy.facts import PASSED, Content, Facts, People
from assent.policy.reasons import BY_NUMBER
from assent.policy.reasons import unpack as reasons_of
from assent.policy.rulebook import Rulebook
from assent.text import segment_counts
from tests.flow.conftest import Platform, numbers


def rulebook_of(platform: Platform) -> Rulebook:
    assert platform.settings.rulebook is not None
    return Rulebook.load(Path(platform.settings.rulebook))


async def replay(platform: Platform, submission: int) -> tuple[Any, Any]:
    """Judge the people of a submission again, from rows alone.

    What no row tells is taken from elsewhere: routes and the port's approval are those of
    today; the text is that of a batch, so there must be one; the balance is known to suffice.
    """
    (row,) = await platform.sql("SELECT * FROM submission WHERE id = $1", submission)
    rulebook = rulebook_of(platform)
    numbers_table = NumberTable.load()
    assert row["rulebook"] == rulebook.digest.hex()
    assert row["numbers"] == numbers_table.digest
    batches = await platform.sql("SELECT * FROM batch WHERE submission_id = $1", submission)
    decision = await platform.sql("SELECT * FROM decision WHERE submission_id = $1", submission)
    who: dict[int, tuple[int, int, int]] = {}  # input row → person, reason, findings
    for batch in batches:
        for place, person in zip(
            unpack(batch["rows"], U32).tolist(), unpack(batch["people"], U32).tolist(), strict=True
        ):
            who[place] = (person, 0, 0)
    for rejected in decision:
        columns = (("people", U32), ("reasons", U16), ("findings", U64))
        values = [unpack(rejected[name], width).tolist() for name, width in columns]
        for place, *rest in zip(unpack(rejected["rows"], U32).tolist(), *values, strict=True):
            who[place] = (rest[0], rest[1], rest[2])
    assert sorted(who) == list(range(row["n"])), "every row has a decision"
    stored = np.array([who[place] for place in sorted(who)], np.uint64)
    people = stored[:, 0].astype(np.uint32)
    facts, columns_, content = await gather(platform, row, batches[0], people, rulebook)
    return stored, decide(columns_, content, facts, rulebook)


async def gather(
    platform: Platform, row: Any, batch: Any, people: npt.NDArray[np.uint32], rulebook: Rulebook
) -> tuple[Facts, People, Content]:
    now = row["at"].timestamp()
    n = len(people)
    msisdn = {r["id"]: r["msisdn"] for r in await platform.sql("SELECT id, msisdn FROM person")}
    who = np.array([msisdn[int(person)] for person in people], np.uint64)
    duplicate = np.ones(n, np.bool_)
    duplicate[np.unique(people, return_index=True)[1]] = False
    zones = zone_minutes(who)
    columns = People(
        people, NumberTable.load().lookup(who).network, zones, np.zeros(n, np.uint8), duplicate
    )
    segments = np.repeat(segment_counts([batch["content"]]), n)
    content = Content(Purpose(row["purpose"]), batch["content"], segments)
    entries = await platform.sql(
        "SELECT position, body FROM entry WHERE position <= $1 ORDER BY position", row["position"]
    )
    ledger = fold((e["position"], decode(e["body"])) for e in entries)
    at_ms = int(now * 1000)
    standings = [ledger.standing(batch["programme_id"], int(p)) for p in people]
    purpose = row["purpose"]
    claimed = ClaimSet()
    book = ClaimBook(rulebook)
    for claim in await platform.sql("SELECT * FROM cap_claim WHERE at < $1", row["at"]):
        key = (claim["ledger"], claim["key"])
        claimed.add(key, unpack(claim["people"], U32), int(claim["at"].timestamp()))
    claims: dict[str, npt.NDArray[np.int32]] = {}
    group = batch["group_id"]
    for key, _ in book.keys(Purpose(purpose), row["sender_id"], group, people):
        caps = book.ledgers(Purpose(purpose))[key[0]]
        claims.update(claimed.counts(key, people, now, zones, caps))
    (port,) = await platform.sql("SELECT * FROM port WHERE id = $1", batch["port_id"])
    (sender,) = await platform.sql("SELECT * FROM sender WHERE id = $1", row["sender_id"])
    facts = Facts(
        now=now,
        port_purpose=Purpose(port["purpose"]),
        port_active=port["status"] == "active",
        port_free_to_reply=port["free_to_reply"],
        port_signature=port["signature"],
        contacts=(sender["contact"],),
        grade=np.array([s.grade_at(at_ms) for s in standings], np.uint8),
        refused=np.array(
            [
                bool(ledger.refusals(group, int(p)) >> purpose & 1) and not s.fresh
                for p, s in zip(people, standings, strict=True)
            ]
        ),
        paused=np.array([bool(ledger.pauses(group, int(p)) >> purpose & 1) for p in people]),
        reachable=np.ones(n, np.bool_),
        price=segments.astype(np.int64) * batch["price"],
        balance=10**15,
        claims=claims,
        expires_at=batch["expires_at"].timestamp(),
        screening=PASSED,
    )
    return facts, columns, content


async def test_a_decision_is_the_same_when_it_is_taken_again(platform: Platform) -> None:
    people = numbers(40)
    await platform.consent(people[:30])
    request = RefusalRequest(sender="CODE1", to=people[:8], source="counter")
    await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
    await platform.node.live.sync(platform.node.store)
    first = await platform.send(people[8:18])
    assert first["allowed"] == 10

    async def claimed() -> bool:
        return bool(await platform.value("SELECT count(*) FROM open_window") == 0) and bool(
            await platform.value("SELECT count(*) FROM queue") == 0
        )

    await platform.until(claimed, "they were sent")
    platform.simulators["mobile"].send_mo(people[18], "106900011", "不用了")
    await platform.until(lambda: len(platform.records()) > 0, "records")

    async def paused() -> bool:
        return bool(await platform.value("SELECT count(*) FROM pause") == 1)

    await platform.until(paused, "a pause")
    await platform.node.live.sync(platform.node.store)
    # Everything at once: refused, capped, paused, nobody asked, and one number twice.
    answer = await platform.send([*people, people[20]])
    wanted = {"refused": 8, "over_cap": 10, "paused": 1, "no_standing": 10, "duplicate": 1}
    (row,) = await platform.sql(
        "SELECT reasons::text AS r FROM submission WHERE id = $1", int(answer["id"])
    )
    assert json.loads(row["r"]) == wanted
    # Later changes of the ledger must not change what was decided then.
    await platform.consent(people[30:])
    later = RefusalRequest(sender="CODE1", to=people[18:30], source="counter")
    await platform.node.refusals.refuse(platform.caller(), later, key=None, sha=b"")
    for submission in (int(first["id"]), int(answer["id"])):
        stored, again = await replay(platform, submission)
        assert again.rulebook_digest == rulebook_of(platform).digest
        rejected = again.verdict != Verdict.ALLOW
        assert np.where(rejected, again.reason, 0).tolist() == stored[:, 1].tolist()
        assert np.where(rejected, again.findings, 0).tolist() == stored[:, 2].tolist()


async def test_every_reason_has_a_code_and_words_in_two_languages(platform: Platform) -> None:
    people = numbers(3)
    answer = await platform.send([*people, "12345", "x"])
    (row,) = await platform.sql(
        "SELECT * FROM decision WHERE submission_id = $1", int(answer["id"])
    )
    numbers_ = unpack(row["reasons"], U16).tolist()
    findings = unpack(row["findings"], U64).tolist()
    assert len(numbers_) == 5
    for number, mask in zip(numbers_, findings, strict=True):
        found = reasons_of(mask)
        assert BY_NUMBER[number] == found[0], "the first in precedence is the reason"
        for reason in found:
            assert reason.code.isidentifier()
            assert reason.en
            assert reason.zh
            assert reason.mend


async def test_a_decision_carries_the_position_it_was_taken_at(platform: Platform) -> None:
    people = numbers(4)
    await platform.consent(people)
    head = await platform.value("SELECT max(position) FROM entry")
    soon = datetime.now(UTC) + timedelta(days=1)
    answer = await platform.send(people, not_before=soon)
    (row,) = await platform.sql("SELECT * FROM submission WHERE id = $1", int(answer["id"]))
    assert row["position"] == head
    positions = await platform.sql("SELECT DISTINCT position FROM batch")
    assert [r["position"] for r in positions] == [head]
