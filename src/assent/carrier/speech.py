"""What a simulated carrier says in its dialect, chosen once per carrier.

`Speech` is all that differs between dialects: sessions, ids, who may bind how, bodies of reports
and replies, how a text is read. Everything else (script, queues, faults, the record's lines) is
the same for all. CMPP stands here; the others have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from assent.carrier.identity import CarrierSettings
from assent.carrier.mailbox import Item
from assent.carrier.readings import CmppReading, Reading, Segment, read_text
from assent.carrier.script import Script
from assent.errors import InvalidInput
from assent.text import SevenBit
from assent.wire.cmpp import CMPP, V30, MessageIds
from assent.wire.dialect import Dialect
from assent.wire.events import Asked, BindAsked
from assent.wire.pdus import SubmitPdu
from assent.wire.session import Role, Session, SessionSettings

DELIVERED: Final = b"DELIVRD"


class Ways(NamedTuple):
    """What a bind that is accepted lets through: submits, and reports and replies. `status`: the
    code that refuses the bind instead, 0 for none."""

    submits: bool = True
    delivers: bool = True
    status: int = 0


class Speech:
    """Base of the dialects; what is not said otherwise is as in CMPP."""

    dialect: Dialect
    lean = False
    """Whether the path for load tests (`Intake._take_plain`) knows this dialect's octets."""
    stranger: int
    """Status for a user that nobody knows."""
    half: bytes
    """A PDU without body, to be cut in its middle."""
    most_code = 0xFFFFFFFF
    """The largest code that its answers have room for."""
    seven_bit = SevenBit.ASCII
    take: Callable[[int, float], list[int]]
    """Ids for DELIVERs: (count, unix seconds)."""
    run: Callable[[int, float], list[int]]
    """Ids that follow each other, where the dialect wants such."""

    def __init__(self, settings: CarrierSettings) -> None:
        self.settings = settings

    @property
    def flow_control(self) -> int:
        """The code that says "too fast"."""
        return self.dialect.codes.flow_control

    def check(self, script: Script) -> None:
        """Raises InvalidInput for a script with a code that this dialect cannot say."""
        answers = script.answers
        codes = {f"answers.refusals[{i}].code": r.code for i, r in enumerate(answers.refusals)}
        codes["answers.throttle_code"] = answers.throttle_code or 0
        codes["faults.bind_status"] = script.faults.bind_status
        for place, code in codes.items():
            if not 0 <= code <= self.most_code:
                message = f"{place}: a code of {self.dialect.name} is 0 to {self.most_code}"
                raise InvalidInput("bad_script", message, field=place)

    def reading(self) -> Reading:
        """A new reading for the record of one connection."""
        raise NotImplementedError

    def session(self, script: Script, first_sequence: int, now: float) -> Session:
        """The carrier's side of a connection that the platform opened."""
        return Session(
            self.dialect, Role.SERVER, self.session_settings(script, first_sequence), now
        )

    def session_settings(
        self, script: Script, first_sequence: int, version: int | None = None
    ) -> SessionSettings:
        """Settings of such a session."""
        return SessionSettings(
            version=self.settings.highest if version is None else version,
            window=script.deliver_window,
            peer_window=self.settings.submit_window,
            heartbeat_s=script.heartbeat_s,
            response_s=script.response_s,
            first_sequence=first_sequence,
        )

    def first_sequence(self, drawn: int, connection: int, now_s: float) -> int:
        """The first sequence number of a connection (counted from 1); `drawn` is the carrier's."""
        return drawn

    def ways(self, asked: BindAsked, secret: str) -> Ways:
        """What this bind lets through. The session checks the secret; here is what it does not."""
        return Ways()

    def message_ids(self, submit: SubmitPdu, count: int, now_s: float) -> list[int]:
        """An id for each receiver of a SUBMIT that is accepted; the answer names the first. In
        CMPP they are consecutive, so that the others can be told (protocols.md 1.7)."""
        return self.run(count, now_s)

    def objection(self, submit: SubmitPdu) -> int:
        """The code that the dialect itself has against a SUBMIT, 0 for none."""
        return 0 if submit.destinations else self.dialect.codes.structure

    def wants(self, submit: SubmitPdu, stat: bytes) -> bool:
        """Whether the platform asked for a report that says this."""
        return bool(submit.registered)

    def is_part(self, submit: SubmitPdu) -> bool:
        """Whether it says that it is a part of a long message."""
        return bool(submit.udhi)

    def read(self, submit: SubmitPdu) -> tuple[str | None, Segment | None]:
        """(text, (reference, number, total) of a part of a long message)."""
        return read_text(submit.content, submit.fmt, submit.udhi)

    def quote(self, submit: SubmitPdu) -> str:
        """What a report repeats of the message."""
        return ""

    def bodies(self, items: Sequence[Item], version: int) -> list[bytes]:
        """Bodies of the PDUs that carry these items, on a connection of this version."""
        return [item.body(version) for item in items]

    def answer(self, session: Any, asked: Asked) -> bytes:
        """The answer to a question that only this dialect has."""
        return b""


class CmppSpeech(Speech):
    """CMPP 2.0 and 3.0."""

    dialect = CMPP
    lean = True
    stranger = 2  # illegal source address (protocols.md 1.5)
    half = b"\x00\x00\x00\x0c\x00\x00\x00\x08\x00\x00\x00\x01"  # ACTIVE_TEST

    def __init__(self, settings: CarrierSettings, rng: Random) -> None:
        super().__init__(settings)
        drawn = rng.randrange(1, 1 << 20) if settings.gateway is None else settings.gateway
        ids = MessageIds(drawn)
        self.take, self.run = ids.take, ids.run
        if settings.highest < V30:
            self.most_code = 0xFF

    def reading(self) -> Reading:
        return CmppReading()
