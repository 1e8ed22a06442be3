"""Screening in the flow: what is held, who is told what, and what follows from decisions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.requests import Caller, CampaignRequest, ReviewDecision
from assent.flow.text_reports import kappa
from assent.flow.text_requests import TextAppeal, TextChange, TextDecision
from assent.numbers import parse
from assent.screen.finding import Severity
from tests.flow.conftest import Platform, numbers
from tests.flow.text_screens import Rule, WordScreens

LOAN = "会员专享，贷款利率优惠。客服电话400-820-1234。拒收请回复R"
FINE = "会员专享，全场八折。客服电话400-820-1234。拒收请回复R"
GAMBLING = "棋牌开局，下注有礼。客服电话400-820-1234。拒收请回复R"
YES = TextDecision(code="in_order")
NO = TextDecision(code="deceptive", words="假冒")


class Office:
    """A platform that screens, with reviewers."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.node = platform.node
        self.screens = WordScreens()
        self.node.screening.texts.use(self.screens)
        self.desk = self.node.screening.desk
        operator = self.node.catalogue.operator
        assert operator is not None
        self.one = Caller(operator.id, frozenset({"review"}), False, 101)
        self.two = Caller(operator.id, frozenset({"review", "second_review"}), False, 102)
        self.three = Caller(operator.id, frozenset({"review", "second_review"}), False, 103)

    async def approve(self, review: int, word: TextDecision = YES) -> dict[str, Any]:
        """Approve as one person or, where two must agree, as two."""
        told = await self.desk.approve(self.one, review, word)
        if told["state"] == "held":
            told = await self.desk.approve(self.two, review, word)
        await self.settle()
        return told

    async def settle(self) -> None:
        """Wait until the node has heard of what was decided."""
        self.node.screening.texts.forget()

    async def audience(self, people: list[str], columns: dict[str, list[str]] | None = None) -> str:
        campaigns, caller = self.node.campaigns, self.platform.caller()
        made = await campaigns.create_audience(caller, "list", "our customers")
        parsed = parse(people)
        rows = np.arange(len(people), dtype=np.uint32)
        await campaigns.add_chunk(made, 0, rows, parsed.msisdn, parsed.fault, columns)
        await campaigns.finish_audience(made, sorted(columns or {}))
        return str(made)

    async def campaign(self, text: str, people: list[str], **more: Any) -> dict[str, Any]:
        audience = await self.audience(people, more.pop("columns", None))
        request = CampaignRequest(
            name="spring", audience=audience, sender="CODE1", purpose="marketing", text=text, **more
        )
        answer = await self.node.campaigns.create(
            self.platform.caller(), request, key=None, sha=b""
        )
        return dict(json.loads(answer))

    async def progress(self, campaign: str) -> dict[str, Any]:
        return await self.node.campaigns.progress(self.platform.caller(), int(campaign))


@pytest.fixture
async def office(platform: Platform) -> Office:
    one = Office(platform)
    await one.node.screening.watch.step(one.node.clock.now())
    assert sum(one.screens.calls) == 4  # the templates of both senders, once
    one.screens.calls.clear()
    return one


async def test_a_held_text_is_told_by_number_and_may_go_after_approval(office: Office) -> None:
    platform, people = office.platform, numbers(3)
    await platform.consent(people)
    told = await platform.send(people, text=LOAN)
    assert (told["allowed"], told["reasons"]) == (0, {"text_held": 3})
    (text,) = told["texts"]
    assert text["state"] == "held"
    assert text["findings"][0]["code"] == "loan_words"
    review = int(text["review"])
    # One more order of it, written in full-width letters, is the same text.
    again = await platform.send(people[:2], text=LOAN.replace("400", "４００"))
    assert again["texts"][0]["review"] == text["review"]
    items = (await office.node.front.desk.queue(office.one, "text"))["items"]
    assert [one["about"] for one in items] == [text["review"]]
    shown = await office.desk.show(office.one, review)
    assert "贷款" in shown["findings"][0]["quotes"]
    assert shown["text"].startswith("【商户1】会员专享")
    assert shown["record"]["texts"] == {}
    # Two must agree: loans need a licence.
    told_one = await office.desk.approve(office.one, review, YES)
    assert told_one["state"] == "held"
    with pytest.raises(NotAllowed) as caught:
        await office.desk.approve(office.one, review, YES)
    assert caught.value.code == "same_person"
    assert (await office.desk.approve(office.two, review, YES))["state"] == "approved"
    await office.settle()
    gone = await platform.send(people, text=LOAN)
    assert gone["allowed"] == 3
    rows = await platform.sql("SELECT screening::text AS s FROM submission ORDER BY id")
    states = [json.loads(row["s"])["state"] for row in rows]
    assert states == ["held", "held", "approved"]
    assert [json.loads(row["s"])["reviews"] for row in rows] == [[review]] * 3


