"""Routes about texts that screening held or turned down: for customers, reviewers and auditors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.requests import ReviewWords
from assent.flow.text_requests import TextAppeal, TextChange, TextDecision
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

State = Annotated[str | None, Query(max_length=20)]
Since = Annotated[datetime | None, Query(alias="from")]
REVIEWERS: Final = ("review", "second_review")
WATCHERS: Final = (*REVIEWERS, "audit")
SENDERS: Final = ("send", "campaigns")


def text_router(services: Services) -> APIRouter:
    """Return the routes of those who decide about texts."""
    router = APIRouter()
    decision = msgspec.json.Decoder(TextDecision)
    changed = msgspec.json.Decoder(TextChange)
    words = msgspec.json.Decoder(ReviewWords)

    @router.post("/v1/texts/{text_id}/approve", **described(TextDecision))
    async def approve(request: Request, text_id: Id) -> Response:
        """Approve a text; where two must agree, the second decides."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(decision, await exchange.body(), "TextDecision")
        return answer(await services.texts.desk.approve(caller, text_id, order))

    @router.post("/v1/texts/{text_id}/refuse", **described(TextDecision))
    async def refuse(request: Request, text_id: Id) -> Response:
        """Refuse a text; campaigns that wait for it end."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(decision, await exchange.body(), "TextDecision")
        return answer(await services.texts.desk.refuse(caller, text_id, order))

    @router.post("/v1/texts/{text_id}/change", **described(TextChange))
    async def change(request: Request, text_id: Id) -> Response:
        """Approve another text in its place, which its customer may adopt."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(changed, await exchange.body(), "TextChange")
        return answer(await services.texts.desk.change(caller, text_id, order))

    @router.post("/v1/texts/{text_id}/ask", **described(ReviewWords))
    async def ask(request: Request, text_id: Id) -> Response:
        """Ask the customer something about a text."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(words, await exchange.body(), "ReviewWords")
        return answer(await services.texts.desk.ask(caller, text_id, order))

    return router


def text_looking_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of those who look at texts, and of their customers."""
    router = APIRouter()
    appealed = msgspec.json.Decoder(TextAppeal)

    @router.get("/v1/texts", **described())
    async def texts(
        request: Request, state: State = None, cursor: Cursor = 0, limit: Limit = 100
    ) -> Response:
        """List texts that were held or turned down, newest first: customers their own."""
        caller = await caller_of(exchange_of(request), services, *SENDERS, "read", *WATCHERS)
        return answer(await services.texts.desk.list(caller, state, cursor, limit))

    @router.get("/v1/texts/{text_id}", **described())
    async def text(request: Request, text_id: Id) -> Response:
        """Show a text with what is against it, and where."""
        caller = await caller_of(exchange_of(request), services, *SENDERS, "read", *WATCHERS)
        return answer(await services.texts.desk.show(caller, text_id))

    @router.post("/v1/texts/{text_id}/appeal", **described(TextAppeal))
    async def appeal(request: Request, text_id: Id) -> Response:
        """Say why a text is in order; another reviewer decides."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *SENDERS)
        order = decode(appealed, await exchange.body(), "TextAppeal")
        return answer(await services.texts.desk.appeal(caller, text_id, order))

    @router.post("/v1/texts/{text_id}/adopt", **described())
    async def adopt(request: Request, text_id: Id) -> Response:
        """Take over what a reviewer made of a text: campaigns that wait go on with it."""
        caller = await caller_of(exchange_of(request), services, *SENDERS)
        return answer(await services.texts.desk.adopt(caller, text_id))

    @router.get("/v1/text-labels", **described())
    async def labels(
        request: Request, since: Since = None, to: datetime | None = None, cursor: Cursor = 0
    ) -> Response:
        """Return texts that people decided about, with labels for training. For auditors; each
        look is written down."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.texts.reports.labels(caller, since, to, cursor))

    @router.get("/v1/text-report", **described())
    async def report(request: Request, since: Since = None, to: datetime | None = None) -> Response:
        """Tell how reviewers and screening agreed in a time."""
        caller = await caller_of(exchange_of(request), services, *WATCHERS)
        return answer(await services.texts.reports.report(caller, since, to))

    return router
