"""Audiences from consent: who is chosen, what is told of how many, labels, erasure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assent.app.audience_desk import AudienceDesk
from assent.client import AsyncClient
from assent.consent.entry import Channel, Origin
from assent.errors import AssentError
from assent.flow.audience_requests import AudienceBuild
from assent.flow.choosing import _Choice
from assent.flow.columns import U32, unpack
from assent.flow.counting import LEAST, shown
from assent.flow.labels import CHUNK, _add, forget_labels, kinds_of, members_of
from assent.flow.refusals import Asked
from assent.message import Purpose
from tests.flow.conftest import MARKETING_TEXT, number
from tests.web.whole import Whole, whole

COUNTS = st.one_of(st.integers(0, 3), st.integers(0, 120), st.integers(0, 9_999))
SHOP = {"sender": "CODE1", "programme": "offers"}
LABEL = {**SHOP, "kind": "offers", "origin": "purchases in our shops"}


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


@pytest.fixture
async def client(site: Whole) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(site.url, await site.key("account1")) as one:
        yield one


async def agree(client: AsyncClient, site: Whole, to: list[str], **more: Any) -> None:
    at = datetime.fromtimestamp(site.platform.clock.now(), UTC) - timedelta(days=9)
    rows = [{"to": one, "at": at} for one in to]
    await client.import_consents(
        rows, **SHOP, grade="document", wording="v1", source="shop form", **more
    )


async def refuse(site: Whole, one: str) -> None:
    """Refuse as a reply does: the platform's own writer, in a transaction."""
    node = site.platform.node
    person = await person_of(site, one)
    group = next(s.group_id for s in node.catalogue.senders.values() if s.credit_code == "CODE1")
    asked = [
        Asked(person, (group,), 1 << Purpose.MARKETING, Channel.SMS, Origin.RECEIVER, confirm=False)
    ]
    await node.ids.reserve(node.store, 4)
    async with node.store.transaction() as tx:
        await node.writer.lock(tx, asked)
        await node.writer.write(tx, asked, node.clock.now())


async def person_of(site: Whole, one: str) -> int:
    sql = "SELECT id FROM person WHERE msisdn = $1"
    return int(await site.platform.value(sql, int(f"86{one}")))


async def people_in(site: Whole, audience: str) -> list[str]:
    """Return the numbers in an audience, as its chunks have them."""
    rows = await site.platform.sql(
        "SELECT people FROM audience_chunk WHERE audience_id = $1 ORDER BY number", int(audience)
    )
    ids = np.concatenate([unpack(row["people"], U32) for row in rows]).astype(int).tolist()
    found = await site.platform.sql("SELECT msisdn FROM person WHERE id = ANY($1::int[])", ids)
    assert len(found) == len(set(ids)) == len(ids)
    return sorted(str(row["msisdn"])[2:] for row in found)


def some(carrier: str, count: int, start: int = 0) -> list[str]:
    return [number(carrier, start + place) for place in range(count)]


async def test_only_who_agreed_is_chosen_and_the_campaign_reaches_them(
    site: Whole, client: AsyncClient
) -> None:
    agreed, strangers = some("mobile", 60), some("mobile", 30, 500)
    await agree(client, site, agreed)
    await client.put_label("regulars", [*agreed[:55], *strangers], **LABEL)
    told = await client.build_audience(**SHOP, label=["regulars"], name="regulars")
    assert (told["people"], told["fewer_than"], told["state"]) == (60, None, "ready")
    # 55 of 60: the five that are left out are too few to be told of.
    assert await people_in(site, told["id"]) == agreed[:55]
    shown_as = await client.audience(told["id"])
    assert (shown_as["rows"], shown_as["wrong"], shown_as["state"]) == (60, 0, "ready")
    assert shown_as["built"] == {**SHOP, "label": ["regulars"], "relation": "unstated"}
    dry = await client.dry_run_campaign(
        name="n", audience=told["id"], sender="CODE1", purpose="marketing", text=MARKETING_TEXT
    )
    assert (dry["receivers"], dry["allowed"], dry["rejected"], dry["samples"]) == (60, 60, 0, {})
    campaign = await client.create_campaign(
        name="n", audience=told["id"], sender="CODE1", purpose="marketing", text=MARKETING_TEXT
    )

    async def done() -> bool:
        return (await client.campaign(campaign["id"]))["states"].get("delivered") == 55

    await site.platform.until(done, "the campaign is delivered")
    sent = {one["destination"] for one in site.platform.submits()}
    assert sent == set(agreed[:55])


