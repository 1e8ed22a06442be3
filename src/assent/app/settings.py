"""What an operator configures: one TOML file, with secrets from files or the environment.

docs/settings.md tells every setting; a test compares it with the structures here.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from assent.app.case_desk import CasesFile
from assent.app.doors import CustomersFile, DoorFile, customer_settings
from assent.app.ledger import LedgerFile, WitnessFile
from assent.app.links import (
    LinkFile,
    ListenFile,
    TlsFile,
    check_links,
    kit_of,
    name_of,
    settings_of,
    wrong,
)
from assent.app.mail import MailFile
from assent.app.mm7_links import check_mm7_links, mm7_settings_of
from assent.app.near_settings import NearFile
from assent.app.page_desk import PagesFile
from assent.app.people import PhonesFile, SessionsFile
from assent.app.receivers import ReceiversFile
from assent.app.screening_file import ScreeningFile
from assent.app.warning_settings import WarningFile
from assent.app.words import KeywordsFile
from assent.app.writing import writing_of
from assent.carrier.link import LinkSettings
from assent.carrier.mm7_settings import Mm7Settings
from assent.errors import InvalidInput
from assent.flow.asking import SESSION_S
from assent.flow.videos import VideoLimits
from assent.message import Network
from assent.registry.ports import COOLING_MONTHS, SIGNATURE_MONTHS
from assent.text import Writing
from assent.web.settings import WebSettings

__all__ = [
    "AdmissionFile",
    "AskingFile",
    "CarrierFile",
    "CustomersFile",
    "DispatchFile",
    "DoorFile",
    "HttpFile",
    "KeywordsFile",
    "LedgerFile",
    "LinkFile",
    "ListenFile",
    "MailFile",
    "PagesFile",
    "PhonesFile",
    "PortsFile",
    "ReceiversFile",
    "ScreeningFile",
    "SessionsFile",
    "Settings",
    "TlsFile",
    "VideoFile",
    "WitnessFile",
    "load",
]

MOST_FRAMES: Final = 50
MOST_MONTHS: Final = 120
MOST_SESSION_S: Final = 900.0
MOST_OCTETS: Final = 6_000_000  # an upload in one request has to fit into the API's largest body
DATABASE_VARIABLE: Final = "ASSENT_DATABASE_URL"
_NETWORKS: Final = {network.name.lower(): network for network in Network}


class CarrierFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A carrier, the networks whose subscribers it reaches, how to connect to it, and how it wants
    texts (writing.py). `fallback`: the carrier that takes new messages once this one has had no
    bound link for `fallback_after_s`."""

    name: str
    networks: list[str]
    links: list[LinkFile]
    coding: str = "ucs2"
    long_texts: str = "udh"
    adds_signature: str = "no"
    fallback: str | None = None
    fallback_after_s: float = 60.0

    @property
    def channel(self) -> str:
        """What it takes: `video` over MM7, else `sms`."""
        return "video" if any(link.dialect == "mm7" for link in self.links) else "sms"

    @property
    def abroad(self) -> bool:
        """Whether it reaches people in other countries."""
        return Network.FOREIGN.name.lower() in self.networks

    def writing(self) -> Writing:
        """Return how its texts are written. Raises InvalidInput for what its links cannot carry."""
        kits = [kit_of(self.name, link, self.abroad) for link in self.links]
        senders = [kit for kit in kits if kit.sends]
        return writing_of(self.name, self.coding, self.long_texts, self.adds_signature, senders)


class HttpFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the HTTP API listens. Port 0 takes a free one. `proxies`: whose word is taken for where
    a request came from. Requests a second: `key_rate` of one key or person, `open_rate` of one
    network without either."""

    host: str = "127.0.0.1"
    port: int = 8300
    proxies: list[str] = msgspec.field(default_factory=list)
    key_rate: float = 10_000.0
    open_rate: float = 20.0

    def web(self) -> WebSettings:
        """Return the settings of the server. Raises InvalidInput."""
        try:
            proxies = tuple(ip_network(word) for word in self.proxies)
        except ValueError as error:
            raise wrong("http.proxies", str(error), "write addresses or networks") from None
        if self.key_rate <= 0 or self.open_rate <= 0:
            raise wrong("http.key_rate", "nobody could call", "set rates above 0")
        return WebSettings(proxies=proxies, key_rate=self.key_rate, open_rate=self.open_rate)


class DispatchFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Sizes of dispatch: messages a window row, segments waiting when the next are committed,
    messages leased ahead."""

    window: int = 250
    low_water: int = 250
    leased: int = 4096


class VideoFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a video message may be: octets of all its frames together, and how many frames."""

    octets: int = 2_000_000
    frames: int = 20

    def limits(self) -> VideoLimits:
        """Return them as flow takes them."""
        return VideoLimits(self.octets, self.frames)


class PaymentFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A payment port: how its bank's files are read, and the secret that signs its notices.
    `account`: whose statements are expected. `columns`: what → name of a CSV column."""

    name: str
    format: Literal["camt053", "csv"] = "camt053"
    account: str = ""
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    currency: str = "CNY"
    date_format: str = "%Y-%m-%d"
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    return_words: list[str] = msgspec.field(default_factory=lambda: ["退汇", "退款", "RETURN"])
    secret_file: str | None = None


class PortsFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Months: how long a revoked port cools before somebody else may have it, how long replies to
    one still reach its sender's refusals, how long a signature stays in force without use."""

    cooling_months: int = COOLING_MONTHS
    history_months: int = 24
    signature_months: int = SIGNATURE_MONTHS


class AdmissionFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The front door. `review_days`: working days that a decision may take. `holidays`: weekdays on
    which nobody works; `worked`: weekend days that are. `paper_octets`: of one paper at most.
    `licence_roots`: PEM files with the certificates that electronic licences may lead to."""

    review_days: int = 2
    holidays: list[date] = msgspec.field(default_factory=list)
    worked: list[date] = msgspec.field(default_factory=list)
    paper_octets: int = 5_000_000
    licence_roots: list[str] = msgspec.field(default_factory=list)


class AskingFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Asking people whether they agree. `session_s`: seconds from when a number is about to be
    entered in a sender's software, to its request."""

    session_s: float = SESSION_S


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file. `data_dir`: where the embedded PostgreSQL lives. `database_url`: a PostgreSQL
    15 or later to use instead (or ASSENT_DATABASE_URL). `rulebook`: a rulebook to use instead
    of the packaged one. `refusal_wording`: put at the end of marketing texts that lack it.
    `vault_key_file`: the keys of what is sealed in the database (or ASSENT_VAULT_KEY_FILE), else
    vault.keys in the data directory. `reply_parts_s`: how long the parts of a long reply are waited
    for. `realtime_codes`: run what codes pass through under a real-time policy (realtime.py).
    `pdu_texts`: show texts in the PDU log."""

    data_dir: str | None = None
    database_url: str | None = None
    vault_key_file: str | None = None
    rulebook: str | None = None
    refusal_wording: str = "拒收请回复R"
    reply_parts_s: float = 300.0
    daily_hour_utc: float = 19.0
    counts_months: Annotated[int, msgspec.Meta(ge=1, le=240)] = 25
    realtime_codes: bool = False
    pdu_texts: bool = False
    http: HttpFile = msgspec.field(default_factory=HttpFile)
    dispatch: DispatchFile = msgspec.field(default_factory=DispatchFile)
    customers: CustomersFile = msgspec.field(default_factory=CustomersFile)
    video: VideoFile = msgspec.field(default_factory=VideoFile)
    ports: PortsFile = msgspec.field(default_factory=PortsFile)
    keywords: KeywordsFile = msgspec.field(default_factory=KeywordsFile)
    public_url: str = ""
    asking: AskingFile = msgspec.field(default_factory=AskingFile)
    cases: CasesFile = msgspec.field(default_factory=CasesFile)
    near: NearFile = msgspec.field(default_factory=NearFile)
    warning: WarningFile = msgspec.field(default_factory=WarningFile)
    screening: ScreeningFile = msgspec.field(default_factory=ScreeningFile)
    admission: AdmissionFile = msgspec.field(default_factory=AdmissionFile)
    ledger: LedgerFile = msgspec.field(default_factory=LedgerFile)
    pages: PagesFile = msgspec.field(default_factory=PagesFile)
    mail: MailFile = msgspec.field(default_factory=MailFile)
    phones: PhonesFile | None = None
    sessions: SessionsFile = msgspec.field(default_factory=SessionsFile)
    receivers: ReceiversFile = msgspec.field(default_factory=ReceiversFile)
    carriers: list[CarrierFile] = msgspec.field(default_factory=list)
    payments: list[PaymentFile] = msgspec.field(default_factory=list)

    def routes(self, channel: str = "sms") -> dict[Network, str]:
        """Return which carrier serves each network on a channel."""
        routes: dict[Network, str] = {}
        for carrier in self.carriers:
            if carrier.channel != channel:
                continue
            for word in carrier.networks:
                routes[_NETWORKS[word]] = carrier.name
        return routes

    def writings(self) -> dict[str, Writing]:
        """Return how texts for each carrier that takes them are written."""
        texts = [carrier for carrier in self.carriers if carrier.channel == "sms"]
        return {carrier.name: carrier.writing() for carrier in texts}

    def video_carriers(self) -> list[str]:
        """Return the carriers that take video messages."""
        return [carrier.name for carrier in self.carriers if carrier.channel == "video"]

    def links(self, carrier: CarrierFile, role: str) -> list[LinkSettings | Mm7Settings]:
        """Return the connections that a process of a role opens to a carrier.

        A link's rate is shared out evenly over all its connections. Raises InvalidInput when a
        secret, certificate or key cannot be read.
        """
        if carrier.channel == "video":
            return [*mm7_settings_of(carrier.name, carrier.links, role, carrier.abroad)]
        return [*settings_of(carrier.name, carrier.links, role, carrier.abroad)]

    def names(self) -> dict[str, str]:
        """Return the carrier of each link, by the link's name."""
        return {
            name_of(carrier.name, number, link): carrier.name
            for carrier in self.carriers
            for number, link in enumerate(carrier.links)
        }

    def mark(self) -> str:
        """Return a digest of what is told of carriers, by which processes see that they follow the
        same file. No secret is in it."""
        return hashlib.sha256(msgspec.json.encode(self.carriers)).hexdigest()[:16]

    def lanes_served(self, carrier: CarrierFile, role: str) -> bool:
        """Return whether a role has links to a carrier at all."""
        return any(link.connections(role) for link in carrier.links)


