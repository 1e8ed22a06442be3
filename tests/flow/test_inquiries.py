"""query_sm of customers: where a message stands, by the id that its submit was answered with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.carrier.link import Link
from assent.errors import Unavailable
from assent.flow import inquiries
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire.events import Answered
from tests.carrier.test_customers_smpp import session_of, watch, write
from tests.flow.conftest import MARKETING_TEXT, PROMPT, number, numbers
from tests.flow.test_customer_links import EMOJI, MARKETING, CustomersPlatform, serving
from tests.flow.test_promises import move, refuse

ENROUTE, DELIVERED, UNDELIVERABLE, REJECTED = 1, 2, 5, 8
SLOW = PROMPT | {"receipts": {"delay": 3600.0}}


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[CustomersPlatform]:
    async with serving(migrated_url, tmp_path) as one:
        yield one


@pytest.fixture
async def slow(migrated_url: str, tmp_path: Path) -> AsyncIterator[CustomersPlatform]:
    async with serving(migrated_url, tmp_path, SLOW) as one:
        yield one


class Asking:
    """A bound link that asks."""

    def __init__(self, platform: CustomersPlatform, link: Link) -> None:
        self.platform, self.link = platform, link
        self.heard = watch(link)
        self.token = 1000

    async def __call__(self, message_id: str) -> tuple[int, int]:
        """Return the answer's status and the message's state."""
        return (await self.several(message_id))[0]

    async def several(self, *message_ids: str, command: int = tables.QUERY_SM) -> Any:
        first = self.token
        now = asyncio.get_running_loop().time()
        session = session_of(self.link)
        for one in message_ids:
            fields = {"message_id": one, "source_addr": MARKETING}
            self.token += 1
            write(self.link, session.ask(command, fields, self.token, now))

        def answers() -> list[Any]:
            return [one for one in self.heard if isinstance(one, Answered) and one.token > first]

        await self.platform.until(lambda: len(answers()) == len(message_ids), "it is answered")
        return [
            (one.status, one.fields.get("message_state", 0))
            for one in sorted(answers(), key=lambda one: one.token)
        ]


async def sent(platform: CustomersPlatform, link: Link, people: list[str], text: str) -> list[str]:
    """Submit a text to people; return the ids that the submits were answered with."""
    before = len(platform.customer.answers)
    count = sum(platform.submit(link, person, text) for person in people)
    await platform.until(lambda: len(platform.customer.answers) == before + count, "answers")
    return [str(identity) for _, _, identity in platform.customer.answers[before:]]


async def test_what_was_delivered_is_told_of_every_part(platform: CustomersPlatform) -> None:
    people = numbers(2)
    await platform.consent(people)
    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    ids = await sent(platform, link, people, EMOJI)
    assert len(ids) > 2
    await platform.until(lambda: len(platform.reports()) == len(ids), "receipts")
    for one in ids:
        assert await ask(one) == (0, DELIVERED)
    fields = [one.fields for one in ask.heard if isinstance(one, Answered)]
    assert [one["message_id"] for one in fields] == ids, "the id comes back"
    assert {one["error_code"] for one in fields} == {0}


async def test_what_is_under_way_is_enroute(slow: CustomersPlatform) -> None:
    people = numbers(1)
    await slow.consent(people)
    link = await slow.bind("smpp", "smpp1")
    ask = Asking(slow, link)
    (one,) = await sent(slow, link, people, "【商户1】" + MARKETING_TEXT)
    assert await ask(one) == (0, ENROUTE), "judged or not"
    await slow.until(lambda: len(slow.submits(MARKETING)) == 1, "it is sent")
    assert await ask(one) == (0, ENROUTE)


async def test_a_part_that_waits_for_the_others_is_enroute(platform: CustomersPlatform) -> None:
    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    platform.submit(link, numbers(1)[0], EMOJI)
    platform.customer.queue[1:] = []  # the others never come
    link.kick()
    await platform.until(lambda: len(platform.customer.answers) == 1, "it is answered")
    ((_, _, identity),) = platform.customer.answers
    assert await ask(str(identity)) == (0, ENROUTE)


async def test_what_was_rejected_is_told_while_its_receipt_waits(
    platform: CustomersPlatform,
) -> None:
    platform.customer.acknowledges = None  # the receipt stays
    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    (one,) = await sent(platform, link, numbers(1), "【商户1】" + MARKETING_TEXT)
    await platform.until(lambda: bool(platform.reports()), "it is rejected")
    assert await ask(one) == (0, REJECTED)


async def test_what_a_refusal_stopped_is_enroute_until_it_is_told(slow: CustomersPlatform) -> None:
    """Promise 7: who withdrew is not seen before the daily batch."""
    platform = slow
    people = [number("telecom", place) for place in (1, 2)]
    await platform.consent(people)
    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    platform.simulators["telecom"].change({"faults": {"bind_status": 3}})
    platform.simulators["telecom"].disconnect()
    await platform.until(lambda: not platform.node.traffic.up["telecom"], "the links fell")
    ids = await sent(platform, link, people, "【商户1】" + MARKETING_TEXT)

    async def judged() -> bool:
        return bool(await platform.value("SELECT sum(n) FROM batch") == 2)

    await platform.until(judged, "both are queued")
    await refuse(platform, people[:1])
    platform.simulators["telecom"].change({"faults": {"bind_status": 0}})

    async def cancelled() -> bool:
        return bool(await platform.value("SELECT count(*) FROM slot_end") == 1)

    await platform.until(cancelled, "it was cancelled")
    await platform.node.settler.step()
    assert [await ask(one) for one in ids] == [(0, ENROUTE)] * 2
    move(platform, 86_400.0)
    await platform.node.settler.daily(platform.clock.now())
    assert await ask(ids[0]) == (0, UNDELIVERABLE)


async def test_nobody_elses_and_nothing_that_is_none(
    platform: CustomersPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = numbers(2)
    await platform.consent(people[:1])
    await platform.consent(people[1:], place=2)
    mine = await platform.bind("smpp", "smpp1")
    theirs = await platform.bind("smpp", "smpp2")
    (one,) = await sent(platform, mine, people[:1], "【商户1】" + MARKETING_TEXT)
    await platform.until(lambda: len(platform.reports()) == 1, "a receipt")
    stranger = Asking(platform, theirs)
    assert await stranger(one) == (codes.RINVMSGID, 0)
    ask = Asking(platform, mine)
    assert await ask(one) == (0, DELIVERED)
    late = str(int(one) + (1 << 40))
    for wrong in (str(int(one) + 1), str(int(one) - 1), late, "1", "9" * 18):
        assert await ask(wrong) == (codes.RINVMSGID, 0), wrong
    for none in ("", "x", "9" * 40, "-1"):
        assert await ask(none) == (codes.RQUERYFAIL, 0), none
    monkeypatch.setattr(inquiries, "WITHIN_S", 0.0)
    assert await ask(one) == (codes.RINVMSGID, 0), "longer ago than is looked"


async def test_a_flood_of_questions_is_declined(platform: CustomersPlatform) -> None:
    people = numbers(1)
    await platform.consent(people)
    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    (one,) = await sent(platform, link, people, "【商户1】" + MARKETING_TEXT)
    await platform.until(lambda: len(platform.reports()) == 1, "a receipt")
    told = await ask.several(*[one] * 40)
    assert (0, DELIVERED) in told
    assert (codes.RQUERYFAIL, 0) in told, "too many at once"
    assert set(told) == {(0, DELIVERED), (codes.RQUERYFAIL, 0)}
    for command, status in ((tables.CANCEL_SM, 0x11), (tables.REPLACE_SM, 0x13)):
        assert await ask.several(one, command=command) == [(status, 0)]


async def test_a_store_that_does_not_answer_declines(
    platform: CustomersPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        raise Unavailable("store_unavailable", "PostgreSQL does not answer")

    link = await platform.bind("smpp", "smpp1")
    ask = Asking(platform, link)
    monkeypatch.setattr(platform.node.customers.reception, "inquire", gone)  # type: ignore[union-attr]  # it serves customers
    assert await ask("1" * 18) == (codes.RQUERYFAIL, 0)
