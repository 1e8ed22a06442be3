"""What customers' links hand in: durable before answered, judged once, told what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assent.clock import SystemClock
from assent.errors import AssentError, InvalidInput, Unavailable
from assent.flow import judging
from assent.flow.customers import (
    CustomerReceipt,
    CustomerReply,
    Handed,
    Objection,
    Part,
    Reception,
    Wanted,
)
from assent.flow.matching import match
from assent.policy.reasons import BY_CODE
from assent.text import Alphabet, SevenBit, encode, segment
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, register, running

MARKETING, CODES, NOTICES = "106900011", "106900012", "106900013"


def document(**more: Any) -> dict[str, Any]:
    """A register whose first two accounts have logins."""
    found = register(2)
    for place in (0, 1):
        found["accounts"][place]["links"] = [
            {
                "login": f"login{place + 1}",
                "dialects": ["smpp", "smgp"],
                "allowed": ["127.0.0.0/8"],
                **more,
            }
        ]
    return found


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as one:
        yield one


class Software:
    """A customer's software, without a socket."""

    def __init__(self, platform: Platform, login: str = "login1") -> None:
        self.platform = platform
        customers = platform.node.customers
        assert customers is not None
        self.reception: Reception = customers.reception
        link = self.reception.link(login)
        assert link is not None
        self.link = link
        self.last_id = 0
        self.received: list[CustomerReceipt | CustomerReply] = []

    def handed(
        self,
        to: str | Sequence[str],
        text: str | bytes = "【商户1】" + MARKETING_TEXT,
        source: str = MARKETING,
        part: Part | None = None,
        **more: Any,
    ) -> Handed:
        people = [to] if isinstance(to, str) else list(to)
        self.last_id += len(people)
        fields: dict[str, Any] = {
            "link": self.link,
            "dialect": "smpp",
            "source": source,
            "numbers": people,
            "ids": list(range(self.last_id - len(people) + 1, self.last_id + 1)),
            "alphabet": Alphabet.UCS2,
            "seven_bit": SevenBit.ASCII,
            "content": text if isinstance(text, bytes) else encode(text, Alphabet.UCS2),
            "part": part,
            "wanted": Wanted.ALWAYS,
        }
        return Handed(**{**fields, **more})

    async def hand_in(self, *handed: Handed) -> bool:
        """Hand in; return what is answered."""
        for one in handed:
            assert self.reception.objection(one) is None
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.reception.hand_in(handed, answered.set_result)
        return await asyncio.wait_for(answered, 10)

    async def collect(self) -> list[CustomerReceipt | CustomerReply]:
        """Take the parcels that are there, acknowledge them; return everything received."""
        parcels = await self.reception.load(self.link.id, 0, 100)
        for parcel in parcels:
            self.received += parcel.items
        await self.reception.done([parcel.id for parcel in parcels])
        return self.received

    async def receipts(self, count: int) -> dict[int, CustomerReceipt]:
        """Wait for so many receipts; return them by id."""

        async def there() -> bool:
            await self.collect()
            return len(self.receipts_now()) >= count

        await self.platform.until(there, f"{count} receipts")
        return self.receipts_now()

    def receipts_now(self) -> dict[int, CustomerReceipt]:
        found = [one for one in self.received if isinstance(one, CustomerReceipt)]
        by_id = {one.id: one for one in found}
        assert len(by_id) == len(found), "a receipt came twice"
        return by_id


async def test_a_submit_is_judged_sent_and_told(platform: Platform) -> None:
    people = numbers(9)
    await platform.consent(people)
    software = Software(platform)
    assert await software.hand_in(*[software.handed(person) for person in people])
    receipts = await software.receipts(9)
    assert {one.stat for one in receipts.values()} == {"DELIVRD"}
    assert {one.number for one in receipts.values()} == set(people), "as the customer wrote them"
    assert {one.source for one in receipts.values()} == {MARKETING}
    sent = platform.submits(MARKETING)
    assert len(sent) == 9
    assert {record["text"] for record in sent} == {"【商户1】" + MARKETING_TEXT}, "wording once"
    assert await platform.value("SELECT count(*) FROM handed_in") == 0
    assert await platform.value("SELECT count(*) FROM submission") == 1, "one order"
    assert await platform.value("SELECT count(*) FROM parcel") == 0


