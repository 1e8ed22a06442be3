"""One TCP connection of a link, from connect to close: the loop that everything else feeds.

Theory of operation. A wake-up (bytes came in, a kick, allowance came back) does one `take` from
the source, one `submit` on the session and one `write` on the transport, with what the read wants
answered before it. Nothing waits here: what does not fit the window, the pace or the socket stays
with the source, where it can still be withheld. The transport's buffer limit is zero, so the first
byte that the kernel does not take stops the pulling.

Tokens end in one of two ways: answered, or lost. They are lost only after the socket is closed,
with a reset that throws away what the kernel had not sent yet, so that nothing reported lost
leaves afterwards (DESIGN.md, "Never retransmit").
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from assent.carrier.health import Sample
from assent.carrier.sockets import BACKLOG, Holds, Progress, reset
from assent.wire.events import (
    Answers,
    Bound,
    Congestion,
    Delivers,
    End,
    Ended,
    Malformed,
    Overrun,
    Refused,
    Send,
    Unknown,
    Unsure,
)

if TYPE_CHECKING:
    from assent.carrier.link import Link
    from assent.carrier.pdu_tap import PduTap
    from assent.flow.links import Answer, Deliver, Outgoing
    from assent.wire.events import Event
    from assent.wire.pdus import DeliverPdu
    from assent.wire.session import Session

RETIRE_GRACE_S: Final = 5.0
"""How long the other messages of a window may still be answered once one is past T."""

SOURCE_FAILED_S: Final = 1.0
"""How long a link waits before it asks a source again that raised."""


class Connection(asyncio.Protocol):
    """Adapter between a transport and a client `Session`; made anew for each connect."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self.link = link
        self.closed: asyncio.Future[str] = loop.create_future()
        """Resolves to the reason, after the socket is closed and lost tokens are reported."""
        self.tap: PduTap | None = None
        self._loop = loop
        self._settings = link.settings
        self._counters = link.counters
        self._transport: asyncio.Transport | None = None
        self._session: Session = None  # type: ignore[assignment]  # set when connected
        self._reason = ""
        self._paused: Progress | None = None
        self._gathered: list[bytes] | None = None
        self._holds: Holds = None  # type: ignore[assignment]  # set when connected
        self._finishing = False
        self._freed = False
        self._retire_at: float | None = None
        self._unsure: dict[int, None] = {}
        self._broken: list[int] = []
        self._kick: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._tick_due = 0.0
        self._sample: Sample | None = None

    # --- what the link asks

    @property
    def in_flight(self) -> int:
        """How many messages are written and neither answered nor lost."""
        if self._transport is None:
            return 0
        return len(self._session.outstanding()) + len(self._unsure)

    @property
    def unacknowledged(self) -> int:
        """How many delivers wait for the platform's acknowledgement."""
        return 0 if self._transport is None else self._session.unanswered

    def kick(self) -> None:
        """Pull soon: there may be work. Many kicks before the next turn make one pull."""
        if self._kick is None and self._transport is not None:
            self._kick = self._loop.call_soon(self._kicked)

    def acknowledge(self, delivers: Sequence[Deliver], result: int) -> int:
        """Answer those delivers that came on this connection, in one write; return how many."""
        if self._transport is None:
            return 0
        session = self._session
        before = session.unanswered
        # A Deliver of ours is the session's own object; it leaves out what is not.
        self._write(session.acknowledge(cast("Sequence[DeliverPdu]", delivers), result))
        if session.unanswered <= self._settings.deliver_limit // 2:
            self._holds.release("delivers")
        return before - session.unanswered

    def finish(self) -> None:
        """Stop pulling; TERMINATE once the last message is answered or past T."""
        if self._finishing or self._transport is None:
            return
        self._finishing = True
        self._write(self._session.finish(self._loop.time()))

    def look(self) -> None:
        """Begin or end to show what passes, as the link says."""
        self.tap = self.link.tap_for(self._session)

    def abort(self, reason: str) -> None:
        """Close at once, dropping what the kernel has not sent."""
        self._reason = self._reason or reason
        transport = self._transport
        if transport is None or self.closed.done():
            return
        self._finishing = True
        self._gathered = None
        reset(transport)

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bind."""
        self._transport = cast("asyncio.Transport", transport)
        self._holds = Holds(self._transport)
        settings = self._settings
        # Over TLS a limit of 0 is reached by an empty buffer, too.
        self._transport.set_write_buffer_limits(high=1 if settings.tls else 0, low=0)
        now = self._loop.time()
        self._session, timestamp = self.link.open_session(now)
        self.look()
        self._write(self._session.start(now, timestamp))
        self._schedule_tick(now)
        self.link.connected(self)

    def data_received(self, data: bytes) -> None:
        """Hand on what came, then use the window that it freed."""
        now = self._loop.time()
        if self.tap is not None:
            self.tap.came(data)
        events = self._session.receive(data, now)
        self._gathered = []
        try:
            self._take_in(events, now)
            if self._freed:
                self._freed = False
                self._pull(now)
        finally:
            self._flush()
        if self._paused is not None and self._buffered() > BACKLOG:
            self._holds.hold("writing")

    def _take_in(self, events: list[Event], now: float) -> None:
        done = 0
        try:
            for event in events:
                self._on_event(event, now)
                done += 1
        except BaseException:
            # The session has forgotten these tokens and the sink did not take them.
            for event in events[done:]:
                if isinstance(event, Answers):
                    self._broken.extend(answer[0] for answer in event.answers)
            self.abort("taking in what the carrier sent failed")
            raise

    def pause_writing(self) -> None:
        """The kernel's buffer is full: the carrier does not keep up."""
        self._paused = Progress(self._buffered(), self._loop.time())

    def resume_writing(self) -> None:
        """All bytes are with the kernel again."""
        if self._paused is not None:
            self._paused = None
            self._holds.release("writing")
            self.kick()

    def eof_received(self) -> bool:
        """Treat a half-closed connection as closed."""
        self.abort("carrier closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers; report what is lost once the socket is really closed."""
        for handle in (self._kick, self._later, self._ticker):
            if handle is not None:
                handle.cancel()
        self._kick = self._later = self._ticker = None
        self._finishing = True
        if not self._reason:
            self._reason = f"connection lost: {exc}" if exc else "carrier closed the connection"
        # asyncio closes the socket after this method returns, so losses wait for the next turn.
        self._loop.call_soon(self._report_loss)

    def _report_loss(self) -> None:
        self._transport = None
        session = self._session
        if not session.ended:
            session.lost()
        tokens = [*self._unsure, *session.outstanding(), *self._broken]
        self._unsure.clear()
        self._counters.lost += len(tokens)
        try:
            if tokens:
                self.link.sink.lost(self.link, tokens)
        finally:
            if not self.closed.done():
                self.closed.set_result(self._reason)

    # --- pulling

    def _kicked(self) -> None:
        self._kick = None
        self._pull(self._loop.time())

    def _woken(self) -> None:
        self._later = None
        self._pull(self._loop.time())

    def _wake_after(self, delay: float) -> None:
        if self._later is None:
            self._later = self._loop.call_later(delay, self._woken)

    def _pull(self, now: float) -> None:
        """Fill the free window from the source: one take, one submit, one write."""
        if self._paused is not None or self._finishing or self._retire_at is not None:
            return
        session = self._session
        credit = session.credit
        if not credit:
            self._counters.window_full += 1
            return
        link = self.link
        if link.held is not None:
            return
        if now < link.throttled_until:
            self._wake_after(link.throttled_until - now)
            return
        for bucket in (paces := link.paces(now)):
            if (allowed := bucket.available(now)) < credit:
                self._counters.paced += 1
                if allowed <= 0:
                    self._wake_after(bucket.delay(now))
                    return
                credit = allowed
        try:
            messages = link.source.take(link, credit)
        except Exception as error:
            # Nothing was handed over, so the connection and its window stay good.
            context = {"message": f"source of link {link.name} failed", "exception": error}
            self._loop.call_exception_handler(context)
            self._wake_after(SOURCE_FAILED_S)
            return
        if messages:
            self._submit(messages, credit, now)
            for bucket in paces:
                bucket.spend(len(messages))
                if session.credit:
                    self._wake_after(bucket.delay(now))

    def _submit(self, messages: list[Outgoing], credit: int, now: float) -> None:
        tokens, bodies = zip(*messages, strict=True)
        counters = self._counters
        count = len(tokens)
        counters.submitted += count
        if count > credit or self._session.ended or self._finishing:
            # Either the source broke its promise, or it aborted us while we asked it.
            self._broken.extend(tokens)
            self.abort("source gave more messages than asked for" if count > credit else "aborted")
            return
        counters.writes += 1
        self._write(self._session.submit(bodies, tokens, now))
        if self._sample is None:
            self._sample = Sample(tokens[0], now)

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            if self.tap is not None:
                self.tap.left(data)
            if self._gathered is None:
                self._transport.write(data)
            else:
                self._gathered.append(data)

    def _flush(self) -> None:
        """Write what was gathered while a read was taken in: with a buffer limit of 0 every write
        is a system call, and the carrier wakes for each."""
        gathered, self._gathered = self._gathered, None
        if gathered and self._transport is not None:
            self._transport.write(b"".join(gathered))

    def _buffered(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    # --- events

    def _on_event(self, event: Event, now: float) -> None:
        if isinstance(event, Answers):
            self._on_answers(event.answers, now)
        elif isinstance(event, Delivers):
            self._on_delivers(event.delivers)
        elif isinstance(event, Send):
            self._write(event.data)
        elif isinstance(event, Bound):
            self._freed = True
            self.link.bound(event, now)
        elif isinstance(event, Refused):
            self._reason = f"bind refused with status {event.status}"
            self.link.refused(event)
        elif isinstance(event, Unsure):
            self._on_unsure(event, now)
        elif isinstance(event, Ended):
            self._on_ended(event)
        elif isinstance(event, (Malformed, Unknown, Overrun)):
            self._counters.protocol_errors += 1
        elif isinstance(event, Congestion):
            self.link.congested(event.state, now)

    def _on_answers(self, answers: list[Answer], now: float) -> None:
        self._freed = True
        if self._sample is not None and self._sample.among(answers):
            self._counters.answer_time.add(now - self._sample.at)
            self._sample = None
        if self._unsure:
            for answer in answers:
                self._unsure.pop(answer[0], None)
        self.link.count_answers(answers, now)
        self.link.sink.answered(self.link, answers)

    def _on_delivers(self, delivers: list[DeliverPdu]) -> None:
        self._counters.delivers += len(delivers)
        if self._session.unanswered > self._settings.deliver_limit:
            self._holds.hold("delivers")
        self.link.sink.arrived(self.link, delivers)

    def _on_unsure(self, event: Unsure, now: float) -> None:
        """Retire this connection; at once unless the carrier goes on answering others."""
        self._counters.stalls += 1
        self._unsure.update(dict.fromkeys(event.tokens))
        self._reason = self._reason or "no answer within the response time"
        if not event.left or self._finishing:
            self.abort(self._reason)
        elif self._retire_at is None:
            self._retire_at = now + min(RETIRE_GRACE_S, self._settings.response_s)

    def _on_ended(self, event: Ended) -> None:
        self._finishing = True
        if event.error is not None:
            self._counters.protocol_errors += 1
        self._reason = self._reason or event.reason.value.replace("_", " ")
        transport = self._transport
        if transport is None:
            return
        self._write(event.reply)
        self._flush()
        # An orderly close lets the kernel send what it holds; with messages in doubt it must not.
        orderly = event.reason in (End.FINISHED, End.PEER_FINISHED, End.REFUSED)
        if orderly and not self.in_flight and not self._buffered():
            self._loop.call_soon(transport.close)  # uvloop's TLS is not closed while it reads
        else:
            self.abort(self._reason)

    # --- deadlines

    def _schedule_tick(self, now: float) -> None:
        interval = self._settings.look_every_s
        self._tick_due = now + interval
        self._ticker = self._loop.call_later(interval, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._tick_due > self._settings.response_s / 4:
            # The loop itself was held up. Answers may lie in the socket: read before judging.
            self._tick_due = now + 0.01
            self._ticker = self._loop.call_later(0.01, self._tick)
            return
        self._schedule_tick(now)
        for event in self._session.tick(now):
            self._on_event(event, now)
        if self._retire_at is not None and (
            now >= self._retire_at or not self._session.outstanding()
        ):
            self.abort(self._reason)
        elif self._paused is not None and (
            self._paused.stands(self._buffered(), now) >= self._settings.stall_s
        ):
            self._counters.stalls += 1
            self.abort("carrier stopped reading")
