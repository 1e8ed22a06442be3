"""How a receiver proves that a number is hers: a code to it, then a short session.

Whoever asks for a code gets the same answer after the same work, whatever becomes of it: the asking
is only noted, and a worker sends what may be sent, at its own pace. Each asking leaves a row that a
code can be tried against, a hopeless one where nothing was sent, so that trying tells nothing
either. Codes are limited by number (together with all that the platform sends for others' sake), by
network, and for everybody together.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import AssentError, Unavailable
from assent.flow.needs import Store, utc
from assent.flow.people import Directory
from assent.flow.selves import Codes
from assent.flow.throttle import PHONE, Pace, Throttle, network_of
from assent.flow.vault import Vault

ASKING: Final = Pace("receiver_ask", 5, 3_600.0)
"""Codes asked for, of one network."""
TRYING: Final = Pace("receiver_try", 20, 900.0)
"""Wrong codes, of one network."""
CODE_LASTS_S: Final = 600.0
SESSION_LASTS_S: Final = 1_200.0
_TICK_S: Final = 0.5
_MOST_WAITING: Final = 1_000
_MOST_OF_ONE: Final = 20
_AT_ONCE: Final = 20
_HOUR_S: Final = 3_600.0
_TOKEN_OCTETS: Final = 24
_TICKET_OWNER: Final = "receiver ticket"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A receiver who proved her number, for a short time."""

    person: int
    number: int
    until: float


