"""Cases: the ladder, two persons, dates, appeals, reversal, related cases, notices, by rule."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.app.mail import DirectoryCarrier
from assent.clock import ManualClock
from assent.errors import AssentError, Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.alarms import Alarms
from assent.flow.case_appeals import Appeals
from assent.flow.case_public import Credit, notice
from assent.flow.case_requests import (
    CaseAct,
    CaseAppeal,
    CaseAssign,
    CaseDecision,
    CaseEvidence,
    CaseOpen,
    CaseRests,
    CaseWords,
)
from assent.flow.case_rows import Parts
from assent.flow.case_rules import CaseRules
from assent.flow.cases import Cases
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.flow.restrictions import Restrictions
from assent.flow.tidings import Tidings
from assent.policy.ladder import Ladder
from assent.registry.calendar import Calendar
from assent.store import Store
from tests.flow.front_site import SUNDAY, Site, open_site

DAY = 86_400.0


class Office:
    """Staff, a customer with a sender and a port, and the rooms of cases."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.parts = Parts(
            site.store, site.clock, site.front.rooms.vault, site.catalogue, Calendar(),
            Ladder.packaged(), Tidings(site.post),
        )  # fmt: skip
        alarms = Alarms(site.store, site.clock, site.catalogue)
        self.cases = Cases(self.parts, Restrictions(), alarms)
        self.appeals = Appeals(self.cases)
        self.rules = CaseRules(self.cases)
        operator = site.accounts["operator"]
        one = frozenset({"enforce"})
        both = frozenset({"enforce", "second_enforce"})
        self.one = Caller(operator, one, False, 11)
        self.two = Caller(operator, both, False, 12)
        self.three = Caller(operator, both, False, 13)
        self.auditor = Caller(operator, frozenset({"audit"}), False, 14)

    async def company(self, n: int) -> Caller:
        """Make a company with account, owner, sender and two ports; return who acts for it."""
        at = utc(SUNDAY)
        (row,) = await self.site.sql(
            """WITH e AS (INSERT INTO entity (credit_code, legal_name, kind, created_at)
                VALUES ('E' || $1, '公司' || $1, 'company', $2) RETURNING id),
            g AS (INSERT INTO sender_group (name) VALUES ('G' || $1) RETURNING id),
            a AS (INSERT INTO account (name, kind, price_micro, created_at, entity_id)
                SELECT 'A' || $1, 'company', 1, $2, e.id FROM e RETURNING id),
            s AS (INSERT INTO sender (group_id, credit_code, legal_name, contact, industry,
                created_at, entity_id) SELECT g.id, 'E' || $1, '公司' || $1, '', '', $2, e.id
                FROM e, g RETURNING id),
            m AS (INSERT INTO account_sender SELECT a.id, s.id FROM a, s RETURNING account_id),
            o AS (INSERT INTO actor (email, name, created_at)
                VALUES ('o' || $1 || '@example.cn', 'O', $2) RETURNING id),
            r AS (INSERT INTO actor_role SELECT a.id, o.id, 'owner', $2 FROM a, o),
            p AS (INSERT INTO port (number, carrier, sender_id, purpose, signature, free_to_reply,
                created_at) SELECT '10690' || $1, c, s.id, 2, 'x', true, $2
                FROM s, unnest(ARRAY['mobile', 'unicom']) c)
            SELECT a.id, s.id AS sender, e.id AS entity FROM a, s, e""",
            str(n), at,
        )  # fmt: skip
        await self.site.catalogue.load(self.site.store)
        return Caller(row["id"], frozenset({"admission"}), False, 100 + n)

    async def opened(self, n: int = 1, severity: int = 1, **whom: Any) -> int:
        named = whom or {"sender": f"E{n}"}
        told = await self.cases.open(
            self.one, CaseOpen(title="营销投诉", severity=severity, **named)
        )
        return int(told["id"])

    async def act(self, number: int, step: str, caller: Caller | None = None, **more: Any) -> Any:
        request = CaseAct(step=step, words="请整改", **more)  # type: ignore[arg-type]  # any field
        return await self.cases.act(caller or self.one, number, request)

    async def in_force(self) -> list[dict[str, Any]]:
        rows = await self.site.sql("SELECT * FROM restriction WHERE lifted_at IS NULL ORDER BY id")
        return [dict(row) for row in rows]

    async def mails(self) -> list[str]:
        found = []
        for row in await self.site.sql("SELECT name, sealed FROM mail_out ORDER BY id"):
            sealed = self.parts.vault.open(bytes(row["sealed"]), f"mail_out.sealed/{row['name']}")
            found.append(" ".join(json.loads(sealed)))
        return found

    async def days(self, working: int) -> None:
        """Let working days pass, and a moment."""
        end = self.parts.calendar.after(self.site.clock.now(), working)
        self.site.clock.advance(end - self.site.clock.now() + 60)


