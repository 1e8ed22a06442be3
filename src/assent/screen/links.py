"""Every address in a text: with and without scheme, in letters of any script, or as a number.

`host` is where a browser would go, which is not always what the text seems to say: user names
before an @ are left out, IDNs are in ASCII form, numbers in any notation are dotted. Letters that
were folded for reading are taken back from the original, because a browser does not fold them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final, Protocol

import idna

from assent.screen.finding import Span
from assent.screen.registry import Registry, is_suffix, parts_of

__all__ = ["Link", "Plain", "Reading", "address_of", "find_links", "host_of"]


class Reading(Protocol):
    """A text as it reads, and where its characters stand in the original (`normal.Normal`)."""

    @property
    def text(self) -> str:
        """The text as it reads to a person."""

    def span(self, start: int, end: int) -> Span:
        """Return what [start, end) of the text is in the original."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A text that is read as it stands."""

    text: str

    def span(self, start: int, end: int) -> Span:
        """Return the same."""
        return start, end


@dataclass(frozen=True, slots=True)
class Link:
    """One address. `text`: as it stands in the original. `url`: with scheme, to be opened. `host`:
    small letters, ASCII form, or a dotted (or IPv6) address. `kind`: url, bare (no scheme), short,
    ip. `user`: what stood before an @ in the address."""

    text: str
    url: str
    host: str
    kind: str
    span: Span
    user: str = ""


_ALIEN: Final = r"\u00c0-\u02af\u0370-\u058f\u1d00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff"
_LATIN: Final = rf"a-zA-Z0-9{_ALIEN}"
_HAN: Final = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_DOT: Final = r"[.\u3002\uff0e\uff61]"
_LABEL: Final = rf"[{_LATIN}](?:[{_LATIN}_-]*[{_LATIN}_])?"
_ANY: Final = rf"[{_LATIN}{_HAN}_](?:[{_LATIN}{_HAN}_-]*[{_LATIN}{_HAN}_])?"
_ENDS: Final = ("中国", "中國", "公司", "网络", "網絡", "中信", "集团", "在线", "网址", "手机",
                "商城", "网店", "香港", "政务", "公益", "我爱你", "餐厅", "娱乐")  # fmt: skip
_TOP: Final = rf"(?:xn--[a-z0-9-]{{2,59}}|[a-zA-Z{_ALIEN}]{{2,24}}|{'|'.join(_ENDS)})"
_PLAUSIBLE: Final = re.compile(rf"(?:[a-zA-Z0-9_-]|{_DOT}|[^\x00-\x7f\s\u2000-\u206f])+")
_REST: Final = r"(?::\d{1,5}(?!\d))?(?:[/?#][!-;=?-~]*)?"
_NUMBER: Final = r"(?:0[xX][0-9a-fA-F]+|\d+)"
_IP: Final = (
    rf"(?:{_NUMBER}(?:\.{_NUMBER}){{3}}|\[[0-9a-fA-F:.]+\]|{_NUMBER}(?:\.{_NUMBER}){{0,2}})"
)
_SCHEME: Final = r"(?P<scheme>h(?:tt|xx)ps?|ftp)\s?[:：]\s?(?:/|\\){1,3}"
_USER: Final = r"(?:(?P<user>[^\s/@\\<>\"]{1,200})@)?"

_WITH: Final = re.compile(
    rf"{_SCHEME}{_USER}(?:(?P<host>(?:{_ANY}{_DOT}){{1,30}}{_TOP})(?![a-zA-Z0-9-])|"
    rf"(?P<ip>{_IP})(?![\w.-]*[a-zA-Z]))(?P<rest>{_REST})",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    rf"(?<![{_LATIN}@_./\\*-])(?P<host>(?:{_LABEL}{_DOT}|(?<![{_HAN}])[{_HAN}]{{1,12}}\.){{1,8}}"
    rf"{_TOP})(?![a-zA-Z0-9@_-])(?P<rest>{_REST})",
    re.IGNORECASE,
)
_BARE_IP: Final = re.compile(
    r"(?<![a-zA-Z0-9_.])(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?P<rest>(?::\d{2,5}(?!\d)[!-;=?-~]*|/[!-;=?-~]*))"
)
_SIGN: Final = {  # pattern → what must be there, found faster
    _WITH: re.compile(r"[:：]\s?[/\\]"),
    _BARE_IP: re.compile(r"\d\.\d{1,3}\.\d"),
    _BARE: re.compile(rf"{_DOT}(?=[a-zA-Z{_ALIEN}]|{'|'.join(_ENDS)})(?<=[{_LATIN}{_HAN}_].)"),
}
_TRAILING: Final = ".,;:!?'\")]}>*"

_MARKED: Final = re.compile(r"\d|-")
_SURE_HEADS: Final = ("www.", "wap.", "m.", "mail.", "app.", "web.", "www1.", "www2.")


def find_links(reading: Reading, original: str | None = None) -> tuple[Link, ...]:
    """Return the addresses of a text in their order, none overlapping.

    `original`: the text as it was handed in, if `reading` is a normalised one; spans refer to it.
    """
    text = reading.text
    original = text if original is None else original
    found: list[Link] = []
    taken: list[Span] = []
    for pattern, sign in _SIGN.items():
        if not sign.search(text):
            continue
        for hit in pattern.finditer(text):
            if any(hit.start() < end and start < hit.end() for start, end in taken):
                continue
            if pattern is _BARE and not _is_host(hit, reading, original):
                continue
            link = _link(hit, reading, original)
            if link is not None:
                found.append(link)
                taken.append(hit.span())
    return tuple(sorted(found, key=lambda link: link.span))


