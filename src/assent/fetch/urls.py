"""Links as a fetcher takes them: read the way browsers read them, so that no odd spelling of a host
means one thing here and another on a phone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

import idna

__all__ = ["Target", "Unfit", "read", "told"]

LONGEST: Final = 2_048
_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_BAD: Final = re.compile("[\x00-\x1f\x7f\t\r\n]")
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._"


class Unfit(Exception):
    """A link that is not followed. `why`: a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask for what. `address`: the host is an address, and this is it."""

    scheme: str
    host: str
    port: int
    path: str
    address: str = ""

    @property
    def tls(self) -> bool:
        """Whether it is asked over TLS."""
        return self.scheme == "https"

    @property
    def named(self) -> str:
        """The host as the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole link."""
        return f"{self.scheme}://{self.named}{self.path}"


def read(link: str, base: str = "") -> Target:
    """Return the target of a link, from the page that it stands on. Raises Unfit."""
    link = _BAD.sub("", link.strip())  # browsers leave them out
    if len(link) > LONGEST:
        raise Unfit("link_too_long")
    if not base and "://" not in link:
        link = f"http://{link}"
    try:
        parts = urlsplit(
            urljoin(base, link.replace("\\", "/")) if base else link.replace("\\", "/")
        )
        port = parts.port
    except ValueError:
        raise Unfit("bad_link") from None
    if parts.scheme not in _PORTS:
        raise Unfit("scheme")
    if "@" in parts.netloc:
        raise Unfit("user_in_link")
    if port is not None and port not in _PORTS.values():
        raise Unfit("port")
    host, address = _host(parts.netloc)
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE)
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path, address)


def told(link: str) -> str:
    """Return a link as it may be kept and shown: without query and fragment, which may name a
    person."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:LONGEST]


def _host(netloc: str) -> tuple[str, str]:
    """Return host and, where it is one, address."""
    if netloc.startswith("["):
        inside, bracket, _ = netloc[1:].partition("]")
        if not bracket or "%" in inside:
            raise Unfit("bad_host")
        try:
            address = IPv6Address(inside)
        except ValueError:
            raise Unfit("bad_host") from None
        return address.compressed, address.compressed
    name = netloc.rpartition(":")[0] if ":" in netloc else netloc
    try:
        text = unquote_to_bytes(name).decode("utf-8")
        host = idna.uts46_remap(text, std3_rules=False).lower().replace("。", ".").rstrip(".")
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode("ascii")
    except (UnicodeDecodeError, idna.IDNAError):
        raise Unfit("bad_host") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]) or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        address4 = _address(labels)
        return str(address4), str(address4)
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Unfit("bad_host")
    if len(labels) < 2:
        raise Unfit("no_domain")  # a name of the inside network
    return host, ""


def _address(labels: list[str]) -> IPv4Address:
    """Return the address that a host of figures means, in any of the notations that systems take:
    127.1, 0177.0.0.1, 0x7f000001, 2130706433."""
    if len(labels) > 4:
        raise Unfit("bad_host")
    try:
        numbers = [_number(label) for label in labels]
    except ValueError:
        raise Unfit("bad_host") from None
    *first, last = numbers
    if any(one > 255 for one in first) or last >= 256 ** (5 - len(numbers)):
        raise Unfit("bad_host")
    return IPv4Address(last + sum(one << 8 * (3 - place) for place, one in enumerate(first)))


def _number(label: str) -> int:
    if not _NUMBER.fullmatch(label):
        raise ValueError(label)
    if label.lower().startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8) if label.startswith("0") and len(label) > 1 else int(label)
