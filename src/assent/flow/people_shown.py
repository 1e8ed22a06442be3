"""Persons behind entities as reviewers see them: masked, unless somebody opens one, which is
written down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from assent.flow.vault import Vault


def opened(vault: Vault, row: Any) -> dict[str, str]:
    """Return who a person is."""
    belongs = f"entity_person/{bytes(row['person']).hex()}"
    found: dict[str, str] = json.loads(vault.open(bytes(row["sealed"]), belongs))
    return found


def people_told(vault: Vault, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return persons with names and numbers masked."""
    return [_masked(row, opened(vault, row)) for row in rows]


def _masked(row: Any, who: dict[str, str]) -> dict[str, Any]:
    number, phone, name = who["id_number"], who["phone"], who["name"]
    return {
        "id": str(row["id"]),
        "role": row["role"],
        "name": name[:1] + "*" * max(1, len(name) - 1),
        "id_number": number[:3] + "*" * max(1, len(number) - 7) + number[-4:]
        if len(number) > 7 else "*" * len(number),
        "phone": phone[:3] + "*" * max(1, len(phone) - 7) + phone[-4:]
        if len(phone) > 7 else "*" * len(phone),
        "matched": row["matched"],
        "match_source": row["match_source"],
    }  # fmt: skip
