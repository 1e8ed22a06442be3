"""What follows from looks at a page: it is kept, compared with what was accepted, and where it is
another page now, campaigns rest and a reviewer sees both versions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.flow.desk import Desk
from assent.flow.matters import Note, withdraw_item
from assent.flow.needs import Store, Transaction, utc
from assent.flow.pages import HELD, PageSettings, Version, baselines, keep, pause
from assent.screen.drift import Drift, Reason, differs
from assent.screen.finding import Finding, Severity
from assent.screen.page_findings import judge_looks, of_drift
from assent.screen.page_look import Look

KIND: Final = "page"
SOON_S: Final = 30.0
"""After which a page that seems gone is looked at again before anything follows."""
_SOFT: Final = frozenset({"page_gone", "page_refused", "page_cloaked"})
"""What a server does now and then for no reason: it counts when it is so twice."""
_LONGEST_S: Final = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class _Judged:
    """What looks tell. `before`: what they were compared with."""

    before: Mapping[str, Version]
    drifts: Mapping[str, Drift]
    found: list[Finding]

    @property
    def compared(self) -> frozenset[int]:
        return frozenset(version.id for version in self.before.values())


class PageLooks:
    """Takes looks. `changed`, `failed`: how many did so far, for figures."""

    def __init__(self, store: Store, clock: Clock, desk: Desk, settings: PageSettings) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk
        self._settings = settings
        self.taken = 0
        self.changed = 0
        self.failed = 0

    async def take(self, page: int, looks: Sequence[Look]) -> None:
        """Take what all kinds of visitors saw of a page, in one transaction."""
        at = self._clock.now()
        before = await baselines(self._store, page)
        hosts = [one["host"] for one in await self._store.fetch("page_sender_hosts", page)]
        # A large page takes its time, and others work on this loop.
        judged = await asyncio.to_thread(_judged, looks, before, hosts)
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("page_hold", page)
            if row is None:
                return
            if judged.compared != await _compared(tx, page):
                await tx.execute("page_due_now", page, utc(at))  # a reviewer was quicker
                return
            users = self._current(await tx.fetch("page_users", page), at)
            if any(look.answered for look in looks):
                await self._answered(tx, row, looks, judged, users, at)
            else:
                await self._silent(tx, row, looks, users, at)
        self.taken += 1

    def _current(self, rows: Sequence[Any], at: float) -> list[Any]:
        """Return what leads to a page now. Who got a message opens its link also when the campaign
        is over: what changes in the days after it is seen, too."""
        since = at - self._settings.after_days * 86_400.0
        return [
            row for row in rows
            if row["live"] or (row["created_at"] and row["created_at"].timestamp() > since)
        ]  # fmt: skip

    # Nothing was seen ------------------------------------------------------------------------

    async def _silent(
        self, tx: Transaction, row: Any, looks: Sequence[Look], users: Sequence[Any], at: float
    ) -> None:
        first = looks[0]
        failures = row["failures"] + (first.outcome == "failed")
        self.failed += first.outcome == "failed"
        found = [] if first.outcome == "own" else judge_looks(looks)
        told = row["findings"] if row["state"] in HELD else _json(found)
        every = self._every(users)
        if every is not None and first.outcome == "failed":
            every = min(every * 2 ** min(failures - 1, 10), max(_LONGEST_S, every))
        if first.outcome == "own":
            every = None
        if failures == self._settings.told_after and row["state"] not in HELD:
            await self._open(tx, row["id"], users, found, (), at)
        after = None if every is None else utc(at + every)
        await tx.execute(
            "page_looked", row["id"], row["state"], first.outcome, first.why, told, failures,
            row["doubts"], utc(at), after,
        )  # fmt: skip

    # Something was ---------------------------------------------------------------------------

    async def _answered(
        self, tx: Transaction, row: Any, looks: Sequence[Look], judged: _Judged,
        users: Sequence[Any], at: float,
    ) -> None:  # fmt: skip
        page, found = row["id"], judged.found
        seen = {one.profile: await keep(tx, page, one, at) for one in looks if one.answered}
        grave = {one.code for one in found if one.severity >= Severity.HOLD}
        grave -= set(row["accepted"]) - {"page_changed"}
        state, doubts = row["state"], 0
        if grave and grave <= _SOFT and not row["doubts"] and state not in HELD:
            doubts = 1
        elif grave and state not in HELD:
            state = "held"
        elif not grave and state not in HELD:
            state = "clear"
            await tx.execute(
                "page_accept",
                [one.id for who, one in seen.items() if who not in judged.before],
                utc(at),
            )
        first = next(one for one in looks if one.answered)
        every = SOON_S if doubts else self._every(users)
        await tx.execute(
            "page_looked", page, state, first.outcome, first.why, _json(found), 0, doubts, utc(at),
            None if every is None else utc(at + every),
        )  # fmt: skip
        if state == "held" and row["state"] != "held":
            self.changed += 1
            await self._hold(tx, page, users, judged, seen, at)
        elif row["failures"] and state not in HELD:
            await withdraw_item(tx, KIND, page, at)

    async def _hold(
        self, tx: Transaction, page: int, users: Sequence[Any], judged: _Judged,
        seen: Mapping[str, Version], at: float,
    ) -> None:  # fmt: skip
        resting = await pause(tx, page, at)
        compared = {
            "before": [one.id for who, one in judged.before.items() if who in seen],
            "after": [one.id for one in seen.values()],
            "campaigns": [str(one) for one in resting],
        }
        signals = [
            Note(
                "page_versions",
                "what was accepted, and what is there now",
                "已审版本与当前版本",
                compared,
            )
        ]
        for who, drift in judged.drifts.items():
            if drift.grave:
                about = {one.code: list(one.about) for one in drift.reasons}
                more = {"profile": who, "kind": drift.kind, "score": drift.score, "why": about}
                signals.append(Note("page_drift", f"as {who} sees it", f"访问方式：{who}", more))
        await self._open(tx, page, users, judged.found, signals, at)

    async def _open(
        self, tx: Transaction, page: int, users: Sequence[Any], found: Sequence[Finding],
        signals: Sequence[Note], at: float,
    ) -> None:  # fmt: skip
        accounts = {one["account_id"] for one in users} - {None}
        account = accounts.pop() if len(accounts) == 1 else None
        reasons = [Note(one.code, one.en, one.zh) for one in found]
        await self._desk.open(
            tx, KIND, page, at=at, account_id=account, reasons=reasons, signals=signals
        )

    def _every(self, users: Sequence[Any]) -> float | None:
        """Return after how many seconds a page is looked at again, None for never."""
        if any(one["campaign_id"] is not None and one["live"] for one in users):
            return self._settings.campaign_s
        return self._settings.template_s if users else None


async def _compared(tx: Transaction, page: int) -> frozenset[int]:
    return frozenset(row["id"] for row in await tx.fetch("page_baselines", page))


def _judged(looks: Sequence[Look], before: Mapping[str, Version], hosts: list[str]) -> _Judged:
    """Return what looks tell by themselves, and beside what was accepted."""
    drifts = {
        one.profile: _drift(before[one.profile].look, one)
        for one in looks
        if one.answered and one.profile in before
    }
    found = judge_looks(looks, hosts)
    found += [one for drift in drifts.values() if (one := of_drift(drift)) is not None]
    every = {(one.code, one.en): one for one in found}
    return _Judged(before, drifts, list(every.values()))


def _drift(old: Look, new: Look) -> Drift:
    if old.page is not None and new.page is not None:
        return differs(old.page, new.page)
    if old.page is None and new.page is None:
        return Drift("none", 0.0)
    if new.page is None:
        code = "page_gone" if new.outcome == "gone" else "page_refused"
        return Drift("gone", 1.0, (Reason(code, (new.why,)),))
    return Drift("changed", 1.0, (Reason("page_appeared"),))


def _json(found: Sequence[Finding]) -> str:
    return json.dumps(
        [
            {"code": one.code, "severity": one.severity.name.lower(), "en": one.en, "zh": one.zh}
            for one in found
        ],
        ensure_ascii=False,
    )
