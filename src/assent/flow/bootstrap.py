"""The first people of the operator: invited by who runs the machine, not over the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict
from assent.flow.entrance import checked_email
from assent.flow.needs import Store, utc
from assent.flow.proofs import Proofs
from assent.flow.requests import Caller
from assent.flow.roles import check_roles
from assent.flow.staff import keep_act

_INVITATION_S: Final = 7 * 86_400.0


async def add_staff(
    store: Store, clock: Clock, proofs: Proofs, email: str, roles: Sequence[str], operator: str
) -> dict[str, Any]:
    """Make an invitation to the operator's account and return its token, for the only time. The
    account is made under the name `operator` if there is none. Written down as done by nobody: it
    was done at the machine.

    Raises InvalidInput for an address or a role that is none, Conflict `account_name_taken`.
    """
    address = checked_email(email)
    wanted = check_roles("operator", roles)
    now = clock.now()
    token = proofs.new_token()
    async with store.transaction() as tx:
        account = await tx.fetchval("operator_account")
        if account is None:
            if await tx.fetchval("account_named", operator):
                raise Conflict(
                    "account_name_taken", "another account has this name", field="operator",
                    mend="choose another name for the operator's account",
                )  # fmt: skip
            account = await tx.fetchval("account_put", operator, "operator", 0, utc(now), None)
            await tx.execute("balance_open", account)
            await tx.execute("notify", "catalogue", "")
        body = {"email": address, "roles": wanted, "by": None}
        await proofs.keep_token(tx, "invitation", token, body, _INVITATION_S, account=account)
        caller = Caller(account, frozenset(), False, 0)
        await keep_act(tx, caller, now, "staff.add", "", {}, {"roles": wanted})
    return {"email": address, "roles": wanted, "token": token}