@pytest.fixture
async def office(fresh_store: Store, tmp_path: Path) -> Office:
    carrier = DirectoryCarrier(tmp_path, "no-reply@platform.example", ManualClock(SUNDAY))
    return Office(await open_site(fresh_store, mail=carrier))


def last(told: dict[str, Any], action: str, state: str = "done") -> int:
    """Return the number of the last step of a kind, as staff see a case."""
    found = [one for one in told["steps"] if (one["action"], one["state"]) == (action, state)]
    return int(found[-1]["id"])


async def code_of(call: Any) -> str:
    with pytest.raises(AssentError) as raised:
        await call
    return raised.value.code


async def test_the_ladder_is_climbed_in_its_order(office: Office) -> None:
    await office.company(1)
    number = await office.opened()
    assert await code_of(office.act(number, "restrict")) == "case_step_needs"
    assert await code_of(office.act(number, "correct")) == "case_step_needs"
    await office.act(number, "notice")
    told = await office.act(number, "correct", days=3)
    assert (told["step"], told["possible"]) == ("correct", ["notice", "correct", "warning"])
    assert told["due_at"] is not None
    await office.act(number, "warning")
    told = await office.act(number, "restrict")
    (one,) = await office.in_force()
    assert (one["effect"], one["purposes"], one["source_id"]) == ("hold", 1 << 3, number)
    assert await code_of(office.act(number, "restrict")) == "case_in_force"
    # A fine has bounds, and is recorded once two persons agreed.
    assert await code_of(office.act(number, "fine")) == "case_lacks"
    for wrong in (9_999, 30_001):
        assert await code_of(office.act(number, "fine", amount=wrong)) == "fine_bounds"
    told = await office.act(number, "fine", amount=30_000)
    proposal = last(told, "fine", "proposed")
    assert told["waiting"] == [str(proposal)]
    assert await code_of(office.act(number, "fine", amount=10_000)) == "case_proposed"
    told = await office.cases.agree(office.two, number, proposal)
    fine = next(one for one in told["steps"] if one["id"] == str(last(told, "fine")))
    assert fine["details"] == {"amount": 30_000, "currency": "CNY", "country": "CN"}
    assert told["step"] == "fine"
    # Nothing of it is gone: the record has every step, and no words.
    acts = await office.site.sql("SELECT what, after FROM staff_act ORDER BY id")
    assert [row["what"] for row in acts] == [
        "case.open", "case.notice", "case.correct", "case.warning", "case.restrict", "case.fine",
        "case.fine", "case.fine",
    ]  # fmt: skip
    assert "请整改" not in str([row["after"] for row in acts])
    mails = await office.mails()
    assert len(mails) == 5
    assert "CNY 30,000" in mails[-1]
    with pytest.raises(Exception, match="append-only"):
        await office.site.sql("UPDATE case_step SET action = 'note'")


