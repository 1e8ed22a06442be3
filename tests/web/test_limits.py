"""How often one may call, where a call comes from, and what an export may hold."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import TooLarge, Unavailable
from assent.flow.exports import csv_cell, csv_row
from assent.flow.throttle import network_of
from assent.store import Store
from assent.web.audience_plan import ReadOptions
from assent.web.limits import Buckets, Limits, peer_of
from assent.web.reading import Failure, frames
from assent.web.settings import WebSettings
from assent.web.tables import rows_of
from tests.web.people_site import Place, place


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), max_size=200))
def test_no_more_leaves_a_bucket_than_came_into_it(calls: list[tuple[float, str]]) -> None:
    ticks = Ticks()
    buckets = Buckets(2.0, 5.0, ticks)
    taken: dict[str, list[float]] = {"a": [], "b": []}
    for pause, who in calls:
        ticks.now += pause
        wait = buckets.take(who)
        if not wait:
            taken[who].append(ticks.now)
        else:
            assert 0 < wait <= 0.5
    for times in taken.values():
        for first in range(len(times)):
            for last in range(first, len(times)):
                allowed = 10.0 + 2.0 * (times[last] - times[first])
                assert last - first + 1 <= allowed + 1e-6


def test_a_bucket_fills_again_and_others_are_not_touched() -> None:
    ticks = Ticks()
    buckets = Buckets(1.0, 2.0, ticks)
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    assert buckets.take("b") == 0.0
    assert buckets.take("a", 0.0) == 1.0
    ticks.now += 1.0
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("a") == 0.0


def test_too_many_requests_of_a_key() -> None:
    limits = Limits(WebSettings(key_rate=1.0))
    limits.known(1, None)
    limits.known(1, None)
    with pytest.raises(Unavailable) as caught:
        limits.known(1, None)
    assert (caught.value.status, caught.value.details) == (429, {"retry_after": 1})
    limits.known(2, None)
    limits.known(0, 1)  # a person is not the key of the same number


@pytest.fixture
async def strict(migrated_url: str, fresh_store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(migrated_url, fresh_store, tmp_path, open_rate=1.0) as one:
        yield one


async def test_too_many_requests_of_a_network(strict: Place) -> None:
    client = strict.client("ak_" + "0" * 48)
    answers = [await client.get("/v1/balance") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["code"] == "too_many_requests"
    assert (await strict.client().post("/v1/session", json={})).status_code == 429
    assert (await strict.client().get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("client", "said", "peer"),
    [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("203.0.113.1", ["127.0.0.1"], "203.0.113.1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        (None, ["203.0.113.9"], ""),
    ],
)
def test_only_a_trusted_proxy_tells_where_a_request_comes_from(
    client: str | None, said: list[str], peer: str
) -> None:
    headers = [(b"x-forwarded-for", word.encode()) for word in said]
    scope = {"client": (client, 1) if client else None, "headers": headers}
    assert peer_of(scope, [ip_network("10.0.0.0/24")]) == peer
    assert peer_of(scope, []) == (client or "")


def test_a_network_is_an_address_or_half_of_a_long_one() -> None:
    assert network_of("203.0.113.7") == network_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:2::") != network_of("2001:db8:1:3::")


# Exports -------------------------------------------------------------------------------------

STARTS = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "　=1", "＝1"]
)


@given(STARTS, st.text(max_size=20))
def test_no_cell_is_a_formula(start: str, rest: str) -> None:
    cell = csv_cell(start + rest)
    assert cell.startswith("'")
    assert cell[1:] == start + rest


@given(st.lists(st.one_of(st.text(max_size=30), st.integers(), st.none()), min_size=2, max_size=6))
def test_a_row_is_read_back_as_it_was(values: list[str | int | None]) -> None:
    values = [v.replace("\x00", "") if isinstance(v, str) else v for v in values]
    row = next(csv.reader(io.StringIO(csv_row(values), newline="")))
    assert row == [csv_cell(value) for value in values]
    for value, cell in zip(values, row, strict=True):
        if isinstance(value, int):
            assert int(cell) == value
        elif value is not None:
            assert cell.removeprefix("'") == value.removeprefix("'") or cell == value


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "small.xlsx"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(64):
            sheet.write(bytes(1 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(TooLarge) as caught:
        rows_of(file, 4 << 20)
    assert caught.value.code == "workbook_too_large"


@pytest.mark.parametrize(
    "octets",
    [
        b"MZ\x90\x00" + bytes(60),
        b"%PDF-1.7\n\x00\xff",
        b"\x1f\x8b\x08" * 10,
        b"\x7fELF" + bytes(60),
    ],
)
def test_what_a_file_is_its_content_tells(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "numbers.csv"  # whatever its name says
    file.write_bytes(octets)
    (failure,) = frames(file, ReadOptions())
    assert isinstance(failure, Failure)


async def test_the_record_cannot_be_changed(strict: Place) -> None:
    await strict.administrator()
    connection = await asyncpg.connect(strict.url)
    try:
        for statement in (
            "UPDATE staff_act SET what = 'x'", "DELETE FROM staff_act", "TRUNCATE staff_act",
        ):  # fmt: skip
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_people_are_told_of_what_changes(strict: Place) -> None:
    await strict.administrator("root@operator.example")
    for _ in range(300):
        if strict.mailbox.to("root@operator.example"):
            break
        await asyncio.sleep(0.01)
    subjects = [mail[1] for mail in strict.mailbox.to("root@operator.example")]
    assert any("已启用两步验证" in subject for subject in subjects)
