"""SGIP bodies: SUBMITs made in bulk, and what a gateway sends to an SP."""

from __future__ import annotations

from collections.abc import Sequence

from assent.errors import LocalProtocolError
from assent.wire import sgip_tables as tables
from assent.wire.sgip_ids import unpack_sequence

LONGEST = 140
LONGEST_FORMAT_0 = 159

SP_PAYS = "0" * 21
"""ChargeNumber that says the SP pays (2.4, SUBMIT field 2)."""

_WIDTH = 21
_HOME = b"86"


def home(number: bytes) -> bytes:
    """A mainland mobile number with the country code that SGIP requires (2.4, UserNumber); any
    other number as it is."""
    return _HOME + number if len(number) == 11 and number[:1] == b"1" else number


class SgipForm:
    """SUBMIT bodies (header excluded) that share everything but receiver and content.

    `msg_src` is the enterprise code (CorpId). `registered`: 0 no report, 1 a report, 2 one if the
    message fails in the end. Times are yymmddhhmmss032+ (Beijing). Receivers get the prefix 86
    where it is missing (`home`). `version` is the login type of the link, which changes nothing
    here. Text arguments are ASCII; each raises LocalProtocolError when it is wider than its field.
    The defaults for fees are those of enterprise traffic: the SP pays, free to the receiver."""

    def __init__(
        self,
        version: int = tables.SP_TO_SMG,
        *,
        service_id: str = "",
        src_id: str = "",
        msg_src: str = "",
        registered: int = 1,
        level: int = 0,
        fee_terminal: str = SP_PAYS,
        fee_type: int = 1,
        fee_code: str = "0",
        given_value: str = "0",
        agent_flag: int = 0,
        mt_reason: int = 2,
        valid_time: str = "",
        at_time: str = "",
        tp_pid: int = 0,
        message_type: int = 0,
    ) -> None:
        # As long as it is because a SUBMIT has so many fields: each is named twice.
        self.version = version
        if registered not in tables.REPORT_FLAGS:
            raise LocalProtocolError("field_range", "registered is 0, 1 or 2", field="registered")
        layout = tables.LAYOUTS[tables.SUBMIT]
        whole = layout.encode(
            {
                "service_id": service_id,
                "src_id": src_id,
                "corp_id": msg_src,
                "report_flag": tables.REPORT_FLAGS[registered],
                "level": level,
                "fee_terminal": fee_terminal,
                "fee_type": fee_type,
                "fee_code": fee_code,
                "given_value": given_value,
                "agent_flag": agent_flag,
                "mt_reason": mt_reason,
                "valid_time": valid_time,
                "at_time": at_time,
                "tp_pid": tp_pid,
                "message_type": message_type,
            }
        )
        start, end = (layout.offset(n, lists=0) for n in ("destinations", "content"))
        self._front = whole[: start - 1]  # without UserCount
        self._between = whole[start : end - 4]
        self._reserve = whole[end:]
        self._patches = [layout.offset(n, lists=0) - start for n in ("udhi", "fmt")]

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
        159 of format 0. SGIP says which part of a long message this is in the content's header
        only, so the last two arguments are not written.

        Raises LocalProtocolError when a number or the content does not fit."""
        front, back = self._front + b"\1", self._back(content, fmt, udhi)
        return [front + number + back for number in _padded(destinations)]

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]:
        """One body for each receiver with a content of its own; messages of one segment each.

        Raises LocalProtocolError when a number or a content does not fit."""
        most = LONGEST_FORMAT_0 if fmt == 0 else LONGEST
        if max(map(len, contents), default=0) > most:
            raise LocalProtocolError("field_too_long", f"over {most} octets", field="content")
        front, between = self._front + b"\1", self._back(b"", fmt, 0)[: -4 - len(self._reserve)]
        reserve = self._reserve
        return [
            b"%b%b%b\0\0\0%c%b%b" % (front, number, between, len(content), content, reserve)
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
        self, destinations: Sequence[bytes], content: bytes, fmt: int, udhi: int = 0
    ) -> bytes:
        """One body to 1..100 receivers: one answer, and a report for each, told apart by its
        UserNumber.

        Raises LocalProtocolError when a number, their count or the content does not fit."""
        if not 1 <= len(destinations) <= tables.RECEIVERS:
            raise LocalProtocolError(
                "field_range", f"1 to {tables.RECEIVERS} receivers", field="destinations"
            )
        numbers = b"".join(_padded(destinations))
        count = bytes((len(destinations),))
        return self._front + count + numbers + self._back(content, fmt, udhi)

    def _back(self, content: bytes, fmt: int, udhi: int) -> bytes:
        """All after the receivers."""
        most = LONGEST_FORMAT_0 if fmt == 0 else LONGEST
        if len(content) > most:
            raise LocalProtocolError("field_too_long", f"over {most} octets", field="content")
        between = bytearray(self._between)
        for at, value in zip(self._patches, (udhi, fmt), strict=True):
            if not 0 <= value < 256:
                raise LocalProtocolError("field_range", f"{value} does not fit one octet")
            between[at] = value
        return bytes(between) + len(content).to_bytes(4, "big") + content + self._reserve


def _padded(destinations: Sequence[bytes]) -> list[bytes]:
    """Numbers as they stand in a SUBMIT."""
    numbers = [home(number) for number in destinations]
    if max(map(len, numbers), default=0) > _WIDTH:
        raise LocalProtocolError("field_too_long", "a receiver's number does not fit its field")
    return [number.ljust(_WIDTH, b"\0") for number in numbers]


# --- what a gateway sends


def deliver_body(
    *,
    destination: str,
    source: str,
    content: bytes,
    fmt: int = 0,
    udhi: int = 0,
    tp_pid: int = 0,
) -> bytes:
    """Body of a DELIVER, a mobile-originated message. destination: the access number (SPNumber);
    source: the person's number with its 86 (UserNumber). Its id is its sequence number."""
    return tables.LAYOUTS[tables.DELIVER].encode(
        {
            "source": source,
            "destination": destination,
            "content": content,
            "fmt": fmt,
            "udhi": udhi,
            "tp_pid": tp_pid,
        }
    )


def report_body(
    *,
    submit_sequence: int,
    user_number: str,
    state: int = 0,
    error_code: int = 0,
    report_type: int = 0,
    reserve: str = "",
) -> bytes:
    """Body of a REPORT on what became of one receiver's message of the SUBMIT with this sequence
    number. state: 0 delivered, 1 waiting, 2 failed, then error_code by
    `sgip_tables.REPORT_ERRORS`; report_type 1 is about a DELIVER passed on."""
    node, stamp, counter = unpack_sequence(submit_sequence)
    return tables.LAYOUTS[tables.REPORT].encode(
        {
            "submit_node": node,
            "submit_time": stamp,
            "submit_counter": counter,
            "report_type": report_type,
            "user_number": user_number,
            "state": state,
            "error_code": error_code,
            "reserve": reserve.encode(),
        }
    )


def userrpt_body(*, sp_number: str, user_number: str, condition: int) -> bytes:
    """Body of a USERRPT: a person's account was closed (0), suspended (1) or restored (2)."""
    return tables.LAYOUTS[tables.USERRPT].encode(
        {"sp_number": sp_number, "user_number": user_number, "condition": condition}
    )
