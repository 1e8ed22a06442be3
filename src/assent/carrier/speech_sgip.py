"""SGIP as a simulated carrier speaks it (protocols.md 2).

The platform connects with login type 1 and submits; reports and replies go out on connections that
the carrier opens to the platform with login type 2 (calls.py). A message is known by the sequence
number of its SUBMIT, all 96 bits of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count as counting
from typing import Final

from assent.carrier.identity import CarrierSettings
from assent.carrier.mailbox import Item, Mobile
from assent.carrier.readings import Reading, SgipReading
from assent.carrier.script import Script
from assent.carrier.speech import DELIVERED, Speech, Ways
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
    smg_node,
)

_CONNECTIONS: Final = 256
_EACH: Final = 1 << 24
ON_FAILURE: Final = 2


class SgipSpeech(Speech):
    """SGIP 1.2."""

    dialect = SGIP
    most_code = 0xFF
    stranger = SGIP.codes.bad_source
    half = b"\x00\x00\x00\x14\x00\x00\x00\x02" + bytes(12)  # UNBIND

    def __init__(self, settings: CarrierSettings) -> None:
        super().__init__(settings)
        self.node = smg_node("010") if settings.node is None else settings.node
        self._items = counting(1)
        self.take = self._take

    def _take(self, count: int, now_s: float) -> list[int]:
        """Numbers that only the simulator knows: a DELIVER's id is its sequence number."""
        return [next(self._items) for _ in range(count)]

    def reading(self) -> Reading:
        return SgipReading()

    def session(self, script: Script, first_sequence: int, now: float) -> SgipSession:
        settings = self.session_settings(script, first_sequence, SP_TO_SMG)
        return SgipSession(SGIP, Role.SERVER, settings, now)

    def calling_session(
        self, script: Script, first_sequence: int, now: float, user: str, secret: str
    ) -> SgipSession:
        """The carrier's side of a connection that it opens itself."""
        settings = self.session_settings(script, first_sequence, SMG_TO_SP)
        return SgipSession(SGIP, Role.CLIENT, replace(settings, user=user, secret=secret), now)

    def first_sequence(self, drawn: int, connection: int, now_s: float) -> int:
        """Node, time, and a counter that no other connection reaches (2.2)."""
        return first_sequence(self.node, now_s, connection % _CONNECTIONS * _EACH)

    def ways(self, asked: BindAsked, secret: str) -> Ways:
        """A connection of the platform's carries submits only (2.1)."""
        return Ways(delivers=False)

    def message_ids(self, submit: SubmitPdu, count: int, now_s: float) -> list[int]:
        """The SUBMIT's own sequence number; reports are told apart by UserNumber (2.4)."""
        return [submit.sequence] * count

    def wants(self, submit: SubmitPdu, stat: bytes) -> bool:
        """ReportFlag may ask for failures only (2.4, field 15)."""
        return submit.registered == 1 or (submit.registered == ON_FAILURE and stat != DELIVERED)

    def bodies(self, items: Sequence[Item], version: int) -> list[bytes]:
        return [_body(item) for item in items]


def _body(item: Item) -> bytes:
    if isinstance(item, Mobile):
        return deliver_body(
            destination=item.access,
            source=_with_country(item.person),
            content=item.content,
            fmt=item.fmt,
            udhi=item.udhi,
        )
    state, code = state_of(item.stat.decode())
    return report_body(
        submit_sequence=item.message_id,
        user_number=item.person.rstrip(b"\0").decode("latin-1"),
        state=state,
        error_code=code,
    )


def state_of(stat: str) -> tuple[int, int]:
    """(State, ErrorCode) of a script's stat: the way back of `sgip_tables.stat_of`. Words of other
    dialects are failures without a reason."""
    kind, _, digits = stat.partition(":")
    number = int(digits) & 0xFF if digits.isdecimal() else 0
    if stat == "DELIVRD":
        return 0, 0
    if stat in ("ENROUTE", "ACCEPTD"):
        return 1, 0
    return (number, 0) if kind == "ST" else (2, number if kind == "EC" else 0)


def _with_country(number: str) -> str:
    """A mainland mobile number with the 86 that SGIP requires (2.4, UserNumber)."""
    return "86" + number if len(number) == 11 and number.startswith("1") else number
