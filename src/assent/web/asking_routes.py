"""The routes of asking people whether they agree, and of looking at consents."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.asking_requests import (
    AskingRelease,
    ConsentLook,
    ConsentQuestion,
    ConsentSession,
)
from assent.web.caller import decode
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

Cursor = Annotated[int, Query(ge=0, lt=1 << 63)]
Sender = Annotated[str, Path(max_length=64, pattern=r"^[!-~]+$")]
_STAFF: Final = ("review", "second_review", "admin")


def asking_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes."""
    router = APIRouter()
    begin = msgspec.json.Decoder(ConsentSession)
    question = msgspec.json.Decoder(ConsentQuestion)
    look = msgspec.json.Decoder(ConsentLook)
    reason = msgspec.json.Decoder(AskingRelease)

    @router.post("/v1/consents/sessions", **described(ConsentSession, 201))
    async def begin_session(request: Request) -> Response:
        """Begin the session in which one person enters her number."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "consents")
        wanted = decode(begin, await exchange.body(), "ConsentSession")
        return answer(await services.consent_rooms.asking.begin(caller, wanted), 201)

    @router.post("/v1/consents/requests", **described(ConsentQuestion, 202))
    async def ask(request: Request) -> Response:
        """Ask a person by SMS whether she agrees to a programme."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "consents")
        wanted = decode(question, await exchange.body(), "ConsentQuestion")
        return answer(await services.consent_rooms.asking.request(caller, wanted), 202)

    @router.get("/v1/consents/requests", **described())
    async def agreed(request: Request, day: date | None = None, cursor: Cursor = 0) -> Response:
        """List who agreed on a day that is over."""
        caller = await office_caller(exchange_of(request), services, "consents", "read")
        return answer(await services.consent_rooms.asking.agreed(caller, day, cursor))

    @router.post("/v1/consents/look", **described(ConsentLook))
    async def look_at(request: Request) -> Response:
        """Tell how a number stands in a sender's programmes, and what shows it."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "consents", "read")
        wanted = decode(look, await exchange.body(), "ConsentLook")
        return answer(await services.consent_rooms.shown.look(caller, wanted))

    @router.get("/v1/consents/stops", **described())
    async def stops(request: Request) -> Response:
        """List senders that may ask nobody, since too few agreed."""
        caller = await office_caller(exchange_of(request), services, *_STAFF, "audit", "support")
        return answer(await services.consent_rooms.asking.stops(caller))

    @router.post("/v1/consents/stops/{code}/release", **described(AskingRelease))
    async def release(request: Request, code: Sender) -> Response:
        """Let a sender ask people again."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *_STAFF)
        wanted = decode(reason, await exchange.body(), "AskingRelease")
        return answer(await services.consent_rooms.asking.release(caller, code, wanted))

    return router
