"""The routes of alarms, for staff, and of codes that were used, for customers."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.alarm_requests import AlarmConfirmation, AlarmDismissal, CompletedCodes
from assent.web.caller import decode
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

State = Literal["open", "case", "dismissed", "ended"]
Severity = Annotated[int, Query(ge=1, le=3)]
Word = Annotated[str | None, Query(max_length=100)]
Days = Annotated[int, Query(ge=1, le=400)]
_SCOPES: Final = ("review", "second_review", "audit")


def alarm_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of alarms."""
    router = APIRouter()
    dismissal = msgspec.json.Decoder(AlarmDismissal)
    confirmation = msgspec.json.Decoder(AlarmConfirmation)

    @router.get("/v1/alarms", **described())
    async def alarms(
        request: Request, state: State | None = None, detector: Word = None,
        severity: Severity = 1, sender: Word = None, account: Word = None, cursor: Cursor = 0,
        limit: Limit = 100,
    ) -> Response:  # fmt: skip
        """List alarms, newest first: those of a state, detector, sender or account, or at least so
        grave."""
        caller = await office_caller(exchange_of(request), services, *_SCOPES)
        wanted = (state, detector, severity, sender, account, cursor, limit)
        return answer(await services.warning.alarms.list(caller, *wanted))

    @router.get("/v1/alarms/figures", **described())
    async def figures(request: Request, days: Days = 90) -> Response:
        """Tell how often each detector was right, as staff said."""
        caller = await office_caller(exchange_of(request), services, *_SCOPES)
        return answer(await services.warning.alarms.figures(caller, days))

    @router.get("/v1/alarms/{alarm_id}", **described())
    async def alarm(request: Request, alarm_id: Id) -> Response:
        """Tell what a detector saw, and what became of similar alarms."""
        caller = await office_caller(exchange_of(request), services, *_SCOPES)
        return answer(await services.warning.alarms.show(caller, alarm_id))

    @router.post("/v1/alarms/{alarm_id}/dismiss", **described(AlarmDismissal))
    async def dismiss(request: Request, alarm_id: Id) -> Response:
        """Have nothing done about an alarm, with the reason."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "review")
        order = decode(dismissal, await exchange.body(), "AlarmDismissal")
        return answer(await services.warning.alarms.dismiss(caller, alarm_id, order))

    @router.post("/v1/alarms/{alarm_id}/confirm", **described(AlarmConfirmation))
    async def confirm(request: Request, alarm_id: Id) -> Response:
        """Say that something lies behind an alarm; it stays open."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "review")
        order = decode(confirmation, await exchange.body(), "AlarmConfirmation")
        return answer(await services.warning.alarms.confirm(caller, alarm_id, order))

    return router


def code_router(services: Services) -> APIRouter:
    """Return the route of codes that were used."""
    router = APIRouter()
    told = msgspec.json.Decoder(CompletedCodes)

    @router.post("/v1/codes/completed", **described(CompletedCodes))
    async def completed(request: Request) -> Response:
        """Tell which codes were used by those they went to, by message; of your own orders."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "send")
        order = decode(told, await exchange.body(), "CompletedCodes")
        return answer(await services.warning.completed.report(caller, order))

    return router
