"""Sessions of people: a token of 256 random bits, kept as a digest; an idle and an absolute end.

The token changes whenever what it may do grows (login, raise, another account, a second factor), so
one that somebody planted before is worth nothing after. The database is asked on every use: a
session that is ended has ended everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from assent.clock import Clock
from assent.errors import NotAllowed, NotFound
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller
from assent.flow.roles import scopes_of

PREFIX: Final = "as_"
RAISED: Final = timedelta(minutes=10)
_TOKEN_OCTETS: Final = 32
_NOTED: Final = timedelta(seconds=60)
_KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Lives:
    """How long a session may be idle, and how long it may last at all, in seconds."""

    idle_s: float = 1_800.0
    absolute_s: float = 43_200.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as it is now. `scopes`: what its person may do in the account it acts for."""

    id: int
    digest: bytes
    actor_id: int
    email: str
    name: str
    account_id: int | None
    account_name: str
    account_kind: str
    account_status: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    began_at: datetime
    raised_until: datetime
    factor: bool
    has_factor: bool

    @property
    def caller(self) -> Caller:
        """The same as what acts on the API. Raises NotAllowed when it acts for no account."""
        if self.account_id is None:
            raise NotAllowed(
                "no_account", "you act for no account", field="Authorization",
                rule="accounts: sessions", mend="ask an owner of the account to invite you",
            )  # fmt: skip
        if self.account_kind == "operator" and not self.scopes:
            raise NotAllowed(
                "second_factor_needed", "staff act with a second factor only",
                field="Authorization", rule="accounts: second factor",
                mend="switch one on (assent account totp on), and log in with it",
            )  # fmt: skip
        return Caller(self.account_id, self.scopes, False, 0, self.actor_id)


def digest(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def csrf_of(token: str) -> str:
    """Return what a browser has to send beside the cookie: made from the token, so that a page of
    somebody else's, which cannot read the cookie, cannot know it."""
    return hmac.digest(token.encode(), b"assent csrf", "sha256").hex()


class Sessions:
    """Begins, finds, turns and ends sessions."""

    def __init__(
        self, store: Store, clock: Clock, random: Callable[[int], bytes], lives: Lives
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self.lives = lives

    async def begin(
        self, tx: Queries, actor: int, account: int | None, *, factor: bool, network: str
    ) -> str:
        """Begin a session for somebody who just proved who they are; return its token."""
        token = self._token()
        now = utc(self._clock.now())
        await tx.fetchval(
            "session_put", digest(token), actor, account, now, now + RAISED, factor, network
        )
        return token

    async def seen(self, token: str) -> Seen:
        """Return the session of a token. Raises NotAllowed `bad_session` (401)."""
        now, since, began = self._ends()
        marked = digest(token)
        row = await self._store.fetchrow("session_by_digest", marked, since, began)
        if row is None:
            raise NotAllowed(
                "bad_session", "the session is over, or there is none", field="Authorization",
                rule="accounts: sessions", mend="log in again", status=401,
            )  # fmt: skip
        if now - row["seen_at"] > _NOTED:
            await self._store.execute("session_seen", row["id"], now)
        return _seen(row, marked)

    async def turn(
        self,
        tx: Queries,
        seen: Seen,
        *,
        account: int | None = None,
        raised: bool = False,
        factor: bool = False,
    ) -> str:
        """Give a session another token, and with it what changes; return the token."""
        now = utc(self._clock.now())
        token = self._token()
        row = await tx.fetchval(
            "session_turn",
            seen.id,
            seen.digest,
            digest(token),
            account if account is not None else seen.account_id,
            now + RAISED if raised else seen.raised_until,
            factor or seen.factor,
            now,
        )
        if row is None:
            raise NotAllowed(
                "bad_session", "the session ended, or went on with another token",
                field="Authorization", rule="accounts: sessions", mend="log in again", status=401,
            )  # fmt: skip
        return token

    def check_raised(self, seen: Seen) -> None:
        """Raise NotAllowed unless who it is was proved in the last ten minutes."""
        if seen.raised_until <= utc(self._clock.now()):
            raise NotAllowed(
                "not_raised", "this needs you to prove again who you are", field="Authorization",
                rule="accounts: sessions", mend="assent account raise, or POST /v1/session/raise",
            )  # fmt: skip

    async def end(self, seen: Seen, session: int | None = None) -> None:
        """End a session of the same person, this one if no other is named. Raises NotFound."""
        now = utc(self._clock.now())
        row = await self._store.fetchval("session_end", session or seen.id, seen.actor_id, now)
        if row is None:
            raise NotFound(
                "no_session", "you have no such session", field="session",
                mend="list your sessions",
            )  # fmt: skip

    async def end_all(
        self, tx: Queries, actor: int, *, but: int | None = None, account: int | None = None
    ) -> None:
        """End a person's sessions, all but one; those for one account only if it is named."""
        await tx.execute("sessions_end", actor, but, account, utc(self._clock.now()))

    async def list(self, seen: Seen) -> dict[str, Any]:
        """Return a person's sessions."""
        _, since, began = self._ends()
        rows = await self._store.fetch("sessions_of_actor", seen.actor_id, since, began)
        return {
            "sessions": [
                {
                    "id": str(row["id"]),
                    "this": row["id"] == seen.id,
                    "account": None if row["account_id"] is None else str(row["account_id"]),
                    "began_at": row["began_at"],
                    "seen_at": row["seen_at"],
                    "network": row["network"],
                    "second_factor": row["factor"],
                }
                for row in rows
            ]
        }

    async def forget_old(self) -> None:
        """Forget sessions of three months ago."""
        await self._store.execute("sessions_forget", utc(self._clock.now()) - _KEPT)

    def _ends(self) -> tuple[datetime, datetime, datetime]:
        now = utc(self._clock.now())
        idle = timedelta(seconds=self.lives.idle_s)
        return now, now - idle, now - timedelta(seconds=self.lives.absolute_s)

    def _token(self) -> str:
        return PREFIX + self._random(_TOKEN_OCTETS).hex()


def _seen(row: Any, marked: bytes) -> Seen:
    kind, status = row["kind"] or "", row["status"] or ""
    # Staff look at everybody's papers: without the second factor they may nothing at all.
    able = status not in ("", "closed") and (
        kind != "operator" or (row["factor"] and row["has_factor"])
    )
    return Seen(
        row["id"],
        marked,
        row["actor_id"],
        row["email"],
        row["name"],
        row["account_id"],
        row["account_name"] or "",
        kind,
        status,
        tuple(row["roles"]),
        scopes_of(kind, row["roles"]) if able else frozenset(),
        row["began_at"],
        row["raised_until"],
        row["factor"],
        row["has_factor"],
    )
