"""The kinds of field that SMPP has beside those of frame.py: steps of a `Layout`.

Notation: "C16", a C-octet string of at most 16 octets with its NUL (3.1). "CE65", the same where
the NUL may be missing if the body ends there, and the whole string too (some peers; facts: SMPP
4.4). "T17", a time: 16 characters or none. "DEST0*n" and "FAIL0*n", the lists of submit_multi and
its answer, counted by the field n. "TLV4", optional parameters up to the end of the body (3.2.4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.frame import Field, MalformedPdu, Step
from assent.wire.smpp_codes import FIELD_ANSWERS, RINVDESTFLAG, RINVOPTPARSTREAM

SME_ADDRESS, LIST_NAME = 1, 2  # dest_flag (5.2.25)
MOST_DESTINATIONS = 254  # 5.2.24


class Destination(NamedTuple):
    """One receiver of a submit_multi (4.5.1.1): a number, or with flag 2 the name of a list that
    the SMSC keeps (then ton and npi are 0)."""

    address: str
    ton: int = 1
    npi: int = 1
    flag: int = SME_ADDRESS


class Failure(NamedTuple):
    """A receiver that a submit_multi did not reach, and why (4.5.2.1): `status` is a
    command_status."""

    address: str
    ton: int
    npi: int
    status: int


Tlv = tuple[int, bytes]
"""(tag, value) of an optional parameter as it stands on the wire."""


def string_end(name: str, width: int, data: bytes, at: int, end: int) -> int:
    """Where the NUL of the string at `at` stands. Raises MalformedPdu when there is none before
    `end` or the string is wider than `width` with its NUL."""
    stop = data.find(0, at, end)
    if stop < 0:
        answer = FIELD_ANSWERS.get(name)
        raise MalformedPdu(f"{name} has no NUL", at=min(at, end), answer=answer)
    if stop - at >= width:
        raise _too_long(name, stop - at, width, at)
    return stop


def _too_long(name: str, size: int, width: int, at: int) -> MalformedPdu:
    return MalformedPdu(
        f"{name} has {size} octets, {width - 1} fit", at=at, answer=FIELD_ANSWERS.get(name)
    )


def string_octets(name: str, value: str | bytes, width: int) -> bytes:
    """A C-octet string with its NUL; raises LocalProtocolError when it does not fit."""
    try:
        octets = value.encode("latin-1") if isinstance(value, str) else bytes(value)
    except UnicodeEncodeError:
        raise LocalProtocolError("field_alphabet", f"{name} is not Latin-1", field=name) from None
    if len(octets) >= width:
        message = f"{name} has {len(octets)} octets, {width - 1} fit"
        raise LocalProtocolError("field_too_long", message, field=name)
    if 0 in octets:
        raise LocalProtocolError("field_alphabet", f"{name} holds a NUL", field=name)
    return octets + b"\0"


class CString:
    """A C-octet string; as text it is Latin-1, so that no octet is lost."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._may_end = field.kind == "CE"

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        name = self.field.name
        out.append(string_octets(name, values.get(name, ""), self.field.width))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        name, width = self.field.name, self.field.width
        if self._may_end and data.find(0, at, end) < 0:
            if end - at >= width:
                raise _too_long(name, end - at, width, at)
            values[name] = data[at:end].decode("latin-1")
            return end
        stop = string_end(name, width, data, at, end)
        values[name] = data[at:stop].decode("latin-1")
        return stop + 1


class Time(CString):
    """A time (7.1.1): we write 16 characters or none and read whatever fits."""

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        super().encode(values, out)
        if len(out[-1]) not in (1, self.field.width):
            name = self.field.name
            raise LocalProtocolError("field_time", f"{name} has 16 characters or none", field=name)


