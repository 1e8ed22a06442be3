"""Routes for auditors: evidence bundles, and where the consent ledger stands."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from assent.flow.requests import EvidenceRequest
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

_SAVE: Final = {"Content-Disposition": 'attachment; filename="evidence.zip"'}


def evidence_router(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    wanted = msgspec.json.Decoder(EvidenceRequest)

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

    return router
