"""SGIP as customers hear it from us (facts: SGIP 2).

A customer submits on a connection of its own and is told of reports and replies on one that we
open (`customer_calls`). Its messages are named by the numbers of its SUBMITs, 96 bits of which
flow keeps 64 as the id and 32 as the node.
"""

from __future__ import annotations

from typing import Final

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.tongue import Codes, Tongue, Ways, codings
from assent.flow.customers import (
    CustomerLink,
    CustomerReceipt,
    CustomerReply,
    Handed,
    Objection,
    Wanted,
)
from assent.text import alphabet_of_format
from assent.wire.connection import SessionSettings
from assent.wire.events import BindAsked
from assent.wire.pdus import SubmitPdu
from assent.wire.session import Role
from assent.wire.sgip import (
    SGIP,
    SMG_TO_SP,
    SP_TO_SMG,
    SgipSession,
    deliver_body,
    first_sequence,
    report_body,
)

_NODE_AT: Final = 64
_ID: Final = (1 << _NODE_AT) - 1
_CALLS, _EACH = 256, 1 << 24  # see `first_sequence`


class SgipTongue(Tongue):
    """SGIP 1.2."""

    name = "sgip"
    dialect = SGIP
    highest = SP_TO_SMG
    alphabets = codings(alphabet_of_format)
    wanted = {0: Wanted.NONE, 1: Wanted.ALWAYS, 2: Wanted.FAILURES}  # noqa: RUF012
    codes = Codes(
        address=SGIP.codes.bad_source,
        crowded=3,
        objections={
            Objection.SOURCE: 5,
            Objection.DESTINATION: 6,
            Objection.CODING: 5,
            Objection.LENGTH: 8,
            Objection.TIME: 5,
            Objection.BUSY: SGIP.codes.flow_control,
        },
        unreadable=SGIP.codes.structure,
    )

    def __init__(self, settings: CustomerSettings, door: Door, now_s: float) -> None:
        super().__init__(settings, door)
        self.highest = SP_TO_SMG  # SGIP has one version; this is the way of the connection
        self.take = self._take
        self._calls = 0

    def _take(self, count: int, now_s: float) -> list[int]:
        """None: the customer numbers its messages itself."""
        return [0] * count

    def session(self, now: float) -> SgipSession:
        return SgipSession(SGIP, Role.SERVER, self.session_settings(), now)

    def calling_session(self, link: CustomerLink, now: float, now_s: float) -> SgipSession:
        """Our side of a connection that we open to a customer."""
        self._calls += 1
        start = self._calls % _CALLS * _EACH
        usual = self.settings
        settings = SessionSettings(
            user=link.login,
            secret=link.secret,
            version=SMG_TO_SP,
            window=usual.deliver_window,
            heartbeat_s=usual.heartbeat_s,
            response_s=usual.response_s,
            tries=usual.tries,
            first_sequence=first_sequence(self.door.gateway, now_s, start, usual.zone_minutes),
        )
        return SgipSession(SGIP, Role.CLIENT, settings, now)

    def ways(self, asked: BindAsked) -> Ways:
        """A customer's connection carries submits only (2.1)."""
        return Ways(delivers=False)

    def read_one(
        self, link: CustomerLink, submit: SubmitPdu, first: int, now_s: float
    ) -> Handed | int:
        handed = super().read_one(link, submit, submit.sequence & _ID, now_s)
        if isinstance(handed, Handed):
            handed.node = submit.sequence >> _NODE_AT
        return handed

    def report(self, receipt: CustomerReceipt, version: int) -> bytes:
        """ErrorCode has meanings of its own and the room of an octet: a failure gives none of them
        and our own code in Reserve (2.4)."""
        delivered = receipt.stat == "DELIVRD"
        return report_body(
            submit_sequence=receipt.node << _NODE_AT | receipt.id,
            user_number=receipt.number,
            state=0 if delivered else 2,
            reserve="" if delivered else f"{receipt.error:03}",
        )

    def mobile(
        self, reply: CustomerReply, deliver_id: int, content: bytes, fmt: int, udhi: int,
        version: int,
    ) -> bytes:  # fmt: skip
        return deliver_body(
            destination=reply.destination,
            source=reply.number,
            content=content,
            fmt=fmt,
            udhi=udhi,
        )
