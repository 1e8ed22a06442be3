"""Tidings for the people of an account, by the mail that everything for them takes.

Written in the transaction that it is about, so that nobody hears of what did not happen, and of
nothing twice.
"""

from __future__ import annotations

from assent.flow.needs import Queries
from assent.flow.post import Post


class Tidings:
    """Writes to an account's owners, and to the operator's administrators of its own affairs."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def tell(
        self,
        tx: Queries,
        account: int | None,
        mail: tuple[str, str],
        *,
        entity: int | None = None,
    ) -> int:
        """Write a mail (subject, text) to each of them; return to how many. Without an account to
        the people of those that were admitted for `entity`."""
        rows = await tx.fetch("people_to_tell", account, entity)
        for row in rows:
            await self._post.put(tx, row["email"], *mail)
        return len(rows)
