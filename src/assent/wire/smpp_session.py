"""SMPP's connections: a Session with what only SMPP has.

Messages may travel as data_sm in either direction and to several receivers at once; questions
(query_sm, cancel_sm, replace_sm) come by the names in smpp_tables; an SMSC may tell that a
subscriber is there again (alert_notification) and may ask an ESME to bind to it (outbind).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast

from assent.errors import LocalProtocolError
from assent.wire import smpp_tables as tables
from assent.wire.connection import SessionSettings
from assent.wire.dialect import Meaning
from assent.wire.events import (
    Answered,
    Asked,
    Congestion,
    Event,
    Invited,
    PartlyRefused,
    Told,
)
from assent.wire.pdus import SubmitPdu
from assent.wire.session import Session
from assent.wire.smpp_codec import MESSAGE_ID_WIDTH, SmppCodec, body_of
from assent.wire.smpp_dialect import SmppDialect
from assent.wire.smpp_fields import Failure, string_octets
from assent.wire.smpp_ids import MessageId, text_of_id
from assent.wire.states import CARRYING, Move, Role, State

DEFAULTS: Final = SessionSettings(
    version=tables.V34, window=10, heartbeat_s=30.0, response_s=30.0, tries=2
)
"""Usual settings; replace user and secret (`dataclasses.replace`). The specification names no
values but the window's (facts: SMPP 4.1)."""

QUESTIONS: Final = frozenset({tables.QUERY_SM, tables.CANCEL_SM, tables.REPLACE_SM})


