"""Organisations and their members: nobody is one who did not say so herself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.policy.answering import folded
from assent.text.wording import sounds_commercial
from tests.flow.conftest import number, numbers
from tests.web.office import NUMBER, Office, office

SERVICE = "1069999"
TEXT = "周六上午九点在香山东门集合，请带水。"


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """An organisation with its port, and invitations that have links."""
    async with office(migrated_url, tmp_path) as one:
        one.platform.node.port_desk.inviter.public_url = one.url
        await one.number()
        await one.signature("海淀登山协会", "club", sender="CLUB", source="full_name")
        await one.port("internal", "club", sender="CLUB", signature="海淀登山协会")
        yield one


async def invite(desk: Office, to: Iterable[str], who: str = "club", **more: Any) -> Any:
    body = {"sender": "CLUB", "to": list(to), **more}
    return await desk.post(who, "/v1/members/invitations", body)


def invitations(desk: Office) -> dict[str, str]:
    """Return what the carriers were handed from the operator's port, by receiver."""
    texts: dict[str, str] = {}
    for one in sorted(desk.platform.submits(SERVICE), key=lambda one: one["segment"] or 0):
        who = one["destination"].removeprefix("86")
        texts[who] = texts.get(who, "") + one["text"]
    return texts


async def sent(desk: Office) -> int:
    return int(await desk.platform.value("SELECT count(*) FROM batch WHERE purpose = 5"))


async def invited(desk: Office, people: list[str]) -> dict[str, str]:
    """Ask people and wait until the question is out; return each one's text."""
    assert await invite(desk, people) == {"accepted": len(people), "refused": 0, "faults": []}
    await desk.platform.until(
        lambda: all("即为不同意" in invitations(desk).get(who, "") for who in people),
        "the invitations are out",
    )
    return invitations(desk)


async def reply(desk: Office, carrier: str, who: str, text: str, port: str = SERVICE) -> None:
    count = await desk.platform.value("SELECT count(*) FROM reply")
    desk.platform.simulators[carrier].send_mo(who, port, text)

    async def read() -> bool:
        return bool(await desk.platform.value("SELECT count(*) FROM reply") > count)

    await desk.platform.until(read, "the reply is read")
    await desk.platform.node.live.sync(desk.platform.node.store)


async def write(desk: Office, to: list[str], text: str = TEXT, **more: Any) -> dict[str, Any]:
    fields = {"sender": "CLUB", "purpose": "internal", "template": None, "text": text, **more}
    response = await desk.send(to, "club", **fields)
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_who_says_yes_is_a_member_and_gets_messages(desk: Office) -> None:
    yes, no, silent = (number("mobile", place) for place in (1, 2, 3))
    texts = await invited(desk, [yes, no, silent])
    assert "海淀登山协会邀请您" in texts[yes]
    assert (await write(desk, [yes]))["allowed"] == 0  # not before she has said so
    code = re.search(r"回复Y(\d{4})", texts[yes])
    assert code is not None
    await reply(desk, "mobile", yes, f"y{code.group(1)}。")
    await reply(desk, "mobile", no, "N")
    judged = await write(desk, [yes, no, silent])
    assert (judged["allowed"], judged["reasons"]) == (1, {"no_standing": 2})
    await desk.platform.until(
        lambda: len(desk.platform.submits(f"{NUMBER}000")) == 1, "the message is out"
    )
    standing = await desk.platform.sql("SELECT grade FROM standing")
    assert [row["grade"] for row in standing] == [3]
    states = await desk.platform.sql("SELECT state FROM member_invitation ORDER BY id")
    assert [row["state"] for row in states] == ["agreed", "refused", "sent"]
    # She leaves as she came: by a reply to what she gets.
    await reply(desk, "mobile", yes, "退订", f"{NUMBER}000")
    assert (await write(desk, [yes]))["allowed"] == 0


