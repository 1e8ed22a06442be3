"""Sending organisations' questions to their would-be members, in the operator's own fixed words.

An invitation is a row made when the organisation asks (members.py). Here it becomes a message of
the operator, from its service port, in one commit with its attempt: sent once or, after a crash,
unsure; never twice. How it is answered (a code, a link) is made here and stored as a digest.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from assent.clock import Clock
from assent.flow.catalogue import Catalogue
from assent.flow.members import digest_of
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.own_words import OwnWords, hour_of, may_write, new_code
from assent.message import Purpose
from assent.policy.decide import Verdict

TEXT: Final = (
    "{name}邀请您接收其内部通知（每天至多五条，可随时退出）。同意请回复Y{code}，"
    "不同意请回复N；不回复即为不同意。"
)
LINK_TEXT: Final = (
    "{name}邀请您接收其内部通知（每天至多五条，可随时退出）。同意请回复Y{code}或打开{link} ，"
    "不同意请回复N；不回复即为不同意。"
)
HOURS: Final = (8, 21)
"""Nobody is asked at night."""
_AT_ONCE: Final = 200
_TOKEN: Final = 16


class Inviter:
    """Sends invitations. `public_url`: where receivers' links lead, '' for no links."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        own_words: OwnWords,
        random: Callable[[int], bytes],
        public_url: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._own_words = own_words
        self._random = random
        self.public_url = public_url

    async def step(self) -> int:
        """Send what waits; return how many were looked at."""
        now = self._clock.now()
        if not HOURS[0] <= hour_of(now) < HOURS[1]:
            return 0
        askers = [
            (row["account_id"], row["sender_id"])
            for row in await self._store.fetch("invitations_askers")
            if may_write(
                self._catalogue, row["account_id"], row["sender_id"], Purpose.INTERNAL, now
            )
        ]
        if not askers:
            return 0
        accounts, senders = (list(column) for column in zip(*askers, strict=True))
        rows = await self._store.fetch("invitations_waiting", _AT_ONCE, accounts, senders)
        if rows:
            await self._send(rows)
        return len(rows)

    async def _send(self, rows: list[Any]) -> None:
        codes = [new_code(self._random) for _ in rows]
        tokens = [base64.urlsafe_b64encode(self._random(_TOKEN)).decode()[:22] for _ in rows]
        variables = {"name": [row["legal_name"] for row in rows], "code": codes}
        if self.public_url:
            variables["link"] = [f"{self.public_url.rstrip('/')}/m/{token}" for token in tokens]

        async def mark(tx: Transaction, judged: Judged) -> bool:
            return await self._mark(tx, rows, judged, codes, tokens)

        text = LINK_TEXT if self.public_url else TEXT
        await self._own_words.send([row["person_id"] for row in rows], text, variables, mark)

    async def _mark(
        self, tx: Transaction, rows: list[Any], judged: Judged, codes: list[str], tokens: list[str]
    ) -> bool:
        """Tie the invitations to their messages; False, with nothing written, if another process
        was quicker or somebody answered meanwhile."""
        held = await tx.fetch("invitations_hold", [row["id"] for row in rows])
        if len(held) != len(rows):
            return False
        at = utc(self._clock.now())
        ids, verdicts = judged.message_ids.tolist(), judged.verdict.tolist()
        for place, row in enumerate(rows):
            if verdicts[place] == Verdict.ALLOW:
                digest = digest_of(tokens[place])
                words = (codes[place], digest, ids[place], at)
                await tx.execute("invitation_sent", row["id"], *words)
            else:
                await tx.execute("invitation_unroutable", row["id"])
        return True
