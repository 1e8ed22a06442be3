"""The routes of counts: for staff of everybody, for customers of themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.rollups_shown import Wanted
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

_SCOPES = ("read", "review", "second_review", "audit", "admin", "support")
Words = Annotated[list[str] | None, Query(max_length=64)]
Since = Annotated[datetime | None, Query(alias="from")]
Until = Annotated[datetime | None, Query(alias="to")]
By = Annotated[str, Query(max_length=100)]
StepWord = Literal["hour", "day", "month"]


def rollup_router(services: Services) -> APIRouter:
    """Return the routes of counts."""
    router = APIRouter()

    @router.get("/v1/rollups", **described())
    async def rollups(  # one parameter a dimension
        request: Request, since: Since = None, until: Until = None, by: By = "",
        step: StepWord | None = None, port: Words = None, sender: Words = None,
        account: Words = None, carrier: Words = None, province: Words = None,
        category: Words = None, purpose: Words = None,
    ) -> Response:  # fmt: skip
        """Count messages by the hour they were accepted in, grouped and filtered."""
        caller = await office_caller(exchange_of(request), services, *_SCOPES)
        wanted = Wanted(
            since=since, until=until, by=_apart(by), step=step or "", ports=port or (),
            senders=sender or (), accounts=account or (), carriers=carrier or (),
            provinces=province or (), categories=category or (), purposes=purpose or (),
        )  # fmt: skip
        return answer(await services.rollups.sums(caller, wanted))

    @router.get("/v1/rollups/failures", **described())
    async def failures(
        request: Request, since: Since = None, until: Until = None, by: By = "",
        port: Words = None, carrier: Words = None,
    ) -> Response:  # fmt: skip
        """Count failures by their codes: numbers of answers, words of reports; for staff."""
        caller = await office_caller(exchange_of(request), services, *_SCOPES[1:])
        wanted = Wanted(
            since=since, until=until, by=_apart(by), ports=port or (), carriers=carrier or ()
        )
        return answer(await services.rollups.failures(caller, wanted))

    return router


def _apart(by: str) -> list[str]:
    return [word for word in by.split(",") if word]
