"""Bodies made in bulk, as cmpp_forms does it: what an order or port has in common is encoded once,
then patched with receivers and contents. And the bodies that an SMSC makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from assent.errors import LocalProtocolError
from assent.text import Alphabet, LongText, concat_of, parse_udh
from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.pdus import Report
from assent.wire.smpp_codec import MESSAGE_ID_WIDTH, body_of
from assent.wire.smpp_codes import INTERMEDIATE, RECEIPT, UDHI
from assent.wire.smpp_fields import Tlv, string_octets, tlv_octets
from assent.wire.smpp_ids import IdForm, MessageId
from assent.wire.smpp_receipts import ReceiptForm, receipt_ids, receipt_text, receipt_tlvs

LONGEST: Final = 140
LONGEST_SEVEN_BIT: Final = 160
"""Octets of one short message; septets travel one an octet (facts: SMPP 4.7, 6.2)."""
_NUMBER_WIDTH: Final = 20
_RECEIPTED: Final = tlv.RECEIPTED_MESSAGE_ID.to_bytes(2, "big") + b"\0"  # and half its length
_SHORT_CODE: Final = 8
_GB18030: Final = 15
_BY_PARAMETER: Final = (LongText.SAR, LongText.PAYLOAD)
_ALPHABETS: Final = {
    0: Alphabet.GSM7,
    1: Alphabet.LATIN1,
    2: Alphabet.BINARY,
    3: Alphabet.LATIN1,
    4: Alphabet.BINARY,
    8: Alphabet.UCS2,
}


def longest(data_coding: int) -> int:
    """Octets that a short message of this data_coding may have."""
    seven_bit = data_coding in (0, 1, 3) or data_coding & 0xFC in (0x10, 0xF0)
    return LONGEST_SEVEN_BIT if seven_bit or 0xC0 <= data_coding <= 0xDF else LONGEST


def alphabet_of_coding(data_coding: int) -> Alphabet | None:
    """The alphabet of a data_coding that arrived, for `assent.text.decode`; None for one that says
    nothing we can read. GSM7 stands for the SMSC's default alphabet: whether its octets are GSM
    03.38 or something else is an option of the link (facts: SMPP 4.7). ASCII is read as Latin-1,
    of which it is a part."""
    if data_coding & 0xF0 == 0xF0:
        return Alphabet.BINARY if data_coding & 4 else Alphabet.GSM7
    if data_coding & 0xF0 == 0x10:
        return (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, None)[data_coding >> 2 & 3]
    return _ALPHABETS.get(data_coding)


def address_kind(address: str) -> tuple[int, int]:
    """Usual (ton, npi) of an address of ours: alphanumeric, a short code, or international."""
    if not address.isascii() or not address.lstrip("+").isdigit():
        return (5, 0) if address else (0, 0)
    short = len(address) <= _SHORT_CODE and address.isdigit()
    return (3, 0) if short else (1, 1)


class SmppForm:
    """submit_sm bodies (header excluded) that share everything but receiver and content.

    Arguments with names of the other dialects' forms mean the same: `service_id` is the
    service_type, `src_id` the source address, `level` the priority_flag. `registered`, `valid_time`
    and `at_time` are written as they are (facts: SMPP 4.6; smpp_times makes times). `source_kind`
    and `dest_kind` are (ton, npi); the source's is guessed by `address_kind` when it is None.
    `dest_prefix` stands before every receiver's number ("86" where numbers come without their
    country). `tlvs` go into every body, after those of the content.

    Raises LocalProtocolError for what is wider than its field."""

    def __init__(
        self,
        version: int = tables.V34,
        *,
        service_id: str = "",
        src_id: str = "",
        source_kind: tuple[int, int] | None = None,
        dest_kind: tuple[int, int] = (1, 1),
        dest_prefix: str = "",
        esm_class: int = 0,
        tp_pid: int = 0,
        level: int = 0,
        at_time: str = "",
        valid_time: str = "",
        registered: int = 1,
        replace: int = 0,
        default_msg_id: int = 0,
        long_text: LongText = LongText.UDH,
        tlvs: Iterable[Tlv] = (),
    ) -> None:
        # As long as it is because a submit_sm has so many fields: each is named twice.
        self.version = version
        self.long_text = long_text
        fields: dict[str, str | int] = {
            "service_type": service_id,
            "source_addr": src_id,
            "destination_addr": dest_prefix,
            "esm_class": esm_class,
            "protocol_id": tp_pid,
            "priority_flag": level,
            "schedule_delivery_time": at_time,
            "validity_period": valid_time,
            "registered_delivery": registered,
            "replace_if_present_flag": replace,
            "sm_default_msg_id": default_msg_id,
        }
        fields["source_addr_ton"], fields["source_addr_npi"] = source_kind or address_kind(src_id)
        fields["dest_addr_ton"], fields["dest_addr_npi"] = dest_kind
        self._tail = tlv_octets(tlvs)
        if version < tables.V34 and (self._tail or long_text in _BY_PARAMETER):
            message = "there are no optional parameters before 3.4"
            raise LocalProtocolError("version_unknown", message, field="tlvs")
        whole = body_of(tables.SUBMIT_SM, fields)
        # Two NULs and twice (ton, npi) stand before the receiver's number; sm_length comes last.
        start = len(service_id) + len(src_id) + len(dest_prefix) + 6
        self._front = whole[:start]
        self._middle = whole[start:-1]
        self._width = _NUMBER_WIDTH - len(dest_prefix)

    def bodies(
        self,
        destinations: Sequence[bytes],
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
        reference: int = 0,
    ) -> list[bytes]:
        """One body for each receiver (ASCII digits), in their order.

        A segment is told by its user data header (udhi 1), which a form with LongText.SAR turns
        into parameters unless it says more than that; or, with LongText.SAR only, by `pk_total`,
        `pk_number` and `reference` of a content without header. With LongText.PAYLOAD a content
        that no short message holds, or of which `pk_total` says that it becomes several, goes as
        message_payload.

        Raises LocalProtocolError when a number or the content does not fit."""
        front, width = self._front, self._width
        back = self._back(content, fmt, udhi, (reference, pk_total, pk_number))
        _check_numbers(destinations, width)
        return [front + number + back for number in destinations]

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]:
        """One body for each receiver with a content of its own; messages of one segment each.

        Raises LocalProtocolError when a number or a content does not fit."""
        _check_numbers(destinations, self._width)
        most, sizes = longest(fmt), set(map(len, contents))
        if max(sizes, default=0) > most:
            if self.long_text is LongText.PAYLOAD:
                pairs = zip(destinations, contents, strict=True)
                return [self.body(number, content, fmt) for number, content in pairs]
            raise LocalProtocolError("field_too_long", f"over {most} octets", field="content")
        front, middle, tail, join = self._front, self._halfway(fmt, 0), self._tail, b"".join
        middles = {size: middle + bytes((size,)) for size in sizes}
        return [
            join((front, number, middles[len(content)], content, tail))
            for number, content in zip(destinations, contents, strict=True)
        ]

    def body(
        self,
        destination: bytes,
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
        reference: int = 0,
    ) -> bytes:
        """`bodies` for one receiver."""
        return self.bodies((destination,), content, fmt, udhi, pk_total, pk_number, reference)[0]

    def _back(self, content: bytes, fmt: int, udhi: int, part: tuple[int, int, int]) -> bytes:
        """Everything after the receiver's number."""
        tail = self._tail
        if self.long_text is LongText.SAR:
            if udhi:
                elements, rest = parse_udh(content)
                found = concat_of(elements) if len(elements) == 1 else None
                if found is not None:
                    part, content, udhi = found, rest, 0
            if not udhi and part[1] > 1:
                names = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")
                tail = tlv_octets(tlv.pairs(dict(zip(names, part, strict=True)))) + tail
        payload = self.long_text is LongText.PAYLOAD
        if len(content) > longest(fmt) or (payload and part[1] > 1):
            if not payload:
                message = f"over {longest(fmt)} octets"
                raise LocalProtocolError("field_too_long", message, field="content")
            tail = tlv_octets([tlv.pair("message_payload", content)]) + tail
            content = b""
        return self._halfway(fmt, udhi) + bytes((len(content),)) + content + tail

    def _halfway(self, fmt: int, udhi: int) -> bytes:
        """From the receiver's NUL to the sm_default_msg_id."""
        if fmt == _GB18030 or not 0 <= fmt < 256:
            message = f"data_coding {fmt} means nothing to an SMSC"
            raise LocalProtocolError("field_range", message, field="fmt")
        middle = bytearray(self._middle)
        if udhi:
            middle[1] |= UDHI
        middle[-2] = fmt
        return bytes(middle)


