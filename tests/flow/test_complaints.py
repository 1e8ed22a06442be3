"""Complaints of every door: matched, with their consequences, read once, answered in time."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from assent.consent.entry import Channel, Kind, Origin, decode
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.columns import unpack_object
from assent.flow.complaint_files import ComplaintFile
from assent.flow.complaint_mappings import mapping_of
from assent.flow.complaint_requests import ReceiverComplaint
from assent.flow.complaints import ANSWER_DAYS, FORWARD_DAYS, concerning
from assent.flow.erasure import Wish
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.flow.sealed import SEALED
from assent.message import Purpose
from assent.web.complaint_files import read_file
from tests.flow.conftest import MARKETING_TEXT, Platform, number
from tests.flow.test_replies import post

PORT = "106900011"
LOAN = "【商户1】" + MARKETING_TEXT


def staff(platform: Platform, *scopes: str, key: int = 900) -> Caller:
    operator = platform.node.catalogue.operator
    assert operator is not None
    return Caller(operator.id, frozenset(scopes), False, key)


async def take(
    platform: Platform, text: str, mapping: str | None = None, carrier: str = ""
) -> dict[str, Any]:
    """Import a file as a reviewer would."""
    path = platform.directory / f"{secrets.token_hex(4)}.txt"
    path.write_text(text, "utf-8")
    read, rows = read_file(path, None if mapping is None else mapping_of(mapping))
    file = ComplaintFile(read, sha256(text.encode()).digest(), rows, carrier)
    return await platform.node.complaint_desk.files.take(staff(platform, "review"), file)


async def read(platform: Platform) -> None:
    """Do what is done beside, until nothing is left."""
    await platform.node.complaint_desk.step(platform.clock.now())


async def rows(platform: Platform, where: str = "true") -> list[dict[str, Any]]:
    found = await platform.sql(f"SELECT * FROM complaint WHERE {where} ORDER BY id")
    return [dict(row) for row in found]


async def refusals(platform: Platform) -> list[Any]:
    found = await platform.sql("SELECT body FROM entry WHERE kind = 3 ORDER BY position")
    return [decode(bytes(row["body"])) for row in found]


async def offered(platform: Platform, *phones: str, place: int = 1) -> None:
    """Have people agree, and write to them."""
    await platform.consent(phones, place)
    assert (await platform.send(phones, place=place))["allowed"] == len(phones)


def cn(at: float) -> str:
    return datetime.fromtimestamp(at + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")


async def test_files_of_carriers_are_matched_and_end_advertising_at_once(
    platform: Platform,
) -> None:
    phones = [number("mobile", n) for n in range(4)]
    await offered(platform, *phones[:3])
    now = platform.clock.now()
    report = f"{PORT}*{LOAN}"
    lines = [
        "用户号码,举报时间,上行内容",
        f'{phones[0]},{cn(now + 5)},"{report}"',  # her message
        f'{phones[1]},{cn(now + 5)},"{PORT}*房产出售，江景大宅，欢迎来电咨询看房"',  # not her text
        f'{phones[3]},{cn(now + 5)},"{report}"',  # nobody wrote to her: the text
        f'{phones[2]},{cn(now + 5)},"13711112222*代开发票"',  # from point to point
        f'{phones[2]},{cn(now + 5)},"10657000123*贷款"',  # somebody else's port
        f'12,{cn(now)},"{report}"',
        f'{phones[2]},{cn(now)},"没有号码"',
        f'{phones[0]},{cn(now + 5)},"{report}"',  # once more
    ]
    told = await take(platform, "\n".join(lines), "10086999")
    assert (told["rows"], told["accepted"], told["complaints"]) == (8, 6, 5)
    assert (told["matched"], told["not_ours"], told["refused"]) == (3, 2, 2)
    assert [(one["row"], one["code"]) for one in told["faults"]] == [
        (7, "wrong_length"), (8, "bad_report"),
    ]  # fmt: skip
    assert (told["carrier"], told["mapping"]) == ("mobile", "10086999")
    first, second, third, private, others = await rows(platform)
    assert [one["matched"] for one in (first, second, third)] == ["message", "port", "text"]
    assert first["message_id"] is not None
    assert (second["message_id"], third["message_id"]) == (None, None)
    sender = next(s for s in platform.node.catalogue.senders.values() if s.legal_name == "商户1")
    account = platform.caller().account_id
    for one in (first, second, third):
        assert (one["sender_id"], one["account_id"], one["number"]) == (sender.id, account, PORT)
        assert (one["carrier"], one["purpose"], one["brand"]) == (
            "mobile",
            Purpose.MARKETING,
            "商户1",
        )
        assert (one["state"], one["port_type"]) == ("open", True)
        assert one["due_at"] > one["forward_by"] > one["at"]
        assert one["port_id"] in {port.id for port in platform.node.catalogue.ports_at(PORT, "")}
        assert one["province"] != 0
    assert (private["port_type"], private["number"], private["state"]) == (False, "", "not_ours")
    assert (others["port_type"], others["number"], others["state"]) == (
        True,
        "10657000123",
        "not_ours",
    )
    assert (others["due_at"], others["sender_id"], others["matched"]) == (None, None, "")
    # Each who is told a sender of ours has refused it; codes and notices go on.
    entries = await refusals(platform)
    assert len(entries) == 3
    assert {(one.kind, one.channel, one.origin) for one in entries} == {
        (Kind.WITHDRAWN, Channel.API, Origin.CARRIER)
    }
    assert {one.group for one in entries} == {sender.group_id}
    assert len({one.statement for one in entries}) == 1
    await platform.node.live.sync(platform.node.store)
    stands = await platform.sql("SELECT person_id FROM standing")
    (left,) = [row["person_id"] for row in stands]  # who complained of others only
    assert left == private["person_id"]
    assert (await platform.send(phones[:2]))["allowed"] == 0
    assert (await platform.send(phones[:3], "verification"))["allowed"] == 3
    # The text that was sent tells the category.
    await read(platform)
    first, second, third, *_ = await rows(platform)
    assert first["category"] == third["category"] == "retail"
    assert "real_estate" in second["category"]
    events = await platform.sql("SELECT subject, payload FROM event WHERE kind = 'complaint'")
    new = [unpack_object(bytes(row["payload"])) for row in events]
    assert sorted(one["id"] for one in new if one["new"]) == [
        one["id"] for one in await rows(platform)
    ]
    assert {one["id"] for one in new if not one["new"]} >= {first["id"], third["id"]}
    # The same file again, and an overlapping one: nothing changes.
    again = await take(platform, "\n".join(lines), "10086999")
    assert (again["new"], again["id"], again["complaints"]) == (False, told["id"], 5)
    more = await take(
        platform, "\n".join([*lines[:3], f"{phones[2]},{cn(now)},{PORT}*x"]), "10086999"
    )
    assert (more["accepted"], more["complaints"]) == (3, 1)
    assert len(await refusals(platform)) == 4
    with pytest.raises(Conflict) as raised:
        await take(platform, "\n".join(lines), "10086999", "unicom")
    assert raised.value.code == "complaint_file_known"
    with pytest.raises(InvalidInput) as empty:
        await take(platform, "用户号码,上行内容\n1,x\n", "10086999")
    assert empty.value.code == "complaint_file_empty"
    # One that broke off goes on where it was, and nobody is refused twice.
    before = [row["reference"] for row in await rows(platform)]
    await platform.sql("UPDATE complaint_file SET done = false")
    await platform.sql("DELETE FROM complaint WHERE id = $1", second["id"])
    on = await take(platform, "\n".join(lines), "10086999")
    assert (on["new"], on["complaints"]) == (False, 5)
    assert sorted(row["reference"] for row in await rows(platform)) == sorted(before)
    assert len(await refusals(platform)) == 4
    # No word, no number lies open.
    for row in await platform.sql("SELECT to_jsonb(c) - 'sealed' AS one FROM complaint c"):
        assert not any(phone in row["one"] for phone in phones)
    acts = await platform.sql("SELECT after FROM staff_act WHERE what = 'complaint.import'")
    assert len(acts) == 2
    assert not any(phone in row["after"] for row in acts for phone in phones)


async def test_a_referral_is_the_same_complaint_whatever_file_it_stands_in(
    platform: Platform,
) -> None:
    phone = number("unicom", 1)
    await offered(platform, phone)
    one = {
        "举报编号": "GD-1", "举报人号码": phone, "被举报号码": PORT, "短信内容": LOAN,
        "举报时间": cn(platform.clock.now() + 5), "举报类型": "贷款", "品牌": "某银行",
        "省份": "广东省", "运营商": "中国电信", "举报说明": "天天发",
    }  # fmt: skip
    alone = {"举报编号": "GD-2", "被举报号码": PORT, "举报类型": "贷款"}
    private = {"举报编号": "GD-3", "号码类型": "点对点", "短信内容": "代开发票", "举报类型": "发票"}
    phoned = {"举报编号": phone, "被举报号码": phone, "号码类型": "端口", "短信内容": "x"}
    await take(platform, json.dumps([phoned], ensure_ascii=False))
    (open_,) = await rows(platform)
    assert (open_["number"], open_["port_type"], open_["state"]) == ("", True, "not_ours")
    assert phone not in open_["reference"]
    await platform.sql("DELETE FROM complaint")
    told = await take(platform, json.dumps([one, alone, private], ensure_ascii=False))
    assert (told["mapping"], told["complaints"], told["matched"]) == ("12321", 3, 2)
    kept, named, others = await rows(platform)
    assert (kept["carrier"], kept["reference"], kept["brand"]) == ("telecom", "GD-1", "某银行")
    place = platform.node.complaint_desk.complaints.places.table.provinces[kept["province"]]
    assert place.zh == "广东"
    assert (named["matched"], named["person_id"], named["category"]) == ("port", None, "loan")
    assert (others["state"], others["category"], others["port_type"]) == (
        "not_ours",
        "papers",
        False,
    )
    (entry,) = await refusals(platform)
    assert (entry.origin, entry.channel) == (Origin.REGULATOR, Channel.MAIL)
    later = {**one, "运营商": "中国移动", "更多": "列"}
    told = await take(platform, json.dumps({"items": [later]}, ensure_ascii=False))
    assert (told["new"], told["accepted"], told["complaints"]) == (True, 1, 0)
    await read(platform)
    kept, named, others = await rows(platform)
    # What was sent outweighs what is reported; without it what is reported stands.
    assert (kept["category"], named["category"]) == ("retail", "loan")
    found = await concerning(platform.node.store, port=named["port_id"])
    assert [row["id"] for row in found] == [named["id"]]
    assert len(await concerning(platform.node.store, sender=kept["sender_id"])) == 2
    assert len(await concerning(platform.node.store, account=kept["account_id"])) == 2
    assert await concerning(platform.node.store, since=platform.clock.now() + 1e6) == []
    assert "person" not in " ".join(found[0])


async def test_files_that_overlap_come_to_the_same_however_they_are_cut(
    platform: Platform,
) -> None:
    phones = [number("mobile", 20 + n) for n in range(6)]
    await offered(platform, *phones)
    now = platform.clock.now()
    lines = [f"{phone},{cn(now + 5 + n % 2)},{PORT}*{LOAN}" for n, phone in enumerate(phones * 2)]
    lines += [f"{phones[0]},{cn(now - n * 3600)},10657{n:06d}*贷款" for n in range(4)]
    draw = Random(7)
    for _ in range(4):  # the first takes them in, the others find them there
        left = set(lines)
        while left:
            some = draw.sample(lines, draw.randint(1, 8))
            left -= set(some)
            file = "\n".join(
                ["用户号码,举报时间,上行内容", *some, f"{phones[0]},x,{secrets.token_hex(4)}"]
            )
            await take(platform, file, "10086999")
        found = await rows(platform)
        assert len(found) == len(set(lines))
        assert sum(row["matched"] == "message" for row in found) == len(phones)
        assert len(await refusals(platform)) == len(phones)


async def test_a_reply_that_complains_is_one_complaint(platform: Platform) -> None:
    phone = number("telecom", 3)
    await offered(platform, phone)
    await platform.until(lambda: bool(platform.submits(PORT)), "the offer is out")
    for text in ("你好", "我要投诉你们"):
        post(platform, "telecom", platform.simulators["telecom"].intake.mobile(phone, PORT, text))

    async def there() -> bool:
        return bool(await rows(platform, "source = 'reply'"))

    await platform.until(there, "it is a complaint")
    await platform.node.store.execute("complaint_events", [], [], utc(0.0))
    await platform.sql("DELETE FROM cursor WHERE name = 'complaints'")
    await read(platform)
    await read(platform)
    (one,) = await rows(platform)
    assert (one["matched"], one["number"], one["carrier"]) == ("message", PORT, "telecom")
    reply = await platform.sql("SELECT id FROM reply WHERE complaint")
    assert one["reference"] == str(reply[0]["id"])
    assert one["category"] == "retail"
    # The reply itself was the refusal: no second one.
    assert len(await refusals(platform)) == 1


async def test_a_customer_hands_one_in_and_learns_nothing_of_the_number(
    platform: Platform,
) -> None:
    known, stranger = number("mobile", 5), number("mobile", 6)
    await offered(platform, known)
    desk, mine = platform.node.complaint_desk, platform.caller()
    answers = []
    for phone, reference in ((known, "a"), (stranger, "b"), (known, "a")):
        wanted = ReceiverComplaint(to=phone, sender="CODE1", words="不要再发", reference=reference)
        answers.append(await desk.calls.take(mine, wanted))
    assert [sorted(one) for one in answers] == [["receipt", "state"]] * 3
    assert answers[0] == answers[2]
    assert len({len(one["receipt"]) for one in answers}) == 1
    assert len(await rows(platform)) == 2
    await read(platform)
    found = {one["person_id"]: one for one in await rows(platform)}
    assert sorted(one["matched"] for one in found.values()) == ["", "message"]
    listed = (await desk.desk.list(mine, {"cursor": 0, "limit": 10}))["items"]
    assert len(listed) == 2
    constant = [{k: v for k, v in one.items() if k not in ("id", "at", "complained_at", "due_at")}
                for one in listed]  # fmt: skip
    assert constant[0] == constant[1]  # matched or not, both look the same
    shown = await desk.desk.show(mine, int(listed[0]["id"]))
    assert "words" not in shown
    assert "message" not in shown
    assert shown["said"] == []
    # Nobody else sees it, and nobody complains in another's name.
    other = platform.caller(2)
    assert (await desk.desk.list(other, {"cursor": 0, "limit": 10}))["items"] == []
    with pytest.raises(NotFound):
        await desk.desk.show(other, int(listed[0]["id"]))
    with pytest.raises(NotAllowed):
        await desk.calls.take(other, ReceiverComplaint(to=known, sender="CODE1"))
    with pytest.raises(InvalidInput):
        await desk.calls.take(mine, ReceiverComplaint(to="x", sender="CODE1"))
    with pytest.raises(InvalidInput):
        await desk.calls.take(mine, ReceiverComplaint(to=known))
    late = datetime.now(UTC) + timedelta(days=9)
    with pytest.raises(InvalidInput):
        await desk.calls.take(mine, ReceiverComplaint(to=known, sender="CODE1", at=late))
    entries = await refusals(platform)
    assert [one.origin for one in entries] == [Origin.CUSTOMER] * 2
    by_staff = ReceiverComplaint(to=stranger, port=PORT, words="电话投诉")
    assert (await desk.calls.take(staff(platform, "support"), by_staff))["state"] == "recorded"
    wanted = ReceiverComplaint(to=stranger, port="95588")
    with pytest.raises(NotFound):
        await desk.calls.take(staff(platform, "support"), wanted)


async def test_the_desk_passes_on_answers_and_keeps_days(platform: Platform) -> None:
    phone = number("mobile", 8)
    await offered(platform, phone)
    now = platform.clock.now()
    await take(
        platform, f"用户号码,举报时间,上行内容\n{phone},{cn(now + 5)},{PORT}*{LOAN}\n", "10086999"
    )
    await read(platform)
    desk = platform.node.complaint_desk.desk
    reviewer, auditor = staff(platform, "review"), staff(platform, "audit")
    asked = {"cursor": 0, "limit": 10}
    (item,) = (await desk.list(auditor, asked | {"state": "open", "port": PORT}))["items"]
    number_ = int(item["id"])
    assert item["account"] == "account1"
    assert (item["purpose"], item["overdue"]) == ("marketing", False)
    for caller in (staff(platform, "support", "read"), staff(platform, "treasury", "read")):
        with pytest.raises(NotAllowed):
            await desk.list(caller, asked)
        with pytest.raises(NotAllowed):
            await desk.show(caller, number_)
    for caller in (auditor, staff(platform, "admin"), platform.caller()):
        with pytest.raises(NotAllowed):
            await desk.forward(caller, number_, "请答复")
        with pytest.raises(NotAllowed):
            await desk.not_ours(caller, number_, "不是")
    shown = await desk.show(reviewer, number_)
    assert shown["words"] == LOAN
    assert shown["from"] == f"{phone[:3]}****{phone[-4:]}"
    assert phone not in json.dumps(shown, default=str)
    assert shown["message"]["consent"] is not None
    assert shown["message"]["rulebook"] == platform.node.rulebook.digest.hex()
    looks = await platform.value("SELECT count(*) FROM staff_act WHERE what = 'complaint.look'")
    assert looks == 1
    # A customer speaks once it is asked.
    with pytest.raises(Conflict):
        await desk.answer(platform.caller(), number_, "我们有同意记录")
    assert (await desk.forward(reviewer, number_, "请说明该用户的同意来源"))["state"] == "forwarded"
    seen = await desk.show(platform.caller(), number_)
    assert [one["words"] for one in seen["said"]] == ["请说明该用户的同意来源"]
    assert seen["category"] == "retail"
    assert not {"from", "words", "receipt", "message", "matched", "carrier"} & set(seen)
    await desk.answer(platform.caller(), number_, "门店表单，已停止发送")
    with pytest.raises(NotFound):
        await desk.answer(platform.caller(2), number_, "x")
    await desk.note(reviewer, number_, "已核对")
    assert [one["kind"] for one in (await desk.show(reviewer, number_))["said"]] == [
        "forwarded", "note", "note",
    ]  # fmt: skip
    assert len((await desk.show(platform.caller(), number_))["said"]) == 2
    assert (await desk.answer(reviewer, number_, "已停止，抱歉"))["state"] == "answered"
    with pytest.raises(Conflict):
        await desk.answer(reviewer, number_, "再次")
    (one,) = await rows(platform)
    assert one["answered_at"] is not None
    texts = await platform.sql("SELECT sealed FROM complaint_word")
    assert all(b"\xe5" not in bytes(row["sealed"])[:4] for row in texts)
    vault = platform.node.vault
    for kind in (kind for kind in SEALED if kind.column.startswith("complaint")):
        for row in await platform.node.store.fetch(kind.page, None, 10):
            assert vault.open(row["sealed"], kind.owner(row))
    # Who is forgotten leaves no word behind.
    await platform.node.erasure_desk.erasing.erase(Wish(int(f"86{phone}"), "receiver"))
    await platform.node.live.sync(platform.node.store)
    shown = await desk.show(reviewer, number_)
    assert (shown["words"], shown["from"]) == (None, None)
    assert {one["words"] for one in shown["said"]} == {None}
    with pytest.raises(NotFound):
        await desk.show(reviewer, 99_999)
    with pytest.raises(NotFound):
        await desk.list(reviewer, asked | {"sender": "NOBODY"})


async def test_who_lets_a_complaint_lie_is_reminded_once(platform: Platform) -> None:
    reading = platform.node.complaint_desk.reading
    await take(platform, f"{PORT}*{LOAN}\n")
    complaints = platform.node.complaint_desk.complaints
    (one,) = await rows(platform)
    at = one["at"].timestamp()
    assert one["forward_by"].timestamp() == complaints.calendar.after(at, FORWARD_DAYS)
    assert one["due_at"].timestamp() == complaints.calendar.after(at, ANSWER_DAYS)

    async def about() -> list[str]:
        found = await platform.sql(
            "SELECT about FROM complaint_word WHERE kind = 'reminder' ORDER BY id"
        )
        return [row["about"] for row in found]

    await reading.remind()
    assert await about() == []
    back = """UPDATE complaint
        SET forward_by = forward_by - $1::interval, due_at = due_at - $1::interval"""
    await platform.sql(back, one["forward_by"] - one["at"])
    assert await reading.remind() == 1
    assert await about() == ["forward"]
    assert await reading.remind() == 0
    overdue = {"cursor": 0, "limit": 10, "overdue": True}
    listed = await platform.node.complaint_desk.desk.list(staff(platform, "review"), overdue)
    assert [row["overdue"] for row in listed["items"]] == [True]
    await platform.sql(back, timedelta(days=40))
    await reading.remind()
    assert sorted(await about()) == ["answer", "forward", "late"]
    # One of before this was counted gets its days.
    await platform.sql("UPDATE complaint SET forward_by = NULL, due_at = NULL")
    await reading.remind()
    (again,) = await rows(platform)
    assert (again["due_at"], again["forward_by"]) == (one["due_at"], one["forward_by"])
    desk = platform.node.complaint_desk.desk
    await platform.sql("UPDATE complaint SET account_id = NULL")
    with pytest.raises(Conflict):
        await desk.forward(staff(platform, "review"), one["id"], "x")
    assert (await desk.not_ours(staff(platform, "review"), one["id"], "号码被冒用"))[
        "state"
    ] == "not_ours"
    assert (await desk.answer(staff(platform, "review"), one["id"], "查实是我们的"))[
        "state"
    ] == "answered"
