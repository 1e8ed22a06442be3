"""One connection of a carrier protocol, without the connection.

An adapter's whole loop: write what a method returns, feed `receive`, act on each event in order
(`Send`: write it; `Ended`: write its `reply`, close), and call `tick` at `next_deadline()`. Times
are seconds on any steady clock, the same one for every call. What a peer does wrong comes as an
event; what we do wrong raises LocalProtocolError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assent.errors import LocalProtocolError
from assent.wire.connection import Connection, SessionSettings
from assent.wire.dialect import CONTROL, Dialect, Meaning, Mode
from assent.wire.events import (
    Answered,
    Answers,
    CancelAnswered,
    CancelAsked,
    Delivers,
    Event,
    Overrun,
    QueryAnswered,
    QueryAsked,
    Send,
    Submits,
    Unanswered,
    Unknown,
    Unsure,
)
from assent.wire.frame import Frame, MalformedPdu
from assent.wire.pdus import DeliverPdu, SubmitPdu
from assent.wire.states import CARRYING, Move, Role, State
from assent.wire.window import Window

__all__ = ["Role", "Session", "SessionSettings", "State"]


class Session(Connection):
    """Sans-IO session of one connection, e.g. `Session(CMPP, Role.CLIENT, settings, now)`."""

    def __init__(self, dialect: Dialect, role: Role, settings: SessionSettings, now: float) -> None:
        super().__init__(dialect, role, settings, now)
        self._window = Window(settings.window)
        self._peer_window = settings.peer_window
        # The peer's unanswered requests: an answer must name the very PDU, so that one kept from
        # an earlier connection can never answer this connection's.
        self._open: dict[int, DeliverPdu | SubmitPdu] = {}
        self._asked: dict[int, tuple[Meaning, int, float]] = {}
        client = role is Role.CLIENT
        self._carries = Meaning.SUBMIT if client else Meaning.DELIVER
        self._answers_ours = Meaning.SUBMIT_ANSWER if client else Meaning.DELIVER_ANSWER
        self._brings = Meaning.DELIVER if client else Meaning.SUBMIT
        self._answers_theirs = Meaning.DELIVER_ANSWER if client else Meaning.SUBMIT_ANSWER
        self._sends = True
        self._meanings = dialect.meanings

    @property
    def partial(self) -> bytes:
        """The octets of a PDU that has not come whole yet."""
        return self._framer.partial

    @property
    def credit(self) -> int:
        """How many messages may be sent now; 0 unless bound, and where the bind lets none go."""
        return self._window.free if self.state is State.BOUND and self._sends else 0

    @property
    def unanswered(self) -> int:
        """How many messages of the peer wait for `respond` or `acknowledge`. When this grows,
        stop reading the transport."""
        return len(self._open)

    def outstanding(self) -> list[int]:
        """Tokens sent and not answered, oldest first; without those reported in `Unsure`."""
        return list(self._window.tokens.values())

    # --- both roles

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the transport; return what they mean. Never raises for what a peer sent;
        after `Ended` (always the last event) it returns nothing."""
        # As long as it is because its loop is the hot path, written out.
        if self.state is State.ENDED:
            return []
        framer = self._framer
        frames, buffer = framer.split(data), framer.buffer
        events: list[Event] = []
        answers: list[tuple[int, int, int]] = []
        settled: list[tuple[int, int, int]] = []
        brought: list[Any] = []
        meaning_of = self._meanings.get
        ours, theirs, read_answer, read_theirs = self._readers()
        for head, start, end in frames:
            meaning = meaning_of(head[1])
            try:
                if meaning is ours:
                    answers.append(read_answer(buffer, start, end, head[-1]))
                    continue
                if meaning is theirs:
                    brought.append(read_theirs(buffer, start, end, head[-1]))
                    continue
                settled += self._window.settle(answers)  # _hear asks what is still open
                answers.clear()
                answer = self._hear(meaning, head, start, end, now, events)
                if answer is not None:
                    answers.append(answer)
                ours, theirs, read_answer, read_theirs = self._readers()
            except MalformedPdu as error:
                self._hear_malformed(error, (head, start, end), events)
            if self._end is not None:
                break
        if frames:
            self._alive(now)
        if answers:
            settled += self._window.settle(answers)
        if settled:
            events.append(Answers(settled))
        if brought:
            self._take_in(brought, events)
        if framer.fault is not None and self._end is None:
            self._break("bad_length", framer.fault)
        return self._conclude(events, now)

    def _readers(self) -> tuple[Meaning, Meaning, Callable[..., Any], Callable[..., Any]]:
        """What answers to ours and the peer's messages mean at this moment, and who reads them."""
        ours, theirs, codec = self._answers_ours, self._brings, self._codec
        if self.state not in CARRYING:
            ours = theirs = Meaning.NOTHING
        read = codec.read_deliver if theirs is Meaning.DELIVER else codec.read_submit
        return ours, theirs, codec.read_answer, read

    def tick(self, now: float) -> list[Event]:
        """Do what is due. Call at or after `next_deadline()`; earlier does no harm."""
        if self.state is State.ENDED:
            return []
        before = now - self.settings.response_s
        events: list[Event] = []
        tokens, left = self._window.expire(before)
        if tokens:
            events.append(Unsure(tokens, left))
        due = [sequence for sequence, asked in self._asked.items() if asked[2] <= before]
        if due:
            events.append(Unanswered([self._asked.pop(sequence)[1] for sequence in due]))
        return self._conclude(events, now, self._tick_connection(now))

    def next_deadline(self) -> float | None:
        """When `tick` is due next; None when only the peer or the owner can move."""
        if self.state is State.ENDED:
            return None
        due = [self._connection_deadline()]
        oldest = self._window.oldest_at()
        response = self.settings.response_s
        due.append(None if oldest is None else oldest + response)
        due.extend(asked[2] + response for asked in self._asked.values())
        return min((at for at in due if at is not None), default=None)

    # --- client

    def submit(self, bodies: Sequence[bytes], tokens: Sequence[int], now: float) -> bytes:
        """Client: return the SUBMITs to write, one a body (`cmpp.SubmitForm`). Each is sent once:
        it ends in Answers, in Unsure, or in `outstanding()` after Ended.

        Raises LocalProtocolError when not bound or when there are more bodies than `credit`."""
        self._only(Role.CLIENT)
        return self._send(bodies, tokens, now)

    def acknowledge(self, delivers: Sequence[DeliverPdu], result: int = 0) -> bytes:
        """Client: return the answers to DELIVERs that are durable now. Those of another
        connection, or answered already, are left out."""
        self._only(Role.CLIENT)
        ours = self._close(delivers, None)
        ids = [deliver.message_id for deliver in ours]
        return self._answer(ours, ids, [result] * len(ours))

    def query(self, day: str, service: str, token: int, now: float) -> bytes:
        """Client: ask for the counters of a day (YYYYMMDD), of one service or ("") in total. Ends
        in QueryAnswered or Unanswered."""
        return self._ask(Meaning.QUERY, self._codec.query(day, service), token, now)

    def cancel(self, message_id: int, token: int, now: float) -> bytes:
        """Client: ask that a message be recalled. Ends in CancelAnswered or Unanswered."""
        return self._ask(Meaning.CANCEL, self._codec.cancel(message_id), token, now)

    # --- server

    def respond(
        self,
        submits: Sequence[SubmitPdu],
        message_ids: Sequence[int],
        results: Sequence[int] | None = None,
    ) -> bytes:
        """Server: return the answers to SUBMITs: the id given to each (the first of a run when it
        has several receivers) and its result, 0 when `results` is None. Those of another
        connection, or answered already, are left out."""
        self._only(Role.SERVER)
        if results is None:
            results = [0] * len(submits)
        if not len(submits) == len(message_ids) == len(results):
            raise LocalProtocolError("length_mismatch", "one id and one result for each SUBMIT")
        kept: list[int] = []
        ours = self._close(submits, kept)
        if len(ours) != len(submits):
            message_ids = [message_ids[i] for i in kept]
            results = [results[i] for i in kept]
        return self._answer(ours, message_ids, results)

    def deliver(self, bodies: Sequence[bytes], tokens: Sequence[int], now: float) -> bytes:
        """Server: return the DELIVERs to write (`cmpp.deliver_body`, `cmpp.report_body`); as
        `submit` in all else."""
        self._only(Role.SERVER)
        return self._send(bodies, tokens, now)

    def answer_query(self, asked: QueryAsked, counters: Mapping[str, int]) -> bytes:
        """Server: return the answer to a QUERY; counters by `cmpp_tables.COUNTERS`, 0 if absent."""
        self._only(Role.SERVER)
        body = self._codec.query_answer(asked.day, asked.service, counters)
        return self._pdu(Meaning.QUERY_ANSWER, body, asked.sequence)

    def answer_cancel(self, asked: CancelAsked, cancelled: bool) -> bytes:
        """Server: return the answer to a CANCEL."""
        self._only(Role.SERVER)
        body = self._codec.cancel_answer(cancelled)
        return self._pdu(Meaning.CANCEL_ANSWER, body, asked.sequence)

    # --- inside

    def _only(self, role: Role) -> None:
        if self.role is not role:
            raise LocalProtocolError("wrong_role", f"only a {role.value} does this")

    def _set_windows(self, window: int | None, peer_window: int | None) -> None:
        if window is not None:
            self._window.size = window
        if peer_window is not None:
            self._peer_window = peer_window

    def _set_mode(self, mode: Mode) -> None:
        only_brings = Mode.TRANSMITTER if self.role is Role.SERVER else Mode.RECEIVER
        self._sends = mode is not only_brings
        if mode is not Mode.TRANSCEIVER and self._sends:
            self._brings = Meaning.NOTHING

    def _busy(self) -> bool:
        return bool(self._window.tokens or self._asked)

    def _conclude(self, events: list[Event], now: float, more: Sequence[Event] = ()) -> list[Event]:
        """Put what the connection itself has to say last, Ended at the very end."""
        events.extend(event for event in more if event is not self._end)
        if self._end is not None:
            events.append(self._end)
        elif ending := self._end_when_drained(now):
            events.append(Send(ending))
        return events

    def _send(self, bodies: Sequence[bytes], tokens: Sequence[int], now: float) -> bytes:
        count = len(bodies)
        if self.state is not State.BOUND:
            raise LocalProtocolError("wrong_state", f"no messages while {self.state.value}")
        if not self._sends:
            raise LocalProtocolError("wrong_mode", "this bind lets no messages of ours go")
        if count > self._window.free:
            raise LocalProtocolError("window_full", f"{count} messages, {self._window.free} fit")
        if count != len(tokens):
            raise LocalProtocolError("length_mismatch", "one token for each body")
        numbers = self._dialect.sequences(self._sequence, count + 1)
        self._sequence = numbers[-1]
        sequences = numbers[:-1]
        self._window.add(sequences, tokens, now)
        framing, command = self._dialect.framing, self._dialect.commands[self._carries]
        pack, size = framing.pack, framing.header.size
        parts = []
        for sequence, body in zip(sequences, bodies, strict=True):
            parts.append(pack(size + len(body), command, sequence))
            parts.append(body)
        return b"".join(parts)

    def _close(self, pdus: Sequence[Any], kept: list[int] | None) -> list[Any]:
        """Take the still open ones out of `_open`; note their places in `kept`."""
        waiting: dict[int, Any] = self._open
        ours: list[Any] = []
        for place, pdu in enumerate(pdus):
            sequence = pdu.sequence
            if waiting.get(sequence) is pdu:  # of this connection, and not answered yet
                del waiting[sequence]
                ours.append(pdu)
                if kept is not None:
                    kept.append(place)
        return ours

    def _answer(self, pdus: Sequence[Any], ids: Sequence[int], results: Sequence[int]) -> bytes:
        if not pdus or self.state not in CARRYING:
            return b""
        command = self._dialect.commands[self._answers_theirs]
        return self._codec.answers(command, [pdu.sequence for pdu in pdus], ids, results)

    def _ask(self, meaning: Meaning, body: bytes, token: int, now: float) -> bytes:
        self._only(Role.CLIENT)
        if self.state is not State.BOUND:
            raise LocalProtocolError("wrong_state", f"no questions while {self.state.value}")
        sequence = self._take_sequence()
        self._asked[sequence] = (meaning, token, now)
        return self._pdu(meaning, body, sequence)

    def _take_in(self, brought: Sequence[Any], events: list[Event]) -> None:
        """Hand up the peer's messages, but for repeats and those over its window."""
        waiting, limit = self._open, self._peer_window
        fresh, refused, codes = [], [], []
        for pdu in brought:
            known = waiting.get(pdu.sequence)
            if known is not None:
                if known.raw != pdu.raw:  # the same again is the peer's retry: its answer will come
                    refused.append(pdu)
                    codes.append(self._dialect.codes.repeated)
            elif limit is not None and len(waiting) >= limit:
                refused.append(pdu)
                codes.append(self._dialect.codes.flow_control)
            else:
                waiting[pdu.sequence] = pdu
                fresh.append(pdu)
        if refused:
            client = self.role is Role.CLIENT
            ids = [pdu.message_id if client else 0 for pdu in refused]
            events.append(Send(self._answer(refused, ids, codes)))
            events.append(Overrun(len(refused)))
        if fresh:
            events.append(Delivers(fresh) if self.role is Role.CLIENT else Submits(fresh))

    def _hear(
        self,
        meaning: Meaning | None,
        head: tuple[Any, ...],
        start: int,
        end: int,
        now: float,
        out: list[Event],
    ) -> tuple[int, int, int] | None:
        """Everything but the peer's messages and its usual answers to ours; returns an answer that
        came in another way. Raises MalformedPdu."""
        command, sequence, buffer = head[1], head[-1], self._framer.buffer
        if meaning in CONTROL:
            self._hear_control(meaning, (head, start, end), now, out)
            return None
        if meaning is Meaning.NACK:
            return self._hear_nack((head, start, end), out)
        if meaning is not None and not self._allows(Move.TRAFFIC):
            self._break_state(meaning, (head, start, end), b"")
            return None
        server = self.role is Role.SERVER
        if meaning is Meaning.QUERY and server:
            out.append(QueryAsked(sequence, *self._codec.read_query(buffer, start, end)))
        elif meaning is Meaning.CANCEL and server:
            out.append(CancelAsked(sequence, self._codec.read_cancel(buffer, start, end)))
        elif meaning in (Meaning.QUERY_ANSWER, Meaning.CANCEL_ANSWER) and not server:
            self._hear_answer(meaning, sequence, start, end, out)
        else:
            code = self._dialect.codes.command if meaning is None else self._wrong_state
            out.extend(self._refusal((head, start, end), code))
            out.append(Unknown(command, sequence, buffer[start:end]))
        return None

    def _hear_nack(self, frame: Frame, out: list[Event]) -> tuple[int, int, int] | None:
        """A general refusal: of our bind, of a question, of a message (then its answer is
        returned), or of nothing that we know. It accepts nothing, whatever status it carries."""
        (_, command, *_, sequence), start, end = frame
        buffer = self._framer.buffer
        status = self._codec.read_answer(buffer, start, end, sequence)[1]
        status = status or self._dialect.codes.structure
        if not self._allows(Move.TRAFFIC):
            if self._binding is not None and sequence == self._binding.sequence:
                self._hear_refused(status, 0, out)
            else:
                self._break_state(Meaning.NACK, frame, b"")
        elif self._window.token_of(sequence) is not None:
            return sequence, status, 0
        elif (asked := self._asked.pop(sequence, None)) is not None:
            out.append(Answered(asked[1], command, status, {}))
        else:
            out.append(Unknown(command, sequence, buffer[start:end]))
        return None

    def _hear_answer(
        self, meaning: Meaning, sequence: int, start: int, end: int, out: list[Event]
    ) -> None:
        """The answer to a question of ours; one that nobody asked is dropped."""
        wanted = {Meaning.QUERY_ANSWER: Meaning.QUERY, Meaning.CANCEL_ANSWER: Meaning.CANCEL}
        asked = self._asked.get(sequence)
        if asked is None or asked[0] is not wanted[meaning]:
            return
        buffer, token = self._framer.buffer, asked[1]
        if meaning is Meaning.QUERY_ANSWER:
            counters = self._codec.read_query_answer(buffer, start, end)
            out.append(QueryAnswered(token, counters))
        else:
            out.append(CancelAnswered(token, self._codec.read_cancel_answer(buffer, start, end)))
        del self._asked[sequence]
