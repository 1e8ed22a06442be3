"""Restrictions: they bind every way in and everything in the queue, from their commit on.

Real carriers and stores. One installation serves many checks; each lifts what it imposed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.answers import OrderAnswer
from assent.flow.own_words import may_write
from assent.flow.requests import (
    CampaignRequest,
    ConsentImport,
    ConsentRow,
    Receiver,
    SendRequest,
)
from assent.flow.restrictions import Restrictions, Scope
from assent.message import Purpose, State
from assent.numbers import NumberTable
from assent.policy.filing import Relation
from assent.screen.categories import BY_CODE as CATEGORIES
from bench.papers import complete
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, register, running
from tests.flow.test_race import DeafNode, installation, settled

WORDS = {"en": "too many complaints", "zh": "投诉过多"}
MARKETING = 1 << 3


async def impose(platform: Platform, scope: Scope, effect: str = "reject", **more: Any) -> int:
    """Impose a restriction and wait until the node knows it."""
    node = platform.node
    now = platform.clock.now()
    until = more.pop("until", now + 3600 if effect == "defer" else None)
    async with node.store.transaction() as tx:
        id_ = await Restrictions().impose(
            tx, scope, effect, "test", WORDS, "staff", None, more.pop("since", now), until, **more
        )
    restricted = node.catalogue.chain.restricted
    await platform.until(lambda: restricted.seen >= id_, "the restriction is known")
    return id_


async def lift(platform: Platform, id_: int) -> None:
    node = platform.node
    async with node.store.transaction() as tx:
        await Restrictions().lift(tx, id_, "staff", platform.clock.now())
    restricted = node.catalogue.chain.restricted
    known = lambda: all(one.id != id_ for one in restricted._all)  # noqa: E731
    await platform.until(known, "the lifting is known")


async def dry(platform: Platform, to: Sequence[str], place: int = 1) -> OrderAnswer:
    """Return what would become of a marketing order."""
    request = SendRequest(
        sender=f"CODE{place}", purpose="marketing", text=MARKETING_TEXT,
        messages=[Receiver(to=one) for one in to],
    )  # fmt: skip
    return await platform.node.sending.dry_run(platform.caller(place), request)


async def states(platform: Platform) -> Counter[str]:
    """Return how many messages of marketing are in which state."""
    rows = await platform.sql(
        "SELECT b.n, f.states FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id"
        " WHERE b.purpose = 3"
    )
    counts: Counter[str] = Counter()
    for row in rows:
        for state in row["states"] or bytes(row["n"]):
            counts[State(state).name] += 1
    return counts


@pytest.fixture
async def one(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as platform:
        yield platform


def document() -> dict[str, Any]:
    """Two senders of one group with an account each; a third sender is nobody's kin."""
    found = register(3)
    for sender in found["senders"][:2]:
        sender["group"] = "kin"
    return found


async def test_orders_meet_what_binds_them(one: Platform) -> None:
    platform = one
    everybody = [number("mobile", i) for i in range(6)] + [number("unicom", i) for i in range(3)]
    for place in (1, 2, 3):
        await platform.consent([*everybody, number("telecom", 1)], place)
    senders = {s.credit_code: s for s in platform.node.catalogue.senders.values()}
    one_, kin, other = (senders[f"CODE{i}"] for i in (1, 2, 3))
    assert one_.group_id == kin.group_id != other.group_id
    await platform.send([number("telecom", 1)])
    text_is = await platform.value("SELECT category FROM batch")
    assert text_is in CATEGORIES
    table: list[tuple[Scope, int, int, int]] = [  # what senders 1, 2 and 3 may still write to
        (Scope(sender_id=one_.id), 0, 9, 9),
        (Scope(group_id=kin.group_id), 0, 0, 9),
        (Scope(account_id=platform.caller(2).account_id), 9, 0, 9),
        (Scope(sender_id=one_.id, carrier="unicom"), 6, 9, 9),
        (Scope(carrier="mobile"), 3, 3, 3),
        (Scope(sender_id=one_.id, purposes=1 << 1), 9, 9, 9),
        (Scope(sender_id=one_.id, purposes=MARKETING), 0, 9, 9),
        (Scope(category="loan", sender_id=one_.id), 9, 9, 9),
        (Scope(category=text_is, carrier="mobile"), 3, 3, 3),
        (Scope(category=text_is, sender_id=one_.id), 0, 9, 9),
    ]
    for scope, *expected in table:
        id_ = await impose(platform, scope)
        answers = [await dry(platform, everybody, place) for place in (1, 2, 3)]
        assert [answer.allowed for answer in answers] == expected, scope
        assert {code for answer in answers for code in answer.reasons} <= {"restricted"}
        await lift(platform, id_)
    # A code goes out under what binds marketing alone, and the platform's own words always do.
    id_ = await impose(platform, Scope(sender_id=one_.id, purposes=MARKETING))
    assert (await platform.send([everybody[0]], "verification"))["allowed"] == 1
    await lift(platform, id_)
    id_ = await impose(platform, Scope(group_id=kin.group_id))
    assert (await platform.send([everybody[1]], "verification"))["allowed"] == 0
    await lift(platform, id_)
    # Put off, and held: neither leaves now.
    id_ = await impose(platform, Scope(sender_id=one_.id), "defer")
    answer = await dry(platform, everybody)
    assert answer.allowed == 9
    assert all((line.not_before or 0) > platform.clock.now() + 3000 for line in answer.messages)
    await lift(platform, id_)
    id_ = await impose(platform, Scope(sender_id=one_.id), "hold")
    answer = await dry(platform, everybody)
    assert (answer.allowed, answer.reasons) == (0, {"restricted_review": 9})
    await lift(platform, id_)
    # In one province: by where each number is at home.
    order = [f"139{place:04d}0001" for place in range(40)]
    await platform.consent(order)
    home = NumberTable.load().lookup(np.array([int("86" + to) for to in order], np.uint64)).province
    assert len(set(home.tolist())) > 2
    id_ = await impose(platform, Scope(sender_id=one_.id, province=int(home[0])))
    answer = await dry(platform, order)
    assert [line.status for line in answer.messages] == [
        "rejected" if one == home[0] else "accepted" for one in home
    ]
    await lift(platform, id_)
    await what_is_wrong_is_told(platform, one_.id)


