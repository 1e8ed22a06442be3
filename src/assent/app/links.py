"""The part of the settings file that tells of links: what each dialect may be told, and what of it
contradicts the rest. docs/settings.md lists every setting."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from assent.app.link_trial import try_on_paper
from assent.carrier.link import LinkSettings
from assent.carrier.link_settings import Hours
from assent.carrier.listener import ListenSettings
from assent.errors import InvalidInput
from assent.text import SevenBit
from assent.wire.dialect import Mode
from assent.wire.kit import DIALECTS, HEARTBEAT_S, VERSIONS, Kit, Quirks, kit_for
from assent.wire.smpp import IdForm


class ListenFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where an SGIP gateway connects to us with messages and reports, and what it logs in with.
    `allowed`: addresses or networks that it may come from; empty means any."""

    host: str
    port: int = 8801
    user: str
    secret_file: str | None = None
    secret_env: str | None = None
    allowed: list[str] = []


class TlsFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """TLS of a link; the carrier's certificate is always verified. `ca_file`: who may have signed
    it, else the system's list. `cert_file` and `key_file`: our own, where the carrier wants one.
    `name`: what the certificate must say, else `host`."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    name: str | None = None


class LinkFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Links to a carrier. `secret_file` or `secret_env` hold the shared secret. `front` and
    `bulk`: how many connections the process for codes and the one for campaigns open. Where a
    carrier allows a single connection, run one process for all lanes (`serve --processes 1`).
    What follows `dialect` is told in docs/settings.md; None is the dialect's usual."""

    name: str | None = None
    host: str = ""
    port: int = 0
    user: str
    secret_file: str | None = None
    secret_env: str | None = None
    window: int = 16
    rate: float | None = None
    front: int = 1
    bulk: int = 2
    heartbeat_s: float | None = None
    response_s: float = 60.0
    tries: int = 3
    stall_s: float = 30.0
    schedule: list[str] = []
    zone_minutes: int = 480
    weight: int = 1
    standby: bool = False
    dialect: str = "cmpp"
    version: str | None = None
    throttled_codes: list[int] = []
    elsewhere_codes: list[int] = []
    refused_codes: list[int] = []
    msg_src: str | None = None
    padded_authenticator: bool = False
    node: int | None = None
    listen: ListenFile | None = None
    bind_mode: str | None = None
    system_type: str | None = None
    message_ids: str | None = None
    source_ton: int | None = None
    source_npi: int | None = None
    dest_ton: int | None = None
    dest_npi: int | None = None
    seven_bit: str | None = None
    tls: TlsFile | None = None
    url: str | None = None
    vasp_id: str | None = None
    vas_id: str | None = None

    def connections(self, role: str) -> int:
        """How many connections a process of a role opens."""
        roles = {"front": self.front, "bulk": self.bulk, "watch": 0}
        return roles.get(role, self.front + self.bulk)


_SMPP_ONLY: Final = frozenset({"smpp"})
_OWN: Final[dict[str, frozenset[str]]] = {
    "msg_src": frozenset({"cmpp", "sgip", "smgp"}),
    "padded_authenticator": frozenset({"smgp"}),
    "node": frozenset({"sgip"}),
    "listen": frozenset({"sgip", "mm7"}),
    **dict.fromkeys(("url", "vasp_id", "vas_id"), frozenset({"mm7"})),
    **dict.fromkeys(
        (
            "bind_mode",
            "system_type",
            "message_ids",
            "source_ton",
            "source_npi",
            "dest_ton",
            "dest_npi",
            "seven_bit",
        ),
        _SMPP_ONLY,
    ),
    "tls": frozenset({"smpp", "mm7"}),
}
"""Settings that not every dialect has, and which have them."""

_FIELD_OF: Final = {
    "throttled": "throttled_codes",
    "elsewhere": "elsewhere_codes",
    "refused": "refused_codes",
    "padded": "padded_authenticator",
}
"""Where a quirk is called otherwise in the file."""

_BIND_MODES: Final = {
    "transceiver": Mode.TRANSCEIVER,
    "transmitter": Mode.TRANSMITTER,
    "receiver": Mode.RECEIVER,
}
_PLACES: Final = 256
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_ZONES: Final = range(-12 * 60, 14 * 60 + 1)

_Word = TypeVar("_Word", bound=Enum)


