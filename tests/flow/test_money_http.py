"""Money over HTTP with the command line: who may do what, and the whole way of a payment."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assent.app.http import serve
from assent.app.settings import PaymentFile
from assent.cli import app
from assent.flow.keys import make_key
from assent.flow.pricing import spending_day
from tests.flow.conftest import Platform, numbers
from tests.flow.test_payments import COMPANY, camt, entry
from tests.flow.treasury import Treasury


class Desk:
    """A server, and keys for everybody."""

    def __init__(self, treasury: Treasury, url: str, keys: dict[str, str]) -> None:
        self.treasury = treasury
        self.url = url
        self.keys = keys

    async def run(self, who: str, *words: object, code: int = 0) -> dict[str, Any]:
        environment = {"ASSENT_URL": self.url, "ASSENT_KEY": self.keys[who], "COLUMNS": "200"}
        runner = CliRunner(env=environment)
        given = ["money", *(str(word) for word in words), "--json"]
        result = await asyncio.to_thread(runner.invoke, app, given)
        assert result.exit_code == code, (result.output, result.exception)
        told: dict[str, Any] = json.loads(result.stdout)
        return told


@pytest.fixture
async def desk(platform: Platform) -> AsyncIterator[Desk]:
    treasury = Treasury(platform)
    await treasury.entity(1, COMPANY)
    node = platform.node
    operator = treasury.staff[0].account_id

    async def key(account: int, *scopes: str, sandbox: bool = False) -> str:
        return await make_key(
            node.store, account, scopes, sandbox=sandbox, random=secrets.token_bytes(24),
            at=node.clock.now(),
        )  # fmt: skip

    keys = {
        "customer": await key(1, "money"),
        "reader": await key(1, "read"),
        "sandbox": await key(1, "money", sandbox=True),
        "other": await key(2, "money"),
        "first": await key(operator, "treasury"),
        "second": await key(operator, "treasury"),
        "auditor": await key(operator, "audit"),
    }
    node.settings.http.port = 0
    server = await serve(node)
    yield Desk(treasury, f"http://127.0.0.1:{server.port}", keys)
    await server.stop()


async def test_the_way_of_a_payment(desk: Desk, tmp_path: Path) -> None:
    code = (await desk.run("customer", "intent", "1000"))["reference"]
    file = tmp_path / "statement.xml"
    file.write_bytes(camt(entry("a", "1000", code), entry("b", "5", code, payer="别人")))
    told = await desk.run("first", "import", "bank", file)
    assert told["counts"] == {"credited": 1, "held": 1}
    assert (await desk.run("first", "import", "bank", file))["counts"] == {"duplicate": 2}
    (held,) = (await desk.run("auditor", "held"))["lines"]
    assert not (await desk.run("first", "release", held["id"]))["done"]
    refused = await desk.run("first", "release", held["id"], code=3)
    assert refused["error"]["code"] == "second_person"
    assert (await desk.run("second", "release", held["id"]))["done"]
    (intent,) = (await desk.run("reader", "intent"))["intents"]
    assert intent["state"] == "overpaid"
    month = f"{spending_day(desk.treasury.platform.clock.now()):%Y-%m}"
    statement = await desk.run("customer", "statement", month)
    assert {"kind": "topup", "count": 2, "amount_micro": 1_005_000_000} in statement["moves"]
    for name in ("s.csv", "s.pdf"):
        await desk.run("customer", "statement", month, "--output", tmp_path / name,
                       "--language", "zh")  # fmt: skip
        assert (tmp_path / name).stat().st_size > 200
    assert (await desk.run("auditor", "verify"))["ok"]
    await desk.treasury.platform.sql("UPDATE balance SET available = available + 1")
    assert not (await desk.run("auditor", "verify", code=1))["ok"]
    acts = await desk.treasury.platform.sql("SELECT what FROM staff_act ORDER BY id")
    wanted = ["payments.import"] * 2 + ["payments.release"] * 2
    assert [act["what"] for act in acts] == wanted


async def test_prices_terms_and_margin(desk: Desk, tmp_path: Path) -> None:
    today = spending_day(desk.treasury.platform.clock.now()).isoformat()
    plan = tmp_path / "plan.json"
    lines = [{"tiers": [{"from_segments": 0, "micro": 55_000}]}]
    plan.write_text(json.dumps({"name": "standard", "lines": lines}))
    await desk.run("first", "plan", "add", plan)
    assert (await desk.run("auditor", "plan", "list"))["plans"][0]["plan"] == "standard"
    told = await desk.run(
        "first", "terms", "account1", "--credit", "5", "--plan", "standard", "--from-month",
        today[:7], "--charge-on", "delivered",
    )  # fmt: skip
    assert told["credit_limit_micro"] == 5_000_000
    assert (await desk.run("auditor", "terms", "account1")) == told
    for carrier in ("mobile", "unicom", "telecom"):
        await desk.run("first", "rate", "add", carrier, "--price", "0.03", "--from-day",
                       "2026-01-01")  # fmt: skip
    await desk.run(
        "first", "rate", "package", "mobile", "--price", "0.03", "--segments", "4", "--from-day",
        today, "--to-day", today, "--rebate", "35",
    )  # fmt: skip
    platform = desk.treasury.platform
    people = numbers(9)
    await platform.consent(people)

    async def known() -> bool:
        return platform.node.catalogue.pricing.plans.accounts() == [1]

    await platform.until(known, "the plan is announced")
    assert (await platform.send(people))["allowed"] == 9
    await desk.treasury.quiet()
    told = await desk.run("auditor", "margin", "--from", today, "--to", today)
    (total,) = told["total"]
    assert total["charged_micro"] == 9 * 55_000
    assert total["package_rebate_micro"] == 3 * 10_500
    assert total["margin_micro"] == 9 * 25_000 + 3 * 10_500
    limits = await desk.run("customer", "limits", "--daily", "20", "--alert", "1")
    assert (limits["daily_limit_micro"], limits["alert_below_micro"]) == (20_000_000, 1_000_000)
    limits = await desk.run("customer", "limits", "--daily", "none")
    assert (limits["daily_limit_micro"], limits["alert_below_micro"]) == (None, 1_000_000)


async def test_who_may_not(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "f.xml"
    file.write_bytes(camt())
    for who, words, code in (
        ("reader", ("limits", "--daily", "1"), "missing_scope"),
        ("customer", ("held",), "missing_scope"),
        ("customer", ("verify",), "missing_scope"),
        ("auditor", ("import", "bank", file), "missing_scope"),
        ("auditor", ("terms", "account1", "--credit", "9"), "missing_scope"),
        ("auditor", ("rebate", "pay", "2026-01"), "missing_scope"),
        ("sandbox", ("balance",), "not_in_sandbox"),
    ):
        told = await desk.run(who, *words, code=4)
        assert told["error"]["code"] == code, (who, words)
    for words, code in (
        (("limits", "--account", "account2"), "no_sub_account"),
        (("limits", "--daily", "1e3"), "bad_amount"),
        (("statement", "2027-12"), "month_not_begun"),
        (("statement", "soon"), "bad_month"),
    ):
        told = await desk.run("customer", *words, code=3)
        assert told["error"]["code"] == code, words
    # A staff scope on another account's key is of no use.
    key = await make_key(
        desk.treasury.node.store, 1, ["treasury"], sandbox=False, random=secrets.token_bytes(24),
        at=0.0,
    )  # fmt: skip
    desk.keys["impostor"] = key
    assert (await desk.run("impostor", "held", code=4))["error"]["code"] == "not_staff"
    async with httpx.AsyncClient(base_url=desk.url) as client:
        for body in (b"", b"{", b'{"lines": []}', b"\xff"):
            answer = await client.post("/v1/payments/bank/notices", content=body)
            assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_a_payment_port_reads_what_its_settings_say() -> None:
    from assent.app.money_desk import csv_form
    from assent.errors import AssentError

    columns = {"booked_on": "d", "amount": "a", "payer": "p"}
    assert csv_form(PaymentFile(name="x", columns=columns)).columns == columns
    for wrong in ({"booked_on": "d"}, {**columns, "colour": "c"}):
        with pytest.raises(AssentError) as refused:
            csv_form(PaymentFile(name="x", columns=wrong))
        assert refused.value.code == "setting"