class Destinations:
    """The receivers of a submit_multi (4.5.1.1)."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        name = self.field.name
        destinations = values.get(name, ())
        if len(destinations) > MOST_DESTINATIONS:
            message = f"{len(destinations)} destinations, {MOST_DESTINATIONS} fit"
            raise LocalProtocolError("field_range", message, field=name)
        for address, ton, npi, flag in destinations:
            if flag not in (SME_ADDRESS, LIST_NAME):
                raise LocalProtocolError("field_range", f"dest_flag {flag}", field=name)
            if flag == LIST_NAME:
                out.append(bytes((flag,)) + string_octets("dl_name", address, 21))
            else:
                out.append(_octet_row(name, flag, ton, npi) + string_octets(name, address, 21))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        found: list[Destination] = []
        for _ in range(values[self.field.by]):
            flag = data[at] if at < end else 0
            if flag not in (SME_ADDRESS, LIST_NAME):
                message = f"dest_flag {flag}" if at < end else "body ends among the destinations"
                raise MalformedPdu(message, at=at, answer=RINVDESTFLAG if at < end else None)
            text = at + 3 if flag == SME_ADDRESS else at + 1
            stop = string_end(self.field.name, 21, data, text, end)
            ton, npi = (data[at + 1], data[at + 2]) if flag == SME_ADDRESS else (0, 0)
            found.append(Destination(data[text:stop].decode("latin-1"), ton, npi, flag))
            at = stop + 1
        values[self.field.name] = found
        return at


class Failures:
    """The receivers that a submit_multi did not reach (4.5.2.1)."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        name = self.field.name
        for address, ton, npi, status in values.get(name, ()):
            if not 0 <= status < 1 << 32:
                raise LocalProtocolError("field_range", "a status does not fit U4", field=name)
            out.append(_octet_row(name, ton, npi) + string_octets(name, address, 21))
            out.append(status.to_bytes(4, "big"))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        found: list[Failure] = []
        for _ in range(values[self.field.by]):
            stop = string_end(self.field.name, 21, data, at + 2, end)
            if stop + 5 > end:
                raise MalformedPdu("body ends among the failures", "length", at=end)
            status = int.from_bytes(data[stop + 1 : stop + 5], "big")
            address = data[at + 2 : stop].decode("latin-1")
            found.append(Failure(address, data[at], data[at + 1], status))
            at = stop + 5
        values[self.field.name] = found
        return at


class Tlvs:
    """Optional parameters in their order, repeated ones too, whatever their tags (3.2.4)."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        out.append(tlv_octets(values.get(self.field.name, ())))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        values[self.field.name], after = split_tlvs(data, at, end)
        if after != end:
            message = f"{end - after} octets are too few for an optional parameter"
            raise MalformedPdu(message, at=after, answer=RINVOPTPARSTREAM)
        return end


def tlv_octets(tlvs: Any) -> bytes:
    """Optional parameters on the wire, from (tag, value) pairs; raises LocalProtocolError for a
    tag or a length that needs more than two octets."""
    out = []
    for tag, value in tlvs:
        if not 0 <= tag <= 0xFFFF or len(value) > 0xFFFF:
            raise LocalProtocolError("field_range", f"optional parameter {tag:#x}", field="tlvs")
        out.append(tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value)
    return b"".join(out)


_TAG = struct.Struct(">HH").unpack_from


def split_tlvs(data: bytes, at: int, end: int) -> tuple[list[Tlv], int]:
    """Read optional parameters: (pairs, where reading stopped). Up to three octets after the last
    one are left unread: the caller says whether it minds.

    Raises MalformedPdu when a length leads beyond the end."""
    tlvs: list[Tlv] = []
    while at + 4 <= end:
        tag, size = _TAG(data, at)
        after = at + 4 + size
        if after > end:
            message = f"optional parameter {tag:#06x} leaves the PDU"
            raise MalformedPdu(message, at=at + 2, answer=RINVOPTPARSTREAM)
        tlvs.append((tag, data[at + 4 : after]))
        at = after
    return tlvs, at


def _octet_row(name: str, *values: int) -> bytes:
    try:
        return bytes(values)
    except ValueError:
        raise LocalProtocolError("field_range", f"{name}: over one octet", field=name) from None


STEPS: Mapping[str, Callable[[Field], Step]] = {
    "C": CString,
    "CE": CString,
    "T": Time,
    "DEST": Destinations,
    "FAIL": Failures,
    "TLV": Tlvs,
}
"""The steps by kind, for `Layout`."""
