"""Who of the staff may steer the platform, and the record of what they did. It only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from assent.errors import NotAllowed
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.requests import Caller


def check_staff(catalogue: Catalogue, caller: Caller) -> None:
    """Raise NotAllowed unless the caller belongs to the operator, with a real key."""
    account = catalogue.accounts.get(caller.account_id)
    if caller.sandbox or account is None or account.kind != "operator" or not account.active:
        raise NotAllowed(
            "not_staff",
            "only the operator steers the platform",
            field="Authorization",
            rule="http-api: keys",
            mend="use a key of the operator's account that is no sandbox key",
        )


async def check_not_own(
    queries: Queries, caller: Caller, account: int | None, entity: int | None
) -> None:
    """Raise NotAllowed where the caller is a person who acts for the customer that a decision is
    about: for its account, or for another one of its entity."""
    if caller.actor_id is not None and await queries.fetchval(
        "staff_own_account", caller.actor_id, account, entity
    ):
        raise NotAllowed(
            "own_account",
            "you act for this customer yourself",
            field="Authorization",
            rule="admission: nobody decides about themselves",
            mend="have a colleague decide who has no role in the customer's accounts",
        )


def same_person(one: tuple[int, int | None], other: tuple[int, int | None]) -> bool:
    """Tell whether two who acted are one: compared as persons where both are known, as keys
    otherwise. A key is never two persons."""
    if one[1] is not None and other[1] is not None:
        return one[1] == other[1]
    return one[0] == other[0]


async def keep_act(
    tx: Transaction,
    caller: Caller,
    at: float,
    what: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write down what somebody did, in the transaction that does it. Neither state may hold a
    phone number, a text or a secret."""
    states = (json.dumps(state, ensure_ascii=False, sort_keys=True) for state in (before, after))
    await tx.execute(
        "staff_act_insert",
        utc(at),
        caller.account_id,
        caller.key_id,
        what,
        subject,
        *states,
        caller.actor_id,
    )


OVERSEERS: Final = frozenset({"review", "second_review", "admin", "audit", "support"})
"""Scopes with which staff see everybody's ports, signatures and templates."""


def sees_all(catalogue: Catalogue, caller: Caller) -> bool:
    """Tell whether somebody is of the staff and sees what all accounts have.

    Raises NotAllowed for a key of the operator's that is made for something else.
    """
    account = catalogue.accounts.get(caller.account_id)
    if account is None or account.kind != "operator":
        return False
    check_staff(catalogue, caller)
    if caller.scopes.isdisjoint(OVERSEERS):
        raise NotAllowed(
            "missing_scope",
            f"the key may not do this; it needs one of {', '.join(sorted(OVERSEERS))}",
            field="Authorization",
            rule="http-api: keys",
            mend="use another key",
        )
    return True


def instruction_missing() -> NotAllowed:
    """Return the error for an order of staff without the customer's signed instruction."""
    return NotAllowed(
        "instruction_missing", "staff order for a customer on its signed instruction only",
        field="instruction", rule="audiences: instructions",
        mend="hand it in (POST /v1/instructions), and name it and on_behalf_of in the order",
    )  # fmt: skip
