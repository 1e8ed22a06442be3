"""The promises of the design, one by one, on a whole platform."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.clock import SystemClock
from assent.consent.entry import Entry, Kind, Origin
from assent.errors import AssentError
from assent.flow.consents import MOST_ROWS
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.projection import project
from assent.flow.requests import ConsentImport, Receiver, RefusalRequest, SendRequest
from assent.message import Grade
from assent.numbers import parse
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, register, running

SERVICE = "1069999"


def move(platform: Platform, seconds: float) -> None:
    SystemClock.__init__(platform.clock, platform.clock.offset_s + seconds)


def at(platform: Platform, seconds: float) -> datetime:
    return datetime.fromtimestamp(platform.clock.now() + seconds, UTC)


async def refuse(platform: Platform, people: list[str], place: int = 1) -> Any:
    request = RefusalRequest(sender=f"CODE{place}", to=people, source="counter")
    answer = await platform.node.refusals.refuse(platform.caller(place), request, key=None, sha=b"")
    await platform.node.live.sync(platform.node.store)
    return msgspec.json.decode(answer)


async def quiet(platform: Platform) -> None:
    async def true() -> bool:
        left = (
            "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
            " + (SELECT count(*) FROM confirmation WHERE state = 'waiting')"
        )
        return bool(await platform.value(left) == 0)

    await platform.until(true, "nothing is under way")


# 1: standing -------------------------------------------------------------------------------


def family() -> dict[str, Any]:
    """Return two senders of one group, each with an account of its own, a stranger, and an
    agent who acts for the second sender."""
    document = register(3)
    for sender in document["senders"][:2]:
        sender["group"] = "family"
    words = dict.fromkeys(("kinds", "frequency", "period", "wording"), "as agreed")
    document["senders"][0]["programmes"].append(
        {"name": "staff", "purposes": ["internal"], **words}
    )
    document["senders"][0]["ports"].append(
        {
            "number": "10690014",
            "purpose": "internal",
            "programme": "staff",
            "carriers": ["mobile"],
            "signature": "商户1",
        }
    )
    document["accounts"].append(
        {
            "name": "account5",
            "class": "organisation",
            "senders": ["CODE1"],
            "price_micro": 1,
            "deposits": {"first": 10**9},
        }
    )
    document["accounts"].append(
        {
            "name": "account4",
            "kind": "agent",
            "senders": ["CODE2"],
            "price_micro": 1,
            "deposits": {"first": 10**9},
        }
    )
    return document


@pytest.fixture
async def related(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=family()) as platform:
        yield platform


async def consent(platform: Platform, people: list[str], **more: Any) -> Any:
    rows = [{"to": who, "at": datetime.now(UTC) - timedelta(days=30)} for who in people]
    fields = {"sender": "CODE1", "programme": "offers", "grade": "document", **more}
    request = msgspec.convert(
        {**fields, "wording": "v1", "source": "shop form", "consents": rows}, ConsentImport
    )
    answer = await platform.node.consents.import_rows(platform.caller(), request, key=None, sha=b"")
    await platform.node.live.sync(platform.node.store)
    return msgspec.json.decode(answer)


async def enrol(platform: Platform, people: list[str]) -> None:
    """People say themselves that they are members."""
    node = platform.node
    programme = next(one for one in node.catalogue.programmes.values() if one.name == "staff")
    sender = node.catalogue.senders[programme.sender_id]
    at = utc(node.clock.now())
    for who in await node.directory.ids(node.store, parse(people).msisdn, at):
        entry = Entry(
            at_ms=int(node.clock.now() * 1000), kind=Kind.GRANTED, person=int(who),
            group=sender.group_id, sender=sender.id, programme=programme.id,
            purposes=programme.purposes, origin=Origin.RECEIVER, grade=Grade.RECEIVER,
        )  # fmt: skip
        async with node.store.transaction() as tx:
            done = await append(tx, [entry], at)
            await project(tx, [(done.positions[0], entry)])
    await node.live.sync(node.store)


async def test_no_entry_means_no(platform: Platform) -> None:
    answer = await platform.send(numbers(30))
    assert answer["reasons"] == {"no_standing": 30}
    assert answer["cost_micro"] == 0
    assert await platform.value("SELECT count(*) FROM batch") == 0


async def test_consent_to_one_programme_is_consent_to_that_programme(related: Platform) -> None:
    person = [number("mobile", 1)]
    with pytest.raises(AssentError) as caught:
        await consent(related, person, programme="staff")
    assert caught.value.code == "members_enrol"  # they say so themselves
    await enrol(related, person)
    assert (await related.send(person))["allowed"] == 0
    with pytest.raises(AssentError) as caught:
        await related.send(person, programme="staff")
    assert (caught.value.code, caught.value.field) == ("programme_purpose", "programme")
    request = SendRequest(
        sender="CODE1", purpose="internal", messages=[Receiver(to=person[0])], text="周五下午停电"
    )
    with pytest.raises(AssentError) as caught:
        await related.node.sending.send(related.caller(), request, key=None, sha=b"")
    assert caught.value.code == "no_internal"
    answer = await related.node.sending.send(related.caller(5), request, key=None, sha=b"")
    assert json.loads(answer)["allowed"] == 1
    # Nor does consent to one sender reach another one of its group.
    await consent(related, person)
    assert (await related.send(person))["allowed"] == 1
    assert (await related.send(person, place=2))["allowed"] == 0


async def test_nothing_leaves_once_the_agreed_period_is_over(platform: Platform) -> None:
    """The period ends between judging and the attempt: dispatch looks at the date."""
    lapsing, lasting = number("mobile", 2), number("mobile", 3)
    await consent(platform, [lapsing], until=at(platform, 60.0))
    await consent(platform, [lasting], until=at(platform, 600.0))
    answer = await platform.send([lapsing, lasting], not_before=at(platform, 61.0))
    assert answer["allowed"] == 2
    move(platform, 62.0)
    await quiet(platform)
    assert [r["destination"][-11:] for r in platform.submits()] == [lasting]
    move(platform, 601.0)
    assert (await platform.send([lasting]))["reasons"] == {"no_standing": 1}


async def test_a_weaker_import_does_not_inherit_a_lapsed_grade(platform: Platform) -> None:
    person = [number("mobile", 4)]
    await consent(platform, person, until=at(platform, 0.5))
    move(platform, 60 * 86_400.0)
    rows = [{"to": person[0], "at": at(platform, -5.0)}]
    request = msgspec.convert(
        {
            "sender": "CODE1",
            "programme": "offers",
            "grade": "assertion",
            "wording": "v1",
            "source": "told us",
            "consents": rows,
        },
        ConsentImport,
    )
    await platform.node.consents.import_rows(platform.caller(), request, key=None, sha=b"")
    await platform.until(lambda: len(platform.submits("1069999")) == 1, "a receiver is asked")
    move(platform, 4 * 86_400.0)  # and says nothing
    await platform.node.consent_desk.step()
    assert await platform.value("SELECT grade FROM standing") == 1


async def test_no_import_brings_a_refused_person_back(platform: Platform) -> None:
    person = [number("mobile", 5)]
    await consent(platform, person)
    await refuse(platform, person)
    assert (await consent(platform, person))["accepted"] == 1
    assert await platform.value("SELECT count(*) FROM standing") == 0
    assert (await platform.send(person))["reasons"] == {"no_standing": 1}


# 2: a refusal reaches the group --------------------------------------------------------------


async def test_a_refusal_reaches_every_sender_account_and_port_of_the_group(
    related: Platform,
) -> None:
    person = [number("unicom", 1)]
    for place in (1, 2, 3):
        await related.consent(person, place)
    queued = {
        place: await related.send(person, place=place, not_before=at(related, 60.0))
        for place in (2, 3)
    }
    assert all(order["allowed"] == 1 for order in queued.values())
    related.simulators["unicom"].send_mo(person[0], "106900011", "TD")
    await related.until(lambda: len(related.submits(SERVICE)) == 1, "the confirmation")
    assert {r["source"] for r in related.submits()} == {SERVICE}
    move(related, 61.0)
    await quiet(related)
    marketing = {r["source"] for r in related.submits() if r["source"] != SERVICE}
    assert marketing == {"106900031"}, "only the stranger's message went out"
    await related.node.live.sync(related.node.store)
    for place in (1, 2):
        assert (await related.send(person, place=place))["reasons"] == {"no_standing": 1}
    agent = related.caller(4)
    request = SendRequest(
        sender="CODE2", purpose="marketing", messages=[Receiver(to=person[0])], text=MARKETING_TEXT
    )
    answer = json.loads(await related.node.sending.send(agent, request, key=None, sha=b""))
    assert answer["reasons"] == {"no_standing": 1}
    for purpose in ("verification", "notification"):
        assert (await related.send(person, purpose))["allowed"] == 1


# 3: confirmed on a port that is free -------------------------------------------------------


async def test_a_confirmation_leaves_from_a_port_that_is_free(
    migrated_url: str, tmp_path: Path
) -> None:
    document = register(1)
    costly = {**document["service_ports"][0], "number": "1069111", "free_to_reply": False}
    document["service_ports"].insert(0, costly)
    async with running(migrated_url, tmp_path, document=document) as platform:
        person = [number("mobile", 6)]
        await platform.consent(person)
        await refuse(platform, person)
        await platform.until(lambda: len(platform.submits(SERVICE)) == 1, "the confirmation")
        text = platform.submits(SERVICE)[0]["text"] or ""
        code = await platform.value("SELECT receipt_code FROM confirmation")
        assert "商户1" in text
        assert code in text
        assert not platform.submits("1069111")


# 7: no oracle --------------------------------------------------------------------------------


def blind(answer: Any, hide: tuple[str, ...]) -> Any:
    """Return an answer without ids and what else is the caller's own."""
    if isinstance(answer, dict):
        return {k: blind(v, hide) for k, v in answer.items() if k not in hide}
    return [blind(v, hide) for v in answer] if isinstance(answer, list) else answer


