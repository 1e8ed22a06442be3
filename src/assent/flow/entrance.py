"""Ways in for people: applying for an account, logging in, joining, and a lost password.

What is answered never tells whether an address has a login; mail does, to its owner.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

import msgspec

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow import mails
from assent.flow.actor_requests import Acceptance, CompanyPart, Confirm, Login, ResetDone, SignUp
from assent.flow.needs import Store, Transaction, utc
from assent.flow.passwords import check_password
from assent.flow.post import Post
from assent.flow.proofs import Proofs, bad_token
from assent.flow.requests import Caller
from assent.flow.roles import OWNER, head_of
from assent.flow.sessions import Sessions
from assent.flow.staff import keep_act
from assent.flow.throttle import MAIL, SIGN_UP, Throttle, network_of
from assent.registry.credit_code import plain_code

_EMAIL: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{4,253}$)([a-z0-9-]{1,63}\.)+"
                           r"[a-z][a-z0-9-]{1,62}")  # fmt: skip
_PRICE_MICRO: Final = 50_000  # until the operator sets another; nothing is sent before either
_SIGN_UP_S: Final = 86_400.0
_RESET_S: Final = 3_600.0
_SENT: Final = {"state": "mail_sent"}


class Entrance:
    """Everything that somebody without a session may do."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        proofs: Proofs,
        sessions: Sessions,
        post: Post,
        throttle: Throttle,
    ) -> None:
        self._store = store
        self._clock = clock
        self._proofs = proofs
        self._sessions = sessions
        self._post = post
        self._throttle = throttle

    # Applying ------------------------------------------------------------------------------------

    async def sign_up(self, request: SignUp, address: str) -> dict[str, Any]:
        """Mail a token to who applies for an account; nothing else is done before it comes back.

        Raises InvalidInput, Conflict `account_name_taken` or `no_mail`, Unavailable `too_many`.
        """
        self._post.check()
        email = checked_email(request.email)
        name = words(request.name, "name")
        company = _company(request.company)
        account = words(request.account or company.legal_name, "account")
        check_password(request.password, email, name, account)
        await self._throttle.take(SIGN_UP, network_of(address))
        await self._throttle.take(MAIL, email)
        if await self._store.fetchval("account_named", account):
            raise _name_taken()
        password = await self._proofs.passwords.hash(request.password)
        known = await self._store.fetchrow("actor_by_email", email)
        async with self._store.transaction() as tx:
            if known is not None:
                await self._post.put(tx, email, *mails.known_already())
            else:
                token = self._proofs.new_token()
                body = {
                    "email": email, "name": name, "password": password, "account": account,
                    "kind": request.kind, "class": request.class_,
                    "company": msgspec.to_builtins(company),
                }  # fmt: skip
                await self._proofs.keep_token(tx, "sign_up", token, body, _SIGN_UP_S)
                await self._post.put(tx, email, *mails.sign_up(name, account, token))
        self._post.wake()
        return dict(_SENT)

    async def confirm(self, request: Confirm, address: str) -> dict[str, Any]:
        """Make the login, and the account in the state `applied`, for who got the mail and knows
        the password: either alone would let a stranger in.

        Raises NotAllowed `bad_token` or `bad_login`, Conflict.
        """
        _, body = await self._proofs.token("sign_up", request.token, address)
        if not await self._proofs.passwords.fits(body["password"], request.password):
            await self._throttle.take(SIGN_UP, network_of(address))
            raise NotAllowed(
                "bad_login", "this is not the password that was chosen", field="password",
                rule="accounts: sign-up", status=401, mend="try again, or sign up again",
            )  # fmt: skip
        now = utc(self._clock.now())
        async with self._store.transaction() as tx:
            await self._proofs.use_token(tx, "sign_up", request.token)
            actor = await tx.fetchval(
                "actor_insert", body["email"], body["name"], body["password"], now
            )
            if actor is None:
                raise _known()
            account = await self._apply(tx, body, actor)
            await tx.execute("notify", "catalogue", "")
        return {"actor": str(actor), "account": str(account), "status": "applied"}

    async def _apply(self, tx: Transaction, body: dict[str, Any], actor: int) -> int:
        now, company = utc(self._clock.now()), body["company"]
        entity = await tx.fetchval(
            "entity_stub", company["credit_code"], company["legal_name"], company["kind"],
            company["industry"], company["website"], now,
        )  # fmt: skip
        account: int | None = await tx.fetchval(
            "application_put", body["account"], body["kind"], _PRICE_MICRO, now, entity,
            body["class"],
        )  # fmt: skip
        if account is None:
            raise _name_taken()
        await tx.execute("balance_open", account)
        await tx.execute("roles_put", account, actor, [OWNER], now)
        caller = Caller(account, frozenset(), False, 0, actor)
        after = {"actor": actor, "kind": body["kind"], "class": body["class"], "entity": entity}
        await keep_act(tx, caller, self._clock.now(), "account.apply", str(account), {}, after)
        return account

    # Logging in ----------------------------------------------------------------------------------

    async def log_in(self, request: Login, address: str) -> str:
        """Return the token of a new session. Raises NotAllowed (401), Unavailable (429)."""
        email = normal(request.email)
        row, factor, recovery = await self._proofs.check(
            email, request.password, request.code, address
        )
        accounts = await self._store.fetch("roles_of_actor", row["id"])
        account = _chosen(accounts, request.account)
        passwords = self._proofs.passwords
        again = passwords.outdated(row["password"])
        hashed = await passwords.hash(request.password) if again else None
        async with self._store.transaction() as tx:
            if hashed is not None:
                await tx.execute("actor_password", row["id"], hashed)
            if recovery:
                await self._post.put(tx, email, *mails.changed("recovery_code"))
            return await self._sessions.begin(
                tx, row["id"], account, factor=factor, network=network_of(address)
            )

    # A lost password -----------------------------------------------------------------------------

    async def reset(self, given: str, address: str) -> dict[str, Any]:
        """Mail a token to set a new password with, if the address has a login."""
        self._post.check()
        email = checked_email(given)
        await self._throttle.take(SIGN_UP, network_of(address))
        await self._throttle.take(MAIL, email)
        row = await self._store.fetchrow("actor_by_email", email)
        if row is not None and row["status"] == "active":
            token = self._proofs.new_token()
            async with self._store.transaction() as tx:
                await tx.execute("tokens_drop", row["id"], "reset")
                await self._proofs.keep_token(tx, "reset", token, {}, _RESET_S, actor=row["id"])
                await self._post.put(tx, email, *mails.reset(token))
            self._post.wake()
        return dict(_SENT)

    async def set_password(self, request: ResetDone, address: str) -> dict[str, Any]:
        """Set a new password with a mailed token. It begins no session, ends all there are, and
        leaves the second factor as it is. Raises NotAllowed `bad_token`, InvalidInput."""
        row, _ = await self._proofs.token("reset", request.token, address)
        person = await self._store.fetchrow("actor_get", row["actor_id"])
        if person is None or person["status"] != "active":
            raise bad_token()
        check_password(request.password, person["email"], person["name"])
        password = await self._proofs.passwords.hash(request.password)
        async with self._store.transaction() as tx:
            await self._proofs.use_token(tx, "reset", request.token)
            await tx.execute("actor_password", person["id"], password)
            await self._sessions.end_all(tx, person["id"])
            await self._post.put(tx, person["email"], *mails.changed("password"))
        self._post.wake()
        return {"state": "password_set"}

    # Joining -------------------------------------------------------------------------------------

    async def accept(self, request: Acceptance, address: str) -> dict[str, Any]:
        """Join an account with a mailed token. Raises NotAllowed, InvalidInput, Conflict."""
        row, body = await self._proofs.token("invitation", request.token, address)
        email, account = body["email"], row["account_id"]
        known = await self._store.fetchrow("actor_by_email", email)
        name, password = "", ""
        if known is not None and known["password"] is not None:
            await self._proofs.check_password_only(known, request.password, address)
        else:
            name = words(request.name or (known["name"] if known is not None else ""), "name")
            check_password(request.password, email, name)
            password = await self._proofs.passwords.hash(request.password)
        now = utc(self._clock.now())
        async with self._store.transaction() as tx:
            await self._proofs.use_token(tx, "invitation", request.token)
            await self._check_inviter(tx, account, body["by"])
            if known is None:
                actor = await tx.fetchval("actor_insert", email, name, password, now)
                if actor is None:
                    raise _known()
            else:
                actor = known["id"]
                if password:
                    await tx.execute("actor_password", actor, password)
            had = [r["role"] for r in await tx.fetch("roles_in_account", account, actor)]
            roles = sorted({*had, *body["roles"]})
            await tx.execute("roles_put", account, actor, roles, now)
            caller = Caller(account, frozenset(), False, 0, actor)
            await keep_act(
                tx, caller, self._clock.now(), "team.join", str(actor), {"roles": had},
                {"roles": roles, "invited_by": body["by"]},
            )  # fmt: skip
        return {"actor": str(actor), "account": str(account), "roles": roles}

    @staticmethod
    async def _check_inviter(tx: Transaction, account: int, inviter: int | None) -> None:
        """Raise NotAllowed where who invited decides no more who acts for the account: what they
        gave away before they went is worth nothing. The account is held from here on."""
        held = await tx.fetchrow("account_hold", account)
        if held is None or held["status"] == "closed":
            raise bad_token()
        if inviter is None:
            return  # made at the machine
        person = await tx.fetchrow("actor_get", inviter)
        roles = [row["role"] for row in await tx.fetch("roles_in_account", account, inviter)]
        gone = person is None or person["status"] != "active"
        if gone or head_of(held["kind"]) not in roles:
            raise bad_token()


