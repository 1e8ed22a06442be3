"""Whom nobody asks, who may not ask, and what nobody learns: each rule on the whole road."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.clock import SystemClock
from assent.consent.entry import Channel, Origin, Scope, decode
from assent.flow.asker import Asker
from assent.flow.asking import Asking
from assent.flow.asking_requests import AskingRelease, ConsentLook
from assent.flow.erasure import Wish
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.numbers import NumberTable
from tests.flow.asking_site import (
    TAKEN,
    age,
    ask,
    asked,
    code_of,
    questions,
    say,
    session,
    settled,
    states,
)
from tests.flow.conftest import Platform, number, numbers, register, running

WHO = number("mobile", 1)


@pytest.fixture
async def two(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform whose first sender has two programmes."""
    document = register(2)
    programmes = document["senders"][0]["programmes"]
    programmes.append({**programmes[0], "name": "club"})
    async with running(migrated_url, tmp_path, document=document) as one:
        yield one


def another(platform: Platform) -> Asker:
    """Return a second one that asks, as another process has it."""
    node = platform.node
    return Asker(
        node.store, node.clock, node.catalogue, node.directory, node.vault, node.rulebook,
        NumberTable.load(), node.own_words, lambda n: b"\7" * n,
    )  # fmt: skip


async def test_one_question_a_person_and_month_over_all_senders(platform: Platform) -> None:
    assert await ask(platform, WHO) == await ask(platform, WHO, place=2) == TAKEN
    await asked(platform, WHO)
    await settled(platform)
    assert sorted(await states(platform)) == [("sent", ""), ("unasked", "asked")]
    await age(platform, 31)
    assert await ask(platform, WHO, place=2) == TAKEN
    first = (await platform.sql("SELECT sender_id FROM consent_request WHERE state = 'sent'"))[0]
    if first["sender_id"] != 2:  # whoever asked first asks no more; the other does
        await asked(platform, WHO, 2)
    else:
        await settled(platform)
        assert (await states(platform))[-1] == ("unasked", "ban")


async def test_of_two_that_ask_at_once_one_question_leaves(platform: Platform) -> None:
    """Both look before either sends: the lock on the person, and the second look, decide."""
    node = platform.node
    node.confirmer.beside.remove(node.asking_desk.asker.step)
    people = numbers(12)
    for who in people:
        await asyncio.gather(ask(platform, who), ask(platform, who, place=2))
    askers = [another(platform), another(platform)]
    now = platform.clock.now()
    rows = await node.store.fetch("asking_taken", 0, 100)
    for place, asker in enumerate(askers):
        mine = [row for row in rows if row["sender_id"] == place + 1]
        chosen = await asker._choose(await asker._known(mine, now), now)
        assert len(chosen) == len(people)  # nothing speaks against any of them yet
        asker.chosen = chosen  # type: ignore[attr-defined]  # kept for the race
    sent = await asyncio.gather(
        *(asker._send([one], False, now) for asker in askers for one in asker.chosen)  # type: ignore[attr-defined]  # see above
    )
    assert sum(sent) == len(people)
    await asyncio.gather(*(asker.step() for asker in askers))
    await platform.until(lambda: len(questions(platform)) == len(people), "all are asked")
    await asyncio.sleep(0.3)
    assert all(len(texts) == 1 for texts in questions(platform).values())
    told = [state for state, _ in await states(platform)]
    assert (told.count("sent"), told.count("unasked")) == (len(people), len(people))


async def test_two_accounts_of_a_sender_ask_once(platform: Platform) -> None:
    tokens = [await session(platform) for _ in range(6)]
    await asyncio.gather(*(ask(platform, WHO, session=token) for token in tokens))
    await asked(platform, WHO)
    await settled(platform)
    await asyncio.sleep(0.3)
    assert len(questions(platform)[WHO]) == 1
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 1") == 1


async def test_her_yes_after_a_refusal_is_for_this_programme_only(two: Platform) -> None:
    await two.consent([WHO])
    await say(two, WHO, "TD", "106900011")
    await two.until(lambda: len(two.submits("1069999")) == 1, "the refusal is confirmed")
    await ask(two, WHO)
    await settled(two)
    assert await states(two) == [("unasked", "refused")]  # lately
    await age(two, 31)
    await two.consent([WHO])  # an import brings nobody back
    assert (await two.send([WHO]))["allowed"] == 0
    await ask(two, WHO)
    text = await asked(two, WHO)
    await say(two, WHO, f"Y{code_of(text)}")
    assert (await two.send([WHO], programme="offers"))["allowed"] == 1
    assert (await two.send([WHO], programme="club"))["allowed"] == 0
    rows = await two.sql("SELECT grade, fresh FROM standing")
    assert [(row["grade"], row["fresh"]) for row in rows] == [(3, True)]
    assert await two.value("SELECT count(*) FROM refusal") == 1  # goes on for all others
    await say(two, WHO, "TD", "106900011")
    assert (await two.send([WHO], programme="offers"))["allowed"] == 0


