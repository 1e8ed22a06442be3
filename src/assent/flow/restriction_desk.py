"""Restrictions for people: customers see what binds them, staff impose and lift.

Whoever imposed a restriction does not lift it, and what a case imposed is lifted in the case.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow.catalogue import Catalogue
from assent.flow.ceiling_words import province, province_place
from assent.flow.needs import Queries, Store
from assent.flow.requests import Caller
from assent.flow.restricted import Scope, scope_of
from assent.flow.restriction_requests import RestrictionLift, RestrictionRequest
from assent.flow.restrictions import Restrictions, no_restriction
from assent.flow.staff import check_not_own, check_staff, keep_act, same_person
from assent.message import Purpose

OVERSEERS: Final = (
    "enforce", "second_enforce", "review", "second_review", "admin", "audit", "support",
)  # fmt: skip
"""Staff with any of these see all restrictions."""
SCOPES: Final = ("send", "campaigns", "read", *OVERSEERS)
_AT_ONCE: Final = 200
_SCANNED: Final = 2_000


class RestrictionDesk:
    """The room."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._restrictions = Restrictions()

    # Looking --------------------------------------------------------------------------------

    async def list(
        self, caller: Caller, cursor: int | None, limit: int, past: bool = False
    ) -> dict[str, Any]:
        """Return restrictions newest first, below an id: customers those that bind them or did,
        staff all. `past`: also those that are over. Raises NotAllowed."""
        everything = self._sees_all(caller)
        items: list[dict[str, Any]] = []
        before, scanned = cursor or None, 0
        while len(items) < limit and scanned < _SCANNED:
            now = self._clock.now()
            rows = await self._restrictions.page(
                self._store, now, before, open_only=not past, most=_AT_ONCE
            )
            scanned += len(rows)
            for row in rows:
                before = row["id"]
                if everything or self._concerns(caller, row):
                    items.append(self._told(caller, row, everything))
                    if len(items) == limit:
                        break
            if len(rows) < _AT_ONCE:
                break
        more = bool(items) and (len(items) == limit or scanned >= _SCANNED)
        return {"items": items, "cursor": str(before) if more else None}

    async def show(self, caller: Caller, id_: int) -> dict[str, Any]:
        """Return one; staff also see what was counted. Raises NotFound, NotAllowed."""
        everything = self._sees_all(caller)
        row = await self._restrictions.get(self._store, id_)
        if not everything and not self._concerns(caller, row):
            raise no_restriction()
        told = self._told(caller, row, everything)
        if everything and row["source"] == "ceiling":
            finding = await self._store.fetchrow("ceiling_finding_get", row["source_id"])
            if finding is not None:
                told["evidence"] = {
                    "ceiling": finding["ceiling"], "key": finding["key"],
                    "from": finding["from_hour"], "to": finding["to_hour"],
                    "messages": finding["messages"], "events": finding["events"],
                    "rate": finding["rate"], "bound": finding["bound"],
                    "confidence": finding["confidence"], "step": finding["step"],
                    "rulebook": bytes(finding["rulebook"]).hex(),
                    "withdrawn_at": finding["withdrawn_at"],
                }  # fmt: skip
        return told

    def _sees_all(self, caller: Caller) -> bool:
        """Tell whether somebody is of the staff. Raises NotAllowed for a key of the operator's that
        is made for something else."""
        account = self._catalogue.accounts.get(caller.account_id)
        if account is None or account.kind != "operator":
            return False
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(OVERSEERS):
            raise NotAllowed(
                "missing_scope", f"it needs one of {', '.join(OVERSEERS)}", field="Authorization",
                rule="http-api: keys", mend="use another key",
            )  # fmt: skip
        return True

    def _concerns(self, caller: Caller, row: Any) -> bool:
        """Return whether a restriction binds something that a customer has."""
        scope, catalogue = scope_of(row), self._catalogue
        if scope.account_id is not None and scope.account_id not in catalogue.chain.accounts_of(
            caller.account_id
        ):
            return False
        senders = catalogue.chain.acted_for(caller.account_id)
        ids = {one.id for one in senders}
        port = catalogue.ports.get(scope.port_id or 0)
        return (
            (scope.sender_id is None or scope.sender_id in ids)
            and (scope.group_id is None or scope.group_id in {one.group_id for one in senders})
            and (scope.port_id is None or (port is not None and port.sender_id in ids))
        )

    def _told(self, caller: Caller, row: Any, everything: bool) -> dict[str, Any]:
        catalogue, scope = self._catalogue, scope_of(row)
        sender, port = (
            catalogue.senders.get(scope.sender_id or 0),
            catalogue.ports.get(scope.port_id or 0),
        )
        account = catalogue.accounts.get(scope.account_id or 0)
        seen = (
            list(catalogue.senders.values())
            if everything
            else catalogue.chain.acted_for(caller.account_id)
        )
        group = [one.credit_code for one in seen if one.group_id == scope.group_id]
        words = json.loads(row["words"])
        told = {
            "id": str(row["id"]),
            "sender": None if sender is None else sender.credit_code,
            "group": sorted(group) if scope.group_id is not None else None,
            "account": None if account is None else account.name,
            "port": None if port is None else port.number,
            "carrier": scope.carrier or (port.carrier if port else None),
            "province": None if not scope.province else dict(
                zip(("en", "zh"), province(scope.province), strict=True)
            ),
            "category": scope.category or None,
            "purposes": [p.name.lower() for p in Purpose if scope.purposes >> p & 1],
            "effect": row["effect"],
            "code": row["code"],
            "en": words["en"],
            "zh": words["zh"],
            "source": row["source"],
            "case": str(row["source_id"]) if row["source"] == "case" else None,
            "step": row["step"] or None,
            "since": row["since"],
            "until": row["until"],
            "lifted_at": row["lifted_at"],
        }  # fmt: skip
        return told | ({"lifted_by": row["lifted_by"]} if everything else {})

    # Staff ----------------------------------------------------------------------------------

    async def impose(self, caller: Caller, request: RestrictionRequest) -> dict[str, Any]:
        """Impose a restriction. Raises NotAllowed, InvalidInput."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        scopes = self._scopes(request)
        until = None if request.until is None else request.until
        if until is not None and until.tzinfo is None:
            raise InvalidInput(
                "until", "the time has no zone", field="until",
                mend="write a time to come like 2026-11-22T10:00:00+08:00, or leave it out",
            )  # fmt: skip
        words = {"en": request.en, "zh": request.zh}
        made = []
        async with self._store.transaction() as tx:
            for scope in scopes:
                id_ = await self._restrictions.impose(
                    tx, scope, request.effect, "staff", words, "staff", None, now,
                    None if until is None else until.timestamp(),
                )  # fmt: skip
                row = await self._restrictions.get(tx, id_)
                made.append(self._told(caller, row, True))
                after = {
                    name: made[-1][name] for name in (
                        "sender", "group", "account", "port", "carrier", "province", "category",
                        "purposes", "effect", "en", "zh",
                    )
                } | {"reason": request.reason}  # fmt: skip
                await keep_act(tx, caller, now, "restriction.impose", str(id_), {}, after)
        return {"items": made}

    async def lift(self, caller: Caller, id_: int, request: RestrictionLift) -> dict[str, Any]:
        """Lift a restriction: by somebody else than who imposed it, who does not act for whom it
        concerns. Raises NotFound, NotAllowed, Conflict."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await self._restrictions.get(tx, id_)
            if row["source"] == "case":
                raise Conflict(
                    "restriction_of_case", f"case {row['source_id']} imposed it", field="id",
                    mend="decide it in the case (assent case)",
                )  # fmt: skip
            await self._check_other(tx, caller, row)
            row = await self._restrictions.lift(tx, id_, "staff", now)
            told = self._told(caller, row, True)
            before = {"effect": told["effect"], "code": told["code"]}
            after = {"reason": request.reason}
            await keep_act(tx, caller, now, "restriction.lift", str(id_), before, after)
        return told

    async def _check_other(self, tx: Queries, caller: Caller, row: Any) -> None:
        imposer = await tx.fetchrow("restriction_imposer", str(row["id"]))
        mine = caller.key_id, caller.actor_id
        if imposer is not None and same_person((imposer["key_id"], imposer["actor_id"]), mine):
            raise NotAllowed(
                "same_person", "whoever imposed a restriction does not lift it", field="id",
                rule="ceilings: two persons", mend="have a colleague lift it",
            )  # fmt: skip
        scope = scope_of(row)
        senders = [
            one for one in self._catalogue.senders.values()
            if one.id == scope.sender_id or one.group_id == scope.group_id
        ]  # fmt: skip
        port = self._catalogue.ports.get(scope.port_id or 0)
        if port is not None and port.sender_id in self._catalogue.senders:
            senders.append(self._catalogue.senders[port.sender_id])
        for entity in {one.entity_id for one in senders} or {None}:
            await check_not_own(tx, caller, scope.account_id, entity)

    def _scopes(self, request: RestrictionRequest) -> Sequence[Scope]:
        """Return what a request names: a port's number has a row on each carrier. Raises
        InvalidInput."""
        catalogue = self._catalogue
        sender = account = None
        if request.sender is not None:
            sender = _one(catalogue.senders, "credit_code", request.sender, "sender")
        elif request.whole_group:
            raise _unknown("sender", "no sender is named whose group it could be")
        if request.account is not None:
            account = _one(catalogue.accounts, "name", request.account, "account").id
        place = 0
        if request.province is not None:
            found = province_place(request.province)
            if found is None:
                raise _unknown("province", "there is no such province")
            place = found
        carriers = {port.carrier for port in catalogue.ports.values()}
        if request.carrier is not None and request.carrier not in carriers:
            raise _unknown("carrier", "no port is on such a carrier")
        group = sender.group_id if sender is not None and request.whole_group else None
        alone = sender.id if sender is not None and not request.whole_group else None
        common = (request.carrier or "", place, request.category or "", sum(
            1 << Purpose[word.upper()] for word in set(request.purposes)))  # fmt: skip
        if request.port is None:
            return [Scope(group, alone, account, None, *common)]
        ports = [
            port.id for port in catalogue.ports.values()
            if port.number == request.port and request.carrier in (None, port.carrier)
        ]  # fmt: skip
        if not ports:
            raise _unknown("port", "there is no such port")
        return [Scope(group, alone, account, port, *common) for port in sorted(ports)]


def _one(rows: Any, name: str, value: str, field: str) -> Any:
    for row in rows.values():
        if getattr(row, name) == value:
            return row
    raise _unknown(field, f"there is no such {field}")


def _unknown(field: str, message: str) -> InvalidInput:
    return InvalidInput("bad_restriction", message, field=field, mend="name one that there is")
