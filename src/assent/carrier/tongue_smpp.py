"""SMPP as customers hear it from us (facts: SMPP 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.tongue import Codes, Tongue, Ways, codings, segment_of
from assent.flow.customers import (
    CustomerLink,
    CustomerReceipt,
    CustomerReply,
    Handed,
    Inquired,
    Objection,
    Wanted,
)
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tlvs as tlv
from assent.wire.dialect import Mode
from assent.wire.events import Asked, BindAsked
from assent.wire.frame import MalformedPdu
from assent.wire.pdus import Report, SubmitPdu
from assent.wire.session import Role
from assent.wire.smpp import (
    V34,
    Failure,
    Identity,
    ReportForm,
    SmppDialect,
    SmppSession,
    alphabet_of_coding,
    deliver_body,
)
from assent.wire.smpp_fields import SME_ADDRESS, Destination
from assent.wire.smpp_ids import id_of
from assent.wire.smpp_pdus import Message, SmppSubmit
from assent.wire.smpp_tables import DECLINED, QUERY_SM
from assent.wire.smpp_times import read_time

_STATE_OF_STAT: Final = {stat: value for value, (_, stat) in codes.MESSAGE_STATES.items()}
_ADDRESS: Final = 20  # characters; a data_sm has room for addresses that no receipt could name
_FORMS: Final = 1024  # of receipts, kept
_CODE_AT, _TIME_AT, _CODES = 17, 21, 16  # bits of an id: 42 of time, 4 of gateway, 17 of counter


class SmppTongue(Tongue):
    """SMPP 3.4 and 3.3."""

    name = "smpp"
    highest = V34
    alphabets = codings(alphabet_of_coding)
    wanted = {0: Wanted.NONE, 1: Wanted.ALWAYS, 2: Wanted.FAILURES, 3: Wanted.ALWAYS}  # noqa: RUF012
    codes = Codes(
        address=codes.RBINDFAIL,
        crowded=codes.RALYBND,
        objections={
            Objection.SOURCE: codes.RINVSRCADR,
            Objection.DESTINATION: codes.RINVDSTADR,
            Objection.CODING: codes.RINVDCS,  # of 5.0: 3.4 has none for it
            Objection.LENGTH: codes.RINVMSGLEN,
            Objection.TIME: codes.RINVEXPIRY,
            Objection.BUSY: codes.RMSGQFUL,
        },
        unreadable=codes.RINVMSGLEN,
    )

    def __init__(self, settings: CustomerSettings, door: Door, now_s: float) -> None:
        super().__init__(settings, door)
        self.seven_bit = settings.seven_bit
        identity = Identity(system_id=settings.system_id)
        self.smpp = self.dialect = SmppDialect(ids=settings.ids, identity=identity)
        self._code = door.gateway % _CODES << _CODE_AT
        self._millisecond = int(now_s * 1000)
        self._next = 0
        self._forms: dict[tuple[int, str, str, int, str, str], ReportForm] = {}
        self.take = self._take

    def _take(self, count: int, now_s: float) -> list[int]:
        """Numbers below 2^63 that go up with time: unique over connections, restarts and sixteen
        gateway codes. A burst borrows from the milliseconds that follow."""
        now_ms = int(now_s * 1000)
        if now_ms > self._millisecond:
            self._millisecond, self._next = now_ms, 0
        if self._next + count > 1 << _CODE_AT:
            self._millisecond, self._next = self._millisecond + 1, 0
        first = self._millisecond << _TIME_AT | self._code | self._next
        self._next += count
        return list(range(first, first + count))

    def session(self, now: float) -> SmppSession:
        return SmppSession(self.smpp, Role.SERVER, self.session_settings(), now)

    def ways(self, asked: BindAsked) -> Ways:
        """By the kind of bind."""
        return Ways(asked.mode is not Mode.RECEIVER, asked.mode is not Mode.TRANSMITTER)

    def answer(self, session: SmppSession, asked: Asked) -> bytes:
        """No: what is accepted is on its way, and stays as it is."""
        return session.answer(asked, {}, DECLINED[asked.command])

    def inquiry(self, asked: Asked) -> tuple[int, float] | None:
        """query_sm, with an id that we may have given (4.8.1)."""
        if asked.command != QUERY_SM:
            return None
        id_ = id_of(asked.fields["message_id"], self.settings.ids.answer_base)
        return (id_, (id_ >> _TIME_AT) / 1000) if 0 < id_ < 1 << 63 else None

    def tell(self, session: SmppSession, asked: Asked, found: Inquired | None) -> bytes:
        """4.8.2. When a message ended is not kept by message, so final_date says the least that it
        may: nothing."""
        if found is None:
            return session.answer(asked, {}, codes.RINVMSGID)
        state, error = _STATE_OF_STAT[found.stat], min(found.error, 255)
        fields = {"message_id": asked.fields["message_id"], "message_state": state}
        return session.answer(asked, fields | {"error_code": error})

    # --- submits

    def read_one(
        self, link: CustomerLink, submit: SubmitPdu, first: int, now_s: float
    ) -> Handed | int:
        # As long as it is because it runs once a message: what usually is not there costs one test.
        message = cast("SmppSubmit", submit).message
        alphabet = self.alphabets[message.data_coding]
        if alphabet is None:
            return codes.RINVDCS
        content, part = message.content, None
        if message.esm_class & codes.UDHI:
            split = segment_of(content)
            if split is None:
                return codes.RINVDCS
            part, content = split
        elif message.tlvs:
            part = cast("SmppSubmit", submit).sar
        if len(message.source) > _ADDRESS:
            return codes.RINVSRCADR
        if message.destinations:
            numbers = [one.address for one in message.destinations if _reachable(one)]
        else:
            numbers = [message.destination.decode("latin-1")]
        if not numbers or len(numbers[0]) > _ADDRESS:
            return codes.RINVDSTADR
        not_before = expires_at = None
        if message.schedule or message.validity or message.tlvs:
            times = _times(message, now_s)
            if isinstance(times, int):
                return times
            not_before, expires_at = times
        return Handed(
            link,
            "smpp",
            message.source.decode("latin-1"),
            numbers,
            [first] * len(numbers),  # a submit_multi's answer has one (4.5.2)
            alphabet,
            self.seven_bit,
            content,
            part,
            self.wanted[message.registered & 3],
            not_before,
            expires_at,
        )

    def respond(
        self,
        session: SmppSession,
        submits: Sequence[SubmitPdu],
        ids: Sequence[int],
        results: Sequence[int] | None,
    ) -> bytes:
        """A submit_multi that is taken names the receivers that it cannot reach (4.5.2.1)."""
        several = [
            place
            for place, submit in enumerate(submits)
            if cast("SmppSubmit", submit).message.destinations
        ]
        if not several:
            return session.respond(submits, ids, results)
        out = []
        for place in several:
            submit = cast("SmppSubmit", submits[place])
            refused = [_failure(d) for d in submit.message.destinations if not _reachable(d)]
            if refused and (results is None or not results[place]):
                out.append(session.respond_multi(submit, ids[place], refused))
        # What is answered by now is left out of this.
        out.append(session.respond(submits, ids, results))
        return b"".join(out)

    # --- reports and replies

    def report(self, receipt: CustomerReceipt, version: int) -> bytes:
        minute = self.stamps.minute
        submitted, done = minute(receipt.submitted), minute(receipt.done)
        # Receipts come in thousands that share all of this.
        key = (version, receipt.source, receipt.stat, receipt.error, submitted, done)
        form = self._forms.get(key)
        if form is None:
            if len(self._forms) >= _FORMS:
                self._forms.clear()
            form = self._forms[key] = ReportForm(
                version,
                Report(0, receipt.stat, submitted, done, "", 0),
                service_number=receipt.source,
                ids=self.settings.ids,
                form=self.settings.receipts,
                error=f"{receipt.error:03}",
            )
        return form.body(receipt.number, receipt.id)

    def mobile(
        self, reply: CustomerReply, deliver_id: int, content: bytes, fmt: int, udhi: int,
        version: int,
    ) -> bytes:  # fmt: skip
        return deliver_body(
            version,
            destination=reply.destination,
            source=reply.number,
            content=content,
            fmt=fmt,
            udhi=udhi,
        )


def _times(message: Message, now_s: float) -> tuple[float | None, float | None] | int:
    """(not before, expires at), or the code that refuses them. A data_sm says how long it is good
    for in a parameter (5.3.2.9)."""
    try:
        not_before = read_time(message.schedule.decode("latin-1"), now_s)
    except MalformedPdu:
        return codes.RINVSCHED
    try:
        expires_at = read_time(message.validity.decode("latin-1"), now_s)
    except MalformedPdu:
        return codes.RINVEXPIRY
    if expires_at is None and message.tlvs:
        seconds = tlv.integer(message.tlvs, tlv.QOS_TIME_TO_LIVE)
        expires_at = None if seconds is None else now_s + seconds
    return not_before, expires_at


def _reachable(receiver: Destination) -> bool:
    """Whether an entry of a submit_multi is a number: we keep no distribution lists."""
    digits = receiver.address.removeprefix("+")
    number = digits.isascii() and digits.isdigit() and len(receiver.address) <= _ADDRESS
    return receiver.flag == SME_ADDRESS and number


def _failure(receiver: Destination) -> Failure:
    if receiver.flag != SME_ADDRESS:
        return Failure(receiver.address, 0, 0, codes.RINVDLNAME)
    return Failure(receiver.address, receiver.ton, receiver.npi, codes.RINVDSTADR)
