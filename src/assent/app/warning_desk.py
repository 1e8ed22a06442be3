"""Early warning of a node: alarms shown to staff, detectors run in one process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import structlog

from assent.clock import pause
from assent.errors import AssentError
from assent.flow.alarms import Alarms
from assent.flow.completed import Completed
from assent.watch.warning import EarlyWarning

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S: Final = 60.0
log = structlog.get_logger("assent")


class WarningDesk:
    """The rooms. See :class:`assent.web.warning_services.WarningRooms`."""

    def __init__(self, node: Node) -> None:
        parts = (node.store, node.clock)
        self.alarms = Alarms(*parts, node.catalogue)
        self.completed = Completed(*parts)
        self._clock, self._looked = node.clock, node.looked
        self.warning = EarlyWarning(*parts, self.alarms, node.settings.warning.rules())

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the watching, in one process of an installation."""
        start(self._watch(), "warning")

    async def _watch(self) -> None:
        while True:
            begun = self._clock.now()
            try:
                await self.warning.step()
                await self._looked("warning", begun)
            except AssentError as error:
                log.warning("warning_failed", code=error.code)
            await pause(self._clock, _EVERY_S)
