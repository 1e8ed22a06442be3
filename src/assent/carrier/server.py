"""One connection at a simulated carrier: the server's side of a session on a socket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from assent.carrier.mailbox import Account, Item, Mobile
from assent.carrier.records import Tap
from assent.carrier.sockets import reset
from assent.wire.events import (
    Answers,
    Asked,
    BindAsked,
    Bound,
    CancelAsked,
    Ended,
    QueryAsked,
    Refused,
    Send,
    Submits,
    Unsure,
)

if TYPE_CHECKING:
    from assent.carrier.simulator import Simulator
    from assent.wire.events import Event
    from assent.wire.pdus import SubmitPdu
    from assent.wire.session import Session


class ServerConnection(asyncio.Protocol):
    """Adapter between a transport and a server `Session`. Owned by its simulator.

    `submits`, `delivers`: what its bind lets through, from the platform and to it."""

    counted = "binds"

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.speech = simulator.speech
        self.submits = self.delivers = False
        self.account: Account | None = None
        self.answers: list[tuple[SubmitPdu, int, int]] = []
        self.early: list[Item] = []
        self.outbox: deque[Item] = deque()
        self.sent: dict[int, Item] = {}
        self.deaf = False
        self.cut_next = False
        self._candidate: Account | None = None
        self._token = 0
        self._out: list[bytes] = []
        self._paused = False
        self._closing = False
        self._ticker: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        self._tap: Tap | None = None

    @property
    def version(self) -> int:
        """Protocol version spoken on this connection."""
        return self._session.version

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a bind."""
        simulator = self.simulator
        self._transport = cast("asyncio.Transport", transport)
        self._loop = simulator.loop
        simulator.connections.append(self)
        simulator.counters["connections"] += 1
        number = simulator.counters["connections"]
        if simulator.recorder is not None:
            reading = self.speech.reading()
            self._tap = Tap(simulator.recorder, simulator.settings.name, number, reading)
        script = simulator.script
        now_s, drawn = simulator.clock.now(), simulator.first_sequence
        self._session = self._open(self.speech.first_sequence(drawn, number, now_s))
        interval = min(1.0, max(0.01, min(script.response_s, script.heartbeat_s) / 8))
        self._tick(interval)
        if not simulator.listening:
            self.abort()

    def _open(self, first_sequence: int) -> Session:
        """Return the session that this connection is for."""
        return self.speech.session(self.simulator.script, first_sequence, self._loop.time())

    def data_received(self, data: bytes) -> None:
        """Act on what the platform sent, and answer all of it in one write."""
        if self._tap is not None:
            self._tap.see("in", data)
        if self.deaf:
            return
        now = self._loop.time()
        for event in self._session.receive(data, now):
            self._on_event(event, now)
        self.flush()

    def pause_writing(self) -> None:
        """The platform does not read."""
        self._paused = True

    def resume_writing(self) -> None:
        """The platform reads again."""
        self._paused = False
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back to the account what was not acknowledged."""
        for timer in (self._ticker, self._reader):
            if timer is not None:
                timer.cancel()
        self._closing = True
        if self in self.simulator.connections:
            self.simulator.connections.remove(self)
        if self.account is not None:
            # Early reports that never left (nobody read, or nobody was to be told) go first.
            self.account.left(self, [*self.early, *self.sent.values()])
        self.sent.clear()
        self.early.clear()

    # --- what goes wrong on purpose

    def stall(self, seconds: float) -> None:
        """Do not read from the socket for a while."""
        if self._closing:
            return
        if self._reader is not None:
            self._reader.cancel()
        self._transport.pause_reading()
        self._reader = self._loop.call_later(seconds, self._read_again)

    def _read_again(self) -> None:
        self._reader = None
        if not self._closing:
            self._transport.resume_reading()

    def cut(self) -> None:
        """Send half of a PDU and close."""
        self._half(self.speech.half)

    def abort(self) -> None:
        """Close without a word."""
        self._closing = True
        reset(self._transport)

    def _half(self, data: bytes) -> None:
        """Write all but the last octets of `data`, and close in the middle of its last PDU."""
        self._out.append(data[:-6])
        self._write()
        self._closing = True
        self._transport.close()

    # --- writing

    def flush(self) -> None:
        """Write early reports, then answers, then reports and replies as the window allows."""
        if self.deaf or self._closing or self._paused:
            return
        session = self._session
        if self.early:
            early, self.early = self.early, []
            self.outbox.extendleft(reversed(early))
            self._deliver(len(early))
        if self.answers and not session.ended:
            submits, ids, results = zip(*self.answers, strict=True)
            self.answers.clear()
            data = session.respond(submits, ids, results)
            if self.cut_next:
                self._half(data)
                return
            self._out.append(data)
        if self.outbox:
            self._deliver(len(self.outbox))
        self._write()

    def _deliver(self, limit: int) -> None:
        session, outbox = self._session, self.outbox
        count = min(session.credit, limit)
        if count <= 0:
            return
        take, version = outbox.popleft, session.version
        items = [take() for _ in range(count)]
        tokens = range(self._token, self._token + count)
        self._token += count
        self.sent.update(zip(tokens, items, strict=True))
        bodies = self.speech.bodies(items, version)
        self._out.append(session.deliver(bodies, tokens, self._loop.time()))
        mobile = sum([type(item) is Mobile for item in items])
        self.simulator.counters["receipts_sent"] += count - mobile
        self.simulator.counters["mo_sent"] += mobile

    def _write(self) -> None:
        if not self._out:
            return
        data = b"".join(self._out)
        self._out.clear()
        if self._tap is not None:
            self._tap.see("out", data)
        self._transport.write(data)

    # --- events

    def _on_event(self, event: Event, now: float) -> None:
        simulator = self.simulator
        if isinstance(event, Submits) and self.account is not None:
            if self.submits:
                simulator.intake.submitted(self, self.account, event.submits)
            else:
                code = self.speech.dialect.codes.command
                self.answers += [(submit, 0, code) for submit in event.submits]
        elif isinstance(event, Answers):
            self._on_answers(event)
        elif isinstance(event, Send):
            self._out.append(event.data)
        elif isinstance(event, BindAsked):
            self._on_bind(event, now)
        elif isinstance(event, Bound):
            simulator.counters[self.counted] += 1
            self.account = self._candidate
            if self.account is not None:
                self.account.joined(self)
        elif isinstance(event, Unsure):
            # The carrier tries again; the platform may get it twice.
            again = [self.sent.pop(token) for token in event.tokens if token in self.sent]
            self.outbox.extendleft(reversed(again))
            if self.account is not None:
                self.account.redelivered += len(again)
        elif isinstance(event, Refused):
            simulator.counters[f"{self.counted}_refused"] += 1
        elif isinstance(event, QueryAsked):
            self._out.append(self._session.answer_query(event, simulator.day()))
        elif isinstance(event, CancelAsked):
            # Every accepted message is on its way already.
            self._out.append(self._session.answer_cancel(event, False))
        elif isinstance(event, Asked):
            self._out.append(self.speech.answer(self._session, event))
        elif isinstance(event, Ended):
            self._out.append(event.reply)
            self._write()
            self._closing = True
            self._transport.close()

    def _on_bind(self, asked: BindAsked, now: float) -> None:
        simulator, session = self.simulator, self._session
        account = simulator.accounts.get(asked.user)
        status = simulator.script.faults.bind_status
        if account is None:
            events = session.refuse(asked, status or self.speech.stranger, now)
        else:
            ways = self.speech.ways(asked, account.secret)
            status = status or ways.status
            self.submits, self.delivers = ways.submits, ways.delivers
            self._candidate = account
            if status:
                events = session.refuse(asked, status, now)
            else:
                events = session.accept(asked, account.secret, now)
        if not session.bound:
            simulator.counters["binds_refused"] += 1
        for event in events:
            self._on_event(event, now)

    def _on_answers(self, event: Answers) -> None:
        counters, forget = self.simulator.counters, self.sent.pop
        items = [forget(token, None) for token, _, _ in event.answers]
        # A late answer finds nothing: its item is queued again already.
        mobile = sum([type(item) is Mobile for item in items])
        counters["mo_acknowledged"] += mobile
        counters["receipts_acknowledged"] += len(items) - mobile - items.count(None)
        counters["delivers_refused"] += sum([bool(answer[1]) for answer in event.answers])

    def _tick(self, interval: float) -> None:
        if self._closing:
            return
        now = self._loop.time()
        if not self.deaf:
            for event in self._session.tick(now):
                self._on_event(event, now)
            self.flush()
        self._ticker = self._loop.call_later(interval, self._tick, interval)
