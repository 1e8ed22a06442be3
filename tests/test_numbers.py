"""assent.numbers: reading, looking up, ported numbers, zones, and the source of the table."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.message import Network
from assent.numbers import FAULT_WORDS, Fault, NumberTable, mask, parse, zone_minutes
from assent.numbers.ported import PortedNumbers
from assent.numbers.reading import _parse_one
from assent.numbers.segments import SEGMENT_NETWORK

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data" / "numbers"
needs_source = pytest.mark.skipif(
    not SOURCE.is_dir(), reason="the public prefix data is not beside the project"
)
ALLOCATED = [str(1000 + i) for i in np.flatnonzero(SEGMENT_NETWORK).tolist()]
mobiles = st.builds(
    lambda head, tail: f"{head}{tail:07d}", st.sampled_from(ALLOCATED), st.integers(0, 9_999_999)
)


@pytest.fixture(scope="module")
def table() -> NumberTable:
    return NumberTable.load()


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_numbers", ROOT / "tools/build_numbers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_numbers"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def u64(*numbers: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.array(numbers, np.uint64)


READ = [
    ("13800138000", 8613800138000),
    ("+86 138-0013-8000", 8613800138000),
    ("０１３８００１３８０００"[1:], 8613800138000),
    ("＋８６　１３８００１３８０００", 8613800138000),
    ("008613800138000", 8613800138000),
    ("8613800138000", 8613800138000),
    ("(+86) 13800138000\r\n", 8613800138000),
    ("\u202a13800138000\u202c", 8613800138000),
    ("\ufeff13800138000", 8613800138000),
    ("138\u00a00013\u00a08000", 8613800138000),
    ("'13800138000", 8613800138000),
    ("13800138000.0", 8613800138000),
    ("19212345678", 8619212345678),
    ("+852 9123 4567", 85291234567),
    ("0085291234567", 85291234567),
    ("+1 202-555-0143", 12025550143),
    ("+393471234567", 393471234567),
]

FAULTY = [
    ("", Fault.EMPTY),
    (" \t\u200b", Fault.EMPTY),
    ("手机", Fault.NOT_DIGITS),
    ("1380013800O", Fault.NOT_DIGITS),
    ("+", Fault.NOT_DIGITS),
    ("138+00138000", Fault.NOT_DIGITS),
    ("13800138000,13900139000", Fault.NOT_DIGITS),
    ("13800138000.5", Fault.NOT_DIGITS),
    ("1.38001E+10", Fault.ROUNDED),
    ("1.3800138e10", Fault.ROUNDED),
    ("8.61380E+12", Fault.ROUNDED),
    ("1380013800", Fault.WRONG_LENGTH),
    ("138001380001", Fault.WRONG_LENGTH),
    ("+86", Fault.WRONG_LENGTH),
    ("00", Fault.FOREIGN_INVALID),
    ("15412345678", Fault.UNKNOWN_PREFIX),
    ("23800138000", Fault.UNKNOWN_PREFIX),
    ("01012345678", Fault.FIXED_LINE),
    ("0755-1234567", Fault.FIXED_LINE),
    ("62345678", Fault.FIXED_LINE),
    ("+86 10 6234 5678", Fault.FIXED_LINE),
    ("+86 755 1234 5678", Fault.FIXED_LINE),
    ("10086", Fault.SERVICE_NUMBER),
    ("106901234567", Fault.SERVICE_NUMBER),
    ("10690012345", Fault.SERVICE_NUMBER),
    ("95588", Fault.SERVICE_NUMBER),
    ("12321", Fault.SERVICE_NUMBER),
    ("400-123-4567", Fault.SERVICE_NUMBER),
    ("+852 0000", Fault.FOREIGN_INVALID),
    ("+999123456789", Fault.FOREIGN_INVALID),
    ("+44 20 7946 0000", Fault.FIXED_LINE),
    ("+1 800 555 0199", Fault.SERVICE_NUMBER),
]


@pytest.mark.parametrize(("text", "number"), READ)
def test_reads(text: str, number: int) -> None:
    parsed = parse([text])
    assert (parsed.msisdn.tolist(), parsed.fault.tolist()) == ([number], [Fault.NONE])


@pytest.mark.parametrize(("text", "fault"), FAULTY)
def test_faults(text: str, fault: Fault) -> None:
    parsed = parse([text])
    assert (parsed.msisdn.tolist(), parsed.fault.tolist()) == ([0], [fault])


def test_rows_keep_their_places_among_others() -> None:
    rows = [text for text, _ in READ] + [text for text, _ in FAULTY]
    parsed = parse(rows * 700)  # more than is worked on at once
    numbers = [number for _, number in READ] + [0] * len(FAULTY)
    faults = [0] * len(READ) + [fault for _, fault in FAULTY]
    assert parsed.msisdn.tolist() == numbers * 700
    assert parsed.fault.tolist() == faults * 700


def test_no_rows() -> None:
    parsed = parse([])
    assert parsed.msisdn.dtype == np.uint64
    assert parsed.fault.dtype == np.uint8
    assert len(parsed.msisdn) == len(parsed.fault) == 0


def test_other_home_region() -> None:
    parsed = parse(["(202) 555-0143", "+86 138 0013 8000", "91234567"], "US")
    assert parsed.msisdn.tolist() == [12025550143, 8613800138000, 0]
    assert parse(["91234567"], "HK").msisdn.tolist() == [85291234567]


def test_every_fault_has_words() -> None:
    assert all(FAULT_WORDS[fault].zh and FAULT_WORDS[fault].en for fault in Fault)


@given(st.lists(mobiles, max_size=30))
def test_plain_numbers_are_read(numbers: list[str]) -> None:
    assert parse(numbers).msisdn.tolist() == [int("86" + number) for number in numbers]


WIDE = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
written = st.one_of(
    st.text(max_size=20),
    st.text("0123456789 +-()", max_size=18),
    mobiles,
    st.builds(
        lambda head, number, gap: head + number[:3] + gap + number[3:7] + gap + number[7:],
        st.sampled_from(["", "86", "+86", "0086", "+86 ", "+"]),
        mobiles,
        st.sampled_from(["", " ", "-", ".", "\n", "　"]),
    ),
    mobiles.map(lambda number: number.translate(WIDE)),
    st.text("０１３８９＋－（）．　\u00a0\u0301\uff00\uff5f\ud800 8", max_size=16),
)


@given(st.lists(written, max_size=40))
def test_arrays_and_single_rows_agree(rows: list[str]) -> None:
    parsed = parse(rows)
    assert list(zip(parsed.msisdn.tolist(), parsed.fault.tolist(), strict=True)) == [
        _parse_one(row, "CN") for row in rows
    ]
    assert ((parsed.msisdn == 0) == (parsed.fault != Fault.NONE)).all()


@given(mobiles, st.booleans())
def test_mask_hides_the_middle(number: str, whole: bool) -> None:
    shown = mask(int("86" + number))
    assert shown == f"{number[:3]}****{number[-4:]}"


def test_mask_of_others() -> None:
    assert mask(85291234567) == "+852****4567"
    assert mask(0) == mask(1234567) == "****"
    assert mask(861062345678) == "****"


def test_lookup_places(table: NumberTable) -> None:
    places = table.lookup(u64(8613000000000, 8613800100500, 8613000010000))
    assert places.network.tolist() == [Network.UNICOM, Network.MOBILE, Network.UNICOM]
    assert [table.provinces[i].zh for i in places.province] == ["山东", "北京", "江苏"]
    assert [table.cities[i].en for i in places.city] == ["Jinan", "Beijing", "Changzhou"]
    assert not places.virtual.any()


def test_lookup_outside_the_table(table: NumberTable) -> None:
    numbers = u64(0, 861062345678, 85291234567, 12025550143, 861234, 9, 999_999_999_999_999)
    places = table.lookup(numbers)
    unknown, foreign = Network.UNKNOWN, Network.FOREIGN
    assert places.network.tolist() == [
        *(unknown, unknown, foreign, foreign, unknown, unknown, foreign)
    ]
    assert not places.province.any()
    assert not places.city.any()


@pytest.mark.parametrize(
    ("beginning", "network", "virtual"),
    [
        ("1703", Network.MOBILE, True),
        ("1705", Network.MOBILE, True),
        ("1706", Network.MOBILE, True),
        ("1349", Network.MOBILE, False),
        ("1700", Network.TELECOM, True),
        ("1709", Network.UNICOM, True),
        ("1920", Network.BROADNET, False),
        ("1990", Network.TELECOM, False),
        ("1540", Network.UNKNOWN, False),
    ],
)
def test_networks_of_beginnings(
    table: NumberTable, beginning: str, network: Network, virtual: bool
) -> None:
    places = table.lookup(u64(int(f"86{beginning}1234567")))
    assert (places.network.tolist(), places.virtual.tolist()) == ([network], [virtual])


def test_networks_agree_with_libphonenumber() -> None:
    from phonenumbers.carrierdata import CARRIER_DATA

    names = {"China Mobile": 1, "China Unicom": 2, "China Telecom": 3, "China Broadnet": 4}
    for beginning in ALLOCATED:
        carrier = next(
            (
                CARRIER_DATA[f"86{beginning[:size]}"]["en"]
                for size in (4, 3)
                if f"86{beginning[:size]}" in CARRIER_DATA
            ),
            None,
        )
        if carrier is not None:
            assert SEGMENT_NETWORK[int(beginning) - 1000] == names[carrier], beginning


@given(st.lists(st.integers(0, 2**63), max_size=50))
def test_rows_do_not_depend_on_their_neighbours(numbers: list[int]) -> None:
    table = NumberTable.load()
    together = table.lookup(u64(*numbers))
    for row, number in enumerate(numbers):
        alone = table.lookup(u64(number))
        assert all(column[row] == single[0] for column, single in zip(together, alone, strict=True))


def test_long_columns(table: NumberTable) -> None:
    numbers = np.arange(8613800000000, 8613800000000 + 100_000 * 997, 997, np.uint64)
    places = table.lookup(numbers)
    assert (places.network == Network.MOBILE).all()
    assert (places.rows(slice(70_000, None)).city == table.lookup(numbers[70_000:]).city).all()


def test_ported_numbers(table: NumberTable) -> None:
    moved = table.with_ported(
        u64(8613800138000, 8613800138000, 8613000000000), np.array([2, 3, 1], np.uint8)
    )
    numbers = u64(8613000000000, 8613800138000, 8613800138001, 0)
    assert moved.lookup(numbers).network.tolist() == [1, 3, 1, 0]
    assert (moved.lookup(numbers).city == table.lookup(numbers).city).all()
    assert moved.digest != table.digest
    assert moved.with_ported(u64(), np.zeros(0, np.uint8)).digest == table.digest
    with pytest.raises(InvalidInput):
        table.with_ported(u64(1), np.zeros(0, np.uint8))


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(0, 2**63))
def test_ported_numbers_are_found_among_others(numbers: list[int], base: int) -> None:
    networks = [1 + number % 4 for number in numbers]
    known = {base + number: network for number, network in zip(numbers, networks, strict=True)}
    ported = PortedNumbers.of(u64(*(base + n for n in numbers)), np.array(networks, np.uint8))
    asked = u64(*range(base, base + 301), *range(base, base + 301), 0)
    rows, found = ported.find(asked)
    assert dict(zip(rows.tolist(), found.tolist(), strict=True)) == {
        row: known[number] for row, number in enumerate(asked.tolist()) if number in known
    }
    assert len(ported) == len(known)


def test_many_ported_numbers(table: NumberTable) -> None:
    ported = np.arange(8613800000000, 8613800000000 + 90_000 * 31, 31, np.uint64)
    numbers = np.arange(8613800000000, 8613800000000 + 200_000, dtype=np.uint64)
    places = table.with_ported(ported, np.full(90_000, 3, np.uint8)).lookup(numbers)
    assert (places.network == np.where(np.arange(200_000) % 31 == 0, 3, 1)).all()


def test_digest_is_of_the_contents(table: NumberTable) -> None:
    assert table.digest == NumberTable.load().digest
    assert len(table.digest) == 64


@pytest.mark.parametrize("octets", [None, b"", b"not a table", b"PK\x03\x04 broken"])
def test_bad_table_is_an_error_of_ours(tmp_path: Path, octets: bytes | None) -> None:
    path = tmp_path / "numbers.npz"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(InvalidInput) as error:
        NumberTable.load(path)
    assert error.value.mend is not None


def test_zones() -> None:
    numbers = u64(8613800138000, 0, 861062345678, 85291234567, 12025550143, 12125550143)
    assert zone_minutes(numbers).tolist() == [480, 480, 480, 480, -300, -300]
    summer, winter = 1783000000.0, 1768000000.0  # July and January of 2026
    assert zone_minutes(u64(12025550143, 8613800138000), summer).tolist() == [-240, 480]
    assert zone_minutes(u64(12025550143, 61412345678), winter).tolist() == [-300, 660]
    assert zone_minutes(u64(870773111632)).tolist() == [0]
    assert zone_minutes(u64()).dtype == np.int16


# The table against its sources ---------------------------------------------------------------


def test_nearly_every_beginning_has_its_province(table: NumberTable) -> None:
    codes = table.codes[:-1]
    assert int((codes >> 8 & 0xFF > 0).sum()) > 517_000
    assert set((codes >> 8 & 0xFF).tolist()) == set(range(32))
    assert all(name.zh and name.en for name in (*table.provinces[1:], *table.cities[1:]))
    assert sum(name.zh != name.en for name in table.cities) > 330
    assert set((codes >> 16).tolist()) == set(range(len(table.cities)))


def test_table_names_its_sources(table: NumberTable) -> None:
    month, library = table.source.split("; ")
    assert month.startswith("cn_mobile_prefix7_")
    assert library.startswith("libphonenumber, by phonenumbers ")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "phone2region" in notice
    assert library.rpartition(" ")[2] in notice


SAMPLE = """prefix7,province,city,postcode,area_code,carrier
1300000,山东,济南,250000,0531,联通
1703000,四川,凉山,615000,0834,电信虚拟
1349000,北京,北京,100000,010,电信虚拟
1651000,江苏,苏州,215000,0512,电信虚拟
1680000,广东,某地,510000,020,移动虚拟
1998888,广东,广州,510000,020,电信
"""


def test_builder_reads_and_mends_a_prefix_file(builder: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "cn_mobile_prefix7_202601.csv").write_text(SAMPLE, encoding="utf-8")
    columns, source = builder.build(tmp_path)
    builder.write(columns, source, tmp_path / "full.npz")
    table = NumberTable.load(tmp_path / "full.npz")
    heads = (1300000, 1703000, 1349000, 1651000, 1680000, 1998888)
    places = table.lookup(u64(*(860_000_000_0000 + head * 10**4 for head in heads)))
    assert places.network.tolist() == [2, 1, 1, 1, 1, 3]
    assert places.virtual.tolist() == [False, True, False, True, True, False]
    assert [table.cities[i].en for i in places.city] == [
        *("Jinan", "Liangshan", "Beijing", "Suzhou", "某地", "Guangzhou")
    ]
    assert "202601" in table.source


@needs_source
def test_packaged_table_is_what_the_builder_makes(
    builder: ModuleType, table: NumberTable, tmp_path: Path
) -> None:
    columns, source = builder.build(SOURCE)
    if source != table.source:
        pytest.skip(f"another release of a source is here than built {table.source}")
    builder.write(columns, source, tmp_path / "numbers.npz")
    assert NumberTable.load(tmp_path / "numbers.npz").digest == table.digest


@needs_source
def test_against_the_public_prefix_data(builder: ModuleType, table: NumberTable) -> None:
    rows = list(builder.read_prefix_file(builder.newest_prefix_file(SOURCE)))
    numbers = np.array([86 * 10**11 + int(row["prefix7"]) * 10**4 for row in rows], np.uint64)
    found = table.lookup(numbers)
    provinces = np.array([row["province"] for row in rows])
    assert (np.array([name.zh for name in table.provinces])[found.province] == provinces).all()
    # libphonenumber's names are longer: 凉山彝族自治州 for 凉山.
    cities = [table.cities[number].zh for number in found.city.tolist()]
    assert all(
        city.startswith(builder.short_city(row["city"]))
        for city, row in zip(cities, rows, strict=True)
    )
    plain = np.array([row["carrier"] in builder._NETWORKS for row in rows])
    wanted = np.array([builder._NETWORKS.get(row["carrier"], 0) for row in rows])
    assert (found.network == wanted)[plain].mean() > 0.9999  # 26 rows of 170x are mended


@needs_source
def test_against_libphonenumbers_carrier_file() -> None:
    names = {"中国移动": 1, "中国联通": 2, "中国电信": 3, "中国广电": 4}
    text = (SOURCE / "libphonenumber_carrier_zh_86.txt").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    carriers = {beginning: names[name] for beginning, name in csv.reader(rows, delimiter="|")}
    for beginning in ALLOCATED:
        found = carriers.get(f"86{beginning}", carriers.get(f"86{beginning[:3]}"))
        assert found in (None, SEGMENT_NETWORK[int(beginning) - 1000])


@given(
    st.lists(
        st.one_of(
            st.text(alphabet="0123456789+- 86１３", max_size=16),
            st.from_regex(r"(\+86|0086|86|)1[3-9][0-9]{9}", fullmatch=True),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_few_numbers_are_read_like_many(rows: list[str]) -> None:
    """Few are read one by one, many as arrays."""
    few, many = parse(rows), parse(rows * 100)
    assert many.msisdn[: len(rows)].tolist() == few.msisdn.tolist()
    assert many.fault[: len(rows)].tolist() == few.fault.tolist()
