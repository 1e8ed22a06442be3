"""Money that comes in: intents with reference codes, banks' lines, what is held for two persons.

A line is taken once, whichever files it stands in. It is credited only when its text names an
intent, in the account's currency, and who paid is the account's own company; anything else is held
until two persons of the staff say the same about it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow import graph
from assent.flow.bank_lines import BankFile, BankLine
from assent.flow.money import Book
from assent.flow.needs import Store, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, keep_act
from assent.flow.vault import Vault

_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PREFIX: Final = "AP"
_CODE: Final = re.compile(rf"(?=({_PREFIX}[{_ALPHABET}]{{10}}))")  # wherever one may begin
_MOST_MICRO: Final = 10**15
_BLANKS: Final = re.compile(r"[\s\-_./]+")
_IN_NAMES: Final = re.compile(r"[\s·•,，.。]+")


def reference_code(random: Callable[[int], bytes]) -> str:
    """Return a new code that a customer writes on its transfer: nine random places and a check."""
    places = [octet % len(_ALPHABET) for octet in random(9)]
    return _PREFIX + "".join(_ALPHABET[place] for place in [*places, _check(places)])


def codes_in(text: str) -> list[str]:
    """Return the codes in a transfer's text, however it is spaced; misread ones are none."""
    found = _CODE.findall(_BLANKS.sub("", unicodedata.normalize("NFKC", text)).upper())
    return [code for code in dict.fromkeys(found) if _is_right(code)]


def _check(places: Sequence[int]) -> int:
    return sum(weight * place for weight, place in enumerate(places, start=2)) % len(_ALPHABET)


def _is_right(code: str) -> bool:
    places = [_ALPHABET.index(char) for char in code[len(_PREFIX) :]]
    return _check(places[:-1]) == places[-1]


def same_name(one: str, other: str) -> bool:
    """Return whether two names of companies are the same, apart from width, case and spacing."""
    plain = [
        _IN_NAMES.sub("", unicodedata.normalize("NFKC", name)).casefold() for name in (one, other)
    ]
    return plain[0] == plain[1] != ""


def same_person(one: Any, other: Caller) -> bool:
    """Return whether a row (`key_id`, `actor_id`) and a caller are one person: by actor where both
    have one, else by key. A key never counts as two."""
    if one["actor_id"] is not None and other.actor_id is not None:
        return bool(one["actor_id"] == other.actor_id)
    return bool(one["key_id"] == other.key_id)


