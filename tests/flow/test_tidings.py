"""Who is mailed what: of papers that end, questions, decisions and low balances, once each."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from assent.app.mail import DirectoryCarrier, MailFile
from assent.clock import ManualClock
from assent.errors import Conflict
from assent.flow.ids import BatchIds
from assent.flow.requests import ReviewDecision, ReviewWords
from assent.flow.settle import Settler
from assent.flow.tidings import Tidings
from assent.store import Store
from tests.flow.conftest import running
from tests.flow.front_site import SHOP, SUNDAY, Site, open_site, resident

PEOPLE = (
    ("shop", "li@shop.example", "owner", "active"),
    ("shop", "han@shop.example", "owner", "active"),
    ("shop", "gone@shop.example", "owner", "closed"),
    ("shop", "cash@shop.example", "finance", "active"),
    ("stranger", "who@else.example", "owner", "active"),
    ("operator", "root@operator.example", "administrator", "active"),
    ("operator", "mei@operator.example", "reviewer", "active"),
)
OWNERS = ["han@shop.example", "li@shop.example"]


class Mails:
    """A front door whose mail goes into files."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        self._directory = directory
        self._seen: set[str] = set()

    async def new(self) -> list[tuple[str, str, str]]:
        """Hand everything on; return (to, subject, text) of what came since, by receiver."""
        while await self.site.post.step():
            pass
        return sorted(self._read())

    def _read(self) -> Iterator[tuple[str, str, str]]:
        for path in self._directory.glob("*.eml"):
            if path.name not in self._seen:
                self._seen.add(path.name)
                mail = message_from_bytes(path.read_bytes(), policy=policy.default)
                yield str(mail["To"]), str(mail["Subject"]), mail.get_content()


@pytest.fixture
async def mails(fresh_store: Store, tmp_path: Path) -> Mails:
    carrier = DirectoryCarrier(tmp_path, "no-reply@platform.example", ManualClock(SUNDAY))
    site = await open_site(fresh_store, mail=carrier)
    for account, address, role, status in PEOPLE:
        await site.sql(
            "WITH p AS (INSERT INTO actor (email, name, status, created_at)"
            " VALUES ($1, '李', $2, now()) RETURNING id)"
            " INSERT INTO actor_role (account_id, actor_id, role, created_at)"
            " SELECT $3, id, $4, now() FROM p",
            address, status, site.accounts[account], role,
        )  # fmt: skip
    return Mails(site, tmp_path)


def receivers(mails: list[tuple[str, str, str]]) -> list[str]:
    return [to for to, _, _ in mails]


def both_languages(text: str) -> bool:
    return any("\u4e00" <= one <= "\u9fff" for one in text) and "assent " in text


async def test_owners_are_warned_of_a_paper_at_each_mark_once(mails: Mails) -> None:
    site = mails.site
    await site.apply("shop", SHOP, "retail")
    await site.accepted("shop", "contract", valid_to="2027-02-01")
    await mails.new()
    told = []
    for left in range(71, -2, -1):
        await site.front.expiry.step()
        await site.front.expiry.step()
        came = await mails.new()
        if came:
            told.append(left)
            assert receivers(came) == OWNERS
            for _, subject, text in came:
                assert "服务合同" in subject
                assert "contract with the platform ends on 2027-02-01" in subject
                assert f"还有 {left} 天" in text
                assert f"{left} days from now" in text
        site.clock.advance(86_400)
    assert told == [60, 30, 7]


async def test_administrators_are_warned_of_the_operators_papers(mails: Mails) -> None:
    site = mails.site
    entity = await site.value(
        "INSERT INTO entity (credit_code, legal_name, kind, industry, created_at)"
        " VALUES ('91330108MA2HT9999Q', '平台', 'company', 'telecom_resale', now()) RETURNING id"
    )
    await site.sql("UPDATE account SET entity_id = $1 WHERE kind = 'operator'", entity)
    # Somebody who only applies in the operator's name hears nothing of its papers.
    await site.sql("UPDATE account SET entity_id = $1 WHERE name = 'stranger'", entity)
    await site.sql(
        "INSERT INTO document (entity_id, kind, valid_to, state, created_at)"
        " VALUES ($1, 'number_certificate', '2026-12-01', 'accepted', now())", entity,
    )  # fmt: skip
    assert [await site.front.expiry.step(), await site.front.expiry.step()] == [1, 0]
    ((to, subject, text),) = await mails.new()
    assert to == "root@operator.example"
    assert "2026-12-01" in subject
    assert both_languages(text)