def _check_numbers(destinations: Sequence[bytes], width: int) -> None:
    if max(map(len, destinations), default=0) > width:
        raise LocalProtocolError("field_too_long", "a receiver's number does not fit its field")
    if 0 in b"".join(destinations):
        raise LocalProtocolError("field_alphabet", "a receiver's number holds a NUL")


def deliver_body(
    version: int,
    *,
    destination: str,
    source: str,
    content: bytes,
    fmt: int = 0,
    udhi: int = 0,
    service_id: str = "",
    esm_class: int = 0,
    source_kind: tuple[int, int] = (1, 1),
    dest_kind: tuple[int, int] | None = None,
    tlvs: Sequence[Tlv] = (),
) -> bytes:
    """Body of a deliver_sm. destination: the access number; source: the person's number. A content
    over 254 octets becomes a message_payload. Raises LocalProtocolError for what does not fit, and
    for optional parameters to a peer before 3.4."""
    tlvs = list(tlvs)
    if len(content) > tables.LONGEST_SHORT_MESSAGE:
        tlvs.insert(0, tlv.pair("message_payload", content))
        content = b""
    if tlvs and version < tables.V34:
        message = "there are no optional parameters before 3.4"
        raise LocalProtocolError("version_unknown", message, field="tlvs")
    kind = dest_kind or address_kind(destination)
    fields = {
        "service_type": service_id,
        "source_addr_ton": source_kind[0],
        "source_addr_npi": source_kind[1],
        "source_addr": source,
        "dest_addr_ton": kind[0],
        "dest_addr_npi": kind[1],
        "destination_addr": destination,
        "esm_class": esm_class | (UDHI if udhi else 0),
        "data_coding": fmt,
        "short_message": content,
        "tlvs": tlvs,
    }
    return body_of(tables.DELIVER_SM, fields)