async def test_two_persons_are_two(office: Office) -> None:
    customer = await office.company(1)
    number = await office.opened(severity=3)
    told = await office.act(number, "suspend", office.two)
    proposal = last(told, "suspend", "proposed")
    assert await office.in_force() == []
    assert await code_of(office.cases.agree(office.two, number, proposal)) == "same_person"
    assert await code_of(office.cases.agree(office.one, number, proposal)) == "missing_scope"
    words = CaseWords(words="证据不足")
    await office.cases.decline(office.three, number, proposal, words)
    assert await code_of(office.cases.agree(office.three, number, proposal)) == "case_not_proposed"
    told = await office.act(number, "suspend", office.two)
    again = last(told, "suspend", "proposed")
    told = await office.cases.agree(office.three, number, again)
    suspended = last(told, "suspend")
    assert (
        await office.site.value("SELECT status FROM sender WHERE legal_name = '公司1'")
        == "suspended"
    )
    (one,) = await office.in_force()
    assert (one["purposes"], one["sender_id"] is not None) == (0, True)
    # What stops traffic is lifted before the case is closed, by who may agree.
    assert await code_of(office.cases.close(office.one, number, words)) == "case_unfinished"
    lift = (number, suspended, words)
    assert await code_of(office.cases.lift(office.one, *lift)) == "missing_scope"
    await office.cases.lift(office.two, *lift)
    assert await office.in_force() == []
    assert (
        await office.site.value("SELECT status FROM sender WHERE legal_name = '公司1'") == "active"
    )
    told = await office.cases.close(office.one, number, words)
    assert told["state"] == "closed"
    assert await code_of(office.act(number, "notice")) == "case_closed"
    shown = await office.cases.show(customer, number)
    assert shown["steps"][0]["lifted_at"] is not None


async def test_taking_a_port_back_and_giving_it_back(office: Office) -> None:
    customer = await office.company(1)
    number = await office.opened(port="106901", severity=3)
    assert await code_of(office.act(number, "revoke")) == "case_step_needs"
    for step in ("suspend", "revoke"):
        told = await office.act(number, step)
        await office.cases.agree(office.two, number, last(told, step, "proposed"))
    ports = "SELECT DISTINCT status FROM port WHERE number = '106901'"
    assert await office.site.value(ports) == "revoked"
    assert len(await office.in_force()) == 4  # each carrier's row: suspended, and taken back
    told = await office.cases.show(customer, number)
    revoked = next(one for one in told["steps"] if one["step"] == "revoke")
    assert "106901" in revoked["zh"]
    appeal = CaseAppeal(step=revoked["id"], words="系误判")
    await office.appeals.appeal(customer, number, appeal)
    assert await code_of(office.appeals.appeal(customer, number, appeal)) == "case_appealed"
    reverse = CaseDecision(step=revoked["id"], verdict="reverse", words="申诉成立")
    for who in (office.two, office.one):
        expected = "same_person" if who is office.two else "missing_scope"
        assert await code_of(office.appeals.decide(who, number, reverse)) == expected
    told = await office.appeals.decide(office.three, number, reverse)
    assert await office.site.value(ports) == "suspended"
    assert len(await office.in_force()) == 2
    suspended = last(told, "suspend")
    decision = CaseDecision(step=str(suspended), verdict="uphold", words="x")
    assert await code_of(office.appeals.decide(office.three, number, decision)) == (
        "case_not_appealed"
    )
    # Staff may see by themselves that a step was wrong. Nothing stands then: the case is reversed.
    decision = CaseDecision(step=str(suspended), verdict="reverse", words="x")
    told = await office.appeals.decide(office.three, number, decision)
    assert (told["state"], await office.in_force()) == ("reversed", [])
    assert await office.site.value(ports) == "active"
    assert (await office.cases.show(customer, number))["state"] == "reversed"
    steps = await office.site.sql("SELECT step FROM port_step WHERE port_id = 1 ORDER BY id")
    assert [row["step"] for row in steps] == ["suspend", "revoke", "restore", "restore"]


