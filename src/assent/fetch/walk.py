"""Follows a link to the page at its end, hop by hop, every hop through the same checks."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from assent.fetch.dial import Dialer, Failed
from assent.fetch.hop import Answer, ask
from assent.fetch.profiles import HEADERS
from assent.fetch.urls import Target, Unfit, read, told
from assent.screen.page import Page, read_page
from assent.screen.page_look import Hop, Look, Outcome

__all__ = ["Limits", "Own", "Walker", "is_own"]

_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_-]{2,20})", re.IGNORECASE)
_HEADER_REFRESH: Final = re.compile(
    r"\s*\d*(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?['\"]?([^'\"]+)", re.IGNORECASE
)
_GONE: Final = (404, 410, 451)
_REDIRECTS: Final = (301, 302, 303, 307, 308)

Own = tuple[str, str]
"""Host and path below which links are our own (refusal links), and never fetched."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a visit goes. `hops`: a chain's length. Seconds: for a hop, and for all of it."""

    hops: int = 8
    hop_s: float = 5.0
    whole_s: float = 10.0


class _End(Exception):
    """Where a chain ends without a page."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


class Walker:
    """Looks behind links. Keeps nothing between two of them."""

    def __init__(self, dialer: Dialer, limits: Limits | None = None) -> None:
        self._dialer = dialer
        self._limits = limits or Limits()

    async def look(self, url: str, profile: str, own: Collection[Own] = ()) -> Look:
        """Follow a link as a kind of visitor. Never raises for what the other side does."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        walk = _Walk(self._dialer, self._limits, profile, own)
        seen = Look(told(url), profile, "failed")
        try:
            async with asyncio.timeout(self._limits.whole_s):
                page = await walk.follow(url)
            seen = replace(seen, outcome="seen", page=page)
        except _End as end:
            seen = replace(seen, outcome=end.outcome, why=end.why)
        except Unfit as unfit:
            seen = replace(seen, outcome="refused", why=unfit.why)
        except Failed as failed:
            seen = replace(seen, why=failed.why)
        except TimeoutError:
            seen = replace(seen, why="too_slow")
        took = round(loop.time() - begin, 3)
        return replace(seen, hops=tuple(walk.hops), octets=walk.octets, took_s=took)


class _Walk:
    """One visit."""

    def __init__(self, dialer: Dialer, limits: Limits, profile: str, own: Collection[Own]) -> None:
        self._dialer = dialer
        self._limits = limits
        self._headers = HEADERS[profile]
        self._own = own
        self.hops: list[Hop] = []
        self.octets = 0

    async def follow(self, url: str) -> Page:
        """Return the page at the end of a chain."""
        target, how = read(url), "start"
        passed: set[str] = set()
        while True:
            if is_own(target, self._own):
                raise _End("own", "refusal_link")
            if len(self.hops) >= self._limits.hops:
                raise _End("refused", "too_many_hops")
            if target.url in passed:
                raise _End("refused", "goes_round")
            passed.add(target.url)
            self.hops.append(Hop(told(target.url), how))
            answer = await self._hop(target)
            onward = self._redirect(target, answer)
            if onward is not None:
                target, how = onward, "redirect"
                continue
            page = self._page(target, answer)
            if not page.refresh:
                return page
            target, how = read(page.refresh, target.url), "refresh"

    async def _hop(self, target: Target) -> Answer:
        try:
            async with asyncio.timeout(self._limits.hop_s):
                connection = await self._dialer.dial(target)
                self._note(address=connection.address)
                try:
                    answer = await ask(connection, target, self._headers)
                finally:
                    connection.close()
        except TimeoutError:
            raise Failed("too_slow") from None
        self.octets = answer.raw
        self._note(status=answer.status)
        return answer

    def _note(self, address: str | None = None, status: int | None = None) -> None:
        last = self.hops[-1]
        self.hops[-1] = replace(
            last,
            address=last.address if address is None else address,
            status=last.status if status is None else status,
        )

    @staticmethod
    def _redirect(target: Target, answer: Answer) -> Target | None:
        if answer.status in _REDIRECTS and answer.headers.get("location"):
            return read(answer.headers["location"], target.url)
        found = _HEADER_REFRESH.match(answer.headers.get("refresh", ""))
        if answer.status == 200 and found is not None:
            onward = read(found.group(1), target.url)
            return None if onward == target else onward
        return None

    def _page(self, target: Target, answer: Answer) -> Page:
        if answer.status in _GONE:
            raise _End("gone", str(answer.status))
        if answer.status != 200:
            raise Failed(f"status_{answer.status}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("text/html", "application/xhtml+xml", ""):
            raise _End("refused", "no_page")
        if answer.cut:
            raise _End("refused", "page_too_large")
        chain = tuple(dict.fromkeys(read(hop.url).host for hop in self.hops))
        return read_page(_decoded(answer), target.url, chain, answer.status)


def is_own(target: Target, own: Collection[Own]) -> bool:
    """Tell whether a link is one of ours, however its path is written."""
    path = target.path.partition("?")[0]
    for _ in range(3):
        path = unquote(path)
    path = posixpath.normpath("/" + path.replace("\\", "/").lstrip("/")).lower() + "/"
    return any(target.host == host and path.startswith(below.lower()) for host, below in own)


def _decoded(answer: Answer) -> str:
    named = _CHARSET.search(answer.headers.get("content-type", "").encode())
    found = named or _CHARSET.search(answer.body[:2_048])
    names = [found.group(1).decode("ascii")] if found is not None else []
    for name in (*names, "utf-8", "gb18030"):
        try:
            wide = "gb18030" if name.lower() in ("gb2312", "gbk", "gb_2312-80") else name
            return answer.body.decode(wide)
        except (LookupError, ValueError):
            continue
    return answer.body.decode("utf-8", "replace")
