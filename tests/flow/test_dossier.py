"""The inspectors' archive: whole, with digests that fit, and no cell that runs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import pytest

from assent.errors import NotAllowed, NotFound
from assent.flow.dossier import safe_cell, table_of
from assent.flow.requests import ReviewWords
from assent.store import Store
from tests.flow.front_site import PNG, SHOP, STRANGER, Site, open_site, pdf, person


@pytest.fixture
async def site(fresh_store: Store) -> Site:
    return await open_site(fresh_store)


async def test_everything_is_in_it(site: Site) -> None:
    await site.import_businesses()
    await site.apply("shop", SHOP, "retail", address='=HYPERLINK("http://x")')
    file = pdf("执照")
    paper = await site.paper("shop", "business_licence", file, number="+1+1", holder="@SUM(A1)")
    shot = PNG + b"shot"
    await site.see(paper, "look_up", by="李雷", url="https://www.gsxt.gov.cn/x", showed="存续",
                   result="yes", at="2026-11-22T11:00:00+08:00", screenshot=shot)  # fmt: skip
    item = await site.item("document", paper["id"])
    await site.front.desk.ask(site.one, int(item["id"]), ReviewWords("哪一页？"))
    await site.front.desk.answer(site.callers["shop"], int(item["id"]), ReviewWords("首页"))
    await site.decide(item)
    name, octets = await site.front.dossiers.export(site.auditor, SHOP)
    assert name == f"{SHOP}-2026-11-22.zip"
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    manifest = parts.pop("MANIFEST.sha256").decode().splitlines()
    assert {line.split("  ")[1]: line.split("  ")[0] for line in manifest} == {
        one: hashlib.sha256(data).hexdigest() for one, data in parts.items()
    }
    assert parts[f"files/{hashlib.sha256(file).hexdigest()}.pdf"] == file
    assert parts[f"files/{hashlib.sha256(shot).hexdigest()}.png"] == shot
    tables = {one[:-5]: json.loads(data) for one, data in parts.items() if one.endswith(".json")}
    assert tables["people"][0]["id_number"] == person(11, "legal")["id_number"]
    assert [one["way"] for one in tables["sights"]] == ["scan", "register"]
    assert [one["verb"] for one in tables["review_words"]] == ["ask", "answer", "approve"]
    whats = {one["what"] for one in tables["staff_acts"]}
    assert {"document.look_up", "review.ask", "review.approve"} <= whats
    assert tables["registers"][0]["kind"] == "business"
    assert tables["qualification"][0]["account"]["lacks"]
    rows = list(csv.DictReader(io.StringIO(parts["documents.csv"].decode("utf-8-sig"))))
    assert (rows[0]["number"], rows[0]["holder"]) == ("'+1+1", "'@SUM(A1)")
    for one, data in parts.items():
        if one.endswith(".csv"):
            for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
                assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    act = (await site.sql("SELECT * FROM staff_act WHERE what = 'entity.export'"))[0]
    assert json.loads(act["after"])["sha256"] == hashlib.sha256(octets).hexdigest()


async def test_who_may_have_it(site: Site) -> None:
    await site.apply("shop", SHOP, "retail")
    for caller in (site.one, site.two, site.callers["shop"]):
        with pytest.raises(NotAllowed):
            await site.front.dossiers.export(caller, SHOP)
    with pytest.raises(NotFound):
        await site.front.dossiers.export(site.auditor, STRANGER)
    assert await site.value("SELECT count(*) FROM staff_act WHERE what = 'entity.export'") == 0


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "\n=1"])
def test_cells_do_not_run(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


def test_cells_that_are_plain_stay() -> None:
    assert safe_cell("a=1") == "a=1"
    assert table_of([{"a": 1, "b": None}, {"a": "x", "c": {"d": "é"}}]).decode("utf-8-sig") == (
        'a,b,c\r\n1,,\r\nx,,"{""d"": ""é""}"\r\n'
    )
