"""Early warning, live: facts gathered, detectors run on new hours, alarms raised once.

Whatever a detector says of an hour is raised under a key, in one transaction with the others;
raised again within the hour it changes nothing, so that a crash at any moment neither loses an
alarm nor doubles one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Final

from assent.clock import Clock
from assent.flow.alarms import Alarm, Alarms
from assent.flow.needs import Store, utc
from assent.flow.tally import hour_of
from assent.watch import detectors, papers
from assent.watch.cubes import View
from assent.watch.finding import Finding
from assent.watch.gathering import Gathering
from assent.watch.reading import Reading
from assent.watch.records import Records
from assent.watch.rules import Rules

CURSOR: Final = "warning_look"
_KEEP_S: Final = 100 * 86_400.0
_FORGET_S: Final = 86_400.0
_PAPERS_S: Final = 600.0
_PORTIONS: Final = 200


class EarlyWarning:
    """Call :meth:`step` now and then in one process of an installation. Bounded memory: counts of
    58 days by sender, account, port, purpose and category."""

    def __init__(self, store: Store, clock: Clock, alarms: Alarms, rules: Rules) -> None:
        self._store, self._clock, self._alarms, self._rules = store, clock, alarms, rules
        self.gathering = Gathering(store, clock, alarms, rules)
        self._reading = Reading(store, rules)
        self._papers = self._forgot = 0.0

    async def step(self) -> list[int]:
        """Gather what is new, then look; return the ids of alarms that are seen now. Raises
        AssentError: what was gathered stays, and the next step goes on."""
        for _ in range(_PORTIONS):
            if not await self.gathering.step():
                break
        return await self.look()

    async def look(self) -> list[int]:
        """Run the detectors over the 24 hours that end now, and raise what they say. Doing it again
        changes nothing. Raises AssentError."""
        at = self._clock.now()
        cubes = await self._reading.cubes(hour_of(at))
        view = cubes.view(hour_of(at))
        found = await asyncio.to_thread(detectors.look, view, self._rules)
        alarms = [alarm_of(one, view) for one in found]
        if at >= self._papers or at < self._papers - _PAPERS_S:
            alarms += await papers.signs(self._store, at)
            self._papers = at + _PAPERS_S
        async with self._store.transaction() as tx:
            await tx.fetchval("cursor_hold", CURSOR)
            raised = [await self._alarms.raise_alarm(tx, one, at) for one in alarms]
            await self._alarms.end_quiet(tx, at)
            await tx.execute("cursor_set", CURSOR, hour_of(at))
        await self._forget(at)
        return sorted({one for one in raised if one is not None})

    async def _forget(self, at: float) -> None:
        if at >= self._forgot:
            await self._store.execute("warning_forget", utc(at - _KEEP_S))
            await self._store.execute("warning_forget_codes", utc(at - _KEEP_S))
            self._forgot = at + _FORGET_S


def alarm_of(finding: Finding, view: View) -> Alarm:
    """Return a finding as an alarm; of a port with the accounts that sent on it."""
    accounts: tuple[int, ...] = ()
    account = finding.account
    if finding.port:
        accounts = tuple(_accounts(view.window(), finding.port))
        account = accounts[0] if accounts else 0
    return Alarm(
        finding.detector, finding.key, finding.severity, finding.score, finding.evidence,
        finding.sender or None, account or None, finding.port or None, accounts,
    )  # fmt: skip


def _accounts(rows: Records, port: int) -> Iterable[int]:
    """Return who sent on a port, whoever sent most first."""
    mine = rows.port == port
    counts: Counter[int] = Counter()
    submitted = rows.counts.get("submitted")
    if submitted is not None:
        for account, n in zip(rows.account[mine].tolist(), submitted[mine].tolist(), strict=True):
            counts[account] += n
    return [account for account, n in counts.most_common() if n]