async def test_a_yes_that_means_several_questions_answers_none(desk: Office) -> None:
    who = number("mobile", 1)
    text = (await invited(desk, [who]))[who]
    await desk.platform.sql(
        "INSERT INTO member_invitation (account_id, sender_id, programme_id, person_id, state,"
        " code, created_at, expires_at) SELECT account_id, 1, 1, person_id, 'sent', '0000',"
        " created_at, expires_at FROM member_invitation"
    )
    await reply(desk, "mobile", who, "Y")
    assert await desk.platform.value("SELECT count(*) FROM standing") == 0
    code = re.search(r"回复Y(\d{4})", text)
    assert code is not None
    await reply(desk, "mobile", who, f"Y {code.group(1)}")
    assert await desk.platform.value("SELECT count(*) FROM standing") == 1


async def test_the_link_is_answered_by_its_button_once(desk: Office) -> None:
    who = number("unicom", 1)
    text = (await invited(desk, [who]))[who]
    found = re.search(r"/m/([\w-]{22}) ", text)
    assert found is not None
    token = found.group(1)
    async with httpx.AsyncClient(base_url=desk.url) as client:
        page = await client.get(f"/m/{token}")
        assert page.status_code == 200
        assert "海淀登山协会" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        await desk.platform.node.live.sync(desk.platform.node.store)
        assert (await write(desk, [who]))["allowed"] == 0  # looking at it answers nothing
        assert "已同意" in (await client.post(f"/m/{token}/yes")).text
        assert "已同意" in (await client.post(f"/m/{token}/no")).text  # the first answer counts
        await desk.platform.node.live.sync(desk.platform.node.store)
        assert (await write(desk, [who]))["allowed"] == 1
        assert (await client.get(f"/m/{'a' * 22}")).status_code == 404
        assert (await client.post(f"/m/{'a' * 22}/yes")).status_code == 404
        assert (await client.get("/m/short")).status_code == 422
    stored = await desk.platform.sql("SELECT token_digest FROM member_invitation")
    assert token.encode() not in stored[0]["token_digest"]


async def test_one_question_a_person_and_month(desk: Office) -> None:
    who = number("mobile", 1)
    await invited(desk, [who])
    before = await sent(desk)
    same = {"accepted": 1, "refused": 0, "faults": []}
    assert await invite(desk, [who]) == same  # told alike, done nothing
    assert await invite(desk, [who, who]) == {**same, "accepted": 2}
    assert await desk.platform.value("SELECT count(*) FROM member_invitation") == 1
    await desk.platform.sql(
        "UPDATE member_invitation SET created_at = created_at - interval '31 days'"
    )
    await desk.platform.node.port_desk.daily(desk.platform.node.clock.now() + 8 * 86_400)
    assert await desk.platform.value("SELECT state FROM member_invitation") == "lapsed"
    await invite(desk, [who])  # a month later she may be asked once more

    async def asked_again() -> bool:
        return await sent(desk) == before + 1

    await desk.platform.until(asked_again, "the second question is out")


async def test_of_questions_at_once_one_is_asked(desk: Office) -> None:
    body = {"sender": "CLUB", "to": numbers(20)}
    calls = (desk.call("club", "POST", "/v1/members/invitations", body) for _ in range(6))
    assert {answer.status_code for answer in await asyncio.gather(*calls)} == {202}
    assert await desk.platform.value("SELECT count(*) FROM member_invitation") == 20
    kinds = await desk.platform.sql(
        "SELECT kind, count(*) FROM entry WHERE person_id > 0 GROUP BY kind"
    )
    assert [tuple(row) for row in kinds] == [(1, 20)]  # each was asked, nobody agreed


async def test_who_refused_is_not_asked_again(desk: Office) -> None:
    who = number("mobile", 1)
    await invited(desk, [who])
    await reply(desk, "mobile", who, "不同意")
    await desk.platform.sql(
        "UPDATE member_invitation SET created_at = created_at - interval '90 days'"
    )
    assert (await invite(desk, [who]))["accepted"] == 1
    assert await desk.platform.value("SELECT count(*) FROM member_invitation") == 1


async def test_a_late_yes_is_no(desk: Office) -> None:
    who = number("mobile", 1)
    await invited(desk, [who])
    await desk.platform.sql(
        "UPDATE member_invitation SET expires_at = created_at - interval '1 minute'"
    )
    await reply(desk, "mobile", who, "Y")
    assert await desk.platform.value("SELECT count(*) FROM standing") == 0