async def test_questions_and_decisions_are_mailed(mails: Mails) -> None:
    site = mails.site
    await site.apply("shop", SHOP, "retail")
    paper = await site.paper("shop", "contract", valid_to="2027-02-01")
    item = await site.item("document", paper["id"])
    secret = f"{resident(1)} 13800000001"
    await site.front.desk.ask(site.one, int(item["id"]), ReviewWords(f"是谁？{secret}"))
    asked = await mails.new()
    assert receivers(asked) == OWNERS
    refusal = ReviewDecision(verdict="refuse", code="illegible", words=secret)
    for _ in range(2):  # told again it changes nothing, and nobody is mailed again
        await site.front.desk.decide(site.one, int(item["id"]), refusal)
    decided = await mails.new()
    assert receivers(decided) == OWNERS
    for _, _, text in (*asked, *decided):
        assert both_languages(text)
        assert not any(word in text for word in secret.split())
    assert all(f"account answer {item['id']}" in text for _, _, text in asked)
    for _, subject, text in decided:
        assert "审核未通过" in subject
        assert "影印件无法完整辨认" in text
        assert "the copy cannot be read in full" in text


async def test_a_first_of_two_approvals_is_no_decision_yet(mails: Mails) -> None:
    site = mails.site
    async with site.store.transaction() as tx:
        item = await site.front.desk.open(
            tx, "account", 1, account_id=site.accounts["shop"], reviewers=2
        )
    word = ReviewDecision(verdict="approve", code="in_order")
    shown = await site.front.desk.decide(site.one, item, word)
    assert shown["state"] == "second"
    assert await mails.new() == []


async def test_a_decision_that_is_not_stored_is_not_mailed(mails: Mails) -> None:
    site = mails.site
    await site.apply("shop", SHOP, "retail")
    item = await site.item("account")
    await mails.new()
    word = ReviewDecision(verdict="approve", code="in_order")
    with pytest.raises(Conflict):
        await site.front.desk.decide(site.one, int(item["id"]), word)
    assert await mails.new() == []


async def test_a_low_balance_is_mailed_once_a_fall(mails: Mails) -> None:
    site = mails.site
    replies: Any = None  # nothing here replies
    tidings = Tidings(site.post)
    settler = Settler(site.store, site.clock, BatchIds(site.clock), replies, tidings=tidings)
    shop = site.accounts["shop"]
    sub = await site.value(
        "INSERT INTO account (name, kind, status, price_micro, created_at, parent_id)"
        " VALUES ('shop north', 'company', 'active', 50000, now(), $1) RETURNING id", shop,
    )  # fmt: skip
    await site.sql("INSERT INTO balance (account_id, available) VALUES ($1, 0)", sub)
    for account, name in ((shop, "shop"), (sub, "shop north")):
        await site.sql(
            "UPDATE balance SET available = 12340000, alert_below = 20000000 WHERE account_id = $1",
            account,
        )
        await settler.tell_low(site.clock.now())
        await settler.tell_low(site.clock.now())
        came = await mails.new()
        assert receivers(came) == OWNERS
        for _, subject, text in came:
            assert "余额提醒" in subject
            assert f"“{name}”的可用余额为 CNY 12.34" in text
            assert f"The account {name} has CNY 12.34 left, less than the CNY 20.00" in text


async def test_a_running_platform_mails(migrated_url: str, tmp_path: Path) -> None:
    """Wired as it runs: the settler notes a fall, the people's post hands the mail on."""
    letters = tmp_path / "mail"
    async with running(migrated_url, tmp_path) as platform:
        await platform.node.stop()
        platform.settings.mail = MailFile(directory=str(letters), sender="no-reply@p.example")
        await platform.start_node()
        await platform.sql(
            "WITH p AS (INSERT INTO actor (email, name, created_at)"
            " VALUES ('li@shop.example', '李', now()) RETURNING id)"
            " INSERT INTO actor_role (account_id, actor_id, role, created_at)"
            " SELECT 1, id, 'owner', now() FROM p"
        )
        await platform.sql("UPDATE balance SET alert_below = available + 1 WHERE account_id = 1")
        await platform.until(lambda: any(letters.glob("*.eml")), "the mail was handed on", 15)
        (path,) = letters.glob("*.eml")
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert mail["To"] == "li@shop.example"
        assert "余额提醒" in str(mail["Subject"])