def check_links(carrier: str, links: Iterable[LinkFile], abroad: bool) -> None:
    """Raise InvalidInput, naming field and mend, for what contradicts itself, alone or together:
    every carrier needs a way out and, since refusals come that way, a way in."""
    at = f"carriers.{carrier}.links"
    links = list(links)
    kits = [kit_of(carrier, link, abroad) for link in links]
    for link in links:
        if not link.host or not 0 < link.port < 1 << 16:
            raise wrong(f"{at}.host", "a link needs the gateway's host and port", "set both")
        if link.front + link.bulk < 1 or link.front < 0 or link.bulk < 0:
            raise wrong(at, "a link opens no connection", "set front or bulk to 1 or more")
        check_steering(at, link)
        if link.listen is not None:
            networks_of(at, link.listen)
    if not links:
        return
    if not any(kit.sends for kit in kits):
        raise wrong(f"{at}.bind_mode", "every link only receives", "add a transceiver")
    if all(kit.mode is Mode.TRANSMITTER for kit in kits):
        mend = "use transceiver, or add a link with bind_mode receiver"
        raise wrong(f"{at}.bind_mode", "replies and reports have no way in", mend)
    if all(link.dialect == "sgip" and link.listen is None for link in links):
        mend = "add listen with the port that the gateway connects to"
        raise wrong(f"{at}.listen", "replies and reports have no way in", mend)
    if sum(link.front + link.bulk for link in links) > _PLACES:
        raise wrong(at, f"more than {_PLACES} connections", "open fewer, with larger windows")


def check_steering(at: str, link: LinkFile) -> None:
    """Raise InvalidInput for a name, weight, zone or schedule that is none."""
    if link.name is not None and not _NAME.fullmatch(link.name):
        mend = "use up to 64 letters, digits, dots, dashes and underscores"
        raise wrong(f"{at}.name", "this is no name for a link", mend)
    if not 1 <= link.weight <= 1000:
        raise wrong(f"{at}.weight", "a weight is 1 to 1000", "set how much of ten or a hundred")
    if link.zone_minutes not in _ZONES:
        mend = "write the zone in minutes east of UTC, as 480 for China"
        raise wrong(f"{at}.zone_minutes", "there is no such zone", mend)
    hours_of(at, link)


def hours_of(at: str, link: LinkFile) -> Hours:
    """Return when a link is bound. Raises InvalidInput for a window that is none."""
    found: list[tuple[int, int]] = []
    for word in link.schedule:
        hours = _HOURS.fullmatch(word)
        if hours is None:
            mend = "write each window like 08:00-21:00; 21:00-06:00 goes over midnight"
            raise wrong(f"{at}.schedule", f"{word} is no window of a day", mend)
        begin, end = (int(hours[i] or 24) * 60 + int(hours[i + 1] or 0) for i in (1, 3))
        if begin == end:
            mend = "leave the schedule out for a link that is always bound"
            raise wrong(f"{at}.schedule", f"{word} has no length", mend)
        found.append((begin, end))
    return tuple(found)


def name_of(carrier: str, number: int, link: LinkFile) -> str:
    """What a link is called: by its place among the carrier's where the file has no name."""
    return link.name or f"{carrier}-{number}"


def settings_of(
    carrier: str, links: Iterable[LinkFile], role: str, abroad: bool
) -> list[LinkSettings]:
    """Return the connections that a process of a role opens to a carrier. `abroad`: whether it
    reaches foreign networks.

    A link's rate is shared out evenly over all its connections. One of them listens: where there
    are several processes, the one for campaigns, whose reports are the most. Raises InvalidInput
    when a secret, certificate or key cannot be read.
    """
    # It is long because a connection has so many settings.
    found: list[LinkSettings] = []
    base = 0
    at = f"carriers.{carrier}.links"
    for number, link in enumerate(links):
        total = link.front + link.bulk
        first = base + (link.front if role == "bulk" else 0)
        base += total
        kit = kit_of(carrier, link, abroad)
        listens = role != "front" or link.bulk == 0
        for place in range(link.connections(role)):
            found.append(
                LinkSettings(
                    name=f"{name_of(carrier, number, link)}-{role}-{place}",
                    link=name_of(carrier, number, link),
                    carrier=carrier,
                    host=link.host,
                    port=link.port,
                    user=link.user,
                    secret=secret_of(at, link),
                    dialect=link.dialect,
                    version=kit.version,
                    quirks=_quirks(at, link, abroad),
                    place=first + place,
                    listen=_listen(at, link, kit) if listens and place == 0 else None,
                    tls=None if link.tls is None else context_of(f"{at}.tls", link.tls),
                    tls_name=None if link.tls is None else link.tls.name,
                    tls_mark="" if link.tls is None else mark_of(link.tls),
                    zone_minutes=link.zone_minutes,
                    weight=link.weight,
                    standby=link.standby,
                    hours=hours_of(at, link),
                    window=link.window,
                    rate=link.rate / total if link.rate else None,
                    heartbeat_s=link.heartbeat_s or HEARTBEAT_S[link.dialect],
                    response_s=link.response_s,
                    tries=link.tries,
                    stall_s=link.stall_s,
                )
            )
            try_on_paper(at, found[-1], kit)
    return found