async def test_no_standing_is_told_as_it_is_over_http(platform: Platform) -> None:
    software = Software(platform)
    assert await software.hand_in(software.handed(number("mobile", 1)))
    (receipt,) = (await software.receipts(1)).values()
    assert (receipt.stat, receipt.error) == ("REJECTD", BY_CODE["no_standing"].number)
    assert platform.submits(MARKETING) == []


async def test_numbers_come_back_as_they_were_written(platform: Platform) -> None:
    plain = number("mobile", 7)
    forms = [plain, "86" + plain, "+86" + plain, "0086" + plain, "12345"]
    software = Software(platform)
    assert await software.hand_in(*[software.handed(form) for form in forms])
    receipts = await software.receipts(5)
    assert [receipts[place].number for place in range(1, 6)] == forms


async def test_reports_only_where_they_are_wanted(platform: Platform) -> None:
    one, two = number("mobile", 1), number("mobile", 2)
    await platform.consent([one])
    software = Software(platform)
    some = [software.handed(n, wanted=w) for n in (one, two) for w in Wanted]
    for handed in some:  # one after another: caps would refuse the second to a person
        assert await software.hand_in(handed)
    receipts = await software.receipts(3)
    await asyncio.sleep(0.3)
    await software.collect()
    stats = {id_: receipt.stat for id_, receipt in software.receipts_now().items()}
    assert len(receipts) >= 3
    wanted = {place + 1: handed.wanted for place, handed in enumerate(some)}
    assert all(wanted[id_] is not Wanted.NONE for id_ in stats)
    assert all(stat != "DELIVRD" for id_, stat in stats.items() if wanted[id_] is Wanted.FAILURES)


async def test_codes_and_notices_are_known_by_their_templates(platform: Platform) -> None:
    software = Software(platform)
    one, two = number("mobile", 1), number("unicom", 2)
    assert await software.hand_in(
        software.handed(one, "【商户1】您的验证码482913，5分钟内有效。", CODES),
        software.handed(two, "您的订单B77已发货。【商户1】", NOTICES),
    )
    receipts = await software.receipts(2)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert [record["text"] for record in platform.submits(CODES)] == [
        "【商户1】您的验证码482913，5分钟内有效。"
    ]
    assert [record["text"] for record in platform.submits(NOTICES)] == [
        "【商户1】您的订单B77已发货。"
    ]


async def test_a_text_of_no_template_has_no_basis(platform: Platform) -> None:
    software = Software(platform)
    assert await software.hand_in(software.handed(number("mobile", 1), "借款额度已到账", NOTICES))
    (receipt,) = (await software.receipts(1)).values()
    assert (receipt.stat, receipt.error) == ("REJECTD", BY_CODE["basis_missing"].number)


async def test_objections(platform: Platform) -> None:
    software = Software(platform)
    to = number("mobile", 1)
    for handed, objection in (
        (software.handed(to, source="106900021"), Objection.SOURCE),  # another's
        (software.handed(to, source="1069000111"), Objection.SOURCE),  # digits of his own
        (software.handed(to, source="1069999"), Objection.SOURCE),  # the operator's
        (software.handed("shop"), Objection.DESTINATION),
        (software.handed([]), Objection.DESTINATION),
        (software.handed(to, b"\x01\x02", alphabet=Alphabet.BINARY), Objection.CODING),
        (software.handed(to, b""), Objection.LENGTH),
        (software.handed(to, bytes(5000)), Objection.LENGTH),
        (software.handed(to, expires_at=platform.clock.now() - 1), Objection.TIME),
    ):
        assert software.reception.objection(handed) is objection, handed
    assert software.reception.objection(software.handed(to)) is None


def segments(text: str) -> list[tuple[Part, bytes]]:
    """A text in parts, without their headers."""
    cut = segment("【商户1】" + text, Alphabet.UCS2, reference=9)
    return [((9, len(cut), place + 1), part[6:]) for place, part in enumerate(cut)]


LONG = "夏装上新，全场八折，" * 12 + "客服电话400-820-1234。拒收请回复R"