def report_body(
    version: int,
    report: Report,
    *,
    service_number: str,
    message_id: MessageId | None = None,
    service_id: str = "",
    ids: IdForm = IdForm.DECIMAL,
    form: ReceiptForm = ReceiptForm.BOTH,
    text: str = "",
    error: str = "000",
    network_error: tuple[int, int] | None = None,
    intermediate: bool = False,
) -> bytes:
    """Body of the deliver_sm that carries a receipt on a message sent from `service_number` to
    `report.destination`. `message_id`: the id as the answer gave it, when `report.message_id` is a
    hash. `text`: of the message, whose beginning a receipt may repeat. A peer before 3.4 gets the
    text form only. Raises LocalProtocolError for what does not fit."""
    in_text, in_tlv = receipt_ids(report.message_id if message_id is None else message_id, ids)
    with_tlvs = form is not ReceiptForm.TEXT and version >= tables.V34
    with_text = form is not ReceiptForm.TLV or not with_tlvs
    return deliver_body(
        version,
        destination=service_number,
        source=report.destination,
        content=receipt_text(report, in_text, error=error, text=text) if with_text else b"",
        service_id=service_id,
        esm_class=INTERMEDIATE if intermediate else RECEIPT,
        tlvs=receipt_tlvs(report, in_tlv, network_error) if with_tlvs else (),
    )


class ReportForm:
    """`report_body` of receipts that differ in receiver and message id only; the rest is encoded
    once. `report` says that rest. Raises LocalProtocolError for what does not fit."""

    def __init__(
        self,
        version: int,
        report: Report,
        *,
        service_number: str,
        ids: IdForm = IdForm.DECIMAL,
        form: ReceiptForm = ReceiptForm.BOTH,
        error: str = "000",
    ) -> None:
        self._ids = ids
        with_tlvs = form is not ReceiptForm.TEXT and version >= tables.V34
        whole = deliver_body(
            version, destination=service_number, source="", content=b"", esm_class=RECEIPT
        )
        # The service_type's NUL and (ton, npi) stand before the number; sm_length comes last.
        self._front, self._middle = whole[:3], whole[3:-1]
        self._text = self._state = b""
        if form is not ReceiptForm.TLV or not with_tlvs:
            self._text = receipt_text(report, "", error=error).removeprefix(b"id:")
        if with_tlvs:
            self._state = tlv_octets(receipt_tlvs(report, "")[1:])

    def body(self, destination: str, message_id: MessageId) -> bytes:
        """The body for one message. Raises LocalProtocolError for what does not fit."""
        in_text, in_tlv = receipt_ids(message_id, self._ids)
        number = string_octets("source_addr", destination, _NUMBER_WIDTH + 1)
        text, tail = self._text, self._state
        if text:
            text = b"id:%b%b" % (in_text.encode("latin-1", "replace"), text)
        if tail:
            octets = string_octets("receipted_message_id", in_tlv, MESSAGE_ID_WIDTH)
            tail = b"%b%c%b%b" % (_RECEIPTED, len(octets), octets, tail)
        return b"%b%b%b%c%b%b" % (
            self._front, number[:-1], self._middle, len(text), text, tail,
        )  # fmt: skip
