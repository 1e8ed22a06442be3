"""Routes of an account's money, and the one by which payment ports tell of payments."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.flow.money_requests import AllotRequest, IntentRequest, LimitsRequest, NoticeRequest
from assent.flow.requests import Caller
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import answer, exchange_of
from assent.web.services import Services
from assent.web.statement_files import Language, to_csv, to_pdf

MonthPath = Annotated[str, Path(min_length=1, max_length=16)]  # read once it is known who asks
PortPath = Annotated[str, Path(min_length=1, max_length=64)]
Format = Literal["json", "csv", "pdf"]
_TYPES: Final = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


def money_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of an account's own money."""
    router = APIRouter()
    desk = services.money
    limits = msgspec.json.Decoder(LimitsRequest)
    allot = msgspec.json.Decoder(AllotRequest)
    intent = msgspec.json.Decoder(IntentRequest)

    @router.get("/v1/money", **described())
    async def money(request: Request) -> Response:
        """Tell what the account may spend, its limits, sub-accounts and latest alerts."""
        caller = await _who(services, request, "money", "read")
        return answer(await desk.purses.show(caller))

    @router.post("/v1/money/limits", **described(LimitsRequest))
    async def set_limits(request: Request) -> Response:
        """Set limits of the account, or of a sub-account of its own."""
        caller = await _who(services, request, "money")
        order = decode(limits, await exchange_of(request).body(), "LimitsRequest")
        return answer(await desk.purses.limit(caller, order))

    @router.post("/v1/money/allotments", **described(AllotRequest))
    async def allot_money(request: Request) -> Response:
        """Give a sub-account part of the balance, or take it back; once a reference."""
        caller = await _who(services, request, "money")
        order = decode(allot, await exchange_of(request).body(), "AllotRequest")
        return answer(await desk.purses.allot(caller, order))

    @router.post("/v1/money/intents", **described(IntentRequest, 201))
    async def intend(request: Request) -> Response:
        """Say that one will pay; the answer holds the code to write on the transfer."""
        caller = await _who(services, request, "money")
        order = decode(intent, await exchange_of(request).body(), "IntentRequest")
        return answer(await desk.payments.intend(caller, order.amount_micro), 201)

    @router.get("/v1/money/intents", **described())
    async def intents(request: Request) -> Response:
        """List what one said one would pay, and what came of it."""
        caller = await _who(services, request, "money", "read")
        return answer(await desk.payments.intents(caller))

    return router


def statement_router(services: Services) -> APIRouter:
    """Return the routes of statements, and of payment ports' notices."""
    router = APIRouter()
    desk = services.money

    @router.get("/v1/money/statements/{month}", **described())
    async def month_statement(
        request: Request, month: MonthPath, format: Format = "json", language: Language = "en"
    ) -> Response:
        """Tell the statement of a month: as JSON, or as a file in CSV or PDF."""
        caller = await _who(services, request, "money", "read")
        one = await desk.statement(caller, month)
        if format == "json":
            return answer(one.told())
        octets = to_csv(one, language) if format == "csv" else to_pdf(one, language)
        name = f'attachment; filename="statement-{month}.{format}"'
        return Response(octets, media_type=_TYPES[format], headers={"content-disposition": name})

    @router.post("/v1/payments/{port}/notices", **described(NoticeRequest, open_to_all=True))
    async def notice(request: Request, port: PortPath) -> Response:
        """Take a payment port's notice, signed with its secret, once."""
        exchange = exchange_of(request)
        headers = (
            exchange.header(name)
            for name in (b"assent-timestamp", b"assent-nonce", b"assent-signature")
        )
        timestamp, nonce, signature = headers
        body = await exchange.body()
        return answer(await desk.notice(port, timestamp, nonce, signature, body))

    return router


async def _who(services: Services, request: Request, *scopes: str) -> Caller:
    """Return the caller, who has one of the scopes and no sandbox key."""
    caller = await caller_of(exchange_of(request), services, *scopes)
    services.money.customer(caller)
    return caller
