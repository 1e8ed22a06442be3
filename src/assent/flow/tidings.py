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

    async def tell_one(
        self, tx: Queries, actor: int | None, account: int, mail: tuple[str, str]
    ) -> int:
        """Write a mail to one person or, where that is none that acts any more, to those who decide
        in an account; return to how many."""
        email = None if actor is None else await tx.fetchval("person_to_tell", actor)
        if email is None:
            return await self.tell(tx, account, mail)
        await self._post.put(tx, email, *mail)
        return 1
