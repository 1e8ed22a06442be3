"""The test "41": one person refuses 41 senders in 41 spellings, and each of them is heard.

Forty-one senders of no group, a number each on three carriers, twelve companies' accounts and four
agents', consents of all grades; some numbers were revoked, cool, or belong to somebody else by now;
some refusals are long and come in shuffled parts; some come while campaigns run. What left is read
from the simulated carriers' records. The cap on system messages is two a day here, so that a
confirmation that counted under it would be missing.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.clock import SystemClock
from assent.consent.entry import Entry, Kind, Origin, decode
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.port_requests import PortStep
from assent.flow.projection import project
from assent.flow.requests import Caller, Receiver, SendRequest
from assent.message import Grade
from assent.numbers import parse
from assent.policy.rulebook import DEFAULT_VERSION
from tests.flow.conftest import (
    CARRIERS,
    MARKETING_TEXT,
    PROMPT,
    Platform,
    noon_offset,
    number,
    numbers,
    register,
    sender_file,
)
from tests.flow.test_replies import LONG, post, wait_for

SENDERS = 41
CAMPAIGNS = range(1, 13)  # senders whose campaigns run when the refusals come
RECYCLED, COOLING, REVOKED = (30, 31, 32), (33, 34, 35), (36, 37)
LONG_ONES = (5, 9, 20, 31, 38, 41)
PERSON = number("mobile", 4141)
SERVICE = "1069999"
DAY = 86_400.0
SPELLINGS = (
    "TD", "td", "T", "t", "ＴＤ", "ｔｄ", "T D", "TD.", "TD！", "ttdd", "TD谢谢", "谢谢TD", "退订",
    "退 订", "退訂", "退定", "退丁", "请退订", "我要退订，谢谢", "退订🙏", "N", "R", "q", "QX",
    "bk",
    "TDDX", "tdhy", "拒收", "拒收！", "取消订阅", "不要再发了", "别再发", "请勿打扰", "STOP",
    "s t o p",
    "Stop. Thank you", "unsubscribe", "opt-out", "arrêt", "回复TD", "\u200bTD\ufe0f",
)  # fmt: skip


def port(place: int) -> str:
    return f"10690{place:03d}1"


def acting() -> dict[str, list[int]]:
    """Return which senders each account acts for: six an agent, of whom four are companies' own
    senders too, and the rest with twelve companies."""
    accounts = {f"agent{i}": list(range(6 * i - 5, 6 * i + 1)) for i in range(1, 5)}
    rest = list(range(25, SENDERS + 1))
    for i in range(1, 13):
        mine, rest = rest[: 2 if i <= 5 else 1], rest[2 if i <= 5 else 1 :]
        accounts[f"company{i}"] = mine
    accounts["agent1"] += [25, 27, 29, 31]
    return accounts


def document() -> dict[str, Any]:
    files = [sender_file(f"CODE{i}", f"商户{i}号", i) for i in range(1, SENDERS + 1)]
    for file in files:
        file["templates"][1]["body"] = "您的贷款本期应还{order}元，请于五日内还款。"
    accounts = [
        {
            "name": name,
            "kind": "agent" if name.startswith("agent") else "company",
            "senders": [f"CODE{i}" for i in places],
            "price_micro": 50_000,
            "deposits": {"first": 10**12},
        }
        for name, places in acting().items()
    ]
    shared = register(0)
    return shared | {"senders": files, "accounts": [*accounts, *shared["accounts"]]}


def tight_rulebook(directory: Path) -> str:
    """Write the rulebook with two system messages a day."""
    name = f"data/rulebook-{DEFAULT_VERSION}.json"
    rules = json.loads(resources.files("assent").joinpath(name).read_bytes())
    found = 0
    for profile in rules["profiles"].values():
        for cap in profile.get("caps", {"value": []})["value"]:
            if cap["purpose"] == "system":
                cap["limit"] = 2
                found += 1
    assert found
    path = directory / "rulebook.json"
    path.write_text(json.dumps(rules))
    return str(path)


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    one = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    # Slow enough that campaigns still run when the refusals come.
    await one.start(PROMPT, rate=80.0)
    one.settings.rulebook = tight_rulebook(tmp_path)
    try:
        await one.file(document())
        await one.start_node()
        yield one
        await one.node.stop()
    finally:
        await one.stop()


def caller(platform: Platform, account: str) -> Caller:
    row = next(a for a in platform.node.catalogue.accounts.values() if a.name == account)
    return Caller(row.id, frozenset({"send", "read"}), False, 1)


def staff(platform: Platform) -> Caller:
    operator = platform.node.catalogue.operator
    assert operator is not None
    return Caller(operator.id, frozenset({"admin"}), False, 1)


async def grant(platform: Platform, people: Sequence[str], place: int, grade: Grade) -> None:
    """Have people stand in a sender's programme with a grade of proof."""
    node, now = platform.node, platform.clock.now()
    sender = next(s for s in node.catalogue.senders.values() if s.credit_code == f"CODE{place}")
    programme = node.catalogue.programmes[node.catalogue.group_programmes[sender.group_id][0]]
    ids = await node.directory.ids(node.store, parse(list(people)).msisdn, utc(now))
    entries = [
        Entry(
            at_ms=int((now - DAY) * 1000),
            kind=Kind.GRANTED,
            person=who,
            group=sender.group_id,
            sender=sender.id,
            programme=programme.id,
            purposes=programme.purposes,
            grade=grade,
            origin=Origin.RECEIVER if grade is Grade.RECEIVER else Origin.CUSTOMER,
        )
        for who in ids.tolist()
    ]
    async with node.store.transaction() as tx:
        done = await append(tx, entries, utc(now))
        await project(tx, list(zip(done.positions, entries, strict=True)))