async def test_what_a_customer_sees_says_and_appeals(office: Office) -> None:
    customer, stranger = await office.company(1), await office.company(2)
    number = await office.opened(severity=2)
    await office.cases.note(office.one, number, CaseWords(words="投诉人 13800000000"))
    assert await code_of(office.cases.show(customer, number)) == "no_case"
    assert (await office.cases.list(customer))["items"] == []
    await office.act(number, "correct", days=2)
    told = await office.cases.show(customer, number)
    (step,) = told["steps"]
    assert (step["step"], step["words"]) == ("correct", "请整改")
    assert "title" not in told
    assert "138" not in str(told)
    assert [one["id"] for one in (await office.cases.list(customer))["items"]] == [str(number)]
    for call in (
        office.cases.show(stranger, number),
        office.appeals.answer(stranger, number, CaseWords(words="x")),
        office.appeals.appeal(stranger, number, CaseAppeal(step=step["id"], words="x")),
    ):
        assert await code_of(call) == "no_case"
    told = await office.appeals.answer(customer, number, CaseWords(words="已整改"))
    await office.cases.message(office.one, number, CaseWords(words="请补充证明"))
    told = await office.cases.show(customer, number)
    assert [(one["from"], one["words"]) for one in told["letters"]] == [
        ("you", "已整改"), ("platform", "请补充证明")
    ]  # fmt: skip
    # Words lie sealed.
    rows = await office.site.sql("SELECT sealed FROM case_word")
    assert len(rows) == 4
    assert not any("整改".encode() in bytes(row["sealed"]) for row in rows)
    # Upheld by another person; a late appeal is none.
    await office.appeals.appeal(customer, number, CaseAppeal(step=step["id"], words="不服"))
    uphold = CaseDecision(step=step["id"], verdict="uphold", words="维持")
    told = await office.appeals.decide(office.two, number, uphold)
    warned = await office.act(number, "warning")
    await office.days(11)
    late = CaseAppeal(step=str(last(warned, "warning")), words="不服")
    assert await code_of(office.appeals.appeal(customer, number, late)) == "case_appeal_late"
    told = await office.cases.show(customer, number)
    assert told["steps"][0]["appeal"]["state"] == "upheld"
    # Final steps may be told in public, by the company's name.
    text = notice(office.parts, await office.parts.load(office.site.store, number))
    assert all(words in text["zh"] for words in ("公司1", "责令限期改正", "警告"))
    assert "请整改" not in text["zh"]
    await office.site.sql("UPDATE entity SET kind = 'sole_trader'")
    text = notice(office.parts, await office.parts.load(office.site.store, number))
    assert ("公司1" in text["zh"], "E1" in text["zh"]) == (False, True)
    credit = Credit(office.site.store, office.parts)
    now = office.site.clock.now()
    told = await credit.entries(utc(SUNDAY - DAY), utc(now))
    assert [(one["measure"], one["final"], one["name"]) for one in told["items"]] == [
        ("correct", True, ""), ("warning", True, "")
    ]  # fmt: skip
    table = (await credit.table(utc(SUNDAY - DAY), utc(now))).decode("utf-8-sig")
    assert table.splitlines()[0] == ",".join(told["fields"])


async def test_dates_move_a_case_on(office: Office) -> None:
    customer = await office.company(1)
    number = await office.opened(severity=2)
    await office.act(number, "correct", days=2)
    assert await office.rules.step() == 0
    await office.days(2)
    assert await office.rules.step() == 1  # nobody answered: the warning comes by itself
    told = await office.cases.show(office.one, number)
    assert told["step"] == "warning"
    assert await office.rules.step() == 0
    await office.days(5)
    await office.rules.step()  # what stops traffic is proposed only, where time alone brings it
    told = await office.cases.show(office.one, number)
    (proposal,) = told["waiting"]
    assert last(told, "restrict", "proposed") == int(proposal)
    assert await office.in_force() == []
    await office.cases.agree(office.two, number, int(proposal))
    assert len(await office.in_force()) == 1
    # One that was answered is not moved on without anybody; one that is appealed not at all.
    await office.company(2)
    other = Caller(office.site.catalogue.accounts[customer.account_id + 1].id,
                   customer.scopes, False, 102)  # fmt: skip
    second = await office.opened(2, severity=2)
    told = await office.act(second, "correct", days=1)
    appeal = CaseAppeal(step=str(last(told, "correct")), words="不服")
    await office.appeals.appeal(other, second, appeal)
    await office.days(2)
    await office.rules.step()
    told = await office.cases.show(office.one, second)
    assert (told["step"], told["waiting"]) == ("correct", [])
    await office.appeals.answer(other, second, CaseWords(words="已改"))
    decision = CaseDecision(step=appeal.step, verdict="uphold", words="维持")
    await office.appeals.decide(office.two, second, decision)
    await office.rules.step()
    told = await office.cases.show(office.one, second)
    assert [one["action"] for one in told["steps"] if one["state"] == "proposed"] == ["warning"]
    # A restriction for some days ends by itself.
    await office.days(3)
    third = await office.opened(account="A2", severity=2)
    await office.act(third, "restrict", days=1)
    await office.days(1)
    await office.rules.step()
    rows = await office.site.sql("SELECT lifted_at FROM restriction WHERE source_id = $1", third)
    assert rows[0]["lifted_at"] is not None
    assert (await office.cases.show(office.one, third))["step"] == ""


