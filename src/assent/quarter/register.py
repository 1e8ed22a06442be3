"""The operator's register of a simulated quarter, for `assent setup`: entities with the papers that
their trades need, senders, accounts with their keys. What it files is what a reviewed customer has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assent.flow.keys import STAFF_SCOPES
from assent.message import Purpose
from assent.quarter.cast import CARRIERS, PROGRAMME, WORDING, Sender
from assent.registry.table import FINANCE, Demand, Table

OPERATOR: Final = "operator"
OPERATOR_CODE: Final = "91330108MA2HT9999Q"
SERVICE_PORT: Final = "1069099"
STAFF: Final[Mapping[str, Sequence[str]]] = {
    "reviewer": ("review",),
    "second": ("second_review",),
    "auditor": ("audit",),
    "admin": ("admin", "review"),
    "support": ("support",),
    "duty": ("enforce", "review", "audit", "support"),
    "chief": ("second_enforce",),
}
"""Keys of the operator's people, with their scopes."""
_FIRST: Final = "2025-01-01"
_LAST: Final = "2099-12-31"
_REVIEWERS: Final = ["林静", "周航"]
_PRICE: Final = 45_000
_DEPOSIT: Final = 10_000_000_000


@dataclass(slots=True)
class Account:
    """A customer. `entity`: whose it is; an agent's has senders of others in its list."""

    name: str
    entity: str
    senders: list[str]
    kind: str = "company"
    class_: str = "ordinary"


@dataclass(slots=True)
class Cast:
    """Everybody whom the register names."""

    senders: list[Sender] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    agents: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)

    def company(self, sender: Sender) -> None:
        """A sender with an account of its own."""
        self.senders.append(sender)
        class_ = "organisation" if sender.organisation else "ordinary"
        self.accounts.append(Account(sender.account, sender.code, [sender.code], class_=class_))

    def agent(self, name: str, code: str, legal_name: str, senders: Sequence[Sender]) -> None:
        """An agent's account that sends for others, with their letters."""
        table = Table.load()
        demands = [*table.base.demands, *table.agent.demands, *table.agent_finance.demands]
        self.agents.append(_entity(code, legal_name, "telecom_resale", demands))
        self.senders += senders
        self.accounts.append(Account(name, code, [one.code for one in senders], "agent"))
        self.letters += [
            {
                "principal": one.code,
                "agent": code,
                "purposes": list(one.ports),
                "valid_from": _FIRST,
                "valid_to": _LAST,
            }
            for one in senders
        ]


def register(cast: Cast) -> dict[str, Any]:
    """Return the document."""
    table = Table.load()
    operator = [*table.base.demands, *table.operator.demands]
    keys = [
        {"name": name, "scopes": [one for one in scopes if one in STAFF_SCOPES]}
        for name, scopes in STAFF.items()
    ]
    return {
        "entities": [
            _entity(OPERATOR_CODE, "模拟短信平台有限公司", "telecom_resale", operator),
            *cast.agents,
            *(_entity(*_who(one), _demands(table, one)) for one in cast.senders),
        ],
        "letters": cast.letters,
        "senders": [_sender(one) for one in cast.senders],
        "accounts": [
            *(_account(one) for one in cast.accounts),
            {
                "name": OPERATOR,
                "kind": "operator",
                "price_micro": 0,
                "entity": OPERATOR_CODE,
                "keys": keys,
            },
        ],
        "service_ports": [
            {
                "number": SERVICE_PORT,
                "carriers": list(CARRIERS),
                "purpose": "system",
                "signature": "平台服务",
            }
        ],
    }


def _who(sender: Sender) -> tuple[str, str, str]:
    return sender.code, sender.legal_name, sender.industry


def _demands(table: Table, sender: Sender) -> list[Demand]:
    demands = [*table.base.demands, table.free_text_letter]
    for purpose in sender.ports:
        terms = table.terms(sender.industry, Purpose[purpose.upper()])
        demands += () if terms is None else terms.demands
    return demands


def _entity(code: str, name: str, industry: str, demands: Iterable[Demand]) -> dict[str, Any]:
    papers = {one.kinds[0]: one for one in sorted(demands, key=lambda one: one.seen)}
    scopes = {one.kinds[0]: sorted(one.scope) for one in demands if one.scope}
    return {
        "credit_code": code,
        "legal_name": name,
        "kind": "public_body" if industry == "public_institution" else "company",
        "industry": industry,
        "reviewed_by": _REVIEWERS,
        "papers": [
            {
                "kind": kind,
                "number": f"{kind}-{code}",
                "holder": name,
                "scope": scopes.get(kind, []),
                "seen": demand.seen.name.lower(),
                "valid_from": _FIRST,
                "valid_to": _LAST,
            }
            for kind, demand in papers.items()
        ],
    }


def _sender(sender: Sender) -> dict[str, Any]:
    programmes = []
    if "marketing" in sender.ports:
        programmes.append(_programme(PROGRAMME, "marketing", "优惠和新品"))
    if "internal" in sender.ports:
        programmes.append(_programme("staff", "internal", "内部通知"))
    filed = {"marketing": PROGRAMME, "internal": "staff"}
    return {
        "credit_code": sender.code,
        "legal_name": sender.legal_name,
        "contact": sender.contact,
        "industry": sender.industry,
        "programmes": programmes,
        "templates": _templates(sender),
        "ports": [
            {
                "number": number,
                "carriers": list(CARRIERS),
                "purpose": purpose,
                "signature": sender.signature,
                "programme": filed.get(purpose),
            }
            for purpose, number in sender.ports.items()
        ],
    }


def _programme(name: str, purpose: str, kinds: str) -> dict[str, Any]:
    return {
        "name": name,
        "purposes": [purpose],
        "kinds": kinds,
        "frequency": "每周两条",
        "period": "一年",
        "wording": WORDING,
    }


def _templates(sender: Sender) -> list[dict[str, Any]]:
    found = []
    if "verification" in sender.ports:
        body = "您的验证码是{code}，5分钟内有效，请勿告诉他人。"
        found.append(("code", "verification", body, "会员登录验证"))
    if "marketing" in sender.ports and Table.load().category(sender.industry) == FINANCE:
        found += [  # finance writes nothing freely
            (f"offer{place}", "marketing", body.replace("{contact}", sender.contact), "")
            for place, body in enumerate(sender.offers)
        ]
    if "notification" in sender.ports:
        found += [
            (f"notice{place}", "notification", body, "履行服务合同")
            for place, body in enumerate(sender.notices)
        ]
    words = ("name", "purpose", "body", "basis")
    return [dict(zip(words, one, strict=True)) for one in found]


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "entity": account.entity,
        "kind": account.kind,
        "class": account.class_,
        "price_micro": _PRICE,
        "senders": account.senders,
        "deposits": {"quarter": _DEPOSIT},
        "keys": [{"name": "own"}],
    }