async def test_standing_that_ended_after_the_choice_is_judged_again(
    site: Whole, client: AsyncClient
) -> None:
    agreed = some("mobile", 52)
    await agree(client, site, agreed)
    told = await client.build_audience(**SHOP)
    await refuse(site, agreed[7])
    campaign = await client.create_campaign(
        name="n", audience=told["id"], sender="CODE1", purpose="marketing", text=MARKETING_TEXT
    )

    async def done() -> bool:
        return (await client.campaign(campaign["id"]))["states"].get("delivered") == 51

    await site.platform.until(done, "the campaign is delivered")
    assert agreed[7] not in {one["destination"] for one in site.platform.submits()}


async def test_places_networks_and_beginnings(site: Whole, client: AsyncClient) -> None:
    everybody = [*some("mobile", 60), *some("unicom", 70), *some("telecom", 80)]
    await agree(client, site, everybody)
    table = site.platform.node.submit._desk.numbers
    places = table.lookup(np.array([int(f"86{one}") for one in everybody], np.uint64))
    carriers = {"mobile": 60, "unicom": 70, "telecom": 80}
    for carrier, count in carriers.items():
        told = await client.build_audience(**SHOP, carrier=[carrier], count=True)
        assert told == {"programme": "offers", "people": count, "fewer_than": None}
    two = await client.build_audience(**SHOP, carrier=["mobile", "telecom"])
    assert await people_in(site, two["id"]) == sorted(everybody[:60] + everybody[130:])
    for field, index, names in (
        ("province", places.province, table.provinces), ("city", places.city, table.cities)
    ):  # fmt: skip
        name = names[int(index[0])]
        there = [one for one, at in zip(everybody, index.tolist(), strict=True) if at == index[0]]
        assert len(there) >= LEAST
        for word in (name.zh, name.en.upper()):
            told = await client.build_audience(**SHOP, **{field: [word]})
            assert await people_in(site, told["id"]) == sorted(there)
    told = await client.build_audience(**SHOP, segment=["133", "1300000"])
    fit = sorted(one for one in everybody if one.startswith(("133", "1300000")))
    assert await people_in(site, told["id"]) == fit
    both = await client.build_audience(**SHOP, segment=["133"], carrier=["mobile"], count=True)
    assert both == {"programme": "offers", "people": None, "fewer_than": LEAST}
    for wrong, code in (
        ({"province": ["Atlantis"]}, "no_province"), ({"city": ["Atlantis"]}, "no_city"),
        ({"segment": ["13x"]}, "invalid_field"), ({"label": ["none"]}, "no_label"),
        ({"carrier": ["o2"]}, "invalid_field"),
    ):  # fmt: skip
        with pytest.raises(AssentError) as caught:
            await client.build_audience(**SHOP, **wrong)
        assert caught.value.code == code, wrong


