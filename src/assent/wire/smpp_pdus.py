"""SMPP's PDUs that carry traffic, read once over and shown as every dialect's are.

`SmppDeliver` stands for a deliver_sm or a data_sm from the SMSC, `SmppSubmit` for a submit_sm,
submit_multi or data_sm from the ESME. Field names of the shared classes keep their meaning: `fmt`
is the data_coding, `level` the priority_flag, `service_id` the service_type.

Up to three octets after the last optional parameter of a submit_sm, deliver_sm or data_sm are let
go (some peers append a NUL); everything else that does not fit is MalformedPdu, told by the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.frame import MalformedPdu
from assent.wire.pdus import DeliverPdu, Report, SubmitPdu
from assent.wire.smpp_codes import (
    INTERMEDIATE,
    MESSAGE_TYPE,
    RECEIPT,
    RINVMSGLEN,
    UDHI,
)
from assent.wire.smpp_fields import SME_ADDRESS, Destination, Tlv, split_tlvs
from assent.wire.smpp_ids import IdForm
from assent.wire.smpp_receipts import Receipt, read_receipt, usual_report

_NO_TLVS: Final[tuple[Tlv, ...]] = ()
_HEADER: Final = tables.HEADER
_COMMAND_AT: Final = 7  # the octet in which a deliver_sm differs from a data_sm
_SOURCE, _ESM_CLASS, _DATA_CODING = 2, 4, 9  # groups of _HEAD
_UCS2: Final = b"\x08"


class Message(NamedTuple):
    """What the messages of all commands have in common. `content` is the short_message, or the
    message_payload where there is one and sm_length is 0 (5.3.2.32). Addresses are octets without
    their NUL; `destinations` is empty unless it is a submit_multi's."""

    service: bytes
    source: bytes
    destination: bytes
    esm_class: int
    registered: int
    data_coding: int
    content: bytes
    tlvs: tuple[Tlv, ...] | list[Tlv]
    priority: int = 0
    schedule: bytes = b""
    validity: bytes = b""
    destinations: tuple[Destination, ...] = ()


_HEAD: Final = re.compile(
    rb"([^\0]{0,20})\0"  # service_type
    rb"..([^\0]{0,20})\0"  # source
    rb"..([^\0]{0,20})\0"  # destination
    rb"(.).(.)"  # esm_class, protocol_id, priority_flag
    rb"([^\0]{0,16})\0([^\0]{0,16})\0"  # schedule, validity
    rb"(.).(.).(.)",  # registered, replace_if_present, data_coding, default message, sm_length
    re.DOTALL,
).match
"""A submit_sm or deliver_sm up to its short_message: one call instead of a search for each NUL."""

Parts = tuple[re.Match[bytes], int, tuple[Tlv, ...] | list[Tlv]]
"""(match of `_HEAD`, where the short_message ends, optional parameters)."""


def _parts(buffer: bytes, start: int, end: int) -> Parts:
    found = _HEAD(buffer, start + _HEADER, end)
    if found is None:
        raise _told_by_table(buffer, start, end)
    content = found.end()
    after = content + buffer[content - 1]
    if after >= end:
        if after == end:
            return found, after, _NO_TLVS
        raise MalformedPdu("sm_length leaves the PDU", "length", at=content - 1, answer=RINVMSGLEN)
    return found, after, split_tlvs(buffer, after, end)[0]


def _message(buffer: bytes, parts: Parts) -> Message:
    found, after, tlvs = parts
    (
        service, source, destination, esm_class, priority, schedule, validity, registered,
        data_coding, size,
    ) = found.groups()  # fmt: skip
    content = buffer[found.end() : after]
    if tlvs and size == b"\0":
        content = tlv.first(tlvs, tlv.MESSAGE_PAYLOAD) or b""
    return Message(
        service,
        source,
        destination,
        esm_class[0],
        registered[0],
        data_coding[0],
        content,
        tlvs,
        priority[0],
        schedule,
        validity,
    )


def read_message(buffer: bytes, start: int, end: int) -> Message:
    """Read a submit_sm or deliver_sm (4.4.1, 4.6.1); raises MalformedPdu."""
    return _message(buffer, _parts(buffer, start, end))