async def alarm(office: Office, severity: int, detector: str = "burst", **about: Any) -> int:
    names = ", ".join(about)
    places = ", ".join(f"${place}" for place in range(4, 4 + len(about)))
    return int(
        await office.site.value(
            "INSERT INTO alarm (detector, key, severity, evidence, score, state, first_at, last_at,"
            f" {names}) VALUES ($3, random()::text, $1, '{{}}', 1, 'open', $2, $2, {places})"
            " RETURNING id", severity, utc(office.site.clock.now()), detector, *about.values(),
        )
    )  # fmt: skip


async def test_alarms_and_complaints_open_cases_and_stop_marketing(office: Office) -> None:
    await office.company(1)
    second, third = await office.company(2), await office.company(3)
    sender = await office.site.value("SELECT id FROM sender WHERE credit_code = 'E1'")
    await alarm(office, 1, sender_id=sender)
    assert await office.rules.step() == 0
    first = await alarm(office, 2, sender_id=sender)
    assert await office.rules.step() == 1
    (one,) = await office.in_force()
    assert (one["sender_id"], one["purposes"]) == (sender, 1 << 3)
    assert await office.rules.step() == 0
    await alarm(office, 3, sender_id=sender)  # the same case, graver
    assert await office.rules.step() == 0
    (case,) = (await office.cases.list(office.auditor))["items"]
    assert (case["opened_by"], case["severity"], case["step"]) == ("alarm", 3, "restrict")
    shown = await office.cases.show(office.one, int(case["id"]))
    assert len(shown["evidence"]) == 2
    # What a person lifted is not imposed again for the next alarm of the same case: it is proposed,
    # and so it is where the alarm goes on after that was declined.
    words = CaseWords(words="误报")
    await office.cases.lift(office.one, int(case["id"]), last(shown, "restrict"), words)
    await alarm(office, 3, sender_id=sender)
    await office.rules.step()
    assert await office.in_force() == []
    number = int(case["id"])
    (proposal,) = (await office.cases.show(office.one, number))["waiting"]
    await office.cases.decline(office.one, number, int(proposal), words)
    await office.rules.step()
    assert (await office.cases.show(office.one, number))["waiting"] == []
    later = utc(office.site.clock.now() + 3600)
    await office.site.sql("UPDATE alarm SET last_at = $2 WHERE id = $1", first, later)
    await office.rules.step()
    await office.rules.step()
    (proposal,) = (await office.cases.show(office.one, number))["waiting"]
    await office.site.sql("UPDATE alarm SET last_at = first_at")
    await office.cases.decline(office.one, number, int(proposal), words)
    # A group: a case for each account.
    accounts = [second.account_id, third.account_id]
    await alarm(office, 3, accounts=accounts)
    assert await office.rules.step() == 2
    assert [one["account_id"] for one in await office.in_force()] == accounts
    await office.cases.close(office.one, int(case["id"]), words)
    (ended,) = await office.site.sql("SELECT state, label FROM alarm WHERE id = $1", first)
    assert (ended["state"], ended["label"]) == ("ended", "")
    # What a detector is about is what stops: a port with all its carriers, or codes. Those whose
    # codes somebody had sent to a victim are no offenders.
    await alarm(office, 2, "bombed", accounts=accounts)
    assert await office.rules.step() == 0
    second_sender, port = await office.site.value(
        "SELECT ARRAY[s.id, min(p.id)] FROM sender s JOIN port p ON p.sender_id = s.id"
        " WHERE s.credit_code = 'E2' GROUP BY s.id"
    )
    known = len(await office.in_force())
    await alarm(office, 2, "drift", sender_id=second_sender, port_id=port, accounts=accounts)
    await alarm(office, 3, "bombing", sender_id=second_sender)
    assert await office.rules.step() == 2
    new = (await office.in_force())[known:]
    assert [(one["sender_id"], one["purposes"], one["port_id"]) for one in new] == [
        (second_sender, 1 << 1, None), (None, 0, port), (None, 0, port + 1)
    ]  # fmt: skip
    told = (await office.cases.list(second))["items"]
    shown = [await office.cases.show(second, int(one["id"])) for one in told]
    assert {one["steps"][0]["zh"][:12] for one in shown} == {
        "停止为您发送端口号 10", "停止为您发送验证码：排队", "停止为您发送营销类短信："
    }  # fmt: skip
    # Complaints of many people: each counts once.
    await complain(office, 3, people=[7] * 10)
    assert await office.rules.step() == 0
    await complain(office, 3, people=list(range(10, 15)))
    assert await office.rules.step() == 1
    (case, *_) = (await office.cases.list(office.one))["items"]
    assert (case["opened_by"], case["sender"], case["step"]) == ("complaint", "E3", "notice")
    assert await office.rules.step() == 0


