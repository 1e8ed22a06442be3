"""The doors of refusals beside a plain TD: keywords, HELP, other countries' words, numbers that are
gone, carriers that refuse a confirmation, files, unclear words that a person reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from assent.clock import SystemClock
from assent.consent.entry import Kind, Origin, Scope, decode
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.confirm import GIVEN, TEXTS
from assent.flow.door_requests import KeywordsRequest, ReplyReading
from assent.flow.port_requests import PortStep
from assent.flow.refusal_files import RefusalFile
from assent.flow.requests import Caller
from assent.registry.calendar import day_of
from assent.text.keyword_sets import DEFAULT_VERSION, KeywordSets
from assent.text.keywords import Kind as Intent
from tests.flow.conftest import PROMPT, Platform, noon_offset, number, register, running
from tests.flow.test_replies import (
    DAY,
    MARKETING,
    SERVICE,
    SHARED,
    confirmations,
    entries,
    move,
    shared_number,
    wait_for,
)

WORDS = resources.files("assent").joinpath(f"data/keywords-{DEFAULT_VERSION}.json")


@pytest.fixture
async def shared(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=shared_number()) as platform:
        yield platform


def staff(platform: Platform) -> Caller:
    operator = platform.node.catalogue.operator
    assert operator is not None
    return Caller(operator.id, frozenset({"admin", "support", "review"}), False, 1)


async def replied(platform: Platform, person: str, port: str, text: str) -> dict[str, Any]:
    """Have a person write, and return the reply as it was read."""
    count = await platform.value("SELECT count(*) FROM reply")
    carrier = {"139": "mobile", "130": "unicom", "133": "telecom"}.get(person[:3], "telecom")
    platform.simulators[carrier].send_mo(person, port, text)
    await wait_for(platform, "SELECT count(*) FROM reply", count + 1, f"{text} is read")
    rows = await platform.sql("SELECT * FROM reply ORDER BY id DESC LIMIT 1")
    return dict(rows[0])


async def fed(platform: Platform, place: int = 1) -> list[tuple[str, str]]:
    """Return the replies that a customer sees, with the keyword that each is."""
    feed = await platform.node.status.feed(platform.caller(place), "replies", 0, 100)
    return [(item["text"], item["keyword"]) for item in feed["items"]]


def texts(platform: Platform) -> list[str]:
    return [record["text"] or "" for record in platform.submits(SERVICE)]


# Keywords --------------------------------------------------------------------------------------


async def file(platform: Platform, port: str, *words: str, place: int = 1) -> dict[str, Any]:
    request = KeywordsRequest(sender=f"CODE{place}", keywords=list(words))
    caller = platform.caller(place)
    return await platform.node.refusal_desk.keywords.file(caller, port, request)


async def test_one_to_check_two_to_apply_t_to_refuse(platform: Platform) -> None:
    person = number("mobile", 21)
    await platform.consent([person])
    told = await file(platform, MARKETING, "1", "2", "办理")
    assert {item["keyword"] for item in told["items"]} == {"1", "2", "办理"}
    # Nobody wrote to her from there yet: a keyword finds its customer all the same.
    for text in ("1", "２。", "办 理!"):
        reply = await replied(platform, person, MARKETING, text)
        assert reply["intent"] == "none"
    assert await fed(platform) == [("1", "1"), ("２。", "2"), ("办 理!", "办理")]
    assert await entries(platform) == 0
    assert (await replied(platform, person, MARKETING, "T"))["intent"] == "refuse"
    await platform.until(lambda: confirmations(platform) == [person], "the refusal is confirmed")
    # She refused the offers; the services that she asks for go on, and the refusal is not shown.
    await replied(platform, person, MARKETING, "1")
    assert [text for text, _ in await fed(platform)] == ["1", "２。", "办 理!", "1"]
    assert await entries(platform) == 1


async def test_what_means_a_refusal_is_no_keyword(platform: Platform) -> None:
    await file(platform, MARKETING, "1")
    for word, why in (
        ("T", "reserved_keyword"), ("td", "reserved_keyword"), ("ＴＤ", "reserved_keyword"),
        ("退订", "reserved_keyword"), ("help", "reserved_keyword"), ("不用了", "reserved_keyword"),
        ("BAJA", "reserved_keyword"), ("T1", "reserved_keyword"), ("", "bad_keyword"),
        ("!!", "bad_keyword"), ("8" * 21, "bad_keyword"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            await file(platform, MARKETING, "5", word)
        assert (caught.value.code, caught.value.field) == (why, "keywords[1]"), word
        assert caught.value.mend
    with pytest.raises(InvalidInput, match="alike"):
        await file(platform, MARKETING, "a", "Ａ")
    shown = await platform.node.refusal_desk.keywords.show(platform.caller(), MARKETING)
    assert [item["keyword"] for item in shown["items"]] == ["1"], "nothing is half-done"


async def test_only_who_holds_a_port_files_its_keywords(platform: Platform) -> None:
    with pytest.raises(NotFound):
        await file(platform, MARKETING, "1", place=2)
    with pytest.raises(NotFound):
        await platform.node.refusal_desk.keywords.show(platform.caller(2), MARKETING)
    with pytest.raises(NotFound):
        await file(platform, SERVICE, "1")
    await file(platform, MARKETING, "1")
    shown = await platform.node.refusal_desk.keywords.show(staff(platform), MARKETING)
    assert len(shown["items"]) == 1


async def test_a_set_that_learns_a_word_wins_over_a_keyword(platform: Platform) -> None:
    person = number("mobile", 22)
    await platform.consent([person])
    await file(platform, MARKETING, "停发")
    sets = KeywordSets.load()
    document = json.loads(WORDS.read_bytes())
    document["sets"]["CN"]["refuse"]["practice"].append("停发")
    later = KeywordSets.from_document(document)
    assert sets["CN"].read("停发").kind is not Intent.REFUSE
    platform.node.replies._keywords = later
    assert (await replied(platform, person, MARKETING, "停发"))["intent"] == "refuse"
    await platform.until(lambda: confirmations(platform) == [person], "confirmed")
    assert await fed(platform) == []


async def test_a_keyword_of_a_shared_number_goes_to_whom_it_is_for(shared: Platform) -> None:
    person = number("mobile", 23)
    for place in (1, 2):
        await shared.consent([person], place)
        assert (await shared.send([person], place=place, port=SHARED))["allowed"] == 1
    await shared.until(lambda: len(shared.submits(SHARED)) == 2, "both wrote")
    await file(shared, SHARED, "1", "8", place=1)
    await file(shared, SHARED, "1", "9", place=2)
    for text in ("8", "9", "1", "7"):
        await replied(shared, person, SHARED, text)
    # "1" is a keyword of both, and "7" of none: whoever wrote last.
    assert await fed(shared, 1) == [("8", "8")]
    assert await fed(shared, 2) == [("9", "9"), ("1", "1"), ("7", "")]


# HELP and START --------------------------------------------------------------------------------


async def test_help_is_answered_once_a_day_also_after_a_refusal(platform: Platform) -> None:
    person = number("mobile", 24)
    for _ in range(3):
        assert (await replied(platform, person, MARKETING, "HELP"))["intent"] == "help"
    await platform.until(lambda: confirmations(platform) == [person], "one answer")
    (text,) = texts(platform)
    assert "商户1" in text
    assert "TD" in text
    assert MARKETING in text
    assert await entries(platform) == 0
    # Another number is another question; the next day it is one again.
    await replied(platform, person, "106900021", "帮助")
    await platform.until(lambda: len(confirmations(platform)) == 2, "another sender")
    assert "商户2" in texts(platform)[1]
    await replied(platform, person, MARKETING, "TD")
    await platform.until(lambda: len(confirmations(platform)) == 3, "the refusal")
    move(platform, DAY + 60)
    await replied(platform, person, MARKETING, "help")
    await platform.until(lambda: len(confirmations(platform)) == 4, "the next day")
    await asyncio.sleep(0.2)
    assert len(confirmations(platform)) == 4
    states = await platform.sql("SELECT DISTINCT state FROM help_answer")
    assert [row["state"] for row in states] == ["attempted"]


async def test_a_machine_is_not_helped(platform: Platform) -> None:
    platform.simulators["mobile"].send_mo("10690000777", MARKETING, "HELP")
    await wait_for(platform, "SELECT count(*) FROM reply", 1, "it is read")
    await asyncio.sleep(0.2)
    assert await platform.value("SELECT count(*) FROM help_answer") == 0


async def test_start_alone_is_no_consent(platform: Platform) -> None:
    person = number("mobile", 25)
    assert (await replied(platform, person, MARKETING, "START"))["intent"] == "start"
    await platform.consent([person])
    await replied(platform, person, MARKETING, "TD")
    await platform.until(lambda: len(confirmations(platform)) == 1, "she refused")
    for text in ("START", "订阅", "YES"):
        assert (await replied(platform, person, MARKETING, text))["intent"] == "start"
    await platform.node.live.sync(platform.node.store)
    assert (await platform.send([person]))["reasons"] == {"no_standing": 1}
    kinds = [
        row["kind"]
        for row in await platform.sql(
            "SELECT kind FROM entry WHERE person_id > 0 ORDER BY position"
        )
    ]
    assert kinds == [int(Kind.GRANTED), int(Kind.WITHDRAWN)]


# Countries -------------------------------------------------------------------------------------


@pytest.fixture
async def abroad(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """One whose third carrier reaches other countries, too, and speaks French on one number."""
    one = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await one.start(PROMPT)
    one.settings.carriers[2].networks = ["telecom", "foreign"]
    one.settings.keywords.ports = {"106900021": "FR"}
    try:
        await one.file(register(2))
        await one.start_node()
        yield one
        await one.node.stop()
    finally:
        await one.stop()


async def test_words_are_those_of_the_persons_country(abroad: Platform) -> None:
    french, german, chinese = "0033612345678", "004915112345678", number("telecom", 26)
    assert (await replied(abroad, french, MARKETING, "Désabonner svp"))["intent"] == "refuse"
    assert (await replied(abroad, german, MARKETING, "abmelden"))["intent"] == "refuse"
    read = await replied(abroad, chinese, MARKETING, "abmelden")
    assert (read["intent"], read["keyword_set"][:3]) == ("unclear", "CN ")
    sets = KeywordSets.load()
    assert bytes(read["keyword_digest"]) == sets["CN"].digest
    assert (await replied(abroad, chinese, "106900021", "désabonner"))["keyword_set"][:3] == "FR "
    await abroad.until(lambda: len({*confirmations(abroad)}) == 3, "three confirmations")
    await asyncio.sleep(0.2)
    told: dict[str, str] = {}
    for one in abroad.submits(SERVICE):  # the English one is long
        told[one["destination"][-8:]] = told.get(one["destination"][-8:], "") + one["text"]
    assert "You unsubscribed from 商户1" in told[french[-8:]]
    assert "您已退订商户2" in told[chinese[-8:]]


def test_no_confirmation_advertises() -> None:
    for text in (*TEXTS.values(), *GIVEN.values()):
        assert not {"优惠", "折", "http", "offer", "sale", "www"} & {*text.lower().split()}
        assert "{code}" in text
        assert "{names}" in text


# Numbers that are gone -------------------------------------------------------------------------


async def revoke(platform: Platform, port: str, *days: int) -> None:
    ports, at = platform.node.port_desk.ports, platform.clock.now()
    await ports.step(staff(platform), port, "revoke", PortStep(reason="over"))
    for day in days:
        await ports.daily(at + day * DAY)
    await platform.node.catalogue.load(platform.node.store)


@pytest.mark.parametrize("days", [(), (1,), (1, 200)])
async def test_a_number_that_is_gone_still_refuses(platform: Platform, days: tuple[int]) -> None:
    person = number("mobile", 27)
    await platform.consent([person])
    assert (await platform.send([person]))["allowed"] == 1
    await platform.until(lambda: len(platform.submits(MARKETING)) == 1, "it was written to")
    await revoke(platform, MARKETING, *days)
    await replied(platform, person, MARKETING, "TD")
    await platform.until(lambda: confirmations(platform) == [person], "from the service port")
    assert "商户1" in texts(platform)[0]
    assert await entries(platform) == 1


async def test_a_recycled_number_counts_for_who_wrote_from_it(platform: Platform) -> None:
    old, new, both, neither = (number("mobile", place) for place in range(30, 34))
    await platform.consent([old, both])
    assert (await platform.send([old, both]))["allowed"] == 2
    await platform.until(lambda: len(platform.submits(MARKETING)) == 2, "the old one wrote")
    await revoke(platform, MARKETING, 1, 200)
    await platform.sql(
        "INSERT INTO port (number, carrier, sender_id, purpose, signature, programme_id,"
        " free_to_reply, created_at) SELECT $1, p.carrier, p.sender_id, p.purpose, p.signature,"
        " p.programme_id, true, p.created_at FROM port p WHERE number = '106900021'",
        MARKETING,
    )
    await platform.node.catalogue.load(platform.node.store)
    await platform.consent([new, both], 2)
    assert (await platform.send([new, both], place=2, port=MARKETING))["allowed"] == 2
    await platform.until(lambda: len(platform.submits(MARKETING)) == 4, "the new one wrote")
    for person, named in ((old, "1"), (new, "2"), (both, "12"), (neither, "12")):
        await replied(platform, person, MARKETING, "退订")
        await platform.until(lambda person=person: person in confirmations(platform), "confirmed")
        sent = zip(confirmations(platform), texts(platform), strict=True)
        (text,) = [text for to, text in sent if to == person]
        assert {n for n in "12" if f"商户{n}" in text} == {*named}, text


# Carriers that refuse a confirmation -------------------------------------------------------------


@pytest.mark.parametrize("fallback", [True, False])
async def test_another_carrier_tries_what_one_refused(
    migrated_url: str, tmp_path: Path, fallback: bool
) -> None:
    one = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await one.start(PROMPT)
    if fallback:
        one.settings.carriers[0].fallback = "telecom"
    try:
        await one.file(register(2))
        await one.start_node()
        one.simulators["mobile"].change({"answers": {"refusals": [{"code": 13}]}})
        person = number("mobile", 28)
        one.simulators["mobile"].send_mo(person, MARKETING, "TD")
        ended = "attempted" if fallback else "refused"
        query = (
            "SELECT state FROM confirmation WHERE cardinality(tried) > 0"
            " AND (answered OR state = 'refused')"
        )

        async def over() -> bool:
            return [row["state"] for row in await one.sql(query)] == [ended]

        await one.until(over, "another carrier took it, or all tries are over")
        await asyncio.sleep(1.5)
        tried = await one.value("SELECT tried FROM confirmation")
        seen = {name: len(_service(one, name)) for name in one.simulators}
        if fallback:
            assert tried == ["mobile"]
            assert seen == {"mobile": 1, "telecom": 1, "unicom": 0}
        else:
            assert tried == ["mobile"] * 3
            assert seen == {"mobile": 3, "telecom": 0, "unicom": 0}
        assert await entries(one) == 1
        await one.node.stop()
    finally:
        await one.stop()


def _service(platform: Platform, carrier: str) -> list[dict[str, Any]]:
    return [
        record
        for record in platform.records(carrier)
        if (record["command"].lower(), record["direction"], record["source"])
        == ("submit", "in", SERVICE)
    ]


async def test_what_a_carrier_took_is_not_sent_again(platform: Platform) -> None:
    person = number("mobile", 29)
    platform.simulators["mobile"].send_mo(person, MARKETING, "TD")
    await wait_for(platform, "SELECT count(*) FROM confirmation WHERE answered", 1, "an answer")
    await asyncio.sleep(1.2)
    assert confirmations(platform) == [person]


# Files -----------------------------------------------------------------------------------------


def paper(platform: Platform, *rows: dict[str, str], **more: Any) -> RefusalFile:
    said = {
        "origin": "regulator", "source": "12321", "dated": day_of(platform.clock.now()),
        "sha256": hashlib.sha256(repr(rows).encode()).digest(),
    }  # fmt: skip
    return RefusalFile(rows=[(i, row) for i, row in enumerate(rows, 2)], **{**said, **more})


async def test_a_file_of_12321(shared: Platform) -> None:
    people = [number("mobile", place) for place in range(50, 55)]
    for place in (1, 2, 3):
        await shared.consent(people, place)
    assert (await shared.send([people[3]], place=3, port=SHARED))["allowed"] == 1
    await shared.until(lambda: len(shared.submits(SHARED)) == 1, "one of three wrote")
    file = paper(
        shared,
        {"number": people[0], "sender": "CODE1"},
        {"number": people[1], "sender": "商户２"},
        {"number": people[2], "port": MARKETING},
        {"number": people[3], "port": SHARED},
        {"number": people[4]},
        {"number": "12345", "sender": "CODE1"},
        {"number": people[4], "sender": "nobody"},
        {"number": people[4], "port": "199"},
        {"number": number("unicom", 99), "sender": "CODE1"},  # a stranger
        {"number": people[0], "sender": "CODE1"},  # again
    )
    desk = shared.node.refusal_desk.files
    with pytest.raises(NotAllowed):
        await desk.take(shared.caller(), file)
    told = await desk.take(staff(shared), file)
    assert (told["new"], told["accepted"], told["refused"]) == (True, 6, 4)
    assert [(fault["row"], fault["code"]) for fault in told["faults"]] == [
        (6, "no_scope"), (7, "service_number"), (8, "unknown_sender"), (9, "unknown_port"),
    ]  # fmt: skip
    await shared.until(lambda: len(confirmations(shared)) == 4, "those who stood are told")
    assert sorted(confirmations(shared)) == sorted(people[:4])
    rows = await shared.sql("SELECT body FROM entry WHERE kind = 3")
    kept = [decode(bytes(row["body"])) for row in rows]
    assert len(kept) == 5
    assert {(e.origin, e.statement, e.scope) for e in kept} == {
        (Origin.REGULATOR, file.sha256, Scope.GROUP)
    }
    for person, place, allowed in (
        (people[0], 1, 0), (people[0], 2, 1), (people[1], 2, 0), (people[2], 1, 0),
        (people[3], 3, 0), (people[3], 2, 1), (people[4], 1, 1),
    ):  # fmt: skip
        assert (await shared.send([person], place=place))["allowed"] == allowed, (person, place)
    # The same file again: the same answer, and nothing changes.
    again = await desk.take(staff(shared), file)
    assert again == told | {"new": False}
    other = RefusalFile(
        file.origin, file.source, file.dated, file.sha256, file.rows, sender="CODE3"
    )
    with pytest.raises(Conflict):
        await desk.take(staff(shared), other)
    assert await entries(shared) == 5
    acts = await shared.sql("SELECT after::text FROM staff_act WHERE what = 'refusal.import'")
    assert len(acts) == 1
    assert not any(person in acts[0]["after"] for person in people)
    (listed,) = (await desk.listed(staff(shared)))["items"]
    assert (listed["accepted"], listed["refused"], listed["done"]) == (6, 4, True)


async def test_a_carriers_blacklist_refuses_everybody(platform: Platform) -> None:
    people = [number("mobile", place) for place in range(60, 63)]
    for place in (1, 2):
        await platform.consent(people, place)
    rows = [{"number": person} for person in people]
    desk = platform.node.refusal_desk.files
    for wrong in ({"source": "nobody"}, {"sender": "CODE1"}, {"dated": date(2099, 1, 1)}):
        said = {"origin": "carrier", "source": "mobile", "everybody": True, **wrong}
        with pytest.raises(InvalidInput):
            await desk.take(staff(platform), paper(platform, *rows, **said))
    file = paper(platform, *rows, origin="carrier", source="mobile", everybody=True)
    assert (await desk.take(staff(platform), file))["accepted"] == 3
    await platform.until(lambda: len(confirmations(platform)) == 3, "they are told")
    assert all("所有发送方" in text for text in texts(platform))
    for place in (1, 2):
        answer = await platform.send(people, place=place)
        assert answer["reasons"] == {"no_standing": 3}
    kept = [
        decode(bytes(row["body"]))
        for row in await platform.sql("SELECT body FROM entry WHERE kind = 3")
    ]
    assert {(e.origin, e.scope) for e in kept} == {(Origin.CARRIER, Scope.PLATFORM)}
    # Nobody but she undoes it: a customer's newer consent opens nothing.
    await platform.consent(people, 1)
    assert (await platform.send(people))["allowed"] == 0


async def test_a_file_that_broke_off_is_taken_to_its_end(platform: Platform) -> None:
    people = [number("mobile", place) for place in range(70, 80)]
    await platform.consent(people)
    desk = platform.node.refusal_desk.files
    file = paper(platform, *({"number": person} for person in people), sender="CODE1")
    written = desk._write
    calls = 0

    async def breaks(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError("the store is gone")
        return await written(*arguments)

    desk._write = breaks  # type: ignore[method-assign]  # it breaks here
    from assent.flow import refusal_files

    portion, refusal_files._PORTION = refusal_files._PORTION, 4  # type: ignore[misc]  # several portions of a few rows
    try:
        with pytest.raises(ConnectionError):
            await desk.take(staff(platform), file)
        assert await entries(platform) == 4
        told = await desk.take(staff(platform), file)
    finally:
        refusal_files._PORTION = portion  # type: ignore[misc]  # as it was
    assert (told["new"], told["accepted"]) == (False, 10)
    assert await entries(platform) == 10
    await platform.until(lambda: len(confirmations(platform)) == 10, "each is told once")
    await asyncio.sleep(0.3)
    assert len(confirmations(platform)) == 10


# Unclear words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "sends", "told"),
    [("nothing", (1, 1), 0), ("refusal", (0, 1), 1), ("refusal_all", (0, 0), 1)],
)
async def test_a_person_reads_what_is_unclear(
    platform: Platform, reading: Any, sends: tuple[int, int], told: int
) -> None:
    person = number("mobile", 80)
    for place in (1, 2):
        await platform.consent([person], place)
    reply = await replied(platform, person, MARKETING, "不用了")
    await platform.node.live.sync(platform.node.store)
    assert (await platform.send([person]))["allowed"] == 0
    desk = platform.node.refusal_desk.unclear
    (item,) = (await desk.waiting(staff(platform), 0, 10))["items"]
    assert item["text"] == "不用了"
    assert "商户1" in item["concerns"]
    assert person not in str(item["from"])
    said = ReplyReading(reading=reading)
    with pytest.raises(NotAllowed):
        await desk.read(platform.caller(), reply["id"], said)
    with pytest.raises(NotFound):
        await desk.read(staff(platform), reply["id"] + 1, said)
    for _ in range(2):  # the same again changes nothing
        await desk.read(staff(platform), reply["id"], said)
    other = ReplyReading(reading="refusal" if reading == "nothing" else "nothing")
    with pytest.raises(Conflict):
        await desk.read(staff(platform), reply["id"], other)
    assert (await desk.waiting(staff(platform), 0, 10))["items"] == []
    await platform.node.live.sync(platform.node.store)
    assert await platform.value("SELECT count(*) FROM pause") == 0
    for place, allowed in zip((1, 2), sends, strict=True):
        assert (await platform.send([person], place=place))["allowed"] == allowed
    await platform.until(lambda: len(confirmations(platform)) == told, "confirmed")
    await asyncio.sleep(0.2)
    assert len(confirmations(platform)) == told
    assert await entries(platform) == (0 if reading == "nothing" else 1)
    assert await platform.value("SELECT count(*) FROM staff_act WHERE what = 'reply.read'") == 1