async def test_who_refused_everybody_is_asked_by_nobody(platform: Platform) -> None:
    await say(platform, WHO, "全部退订", "106900011")
    await age(platform, 400)
    await ask(platform, WHO)
    await settled(platform)
    assert await states(platform) == [("unasked", "refused_all")]


async def test_words_of_refusal_go_their_ordinary_way(platform: Platform) -> None:
    await platform.consent([WHO], place=2)
    await ask(platform, WHO)
    await asked(platform, WHO)
    await say(platform, WHO, "TD")
    assert await states(platform) == [("refused", "words")]
    groups = await platform.sql("SELECT group_id FROM refusal ORDER BY 1")
    assert len(groups) == 2  # whoever asked, and in whose programme she stood
    assert (await platform.send([WHO], place=2))["allowed"] == 0
    assert await platform.value("SELECT count(*) FROM confirmation") == 1


async def test_help_leaves_the_question_open(platform: Platform) -> None:
    await ask(platform, WHO)
    text = await asked(platform, WHO)
    await say(platform, WHO, "HELP")
    assert await states(platform) == [("sent", "")]
    await say(platform, WHO, f"Y{code_of(text)}")
    assert await states(platform) == [("agreed", "")]


OTHER = (
    "INSERT INTO consent_request (id, account_id, sender_id, programme_id, number_digest,"
    " person_id, basis, session_digest, state, code, taken_at, sent_at, expires_at)"
    " SELECT id + 1, 2, 2, 2,"
    " number_digest, person_id, basis, '\\x00', 'sent', $1, taken_at, sent_at, expires_at"
    " FROM consent_request"
)
MEMBER = (
    "INSERT INTO member_invitation (account_id, sender_id, programme_id, person_id, state, code,"
    " created_at, expires_at) SELECT 2, 2, 2, person_id, 'sent', $1, sent_at, expires_at"
    " FROM consent_request"
)


@pytest.mark.parametrize("insert", [OTHER, MEMBER])
async def test_answers_are_told_apart_by_their_codes(platform: Platform, insert: str) -> None:
    await ask(platform, WHO)
    code = code_of(await asked(platform, WHO))
    other = f"{(int(code) + 1) % 10_000:04d}"
    await platform.sql(insert, other)
    standing = "SELECT programme_id FROM standing"
    await say(platform, WHO, "Y")  # which?
    await say(platform, WHO, f"Y{(int(code) + 2) % 10_000:04d}")  # neither
    assert await platform.sql(standing) == []
    await say(platform, WHO, f"N{other}")
    assert await platform.sql(standing) == []
    await say(platform, WHO, "Y")  # only one is open now
    assert [row["programme_id"] for row in await platform.sql(standing)] == [1]


async def test_a_no_without_a_code_is_to_all(platform: Platform) -> None:
    await ask(platform, WHO)
    await asked(platform, WHO)
    await platform.sql(OTHER, "0000")
    await say(platform, WHO, "不同意")
    assert await states(platform) == [("refused", "no")] * 2


async def test_what_is_written_to_a_senders_number_answers_nothing(platform: Platform) -> None:
    await platform.consent([WHO], place=2)
    await platform.send([WHO], place=2)
    await ask(platform, WHO)
    text = await asked(platform, WHO)
    await platform.until(lambda: bool(platform.submits("106900021")), "a message of the other's")
    for word in ("Y", f"Y{code_of(text)}", "1", "什么"):
        await say(platform, WHO, word, "106900021")
    assert await states(platform) == [("sent", "")]
    assert await platform.value("SELECT count(*) FROM standing WHERE grade = 3") == 0
    feed = await platform.node.status.feed(platform.caller(2), "replies", 0, 100)
    assert [item["text"] for item in feed["items"]][:1] == ["Y"]  # its own keywords get them
    await say(platform, WHO, f"Y{code_of(text)}")
    feed = await platform.node.status.feed(platform.caller(1), "replies", 0, 100)
    assert feed["items"] == []  # and the answer is nobody's but ours


HISTORY = (
    "INSERT INTO consent_request (id, account_id, sender_id, programme_id, number_digest,"
    " person_id, basis, session_digest, state, taken_at, sent_at, expires_at)"
    " SELECT n, 1, 1, 1, '\\x00', 900 + n, 'session', decode(lpad(to_hex(n), 8, '0'), 'hex'), $1,"
    " $2::timestamptz, $2::timestamptz, $2::timestamptz + interval '3 days'"
    " FROM generate_series($3::int, $4::int) n"
)


async def asked_before(
    platform: Platform, state: str, first: int, last: int, hours: float = 2.0
) -> None:
    at = utc(platform.clock.now() - hours * 3600)
    await platform.sql(HISTORY, state, at, first, last)


