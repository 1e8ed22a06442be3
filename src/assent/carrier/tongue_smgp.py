"""SMGP as customers hear it from us (facts: SMGP 3)."""

from __future__ import annotations

from typing import Final

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.tongue import Codes, Tongue, Ways, codings
from assent.flow.customers import CustomerReceipt, CustomerReply, Objection
from assent.text import alphabet_of_format
from assent.wire import smgp_tables as tables
from assent.wire.events import BindAsked
from assent.wire.kit import national
from assent.wire.smgp import (
    SMGP,
    V30,
    MessageIds,
    SmgpReport,
    deliver_body,
    report_body,
)

_STAT: Final = 7
_MSG_IDS: Final = 10**6 * (12 * 31 * 24 * 60) * 10**6  # from 1 to this, see smgp_ids.id_of


class SmgpTongue(Tongue):
    """SMGP 3.0 and 1.3."""

    name = "smgp"
    dialect = SMGP
    highest = V30
    alphabets = codings(alphabet_of_format)
    codes = Codes(
        address=SMGP.codes.bad_source,
        crowded=2,
        objections={
            Objection.SOURCE: 46,
            Objection.DESTINATION: 47,
            Objection.CODING: 34,
            Objection.LENGTH: 36,
            Objection.TIME: 35,
            Objection.BUSY: 1,
        },
        unreadable=SMGP.codes.structure,
    )

    def __init__(self, settings: CustomerSettings, door: Door, now_s: float) -> None:
        super().__init__(settings, door)
        self._ids = MessageIds(f"{door.gateway:06}", settings.zone_minutes)
        self._ids.begin(now_s)
        self.take = self._ids.take

    def ways(self, asked: BindAsked) -> Ways:
        """By LoginMode (3.4)."""
        mode = asked.details.get("login_mode", tables.BOTH)
        return Ways(mode != tables.RECEIVE, mode != tables.SEND)

    def run(self, first: int, count: int, now_s: float) -> list[int]:
        """As `run_of` tells them from the first (3.5)."""
        return self._ids.run(count, now_s)

    def report(self, receipt: CustomerReceipt, version: int) -> bytes:
        minute = self.stamps.minute
        report = SmgpReport(
            receipt.id,
            receipt.stat.ljust(_STAT),
            minute(receipt.submitted),
            minute(receipt.done),
            f"{receipt.error:03}",
            dlvrd="001" if receipt.stat == "DELIVRD" else "000",
        )
        return report_body(
            report,
            deliver_id=receipt.id,
            service_number=receipt.source,
            user_number=receipt.number,
            received_at=self.stamps.second(receipt.done),
        )

    def mobile(
        self, reply: CustomerReply, deliver_id: int, content: bytes, fmt: int, udhi: int,
        version: int,
    ) -> bytes:  # fmt: skip
        return deliver_body(
            message_id=deliver_id % _MSG_IDS + 1,
            destination=reply.destination,
            source=national(int(reply.number)).decode(),
            content=content,
            fmt=fmt,
            udhi=udhi,
            received_at=self.stamps.second(reply.at),
        )
