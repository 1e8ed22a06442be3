"""Bodies made in bulk: what one order or port has in common is encoded once, then patched."""

from __future__ import annotations

from collections.abc import Sequence

from assent.errors import LocalProtocolError
from assent.wire import cmpp_tables as tables
from assent.wire.frame import Layout
from assent.wire.pdus import Report

LONGEST = 140
LONGEST_FORMAT_0 = 159


def _layout(version: int, command: int) -> Layout:
    try:
        return tables.LAYOUTS[version >> 4][command]
    except KeyError:
        raise LocalProtocolError("version_unknown", f"CMPP {version:#04x} is not spoken") from None


class SubmitForm:
    """SUBMIT bodies (header excluded) that share everything but receiver and content.

    Text arguments are ASCII; each raises LocalProtocolError when it is wider than its field.
    The defaults for fees are the usual ones of enterprise traffic (facts 1.16)."""

    def __init__(
        self,
        version: int,
        *,
        service_id: str = "",
        src_id: str = "",
        msg_src: str = "",
        registered: int = 1,
        level: int = 0,
        fee_user_type: int = 2,
        fee_terminal: str = "",
        fee_type: str = "01",
        fee_code: str = "0",
        valid_time: str = "",
        at_time: str = "",
        tp_pid: int = 0,
        link_id: bytes = b"",
    ) -> None:
        # As long as it is because a SUBMIT has so many fields: each is named twice.
        self.version = version
        layout = _layout(version, tables.SUBMIT)
        whole = layout.encode(
            {
                "service_id": service_id,
                "src_id": src_id,
                "msg_src": msg_src,
                "registered": registered,
                "level": level,
                "fee_user_type": fee_user_type,
                "fee_terminal": fee_terminal,
                "fee_type": fee_type,
                "fee_code": fee_code,
                "valid_time": valid_time,
                "at_time": at_time,
                "tp_pid": tp_pid,
                "reserve": link_id,
                "destinations": ("",),
            }
        )
        start, end = layout.offset("destinations"), layout.offset("content")
        self._width = next(f.width for f in layout.fields if f.name == "destinations")
        self._front = whole[:start]
        self._between = whole[start + self._width : end - 1]  # 3.0: Dest_terminal_type
        self._reserve = whole[end:]
        self._patches = [layout.offset(n) for n in ("pk_total", "pk_number", "udhi", "fmt")]

    def bodies(
        self,
        destinations: Sequence[bytes],
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> list[bytes]:
        """One body for each receiver (ASCII digits), in their order. Content: at most 140 octets,
        159 of format 0 (facts 1.7, field 22).

        Raises LocalProtocolError when a number or the content does not fit."""
        front, back = self._halves(content, fmt, udhi, pk_total, pk_number)
        width = self._width
        bodies = [front + number.ljust(width, b"\0") + back for number in destinations]
        size = len(front) + width + len(back)
        if any(len(body) != size for body in bodies):
            raise LocalProtocolError("field_too_long", "a receiver's number does not fit its field")
        return bodies

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]:
        """One body for each receiver with a content of its own; messages of one segment each.

        Raises LocalProtocolError when a number or a content does not fit."""
        most = LONGEST_FORMAT_0 if fmt == 0 else LONGEST
        front, _ = self._halves(b"", fmt, 0, 1, 1)
        between, reserve, width = self._between, self._reserve, self._width
        if max(map(len, contents), default=0) > most:
            raise LocalProtocolError("field_too_long", f"over {most} octets", field="content")
        if max(map(len, destinations), default=0) > width:
            raise LocalProtocolError("field_too_long", "a receiver's number does not fit its field")
        return [
            b"%b%b%b%c%b%b"
            % (front, number.ljust(width, b"\0"), between, len(content), content, reserve)
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
    ) -> bytes:
        """`bodies` for one receiver."""
        return self.bodies((destination,), content, fmt, udhi, pk_total, pk_number)[0]

    def _halves(
        self, content: bytes, fmt: int, udhi: int, pk_total: int, pk_number: int
    ) -> tuple[bytes, bytes]:
        most = LONGEST_FORMAT_0 if fmt == 0 else LONGEST
        if len(content) > most:
            raise LocalProtocolError("field_too_long", f"over {most} octets", field="content")
        front = bytearray(self._front)
        for at, value in zip(self._patches, (pk_total, pk_number, udhi, fmt), strict=True):
            if not 0 <= value < 256:
                raise LocalProtocolError("field_range", f"{value} does not fit one octet")
            front[at] = value
        return bytes(front), self._between + bytes((len(content),)) + content + self._reserve


def deliver_body(
    version: int,
    *,
    message_id: int,
    destination: str,
    source: str,
    content: bytes,
    fmt: int = 0,
    udhi: int = 0,
    service_id: str = "",
    is_report: bool = False,
    link_id: bytes = b"",
) -> bytes:
    """Body of a DELIVER. destination: the access number; source: the person's number."""
    return _layout(version, tables.DELIVER).encode(
        {
            "message_id": message_id,
            "destination": destination,
            "source": source,
            "content": content,
            "fmt": fmt,
            "udhi": udhi,
            "service_id": service_id,
            "is_report": int(is_report),
            "reserve": link_id,
        }
    )


def report_content(version: int, report: Report) -> bytes:
    """Msg_Content of a report: 60 octets in 2.x, 71 in 3.0."""
    layout = tables.REPORTS.get(version >> 4)
    if layout is None:
        raise LocalProtocolError("version_unknown", f"CMPP {version:#04x} is not spoken")
    return layout.encode(report._asdict())


def report_body(
    version: int, report: Report, *, deliver_id: int, service_number: str, service_id: str = ""
) -> bytes:
    """Body of the DELIVER that carries a report on a message sent from `service_number`."""
    return deliver_body(
        version,
        message_id=deliver_id,
        destination=service_number,
        source=report.destination,
        content=report_content(version, report),
        service_id=service_id,
        is_report=True,
    )
