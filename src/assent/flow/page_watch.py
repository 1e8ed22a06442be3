"""Looks at pages on a schedule: finds the links of templates and campaigns, fetches what is due.

Fair: one page a host at a time, those that waited longest first, so many at once. One look serves
everybody whose texts have the link.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import msgspec
import structlog

from assent.clock import Clock
from assent.errors import AssentError, InvalidInput
from assent.flow.columns import unpack_object
from assent.flow.needs import Store, utc
from assent.flow.page_looks import PageLooks
from assent.flow.pages import Fetching, PageSettings, lead_to, put_links
from assent.flow.refusal_links import VARIABLE as REFUSE_URL
from assent.flow.render import Rendering
from assent.flow.requests import CampaignRequest
from assent.registry.templates import plain
from assent.screen.page_links import links_to_look_at
from assent.screen.page_look import PROFILES, Look, unknown

IDLE_S: Final = 1.0
LEASE_S: Final = 120.0
"""Longer than a look may take; a page whose look was lost is looked at again after it."""
_PRUNE_S: Final = 3_600.0
_MOST_ROWS: Final = 200
log = structlog.get_logger("assent")


class PageWatch:
    """Run :meth:`run` in one process. `fetching`: who looks, None where nobody does (without the
    internet): then links are known, and what is behind them is not."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        looks: PageLooks,
        settings: PageSettings,
        fetching: Fetching | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._looks = looks
        self._settings = settings
        self._fetching = fetching
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._prune_at = 0.0
        self.last_error = ""

    @property
    def under_way(self) -> int:
        """How many pages are being looked at."""
        return len(self._under_way)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def stop(self) -> None:
        """Begin no further look."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Look until :meth:`stop`."""
        while not self._stopping:
            self._wake.clear()
            try:
                await self.step()
            except AssentError as error:
                self.last_error = error.code
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_S)
        await self.settle()

    async def step(self) -> int:
        """Take up new links and begin the looks for which there is room; return how many began."""
        await self._scan()
        now = self._clock.now()
        if now >= self._prune_at:
            await self._prune(now)
            self._prune_at = now + _PRUNE_S
        room = self._settings.at_once - len(self._under_way)
        if room <= 0 or self._stopping:
            return 0
        rows = await self._store.fetch(
            "pages_claim", utc(now), utc(now + LEASE_S), room, list(self._under_way)
        )
        for row in rows:
            self._begin(row)
        return len(rows)

    async def settle(self) -> None:
        """Wait for the looks that are under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    def _begin(self, row: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._look(row["id"], row["url"]))
        host, page = row["host"], row["id"]
        self._under_way[host] = task

        def ended(task: asyncio.Task[None]) -> None:
            self._under_way.pop(host, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                # It is looked at again when its lease is over.
                self.last_error = error.code if isinstance(error, AssentError) else "bug"
                log.error("page_look_failed", page=page, exc_info=error)
            self._wake.set()

        task.add_done_callback(ended)

    async def _look(self, page: int, url: str) -> None:
        looks = await asyncio.gather(*(self._fetch(url, profile) for profile in PROFILES))
        await self._looks.take(page, looks)

    async def _fetch(self, url: str, profile: str) -> Look:
        if self._fetching is None:
            return unknown(url, profile, "fetching_off")
        return await self._fetching.fetch(url, profile)

    async def _prune(self, now: float) -> None:
        before = utc(now - self._settings.keep_days * 86_400.0)
        await self._store.execute("page_versions_prune", before)
        await self._store.execute("pages_prune", before)

    # New links -------------------------------------------------------------------------------

    async def _scan(self) -> None:
        now = self._clock.now()
        since = utc(now - self._settings.after_days * 86_400.0)
        for row in await self._store.fetch("page_templates_new"):
            links = links_to_look_at(plain(row["body"]))
            async with self._store.transaction() as tx:
                for page, _ in await put_links(tx, links, now, self._settings.template_s):
                    await tx.execute("page_use_template", page, row["id"])
                await tx.execute("page_scanned", "template", row["id"], utc(now))
        for row in await self._store.fetch("page_campaigns_new", since):
            links = await self._links_of(row)
            async with self._store.transaction() as tx:
                await lead_to(tx, row["id"], links, now, self._settings.campaign_s)
                await tx.execute("page_scanned", "campaign", row["id"], utc(now))

    async def _links_of(self, row: Any) -> list[str]:
        """Return the links of a campaign: those that its text fixes, and of advertising some that
        receivers get. A link of a code or a notice is its receiver's own: nobody opens it."""
        request = msgspec.msgpack.decode(row["request"], type=CampaignRequest)
        content = request.text or plain(row["body"] or "")
        links = links_to_look_at(content)
        if request.purpose == "marketing" and "{" in content:
            links += await self._samples(content, row["audience_id"])
        return list(dict.fromkeys(links))

    async def _samples(self, content: str, audience: int) -> list[str]:
        """Return some of the links that receivers get, far from each other in the list."""
        chunk = await self._store.fetchrow("audience_chunk_get", audience, 0)
        if chunk is None or not chunk["variables"]:
            return []
        columns = {
            name: values[:_MOST_ROWS] for name, values in unpack_object(chunk["variables"]).items()
        }
        rows = min((len(values) for values in columns.values()), default=0)
        try:
            rendering = Rendering(content, columns | {REFUSE_URL: [""] * rows})
        except InvalidInput:
            return []
        texts = rendering.texts(rows)
        every = list(dict.fromkeys(link for text in texts for link in links_to_look_at(text)))
        most = self._settings.samples
        return every if len(every) <= most else [every[len(every) * n // most] for n in range(most)]