def kit_of(carrier: str, link: LinkFile, abroad: bool) -> Kit:
    """Return the dialect as a link speaks it. Raises InvalidInput naming field and mend."""
    at = f"carriers.{carrier}.links"
    if link.dialect not in DIALECTS:
        mend = f"use {', '.join(DIALECTS)}, or mm7 for every link of a carrier"
        raise wrong(f"{at}.dialect", f"no dialect is called {link.dialect}", mend)
    check_own(at, link)
    versions = VERSIONS[link.dialect]
    if link.version is not None and link.version not in versions:
        message = f"{link.dialect.upper()} {link.version} is not spoken"
        raise wrong(f"{at}.version", message, f"use {_or(versions)}")
    version = versions[link.version] if link.version is not None else None
    try:
        quirks = _quirks(at, link, abroad)
        return kit_for(link.dialect, user=link.user, version=version, quirks=quirks)
    except InvalidInput as error:
        name = error.field or ""
        if name.startswith(at):
            raise
        field = f"{at}.{_FIELD_OF.get(name, name)}"
        raise wrong(field, error.message, error.mend or "see docs/settings.md") from None


def check_own(at: str, link: LinkFile) -> None:
    """Raise InvalidInput for a setting that the link's dialect does not have."""
    for one in msgspec.structs.fields(LinkFile):
        dialects = _OWN.get(one.name)
        if dialects and link.dialect not in dialects and getattr(link, one.name) != one.default:
            message = f"{link.dialect} has no such setting"
            raise wrong(f"{at}.{one.name}", message, f"remove it, or use {_or(dialects)}")


def _quirks(at: str, link: LinkFile, abroad: bool) -> Quirks:
    usual = Quirks()

    def word(name: str, words: dict[str, _Word], otherwise: _Word) -> _Word:
        said = getattr(link, name)
        if said is None:
            return otherwise
        if said not in words:
            raise wrong(f"{at}.{name}", f"{said} is no choice", f"use {_or(words)}")
        return words[said]

    def kind(which: str, otherwise: tuple[int, int] | None) -> tuple[int, int] | None:
        ton, npi = getattr(link, f"{which}_ton"), getattr(link, f"{which}_npi")
        if ton is None and npi is None:
            return otherwise
        if ton is None or npi is None or not (0 <= ton < 256 and 0 <= npi < 256):
            mend = f"set {which}_ton and {which}_npi, each 0 to 255"
            raise wrong(f"{at}.{which}_ton", "a kind of address is two numbers", mend)
        return ton, npi

    return Quirks(
        msg_src=link.msg_src,
        padded=link.padded_authenticator,
        node=link.node,
        ids=word("message_ids", {form.value: form for form in IdForm}, usual.ids),
        system_type=link.system_type or "",
        mode=word("bind_mode", _BIND_MODES, usual.mode),
        source_kind=kind("source", usual.source_kind),
        dest_kind=kind("dest", usual.dest_kind) or usual.dest_kind,
        seven_bit=word("seven_bit", {one.value: one for one in SevenBit}, usual.seven_bit),
        abroad=abroad and link.dialect == "smpp",
        throttled=frozenset(link.throttled_codes),
        elsewhere=frozenset(link.elsewhere_codes),
        refused=frozenset(link.refused_codes),
    )


def _listen(at: str, link: LinkFile, kit: Kit) -> ListenSettings | None:
    listen = link.listen
    if listen is None or kit.serve is None:
        return None
    secret = secret_of(f"{at}.listen", listen)
    allowed = networks_of(at, listen)
    return ListenSettings(listen.host, listen.port, listen.user, secret, allowed)


def networks_of(at: str, listen: ListenFile) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(word) for word in listen.allowed)
    except ValueError as error:
        mend = "write addresses or networks like 10.1.2.0/24"
        raise wrong(f"{at}.listen.allowed", str(error), mend) from None


def context_of(at: str, tls: TlsFile) -> ssl.SSLContext:
    """A client's context; it verifies the carrier's certificate and its name."""
    if tls.key_file is not None and tls.cert_file is None:
        raise wrong(f"{at}.cert_file", "there is a key without certificate", "set cert_file, too")
    name = "ca_file"
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        name = "cert_file"
        if tls.cert_file is not None:
            # An empty password fails where the library would ask on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except OSError as error:  # ssl.SSLError is one
        message = f"it cannot be used: {error.strerror or type(error).__name__}"
        raise wrong(f"{at}.{name}", message, "give a readable PEM file") from None
    return context


def mark_of(tls: TlsFile) -> str:
    """A digest of what the context was made from, so that a renewed certificate is a change."""
    files = (tls.ca_file, tls.cert_file, tls.key_file)
    parts = [hashlib.sha256(Path(file).read_bytes()).digest() if file else b"" for file in files]
    return hashlib.sha256(b"/".join(parts)).hexdigest()


def secret_of(at: str, holder: LinkFile | ListenFile) -> str:
    field = f"{at}.secret_file"
    if holder.secret_file is not None:
        try:
            return Path(holder.secret_file).read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise wrong(field, f"the secret cannot be read: {why}", "check the file") from None
    if holder.secret_env is not None and holder.secret_env in os.environ:
        return os.environ[holder.secret_env]
    raise wrong(field, "the link has no secret", "set secret_file, or secret_env and the variable")


def _or(words: Iterable[str]) -> str:
    return " or ".join(words if isinstance(words, dict) else sorted(words))


def wrong(field: str, message: str, mend: str) -> InvalidInput:
    """Return the error for a setting."""
    return InvalidInput("bad_settings", message, field=field, mend=mend)
