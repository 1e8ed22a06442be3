"""The operator's reviewer: looks at lists of consents that are held, and lets honest ones go.

The bookshop's customers are nearly all customers of the mall, too. That looks like a list that was
handed on, so a person has to look before it opens anything (docs/consent-checks.md).
"""

from __future__ import annotations

from typing import Final

from assent.client import AsyncClient
from assent.demo.cast import BOOKS
from assent.errors import AssentError

KIND: Final = "consent_import"
EXPECTED: Final = (BOOKS.code, frozenset({"overlap"}))
"""Whose list is held in this play, and for what."""
_WORDS: Final = "两家顾客多有重合，已核对登记表原件"


async def release(reviewer: AsyncClient) -> dict[str, list[str]]:
    """Decide about every held delivery; return what was found, by sender.

    Raises AssentError when a list is held for what an honest customer's is not.
    """
    released: dict[str, list[str]] = {}
    for item in (await reviewer.review_items(kind=KIND))["items"]:
        shown = await reviewer.review_item(item["id"])
        imports = shown["subject"]["imports"]
        found = frozenset(finding["code"] for one in imports for finding in one["findings"])
        for sender in {one["sender"] for one in imports}:
            if (sender, found) != EXPECTED:
                codes = ", ".join(sorted(found))
                raise AssentError("demo_review", f"the consents of {sender} are held: {codes}")
            released[sender] = sorted(found)
        await reviewer.decide_item(item["id"], "approve", "in_order", _WORDS)
    return released
