"""The papers of the play: who its companies are, and who may send for whom. Nobody is real.

The mall's account sends for its sister, the market, under a letter; the bookshop for itself; the
operator has a licence of its own and the certificate of its numbers.
"""

from __future__ import annotations

from typing import Any, Final

FIRST: Final = "2024-01-01"
LAST: Final = "2099-12-31"
"""How papers write that they hold until further notice."""

REVIEWERS: Final = ["林静", "周航"]
OPERATOR_CODE: Final = "91330108MA2HT9999Q"

_SUBJECT: Final = (
    "legal_person_identity",
    "responsible_person_identity",
    "applicant_identity",
    "commitment_letter",
)
_SENDING: Final = ("consent_statement", "free_text_letter", "icp_record")


def entity(code: str, name: str, industry: str) -> dict[str, Any]:
    """Return a company that was admitted to send for every purpose of its industry."""
    papers = [_licence(code, name), *(_paper(kind, name) for kind in (*_SUBJECT, *_SENDING))]
    return _entity(code, name, industry, papers)


def operator(name: str, numbers: list[str]) -> dict[str, Any]:
    """Return the operator: its licence to run the service, and the certificate of its numbers."""
    papers = [_licence(OPERATOR_CODE, name), *(_paper(kind, name) for kind in _SUBJECT)]
    papers.append(_paper("telecom_licence", name, "register", ["B25"], "B2-20240001"))
    papers.append(_paper("number_certificate", name, "paper", numbers, "号[2024]00001-A01"))
    return _entity(OPERATOR_CODE, name, "telecom_resale", papers)


def letter(principal: str, agent: str, purposes: list[str]) -> dict[str, Any]:
    """Return a letter by which one company lets another send in its name."""
    return {
        "principal": principal,
        "agent": agent,
        "purposes": purposes,
        "valid_from": FIRST,
        "valid_to": LAST,
    }


def _entity(code: str, name: str, industry: str, papers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "credit_code": code,
        "legal_name": name,
        "industry": industry,
        "reviewed_by": REVIEWERS,
        "papers": papers,
    }


def _licence(code: str, name: str) -> dict[str, Any]:
    return _paper("business_licence", name, "register", number=code) | {
        "evidence": {"source": "国家企业信用信息公示系统", "looked_up": FIRST}
    }


def _paper(
    kind: str,
    holder: str,
    seen: str = "paper",
    scope: list[str] | None = None,
    number: str = "",
) -> dict[str, Any]:
    return {
        "kind": kind,
        "number": number or f"{kind}-{holder}",
        "holder": holder,
        "scope": scope or [],
        "seen": seen,
        "valid_from": FIRST,
        "valid_to": LAST,
    }
