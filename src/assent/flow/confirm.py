"""Confirmations of refusals, once what was in flight for the pair has ended; and of what a receiver
gave back on her page.

A confirmation is a row made with the refusal. Here it becomes a message of the operator, from
the operator's service port, in one commit with its attempt, so it is sent once or, after a
crash, unsure and counted; never twice (DESIGN.md, promises 2 and 3). One that its carrier refused
certainly did not arrive: another carrier that may reach the person tries, three tries in all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, U16, U32, unpack
from assent.flow.ends import EVERYONE
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.own_words import OwnWords, service_ports
from assent.flow.people import Directory
from assent.message import AttemptStatus, Network
from assent.numbers import NumberTable, country_of
from assent.policy.decide import Verdict

TEXT: Final = "您已退订{names}的营销短信，不再向您发送。验证码和服务通知不受影响。回执码{code}"
TEXTS: Final = {
    "zh": TEXT,
    "en": "You unsubscribed from {names}: no more marketing messages. Codes and service notices "
    "go on. Receipt code {code}",
}
"""In the languages that receivers are written to; a test holds that none of them advertises."""
GIVEN: Final = {
    (
        "agreed",
        "zh",
    ): "您已同意接收{names}的短信，回复TD可随时退订。如非本人操作，请回复TD。回执码{code}",
    ("agreed", "en"): "You agreed to messages from {names}. Reply STOP to end this at any time, "
    "and now if it was not you. Receipt code {code}",
    ("taken_back", "zh"): "您已撤回对{names}的拒收，以前的同意不会自动恢复。"
    "如非本人操作，请回复TDALL拒收全部营销短信。回执码{code}",
    ("taken_back", "en"): "You took back that you refused {names}; what you agreed to before does "
    "not come back. If it was not you, reply STOPALL to refuse all marketing. Receipt code {code}",
}
"""The same of what a receiver gave on her page."""
CHINESE: Final = frozenset({"", "CN", "HK", "MO", "TW"})
TRIES: Final = 3
YOUNG_S: Final = 3600.0
"""An answer of a carrier that comes later than this changes nothing more."""
_AT_ONCE: Final = 200
_POLL_S: Final = 0.05
_IDLE_POLL_S: Final = 1.0
_OPEN: Final = frozenset({AttemptStatus.THROTTLED, AttemptStatus.RETURNED})


class Confirmer:
    """Sends confirmations. Run :meth:`run` as a task in the process that sends codes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        own_words: OwnWords,
        ways: Callable[[Network], Sequence[str]] = lambda network: (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._own_words = own_words
        self._ways = ways  # carriers that may reach the people of a network
        self._numbers = NumberTable.load()
        self._wake = asyncio.Event()
        self._stopping = False
        self._held_from = 0
        self.beside: list[Callable[[], Awaitable[int]]] = []  # what else is sent that way
        self.sent = 0
        self.refused = 0  # tries that a carrier refused
        self.last_error = ""

    def wake(self) -> None:
        """There is a new confirmation."""
        self._wake.set()

    def stop(self) -> None:
        """Send no more; what waits is sent after the next start."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send what is ready until :meth:`stop`."""
        while not self._stopping:
            waiting = 0
            try:
                waiting = await self.step()
            except AssentError as error:
                self.last_error = error.code
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_S if waiting else _IDLE_POLL_S)
            self._wake.clear()

    async def step(self) -> int:
        """Send what is ready; return how many still wait, as far as was looked."""
        await self._look_back()
        rows = await self._store.fetch("confirmations_ready", _AT_ONCE)
        if rows:
            await self._send(rows)
        if len(rows) == _AT_ONCE:
            return _AT_ONCE  # more are ready; those that are held come later
        # A window may stay open for long because of others (a stalled link): those whose own
        # segments are answered need not wait for it.
        held = await self._store.fetch("confirmations_held", self._held_from, _AT_ONCE)
        self._held_from = held[-1]["id"] if len(held) == _AT_ONCE else 0
        answered: dict[int, set[int]] = {}
        ready = [row for row in held if await self._is_ready(row, answered)]
        if ready:
            await self._send(ready)
        return len(rows) + len(held) + sum([await step() for step in self.beside])

    async def _is_ready(self, row: Any, answered: dict[int, set[int]]) -> bool:
        """Tell whether nothing of the pair is in flight: every window is closed, or at least
        has the person's own segments answered."""
        for window in row["open"]:
            if window not in answered:
                answered[window] = await self._open_people(window)
            if row["person_id"] in answered[window]:
                return False
        return True

    async def _open_people(self, window: int) -> set[int]:
        """Return the people of a window with a segment that has no final answer."""
        rows = await self._store.fetch("window_pair_results", window)
        if not rows:
            return set()
        slots = unpack(rows[0]["slots"], U16)
        counts = unpack(rows[0]["counts"], U8)[slots].astype(np.int64)
        for row in rows:
            if row["positions"] is None:
                continue
            statuses = unpack(row["statuses"], U8)
            final = ~np.isin(statuses, [int(status) for status in _OPEN])
            np.subtract.at(counts, unpack(row["positions"], U16)[final], 1)
        people = unpack(rows[0]["people"], U32)[slots]
        return set(people[counts > 0].tolist())

    async def _send(self, rows: list[Any]) -> None:
        """Send some: an order for each language and text, for each carrier that is named after a
        refusal, and for repeats, which are capped."""
        orders: dict[tuple[str, str, str, bool], list[Any]] = {}
        people = [row["person_id"] for row in rows]
        for tongue, some in (await tongues(self._store, self._directory, people, rows)).items():
            for row in some:
                via = await self._next(row) if row["tried"] else ""
                orders.setdefault((row["about"], tongue, via, row["repeat"]), []).append(row)
        for (about, tongue, via, repeat), some in orders.items():
            await self._send_alike(some, (about, tongue), via, repeat)

    async def _send_alike(
        self, rows: list[Any], words: tuple[str, str], via: str, repeat: bool
    ) -> None:
        tongue = words[1]

        async def mark(tx: Transaction, judged: Judged) -> bool:
            return await self._mark(tx, rows, judged)

        everyone = "所有发送方" if tongue == "zh" else "all senders"
        self.sent += await self._own_words.send(
            [row["person_id"] for row in rows],
            GIVEN.get(words, TEXTS[tongue]),
            {
                "names": [everyone if EVERYONE in row["groups"] else row["names"] for row in rows],
                "code": [row["receipt_code"] for row in rows],
            },
            mark,
            via=via,
            uncapped=not repeat,
        )

    # Carriers that refuse ------------------------------------------------------------------

    async def _look_back(self) -> None:
        """See what carriers answered: what left is done with, what was refused waits for another
        carrier, or ends where there is none or three refused it."""
        since = utc(self._clock.now() - YOUNG_S)
        found: dict[int, list[Any]] = {}
        for row in await self._store.fetch("confirmations_unanswered", since, 4 * _AT_ONCE):
            found.setdefault(row["id"], []).append(row)
        done = []
        for id_, rows in found.items():
            statuses = _answers(rows)
            if statuses is None:
                continue
            if statuses != {AttemptStatus.REFUSED}:
                done.append(id_)
                continue
            self.refused += 1
            row = rows[0]
            last = len(row["tried"]) + 1 >= TRIES
            state = "refused" if last else "waiting"
            await self._store.execute("confirmation_refused", id_, row["carrier"], state)
        if done:
            await self._store.execute("confirmations_answered", done)

    async def _next(self, row: Any) -> str:
        """Return the carrier to try after some refused: another that may reach the person, else
        the same once more, which may use another link."""
        person = np.array([row["person_id"]], np.uint32)
        numbers = await self._directory.msisdns(self._store, person)
        network = Network(int(self._numbers.lookup(numbers).network[0]))
        ports = service_ports(self._catalogue)
        untried = [one for one in self._ways(network) if one in ports and one not in row["tried"]]
        return untried[0] if untried else str(row["tried"][-1])

    async def _mark(self, tx: Transaction, rows: list[Any], judged: Judged) -> bool:
        """Tie the confirmations to their messages; False, with nothing written, if another
        process was quicker or one of them has something more to wait for."""
        held = await tx.fetch("confirmations_hold", [row["id"] for row in rows])
        if {row["id"]: row["waits"] for row in held} != {row["id"]: row["waits"] for row in rows}:
            return False
        at = utc(self._clock.now())
        for row, message, verdict in zip(
            rows, judged.message_ids.tolist(), judged.verdict.tolist(), strict=True
        ):
            if verdict == Verdict.ALLOW:
                await tx.execute("confirmation_attempted", row["id"], message, at)
            else:
                await tx.execute("confirmation_unroutable", row["id"])
        return True


def _answers(rows: list[Any]) -> set[int] | None:
    """Return how the attempt at a confirmation ended, None while a segment has no answer."""
    slot = rows[0]["message_id"] & 1023
    open_ = int(unpack(rows[0]["counts"], U8)[slot])
    statuses: set[int] = set()
    for row in rows:
        if row["positions"] is None:
            continue
        slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)]
        mine = unpack(row["statuses"], U8)[slots == slot]
        final = [int(status) for status in mine if status not in _OPEN]
        statuses.update(final)
        open_ -= len(final)
    return statuses if open_ <= 0 else None


async def tongues(
    store: Store, directory: Directory, people: Sequence[int], rows: Sequence[Any]
) -> dict[str, list[Any]]:
    """Return rows by the language that their people are written to in: Chinese where numbers are
    China's, or nothing is known, else English."""
    numbers = await directory.msisdns(store, np.array(people, np.uint32))
    found: dict[str, list[Any]] = {}
    for number, row in zip(numbers.tolist(), rows, strict=True):
        found.setdefault("zh" if country_of(number) in CHINESE else "en", []).append(row)
    return found
