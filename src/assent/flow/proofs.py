"""How a person proves who they are: password, second factor, and tokens that were mailed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from assent.clock import Clock
from assent.errors import NotAllowed
from assent.flow import second_factor
from assent.flow.needs import Queries, Store, utc
from assent.flow.passwords import Passwords
from assent.flow.throttle import LOGIN, LOGIN_NETWORK, TOKEN, Throttle, network_of
from assent.flow.vault import Vault

_TOKEN_OCTETS: Final = 24
_LATELY_S: Final = 30 * 86_400.0
TOTP_OWNER: Final = "actor.totp/{}"


class Proofs:
    """Checks proofs. Every attempt is counted before it is looked at."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        random: Callable[[int], bytes],
        throttle: Throttle,
        passwords: Passwords,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._random = random
        self.throttle = throttle
        self.passwords = passwords

    # Password and second factor ------------------------------------------------------------------

    async def check(
        self, email: str, password: str, code: str | None, address: str
    ) -> tuple[Any, bool, bool]:
        """Return the person whose address and password these are, whether a second factor was
        shown, and whether that was a recovery code.

        Raises NotAllowed `bad_login` or `second_factor` (401), Unavailable `too_many` (429).
        """
        network = network_of(address)
        await self.throttle.take(LOGIN_NETWORK, network)
        who = await self._counted_as(email, network)
        await self.throttle.take(LOGIN, who)
        row = await self._store.fetchrow("actor_by_email", email)
        stored = None if row is None else row["password"]
        fits = await self.passwords.fits(stored, password)
        if row is None or not fits or row["status"] != "active":
            raise _bad_login()
        recovery = False
        if row["totp_on_at"] is not None:
            if not code:
                await self.throttle.give_back(LOGIN_NETWORK, network)
                raise _second_factor("this login needs the code of its second factor")
            recovery = await self.second_factor(row, code)
        await self.throttle.clear(LOGIN, who)
        await self.throttle.give_back(LOGIN_NETWORK, network)
        return row, row["totp_on_at"] is not None, recovery

    async def _counted_as(self, email: str, network: str) -> str:
        """Return whose attempts these are. Where a person logged in from lately is counted apart,
        so that somebody elsewhere who guesses does not keep the person out."""
        since = utc(self._clock.now() - _LATELY_S)
        known = await self._store.fetchval("session_from", email, network, since)
        return f"{email} from {network}" if known else email

    async def check_password_only(self, row: Any, password: str, address: str) -> None:
        """Check a known person's password where a token proves the address: who joins another
        account shows the second factor when logging in. Raises as :meth:`check`."""
        network = network_of(address)
        await self.throttle.take(LOGIN_NETWORK, network)
        who = await self._counted_as(row["email"], network)
        await self.throttle.take(LOGIN, who)
        if not await self.passwords.fits(row["password"], password) or row["status"] != "active":
            raise _bad_login()
        await self.throttle.give_back(LOGIN, who)
        await self.throttle.give_back(LOGIN_NETWORK, network)

    async def second_factor(self, row: Any, code: str) -> bool:
        """Check a code of a person; return whether it was a recovery code. Raises NotAllowed
        `second_factor`. A code works once."""
        now = self._clock.now()
        secret = self._vault.open(row["totp_sealed"], TOTP_OWNER.format(row["id"]))
        step = second_factor.step_of(secret, code, now, row["totp_step"])
        if step is not None:
            if await self._store.fetchval("actor_totp_used", row["id"], step) is not None:
                return False
            raise _second_factor("this code was used already; wait for the next one")
        mark = self.recovery_mark(row["id"], code)
        if await self._store.fetchval("recovery_code_use", row["id"], mark, utc(now)) is None:
            raise _second_factor("the code is not right")
        return True

    def recovery_mark(self, actor: int, code: str) -> bytes:
        """Return what is stored of a recovery code."""
        return self._vault.digest(f"{actor}/{second_factor.plain(code)}", "recovery code")

    # Tokens --------------------------------------------------------------------------------------

    def new_token(self) -> str:
        """Return a token to be mailed: 192 random bits."""
        return self._random(_TOKEN_OCTETS).hex()

    async def keep_token(
        self,
        tx: Queries,
        kind: str,
        token: str,
        body: dict[str, Any],
        lasts_s: float,
        *,
        actor: int | None = None,
        account: int | None = None,
    ) -> None:
        """Keep a token, and what it will do."""
        mark = token_digest(token)
        sealed = self._vault.seal(json.dumps(body).encode(), token_owner(mark))
        until = utc(self._clock.now() + lasts_s)
        await tx.execute("token_put", mark, kind, actor, account, sealed, until)

    async def token(self, kind: str, token: str, address: str) -> tuple[Any, dict[str, Any]]:
        """Return a token's row and what it will do. Raises NotAllowed `bad_token`."""
        network = network_of(address)
        await self.throttle.take(TOKEN, network)
        mark = token_digest(token)
        row = await self._store.fetchrow("token_get", mark, kind, utc(self._clock.now()))
        if row is None:
            raise bad_token()
        await self.throttle.give_back(TOKEN, network)
        return row, json.loads(self._vault.open(row["sealed"], token_owner(mark)))

    async def use_token(self, tx: Queries, kind: str, token: str) -> None:
        """Use a token up, in the transaction of what it does. Raises NotAllowed `bad_token` when
        another request was quicker."""
        now = utc(self._clock.now())
        if await tx.fetchrow("token_use", token_digest(token), kind, now) is None:
            raise bad_token()


def token_digest(token: str) -> bytes:
    """Return what is stored of a token; it is random enough for a plain hash."""
    return hashlib.sha256(token.strip().encode()).digest()


def token_owner(mark: bytes) -> str:
    """Return what a token's sealed body belongs to."""
    return f"actor_token.sealed/{mark.hex()}"


def bad_token() -> NotAllowed:
    """Return what is told of a token that does not hold: not why."""
    return NotAllowed(
        "bad_token", "the token is not valid, was used, or is too old", field="token",
        rule="accounts: tokens", mend="ask for a new one",
    )  # fmt: skip


def _bad_login() -> NotAllowed:
    return NotAllowed(
        "bad_login", "e-mail address and password do not belong together", field="password",
        rule="accounts: login", status=401, mend="try again, or set a new password",
    )  # fmt: skip


def _second_factor(why: str) -> NotAllowed:
    return NotAllowed(
        "second_factor", why, field="code", rule="accounts: second factor", status=401,
        mend="give the code that your application shows now, or a recovery code",
    )  # fmt: skip
