"""Pages behind links: what leads there, what was seen, and what rests because a page changed.

new → clear or held; clear ⇄ held; held → stopped. What is compared with was accepted: at the first
look where nothing was found, else by a reviewer. It does not move by itself, so that a page
cannot become another one in small steps.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec

from assent.errors import Conflict
from assent.flow.needs import Queries, Transaction, utc
from assent.screen.page import host_in
from assent.screen.page_links import links_to_look_at
from assent.screen.page_look import Look
from assent.screen.page_text import words_of

CHANNEL: Final = "pages"
HELD: Final = frozenset({"held", "stopped"})
CAMPAIGN_S: Final = 300.0
_LONGEST: Final = 2_048


class Fetching(Protocol):
    """Who looks behind links."""

    async def fetch(self, url: str, profile: str) -> Look:
        """Return what a kind of visitor sees. Never raises."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """How often pages are looked at, in seconds: while a campaign runs, else while a template is in
    use. `told_after`: failures in a row after which people are told. `keep_days`: versions.
    `at_once`: pages that are looked at at the same time. `samples`: links that a campaign's
    receivers get, each their own. `after_days`: from a campaign's order, also when it is over."""

    campaign_s: float = CAMPAIGN_S
    template_s: float = 86_400.0
    told_after: int = 3
    keep_days: int = 180
    at_once: int = 8
    samples: int = 3
    after_days: int = 7


# What leads to pages ---------------------------------------------------------------------------


async def put_links(
    tx: Transaction, links: Iterable[str], at: float, fresh_s: float
) -> list[tuple[int, str]]:
    """Make links known; return id and state of their pages. What nobody looked at for `fresh_s` is
    looked at soon."""
    found = []
    for link in links:
        whole = link.partition("#")[0][:_LONGEST]
        row = await tx.fetchrow(
            "page_put", whole, sha256(whole.encode()).digest(), host_in(whole), utc(at),
            utc(at - fresh_s),
        )  # fmt: skip
        assert row is not None, "it is put or there"
        found.append((row["id"], row["state"]))
    return found


async def lead_to(
    tx: Transaction, campaign: int, links: Iterable[str], at: float, fresh_s: float
) -> list[int]:
    """Note that a campaign leads to pages; it rests at once where one of them is held. Return the
    pages that hold it."""
    holding = []
    for page, state in await put_links(tx, links, at, fresh_s):
        await tx.execute("page_use_campaign", page, campaign)
        if state in HELD:
            await pause(tx, page, at)
            holding.append(page)
    return holding


async def ordered(tx: Transaction, campaign: int, content: str, at: float) -> None:
    """Note the links of a campaign that is just ordered, in its transaction: it does not begin
    where a page behind them is held."""
    await lead_to(tx, campaign, links_to_look_at(content), at, CAMPAIGN_S)


async def check_state(tx: Transaction, campaign: int, account: int, state: str) -> None:
    """Check that a campaign may be put into a state by who ordered it. Raises Conflict where it
    rests because of a page: a reviewer decides about that."""
    if state != "running":
        await tx.execute("page_use_forget", campaign, account)
        return
    page = await tx.fetchval("page_holds_campaign", campaign, account)
    if page is not None:
        raise Conflict(
            "page_held", "a page that its text leads to changed, or cannot be checked",
            field="state", rule="screening: pages",
            mend="a reviewer looks at it; mend the page, or order with another link",
            details={"page": str(page)},
        )  # fmt: skip


# Holding ---------------------------------------------------------------------------------------


async def pause(tx: Transaction, page: int, at: float) -> list[int]:
    """Let the campaigns that lead to a page rest, with what they have in the queue."""
    resting = [row["id"] for row in await tx.fetch("page_pause", page)]
    await tx.execute("page_paused", page, resting, utc(at))
    await _tell(tx, resting, held=True)
    return resting


async def release(tx: Transaction, page: int) -> list[int]:
    """Let those go on that rested because of a page and of nothing else."""
    free = [row["campaign_id"] for row in await tx.fetch("page_release", page)]
    going = [row["id"] for row in await tx.fetch("page_resume", free)]
    await _tell(tx, going, held=False)
    return going


async def stop(tx: Transaction, page: int) -> list[int]:
    """Stop the campaigns that rest because of a page."""
    stopped = [row["id"] for row in await tx.fetch("page_stop", page)]
    await _tell(tx, stopped, held=True)
    return stopped


async def _tell(tx: Transaction, campaigns: Sequence[int], *, held: bool) -> None:
    for campaign in campaigns:
        await tx.execute("campaign_hold_queue", campaign, held)
        await tx.execute("notify", "campaign", str(campaign))


# Versions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """What a kind of visitor saw, as it is kept."""

    id: int
    profile: str
    look: Look

    @classmethod
    def of(cls, row: Any) -> Version:
        """Return the version of a row."""
        look = msgspec.msgpack.decode(zlib.decompress(row["look"]), type=Look)
        return cls(row["id"], row["profile"], look)


async def keep(tx: Transaction, page: int, look: Look, at: float) -> Version:
    """Keep what was seen; what says the same as before is no new version."""
    packed = zlib.compress(msgspec.msgpack.encode(look), 6)
    number = await tx.fetchval(
        "page_version_put", page, look.profile, _digest(look), packed, utc(at)
    )
    return Version(number, look.profile, look)


def _digest(look: Look) -> bytes:
    """Return what makes a version: figures, dates and what stands beside the text do not."""
    page = look.page
    said: tuple[Any, ...] = (look.outcome, look.why)
    if page is not None:
        said += (page.host, words_of(page.main), page.title, page.forms, page.brands, page.opaque)
    return sha256(msgspec.msgpack.encode(said)).digest()


async def baselines(queries: Queries, page: int) -> Mapping[str, Version]:
    """Return what later looks are compared with, by kind of visitor."""
    rows = await queries.fetch("page_baselines", page)
    return {row["profile"]: Version.of(row) for row in rows}
