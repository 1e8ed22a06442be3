"""SMGP bodies: Submits made in bulk, and what a gateway sends to an SP."""

from __future__ import annotations

from collections.abc import Sequence

from assent.errors import LocalProtocolError
from assent.wire import smgp_tables as tables
from assent.wire.smgp_codec import V30, layouts
from assent.wire.smgp_ids import octets_of_id
from assent.wire.smgp_reports import SmgpReport, report_content
from assent.wire.smgp_tlvs import PK_NUMBER, PK_TOTAL, UDHI, Tlv, pair, pairs, tlv_octets

LONGEST = 140
"""Octets of content of an MT in any format (3.5, field 15)."""

_WIDTH = 21


class SmgpForm:
    """Submit bodies (header excluded) that share everything but receiver and content.

    `msg_src` is the SP's enterprise code on the mobile network and stands in an optional
    parameter, as does what `tlvs` adds (`smgp_tlvs.pairs`). Text arguments are ASCII; each raises
    LocalProtocolError when it is wider than its field. The defaults for fees are those of
    enterprise traffic: free to the receiver. Version 1.3 has no `fixed_fee`."""

    def __init__(
        self,
        version: int = V30,
        *,
        service_id: str = "",
        src_id: str = "",
        msg_src: str = "",
        registered: int = 1,
        level: int = 0,
        msg_type: int = tables.MT,
        fee_type: str = "00",
        fee_code: str = "0",
        fixed_fee: str = "0",
        fee_terminal: str = "",
        valid_time: str = "",
        at_time: str = "",
        tp_pid: int = 0,
        tlvs: Sequence[Tlv] = (),
    ) -> None:
        # As long as it is because a Submit has so many fields: each is named twice.
        self.version = version
        layout = layouts(version)[tables.SUBMIT]
        has_fixed_fee = any(field.name == "fixed_fee" for field in layout.fields)
        whole = layout.encode(
            {
                "msg_type": msg_type,
                "registered": registered,
                "level": level,
                "service_id": service_id,
                "fee_type": fee_type,
                "fee_code": fee_code,
                **({"fixed_fee": fixed_fee} if has_fixed_fee else {}),
                "valid_time": valid_time,
                "at_time": at_time,
                "src_id": src_id,
                "fee_terminal": fee_terminal,
            }
        )
        self._front = whole[: layout.offset("destination_count")]
        self._fmt_at = layout.offset("fmt")
        self._tp_pid = pair("tp_pid", tp_pid)
        common = [*([pair("msg_src", msg_src)] if msg_src else []), *tlvs]
        self._alone = bytes(8) + tlv_octets([self._tp_pid, *common] if tp_pid else common)
        self._common = tlv_octets(common)

    def bodies(
        self,
        destinations: Sequence[bytes],
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> list[bytes]:
        """One body for each receiver (ASCII digits), in their order. Content: at most 140 octets.
        Of a long message each part says so in the parameters TP_udhi, PkTotal and PkNumber.

        Raises LocalProtocolError when a number or the content does not fit."""
        front, back = self._halves(content, fmt, udhi, pk_total, pk_number)
        front += b"\1"
        return [front + number + back for number in _padded(destinations)]

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]:
        """One body for each receiver with a content of its own; messages of one segment each.

        Raises LocalProtocolError when a number or a content does not fit."""
        if max(map(len, contents), default=0) > LONGEST:
            raise LocalProtocolError("field_too_long", f"over {LONGEST} octets", field="content")
        front, _ = self._halves(b"", fmt, 0, 1, 1)
        alone = self._alone
        return [
            b"%b\1%b%c%b%b" % (front, number, len(content), content, alone)
            for number, content in zip(_padded(destinations), contents, strict=True)
        ]

    def body(
        self,
        destination: bytes,
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> bytes:
        """`bodies` for one receiver."""
        return self.bodies((destination,), content, fmt, udhi, pk_total, pk_number)[0]

    def group_body(
        self,
        destinations: Sequence[bytes],
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> bytes:
        """One body to 1..100 receivers: the answer names the id of the first, `smgp_ids.run_of`
        the others.

        Raises LocalProtocolError when a number, their count or the content does not fit."""
        if not 1 <= len(destinations) <= tables.RECEIVERS:
            raise LocalProtocolError(
                "field_range", f"1 to {tables.RECEIVERS} receivers", field="destinations"
            )
        front, back = self._halves(content, fmt, udhi, pk_total, pk_number)
        return front + bytes((len(destinations),)) + b"".join(_padded(destinations)) + back

    def _halves(
        self, content: bytes, fmt: int, udhi: int, pk_total: int, pk_number: int
    ) -> tuple[bytes, bytes]:
        """What stands before the count of receivers, and what stands after the receivers."""
        if len(content) > LONGEST:
            raise LocalProtocolError("field_too_long", f"over {LONGEST} octets", field="content")
        for value in (fmt, udhi, pk_total, pk_number):
            if not 0 <= value < 256:
                raise LocalProtocolError("field_range", f"{value} does not fit one octet")
        at = self._fmt_at
        front = self._front[:at] + bytes((fmt,)) + self._front[at + 1 :]
        if udhi or pk_total != 1:
            part = ((UDHI, udhi), (PK_TOTAL, pk_total), (PK_NUMBER, pk_number))
            parts = [self._tp_pid, *((tag, bytes((value,))) for tag, value in part)]
            tail = bytes(8) + tlv_octets(parts) + self._common
        else:
            tail = self._alone
        return front, bytes((len(content),)) + content + tail


def _padded(destinations: Sequence[bytes]) -> list[bytes]:
    """Numbers as they stand in a Submit."""
    if max(map(len, destinations), default=0) > _WIDTH:
        raise LocalProtocolError("field_too_long", "a receiver's number does not fit its field")
    return [number.ljust(_WIDTH, b"\0") for number in destinations]


# --- what a gateway sends


def deliver_body(
    *,
    message_id: int,
    destination: str,
    source: str,
    content: bytes,
    fmt: int = 0,
    udhi: int = 0,
    received_at: str = "",
    is_report: bool = False,
    tlvs: Sequence[Tlv] = (),
) -> bytes:
    """Body of a Deliver. message_id: its own, e.g. from `MessageIds`; destination: the access
    number; source: the person's number; received_at: YYYYMMDDHHMMSS.

    Raises LocalProtocolError for an id, a text or a content that does not fit."""
    head = pairs(tp_pid=0, udhi=udhi) if udhi else []
    return layouts(V30)[tables.DELIVER].encode(
        {
            "message_id": octets_of_id(message_id),
            "is_report": int(is_report),
            "fmt": fmt,
            "received_at": received_at,
            "source": source,
            "destination": destination,
            "content": content,
            "tlvs": [*head, *tlvs],
        }
    )


def report_body(
    report: SmgpReport,
    *,
    deliver_id: int,
    service_number: str,
    user_number: str,
    received_at: str = "",
) -> bytes:
    """Body of the Deliver that carries a report on a message sent from `service_number` to
    `user_number`."""
    return deliver_body(
        message_id=deliver_id,
        destination=service_number,
        source=user_number,
        content=report_content(report),
        received_at=received_at,
        is_report=True,
    )
