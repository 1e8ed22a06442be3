"""Pages behind links: wired. One process of an installation looks; the fetcher is its child."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from assent.app.links import wrong
from assent.fetch.fetcher import COMMAND, Fetcher
from assent.flow.page_looks import PageLooks
from assent.flow.page_matter import PageMatter
from assent.flow.page_watch import PageWatch
from assent.flow.pages import CHANNEL, PageSettings, ordered
from assent.flow.pages_shown import PagesShown
from assent.flow.refusal_links import PATH

if TYPE_CHECKING:
    from assent.app.node import Node


class PagesFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Pages behind links. `fetching`: off for an installation without the internet. Seconds between
    looks: `campaign_s` while a campaign runs, `template_s` while a template is in use."""

    fetching: bool = True
    campaign_s: float = 300.0
    template_s: float = 86_400.0
    told_after: int = 3
    keep_days: int = 180
    at_once: int = 8
    samples: int = 3
    after_days: int = 7

    def settings(self) -> PageSettings:
        """Return them as flow takes them. Raises InvalidInput."""
        for name, least, most in (
            ("campaign_s", 10, 86_400), ("template_s", 60, 30 * 86_400), ("told_after", 1, 1_000),
            ("keep_days", 1, 3_650), ("at_once", 1, 32), ("samples", 0, 50), ("after_days", 0, 365),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise wrong(f"pages.{name}", "too many or too few", f"use {least} to {most}")
        return PageSettings(
            self.campaign_s, self.template_s, self.told_after, self.keep_days, self.at_once,
            self.samples, self.after_days,
        )  # fmt: skip


class PageDesk:
    """The rooms. `command`: how the fetcher is started."""

    channel = CHANNEL

    def __init__(self, node: Node, command: Sequence[str] = COMMAND) -> None:
        file = node.settings.pages
        settings = file.settings()
        desk = node.front.desk
        parts = (node.store, node.clock)
        self.fetcher = Fetcher(command, _own(node.settings.public_url)) if file.fetching else None
        self.looks = PageLooks(*parts, desk, settings)
        self.watch = PageWatch(*parts, self.looks, settings, self.fetcher)
        self.shown = PagesShown(*parts, node.catalogue, desk, fetching=file.fetching)
        desk.plug(PageMatter())
        node.campaigns.ordered = ordered

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Look at what is due."""
        start(self.watch.run(), "pages")

    def wake(self, _payload: str = "") -> None:
        """Something may be due."""
        self.watch.wake()

    def stop(self) -> None:
        """Begin no further look."""
        self.watch.stop()

    async def close(self) -> None:
        """End the fetcher."""
        if self.fetcher is not None:
            await self.fetcher.close()

    def report(self) -> dict[str, int]:
        """Return figures of this process."""
        return {
            "looks": self.looks.taken,
            "changed": self.looks.changed,
            "failed": self.looks.failed,
            "under_way": self.watch.under_way,
            "restarts": 0 if self.fetcher is None else self.fetcher.restarts,
        }


def _own(public_url: str) -> list[tuple[str, str]]:
    """Return below what our own refusal links lie: whoever opened one would refuse in somebody's
    name, or at least be counted as her."""
    if not public_url:
        return []
    parts = urlsplit(public_url)
    return [((parts.hostname or "").lower(), parts.path.rstrip("/") + PATH)]
