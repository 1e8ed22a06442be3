"""Ceilings at work: what is counted crosses them, is restricted step by step, and steps down.

One installation. What was counted is written here in place of the counting (tests of rollups do
that); time passes by a clock of the test's own.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assent.clock import ManualClock
from assent.errors import AssentError
from assent.flow.ceilings import Ceilings, key_of, key_words
from assent.flow.needs import utc
from tests.flow.conftest import Platform, number, running
from tests.flow.test_restrictions import dry

DAY = 86_400.0


class Site:
    """A platform, what it counted, and the ceilings over it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.clock = ManualClock(platform.clock.now())
        node = platform.node
        self.parts = node.store, self.clock, node.catalogue
        self.rulebook = node.rulebook
        self.ceilings = Ceilings(*self.parts, node.rulebook)
        sender = next(s for s in node.catalogue.senders.values() if s.credit_code == "CODE1")
        self.sender = sender.id
        self.port = next(
            p for p in node.catalogue.ports.values()
            if p.sender_id == sender.id and p.purpose == 3 and p.carrier == "mobile"
        ).id  # fmt: skip

    async def count(self, purpose: int = 3, province: int = 1, **counts: int) -> None:
        """Count messages that were accepted an hour ago."""
        names = ", ".join(counts)
        hour = utc((self.clock.now() - 3600) // 3600 * 3600)
        more = ", ".join(f"{name} = rollup_hour.{name} + excluded.{name}" for name in counts)
        await self.platform.sql(
            f"INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province,"
            f" category, purpose, {names}) VALUES ($1, $2, $3, 1, 'mobile', $4, 'retail', $5,"
            f" {', '.join(str(n) for n in counts.values())})"
            f" ON CONFLICT (hour, port_id, sender_id, account_id, carrier, province, category,"
            f" purpose) DO UPDATE SET {more}",
            hour, self.port, self.sender, province, purpose,
        )  # fmt: skip

    async def open(self) -> list[dict[str, Any]]:
        """Return the restrictions of ceilings in force, with what they rest on."""
        rows = await self.platform.sql(
            "SELECT r.*, f.ceiling, f.key, f.events, f.messages, f.bound, f.rate"
            " FROM restriction r JOIN ceiling_finding f ON f.id = r.source_id"
            " WHERE r.lifted_at IS NULL AND r.until > $1 ORDER BY f.ceiling",
            utc(self.clock.now()),
        )
        return [dict(row) for row in rows]

    async def known(self) -> None:
        """Wait until the node knows what is restricted."""
        last = await self.platform.value("SELECT max(id) FROM restriction")
        restricted = self.platform.node.catalogue.chain.restricted
        await self.platform.until(lambda: restricted.seen >= last, "it is known")


async def test_ceilings(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path) as platform:
        site = Site(platform)
        people = [number("mobile", place) for place in range(3)]
        await platform.consent(people)
        await little_is_nothing(site)
        await a_crossing_restricts(site, people)
        await doing_it_again_changes_nothing(site)
        await a_look_that_breaks_off_is_made_again(site)
        await the_next_step(site, people)
        await corrected_counts_lift(site)
        await a_calm_time_and_a_new_rulebook(site)


async def little_is_nothing(site: Site) -> None:
    """A high rate of few messages, and few complaints among many, are none."""
    await site.count(submitted=200, complained=4)
    assert await site.ceilings.look() == []
    await site.count(submitted=100_000)
    assert await site.ceilings.look() == []
    # Codes and notices are not what the ceilings of the package are about.
    await site.count(purpose=1, submitted=1000, complained=500)
    assert await site.ceilings.look() == []
    await site.platform.sql("DELETE FROM rollup_hour")


async def a_crossing_restricts(site: Site, people: list[str]) -> None:
    platform = site.platform
    await site.count(submitted=10_000, delivered=9_000, failed=1_000, complained=30)
    assert len(await site.ceilings.look()) == 3
    found = await site.open()
    assert [row["ceiling"] for row in found] == [
        "complaints",
        "complaints_place",
        "complaints_port",
    ]
    one = found[0]
    assert (one["sender_id"], one["purposes"], one["effect"], one["step"]) == (
        site.sender, 1 << 3, "defer", 1,
    )  # fmt: skip
    assert (one["messages"], one["events"]) == (9_000, 30)
    assert one["rate"] < one["bound"] < 30 / 9_000
    words = json.loads(one["words"])
    assert "about 0.33 % in 14 days, 0.05 % is the most. Step 1 of 3" in words["en"]
    assert "商户1" in words["en"]
    assert "14天内约0.33 %，上限0.05 %。第1级（共3级）" in words["zh"]
    place = found[1]
    assert (place["carrier"], place["province"], place["category"]) == ("mobile", 1, "retail")
    assert key_words(key_of(place["key"])) == place["key"]
    await site.known()
    told = await dry(platform, people)
    assert all((line.not_before or 0) >= one["until"].timestamp() for line in told.messages)
    code = await platform.send([people[0]], "verification")
    assert code["allowed"] == 1


async def doing_it_again_changes_nothing(site: Site) -> None:
    before = await site.platform.value("SELECT count(*) FROM restriction")
    for _ in range(2):
        assert await site.ceilings.look() == []

    async def quiet() -> bool:
        looks = site.ceilings.looks
        assert await site.ceilings.step() == []
        return site.ceilings.looks == looks

    await site.platform.until(quiet, "where nothing is counted any more nobody looks")
    # Two at once, over a key that is new: one of them is enough.
    await site.count(purpose=4, submitted=1_000, complained=20)
    other = Ceilings(*site.parts, site.rulebook)
    await asyncio.gather(site.ceilings.look(), other.look())
    assert await site.platform.value("SELECT count(*) FROM restriction") == before + 1
    assert await site.platform.value("SELECT count(*) FROM ceiling_finding") == before + 1
    await site.platform.sql("DELETE FROM rollup_hour WHERE purpose = 4")


async def a_look_that_breaks_off_is_made_again(site: Site) -> None:
    """Neither a crossing without its restriction is left, nor the other way round."""
    sql = site.platform.sql
    before = await site.platform.value("SELECT count(*) FROM ceiling_finding")
    await sql(
        "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$"
    )
    await sql(
        "CREATE TRIGGER breaks BEFORE INSERT ON restriction FOR EACH ROW EXECUTE FUNCTION breaks()"
    )
    await site.count(submitted=500, refused=1_000, delivered=500)
    with pytest.raises(AssentError):
        await site.ceilings.look()
    assert await site.platform.value("SELECT count(*) FROM ceiling_finding") == before
    await sql("DROP TRIGGER breaks ON restriction")
    assert len(await site.ceilings.look()) == 1
    (row,) = [row for row in await site.open() if row["ceiling"] == "refusals"]
    assert row["code"] == "ceiling_refusals"
    await sql("UPDATE rollup_hour SET refused = 0")


async def the_next_step(site: Site, people: list[str]) -> None:
    """When it is over, only what came after counts; if that crosses too, it is a step further."""
    site.clock.advance(1.2 * DAY)
    assert await site.ceilings.look() == []
    assert [row["ceiling"] for row in await site.open()] == []
    await site.count(submitted=5_000, complained=20)
    assert len(await site.ceilings.look()) == 3
    one = (await site.open())[0]
    assert (one["effect"], one["step"], one["messages"]) == ("reject", 2, 5_000)
    await site.known()
    told = await dry(site.platform, people)
    assert told.reasons == {}, "for the node, whose clock is behind, it has not begun"


async def corrected_counts_lift(site: Site) -> None:
    """Complaints that were not ours are counted no more, and what rests on them is lifted."""
    await site.platform.sql(
        "UPDATE rollup_hour SET complained = complained - 18 WHERE complained = 20"
    )
    assert await site.ceilings.look() == []
    assert await site.open() == []
    rows = await site.platform.sql("SELECT step, withdrawn_at FROM ceiling_finding ORDER BY id")
    assert {row["step"] for row in rows if row["withdrawn_at"]} == {2}
    # The step that was taken back does not count: the next crossing is the second again.
    await site.count(submitted=0, complained=30)
    await site.ceilings.look()
    assert {row["step"] for row in await site.open()} == {2}


async def a_calm_time_and_a_new_rulebook(site: Site) -> None:
    site.clock.advance(8 * DAY + 31 * DAY)
    await site.count(submitted=5_000, complained=20)
    await site.ceilings.look()
    assert {row["step"] for row in await site.open()} == {2}, "one step back, one up"
    without = replace(site.rulebook, ceilings=())
    assert await Ceilings(*site.parts, without).look() == []
    assert await site.open() == []
