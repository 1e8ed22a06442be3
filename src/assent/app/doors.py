"""The part of the settings file that tells where customers' own software binds to us."""

from __future__ import annotations

import ssl
from enum import Enum
from typing import Final, TypeVar

import msgspec

from assent.app.links import wrong
from assent.carrier.customer_settings import CustomerSettings, Door
from assent.text import SevenBit
from assent.wire.kit import VERSIONS
from assent.wire.smpp import IdForm, ReceiptForm

PORTS: Final = {"cmpp": 7890, "sgip": 8801, "smgp": 8890, "smpp": 2775}
"""Usual ports; 0 takes a free one (facts: protocols)."""
_GATEWAYS: Final = {"cmpp": 1 << 22, "sgip": 1 << 32, "smgp": 1_000_000, "smpp": 16}

_Word = TypeVar("_Word", bound=Enum)


class DoorFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where a dialect is served. `port`: None for the usual one. `version`: the highest spoken.
    `gateway`: our code inside message ids (SGIP: our node number). SMPP over TLS has a certificate
    with its key; connections without TLS are then not taken."""

    host: str = "127.0.0.1"
    port: int | None = None
    version: str | None = None
    gateway: int = 1
    cert_file: str | None = None
    key_file: str | None = None


class CustomersFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How customers' own software is served: docs/customer-links.md. Without any of the four
    dialects nothing is listened on. Times in seconds."""

    cmpp: DoorFile | None = None
    sgip: DoorFile | None = None
    smgp: DoorFile | None = None
    smpp: DoorFile | None = None
    heartbeat_s: float = 60.0
    response_s: float = 60.0
    bind_timeout_s: float = 10.0
    connections: int = 1000
    deliver_window: int = 16
    message_ids: str = IdForm.DECIMAL.value
    receipts: str = ReceiptForm.BOTH.value
    seven_bit: str = SevenBit.GSM.value
    system_id: str = "assent"
    zone_minutes: int = 480

    def doors(self) -> dict[str, DoorFile]:
        """Return the dialects that are served."""
        found = {name: getattr(self, name) for name in PORTS}
        return {name: door for name, door in found.items() if door is not None}


def customer_settings(file: CustomersFile) -> CustomerSettings:
    """Return the settings of the server. Raises InvalidInput naming field and mend."""
    for name in ("heartbeat_s", "response_s", "bind_timeout_s", "connections", "deliver_window"):
        if getattr(file, name) <= 0:
            raise wrong(f"customers.{name}", "it is above 0", "correct it")
    if len(file.system_id) > 15 or not file.system_id.isascii():
        raise wrong("customers.system_id", "it has at most 15 ASCII characters", "shorten it")
    return CustomerSettings(
        {name: _door(name, door) for name, door in file.doors().items()},
        heartbeat_s=file.heartbeat_s,
        response_s=file.response_s,
        bind_timeout_s=file.bind_timeout_s,
        connections=file.connections,
        deliver_window=file.deliver_window,
        ids=_word("message_ids", file.message_ids, IdForm),
        receipts=_word("receipts", file.receipts, ReceiptForm),
        seven_bit=_word("seven_bit", file.seven_bit, SevenBit),
        system_id=file.system_id,
        zone_minutes=file.zone_minutes,
    )


def _door(name: str, file: DoorFile) -> Door:
    at = f"customers.{name}"
    versions = VERSIONS[name]
    if file.version is not None and file.version not in versions:
        message = f"{name.upper()} {file.version} is not spoken"
        raise wrong(f"{at}.version", message, f"use {' or '.join(versions)}")
    if not 0 <= file.gateway < _GATEWAYS[name]:
        raise wrong(
            f"{at}.gateway", f"it is below {_GATEWAYS[name]}", "use the code you were given"
        )
    if (file.cert_file or file.key_file) and name != "smpp":
        raise wrong(f"{at}.cert_file", f"{name} has no TLS", "remove it, or use smpp")
    return Door(
        file.host,
        PORTS[name] if file.port is None else file.port,
        None if file.version is None else versions[file.version],
        file.gateway,
        _context(at, file) if file.cert_file or file.key_file else None,
    )


def _context(at: str, file: DoorFile) -> ssl.SSLContext:
    if file.cert_file is None:
        raise wrong(f"{at}.cert_file", "there is a key without certificate", "set cert_file, too")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # An empty password fails where the library would ask on the terminal.
        context.load_cert_chain(file.cert_file, file.key_file, password="")
    except OSError as error:  # ssl.SSLError is one
        message = f"it cannot be used: {error.strerror or type(error).__name__}"
        raise wrong(f"{at}.cert_file", message, "give readable PEM files") from None
    return context


def _word(name: str, said: str, words: type[_Word]) -> _Word:
    for word in words:
        if word.value == said:
            return word
    choices = ", ".join(str(word.value) for word in words)
    raise wrong(f"customers.{name}", f"{said} is no choice", f"use one of {choices}")
