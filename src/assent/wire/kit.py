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
from assent.text import Alphabet, SevenBit, alphabet_of_format, concat_of, parse_udh
from assent.wire import (
    cmpp,
    cmpp_tables,
    sgip,
    sgip_tables,
    smgp,
    smgp_codes,
    smpp,
    smpp_codes,
    smpp_tables,
)
from assent.wire.connection import SessionSettings
from assent.wire.dialect import Mode
from assent.wire.pdus import Report
from assent.wire.session import Role, Session

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
    number. ids, system_type, mode, long_text: as `smpp` has them. source_kind, dest_kind: (ton,
    npi), the source's guessed by `smpp.address_kind` when None. seven_bit: what the octets of
    data_coding 0 stand for in what arrives. abroad: people of other countries write here, too, so
    that 1 before ten digits may be America and not a Chinese mobile number. throttled, elsewhere,
    refused: result codes that mean something else here than the dialect's table says."""

    msg_src: str | None = None
    padded: bool = False
    node: int | None = None
    ids: smpp.IdForm = smpp.IdForm.DECIMAL
    system_type: str = ""
    mode: Mode = Mode.TRANSCEIVER
    source_kind: tuple[int, int] | None = None
    dest_kind: tuple[int, int] = (1, 1)
    long_text: smpp.LongText = smpp.LongText.UDH
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
    | {
        "ids",
        "system_type",
        "mode",
        "source_kind",
        "dest_kind",
        "long_text",
        "seven_bit",
        "abroad",
    },
}
"""Which quirks a dialect has."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What result codes mean: they ask for a pause (`throttled`), blame the link and not the
    message (`elsewhere`), leave open whether the message was taken (`unsure`). Every other code but
    0 refuses for good."""

    throttled: frozenset[int]
    elsewhere: frozenset[int]
    unsure: frozenset[int]
    again: frozenset[int]
    """`throttled` and `elsewhere`: the message may be offered again."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Kit:
    """The dialect as one link speaks it. Two kits are never equal, so one may be a key.

    session: a client's, from its settings and the time. form: from service code and port.
    number: an MSISDN as receivers are written here. codings: the number of each alphabet that a
    SUBMIT may have. alphabet: the way back, None for what cannot be read. seven_bit: see `Quirks`.
    person: the number that a DELIVER comes from; report_from_person: reports come from whom they
    are about. serve: SGIP's session for the connection on which the gateway delivers."""

    name: str
    version: int
    mode: Mode = Mode.TRANSCEIVER
    session: Callable[[SessionSettings, float], Session]
    form: Callable[[str, str], Form]
    number: Callable[[int], bytes]
    codings: Mapping[Alphabet, int]
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
    return _MAKERS[dialect](user, version, quirks, _verdicts(_MEANINGS[dialect], quirks))


def national(msisdn: int) -> bytes:
    """A number as the Chinese carriers take it: without the country code at home."""
    if _CHINA <= msisdn < _CHINA_END:
        return b"%d" % (msisdn - _CHINA)
    return b"00%d" % msisdn


def international(msisdn: int) -> bytes:
    """A number with its country code and nothing before it (facts: SMPP 4.4)."""
    return b"%d" % msisdn


# --- result codes

_MEANINGS: Final[dict[str, dict[int, str]]] = {
    "cmpp": {code: row[1] for code, row in cmpp_tables.RESULTS.items()},
    "sgip": {code: row[1] for code, row in sgip_tables.RESULTS.items()},
    "smgp": {code: row[1] for code, row in smgp_codes.RESULTS.items()},
    "smpp": {code: row[2] for code, row in smpp_codes.STATUS.items()},
}


def _verdicts(meanings: Mapping[int, str], quirks: Quirks) -> Verdicts:
    """The sets of a kit: the dialect's table, where the carrier does not say otherwise."""
    own = {name: getattr(quirks, name) for name in ("throttled", "elsewhere", "refused")}
    said: set[int] = set()
    for name, codes in own.items():
        twice = said & codes
        if twice or 0 in codes:
            code = min(twice) if twice else 0
            raise _wrong(name, f"code {code} has another meaning", "give each code one meaning")
        said |= codes

    def found(verdict: str) -> frozenset[int]:
        usual = {code for code, meaning in meanings.items() if meaning == verdict} - said
        return frozenset(usual | own.get(verdict, frozenset()))

    throttled, elsewhere = found("throttled"), found("elsewhere")
    return Verdicts(throttled, elsewhere, found("unsure"), throttled | elsewhere)


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
        form=lambda service, port: cmpp.SubmitForm(
            version, service_id=service, src_id=port, msg_src=source
        ),
        number=national,
        codings=_CHINESE,
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
        form=lambda service, port: sgip.SgipForm(
            version, service_id=service, src_id=port, msg_src=source
        ),
        number=national,  # the form puts 86 before numbers at home
        codings=_CHINESE,
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
        form=lambda service, port: smgp.SmgpForm(
            version, service_id=service, src_id=port, msg_src=quirks.msg_src or ""
        ),
        number=national,
        codings=_CHINESE,
        alphabet=alphabet_of_format,
        codes=codes,
    )


def _smpp(user: str, version: int, quirks: Quirks, codes: Verdicts) -> Kit:
    if quirks.long_text is smpp.LongText.PAYLOAD:
        mend = "use udh or sar"
        raise _wrong("long_text", "texts come to a link cut into segments", mend)
    identity = smpp.Identity(system_type=quirks.system_type)
    dialect = smpp.SmppDialect(quirks.ids, identity=identity)
    return Kit(
        name="smpp",
        version=version,
        mode=quirks.mode,
        session=lambda settings, now: smpp.SmppSession(dialect, Role.CLIENT, settings, now),
        form=lambda service, port: smpp.SmppForm(
            version,
            service_id=service,
            src_id=port,
            source_kind=quirks.source_kind,
            dest_kind=quirks.dest_kind,
            long_text=quirks.long_text,
        ),
        number=international,
        codings=_codings(Alphabet.GSM7, Alphabet.LATIN1, Alphabet.BINARY, Alphabet.UCS2),
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
