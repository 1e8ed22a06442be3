"""Mail to people: written with what it is about, in one transaction, and handed on afterwards.

So nothing is told that did not happen, no mail server's outage fails a request, and how long a
request takes does not tell whether a mail was sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from assent.clock import Clock
from assent.errors import AssentError, Conflict
from assent.flow.needs import Queries, Store, utc
from assent.flow.vault import Vault

_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 900.0
_MOST_TRIES: Final = 40  # some eight hours
_HELD: Final = timedelta(minutes=2)  # longer than the carrier may take over one mail
_LOOK_S: Final = 2.0
log = structlog.get_logger("assent")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail. `name` is its own for ever: a repeated one has the same Message-ID."""

    name: str
    to: str
    subject: str
    text: str


class Carrier(Protocol):
    """What takes mail to its receivers."""

    async def carry(self, mail: Mail) -> None:
        """Hand a mail on. Raises Unavailable when it may be tried again, InvalidInput when the
        receiver is refused for good."""


class Post:
    """The way out for mail. Any process may put mail in; run :meth:`run` in one or several."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        random: Callable[[int], bytes],
        carrier: Carrier | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._random = random
        self._carrier = carrier
        self._wake = asyncio.Event()
        self.sent = 0
        self.given_up = 0
        self.last_error = ""

    def check(self) -> None:
        """Raise Conflict where no mail can be sent at all."""
        if self._carrier is None:
            raise Conflict(
                "no_mail", "this platform is not set up to send mail", field="mail",
                rule="settings: mail", mend="ask the operator to set [mail]",
            )  # fmt: skip

    async def put(self, tx: Queries, to: str, subject: str, text: str) -> None:
        """Write a mail, in the transaction that it is about. Where no mail can be sent it is left
        out: what tells people of something must not hinder it."""
        if self._carrier is None:
            return
        name = self._random(16).hex()
        now = utc(self._clock.now())
        plain = json.dumps([to, subject, text], ensure_ascii=False).encode()
        await tx.execute("mail_put", now, name, self._vault.seal(plain, mail_owner(name)))

    def wake(self) -> None:
        """There is mail: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Hand mail on as it comes, until cancelled."""
        while True:
            try:
                while await self.step():
                    pass
            except AssentError as error:
                self.last_error = error.code
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def step(self) -> bool:
        """Hand the next mail on that is due; return whether there was one. Raises AssentError."""
        if self._carrier is None:
            return False
        now = utc(self._clock.now())
        row = await self._store.fetchrow("mail_take", now, now + _HELD)
        if row is None:
            return False
        plain = self._vault.open(row["sealed"], mail_owner(row["name"]))
        mail = Mail(row["name"], *json.loads(plain))
        try:
            await self._carrier.carry(mail)
        except AssentError as error:
            await self._failed(row["id"], row["tries"], error)
            return True
        await self._store.execute("mail_done", row["id"])
        self.sent += 1
        self.last_error = ""
        return True

    async def _failed(self, mail: int, tries: int, error: AssentError) -> None:
        self.last_error = error.code
        if not error.retry or tries >= _MOST_TRIES:
            # Not to whom nor what about: the log is no place for that.
            log.warning("mail_given_up", mail=mail, code=error.code, tries=tries)
            self.given_up += 1
            await self._store.execute("mail_done", mail)
            return
        pause = min(_FIRST_PAUSE_S * 2 ** min(tries - 1, 20), _LONGEST_PAUSE_S)
        await self._store.execute("mail_later", mail, utc(self._clock.now() + pause))


def mail_owner(name: str) -> str:
    """Return what a sealed mail belongs to."""
    return f"mail_out.sealed/{name}"
