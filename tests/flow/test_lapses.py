"""Consents that end with the relation or by disuse, and the files that back them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.clock import SystemClock
from assent.consent.entry import Kind, Origin, decode
from assent.errors import InvalidInput, NotAllowed, NotFound, TooLarge
from assent.flow.erasure import Wish
from assent.flow.erasure_requests import HoldRequest, RelationEnd
from assent.flow.kept_evidence import MOST_OCTETS
from assent.flow.requests import Caller, ConsentImport
from assent.policy.rulebook import Rulebook
from tests.flow.conftest import Platform, number, numbers, running
from tests.flow.test_erasure import HER, SHE, staff

DAY = 86_400.0


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path) as one:
        yield one


def move(platform: Platform, seconds: float) -> None:
    SystemClock.__init__(platform.clock, platform.clock.offset_s + seconds)


async def end(platform: Platform, caller: Caller | None = None, **wish: Any) -> dict[str, Any]:
    request = RelationEnd(**{"sender": "CODE1", **wish})
    desk = platform.node.erasure_desk
    answer = await desk.end(caller or platform.caller(), request, key=None, sha=b"")
    await platform.node.live.sync(platform.node.store)
    return dict(json.loads(answer))


async def allowed(platform: Platform, *people: str) -> int:
    return int((await platform.send(people))["allowed"])


async def expired(platform: Platform) -> list[Any]:
    rows = await platform.sql("SELECT body FROM entry WHERE kind = 7 ORDER BY position")
    return [decode(row["body"]) for row in rows]


# The relation is over ----------------------------------------------------------------------


async def test_consents_of_people_who_left_expire(platform: Platform) -> None:
    mine = numbers(4)
    await platform.consent(mine)
    stranger = number("mobile", 77)
    answer = await end(platform, to=[mine[0], mine[1], stranger, "12"])
    assert (answer["accepted"], answer["refused"]) == (3, 1), "who stood is not told"
    assert await allowed(platform, *mine) == 2
    entries = await expired(platform)
    assert [one.origin for one in entries] == [Origin.CUSTOMER] * 2
    assert all(one.refers_to for one in entries)
    known = await platform.value(
        "SELECT count(*) FROM person WHERE msisdn = $1", int("86" + stranger)
    )
    assert known == 0, "a list of people who left makes nobody known"
    await end(platform, to=[mine[0]])
    assert len(await expired(platform)) == 2, "what is over does not end again"
    await platform.consent([mine[0]])
    assert await allowed(platform, mine[0]) == 1, "who comes back may"


async def test_a_programme_that_ends_is_ended_in_portions(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.flow.lapses._PORTION", 3)
    mine = numbers(8)
    await platform.consent(mine)
    assert await end(platform, programme="offers") == {"programmes": ["offers"], "ends": True}
    steps = 0
    await platform.consent([number("mobile", 99)])  # later than the order
    while await platform.node.erasure_desk.lapses.step():
        steps += 1
    await platform.node.live.sync(platform.node.store)
    assert steps >= 3
    assert await allowed(platform, *mine) == 0
    assert await allowed(platform, number("mobile", 99)) == 1
    assert len(await expired(platform)) == 8
    assert await platform.value("SELECT count(*) FROM programme_end WHERE done_at IS NULL") == 0


async def test_nobody_ends_what_another_sender_has(platform: Platform) -> None:
    await platform.consent([SHE], 2)
    with pytest.raises((NotFound, NotAllowed)):
        await end(platform, platform.caller(1), sender="CODE2", to=[SHE])
    with pytest.raises(NotFound):
        await end(platform, programme="other", to=[SHE])
    for wrong in ([], ["1"] * 10_001):
        with pytest.raises(InvalidInput):
            await end(platform, to=wrong)
    assert (await platform.send([SHE], place=2))["allowed"] == 1
    await end(platform, staff(platform), sender="CODE2", to=[SHE])
    assert (await platform.send([SHE], place=2))["allowed"] == 0
    act = (await platform.sql("SELECT what, after FROM staff_act ORDER BY id DESC LIMIT 1"))[0]
    assert (act["what"], json.loads(act["after"])["rows"]) == ("consents.end", 1)
    (entry,) = await expired(platform)
    assert entry.origin is Origin.STAFF


async def test_what_is_repeated_is_answered_the_same(platform: Platform) -> None:
    await platform.consent([SHE])
    desk = platform.node.erasure_desk
    for wish in (RelationEnd(sender="CODE1", to=[SHE]), RelationEnd(sender="CODE1")):
        key = f"k-{wish.to is None}"
        first = await desk.end(platform.caller(), wish, key=key, sha=b"x")
        await platform.consent([SHE])
        assert await desk.end(platform.caller(), wish, key=key, sha=b"x") == first
    assert await platform.value("SELECT count(*) FROM programme_end") == 1
    assert len(await expired(platform)) == 1


async def test_a_period_that_ends_needs_no_entry(platform: Platform) -> None:
    await platform.consent([SHE])
    node = platform.node
    soon = datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(days=1)
    await import_with(platform, [SHE], until=soon)
    assert await allowed(platform, SHE) == 1
    move(platform, 2 * DAY)
    await node.live.sync(node.store)
    assert await allowed(platform, SHE) == 0
    assert await expired(platform) == []


# Disuse ------------------------------------------------------------------------------------


def rulebook(months: int) -> Rulebook:
    document = msgspec.json.decode(Rulebook.load().canonical)
    for profile in document["profiles"].values():
        profile["disuse_months"]["value"] = months
    return Rulebook.from_document(document)


async def test_who_is_not_written_to_for_long_lapses_where_the_rulebook_says_so(
    platform: Platform,
) -> None:
    mine = numbers(6)
    await platform.consent(mine)
    move(platform, 100 * DAY)
    await platform.node.store.fetchval(
        "ensure_partitions", datetime.fromtimestamp(platform.clock.now(), UTC), 1
    )
    assert await allowed(platform, *mine[:2]) == 2
    fresh = number("mobile", 55)
    await platform.consent([fresh])
    lapses = platform.node.erasure_desk.lapses
    while await lapses.step():
        pass
    assert await expired(platform) == [], "off as delivered"
    lapses._rulebook = rulebook(3)
    lapses._looked_at = 0.0
    while await lapses.step():
        pass
    await platform.node.live.sync(platform.node.store)
    entries = await expired(platform)
    assert len(entries) == 4
    assert {one.origin for one in entries} == {Origin.PLATFORM}
    standing = await platform.sql("SELECT p.msisdn FROM standing s JOIN person p ON p.id ="
                                  " s.person_id")  # fmt: skip
    assert {row[0] for row in standing} == {int("86" + one) for one in (*mine[:2], fresh)}
    assert not await lapses.step(), "once a day"


@pytest.mark.parametrize("months", [-1, 7])
def test_disuse_is_counted_in_what_is_kept(months: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        rulebook(months)
    assert caught.value.field == "disuse_months"


def test_evidence_is_kept_five_months_at_least() -> None:
    document = msgspec.json.decode(Rulebook.load().canonical)
    document["profiles"]["CN"]["evidence_months"]["value"] = 4
    with pytest.raises(InvalidInput):
        Rulebook.from_document(document)
    assert Rulebook.load().keeping.evidence_months >= 5


# Evidence that backs consents --------------------------------------------------------------

FORM = b"%PDF-1.7 a form that somebody signed"


async def import_with(platform: Platform, people: list[str], **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(days=30)
    request = msgspec.convert(
        {
            "sender": "CODE1",
            "programme": "offers",
            "grade": "document",
            "wording": "v1",
            "source": "shop form",
            "consents": [{"to": one, "at": at} for one in people],
            **more,
        },
        ConsentImport,
    )
    node = platform.node
    answer = await node.consents.import_rows(platform.caller(), request, key=None, sha=b"")
    await node.live.sync(node.store)
    return dict(json.loads(answer))


async def test_a_file_backs_an_import_and_its_digest_stands_in_the_entries(
    platform: Platform,
) -> None:
    kept = platform.node.erasure_desk.kept
    told = await kept.add(platform.caller(), FORM)
    assert told["sha256"] == hashlib.sha256(FORM).hexdigest()
    assert await kept.add(platform.caller(), FORM) == told
    assert await platform.value("SELECT count(*) FROM consent_evidence") == 1
    await import_with(platform, [SHE], evidence=told["sha256"])
    body = await platform.value("SELECT body FROM entry WHERE kind = 2")
    entry = decode(body)
    assert (entry.kind, entry.statement.hex()) == (Kind.GRANTED, told["sha256"])
    sealed = await platform.value("SELECT sealed FROM consent_evidence")
    assert FORM not in bytes(sealed)
    assert await kept.show(platform.caller(), told["sha256"]) == ("application/pdf", FORM)
    assert await kept.show(staff(platform), told["sha256"]) == ("application/pdf", FORM)
    with pytest.raises(NotFound):
        await kept.show(platform.caller(2), told["sha256"])


async def test_an_import_names_only_what_its_account_handed_in(platform: Platform) -> None:
    kept = platform.node.erasure_desk.kept
    told = await kept.add(platform.caller(2), FORM)
    for digest in (told["sha256"], "00" * 32, "no digest"):
        with pytest.raises(InvalidInput) as caught:
            await import_with(platform, [SHE], evidence=digest)
        assert caught.value.field == "evidence"
    assert await platform.value("SELECT count(*) FROM entry WHERE person_id > 0") == 0
    for wrong in (b"", b"\x00\x01\x02", b"\xff\xfe"):
        with pytest.raises(InvalidInput):
            await kept.add(platform.caller(), wrong)
    with pytest.raises(TooLarge):
        await kept.add(platform.caller(), b"x" * (MOST_OCTETS + 1))


async def test_a_file_outlives_its_consents_by_five_months_and_no_more(
    platform: Platform,
) -> None:
    kept = platform.node.erasure_desk.kept
    told = await kept.add(platform.caller(), FORM)
    await import_with(platform, [SHE, number("mobile", 8)], evidence=told["sha256"])
    ended = "SELECT ended_on FROM consent_evidence"
    await kept.step()
    move(platform, 400 * DAY)
    await kept.step()
    assert await platform.value(ended) is None, "as long as a consent stands on it"
    await end(platform, to=[SHE])
    await kept.step()
    assert await platform.value(ended) is None, "the other one's still does"
    await end(platform, to=[number("mobile", 8)])
    await kept.step()
    assert await platform.value(ended) == datetime.fromtimestamp(platform.clock.now(), UTC).date()
    move(platform, 153 * DAY)
    await kept.step()
    assert (await kept.show(platform.caller(), told["sha256"]))[1] == FORM, "five months"
    move(platform, 3 * DAY)
    await kept.step()
    with pytest.raises(NotFound):
        await kept.show(platform.caller(), told["sha256"])
    row = (await platform.sql("SELECT sha256, sealed FROM consent_evidence"))[0]
    assert (bytes(row["sha256"]).hex(), row["sealed"]) == (told["sha256"], None)
    with pytest.raises(InvalidInput):
        await import_with(platform, [SHE], evidence=told["sha256"])


async def test_a_legal_hold_keeps_a_file(platform: Platform) -> None:
    desk, who = platform.node.erasure_desk, staff(platform)
    told = await desk.kept.add(platform.caller(), FORM)
    await import_with(platform, [SHE, number("mobile", 8)], evidence=told["sha256"])
    hold = await desk.hold(who, HoldRequest(recipient=SHE, why="court"))
    await end(platform)
    while await desk.lapses.step():
        pass
    await desk.kept.step()
    move(platform, 200 * DAY)
    await desk.kept.step()
    assert (await desk.kept.show(platform.caller(), told["sha256"]))[1] == FORM
    await desk.lift(who, int(hold["id"]))
    await desk.kept.step()
    with pytest.raises(NotFound):
        await desk.kept.show(platform.caller(), told["sha256"])


async def test_an_erased_persons_consent_is_over_for_the_file_too(platform: Platform) -> None:
    desk = platform.node.erasure_desk
    told = await desk.kept.add(platform.caller(), FORM)
    await import_with(platform, [SHE], evidence=told["sha256"])
    await desk.erasing.erase(Wish(HER, "receiver"))
    await desk.kept.step()
    assert await platform.value("SELECT ended_on FROM consent_evidence") is not None