class Payments:
    """Takes what banks and payment ports tell."""

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, random: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._random = random

    # Intents -------------------------------------------------------------------------------

    async def intend(self, caller: Caller, amount: int) -> dict[str, Any]:
        """Note that an account will pay; return the code to write on the transfer."""
        if not 0 < amount <= _MOST_MICRO:
            raise InvalidInput(
                "bad_amount", "the amount is not between a micro-unit and a thousand million",
                field="amount_micro", rule="money: top-up", mend="give it in micro-units",
            )  # fmt: skip
        row = await self._store.fetchrow(
            "intent_insert", caller.account_id, reference_code(self._random), amount,
            utc(self._clock.now()),
        )  # fmt: skip
        return _intent(row)

    async def intents(self, caller: Caller) -> dict[str, Any]:
        """Return an account's intents, the latest first."""
        rows = await self._store.fetch("intents_of", caller.account_id)
        return {"intents": [_intent(row) for row in rows]}

    # Lines ---------------------------------------------------------------------------------

    async def take(
        self, caller: Caller | None, port: str, file: BankFile, nonce: str | None = None
    ) -> dict[str, Any]:
        """Take the lines of a file, or of a notice of a payment port (`nonce`, used once; no
        caller). All of it in one transaction. Returns what became of each line.

        Raises Conflict for a notice that was taken before, and for a line that says something
        else than it did before: nothing is taken then.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if nonce is not None and not await tx.fetchval(
                "notice_take", port, nonce, utc(now), utc(now - 86_400.0)
            ):
                raise Conflict(
                    "notice_replayed", "this notice was taken before", field="Assent-Nonce",
                    rule="money: notices", mend="nothing: its lines are known",
                )  # fmt: skip
            await tx.execute("payments_lock", port)
            told = [await self._line(tx, port, line, now) for line in file.lines]
            counts: dict[str, int] = {}
            for one in told:
                counts[one["result"]] = counts.get(one["result"], 0) + 1
            if caller is not None:
                after = {"port": port, "lines": len(told), **counts}
                await keep_act(tx, caller, now, "payments.import", port, {}, after)
        return {"port": port, "counts": counts, "skipped": dict(file.skipped), "lines": told}

    async def _line(self, tx: Transaction, port: str, line: BankLine, now: float) -> dict[str, Any]:
        earlier = await tx.fetchrow("payment_by_name", port, line.external_id)
        told: dict[str, Any] = {"line": line.external_id, "amount_micro": line.amount}
        if earlier is not None:
            if bytes(earlier["digest"]) != line.digest():
                raise Conflict(
                    "payment_line_changed", "the bank's line says something else than before",
                    field=line.external_id, rule="money: bank files",
                    mend="ask the bank; nothing of this file was taken",
                )  # fmt: skip
            return {**told, "id": str(earlier["id"]), "result": "duplicate"}
        if line.kind == "return":
            return {**told, **await self._returned(tx, port, line, now)}
        intent = await self._intent_of(tx, line)
        why = self._doubt(line, intent)
        state = "held" if why else "credited"
        id_ = await self._keep(tx, port, line, state, why, intent, None, now)
        if intent is not None and not why:
            await self._credit(tx, id_, intent["account_id"], line.amount, now)
            await tx.execute("intent_received", intent["id"], line.amount)
        return {**told, "id": str(id_), "result": state, "why": why}

    async def _intent_of(self, tx: Transaction, line: BankLine) -> Any | None:
        codes = codes_in(line.text)
        rows = await tx.fetch("intents_by_code", codes) if codes else []
        return rows[0] if len(rows) == 1 else None

    @staticmethod
    def _doubt(line: BankLine, intent: Any | None) -> str:
        """Return why a payment is not credited without people, '' where it may be."""
        if intent is None:
            return "no_intent"
        if intent["status"] == "closed" or intent["state"] == "cancelled":
            return "account_closed" if intent["status"] == "closed" else "intent_cancelled"
        if intent["currency"] != line.currency:
            return "currency"
        if intent["legal_name"] is None:
            return "no_entity"
        return "" if same_name(intent["legal_name"], line.payer) else "third_party"

    async def _keep(
        self, tx: Transaction, port: str, line: BankLine, state: str, why: str,
        intent: Any | None, original: Any | None, now: float,
    ) -> int:  # fmt: skip
        belongs = payer_owner(port, line.external_id)
        sealed = self._vault.seal(f"{line.payer}\0{line.payer_account}".encode(), belongs)
        account = intent["account_id"] if intent else original["account_id"] if original else None
        id_: int = await tx.fetchval(
            "payment_insert", port, line.external_id, line.kind, line.booked_on, line.amount,
            line.currency, sealed, line.digest(), state, why, account,
            intent["id"] if intent else None, original["id"] if original else None, utc(now),
        )  # fmt: skip
        if account is not None and line.kind == "credit":
            await self._tie(tx, account, line, now)
        return id_

    async def _tie(self, tx: Transaction, account: int, line: BankLine, now: float) -> None:
        """Note in the graph who pays for an entity, as a keyed digest."""
        entity = await tx.fetchval("entity_of_account", account)
        payer = "".join((line.payer_account or line.payer).split())
        if entity is not None and payer:
            paid = graph.tie("payer", payer, "payer", vault=self._vault)
            await graph.link(tx, entity, paid, "payments", now)

    async def _credit(
        self, tx: Transaction, line: int, account: int, amount: int, now: float
    ) -> None:
        await tx.fetchval("balance_hold", account)
        await tx.fetchval(
            "balance_move", account, "topup", line, int(Book.DEPOSITS), int(Book.AVAILABLE), 0,
            amount, utc(now), 0,
        )  # fmt: skip
        for row in await tx.fetch("payments_owed", account):
            await self._take_back(tx, row["id"], account, row["owed"], now)

    # Returns -------------------------------------------------------------------------------

    async def _returned(
        self, tx: Transaction, port: str, line: BankLine, now: float
    ) -> dict[str, Any]:
        rows = await tx.fetch(
            "payment_original", port, list(line.originals), codes_in(line.text), line.amount
        )
        original = rows[0] if len(rows) == 1 else None
        if original is None or original["currency"] != line.currency:
            id_ = await self._keep(tx, port, line, "held", "no_original", None, None, now)
            return {"id": str(id_), "result": "held", "why": "no_original"}
        id_ = await self._keep(tx, port, line, "returned", "", None, original, now)
        if original["state"] == "credited":
            await tx.fetchval("balance_hold", original["account_id"])
            await self._take_back(tx, id_, original["account_id"], line.amount, now)
            if original["intent_id"] is not None:
                await tx.execute("intent_received", original["intent_id"], -line.amount)
        await tx.execute("payment_state", original["id"], "returned", "", original["account_id"])
        return {"id": str(id_), "result": "returned", "original": str(original["id"])}

    async def _take_back(
        self, tx: Transaction, line: int, account: int, amount: int, now: float
    ) -> None:
        """Take money back that the bank took back, as far as the balance reaches; the rest stays
        owed and goes with the next payment. No balance falls below its limit."""
        row = await tx.fetchrow("balance_today", account)
        taken = max(0, min(amount, 0 if row is None else row["available"]))
        if taken:
            source = (await tx.fetch("window_numbers", 1))[0]["number"]
            limit = await tx.fetchval("balance_floor", account)
            await tx.fetchval(
                "balance_move", account, "topup_back", source, int(Book.AVAILABLE),
                int(Book.DEPOSITS), 0, -taken, utc(now), limit,
            )  # fmt: skip
        await tx.execute("payment_owed_set", line, amount - taken)

    # What is held --------------------------------------------------------------------------

    async def held(self) -> dict[str, Any]:
        """Return what waits for two persons, with who paid."""
        rows = await self._store.fetch("payments_held")
        return {"lines": [self._told(row) for row in rows]}

    def _told(self, row: Any) -> dict[str, Any]:
        belongs = payer_owner(row["port"], row["external_id"])
        opened = self._vault.open(bytes(row["payer_sealed"]), belongs).decode()
        payer, _, account = opened.partition("\0")
        return {
            "id": str(row["id"]),
            "port": row["port"],
            "line": row["external_id"],
            "kind": row["kind"],
            "booked_on": row["booked_on"].isoformat(),
            "amount_micro": row["amount"],
            "currency": row["currency"],
            "payer": payer,
            "payer_account": f"…{account[-4:]}" if account else "",
            "why": row["why"],
            "account": row["name"],
            "reference": row["reference"],
            "wishes": row["wishes"],
        }

    async def wish(
        self, caller: Caller, line: int, wish: str, account: str | None
    ) -> dict[str, Any]:
        """Say what is to be done with a held line. It is done once two persons say the same.

        `account`: to which it goes, where that is not the intent's. Nobody says so of a customer's
        money who acts for that customer. Raises NotFound, Conflict, NotAllowed.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("payment_hold", line)
            if row is None or row["state"] != "held":
                raise NotFound(
                    "not_held", "no such line is held", field="id", rule="money: held payments",
                    mend="look at what is held",
                )  # fmt: skip
            target = await self._target(tx, row, account) if wish == "release" else None
            await check_not_own(tx, caller, target or row["account_id"], None)
            wishes = await tx.fetch("payment_wishes", line)
            if any(same_person(one, caller) and one["wish"] == wish for one in wishes):
                raise Conflict(
                    "second_person", "you have said so already; another person must say it, too",
                    field="id", rule="money: held payments", mend="ask a colleague",
                )  # fmt: skip
            await tx.execute(
                "payment_wish_insert", line, wish, target, caller.account_id, caller.key_id,
                caller.actor_id, utc(now),
            )  # fmt: skip
            agreed = any(
                one["wish"] == wish and one["account_id"] == target and not same_person(one, caller)
                for one in wishes
            )
            if agreed:
                await self._do(tx, row, wish, target, now)
            after = {"wish": wish, "account": target, "done": agreed}
            await keep_act(
                tx, caller, now, f"payments.{wish}", str(line), {"why": row["why"]}, after
            )
        return {"id": str(line), "wish": wish, "done": agreed}

    async def _target(self, tx: Transaction, row: Any, account: str | None) -> int:
        found = row["account_id"]
        if account is not None:
            found = await tx.fetchval("account_by_name", account)
        currency = None if found is None else await tx.fetchval("account_currency", found)
        if currency != row["currency"] or row["kind"] != "credit":
            raise Conflict(
                "cannot_release", "the line has no account in its currency to go to",
                field="account", rule="money: held payments",
                mend="name an account of that currency, or return the payment",
            )  # fmt: skip
        target: int = found
        return target

    async def _do(
        self, tx: Transaction, row: Any, wish: str, target: int | None, now: float
    ) -> None:
        if wish == "return" or target is None:
            await tx.execute("payment_state", row["id"], "sent_back", row["why"], row["account_id"])
            return
        await self._credit(tx, row["id"], target, row["amount"], now)
        if row["intent_id"] is not None and row["account_id"] == target:
            await tx.execute("intent_received", row["intent_id"], row["amount"])
        await tx.execute("payment_state", row["id"], "credited", row["why"], target)


def _intent(row: Any) -> dict[str, Any]:
    return {
        "reference": row["reference"],
        "amount_micro": row["amount"],
        "received_micro": row["received"],
        "currency": row["currency"],
        "state": row["state"],
        "created_at": row["created_at"],
    }


def payer_owner(port: str, line: str) -> str:
    """Return what the sealed payer of a bank's line belongs to."""
    return f"payment_line.payer/{port}/{line}"
