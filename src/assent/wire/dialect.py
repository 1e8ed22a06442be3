"""What a Session needs to know of a protocol: the commands' meanings and a codec per version.

A dialect holds no state. Ids and sequence numbers are Python integers here whatever their width
on the wire (SGIP's twelve octets are one 96-bit integer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from assent.wire.frame import Framing
from assent.wire.pdus import DeliverPdu, SubmitPdu


class Meaning(Enum):
    """What a command is for, in any dialect."""

    BIND = auto()
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


@dataclass(frozen=True, slots=True)
class Codes:
    """The dialect's result codes that a session itself must be able to say."""

    structure: int
    command: int
    repeated: int
    length: int
    flow_control: int
    bad_source: int
    bad_proof: int
    version_too_high: int


@dataclass(frozen=True, slots=True)
class BindRequest:
    user: str
    proof: bytes
    version: int
    timestamp: int


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
        """Whole PDUs that answer SUBMITs or DELIVERs."""

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> DeliverPdu: ...

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SubmitPdu: ...

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


class Dialect(Protocol):
    """A protocol of the family."""

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
