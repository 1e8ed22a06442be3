"""What a link to a carrier needs of a dialect, gathered once for each link.

`kit_for` makes it. A link then opens sessions, flow makes bodies and reads what arrives, and nobody
asks again which protocol it is. The customs of a carrier that the dialect leaves open are `Quirks`;
what a kit does not know of it raises, naming the quirk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

from assent.errors import InvalidInput
from assent.text import (
    Alphabet,
    LongText,
    SevenBit,
    Writing,
    alphabet_of_format,
    concat_of,
    parse_udh,
)
from assent.wire import (
    cmpp,
    cmpp_forms,
    sgip,
    sgip_forms,
    smgp,
    smgp_forms,
    smpp,
    smpp_forms,
    smpp_tables,
)
from assent.wire.connection import SessionSettings
from assent.wire.dialect import Mode
from assent.wire.pdus import Report
from assent.wire.session import Role, Session
from assent.wire.verdicts import Verdicts, verdicts

__all__ = [
    "DIALECTS",
    "HEARTBEAT_S",
    "OWN",
    "VERSIONS",
    "Form",
    "Kit",
    "Quirks",
    "Verdicts",
    "international",
    "kit_for",
    "national",
]

DIALECTS: Final = ("cmpp", "sgip", "smgp", "smpp")
VERSIONS: Final[dict[str, dict[str, int]]] = {
    "cmpp": {"3.0": cmpp.V30, "2.0": cmpp.V20},
    "sgip": {"1.2": sgip.SP_TO_SMG},
    "smgp": {"3.0": smgp.V30, "1.3": smgp.V13},
    "smpp": {"3.4": smpp.V34, "3.3": smpp.V33},
}
"""Versions that a link may speak, by the word people use; the usual one comes first."""

HEARTBEAT_S: Final = {"cmpp": 180.0, "sgip": 60.0, "smgp": 180.0, "smpp": 30.0}
"""Usual idle time in seconds before a heartbeat; SGIP has none and unbinds then (facts: CMPP 1.1,
SGIP 2.1, SMGP 3.1, SMPP 4.1)."""

_CHINA: Final = 86 * 10**11
_CHINA_END: Final = 87 * 10**11
_CORP_IDS: Final = 100_000  # the enterprise code is the node's last five digits (facts: SGIP 2.2)
_PLACES: Final = 1 << 24  # see sgip.first_sequence
_INTERNATIONAL: Final = 1
_AMERICAN: Final = 11
_HEADERS: Final = frozenset({LongText.UDH, LongText.UDH16})
_NANP: Final = re.compile(r"1[2-9]\d\d[2-9]\d{6}", re.ASCII)


def _source(deliver: Any) -> str:
    return str(deliver.source)


class Form(Protocol):
    """Bodies of SUBMITs that share everything but receiver and content; see `cmpp.SubmitForm`."""

    def bodies(self, destinations: Sequence[bytes], content: bytes, fmt: int) -> list[bytes]: ...

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]: ...

    def body(
        self,
        destination: bytes,
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Quirks:
    """Customs of one carrier; `OWN` says which dialect has which.

    msg_src: the enterprise code in SUBMITs (CMPP: else the user; SGIP: else the node's last five
    digits; SMGP: else none). padded: the proof hashes the user with its padding. node: our node
    number. ids, system_type, mode: as `smpp` has them. source_kind, dest_kind: (ton, npi), the
    source's guessed by `smpp.address_kind` when None. seven_bit: what the octets of data_coding 0
    stand for. abroad: people of other countries write here, too, so that 1 before ten digits may be
    America and not a Chinese mobile number. throttled, elsewhere, refused: result codes that mean
    something else here than the dialect's table says."""

    msg_src: str | None = None
    padded: bool = False
    node: int | None = None
    ids: smpp.IdForm = smpp.IdForm.DECIMAL
    system_type: str = ""
    mode: Mode = Mode.TRANSCEIVER
    source_kind: tuple[int, int] | None = None
    dest_kind: tuple[int, int] = (1, 1)
    seven_bit: SevenBit = SevenBit.GSM
    abroad: bool = False
    throttled: frozenset[int] = frozenset()
    elsewhere: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()


