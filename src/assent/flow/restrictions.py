"""Restrictions: what must not leave for a while, for whom, why, and until when.

Ceilings, cases, carriers and staff impose them through this one door; decisions, the queue and
customers read them (docs/ceilings.md). One binds from its commit on: it is imposed under the lock
that every commit of attempts holds shared, and whoever commits next looks for restrictions that it
has not seen (commit.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.restricted import CHANNEL, EFFECTS, Scope
from assent.message import Purpose
from assent.screen.categories import BY_CODE as CATEGORIES

__all__ = ["SOURCES", "Restrictions", "Scope"]

SOURCES: Final = frozenset({"ceiling", "case", "carrier", "staff"})
_PURPOSES: Final = sum(1 << p for p in Purpose if p is not Purpose.SYSTEM)


class Restrictions:
    """Imposes, lifts and lists. Stateless: one serves a process."""

    async def impose(
        self,
        tx: Transaction,
        scope: Scope,
        effect: str,
        code: str,
        words: Mapping[str, str],
        source: str,
        source_id: int | None,
        since: float,
        until: float | None,
        step: int = 0,
    ) -> int:
        """Impose a restriction; return its id. It binds once the transaction commits.

        `effect`: `defer` (leaves when it ends, which must be told), `hold` (waits until it is
        lifted or ends) or `reject` (ends, and its money is given back). `code` and `words` (`en`,
        `zh`) tell the customer why. Times in unix seconds; `until` None: until it is lifted.
        `source_id`: of the case, the finding, the file.

        Call it before the transaction takes any other advisory lock: it waits for commits that are
        under way. Raises InvalidInput.
        """
        # long: the arguments are the columns of the row
        _check(scope, effect, code, words, source, since, until)
        await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
        id_: int = await tx.fetchval(
            "restriction_insert",
            scope.group_id,
            scope.sender_id,
            scope.account_id,
            scope.port_id,
            scope.carrier,
            scope.province,
            scope.category,
            scope.purposes,
            effect,
            code,
            json.dumps(dict(words), ensure_ascii=False),
            source,
            source_id,
            utc(since),
            None if until is None else utc(until),
            step,
        )
        await tx.execute("notify", CHANNEL, "")
        return id_

    async def lift(self, tx: Transaction, id_: int, by: str, at: float) -> Any:
        """Lift a restriction; return its row. What it held back may leave again; what it ended
        stays so. `by`: who, in a word that the record keeps: `staff`, `case`, `rule`, `step`.

        Raises NotFound, Conflict `restriction_over` where it was lifted or has ended.
        """
        row = await tx.fetchrow("restriction_lift", id_, utc(at), by)
        if row is None:
            if await tx.fetchrow("restriction_get", id_) is None:
                raise no_restriction()
            raise Conflict(
                "restriction_over", "the restriction was lifted already", field="id",
                mend="see GET /v1/restrictions",
            )  # fmt: skip
        await tx.execute("notify", CHANNEL, "")
        return row

    async def get(self, queries: Queries, id_: int) -> Any:
        """Return the row of a restriction. Raises NotFound."""
        row = await queries.fetchrow("restriction_get", id_)
        if row is None:
            raise no_restriction()
        return row

    async def page(
        self,
        queries: Queries,
        now: float,
        before: int | None = None,
        source: str = "",
        open_only: bool = True,
        most: int = 100,
    ) -> list[Any]:
        """Return rows newest first, before an id: those in force at `now`, or all."""
        return await queries.fetch("restrictions_page", before, source, open_only, utc(now), most)

    async def end_over(self, queries: Queries, now: float) -> int:
        """Mark what has ended by itself; return how many. Nothing depends on when."""
        return len(await queries.fetch("restrictions_ended", utc(now)))


def no_restriction() -> NotFound:
    """Return the error for an id that is none."""
    return NotFound(
        "no_restriction", "there is no such restriction", field="id",
        mend="see GET /v1/restrictions",
    )  # fmt: skip


def _check(
    scope: Scope,
    effect: str,
    code: str,
    words: Mapping[str, str],
    source: str,
    since: float,
    until: float | None,
) -> None:
    def wrong(field: str, message: str, mend: str) -> InvalidInput:
        return InvalidInput("bad_restriction", message, field=field, mend=mend)

    if effect not in EFFECTS:
        raise wrong("effect", "there is no such effect", "use defer, hold or reject")
    if source not in SOURCES:
        raise wrong("source", "nobody restricts by this name", f"use {', '.join(sorted(SOURCES))}")
    if until is not None and until <= since:
        raise wrong("until", "it ends before it begins", "give a later end")
    if effect == "defer" and until is None:
        raise wrong("until", "what is put off needs an end", "give the end, or hold it")
    if not code or not all(words.get(language, "").strip() for language in ("en", "zh")):
        raise wrong("words", "the customer is told why, in both languages", "give en and zh")
    if scope.purposes & ~_PURPOSES:
        raise wrong("purposes", "the platform's own texts are never restricted", "leave it out")
    if scope.category and scope.category not in CATEGORIES:
        raise wrong("category", "there is no such category", "see docs/screening.md")
    if not 0 <= scope.province < 256:
        raise wrong("province", "there is no such province", "use one of the number table")
    if scope == Scope():
        raise wrong("scope", "a restriction of everything is a switch", "use POST /v1/switches")