async def test_refused_never_asked_and_unknown_look_alike(platform: Platform) -> None:
    refused, seen, unknown = (number("mobile", place) for place in (11, 12, 13))
    await consent(platform, [refused])
    await platform.send([refused, seen])
    await quiet(platform)
    await refuse(platform, [refused])
    await quiet(platform)
    caller, node = platform.caller(), platform.node
    texts: dict[str, list[str]] = {}
    for person in (refused, seen, unknown):
        answers = [blind(await platform.send([person]), ("id",))]
        request = SendRequest(
            sender="CODE1",
            purpose="marketing",
            messages=[Receiver(to=person)],
            text=MARKETING_TEXT,
        )
        answers.append(
            blind(msgspec.to_builtins(await node.sending.dry_run(caller, request)), ("id",))
        )
        number_ = int((await platform.send([person]))["id"])
        answers.append(blind(await node.status.submission(caller, number_), ("id", "at")))
        answers.append(await refuse(platform, [person]))
        answers.append(blind(await consent(platform, [person]), ("id",)))
        texts[person] = [json.dumps(answer, sort_keys=True, default=str) for answer in answers]
    # `consent` of one who refused is accepted like any other, and opens nothing.
    assert texts[refused] == texts[seen] == texts[unknown]
    assert {code for text in texts[refused] for code in ("refused", "paused") if code in text} <= {
        "refused"
    }, "the count of faulty rows is the only such word"
    assert '"reasons": {"no_standing": 1}' in texts[refused][0]


