"""People who are to be forgotten, numbers with new holders, and consents that end: a node's part.

The desk checks who asks; the rooms of flow do it. One process of an installation runs the slow side
of it (:meth:`ErasureDesk.run`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from assent.consent.entry import Channel
from assent.errors import AssentError, InvalidInput
from assent.flow.applications import refuse_sandbox
from assent.flow.erasure import Erased, Erasing, Wish
from assent.flow.erasure_requests import (
    ErasureRequest,
    HoldRequest,
    ReassignmentRequest,
    RelationEnd,
)
from assent.flow.kept_evidence import KeptEvidence
from assent.flow.lapses import Lapses
from assent.flow.reassignment import Reassignments
from assent.flow.requests import Caller
from assent.flow.staff import check_staff
from assent.flow.traces import Traces
from assent.numbers import NumberTable, parse

if TYPE_CHECKING:
    from assent.app.node import Node

_LOOK_S: Final = 10.0
_BETWEEN_S: Final = 0.05
_LONGEST: Final = 500
_MANY_DIGITS: Final = re.compile(r"\d(?:[ \-.]?\d){6}")  # what is kept for ever names no number


class ErasureDesk:
    """See :class:`assent.web.erasure_services.Forgetting`."""

    def __init__(self, node: Node) -> None:
        keeping = node.rulebook.keeping
        base = (node.store, node.clock, node.vault)
        self._node = node
        journal = node.ledger.journal
        self.erasing = Erasing(*base, keeping.content_months, journal)
        self.traces = Traces(*base)
        self.reassignments = Reassignments(*base, journal)
        self.kept = KeptEvidence(*base, node.catalogue, keeping.evidence_months)
        self.lapses = Lapses(
            node.store,
            node.clock,
            node.catalogue,
            node.directory,
            node.rulebook,
            NumberTable.load(),
        )
        self.last_error = ""
        node.live.on_over = self._over  # nothing is synced before this

    def _over(self, people: npt.NDArray[np.uint32]) -> None:
        """Forget the numbers of people who were erased or whose number has a new holder."""
        self._node.directory.forget(people)
        self._node.dispatcher.leases.forget(people)

    # What staff and customers ask ------------------------------------------------------------

    async def erase(self, caller: Caller, request: ErasureRequest) -> Mapping[str, Any]:
        """Erase a person; staff say how she asked and how it was seen that the number is hers."""
        check_staff(self._node.catalogue, caller)
        ground = _words(request.ground, "ground")
        channel = Channel[request.channel.upper()]
        number = _number(request.recipient)
        wish = Wish(number, "staff", request.keep_mark, ground, channel)
        return told(await self.erasing.erase(wish, caller))

    async def erasures(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """List erasures, without numbers."""
        check_staff(self._node.catalogue, caller)
        return await self.erasing.listed(cursor, limit)

    async def hold(self, caller: Caller, request: HoldRequest) -> Mapping[str, Any]:
        """Keep what is known of a person."""
        check_staff(self._node.catalogue, caller)
        if request.until is not None and request.until.tzinfo is None:
            raise InvalidInput(
                "time_without_zone", "a time has no zone", field="until",
                mend="write it like 2026-11-22T10:00:00+08:00",
            )  # fmt: skip
        why = _words(request.why, "why")
        return await self.erasing.hold(caller, _number(request.recipient), why, request.until)

    async def holds(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """List legal holds in force."""
        check_staff(self._node.catalogue, caller)
        return await self.erasing.holds(cursor, limit)

    async def lift(self, caller: Caller, hold: int) -> Mapping[str, Any]:
        """Lift a legal hold."""
        check_staff(self._node.catalogue, caller)
        return await self.erasing.lift(caller, hold)

    async def reassigned(self, caller: Caller, request: ReassignmentRequest) -> Mapping[str, Any]:
        """Take a carrier's file of numbers that have a new holder."""
        check_staff(self._node.catalogue, caller)
        return await self.reassignments.take(caller, request)

    async def sources(self, caller: Caller) -> Mapping[str, Any]:
        """Return what each source of such files told so far, in counts."""
        check_staff(self._node.catalogue, caller)
        return await self.reassignments.sources()

    async def end(
        self, caller: Caller, request: RelationEnd, *, key: str | None, sha: bytes
    ) -> bytes:
        """End consents whose relation is over; return JSON."""
        refuse_sandbox(caller)
        return await self.lapses.end(caller, request, key=key, sha=sha)

    async def keep(self, caller: Caller, octets: bytes) -> Mapping[str, Any]:
        """Keep a file that backs consents."""
        return await self.kept.add(caller, octets)

    async def kept_file(self, caller: Caller, digest: str) -> tuple[str, bytes]:
        """Return such a file."""
        return await self.kept.show(caller, digest)

    # What goes on by itself --------------------------------------------------------------------

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the slow side, in one process of an installation."""
        start(self._run(), "forgetting")

    async def _run(self) -> None:
        while True:
            try:
                more = await self.step()
                self.last_error = ""
            except AssentError as error:
                self.last_error, more = error.code, False
            await asyncio.sleep(_BETWEEN_S if more else _LOOK_S)

    async def step(self) -> bool:
        """Do the next portion of everything that is due; return whether there is more."""
        await self.erasing.held_over()
        more = [await self.traces.step(), await self.lapses.step(), await self.kept.step()]
        return any(more)


def told(erased: Erased) -> dict[str, Any]:
    """Return what came of an erasure as it is told."""
    return {"state": erased.state, "until": erased.until}


def _number(text: str) -> int:
    parsed = parse([text])
    if parsed.fault[0]:
        raise InvalidInput(
            "bad_number", "this is no telephone number", field="recipient",
            mend="write it with its country code, or as a Chinese mobile number",
        )  # fmt: skip
    return int(parsed.msisdn[0])


def _words(text: str, field: str) -> str:
    words = text.strip()
    if not words or len(words) > _LONGEST or _MANY_DIGITS.search(words):
        raise InvalidInput(
            "ground", f"{field} is empty, longer than {_LONGEST} characters, or holds a number",
            field=field, rule="erasure: grounds",
            mend="say it in words, without the telephone number",
        )  # fmt: skip
    return words