async def test_the_grade_that_the_relation_and_the_industry_ask_for(
    site: Whole, client: AsyncClient
) -> None:
    """An assertion is enough for customers, not for who did not say; finance needs the receiver."""
    await agree(client, site, [*some("mobile", 60), *some("unicom", 70)])
    # What an import as assertions opens is another matter; here it opened all of it.
    asserted = [int(f"86{one}") for one in some("mobile", 60)]
    await site.platform.sql(
        "UPDATE standing SET grade = 1 WHERE person_id IN"
        " (SELECT id FROM person WHERE msisdn = ANY($1::bigint[]))",
        asserted,
    )
    await site.platform.node.live.load(site.platform.node.store)
    for relation, people in (("customers", 130), (None, 70), ("cold", None)):
        told = await client.build_audience(**SHOP, relation=relation, count=True)
        assert told["people"] == people, relation
    await site.platform.sql("UPDATE sender SET industry = 'finance' WHERE credit_code = 'CODE1'")
    await site.platform.sql("UPDATE entity SET industry = 'finance' WHERE credit_code = 'CODE1'")
    await site.platform.node.catalogue.load(site.platform.node.store)
    with pytest.raises(AssentError) as caught:
        await client.build_audience(**SHOP, relation="customers")
    assert caught.value.code == "audience_too_small"


async def test_no_count_of_the_day_tells_who_withdrew(site: Whole, client: AsyncClient) -> None:
    """Promise 7: neither the same choice nor another one shows a withdrawal before the day ends."""
    agreed = some("mobile", 120)
    await agree(client, site, agreed)
    await client.put_label("half", agreed[:60], **LABEL)
    first = await client.build_audience(**SHOP, count=True)
    assert first["people"] == 120
    await refuse(site, agreed[0])
    again = await client.build_audience(**SHOP, count=True)
    other = await client.build_audience(**SHOP, label=["half"], count=True)
    carrier = await client.build_audience(**SHOP, label=["half"], carrier=["mobile"], count=True)
    assert [again["people"], other["people"], carrier["people"]] == [120, 60, 60]
    # She is not chosen all the same, from the moment on.
    told = await client.build_audience(**SHOP, label=["half"])
    assert told["people"] == 60
    assert await people_in(site, told["id"]) == sorted(agreed[1:60])
    await site.platform.sql("UPDATE audience_day SET day = day - 1")
    await site.platform.sql("UPDATE audience_count SET day = day - 1")
    next_day = await client.build_audience(**SHOP, label=["half"], count=True)
    assert next_day["people"] == 50
    assert await site.platform.value("SELECT count(*) FROM audience_day") == 1