async def test_parts_make_one_message_and_each_has_its_receipt(platform: Platform) -> None:
    to = number("mobile", 1)
    await platform.consent([to])
    software = Software(platform)
    parts = segments(LONG)
    assert len(parts) > 2
    for part, content in reversed(parts):  # in separate groups, out of order
        assert await software.hand_in(software.handed(to, content, part=part))
    receipts = await software.receipts(len(parts))
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert await platform.value("SELECT count(*) FROM message") == 1
    assert await platform.value("SELECT count(*) FROM handed_in") == 0


async def test_parts_that_stay_alone_expire(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = number("mobile", 1)
    await platform.consent([to])
    software = Software(platform)
    parts = segments(LONG)
    assert await software.hand_in(
        *[software.handed(to, content, part=part) for part, content in parts[1:]]
    )
    assert await platform.value("SELECT count(*) FROM handed_in") == len(parts) - 1
    customers = platform.node.customers
    assert customers is not None
    customers.judging.expire(platform.clock.now() + judging.PATIENCE_S + 1)
    receipts = await software.receipts(len(parts) - 1)
    assert {receipt.stat for receipt in receipts.values()} == {"EXPIRED"}
    assert await platform.value("SELECT count(*) FROM handed_in") == 0
    assert platform.submits(MARKETING) == []


async def test_several_receivers_of_one_submit(platform: Platform) -> None:
    people = numbers(6)
    await platform.consent(people[:4])
    software = Software(platform)
    assert await software.hand_in(software.handed([*people, people[0]]))
    receipts = await software.receipts(7)
    stats = [receipts[place].stat for place in range(1, 8)]
    assert stats == ["DELIVRD"] * 4 + ["REJECTD"] * 3
    assert receipts[7].error == BY_CODE["duplicate"].number


async def test_what_is_stored_is_judged_by_whoever_comes_next(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = numbers(5)
    await platform.consent(people)
    customers = platform.node.customers
    assert customers is not None
    software = Software(platform)
    monkeypatch.setattr(customers.reception, "_judge", lambda waiting: None)
    assert await software.hand_in(*[software.handed(person) for person in people])
    await platform.node.stop()
    assert await platform.value("SELECT count(*) FROM handed_in") == 5
    await platform.start_node()
    again = Software(platform)
    receipts = await again.receipts(5)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert len(platform.submits(MARKETING)) == 5


async def test_replies_come_but_refusals_do_not(platform: Platform) -> None:
    one, two = number("mobile", 1), number("unicom", 2)
    await platform.consent([one, two])
    software = Software(platform)
    assert await software.hand_in(software.handed(one), software.handed(two))
    await software.receipts(2)
    platform.simulators["mobile"].send_mo(one, MARKETING, "几点开门?")
    platform.simulators["unicom"].send_mo(two, MARKETING, "TD")

    async def heard() -> bool:
        await software.collect()
        return any(isinstance(item, CustomerReply) for item in software.received)

    await platform.until(heard, "a reply")
    await platform.until(
        lambda: platform.node.confirmer.sent == 1, "the refusal is confirmed", seconds=20
    )
    await asyncio.sleep(1.2)
    await software.collect()
    replies = [item for item in software.received if isinstance(item, CustomerReply)]
    assert [(reply.text, reply.number, reply.destination) for reply in replies] == [
        ("几点开门?", "86" + one, MARKETING)
    ]


@pytest.mark.parametrize("mode", ["refused", "lost", "unanswered"])
async def test_a_store_that_fails_neither_loses_nor_doubles(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    people = numbers(20)
    await platform.consent(people)
    software = Software(platform)
    store = platform.node.store
    real = store.execute
    failures = iter(range(2))

    async def execute(name: str, *args: Any) -> str:
        if name == "handed_store" and next(failures, None) is not None:
            if mode == "unanswered":
                await real(name, *args)
            raise Unavailable("store_lost", "a test", mend="wait")
        return await real(name, *args)

    monkeypatch.setattr(store, "execute", execute)
    assert await software.hand_in(*[software.handed(person) for person in people])
    receipts = await software.receipts(20)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert len(platform.submits(MARKETING)) == 20


@pytest.mark.parametrize("code", [False, True])
async def test_judging_whose_commit_is_not_answered_is_not_done_twice(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, code: bool
) -> None:
    people = numbers(6)
    await platform.consent(people)
    software = Software(platform)
    customers = platform.node.customers
    assert customers is not None
    submit = platform.node.submit
    real = submit.store if not code else platform.node.dispatcher.commit
    failures = iter(range(1))

    async def failing(judged: Any) -> bool:
        done = await real(judged)
        if next(failures, None) is not None:
            raise Unavailable("commit_unknown", "a test", mend="wait")
        return done

    if code:
        monkeypatch.setattr(platform.node.dispatcher, "commit", failing)
        text, source = "您的验证码482913，5分钟内有效。", CODES
    else:
        monkeypatch.setattr(submit, "store", failing)
        text, source = MARKETING_TEXT, MARKETING
    assert await software.hand_in(*[software.handed(n, text, source) for n in people])
    receipts = await software.receipts(6)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert len(platform.submits(source)) == 6


async def test_without_money_a_message_is_rejected_not_kept(
    migrated_url: str, tmp_path: Path
) -> None:
    poor = document()
    poor["accounts"][0]["deposits"] = {"first": 50_000}
    async with running(migrated_url, tmp_path, document=poor) as platform:
        people = numbers(3)
        await platform.consent(people)
        software = Software(platform)
        assert await software.hand_in(*[software.handed(person) for person in people])
        receipts = await software.receipts(3)
        errors = sorted((one.stat, one.error) for one in receipts.values())
        assert errors[0] == ("DELIVRD", 0) or all(stat == "REJECTD" for stat, _ in errors)
        assert any(error == BY_CODE["balance"].number for _, error in errors)


async def test_a_shared_number_is_told_apart_by_its_signature(
    migrated_url: str, tmp_path: Path
) -> None:
    shared = document()
    for sender in shared["senders"]:
        sender["ports"].append(
            {
                "number": "10690777",
                "carriers": ["mobile"],
                "purpose": "marketing",
                "programme": "offers",
                "signature": sender["legal_name"],
            }
        )
    shared["accounts"][0]["senders"] = ["CODE1", "CODE2"]
    async with running(migrated_url, tmp_path, document=shared) as platform:
        catalogue = platform.node.catalogue
        account = platform.caller(1).account_id
        found = match(catalogue, account, "10690777", "【商户2】你好", "")
        assert (found.sender, found.content) == ("CODE2", "你好")
        with pytest.raises(AssentError) as error:
            match(catalogue, account, "10690777", "你好", "")
        assert error.value.code == "signature_unclear"
        software = Software(platform)
        assert await software.hand_in(
            software.handed(number("mobile", 1), "你好", source="10690777")
        )
        (receipt,) = (await software.receipts(1)).values()
        assert (receipt.stat, receipt.error) == ("REJECTD", 909)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dialects": ["mm7"]}, "dialects"),
        ({"dialects": []}, "dialects"),
        ({"login": "a-login-that-is-too-long"}, "login"),
        ({"allowed": []}, "allowed"),
        ({"allowed": ["10.0.0.1/8"]}, "allowed"),
        ({"binds": 0}, "binds"),
        ({"window": 5000}, "window"),
        ({"rate": 0}, "rate"),
        ({"secret": "much too long for it"}, "secret"),
        ({"reports_to": "somewhere"}, "reports_to"),
    ],
)
async def test_logins_that_cannot_be(
    migrated_url: str, tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        async with running(migrated_url, tmp_path, document=document(**change)):
            pass
    assert error.value.field is not None
    assert error.value.field.endswith(field)


async def test_what_nobody_fetches_is_forgotten_after_a_week(platform: Platform) -> None:
    software = Software(platform)
    people = numbers(2)
    assert await software.hand_in(software.handed(people[0]))

    async def kept() -> bool:
        return bool(await platform.value("SELECT count(*) FROM parcel") == 1)

    await platform.until(kept, "the rejection waits")
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 6.9 * 86_400)
    platform.node.settler._slow_at = 0.0
    await platform.node.settler.step()
    assert await kept()
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 0.2 * 86_400)
    platform.node.settler._slow_at = 0.0
    await platform.node.settler.step()
    assert not await kept()
