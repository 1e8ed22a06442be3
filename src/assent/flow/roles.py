"""Roles of people in accounts, and the scopes that they come to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from assent.errors import InvalidInput
from assent.flow.keys import OFFICE, USUAL

OWNER: Final = "owner"
ADMINISTRATOR: Final = "administrator"

CUSTOMER_ROLES: Final[dict[str, frozenset[str]]] = {
    OWNER: USUAL | OFFICE,
    "sender": USUAL,
    "finance": frozenset({"money", "read"}),
    "read_only": frozenset({"read"}),
}
"""What the people of a customer may do."""

STAFF_ROLES: Final[dict[str, frozenset[str]]] = {
    "reviewer": frozenset({"review"}),
    "second_reviewer": frozenset({"review", "second_review"}),
    "enforcer": frozenset({"enforce"}),
    "second_enforcer": frozenset({"enforce", "second_enforce"}),
    "auditor": frozenset({"audit", "read"}),
    "support": frozenset({"support", "read"}),
    "order_desk": frozenset({"behalf", "read"}),
    "finance": frozenset({"treasury", "money", "read"}),
    ADMINISTRATOR: frozenset({"admin", "links"}),
}
"""What the operator's own people may do. Nobody has all of it."""

PERSONAL: Final = frozenset(
    {"team", "admin", "review", "second_review", "support", "behalf", "treasury", "enforce",
     "second_enforce"}
)  # fmt: skip
"""What only a natural person does: no key of software may have these, or one person could act as
two."""


def roles_of(account_kind: str) -> dict[str, frozenset[str]]:
    """Return the roles that there are in an account of a kind."""
    return STAFF_ROLES if account_kind == "operator" else CUSTOMER_ROLES


def head_of(account_kind: str) -> str:
    """Return the role that decides who acts for an account, which never stays without one."""
    return ADMINISTRATOR if account_kind == "operator" else OWNER


def scopes_of(account_kind: str, roles: Iterable[str]) -> frozenset[str]:
    """Return what some roles may do together."""
    known = roles_of(account_kind)
    return frozenset().union(*(known.get(role, frozenset()) for role in roles))


def check_roles(account_kind: str, roles: Iterable[str]) -> list[str]:
    """Return roles in order, each once. Raises InvalidInput for none or one that is not there."""
    wanted = sorted(set(roles))
    known = roles_of(account_kind)
    wrong = [role for role in wanted if role not in known]
    if wrong or not wanted:
        raise InvalidInput(
            "unknown_role",
            f"there is no role {wrong[0]} in this account" if wrong else "no role is given",
            field="roles", rule="accounts: roles", mend=f"use some of {', '.join(known)}",
        )  # fmt: skip
    return wanted
