"""What the links of a text lead to, judged without opening them: official, like an official one,
hidden, or of a kind that honest senders do not write.

Age and filing of a host are known only from files that were imported (`HostFacts`); what is in no
file is unknown, and is said to be.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from assent.errors import InvalidInput
from assent.screen.finding import UNLICENSED, Finding, Sender, Severity, Span
from assent.screen.links import Link, host_of
from assent.screen.lookalike import TECHNIQUES, Lookalikes, Match, disguised
from assent.screen.registry import Registry, parts_of

__all__ = ["CODES", "YOUNG_DAYS", "HostFacts", "Hosts", "read_facts"]

YOUNG_DAYS: Final = 90
_LONG: Final = 60

# code → (severity, en, zh)
CODES: Final = {
    "host_lookalike": (Severity.HOLD, "looks like {brand} ({official}): {en}",
                       "形似{zh_brand}（{official}）：{zh}"),
    "host_user": (Severity.REJECT, "a name before an @ hides where the link leads",
                  "链接中@之前的内容掩盖真实地址"),
    "host_ip": (Severity.HOLD, "the link leads to an address without a name",
                "链接指向没有域名的IP地址"),
    "host_punycode": (Severity.HOLD, "the host is written in letters of other scripts",
                      "域名含其他文字的字符"),
    "host_disguised": (Severity.HOLD, "what looks like an ending stands inside the host",
                       "域名中间夹带另一后缀，真实域名在末尾"),
    "host_free": (Severity.HOLD, "anybody gets such a name without being known",
                  "免费或动态域名，任何人可匿名取得"),
    "host_shortener": (Severity.NOTE, "a short link hides where it leads", "短链接掩盖真实地址"),
    "host_long": (Severity.NOTE, "the host is very long, or made of random letters",
                  "域名过长或为随机字符"),
    "host_unfiled": (Severity.HOLD, "the host has no filing", "域名未备案"),
    "host_young": (Severity.HOLD, "the host was registered days ago", "域名注册时间过短"),
    "host_unknown": (Severity.NOTE, "nothing is known of the host's age and filing",
                     "域名的注册时间与备案情况未知"),
}  # fmt: skip
_VOWELS: Final = frozenset("aeiouy")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What an imported file says of a registered host. None: it does not say."""

    registered: date | None
    filed: bool | None
    source: str


_NOTHING: Final = HostFacts(None, None, "")


class Hosts:
    """Judges links by a register. Immutable; free to share between threads."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lookalikes = Lookalikes(registry)
        self.digest = registry.digest
        self._owner = f"hosts-{registry.version}"

    @staticmethod
    @cache
    def packaged() -> Hosts:
        """Return the one with the register of the package."""
        return Hosts(Registry.packaged())

    def judge(
        self,
        links: Iterable[Link],
        sender: Sender = UNLICENSED,
        facts: Mapping[str, HostFacts] | None = None,
        today: date | None = None,
    ) -> tuple[Finding, ...]:
        """Return findings, the gravest first, one for each host and code with all its spans.

        `facts` is keyed by registrable host. Without `today`, no host is young.
        """
        spans: dict[tuple[str, str], list[Span]] = {}
        made: dict[tuple[str, str], Finding] = {}
        for link in links:
            for finding in self._of(link, sender, facts or {}, today):
                key = (finding.code, link.host)
                made.setdefault(key, finding)
                spans.setdefault(key, []).append(link.span)
        found = [
            Finding(f.code, f.severity, f.en, f.zh, tuple(spans[key]), self._owner)
            for key, f in made.items()
        ]
        return tuple(sorted(found, key=lambda f: (-f.severity, f.spans, f.code)))

    def _of(
        self, link: Link, sender: Sender, facts: Mapping[str, HostFacts], today: date | None
    ) -> Iterator[Finding]:
        """Yield what is to be said of one link."""
        if link.user:
            yield _finding("host_user", link.host)
        if link.kind == "ip":
            if not _among(link.host, sender.hosts):
                yield _finding("host_ip", link.host)
            return
        if self.registry.shortens(link.host):
            yield _finding("host_shortener", link.host)
        if _among(link.host, sender.hosts) or self.registry.owner(link.host):
            return
        match = self.match(link.host, sender)
        if match is not None:
            yield self._lookalike(link.host, match)
        elif any(label.startswith("xn--") for label in link.host.split(".")):
            yield _finding("host_punycode", link.host)
        yield from self._shape(link.host)
        yield from _known(link.host, facts, today)

    def match(self, host: str, sender: Sender = UNLICENSED) -> Match | None:
        """Return which official site, or site of the sender's own, the host looks like."""
        if not host or _among(host, sender.hosts):
            return None
        found = self.lookalikes.match(host)
        if found is None and sender.hosts:
            found = _filed(sender.hosts).match(host)
        return found

    def _lookalike(self, host: str, match: Match) -> Finding:
        """Name the brand and the trick."""
        brand = self.registry.brands.get(match.brand)
        namesake = self.registry.namesakes.get((match.brand, parts_of(host).suffix))
        _, en, zh = CODES["host_lookalike"]
        trick_en, trick_zh = TECHNIQUES[match.technique]
        words = {
            "brand": brand.en if brand else "the sender's own site",
            "zh_brand": brand.zh if brand else "发送方自有网站",
            "official": match.official, "en": trick_en, "zh": trick_zh,
        }  # fmt: skip
        if namesake is not None:  # there, the letters are somebody else's
            words |= {"brand": namesake[0], "zh_brand": namesake[1], "official": match.brand}
        severity = Severity.REJECT if match.sure else Severity.HOLD
        return Finding(
            "host_lookalike",
            severity,
            f"{host} " + en.format(**words),
            f"{host} " + zh.format(**words),
        )

    def _shape(self, host: str) -> Iterator[Finding]:
        """Yield what the name's shape tells."""
        parts = parts_of(host)
        if disguised(parts):
            yield _finding("host_disguised", host)
        if self.registry.anybody(host) and not self.registry.shortens(host):
            yield _finding("host_free", host)
        if len(host) > _LONG or any(is_random(label) for label in (*parts.sub, parts.name)):
            yield _finding("host_long", host)


