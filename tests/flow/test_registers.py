"""Imported registers: dated and sourced; wrong rows are told; nothing matches by accident."""

from __future__ import annotations

from datetime import date

import pytest

from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow.registers import RegisterFile
from assent.store import Store
from tests.flow.front_site import BANK, LISTED, NAMES, SHOP, TODAY, Site, open_site


@pytest.fixture
async def site(fresh_store: Store) -> Site:
    return await open_site(fresh_store)


async def test_rows_are_kept_and_wrong_ones_told(site: Site) -> None:
    told = await site.import_rows(
        "business",
        [
            {"credit_code": SHOP, "name": NAMES[SHOP], "phone": "021-6123 0001",
             "officers": "张三；李四/310101198001010015", "founded_on": "2001-03-04"},
            {"name": "无名"},
            {"credit_code": BANK, "name": NAMES[BANK], "founded_on": "某日"},
            {"credit_code": BANK, "name": "长" * 501},
        ],
    )  # fmt: skip
    assert (told["new"], told["rows"], told["wrong"]) == (True, 1, 3)
    assert [(one["row"], one["code"]) for one in told["faults"]] == [
        (3, "row_nameless"), (4, "row_date"), (5, "row_long"),
    ]  # fmt: skip
    assert all(one["zh"] for one in told["faults"])
    found = await site.front.registers.look(site.one, SHOP)
    (row,) = found["rows"]
    assert (row["name"], row["phone"], row["dated"]) == (NAMES[SHOP], "021-6123 0001", TODAY)
    assert "people" not in row
    whole = str(await site.sql("SELECT * FROM register_row"))
    assert "张三" not in whole
    assert "310101198001010015" not in whole
    assert (await site.front.registers.look(site.one, BANK))["result"] == "unknown"


async def test_the_same_file_again_changes_nothing(site: Site) -> None:
    rows = [(2, {"credit_code": SHOP, "name": NAMES[SHOP]})]
    file = RegisterFile("business", "公示系统", TODAY, bytes(32), rows)
    first = await site.front.registers.take(site.one, file)
    again = await site.front.registers.take(site.one, file)
    assert (first["new"], again["new"], again["id"]) == (True, False, first["id"])
    other = RegisterFile("business", "别处", TODAY, bytes(32), rows)
    with pytest.raises(Conflict):
        await site.front.registers.take(site.one, other)
    assert await site.value("SELECT count(*) FROM register_row") == 1
    acts = "SELECT count(*) FROM staff_act WHERE what = 'register.import'"
    assert await site.value(acts) == 1


async def test_a_newer_file_of_a_source_replaces_the_older(site: Site) -> None:
    await site.import_rows(
        "business", [{"credit_code": SHOP, "name": "旧名"}], dated=date(2026, 1, 1)
    )
    await site.import_rows("business", [{"credit_code": SHOP, "name": NAMES[SHOP]}])
    found = await site.front.registers.look(site.one, SHOP)
    assert [row["name"] for row in found["rows"]] == [NAMES[SHOP]]
    await site.import_rows("business", [{"credit_code": BANK, "name": NAMES[BANK]}])
    assert (await site.front.registers.look(site.one, SHOP))["result"] == "unknown"
    await site.import_rows("business", [{"credit_code": SHOP, "name": "别"}], source="另一来源")
    assert len((await site.front.registers.look(site.one, SHOP))["rows"]) == 1


async def test_what_cannot_be_imported(site: Site) -> None:
    with pytest.raises(InvalidInput) as caught:
        await site.import_rows("business", [{"name": "无名"}])
    assert caught.value.code == "register_empty"
    with pytest.raises(InvalidInput) as caught:
        await site.import_rows("business", [{"credit_code": SHOP}], dated=date(2026, 12, 1))
    assert caught.value.field == "dated"
    with pytest.raises(InvalidInput):
        await site.import_rows("business", [{"colour": "red"}])
    file = RegisterFile("business", "x", TODAY, bytes(32), [(2, {"credit_code": SHOP})])
    for caller in (site.callers["shop"], site.auditor):
        with pytest.raises(NotAllowed):
            await site.front.registers.take(caller, file)
    with pytest.raises(InvalidInput):
        await site.front.registers.look(site.one)


@pytest.mark.parametrize(
    ("paper", "row", "result", "why"),
    [
        ({}, {}, "yes", None),
        ({}, {"number": "粤B2-20090059"}, "yes", None),
        ({"number": "粤B2-20090059"}, {"number": "粤B2-20090060"}, "no", "other_number"),
        ({"holder": "别的公司"}, {}, "no", "other_name"),
        ({}, {"credit_code": BANK}, "unknown", None),
        ({"number": "粤B2-20090059"}, {"number": "粤B2-20090059", "credit_code": BANK}, "no",
         "other_holder"),
        ({"number": "粤B2-20090059"}, {"number": "粤B2-20090059", "credit_code": "", "name": ""},
         "no", "nameless"),
        ({}, {"status": "已注销"}, "no", "ended"),
        ({"valid_to": "2029-01-01"}, {"valid_to": "2028-01-01"}, "no", "other_end"),
        ({"valid_to": "2028-01-01"}, {"valid_to": "2028-01-01"}, "yes", None),
    ],
)  # fmt: skip
async def test_what_a_register_says_of_a_licence(
    site: Site, paper: dict[str, str], row: dict[str, str], result: str, why: str | None
) -> None:
    await site.apply("shop", SHOP, "retail")
    await site.import_rows(
        "telecom", [{"credit_code": SHOP, "name": NAMES[SHOP], "number": "", **row}]
    )
    document = await site.paper("shop", "telecom_licence", **paper)
    look = await site.see(document, "register")
    assert look["result"] == result
    if why is not None:
        assert look["evidence"]["why"] == why


async def test_numbers_are_compared_however_written(site: Site) -> None:
    await site.import_businesses()
    await site.apply("shop", SHOP, "retail")
    for number in ("+86 21 6123 0001", "0086-21-61230001", "021 61230001", LISTED[SHOP]):
        paper = await site.paper("shop", "work_certificate")
        words = {"by": "李雷", "number": number, "confirmed": True}
        assert (await site.see(paper, "call_back", **words))["result"] == "yes"
