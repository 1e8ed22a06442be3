"""The frame of a session: bind, heartbeat and end, driven by the table in states.py.

`Session` (session.py) adds the traffic. Rules for both: bytes and the time come in as arguments;
events and bytes go out as results; a peer's mistake is an event, our own raises LocalProtocolError.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assent.errors import LocalProtocolError, RemoteProtocolError
from assent.wire.dialect import BindAnswer, BindRequest, Dialect, Meaning, Mode
from assent.wire.events import BindAsked, Bound, End, Ended, Event, Malformed, Refused, Send
from assent.wire.frame import Frame, Framer, MalformedPdu
from assent.wire.states import CARRYING, TABLE, Move, Role, State
from assent.wire.window import Retry

_BINDS = frozenset(mode.value for mode in Mode)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """user, secret: what a client binds with (a server leaves them empty).
    version: the client's version, or the highest a server accepts.
    window: how many of our messages may be unanswered. peer_window: how many of the peer's may be
    (None: not enforced; the rest is refused with the flow control code).
    heartbeat_s, response_s, tries: C, T and N of the specifications, in seconds and tries.
    strict: refuse a server whose own proof does not match the secret.
    mode: which way messages are to flow, as a client asks for it (a server is asked)."""

    user: str = ""
    secret: str = field(default="", repr=False)
    version: int = 0x30
    window: int = 16
    peer_window: int | None = None
    heartbeat_s: float = 180.0
    response_s: float = 60.0
    tries: int = 3
    first_sequence: int = 1
    strict: bool = False
    mode: Mode = Mode.TRANSCEIVER


class Connection:
    """Bind, heartbeat and end of one connection. Use `Session`."""

    def __init__(self, dialect: Dialect, role: Role, settings: SessionSettings, now: float) -> None:
        self.role = role
        self.settings = settings
        self.state = State.NEW
        self._dialect = dialect
        self._codec = dialect.codec(settings.version)
        self._framer = Framer(dialect.framing)
        self._sequence = settings.first_sequence
        self._heard_at = self._since = now
        self._binding: Retry | None = None
        self._probe: Retry | None = None
        self._proof = b""
        self._bind_asked: BindAsked | None = None
        self._bind_command = dialect.commands[Meaning.BIND]  # the one asked with
        self._bind_reply = b""
        self._end: Ended | None = None

    @property
    def bound(self) -> bool:
        """Whether messages may be sent."""
        return self.state is State.BOUND

    @property
    def ended(self) -> bool:
        return self.state is State.ENDED

    @property
    def version(self) -> int:
        """Version spoken; final once Bound."""
        return self._codec.version

    # --- our moves

    def start(self, now: float, timestamp: int) -> bytes:
        """Client: return the bind request. timestamp: MMDDHHMMSS in the carrier's zone, see
        `cmpp.bind_timestamp`. Then wait for Bound, or Refused and Ended."""
        if self.role is not Role.CLIENT:
            raise LocalProtocolError("wrong_role", "only a client binds")
        meaning: Meaning = self.settings.mode.value
        if meaning not in self._dialect.commands:
            raise LocalProtocolError("wrong_mode", f"{self._dialect.name} has no {meaning.name}")
        body, proof = self._codec.bind(self.settings.user, self.settings.secret, timestamp)
        self._step(Move.ASK_BIND)
        self._proof = proof
        sequence = self._take_sequence()
        self._binding = Retry(self._pdu(meaning, body, sequence), sequence, now)
        return self._binding.data

    def accept(
        self,
        asked: BindAsked,
        secret: str,
        now: float,
        *,
        window: int | None = None,
        peer_window: int | None = None,
    ) -> list[Event]:
        """Server: check the client's proof and bind it: [Send, Bound], or as `refuse` when the
        proof is wrong. The windows replace those of the settings (an account's own).

        Nothing is returned when the session ended meanwhile: what followed the bind in the same
        read may have broken it, and its Ended is among the events that brought the BindAsked."""
        if self.state is State.ENDED:
            return []
        request = BindRequest(asked.user, asked.proof, asked.version, asked.timestamp)
        if not self._codec.proves(request, secret):
            return self.refuse(asked, self._dialect.codes.bad_proof, now)
        self._check_asked(asked)
        self._step(Move.ACCEPT)
        self._codec = self._dialect.codec(asked.version)
        self._bind_reply = self._bind_answer(asked, 0, secret)
        self._heard_at = now
        self._set_windows(window, peer_window)
        self._set_mode(asked.mode)
        return [Send(self._bind_reply), Bound(self._codec.version, asked.version)]

    def refuse(self, asked: BindAsked, status: int, now: float) -> list[Event]:
        """Server: refuse a client with the dialect's status code: [Send, Ended(REFUSED)]. Unknown
        users and wrong secrets should get the same status: it tells nobody who exists. Nothing
        when the session ended meanwhile, as with `accept`."""
        if self.state is State.ENDED:
            return []
        self._check_asked(asked)
        self._step(Move.REFUSE)
        self._since = now
        reply = self._bind_answer(asked, status, "")
        return [Send(reply), self._ended(End.REFUSED)]

    def finish(self, now: float) -> bytes:
        """End gracefully: no more credit at once. TERMINATE leaves when the last message of ours
        is answered or unsure: as this result when none waits, else as a later Send; then comes
        Ended (FINISHED, or ABANDONED after T). Before the bind there is nothing to say: the
        session is ended on return, close the transport."""
        self._step(Move.FINISH)
        if self.state is State.ENDED:
            if self._end is None:
                self._end = Ended(End.FINISHED)
            return b""
        return self._end_when_drained(now)

    def lost(self) -> list[Event]:
        """Tell that the transport is gone: [Ended(LOST)], or nothing when already ended."""
        if self.state is State.ENDED:
            return []
        self._step(Move.LOSE)
        return [self._ended(End.LOST)]

    # --- for Session

    def _set_windows(self, window: int | None, peer_window: int | None) -> None:
        raise NotImplementedError

    def _set_mode(self, mode: Mode) -> None:
        raise NotImplementedError

    def _busy(self) -> bool:
        """Whether something of ours still waits for its answer."""
        raise NotImplementedError

    def _step(self, move: Move) -> None:
        after = TABLE[self.role][self.state].get(move)
        if after is None:
            raise LocalProtocolError(
                "wrong_state", f"{move.value}: not while {self.state.value} ({self.role.value})"
            )
        self.state = after

    def _allows(self, move: Move) -> bool:
        return move in TABLE[self.role][self.state]

    def _take_sequence(self) -> int:
        sequence, self._sequence = self._dialect.sequences(self._sequence, 2)
        return sequence

    def _pdu(self, meaning: Meaning, body: bytes, sequence: int, status: int = 0) -> bytes:
        return self._whole(self._dialect.commands[meaning], body, sequence, status)

    def _whole(self, command: int, body: bytes, sequence: int, status: int = 0) -> bytes:
        """A PDU; `status` goes where the dialect's header has a place for it."""
        framing = self._dialect.framing
        length = framing.header.size + len(body)
        if framing.pack_status is not None:
            return framing.pack_status(length, command, status, sequence) + body
        return framing.pack(length, command, sequence) + body

    def _ended(self, reason: End, error: RemoteProtocolError | None = None) -> Ended:
        reply = error.reply or b"" if error is not None else b""
        self._end = Ended(reason, reply, error)
        return self._end

    def _break(self, code: str, message: str, reply: bytes | None = None) -> None:
        """The peer broke the protocol: end, and say so in the way the dialect has."""
        if reply is None:
            codes = self._dialect.codes
            if Meaning.NACK in self._dialect.commands:
                status = codes.length if code == "bad_length" else self._wrong_state
                reply = self._pdu(Meaning.NACK, b"", 0, status)
            elif self.state in CARRYING:
                reply = self._pdu(Meaning.END, b"", self._take_sequence())
            elif self.role is Role.SERVER:
                status = codes.structure
                body = self._codec.bind_answer(status, bytes(16), "", self.settings.version)
                reply = self._pdu(Meaning.BIND_ANSWER, body, 0)
        self._step(Move.BREAK)
        self._ended(End.PROTOCOL_ERROR, RemoteProtocolError(code, message, reply=reply))

    def _end_when_drained(self, now: float) -> bytes:
        if self.state is not State.DRAINING or self._busy():
            return b""
        self._step(Move.DRAINED)
        self._since = now
        return self._pdu(Meaning.END, b"", self._take_sequence())

    # --- the peer's moves

    @property
    def _wrong_state(self) -> int:
        codes = self._dialect.codes
        return codes.command if codes.wrong_state is None else codes.wrong_state

    def _hear_control(self, meaning: Meaning, frame: Frame, now: float, out: list[Event]) -> None:
        """Bind, heartbeat and end, in any state. Raises MalformedPdu."""
        sequence = frame[0][-1]
        if meaning in _BINDS:
            self._hear_bind(Mode(meaning), frame, out)
        elif meaning is Meaning.BIND_ANSWER:
            self._hear_bind_answer(sequence, *frame[1:], now, out)
        elif meaning is Meaning.END and self._allows(Move.PEER_ENDS):
            out.append(Send(self._pdu(Meaning.END_ANSWER, b"", sequence)))
            self._step(Move.PEER_ENDS)
            self._ended(End.PEER_FINISHED)
        elif meaning is Meaning.END_ANSWER and self._allows(Move.PEER_AGREES):
            self._step(Move.PEER_AGREES)
            self._ended(End.FINISHED)
        elif meaning is Meaning.PROBE and self._allows(Move.PROBE):
            out.append(Send(self._pdu(Meaning.PROBE_ANSWER, self._codec.probe_answer(), sequence)))
        elif meaning is Meaning.PROBE_ANSWER and self._allows(Move.PROBE):
            pass  # any PDU shows that the peer is alive: see _alive
        else:
            self._break_state(meaning, frame)

    def _break_state(self, meaning: Meaning, frame: Frame, otherwise: bytes | None = None) -> None:
        """The peer said something that is not for this moment: refuse it, or say `otherwise` where
        that cannot be (None: what `_break` says), and end."""
        refusal = self._refusal(frame, self._wrong_state)
        message = f"{meaning.name} while {self.state.value}"
        self._break("wrong_state", message, refusal[0].data if refusal else otherwise)

    def _hear_bind(self, mode: Mode, frame: Frame, out: list[Event]) -> None:
        (_, command, *_, sequence), start, end = frame
        asked_before = self._bind_asked
        if (
            asked_before is not None
            and asked_before.sequence == sequence
            and self._allows(Move.BIND_AGAIN)
        ):
            if self._bind_reply:
                out.append(Send(self._bind_reply))
            return
        codes = self._dialect.codes
        server = self.role is Role.SERVER
        if server and self.state in CARRYING and codes.already_bound is not None:
            out.extend(self._refusal(frame, codes.already_bound))
            return
        if not server or not self._allows(Move.ASK_BIND):
            self._break_state(mode.value, frame)
            return
        got = self._codec.read_bind(self._framer.buffer, start, end)
        version = got.version
        asked = BindAsked(sequence, got.user, got.proof, version, got.timestamp, mode, got.details)
        self._bind_asked, self._bind_command = asked, command
        if not self._dialect.speaks(version, self.settings.version):
            self._step(Move.REFUSE)
            out.append(Send(self._bind_answer(asked, codes.version_too_high, "")))
            self._ended(End.REFUSED)
            return
        self._step(Move.ASK_BIND)
        out.append(asked)

    def _hear_bind_answer(
        self, sequence: int, start: int, end: int, now: float, out: list[Event]
    ) -> None:
        if self.role is Role.CLIENT and self.state in CARRYING:
            return  # the answer to an earlier try of the same bind
        if self._binding is None or sequence != self._binding.sequence:
            self._break("wrong_state", f"BIND_ANSWER while {self.state.value}")
            return
        answer = self._codec.read_bind_answer(self._framer.buffer, start, end)
        if answer.status != 0:
            self._hear_refused(answer.status, answer.version, out)
        else:
            self._hear_accepted(answer, now, out)

    def _hear_refused(self, status: int, version: int, out: list[Event]) -> None:
        self._step(Move.REFUSE)
        out.append(Refused(status, version))
        self._ended(End.REFUSED)

    def _hear_accepted(self, answer: BindAnswer, now: float, out: list[Event]) -> None:
        proved = self._codec.proves_back(answer, self._proof, self.settings.secret)
        self._step(Move.ACCEPT)
        self._binding = None
        self._heard_at = now
        self._set_mode(self.settings.mode)
        if self.settings.strict and not proved:
            self._break("peer_proof", "the server does not know the shared secret")
            return
        out.append(Bound(self._codec.version, answer.version, proved))

    def _hear_malformed(self, error: MalformedPdu, frame: Frame, out: list[Event]) -> None:
        """A broken body: before the bind it ends the session; later only that PDU is refused."""
        (_, command, *_, sequence), start, end = frame
        codes = self._dialect.codes
        code = error.answer
        if code is None:
            code = codes.length if error.reason == "length" else codes.structure
        refusal = self._refusal(frame, code)
        if self.state not in CARRYING:
            self._break("malformed_pdu", error.message, refusal[0].data if refusal else None)
            return
        out.extend(refusal)
        raw = self._framer.buffer[start:end]
        at = None if error.at is None else error.at - start
        out.append(Malformed(command, sequence, error.message, raw, at))

    def _refusal(self, frame: Frame, code: int) -> list[Send]:
        """[Send] that refuses a request, or nothing for answers and where the dialect is mute."""
        (_, command, *_, sequence), start, end = frame
        bit = self._dialect.answer_bit
        if command & bit:
            return []
        body = self._codec.refusal(command, self._framer.buffer, start, end, code)
        if body is not None:
            return [Send(self._whole(command | bit, body, sequence, code))]
        if Meaning.NACK in self._dialect.commands:
            return [Send(self._pdu(Meaning.NACK, b"", sequence, code))]
        return []

    def _bind_answer(self, asked: BindAsked, status: int, secret: str) -> bytes:
        speaks = self._dialect.speaks(asked.version, asked.version)
        codec = self._dialect.codec(asked.version) if speaks else self._codec
        body = codec.bind_answer(status, asked.proof, secret, self.settings.version)
        command = self._bind_command | self._dialect.answer_bit
        return self._whole(command, body, asked.sequence, status)

    def _check_asked(self, asked: BindAsked) -> None:
        if asked is not self._bind_asked:
            raise LocalProtocolError("wrong_bind", "this bind was asked on another connection")

    # --- time

    def _alive(self, now: float) -> None:
        """A whole PDU arrived: the line is not idle and the heartbeat needs no answer any more."""
        self._heard_at = now
        self._probe = None

    def _connection_deadline(self) -> float | None:
        settings = self.settings
        if self.state is State.NEW:
            return self._since + settings.response_s if self.role is Role.SERVER else None
        if self.state is State.BINDING:
            return self._binding.sent_at + settings.response_s if self._binding else None
        if self.state is State.ENDING:
            return self._since + settings.response_s
        if self._probe is not None:
            return self._probe.sent_at + settings.response_s
        return self._heard_at + settings.heartbeat_s

    def _tick_connection(self, now: float) -> list[Event]:
        deadline = self._connection_deadline()
        if deadline is None or now < deadline:
            return []
        if self.state is State.NEW:
            return self._silence(End.NO_BIND)
        if self.state is State.BINDING and self._binding is not None:
            return self._again(self._binding, End.NO_BIND, now)
        if self.state is State.ENDING:
            return self._silence(End.ABANDONED)
        if self._probe is not None:
            return self._again(self._probe, End.SILENT, now)
        sequence = self._take_sequence()
        self._probe = Retry(self._pdu(Meaning.PROBE, b"", sequence), sequence, now)
        return [Send(self._probe.data)]

    def _again(self, retry: Retry, reason: End, now: float) -> list[Event]:
        if retry.tries >= self.settings.tries:
            return self._silence(reason)
        retry.tries += 1
        retry.sent_at = now
        return [Send(retry.data)]

    def _silence(self, reason: End) -> list[Event]:
        self._step(Move.SILENCE)
        return [self._ended(reason)]