def read_data(buffer: bytes, start: int, end: int) -> Message:
    """Read a data_sm (4.7.1); raises MalformedPdu."""
    index, first = buffer.index, start + _HEADER
    try:
        service = index(0, first, end)
        source = index(0, service + 3, end)
        destination = index(0, source + 3, end)
    except ValueError:
        raise _told_by_table(buffer, start, end) from None
    after = destination + 4
    if after > end or service - first > 20 or source - service > 67 or destination - source > 67:
        raise _told_by_table(buffer, start, end)
    tlvs = split_tlvs(buffer, after, end)[0] if after < end else _NO_TLVS
    return Message(
        buffer[first:service],
        buffer[service + 3 : source],
        buffer[source + 3 : destination],
        buffer[destination + 1],
        buffer[destination + 2],
        buffer[destination + 3],
        tlv.first(tlvs, tlv.MESSAGE_PAYLOAD) or b"",
        tlvs,
    )


def read_multi(buffer: bytes, start: int, end: int) -> Message:
    """Read a submit_multi (4.5.1); raises MalformedPdu."""
    got = tables.LAYOUTS[tables.SUBMIT_MULTI].decode(buffer, start + _HEADER, end)
    tlvs = got["tlvs"]
    return Message(
        got["service_type"].encode("latin-1"),
        got["source_addr"].encode("latin-1"),
        b"",
        got["esm_class"],
        got["registered_delivery"],
        got["data_coding"],
        got["short_message"] or tlv.first(tlvs, tlv.MESSAGE_PAYLOAD) or b"",
        tlvs,
        got["priority_flag"],
        got["schedule_delivery_time"].encode("latin-1"),
        got["validity_period"].encode("latin-1"),
        tuple(got["destinations"]),
    )


READERS: Final[dict[int, Callable[[bytes, int, int], Message]]] = {
    tables.SUBMIT_SM: read_message,
    tables.DELIVER_SM: read_message,
    tables.DATA_SM: read_data,
    tables.SUBMIT_MULTI: read_multi,
}


def command_of(buffer: bytes, start: int = 0) -> int:
    """command_id of the PDU at `start`."""
    return int.from_bytes(buffer[start + 4 : start + 8], "big")


def _told_by_table(buffer: bytes, start: int, end: int) -> MalformedPdu:
    """The table's own words for what is wrong: it reads slower and says where."""
    try:
        tables.LAYOUTS[command_of(buffer, start)].decode(buffer, start + _HEADER, end)
    except MalformedPdu as error:
        return error
    return MalformedPdu("body does not fit its table", at=start + _HEADER)  # pragma: no cover


class _Shown:
    """What both classes show beside the shared names."""

    __slots__ = ()
    message: Message
    raw: bytes

    @property
    def command(self) -> int:
        """submit_sm, submit_multi, deliver_sm or data_sm, by its id."""
        return command_of(self.raw)

    @property
    def tlvs(self) -> tuple[Tlv, ...] | list[Tlv]:
        """Optional parameters as they came, unknown and repeated ones too."""
        return self.message.tlvs

    @property
    def esm_class(self) -> int:
        return self.message.esm_class

    @property
    def sar(self) -> tuple[int, int, int] | None:
        """(reference, total, number) of a segment told by optional parameters (5.3.2.22-24); None
        for a message of its own, for numbers that make no sense, and where a user data header
        tells it: both in one PDU must not be, and the header is what the handset reads."""
        tlvs = self.message.tlvs
        if not tlvs or self.message.esm_class & UDHI:
            return None
        reference = tlv.integer(tlvs, tlv.SAR_REFERENCE)
        total = tlv.integer(tlvs, tlv.SAR_TOTAL)
        number = tlv.integer(tlvs, tlv.SAR_NUMBER)
        if reference is None or total is None or number is None or not 1 <= number <= total:
            return None
        return reference, total, number


