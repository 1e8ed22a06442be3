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

from assent.carrier.link import LinkSettings
from assent.errors import InvalidInput
from assent.message import Network

DATABASE_VARIABLE: Final = "ASSENT_DATABASE_URL"
_NETWORKS: Final = {network.name.lower(): network for network in Network}


class LinkFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Links to a carrier. `secret_file` or `secret_env` hold the shared secret. `front` and
    `bulk`: how many connections the process for codes and the one for campaigns open. Where a
    carrier allows a single connection, run one process for all lanes (`serve --processes 1`)."""

    host: str
    port: int
    user: str
    secret_file: str | None = None
    secret_env: str | None = None
    version: str = "3.0"
    window: int = 16
    rate: float | None = None
    front: int = 1
    bulk: int = 2
    heartbeat_s: float = 180.0
    response_s: float = 60.0
    tries: int = 3
    stall_s: float = 30.0


class CarrierFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A carrier, the networks whose subscribers it reaches, and how to connect to it."""

    name: str
    networks: list[str]
    links: list[LinkFile]


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
    of the packaged one. `refusal_wording`: put at the end of marketing texts that lack it."""

    data_dir: str | None = None
    database_url: str | None = None
    rulebook: str | None = None
    refusal_wording: str = "拒收请回复R"
    daily_hour_utc: float = 19.0
    http: HttpFile = msgspec.field(default_factory=HttpFile)
    dispatch: DispatchFile = msgspec.field(default_factory=DispatchFile)
    carriers: list[CarrierFile] = msgspec.field(default_factory=list)

    def routes(self) -> dict[Network, str]:
        """Return which carrier serves each network."""
        routes: dict[Network, str] = {}
        for carrier in self.carriers:
            for word in carrier.networks:
                routes[_NETWORKS[word]] = carrier.name
        return routes

    def links(self, carrier: CarrierFile, role: str) -> list[LinkSettings]:
        """Return the connections that a process of a role opens to a carrier.

        A link's rate is shared out evenly over all its connections. Raises InvalidInput when a
        secret cannot be read.
        """
        found: list[LinkSettings] = []
        for number, link in enumerate(carrier.links):
            total = link.front + link.bulk
            count = {"front": link.front, "bulk": link.bulk}.get(role, total)
            for place in range(count):
                found.append(
                    LinkSettings(
                        name=f"{carrier.name}-{number}-{role}-{place}",
                        carrier=carrier.name,
                        host=link.host,
                        port=link.port,
                        user=link.user,
                        secret=_secret(carrier.name, link),
                        version=_version(link.version),
                        window=link.window,
                        rate=link.rate / total if link.rate else None,
                        heartbeat_s=link.heartbeat_s,
                        response_s=link.response_s,
                        tries=link.tries,
                        stall_s=link.stall_s,
                    )
                )
        return found

    def lanes_served(self, carrier: CarrierFile, role: str) -> bool:
        """Return whether a role has links to a carrier at all."""
        return bool(self.links(carrier, role))


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
        raise _wrong("carriers.name", "two carriers have the same name", "rename one")
    for carrier in settings.carriers:
        for word in carrier.networks:
            if word not in _NETWORKS:
                raise _wrong(
                    f"carriers.{carrier.name}.networks",
                    f"there is no network {word}",
                    f"use {', '.join(sorted(_NETWORKS))}",
                )
        for link in carrier.links:
            _version(link.version)
            if link.front + link.bulk < 1:
                raise _wrong(
                    f"carriers.{carrier.name}.links",
                    "a link opens no connection",
                    "set front or bulk to 1 or more",
                )


def _version(word: str) -> int:
    versions = {"2.0": 0x20, "3.0": 0x30}
    if word not in versions:
        raise _wrong("carriers.links.version", f"CMPP {word} is not spoken", "use 2.0 or 3.0")
    return versions[word]


def _secret(carrier: str, link: LinkFile) -> str:
    field = f"carriers.{carrier}.links.secret_file"
    if link.secret_file is not None:
        try:
            return Path(link.secret_file).read_text("utf-8").strip()
        except OSError as error:
            raise _wrong(
                field, f"the secret cannot be read: {error.strerror}", "check the path"
            ) from None
    if link.secret_env is not None and link.secret_env in os.environ:
        return os.environ[link.secret_env]
    raise _wrong(field, "the link has no secret", "set secret_file, or secret_env and the variable")


def _wrong(field: str, message: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_settings", message, field=field, mend=mend)