@pytest.mark.parametrize(
    ("agreed", "others", "stopped"), [(9, 41, True), (10, 40, False), (0, 49, False)]
)
async def test_who_asks_people_that_do_not_want_it_is_stopped(
    platform: Platform, agreed: int, others: int, stopped: bool
) -> None:
    await asked_before(platform, "agreed", 1, agreed)
    await asked_before(platform, "sent", agreed + 1, agreed + others)  # open, and old
    assert await ask(platform, WHO) == TAKEN
    await settled(platform)
    row = (await platform.sql("SELECT state, why FROM consent_request WHERE person_id < 900"))[0]
    assert tuple(row) == (("unasked", "stopped") if stopped else ("sent", ""))
    stops = await platform.sql("SELECT asked, agreed FROM asking_stop")
    assert [tuple(stop) for stop in stops] == ([(50, 9)] if stopped else [])
    if not stopped:
        return
    assert await ask(platform, number("mobile", 2)) == TAKEN  # told from tomorrow on only
    await settled(platform)
    operator = platform.node.catalogue.operator
    assert operator is not None
    staff = Caller(operator.id, frozenset({"review"}), False, 1)
    room: Asking = platform.node.asking_desk.asking
    await room.release(staff, "CODE1", AskingRelease(reason="looked at their form"))
    await ask(platform, number("mobile", 3))
    await asked(platform, number("mobile", 3))


async def test_nobody_asks_thousands_before_the_first_have_answered(platform: Platform) -> None:
    await asked_before(platform, "sent", 1, 50, hours=0.1)
    await ask(platform, WHO)
    await asyncio.sleep(0.5)
    assert ("taken", "") in await states(platform)
    assert WHO not in questions(platform)
    await platform.sql("UPDATE consent_request SET state = 'agreed' WHERE id = 1")
    await platform.until(lambda: WHO in questions(platform), "there is room now")