def normal(email: str) -> str:
    """Return an address as it is stored."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def checked_email(given: str, field: str = "email") -> str:
    """Return an address as it is stored. Raises InvalidInput for one that is none."""
    email = normal(given)
    if _EMAIL.fullmatch(email) is None or ".." in email:
        raise InvalidInput(
            "bad_email", "this is no e-mail address", field=field, rule="accounts: sign-up",
            mend="write it like name@example.com",
        )  # fmt: skip
    return email


def words(given: str, field: str) -> str:
    """Return a name in one line. Raises InvalidInput for an empty one, or one with controls."""
    plain = unicodedata.normalize("NFKC", given).strip()
    if not plain or any(_unseen(letter) for letter in plain):
        raise InvalidInput(
            "bad_name", "a name is one line of text", field=field, rule="accounts: sign-up",
            mend="write it without controls",
        )  # fmt: skip
    return plain


def _unseen(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] == "C" or kind in ("Zl", "Zp")


def _company(part: CompanyPart) -> CompanyPart:
    return msgspec.structs.replace(
        part,
        credit_code=plain_code(words(part.credit_code, "company.credit_code")),
        legal_name=words(part.legal_name, "company.legal_name"),
        industry=part.industry and words(part.industry, "company.industry"),
        website=part.website and words(part.website, "company.website"),
    )


def _chosen(accounts: list[Any], wanted: str | None) -> int | None:
    if wanted is None:
        return accounts[0]["id"] if accounts else None
    for row in accounts:
        if wanted in (str(row["id"]), row["name"]):
            found: int = row["id"]
            return found
    raise not_yours()


def not_yours() -> NotAllowed:
    """Return what is told of an account that a person does not act for, or that is none."""
    return NotAllowed(
        "not_your_account", "you act for no such account", field="account",
        rule="accounts: sessions", mend="GET /v1/me lists your accounts",
    )  # fmt: skip


def _name_taken() -> Conflict:
    return Conflict(
        "account_name_taken", "another account has this name", field="account",
        mend="choose another name for the account",
    )  # fmt: skip


def _known() -> Conflict:
    return Conflict(
        "actor_known", "this e-mail address has a login meanwhile", field="email",
        mend="log in with it",
    )  # fmt: skip
