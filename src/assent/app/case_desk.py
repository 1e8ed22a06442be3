"""Cases of a node: the rooms, and what happens in them by rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from assent.clock import pause
from assent.errors import AssentError, InvalidInput
from assent.flow.alarms import Alarms
from assent.flow.case_appeals import Appeals
from assent.flow.case_out import CasesOut
from assent.flow.case_records import Records
from assent.flow.case_rows import Parts
from assent.flow.case_rules import CaseRules
from assent.flow.cases import Cases
from assent.flow.restrictions import Restrictions
from assent.policy.ladder import Ladder

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S: Final = 5.0


class CasesFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Cases. `ladder`: a file to use instead of the packaged ladder."""

    ladder: str | None = None


log = structlog.get_logger("assent")


def ladder_of(path: str | None) -> Ladder:
    """Return the ladder of a file, the packaged one without. Raises InvalidInput."""
    if path is None:
        return Ladder.packaged()
    try:
        return Ladder.read(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInput(
            "ladder", f"{path} cannot be read: {error.strerror}", field="cases.ladder",
            rule="settings: cases", mend="name a file, or leave it out",
        ) from None  # fmt: skip


class CaseDesk:
    """The rooms. See :class:`assent.web.case_services.CaseRooms`."""

    def __init__(self, node: Node) -> None:
        self._clock, self._looked = node.clock, node.looked
        self.ladder = ladder_of(node.settings.cases.ladder)
        parts = Parts(
            node.store, node.clock, node.vault, node.catalogue, node.front.desk.calendar,
            self.ladder, node.tidings,
        )  # fmt: skip
        alarms = Alarms(node.store, node.clock, node.catalogue)
        self.cases = Cases(parts, Restrictions(), alarms)
        self.appeals = Appeals(self.cases)
        self.out = CasesOut(parts, Records(parts, lambda: node.ledger.gathering))
        self.rules = CaseRules(self.cases)

    async def run(self) -> None:
        """Open and move on by rule until cancelled, in one process of an installation."""
        while True:
            begun = self._clock.now()
            try:
                await self.rules.step()
                await self._looked("cases", begun)
            except AssentError as error:
                log.warning("cases_failed", code=error.code)
            if self.rules.last_error:
                log.warning("case_failed", code=self.rules.last_error)
                self.rules.last_error = ""
            await pause(self._clock, _EVERY_S)
