"""The route of the operator's call centre."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from assent.flow.requests import TelephoneRefusal
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import answer, exchange_of
from assent.web.services import Services


def telephone_router(services: Services) -> APIRouter:
    """Return the route."""
    router = APIRouter()
    refusal = msgspec.json.Decoder(TelephoneRefusal)

    @router.post("/v1/desk/refusals/telephone", **described(TelephoneRefusal))
    async def telephone(request: Request) -> Response:
        """Record what a receiver refused on the telephone; the answer is the same for everybody."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "support")
        wanted = decode(refusal, await exchange.body(), "TelephoneRefusal")
        return answer(await services.telephone.take(caller, wanted))

    return router
