"""The methods of the API about money, for both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")

_JSON: Final = {"content-type": "application/json"}


class MoneyApi(ABC, Generic[Result]):
    """An account's money, and the treasury of those who run the platform. Amounts are whole
    micro-units; the fields of each request are those of docs/money.md."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def _money_get(self, path: str, query: Mapping[str, str] | None = None) -> Result:
        return self._do(Call("GET", path, query or {}))

    def _money_post(
        self, path: str, fields: Mapping[str, Any], *, repeatable: bool = True
    ) -> Result:
        body = msgspec.json.encode(fields)
        return self._do(Call("POST", path, {}, _JSON, body, repeatable=repeatable))

    # An account's own ------------------------------------------------------------------------

    def money(self) -> Result:
        """Return what the account may spend, its limits, sub-accounts and latest alerts."""
        return self._money_get("/v1/money")

    def set_limits(self, **fields: Any) -> Result:
        """Set `daily_limit_micro` and `alert_below_micro` (None: none), of a sub-account by
        `account`."""
        return self._money_post("/v1/money/limits", fields)

    def allot(self, account: str, amount_micro: int, reference: str) -> Result:
        """Give a sub-account part of the balance, or (negative) take it back."""
        fields = {"account": account, "amount_micro": amount_micro, "reference": reference}
        return self._money_post("/v1/money/allotments", fields)

    def intend_payment(self, amount_micro: int) -> Result:
        """Say that one will pay; the answer holds the code to write on the transfer."""
        return self._money_post(
            "/v1/money/intents", {"amount_micro": amount_micro}, repeatable=False
        )

    def payment_intents(self) -> Result:
        """Return what one said one would pay, and what came of it."""
        return self._money_get("/v1/money/intents")

    def statement(self, month: str) -> Result:
        """Return the statement of a month, written like 2026-11."""
        return self._money_get(f"/v1/money/statements/{quote(month, safe='')}")

    def statement_file(self, month: str, form: str, language: str = "en") -> Result:
        """Return a statement as a file, `csv` or `pdf`: its `type` and `octets`."""
        query = {"format": form, "language": language}
        return self._do(
            Call("GET", f"/v1/money/statements/{quote(month, safe='')}", query, raw=True)
        )

    # The treasury ----------------------------------------------------------------------------

    def set_terms(self, **fields: Any) -> Result:
        """Change terms of an `account`."""
        return self._money_post("/v1/treasury/terms", fields)

    def account_terms(self, account: str) -> Result:
        """Return the terms of an account."""
        return self._money_get(f"/v1/treasury/accounts/{quote(account, safe='')}")

    def add_plan(self, plan: Mapping[str, Any]) -> Result:
        """Make a price plan."""
        return self._money_post("/v1/treasury/plans", plan, repeatable=False)

    def plans(self) -> Result:
        """Return the price plans."""
        return self._money_get("/v1/treasury/plans")

    def add_rate(self, **fields: Any) -> Result:
        """Note what a carrier asks from a day on."""
        return self._money_post("/v1/treasury/rates", fields)

    def add_package(self, **fields: Any) -> Result:
        """Note segments bought from a carrier for a time."""
        return self._money_post("/v1/treasury/packages", fields, repeatable=False)

    def rates(self) -> Result:
        """Return what carriers ask and what was bought from them."""
        return self._money_get("/v1/treasury/rates")

    def margin(self, begin: str, end: str, by: str = "carrier,port,customer") -> Result:
        """Return what is left of some days, both included."""
        return self._money_get("/v1/treasury/margin", {"from": begin, "to": end, "by": by})

    def verify_money(self) -> Result:
        """Prove on the live database that the money is right."""
        return self._money_get("/v1/treasury/verify")

    def import_payments(self, port: str, data: bytes) -> Result:
        """Take a bank's file; lines that were taken before are not taken again."""
        path = f"/v1/treasury/payments/{quote(port, safe='')}/files"
        return self._do(Call("POST", path, {}, {"content-type": "application/octet-stream"}, data))

    def held_payments(self) -> Result:
        """Return payments that wait for two persons."""
        return self._money_get("/v1/treasury/held")

    def decide_payment(self, line: str | int, action: str, account: str | None = None) -> Result:
        """Say that a held payment is to be a `release` or a `return`."""
        fields = {} if account is None else {"account": account}
        return self._money_post(f"/v1/treasury/held/{line}/{action}", fields, repeatable=False)

    def propose_rebate(self, **fields: Any) -> Result:
        """Propose an agent's rebate."""
        return self._money_post("/v1/treasury/rebates", fields, repeatable=False)

    def rebates(self) -> Result:
        """Return the rebates, each with its spread."""
        return self._money_get("/v1/treasury/rebates")

    def decide_rebate(self, rule: str | int, action: str) -> Result:
        """Say `approve`, `refuse` or `end` of a rebate."""
        return self._do(Call("POST", f"/v1/treasury/rebates/{rule}/{action}", repeatable=False))

    def exclude_from_rebates(self, messages: list[str], reason: str = "complained") -> Result:
        """Note messages for which no agent is paid."""
        fields = {"messages": messages, "reason": reason}
        return self._money_post("/v1/treasury/rebates/exclusions", fields)

    def pay_rebates(self, through: str) -> Result:
        """Pay agents what they are owed until a month."""
        return self._money_post("/v1/treasury/rebates/pay", {"through": through})
