"""A refusal of one programme ends that one, also for what waits already, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.consent.entry import Channel, Origin
from assent.flow.ends import EVERYONE, Ends
from assent.flow.refusals import Asked
from assent.message import Purpose
from tests.flow.conftest import Platform, number, register, running

MARKETING = 1 << Purpose.MARKETING
NEWS = "新刊上架，全场八折。客服电话400-820-1234。拒收请回复R"
OFFER = "夏装上新，全场八折。客服电话400-820-1234。拒收请回复R"


def document() -> dict[str, Any]:
    """Return the register with a second programme of the first sender."""
    found = register()
    (first,) = found["senders"][0]["programmes"]
    found["senders"][0]["programmes"].append({**first, "name": "news"})
    return found


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as one:
        yield one


async def agreed(desk: Platform, phone: str) -> int:
    """Have a person agree to both programmes; return who she is."""
    await desk.consent([phone])
    await desk.sql(
        "INSERT INTO standing SELECT p.id, s.person_id, s.grade, s.position, s.until, s.fresh"
        " FROM standing s, programme p WHERE p.name = 'news'"
    )
    await desk.node.live.load(desk.node.store)
    return int(await desk.value("SELECT person_id FROM standing LIMIT 1"))


async def refuse(desk: Platform, person: int, programme: int, *, group: int = 1) -> Any:
    node = desk.node
    asked = Asked(
        person, (group,), MARKETING, Channel.WEB, Origin.RECEIVER, programme=programme
    )  # fmt: skip
    await node.ids.reserve(node.store, 1)
    async with node.store.transaction() as tx:
        await node.writer.lock(tx, [asked])
        return await node.writer.write(tx, [asked], node.clock.now())


def programme(desk: Platform, name: str) -> int:
    return next(one.id for one in desk.node.catalogue.programmes.values() if one.name == name)


async def test_what_waits_of_the_programme_is_withheld_and_the_other_leaves(
    desk: Platform,
) -> None:
    phone = number("mobile", 7)
    person = await agreed(desk, phone)
    later = datetime.fromtimestamp(desk.clock.now(), UTC) + timedelta(seconds=3)
    for name, text in (("offers", OFFER), ("news", NEWS)):
        answer = await desk.send([phone], text=text, programme=name, not_before=later)
        assert answer["allowed"] == 1
    outcome = await refuse(desk, person, programme(desk, "offers"))
    assert (outcome.entries, outcome.confirmations) == (1, 1)

    async def ended() -> bool:
        return bool(await desk.value("SELECT count(*) FROM slot_end") == 1)

    await desk.until(ended, "the refused one ended without an attempt", 20)
    await desk.until(lambda: any("新刊" in one["text"] for one in desk.submits()), "the other left")
    assert not any("夏装" in one["text"] for one in desk.submits())


async def test_one_that_was_refused_already_is_not_refused_again(desk: Platform) -> None:
    phone = number("mobile", 7)
    person = await agreed(desk, phone)
    offers, news = (programme(desk, name) for name in ("offers", "news"))
    assert (await refuse(desk, person, offers)).entries == 1
    again = await refuse(desk, person, offers)
    assert (again.entries, again.repeats) == (0, 1)
    assert (await refuse(desk, person, news)).entries == 1
    # The whole group is more than both.
    whole = await refuse(desk, person, 0)
    assert whole.entries == 1
    # What the group's refusal covers needs no refusal of its own.
    assert (await refuse(desk, person, offers)).entries == 0
    assert await desk.value("SELECT count(*) FROM programme_refusal") == 2


async def test_pages_pressed_at_once_refuse_once(desk: Platform) -> None:
    person = await agreed(desk, number("mobile", 7))
    offers = programme(desk, "offers")
    outcomes = await asyncio.gather(*(refuse(desk, person, offers) for _ in range(8)))
    assert sum(one.entries for one in outcomes) == 1
    assert await desk.value("SELECT count(*) FROM confirmation WHERE NOT repeat") == 1


groups = st.integers(0, 2)
ends = st.lists(
    st.tuples(groups, st.integers(1, 2), st.sampled_from([1, 2, 3]), st.sampled_from([0, 0, 1, 2])),
    max_size=8,
)
asked_about = st.tuples(
    st.integers(1, 2), st.integers(1, 2), st.sampled_from([1, 2]), st.integers(0, 9),
    st.integers(0, 2),
)  # fmt: skip


@given(ends, asked_about)
def test_memory_of_ends_forgets_none_and_ends_no_other_programme(
    made: list[tuple[int, int, int, int]], asked: tuple[int, int, int, int, int]
) -> None:
    memory = Ends(0)
    for position, (group, person, purposes, one) in enumerate(made, start=1):
        memory.note(group, person, position, purposes, one)
    group, person, guard, after, mine = asked
    concerned = [
        (position, purposes)
        for position, (of, who, purposes, one) in enumerate(made, start=1)
        if who == person and ((not one and of in (group, EVERYONE)) or (one and one == mine))
    ]
    told = memory.ended(group, person, guard, after, mine)
    exact = any(
        position > after and (purposes & guard or made[position - 1][3])
        for position, purposes in concerned
    )
    if exact:
        assert told
        of_group = [made[position - 1][0] for position, _ in concerned if position > after]
        assert group not in of_group or memory.any_for(group)
    if told:  # it may withhold for an earlier purpose of a later end, and for nothing else
        assert any(position > after for position, _ in concerned)