async def test_no_way_around(migrated_url: str, tmp_path: Path) -> None:
    """Whoever sends for a restricted sender is stopped, from whatever port and by whatever road; a
    campaign that a person has to free waits for that, and loses nobody."""
    found = register(2)
    mine = found["senders"][0]
    more = {**mine["ports"][0], "number": "106900019", "programme": "news"}
    mine["ports"].append(more)
    mine["programmes"].append({**mine["programmes"][0], "name": "news"})
    found["accounts"].append({
        "name": "account3", "kind": "agent", "senders": ["CODE1"], "price_micro": 1,
        "deposits": {"first": 10**9},
    })  # fmt: skip
    async with running(migrated_url, tmp_path, document=complete(found)) as platform:
        node, people = platform.node, numbers(30)
        await platform.consent(people)
        agreed = ConsentImport(
            sender="CODE1", programme="news", grade="document", wording="v1", source="shop form",
            consents=[ConsentRow(to=to, at=datetime(2026, 1, 1, tzinfo=UTC)) for to in people],
        )  # fmt: skip
        await node.consents.import_rows(platform.caller(), agreed, key=None, sha=b"")
        sender = next(s for s in node.catalogue.senders.values() if s.credit_code == "CODE1")
        audience = await upload(platform, people)
        request = CampaignRequest(
            name="c", audience=audience, sender="CODE1", purpose="marketing", text=MARKETING_TEXT
        )
        id_ = await impose(platform, Scope(group_id=sender.group_id, purposes=MARKETING))
        for caller in (platform.caller(1), platform.caller(3)):
            for port in (None, "106900019"):
                for count in (1, 2):  # one receiver goes together with others' orders
                    order = SendRequest(
                        sender="CODE1", purpose="marketing", text=MARKETING_TEXT, port=port,
                        messages=[Receiver(to=to) for to in people[:count]],
                    )  # fmt: skip
                    told = json.loads(await node.sending.send(caller, order, key=None, sha=b""))
                    assert (told["allowed"], told["reasons"]) == (0, {"restricted": count})
        asks = node.catalogue, platform.caller().account_id, sender.id
        assert not may_write(*asks, Purpose.MARKETING, platform.clock.now()), "nor may it ask"
        dry_run = await node.campaigns.dry_run(platform.caller(), request, 5)
        assert (dry_run["allowed"], dry_run["reasons"]) == (0, {"restricted": 30})
        assert [one["id"] for one in dry_run["restrictions"]] == [str(id_)]
        await lift(platform, id_)
        id_ = await impose(platform, Scope(sender_id=sender.id), "hold")
        dry_run = await node.campaigns.dry_run(platform.caller(), request, 5)
        assert dry_run["reasons"] == {"restricted_review": 30}
        made = await node.campaigns.create(platform.caller(), request, key=None, sha=b"")
        campaign = int(json.loads(made)["id"])
        assert await node.campaigns.step() is False, "it is not judged, and nobody turns in circles"
        assert (await node.campaigns.progress(platform.caller(), campaign))["judged"] == 0
        await lift(platform, id_)
        assert may_write(*asks, Purpose.MARKETING, platform.clock.now())

        async def delivered() -> bool:
            told = await node.campaigns.progress(platform.caller(), campaign)
            return bool(told["states"].get("delivered") == 30)

        await platform.until(delivered, "everybody has it")


async def upload(platform: Platform, people: Sequence[str]) -> str:
    """Return the id of an audience of customers."""
    campaigns, caller = platform.node.campaigns, platform.caller()
    id_ = await campaigns.create_audience(caller, "list", "shop form", Relation.CUSTOMERS)
    rows = np.arange(1, len(people) + 1, dtype=np.uint32)
    msisdns = np.array([int(f"86{one}") for one in people], np.uint64)
    await campaigns.add_chunk(id_, 0, rows, msisdns, np.zeros(len(rows), np.uint8), None)
    await campaigns.finish_audience(id_, [])
    return str(id_)


