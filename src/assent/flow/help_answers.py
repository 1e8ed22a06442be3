"""HELP is answered: who writes from a number, and how to refuse them. Once a day and number.

An answer is a row made with the reply that asked for it. Here it becomes a message of the operator,
in its fixed words and from its service port, in one commit with its attempt. Someone who refused is
answered too (rule US-09); a machine is nobody, and is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.flow.confirm import tongues
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.own_words import OwnWords
from assent.flow.people import Directory
from assent.policy.decide import Verdict

TEXTS: Final = {
    "zh": "{port}由{names}使用。拒收其营销短信请发送TD至{port}，拒收全部请发送TDALL；"
    "验证码和服务通知不受影响。",
    "en": "{port} is used by {names}. To end their marketing messages text STOP to {port}, to end "
    "everybody's STOPALL. Codes and service notices go on.",
}
AGAIN_AFTER_S: Final = 86_400.0
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class HelpWanted:
    """Somebody asked for help. `names`: who writes to that person from `destination`."""

    person: int
    destination: str
    names: str


async def keep_wanted(
    tx: Transaction, ids: BatchIds, wanted: Sequence[HelpWanted], now: float
) -> None:
    """Note who is to be answered, in the transaction that stores their replies. `ids` has one
    reserved for each."""
    if not wanted:
        return
    rows = await tx.fetch(
        "help_wanted",
        [ids.next() for _ in wanted],
        [one.person for one in wanted],
        [one.destination for one in wanted],
        [one.names for one in wanted],
        utc(now),
        utc(now - AGAIN_AFTER_S),
    )
    if rows:
        await tx.execute("notify", "confirm", "")


class HelpAnswers:
    """Sends the answers. `step` is called by whoever sends confirmations."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        directory: Directory,
        own_words: OwnWords,
    ) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory
        self._own_words = own_words
        self.sent = 0

    async def step(self) -> int:
        """Send what waits; return how many that were. Raises AssentError."""
        waiting = await self._store.fetch("help_waiting", _AT_ONCE)
        people = [row["person_id"] for row in waiting]
        for tongue, rows in (await tongues(self._store, self._directory, people, waiting)).items():
            await self._send(tongue, rows)
        return len(waiting)

    async def _send(self, tongue: str, rows: list[Any]) -> None:
        async def mark(tx: Transaction, judged: Judged) -> bool:
            return await self._mark(tx, rows, judged)

        self.sent += await self._own_words.send(
            [row["person_id"] for row in rows],
            TEXTS[tongue],
            {
                "names": [row["names"] for row in rows],
                "port": [row["destination"] for row in rows],
            },
            mark,
        )

    async def _mark(self, tx: Transaction, rows: list[Any], judged: Judged) -> bool:
        """Tie the answers to their messages; False where another process was quicker."""
        held = await tx.fetch("help_hold", [row["id"] for row in rows])
        if len(held) != len(rows):
            return False
        at = utc(self._clock.now())
        results = zip(rows, judged.message_ids.tolist(), judged.verdict.tolist(), strict=True)
        for row, message, verdict in results:
            sent = message if verdict == Verdict.ALLOW else None
            await tx.execute("help_sent", row["id"], sent, at)
        return True
