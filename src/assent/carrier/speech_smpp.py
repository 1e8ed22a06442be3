"""SMPP as a simulated carrier speaks it (protocols.md 4): three kinds of bind, ids as text in the
form that the carrier is set to, receipts as text, as optional parameters, or as both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count as counting
from random import Random
from typing import Final

from assent.carrier.identity import CarrierSettings
from assent.carrier.mailbox import Item, Mobile
from assent.carrier.readings import Reading, Segment, SmppReading, read_text
from assent.carrier.script import Script
from assent.carrier.speech import DELIVERED, Speech, Ways
from assent.text import LongText, SevenBit, concat_of, parse_udh
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire.dialect import Mode
from assent.wire.events import Asked, BindAsked
from assent.wire.pdus import Report, SubmitPdu
from assent.wire.session import Role
from assent.wire.smpp import (
    Identity,
    IdForm,
    ReceiptForm,
    SmppDialect,
    SmppSession,
    alphabet_of_coding,
    deliver_body,
    report_body,
)
from assent.wire.smpp_pdus import SmppSubmit
from assent.wire.smpp_tlvs import pairs

_SYSTEM_ID: Final = 15
_ADDRESS: Final = 20
_ON_FAILURE: Final = 2
_ERRORS: Final = {"DELIVRD": "000", "ACCEPTD": "000", "ENROUTE": "000"}
"""err of a receipt's text by its stat; 001 for every other, since the script gives no reason."""


class SmppSpeech(Speech):
    """SMPP 3.4 and 3.3."""

    half = b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01"  # enquire_link
    stranger = codes.RINVSYSID

    def __init__(self, settings: CarrierSettings, rng: Random) -> None:
        super().__init__(settings)
        self.ids = IdForm(settings.ids)
        self.form = ReceiptForm(settings.receipt_form)
        self.seven_bit = SevenBit(settings.alphabet)
        name = settings.name.encode("ascii", "replace").decode()[:_SYSTEM_ID]
        self.smpp = self.dialect = SmppDialect(ids=self.ids, identity=Identity(system_id=name))
        self._counter = counting(rng.randrange(1, 1 << 40))
        self.take = self._take

    def _take(self, count: int, now_s: float) -> list[int]:
        """Numbers that go up; `ids` says how they are written."""
        return [next(self._counter) for _ in range(count)]

    def reading(self) -> Reading:
        return SmppReading(self.seven_bit)

    def session(self, script: Script, first_sequence: int, now: float) -> SmppSession:
        settings = self.session_settings(script, first_sequence)
        return SmppSession(self.smpp, Role.SERVER, settings, now)

    def ways(self, asked: BindAsked, secret: str) -> Ways:
        """By the kind of bind; one that this carrier does not offer fails (5.1.3)."""
        if asked.mode.name.lower() not in self.settings.binds:
            return Ways(status=codes.RBINDFAIL)
        return Ways(
            submits=asked.mode is not Mode.RECEIVER, delivers=asked.mode is not Mode.TRANSMITTER
        )

    def message_ids(self, submit: SubmitPdu, count: int, now_s: float) -> list[int]:
        """One for all receivers of a submit_multi: its answer has one (4.5.2)."""
        return self.take(1, now_s) * count

    def objection(self, submit: SubmitPdu) -> int:
        """This carrier keeps no distribution lists. A data_sm has room for addresses that no
        receipt could name (5.2.8, 5.2.9)."""
        if isinstance(submit, SmppSubmit) and submit.lists:
            return codes.RINVDLNAME
        if len(submit.src_id) > _ADDRESS:
            return codes.RINVSRCADR
        people = submit.destinations
        fit = people and all(0 < len(person) <= _ADDRESS for person in people)
        return 0 if fit else codes.RINVDSTADR

    def wants(self, submit: SubmitPdu, stat: bytes) -> bool:
        """registered_delivery may ask for failures only (5.2.17)."""
        wish = submit.registered
        return bool(wish) and (wish != _ON_FAILURE or stat != DELIVERED)

    def is_part(self, submit: SubmitPdu) -> bool:
        return bool(submit.udhi) or submit.pk_total > 1

    def read(self, submit: SubmitPdu) -> tuple[str | None, Segment | None]:
        """By data_coding, and by the user data header or the SAR parameters."""
        text, segment = read_text(
            submit.content, submit.fmt, submit.udhi, alphabet_of_coding, self.seven_bit
        )
        sar = submit.sar if isinstance(submit, SmppSubmit) else None
        if segment is None and sar is not None:
            reference, total, number = sar
            segment = (reference, number, total)
        return text, segment

    def quote(self, submit: SubmitPdu) -> str:
        """The text; a receipt shows its first 20 characters (Appendix B)."""
        return (self.read(submit)[0] or "")[:20]

    def bodies(self, items: Sequence[Item], version: int) -> list[bytes]:
        # A carrier of 3.3 sends no optional parameters, whatever the platform could read.
        version = min(version, self.settings.highest)
        return [self._body(item, version) for item in items]

    def _body(self, item: Item, version: int) -> bytes:
        if isinstance(item, Mobile):
            content, udhi, tlvs = item.content, item.udhi, []
            if udhi and self.settings.reply_parts == LongText.SAR.value:
                elements, content = parse_udh(content)
                part = concat_of(elements) or (0, 1, 1)
                names = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")
                udhi, tlvs = 0, pairs(dict(zip(names, part, strict=True)))
            return deliver_body(
                version,
                destination=item.access,
                source=item.person,
                content=content,
                fmt=item.fmt,
                udhi=udhi,
                tlvs=tlvs,
            )
        stat, person = item.stat.decode(), item.person.decode("latin-1")
        submitted, done = item.submitted.decode(), item.done.decode()
        return report_body(
            version,
            Report(item.message_id, stat, submitted, done, person, 0),
            service_number=item.access.decode("latin-1"),
            ids=self.ids,
            form=self.form,
            text=item.quote,
            error=_ERRORS.get(stat, "001"),
        )

    def answer(self, session: SmppSession, asked: Asked) -> bytes:
        """No: accepted messages are on their way, and nothing is kept to ask about."""
        return session.answer(asked, {}, tables.DECLINED[asked.command])