class ReceiverProof:
    """Codes and sessions. Run :meth:`run` as a task. `codes_an_hour`: sent to all receivers
    together at most."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        random: Callable[[int], bytes],
        directory: Directory,
        throttle: Throttle,
        codes: Codes,
        codes_an_hour: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._random = random
        self._directory = directory
        self._throttle = throttle
        self._codes = codes
        self._an_hour = codes_an_hour
        self._waiting: deque[tuple[int, bytes, str]] = deque()
        self._of_network: Counter[str] = Counter()  # how many of them wait
        self.sent = 0
        self.limited = 0
        self.last_error = ""

    # Forms of people who proved nothing yet ------------------------------------------------------

    def form_token(self) -> str:
        """Return what a form carries so that it was made here, and lately."""
        return self._form_token(int(self._clock.now() // _HOUR_S))

    def form_fits(self, token: str) -> bool:
        """Tell whether a form was made here within the last hour or two."""
        hour = int(self._clock.now() // _HOUR_S)
        now, before = (
            hmac.compare_digest(token.encode(), self._form_token(one).encode())
            for one in (hour, hour - 1)
        )
        return now or before

    def _form_token(self, hour: int) -> str:
        return self._vault.digest(str(hour), "receivers' forms").hex()[:32]

    # Codes ---------------------------------------------------------------------------------------

    def ask(self, number: int, address: str) -> str:
        """Note that a code to a number is wanted; return the ticket to try it with. It is the same
        whatever is known of the number and whatever becomes of the code."""
        name, network = self._random(16), network_of(address)
        if self._of_network[network] < _MOST_OF_ONE and len(self._waiting) < _MOST_WAITING:
            self._of_network[network] += 1
            self._waiting.append((number, name, network))
        else:
            self.limited += 1  # one network does not keep the others waiting
        body = json.dumps({"number": number, "name": name.hex()}).encode()
        return base64.urlsafe_b64encode(self._vault.seal(body, _TICKET_OWNER)).decode()

    async def run(self) -> None:
        """Send codes that were asked for, at moments that do not depend on who asked."""
        while True:
            await asyncio.sleep(_TICK_S)
            await self.step()

    async def step(self) -> None:
        """Send what waits, as far as it may be sent."""
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            number, name, network = self._waiting.popleft()
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network]
            try:
                await self._send(number, name, network)
            except AssentError as error:
                self.last_error = error.code

    async def _send(self, number: int, name: bytes, network: str) -> None:
        now = self._clock.now()
        code = f"{int.from_bytes(self._random(8), 'big') % 1_000_000:06d}"
        may = await self._may(number, network, now)
        person = 0
        if may:
            ids = await self._directory.ids(self._store, np.array([number], np.uint64), utc(now))
            person = int(ids[0])
        ticket = self._ticket_mark(name)
        mark = self._code_mark(ticket, code) if may else self._random(32)
        await self._store.execute(
            "receiver_code_put", ticket, person, mark, utc(now), utc(now + CODE_LASTS_S)
        )
        if may:
            await self._codes.send(str(number), code)
            self.sent += 1

    async def _may(self, number: int, network: str, now: float) -> bool:
        """Count an asking; return whether it is answered with a code."""
        sent = await self._store.fetchval("receiver_codes_since", utc(now - _HOUR_S))
        with contextlib.suppress(Unavailable):
            if sent < self._an_hour:
                await self._throttle.take(ASKING, network)
                await self._throttle.take(PHONE, str(number))
                return True
        self.limited += 1
        return False

    async def prove(self, ticket: str, code: str, address: str, browser: str) -> str | None:
        """Return the token of a new session, None for a wrong code, whyever it is wrong.

        Raises Unavailable `too_many` for a network that tries too much.
        """
        network = network_of(address)
        await self._throttle.take(TRYING, network)
        number, name = self._opened(ticket)
        mark = self._ticket_mark(name)
        given = self._code_mark(mark, "".join(code.split()))
        now = self._clock.now()
        token = self._random(_TOKEN_OCTETS).hex()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("receiver_code_try", mark, given, utc(now), number)
            if row is None or not row["fits"]:
                return None
            await tx.execute(
                "receiver_session_put",
                _digest(token),
                row["person_id"],
                self._browser(browser),
                utc(now),
                utc(now + SESSION_LASTS_S),
            )
        await self._throttle.give_back(TRYING, network)
        return token

    def _opened(self, ticket: str) -> tuple[int, bytes]:
        """Return number and name of a ticket; of one that was not made here, such as fit none."""
        try:
            sealed = base64.b64decode(ticket, altchars=b"-_", validate=True)
            body: dict[str, Any] = json.loads(self._vault.open(sealed, _TICKET_OWNER))
        except (binascii.Error, ValueError, AssentError):
            return 0, self._random(16)
        return body["number"], bytes.fromhex(body["name"])

    def _ticket_mark(self, name: bytes) -> bytes:
        return self._vault.digest(name.hex(), "receiver ticket")

    def _code_mark(self, ticket: bytes, code: str) -> bytes:
        return self._vault.digest(f"{ticket.hex()}/{code}", "receiver code")

    # Sessions ------------------------------------------------------------------------------------

    async def seen(self, token: str, browser: str) -> Visitor | None:
        """Return whose session a cookie holds, None for none that goes on in this browser."""
        if not token:
            return None
        row = await self._store.fetchrow(
            "receiver_session_get", _digest(token), self._browser(browser), utc(self._clock.now())
        )
        if row is None:
            return None
        return Visitor(row["person_id"], row["msisdn"], row["expires_at"].timestamp())

    async def end(self, token: str) -> None:
        """End a session, if there is one."""
        await self._store.execute("receiver_session_end", _digest(token))

    async def tidy(self) -> None:
        """Forget what is over. Raises AssentError."""
        now = self._clock.now()
        await self._store.execute("receiver_codes_forget", utc(now - _HOUR_S))
        await self._store.execute("receiver_sessions_forget", utc(now))

    def _browser(self, told: str) -> bytes:
        return self._vault.digest(told[:500], "receiver's browser")


def csrf_of(token: str) -> str:
    """Return what forms of a session carry: a page elsewhere, which cannot read the cookie, cannot
    know it."""
    return hmac.digest(token.encode(), b"assent receivers csrf", "sha256").hex()[:32]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
