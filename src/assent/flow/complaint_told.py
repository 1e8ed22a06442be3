"""How complaints are told: to staff, and to the customer that one concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assent.flow.needs import utc
from assent.message import Purpose
from assent.numbers.segments import Name

_CUSTOMER: Final = (
    "id", "source", "state", "sender", "credit_code", "number", "complained_at", "at", "due_at",
    "answered_at", "overdue",
)  # fmt: skip
_FOUND_OUT: Final = ("purpose", "category")


def told(row: Any, now: float, provinces: Sequence[Name]) -> dict[str, Any]:
    """Return a complaint in short for staff. `provinces`: those of the number table."""
    province, purpose = provinces[row["province"]], row["purpose"]
    return {
        "id": str(row["id"]),
        "source": row["source"],
        "state": row["state"],
        "sender": row["legal_name"],
        "credit_code": row["credit_code"],
        "account": row["account"],
        "number": row["number"],
        "port_type": row["port_type"],
        "matched": row["matched"],
        "carrier": row["carrier"],
        "province": {"zh": province.zh, "en": province.en} if row["province"] else None,
        "purpose": None if purpose is None else Purpose(purpose).name.lower(),
        "category": row["category"],
        "brand": row["brand"] or row["legal_name"] or "",
        "reference": row["reference"],
        "file": str(row["file_id"]) if row["file_id"] else None,
        "complained_at": row["complained_at"],
        "at": row["at"],
        "forward_by": row["forward_by"],
        "due_at": row["due_at"],
        "answered_at": row["answered_at"],
        "overdue": _overdue(row, now),
    }


def told_customer(row: Any, now: float, account: int) -> dict[str, Any]:
    """Return what the customer concerned sees: nothing of the person, and of a complaint that a
    customer handed in nothing that was found out about the number it named."""
    whole = told(row, now, [Name("", "")] * (row["province"] + 1))
    found = {name: whole[name] for name in _CUSTOMER}
    if row["source"] != "api":
        return found | {name: whole[name] for name in _FOUND_OUT}
    if row["account_id"] != account and found["state"] == "forwarded":
        found["state"] = "open"  # to whoever ordered the message, if anybody did
    return found


def _overdue(row: Any, now: float) -> bool:
    at = utc(now)
    if row["state"] == "open" and row["forward_by"] is not None and row["forward_by"] < at:
        return True
    waits = row["state"] in ("open", "forwarded")
    return waits and row["due_at"] is not None and row["due_at"] < at
