"""The register of official sites: who is at home at which host, and which hosts are nobody's.

Packaged as data/screen/hosts-2026.1.json, which tools/build_hosts.py makes. Immutable and free to
share; `digest` names what a screening was made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import tldextract

__all__ = ["Brand", "Parts", "Registry", "is_suffix", "parts_of", "read_register", "unicode_of"]

# The list of suffixes that lies in the package: no network, no cache on the disk.
_SUFFIXES: Final = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
)


_LISTS: Final = (
    "shorteners", "free", "words", "common", "generic", "cheap", "others", "namesakes", "tops",
    "crowded",
)  # fmt: skip
_TABLES: Final = ("exact", "endings", "friends", "also")


@dataclass(frozen=True, slots=True)
class Parts:
    """A host cut where its owner begins: `sub`.`name`.`suffix`; `free` where the suffix belongs to
    a provider under which anybody has a name (blogs, dynamic addresses)."""

    sub: tuple[str, ...]
    name: str
    suffix: str
    free: bool


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose name is borrowed. `home`: country of the one that is meant. `strong` tokens name it
    wherever they stand, `weak` ones only beside a word of the trade."""

    code: str
    en: str
    zh: str
    home: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    hosts: tuple[str, ...]


@lru_cache(maxsize=8192)
def parts_of(host: str) -> Parts:
    """Cut a host (small letters, no port) by the public suffix list. Suffixes that are on no list
    count as one label."""
    cut = _SUFFIXES(host)
    if not cut.suffix:
        *sub, name = cut.domain.rsplit(".", 1)
        labels = host.split(".")
        if len(labels) > 1:
            return Parts(tuple(labels[:-2]), labels[-2], labels[-1], False)
        return Parts(tuple(sub), name, "", False)
    if not cut.domain and "." in cut.suffix:  # all names below are endings: *.mm
        name, _, suffix = cut.suffix.partition(".")
        return Parts((), name, suffix, False)
    sub_labels = tuple(cut.subdomain.split(".")) if cut.subdomain else ()
    return Parts(sub_labels, cut.domain, cut.suffix, cut.is_private)


def unicode_of(label: str) -> str:
    """Return the label as it is shown; as it stands where it is no IDN."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


@lru_cache(maxsize=2048)
def is_suffix(ending: str) -> bool:
    """Tell whether hosts are registered below this ending."""
    return bool(_SUFFIXES(f"example.{ending}").suffix)


def read_register(octets: bytes) -> dict[str, Any]:
    """Return what a register's file holds."""
    data: dict[str, Any] = json.loads(octets)
    return data


class Registry:
    """Official hosts and brands, false friends, shorteners, free hosting and words of the trade."""

    PACKAGED: Final = "data/screen/hosts-2026.1.json"

    def __init__(self, data: Mapping[str, Any], digest: str = "") -> None:
        self.version: str = data["version"]
        self.digest = digest
        self.brands: dict[str, Brand] = {
            row["code"]: Brand(
                row["code"], row["en"], row["zh"], row["home"], tuple(row["strong"]),
                tuple(row["weak"]), tuple(row["hosts"]),
            )
            for row in data["brands"]
        }  # fmt: skip
        self.homes: dict[str, str] = {
            host: brand.code for brand in self.brands.values() for host in brand.hosts
        }
        self.homes |= {host: code for code, hosts in data["also"].items() for host in hosts}
        self.exact: dict[str, str] = dict(data["exact"])
        self.endings: dict[str, str] = dict(data["endings"])
        self.friends: dict[str, tuple[str, ...]] = {
            host: tuple(brands) for host, brands in data["friends"].items()
        }
        self.namesakes: dict[tuple[str, str], tuple[str, str]] = {
            (brand, ending): (en, zh) for brand, ending, en, zh in data["namesakes"]
        }
        self.shorteners = frozenset(data["shorteners"])
        self.free = frozenset(data["free"])
        self.words = frozenset(data["words"])
        self.common = frozenset(data["common"])
        self.tops = frozenset(data["tops"])
        self.crowded = frozenset(data["crowded"])
        self.cheap = frozenset(data["cheap"])
        self.others = frozenset(data["others"])
        self.generic = tuple(sorted(data["generic"]))

    @classmethod
    def packaged(cls) -> Registry:
        """Return the register of the package."""
        return cls.read((resources.files("assent") / cls.PACKAGED).read_bytes())

    @classmethod
    def read(cls, octets: bytes) -> Registry:
        """Return the register that a file holds."""
        return cls(read_register(octets), hashlib.sha256(octets).hexdigest())

    @classmethod
    def of(cls, hosts: Iterable[str]) -> Registry:
        """Return a register of one owner without a name, and nothing else."""
        brand = {"code": "", "en": "", "zh": "", "home": "", "strong": (), "weak": (),
                 "hosts": sorted(hosts)}  # fmt: skip
        data: dict[str, Any] = dict.fromkeys(_LISTS, ())
        for table in _TABLES:
            data[table] = {}
        return cls(data | {"version": "", "brands": [brand]})

    def owner(self, host: str) -> str | None:
        """Return the code of the brand whose official host this is, or lies below; None for what
        strangers put below an official host that is a provider of pages."""
        if host in self.exact:
            return self.exact[host]
        parts = parts_of(host)
        least = len(parts.suffix) + 1 if parts.free else 0
        place = 0
        while place >= 0 and len(host) - place > least:
            found = self.homes.get(host[place:])
            if found is not None:
                return found
            place = host.find(".", place) + 1 or -1
        return self.endings.get(host.rpartition(".")[2])

    def friend(self, host: str) -> tuple[str, ...]:
        """Return the brands that this host does not imitate although it has their letters."""
        while host:
            if host in self.friends:
                return self.friends[host]
            host = host.partition(".")[2]
        return ()

    def known(self, host: str) -> bool:
        """Tell whether the host, or one above it, is a well known one of nobody in the register."""
        while "." in host:
            if host in self.others:
                return True
            host = host.partition(".")[2]
        return False

    def shortens(self, host: str) -> bool:
        """Tell whether the host hides where its links lead."""
        return host in self.shorteners or host.removeprefix("www.") in self.shorteners

    def anybody(self, host: str) -> bool:
        """Tell whether anybody gets a name below this host's ending without being known."""
        if parts_of(host).free:
            return True
        while "." in host:
            if host in self.free:
                return True
            host = host.partition(".")[2]
        return False
