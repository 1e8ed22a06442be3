"""The routes for those who run the platform: they steer it, and every act is written down."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.flow.requests import PduLogRequest
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import Cursor, Limit, answer, exchange_of
from assent.web.services import LinkAction, Services

Name = Annotated[str, Path(min_length=1, max_length=128)]


def link_router(services: Services) -> APIRouter:
    """Return the routes of links."""
    router = APIRouter()

    @router.get("/v1/links", **described())
    async def links(request: Request) -> Response:
        """List the links to carriers, what is ordered of them and how they are."""
        caller = await caller_of(exchange_of(request), services, "links")
        return answer(await services.links.show(caller))

    @router.post("/v1/links/reload", **described())
    async def reload_links(request: Request) -> Response:
        """Put in force what the settings file says of carriers now."""
        caller = await caller_of(exchange_of(request), services, "links")
        return answer(await services.links.reload(caller))

    @router.post("/v1/links/{name}/{action}", **described())
    async def steer_link(request: Request, name: Name, action: LinkAction) -> Response:
        """Pause, resume or drain a link, or all links of a carrier."""
        caller = await caller_of(exchange_of(request), services, "links")
        return answer(await services.links.steer(caller, name, action))

    return router


def pdu_router(services: Services) -> APIRouter:
    """Return the routes of the PDU log."""
    router = APIRouter()
    look = msgspec.json.Decoder(PduLogRequest)

    @router.post("/v1/pdulog", **described(PduLogRequest))
    async def pdu_log_on(request: Request) -> Response:
        """Look for the PDUs of a link or a carrier, for a while."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "links")
        order = decode(look, await exchange.body(), "PduLogRequest")
        return answer(await services.pdulog.on(caller, order))

    @router.post("/v1/pdulog/off", **described())
    async def pdu_log_off(request: Request) -> Response:
        """Look no more."""
        caller = await caller_of(exchange_of(request), services, "links")
        return answer(await services.pdulog.off(caller))

    @router.get("/v1/pdulog", **described())
    async def pdu_log(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List the PDUs that were seen after a cursor, masked."""
        caller = await caller_of(exchange_of(request), services, "links")
        return answer(await services.pdulog.show(caller, cursor, limit))

    return router