async def test_few_are_never_told_and_the_choices_of_a_day_are_counted(
    site: Whole, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agree(client, site, some("mobile", 49))
    told = await client.build_audience(**SHOP, count=True)
    assert told == {"programme": "offers", "people": None, "fewer_than": 50}
    with pytest.raises(AssentError) as caught:
        await client.build_audience(**SHOP)
    assert caught.value.code == "audience_too_small"
    assert await site.platform.value("SELECT count(*) FROM audience") == 0
    monkeypatch.setattr("assent.flow.counting.CHOICES_A_DAY", 2)
    await client.build_audience(**SHOP, carrier=["mobile"], count=True)
    with pytest.raises(AssentError) as caught:
        await client.build_audience(**SHOP, carrier=["unicom"], count=True)
    assert caught.value.code == "too_many_counts"
    await client.build_audience(**SHOP, carrier=["mobile"], count=True)  # told before


async def test_labels_need_origin_and_a_kind_that_covers_them(
    site: Whole, client: AsyncClient
) -> None:
    for wrong, code in (
        ({"kind": "health"}, "label_not_covered"), ({"origin": " "}, "label_origin"),
        ({"programme": "none"}, "no_programme"), ({"sender": "CODE2"}, "unknown_sender"),
    ):  # fmt: skip
        with pytest.raises(AssentError) as caught:
            await client.put_label("l", ["13900000001"], **{**LABEL, **wrong})
        assert caught.value.code == code
    assert await site.platform.value("SELECT count(*) FROM label") == 0
    told = await client.put_label("l", ["13900000001", "x", "13900000002"], **LABEL)
    assert (told["accepted"], told["refused"], told["faults"][0]["row"]) == (2, 1, 1)
    await client.put_label("l", ["13900000002", "13900000003"], **LABEL)
    (one,) = (await client.labels())["items"]
    assert (one["name"], one["people"], one["kind"]) == ("l", 3, "offers")
    assert one["origin"] == LABEL["origin"]
    with pytest.raises(AssentError) as caught:
        await client.put_label("l", ["13900000004"], **{**LABEL, "origin": "bought"})
    assert caught.value.code == "label_differs"
    # For another programme of the sender it was never covered.
    await site.platform.sql(
        "INSERT INTO programme (sender_id, name, purposes, kinds, frequency, period,"
        " wording_version, created_at) SELECT sender_id, 'other', purposes, 'offers', frequency,"
        " period, wording_version, created_at FROM programme WHERE name = 'offers'"
        " AND sender_id = (SELECT id FROM sender WHERE credit_code = 'CODE1')"
    )
    await site.platform.node.catalogue.load(site.platform.node.store)
    with pytest.raises(AssentError) as caught:
        await client.build_audience(sender="CODE1", programme="other", label=["l"], count=True)
    assert caught.value.code == "label_not_covered"
    async with AsyncClient(site.url, await site.key("account2")) as stranger:
        assert (await stranger.labels())["items"] == []
        with pytest.raises(AssentError) as caught:
            await stranger.drop_label(one["id"])
        assert caught.value.code == "no_label"
    await client.drop_label(one["id"])
    assert await site.platform.value("SELECT count(*) FROM label_chunk") == 0


async def test_erasing_takes_a_person_out_of_every_label(site: Whole, client: AsyncClient) -> None:
    store = site.platform.node.store
    await client.put_label("one", some("mobile", 5), **LABEL)
    await client.put_label("two", some("mobile", 1), **LABEL)
    await client.put_label("three", some("unicom", 2), **LABEL)
    person = await person_of(site, number("mobile", 0))
    async with store.transaction() as tx:
        assert await forget_labels(tx, person) == 2
        assert await forget_labels(tx, person) == 0
    counts = {one["name"]: one["people"] for one in (await client.labels())["items"]}
    assert counts == {"one": 4, "two": 0, "three": 2}
    ids = await site.platform.sql("SELECT id FROM label ORDER BY id")
    for row in ids:
        assert person not in (await members_of(store, row["id"])).tolist()
    again = await client.put_label("two", some("mobile", 2), **LABEL)
    assert again["accepted"] == 2


async def test_a_label_of_many_chunks(site: Whole) -> None:
    store = site.platform.node.store
    await site.platform.sql(
        "INSERT INTO label (account_id, programme_id, name, kind, origin, created_at, changed_at)"
        " SELECT a.id, p.id, 'l', 'offers', 'x', now(), now() FROM account a, programme p LIMIT 1"
    )
    label = await site.platform.value("SELECT id FROM label")
    people = np.arange(1, 3 * CHUNK, 1, dtype=np.uint32)
    async with store.transaction() as tx:
        await _add(tx, label, people, 0.0)
    for person in (1, 256, 257, CHUNK, CHUNK + 1, 3 * CHUNK - 1):
        async with store.transaction() as tx:
            assert await forget_labels(tx, person) == 1
    left = await members_of(store, label)
    gone = [1, 256, 257, CHUNK, CHUNK + 1, 3 * CHUNK - 1]
    assert left.tolist() == np.setdiff1d(people, gone).tolist()


@given(st.integers(0, 4).flatmap(lambda n: st.lists(COUNTS, min_size=1 << n, max_size=1 << n)))
def test_what_is_told_never_parts_few_from_others(patterns: list[int]) -> None:
    """Whatever is told is told of a choice in which every condition leaves out fifty, or nobody."""
    told, full = shown(np.array(patterns)), len(patterns) - 1

    def count(wanted: int) -> int:
        return sum(people for met, people in enumerate(patterns) if met & wanted == wanted)

    assert (told == 0) == (count(full) < LEAST)
    fits = [
        kept
        for kept in range(len(patterns))
        if count(kept) // 10 * 10 == told
        and not any(
            0 < count(kept & ~one) - count(kept) < LEAST
            for one in (1 << place for place in range(full.bit_length()))
            if kept & one
        )
    ]
    assert told == 0 or (told % 10 == 0 and fits)


def test_conditions_that_leave_out_few_are_told_as_none() -> None:
    assert shown(np.array([0])) == 0
    assert shown(np.array([49])) == 0
    assert shown(np.array([50])) == 50
    assert shown(np.array([49, 60])) == 100  # a condition that leaves out 49
    assert shown(np.array([50, 69])) == 60  # and one that leaves out 50
    assert shown(np.array([60, 49])) == 0
    # Mobile numbers are 100 of 1,000; without a label of 20 they are not told as 80.
    assert shown(np.array([0, 20, 900, 80])) == 100


def test_kinds_are_words_with_commas_between() -> None:
    assert kinds_of("offers, points；会员日、 生日/ ") == ["offers", "points", "会员日", "生日"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["agree", "agree", "refuse", "resume", "label", "choose"]),
        st.lists(st.integers(0, 149), min_size=1, max_size=60),
    ),
    min_size=3,
    max_size=10,
)