def _link(hit: re.Match[str], reading: Reading, original: str) -> Link | None:
    """Return the address of a hit, or None where it is none after all."""
    groups = hit.groupdict()
    rest = groups["rest"].rstrip(_TRAILING)
    end = hit.end() - (len(groups["rest"]) - len(rest))
    span = reading.span(hit.start(), end)
    scheme = (groups.get("scheme") or "http").lower().replace("hxx", "htt")
    user = groups.get("user") or ""
    given = groups.get("ip")
    if given is not None:
        host = address_of(given.strip("[]"))
        if host is None:
            return None
        kind = "ip"
        shown = f"[{host}]" if ":" in host else host
    else:
        host = _host(hit, reading, original)
        if host is None:
            return None
        kind = "url" if groups.get("scheme") else "bare"
        kind = "short" if _register().shortens(host) else kind
        shown = host
    if rest:  # a path is told from the original, whose letters were not made small
        start, stop = reading.span(end - len(rest), end)
        given_rest = original[start:stop]
        rest = given_rest if given_rest.lower() == rest.lower() else rest
    return Link(original[slice(*span)], f"{scheme}://{shown}{rest}", host, kind, span, user)


def _host(hit: re.Match[str], reading: Reading, original: str) -> str | None:
    """Return the host as a browser reads it: from the original where that is a host by itself."""
    start, end = reading.span(*hit.span("host"))
    return host_of(original[start:end]) or host_of(hit.group("host"))


@cache
def _register() -> Registry:
    return Registry.packaged()


def host_of(shown: str) -> str | None:
    """Return the ASCII form of a host, or None if no host can be written so."""
    shown = shown.rstrip(".")
    if not shown or len(shown) > 253 or not _PLAUSIBLE.fullmatch(shown):
        return None
    host: str | None = shown.lower()
    if not shown.isascii():
        try:
            host = idna.encode(shown, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            host = _loose(shown)  # not allowed in new names, but resolvers do not ask
    if host is None or not all(0 < len(label) < 64 for label in host.split(".")):
        return None
    return host


def _loose(shown: str) -> str | None:
    """Return the ASCII form of a host that the rules of IDNA forbid."""
    plain = unicodedata.normalize("NFKC", re.sub(_DOT, ".", shown.lower()))
    try:
        return ".".join(
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
            for label in plain.split(".")
        )
    except UnicodeError:
        return None


def address_of(shown: str) -> str | None:
    """Return the IP address that a browser makes of a host's notation: dotted, decimal, hex, octal,
    IPv6. None if it is none."""
    if ":" in shown:
        try:
            return IPv6Address(shown).compressed
        except (AddressValueError, ValueError):
            return None
    parts = shown.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    numbers: list[int] = []
    for part in parts:
        try:
            if part[:2] in ("0x", "0X"):
                numbers.append(int(part, 16))
            elif len(part) > 1 and part[0] == "0":
                numbers.append(int(part, 8))
            else:
                numbers.append(int(part))
        except ValueError:
            return None
    if len(numbers) == 1 and numbers[0] < 1 << 24:
        return None  # a short number is no address that anybody means
    whole = numbers.pop()
    if any(n > 255 for n in numbers) or whole >= 256 ** (4 - len(numbers)):
        return None
    for place, n in enumerate(numbers):
        whole |= n << (24 - 8 * place)
    return ".".join(str(whole >> shift & 255) for shift in (24, 16, 8, 0))


def _is_host(hit: re.Match[str], reading: Reading, original: str) -> bool:
    """Tell whether words with dots between them are a host rather than sentences, names of files,
    numbers or abbreviations."""
    start, end = reading.span(*hit.span("host"))
    shown = original[start:end]  # as it was written: capitals tell where sentences begin
    if len(re.split(_DOT, shown)) != len(re.split(_DOT, hit.group("host"))):
        shown = hit.group("host")
    shown = unicodedata.normalize("NFKC", shown)
    labels = re.split(_DOT, shown)
    small = host_of(shown)
    if small is None:
        return False
    if "\u3002" in shown and not all(label.isascii() for label in labels):
        return False  # a Chinese full stop
    top = small.rsplit(".", 1)[-1]
    parts = parts_of(small)
    if not parts.name or not is_suffix(top):
        return False
    if hit.group("rest")[:1] in ("/", "?") or small.startswith(_SURE_HEADS):
        return True
    if not any(label.isascii() for label in labels[-2:]):
        return False  # Chinese sentences with a point between them
    if all(label.isdigit() for label in labels[:-1]) and len(labels[0]) < 3 and top != "com":
        return False
    if len(labels[-1]) < 2 or _is_sentence(labels):
        return False
    if top in _register().tops:  # any other word after a dot may be the next sentence
        return True
    return len(labels[-2]) > 4 and shown == shown.lower() and bool(_MARKED.search(labels[-2]))


def _is_sentence(labels: list[str]) -> bool:
    """Tell whether letters show that a sentence ends at the dot: asap.Com..., U.S., Hello.In."""
    last, before = labels[-1], labels[-2]
    if last[:1].isupper() and not last.isupper():
        return True
    if last.isupper() and not before.isupper():
        return True
    return all(len(label) == 1 for label in labels[:-1]) and len(last) < 3
