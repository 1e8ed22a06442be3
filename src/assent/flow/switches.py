"""Classes of traffic that staff switch off for everybody at once, and on again."""

from __future__ import annotations

from typing import Any

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Store, utc
from assent.flow.port_requests import StopRequest
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.message import Purpose


class Switches:
    """The switches. Every use is kept with its reason and announced to every process."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    async def stop(self, caller: Caller, request: StopRequest) -> dict[str, Any]:
        """Switch a class off; what is queued of it stays where it is. Raises InvalidInput."""
        check_staff(self._catalogue, caller)
        at = self._clock.now()
        _check(request, at)
        mask = sum(1 << Purpose[word.upper()] for word in set(request.purposes))
        industries = sorted(set(request.industries))
        reason = request.reason.strip()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow(
                "class_stop_insert", industries, mask, request.except_licensed, reason, utc(at),
                request.until,
            )  # fmt: skip
            assert row is not None, "an insert returns its row"
            told = _told(row)
            kept = ("id", "industries", "purposes", "except_licensed", "reason")
            subject = ",".join(industries) or "everything"
            after = {name: told[name] for name in kept}
            await keep_act(tx, caller, at, "switch.stop", subject, {}, after)
            await tx.execute("notify", CHANNEL, "")
        return told

    async def lift(self, caller: Caller, stop: int, reason: str) -> dict[str, Any]:
        """Switch a class on again. Raises Conflict when it is not switched off."""
        check_staff(self._catalogue, caller)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("class_stop_lift", stop, utc(at))
            if row is None:
                raise Conflict(
                    "not_stopped", "nothing is switched off by this id", field="id",
                    mend="see GET /v1/switches",
                )  # fmt: skip
            before = {"id": str(stop), "reason": row["reason"]}
            subject = ",".join(row["industries"]) or "everything"
            await keep_act(tx, caller, at, "switch.lift", subject, before, {"reason": reason})
            await tx.execute("notify", CHANNEL, "")
        return _told(row)

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return what is and was switched off, newest first."""
        check_staff(self._catalogue, caller)
        return {"items": [_told(row) for row in await self._store.fetch("class_stops_all")]}


def _check(request: StopRequest, at: float) -> None:
    until = request.until
    if until is not None and (until.tzinfo is None or until.timestamp() <= at):
        raise InvalidInput(
            "until", "the time has no zone or is over", field="until",
            mend="write a time to come like 2026-11-22T10:00:00+08:00, or leave it out",
        )  # fmt: skip
    if not request.reason.strip():
        raise InvalidInput("reason", "a switch needs a reason", field="reason", mend="say why")
    if request.except_licensed and not request.industries:
        raise InvalidInput(
            "except_licensed", "no industry is named whose licence could except anybody",
            field="industries", mend="name the industries",
        )  # fmt: skip


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "industries": list(row["industries"]),
        "purposes": [p.name.lower() for p in Purpose if row["purposes"] >> p & 1],
        "except_licensed": row["except_licensed"],
        "reason": row["reason"],
        "since": row["since"],
        "until": row["until"],
        "lifted_at": row["lifted_at"],
    }
