"""SMGP as a simulated carrier speaks it (protocols.md 3): reports as text with a binary id."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from random import Random
from typing import Final

from assent.carrier.identity import CarrierSettings
from assent.carrier.mailbox import Item, Mobile
from assent.carrier.readings import Reading, SmgpReading
from assent.carrier.speech import Speech, Ways
from assent.wire import smgp_tables as tables
from assent.wire.events import BindAsked
from assent.wire.pdus import SubmitPdu
from assent.wire.smgp import (
    SMGP,
    MessageIds,
    SmgpReport,
    authenticator_client,
    deliver_body,
    report_body,
)

_GATEWAYS: Final = 1_000_000
_STAT: Final = 7
_QUOTED: Final = 17
_ERRORS: Final = {"DELIVRD": "000", "ACCEPTD": "000", "EXPIRED": "001"}
"""Err of a report by its Stat (3.7). For the rest the script gives no reason: 999, unknown."""


class SmgpSpeech(Speech):
    """SMGP 3.0 and 1.3."""

    dialect = SMGP
    stranger = SMGP.codes.bad_proof  # as for a wrong secret: it tells nobody who exists
    half = b"\x00\x00\x00\x0c\x00\x00\x00\x04\x00\x00\x00\x01"  # Active_Test

    def __init__(self, settings: CarrierSettings, rng: Random) -> None:
        super().__init__(settings)
        drawn = rng.randrange(1, 1 << 20) % _GATEWAYS if settings.gateway is None else None
        code = settings.gateway if drawn is None else drawn
        ids = MessageIds(f"{code:06}")
        self.take, self.run = ids.take, ids.run

    def reading(self) -> Reading:
        return SmgpReading()

    def ways(self, asked: BindAsked, secret: str) -> Ways:
        """By LoginMode (3.4). A carrier that reads the book in one way refuses the other."""
        if self.settings.client_id != "either":
            padded = self.settings.client_id == "padded"
            proof = authenticator_client(asked.user, secret, asked.timestamp, padded=padded)
            if not hmac.compare_digest(proof, asked.proof):
                return Ways(status=self.dialect.codes.bad_proof)
        mode = asked.details.get("login_mode", tables.BOTH)
        return Ways(submits=mode != tables.RECEIVE, delivers=mode != tables.SEND)

    def quote(self, submit: SubmitPdu) -> str:
        """The content's length in three digits and its beginning (3.7)."""
        content = submit.content
        return f"{len(content):03}" + content[:_QUOTED].decode("latin-1")

    def bodies(self, items: Sequence[Item], version: int) -> list[bytes]:
        return [_body(item) for item in items]


def _body(item: Item) -> bytes:
    if isinstance(item, Mobile):
        return deliver_body(
            message_id=item.deliver_id,
            destination=item.access,
            source=item.person,
            content=item.content,
            fmt=item.fmt,
            udhi=item.udhi,
            received_at=_second(item.written),
        )
    stat = item.stat.decode()
    report = SmgpReport(
        item.message_id,
        stat.ljust(_STAT),
        item.submitted.decode(),
        item.done.decode(),
        _ERRORS.get(stat, "999"),
        dlvrd="001" if stat == "DELIVRD" else "000",
        text=item.quote.encode("latin-1"),
    )
    return report_body(
        report,
        deliver_id=item.deliver_id,
        service_number=item.access.rstrip(b"\0").decode("latin-1"),
        user_number=item.person.rstrip(b"\0").decode("latin-1"),
        received_at=_second(item.done),
    )


def _second(stamp: bytes) -> str:
    """YYYYMMDDHHMMSS of YYMMDDHHMM."""
    return f"20{stamp.decode()}00"
