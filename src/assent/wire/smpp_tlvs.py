"""SMPP's optional parameters (TLVs): which there are, and what their octets mean.

On the wire and in `Pdu.fields` they are (tag, octets) pairs, so that nothing is lost: unknown ones,
repeated ones and ones of an odd length are handed on as they came. `named` shows the known ones as
values; `pair` makes one from a value. Clauses are SMPP 3.4's (facts: SMPP 4.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.smpp_fields import Tlv, string_octets

Value = int | str | bytes


class TlvKind(NamedTuple):
    """A known optional parameter. kind "U": an integer of `size` octets from `least` to `most`;
    "C": a C-octet string of at most `most` octets with its NUL; "O": `least` to `most` octets."""

    tag: int
    name: str
    kind: str
    size: int
    least: int
    most: int
    clause: str


def _integer(
    tag: int, name: str, size: int, clause: str, most: int | None = None, least: int = 0
) -> TlvKind:
    return TlvKind(
        tag, name, "U", size, least, (1 << 8 * size) - 1 if most is None else most, clause
    )


def _text(tag: int, name: str, most: int, clause: str) -> TlvKind:
    return TlvKind(tag, name, "C", 0, 1, most, clause)


def _octets(tag: int, name: str, least: int, most: int, clause: str) -> TlvKind:
    return TlvKind(tag, name, "O", 0, least, most, clause)


_KINDS: Final = (
    _integer(0x0005, "dest_addr_subunit", 1, "5.3.2.1", 4),
    _integer(0x0006, "dest_network_type", 1, "5.3.2.3", 8),
    _integer(0x0007, "dest_bearer_type", 1, "5.3.2.5", 8),
    _integer(0x0008, "dest_telematics_id", 2, "5.3.2.7"),
    _integer(0x000D, "source_addr_subunit", 1, "5.3.2.2", 4),
    _integer(0x000E, "source_network_type", 1, "5.3.2.4", 8),
    _integer(0x000F, "source_bearer_type", 1, "5.3.2.6", 8),
    _integer(0x0010, "source_telematics_id", 1, "5.3.2.8"),
    _integer(0x0017, "qos_time_to_live", 4, "5.3.2.9"),
    _integer(0x0019, "payload_type", 1, "5.3.2.10", 1),
    _text(0x001D, "additional_status_info_text", 256, "5.3.2.11"),
    _text(0x001E, "receipted_message_id", 65, "5.3.2.12"),
    _integer(0x0030, "ms_msg_wait_facilities", 1, "5.3.2.13"),
    _integer(0x0201, "privacy_indicator", 1, "5.3.2.14", 3),
    _octets(0x0202, "source_subaddress", 2, 23, "5.3.2.15"),
    _octets(0x0203, "dest_subaddress", 2, 23, "5.3.2.16"),
    _integer(0x0204, "user_message_reference", 2, "5.3.2.17"),
    _integer(0x0205, "user_response_code", 1, "5.3.2.18"),
    _integer(0x020A, "source_port", 2, "5.3.2.20"),
    _integer(0x020B, "destination_port", 2, "5.3.2.21"),
    _integer(0x020C, "sar_msg_ref_num", 2, "5.3.2.22"),
    _integer(0x020D, "language_indicator", 1, "5.3.2.19", 5),
    _integer(0x020E, "sar_total_segments", 1, "5.3.2.23", least=1),
    _integer(0x020F, "sar_segment_seqnum", 1, "5.3.2.24", least=1),
    _integer(0x0210, "sc_interface_version", 1, "5.3.2.25"),
    _integer(0x0302, "callback_num_pres_ind", 1, "5.3.2.37", 0x0F),
    _octets(0x0303, "callback_num_atag", 0, 65, "5.3.2.38"),
    _integer(0x0304, "number_of_messages", 1, "5.3.2.39", 99),
    _octets(0x0381, "callback_num", 4, 19, "5.3.2.36"),
    _integer(0x0420, "dpf_result", 1, "5.3.2.28", 1),
    _integer(0x0421, "set_dpf", 1, "5.3.2.29", 1),
    _integer(0x0422, "ms_availability_status", 1, "5.3.2.30", 2),
    _octets(0x0423, "network_error_code", 3, 3, "5.3.2.31"),
    _octets(0x0424, "message_payload", 0, 0xFFFF, "5.3.2.32"),
    _integer(0x0425, "delivery_failure_reason", 1, "5.3.2.33", 3),
    _integer(0x0426, "more_messages_to_send", 1, "5.3.2.34", 1),
    _integer(0x0427, "message_state", 1, "5.3.2.35", 9),  # 3.4: 1 to 8
    _integer(0x0428, "congestion_state", 1, "5.0: 4.8.4.18", 100),
    _integer(0x0501, "ussd_service_op", 1, "5.3.2.44"),
    _integer(0x1201, "display_time", 1, "5.3.2.26", 2),
    _integer(0x1203, "sms_signal", 2, "5.3.2.40"),
    _integer(0x1204, "ms_validity", 1, "5.3.2.27", 3),
    _octets(0x130C, "alert_on_message_delivery", 0, 1, "5.3.2.41"),  # 3.4: 0
    _integer(0x1380, "its_reply_type", 1, "5.3.2.42", 8),
    _octets(0x1383, "its_session_info", 2, 2, "5.3.2.43"),
)
BY_TAG: Final[Mapping[int, TlvKind]] = {kind.tag: kind for kind in _KINDS}
BY_NAME: Final[Mapping[str, TlvKind]] = {kind.name: kind for kind in _KINDS}

MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x0424, 0x001E, 0x0427
NETWORK_ERROR_CODE, SC_INTERFACE_VERSION, QOS_TIME_TO_LIVE = 0x0423, 0x0210, 0x0017
CONGESTION_STATE = 0x0428
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F

NETWORKS: Final[dict[int, str]] = {1: "ANSI-136", 2: "IS-95", 3: "GSM"}
"""First octet of network_error_code (5.3.2.31)."""


def name_of(tag: int) -> str:
    """The specification's name of a tag, or the tag in hex (0x1400 to 0x3FFF are vendors')."""
    kind = BY_TAG.get(tag)
    return kind.name if kind else f"{tag:#06x}"


def value_of(tag: int, octets: bytes) -> Value:
    """What the octets stand for; the octets themselves for unknown tags and where the length is
    not the one that the table has. A string may lack its NUL."""
    kind = BY_TAG.get(tag)
    if kind is None:
        return octets
    if kind.kind == "U" and len(octets) == kind.size:
        return int.from_bytes(octets, "big")
    if kind.kind == "C":
        return octets.partition(b"\0")[0].decode("latin-1")
    return octets


def named(tlvs: Iterable[Tlv]) -> dict[str, Value]:
    """Names to values. Of a repeated parameter the first counts: what a peer appended to a PDU
    that it passed on cannot change what stood there."""
    values: dict[str, Value] = {}
    for tag, octets in tlvs:
        values.setdefault(name_of(tag), value_of(tag, octets))
    return values


def first(tlvs: Iterable[Tlv], tag: int) -> bytes | None:
    """The octets of the first parameter with this tag."""
    for found, octets in tlvs:
        if found == tag:
            return octets
    return None


def integer(tlvs: Iterable[Tlv], tag: int) -> int | None:
    """The first parameter with this tag as an integer; None when it is absent or has another
    length than the table says."""
    octets = first(tlvs, tag)
    value = None if octets is None else value_of(tag, octets)
    return value if isinstance(value, int) else None


def pair(name: str | int, value: Value) -> Tlv:
    """(tag, octets) from a name of the table or a tag, and a value. Octets are taken as they are;
    an integer or a text needs a known parameter.

    Raises LocalProtocolError for a name that the table lacks or a value that does not fit it."""
    kind = BY_NAME.get(name) if isinstance(name, str) else BY_TAG.get(name)
    if isinstance(value, bytes):
        if kind is None and isinstance(name, str):
            raise LocalProtocolError("field_unknown", f"no optional parameter {name}", field=name)
        if kind is not None and kind.kind == "O" and not kind.least <= len(value) <= kind.most:
            message = f"{kind.name} has {kind.least} to {kind.most} octets"
            raise LocalProtocolError("field_range", message, field=kind.name)
        return (kind.tag if kind else int(name)), value
    if kind is None:
        message = f"no optional parameter {name} with a value; give its octets"
        raise LocalProtocolError("field_unknown", message, field=str(name))
    if kind.kind == "C" and isinstance(value, str):
        return kind.tag, string_octets(kind.name, value, kind.most)
    if kind.kind == "U" and isinstance(value, int) and kind.least <= value <= kind.most:
        return kind.tag, value.to_bytes(kind.size, "big")
    message = f"{kind.name} takes no such value ({kind.least} to {kind.most})"
    raise LocalProtocolError("field_range", message, field=kind.name)


def pairs(values: Mapping[str, Value]) -> list[Tlv]:
    """`pair` for several, in their order."""
    return [pair(name, value) for name, value in values.items()]


def complaint(tag: int, octets: bytes) -> str:
    """What is odd about a known parameter's length or value; empty when nothing is."""
    kind = BY_TAG.get(tag)
    if kind is None:
        return ""
    size = len(octets)
    if kind.kind == "U":
        if size != kind.size:
            return f"{size} octets instead of {kind.size}"
        value = int.from_bytes(octets, "big")
        return "" if kind.least <= value <= kind.most else f"not {kind.least} to {kind.most}"
    if kind.kind == "C" and not octets.endswith(b"\0"):
        return "no NUL at the end"
    return "" if kind.least <= size <= kind.most else f"not {kind.least} to {kind.most} octets"