_ALL: Final = frozenset({"throttled", "elsewhere", "refused"})
OWN: Final[dict[str, frozenset[str]]] = {
    "cmpp": _ALL | {"msg_src"},
    "sgip": _ALL | {"msg_src", "node"},
    "smgp": _ALL | {"msg_src", "padded"},
    "smpp": _ALL
    | {"ids", "system_type", "mode", "source_kind", "dest_kind", "seven_bit", "abroad"},
}
"""Which quirks a dialect has."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Kit:
    """The dialect as one link speaks it. Two kits are never equal, so one may be a key.

    session: a client's, from its settings and the time. forms: from service code, port and how
    long texts are told. number: an MSISDN as receivers are written here. codings: the number of
    each alphabet that a SUBMIT may have; octets: that a content of format 0 may have. alphabet: the
    way back, None for what cannot be read. seven_bit: see `Quirks`. long_texts: ways to tell them
    that it has. person: the number that a DELIVER comes from; report_from_person: reports come from
    whom they are about. serve: SGIP's session for the connection on which the gateway delivers."""

    name: str
    version: int
    mode: Mode = Mode.TRANSCEIVER
    session: Callable[[SessionSettings, float], Session]
    forms: Callable[[str, str, LongText], Form]
    number: Callable[[int], bytes]
    codings: Mapping[Alphabet, int]
    octets: int
    long_texts: frozenset[LongText] = _HEADERS
    alphabet: Callable[[int], Alphabet | None]
    seven_bit: SevenBit = SevenBit.ASCII
    codes: Verdicts
    person: Callable[[Any], str] = _source
    report_from_person: bool = False
    serve: Callable[[SessionSettings, float], Session] | None = None
    node: int | None = None

    @property
    def sends(self) -> bool:
        """Whether the bind lets messages of ours go."""
        return self.mode is not Mode.RECEIVER

    def form(self, service: str, port: str, long_text: LongText = LongText.UDH) -> Form:
        """Return the form for what a port sends under a service code."""
        return self.forms(service, port, long_text)

    def carries(self, writing: Writing) -> bool:
        """Tell whether texts written so can go over this link."""
        alphabet = writing.coding.alphabet
        fits = alphabet is not Alphabet.GSM7 or writing.octets <= self.octets
        return alphabet in self.codings and fits and writing.long_text in self.long_texts

    def first_sequence(self, unix_s: float, zone_minutes: int, place: int, used: int) -> int:
        """Sequence number to begin a connection with. `place`: which of all connections to this
        carrier it is, 0 to 255; `used`: at least the count of commands that earlier connections of
        this place sent, so that two within one second share no number (`sgip.first_sequence`)."""
        if self.node is None:
            return 1
        start = place % 256 * _PLACES + used % _PLACES
        return sgip.first_sequence(self.node, unix_s, start, zone_minutes)

    def receiver(self, deliver: Any, report: Report) -> str:
        """The number that a report is about. Where the content does not hold it, the report comes
        from that number."""
        return self.person(deliver) if self.report_from_person else report.destination

    @staticmethod
    def timestamp(unix_s: float, zone_minutes: int) -> int:
        """What a bind's proof is made with, MMDDHHMMSS in the carrier's zone; of no meaning to a
        dialect whose bind has no time."""
        return cmpp.bind_timestamp(unix_s, zone_minutes)

    @staticmethod
    def part_of(deliver: Any) -> tuple[int, int, int] | None:
        """(reference, total, number) of a segment that arrived, by its user data header or SMPP's
        SAR parameters; None for a message of its own."""
        if not deliver.udhi:
            told: tuple[int, int, int] | None = getattr(deliver, "sar", None)
            return told
        try:
            elements, _ = parse_udh(deliver.content)
        except InvalidInput:
            return None
        return concat_of(elements)


def kit_for(
    dialect: str, *, user: str = "", version: int | None = None, quirks: Quirks | None = None
) -> Kit:
    """Return the kit of a link that binds as `user`. `version`: None for the usual one.

    Raises InvalidInput naming the field: for a dialect or version that is not spoken, a quirk that
    the dialect does not have, a code with two meanings, and a missing or impossible node number."""
    quirks = quirks or Quirks()
    if dialect not in VERSIONS:
        raise _wrong("dialect", f"no dialect is called {dialect}", f"use {', '.join(DIALECTS)}")
    spoken = VERSIONS[dialect]
    version = next(iter(spoken.values())) if version is None else version
    if version not in spoken.values():
        words = " or ".join(spoken)
        raise _wrong("version", f"{dialect} has no version {version:#04x} here", f"use {words}")
    for one in fields(Quirks):
        if getattr(quirks, one.name) != one.default and one.name not in OWN[dialect]:
            raise _wrong(one.name, f"{dialect} has no such setting", f"remove {one.name}")
    own = {name: getattr(quirks, name) for name in ("throttled", "elsewhere", "refused")}
    return _MAKERS[dialect](user, version, quirks, verdicts(dialect, own))


def national(msisdn: int) -> bytes:
    """A number as the Chinese carriers take it: without the country code at home."""
    if _CHINA <= msisdn < _CHINA_END:
        return b"%d" % (msisdn - _CHINA)
    return b"00%d" % msisdn


