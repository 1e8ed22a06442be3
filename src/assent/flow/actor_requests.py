"""What people hand in about themselves, their team and their keys (web decodes into these)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Roles = Annotated[list[str], msgspec.Meta(min_length=1, max_length=10)]
Entry = Annotated[str, msgspec.Meta(max_length=64)]


class CompanyPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The legal entity that applies. `credit_code`: unified social credit code, or the number of
    a foreign register."""

    credit_code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    legal_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: Literal["company", "sole_trader", "public_body", "organisation", "foreign"] = "company"
    industry: Annotated[str, msgspec.Meta(max_length=64)] = ""
    website: Annotated[str, msgspec.Meta(max_length=253)] = ""


class SignUp(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/sign-up: a person applies for an account. `account`: what it is called, the legal
    name if not given. `kind`: agents send for others. `class_`: an organisation reaches only its
    own members."""

    email: Email
    name: Name
    password: Password
    company: CompanyPart
    account: Annotated[str, msgspec.Meta(max_length=200)] = ""
    kind: Literal["company", "agent"] = "company"
    class_: Literal["ordinary", "organisation"] = msgspec.field(name="class", default="ordinary")


class Confirm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/sign-up/confirm: the mailed token, and the password once more."""

    token: Token
    password: Password


class Login(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/session. `code`: of the second factor, or a recovery code. `account`: which one to
    act for. `cookie`: put the token into a cookie, for browsers, in place of the answer."""

    email: Email
    password: Password
    code: Code | None = None
    account: Entry | None = None
    cookie: bool = False


class Raise(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/session/raise: prove it again, to change who may act."""

    password: Password
    code: Code | None = None


class Switch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/session/account: act for another of one's accounts."""

    account: Entry


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/me/password."""

    old: Password
    new: Password


class ResetWish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/password/reset: mail a token to set a new password with."""

    email: Email


class ResetDone(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/password/set: the mailed token and the new password."""

    token: Token
    password: Password


class PhoneWish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/me/phone: send a code to a mobile number."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class CodeGiven(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/me/phone/confirm, /v1/me/totp/confirm and /v1/me/totp/off."""

    code: Code


class Invitation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/team/invitations: mail somebody a token to join the account with."""

    email: Email
    roles: Roles


class Acceptance(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/invitations/accept. Who has a login already gives its password; who has none
    chooses one, and gives a name."""

    token: Token
    password: Password
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""


class RoleChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /v1/team/{actor_id}: all roles that a person is to have."""

    roles: Roles


class KeyWish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/keys. `scopes`: no more than one's own. `allowed`: addresses or networks that it may
    be used from; any if none is named. `software`: it stays when who made it leaves."""

    name: Name
    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    allowed: Annotated[list[str], msgspec.Meta(max_length=50)] = msgspec.field(default_factory=list)
    sandbox: bool = False
    software: bool = False


REQUESTS = (
    SignUp, Confirm, Login, Raise, Switch, PasswordChange, ResetWish, ResetDone, PhoneWish,
    CodeGiven, Invitation, Acceptance, RoleChange, KeyWish,
)  # fmt: skip
"""All of them, for the OpenAPI document."""
