"""The front door of a node: the rooms of admission over its store, and the daily look at ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from assent.errors import AssentError
from assent.flow.documents import PaperLimits
from assent.flow.front import Front, FrontSettings
from assent.registry.signed_pdf import Roots
from assent.registry.table import Table

if TYPE_CHECKING:
    from assent.app.node import Node

_LOOK_S: Final = 600.0
log = structlog.get_logger("assent")


def front_of(node: Node) -> Front:
    """Return the front door of a node. Raises InvalidInput for a file that cannot be read."""
    file = node.settings.admission
    settings = FrontSettings(
        file.review_days,
        frozenset(file.holidays),
        frozenset(file.worked),
        PaperLimits(file.paper_octets),
        Roots.load([Path(one) for one in file.licence_roots]),
    )
    parts = (node.store, node.clock, node.vault, node.catalogue)
    return Front(*parts, Table.load(), settings, node.tidings)


async def warn_daily(node: Node) -> None:
    """Warn of papers that end, whenever a mark is reached. Each is warned of once, so looking often
    costs a query."""
    while True:
        try:
            await node.front.expiry.step()
        except AssentError as error:
            log.warning("expiry_failed", code=error.code)
        await asyncio.sleep(_LOOK_S)
