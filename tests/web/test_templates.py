"""Templates over HTTP: versions, typed variables, hosts; and their parsing, whatever the text."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.client import AsyncClient
from assent.errors import InvalidInput
from assent.flow.render import Rendering, placeholders
from assent.registry.templates import KINDS, Variable, first_faults, parse, stored
from tests.flow.conftest import numbers
from tests.web.office import CODE, Office, office


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(migrated_url, tmp_path) as one:
        await one.number()
        await one.signature()
        await one.port()
        yield one


# Parsing ------------------------------------------------------------------------------------


@given(
    st.text(st.characters(codec="utf-8"), max_size=60) | st.text("{}:code()12ab，【\n", max_size=30)
)
def test_any_text_is_a_template_or_a_documented_error(text: str) -> None:
    found, wrong = None, None
    try:
        found = parse(text)
    except InvalidInput as error:
        wrong = error
    if found is None:
        assert wrong is not None
        assert wrong.code.startswith("template_")
        assert (wrong.field, bool(wrong.mend)) == ("body", True)
        return
    assert placeholders(found.body) == [one.name for one in found.variables]
    assert all(one.kind in KINDS for one in found.variables)
    # Reading it back from the store, and rendering it, come to the same.
    assert stored(text).body == found.body
    assert {one.name for one in stored(text).variables} == {one.name for one in found.variables}
    if found.variables:
        columns = {one.name: ["x"] for one in found.variables}
        assert "{" not in Rendering(found.body, columns).text(0)


@given(st.text(max_size=80))
def test_what_is_stored_is_always_read(text: str) -> None:
    found = stored(text)
    assert {one.name for one in found.variables} == set(re.findall(r"\{([^{}]*)\}", found.body))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "template_length"),
        ("长" * 501, "template_length"),
        ("【安信】你好", "template_signature"),
        ("您好{name", "template_brace"),
        ("{a}}好", "template_brace"),
        ("您{a:nothing}好", "template_type"),
        ("您{a:code(3)}好", "template_type"),
        ("您{a:text(0)}好", "template_type"),
        ("您{a:text(999)}好", "template_type"),
        ("您{a b}好", "template_variable"),
        ("您{}好", "template_variable"),
        ("{a}", "template_empty"),
        ("{a}{b}好", "template_variable"),
        ("您{a:code}好{a:date}", "template_variable"),
        ("见https://{a:name}/x", "template_link"),
        ("见https://1.2.3.4/x", "template_link"),
        ("您好\x07", "template_characters"),
        ("您好" + "".join(f"{{a{i}}}、" for i in range(21)), "template_variable"),
    ],
)
def test_what_no_template_is(body: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(body)
    assert (caught.value.code, caught.value.field) == (code, "body")


def test_types_and_limits_are_read() -> None:
    found = parse("您的验证码{code:code}，{who:name}，{why:text(20)}，{plain}")
    assert found.body == "您的验证码{code}，{who}，{why}，{plain}"
    assert found.variables == (
        Variable("code", "code"),
        Variable("who", "name"),
        Variable("why", "text", 20),
        Variable("plain"),
    )
    assert stored("旧{客户 姓名:先生}好").variables == (Variable("客户 姓名:先生"),)


GOOD = {
    "code": ["4711", "A1b2C3", "1234567890"],
    "amount": ["0", "12.50", "1,234,567.89", "¥99", "-3.5", "100元", "$5"],
    "date": [
        "2026-11-22",
        "2026年11月22日",
        "11月22日",
        "2026/1/2 08:30",
        "2月29日",
        "12:30",
        "23:59:59",
    ],
    "name": ["张伟", "Mary O'Neil", "阿卜杜拉·买买提", "李", "Jean-Luc"],
    "url": [
        "https://shop.example.cn/a?b=1",
        "http://shop.example.cn",
        "https://shop.example.cn:443/x",
    ],
    "text": ["随便什么", "a" * 200, "50%", "%s"],
}
BAD = {
    "code": ["471", "12345678901", "12 34", "４７１１", "退订4711", "", "{a}", "47\n11"],
    "amount": ["", "1.2.3", "12,34", "免费", "1e9", "99折", "１２"],
    "date": ["2026-13-01", "2026-02-29", "2月30日", "明天", "2026-11", "25:00", ""],
    "name": ["", "张伟13800138000", "a" * 31, "点击t.cn", "【银行】", "·张", "a\nb"],
    "url": [
        "https://evil.example/",
        "https://shop.example.cn.evil.example/",
        "https://shop.example.cn@evil.example/",
        "https://evil.example/shop.example.cn",
        "https://shop.example.cn:8443/",
        "ftp://shop.example.cn/",
        "https://1.2.3.4/",
        "javascript:alert(1)",
        "shop.example.cn/a",
        "https://shop.example.cn/ a",
        "https://shop.example.cn/退",
        "https://shop.example.cn\\@evil.example/",
        "//shop.example.cn/",
        "",
        "https://shop.example.cn/" + "a" * 200,
        "https://xn--shop-example.cn/",
    ],
    "text": [
        "a" * 201,
        "见https://evil.example",
        "www.evil.example",
        "点t.cn/x",
        "t.CN",
        "{code}",
        "a\x00b",
        "a\nb",
    ],
}
HOSTS = frozenset({"shop.example.cn"})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_values_of_each_type(kind: str) -> None:
    variable = Variable("x", kind)
    for value in GOOD[kind]:
        assert not first_faults([variable], {"x": [value]}, HOSTS), value
    for value in BAD[kind]:
        assert first_faults([variable], {"x": [value]}, HOSTS), value


def test_ten_thousand_values_of_each_type() -> None:
    variables = [Variable(kind, kind) for kind in sorted(KINDS)]
    columns = {kind: [GOOD[kind][0]] * 10_000 for kind in KINDS}
    columns["code"] = [f"{i:06d}" for i in range(10_000)]
    columns["name"] = [f"张{chr(0x4E00 + i)}" for i in range(10_000)]
    assert not first_faults(variables, columns, HOSTS)
    for kind in KINDS:
        columns[kind][9_999] = BAD[kind][0]
        assert [one.row for one in first_faults(variables, columns, HOSTS)] == [9_999]
        columns[kind][9_999] = columns[kind][0]


# Over HTTP ----------------------------------------------------------------------------------


async def test_values_are_checked_row_by_row(desk: Office) -> None:
    await desk.template("订单{order:code}，{amount:amount}元，{day:date}送达{who:name}。")
    good = {"order": "A1001", "amount": "12.50", "day": "11月22日", "who": "张伟"}
    assert (await desk.send(numbers(3), variables=good)).json()["allowed"] == 3
    messages = [{"to": to, "variables": dict(good)} for to in numbers(4)]
    messages[1]["variables"]["amount"] = "免费"
    messages[3]["variables"]["who"] = "13800138000"
    refused = await desk.send([], messages=messages)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "bad_variable")
    assert problem["field"] == "messages[1].variables.amount"
    rows = [row["field"] for row in problem["details"]["rows"]]
    assert rows == ["messages[1].variables.amount", "messages[3].variables.who"]
    assert "免费" not in refused.text
    assert "13800138000" not in refused.text
    assert await desk.platform.value("SELECT count(*) FROM submission") == 1  # nothing half-done


async def test_what_comes_in_a_value_stays_a_value(desk: Office) -> None:
    """No signature of its own, no new variable, no link."""
    await desk.template("订单{order}的备注：{note:text(20)}。")
    first = numbers(1)
    for note, code in (
        ("{order}", "bad_variable"),
        ("https://a.cn", "bad_variable"),
        ("长" * 21, "bad_variable"),
    ):
        refused = await desk.send(first, variables={"order": "A1", "note": note})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    for name in ("order", "note"):
        values = {"order": "A1", "note": "好"} | {name: "【银行】"}
        judged = (await desk.send(first, variables=values)).json()
        assert judged["reasons"] == {"signature_in_value": 1}
    extra = await desk.send(first, variables={"order": "A1", "note": "好", "more": "x"})
    assert extra.json()["code"] == "unknown_variable"
    assert not desk.platform.submits()


async def test_links_lead_to_filed_hosts(desk: Office) -> None:
    request = {
        "sender": CODE,
        "name": "notice",
        "purpose": "notification",
        "basis": "order",
        "body": "详情https://shop.example.cn/help，订单{url:url} 。",
    }
    assert (await desk.refused("account1", "/v1/templates", request))[1:] == (
        "host_not_filed",
        "body",
    )
    for wrong in ("https://a.cn", "1.2.3.4", "a", "a.cn/x", "店.cn"):
        host = {"sender": CODE, "host": wrong}
        assert (await desk.refused("account1", "/v1/hosts", host))[1] == "bad_host"
    made = await desk.post("account1", "/v1/hosts", {"sender": CODE, "host": "Shop.Example.CN."})
    assert made["host"] == "shop.example.cn"
    assert (await desk.refused("account1", "/v1/templates", request))[1] == "host_not_filed"
    await desk.decide("host")
    await desk.template(request["body"])
    link = {"url": "https://shop.example.cn/o/1"}
    assert (await desk.send(numbers(1), variables=link)).json()["allowed"] == 1
    refused = await desk.send(numbers(1), variables={"url": "https://evil.example/o/1"})
    assert refused.json()["code"] == "host_not_filed"
    assert refused.json()["field"] == "messages[0].variables.url"
    # Another sender's host is not ours, and one that was taken back leads nowhere.
    await desk.post("account1", f"/v1/hosts/{made['id']}/withdraw", {"reason": "sold"})
    assert (await desk.send(numbers(1), variables=link)).json()["code"] == "host_not_filed"


async def test_a_change_is_a_new_version(desk: Office) -> None:
    first = await desk.template("您的订单{order}已发货。")
    assert first["version"] == 1
    body = {
        "sender": CODE,
        "name": "notice",
        "purpose": "notification",
        "basis": "order",
        "body": "您的订单{order:code}已送达。",
    }
    second = await desk.post("account1", "/v1/templates", body)
    assert (second["version"], second["state"]) == (2, "submitted")
    assert await desk.post("account1", "/v1/templates", body) == second  # once more
    other = body | {"body": "您的订单{order:code}已签收。"}
    assert (await desk.refused("account1", "/v1/templates", other))[1] == "template_waiting"
    marketing = body | {"purpose": "marketing", "basis": "", "body": "新品{order}"}
    assert (await desk.refused("account1", "/v1/templates", marketing))[1] == "template_purpose"
    # The old one sends on.
    free = {"order": "一号 单"}
    assert (await desk.send(numbers(1), variables=free)).json()["allowed"] == 1
    await desk.decide("template")
    assert (await desk.send(numbers(1), variables=free)).json()["code"] == "bad_variable"
    shown = (await desk.get("account1", f"/v1/templates?sender={CODE}"))["items"]
    assert [(one["version"], one["state"]) for one in shown] == [(1, "replaced"), (2, "active")]
    assert shown[1]["variables"] == [{"name": "order", "type": "code", "limit": 200}]
    await desk.post("account1", "/v1/templates", other)
    await desk.decide("template", "refuse", "incomplete")
    shown = (await desk.get("account1", f"/v1/templates?sender={CODE}"))["items"]
    assert [one["state"] for one in shown] == ["replaced", "active", "refused"]
    response = await desk.call("account2", "POST", f"/v1/templates/{second['id']}/withdraw")
    assert response.status_code == 404


@pytest.mark.parametrize("basis", ["", "order"])
async def test_codes_and_notices_need_a_basis_and_nothing_else(desk: Office, basis: str) -> None:
    purpose = "marketing" if basis else "notification"
    body = {"sender": CODE, "name": "n", "purpose": purpose, "basis": basis, "body": "你好"}
    assert (await desk.refused("account1", "/v1/templates", body))[1:] == ("basis", "basis")


async def test_a_campaign_goes_on_with_the_version_it_was_ordered_with(desk: Office) -> None:
    await desk.template("您的订单{order}已发货。")
    node, people = desk.platform.node, numbers(30)
    node.campaigns.stop()  # judged below, after the switch
    async with AsyncClient(desk.url, await desk.key("account1")) as client:
        rows = "".join(f"{to},第{i}号\n" for i, to in enumerate(people))
        audience = await client.upload_audience(
            f"手机号,order\n{rows}".encode(), statement="orders", relation="customers"
        )
        order = {
            "name": "c",
            "audience": audience["id"],
            "sender": CODE,
            "purpose": "notification",
            "template": "notice",
        }
        campaign = await client.create_campaign(**order)
        second = await desk.template("您的订单{order:code}已送达。")
        with pytest.raises(InvalidInput) as caught:
            await client.create_campaign(**order)  # anew, with the new version
        assert caught.value.code == "bad_variable"
        assert caught.value.field == "audience.rows[1].order"
        await node.campaigns.step()
        assert (await client.campaign(campaign["id"]))["allowed"] == 30
        sent = await desk.platform.sql("SELECT content, template_id FROM batch")
        assert {row["content"] for row in sent} == {"【安信】您的订单{order}已发货。"}
        assert second["id"] not in {str(row["template_id"]) for row in sent}


async def test_a_campaign_stops_when_its_version_is_taken_back(desk: Office) -> None:
    made = await desk.template("您的订单{order}已发货。")
    node = desk.platform.node
    node.campaigns.stop()
    async with AsyncClient(desk.url, await desk.key("account1")) as client:
        audience = await client.upload_audience(
            f"手机号,order\n{numbers(1)[0]},1\n".encode(), statement="orders", relation="customers"
        )
        campaign = await client.create_campaign(
            name="c",
            audience=audience["id"],
            sender=CODE,
            purpose="notification",
            template="notice",
        )
        await desk.post("operator", f"/v1/templates/{made['id']}/withdraw", {"reason": "case"})
        await node.campaigns.step()
        progress = await client.campaign(campaign["id"])
        assert (progress["state"], progress["judged"]) == ("paused", 0)
    acts = await desk.platform.sql("SELECT what, after FROM staff_act WHERE what LIKE 'template%'")
    assert [json.loads(act["after"])["reason"] for act in acts] == ["case"]


def test_every_kind_has_values_here() -> None:
    assert set(GOOD) == set(BAD) == set(KINDS)


def columns_of(value: Any) -> dict[str, list[str]]:
    return {"x": [str(value)]}


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=40))
def test_no_value_brings_a_signature_a_variable_or_a_strange_link(kind: str, value: str) -> None:
    if first_faults([Variable("x", kind)], columns_of(value), HOSTS):
        return
    assert "{" not in value
    assert "\n" not in value
    if kind != "text":  # of texts a rule rejects it, person by person
        assert "【" not in value
    if "://" in value:
        assert kind == "url"
        assert "shop.example.cn" in value
