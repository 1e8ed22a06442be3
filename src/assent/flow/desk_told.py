"""What is told of items of the review desk, and of what was said about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from assent.flow.matters import OPEN, Item
from assent.flow.needs import Queries
from assent.registry.decisions import BY_CODE


async def threads(
    queries: Queries, items: Sequence[int], *, inside: bool
) -> dict[int, list[dict[str, Any]]]:
    """Return what was said of items, in order. `inside`: for staff, who see who said it."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in await queries.fetch("review_words", list(items)):
        told = {
            "at": row["at"],
            "verb": row["verb"],
            "from": "customer" if row["verb"] == "answer" else "operator",
            "words": row["words"],
            **(_ground(row["code"]) if row["code"] else {}),
        }
        if inside:
            told |= {"key": row["key_id"], "actor": row["actor_id"]}
        found[row["item_id"]].append(told)
    return found


def item_told(row: Any, now: float, *, inside: bool = True) -> dict[str, Any]:
    """Return an item; `inside`: with what only staff see."""
    item = Item.of(row)
    left = item.due_at.timestamp() - now
    told = {
        "id": str(item.id),
        "kind": item.kind,
        "about": str(item.subject),
        "account": row["account"],
        "entity": row["credit_code"],
        "entity_name": row["legal_name"],
        "state": item.state,
        "reviewers": item.reviewers,
        "agreed": 0 if item.first is None else 1,
        "opened_at": item.opened_at,
        "due_at": item.due_at,
        "overdue": item.state in OPEN and left < 0,
        "reasons": item.reasons,
        **(_ground(item.code) if item.code else {}),
    }
    return {**told, "signals": item.signals} if inside else told


def _ground(code: str) -> dict[str, str]:
    ground = BY_CODE[code]
    return {"code": code, "en": ground.en, "zh": ground.zh, "mend": ground.mend}
