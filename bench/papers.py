"""Completes an operator's document with what its senders and accounts need to send: entities with
papers that were seen, letters for those who act for others. Benches and tests send over the same
chain as everybody; nobody in their documents is real."""

from __future__ import annotations

from typing import Any, Final

FIRST: Final = "2020-01-01"
LAST: Final = "2099-12-31"
_KINDS: Final = ("verification", "notification", "marketing", "internal")
_BASE: Final = (
    "legal_person_identity",
    "responsible_person_identity",
    "applicant_identity",
    "commitment_letter",
    "consent_statement",
    "free_text_letter",
)


def paper(kind: str, seen: str = "paper", **more: Any) -> dict[str, Any]:
    """Return a paper that holds for long."""
    return {
        "kind": kind,
        "number": f"{kind}-1",
        "seen": seen,
        "valid_from": FIRST,
        "valid_to": LAST,
        **more,
    }


def entity(code: str, name: str, industry: str = "retail", *more: dict[str, Any]) -> dict[str, Any]:
    """Return an entity with every paper that its industry (retail, or a bank) needs."""
    papers = [paper("business_licence", "signature"), *(paper(kind) for kind in _BASE)]
    if industry == "bank":
        papers.append(paper("financial_licence", "register"))
        papers.append(paper("work_certificate", "call_back"))
    return {
        "credit_code": code,
        "legal_name": name,
        "industry": industry,
        "reviewed_by": ["林一", "陈二"],
        "papers": [*papers, *more],
    }


def resale() -> dict[str, Any]:
    """Return the licence to send for others."""
    return paper("telecom_licence", "register", scope=["B25"])


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with entities, papers and letters for all that stand in it; one that has
    entities is as it is meant to be."""
    if "entities" in document:
        return document
    entities = {
        sender["credit_code"]: entity(
            sender["credit_code"], sender["legal_name"], _industry(sender)
        )
        for sender in document.get("senders", ())
    }
    letters: list[dict[str, Any]] = []
    accounts = [_account(account, entities, letters) for account in document.get("accounts", ())]
    return {
        **document,
        "entities": list(entities.values()),
        "letters": letters,
        "accounts": accounts,
    }


def _industry(sender: dict[str, Any]) -> str:
    return "bank" if sender.get("industry") == "finance" else "retail"


def _account(
    account: dict[str, Any], entities: dict[str, dict[str, Any]], letters: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return an account with its entity: a company's is its first sender, another's its own."""
    senders = account.get("senders", [])
    if account.get("kind", "company") == "company" and senders:
        own = senders[0]
    else:
        own = f"OWN-{account['name']}"
        certificate = paper("number_certificate")
        entities[own] = entity(own, account["name"], "other", resale(), certificate)
    for code in senders:
        if code != own:
            letters.append(
                {
                    "principal": code,
                    "agent": own,
                    "purposes": list(_KINDS),
                    "valid_from": FIRST,
                    "valid_to": LAST,
                }
            )
            entities[own]["papers"].append(resale())
    return {**account, "entity": own}
