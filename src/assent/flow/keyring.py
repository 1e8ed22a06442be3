"""API keys that people make for themselves and for their software."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Final

from assent.clock import Clock
from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow import mails
from assent.flow.actor_requests import KeyWish
from assent.flow.entrance import words
from assent.flow.keys import SCOPES, digest, new_key
from assent.flow.needs import Store, utc
from assent.flow.post import Post
from assent.flow.roles import PERSONAL
from assent.flow.sessions import Seen, Sessions
from assent.flow.staff import keep_act

_ALL: Final = frozenset({"team", "admin"})


class Keyring:
    """Makes, lists and revokes keys of the account that a session acts for."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        random: Callable[[int], bytes],
        sessions: Sessions,
        post: Post,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._sessions = sessions
        self._post = post

    async def show(self, seen: Seen) -> dict[str, Any]:
        """Return one's own keys; all of the account for who decides about its team."""
        caller = seen.caller
        mine = seen.actor_id if _ALL.isdisjoint(seen.scopes) else None
        rows = await self._store.fetch("keys_of_account", caller.account_id, mine)
        return {
            "keys": [
                {
                    "id": str(row["id"]),
                    "name": row["name"],
                    "hint": row["hint"],
                    "scopes": list(row["scopes"]),
                    "sandbox": row["sandbox"],
                    "allowed": list(row["allowed"]),
                    "actor": None if row["actor_id"] is None else str(row["actor_id"]),
                    "created_at": row["created_at"],
                }
                for row in rows
            ]
        }

    async def make(self, seen: Seen, wish: KeyWish) -> dict[str, Any]:
        """Make a key; it is in the answer for the only time. Raises NotAllowed, InvalidInput."""
        caller = seen.caller
        self._sessions.check_raised(seen)
        scopes = _scopes(seen, wish)
        allowed = [_network(word) for word in wish.allowed]
        name = words(wish.name, "name")
        owner = None if wish.software else seen.actor_id
        key = new_key(self._random(24), sandbox=wish.sandbox)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            number = await tx.fetchval(
                "person_key_insert", caller.account_id, digest(key), key[:8], scopes,
                wish.sandbox, utc(now), owner, allowed, name,
            )  # fmt: skip
            after = {
                "scopes": scopes, "allowed": allowed, "sandbox": wish.sandbox, "actor": owner,
            }  # fmt: skip
            await keep_act(tx, caller, now, "key.make", str(number), {}, after)
            await self._post.put(tx, seen.email, *mails.changed("key"))
        self._post.wake()
        return {"id": str(number), "key": key, "name": name, "scopes": scopes, "allowed": allowed}

    async def revoke(self, seen: Seen, key: int) -> dict[str, Any]:
        """Revoke a key: it is over in every process within moments. Raises NotFound."""
        caller = seen.caller
        mine = seen.actor_id if _ALL.isdisjoint(seen.scopes) else None
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("key_revoke", key, caller.account_id, mine, utc(now))
            if row is None:
                raise NotFound(
                    "no_key", "there is no such key of yours", field="key",
                    mend="GET /v1/keys lists them",
                )  # fmt: skip
            before = {"scopes": list(row["scopes"]), "actor": row["actor_id"]}
            await keep_act(tx, caller, now, "key.revoke", str(key), before, {})
            await tx.execute("notify", "catalogue", "")
        return {"id": str(key), "state": "revoked"}


def _scopes(seen: Seen, wish: KeyWish) -> list[str]:
    wanted = sorted(set(wish.scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise InvalidInput(
                "unknown_scope", "there is no such scope", field="scopes",
                mend=f"use some of {', '.join(sorted(seen.scopes)) or 'none: you may nothing'}",
            )  # fmt: skip
        if scope not in seen.scopes:
            raise NotAllowed(
                "scope_not_yours", f"you may not do this yourself: {scope}", field="scopes",
                rule="accounts: keys",
                mend=f"use some of {', '.join(sorted(seen.scopes)) or 'none: you may nothing'}",
            )  # fmt: skip
    personal = sorted(PERSONAL.intersection(wanted))
    if wish.software and (personal or _ALL.isdisjoint(seen.scopes)):
        raise NotAllowed(
            "personal_scope",
            f"only a person may do this: {personal[0]}" if personal
            else "only who decides about the team makes keys that stay when they leave",
            field="software", rule="accounts: keys", mend="leave software out",
        )  # fmt: skip
    return wanted


def _network(word: str) -> str:
    try:
        return str(ip_network(word.strip()))
    except ValueError as error:
        raise InvalidInput(
            "bad_network", f"this is no address or network: {error}"[:200], field="allowed",
            rule="accounts: keys", mend="write addresses or networks like 203.0.113.0/28",
        ) from None  # fmt: skip
