"""A platform with money to look at: accounts of entities, staff of two, prices, the proof."""

from __future__ import annotations

from typing import Any

import msgspec

from assent.app.money_desk import MoneyDesk
from assent.app.settings import PaymentFile
from assent.clock import SystemClock
from assent.flow.money_requests import PlanRequest, TermsRequest
from assent.flow.requests import Caller
from assent.flow.verify import verify
from tests.flow.conftest import Platform

STAFF = frozenset({"treasury", "audit"})
DAY = 86_400.0


class Treasury:
    """What staff and customers do with money on a platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.node = platform.node
        self.node.settings.payments = [
            PaymentFile(name="bank", account="CN001"),
            PaymentFile(
                name="csv",
                format="csv",
                columns={
                    "booked_on": "日期", "amount": "收入", "out": "支出", "payer": "对方户名",
                    "payer_account": "对方账号", "text": "摘要", "id": "流水号",
                },
            ),
        ]  # fmt: skip
        self.desk = MoneyDesk(self.node)
        operator = self.node.catalogue.operator
        assert operator is not None
        self.staff = [Caller(operator.id, STAFF, False, key, key) for key in (901, 902, 903)]

    def customer(self, place: int = 1) -> Caller:
        """Return the key of an account."""
        return Caller(self.platform.caller(place).account_id, frozenset({"money"}), False, place)

    async def plan(self, name: str, tiers: list[tuple[int, int]], **line: Any) -> None:
        """Make a plan of one line."""
        told = [{"from_segments": begin, "micro": price} for begin, price in tiers]
        plan = {"name": name, "lines": [{"tiers": told, **line}]}
        await self.desk.treasury.add_plan(self.staff[0], msgspec.convert(plan, PlanRequest))

    async def terms(self, account: str, **terms: Any) -> dict[str, Any]:
        """Change an account's terms, and let this process know."""
        request = msgspec.convert({"account": account, **terms}, TermsRequest)
        answer = await self.desk.treasury.terms(self.staff[0], request)
        await self.node.catalogue.load(self.node.store)
        await self.node.catalogue.pricing.follow(self.node.store, self.node.clock.now())
        return answer

    async def entity(self, place: int, name: str) -> None:
        """Let an account belong to a company of that name."""
        account = self.customer(place).account_id
        if await self.platform.value("SELECT entity_id FROM account WHERE id = $1", account):
            await self.platform.sql(
                "UPDATE entity SET legal_name = $1"
                " WHERE id = (SELECT entity_id FROM account WHERE id = $2)", name, account,
            )  # fmt: skip
            return
        await self.platform.sql(
            "WITH made AS (INSERT INTO entity (credit_code, legal_name, kind, created_at)"
            " VALUES ($1, $2, 'company', '2026-01-01Z') RETURNING id)"
            " UPDATE account SET entity_id = made.id FROM made WHERE account.id = $3",
            f"E{place}", name, account,
        )  # fmt: skip

    async def quiet(self) -> None:
        """Wait until nothing is under way, and bring in all that became of it."""

        store, fold = self.node.store, self.node.settler.fold

        async def idle() -> bool:
            left = "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
            if await self.platform.value(left):
                return False
            while await fold.step(self.node.clock.now()):
                pass
            cursor = await store.fetchval("cursor_get", "fold") or 0
            return not await store.fetch("results_unfolded", cursor)

        await self.platform.until(idle, "nothing is under way")
        await self.node.settler.fold_balances()

    async def proved(self) -> dict[str, dict[str, Any]]:
        """Prove the money; return the checks by name."""
        answer = await verify(self.node.store)
        assert answer["ok"], [check for check in answer["checks"] if check["faults"]]
        return {check["check"]: check for check in answer["checks"]}

    async def available(self, account: int = 1) -> int:
        """Return what an account has."""
        await self.node.settler.fold_balances()
        return int(
            await self.platform.value(
                "SELECT available FROM balance WHERE account_id = $1", account
            )
        )

    def later(self, days: float) -> None:
        """Let time pass."""
        clock = self.platform.clock
        SystemClock.__init__(clock, clock.offset_s + days * DAY)

    async def quiet_but_waiting(self) -> None:
        """Wait until nothing is under way but what waits for its time."""
        now = self.node.clock.now()

        async def idle() -> bool:
            left = (
                "SELECT (SELECT count(*) FROM queue WHERE extract(epoch FROM not_before) <= $1)"
                " + (SELECT count(*) FROM open_window)"
            )
            return bool(await self.platform.value(left, now) == 0)

        await self.platform.until(idle, "nothing is under way")