def is_random(label: str) -> bool:
    """Tell whether a label reads like nothing: long, and of digits and consonants in no order."""
    if len(label) < 8 or not label.isascii() or label.startswith("xn--"):
        return False
    bare = label.replace("-", "")
    letters = [c for c in bare if c.isalpha()]
    if not letters:
        return False
    turns = sum(a.isdigit() != b.isdigit() for a, b in pairwise(bare))
    vowels = sum(c in _VOWELS for c in letters)
    run = longest = 0
    for c in bare:
        run = run + 1 if c.isalpha() and c not in _VOWELS else 0
        longest = max(longest, run)
    return turns >= 4 or longest >= 7 or (len(letters) >= 10 and vowels * 6 < len(letters))


def _finding(code: str, host: str) -> Finding:
    severity, en, zh = CODES[code]
    return Finding(code, severity, f"{host}: {en}", f"{host}：{zh}")


def _among(host: str, filed: frozenset[str]) -> bool:
    """Tell whether a host is filed, or lies below one that is."""
    while host:
        if host in filed:
            return True
        host = host.partition(".")[2]
    return False


@lru_cache(maxsize=256)
def _filed(hosts: frozenset[str]) -> Lookalikes:
    """Return what looks like the hosts of one sender."""
    return Lookalikes(Registry.of(hosts))


def _known(host: str, facts: Mapping[str, HostFacts], today: date | None) -> Iterator[Finding]:
    """Yield what imported files say, or that they say nothing."""
    parts = parts_of(host)
    known = facts.get(f"{parts.name}.{parts.suffix}") or facts.get(host) or _NOTHING
    if known.filed is False:
        yield _finding("host_unfiled", host)
    if known.registered is not None and today is not None:
        days = (today - known.registered).days
        if days < YOUNG_DAYS:
            yield _finding("host_young", host)
    if known.registered is None and known.filed is None:
        yield _finding("host_unknown", host)


def read_facts(lines: Iterable[str], source: str) -> dict[str, HostFacts]:
    """Read a file of host, registered (YYYY-MM-DD or nothing), filed (yes, no or nothing).

    Raises InvalidInput for the first row that is wrong: a file is read whole or not at all.
    """
    rows = csv.DictReader(lines)
    if not {"host", "registered", "filed"} <= set(rows.fieldnames or ()):
        raise _wrong(1, "the first line must name the columns host, registered and filed")
    found: dict[str, HostFacts] = {}
    for row in rows:
        host = host_of((row["host"] or "").strip())
        if host is None or "." not in host or not parts_of(host).name:
            raise _wrong(rows.line_num, "this is no host")
        day = (row["registered"] or "").strip()
        filed = (row["filed"] or "").strip().lower()
        if filed not in _FILED:
            raise _wrong(rows.line_num, "filed is yes, no or nothing")
        try:
            registered = date.fromisoformat(day) if day else None
        except ValueError:
            raise _wrong(rows.line_num, "registered is a day such as 2026-11-22") from None
        parts = parts_of(host)
        found[f"{parts.name}.{parts.suffix}"] = HostFacts(registered, _FILED[filed], source)
    return found


_FILED: Final = {"yes": True, "no": False, "": None}


def _wrong(line: int, words: str) -> InvalidInput:
    return InvalidInput(
        "bad_host_file", f"line {line}: {words}", field="file",
        rule="hosts: a CSV file with host, registered, filed", mend="mend the line and try again",
    )  # fmt: skip
