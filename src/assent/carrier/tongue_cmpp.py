"""CMPP as customers hear it from us (facts: CMPP 1)."""

from __future__ import annotations

from typing import Final

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.tongue import Codes, Tongue, codings
from assent.flow.customers import CustomerReceipt, CustomerReply, Objection
from assent.text import alphabet_of_format
from assent.wire.cmpp import CMPP, V30, MessageIds, deliver_body, report_body
from assent.wire.kit import national
from assent.wire.pdus import Report

_SMSC: Final = 0xFFFFFFFF


class CmppTongue(Tongue):
    """CMPP 2.0 and 3.0."""

    name = "cmpp"
    dialect = CMPP
    highest = V30
    alphabets = codings(alphabet_of_format)
    codes = Codes(
        address=CMPP.codes.bad_source,
        crowded=5,  # "another error" (1.5)
        objections={
            Objection.SOURCE: 10,
            Objection.DESTINATION: 13,
            Objection.CODING: 1,
            Objection.LENGTH: 6,
            Objection.TIME: 1,
            Objection.BUSY: 8,
        },
        unreadable=1,
    )

    def __init__(self, settings: CustomerSettings, door: Door, now_s: float) -> None:
        super().__init__(settings, door)
        self._ids = MessageIds(door.gateway, settings.zone_minutes)
        self._ids.begin(now_s)
        self.take = self._ids.take

    def run(self, first: int, count: int, now_s: float) -> list[int]:
        """Consecutive, so that the others can be told from the first (1.7)."""
        return self._ids.run(count, now_s)

    def report(self, receipt: CustomerReceipt, version: int) -> bytes:
        minute = self.stamps.minute
        report = Report(
            receipt.id,
            receipt.stat,
            minute(receipt.submitted),
            minute(receipt.done),
            receipt.number,
            receipt.error & _SMSC,
        )
        return report_body(version, report, deliver_id=receipt.id, service_number=receipt.source)

    def mobile(
        self, reply: CustomerReply, deliver_id: int, content: bytes, fmt: int, udhi: int,
        version: int,
    ) -> bytes:  # fmt: skip
        return deliver_body(
            version,
            message_id=deliver_id,
            destination=reply.destination,
            source=national(int(reply.number)).decode(),
            content=content,
            fmt=fmt,
            udhi=udhi,
        )