class SmppSession(Session):
    """Sans-IO session of one SMPP connection, e.g. `SmppSession(SMPP, Role.CLIENT, settings, now)`
    with settings of a version that SMPP has (see DEFAULTS).

    `Role.CLIENT` is the ESME, `Role.SERVER` the SMSC, whoever opened the connection. `start`'s
    timestamp means nothing here. A client's `SessionSettings.mode` chooses the bind; a server finds
    it in `BindAsked.mode`. What the mode does not let through is refused with RINVBNDSTS when the
    peer sends it and raises LocalProtocolError when we do."""

    def __init__(
        self, dialect: SmppDialect, role: Role, settings: SessionSettings, now: float
    ) -> None:
        super().__init__(dialect, role, settings, now)
        self._base = dialect.ids.answer_base or 10
        here = {Meaning.DATA: self._brings, Meaning.DATA_ANSWER: self._answers_ours}
        here |= {Meaning.MULTI: Meaning.SUBMIT} if role is Role.SERVER else {}
        self._meanings = {c: here.get(m, m) for c, m in dialect.meanings.items()}

    # --- both roles

    def receive(self, data: bytes, now: float) -> list[Event]:
        """As `Session.receive`; before all else comes how loaded the SMSC says it is."""
        events = super().receive(data, now)
        codec = cast("SmppCodec", self._codec)
        if codec.congestion is not None:
            events.insert(0, Congestion(codec.congestion))
            codec.congestion = None
        return events

    def send_data(self, bodies: Sequence[bytes], tokens: Sequence[int], now: float) -> bytes:
        """Return the data_sm to write (`smpp.body_of`); as `submit` or `deliver` in all else."""
        return self._send_as(Meaning.DATA, bodies, tokens, now)

    # --- client

    def submit_multi(self, bodies: Sequence[bytes], tokens: Sequence[int], now: float) -> bytes:
        """Client: return the submit_multi to write (`smpp.body_of`), one a body; as `submit` in all
        else. A PartlyRefused comes before an answer that names receivers."""
        self._only(Role.CLIENT)
        return self._send_as(Meaning.MULTI, bodies, tokens, now)

    def ask(self, command: int, fields: Mapping[str, Any], token: int, now: float) -> bytes:
        """Client: query_sm, cancel_sm or replace_sm. Ends in Answered or Unanswered.

        Raises LocalProtocolError for another command, a field that does not fit, or a receiver's
        bind."""
        self._only(Role.CLIENT)
        if self.state is not State.BOUND:
            raise LocalProtocolError("wrong_state", f"no questions while {self.state.value}")
        if not self._sends:
            raise LocalProtocolError("wrong_mode", "a receiver's bind asks nothing")
        if command not in QUESTIONS:
            name = tables.command_name(command)
            raise LocalProtocolError("wrong_command", f"{name} is no question")
        body = body_of(command, fields)
        sequence = self._take_sequence()
        self._asked[sequence] = (Meaning.ASK, token, now)
        return self._whole(command, body, sequence)

    # --- server

    def respond(
        self,
        submits: Sequence[SubmitPdu],
        message_ids: Sequence[MessageId],
        results: Sequence[int] | None = None,
    ) -> bytes:
        """As `Session.respond`; an id is a number below 2^63 or a text of at most 64 octets.

        Raises LocalProtocolError for any other, before anything is answered."""
        texts = [self._text_of(message_id) for message_id in message_ids]
        return super().respond(submits, texts, results)  # type: ignore[arg-type]  # texts too

    def respond_multi(
        self, submit: SubmitPdu, message_id: MessageId, refused: Sequence[Failure]
    ) -> bytes:
        """Server: return the answer to a submit_multi that reached all but these receivers; nothing
        when it is of another connection or answered already."""
        self._only(Role.SERVER)
        command = tables.SUBMIT_MULTI | tables.ANSWER
        if tables.command_name(int.from_bytes(submit.raw[4:8], "big")) != "submit_multi":
            raise LocalProtocolError("wrong_command", "only a submit_multi reaches a part")
        fields = {"message_id": self._text_of(message_id), "unsuccess_sme": refused}
        body = body_of(command, fields)
        if not self._close([submit], None) or self.state not in CARRYING:
            return b""
        return self._whole(command, body, submit.sequence)

    def answer(self, asked: Asked, fields: Mapping[str, Any], status: int = 0) -> bytes:
        """Server: return the answer to a question; with a status that is not 0, usually without
        fields."""
        self._only(Role.SERVER)
        command = asked.command | tables.ANSWER
        body = body_of(command, fields) if fields or not status else b""
        return self._whole(command, body, asked.sequence, status)

    def alert(self, fields: Mapping[str, Any]) -> bytes:
        """Server: return an alert_notification; it gets no answer."""
        self._only(Role.SERVER)
        if self.state is not State.BOUND or not self._sends:
            raise LocalProtocolError("wrong_state", "an alert needs a bound receiver")
        body = body_of(tables.ALERT_NOTIFICATION, fields)
        return self._whole(tables.ALERT_NOTIFICATION, body, self._take_sequence())

    def outbind(self, user: str, secret: str) -> bytes:
        """Server: ask the ESME that we connected to for a bind (4.1.7); BindAsked follows."""
        self._only(Role.SERVER)
        self._step(Move.INVITE)
        body = body_of(tables.OUTBIND, {"system_id": user, "password": secret})
        return self._whole(tables.OUTBIND, body, self._take_sequence())

    # --- inside

    def _text_of(self, message_id: MessageId) -> str:
        text = text_of_id(message_id, self._base)
        string_octets("message_id", text, MESSAGE_ID_WIDTH)
        return text

    def _send_as(
        self, meaning: Meaning, bodies: Sequence[bytes], tokens: Sequence[int], now: float
    ) -> bytes:
        usual, self._carries = self._carries, meaning
        try:
            return self._send(bodies, tokens, now)
        finally:
            self._carries = usual

    def _answer(self, pdus: Sequence[Any], ids: Sequence[int], results: Sequence[int]) -> bytes:
        """Each command has an answer of its own, in the order of the PDUs."""
        if self.state not in CARRYING:
            return b""
        commands = {pdu.raw[4:8] for pdu in pdus}
        if len(commands) == 1:  # as nearly always
            answer = int.from_bytes(commands.pop(), "big") | tables.ANSWER
            return self._codec.answers(answer, [pdu.sequence for pdu in pdus], ids, results)
        parts = []
        rows = zip(pdus, ids, results, strict=True)
        for command, some in groupby(rows, key=lambda row: row[0].raw[4:8]):
            run, given, codes = zip(*some, strict=True)
            answer = int.from_bytes(command, "big") | tables.ANSWER
            parts.append(self._codec.answers(answer, [pdu.sequence for pdu in run], given, codes))
        return b"".join(parts)

    def _hear(
        self,
        meaning: Meaning | None,
        head: tuple[Any, ...],
        start: int,
        end: int,
        now: float,
        out: list[Event],
    ) -> tuple[int, int, int] | None:
        command, sequence = head[1], head[-1]
        client, traffic = self.role is Role.CLIENT, self._allows(Move.TRAFFIC)
        if meaning is Meaning.INVITE and client and self._allows(Move.INVITE):
            fields = self._fields(command, start, end)
            self._step(Move.INVITE)
            out.append(Invited(fields["system_id"], fields["password"]))
        elif meaning is Meaning.MULTI_ANSWER and client and traffic:
            return self._hear_multi(head, start, end, out)
        elif meaning is Meaning.ASK and not client and traffic and self._hears:
            out.append(Asked(command, sequence, self._fields(command, start, end)))
        elif meaning is Meaning.ASK_ANSWER and client and traffic:
            self._hear_answered(head, start, end, out)
        elif meaning is Meaning.TELL and client and traffic and self._hears:
            out.append(Told(command, self._fields(command, start, end)))
        else:
            return super()._hear(meaning, head, start, end, now, out)
        return None

    @property
    def _hears(self) -> bool:
        return self._brings is not Meaning.NOTHING

    def _fields(self, command: int, start: int, end: int) -> dict[str, Any]:
        buffer = self._framer.buffer
        return tables.LAYOUTS[command].decode(buffer, start + tables.HEADER, end)

    def _hear_multi(
        self, head: tuple[Any, ...], start: int, end: int, out: list[Event]
    ) -> tuple[int, int, int]:
        """An answer whose list of failures cannot be read settles nothing: who got the message
        would be a guess."""
        answer = self._codec.read_answer(self._framer.buffer, start, end, head[-1])
        token = self._window.token_of(answer[0])
        if token is not None and end > start + tables.HEADER:
            failures: list[Failure] = self._fields(head[1], start, end)["unsuccess_sme"]
            if failures:
                out.append(PartlyRefused(token, [(f.address, f.status) for f in failures]))
        return answer

    def _hear_answered(self, head: tuple[Any, ...], start: int, end: int, out: list[Event]) -> None:
        """The answer to a question of ours; one that nobody asked is dropped."""
        command, sequence = head[1], head[-1]
        asked = self._asked.get(sequence)
        if asked is None:
            return
        status = self._codec.read_answer(self._framer.buffer, start, end, sequence)[1]
        bare = status or end - start <= tables.HEADER + 1  # an empty message_id may be added
        fields = {} if bare else self._fields(command, start, end)
        del self._asked[sequence]
        out.append(Answered(asked[1], command, status, fields))
