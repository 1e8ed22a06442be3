"""Ports and signatures over HTTP: from the code number to recycling, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from assent.flow.days import midnight
from assent.registry.calendar import day_of
from assent.registry.ports import months_later
from tests.flow.conftest import numbers
from tests.web.office import ALL, CODE, NUMBER, Office, office

LAPSED = "SELECT signature_lapsed_at FROM port WHERE number = $1"


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(migrated_url, tmp_path) as one:
        yield one


async def statuses(desk: Office, number: str, who: str = "operator") -> dict[str, tuple[str, str]]:
    shown = await desk.get(who, f"/v1/ports/{number}")
    carriers = [one for item in shown["items"] for one in item["carriers"]]
    return {one["carrier"]: (one["status"], one["filing"]) for one in carriers}


async def on(desk: Office, day: date) -> None:
    """Let a day pass: what is due then is done."""
    node = desk.platform.node
    await node.port_desk.daily(midnight(day) + 3600)
    await node.catalogue.load(node.store)


def today(desk: Office) -> date:
    return day_of(desk.platform.node.clock.now())


async def test_the_life_of_a_port(desk: Office) -> None:  # long: one story
    await desk.number()
    wanted = {"sender": CODE, "number": NUMBER, "purpose": "notification", "signature": "安信"}
    assert await desk.refused("account1", "/v1/ports", wanted) == (
        409, "signature_not_filed", "signature",
    )  # fmt: skip
    await desk.signature()
    made = await desk.post("account1", "/v1/ports", wanted)
    assert (made["number"], made["state"]) == (f"{NUMBER}000", "submitted")
    assert await desk.post("account1", "/v1/ports", wanted) == made  # handed in once more
    number = made["number"]
    item = await desk.decide("port")
    assert item["subject"]["number"] == number
    assert await statuses(desk, number) == dict.fromkeys(ALL, ("applied", "none"))
    await desk.template("您的订单{order}已发货。")
    assert (await desk.send(numbers(3), variables={"order": "A1"})).json()["reasons"] == {
        "port_inactive": 3
    }

    # Each carrier files at its own pace.
    at = f"/v1/ports/{number}"
    assert await desk.refused("operator", f"{at}/file") == (409, "port_state", "action")
    await desk.post("operator", f"{at}/submit", {"reference": "B-1", "on": "2026-01-05"})
    await desk.post("operator", f"{at}/turn_down", {"carriers": ["unicom"], "reason": "scope"})
    await desk.post("operator", f"{at}/file", {"carriers": ["mobile"], "reference": "M-77"})
    assert await statuses(desk, number) == {
        "mobile": ("filed", "filed"), "unicom": ("applied", "refused"),
        "telecom": ("applied", "submitted"),
    }  # fmt: skip
    late = (await desk.get("operator", at))["items"][0]["carriers"]
    assert {one["carrier"]: one["filing_late"] for one in late}["telecom"] is True
    assert (await desk.refused("account1", f"{at}/activate"))[:2] == (403, "staff_step")
    await desk.post("operator", f"{at}/submit", {"carriers": ["unicom"]})
    await desk.post("operator", f"{at}/file")
    await desk.post("operator", f"{at}/activate")
    assert await statuses(desk, number) == dict.fromkeys(ALL, ("active", "filed"))
    assert (await desk.send(numbers(3), variables={"order": "A1"})).json()["allowed"] == 3

    # In use: paused, suspended, given free, revoked for good.
    await desk.post("account1", f"{at}/pause")
    assert (await desk.send(numbers(1), variables={"order": "A2"})).json()["allowed"] == 0
    await desk.post("account1", f"{at}/resume")
    assert (await desk.send(numbers(1), variables={"order": "A3"})).json()["allowed"] == 1
    assert (await desk.refused("operator", f"{at}/suspend"))[:2] == (422, "reason")
    await desk.post("operator", f"{at}/suspend", {"reason": "complaints"})
    assert (await desk.refused("account1", f"{at}/resume"))[:2] == (403, "port_suspended")
    await desk.post("operator", f"{at}/resume")
    await desk.post("operator", f"{at}/revoke", {"reason": "case 7"})
    assert (await desk.send(numbers(1), variables={"order": "A4"})).json()["allowed"] == 0
    assert (await desk.refused("operator", f"{at}/resume"))[:2] == (409, "port_state")

    # Cooling: nobody has the number, until the day.
    day = today(desk)
    await on(desk, day)
    assert {state for state, _ in (await statuses(desk, number)).values()} == {"revoked"}
    await on(desk, day + timedelta(days=1))
    assert {state for state, _ in (await statuses(desk, number)).values()} == {"cooling"}
    assert (await desk.refused("operator", f"{at}/recycle"))[:2] == (409, "port_cooling")
    again = wanted | {"purpose": "marketing", "extension": "000"}
    assert (await desk.refused("account1", "/v1/ports", again))[:2] == (409, "port_purpose")
    free = months_later(day, 6)
    await on(desk, free - timedelta(days=1))
    assert {state for state, _ in (await statuses(desk, number)).values()} == {"cooling"}
    await on(desk, free)
    assert {state for state, _ in (await statuses(desk, number)).values()} == {"recycled"}

    # (Half a year is longer than a signature lasts.)
    await desk.platform.sql("UPDATE signature SET state = 'active' WHERE words = '商户2'")
    # Somebody else has it now; the history stays, and replies reach both.
    other = {"sender": "CODE2", "number": NUMBER, "extension": "000", "purpose": "verification",
             "signature": "商户2"}  # fmt: skip
    assert (await desk.post("account2", "/v1/ports", other))["number"] == number
    await desk.decide("port")
    catalogue = desk.platform.node.catalogue
    assert {p.sender_id for p in catalogue.ports_at(number, "mobile")} == {1, 2}
    history = (await desk.get("account1", at))["items"][0]["carriers"][0]["history"]
    assert [one["step"] for one in history][-5:] == [
        "suspend",
        "resume",
        "revoke",
        "cool",
        "recycle",
    ]
    assert len((await desk.get("operator", at))["items"]) == 2
    await on(desk, months_later(day, 25))
    assert {p.sender_id for p in catalogue.ports_at(number, "mobile")} == {2}
    acts = await desk.platform.sql("SELECT what, subject, before, after FROM staff_act ORDER BY id")
    assert {"number.enter", "port.file", "port.revoke"} <= {act["what"] for act in acts}


async def test_a_port_keeps_its_purpose(desk: Office) -> None:
    await desk.number()
    await desk.signature()
    number = await desk.port("notification")
    wanted = {"sender": CODE, "number": NUMBER, "extension": "000", "purpose": "marketing",
              "signature": "安信"}  # fmt: skip
    assert await desk.refused("account1", "/v1/ports", wanted) == (409, "port_purpose", "purpose")
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.platform.sql("UPDATE port SET purpose = 3 WHERE number = $1", number)
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.platform.sql("DELETE FROM port_step")
    made = await desk.post("account1", "/v1/ports", wanted | {"extension": "001"})
    assert made["number"] == f"{NUMBER}001"  # a new application


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"extension": "12"}, "extension_range"),
        ({"extension": "5000"}, "extension_range"),
        ({"number": "1069"}, "no_number"),
        ({"carriers": ["mobile", "moon"]}, "no_carrier"),
        ({"purpose": "internal"}, "no_internal"),
        ({"sender": "CODE2"}, "unknown_sender"),
        ({"signature": "别人"}, "signature_not_filed"),
        ({"programme": "offers"}, "programme_purpose"),
        ({"programme": "nothing"}, "no_programme"),
        ({"extension": "1" * 21}, "bad_field"),
    ],
)
async def test_what_an_application_cannot_be(desk: Office, change: Any, code: str) -> None:
    await desk.number()
    await desk.signature()
    wanted = {"sender": CODE, "number": NUMBER, "purpose": "notification", "signature": "安信"}
    status, found, _ = await desk.refused("account1", "/v1/ports", wanted | change)
    assert (found, status < 500) == (code, True) or code == "bad_field"
    assert (await desk.get("account1", "/v1/ports"))["applications"] == []


async def test_numbers_that_would_make_replies_ambiguous(desk: Office) -> None:
    """A reply goes to the longest number that its destination begins with."""
    await desk.number(ranges=["10-99", "1000-9999", "-"])
    await desk.signature()
    await desk.port(extension="12")
    theirs = {"sender": "CODE2", "number": NUMBER, "purpose": "notification", "signature": "商户2"}
    for extension, code in (
        ("12", "extension_taken"), ("1234", "extension_overlaps"), ("", "extension_overlaps"),
    ):  # fmt: skip
        wanted = theirs | {"extension": extension}
        status, found, field = await desk.refused("account2", "/v1/ports", wanted)
        assert (status, found, field) == (409, code, "extension")
    # The same sender may have both: whatever is replied is said to it.
    own = {"sender": CODE, "number": NUMBER, "purpose": "marketing", "signature": "安信"}
    await desk.post("account1", "/v1/ports", own | {"extension": "1234"})
    # An application holds its number, and gives it back when it is refused or taken back.
    asked = await desk.post("account2", "/v1/ports", theirs | {"extension": "3456"})
    mine = own | {"extension": "34"}
    assert (await desk.refused("account1", "/v1/ports", mine))[1] == "extension_overlaps"
    await desk.post("account2", f"/v1/port-applications/{asked['id']}/withdraw")
    again = f"/v1/port-applications/{asked['id']}/withdraw"
    assert (await desk.refused("account2", again))[1] == "application_decided"
    await desk.post("account1", "/v1/ports", mine)
    await desk.decide("port", "refuse", "incomplete")
    await desk.post("account2", "/v1/ports", theirs | {"extension": "3456"})


async def test_of_many_who_apply_at_once_one_gets_the_number(desk: Office) -> None:
    await desk.number()
    await desk.signature()
    wanted = {"number": NUMBER, "purpose": "notification", "extension": "007"}
    asked = [
        ("account1", wanted | {"sender": CODE, "signature": "安信"}),
        ("account2", wanted | {"sender": "CODE2", "signature": "商户2"}),
    ] * 5
    answers = await asyncio.gather(
        *(desk.call(who, "POST", "/v1/ports", body) for who, body in asked)
    )
    assert {answer.status_code for answer in answers} == {201, 409}
    told = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(told) == 1  # who came first, and was told the same each time
    assert await desk.platform.value("SELECT count(*) FROM port_application") == 1


async def test_code_numbers(desk: Office) -> None:
    for change, code in (
        ({"ranges": ["5-1"]}, "bad_range"), ({"ranges": ["0" * 13 + "-" + "9" * 13]}, "bad_range"),
        ({"ranges": []}, "bad_range"), ({"carriers": []}, "no_carrier"),
        ({"carriers": ["moon"]}, "no_carrier"), ({"number": "12"}, "bad_number"),
        ({"purposes": []}, "no_purpose"), ({"certificate": "9"}, "no_document"),
        ({"scope": "广东、月球"}, "no_province"), ({"scope": "国际"}, "no_province"),
    ):  # fmt: skip
        body = {"number": NUMBER, "carriers": ALL, "ranges": ["00-99"], **change}
        assert (await desk.refused("operator", "/v1/numbers", body))[1] == code
    response = await desk.call("account1", "POST", "/v1/numbers", {"number": NUMBER})
    assert response.status_code == 403
    await desk.number(purposes=["verification"], scope="广东")
    seen = (await desk.get("account1", "/v1/numbers"))["items"]
    assert seen[0]["scope"] == "广东"
    assert "certificate" not in seen[0]
    await desk.signature()
    wanted = {"sender": CODE, "number": NUMBER, "purpose": "marketing", "signature": "安信"}
    assert (await desk.refused("account1", "/v1/ports", wanted))[1] == "number_purpose"
    await desk.post("operator", "/v1/numbers", {"number": NUMBER, "closed": True})
    wanted["purpose"] = "verification"
    assert (await desk.refused("account1", "/v1/ports", wanted))[1] == "no_number"


async def test_nobody_sees_or_moves_another_ones_port(desk: Office) -> None:
    await desk.number()
    made = await desk.signature()
    number = await desk.port()
    for method, path in (
        ("GET", f"/v1/ports/{number}"), ("POST", f"/v1/ports/{number}/pause"),
        ("POST", f"/v1/ports/{number}/revoke"), ("POST", "/v1/port-applications/1/withdraw"),
        ("POST", f"/v1/signatures/{made['id']}/withdraw"),
    ):  # fmt: skip
        response = await desk.call("account2", method, path, {"reason": "x"})
        assert response.status_code == 404, path
    assert {one["sender"] for one in (await desk.get("account2", "/v1/ports"))["items"]} == {
        "CODE2"
    }
    assert await statuses(desk, number) == dict.fromkeys(ALL, ("active", "filed"))


# Signatures -------------------------------------------------------------------------------


async def test_look_alikes_are_flagged_and_the_same_is_refused(desk: Office) -> None:
    same = {"sender": CODE, "words": "商户2", "source": "short_name"}
    status, code, field = await desk.refused("account1", "/v1/signatures", same)
    assert (status, field) == (422, "words")
    assert code in {"signature_not_of_name", "signature_taken"}
    await desk.signature()
    # 安新 sounds and looks like 安信: a person decides, who sees whose name it is taken for.
    await desk.platform.sql(
        "UPDATE sender SET legal_name = '安新科技有限公司' WHERE credit_code = 'CODE2'"
    )
    await desk.platform.node.catalogue.load(desk.platform.node.store)
    theirs = {"sender": "CODE2", "words": "安新", "source": "short_name"}
    made = await desk.post("account2", "/v1/signatures", theirs)
    assert made["state"] == "submitted"
    assert "signature_same_sound" in {flag["code"] for flag in made["flags"]}
    assert all("about" not in flag for flag in made["flags"])  # told to staff only
    item = await desk.decide("signature", "refuse", "name_mismatch")
    assert "安信" in {signal["about"] for signal in item["signals"]}
    shown = {one["words"]: one for one in (await desk.get("account2", "/v1/signatures"))["items"]}
    assert (shown["安新"]["state"], shown["安新"]["reason"]) == ("refused", "name_mismatch")


async def test_a_signature_is_one_senders(desk: Office) -> None:
    await desk.signature()
    assert (
        await desk.refused(
            "account1", "/v1/signatures", {"sender": CODE, "words": "安信", "source": "short_name"}
        )
    )[1] == "signature_there"
    with pytest.raises(asyncpg.UniqueViolationError):
        await desk.platform.sql(
            "INSERT INTO signature (sender_id, words, source, state, created_at)"
            " VALUES (2, '安信', 'short_name', 'submitted', '2026-01-01')"
        )
    mark = {"sender": CODE, "words": "星海", "source": "trade_mark"}
    assert await desk.refused("account1", "/v1/signatures", mark) == (
        422,
        "no_document",
        "document",
    )


async def test_an_unused_signature_lapses_on_the_day(desk: Office) -> None:
    await desk.number()
    made = await desk.signature()
    number = await desk.port()
    await desk.template("您的订单{order}已发货。")
    day = today(desk)
    assert (await desk.send(numbers(1), variables={"order": "A"})).json()["allowed"] == 1
    await on(desk, day)
    shown = {one["id"]: one for one in (await desk.get("account1", "/v1/signatures"))["items"]}
    ends = months_later(day, 5)
    assert shown[made["id"]]["lapses_on"] == ends.isoformat()
    await on(desk, ends - timedelta(days=1))
    assert await state_of(desk, made["id"]) == "active"
    await on(desk, ends)
    assert await state_of(desk, made["id"]) == "lapsed"
    lapsed = await desk.platform.sql(
        "SELECT signature_lapsed_at FROM port WHERE number = $1", number
    )
    assert all(row["signature_lapsed_at"] is not None for row in lapsed)
    # Filed again it is in force again, and its months begin anew.
    await desk.signature()
    assert await state_of(desk, made["id"]) == "active"
    lapsed = await desk.platform.sql(
        "SELECT signature_lapsed_at FROM port WHERE number = $1", number
    )
    assert all(row["signature_lapsed_at"] is None for row in lapsed)


async def test_use_keeps_a_signature_in_force(desk: Office) -> None:
    await desk.number()
    made = await desk.signature()
    await desk.port()
    await desk.template("您的订单{order}已发货。")
    day = today(desk)
    await desk.platform.sql("UPDATE signature SET last_used_on = $1", day - timedelta(days=200))
    assert (await desk.send(numbers(1), variables={"order": "A"})).json()["allowed"] == 1
    await on(desk, day)
    assert await state_of(desk, made["id"]) == "active"
    used = {one["id"]: one for one in (await desk.get("account1", "/v1/signatures"))["items"]}
    assert used[made["id"]]["last_used_on"] == day.isoformat()


async def state_of(desk: Office, signature: str) -> str:
    for one in (await desk.get("account1", "/v1/signatures"))["items"]:
        if one["id"] == signature:
            return str(one["state"])
    raise AssertionError(signature)


# The class switch ---------------------------------------------------------------------------


async def test_a_class_is_switched_off_and_on(desk: Office) -> None:
    stop = {"industries": ["finance"], "except_licensed": True, "reason": "advice of the regulator"}
    response = await desk.call("account1", "POST", "/v1/switches", stop)
    assert response.status_code == 403
    assert (await desk.refused("operator", "/v1/switches", {"reason": " "}))[1] == "reason"
    made = await desk.post("operator", "/v1/switches", stop)
    row = (await desk.platform.sql("SELECT * FROM class_stop"))[0]
    assert (row["industries"], row["except_licensed"], row["lifted_at"]) == (
        ["finance"],
        True,
        None,
    )
    lifted = await desk.post("operator", f"/v1/switches/{made['id']}/lift", {"reason": "over"})
    assert lifted["lifted_at"] is not None
    assert (await desk.refused("operator", f"/v1/switches/{made['id']}/lift"))[1] == "not_stopped"
    acts = await desk.platform.sql("SELECT what, after FROM staff_act ORDER BY id")
    assert [act["what"] for act in acts] == ["switch.stop", "switch.lift"]
    assert (await desk.get("operator", "/v1/switches"))["items"][0]["reason"] == stop["reason"]
