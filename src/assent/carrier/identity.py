"""Who a simulated carrier is: the dialect it speaks, its accounts, and that dialect's own options.

What it does is the script (script.py). An option of another dialect is refused rather than ignored:
who sets one expects it to have an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from assent.carrier.address import split_address
from assent.errors import InvalidInput
from assent.text import LongText
from assent.wire.smpp_ids import IdForm
from assent.wire.smpp_receipts import ReceiptForm

VERSIONS: Final[Mapping[str, Mapping[str, int]]] = {
    "cmpp": {"2.0": 0x20, "2.1": 0x21, "3.0": 0x30},
    "sgip": {"1.2": 0x12},
    "smgp": {"1.3": 0x13, "3.0": 0x30},
    "smpp": {"3.3": 0x33, "3.4": 0x34},
    "mm7": {"6.8.0": 0x68},
}
"""The dialects with their versions, the highest last."""

BINDS: Final = ("transceiver", "transmitter", "receiver")
ID_FORMS: Final = tuple(form.value for form in IdForm if form is not IdForm.OPAQUE)
RECEIPT_FORMS: Final = tuple(form.value for form in ReceiptForm)
CLIENT_IDS: Final = ("either", "plain", "padded")
ALPHABETS: Final = ("ascii", "gsm")
REPLY_PARTS: Final = tuple(way.value for way in LongText)

_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("cmpp", "smgp"),
    "node": ("sgip",),
    "reports_to": ("sgip", "mm7"),
    "call_again_s": ("sgip", "mm7"),
    "client_id": ("smgp",),
    "ids": ("smpp",),
    "receipt_form": ("smpp",),
    "binds": ("smpp",),
    "alphabet": ("smpp",),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "client_id": CLIENT_IDS,
    "ids": ID_FORMS,
    "receipt_form": RECEIPT_FORMS,
    "alphabet": ALPHABETS,
    "reply_parts": REPLY_PARTS,
}
_GATEWAYS: Final = {"cmpp": 1 << 22, "smgp": 1_000_000}
_USER_OCTETS: Final = {"cmpp": 6, "sgip": 16, "smgp": 8, "smpp": 63, "mm7": 64}


@dataclass(frozen=True, slots=True)
class CarrierSettings:
    """Who the simulated carrier is. `accounts`: secret by user. `port` 0 takes a free one.

    `version`: highest it speaks; None is the dialect's highest. `submit_window`: refuse what
    exceeds it with flow control; None lets it pass (the record shows it). `reply_parts`: how it
    tells parts of long replies, "udh" or "udh16"; SMPP also "sar" or "payload". `gateway`: code
    inside message ids (CMPP, SMGP); None draws it.

    SGIP: `node` in its sequence numbers (None: Beijing's first gateway). SGIP and MM7:
    `reports_to`: HOST:PORT of the platform, to which it connects (or posts) with reports and
    replies; `call_again_s`: seconds between two tries of that. SMGP: `client_id`: which
    reading of the login's proof it takes. SMPP: `ids` and `receipt_form`, how ids and receipts are
    written; `binds`: the kinds it accepts; `alphabet`: what the octets of data_coding 0 are.

    Raises InvalidInput naming a field that is wrong or that the dialect does not have.
    """

    name: str
    accounts: Mapping[str, str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    version: int | None = None
    gateway: int | None = None
    submit_window: int | None = None
    dialect: str = "cmpp"
    node: int | None = None
    reports_to: str | None = None
    call_again_s: float = 1.0
    client_id: str = "either"
    ids: str = IdForm.DECIMAL.value
    receipt_form: str = ReceiptForm.BOTH.value
    binds: Sequence[str] = BINDS
    alphabet: str = "ascii"
    reply_parts: str = LongText.UDH.value

    def __post_init__(self) -> None:
        if self.dialect not in VERSIONS:
            raise _wrong("dialect", f"is one of {', '.join(VERSIONS)}")
        known = VERSIONS[self.dialect].values()
        if self.version is not None and self.version not in known:
            spoken = ", ".join(f"{number:#04x}" for number in known)
            raise _wrong("version", f"of {self.dialect} is one of {spoken}")
        for own in fields(self):
            spoken_by = _OWN.get(own.name, (self.dialect,))
            if self.dialect not in spoken_by and getattr(self, own.name) != own.default:
                raise _wrong(own.name, f"is an option of {' and '.join(spoken_by)} only")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise _wrong(name, f"is one of {', '.join(choices)}")
        by_parameter = self.reply_parts in (LongText.SAR.value, LongText.PAYLOAD.value)
        if by_parameter and (self.dialect != "smpp" or self.highest < VERSIONS["smpp"]["3.4"]):
            raise _wrong("reply_parts", "is udh or udh16 before SMPP 3.4")
        self._check_values()

    def _check_values(self) -> None:
        for name in ("port", "gateway", "node", "submit_window"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 0):
                raise _wrong(name, "is a whole number, 0 or more")
        most = _USER_OCTETS[self.dialect]
        if any(len(user) > most for user in self.accounts):
            raise _wrong("accounts", f"has a user of more than {most} characters")
        if self.gateway is not None and self.gateway >= _GATEWAYS[self.dialect]:
            raise _wrong("gateway", f"is below {_GATEWAYS[self.dialect]}")
        if self.node is not None and self.node >= 1 << 32:
            raise _wrong("node", "has 32 bits")
        pause: Any = self.call_again_s
        if not isinstance(pause, int | float) or pause <= 0:
            raise _wrong("call_again_s", "is above 0")
        if not self.binds or isinstance(self.binds, str) or set(self.binds) - set(BINDS):
            raise _wrong("binds", f"is a list of some of {', '.join(BINDS)}")
        if self.reports_to is not None:
            address_of(self.reports_to)

    @property
    def highest(self) -> int:
        """The highest version it speaks."""
        return self.version or list(VERSIONS[self.dialect].values())[-1]


def version_of(dialect: str, version: int | str | None) -> int | None:
    """Return a version that is given as people write it ("3.4") as a number; numbers and None as
    they are. Raises InvalidInput for one that the dialect does not have."""
    if not isinstance(version, str):
        return version
    known = VERSIONS.get(dialect, {})
    if version not in known:
        raise _wrong("version", f"of {dialect} is one of {', '.join(known)}")
    return known[version]


def address_of(text: Any) -> tuple[str, int]:
    """Return (host, port) of "HOST:PORT"; raises InvalidInput."""
    address = split_address(str(text))
    if address is None:
        raise _wrong("reports_to", "is HOST:PORT")
    return address


def _wrong(name: str, rule: str) -> InvalidInput:
    return InvalidInput("bad_carrier", f"{name} {rule}", field=name)
