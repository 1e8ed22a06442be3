"""An account's own view of its money: balance, limits, sub-accounts, alerts."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from assent.clock import Clock
from assent.errors import Conflict, NotAllowed, NotFound
from assent.flow.money import Book
from assent.flow.money_requests import AllotRequest, LimitsRequest
from assent.flow.needs import Store, Transaction, utc
from assent.flow.requests import Caller


class Purses:
    """Shows accounts their money and lets them bound it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return what an account may spend, its limits, its sub-accounts and its latest alerts."""
        at = utc(self._clock.now())
        rows = await self._store.fetch("purses", caller.account_id, at)
        alerts = await self._store.fetch("balance_alerts", caller.account_id)
        own = next((row for row in rows if row["id"] == caller.account_id), None)
        if own is None:
            raise _no_account()
        return {
            **_purse(own),
            "sub_accounts": [_purse(row) for row in rows if row["id"] != caller.account_id],
            "alerts": [
                {"at": row["at"], "available_micro": row["available"], "below_micro": row["below"]}
                for row in alerts
            ],
        }

    async def limit(self, caller: Caller, request: LimitsRequest) -> dict[str, Any]:
        """Set limits of the account, or of a sub-account of it. Raises NotFound, and NotAllowed for
        a sub-account that would spend more a day than its parent lets it."""
        async with self._store.transaction() as tx:
            account = caller.account_id
            if request.account is not None:
                account = await self._child(tx, caller, request.account)
            elif request.daily_limit_micro is not msgspec.UNSET:
                await self._check_parents(tx, account, request.daily_limit_micro)
            for query, value in (
                ("balance_limit_set", request.daily_limit_micro),
                ("balance_alert_set", request.alert_below_micro),
            ):
                if value is not msgspec.UNSET:
                    await tx.execute(query, account, value)
        return await self.show(caller)

    async def allot(self, caller: Caller, request: AllotRequest) -> dict[str, Any]:
        """Move money between an account and its sub-account, once a reference.

        Raises NotFound; Conflict when what is to be moved is not there, or the reference was used
        for another amount or sub-account.
        """
        parent, amount = caller.account_id, request.amount_micro
        now = self._clock.now()
        async with self._store.transaction() as tx:
            child = await self._child(tx, caller, request.account)
            for account in sorted((parent, child)):
                await tx.fetchval("balance_hold", account)
            digest = hashlib.sha256(f"allot/{parent}/{request.reference}".encode()).digest()
            source = int.from_bytes(digest[:8], "big") >> 1
            done = await tx.fetchrow("posting_of", "allot_out", source)
            if done is not None:
                other = await tx.fetchrow("posting_of", "allot_in", source)
                if done["signed"] != amount or other is None or other["account_id"] != child:
                    raise Conflict(
                        "reference_reused",
                        "this reference was used for another amount or sub-account",
                        field="reference", rule="money: sub-accounts", mend="use a new one",
                    )  # fmt: skip
            elif amount and not (
                await self._move(tx, parent, "allot_out", source, -amount, now)
                and await self._move(tx, child, "allot_in", source, amount, now)
            ):
                raise Conflict(
                    "balance", "so much is not there to be moved", field="amount_micro",
                    rule="money: sub-accounts", mend="top up, or move less",
                )  # fmt: skip
        return await self.show(caller)

    @staticmethod
    async def _move(
        tx: Transaction, account: int, kind: str, source: int, amount: int, now: float
    ) -> bool:
        """Move money into an account's available book, or out of it; nobody's credit is lent on."""
        sides = (Book.ALLOTTED, Book.AVAILABLE) if amount > 0 else (Book.AVAILABLE, Book.ALLOTTED)
        moved = await tx.fetchval(
            "balance_move", account, kind, source, *map(int, sides), 0, amount, utc(now), 0
        )
        return moved is not None

    @staticmethod
    async def _check_parents(tx: Transaction, account: int, limit: int | None) -> None:
        """A limit of a sub-account may be its parent's: by itself it only lowers it."""
        await tx.fetchval("balance_hold", account)
        most = await tx.fetchval("daily_limit_as_child", account)
        if most is not None and (limit is None or limit > most):
            raise NotAllowed(
                "parents_limit", "a sub-account does not raise its daily limit itself",
                field="daily_limit_micro", rule="money: sub-accounts",
                mend="ask the account that it belongs to",
            )  # fmt: skip

    @staticmethod
    async def _child(tx: Transaction, caller: Caller, name: str) -> int:
        child: int | None = await tx.fetchval("sub_account", caller.account_id, name)
        if child is None:
            raise NotFound(
                "no_sub_account", "the account has no such sub-account", field="account",
                rule="money: sub-accounts", mend="ask the operator to make it yours",
            )  # fmt: skip
        return child


def _purse(row: Any) -> dict[str, Any]:
    return {
        "account": row["name"],
        "currency": row["currency"],
        "available_micro": row["available"],
        "credit_limit_micro": row["credit_limit"],
        "daily_limit_micro": row["daily_limit"],
        "spent_today_micro": row["spent_today"],
        "alert_below_micro": row["alert_below"],
    }


def _no_account() -> NotFound:
    return NotFound(
        "no_account", "the account has no balance", field="Authorization", mend="ask the operator"
    )