async def send(
    platform: Platform, account: str, place: int, people: Sequence[str], purpose: str = "marketing"
) -> dict[str, Any]:
    """Order something and return the answer. Everybody is a customer of everybody."""
    words: dict[str, Any] = {"template": "code" if purpose == "verification" else "notice"}
    if purpose == "marketing":
        words = {"text": MARKETING_TEXT, "relation": "customers"}
    variables = {"marketing": {}, "verification": {"code": "4711"}}.get(purpose, {"order": "820"})
    request = SendRequest(
        sender=f"CODE{place}",
        purpose=purpose,  # type: ignore[arg-type]  # a plain word
        messages=[Receiver(to=one, variables=variables) for one in people],
        **words,
    )
    sha = secrets.token_bytes(32)
    who = caller(platform, account)
    answer = await platform.node.sending.send(who, request, key=None, sha=sha)
    found: dict[str, Any] = json.loads(answer)
    return found


def account_for(place: int) -> str:
    return next(name for name, places in acting().items() if place in places)


def to_person(platform: Platform, source: str | None = None) -> list[dict[str, Any]]:
    return [one for one in platform.submits(source) if one["destination"].endswith(PERSON)]


def confirmed(platform: Platform) -> list[tuple[int, int, str]]:
    """Return the confirmations that carriers got: (sender, when, receipt code)."""
    found = []
    for record in to_person(platform, SERVICE):
        read = re.search(r"您已退订商户(\d+)号的.*回执码([A-Z0-9]+)", record["text"] or "")
        assert read is not None, record["text"]
        found.append((int(read[1]), int(record["t"]), read[2]))
    return found


async def lose_ports(platform: Platform) -> None:
    """Numbers are revoked; some cool since, some were recycled, one belongs to another sender."""
    ports, at = platform.node.port_desk.ports, platform.clock.now()
    for places, days in ((RECYCLED, (1, 200)), (COOLING, (1,)), (REVOKED, ())):
        for place in places:
            step = PortStep(reason="the contract ended")
            await ports.step(staff(platform), port(place), "revoke", step)
        for day in days:
            await ports.daily(at + day * DAY)
    await platform.sql(
        "INSERT INTO port (number, carrier, sender_id, purpose, signature, programme_id,"
        " free_to_reply, created_at) SELECT p.number, p.carrier, s.id, p.purpose, s.legal_name,"
        " NULL, true, p.created_at FROM port p, sender s WHERE p.number = $1"
        " AND s.credit_code = 'CODE13'",
        port(RECYCLED[0]),
    )
    await platform.node.catalogue.load(platform.node.store)
    states = dict(
        map(tuple, await platform.sql("SELECT status, count(DISTINCT number) FROM port GROUP BY 1"))
    )
    assert states["recycled"] == len(RECYCLED)
    assert states["cooling"] == len(COOLING)
    assert states["revoked"] == len(REVOKED)