async def test_a_cancelled_message_looks_like_one_that_waits(platform: Platform) -> None:
    refused, waiting = number("mobile", 14), number("telecom", 14)
    await consent(platform, [refused, waiting])
    # The other carrier is away, so its message waits; ours waits for its hour.
    platform.simulators["telecom"].change({"faults": {"bind_status": 3}})
    platform.simulators["telecom"].disconnect()
    await platform.until(lambda: not platform.node.traffic.up["telecom"], "the links fell")
    caller, node = platform.caller(), platform.node
    before = (await node.status.balance(caller))["available_micro"]
    answer = await platform.send([refused, waiting], not_before=at(platform, 60.0))
    assert answer["allowed"] == 2
    await refuse(platform, [refused])
    await platform.until(
        lambda: platform.submits(SERVICE) != [], "the confirmation: the refusal is done"
    )
    move(platform, 61.0)

    async def cancelled() -> bool:
        return bool(await platform.value("SELECT count(*) FROM slot_end") == 1)

    await platform.until(cancelled, "it was cancelled at its time")
    await node.settler.step()
    hidden = ("id", "to", "row")
    one, other = [
        blind(await node.status.message(caller, int(line["id"])), hidden)
        for line in answer["messages"]
    ]
    assert one == other
    assert one["state"] == "queued"
    assert one["attempts"] == []
    order = await node.status.submission(caller, int(answer["id"]))
    assert order["states"] == {"queued": 2}
    assert (await node.status.feed(caller, "receipts", 0, 100))["items"] == []
    assert (await node.status.feed(caller, "replies", 0, 100))["items"] == []
    await node.settler.fold_balances()
    assert (await node.status.balance(caller))["available_micro"] == before - 100_000
    # The daily batch brings the money, and not a word of who it was.
    move(platform, 86_400.0)
    await node.settler.daily(platform.clock.now())
    await node.settler.fold_balances()
    assert (await node.status.balance(caller))["available_micro"] == before - 50_000


# 8: nothing half-done ------------------------------------------------------------------------


async def counts(platform: Platform) -> dict[str, int]:
    """Return the rows of every table, except what processes write about themselves."""
    names = await platform.sql(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND relname NOT IN ('process_health', 'cursor', 'epoch') ORDER BY 1"
    )
    return {r[0]: await platform.value(f'SELECT count(*) FROM "{r[0]}"') for r in names}