def international(msisdn: int) -> bytes:
    """A number with its country code and nothing before it (facts: SMPP 4.4)."""
    return b"%d" % msisdn


# --- one maker a dialect


def _codings(*alphabets: Alphabet) -> dict[Alphabet, int]:
    return {alphabet: int(alphabet) for alphabet in alphabets}


_CHINESE: Final = _codings(Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, Alphabet.GB18030)


def _cmpp(user: str, version: int, quirks: Quirks, codes: Verdicts) -> Kit:
    source = user if quirks.msg_src is None else quirks.msg_src
    return Kit(
        name="cmpp",
        version=version,
        session=lambda settings, now: Session(cmpp.CMPP, Role.CLIENT, settings, now),
        forms=lambda service, port, _: cmpp.SubmitForm(
            version, service_id=service, src_id=port, msg_src=source
        ),
        number=national,
        codings=_CHINESE,
        octets=cmpp_forms.LONGEST_FORMAT_0,
        alphabet=alphabet_of_format,
        codes=codes,
    )


def _sgip(user: str, version: int, quirks: Quirks, codes: Verdicts) -> Kit:
    node = quirks.node
    if node is None or not 0 < node < 1 << 32:
        mend = "set node to the number that the carrier gave, 3 + area code + enterprise code"
        raise _wrong("node", "SGIP needs our node number, 32 bits", mend)
    source = f"{node % _CORP_IDS:05}" if quirks.msg_src is None else quirks.msg_src
    return Kit(
        name="sgip",
        version=version,
        session=lambda settings, now: sgip.SgipSession(sgip.SGIP, Role.CLIENT, settings, now),
        serve=lambda settings, now: sgip.SgipSession(sgip.SGIP, Role.SERVER, settings, now),
        forms=lambda service, port, _: sgip.SgipForm(
            version, service_id=service, src_id=port, msg_src=source
        ),
        number=national,  # the form puts 86 before numbers at home
        codings=_CHINESE,
        octets=sgip_forms.LONGEST_FORMAT_0,
        alphabet=alphabet_of_format,
        node=node,
        codes=codes,
    )


def _smgp(user: str, version: int, quirks: Quirks, codes: Verdicts) -> Kit:
    dialect = smgp.SmgpDialect(padded=quirks.padded)
    return Kit(
        name="smgp",
        version=version,
        session=lambda settings, now: Session(dialect, Role.CLIENT, settings, now),
        forms=lambda service, port, _: smgp.SmgpForm(
            version, service_id=service, src_id=port, msg_src=quirks.msg_src or ""
        ),
        number=national,
        codings=_CHINESE,
        octets=smgp_forms.LONGEST,
        alphabet=alphabet_of_format,
        codes=codes,
    )


def _smpp(user: str, version: int, quirks: Quirks, codes: Verdicts) -> Kit:
    identity = smpp.Identity(system_type=quirks.system_type)
    dialect = smpp.SmppDialect(quirks.ids, identity=identity)
    return Kit(
        name="smpp",
        version=version,
        mode=quirks.mode,
        session=lambda settings, now: smpp.SmppSession(dialect, Role.CLIENT, settings, now),
        forms=lambda service, port, long_text: smpp.SmppForm(
            version,
            service_id=service,
            src_id=port,
            source_kind=quirks.source_kind,
            dest_kind=quirks.dest_kind,
            long_text=long_text,
        ),
        number=international,
        codings=_codings(Alphabet.GSM7, Alphabet.LATIN1, Alphabet.BINARY, Alphabet.UCS2),
        octets=smpp_forms.LONGEST_SEVEN_BIT,
        long_texts=frozenset(LongText if version >= smpp.V34 else _HEADERS),
        alphabet=smpp.alphabet_of_coding,
        seven_bit=quirks.seven_bit,
        person=_foreigner if quirks.abroad else _source,
        report_from_person=True,
        codes=codes,
    )


def _foreigner(deliver: Any) -> str:
    """The number that a deliver_sm comes from, with a + where its type says that it has a country
    code. Some SMSCs say so of Chinese numbers without one; what cannot be American is such."""
    raw: bytes = deliver.raw
    number: str = deliver.source
    ton = raw[raw.index(0, smpp_tables.HEADER) + 1]  # after the service_type
    if ton != _INTERNATIONAL or not number.isdigit():
        return number
    chinese = len(number) == _AMERICAN and number[0] == "1" and not _NANP.fullmatch(number)
    return number if chinese else f"+{number}"


_MAKERS: Final[dict[str, Callable[[str, int, Quirks, Verdicts], Kit]]] = {
    "cmpp": _cmpp,
    "sgip": _sgip,
    "smgp": _smgp,
    "smpp": _smpp,
}


def _wrong(name: str, message: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_settings", message, field=name, mend=mend)
