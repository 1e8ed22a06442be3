"""Screening of texts in a node: what it is done with, and the reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from assent.app.screens import loader_of, screening_document
from assent.errors import AssentError
from assent.flow.screen_senders import Senders
from assent.flow.screening import CHANNEL, Texts
from assent.flow.settings_log import SCREENING
from assent.flow.template_watch import TemplateWatch
from assent.flow.text_desk import TextDesk
from assent.flow.text_matters import AppealMatter, TextMatter
from assent.flow.text_reports import TextReports
from assent.flow.text_reviews import TextReviews

if TYPE_CHECKING:
    from assent.app.node import Node


PREPARE_S: Final = 20.0
"""Seconds after the start from which there is time for what can wait."""


log = structlog.get_logger("assent")


class ScreeningDesk:
    """The parts. `texts` is there from the start; :meth:`serve` adds the rest, once there is a
    review desk."""

    channel = CHANNEL

    def __init__(self, node: Node) -> None:
        self._node = node
        self.texts = Texts(
            node.store,
            node.clock,
            node.vault,
            Senders(node.catalogue),
            loader_of(node.settings.screening),
        )  # fmt: skip
        self.reviews: TextReviews
        self.desk: TextDesk
        self.reports: TextReports
        self.watch: TemplateWatch

    def serve(self) -> None:
        """Take on held texts and appeals."""
        node = self._node
        file = node.settings.screening
        self.reviews = TextReviews(
            node.store, node.clock, node.vault, node.catalogue, node.front.desk, self.texts,
            node.settings.refusal_wording, file.days(),
        )  # fmt: skip
        self.desk = TextDesk(self.reviews)
        self.reports = TextReports(self.reviews)
        node.front.desk.plug(TextMatter(self.reviews))
        node.front.desk.plug(AppealMatter(self.reviews))
        node.submit.keep = self.reviews.keep
        self.watch = TemplateWatch(self.reviews)

    def documents(self) -> dict[str, bytes]:
        """Return what the ledger is told of screening: nothing before it was read."""
        screens = self.texts.screens
        return {} if screens is None else {SCREENING: screening_document(screens)}

    async def tend(self) -> None:
        """Screen templates again where that is due, until cancelled; not while a node is just
        starting. One process of an installation does."""
        while True:
            await asyncio.sleep(PREPARE_S)
            try:
                await self.watch.step(self._node.clock.now())
            except AssentError as error:
                log.warning("templates_unscreened", code=error.code)

    async def prepare(self) -> None:
        """Read models, words and lists a while after the start, so that no text waits for them."""
        if self.texts.on:
            await asyncio.sleep(PREPARE_S)
            try:
                await self.texts.ready()
            except AssentError as error:
                log.error("screening_unread", **error.to_problem())

    def heard(self, follow: Callable[[], None]) -> Callable[[str], None]:
        """Return what to do where a text was kept or decided: forget it, and `follow` templates."""

        def call(payload: str = "") -> None:
            self.texts.forget(payload)
            follow()

        return call
