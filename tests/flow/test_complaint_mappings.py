"""Rows of complaints as carriers and 12321 write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.flow.complaint_mappings import (
    FAULTS,
    Reported,
    guessed,
    mapping_of,
    packaged,
    read_row,
)
from assent.flow.complaints import code_number, is_persons
from assent.message import Network
from assent.screen.categories import BY_CODE
from assent.web.complaint_files import read_file

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC).timestamp()
PROVINCES = {"广东": 19, "guangdong": 19, "广西": 20}


def of(name: str, **cells: str) -> Reported | str:
    return read_row(mapping_of(name), 2, cells, PROVINCES, NOW)


@pytest.mark.parametrize(
    ("name", "report", "network"),
    [
        ("10086999", "1069 0001-1*贷款：月息低*来电", Network.MOBILE),
        ("10086999", "106900011＊贷款：月息低*来电", Network.MOBILE),
        ("10010", "ljdxjb#106900011#贷款：月息低*来电", Network.UNICOM),
        ("10010", "LJDXJB＃106900011＃贷款：月息低*来电", Network.UNICOM),
        ("10000999", "106900011:贷款：月息低*来电", Network.TELECOM),
        ("10000999", " 106900011：贷款：月息低*来电", Network.TELECOM),
    ],
)
def test_a_report_by_sms_is_number_and_content(name: str, report: str, network: Network) -> None:
    read = of(name, report=report, complainant="13900000001", at="2026/11/22 18:05")
    assert isinstance(read, Reported)
    assert (read.number, read.text, read.network) == ("106900011", "贷款：月息低*来电", network)
    assert read.at == datetime(2026, 11, 22, 10, 5, tzinfo=UTC).timestamp()


def test_what_is_wrong_with_a_row_has_a_code_and_words() -> None:
    assert of("10086999", report="退订") == "bad_report"
    assert of("10010", report="106900011*内容") == "bad_report"
    assert of("12321", number="106900011", at="昨天") == "bad_time"
    assert of("12321", number="106900011", at="2026-11-25 12:00:00") == "bad_time"
    assert of("12321", number="106900011", at="1999-01-01") == "bad_time"
    assert of("12321", number="abc") == "bad_number"
    assert of("12321", words="很烦") == "nothing_reported"
    assert all(en and zh for en, zh in FAULTS.values())
    read = of("12321", number="+86 139 0000 0001", category="占卜", province="火星", carrier="星网")
    assert isinstance(read, Reported)
    assert read.number == "13900000001"
    assert read.notes == ("unknown_category", "unknown_province", "unknown_carrier")
    assert (read.category, read.province, read.network) == ("", 0, None)
    read = of("12321", number="106900011", category="贷款理财类", province="广西壮族自治区",
              carrier="中国电信", port_type="点对点")  # fmt: skip
    assert isinstance(read, Reported)
    assert (read.category, read.province, read.network) == ("loan", 20, Network.TELECOM)
    assert read.port_type is False


def test_numbers_of_persons_are_no_ports() -> None:
    assert [is_persons(one) for one in ("13900000001", "075512345678", "0085251234567")] == [
        True
    ] * 3
    assert [is_persons(one) for one in ("106900011", "95588", "10086999", "")] == [False] * 4


def test_of_numbers_only_code_numbers_are_kept() -> None:
    for kept in ("106900011", "95588", "10086999", "4008201234"):
        assert code_number(kept) == kept
    for other in ("13900000001", "1390000", "075512345678", "0085251234567", "8613900000001", ""):
        assert code_number(other) == ""


def test_packaged_mappings_use_known_categories() -> None:
    assert [one.name for one in packaged()] == ["10086999", "10010", "10000999", "12321"]
    assert {code for one in packaged() for code in one.categories.values()} <= set(BY_CODE)


def test_an_operators_own_mapping_is_checked() -> None:
    own = {"name": "own", "source": "12321", "columns": {"number": ["号"]}, "zone_minutes": 0}
    assert mapping_of(json.dumps(own)).name == "own"
    for wrong in (
        "nothing", "{", json.dumps(own | {"columns": {"brand": ["品牌"]}}),
        json.dumps(own | {"columns": {"report": ["内容"]}}), json.dumps(own | {"more": 1}),
        json.dumps(own | {"categories": {"x": "nonsense"}}),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as raised:
            mapping_of(wrong)
        assert raised.value.code == "complaint_mapping"


def test_a_mapping_is_found_out_by_names_or_by_the_report() -> None:
    assert guessed([], "ljdxjb#106900011#x").name == "10010"
    assert guessed([], "106900011*x:y").name == "10086999"
    assert guessed([], "106900011：x*y").name == "10000999"
    assert guessed(["举报编号", "被举报号码", "短信内容", "举报时间"], "").name == "12321"
    for names in (["上行内容", "用户号码"], ["没有", "什么"]):  # three carriers', nobody's
        with pytest.raises(InvalidInput):
            guessed(names, "")


def test_files_of_every_form_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("106900011*贷款\n\n106900012*房产，来电\n", "utf-8")
    mapping, rows = read_file(path, None)
    assert mapping.name == "10086999"
    assert rows == [(1, {"report": "106900011*贷款"}), (3, {"report": "106900012*房产，来电"})]
    path.write_bytes("用户号码,上行内容\n13900000001,ljdxjb#106900011#x\n".encode("gb18030"))
    mapping, rows = read_file(path, mapping_of("10010"))
    assert rows == [(2, {"complainant": "13900000001", "report": "ljdxjb#106900011#x"})]
    items = [{"id": 7, "被举报号码": "106900011", "短信内容": "贷款", "more": {"x": 1}}]
    path.write_text(json.dumps({"total": 1, "items": items}, ensure_ascii=False), "utf-8")
    mapping, rows = read_file(path, None)
    assert mapping.name == "12321"
    assert rows == [(1, {"reference": "7", "number": "106900011", "text": "贷款"})]
    for wrong, code in (
        (b"", "file_empty"), (b"[1]", "complaint_json"), (b"{}", "complaint_json"),
        (b"[]", "complaint_mapping"), (b"a,b\n1,2\n", "complaint_mapping"),
        (b"[{", "complaint_json"),
    ):  # fmt: skip
        path.write_bytes(wrong)
        with pytest.raises(InvalidInput) as raised:
            read_file(path, None)
        assert raised.value.code == code, wrong
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(InvalidInput) as raised:
        read_file(path, mapping_of("12321"))
    assert raised.value.code == "complaint_columns"


@given(st.text(max_size=60), st.sampled_from([one.name for one in packaged()]))
def test_any_report_is_read_or_told_to_be_wrong(report: str, name: str) -> None:
    read = of(name, **({"text": report} if name == "12321" else {"report": report}))
    if isinstance(read, str):
        assert read in FAULTS
    else:
        assert read.text or read.number


@given(st.text("0123456789", min_size=3, max_size=20), st.text(max_size=100))
def test_what_a_subscriber_wrote_comes_out_as_it_was(number: str, text: str) -> None:
    for mapping in packaged():
        if mapping.report is not None:
            written = f"{mapping.report.head}{number}{mapping.report.separator}{text}"
            split = mapping.split(written)
            assert split is not None
            assert split == (number, text.lstrip())
