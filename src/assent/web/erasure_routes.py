"""Routes about people who are to be forgotten, numbers with new holders, and consents that end."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.flow.erasure_requests import (
    ErasureRequest,
    HoldRequest,
    ReassignmentRequest,
    RelationEnd,
)
from assent.web.admission_routes import SAVE
from assent.web.caller import caller_of, decode, digest, idempotency_key
from assent.web.openapi import described
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_LOOKERS: Final = ("consents", "review", "second_review", "audit")
_FILE: Final[dict[str, Any]] = {
    **described(status=201),
    "openapi_extra": {
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
    },
}


def erasure_router(services: Services) -> APIRouter:  # long: a table of routes
    """Return the routes of erasure, legal holds and reassignment; all of the staff's."""
    router = APIRouter()
    erasure = msgspec.json.Decoder(ErasureRequest)
    hold_ = msgspec.json.Decoder(HoldRequest)
    file = msgspec.json.Decoder(ReassignmentRequest)

    @router.post("/v1/erasures", **described(ErasureRequest))
    async def erase(request: Request) -> Response:
        """Erase a person who asked for it elsewhere than on the receivers' page."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "support")
        wish = decode(erasure, await exchange.body(), "ErasureRequest")
        return answer(await services.forgetting.erase(caller, wish))

    @router.get("/v1/erasures", **described())
    async def erasures(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List erasures and how far each is; nobody's number is in it."""
        caller = await caller_of(exchange_of(request), services, "support", "audit")
        return answer(await services.forgetting.erasures(caller, cursor, limit))

    @router.post("/v1/legal-holds", **described(HoldRequest, 201))
    async def hold(request: Request) -> Response:
        """Keep what is known of a person: erasure and removal wait."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "second_review")
        wish = decode(hold_, await exchange.body(), "HoldRequest")
        return answer(await services.forgetting.hold(caller, wish), 201)

    @router.get("/v1/legal-holds", **described())
    async def holds(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List the legal holds in force."""
        caller = await caller_of(exchange_of(request), services, "second_review", "audit")
        return answer(await services.forgetting.holds(caller, cursor, limit))

    @router.post("/v1/legal-holds/{hold_id}/lift", **described())
    async def lift(request: Request, hold_id: Id) -> Response:
        """Lift a legal hold; an erasure that waited for it is carried out."""
        caller = await caller_of(exchange_of(request), services, "second_review")
        return answer(await services.forgetting.lift(caller, hold_id))

    @router.post("/v1/reassignments", **described(ReassignmentRequest))
    async def reassigned(request: Request) -> Response:
        """Take numbers that have a new holder from a carrier's dated file."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "links")
        wish = decode(file, await exchange.body(), "ReassignmentRequest")
        return answer(await services.forgetting.reassigned(caller, wish))

    @router.get("/v1/reassignments", **described())
    async def sources(request: Request) -> Response:
        """Count what each source told of numbers with new holders."""
        caller = await caller_of(exchange_of(request), services, "links", "audit")
        return answer(await services.forgetting.sources(caller))

    return router


def keeping_router(services: Services) -> APIRouter:
    """Return the routes of consents that end, and of the files that back them."""
    router = APIRouter()
    end_ = msgspec.json.Decoder(RelationEnd)

    @router.post("/v1/consents/end", **described(RelationEnd))
    async def end(request: Request) -> Response:
        """End consents of people who have no more to do with a sender, or of a whole programme."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "consents", "support")
        key, body = idempotency_key(exchange), await exchange.body()
        wish = decode(end_, body, "RelationEnd")
        sha = digest(exchange, body)
        return answer(await services.forgetting.end(caller, wish, key=key, sha=sha))

    @router.post("/v1/consents/evidence", **_FILE)
    async def keep(request: Request) -> Response:
        """Hand in a file that backs consents, before the import that names it."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "consents")
        return answer(await services.forgetting.keep(caller, await exchange.body()), 201)

    @router.get("/v1/consents/evidence/{sha256}", **described())
    async def kept(request: Request, sha256: Digest) -> Response:
        """Return a file that backs consents, octet for octet, while it is kept."""
        caller = await caller_of(exchange_of(request), services, *_LOOKERS)
        kind, octets = await services.forgetting.kept_file(caller, sha256)
        return Response(octets, media_type=kind, headers=SAVE)

    return router
