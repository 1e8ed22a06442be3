"""Templates in use are screened again whenever models, words, lists or rules change.

What a person approved stays in use while nothing graver is found in it than she saw. What is found
graver is held until a person has looked again, and orders by it are told so; codes go on until a
person refuses, since whoever waits for one cannot wait for a reviewer. A template that was approved
before there was screening counts as approved with what is found first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from assent.flow.needs import utc
from assent.flow.screened import Text
from assent.flow.screening import CHANNEL
from assent.flow.text_cases import Case, digest_of, severity_of
from assent.flow.text_reviews import TextReviews
from assent.message import Purpose
from assent.registry.templates import plain

AT_ONCE: Final = 500


class TemplateWatch:
    """Run :meth:`step` now and then, in one process."""

    def __init__(self, reviews: TextReviews) -> None:
        self._reviews = reviews
        self._turn = asyncio.Lock()
        self.held = 0

    async def step(self, now: float) -> None:
        """Screen what was not screened with the set in force."""
        texts = self._reviews.texts
        async with self._turn:
            while (screens := await texts.ready()) is not None:
                digest = digest_of(screens)
                rows = await self._reviews.store.fetch("templates_unscreened", digest, AT_ONCE)
                if not rows:
                    return
                await self._screen(rows, digest, now)

    async def _screen(self, rows: Sequence[Any], digest: bytes, now: float) -> None:
        catalogue, texts = self._reviews.catalogue, self._reviews.texts
        asked = [
            Text(
                plain(row["body"]),
                texts.senders.of(catalogue.senders[row["sender_id"]], now),
                Purpose(row["purpose"]),
            )
            for row in rows
        ]
        for row, text, found in zip(rows, asked, await texts.screen(asked), strict=True):
            verdict, approved = severity_of(found), row["verdict"]
            if approved is not None and verdict > approved:
                await self._hold(row, Case(
                    "template", "held", text.text, found, texts.digest("template", found.digest)
                ))  # fmt: skip
            first = int(verdict) if approved is None else approved
            await self._reviews.store.execute(
                "template_screened", row["id"], first, digest, utc(now), found.category
            )
        # No review's number: texts need not be looked at again for it.
        await self._reviews.store.execute("notify", CHANNEL, "-1")

    async def _hold(self, row: Any, case: Case) -> None:
        account = row["account_id"]
        if account is None:  # the operator's register filed it
            operator = self._reviews.catalogue.operator
            assert operator is not None, "somebody runs this"
            account = operator.id
        whose = account, row["sender_id"], Purpose(row["purpose"])
        await self._reviews.keep_case(*whose, case, row["id"])
        self.held += 1
