"""The routes of restrictions: customers see what binds them, staff impose and lift; and of
carriers' own lists of people."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.restriction_desk import SCOPES
from assent.flow.restriction_requests import RestrictionLift, RestrictionRequest
from assent.web.block_files import read_blocks
from assent.web.caller import decode
from assent.web.openapi import BLOCKS, described
from assent.web.port_routes import office_caller
from assent.web.routes import Limit, answer, exchange_of
from assent.web.services import Services

RowId = Annotated[int, Path(ge=1, lt=1 << 63)]
Before = Annotated[int, Query(ge=0, lt=1 << 63)]
IMPOSERS: Final = ("enforce", "second_enforce")
LIFTERS: Final = ("second_enforce",)
TAKERS: Final = ("admin", "support")


def restriction_router(services: Services) -> APIRouter:
    """Return all of them. (long: a list of short routes)"""
    router = APIRouter()
    wanted = msgspec.json.Decoder(RestrictionRequest)
    why = msgspec.json.Decoder(RestrictionLift)

    @router.get("/v1/restrictions", **described())
    async def restrictions(
        request: Request, past: bool = False, cursor: Before = 0, limit: Limit = 100
    ) -> Response:
        """List what must not leave for a while: customers what binds them, staff all."""
        caller = await office_caller(exchange_of(request), services, *SCOPES)
        return answer(
            await services.restricting.restrictions.list(caller, cursor or None, limit, past)
        )

    @router.post("/v1/restrictions", **described(RestrictionRequest, 201))
    async def impose(request: Request) -> Response:
        """Impose a restriction."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *IMPOSERS)
        order = decode(wanted, await exchange.body(), "RestrictionRequest")
        return answer(await services.restricting.restrictions.impose(caller, order), 201)

    @router.get("/v1/restrictions/{restriction_id}", **described())
    async def restriction(request: Request, restriction_id: RowId) -> Response:
        """Tell a restriction: why, until when, and to staff what was counted."""
        caller = await office_caller(exchange_of(request), services, *SCOPES)
        return answer(await services.restricting.restrictions.show(caller, restriction_id))

    @router.post("/v1/restrictions/{restriction_id}/lift", **described(RestrictionLift))
    async def lift(request: Request, restriction_id: RowId) -> Response:
        """Lift a restriction that another person imposed, or a ceiling did."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *LIFTERS)
        order = decode(why, await exchange.body(), "RestrictionLift")
        return answer(await services.restricting.restrictions.lift(caller, restriction_id, order))

    @router.get("/v1/carrier-blocks", **described())
    async def lists(request: Request) -> Response:
        """List the carriers' lists that were taken."""
        caller = await office_caller(exchange_of(request), services, *TAKERS, "audit")
        return answer(await services.restricting.blocks.listed(caller))

    @router.post("/v1/carrier-blocks", **BLOCKS)
    async def take(request: Request) -> Response:
        """Take a carrier's list of people who want nothing commercial: CSV or XLSX."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *TAKERS)
        services.restricting.blocks.check(caller)
        file = await read_blocks(exchange)
        return answer(await services.restricting.blocks.take(caller, file), 201)

    return router
