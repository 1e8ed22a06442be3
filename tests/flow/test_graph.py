"""What entities have in common, and what the desk is told of it."""

from __future__ import annotations

import pytest

from assent.errors import NotAllowed, NotFound
from assent.flow import graph
from assent.flow.admission_requests import EntityOrder
from assent.flow.graph import MOST_ENTITIES, tie
from assent.registry.sketch import ALIKE, sketch
from assent.store import Store
from tests.flow.front_site import (
    AGENT,
    NAMES,
    SHOP,
    STRANGER,
    Site,
    credit_code,
    open_site,
    pdf,
    person,
)


@pytest.fixture
async def site(fresh_store: Store) -> Site:
    return await open_site(fresh_store)


async def revoke(site: Site, code: str) -> None:
    await site.front.admission.order(site.one, code, "revoke", EntityOrder(reason="骗取资质"))


async def flags(site: Site, code: str) -> list[tuple[str, str]]:
    told = (await site.front.admission.graph_of(site.auditor, code))["flags"]
    return [(one["code"], one["over"]) for one in told]


async def test_a_person_shared_with_a_revoked_entity(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[person(1, "legal")])
    await revoke(site, SHOP)
    await site.apply("stranger", STRANGER, "retail", people=[person(1, "operator", "13911112222")])
    items = (await site.front.desk.queue(site.one, "account"))["items"]
    (item,) = [one for one in items if one["entity"] == STRANGER]
    found = [one for one in item["signals"] if one["code"] == "shares_with_revoked"]
    assert {one["over"] for one in found} == {"person", "name"}
    assert found[0]["entity"] == SHOP
    assert [(step["from"], step["to"]) for step in found[0]["path"]] == [(STRANGER, SHOP)]
    shown = await site.front.admission.graph_of(site.one, STRANGER)
    assert {one["kind"] for one in shown["ties"]} >= {
        "person",
        "name",
        "phone",
        "domain",
        "address",
    }
    assert all(one["label"] == "" for one in shown["ties"] if one["kind"] in graph.SECRET_KINDS)


async def test_a_former_officer_in_a_register(site: Site) -> None:
    zhao = "赵六/310101198001010015"
    await site.import_rows(
        "business",
        [
            {"credit_code": SHOP, "name": NAMES[SHOP], "former_officers": zhao},
            {"credit_code": STRANGER, "name": NAMES[STRANGER], "officers": zhao},
        ],
    )  # fmt: skip
    await site.apply("shop", SHOP, "retail", people=[], address="甲路1号")
    await revoke(site, SHOP)
    await site.apply("stranger", STRANGER, "retail", people=[], address="甲路 1号")
    found = await flags(site, STRANGER)
    assert {over for code, over in found if code == "shares_with_revoked"} == {
        "person", "name", "address",
    }  # fmt: skip


async def test_an_import_ties_those_who_are_here_already(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[])
    await site.apply("stranger", STRANGER, "retail", people=[])
    assert await flags(site, STRANGER) == []
    await revoke(site, SHOP)
    await site.import_rows(
        "business",
        [{"credit_code": code, "shareholders": "某控股"} for code in (SHOP, STRANGER)],
    )
    assert await flags(site, STRANGER) == [("shares_with_revoked", "name")]


async def test_one_person_behind_many(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[person(1, "legal")])
    assert await flags(site, SHOP) == []
    for number in range(MOST_ENTITIES):
        await site.register("agent", credit_code(500 + number), "retail",
                            people=[person(1, "legal", f"1391111000{number}")])  # fmt: skip
    assert ("person_behind_many", "person") in await flags(site, SHOP)
    items = (await site.front.desk.queue(site.one, "account"))["items"]
    shown = await site.front.desk.show(site.one, int(items[0]["id"]))
    found = {one["code"] for one in shown["subject"]["signals_now"]}
    assert {"many_companies", "person_behind_many"} <= found


async def test_the_same_file_from_another_applicant(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[])
    await site.apply("stranger", STRANGER, "retail", people=[])
    file = pdf("同一份执照", 60_000)
    await site.paper("shop", "business_licence", file)
    await site.paper("stranger", "business_licence", file)
    assert ("same_file", "file") in await flags(site, STRANGER)


async def test_nearly_the_same_file(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[])
    await site.apply("stranger", STRANGER, "retail", people=[])
    await site.apply("agent", AGENT, "retail", people=[])
    file = bytearray(pdf("一份执照", 60_000))
    assert len(sketch(bytes(file))) >= ALIKE
    await site.paper("shop", "business_licence", bytes(file))
    middle = len(file) // 2
    file[middle:middle] = b"  "
    await site.paper("stranger", "business_licence", bytes(file))
    await site.paper("agent", "business_licence", pdf("quite another one", 60_000))
    assert await flags(site, STRANGER) == [("same_file", "sketch")]
    assert await flags(site, AGENT) == []


def test_sketches() -> None:
    import random

    source = random.Random(4)
    one = source.randbytes(50_000)
    assert sketch(one) == sketch(one)
    assert sketch(b"x" * 50_000) == []
    assert sketch(b"short") == []
    moved = b"HEAD" + one[:20_000] + b"..." + one[20_000:]
    assert len(set(sketch(one)) & set(sketch(moved))) >= ALIKE
    assert not set(sketch(one)) & set(sketch(source.randbytes(50_000)))


async def test_paths_are_bounded_and_short(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[])
    ids = [await site.value("SELECT id FROM entity")]
    rows = await site.sql(
        "INSERT INTO entity (credit_code, legal_name, kind, created_at) SELECT 'C' || i, 'C' || i,"
        " 'company', now() FROM generate_series(1, 300) i RETURNING id"
    )
    ids += [row["id"] for row in rows]
    async with site.store.transaction() as tx:
        for place in range(4):  # a chain: shop - C1 - C2 - C3 - C4
            for one in ids[place : place + 2]:
                await graph.link(tx, one, tie("address", f"街{place}", "address"), "t", 1.0)
        for one in ids[:260]:  # a business park
            await graph.link(tx, one, tie("address", "园区", "address"), "t", 1.0)
    near = (await site.front.admission.graph_of(site.one, SHOP))["near"]
    assert [(one["entity"], one["steps"]) for one in near] == [("C1", 1), ("C2", 2), ("C3", 3)]


async def test_who_may_see_and_what_is_for_good(site: Site) -> None:
    await site.apply("shop", SHOP, "retail", people=[])
    with pytest.raises(NotAllowed):
        await site.front.admission.graph_of(site.callers["shop"], SHOP)
    with pytest.raises(NotFound):
        await site.front.admission.graph_of(site.one, STRANGER)
    with pytest.raises(NotAllowed):
        await site.front.admission.order(site.auditor, SHOP, "suspend", EntityOrder(reason="x"))
    order = site.front.admission.order
    for action, status in (("suspend", "suspended"), ("restore", "active"), ("revoke", "revoked")):
        told = await order(site.one, SHOP, action, EntityOrder(reason="案件"))  # type: ignore[arg-type]
        assert told["status"] == status
    with pytest.raises(NotAllowed) as caught:
        await order(site.one, SHOP, "restore", EntityOrder(reason="x"))
    assert caught.value.code == "revoked_for_good"
    whats = await site.sql("SELECT what, after->>'why' AS why FROM staff_act ORDER BY id")
    assert [row["what"] for row in whats] == ["entity.suspend", "entity.restore", "entity.revoke"]
