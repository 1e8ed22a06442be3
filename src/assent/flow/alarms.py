"""Alarms: what detectors saw, kept once while it goes on, decided by people.

An alarm is known by its detector and key. Seen again while it is open (or while a case is about it)
it is the same alarm: `times` counts the hours in which it was seen, and severity, score and
evidence are those of the gravest sight. What was not seen for some days is over by itself. What
staff call wrong stays quiet for a week, unless it grows; what they settled, for a day.

Evidence holds counts, bounds and ids; never a number or a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from assent.clock import Clock
from assent.errors import Conflict, NotFound
from assent.flow.alarm_requests import AlarmConfirmation, AlarmDismissal
from assent.flow.alarm_words import told as words_told
from assent.flow.catalogue import Catalogue
from assent.flow.columns import pack_object
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, check_staff, keep_act

State = Literal["open", "case", "dismissed", "ended"]

QUIET_S: Final = 3 * 86_400.0
"""An open alarm that was not seen for so long is over."""

_HUSH_S: Final = 7 * 86_400.0
"""So long what staff called wrong is not raised again, unless it is graver or twice as strong."""
_DONE_S: Final = 86_400.0
"""So long what they settled is not: the hours that are looked at are still those of before."""
_GROWN: Final = 2.0
_SIMILAR: Final = 20
_LAST: Final = (1 << 63) - 1
_SECONDS_A_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a detector saw. `key`: what it is about, the same whenever it is seen again. `score`:
    how strong, comparable within a detector. `accounts`: members, where they are several.

    Severity 1: worth knowing. 2: somebody should look. 3: somebody must look at once.
    """

    detector: str
    key: str
    severity: int
    score: float
    evidence: Mapping[str, Any]
    sender: int | None = None
    account: int | None = None
    port: int | None = None
    accounts: Sequence[int] = field(default=())


class Alarms:
    """Raises and shows alarms. :meth:`raise_alarm`, :meth:`take_up` and :meth:`close` work inside
    the caller's transaction and check nobody."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    # For detectors and cases --------------------------------------------------------------------

    async def raise_alarm(self, tx: Transaction, alarm: Alarm, at: float) -> int | None:
        """Keep an alarm; return its id, or None where staff said lately that it is none. Seen again
        within the hour nothing changes. An event `alarm` tells of a new or graver one."""
        if await _hushed(tx, alarm, at):
            return None
        row = await tx.fetchrow(
            "alarm_raise", alarm.detector, alarm.key, alarm.severity, alarm.sender, alarm.account,
            alarm.port, sorted({*alarm.accounts}),
            json.dumps(alarm.evidence, ensure_ascii=False, sort_keys=True), alarm.score, utc(at),
        )  # fmt: skip
        assert row is not None, "an upsert returns its row"
        if row["fresh"] or row["graver"]:
            told = {
                "alarm": row["id"], "detector": alarm.detector, "severity": row["severity"],
                "fresh": row["fresh"],
            }  # fmt: skip
            # For staff only: no account hears that it is looked at.
            await tx.execute("event_insert", utc(at), "alarm", None, row["id"], pack_object(told))
        return int(row["id"])

    async def end_quiet(self, tx: Transaction, at: float) -> list[int]:
        """End what was not seen for some days; return which."""
        return [row["id"] for row in await tx.fetch("alarms_quiet", utc(at - QUIET_S))]

    async def take_up(self, tx: Transaction, alarm: int) -> None:
        """A case is about it from now on. Raises Conflict when it is over."""
        if await tx.fetchval("alarm_take_up", alarm) is None:
            raise _over()

    async def close(
        self, tx: Transaction, alarm: int, label: Literal["", "right", "wrong"] = ""
    ) -> None:
        """The case about it was closed; `label`: what came out. Nothing where it is over."""
        await tx.fetchval("alarm_close", alarm, label, utc(self._clock.now()))

    # For staff -----------------------------------------------------------------------------------

    async def list(
        self,
        caller: Caller,
        state: str | None = None,
        detector: str | None = None,
        severity: int = 1,
        sender: str | None = None,
        account: str | None = None,
        cursor: int = 0,
        limit: int = 100,
    ) -> dict[str, Any]:
        """Return alarms, newest first. Raises NotAllowed."""
        check_staff(self._catalogue, caller)
        wanted = (state, detector, severity, sender, account, cursor or _LAST, limit)
        rows = await self._store.fetch("alarms_shown", *wanted)
        return {
            "items": [summary(row) for row in rows],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }

    async def show(self, caller: Caller, alarm: int) -> dict[str, Any]:
        """Return an alarm with its evidence, and earlier ones of the kind about the same sender,
        account or owner, with what staff said. Raises NotAllowed, NotFound."""
        check_staff(self._catalogue, caller)
        row = await self._store.fetchrow("alarm_get", alarm)
        if row is None:
            raise _missing()
        return await self._told(self._store, row)

    async def dismiss(self, caller: Caller, alarm: int, request: AlarmDismissal) -> dict[str, Any]:
        """Nothing is to be done. Raises NotAllowed, NotFound, and Conflict where it is over or a
        case is about it."""
        check_staff(self._catalogue, caller)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await self._held(tx, caller, alarm)
            if row["state"] != "open":
                raise _over()
            await tx.execute(
                "alarm_dismiss", alarm, request.was, request.reason, utc(at), caller.key_id,
                caller.actor_id,
            )  # fmt: skip
            after = {"state": "dismissed", "was": request.was, "reason": request.reason}
            await self._act(tx, caller, at, "alarm.dismiss", row, after)
        return await self.show(caller, alarm)

    async def confirm(
        self, caller: Caller, alarm: int, request: AlarmConfirmation
    ) -> dict[str, Any]:
        """Something lies behind it; it stays open. Raises NotAllowed, NotFound, and Conflict where
        it was dismissed."""
        check_staff(self._catalogue, caller)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await self._held(tx, caller, alarm)
            if row["state"] == "dismissed":
                raise _over()
            await tx.execute(
                "alarm_confirm", alarm, request.reason, utc(at), caller.key_id, caller.actor_id
            )
            after = {"label": "right", "reason": request.reason}
            await self._act(tx, caller, at, "alarm.confirm", row, after)
        return await self.show(caller, alarm)

    async def figures(self, caller: Caller, days: int) -> dict[str, Any]:
        """Return for each detector and severity how many alarms of the last days staff confirmed
        and dismissed. `precision`: confirmed of all decided, None where none is."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        since = utc(now - days * _SECONDS_A_DAY)
        rows = await self._store.fetch("alarm_figures", since, utc(now + 1.0))
        return {"since": since, "items": [_figures(row) for row in rows]}

    async def _held(self, tx: Transaction, caller: Caller, alarm: int) -> Any:
        row = await tx.fetchrow("alarm_hold", alarm)
        if row is None:
            raise _missing()
        for account in {row["account_id"], *row["accounts"]} - {None}:
            await check_not_own(tx, caller, account, None)
        if row["sender_id"] is not None:
            entity = await tx.fetchval("alarm_entity", row["sender_id"])
            await check_not_own(tx, caller, None, entity)
        return row

    async def _act(
        self, tx: Transaction, caller: Caller, at: float, what: str, row: Any,
        after: Mapping[str, Any],
    ) -> None:  # fmt: skip
        before = {"state": row["state"], "label": row["label"], "detector": row["detector"]}
        await keep_act(tx, caller, at, what, str(row["id"]), before, after)

    async def _told(self, queries: Queries, row: Any) -> dict[str, Any]:
        rows = await queries.fetch(
            "alarms_similar", row["detector"], row["id"], row["sender_id"], row["account_id"],
            _SIMILAR,
        )  # fmt: skip
        names = await queries.fetch("alarm_accounts", row["accounts"])
        return {
            **summary(row),
            "evidence": json.loads(row["evidence"]),
            "accounts": [one["name"] for one in names],
            "similar": [_similar(one) for one in rows],
        }


