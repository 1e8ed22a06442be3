"""Evidence for auditors: bundles, and where the ledger stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assent.flow.consistency import consistency
from assent.flow.evidence import Wanted
from assent.flow.needs import utc
from assent.flow.reconcile import Reconciling
from assent.flow.requests import Caller, EvidenceRequest
from assent.flow.rollback import Recoveries
from assent.flow.sealing import last
from assent.flow.staff import check_staff, keep_act
from assent.flow.succession import past_keys

if TYPE_CHECKING:
    from assent.app.node import Node


class EvidenceDesk:
    """See :class:`assent.web.services.Evidence`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.bills = Reconciling(node.store, node.clock, node.catalogue)

    async def bundle(self, caller: Caller, request: EvidenceRequest) -> bytes:
        """Return an archive; that it was made is written down first, without the number."""
        node = self._node
        check_staff(node.catalogue, caller)
        wanted = Wanted(request.recipient, request.sender, request.since, request.to)
        archive = await node.ledger.gathering.bundle(wanted)
        period = {"from": request.since.isoformat(), "to": request.to.isoformat()}
        async with node.store.transaction() as tx:
            await keep_act(
                tx, caller, node.clock.now(), "evidence.bundle", request.sender, {}, period
            )
        return archive

    async def state(self, caller: Caller) -> Mapping[str, Any]:
        """Return the last checkpoint, the keys, and what witnesses cosigned."""
        node = self._node
        check_staff(node.catalogue, caller)
        head = await last(node.store)
        rows = await node.store.fetch("witnesses_all")
        recoveries = Recoveries(node.store, node.clock, node.catalogue)
        return {
            "origin": node.ledger.origin,
            "size": head.size,
            "root": head.root.hex(),
            "sealed_at": utc(head.at) if head.size else None,
            "unsealed": await node.store.fetchval("ledger_head") - head.size,
            "checkpoint": head.note,
            "keys": [str(key) for key in node.ledger.keys],
            "witnesses": [
                {"name": row["name"], "size": row["size"], "seen_at": row["at"]} for row in rows
            ],
            "held": node.catalogue.ledger_held,
            "past_keys": [str(key) for key in await past_keys(node.store)],
            "recoveries": await recoveries.show(),
        }

    async def consistency(self, caller: Caller, old: int, new: int) -> Mapping[str, Any]:
        """Return a proof that the ledger at one size begins it at another."""
        node = self._node
        check_staff(node.catalogue, caller)
        return await consistency(node.store, node.ledger.origin, old, new)

    async def resume(self, caller: Caller, reason: str) -> Mapping[str, Any]:
        """See :class:`assent.flow.rollback.Recoveries`."""
        node = self._node
        return await Recoveries(node.store, node.clock, node.catalogue).end(caller, reason)
