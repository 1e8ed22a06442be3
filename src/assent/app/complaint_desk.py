"""Complaints of a node: their doors, the desk, and what is done beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from assent.app.receipt_codes import receipt_code
from assent.errors import AssentError
from assent.flow.complaint_calls import ComplaintCalls
from assent.flow.complaint_desk import ComplaintDesk as Desk
from assent.flow.complaint_files import ComplaintFiles
from assent.flow.complaint_reading import ComplaintReading
from assent.flow.complaints import Complaints, Places
from assent.flow.screened import Text
from assent.numbers import NumberTable
from assent.registry.calendar import Calendar

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S: Final = 1.0
_REMIND_S: Final = 600.0
log = structlog.get_logger("assent")


class ComplaintDesk:
    """The rooms. See :class:`assent.web.complaint_services.ComplaintRooms`."""

    def __init__(self, node: Node) -> None:
        store, clock = node.store, node.clock
        file = node.settings.admission
        self.complaints = Complaints(
            clock,
            node.catalogue,
            node.directory,
            node.vault,
            Calendar(frozenset(file.holidays), frozenset(file.worked)),
            Places(NumberTable.load(), node.fleet.routes),
            receipt_code,
        )
        writing = (node.ids, node.writer)
        carriers = [carrier.name for carrier in node.settings.carriers]
        self.files = ComplaintFiles(store, self.complaints, *writing, carriers)
        self.calls = ComplaintCalls(store, self.complaints, *writing)
        self.desk = Desk(store, self.complaints, node.tidings)
        self.reading = ComplaintReading(store, self.complaints, self._categories, node.tidings)
        self._clock = clock
        self._remind = 0.0
        self.last_error = ""
        self._texts = node.screening.texts

    async def _categories(self, texts: Sequence[str]) -> list[str]:
        """Return what texts are, as screening has it; what it needs is read when first asked."""
        if not self._texts.on:
            return [""] * len(texts)
        return [one.category for one in await self._texts.screen([Text(one) for one in texts])]

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks, in one process of an installation."""
        start(self._run(), "complaints")

    async def _run(self) -> None:
        while True:
            try:
                await self.step(self._clock.now())
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
                log.warning("complaints_failed", code=error.code)
            await asyncio.sleep(_EVERY_S)

    async def step(self, at: float) -> None:
        """Read what is new, and remind when it is time to. Doing it again changes nothing. Raises
        AssentError."""
        while await self.reading.step():
            pass
        if at >= self._remind:
            await self.reading.remind()
            self._remind = at + _REMIND_S