async def what_is_wrong_is_told(platform: Platform, sender: int) -> None:
    """Bad input is refused with its field, and nothing is imposed."""
    now = platform.clock.now()
    mine = Scope(sender_id=sender)
    wrong: list[tuple[str, Scope, str, dict[str, Any]]] = [
        ("effect", mine, "shout", {}),
        ("until", mine, "defer", {"until": None}),
        ("until", mine, "reject", {"until": now - 5}),
        ("scope", Scope(), "reject", {}),
        ("purposes", Scope(sender_id=sender, purposes=1 << 5), "reject", {}),
        ("category", Scope(sender_id=sender, category="nonsense"), "reject", {}),
        ("province", Scope(sender_id=sender, province=999), "reject", {}),
    ]
    before = await platform.value("SELECT count(*) FROM restriction")
    for field, scope, effect, more in wrong:
        with pytest.raises(InvalidInput) as caught:
            await impose(platform, scope, effect, **more)
        assert caught.value.field == field
    assert await platform.value("SELECT count(*) FROM restriction") == before
    with pytest.raises(NotFound):
        await lift(platform, 10**9)
    id_ = await impose(platform, mine)
    await lift(platform, id_)
    with pytest.raises(Conflict):
        await lift(platform, id_)


async def test_the_queue_follows(one: Platform) -> None:
    """What waits for its carrier is held back and goes on, or ends with its money."""
    platform = one
    people = [f"139{place:04d}0002" for place in range(60)]
    await platform.consent(people)
    sender = next(s for s in platform.node.catalogue.senders.values() if s.credit_code == "CODE1")
    later = datetime.fromtimestamp(platform.clock.now() + 3600, UTC)
    order = await platform.send(people, not_before=later)
    assert order["allowed"] == 60
    sought = np.array([int("86" + to) for to in people], np.uint64)
    home = NumberTable.load().lookup(sought).province
    here = int((home == home[0]).sum())
    ends = await impose(platform, Scope(sender_id=sender.id, province=int(home[0])))
    waits = await impose(platform, Scope(sender_id=sender.id), "hold")

    async def marked() -> bool:
        rows = await platform.sql("SELECT broken FROM queue")
        return [list(row["broken"]) for row in rows] == [["restricted_review"]]

    await platform.until(marked, "the queue says what it waits for")
    await platform.sql("UPDATE queue SET not_before = '2020-01-01'")
    await platform.send([people[0]], "verification", place=2)  # a code passes meanwhile
    assert not platform.submits("106900011")
    await lift(platform, waits)

    async def over() -> bool:
        return (await states(platform)) == Counter(DELIVERED=60 - here, RESTRICTED=here)

    await platform.until(over, "all but those of one province have it")
    assert len(platform.submits("106900011")) == 60 - here
    await lift(platform, ends)
    rows = await platform.sql(
        "SELECT p.kind, sum(p.amount)::int AS amount FROM posting p"
        " JOIN batch b ON b.id = p.batch_id WHERE b.purpose = 3 GROUP BY p.kind"
    )
    each = order["cost_micro"] // 60
    assert {row["kind"]: row["amount"] for row in rows} == {
        "revenue": each * (60 - here), "release": each * here,
    }  # fmt: skip


async def test_nothing_is_committed_after_it(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that no notification reaches write a campaign; a restriction lands. No attempt
    is committed after it, and what had none ends with its money."""
    deaf = (DeafNode, "all")
    async with installation(
        migrated_url, tmp_path, [deaf, deaf], monkeypatch, links=1, rate=40.0
    ) as (platform, nodes, _hands):
        people = numbers(360)
        await platform.consent(people)
        for start in range(0, 360, 60):
            await platform.send(people[start : start + 60])
        await platform.until(lambda: all(node.dispatcher.attempts for node in nodes), "under way")
        sender = next(s for s in nodes[0].catalogue.senders.values() if s.credit_code == "CODE1")
        store = nodes[0].store
        async with store.transaction() as tx:
            now = platform.clock.now()
            scope = Scope(sender_id=sender.id)
            await Restrictions().impose(
                tx, scope, "reject", "test", WORDS, "staff", None, now, None
            )
        tried = await platform.value("SELECT sum(length(slots) / 2) FROM attempt_window")
        await settled(platform, [{"allowed": 360}])
        assert await platform.value("SELECT sum(length(slots) / 2) FROM attempt_window") == tried
        found = await states(platform)
        assert found["RESTRICTED"] >= 360 - tried > 0
        assert all(node.catalogue.chain.restricted.seen for node in nodes)
        reserved = await platform.value(
            "SELECT (SELECT sum(amount) FROM posting WHERE kind = 'reserve') - (SELECT sum(amount)"
            " FROM posting WHERE kind IN ('revenue', 'release', 'release_daily'))"
        )
        assert reserved == 0
