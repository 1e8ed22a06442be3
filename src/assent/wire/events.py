"""What a Session tells its owner.

Events are plain values. Each says what the owner must do next. Traffic comes aggregated: one
`Answers`, one `Delivers` and one `Submits` at most for each call of `Session.receive`, so that the
cost of an event is shared by many messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from assent.wire.dialect import Mode

if TYPE_CHECKING:
    from assent.errors import RemoteProtocolError
    from assent.wire.pdus import DeliverPdu, SubmitPdu


class End(Enum):
    """Why a session ended."""

    FINISHED = "finished"  # we asked, the peer agreed
    PEER_FINISHED = "peer_finished"  # the peer asked; our agreement stands in the Send before
    REFUSED = "refused"  # the bind was refused, by the peer or by us
    NO_BIND = "no_bind"  # no bind, or no answer to ours, in time
    SILENT = "silent"  # N heartbeats without an answer
    PROTOCOL_ERROR = "protocol_error"  # the peer broke the framing or the order of commands
    LOST = "lost"  # the transport went away
    ABANDONED = "abandoned"  # TERMINATE was not answered within T


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the transport, in this place among the events."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Bound:
    """The session may carry traffic. `version` is the one spoken, `peer_version` the highest the
    peer says it supports. `authenticated` is False when the peer's own proof did not match the
    secret (common in the field; refuse the carrier by `SessionSettings.strict`)."""

    version: int
    peer_version: int
    authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer refused our bind with its status code. `Ended` follows. On a "version too high"
    `peer_version` is the one to try on the next connection."""

    status: int
    peer_version: int


@dataclass(frozen=True, slots=True)
class Answers:
    """The peer answered our messages: (token, result, message id) in the order of arrival.

    For a client these are SUBMIT_RESP, for a server DELIVER_RESP. A token that came in `Unsure`
    may still come here: a late answer settles it."""

    answers: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Delivers:
    """Reports and mobile-originated messages (client only). Once they are durable, write
    `Session.acknowledge(delivers)`; the carrier repeats what is not acknowledged."""

    delivers: list[DeliverPdu]


@dataclass(frozen=True, slots=True)
class Submits:
    """Messages submitted to us (server only). Answer each once with `Session.respond`."""

    submits: list[SubmitPdu]


@dataclass(frozen=True, slots=True)
class Unsure:
    """No answer within T: nobody knows whether these messages were taken. They are never sent
    again by the session.

    `left` is True when a later request was answered on this connection, which proves that the
    bytes of these had left. When it is False they may still stand in a socket buffer: abort the
    transport before reporting the tokens to anyone."""

    tokens: list[int]
    left: bool


@dataclass(frozen=True, slots=True)
class BindAsked:
    """A client asks to bind (server only). Check who it is, then write `Session.accept(...)` or
    `Session.refuse(...)`. `proof` is opaque (and a plain password in some dialects: keep it out of
    logs); `Codec.proves` checks it (accept does so itself). `details`: further fields of the
    dialect's bind by name."""

    sequence: int
    user: str
    proof: bytes = field(repr=False)
    version: int
    timestamp: int
    mode: Mode = Mode.TRANSCEIVER
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueryAsked:
    """The client asks for a day's counters (server only): write `Session.answer_query`.

    `service` is empty when it wants the totals."""

    sequence: int
    day: str
    service: str


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The client wants a message recalled (server only): write `Session.answer_cancel`."""

    sequence: int
    message_id: int


@dataclass(frozen=True, slots=True)
class QueryAnswered:
    """Answer to `Session.query`: the eight counters by name (`cmpp_tables.COUNTERS`)."""

    token: int
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class CancelAnswered:
    """Answer to `Session.cancel`."""

    token: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Invited:
    """The server asks us to bind (client only, before `start`). Check who it is, then bind or close
    the transport. `secret` is the server's own password for us."""

    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """The client asks something else (server only): `fields` by the dialect's table of `command`.
    Write the dialect's `Session.answer`."""

    command: int
    sequence: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """Answer to a question of the dialect's `Session.ask`. `fields` is empty when the peer sent
    only a status that is not 0."""

    token: int
    command: int
    status: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """The peer tells something that gets no answer (an alert)."""

    command: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartlyRefused:
    """Of a message of ours to several receivers the peer did not take these: (number, result).
    Its entry in `Answers` follows."""

    token: int
    refused: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Congestion:
    """How loaded the peer says it is, 0 to 100: from 80 at its best, from 90 nearly too much (SMPP
    5.0, 4.8.4.18). Slow down or speed up; the newest of what arrived together counts."""

    state: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Queries, cancels or other questions that got no answer within T."""

    tokens: list[int]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command this dialect, role or bind does not have, or a general refusal that names nothing
    of ours. Exactly that PDU was consumed; a Send with the refusal stands before it where the
    dialect has one. Worth a line in the log."""

    command: int
    sequence: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """A PDU whose frame was right but whose body was not. It was consumed and, if it was a
    request, refused with the dialect's code (in a Send before this event). `at`: the octet of `raw`
    where it goes wrong, if that can be told. `raw` may hold personal data: do not log it."""

    command: int
    sequence: int
    reason: str
    raw: bytes
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Overrun:
    """The peer sent more unanswered requests than its window allows; `count` of them were refused
    with the flow control code (in a Send before this event)."""

    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; nothing more comes. Write `reply` if any, close the transport, and only
    then treat `Session.outstanding()` as unsure. `error` is set when the peer broke the rules
    (`error.reply` is the same bytes)."""

    reason: End
    reply: bytes = b""
    error: RemoteProtocolError | None = None


Event = (
    Send
    | Bound
    | Refused
    | Answers
    | Delivers
    | Submits
    | Unsure
    | BindAsked
    | QueryAsked
    | CancelAsked
    | QueryAnswered
    | CancelAnswered
    | Invited
    | Asked
    | Answered
    | Told
    | PartlyRefused
    | Congestion
    | Unanswered
    | Unknown
    | Malformed
    | Overrun
    | Ended
)