class SmppDeliver(_Shown, DeliverPdu):
    """A deliver_sm, or a data_sm from the SMSC. Most owners want little of a receipt, so only its
    frame is read at first; raises MalformedPdu where that is wrong."""

    __slots__ = ("_ids", "_message", "_parts")

    def __init__(self, sequence: int, raw: bytes, ids: IdForm) -> None:
        self.sequence = sequence
        self.raw = raw
        self._ids = ids
        if raw[_COMMAND_AT] == tables.DELIVER_SM:
            self._parts: Parts | None = _parts(raw, 0, len(raw))
            self._message: Message | None = None
        else:
            self._parts = None
            self._message = read_data(raw, 0, len(raw))

    @property
    def message(self) -> Message:  # type: ignore[override]  # read once it is asked for
        if self._message is None:
            self._message = _message(self.raw, cast("Parts", self._parts))
        return self._message

    @property
    def message_id(self) -> int:
        """0: a deliver_sm has no id, and its answer none to repeat (4.6.2)."""
        return 0

    @property
    def destination(self) -> str:
        return self.message.destination.decode("latin-1")

    @property
    def udhi(self) -> int:
        return int(self.message.esm_class & UDHI != 0)

    @property
    def fmt(self) -> int:
        """data_coding (5.2.19)."""
        return self.message.data_coding

    @property
    def source(self) -> str:
        """Number of the person (personal data)."""
        return self.message.source.decode("latin-1")

    @property
    def is_report(self) -> bool:
        """Whether it is a receipt or an intermediate notification: by its esm_class, masked
        (5.2.12), or, where that says nothing, by a receipted_message_id."""
        parts = self._parts
        esm_class = self.message.esm_class if parts is None else parts[0][_ESM_CLASS][0]
        kind = esm_class & MESSAGE_TYPE
        if kind == 0 and self.tlvs:
            return tlv.first(self.tlvs, tlv.RECEIPTED_MESSAGE_ID) is not None
        return kind in (RECEIPT, INTERMEDIATE)

    @property
    def content(self) -> bytes:
        return self.message.content

    def receipt(self) -> Receipt:
        """All that the receipt inside says; for a message from a person mostly nothing."""
        got = self.message
        intermediate = got.esm_class & MESSAGE_TYPE == INTERMEDIATE
        return read_receipt(got.content, got.data_coding, got.tlvs, intermediate=intermediate)

    def report(self) -> Report:
        """The receipt as a report; raises MalformedPdu when it names no message or no state."""
        if self._parts is not None:
            found, after, tlvs = self._parts
            source, coding = found.group(_SOURCE, _DATA_CODING)
            report = usual_report(self.raw, found.end(), after, tlvs, self._ids, source)
            if report is not None and coding != _UCS2:
                return report
        return self.receipt().report(self._ids, self.source)

    def fields(self) -> dict[str, Any]:
        return _fields(self.raw)


class SmppSubmit(_Shown, SubmitPdu):
    """A submit_sm, a submit_multi, or a data_sm from the ESME."""

    __slots__ = ("message",)

    def __init__(self, sequence: int, raw: bytes, message: Message) -> None:
        self.sequence = sequence
        self.raw = raw
        self.message = message

    @property
    def pk_total(self) -> int:
        """Segments of the message, when optional parameters tell it (see `sar`), else 1."""
        sar = self.sar
        return sar[1] if sar else 1

    @property
    def pk_number(self) -> int:
        sar = self.sar
        return sar[2] if sar else 1

    @property
    def registered(self) -> int:
        """Of registered_delivery the receipt asked for: 0 none, 1 any, 2 on failure (5.2.17)."""
        return self.message.registered & 3

    @property
    def level(self) -> int:
        return self.message.priority

    @property
    def service_id(self) -> str:
        return self.message.service.decode("latin-1")

    @property
    def udhi(self) -> int:
        return int(self.message.esm_class & UDHI != 0)

    @property
    def fmt(self) -> int:
        """data_coding (5.2.19)."""
        return self.message.data_coding

    @property
    def msg_src(self) -> str:
        """Empty: an ESME is known by its bind alone."""
        return ""

    @property
    def valid_time(self) -> str:
        return self.message.validity.decode("latin-1")

    @property
    def at_time(self) -> str:
        return self.message.schedule.decode("latin-1")

    @property
    def src_id(self) -> str:
        return self.message.source.decode("latin-1")

    @property
    def destinations(self) -> list[str]:
        """Numbers of the receivers (personal data); names of distribution lists are left out, see
        `lists`."""
        if self.command != tables.SUBMIT_MULTI:
            return [self.message.destination.decode("latin-1")]
        return [d.address for d in self.message.destinations if d.flag == SME_ADDRESS]

    @property
    def lists(self) -> list[str]:
        """Names of the distribution lists that a submit_multi wants (5.2.27)."""
        return [d.address for d in self.message.destinations if d.flag != SME_ADDRESS]

    @property
    def content(self) -> bytes:
        return self.message.content

    def fields(self) -> dict[str, Any]:
        return _fields(self.raw)


def _fields(raw: bytes) -> dict[str, Any]:
    """Every field by its name in the tables. Octets after the last optional parameter that a
    session lets go are no field."""
    layout = tables.LAYOUTS[command_of(raw)]
    try:
        return layout.decode(raw, _HEADER)
    except MalformedPdu as error:
        return layout.decode(raw, _HEADER, cast("int", error.at))