async def test_nobody_without_standing_is_ever_chosen(site: Whole, client: AsyncClient) -> None:
    """Random histories; the reference is what decides at the very moment, person by person."""
    node = site.platform.node
    pool = [number(("mobile", "unicom", "telecom")[n % 3], n) for n in range(150)]
    chosen_ever = 0
    await client.put_label("some", pool[:1], **LABEL)

    async def play(steps: list[tuple[str, list[int]]]) -> None:
        nonlocal chosen_ever
        for what, places in steps:
            named = [pool[place] for place in dict.fromkeys(places)]
            if what == "agree":
                await agree(client, site, named + pool[: 100 - len(named)])
            elif what == "refuse":
                for one in named[:12]:
                    if await site.platform.sql(
                        "SELECT 1 FROM person WHERE msisdn = $1", int(f"86{one}")
                    ):
                        await refuse(site, one)
            elif what == "label":
                await client.put_label("some", named, **LABEL)
            caller = site.platform.caller(1)
            for more in ({}, {"without_label": ["some"]}, {"carrier": ["mobile", "unicom"]}):
                request = AudienceBuild(**SHOP, **more)
                choice = await node_choice(site, request)
                people, _ = await choice.survey(node.clock.now(), np.empty(0, np.uint32))
                standing = await site.platform.sql(
                    "SELECT s.person_id FROM standing s JOIN programme p ON p.id = s.programme_id"
                    " JOIN sender x ON x.id = p.sender_id WHERE x.credit_code = 'CODE1'"
                    " AND p.name = 'offers' AND s.grade >= 2 AND NOT EXISTS (SELECT FROM refusal r"
                    " WHERE r.person_id = s.person_id AND r.group_id IN (x.group_id, 0))"
                )
                may = {row["person_id"] for row in standing}
                assert set(people.tolist()) <= may, (what, more, caller.account_id)
                if not more:
                    assert set(people.tolist()) == may
                chosen_ever += len(people)

    loop = asyncio.get_running_loop()

    def run(steps: list[tuple[str, list[int]]]) -> None:
        asyncio.run_coroutine_threadsafe(play(steps), loop).result(60)

    tried = settings(max_examples=8, deadline=None, phases=[Phase.generate])(given(STEPS)(run))
    await asyncio.to_thread(tried)
    assert chosen_ever > 0


async def node_choice(site: Whole, request: AudienceBuild) -> Any:
    node = site.platform.node
    rooms = AudienceDesk(node).choosing._rooms
    await node.live.sync(node.store)
    account = node.catalogue.accounts[site.account("account1")]
    return await _Choice.of(rooms, account, request)