async def complain(office: Office, n: int, people: list[int]) -> None:
    await office.site.sql(
        """INSERT INTO complaint (source, person_id, sender_id, receipt_code, state, at,
            complained_at) SELECT 'receiver', p, s.id, 'R' || random(), 'open', $3, $3
        FROM unnest($1::int[]) p, sender s WHERE s.credit_code = 'E' || $2""",
        people, str(n), utc(office.site.clock.now()),
    )  # fmt: skip


async def test_repeat_offenders_begin_further_up(office: Office) -> None:
    for n in range(1, 5):
        await office.company(n)
    await office.site.sql(
        """INSERT INTO graph_node (kind, mark, label) VALUES ('address', sha256('x'), '上海')"""
    )
    await office.site.sql(
        """INSERT INTO graph_edge (entity_id, node_id, relation, source, since)
        SELECT e.id, n.id, 'address', 'application', $1 FROM entity e, graph_node n
        WHERE e.credit_code IN ('E1', 'E2')""",
        utc(SUNDAY),
    )
    await office.site.sql(
        """WITH g AS (INSERT INTO order_group (state, parties, accounts, copies, reasons, first_at,
            last_at, found_at) VALUES ('harmful', 2, 2, 0, '[]', $1, $1, $1) RETURNING id)
        INSERT INTO order_group_member SELECT g.id, m.account_id, m.sender_id, $1
        FROM g, account_sender m JOIN sender s ON s.id = m.sender_id
        WHERE s.credit_code IN ('E1', 'E3')""",
        utc(SUNDAY),
    )
    number = await office.opened(1, severity=3)
    await office.act(number, "warning")
    words = CaseWords(words="结案")
    await office.cases.close(office.one, number, words)
    starts = {}
    for n in (1, 2, 3, 4):
        told = await office.cases.show(office.one, await office.opened(n))
        starts[n] = (told["start"], [one["over"] for one in told["related"]
                                     if one["case"] == str(number)])  # fmt: skip
    assert starts == {
        1: ("warning", [["same"]]), 2: ("correct", [["address"]]), 3: ("correct", [["group"]]),
        4: ("", []),
    }  # fmt: skip
    assert await code_of(office.act(number + 4, "correct")) == "case_step_needs"
    await office.act(number + 2, "correct")  # what others wait for may come at once
    await office.act(number + 1, "warning")


async def test_bad_words_are_told_and_change_nothing(office: Office) -> None:
    customer = await office.company(1)
    site = office.site
    before = await site.value("SELECT count(*) FROM case_file")
    for fields, code in (
        ({"sender": "E9"}, "case_whom_unknown"), ({"account": "operator"}, "case_whom"),
        ({}, "case_whom"), ({"sender": "E1", "account": "A1"}, "case_whom"),
        ({"port": "999"}, "case_whom_unknown"),
    ):  # fmt: skip
        with pytest.raises((InvalidInput, NotFound)) as raised:
            await office.cases.open(office.one, CaseOpen(title="x", **fields))  # type: ignore[arg-type]  # any
        assert raised.value.code == code
    with pytest.raises(InvalidInput):
        await office.cases.open(office.one, CaseOpen(title="投诉人13800000000", sender="E1"))
    rests = [CaseEvidence("alarm", "77")]
    with pytest.raises(NotFound):
        await office.cases.open(office.one, CaseOpen(title="x", sender="E1", evidence=rests))
    assert await site.value("SELECT count(*) FROM case_file") == before
    number = await office.opened()
    with pytest.raises(Conflict) as open_already:
        await office.opened()
    assert open_already.value.details == {"case": str(number)}
    account = CaseEvidence("account", str(customer.account_id))
    told = await office.cases.rest(office.one, number, CaseRests(evidence=[account]))
    assert told["evidence"][0]["kind"] == "account"
    with pytest.raises(NotFound):
        await office.cases.assign(office.one, number, CaseAssign(owner="99"))
    with pytest.raises(NotAllowed):
        await office.cases.show(Caller(office.one.account_id, frozenset({"send"}), False, 9), 1)
    assert (await office.cases.show(office.auditor, number))["steps"][0]["words"] == ""


