"""Restrictions and ceilings of a node: looked at beside the counting, told to those concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

from assent.clock import pause
from assent.errors import AssentError
from assent.flow.carrier_blocks import CarrierBlocks
from assent.flow.ceilings import Ceilings
from assent.flow.restriction_desk import RestrictionDesk

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S: Final = 15.0
log = structlog.get_logger("assent")


class CeilingDesk:
    """The rooms. See :class:`assent.web.restriction_services.RestrictionRooms`."""

    def __init__(self, node: Node) -> None:
        parts = node.store, node.clock, node.catalogue
        self._clock, self._looked = node.clock, node.looked
        self.ceilings = Ceilings(*parts, node.rulebook)
        self.restrictions = RestrictionDesk(*parts)
        carriers = [carrier.name for carrier in node.settings.carriers]
        self.blocks = CarrierBlocks(*parts, node.directory, carriers)

    def run(self, start: Callable[[Any, str], None]) -> None:
        """Start to look, in the process that watches."""
        start(self._look(), "ceilings")

    async def _look(self) -> None:
        while True:
            begun = self._clock.now()
            try:
                imposed = await self.ceilings.step()
                if imposed:
                    log.info("ceilings_crossed", restrictions=imposed)
                await self._looked("ceilings", begun)
            except AssentError as error:
                log.warning("ceilings_failed", code=error.code)
            await pause(self._clock, _EVERY_S)
