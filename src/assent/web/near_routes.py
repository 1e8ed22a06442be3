"""The routes of groups of orders, and of fingerprints exchanged with other platforms; for staff."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.near_requests import (
    FingerprintDistrust,
    FingerprintExport,
    FingerprintImport,
    FingerprintPeer,
    FingerprintWithdrawal,
)
from assent.web.caller import decode
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import Limit, answer, exchange_of
from assent.web.services import Services

RowId = Annotated[int, Path(ge=1, lt=1 << 31)]
Before = Annotated[int, Query(ge=0, lt=1 << 31)]
GroupState = Literal["open", "lawful", "harmful"]


def near_router(services: Services) -> APIRouter:
    """Return all of them."""
    router = APIRouter()
    for part in (group_router, fingerprint_router, peer_router):
        router.include_router(part(services))
    return router


def group_router(services: Services) -> APIRouter:
    """Return the routes of groups."""
    router = APIRouter()

    @router.get("/v1/groups", **described())
    async def groups(
        request: Request, state: GroupState | None = None, cursor: Before = 0, limit: Limit = 100
    ) -> Response:
        """List groups of senders that act together, newest first."""
        scopes = ("review", "second_review", "audit")
        caller = await office_caller(exchange_of(request), services, *scopes)
        return answer(await services.near.groups.list(caller, state, cursor, limit))

    @router.get("/v1/groups/{group_id}", **described())
    async def group(request: Request, group_id: RowId) -> Response:
        """Tell a group's members and what they share."""
        scopes = ("review", "second_review", "audit")
        caller = await office_caller(exchange_of(request), services, *scopes)
        return answer(await services.near.groups.show(caller, group_id))

    return router


def fingerprint_router(services: Services) -> APIRouter:
    """Return the routes of files of fingerprints."""
    router = APIRouter()
    wanted = msgspec.json.Decoder(FingerprintExport)
    brought = msgspec.json.Decoder(FingerprintImport)
    why = msgspec.json.Decoder(FingerprintWithdrawal)

    @router.post("/v1/fingerprints/export", **described(FingerprintExport))
    async def export(request: Request) -> Response:
        """Make a signed file of texts that many used or that were turned down, without them."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(wanted, await exchange.body(), "FingerprintExport")
        return answer(await services.near.fingerprints.export(caller, order))

    @router.post("/v1/fingerprints/import", **described(FingerprintImport))
    async def take(request: Request) -> Response:
        """Take a file of another platform."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(brought, await exchange.body(), "FingerprintImport")
        return answer(await services.near.fingerprints.take(caller, order))

    @router.get("/v1/fingerprints/sources", **described())
    async def sources(request: Request, cursor: Before = 0, limit: Limit = 100) -> Response:
        """List the files that were taken, newest first."""
        caller = await office_caller(exchange_of(request), services, "admin", "audit")
        return answer(await services.near.fingerprints.sources(caller, cursor, limit))

    @router.post(
        "/v1/fingerprints/sources/{source_id}/withdraw", **described(FingerprintWithdrawal)
    )
    async def withdraw(request: Request, source_id: RowId) -> Response:
        """Have a file say nothing any more."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(why, await exchange.body(), "FingerprintWithdrawal")
        return answer(await services.near.fingerprints.withdraw(caller, source_id, order))

    return router


def peer_router(services: Services) -> APIRouter:
    """Return the routes of platforms whose files are taken."""
    router = APIRouter()
    key = msgspec.json.Decoder(FingerprintPeer)
    name = msgspec.json.Decoder(FingerprintDistrust)

    @router.get("/v1/fingerprints/peers", **described())
    async def peers(request: Request) -> Response:
        """Tell our key, and the platforms whose files are taken."""
        caller = await office_caller(exchange_of(request), services, "admin", "audit")
        return answer(await services.near.fingerprints.peers(caller))

    @router.post("/v1/fingerprints/peers", **described(FingerprintPeer, 201))
    async def trust(request: Request) -> Response:
        """Take files of a platform from now on."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(key, await exchange.body(), "FingerprintPeer")
        return answer(await services.near.fingerprints.trust(caller, order), 201)

    @router.post("/v1/fingerprints/peers/remove", **described(FingerprintDistrust))
    async def distrust(request: Request) -> Response:
        """Take no more files of a platform."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        order = decode(name, await exchange.body(), "FingerprintDistrust")
        return answer(await services.near.fingerprints.distrust(caller, order.name))

    return router