async def test_the_answer_and_what_is_asked_of_the_store_are_the_same_for_everybody(
    platform: Platform,
) -> None:
    """Refused, asked by others, standing, dead, unknown: nothing is looked at before the answer."""
    people = [number("mobile", place) for place in range(1, 6)]
    refused, by_others, standing, dead, _unknown = people
    await platform.consent([refused, standing])
    await say(platform, refused, "TD", "106900011")
    await ask(platform, by_others, place=2)
    await asked(platform, by_others)
    await platform.consent([dead])
    await platform.sql("UPDATE person SET msisdn = NULL WHERE id = (SELECT max(id) FROM person)")
    store = platform.node.store
    node = platform.node
    node.confirmer.beside.remove(node.asking_desk.asker.step)
    seen: list[tuple[Any, list[str]]] = []
    names: list[str] = []

    class Watched:
        """The store, writing down which statements are run."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            call = getattr(self._inner, name)
            if name == "transaction":
                return lambda: _Watching(call())
            if name not in ("fetch", "fetchrow", "fetchval", "execute"):
                return call

            async def watched(query: str, *args: Any) -> Any:
                names.append(query)
                return await call(query, *args)

            return watched

    class _Watching:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aenter__(self) -> Any:
            return Watched(await self._inner.__aenter__())

        async def __aexit__(self, *error: Any) -> Any:
            return await self._inner.__aexit__(*error)

    tokens = [await session(platform) for _ in people]
    node.asking_desk.asking._store = Watched(store)
    for who, token in zip(people, tokens, strict=True):
        names.clear()
        answer = await ask(platform, who, session=token)
        seen.append((answer, list(names)))
    assert len({repr(one) for one in seen}) == 1, seen
    assert not [name for name in seen[0][1] if "standing" in name or "refusal" in name]
    node.confirmer.beside.append(node.asking_desk.asker.step)
    await settled(platform)
    rows = await platform.sql("SELECT why FROM consent_request WHERE sender_id = 1 ORDER BY id")
    assert [row["why"] for row in rows] == ["refused", "asked", "", "nobody", ""]


async def test_a_document_asks_in_the_hours_of_marketing_only(platform: Platform) -> None:
    document = await platform.value(
        "INSERT INTO document (entity_id, kind, state, seen, created_at) SELECT entity_id,"
        " 'consent_evidence', 'accepted', 'paper', now() FROM sender"
        " WHERE credit_code = 'CODE1' RETURNING id"
    )
    clock = platform.clock
    node = platform.node
    node.confirmer.beside.remove(node.asking_desk.asker.step)
    await ask(platform, WHO, document=str(document))
    await ask(platform, number("mobile", 2))  # she is there, whatever the hour
    night = SystemClock(clock.offset_s + 13 * 3600)  # eleven in the evening
    step = node.asking_desk.asker
    step._clock = night
    await platform.sql("UPDATE consent_request SET taken_at = $1", utc(night.now() - 30))
    await step.step()
    await asked(platform, number("mobile", 2))
    assert WHO not in questions(platform)
    step._clock = clock
    await step.step()
    await asked(platform, WHO)


async def test_who_may_not_write_asks_nobody(platform: Platform) -> None:
    node = platform.node
    node.confirmer.beside.remove(node.asking_desk.asker.step)
    await ask(platform, WHO)
    await platform.sql(
        "UPDATE entity SET status = 'suspended' WHERE id = (SELECT entity_id FROM sender"
        " WHERE credit_code = 'CODE1')"
    )
    await node.catalogue.load(node.store)
    await node.asking_desk.asker.step()
    assert await states(platform) == [("taken", "")]
    await age(platform, 1.1)
    await node.asking_desk.asker.step()
    assert await states(platform) == [("unasked", "late")]
    assert questions(platform) == {}
    await age(platform, 30)
    await node.asking_desk.asker.daily(platform.clock.now())
    assert await states(platform) == []  # nothing of it stays


# What they see -------------------------------------------------------------------------------


async def look(platform: Platform, who: str) -> dict[str, Any]:
    shown = await platform.node.asking_desk.shown.look(
        platform.caller(), ConsentLook(number=who, sender="CODE1")
    )
    item: dict[str, Any] = shown["items"][0]
    return item


async def recorded_earlier(platform: Platform, which: str = "") -> None:
    """Let entries have been written down a day earlier."""
    await platform.sql("ALTER TABLE entry DISABLE TRIGGER entry_append_only")
    await platform.sql(f"UPDATE entry SET at = at - interval '1 day' {which}")
    await platform.sql("ALTER TABLE entry ENABLE TRIGGER entry_append_only")


async def test_what_a_sender_may_see_of_a_number(platform: Platform) -> None:
    stands, refused, lapsed, unknown = (number("unicom", place) for place in range(1, 5))
    await platform.consent([stands, refused, lapsed])
    assert (await look(platform, stands))["grade"] == "document"
    await say(platform, refused, "TD", "106900011")
    # Told once the day is over: today she is shown as she stood when it began, that is not at all.
    assert await look(platform, refused) == {"programme": "offers", "state": "no_standing"}
    await recorded_earlier(platform, "WHERE kind = 2")
    assert (await look(platform, refused))["state"] == "stands"  # as it stood this morning
    await recorded_earlier(platform)
    gone = await look(platform, refused)
    assert gone == await look(platform, unknown) == {"programme": "offers", "state": "no_standing"}
    assert await platform.value("SELECT count(*) FROM person") == 3  # looking makes nobody


async def test_a_no_ends_a_consent_that_was_only_asserted(two: Platform) -> None:
    """She stood by the sender's word, and was asked for her own: her no is a refusal of what she
    was asked about, confirmed like every change of standing, and of nothing else."""
    await two.consent([WHO])
    await two.sql("INSERT INTO standing SELECT 3, person_id, grade, position, until, fresh"
                  " FROM standing")  # fmt: skip
    await two.node.live.load(two.node.store)
    assert (await two.send([WHO], programme="offers"))["allowed"] == 1
    await ask(two, WHO)
    await asked(two, WHO)
    await say(two, WHO, "N")
    assert (await two.send([WHO], programme="offers"))["reasons"] == {"no_standing": 1}
    assert await two.value("SELECT count(*) FROM programme_refusal") == 1
    assert await two.value("SELECT count(*) FROM refusal") == 0
    await two.until(lambda: len(two.submits("1069999")) > 2, "the refusal is confirmed")
    await two.consent([WHO])  # and no import brings her back
    assert (await two.send([WHO], programme="offers"))["allowed"] == 0
    row = (await two.sql("SELECT body FROM entry WHERE kind = 3"))[0]
    entry = decode(row["body"])
    assert (entry.scope, entry.origin, entry.channel) == (
        Scope.PROGRAMME, Origin.RECEIVER, Channel.SMS
    )  # fmt: skip


async def test_who_is_erased_is_asked_nothing_and_leaves_no_digest(platform: Platform) -> None:
    await ask(platform, WHO, where="203.0.113.9")
    text = await asked(platform, WHO)
    wish = Wish(int(f"86{WHO}"), "receiver", keep_mark=False)
    await platform.node.erasure_desk.erasing.erase(wish)
    row = (await platform.sql("SELECT * FROM consent_request"))[0]
    assert (row["state"], bytes(row["number_digest"])) == ("lapsed", b"")
    assert row["place_sealed"] is row["place_digest"] is row["number_sealed"] is None
    await say(platform, WHO, f"Y{code_of(text)}")  # whoever has the number now was asked nothing
    assert await platform.value("SELECT count(*) FROM standing") == 0
