"""Who acts for an account: inviting, changing roles, taking away. Only people do this, never a key
of software, and an account never stays without who decides it."""

from __future__ import annotations

import json
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow import mails
from assent.flow.actor_requests import Invitation
from assent.flow.entrance import checked_email
from assent.flow.needs import Store, Transaction, utc
from assent.flow.post import Post
from assent.flow.proofs import Proofs, token_owner
from assent.flow.roles import check_roles, head_of, scopes_of
from assent.flow.sessions import Seen, Sessions
from assent.flow.staff import keep_act
from assent.flow.throttle import MAIL, Throttle
from assent.flow.vault import Vault

_INVITATION_S: Final = 7 * 86_400.0
_DECIDES: Final = frozenset({"team", "admin"})


class Team:
    """The people of the account that a session acts for."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        proofs: Proofs,
        sessions: Sessions,
        post: Post,
        throttle: Throttle,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._proofs = proofs
        self._sessions = sessions
        self._post = post
        self._throttle = throttle

    def _decide(self, seen: Seen, *, now: bool = True) -> int:
        """Return the account that a session decides about. Raises NotAllowed."""
        if seen.account_id is None or _DECIDES.isdisjoint(seen.scopes):
            raise NotAllowed(
                "missing_scope", "your roles do not let you decide who acts for this account",
                field="Authorization", rule="accounts: roles",
                mend="ask an owner (of the operator: an administrator)",
            )  # fmt: skip
        if now:
            self._sessions.check_raised(seen)
        return seen.account_id

    async def show(self, seen: Seen) -> dict[str, Any]:
        """Return who acts for the account, and who is invited."""
        account = self._decide(seen, now=False)
        rows = await self._store.fetch("team_of_account", account)
        open_ones = await self._store.fetch(
            "invitations_of_account", account, utc(self._clock.now())
        )
        invited = [
            (json.loads(self._vault.open(row["sealed"], token_owner(row["digest"]))), row["until"])
            for row in open_ones
        ]
        return {
            "people": [
                {"actor": str(row["id"]), "email": row["email"], "name": row["name"],
                 "status": row["status"], "roles": list(row["roles"]),
                 "second_factor": row["factor"], "phone_verified": row["phone"]}
                for row in rows
            ],
            "invitations": [
                {"email": body["email"], "roles": body["roles"], "until": until}
                for body, until in invited
            ],
        }  # fmt: skip

    async def invite(self, seen: Seen, request: Invitation) -> dict[str, Any]:
        """Mail somebody a token to join with. Raises NotAllowed, InvalidInput, Unavailable."""
        account = self._decide(seen)
        self._post.check()
        email = checked_email(request.email)
        roles = check_roles(seen.account_kind, request.roles)
        if email == seen.email:
            self._check_self(seen, roles)
        await self._throttle.take(MAIL, f"{account} {email}")
        token = self._proofs.new_token()
        body = {"email": email, "roles": roles, "by": seen.actor_id}
        async with self._store.transaction() as tx:
            await self._proofs.keep_token(
                tx, "invitation", token, body, _INVITATION_S, account=account
            )
            # The address is personal data, and the record is read by others: its digest tells
            # whether two acts were about the same.
            mark = self._vault.digest(email, "email").hex()[:16]
            await self._keep(tx, seen, "team.invite", mark, {}, {"roles": roles})
            mail = mails.invitation(seen.account_name, ", ".join(roles), token)
            await self._post.put(tx, email, *mail)
        self._post.wake()
        return {"state": "mail_sent", "email": email, "roles": roles}

    async def change(self, seen: Seen, actor: int, roles: list[str]) -> dict[str, Any]:
        """Give a person exactly some roles; sessions of that person for the account end, and keys
        that may do more than the roles are revoked. Raises NotFound, Conflict `last_owner`."""
        account = self._decide(seen)
        wanted = check_roles(seen.account_kind, roles)
        if actor == seen.actor_id:
            self._check_self(seen, wanted)
        return await self._put(seen, account, actor, wanted, "team.change")

    @staticmethod
    def _check_self(seen: Seen, roles: list[str]) -> None:
        """Nobody of the staff gives themselves what they may not do yet: who decides about people
        would be who reviews, too."""
        if seen.account_kind == "operator" and not set(roles) <= set(seen.roles):
            raise NotAllowed(
                "yourself", "nobody of the operator's gives themselves a role", field="roles",
                rule="accounts: roles", mend="ask another administrator",
            )  # fmt: skip

    async def remove(self, seen: Seen, actor: int) -> dict[str, Any]:
        """Take a person out of the account, with the keys. Raises as :meth:`change`."""
        account = self._decide(seen)
        return await self._put(seen, account, actor, [], "team.remove")

    async def leave(self, seen: Seen) -> dict[str, Any]:
        """Leave the account that one acts for."""
        if seen.account_id is None:
            raise _nobody()
        return await self._put(seen, seen.account_id, seen.actor_id, [], "team.leave")

    async def _put(
        self, seen: Seen, account: int, actor: int, roles: list[str], what: str
    ) -> dict[str, Any]:
        now = utc(self._clock.now())
        head = head_of(seen.account_kind)
        async with self._store.transaction() as tx:
            await tx.fetchrow("account_hold", account)
            await self._check_still(tx, seen, account, what)
            had = [row["role"] for row in await tx.fetch("roles_in_account", account, actor)]
            if not had:
                raise _nobody()
            if head in had and head not in roles:
                others = await tx.fetchval("role_holders", account, head, actor)
                if not others:
                    raise Conflict(
                        "last_owner", f"nobody else has the role {head}", field="roles",
                        rule="accounts: roles", mend=f"make somebody else {head} first",
                    )  # fmt: skip
            await tx.execute("roles_put", account, actor, roles, now)
            scopes = sorted(scopes_of(seen.account_kind, roles))
            gone = await tx.fetch("keys_revoke_beyond", account, actor, scopes, now)
            await self._sessions.end_all(tx, actor, account=account)
            after = {"roles": roles, "keys_revoked": len(gone)}
            await self._keep(tx, seen, what, str(actor), {"roles": had}, after)
            person = await tx.fetchrow("actor_get", actor)
            if person is not None:
                await self._post.put(tx, person["email"], *mails.changed("roles"))
            if gone:
                await tx.execute("notify", "catalogue", "")
        self._post.wake()
        return {"actor": str(actor), "roles": roles, "keys_revoked": len(gone)}

    async def _check_still(self, tx: Transaction, seen: Seen, account: int, what: str) -> None:
        """Two owners who take each other out at the same moment: the later one is none any more."""
        rows = await tx.fetch("roles_in_account", account, seen.actor_id)
        scopes = scopes_of(seen.account_kind, [row["role"] for row in rows])
        if what != "team.leave" and _DECIDES.isdisjoint(scopes):
            raise NotAllowed(
                "missing_scope", "your roles changed meanwhile", field="Authorization",
                rule="accounts: roles", mend="log in again",
            )  # fmt: skip

    async def lock(self, seen: Seen, actor: int, *, locked: bool) -> dict[str, Any]:
        """Lock a person out of everything, or let in again: for the operator's administrators."""
        if "admin" not in seen.scopes or seen.account_kind != "operator":
            raise NotAllowed(
                "missing_scope", "only the operator's administrators lock people out",
                field="Authorization", rule="accounts: roles", mend="ask one of them",
            )  # fmt: skip
        self._sessions.check_raised(seen)
        if actor == seen.actor_id:
            raise InvalidInput(
                "yourself", "nobody locks out themselves", field="actor",
                mend="ask another administrator",
            )  # fmt: skip
        status = "locked" if locked else "active"
        async with self._store.transaction() as tx:
            before = await tx.fetchval("actor_status", actor, status)
            if before is None:
                raise _nobody()
            if locked:
                await self._sessions.end_all(tx, actor)
            what = "actor.lock" if locked else "actor.unlock"
            await self._keep(tx, seen, what, str(actor), {"status": before}, {"status": status})
            await tx.execute("notify", "catalogue", "")
        return {"actor": str(actor), "status": status}

    async def _keep(
        self,
        tx: Transaction,
        seen: Seen,
        what: str,
        subject: str,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        await keep_act(tx, seen.caller, self._clock.now(), what, subject, before, after)


def _nobody() -> NotFound:
    return NotFound(
        "no_actor", "no such person acts for this account", field="actor",
        mend="GET /v1/team lists them",
    )  # fmt: skip
