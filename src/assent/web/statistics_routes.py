"""The routes of statistics, for staff; auditors read them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.statistics_requests import (
    BY,
    By,
    ComplaintType,
    StatisticsFile,
    StatisticsQuery,
)
from assent.web.caller import decode
from assent.web.exchange import Exchange
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

Word = Annotated[str, Query(max_length=60)]
Bys = Annotated[list[Literal["all", By]], Query(max_length=20)]
Language = Literal["en", "zh"]
READERS: Final = ("audit", "admin", "review", "second_review", "enforce", "support")
_CSV: Final = "text/csv"


def statistics_router(services: Services) -> APIRouter:
    """Return all of them. (long: a parameter a line)"""
    router = APIRouter()
    file = msgspec.json.Decoder(StatisticsFile)

    @router.get("/v1/statistics", **described())
    async def statistics(
        request: Request,
        by: Bys = ["type"],  # noqa: B006  # FastAPI copies it
        first: Annotated[str | None, Query(alias="from", max_length=20)] = None,
        last: Annotated[str | None, Query(alias="to", max_length=20)] = None,
        before: Annotated[int, Query(ge=0, le=12)] = 1,
        type: ComplaintType | None = None,
        category: Word | None = None,
        carrier: Word | None = None,
        province: Word | None = None,
        source: Word | None = None,
        top: Annotated[int, Query(ge=1, le=100)] = 10,
        published: bool = False,
        language: Language = "en",
    ) -> Response:
        """Tell what was complained of in a period: as JSON, or as CSV where Accept asks for it."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *READERS)
        wanted = BY if "all" in by else tuple(dict.fromkeys(one for one in by if one != "all"))
        query = StatisticsQuery(
            first=first, last=last, before=before, by=wanted, type=type, category=category,
            carrier=carrier, province=province, source=source, top=top, published=published,
        )  # fmt: skip
        if not _wants_csv(exchange):
            return answer(await services.statistics.show(caller, query))
        octets = await services.statistics.csv(caller, query, language)
        name = {"content-disposition": 'attachment; filename="statistics.csv"'}
        return Response(octets, media_type=f"{_CSV}; charset=utf-8", headers=name)

    @router.post("/v1/statistics/published", **described(StatisticsFile))
    async def published_file(request: Request) -> Response:
        """Keep figures that a centre published, to be shown beside ours."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(file, await exchange.body(), "StatisticsFile")
        return answer(await services.statistics.take_published(caller, order))

    @router.post("/v1/statistics/users", **described(StatisticsFile))
    async def users_file(request: Request) -> Response:
        """Keep how many users carriers have in provinces."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(file, await exchange.body(), "StatisticsFile")
        return answer(await services.statistics.take_users(caller, order))

    return router


def _wants_csv(exchange: Exchange) -> bool:
    """Tell whether CSV is asked for, and not JSON before it."""
    kinds = [one.partition(";")[0].strip() for one in exchange.header(b"accept").split(",")]
    return next((one for one in kinds if one in (_CSV, "application/json", "*/*")), "") == _CSV
