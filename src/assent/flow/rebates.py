"""Agents' rebates: proposed by one person, approved by another, capped, never for messages that a
receiver refused after or complained of, and taken back when that becomes known later.

What an agent is owed is reckoned anew each time, over all months so far; paid is the difference to
what it got before. So a complaint that comes after a payment lowers the next one, or is taken from
the agent's balance as far as that reaches.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.columns import U8, unpack
from assent.flow.money import Book
from assent.flow.money_requests import ComplaintRequest, RebateRequest
from assent.flow.needs import Store, Transaction, utc
from assent.flow.payments import same_person
from assent.flow.pricing import month_of, next_month, spending_day
from assent.flow.rebate_answers import exclude_answered
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, keep_act
from assent.flow.treasury import account_id, month
from assent.message import split_message_id

MOST_OF_PRICE: Final = 50
"""Percent of what the end customer pays that an agent's rebate may be, at most."""


def entitled(months: Iterable[tuple[int, int]], micro: int, cap: int) -> int:
    """Return what an agent is owed for months of (segments, of these excluded)."""
    return sum(min(max(0, segments - excluded) * micro, cap) for segments, excluded in months)


class Rebates:
    """Keeps rules, pays and takes back."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def propose(self, caller: Caller, request: RebateRequest) -> dict[str, Any]:
        """Propose a rule; nothing is paid until another person approves it."""
        begin, end = month(request.from_month), month(request.to_month)
        if end < begin or request.micro * 100 > request.end_micro * MOST_OF_PRICE:
            raise InvalidInput(
                "bad_rebate",
                f"a rebate ends after it begins and is at most {MOST_OF_PRICE} % of the end price",
                field="micro", rule="money: rebates", mend="lower it, or correct the months",
            )  # fmt: skip
        now = self._clock.now()
        async with self._store.transaction() as tx:
            agent = await account_id(tx, request.agent, "agent")
            account = await account_id(tx, request.account)
            rule = await tx.fetchval(
                "rebate_insert", agent, account, request.micro, request.cap_micro,
                request.end_micro, begin, end, caller.account_id, caller.key_id, caller.actor_id,
                utc(now),
            )  # fmt: skip
            if rule is None:
                raise InvalidInput(
                    "no_agent", "a rebate goes to an agent's account, in the account's currency",
                    field="agent", rule="money: rebates", mend="name an account of kind agent",
                )  # fmt: skip
            after = {"state": "proposed", "micro": request.micro, "cap_micro": request.cap_micro}
            await keep_act(tx, caller, now, "rebate.propose", str(rule), {}, after)
        return {"rule": rule, **after}

    async def decide(self, caller: Caller, rule: int, action: str) -> dict[str, Any]:
        """Approve, refuse or end a rule. Who proposed it cannot approve it, nor can
        who acts for the agent or the customer. Raises NotFound, Conflict, NotAllowed."""
        state = {"approve": "approved", "refuse": "refused", "end": "ended"}[action]
        wanted = "approved" if action == "end" else "proposed"
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("rebate_hold", rule)
            if row is None:
                raise NotFound("no_rebate", "there is no such rule", field="id",
                               rule="money: rebates", mend="look at the rules")  # fmt: skip
            if row["state"] != wanted:
                raise Conflict(
                    "rebate_state", f"the rule is {row['state']}", field="id",
                    rule="money: rebates", mend=f"only a rule that is {wanted} can be",
                )  # fmt: skip
            if action == "approve" and same_person(row, caller):
                raise Conflict(
                    "second_person", "who proposed a rule does not approve it", field="id",
                    rule="money: rebates", mend="ask a colleague",
                )  # fmt: skip
            if action == "approve":
                for account in (row["agent_id"], row["account_id"]):
                    await check_not_own(tx, caller, account, None)
            await tx.execute("rebate_decide", rule, state, caller.key_id, caller.actor_id)
            await keep_act(
                tx, caller, now, f"rebate.{action}", str(rule), {"state": row["state"]},
                {"state": state},
            )  # fmt: skip
        return {"rule": rule, "state": state}

    async def exclude(self, caller: Caller, request: ComplaintRequest) -> dict[str, Any]:
        """Note messages that no agent is paid for. Raises NotFound for one that was never sent:
        nothing is noted then."""
        now = self._clock.now()
        try:
            messages = sorted({int(text) for text in request.messages})
        except ValueError:
            messages = [-1]
        async with self._store.transaction() as tx:
            places = [split_message_id(one) for one in messages]
            rows = {
                row["id"]: row
                for row in await tx.fetch("batches_brief", [batch for batch, _ in places])
            }
            columns: list[tuple[Any, ...]] = []
            for one, (batch, slot) in zip(messages, places, strict=True):
                segments = unpack(rows[batch]["segments"], U8) if batch in rows else ()
                if slot >= len(segments):
                    raise NotFound(
                        "no_message", "there is no such message", field="messages",
                        rule="money: rebates", mend="give ids of messages",
                    )  # fmt: skip
                row = rows[batch]
                columns.append((one, row["account_id"], row["day"], int(segments[slot])))
            noted = await tx.fetch(
                "excluded_insert", *map(list, zip(*columns, strict=True)), request.reason, utc(now)
            )
            after = {"messages": len(messages), "new": len(noted), "reason": request.reason}
            await keep_act(tx, caller, now, "rebate.exclude", "", {}, after)
        return after

    # Paying --------------------------------------------------------------------------------

    async def pay(self, caller: Caller, through: str) -> dict[str, Any]:
        """Pay every agent what it is owed for the months until one that is over, and take back
        what it got too much. Doing it again pays nothing more."""
        now = self._clock.now()
        last = month(through)
        if last >= month_of(spending_day(now)):
            raise InvalidInput(
                "month_not_over", "the month is not over yet", field="through",
                rule="money: rebates", mend="name an earlier month",
            )  # fmt: skip
        paid = []
        async with self._store.transaction() as tx:
            await tx.execute("rebates_lock")
            for rule in await tx.fetch("rebates_to_pay"):
                paid.append(await self._pay(tx, rule, last, now))
            after = {"through": through, "paid": sum(one["amount_micro"] for one in paid)}
            await keep_act(tx, caller, now, "rebate.pay", through, {}, after)
        return {"through": through, "payments": paid}

    async def _pay(self, tx: Transaction, rule: Any, last: date, now: float) -> dict[str, Any]:
        # Never less than was reckoned before: what was paid for later months stays theirs.
        last = max(last, rule["through"] or last)
        end = min(next_month(last), next_month(rule["to_month"]))
        await exclude_answered(tx, rule["account_id"], rule["from_month"], end, now)
        rows = await tx.fetch("rebate_months", rule["account_id"], rule["from_month"], end)
        months = [(int(row["segments"]), int(row["excluded"])) for row in rows]
        owed = entitled(months, rule["micro"], rule["cap_micro"])
        await tx.fetchval("balance_hold", rule["agent_id"])
        amount = owed - int(rule["paid"])
        if rule["ended"]:  # nothing more is paid, but what was paid too much is still taken back
            amount = min(0, amount)
        if amount < 0:  # of what it has, and no further than its limit
            available = await tx.fetchval("balance_raw", rule["agent_id"])
            amount = -min(-amount, max(0, int(available)))
        if amount:
            source = await tx.fetchval(
                "rebate_payment_insert", rule["id"], last, owed, amount, utc(now)
            )
            sides = (Book.REBATES, Book.AVAILABLE)
            kind, (debit, credit) = (
                ("rebate", sides) if amount > 0 else ("rebate_back", (sides[1], sides[0]))
            )
            await tx.fetchval(
                "balance_move", rule["agent_id"], kind, source, int(debit), int(credit), 0, amount,
                utc(now), 0,
            )  # fmt: skip
        return {
            "rule": rule["id"],
            "agent": rule["agent"],
            "account": rule["account"],
            "segments": sum(segments for segments, _ in months),
            "excluded_segments": sum(excluded for _, excluded in months),
            "entitled_micro": owed,
            "amount_micro": amount,
        }

    async def show(self) -> dict[str, Any]:
        """Return every rule with the spread between what the carrier asks, what the customer pays
        and what the end customer pays, and what was paid."""
        rules = []
        for row in await self._store.fetch("rebates_all"):
            rates = await self._store.fetch(
                "rebate_spread", row["account_id"], row["from_month"], next_month(row["to_month"])
            )
            segments = sum(int(one["segments"]) for one in rates)
            cost = sum(int(one["segments"]) * int(one["rate"] or 0) for one in rates)
            charged = sum(int(one["segments"]) * int(one["price"]) for one in rates)
            rules.append(
                {
                    "rule": row["id"],
                    "state": row["state"],
                    "agent": row["agent"],
                    "account": row["account"],
                    "from_month": row["from_month"].isoformat()[:7],
                    "to_month": row["to_month"].isoformat()[:7],
                    "cap_micro": row["cap_micro"],
                    "segments": segments,
                    "carrier_rate_micro": cost // segments if segments else None,
                    "customer_price_micro": charged // segments if segments else None,
                    "rebate_micro": row["micro"],
                    "end_price_micro": row["end_micro"],
                    "paid_micro": row["paid"],
                    "excluded_messages": row["excluded"],
                }
            )
        return {"rebates": rules}
