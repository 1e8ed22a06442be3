"""What people do about themselves: who they are, password, phone, second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow import mails, second_factor
from assent.flow.actor_requests import PasswordChange, Raise
from assent.flow.entrance import not_yours
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.passwords import check_password
from assent.flow.post import Post
from assent.flow.proofs import TOTP_OWNER, Proofs
from assent.flow.requests import Caller
from assent.flow.sessions import Seen, Sessions
from assent.flow.staff import keep_act
from assent.flow.throttle import PHONE, PHONE_CODE, Throttle
from assent.flow.vault import Vault
from assent.numbers import Fault, parse

PHONE_OWNER: Final = "actor.phone/{}"
_CODE_S: Final = 300.0


class Codes(Protocol):
    """What takes codes to phones: the platform's own verification path."""

    async def send(self, number: str, code: str) -> None:
        """Order a message with a code. Raises InvalidInput when none will come."""


class Selves:
    """A person's own matters. Every method takes the session of that person."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        random: Callable[[int], bytes],
        proofs: Proofs,
        sessions: Sessions,
        post: Post,
        throttle: Throttle,
        codes: Codes,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._random = random
        self._proofs = proofs
        self._sessions = sessions
        self._post = post
        self._throttle = throttle
        self._codes = codes

    async def show(self, seen: Seen) -> dict[str, Any]:
        """Return who one is, for which accounts one acts, and what is still to be proved."""
        row = await self._store.fetchrow("actor_get", seen.actor_id)
        assert row is not None, "the session was of somebody"
        accounts = await self._store.fetch("roles_of_actor", seen.actor_id)
        phone = row["phone_sealed"]
        return {
            "actor": str(seen.actor_id),
            "email": row["email"],
            "name": row["name"],
            "phone": None if phone is None else _masked(self._vault.open(
                phone, PHONE_OWNER.format(seen.actor_id)).decode()),
            "second_factor": row["totp_on_at"] is not None,
            "recovery_codes": await self._store.fetchval("recovery_codes_left", seen.actor_id),
            "account": None if seen.account_id is None else str(seen.account_id),
            "roles": list(seen.roles),
            "scopes": sorted(seen.scopes),
            "accounts": [
                {"id": str(one["id"]), "name": one["name"], "kind": one["kind"],
                 "status": one["status"], "roles": list(one["roles"])}
                for one in accounts
            ],
            "todo": _todo(row, seen),
        }  # fmt: skip

    # The session -----------------------------------------------------------------------------

    async def raise_session(self, seen: Seen, request: Raise, address: str) -> str:
        """Prove again who one is; return the session's new token. Raises as a login does."""
        _, factor, _ = await self._proofs.check(seen.email, request.password, request.code, address)
        async with self._store.transaction() as tx:
            return await self._sessions.turn(tx, seen, raised=True, factor=factor)

    async def switch(self, seen: Seen, wanted: str) -> str:
        """Act for another of one's accounts; return the session's new token."""
        for row in await self._store.fetch("roles_of_actor", seen.actor_id):
            if wanted in (str(row["id"]), row["name"]):
                async with self._store.transaction() as tx:
                    return await self._sessions.turn(tx, seen, account=row["id"])
        raise not_yours()

    # Password ------------------------------------------------------------------------------------

    async def change_password(self, seen: Seen, request: PasswordChange, address: str) -> str:
        """Change the password; other sessions end, this one goes on with the token returned."""
        row = await self._store.fetchrow("actor_by_email", seen.email)
        await self._proofs.check_password_only(row, request.old, address)
        check_password(request.new, seen.email, seen.name, request.old, field="new")
        password = await self._proofs.passwords.hash(request.new)
        async with self._store.transaction() as tx:
            await tx.execute("actor_password", seen.actor_id, password)
            await tx.execute("tokens_drop", seen.actor_id, "reset")
            await self._sessions.end_all(tx, seen.actor_id, but=seen.id)
            token = await self._sessions.turn(tx, seen)
            await self._tell(tx, seen, "password")
        self._post.wake()
        return token

    # Phone ---------------------------------------------------------------------------------------

    async def phone(self, seen: Seen, given: str) -> dict[str, Any]:
        """Send a code to a mobile number. Raises InvalidInput for what is none or where no code can
        be sent, Unavailable `too_many`."""
        parsed = parse([given])
        number = int(parsed.msisdn[0])
        if parsed.fault[0] != Fault.NONE:
            raise InvalidInput(
                "bad_number", "this is no mobile number", field="number",
                rule="accounts: phone", mend="write it like 13800138000 or +85251234567",
            )  # fmt: skip
        await self._throttle.take(PHONE, f"actor {seen.actor_id}")
        await self._throttle.take(PHONE, str(number))
        code = f"{int.from_bytes(self._random(8)) % 1_000_000:06d}"
        async with self._store.transaction() as tx:
            await tx.execute("tokens_drop", seen.actor_id, "phone")
            await self._proofs.keep_token(
                tx, "phone", _phone_token(self._vault, seen, code), {"number": str(number)},
                _CODE_S, actor=seen.actor_id,
            )  # fmt: skip
        await self._codes.send(str(number), code)
        return {"state": "code_sent", "phone": _masked(str(number))}

    async def confirm_phone(self, seen: Seen, code: str) -> dict[str, Any]:
        """Prove a number with its code. Raises NotAllowed `bad_token`, Unavailable `too_many`."""
        who = f"actor {seen.actor_id}"
        await self._throttle.take(PHONE_CODE, who)
        token = _phone_token(self._vault, seen, code.strip())
        _, body = await self._proofs.token("phone", token, who)
        number = body["number"]
        sealed = self._vault.seal(number.encode(), PHONE_OWNER.format(seen.actor_id))
        mark = self._vault.digest(number, "phone")
        async with self._store.transaction() as tx:
            await self._proofs.use_token(tx, "phone", token)
            await tx.execute("actor_phone", seen.actor_id, sealed, mark, utc(self._clock.now()))
            await self._tell(tx, seen, "phone")
        await self._throttle.clear(PHONE_CODE, who)
        return {"state": "phone_verified", "phone": _masked(number)}

    # Second factor -------------------------------------------------------------------------------

    async def begin_totp(self, seen: Seen) -> dict[str, Any]:
        """Return the secret of a second factor; it is asked for once :meth:`confirm_totp` has seen
        a code of it. Raises Conflict where one is on, NotAllowed `not_raised`."""
        self._sessions.check_raised(seen)
        secret = second_factor.new_secret(self._random)
        sealed = self._vault.seal(secret, TOTP_OWNER.format(seen.actor_id))
        if await self._store.fetchval("actor_totp", seen.actor_id, sealed) is None:
            raise _totp_on()
        return {
            "secret": second_factor.shown(secret),
            "uri": second_factor.address(secret, seen.email),
        }

    async def confirm_totp(self, seen: Seen, code: str) -> tuple[str, list[str]]:
        """Switch the second factor on; return the session's new token and the recovery codes, for
        the only time."""
        self._sessions.check_raised(seen)
        await self._throttle.take(PHONE_CODE, f"totp {seen.actor_id}")
        row = await self._store.fetchrow("actor_get", seen.actor_id)
        if row is None or row["totp_on_at"] is not None or row["totp_sealed"] is None:
            raise _totp_on()
        secret = self._vault.open(row["totp_sealed"], TOTP_OWNER.format(seen.actor_id))
        now = self._clock.now()
        step = second_factor.step_of(secret, code, now, 0)
        if step is None:
            raise NotAllowed(
                "second_factor", "the code is not right", field="code",
                rule="accounts: second factor", mend="give the code that is shown now",
            )  # fmt: skip
        async with self._store.transaction() as tx:
            on = await tx.fetchval(
                "actor_totp_on", seen.actor_id, utc(now), step, row["totp_sealed"]
            )
            if on is None:
                raise _totp_on()
            codes = await self._new_codes(tx, seen)
            await self._sessions.end_all(tx, seen.actor_id, but=seen.id)
            token = await self._sessions.turn(tx, seen, factor=True)
            await self._tell(tx, seen, "totp_on")
        await self._throttle.clear(PHONE_CODE, f"totp {seen.actor_id}")
        self._post.wake()
        return token, codes

    async def _new_codes(self, tx: Queries, seen: Seen) -> list[str]:
        codes = second_factor.new_recovery_codes(self._random)
        marks = [self._proofs.recovery_mark(seen.actor_id, code) for code in codes]
        await tx.execute("recovery_codes_put", seen.actor_id, marks)
        return codes

    async def end_totp(self, seen: Seen, code: str, address: str) -> dict[str, Any]:
        """Switch the second factor off, with a code of it. Staff cannot: they begin another at
        once, or may nothing."""
        self._sessions.check_raised(seen)
        await self._throttle.take(PHONE_CODE, f"totp {seen.actor_id}")
        row = await self._store.fetchrow("actor_get", seen.actor_id)
        if row is None or row["totp_on_at"] is None:
            raise Conflict("no_totp", "there is no second factor", mend="begin one")
        await self._proofs.second_factor(row, code)
        async with self._store.transaction() as tx:
            await tx.execute("actor_totp_off", seen.actor_id)
            await tx.execute("recovery_codes_put", seen.actor_id, [])
            await self._sessions.end_all(tx, seen.actor_id, but=seen.id)
            await tx.execute("notify", "catalogue", "")  # keys of staff may nothing without it
            await self._tell(tx, seen, "totp_off")
        self._post.wake()
        return {"state": "second_factor_off"}

    async def _tell(self, tx: Transaction, seen: Seen, what: str) -> None:
        """Write down a change of how one proves who one is, and tell the person by mail."""
        caller = Caller(seen.account_id or 0, seen.scopes, False, 0, seen.actor_id)
        now = self._clock.now()
        await keep_act(tx, caller, now, f"actor.{what}", str(seen.actor_id), {}, {})
        await self._post.put(tx, seen.email, *mails.changed(what))


def _todo(row: Any, seen: Seen) -> list[dict[str, str]]:
    found = []
    if row["phone_verified_at"] is None:
        found.append({"code": "phone", "zh": "验证手机号", "en": "prove a phone number"})
    if row["totp_on_at"] is None:
        found.append({
            "code": "second_factor", "zh": "启用两步验证", "en": "switch on a second factor",
        })  # fmt: skip
    if seen.account_status == "applied":
        found.append({
            "code": "account_applied", "zh": "账户待审核：请提交资质文件",
            "en": "the account waits for review: hand in its papers",
        })  # fmt: skip
    return found


def _phone_token(vault: Vault, seen: Seen, code: str) -> str:
    """Six digits are soon tried through: what is stored of them is made with the vault's key."""
    return vault.digest(f"{seen.actor_id}/{code}", "phone code").hex()


def _masked(number: str) -> str:
    return f"{number[:-8]}****{number[-4:]}" if len(number) > 8 else "****"


def _totp_on() -> Conflict:
    return Conflict(
        "totp_on", "a second factor is on, or another one was begun", field="code",
        rule="accounts: second factor", mend="switch it off first, or begin again",
    )  # fmt: skip
