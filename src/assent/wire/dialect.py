"""What a Session needs to know of a protocol: the commands' meanings and a codec per version.

A dialect holds no state. Ids and sequence numbers are Python integers here whatever their width
on the wire (SGIP's twelve octets are one 96-bit integer) and whatever their form (SMPP's ids are
text: see smpp_ids). Meanings, codes and settings that a protocol does not have are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, Protocol

from assent.errors import LocalProtocolError
from assent.wire.frame import Framing
from assent.wire.pdus import DeliverPdu, SubmitPdu


class Meaning(Enum):
    """What a command is for, in any dialect. NACK refuses a request of any kind; no command has
    NOTHING. Only a dialect with a Session of its own has DATA (a message, whichever role sends it),
    MULTI (one to several receivers, whose answer may name some that it did not reach), ASK (any
    other question), TELL (what gets no answer), INVITE (a server's wish to be bound to)."""

    BIND = auto()
    BIND_TRANSMITTER = auto()
    BIND_RECEIVER = auto()
    BIND_ANSWER = auto()
    END = auto()
    END_ANSWER = auto()
    SUBMIT = auto()
    SUBMIT_ANSWER = auto()
    DELIVER = auto()
    DELIVER_ANSWER = auto()
    QUERY = auto()
    QUERY_ANSWER = auto()
    CANCEL = auto()
    CANCEL_ANSWER = auto()
    PROBE = auto()
    PROBE_ANSWER = auto()
    NACK = auto()
    NOTHING = auto()
    DATA = auto()
    DATA_ANSWER = auto()
    MULTI = auto()
    MULTI_ANSWER = auto()
    ASK = auto()
    ASK_ANSWER = auto()
    TELL = auto()
    INVITE = auto()


class Mode(Enum):
    """Which way messages flow on a connection, as its bind says. A client's transmitter only
    submits, its receiver only gets delivers."""

    TRANSCEIVER = Meaning.BIND
    TRANSMITTER = Meaning.BIND_TRANSMITTER
    RECEIVER = Meaning.BIND_RECEIVER


CONTROL: Final = frozenset(
    {
        *(mode.value for mode in Mode),
        Meaning.BIND_ANSWER,
        Meaning.END,
        Meaning.END_ANSWER,
        Meaning.PROBE,
        Meaning.PROBE_ANSWER,
    }
)
"""What makes and ends a connection and keeps it up."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The dialect's result codes that a session itself must be able to say. `wrong_state`: the
    command is not for this bind or this moment (None: `command` says it). `already_bound`: a
    second bind is refused with it (None: it ends the session)."""

    structure: int
    command: int
    repeated: int
    length: int
    flow_control: int
    bad_source: int
    bad_proof: int
    version_too_high: int
    wrong_state: int | None = None
    already_bound: int | None = None


@dataclass(frozen=True, slots=True)
class BindRequest:
    """What a client asks with. `details`: further fields of the dialect by name."""

    user: str
    proof: bytes = field(repr=False)
    version: int
    timestamp: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BindAnswer:
    status: int
    proof: bytes
    version: int


class Codec(Protocol):
    """Bodies of one version. Readers take a buffer and the PDU's (start, end) in it, header
    included, and raise MalformedPdu; writers return bodies, or whole PDUs where named so."""

    version: int

    def bind(self, user: str, secret: str, timestamp: int) -> tuple[bytes, bytes]:
        """Return (body, proof); the proof is needed to check the answer."""

    def read_bind(self, buffer: bytes, start: int, end: int) -> BindRequest: ...

    def proves(self, asked: BindRequest, secret: str) -> bool:
        """Whether the client knows the secret (constant time)."""

    def bind_answer(self, status: int, proof: bytes, secret: str, version: int) -> bytes: ...

    def read_bind_answer(self, buffer: bytes, start: int, end: int) -> BindAnswer: ...

    def proves_back(self, answer: BindAnswer, proof: bytes, secret: str) -> bool:
        """Whether the server knows the secret; lenient about known field customs."""

    def read_answer(
        self, buffer: bytes, start: int, end: int, sequence: int
    ) -> tuple[int, int, int]:
        """SUBMIT or DELIVER answer -> (sequence, result, message id)."""

    def answers(
        self, command: int, sequences: Sequence[int], ids: Sequence[int], results: Sequence[int]
    ) -> bytes:
        """Whole PDUs that answer SUBMITs or DELIVERs: `command` is the answer's."""

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> DeliverPdu: ...

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SubmitPdu: ...

    # Questions; see NoQuestions for dialects without them.

    def query(self, day: str, service: str) -> bytes: ...

    def read_query(self, buffer: bytes, start: int, end: int) -> tuple[str, str]: ...

    def query_answer(self, day: str, service: str, counters: Mapping[str, int]) -> bytes: ...

    def read_query_answer(self, buffer: bytes, start: int, end: int) -> dict[str, int]: ...

    def cancel(self, message_id: int) -> bytes: ...

    def read_cancel(self, buffer: bytes, start: int, end: int) -> int: ...

    def cancel_answer(self, cancelled: bool) -> bytes: ...

    def read_cancel_answer(self, buffer: bytes, start: int, end: int) -> bool: ...

    def probe_answer(self) -> bytes: ...

    def refusal(self, command: int, buffer: bytes, start: int, end: int, code: int) -> bytes | None:
        """Body of the answer that refuses a request, or None where the dialect has none."""


class NoQuestions:
    """The part of a Codec about QUERY and CANCEL, for a dialect that does not have them in this
    form: asking raises LocalProtocolError; nothing arrives to be read."""

    def query(self, day: str, service: str) -> bytes:
        raise _not_here()

    def read_query(self, buffer: bytes, start: int, end: int) -> tuple[str, str]:
        raise _not_here()

    def query_answer(self, day: str, service: str, counters: Mapping[str, int]) -> bytes:
        raise _not_here()

    def read_query_answer(self, buffer: bytes, start: int, end: int) -> dict[str, int]:
        raise _not_here()

    def cancel(self, message_id: int) -> bytes:
        raise _not_here()

    def read_cancel(self, buffer: bytes, start: int, end: int) -> int:
        raise _not_here()

    def cancel_answer(self, cancelled: bool) -> bytes:
        raise _not_here()

    def read_cancel_answer(self, buffer: bytes, start: int, end: int) -> bool:
        raise _not_here()


def _not_here() -> LocalProtocolError:
    return LocalProtocolError("not_in_dialect", "this dialect has no such question")


class Dialect(Protocol):
    """A protocol of the family. An optional meaning that it lacks is missing in `commands`."""

    @property
    def name(self) -> str: ...
    @property
    def framing(self) -> Framing: ...
    @property
    def meanings(self) -> Mapping[int, Meaning]: ...
    @property
    def commands(self) -> Mapping[Meaning, int]: ...
    @property
    def answer_bit(self) -> int: ...
    @property
    def codes(self) -> Codes: ...

    def codec(self, version: int) -> Codec:
        """Codec of a version; raises LocalProtocolError for one the dialect does not have."""

    def speaks(self, version: int, highest: int) -> bool:
        """Whether a server that supports up to `highest` can talk to a client of `version`."""

    def sequences(self, first: int, count: int) -> Sequence[int]:
        """`count` sequence numbers from `first`, wrapping as the dialect does."""
