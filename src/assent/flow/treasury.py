"""What staff decide about money: accounts' terms, price plans, what carriers ask.

Every act is written down in its own transaction. Whatever would make a month's tiers inexact is
refused: a plan begins with a month that has not begun, or before the account sent anything.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.money_requests import PackageRequest, PlanRequest, RateRequest, TermsRequest
from assent.flow.needs import Store, Transaction, utc
from assent.flow.pricing import month_of, next_month, spending_day
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, keep_act
from assent.message import Purpose

_MONTH: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


def month(text: str) -> date:
    """Return the first day of a month written like 2026-11. Raises InvalidInput."""
    if _MONTH.fullmatch(text) is None:
        raise InvalidInput(
            "bad_month", "not a month", field="month", rule="money: months",
            mend="write it like 2026-11",
        )  # fmt: skip
    return date.fromisoformat(f"{text}-01")


async def account_id(tx: Transaction, name: str, field: str = "account") -> int:
    """Return an account by name. Raises NotFound."""
    found: int | None = await tx.fetchval("account_by_name", name)
    if found is None:
        raise NotFound(
            "no_account", "there is no such account", field=field, rule="money: accounts",
            mend="use the account's name",
        )  # fmt: skip
    return found


class Treasury:
    """Keeps terms and prices."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # Terms ---------------------------------------------------------------------------------

    async def terms(self, caller: Caller, request: TermsRequest) -> dict[str, Any]:
        """Change terms of an account; return them all. Raises InvalidInput, NotFound, Conflict:
        nothing is changed then."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            account = await account_id(tx, request.account)
            await check_not_own(tx, caller, account, None)
            await tx.fetchval("balance_hold", account)
            before = await self._shown(tx, account)
            await self._change(tx, account, request, spending_day(now))
            after = await self._shown(tx, account)
            await keep_act(tx, caller, now, "money.terms", request.account, before, after)
            await tx.execute("notify", "catalogue", "")
        return after

    async def _change(
        self, tx: Transaction, account: int, request: TermsRequest, today: date
    ) -> None:
        if request.credit_limit_micro is not None and not await tx.fetchval(
            "credit_limit_set", account, request.credit_limit_micro
        ):
            raise Conflict(
                "credit_in_use", "the account owes more than that already",
                field="credit_limit_micro", rule="money: credit", mend="let it pay first",
            )  # fmt: skip
        if request.currency is not None and not await tx.fetchval(
            "currency_set", account, request.currency
        ):
            raise Conflict(
                "currency_in_use", "the account has money, a plan or a parent in its currency",
                field="currency", rule="money: currencies", mend="open another account",
            )  # fmt: skip
        if request.parent is not None:
            await self._adopt(tx, account, request.parent)
        if request.charge_on is not None:
            day = request.from_day or today
            await self._check_begin(tx, account, day > today, "from_day")
            await tx.execute("contract_put", account, day, request.charge_on)
        if request.plan is not None:
            await self._plan_from(tx, account, request, today)

    async def _adopt(self, tx: Transaction, account: int, name: str) -> None:
        parent = await account_id(tx, name, "parent")
        if not await tx.fetchval("parent_set", account, parent):
            raise Conflict(
                "cannot_be_parent",
                "a parent has the same currency and is nobody's sub-account, nor is its child one's"
                " parent or another's child",
                field="parent", rule="money: sub-accounts", mend="name another account",
            )  # fmt: skip

    async def _plan_from(
        self, tx: Transaction, account: int, request: TermsRequest, today: date
    ) -> None:
        plan = await tx.fetchval("plan_for", request.plan, account)
        if plan is None:
            raise NotFound(
                "no_plan", "there is no such plan in the account's currency", field="plan",
                rule="money: plans", mend="make it first",
            )  # fmt: skip
        begin = month(request.from_month) if request.from_month else next_month(month_of(today))
        await self._check_begin(tx, account, begin > today, "from_month")
        await tx.execute("account_plan_put", account, begin, plan)

    @staticmethod
    async def _check_begin(tx: Transaction, account: int, future: bool, field: str) -> None:
        """What orders were judged by must not change behind them."""
        if not future and await tx.fetchval("account_has_sent", account):
            raise InvalidInput(
                "begins_too_early", "the account has sent under other terms already", field=field,
                rule="money: terms", mend="let it begin later: a contract tomorrow, a plan with "
                "the next month",
            )  # fmt: skip

    async def _shown(self, tx: Transaction, account: int) -> dict[str, Any]:
        row = await tx.fetchrow("account_terms", account)
        assert row is not None, "the caller has looked it up"
        plans = await tx.fetch("plans_of", account)
        contracts = await tx.fetch("contracts_of", account)
        return {
            "account": row["name"],
            "currency": row["currency"],
            "parent": row["parent"],
            "price_micro": row["price_micro"],
            "available_micro": row["available"],
            "credit_limit_micro": row["credit_limit"],
            "daily_limit_micro": row["daily_limit"],
            "plans": [
                {"from": one["from_month"].isoformat(), "plan": one["name"]} for one in plans
            ],
            "charge_on": [
                {"from": one["from_day"].isoformat(), "charge_on": one["charge_on"]}
                for one in contracts
            ],
        }

    async def account(self, name: str) -> dict[str, Any]:
        """Return the terms of an account."""
        async with self._store.transaction() as tx:
            return await self._shown(tx, await account_id(tx, name))

    # Plans ---------------------------------------------------------------------------------

    async def add_plan(self, caller: Caller, request: PlanRequest) -> dict[str, Any]:
        """Make a plan. Raises InvalidInput for tiers that do not fall, Conflict for a name that is
        used."""
        _check_lines(request)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            plan = await tx.fetchval("price_plan_insert", request.name, request.currency, utc(now))
            if plan is None:
                raise Conflict(
                    "plan_exists", "a plan of this name stands, and plans never change",
                    field="name", rule="money: plans", mend="use another name",
                )  # fmt: skip
            for line in request.lines:
                await tx.execute(
                    "price_line_insert", plan, _purpose(line.purpose), line.carrier, line.channel,
                    [tier.from_segments for tier in line.tiers],
                    [tier.micro for tier in line.tiers],
                )  # fmt: skip
            after = {"lines": len(request.lines), "currency": request.currency}
            await keep_act(tx, caller, now, "money.plan", request.name, {}, after)
            await tx.execute("notify", "catalogue", "")
        return {"plan": request.name, **after}

    async def plans(self) -> dict[str, Any]:
        """Return every plan with its lines."""
        plans: dict[str, dict[str, Any]] = {}
        for row in await self._store.fetch("plans_told"):
            plan = plans.setdefault(
                row["name"], {"plan": row["name"], "currency": row["currency"], "lines": []}
            )
            plan["lines"].append(
                {
                    "purpose": _word(row["purpose"]),
                    "carrier": row["carrier"] or None,
                    "channel": row["channel"],
                    "tiers": [
                        {"from_segments": begin, "micro": price}
                        for begin, price in zip(row["from_segments"], row["micro"], strict=True)
                    ],
                }
            )
        return {"plans": list(plans.values())}

    # What carriers ask ---------------------------------------------------------------------

    async def add_rate(self, caller: Caller, request: RateRequest) -> dict[str, Any]:
        """Note what a carrier asks from a day on; the same day again corrects it."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            before = await tx.fetchval(
                "rate_before", request.carrier, request.port, _purpose(request.purpose),
                request.channel, request.from_day,
            )  # fmt: skip
            await tx.execute(
                "rate_put", request.carrier, request.port, _purpose(request.purpose),
                request.channel, request.from_day, request.micro, request.currency,
            )  # fmt: skip
            subject = f"{request.carrier}/{request.port or '*'}/{request.from_day}"
            after = {"micro": request.micro, "purpose": request.purpose}
            await keep_act(tx, caller, now, "money.rate", subject, {"micro": before}, after)
        return {"carrier": request.carrier, "from_day": request.from_day.isoformat(), **after}

    async def add_package(self, caller: Caller, request: PackageRequest) -> dict[str, Any]:
        """Note segments bought from a carrier. Raises InvalidInput."""
        if request.to_day < request.from_day:
            raise InvalidInput(
                "bad_period", "the package ends before it begins", field="to_day",
                rule="money: packages", mend="give a later day",
            )  # fmt: skip
        now = self._clock.now()
        async with self._store.transaction() as tx:
            number = await tx.fetchval(
                "package_insert", request.carrier, request.port, _purpose(request.purpose),
                request.channel, request.from_day, request.to_day, request.segments,
                request.micro, request.rebate_bp, request.currency,
            )  # fmt: skip
            after = {
                "segments": request.segments, "micro": request.micro,
                "rebate_bp": request.rebate_bp,
            }  # fmt: skip
            await keep_act(
                tx, caller, now, "money.package", f"{request.carrier}/{number}", {}, after
            )
        return {"package": number, "carrier": request.carrier, **after}

    async def rates(self) -> dict[str, Any]:
        """Return what carriers ask, and what was bought from them."""
        rates = await self._store.fetch("rates_all")
        packages = await self._store.fetch("packages_all")
        return {
            "rates": [
                {
                    "carrier": row["carrier"], "port": row["port_number"] or None,
                    "purpose": _word(row["purpose"]), "channel": row["channel"],
                    "from_day": row["from_day"].isoformat(), "micro": row["micro"],
                    "currency": row["currency"],
                }
                for row in rates
            ],
            "packages": [
                {
                    "package": row["id"], "carrier": row["carrier"],
                    "port": row["port_number"] or None, "purpose": _word(row["purpose"]),
                    "channel": row["channel"], "from_day": row["from_day"].isoformat(),
                    "to_day": row["to_day"].isoformat(), "segments": row["segments"],
                    "micro": row["micro"], "rebate_bp": row["rebate_bp"],
                    "currency": row["currency"],
                }
                for row in packages
            ],
        }  # fmt: skip