def _receivers(*variables: dict[str, str]) -> list[Receiver]:
    return [Receiver(to=number("mobile", 20 + i), variables=v) for i, v in enumerate(variables)]


FINE = {"sender": "CODE1", "purpose": "marketing", "text": MARKETING_TEXT}
NAMED = {**FINE, "text": "{name}，" + MARKETING_TEXT}
BAD: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "variable missing in the last row",
        {**NAMED, "messages": _receivers({"name": "A"}, {"name": "B"}, {})},
        "missing_variable",
        "messages[2].variables.name",
    ),
    (
        "variable too many",
        {**NAMED, "messages": _receivers({"name": "A", "nick": "a"})},
        "unknown_variable",
        "messages[0].variables.nick",
    ),
    ("no such sender", {**FINE, "sender": "CODE9"}, "unknown_sender", "sender"),
    ("another's sender", {**FINE, "sender": "CODE2"}, "unknown_sender", "sender"),
    ("no such port", {**FINE, "port": "10690"}, "no_port", "port"),
    ("no such programme", {**FINE, "programme": "x"}, "no_programme", "programme"),
    ("text and template", {**FINE, "template": "code"}, "text_or_template", "text"),
    (
        "template of another purpose",
        {**FINE, "text": None, "template": "code"},
        "template_purpose",
        "template",
    ),
    ("empty text", {**FINE, "text": "  "}, "text_length", "text"),
    (
        "time without a zone",
        {**FINE, "not_before": datetime(2030, 1, 1)},  # noqa: DTZ001  no zone is the mistake
        "time_without_zone",
        "not_before",
    ),
    (
        "ends before it begins",
        {
            **FINE,
            "not_before": datetime(2030, 1, 2, tzinfo=UTC),
            "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
        },
        "expires_too_early",
        "expires_at",
    ),
    ("nobody", {**FINE, "messages": []}, "receivers", "messages"),
]


async def test_bad_orders_are_told_what_to_mend_and_leave_nothing(platform: Platform) -> None:
    await consent(platform, [number("mobile", 20 + i) for i in range(3)])
    before = await counts(platform)
    for name, fields, code, field in BAD:
        request = SendRequest(**{"messages": _receivers({}), **fields})
        with pytest.raises(AssentError) as caught:
            await platform.node.sending.send(platform.caller(), request, key=name, sha=b"x" * 32)
        problem = caught.value.to_problem()
        assert (caught.value.code, caught.value.field) == (code, field), name
        assert problem["mend"], name
        assert problem["detail"], name
        assert "139" not in json.dumps(problem), "no phone number in an error"
    assert await counts(platform) == before
    assert platform.submits() == []


async def test_bad_imports_leave_nothing(platform: Platform) -> None:
    before = await counts(platform)
    fine = {"grade": "document", "wording": "v1", "source": "form", "sender": "CODE1"}
    row = {"to": number("mobile", 1), "at": datetime(2026, 1, 1, tzinfo=UTC)}
    naive = {**row, "at": datetime(2026, 1, 1)}  # noqa: DTZ001  no zone is the mistake
    bad: list[tuple[dict[str, Any], str]] = [
        ({"source": " "}, "source"),
        ({"wording": ""}, "wording"),
        ({"programme": "x"}, "programme"),
        ({"sender": "CODE2"}, "sender"),
        ({"consents": []}, "consents"),
        ({"consents": [row] * (MOST_ROWS + 1)}, "consents"),
        ({"consents": [row, naive]}, "consents.at"),
        ({"until": datetime(2027, 1, 1)}, "until"),  # noqa: DTZ001  no zone is the mistake
    ]
    for change, field in bad:
        request = msgspec.convert(
            {"programme": "offers", "consents": [row], **fine, **change}, ConsentImport
        )
        with pytest.raises(AssentError) as caught:
            await platform.node.consents.import_rows(platform.caller(), request, key=None, sha=b"")
        assert caught.value.field == field
        assert caught.value.to_problem()["mend"]
    after = await counts(platform)
    assert {name for name in after if after[name] != before[name]} <= {"person", "wording"}
    assert after["entry"] == before["entry"]  # the rules in force are entries, too
    assert after["consent_import"] == 0


async def test_a_key_repeats_its_answer_and_takes_no_other_body(platform: Platform) -> None:
    people = numbers(5)
    await consent(platform, people)
    answers = await asyncio.gather(*(platform.send(people, key="k") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    before = await counts(platform)
    with pytest.raises(AssentError) as caught:
        await platform.send(people[:2], key="k")
    assert caught.value.status == 409
    assert (await counts(platform))["submission"] == before["submission"] == 1
