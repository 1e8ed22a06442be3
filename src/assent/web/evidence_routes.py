"""Routes for auditors: evidence bundles, and where the consent ledger stands."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.ledger_requests import BillRequest, ResumeRequest
from assent.flow.requests import EvidenceRequest
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import Cursor, Limit, answer, exchange_of
from assent.web.services import Services

From = Annotated[int, Query(alias="from", ge=0, lt=1 << 63)]
To = Annotated[int, Query(ge=0, lt=1 << 63)]
BillId = Annotated[int, Path(ge=0, lt=1 << 31)]
MOST_ID: Final = (1 << 31) - 1
_SAVE: Final = {"Content-Disposition": 'attachment; filename="evidence.zip"'}


def evidence_router(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    wanted = msgspec.json.Decoder(EvidenceRequest)
    ended = msgspec.json.Decoder(ResumeRequest)

    @router.post("/v1/evidence", **described(EvidenceRequest))
    async def evidence(request: Request) -> Response:
        """Gather what is known of a person and a sender into one archive, with proofs."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "audit")
        order = decode(wanted, await exchange.body(), "EvidenceRequest")
        archive = await services.evidence.bundle(caller, order)
        return Response(archive, media_type="application/zip", headers=_SAVE)

    @router.get("/v1/ledger", **described())
    async def ledger(request: Request) -> Response:
        """Tell the ledger's last checkpoint, its keys and its witnesses."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.evidence.state(caller))

    @router.get("/v1/ledger/consistency", **described())
    async def consistency(request: Request, old: From = 0, to: To = 0) -> Response:
        """Prove that the ledger at one size is the beginning of the ledger at another."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.evidence.consistency(caller, old, to))

    @router.post("/v1/ledger/resume", **described(ResumeRequest))
    async def resume(request: Request) -> Response:
        """Say that what a restored backup lacked is back: marketing goes on."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "admin")
        order = decode(ended, await exchange.body(), "ResumeRequest")
        return answer(await services.evidence.resume(caller, order.reason))

    return router


def bill_router(services: Services) -> APIRouter:
    """Return the routes of carriers' bills."""
    router = APIRouter()
    brought = msgspec.json.Decoder(BillRequest)

    @router.post("/v1/reconciliations", **described(BillRequest))
    async def reconcile(request: Request) -> Response:
        """Compare a carrier's bill of a day with what left, and keep the comparison."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "audit")
        order = decode(brought, await exchange.body(), "BillRequest")
        return answer(await services.evidence.bills.take(caller, order))

    @router.get("/v1/reconciliations", **described())
    async def bills(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List comparisons, newest first, with how many findings each has."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.evidence.bills.list(caller, min(cursor, MOST_ID), limit))

    @router.get("/v1/reconciliations/{bill_id}", **described())
    async def bill(request: Request, bill_id: BillId) -> Response:
        """Tell a comparison with its lines."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.evidence.bills.show(caller, bill_id))

    return router
