"""The two PDUs that carry traffic, read as late as possible.

A link handles hundreds of these in one read and most owners want a few fields of each, so the
fixed fields are unpacked in one struct call, checked, and turned into text only when asked for.
Which fields stand where is the dialect's `Shape`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from assent.wire.frame import text_of


class Report(NamedTuple):
    """A carrier's delivery report. Times are the carrier's own text, YYMMDDHHMM."""

    message_id: int
    stat: str
    submit_time: str
    done_time: str
    destination: str
    smsc_sequence: int


@dataclass(frozen=True, slots=True)
class DeliverShape:
    """Where a DELIVER's content starts (octets from the PDU's first) and how a report is read."""

    content_at: int
    read_report: Callable[[bytes, int, int], Report]
    read_all: Callable[[bytes], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SubmitShape:
    """Where a SUBMIT's first receiver stands, how wide one is, and the octets between the last
    receiver and the content."""

    receivers_at: int
    receiver_width: int
    gap: int
    read_all: Callable[[bytes], dict[str, Any]]


class DeliverPdu:
    """A DELIVER: a report, or a mobile-originated message. `raw` is the whole PDU as it came."""

    __slots__ = ("_head", "_shape", "raw", "sequence")

    def __init__(
        self, sequence: int, raw: bytes, head: tuple[Any, ...], shape: DeliverShape
    ) -> None:
        """head: (message id, destination, udhi, fmt, source, report flag, content length)."""
        self.sequence = sequence
        self.raw = raw
        self._head = head
        self._shape = shape

    @property
    def message_id(self) -> int:
        """Id of this DELIVER, made by the carrier (a report names the message it is about)."""
        return int(self._head[0])

    @property
    def destination(self) -> str:
        """Access number that the person wrote to."""
        return text_of(self._head[1])

    @property
    def udhi(self) -> int:
        return int(self._head[2])

    @property
    def fmt(self) -> int:
        return int(self._head[3])

    @property
    def source(self) -> str:
        """Number of the person (personal data)."""
        return text_of(self._head[4])

    @property
    def is_report(self) -> bool:
        return bool(self._head[5] == 1)

    @property
    def content(self) -> bytes:
        at = self._shape.content_at
        return self.raw[at : at + self._head[6]]

    def report(self) -> Report:
        """Read the report inside; raises MalformedPdu when its length fits no known form."""
        return self._shape.read_report(self.raw, self._shape.content_at, self._head[6])

    def fields(self) -> dict[str, Any]:
        """Every field of the body by the name it has in the dialect's table."""
        return self._shape.read_all(self.raw)


class SubmitPdu:
    """A SUBMIT of a customer. `raw` is the whole PDU as it came."""

    __slots__ = ("_head", "_shape", "raw", "sequence")

    def __init__(
        self, sequence: int, raw: bytes, head: tuple[Any, ...], shape: SubmitShape
    ) -> None:
        """head: (pk_total, pk_number, registered, level, service, udhi, fmt, msg_src, valid_time,
        at_time, src_id, count of receivers)."""
        self.sequence = sequence
        self.raw = raw
        self._head = head
        self._shape = shape

    @property
    def pk_total(self) -> int:
        return int(self._head[0])

    @property
    def pk_number(self) -> int:
        return int(self._head[1])

    @property
    def registered(self) -> int:
        """1 when a report is wanted."""
        return int(self._head[2])

    @property
    def level(self) -> int:
        return int(self._head[3])

    @property
    def service_id(self) -> str:
        return text_of(self._head[4])

    @property
    def udhi(self) -> int:
        return int(self._head[5])

    @property
    def fmt(self) -> int:
        return int(self._head[6])

    @property
    def msg_src(self) -> str:
        return text_of(self._head[7])

    @property
    def valid_time(self) -> str:
        return text_of(self._head[8])

    @property
    def at_time(self) -> str:
        return text_of(self._head[9])

    @property
    def src_id(self) -> str:
        """Access number that the message is to show."""
        return text_of(self._head[10])

    @property
    def destinations(self) -> list[str]:
        """Numbers of the receivers (personal data)."""
        at, width = self._shape.receivers_at, self._shape.receiver_width
        return [
            text_of(self.raw[i : i + width]) for i in range(at, at + width * self._head[11], width)
        ]

    @property
    def content(self) -> bytes:
        shape = self._shape
        at = shape.receivers_at + shape.receiver_width * self._head[11] + shape.gap
        return self.raw[at : at + self.raw[at - 1]]

    def fields(self) -> dict[str, Any]:
        """Every field of the body by the name it has in the dialect's table."""
        return self._shape.read_all(self.raw)
