"""The routes of pages behind links, for reviewers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.web.caller import caller_of
from assent.web.openapi import described
from assent.web.routes import Cursor, Limit, answer, exchange_of
from assent.web.services import Services

PageId = Annotated[int, Path(ge=0, lt=1 << 31)]
State = Annotated[str | None, Query(max_length=20)]
MOST_ID = (1 << 31) - 1
REVIEWERS = ("review", "second_review")


def page_router(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/v1/pages", **described())
    async def pages(
        request: Request, state: State = None, cursor: Cursor = 0, limit: Limit = 100
    ) -> Response:
        """List pages that texts lead to, and where they stand."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS, "audit")
        return answer(await services.pages.list(caller, state, min(cursor, MOST_ID), limit))

    @router.get("/v1/pages/{page_id}", **described())
    async def page(request: Request, page_id: PageId) -> Response:
        """Show a page: what leads there, what was seen, its versions."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS, "audit")
        return answer(await services.pages.show(caller, page_id))

    @router.post("/v1/pages/{page_id}/fetch", **described())
    async def fetch(request: Request, page_id: PageId) -> Response:
        """Have a page looked at as soon as there is room."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.pages.fetch(caller, page_id))

    return router
