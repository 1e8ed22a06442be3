"""The chain in the sandbox: the function that real orders walk, over a company that does not exist.

Nothing leaves from there, so nobody's papers are asked for; but there is one way through judging
only. A sandbox account stands for a shop with every paper in force, whatever its senders are
called. A sender that is called like a broken link (`not_authorised`) acts that link out, so that a
program meets each answer before its owner does. Every text is taken for a template of its sender's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, Final

from assent.flow.chain import Chain
from assent.flow.chain_rows import Entity, Letter, Rows, Stop
from assent.flow.order import Account, Port, Sender, Template
from assent.message import Purpose
from assent.policy.reasons import BY_CODE
from assent.registry.papers import Paper, Seen
from assent.registry.table import Table

_SHOP, _OTHER, _OPERATOR = 1, 2, 3
_ALL: Final = sum(1 << purpose for purpose in Purpose)
_SHOP_KINDS: Final = (
    "business_licence",
    "legal_person_identity",
    "responsible_person_identity",
    "applicant_identity",
    "commitment_letter",
    "consent_statement",
)
_LETTER: Final = Letter(
    1, _OTHER, _SHOP, None, _ALL, frozenset(), date(2000, 1, 1), date(2999, 12, 31), "accepted"
)


def _papers(kinds: tuple[str, ...]) -> tuple[Paper, ...]:
    first, last = date(2000, 1, 1), date(2999, 12, 31)
    return tuple(
        Paper(place, kind, Seen.REGISTER, True, first, last, None, _scope(kind))
        for place, kind in enumerate(kinds, start=1)
    )


def _scope(kind: str) -> frozenset[str]:
    return frozenset({"B25"} if kind == "telecom_licence" else ())


def _whole() -> Rows:
    """Return the rows of a shop that may send."""
    shop = _papers(_SHOP_KINDS)
    port = Port(1, "10690000", "sandbox", 1, Purpose.NOTIFICATION, "沙箱", None, True, "", True)
    return Rows(
        {
            1: Account(1, "sandbox", "company", True, 0, None, "active", _SHOP),
            2: Account(2, "operator", "operator", True, 0, None, "active", _OPERATOR),
        },
        {1: Sender(1, 1, "SANDBOX", "沙箱", "", True, "", "active", _SHOP)},
        {1: port},
        {1 + p: Template(1 + p, 1, p.name, p, "", "", True) for p in Purpose},
        frozenset({(1, 1)}),
        {entity: Entity(entity, "retail", "active") for entity in (_SHOP, _OTHER, _OPERATOR)},
        {
            _SHOP: shop,
            _OTHER: shop,
            _OPERATOR: _papers(("telecom_licence", "number_certificate")),
        },
    )


def _account(status: str, kind: str = "company") -> Callable[[Rows], Rows]:
    def change(rows: Rows) -> Rows:
        account = replace(rows.accounts[1], status=status, kind=kind)
        return replace(rows, accounts={**rows.accounts, 1: account})

    return change


def _port(**fields: Any) -> Callable[[Rows], Rows]:
    return lambda rows: replace(rows, ports={1: replace(rows.ports[1], **fields)})


def _of_another(rows: Rows) -> Rows:
    """The sender is another company, and not of the account's group."""
    return replace(rows, senders={1: replace(rows.senders[1], entity_id=_OTHER)})


def _by_agent(rows: Rows) -> Rows:
    """The same with a letter, but the agent has no licence."""
    return replace(_account("active", "agent")(_of_another(rows)), letters={1: _LETTER})


_BREAKS: Final[dict[str, Callable[[Rows], Rows]]] = {
    "account_not_verified": _account("applied"),
    "account_suspended": _account("suspended"),
    "sender_not_qualified": lambda rows: replace(
        rows, entities={**rows.entities, _SHOP: Entity(_SHOP, "bank", "active")}
    ),
    "sender_suspended": lambda rows: replace(
        rows, senders={1: replace(rows.senders[1], status="suspended")}
    ),
    "not_authorised": _of_another,
    "agent_not_licensed": _by_agent,
    "operator_licence": lambda rows: replace(rows, papers={**rows.papers, _OPERATOR: ()}),
    "port_inactive": _port(status="paused"),
    "port_not_filed": _port(status="applied"),
    "signature_lapsed": _port(signature_lapsed=True),
    "template_not_approved": lambda rows: replace(rows, templates={}),
    "free_text_not_allowed": lambda rows: rows,
    "class_stopped": lambda rows: replace(
        rows, stops=(Stop(frozenset(), 0, False, 0.0, float("inf")),)
    ),
    "provisional_scope": _account("provisional"),
}
ACTED: Final = frozenset(_BREAKS)
"""Names of senders that act a broken link out."""


@lru_cache(maxsize=len(_BREAKS) + 1)
def _chain(code: str) -> Chain:
    chain = Chain(Table.load())
    rows = _whole()
    chain.take(_BREAKS[code](rows) if code else rows)
    return chain


def reason_of(sender: str, purpose: Purpose, now: float) -> str:
    """Return the code of the strongest broken link of an order in the sandbox, '' for none."""
    code = sender if sender in ACTED else ""
    words = 0 if code == "free_text_not_allowed" else 1 + purpose
    broken = _chain(code).broken(1, 1, 1, words, purpose, now)
    return min(broken, key=lambda one: BY_CODE[one].rank, default="")
