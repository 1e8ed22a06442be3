"""What reviewers see of pages, and ask for: the list, one with its versions, a look right now."""

from __future__ import annotations

import json
from typing import Any, Final

from assent.clock import Clock
from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.desk import Desk
from assent.flow.matters import Note
from assent.flow.needs import Store, utc
from assent.flow.page_looks import KIND
from assent.flow.page_matter import look_told, use_told
from assent.flow.pages import CHANNEL, Version, baselines
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act

STATES: Final = ("new", "clear", "held", "stopped")
REVIEWERS: Final = frozenset({"review", "second_review"})


class PagesShown:
    """For reviewers. `fetching`: whether anybody looks behind links here."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, desk: Desk, *, fetching: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._desk = desk
        self._fetching = fetching

    async def list(
        self, caller: Caller, state: str | None = None, cursor: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """Return pages after an id."""
        self._check(caller, REVIEWERS | {"audit"})
        if state is not None and state not in STATES:
            raise InvalidInput(
                "page_state", "a page has no such state", field="state",
                mend=f"use one of {', '.join(STATES)}",
            )  # fmt: skip
        rows = await self._store.fetch("pages_list", state, cursor, limit)
        return {
            "fetching": self._fetching,
            "items": [
                {**_told(row), "templates": row["templates"], "campaigns": row["campaigns"]}
                for row in rows
            ],
            "cursor": rows[-1]["id"] if rows else cursor,
            "more": len(rows) == limit,
        }

    async def show(self, caller: Caller, page: int) -> dict[str, Any]:
        """Return a page with what leads there, what was accepted and what was seen last."""
        self._check(caller, REVIEWERS | {"audit"})
        row = await self._store.fetchrow("page_get", page)
        if row is None:
            raise _no_page()
        users = await self._store.fetch("page_users", page)
        versions = await self._store.fetch("page_versions", page)
        newest: dict[str, int] = {}
        for one in versions:
            newest.setdefault(one["profile"], one["id"])
        kept = await self._store.fetch("page_versions_get", page, list(newest.values()))
        return {
            **_told(row),
            "fetching": self._fetching,
            "accepted": list(row["accepted"]),
            "uses": [use_told(one) for one in users],
            "seen": {one["profile"]: look_told(Version.of(one).look) for one in kept},
            "versions": [
                {
                    "id": str(one["id"]),
                    "profile": one["profile"],
                    "looks": one["looks"],
                    "first_at": one["first_at"],
                    "last_at": one["last_at"],
                    "accepted_at": one["accepted_at"],
                }
                for one in versions
            ],
        }

    async def fetch(self, caller: Caller, page: int) -> dict[str, Any]:
        """Have a page looked at as soon as there is room; one that was stopped comes up for
        decision again. Return where it stands."""
        self._check(caller, REVIEWERS)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("page_hold", page)
            if row is None:
                raise _no_page()
            await tx.execute("page_due_now", page, utc(at))
            state = row["state"]
            if state == "stopped":
                state = "held"
                await tx.execute("page_state", page, state, list(row["accepted"]))
                before = [one.id for one in (await baselines(tx, page)).values()]
                newest: dict[str, int] = {}
                for one in await tx.fetch("page_versions", page):
                    newest.setdefault(one["profile"], one["id"])
                compared = {"before": before, "after": list(newest.values()), "campaigns": []}
                words = "what was accepted, and what is there now", "已审版本与当前版本"
                reasons = [
                    Note(one["code"], one["en"], one["zh"]) for one in json.loads(row["findings"])
                ]
                signals = [Note("page_versions", *words, compared)]
                await self._desk.open(tx, KIND, page, at=at, reasons=reasons, signals=signals)
            states = {"state": row["state"]}, {"state": state}
            await keep_act(tx, caller, at, "page.fetch", f"page/{page}", *states)
            await tx.execute("notify", CHANNEL, "")
        return await self.show(caller, page)

    def _check(self, caller: Caller, scopes: frozenset[str]) -> None:
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(scopes):
            raise NotAllowed(
                "missing_scope", "only reviewers may do this", field="Authorization",
                rule="http-api: keys", mend="use a key with the scope review",
            )  # fmt: skip


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "url": row["url"],
        "host": row["host"],
        "state": row["state"],
        "outcome": row["outcome"],
        "why": row["why"],
        "findings": json.loads(row["findings"]),
        "failures": row["failures"],
        "first_at": row["first_at"],
        "looked_at": row["looked_at"],
        "next_at": row["next_at"],
    }


def _no_page() -> NotFound:
    return NotFound("no_page", "there is no such page", field="id", mend="see GET /v1/pages")