async def test_a_lawful_text_is_screened_once(office: Office) -> None:
    platform, people = office.platform, numbers(4)
    await platform.consent(people)
    for one in people:
        assert (await platform.send([one], text=FINE))["allowed"] == 1
    assert office.screens.calls == [1]
    assert office.node.screening.texts.looked_up >= 3
    assert await platform.value("SELECT count(*) FROM text_review") == 0


async def test_codes_and_notices_of_templates_are_not_screened(office: Office) -> None:
    platform = office.platform
    told = await platform.send(numbers(1), "verification")
    assert told["allowed"] == 1
    told = await platform.send(numbers(2), "notification")
    assert told["allowed"] == 2
    assert office.screens.calls == []
    rows = await platform.sql("SELECT screening::text AS s FROM submission")
    assert {json.loads(row["s"])["state"] for row in rows} == {"template"}


async def test_a_dry_run_puts_nothing_up(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    from assent.flow.requests import Receiver, SendRequest

    request = SendRequest(
        sender="CODE1", purpose="marketing", messages=[Receiver(to=one) for one in people],
        text=LOAN,
    )  # fmt: skip
    told = await platform.node.sending.dry_run(platform.caller(), request)
    assert msgspec.to_builtins(told)["texts"][0]["review"] is None
    assert await platform.value("SELECT count(*) FROM text_review") == 0
    assert await platform.value("SELECT count(*) FROM review_item") == 0


async def test_who_may_not_be_written_to_anyway_fills_no_desk(office: Office) -> None:
    told = await office.platform.send(numbers(3), text=LOAN)
    assert told["reasons"] == {"no_standing": 3}
    assert "texts" not in told
    assert await office.platform.value("SELECT count(*) FROM text_review") == 0


async def test_a_rejected_text_is_appealed_and_another_person_decides(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    told = await platform.send(people, text=GAMBLING)
    assert told["reasons"] == {"text_rejected": 2}
    review = int(told["texts"][0]["review"])
    customer, other = platform.caller(1), platform.caller(2)
    with pytest.raises(NotFound):
        await office.desk.appeal(other, review, TextAppeal(words="是我的"))
    with pytest.raises(NotFound):
        await office.desk.show(other, review)
    with pytest.raises(Conflict):
        await office.desk.approve(office.one, review, YES)
    await office.desk.appeal(customer, review, TextAppeal(words="这是棋牌室会员通知"))
    with pytest.raises(Conflict) as caught:
        await office.desk.appeal(customer, review, TextAppeal(words="再次"))
    assert caught.value.code == "text_appealed"
    told = await office.desk.refuse(office.one, review, NO)
    assert told["state"] == "refused"
    assert told["appeals"][0]["state"] == "upheld"
    with pytest.raises(Conflict):
        await office.desk.appeal(customer, review, TextAppeal(words="再次"))


async def test_an_appeal_against_a_person_is_for_another_one(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    prize = FINE.replace("全场八折", "抽签中奖")
    told = await platform.send(people, text=prize)
    review = int(told["texts"][0]["review"])
    await office.desk.refuse(office.one, review, NO)
    await office.settle()
    assert (await platform.send(people, text=prize))["reasons"] == {"text_rejected": 2}
    await office.desk.appeal(platform.caller(), review, TextAppeal(words="真实的抽奖"))
    for act in (office.desk.approve, office.desk.refuse):
        with pytest.raises(NotAllowed) as caught:
            await act(office.one, review, YES if act == office.desk.approve else NO)
        assert caught.value.code == "same_person"
    done = await office.desk.approve(office.two, review, TextDecision(code="false_alarm"))
    assert (done["state"], done["appeals"][0]["state"]) == ("approved", "overturned")
    await office.settle()
    assert (await platform.send(people, text=prize))["allowed"] == 2


async def test_a_campaign_waits_and_leaves_when_its_text_is_approved(office: Office) -> None:
    platform, people = office.platform, numbers(9)
    await platform.consent(people)
    made = await office.campaign(LOAN, people)
    assert made["text"]["state"] == "held"
    review = int(made["text"]["review"])
    assert await platform.node.campaigns.step() is False
    told = await office.progress(made["id"])
    assert (told["state"], told["text"], told["judged"]) == ("running", str(review), 0)
    await office.approve(review)

    async def sent() -> bool:
        return len(platform.submits()) == 9

    await platform.until(sent, "it left")
    assert (await office.progress(made["id"]))["text"] is None


async def test_a_campaign_ends_when_its_text_is_refused_and_its_money_comes_back(
    office: Office,
) -> None:
    platform, people = office.platform, numbers(6)
    await platform.consent(people)
    held = await office.campaign(LOAN, people)
    review = int(held["text"]["review"])
    await office.desk.refuse(office.one, review, NO)
    told = await office.progress(held["id"])
    assert (told["state"], told["cost_micro"]) == ("stopped", 0)
    await office.settle()
    with pytest.raises(InvalidInput) as caught:
        await office.campaign(LOAN, people)
    assert caught.value.code == "text_rejected"
    assert caught.value.details["review"] == str(review)


async def test_a_running_campaign_whose_text_becomes_graver_is_stopped_and_refunded(
    office: Office,
) -> None:
    platform, people = office.platform, numbers(6)
    await platform.consent(people)
    account = platform.caller().account_id

    async def balance() -> int:
        return int(
            await platform.value("SELECT available FROM balance WHERE account_id = $1", account)
        )

    before = await balance()
    from datetime import timedelta

    from assent.flow.needs import utc

    later = utc(platform.clock.now()) + timedelta(hours=3)
    made = await office.campaign(FINE, people, not_before=later)

    async def judged() -> bool:
        return (await office.progress(made["id"]))["judged"] == 6

    await platform.until(judged, "its people are judged, and wait for the time")
    assert await balance() < before
    case = await office.node.screening.reviews.keep_case(account, 1, *await held_case(office, FINE))
    await platform.sql("UPDATE campaign SET text_review_id = $1", case)
    await office.desk.refuse(office.one, case, NO)

    async def back() -> bool:
        return await balance() == before

    await platform.until(back, "the money came back")
    assert (await office.progress(made["id"]))["state"] == "stopped"
    assert platform.submits() == []


async def held_case(office: Office, text: str) -> tuple[Any, Any]:
    from assent.flow.screened import Text
    from assent.flow.text_cases import Case
    from assent.message import Purpose
    from assent.screen.finding import UNLICENSED

    (found,) = WordScreens().screen([Text(text, UNLICENSED)])
    digest = office.node.screening.texts.digest("text", found.digest)
    return Purpose.MARKETING, Case("text", "held", text, found, digest)


async def test_a_reviewer_changes_a_text_and_the_customer_adopts_it(office: Office) -> None:
    platform, people = office.platform, numbers(4)
    await platform.consent(people)
    prize = FINE.replace("全场八折", "抽签中奖")
    made = await office.campaign(prize, people)
    review = int(made["text"]["review"])
    better = prize.replace("中奖", "赠礼（以店内公示为准）")
    told = await office.desk.change(office.one, review, TextChange(text=better))
    assert told["state"] == "changed"
    seen = await office.desk.show(platform.caller(), review)
    assert seen["changed"] == better
    assert platform.submits() == []
    with pytest.raises(NotFound):
        await office.desk.adopt(platform.caller(2), review)
    done = await office.desk.adopt(platform.caller(), review)
    assert done["campaigns"] == [made["id"]]

    async def sent() -> bool:
        return len(platform.submits()) == 4

    await platform.until(sent, "it left, as the reviewer wrote it")


async def test_the_second_person_agrees_to_what_the_first_wrote(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    told = await platform.send(people, text=LOAN)
    review = int(told["texts"][0]["review"])
    one, other = (LOAN.replace("利率优惠", word) for word in ("咨询", "资讯"))
    assert (await office.desk.change(office.one, review, TextChange(text=one)))["state"] == "held"
    # Another change needs two persons again: what the first agreed to was something else.
    told = await office.desk.change(office.two, review, TextChange(text=other))
    assert (told["state"], told["proposed"]) == ("held", other)
    with pytest.raises(NotAllowed):
        await office.desk.approve(office.two, review, YES)
    told = await office.desk.approve(office.three, review, YES)
    assert told["state"] == "changed"
    await office.settle()
    assert (await platform.send(people, text=other))["allowed"] == 2
    assert (await platform.send(people, text=one))["reasons"] == {"text_held": 2}
    assert (await platform.send(people, text=LOAN))["reasons"] == {"text_rejected": 2}


async def test_bait_in_a_name_is_held_after_rendering(office: Office) -> None:
    platform = office.platform
    people = numbers(5)
    await platform.consent(people)
    text = "尊敬的{name}，会员日全场八折。客服电话400-820-1234。拒收请回复R"
    from assent.flow.requests import Receiver, SendRequest

    names = [
        "王小明",
        "客户，您有30万额度，回复1领取",
        "欧阳修",
        "客户，您有50万额度，回1领取",
        "李雷",
    ]
    request = SendRequest(
        sender="CODE1", purpose="marketing", text=text,
        messages=[
            Receiver(to=to, variables={"name": name})
            for to, name in zip(people, names, strict=True)
        ],
    )  # fmt: skip
    answer = json.loads(
        await platform.node.sending.send(platform.caller(), request, key=None, sha=b"")
    )
    assert answer["allowed"] == 3
    assert answer["reasons"] == {"text_rejected": 2}
    (one,) = answer["texts"]  # one case for both: the same was put in
    shown = await office.desk.show(office.one, int(one["review"]))
    assert (shown["kind"], shown["state"]) == ("values", "refused")
    assert "30万额度" in shown["text"]
    # The text itself, and each doubtful rendering beside it; the three short names not.
    assert office.screens.calls == [1, 1, 2]


async def test_nobody_decides_about_the_own_company(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    told = await platform.send(people, text=FINE.replace("全场八折", "抽签中奖"))
    review = int(told["texts"][0]["review"])
    node, account = platform.node, platform.caller().account_id
    from assent.flow.needs import utc

    now = utc(node.clock.now())
    actor = await node.store.fetchval("actor_insert", "a@b.example", "甲", "$argon2id$no", now)
    await node.store.execute("roles_put", account, actor, ["owner"], now)
    mine = msgspec.structs.replace(office.one, actor_id=actor)
    with pytest.raises(NotAllowed) as caught:
        await office.desk.approve(mine, review, YES)
    assert caught.value.code == "own_account"
    with pytest.raises(NotAllowed) as caught:
        await office.desk.change(mine, review, TextChange(text="好"))
    assert caught.value.code == "own_account"
    word = ReviewDecision(verdict="approve", code="in_order")
    item = (await node.front.desk.queue(office.one, "text"))["items"][0]["id"]
    with pytest.raises(NotAllowed):
        await node.front.desk.decide(mine, int(item), word)


async def test_an_approval_ends_when_newer_screening_finds_something_graver(
    office: Office,
) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    prize = FINE.replace("全场八折", "抽签中奖")
    review = int((await platform.send(people, text=prize))["texts"][0]["review"])
    await office.approve(review)
    texts = office.node.screening.texts
    texts.use(WordScreens("2"))  # other versions, which find the same
    assert (await platform.send(people[:1], text=prize))["allowed"] == 1
    texts.use(WordScreens("3", frozenset({"prize_words"})))
    told = await platform.send(people[1:], text=prize)
    assert told["reasons"] == {"text_rejected": 1}
    assert told["texts"][0]["review"] == str(review)
    shown = await office.desk.show(office.one, review)
    assert (shown["state"], shown["decided_at"]) == ("refused", None)


async def test_an_approval_ends_after_its_days(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    prize = FINE.replace("全场八折", "抽签中奖")
    review = int((await platform.send(people, text=prize))["texts"][0]["review"])
    office.node.screening.reviews.days = 0  # one that ends as it begins
    await office.approve(review)
    told = await platform.send(people[1:], text=prize)
    assert told["reasons"] == {"text_held": 1}
    assert told["texts"][0]["review"] == str(review)


async def test_templates_in_use_are_looked_at_again_when_screening_changes(
    office: Office,
) -> None:
    platform, node = office.platform, office.node
    watch, texts = node.screening.watch, node.screening.texts
    await watch.step(node.clock.now())
    assert office.screens.calls == []  # each was looked at
    stricter = (
        Rule("parcel_words", "发货", "phishing_parcel", Severity.HOLD),
        Rule("code_words", "验证码", "harassment", Severity.HOLD),
    )
    texts.use(WordScreens("2", more=stricter))
    await watch.step(node.clock.now())
    await texts.follow_templates()
    told = await platform.send(numbers(2), "notification")
    assert told["reasons"] == {"text_held": 2}
    # Whoever waits for a code cannot wait for a reviewer.
    assert (await platform.send(numbers(1), "verification"))["allowed"] == 1
    review = int(told["texts"][0]["review"])
    shown = await office.desk.show(office.one, review)
    assert (shown["kind"], shown["text"]) == ("template", "您的订单{order}已发货。")
    await office.approve(review)
    await texts.follow_templates()
    await watch.step(node.clock.now())
    assert (await platform.send(numbers(2), "notification"))["allowed"] == 2
    # Refused: codes, too.
    rows = await platform.sql(
        "SELECT r.id FROM text_review r JOIN sender s ON s.id = r.sender_id"
        " WHERE r.purpose = 1 AND s.credit_code = 'CODE1'"
    )
    await office.desk.refuse(office.one, rows[0]["id"], NO)
    await texts.follow_templates()
    told = await platform.send(numbers(1, 90), "verification")
    assert told["reasons"] == {"text_rejected": 1}


async def test_a_restart_keeps_what_was_decided(office: Office) -> None:
    platform, people = office.platform, numbers(4)
    await platform.consent(people)
    prize = FINE.replace("全场八折", "抽签中奖")
    first = int((await platform.send(people, text=prize))["texts"][0]["review"])
    await office.approve(first)
    held = await office.campaign(LOAN, people)
    await platform.node.stop()
    await platform.start_node()
    again = Office(platform)
    assert (await platform.send(people[:2], text=prize))["allowed"] == 2
    told = await again.progress(held["id"])
    assert (told["state"], told["text"]) == ("running", held["text"]["review"])
    assert told["judged"] == 0
    await again.approve(int(held["text"]["review"]))

    async def judged() -> bool:
        return (await again.progress(held["id"]))["judged"] == 4

    await platform.until(judged, "the campaign went on after the restart")


async def test_a_text_that_was_seen_costs_no_query_and_no_screening(office: Office) -> None:
    platform, people = office.platform, numbers(6)
    await platform.consent(people)
    await platform.send(people[:1], text=FINE)
    texts = office.node.screening.texts
    asked: list[str] = []
    store = texts._store

    class Counting:
        async def fetchrow(self, name: str, *args: Any) -> Any:
            asked.append(name)
            return await store.fetchrow(name, *args)

    texts._store = Counting()  # type: ignore[assignment]  # the real store behind a count
    for one in people[1:]:
        assert (await platform.send([one], text=FINE))["allowed"] == 1
    assert (await platform.send(numbers(1), "verification"))["allowed"] == 1
    assert asked == []
    assert office.screens.calls == [1]


async def test_what_texts_are_screened_with_is_in_the_ledger(office: Office) -> None:
    node, texts = office.node, office.node.screening.texts

    async def noted() -> list[str]:
        rows = await office.platform.sql(
            "SELECT document FROM setting WHERE what = 'screening' ORDER BY position"
        )
        return [json.loads(bytes(row["document"]))["digest"] for row in rows]

    await node.ledger.note_settings()
    await node.ledger.note_settings()
    one, other = office.screens, WordScreens("other")
    texts.use(other)
    await node.ledger.note_settings()
    assert await noted() == [one.digest, other.digest]


async def test_screening_is_read_when_it_is_needed_first(office: Office) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    texts, read = office.node.screening.texts, []
    texts.screens = None

    def load() -> WordScreens:
        read.append(1)
        return office.screens

    texts._load = load
    assert (await platform.send(numbers(1), "verification"))["allowed"] == 1
    assert read == []
    assert (await platform.send(people[:1], text=LOAN))["reasons"] == {"text_held": 1}
    assert (await platform.send(people[1:], text=FINE))["allowed"] == 1
    assert read == [1]


async def test_labels_are_unsealed_for_auditors_and_reviewers_are_compared(
    office: Office,
) -> None:
    platform, people = office.platform, numbers(2)
    await platform.consent(people)
    reports = office.node.screening.reports
    prize = FINE.replace("全场八折", "抽签中奖")
    one = int((await platform.send(people, text=prize))["texts"][0]["review"])
    two = int((await platform.send(people, text=LOAN))["texts"][0]["review"])
    three = int((await platform.send(people, text=prize + "。"))["texts"][0]["review"])
    await office.desk.refuse(office.one, one, TextDecision(code="deceptive", category="fraud"))
    await office.desk.appeal(platform.caller(), one, TextAppeal(words="真的"))
    await office.desk.approve(office.two, one, TextDecision(code="false_alarm", category="retail"))
    await office.desk.approve(office.one, two, YES)
    await office.desk.approve(office.two, two, YES)
    await office.desk.refuse(office.two, three, NO)
    operator = office.node.catalogue.operator
    assert operator is not None
    auditor = Caller(operator.id, frozenset({"audit"}), False, 104)
    told = await reports.labels(auditor, None, None, 0)
    labels = {row["text"]: row for row in told["items"]}
    assert [labels["【商户1】" + text]["label"] for text in (prize, LOAN)] == ["ham", "ham"]
    assert labels["【商户1】" + prize]["agreement"] == 0.5
    assert labels["【商户1】" + LOAN]["agreement"] == 1.0
    assert [row["label"] for row in told["items"]].count("spam") == 1
    # Nothing of a text lies open in the database.
    whole = await platform.sql("SELECT t::text AS row FROM text_review t")
    assert not any("抽签" in row["row"] for row in whole)
    acts = await platform.sql("SELECT what, before::text || after::text AS told FROM staff_act")
    assert {"texts.export_labels", "review.approve", "review.refuse"} <= {a["what"] for a in acts}
    assert not any("抽签" in act["told"] for act in acts)
    report = await reports.report(auditor, None, None)
    by_key = {row["key"]: row for row in report["reviewers"]}
    assert (by_key[101]["decided"], by_key[101]["overturned"]) == (2, 1)
    assert by_key[101]["approve_rate"] == 0.5
    assert by_key[102]["approve_rate"] == pytest.approx(2 / 3, abs=1e-3)
    assert report["double_reviews"] == {"n": 2, "agreed": 1, "kappa": 0.0}
    (week,) = report["screening"]
    assert (week["stopped"], week["approved"], week["confirmed"]) == (3, 2, 1)
    assert week["precision"] == pytest.approx(1 / 3, abs=1e-3)
    assert report["appeals"]["refused"] == {"overturned": 1}
    assert report["orders"][0]["held_rate"] == 1.0


def test_kappa_is_cohens() -> None:
    yes, no = True, False
    # 20 agreed yes, 15 agreed no, 5 and 10 differ: observed 0.70, by chance 0.50.
    pairs = [(yes, yes)] * 20 + [(no, no)] * 15 + [(yes, no)] * 5 + [(no, yes)] * 10
    assert kappa(pairs) == 0.4
    assert kappa([]) is None
    assert kappa([(yes, yes)] * 3) is None
    assert kappa([(yes, yes), (no, no)]) == 1.0


BAIT = (
    "尊敬的用户，您的398000元额度将于3月15日到期，回复1领取。客服电话400-820-1234。拒收请回复R",
    "官方提醒：您的借款额度即将调整，点击 t-bnk.cn/x 查看，拒收请回复R。客服电话400-820-1234",
)


async def test_the_shipped_screening_stops_bait_and_passes_what_is_lawful(
    platform: Platform,
) -> None:
    people = numbers(6)
    await platform.consent(people)
    for text in BAIT:
        told = await platform.send(people[:2], text=text)
        assert told["allowed"] == 0
        assert told["reasons"].keys() <= {"text_held", "text_rejected"}
        assert told["texts"][0]["findings"]
    assert (await platform.send(people[:2]))["allowed"] == 2
    # Through a notice's variable: the template is in order, what is put in is not.
    from assent.flow.requests import Receiver, SendRequest

    values = ["A1023", "，您有398000元贷款额度3月15日到期，回复1领取"]
    request = SendRequest(
        sender="CODE1", purpose="notification", template="notice",
        messages=[
            Receiver(to=to, variables={"order": value})
            for to, value in zip(people[2:4], values, strict=True)
        ],
    )  # fmt: skip
    answer = json.loads(
        await platform.node.sending.send(platform.caller(), request, key=None, sha=b"")
    )
    assert answer["allowed"] == 1
    assert [one["status"] for one in answer["messages"]] == ["accepted", "rejected"]
    assert answer["messages"][1]["reason"] in ("text_held", "text_rejected")
