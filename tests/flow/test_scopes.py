"""A port reaches the provinces of its number's scope, and nobody elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.flow.order import Port
from assent.flow.scopes import NOWHERE, outside, provinces_of, scope_read
from assent.message import Network, Purpose
from assent.numbers import NumberTable
from assent.policy.reasons import BY_CODE
from tests.flow.conftest import Platform, running
from tests.flow.test_chain import PORT1, changed, document, findings_of

TABLE = NumberTable.load()
NAMES = [name.zh for name in TABLE.provinces if name.zh]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("national", "national"), ("全国", "national"), (" National ", "national"),
        ("广东", "广东"), ("广东省", "广东"), ("Guangdong", "广东"),
        ("北京市，内蒙古自治区", "北京、内蒙古"),
        ("inner mongolia, 新疆维吾尔自治区;北京", "内蒙古、新疆、北京"), ("广东、广东", "广东"),
    ],
)  # fmt: skip
def test_scopes_as_people_write_them(words: str, kept: str) -> None:
    assert scope_read(words) == kept
    assert scope_read(kept) == kept
    known = provinces_of(words)
    assert known == (None if kept == "national" else frozenset(kept.split("、")))


@pytest.mark.parametrize("words", ["", " ", "月球", "广东、", "national, 广东", "广东 北京"])
def test_a_scope_that_says_nothing_is_refused_and_allows_nothing(words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        scope_read(words)
    assert caught.value.code == "no_province"
    assert provinces_of(words) == NOWHERE


def port(carrier: str, provinces: frozenset[str] | None) -> Port:
    parts = (1, Purpose.VERIFICATION, "商户", None, True, "", True, "active", False)
    return Port(1, "1069", carrier, *parts, provinces)


@given(
    st.lists(st.none() | st.frozensets(st.sampled_from(NAMES)) | st.just(NOWHERE), max_size=3),
    st.data(),
)
def test_whom_a_scope_keeps_out(scopes: list[frozenset[str] | None], data: Any) -> None:
    ports = [port(f"c{place}", names) for place, names in enumerate(scopes)]
    people = data.draw(
        st.lists(
            st.tuples(
                st.integers(-1, len(ports) - 1), st.integers(0, len(TABLE.provinces) - 1)
            ), max_size=40,
        )
    )  # fmt: skip
    carriers = np.array([carrier for carrier, _ in people], np.int16)
    provinces = np.array([province for _, province in people], np.uint8)
    found = outside(TABLE, ports, carriers, provinces)
    assert (found is None) == all(names is None for names in scopes)
    if found is None:
        return
    for kept_out, (carrier, province) in zip(found.tolist(), people, strict=True):
        names = None if carrier < 0 else scopes[carrier]
        home = TABLE.provinces[province].zh
        assert kept_out == (names is not None and not (home and home in names))


def numbers_of(province: str, network: Network, count: int) -> list[str]:
    """Return numbers that the table knows to be of a province and network."""
    prefixes = np.arange(1_300_000, 2_000_000, dtype=np.uint64)
    msisdns = np.uint64(86 * 10**11) + prefixes * np.uint64(10_000)
    places = TABLE.lookup(msisdns)
    index = NAMES.index(province) + 1
    assert TABLE.provinces[index].zh == province
    found = np.flatnonzero((places.province == index) & (places.network == network))[:count]
    return [f"{prefix}0007" for prefix in prefixes[found].tolist()]


@pytest.fixture
async def chained(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as platform:
        yield platform


async def scoped(platform: Platform, scope: str, where: str) -> None:
    number = await platform.value(
        "INSERT INTO code_number (number, carriers, scope, ranges, purposes, free_to_reply,"
        " created_at) VALUES ('10690001', '{mobile}', $1, '{00-99}', 15, true, now())"
        " ON CONFLICT (number) DO UPDATE SET scope = excluded.scope RETURNING id", scope,
    )  # fmt: skip
    await changed(platform, f"UPDATE port SET code_number_id = {number} {where}")


async def test_only_receivers_of_its_provinces_are_reached(chained: Platform) -> None:
    platform = chained
    *here, fresh = numbers_of("广东", Network.MOBILE, 4)
    there = numbers_of("浙江", Network.MOBILE, 2)
    other = numbers_of("浙江", Network.UNICOM, 2)  # whose carrier's port has no scope
    everybody = [*here, *there, *other]
    await scoped(platform, "广东", f"{PORT1} AND carrier = 'mobile'")
    answer = await platform.send(everybody, "verification")
    assert (answer["allowed"], answer["reasons"]) == (5, {"out_of_scope": 2})
    assert await findings_of(platform) == {"out_of_scope"}
    await platform.until(lambda: len(platform.submits()) >= 5, "the others left")
    reached = {line["destination"][-11:] for line in platform.submits()}
    assert reached == {*here, *other}
    # Where the table knows no province, nobody knows that the port may be used there.
    await scoped(platform, "whatever", f"{PORT1} AND carrier = 'mobile'")
    answer = await platform.send([fresh], "verification")
    assert (answer["allowed"], answer["reasons"]) == (0, {"out_of_scope": 1})
    await scoped(platform, "national", f"{PORT1} AND carrier = 'mobile'")
    assert (await platform.send(there, "verification"))["allowed"] == 2
    assert BY_CODE["out_of_scope"].rules == ("CN-23", "CN-60")