async def _hushed(tx: Transaction, alarm: Alarm, at: float) -> bool:
    last = await tx.fetchrow("alarm_last_decided", alarm.detector, alarm.key)
    return (
        last is not None
        and at - last["decided_at"].timestamp() < (_HUSH_S if last["label"] == "wrong" else _DONE_S)
        and alarm.severity <= last["severity"]
        and alarm.score < _GROWN * last["score"]
    )


def summary(row: Any) -> dict[str, Any]:
    """Return an alarm in short."""
    return {
        "id": str(row["id"]), "detector": row["detector"], "what": words_told(row["detector"]),
        "severity": row["severity"], "score": round(row["score"], 2), "state": row["state"],
        "label": row["label"], "key": row["key"], "sender": row["credit_code"],
        "sender_name": row["legal_name"], "account": row["account"], "port": row["port"],
        "carrier": row["carrier"], "first_at": row["first_at"], "last_at": row["last_at"],
        "times": row["times"], "decided_at": row["decided_at"], "reason": row["why"],
    }  # fmt: skip


def _similar(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]), "severity": row["severity"], "score": round(row["score"], 2),
        "state": row["state"], "label": row["label"], "reason": row["why"],
        "sender": row["credit_code"], "account": row["account"], "first_at": row["first_at"],
        "last_at": row["last_at"], "times": row["times"], "decided_at": row["decided_at"],
    }  # fmt: skip


def _figures(row: Any) -> dict[str, Any]:
    decided = row["confirmed"] + row["dismissed"]
    return {
        "detector": row["detector"], "severity": row["severity"], "raised": row["raised"],
        "confirmed": row["confirmed"], "dismissed": row["dismissed"], "waiting": row["waiting"],
        "precision": round(row["confirmed"] / decided, 3) if decided else None,
    }  # fmt: skip


def _missing() -> NotFound:
    return NotFound("no_alarm", "there is no such alarm", field="id", mend="see GET /v1/alarms")


def _over() -> Conflict:
    return Conflict(
        "alarm_over", "the alarm is decided, over, or a matter of its case", field="id",
        mend="see where it stands (GET /v1/alarms/{id})",
    )  # fmt: skip