def load(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read a settings file (or take the defaults) and check it.

    Raises InvalidInput naming the field and the mend.
    """
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidInput(
                "bad_settings",
                f"{path}: {error}",
                field="config",
                mend="give a readable TOML file; docs/settings.md shows one",
            ) from None
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            "bad_settings",
            str(error),
            field="config",
            mend="docs/settings.md lists every setting",
        ) from None
    env = os.environ if environment is None else environment
    if DATABASE_VARIABLE in env:
        settings.database_url = env[DATABASE_VARIABLE]
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    names = [carrier.name for carrier in settings.carriers]
    if len(set(names)) != len(names):
        raise wrong("carriers.name", "two carriers have the same name", "rename one")
    customer_settings(settings.customers)
    settings.http.web()
    settings.pages.settings()
    settings.sessions.lives()
    settings.receivers.most()
    settings.keywords.sets(names)
    for carrier in settings.carriers:
        for word in carrier.networks:
            if word not in _NETWORKS:
                raise wrong(
                    f"carriers.{carrier.name}.networks",
                    f"there is no network {word}",
                    f"use {', '.join(sorted(_NETWORKS))}",
                )
        _check_carrier(carrier)
        _check_fallback(carrier, settings.carriers)
    if settings.reply_parts_s <= 0:
        raise wrong("reply_parts_s", "parts of a reply are not waited for", "use 300.0, or so")
    for name in msgspec.structs.asdict(settings.ports):
        if not 1 <= getattr(settings.ports, name) <= MOST_MONTHS:
            raise wrong(f"ports.{name}", "no number of months", f"use 1 to {MOST_MONTHS}")
    if settings.public_url and not settings.public_url.startswith(("https://", "http://")):
        raise wrong("public_url", "no address of a web site", "write https://sms.example.cn")
    if not 1 <= settings.video.frames <= MOST_FRAMES:
        raise wrong("video.frames", "too many or none", f"use 1 to {MOST_FRAMES}")
    if not 1 <= settings.video.octets <= MOST_OCTETS:
        raise wrong("video.octets", "too many or none", f"use 1 to {MOST_OCTETS}")
    if not 1 <= settings.asking.session_s <= MOST_SESSION_S:
        raise wrong("asking.session_s", "too many or none", f"use 1 to {MOST_SESSION_S:g}")
    settings.screening.days()
    if not 1 <= settings.admission.review_days <= 60:
        raise wrong("admission.review_days", "too many or none", "use 1 to 60")
    if not 1 <= settings.admission.paper_octets <= MOST_OCTETS:
        raise wrong("admission.paper_octets", "too many or none", f"use 1 to {MOST_OCTETS}")
    _check_names(settings, set(names))


def _check_carrier(carrier: CarrierFile) -> None:
    if carrier.channel == "sms":
        check_links(carrier.name, carrier.links, carrier.abroad)
        carrier.writing()
        return
    check_mm7_links(carrier.name, carrier.links, carrier.abroad)
    for name, usual in (("coding", "ucs2"), ("long_texts", "udh"), ("adds_signature", "no")):
        if getattr(carrier, name) != usual:
            field = f"carriers.{carrier.name}.{name}"
            raise wrong(field, "the carrier takes videos and no texts", "remove it")


def _check_fallback(carrier: CarrierFile, carriers: Sequence[CarrierFile]) -> None:
    at = f"carriers.{carrier.name}"
    others = {one.name: one.channel for one in carriers if one.name != carrier.name}
    other = carrier.fallback
    if other is not None and other not in others:
        mend = "name another carrier of this file"
        raise wrong(f"{at}.fallback", f"{other} cannot take its messages", mend)
    if other is not None and others[other] != carrier.channel:
        mend = "name a carrier that takes the same: texts, or videos"
        raise wrong(f"{at}.fallback", f"{other} cannot take its messages", mend)
    if not carrier.fallback_after_s > 0:
        raise wrong(f"{at}.fallback_after_s", "this is no time to wait", "set seconds above 0")


def _check_names(settings: Settings, taken: set[str]) -> None:
    """An order names a link or a carrier, so no two may share a name."""
    for carrier in settings.carriers:
        for number, link in enumerate(carrier.links):
            name = name_of(carrier.name, number, link)
            if name in taken:
                field = f"carriers.{carrier.name}.links.name"
                raise wrong(field, f"there are two called {name}", "give the link another name")
            taken.add(name)
