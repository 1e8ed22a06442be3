"""Everything for receivers in one place: made once in a process that serves their pages."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Final

from assent.clock import Clock
from assent.flow.evidence import Gathering, Wanted
from assent.flow.needs import utc
from assent.flow.receiver_acts import ReceiverActs
from assent.flow.receiver_proof import ReceiverProof, Visitor
from assent.flow.receiver_view import ReceiverView
from assent.flow.refusal_links import RefusalLinks

_YEAR_S: Final = 366 * 86_400.0
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Receivers:
    """The parts."""

    clock: Clock
    proof: ReceiverProof
    view: ReceiverView
    acts: ReceiverActs
    links: RefusalLinks
    gathering: Gathering

    async def evidence(self, visitor: Visitor, sender: int) -> bytes:
        """Return the bundle of evidence about a receiver and one sender's group, of a year: the
        same that an auditor gets. Raises NotFound, Conflict where it is too much for one."""
        now = self.clock.now()
        recipient, code = self.acts.proof_of(visitor, sender)
        wanted = Wanted(recipient, code, utc(now - _YEAR_S), utc(now + 1))
        return await self.gathering.bundle(wanted)

    async def data(self, visitor: Visitor) -> bytes:
        """Return a ZIP with all that is known of a receiver."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            info = zipfile.ZipInfo("everything.json", _FIRST_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, await self.view.everything(visitor))
        return archive.getvalue()