def _purpose(word: str | None) -> int | None:
    return None if word is None else int(Purpose[word.upper()])


def _word(purpose: int | None) -> str | None:
    return None if purpose is None else Purpose(purpose).name.lower()


def _check_lines(request: PlanRequest) -> None:
    seen: set[tuple[str | None, str, str]] = set()
    for place, line in enumerate(request.lines):
        field = f"lines[{place}].tiers"
        begins = [tier.from_segments for tier in line.tiers]
        if begins[0] != 0 or begins != sorted(set(begins)):
            raise InvalidInput(
                "bad_tiers", "tiers begin at 0 and each after the one before", field=field,
                rule="money: plans", mend="order them, the first from_segments is 0",
            )  # fmt: skip
        prices = [tier.micro for tier in line.tiers]
        if prices != sorted(prices, reverse=True):
            raise InvalidInput(
                "rising_price", "a price must not rise with volume", field=field,
                rule="money: plans", mend="let each tier cost as much as the one before, or less",
            )  # fmt: skip
        key = (line.purpose, line.carrier, line.channel)
        if key in seen:
            raise InvalidInput(
                "double_line", "two lines are for the same messages", field=f"lines[{place}]",
                rule="money: plans", mend="keep one of them",
            )  # fmt: skip
        seen.add(key)
