"""One connection that a customer opened: its login, its submits, and what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from assent.carrier.customer_line import Line
from assent.errors import AssentError
from assent.flow.customers import CustomerLink, Handed, Objection
from assent.wire.events import (
    Asked,
    BindAsked,
    Bound,
    CancelAsked,
    QueryAsked,
    Submits,
)

if TYPE_CHECKING:
    from assent.carrier.customers import CustomerServer
    from assent.carrier.tongue import Tongue
    from assent.wire.events import Event
    from assent.wire.pdus import SubmitPdu


MOST_INQUIRIES: Final = 4
"""Questions of a connection that are looked up at once: each searches minutes of traffic."""

PATIENCE_S: Final = 5.0
"""How long after a heartbeat a bind is taken for dead where the login wants its place."""


class Bind(Line):
    """Its life begins without a login; who does not log in in time is cut off."""

    def __init__(self, server: CustomerServer, tongue: Tongue) -> None:
        super().__init__(server, tongue)
        self.address = ""
        self.stranger = False
        self._submits = self._delivers = False
        self._waiting = 0
        self._inquiries: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> bool:
        """Whether it is we who do not listen."""
        return "waiting" in self._holds

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a login, where there is room for one more."""
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        if not self.server.admit(self):
            self.closed = True
            transport.abort()  # type: ignore[attr-defined]  # asyncio gives a Transport
            return
        super().connection_made(transport)
        self._killer = self._loop.call_later(self.server.settings.bind_timeout_s, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it. What it handed in is stored all the same, and not answered."""
        super().connection_lost(exc)
        for task in self._inquiries:
            task.cancel()
        self.server.forget(self)
        if self.login is not None and self in self.login.binds:
            self.login.binds.remove(self)

    def finish(self) -> None:
        """Unbind when every submit is answered."""
        if not self._waiting:
            super().finish()

    # --- events

    def on_event(self, event: Event, now: float) -> None:
        """Logins, submits and questions."""
        if isinstance(event, Submits):
            self._on_submits(event.submits, now)
        elif isinstance(event, BindAsked):
            self._on_bind(event, now)
        elif isinstance(event, Bound):
            self._on_bound()
        elif isinstance(event, QueryAsked):
            # Neither CMPP nor SMGP can decline this: zeros say that nothing is counted here.
            self.write(self._session.answer_query(event, {}))
        elif isinstance(event, CancelAsked):
            self.write(self._session.answer_cancel(event, False))
        elif isinstance(event, Asked):
            self._on_asked(event)
        else:
            super().on_event(event, now)

    def _on_bind(self, asked: BindAsked, now: float) -> None:
        """Who it is comes first, and is checked alike for everybody; only who has the secret hears
        anything else than that."""
        server, tongue, session = self.server, self.tongue, self._session
        link = server.reception.link(asked.user)
        known = link is not None and link.active and tongue.name in link.dialects
        secret = link.secret if link is not None and known else server.decoy
        status = 0
        if not tongue.proves(asked, secret) or link is None or not known:
            status = tongue.dialect.codes.bad_proof
        elif not link.admits(self.address):
            status = tongue.codes.address
        elif len(server.login_of(link).binds) >= link.binds and not self._replaces(link, now):
            status = tongue.codes.crowded
        if link is None or status:
            events = session.refuse(asked, status, now)
        else:
            self.login = server.login_of(link)
            self._submits, self._delivers = tongue.ways(asked)
            events = session.accept(asked, secret, now, peer_window=link.window)
        for event in events:
            self.on_event(event, now)
        if status:  # counted when it is answered: who is known takes no longer
            counters = server.login_of(link).counters if link else server.counters
            counters["binds_refused"] += 1

    def _replaces(self, link: CustomerLink, now: float) -> bool:
        """Drop a bind of the login that has not answered a heartbeat, if there is one: customers
        whose line fell without a word come back before the old connection is given up."""
        binds = self.server.login_of(link).binds
        since = now - self.server.settings.heartbeat_s - PATIENCE_S
        for bind in binds:
            if bind.heard_at < since and not bind.held:
                binds.remove(bind)
                bind.abort()
                return len(binds) < link.binds
        return False

    def _on_bound(self) -> None:
        if self._killer is not None:
            self._killer.cancel()
            self._killer = None
        login = self._login
        login.binds.append(self)
        self.server.bound(self)
        self.look()
        if self._delivers:
            self.join()

    def _on_asked(self, asked: Asked) -> None:
        wanted = self.tongue.inquiry(asked)
        if wanted is None or len(self._inquiries) >= MOST_INQUIRIES:
            self.write(self.tongue.answer(self._session, asked))
        else:
            task = self._loop.create_task(self._inquire(asked, *wanted))
            self._inquiries.add(task)
            task.add_done_callback(self._inquiries.discard)

    async def _inquire(self, asked: Asked, id_: int, at: float) -> None:
        """Look where a message stands. Who hangs up meanwhile is not answered."""
        try:
            found = await self.server.reception.inquire(self._login.link, id_, at)
            answer = self.tongue.tell(self._session, asked, found)
        except AssentError:  # the store is busy or gone
            answer = self.tongue.answer(self._session, asked)
        if not self.closed:
            self.write(answer)

    # --- submits

    def _on_submits(self, submits: Sequence[SubmitPdu], now: float) -> None:
        """One answer for those that are refused, one storing for the others."""
        login, tongue, reception = self._login, self.tongue, self.server.reception
        login.counters["submitted"] += len(submits)
        refused: list[SubmitPdu] = []
        codes: list[int] = []
        room = len(submits)
        objections = tongue.codes.objections
        if not self._submits or self.ending:
            wrong = tongue.dialect.codes.command
            self._refuse(submits, [objections[Objection.BUSY] if self.ending else wrong])
            return
        room = login.room(len(submits), now)
        if room < len(submits):
            login.counters["throttled"] += len(submits) - room
            refused.extend(submits[room:])
            codes.extend([tongue.dialect.codes.flow_control] * (len(submits) - room))
            submits = submits[:room]
        taken: list[SubmitPdu] = []
        handed: list[Handed] = []
        object_to = reception.objection
        read = tongue.read(login.link, submits, self.server.clock.now())
        for submit, one in zip(submits, read, strict=True):
            if isinstance(one, int):
                code = one
            elif (objection := object_to(one)) is not None:
                code = objections[objection]
            else:
                taken.append(submit)
                handed.append(one)
                continue
            refused.append(submit)
            codes.append(code)
        if refused:
            self._refuse(refused, codes)
        if taken:
            self._hand_in(taken, handed)

    def _refuse(self, submits: Sequence[SubmitPdu], codes: Sequence[int]) -> None:
        """Answer with a code each, or one for all."""
        codes = codes if len(codes) == len(submits) else [codes[0]] * len(submits)
        self._login.refused.update(codes)
        self.write(self._session.respond(submits, [0] * len(submits), codes))

    def _hand_in(self, submits: Sequence[SubmitPdu], handed: Sequence[Handed]) -> None:
        count = len(submits)
        self._waiting += count
        self._login.waiting += count
        ids = [one.ids[0] for one in handed]
        reception = self.server.reception
        reception.hand_in(handed, partial(self._on_stored, submits, ids))
        if reception.waiting > self.server.settings.most_waiting:
            self.hold("waiting")
            self.server.held(self)

    def _on_stored(self, submits: Sequence[SubmitPdu], ids: Sequence[int], stored: bool) -> None:
        """Only now is anything answered. Of a connection that has fallen nobody asks any more."""
        login, count = self._login, len(submits)
        self._waiting -= count
        login.waiting -= count
        login.counters["stored" if stored else "busy"] += count
        if self.closed:
            return
        results = None if stored else [self.tongue.codes.objections[Objection.BUSY]] * count
        if results:
            login.refused.update(results)
        self.write(self.tongue.respond(self._session, submits, ids, results))
        if self.ending and not self._waiting:
            self.finish()