@pytest.mark.parametrize(
    "text",
    [
        "会员日全场八折，周六见",
        "装备特价¥99起",
        "报名费50元",
        "集合通知，回复TD退订",
        "领红包啦",
        "满200减50",
    ],
)
async def test_internal_messages_offer_nothing(desk: Office, text: str) -> None:
    who = number("mobile", 1)
    await invited(desk, [who])
    await reply(desk, "mobile", who, "Y")
    judged = await write(desk, [who], text)
    assert judged["reasons"] == {"internal_commercial": 1}
    judged = await write(desk, [who], "通知：{what}", variables={"what": text})
    assert judged["reasons"] == {"internal_commercial": 1}
    assert sounds_commercial(text)
    assert not sounds_commercial(TEXT)


async def test_each_class_of_accounts_has_its_purposes(desk: Office) -> None:
    for who, fields, code in (
        (
            "club",
            {"sender": "CLUB", "purpose": "notification", "template": "notice"},
            "internal_only",
        ),
        (
            "club",
            {"sender": "CLUB", "purpose": "marketing", "template": None, "text": TEXT},
            "internal_only",
        ),
        (
            "account2",
            {"sender": "CODE2", "purpose": "internal", "template": None, "text": TEXT},
            "no_internal",
        ),
    ):
        refused = await desk.send(numbers(1), who, **fields)
        assert (refused.status_code, refused.json()["code"]) == (403, code)
    port = {"sender": "CLUB", "number": NUMBER, "purpose": "marketing", "signature": "海淀登山协会"}
    assert (await desk.refused("club", "/v1/ports", port))[1] == "internal_only"
    template = {"sender": "CLUB", "name": "n", "purpose": "marketing", "body": "你好"}
    assert (await desk.refused("club", "/v1/templates", template))[1] == "internal_only"
    asked = {"sender": "CODE2", "to": numbers(1)}
    assert (await desk.refused("account2", "/v1/members/invitations", asked))[1] == "no_internal"
    # Nor can members be imported.
    rows = [{"to": numbers(1)[0], "at": "2026-01-01T10:00:00+08:00"}]
    consents = {
        "sender": "CLUB",
        "programme": "internal",
        "grade": "document",
        "wording": "v1",
        "source": "list",
        "consents": rows,
    }
    assert (await desk.refused("club", "/v1/consents", consents))[1] == "members_enrol"


async def test_a_weaker_proof_makes_no_member(desk: Office) -> None:
    """Whatever stands in the ledger: without the person's own word nothing leaves."""
    who = number("mobile", 1)
    await invited(desk, [who])
    await reply(desk, "mobile", who, "Y")
    await desk.platform.sql("UPDATE standing SET grade = 2")
    await desk.platform.node.live.load(desk.platform.node.store)
    assert (await write(desk, [who]))["reasons"] == {"no_standing": 1}


async def test_wrong_numbers_are_told(desk: Office) -> None:
    answer = await invite(desk, [number("mobile", 1), "12", "abc"])
    assert (answer["accepted"], answer["refused"]) == (1, 2)
    assert [fault["row"] for fault in answer["faults"]] == [1, 2]
    shown = (await desk.get("club", "/v1/members"))["items"]
    assert shown == [{"sender": "CLUB", "programme": "internal", "invited": 0, "agreed": 0}]


def test_short_answers_are_read() -> None:
    assert folded(" ｙ4711！") == "Y4711"


async def test_who_may_send_nothing_asks_nobody(desk: Office) -> None:
    platform = desk.platform
    chain, now = platform.node.catalogue.chain, platform.clock.now
    before = chain.version
    suspend = "UPDATE entity SET status = $1 WHERE id = (SELECT entity_id FROM sender WHERE "
    await platform.sql(f"{suspend} credit_code = 'CLUB')", "suspended")
    await platform.sql("SELECT pg_notify('catalogue', '')")
    await platform.until(lambda: chain.as_of(now()) > before, "the change was read")
    who = number("mobile", 5)
    await invite(desk, [who])
    await platform.node.port_desk.inviter.step()
    await asyncio.sleep(0.3)
    assert not invitations(desk)
    await platform.sql(f"{suspend} credit_code = 'CLUB')", "active")
    await platform.sql("SELECT pg_notify('catalogue', '')")
    await platform.until(lambda: who in invitations(desk), "the invitation is out")
