"""Routes of imports of consents: how they stand, cases, and who brought them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.requests import VoidRequest
from assent.web.caller import caller_of, decode
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

ImportId = Annotated[int, Path(ge=0, lt=1 << 31)]
Before = Annotated[int, Query(ge=0, lt=1 << 31)]
State = Annotated[
    Literal["review", "open", "opened", "refused", "voiding", "voided"] | None, Query()
]
CaseState = Annotated[Literal["open", "closed"] | None, Query()]
Time = Annotated[datetime | None, Query()]
REVIEWERS: Final = ("review", "second_review")
STAFF: Final = (*REVIEWERS, "audit")


def import_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes."""
    router = APIRouter()
    void = msgspec.json.Decoder(VoidRequest)

    @router.get("/v1/consent-imports", **described())
    async def imports(
        request: Request, cursor: Before = 0, limit: Limit = 100, state: State = None
    ) -> Response:
        """List imports of consents, the latest first: one's own, or everybody's for staff."""
        caller = await office_caller(exchange_of(request), services, "consents", "read", *STAFF)
        return answer(await services.imports.imports(caller, cursor, limit, state))

    @router.get("/v1/consent-imports/{import_id}", **described())
    async def one(request: Request, import_id: ImportId) -> Response:
        """Show how an import of consents stands as a whole."""
        caller = await office_caller(exchange_of(request), services, "consents", "read", *STAFF)
        return answer(await services.imports.one(caller, import_id))

    @router.post("/v1/consent-voids", **described(VoidRequest))
    async def void_import(request: Request) -> Response:
        """Void an import of consents that people never gave. For reviewers."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(void, await exchange.body(), "VoidRequest")
        return answer(await services.imports.void(caller, order))

    @router.get("/v1/consent-cases", **described())
    async def cases(
        request: Request, cursor: Cursor = 0, limit: Limit = 100, state: CaseState = None
    ) -> Response:
        """List cases of forged consent, the latest first. For reviewers and auditors."""
        caller = await caller_of(exchange_of(request), services, *STAFF)
        return answer(await services.imports.cases(caller, cursor, limit, state))

    @router.post("/v1/consent-cases/{case_id}/close", **described())
    async def close(request: Request, case_id: Id) -> Response:
        """Close a case. For reviewers."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.imports.close(caller, case_id))

    @router.get("/v1/consent-importers", **described())
    async def importers(request: Request, since: Time = None, to: Time = None) -> Response:
        """Compare those who bring consents, by account, key and person. For auditors."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.imports.importers(caller, since, to))

    return router
