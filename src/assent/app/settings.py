"""What an operator configures: one TOML file, with secrets from files or the environment.

docs/settings.md tells every setting; a test compares it with the structures here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from assent.app.doors import CustomersFile, DoorFile, customer_settings
from assent.app.links import (
    LinkFile,
    ListenFile,
    TlsFile,
    check_links,
    kit_of,
    settings_of,
    wrong,
)
from assent.app.writing import writing_of
from assent.carrier.link import LinkSettings
from assent.errors import InvalidInput
from assent.message import Network
from assent.text import Writing

__all__ = [
    "CarrierFile",
    "CustomersFile",
    "DispatchFile",
    "DoorFile",
    "HttpFile",
    "LinkFile",
    "ListenFile",
    "Settings",
    "TlsFile",
    "load",
]

DATABASE_VARIABLE: Final = "ASSENT_DATABASE_URL"
_NETWORKS: Final = {network.name.lower(): network for network in Network}


class CarrierFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A carrier, the networks whose subscribers it reaches, how to connect to it, and how it wants
    texts (writing.py)."""

    name: str
    networks: list[str]
    links: list[LinkFile]
    coding: str = "ucs2"
    long_texts: str = "udh"
    adds_signature: str = "no"

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
    """Where the HTTP API listens. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8300


class DispatchFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Sizes of dispatch: messages a window row, segments waiting when the next are committed,
    messages leased ahead."""

    window: int = 250
    low_water: int = 250
    leased: int = 4096


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file. `data_dir`: where the embedded PostgreSQL lives. `database_url`: a PostgreSQL
    15 or later to use instead (or ASSENT_DATABASE_URL). `rulebook`: a rulebook to use instead
    of the packaged one. `refusal_wording`: put at the end of marketing texts that lack it.
    `reply_parts_s`: how long the parts of a long reply are waited for. `realtime_codes`: run what
    codes pass through under a real-time policy (realtime.py)."""

    data_dir: str | None = None
    database_url: str | None = None
    rulebook: str | None = None
    refusal_wording: str = "拒收请回复R"
    reply_parts_s: float = 300.0
    daily_hour_utc: float = 19.0
    realtime_codes: bool = False
    http: HttpFile = msgspec.field(default_factory=HttpFile)
    dispatch: DispatchFile = msgspec.field(default_factory=DispatchFile)
    customers: CustomersFile = msgspec.field(default_factory=CustomersFile)
    carriers: list[CarrierFile] = msgspec.field(default_factory=list)

    def routes(self) -> dict[Network, str]:
        """Return which carrier serves each network."""
        routes: dict[Network, str] = {}
        for carrier in self.carriers:
            for word in carrier.networks:
                routes[_NETWORKS[word]] = carrier.name
        return routes

    def writings(self) -> dict[str, Writing]:
        """Return how texts for each carrier are written."""
        return {carrier.name: carrier.writing() for carrier in self.carriers}

    def links(self, carrier: CarrierFile, role: str) -> list[LinkSettings]:
        """Return the connections that a process of a role opens to a carrier.

        A link's rate is shared out evenly over all its connections. Raises InvalidInput when a
        secret, certificate or key cannot be read.
        """
        return settings_of(carrier.name, carrier.links, role, carrier.abroad)

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
    for carrier in settings.carriers:
        for word in carrier.networks:
            if word not in _NETWORKS:
                raise wrong(
                    f"carriers.{carrier.name}.networks",
                    f"there is no network {word}",
                    f"use {', '.join(sorted(_NETWORKS))}",
                )
        check_links(carrier.name, carrier.links, carrier.abroad)
        carrier.writing()
    if settings.reply_parts_s <= 0:
        raise wrong("reply_parts_s", "parts of a reply are not waited for", "use 300.0, or so")