def refuse(platform: Platform, rng: Random) -> None:
    """Have the person write to every number, through any of the carriers; the parts of the long
    messages come in any order, between other messages, and one of them twice."""
    posts: list[tuple[str, Any]] = []
    for place, spelling in enumerate(SPELLINGS, 1):
        carrier = list(CARRIERS)[place % 3]
        text = f"{LONG}{spelling}" if place in LONG_ONES else spelling
        items = platform.simulators[carrier].intake.mobile(PERSON, port(place), text)
        assert (len(items) > 1) == (place in LONG_ONES)
        posts += [(carrier, item) for item in items]
        if len(items) > 1:
            posts.append((carrier, items[0]))
    rng.shuffle(posts)
    for carrier, item in posts:
        post(platform, carrier, [item])


async def test_forty_one_refusals(platform: Platform) -> None:  # long: one story
    node, rng = platform.node, Random(41)
    assert len({*SPELLINGS}) == len(SPELLINGS) == SENDERS
    crowd = numbers(90, 1000)
    for place in range(1, SENDERS + 1):
        await grant(
            platform, [PERSON], place, (Grade.DOCUMENT, Grade.ASSERTION, Grade.RECEIVER)[place % 3]
        )
        if place in CAMPAIGNS:
            await grant(platform, crowd, place, Grade.DOCUMENT)
    await node.live.sync(node.store)

    # Everybody else has written to the person before.
    for place in range(CAMPAIGNS.stop, SENDERS + 1):
        assert (await send(platform, account_for(place), place, [PERSON]))["allowed"] == 1, place
    await platform.until(
        lambda: len(to_person(platform)) == SENDERS - len(CAMPAIGNS), "they are written to"
    )
    await lose_ports(platform)

    for place in CAMPAIGNS:
        people = [*crowd]
        people.insert(rng.randrange(len(crowd)), PERSON)
        answer = await send(platform, account_for(place), place, people)
        assert answer["allowed"] == len(people)
    before = len(platform.submits())
    refuse(platform, rng)
    await platform.until(lambda: len(confirmed(platform)) == SENDERS, "41 confirmations", 30)
    assert len(platform.submits()) < before + len(CAMPAIGNS) * 91, "the campaigns were over"
    await wait_for(platform, "SELECT count(*) FROM queue", 0, "the campaigns end")

    # Forty-one refusals, by the receiver, and as many confirmations, each its own.
    rows = await platform.sql("SELECT group_id, body FROM entry WHERE kind = 3")
    entries = [decode(bytes(row["body"])) for row in rows]
    assert len({entry.group for entry in entries}) == len(entries) == SENDERS
    assert {entry.origin for entry in entries} == {Origin.RECEIVER}
    found = confirmed(platform)
    assert sorted(place for place, _, _ in found) == list(range(1, SENDERS + 1))
    assert {code for _, _, code in found} == {entry.receipt for entry in entries}
    states = await platform.sql("SELECT state, count(*) FROM confirmation GROUP BY state")
    assert [tuple(row) for row in states] == [("attempted", SENDERS)]

    # They go on trying, each with every account: nothing of marketing comes after a confirmation.
    for account, places in acting().items():
        for place in places:
            if place not in (*RECYCLED, *COOLING, *REVOKED):
                answer = await send(platform, account, place, [PERSON])
                assert (answer["allowed"], answer["reasons"]) == (0, {"no_standing": 1})
    for place in range(1, SENDERS + 1):
        await send(platform, account_for(place), place, [PERSON], "notification")
    for place in (1, 20, 41):
        answer = await send(platform, account_for(place), place, [PERSON], "verification")
        assert answer["allowed"] == 1
    await platform.until(
        lambda: (
            len([one for one in to_person(platform) if "应还" in (one["text"] or "")]) == SENDERS
            and len([one for one in to_person(platform) if "您的验证码" in (one["text"] or "")])
            == 3
        ),
        "codes and repayment notices arrive",
    )
    await asyncio.sleep(0.5)
    at = {port(place): when for place, when, _ in found}
    marketing = [one for one in to_person(platform) if one["source"] in at]
    assert len(marketing) >= SENDERS - len(CAMPAIGNS)
    late = [one["source"] for one in marketing if int(one["t"]) > at[one["source"]]]
    assert late == []
    assert len(confirmed(platform)) == SENDERS
