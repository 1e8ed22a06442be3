"""The calls of people: applying, sessions, oneself, team, keys, the record of acts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


def _post(path: str, body: Mapping[str, Any] | None = None, method: str = "POST") -> Call:
    """Return a call that is not repeated: a login or a key would be made twice."""
    given = {name: value for name, value in (body or {}).items() if value is not None}
    octets = msgspec.json.encode(given) if body is not None else None
    return Call(
        method, path, headers={"content-type": "application/json"}, body=octets, repeatable=False
    )


class ActorApi(ABC, Generic[Result]):
    """What people do; all but the ways in need the token of a session as the key."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    # Ways in -------------------------------------------------------------------------------------

    def sign_up(
        self,
        *,
        email: str,
        name: str,
        password: str,
        company: Mapping[str, str],
        account: str | None = None,
        kind: str | None = None,
        class_: str | None = None,
    ) -> Result:
        """Apply for an account. `company`: `credit_code`, `legal_name` and, if known, `kind`,
        `industry`, `website`. A mail brings the token for :meth:`confirm_sign_up`."""
        body = {
            "email": email, "name": name, "password": password, "company": dict(company),
            "account": account, "kind": kind, "class": class_,
        }  # fmt: skip
        return self._do(_post("/v1/sign-up", body))

    def confirm_sign_up(self, token: str, password: str) -> Result:
        """Prove the e-mail address."""
        return self._do(_post("/v1/sign-up/confirm", {"token": token, "password": password}))

    def log_in(
        self, email: str, password: str, *, code: str | None = None, account: str | None = None
    ) -> Result:
        """Log in; `token` of the answer is the key of a client that acts as this person."""
        body = {"email": email, "password": password, "code": code, "account": account}
        return self._do(_post("/v1/session", body))

    def reset_password(self, email: str) -> Result:
        """Have a token mailed."""
        return self._do(_post("/v1/password/reset", {"email": email}))

    def set_password(self, token: str, password: str) -> Result:
        """Set a new password with a mailed token."""
        return self._do(_post("/v1/password/set", {"token": token, "password": password}))

    def accept_invitation(self, token: str, password: str, name: str | None = None) -> Result:
        """Join an account with a mailed token."""
        body = {"token": token, "password": password, "name": name}
        return self._do(_post("/v1/invitations/accept", body))

    # The session and oneself ---------------------------------------------------------------------

    def session(self) -> Result:
        """Return for whom this session acts."""
        return self._do(Call("GET", "/v1/session"))

    def raise_session(self, password: str, code: str | None = None) -> Result:
        """Prove again who one is; the answer has another token."""
        return self._do(_post("/v1/session/raise", {"password": password, "code": code}))

    def switch_account(self, account: str) -> Result:
        """Act for another account; the answer has another token."""
        return self._do(_post("/v1/session/account", {"account": account}))

    def log_out(self) -> Result:
        """End this session."""
        return self._do(_post("/v1/session", method="DELETE"))

    def sessions(self) -> Result:
        """List one's sessions."""
        return self._do(Call("GET", "/v1/sessions"))

    def end_session(self, session: str | int) -> Result:
        """End one of one's sessions."""
        return self._do(_post(f"/v1/sessions/{session}", method="DELETE"))

    def me(self) -> Result:
        """Return who one is and what is still to be proved."""
        return self._do(Call("GET", "/v1/me"))

    def change_password(self, old: str, new: str) -> Result:
        """Change one's password; the answer has another token."""
        return self._do(_post("/v1/me/password", {"old": old, "new": new}))

    def send_phone_code(self, number: str) -> Result:
        """Have a code sent to one's phone."""
        return self._do(_post("/v1/me/phone", {"number": number}))

    def confirm_phone(self, code: str) -> Result:
        """Prove one's phone."""
        return self._do(_post("/v1/me/phone/confirm", {"code": code}))

    def begin_totp(self) -> Result:
        """Begin a second factor."""
        return self._do(_post("/v1/me/totp"))

    def confirm_totp(self, code: str) -> Result:
        """Switch the second factor on; the answer has another token and the recovery codes."""
        return self._do(_post("/v1/me/totp/confirm", {"code": code}))

    def end_totp(self, code: str) -> Result:
        """Switch the second factor off."""
        return self._do(_post("/v1/me/totp/off", {"code": code}))

    # Team, keys, record --------------------------------------------------------------------------

    def team(self) -> Result:
        """Return who acts for the account."""
        return self._do(Call("GET", "/v1/team"))

    def invite(self, email: str, roles: Sequence[str]) -> Result:
        """Invite somebody."""
        return self._do(_post("/v1/team/invitations", {"email": email, "roles": list(roles)}))

    def change_roles(self, actor: str | int, roles: Sequence[str]) -> Result:
        """Give a person exactly these roles."""
        return self._do(_post(f"/v1/team/{actor}", {"roles": list(roles)}, "PUT"))

    def remove_actor(self, actor: str | int) -> Result:
        """Take a person out of the account."""
        return self._do(_post(f"/v1/team/{actor}", method="DELETE"))

    def lock_actor(self, actor: str | int, *, locked: bool = True) -> Result:
        """Lock a person out of everything, or let in again (the operator's administrators)."""
        return self._do(_post(f"/v1/actors/{actor}/{'lock' if locked else 'unlock'}"))

    def keys(self) -> Result:
        """List API keys."""
        return self._do(Call("GET", "/v1/keys"))

    def make_key(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        allowed: Sequence[str] = (),
        sandbox: bool = False,
        software: bool = False,
    ) -> Result:
        """Make an API key; `key` of the answer is told once."""
        body = {
            "name": name, "scopes": list(scopes), "allowed": list(allowed), "sandbox": sandbox,
            "software": software,
        }  # fmt: skip
        return self._do(_post("/v1/keys", body))

    def revoke_key(self, key: str | int) -> Result:
        """Revoke an API key."""
        return self._do(_post(f"/v1/keys/{key}", method="DELETE"))

    def audit(
        self,
        cursor: int = 0,
        limit: int = 100,
        *,
        account: int | None = None,
        what: str | None = None,
    ) -> Result:
        """Return acts, the latest first, before a cursor."""
        return self._do(Call("GET", "/v1/audit", _query(cursor, limit, account, what)))

    def audit_table(
        self,
        cursor: int = 0,
        limit: int = 1_000,
        *,
        account: int | None = None,
        what: str | None = None,
    ) -> Result:
        """Return the same as CSV: `octets` of the answer."""
        query = _query(cursor, limit, account, what)
        return self._do(Call("GET", "/v1/audit.csv", query, raw=True))


def _query(cursor: int, limit: int, account: int | None, what: str | None) -> dict[str, str]:
    given = {"cursor": cursor, "limit": limit, "account": account, "what": what}
    return {name: str(value) for name, value in given.items() if value is not None}
