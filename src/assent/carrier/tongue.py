"""What we say to customers in each dialect: the base of `tongue_cmpp` and its siblings.

A tongue is made once for each dialect served. It opens sessions, reads submits into `Handed`,
answers them, and writes reports and replies. It keeps nothing of any connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.stamps import Stamps
from assent.errors import InvalidInput
from assent.flow.customers import (
    CustomerLink,
    CustomerReceipt,
    CustomerReply,
    Handed,
    Inquired,
    Objection,
    Part,
    Wanted,
)
from assent.text import Alphabet, SevenBit, alphabet_of, concat_of, encode, parse_udh, segment
from assent.wire.connection import SessionSettings
from assent.wire.dialect import BindRequest, Dialect
from assent.wire.events import Asked, BindAsked
from assent.wire.frame import MalformedPdu
from assent.wire.pdus import SubmitPdu
from assent.wire.session import Role, Session
from assent.wire.smpp_times import read_time

CONCATENATIONS: Final = frozenset({0x00, 0x08})
"""Elements of a user data header that only say which segment this is (GSM 03.40 9.2.3.24)."""

_SPREAD: Final = 0x9E37_79B9_7F4A_7C15  # 2^64 / golden ratio: far from what ids differ by
_WORD: Final = (1 << 64) - 1


class Ways(NamedTuple):
    """What a bind lets through: submits, and reports and replies."""

    submits: bool = True
    delivers: bool = True


@dataclass(frozen=True, slots=True)
class Codes:
    """What a dialect says to a bind from a wrong address (`address`) and to one too many
    (`crowded`); to submits: what flow objects to, and `unreadable` for what no reader makes sense
    of."""

    address: int
    crowded: int
    objections: Mapping[Objection, int]
    unreadable: int


class Tongue:
    """Base of the dialects; a subclass fills in what is only declared here."""

    name: str
    dialect: Dialect
    codes: Codes
    alphabets: Sequence[Alphabet | None]
    """By the number of the coding, 0 to 255. BINARY holds no text, so it stands here as None."""
    take: Callable[[int, float], list[int]]
    """New message ids: (count, unix seconds)."""
    seven_bit = SevenBit.ASCII
    highest: int
    wanted: Mapping[int, Wanted] = {0: Wanted.NONE, 1: Wanted.ALWAYS}

    def __init__(self, settings: CustomerSettings, door: Door) -> None:
        self.settings = settings
        self.door = door
        self.stamps = Stamps(settings.zone_minutes)
        if door.version is not None:
            self.highest = door.version

    # --- connections

    def session(self, now: float) -> Session:
        """The server's side of a new connection."""
        return Session(self.dialect, Role.SERVER, self.session_settings(), now)

    def session_settings(self) -> SessionSettings:
        """Settings of such a session."""
        settings = self.settings
        return SessionSettings(
            version=self.highest,
            window=settings.deliver_window,
            heartbeat_s=settings.heartbeat_s,
            response_s=settings.response_s,
            tries=settings.tries,
        )

    def proves(self, asked: BindAsked, secret: str) -> bool:
        """Whether who asks knows the secret."""
        request = BindRequest(asked.user, asked.proof, asked.version, asked.timestamp)
        return self.dialect.codec(asked.version).proves(request, secret)

    def ways(self, asked: BindAsked) -> Ways:
        """What this bind lets through."""
        return Ways()

    def answer(self, session: Any, asked: Asked) -> bytes:
        """The answer to a question that only this dialect has."""
        return b""

    def inquiry(self, asked: Asked) -> tuple[int, float] | None:
        """The message that a question is about, and when its id was made; None for a question that
        `answer` answers."""
        return None

    def tell(self, session: Any, asked: Asked, found: Inquired | None) -> bytes:
        """The answer to such a question: where the message stands, None where it is not found."""
        return b""

    # --- submits

    def read(
        self, link: CustomerLink, submits: Sequence[SubmitPdu], now_s: float
    ) -> list[Handed | int]:
        """Each submit as flow takes it, or the code that refuses it."""
        ids = self.take(len(submits), now_s)
        read = self.read_one
        return [
            read(link, submit, first, now_s) for submit, first in zip(submits, ids, strict=True)
        ]

    def read_one(
        self, link: CustomerLink, submit: SubmitPdu, first: int, now_s: float
    ) -> Handed | int:
        """One submit; `first` is an id that it may use."""
        objections = self.codes.objections
        alphabet = self.alphabets[submit.fmt]
        if alphabet is None:
            return objections[Objection.CODING]
        split = self._split(submit)
        if isinstance(split, int):
            return split
        part, content = split
        numbers = submit.destinations
        if not numbers:
            return objections[Objection.DESTINATION]
        not_before = expires_at = None
        if submit.at_time or submit.valid_time:
            try:
                not_before = read_time(submit.at_time.strip(), now_s)
                expires_at = read_time(submit.valid_time.strip(), now_s)
            except MalformedPdu:
                return objections[Objection.TIME]
        ids = [first] if len(numbers) == 1 else self.run(first, len(numbers), now_s)
        return Handed(
            link,
            self.name,
            submit.src_id,
            numbers,
            ids,
            alphabet,
            self.seven_bit,
            content,
            part,
            self.wanted.get(submit.registered, Wanted.NONE),
            not_before,
            expires_at,
        )

    def _split(self, submit: SubmitPdu) -> tuple[Part | None, bytes] | int:
        """(part, content without header), or the code that refuses it."""
        content: bytes = submit.content
        if submit.udhi:
            split = segment_of(content)
            return self.codes.objections[Objection.CODING] if split is None else split
        if submit.pk_total <= 1:
            return None, content
        # Parts without a header have no reference; they are told apart by their order only.
        part = (0, submit.pk_total, submit.pk_number)
        return (part, content) if 1 <= part[2] <= part[1] else self.codes.unreadable

    def run(self, first: int, count: int, now_s: float) -> list[int]:
        """Ids of a message to several receivers, of which the answer tells the first."""
        return [first] * count

    def respond(
        self,
        session: Any,
        submits: Sequence[SubmitPdu],
        ids: Sequence[int],
        results: Sequence[int] | None,
    ) -> bytes:
        """Answers to submits of one connection; None: all are stored."""
        answers: bytes = session.respond(submits, ids, results)
        return answers

    # --- reports and replies

    def bodies(self, item: CustomerReceipt | CustomerReply, version: int) -> list[bytes]:
        """Bodies of the DELIVERs that carry an item on a connection of this version: several for
        a long reply. Raises AssentError for what the dialect cannot carry."""
        if isinstance(item, CustomerReceipt):
            return [self.report(item, version)]
        alphabet = self.alphabet(item.text)
        parts = segment(
            item.text, alphabet, reference=item.id & 0xFF, octets=140, seven_bit=self.seven_bit
        )
        udhi = int(len(parts) > 1)
        return [
            self.mobile(item, part_id(item.id, place), part, int(alphabet), udhi, version)
            for place, part in enumerate(parts)
        ]

    def alphabet(self, text: str) -> Alphabet:
        """What a reply is written in: seven bits where they hold all of it in one message."""
        alphabet = alphabet_of(text, seven_bit=self.seven_bit)
        if (
            alphabet is Alphabet.GSM7
            and len(encode(text, alphabet, seven_bit=self.seven_bit)) > 140
        ):
            return Alphabet.UCS2
        return alphabet

    def report(self, receipt: CustomerReceipt, version: int) -> bytes:
        """The body that carries a receipt."""
        raise NotImplementedError

    def mobile(
        self, reply: CustomerReply, deliver_id: int, content: bytes, fmt: int, udhi: int,
        version: int,
    ) -> bytes:  # fmt: skip
        """The body that carries a reply or a segment of it."""
        raise NotImplementedError


def codings(alphabet_of_number: Callable[[int], Alphabet | None]) -> list[Alphabet | None]:
    """The table of a dialect's codings, see `Tongue.alphabets`."""
    found = [alphabet_of_number(number) for number in range(256)]
    return [None if alphabet is Alphabet.BINARY else alphabet for alphabet in found]


def segment_of(content: bytes) -> tuple[Part | None, bytes] | None:
    """(part, the rest) of a content with user data header. None when it is broken, or says more
    than which segment this is: ports, pictures and national tables are no plain text."""
    try:
        elements, rest = parse_udh(content)
    except InvalidInput:
        return None
    if not elements:
        return None, rest
    part = concat_of(elements)
    if part is None or any(element[0] not in CONCATENATIONS for element in elements):
        return None
    return part, rest


def part_id(item_id: int, place: int) -> int:
    """The DELIVER id of a reply's part, the same whenever it is sent: customers know repeats by
    it."""
    return (item_id + place * _SPREAD) & _WORD
