"""The routes of keywords, files of refusals and unclear replies."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from assent.flow.door_requests import KeywordsRequest, ReplyReading
from assent.web.caller import caller_of, decode
from assent.web.openapi import REFUSALS, described
from assent.web.port_routes import OWN, STAFF, Number, office_caller
from assent.web.refusal_files import read_refusals
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

TAKERS: Final = ("admin", "support")
"""Who takes files of refusals."""
READERS: Final = ("review", "second_review", "support")
"""Who reads unclear replies."""


def keyword_router(services: Services) -> APIRouter:
    """Return the routes of customers' keywords."""
    router = APIRouter()
    request_ = msgspec.json.Decoder(KeywordsRequest)

    @router.get("/v1/ports/{number}/keywords", **described())
    async def keywords(request: Request, number: Number) -> Response:
        """List the words that receivers may answer to a port with."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.doors.keywords.show(caller, number))

    @router.put("/v1/ports/{number}/keywords", **described(KeywordsRequest))
    async def file_keywords(request: Request, number: Number) -> Response:
        """File a port's keywords in place of those before."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *OWN)
        wanted = decode(request_, await exchange.body(), "KeywordsRequest")
        return answer(await services.doors.keywords.file(caller, number, wanted))

    return router


def door_router(services: Services) -> APIRouter:
    """Return the routes for staff."""
    router = APIRouter()
    reading = msgspec.json.Decoder(ReplyReading)

    @router.post("/v1/desk/refusals", **REFUSALS)
    async def import_refusals(request: Request) -> Response:
        """Take a file of refusals of a regulator or a carrier: CSV or XLSX."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *TAKERS)
        services.doors.files.check(caller)
        file = await read_refusals(exchange)
        return answer(await services.doors.files.take(caller, file), 201)

    @router.get("/v1/desk/refusals", **described())
    async def refusal_files(request: Request) -> Response:
        """List the files that were taken."""
        caller = await caller_of(exchange_of(request), services, *TAKERS, "audit")
        return answer(await services.doors.files.listed(caller))

    @router.get("/v1/desk/replies", **described())
    async def unclear(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List unclear replies that nobody has read; marketing to these people rests."""
        caller = await caller_of(exchange_of(request), services, *READERS)
        return answer(await services.doors.unclear.waiting(caller, cursor, limit))

    @router.post("/v1/desk/replies/{reply_id}", **described(ReplyReading))
    async def read_reply(request: Request, reply_id: Id) -> Response:
        """Say what an unclear reply is."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *READERS)
        said = decode(reading, await exchange.body(), "ReplyReading")
        return answer(await services.doors.unclear.read(caller, reply_id, said))

    return router
