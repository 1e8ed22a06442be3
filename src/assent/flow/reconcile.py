"""Reconciliation: what a carrier says it carried, against what left by this platform.

A port that a carrier bills more for than we handed in was used beside the ledger: somebody sent
what nobody decided about. Less means that the carrier lost count, or we did. Segments whose answer
was lost may be on the bill or not, so they explain as many and no more.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, unpack
from assent.flow.days import midnight
from assent.flow.ledger_requests import BillRequest
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.message import AttemptStatus

_DAY_S: Final = 86_400.0
_LONGEST_S: Final = 8 * _DAY_S
"""A message is attempted within this time after its order, so older batches are not looked at."""
_PAGE: Final = 2_000

WORDS: Final[dict[str, tuple[str, str]]] = {
    "beside_ledger": ("账本之外的发送", "billed, and not sent by this platform"),
    "not_billed": ("已发送未计费", "sent by this platform, and not billed"),
    "unknown_port": ("未登记的端口号", "a port that this platform does not have"),
}


@dataclass(slots=True)
class Sent:
    """Segments of a port on a day, by how the carrier answered."""

    accepted: int = 0
    unsure: int = 0
    refused: int = 0


def finding(billed: int, sent: Sent, known: bool) -> str:
    """Return what a line shows: a code of :data:`WORDS`, nothing where it agrees."""
    if not known:
        return "unknown_port" if billed else ""
    if billed > sent.accepted + sent.unsure:
        return "beside_ledger"
    return "not_billed" if billed < sent.accepted else ""


async def sent_on(queries: Queries, carrier: str, day: date) -> dict[str, Sent]:
    """Return what left for a carrier on a day of the country's calendar, by port."""
    begin = midnight(day)
    low = int((begin - _LONGEST_S) * 1000) << 11
    high = int((begin + _DAY_S) * 1000) << 11
    found: dict[str, Sent] = defaultdict(Sent)
    place = (0, 0)
    while True:
        rows = await queries.fetch(
            "results_of_day", carrier, utc(begin), utc(begin + _DAY_S), low, high, *place, _PAGE
        )
        for row in rows:
            counts = np.bincount(unpack(row["statuses"], U8), minlength=8)
            sent = found[row["port"]]
            sent.accepted += int(counts[AttemptStatus.ACCEPTED])
            sent.unsure += int(counts[AttemptStatus.UNSURE])
            sent.refused += int(counts[AttemptStatus.REFUSED])
        if len(rows) < _PAGE:
            return dict(found)
        place = (rows[-1]["batch_id"], rows[-1]["id"])


class Reconciling:
    """Takes bills of carriers and shows what came of them."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    async def take(self, caller: Caller, request: BillRequest) -> dict[str, Any]:
        """Compare a bill and keep the comparison; the same bill again is the first answer. Raises
        InvalidInput for a carrier, a day or a port that cannot be."""
        check_staff(self._catalogue, caller)
        at = self._clock.now()
        self._check(request, at)
        billed = {line.port: line.segments for line in request.lines}
        octets = json.dumps([request.carrier, str(request.day), sorted(billed.items())]).encode()
        digest = hashlib.sha256(octets).digest()
        sent = await sent_on(self._store, request.carrier, request.day)
        ports = {port.number for port in self._catalogue.ports.values()
                 if port.carrier == request.carrier}  # fmt: skip
        lines = []
        for port in sorted({*billed, *sent}):
            ours, theirs = sent.get(port, Sent()), billed.get(port, 0)
            code = finding(theirs, ours, port in ports or port in sent)
            lines.append((port, theirs, ours.accepted, ours.unsure, ours.refused, code))
        async with self._store.transaction() as tx:
            findings = sum(1 for line in lines if line[-1])
            bill = await tx.fetchval(
                "bill_put", request.carrier, request.day, digest, utc(at), findings
            )
            if bill is None:
                bill = await tx.fetchval("bill_same", request.carrier, request.day, digest)
            else:
                await tx.executemany("bill_line_put", [(bill, *line) for line in lines])
                subject = f"{request.carrier} {request.day}"
                after = {"bill": bill, "ports": len(lines), "findings": findings}
                await keep_act(tx, caller, at, "ledger.reconcile", subject, {}, after)
        return await self.show(caller, bill)

    def _check(self, request: BillRequest, at: float) -> None:
        if request.carrier not in {port.carrier for port in self._catalogue.ports.values()}:
            raise InvalidInput(
                "unknown_carrier", "no port is with this carrier", field="carrier",
                mend="name a carrier as the settings do",
            )  # fmt: skip
        if midnight(request.day) + _DAY_S > at:
            raise InvalidInput(
                "day_not_over", "the day is not over", field="day",
                mend="bring the bill of a day that has ended",
            )  # fmt: skip
        if len({line.port for line in request.lines}) != len(request.lines):
            raise InvalidInput(
                "port_twice", "a port has two lines", field="lines", mend="add them up first"
            )

    async def show(self, caller: Caller, bill: int) -> dict[str, Any]:
        """Return a comparison with its lines. Raises NotFound."""
        check_staff(self._catalogue, caller)
        row = await self._store.fetchrow("bill_get", bill)
        if row is None:
            raise NotFound("no_bill", "there is no such bill", field="id")
        lines = await self._store.fetch("bill_lines", bill)
        return {**_told(row), "lines": [_line(line) for line in lines]}

    async def list(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return comparisons, newest first; those with findings say how many."""
        check_staff(self._catalogue, caller)
        rows = await self._store.fetch("bills", cursor or (1 << 31) - 1, limit)
        return {
            "items": [_told(row) for row in rows],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "carrier": row["carrier"],
        "day": row["day"],
        "at": row["at"],
        "findings": row["findings"],
    }


def _line(row: Any) -> dict[str, Any]:
    chinese, english = WORDS.get(row["finding"], ("", ""))
    return {
        **{name: row[name] for name in ("port", "billed", "accepted", "unsure", "refused")},
        "difference": row["billed"] - row["accepted"],
        "finding": row["finding"] or None,
        "zh": chinese,
        "en": english,
    }