STANDING = """SELECT (SELECT status FROM sender WHERE credit_code = $1),
    (SELECT status FROM account WHERE name = $2),
    (SELECT array_agg(DISTINCT status) FROM port WHERE number = $3)"""


@pytest.mark.parametrize("seed", [2, 4])
async def test_whatever_is_done_standing_follows_the_steps(office: Office, seed: int) -> None:
    """Three cases about one company, any steps in any order by anybody: what is suspended, taken
    back and restricted is what the steps in force say, after each of them and in the end."""
    draw = Random(seed)
    customer = await office.company(1)
    whoms = [{"sender": "E1"}, {"account": "A1"}, {"port": "106901"}]
    numbers = [await office.opened(severity=3, **whom) for whom in whoms]
    people = (office.one, office.two, office.three)
    words = CaseWords(words="x")

    async def once(place: int) -> None:
        number = numbers[place]
        told = await office.cases.show(office.one, number)
        if told["state"] == "reversed":
            numbers[place] = await office.opened(severity=3, **whoms[place])
            return
        # As if they had been dealt with often: no step needs another before it.
        await office.site.sql("UPDATE case_file SET start = 'revoke'")
        step = draw.choice(told["steps"])["id"]
        who, other = draw.choice(people), draw.choice(people[1:])
        verdict = draw.choice(["uphold", "reverse", "reverse"])
        name = draw.choice(["suspend", "revoke", "restrict", "suspend", "revoke"])
        ports = [] if number == numbers[2] else ["106901"]
        order = CaseAct(step=name, words="x", ports=ports if name == "revoke" else [])
        waiting = int(draw.choice(told["waiting"] or ["0"]))
        force = int(draw.choice(told["in_force"] or ["0"]))
        acts: list[Any] = [
            lambda: office.cases.act(who, number, order),
            lambda: office.cases.act(who, number, order),
            lambda: office.cases.agree(other, number, waiting),
            lambda: office.cases.agree(other, number, waiting),
            lambda: office.cases.agree(other, number, waiting),
            lambda: office.cases.decline(who, number, waiting, words),
            lambda: office.cases.lift(who, number, force, words),
            lambda: office.appeals.appeal(customer, number, CaseAppeal(step=step, words="x")),
            lambda: office.appeals.decide(
                who, number, CaseDecision(step=str(force), verdict=verdict, words="x")
            ),
        ]  # fmt: skip
        with suppress(Conflict, NotAllowed, NotFound, InvalidInput):
            await draw.choice(acts)()

    taken = set()
    for _ in range(60):
        await once(draw.randrange(3))
        taken |= await agrees(office, numbers)
    assert taken >= {"suspend", "revoke", "restrict"}
    for number in numbers:
        case = await office.parts.load(office.site.store, number)
        for one in reversed(case.in_force()):
            for who in people:
                decision = CaseDecision(step=str(one.id), verdict="reverse", words="x")
                with suppress(Conflict, NotAllowed):
                    await office.appeals.decide(who, number, decision)
    assert await agrees(office, numbers) is not None


async def agrees(office: Office, numbers: list[int]) -> set[str]:
    """Check that standing and restrictions are what the steps in force say; return those."""
    cases = [await office.parts.load(office.site.store, number) for number in numbers]
    force = [[one.action for one in case.in_force()] for case in cases]
    (row,) = await office.site.sql(STANDING, "E1", "A1", "106901")
    sender, account, (port, *others) = row
    assert not others
    assert (sender == "suspended") == ("suspend" in force[0])
    assert (account == "suspended") == ("suspend" in force[1])
    revoked = any("revoke" in steps for steps in force)
    expected = "revoked" if revoked else "suspended" if "suspend" in force[2] else "active"
    assert port == expected
    wanted = sorted(
        number for case in cases for one in case.in_force()
        for number in one.details.get("restrictions", ())
    )  # fmt: skip
    assert sorted(one["id"] for one in await office.in_force()) == wanted
    return {step for steps in force for step in steps}
