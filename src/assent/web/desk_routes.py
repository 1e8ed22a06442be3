"""The routes of the review desk: the queue, ways of seeing, registers, the graph, archives."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.flow.admission_requests import EntityOrder, PersonMatch, SightRequest
from assent.flow.requests import ReviewDecision, ReviewWords
from assent.web.admission_routes import SAVE, Code
from assent.web.caller import caller_of, decode
from assent.web.openapi import REGISTER, described
from assent.web.registers import read_register
from assent.web.routes import Id, Limit, answer, exchange_of
from assent.web.services import Services

Word = Annotated[str | None, Query(max_length=40)]
Place = Annotated[str, Query(max_length=60)]
EntityCode = Annotated[str, Path(min_length=1, max_length=40)]
REVIEWERS = ("review", "second_review")
WATCHERS = (*REVIEWERS, "audit")


def desk_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of items."""
    router = APIRouter()
    words = msgspec.json.Decoder(ReviewWords)
    decision = msgspec.json.Decoder(ReviewDecision)

    @router.get("/v1/desk/items", **described())
    async def items(
        request: Request,
        kind: Word = None,
        state: Word = None,
        cursor: Place = "",
        limit: Limit = 100,
    ) -> Response:
        """List what waits for a decision, most urgent first."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.front.desk.queue(caller, kind, state, cursor, limit))

    @router.get("/v1/desk/items/{item_id}", **described())
    async def item(request: Request, item_id: Id) -> Response:
        """Show an item with everything that a reviewer has to see."""
        caller = await caller_of(exchange_of(request), services, *WATCHERS)
        return answer(await services.front.desk.show(caller, item_id))

    @router.post("/v1/desk/items/{item_id}/ask", **described(ReviewWords))
    async def ask(request: Request, item_id: Id) -> Response:
        """Ask the customer something."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(words, await exchange.body(), "ReviewWords")
        return answer(await services.front.desk.ask(caller, item_id, order))

    @router.post("/v1/desk/items/{item_id}/decide", **described(ReviewDecision))
    async def decide(request: Request, item_id: Id) -> Response:
        """Approve or refuse, with a ground; where two must agree, the second decides."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(decision, await exchange.body(), "ReviewDecision")
        return answer(await services.front.desk.decide(caller, item_id, order))

    return router


def sight_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of ways of seeing papers and persons."""
    router = APIRouter()
    sight = msgspec.json.Decoder(SightRequest)
    match = msgspec.json.Decoder(PersonMatch)

    @router.post("/v1/desk/documents/{document_id}/sights", **described(SightRequest))
    async def see(request: Request, document_id: Id) -> Response:
        """Keep how a paper was seen."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(sight, await exchange.body(), "SightRequest")
        return answer(await services.front.sights.see(caller, document_id, order))

    @router.get("/v1/desk/people/{person_id}", **described())
    async def person(request: Request, person_id: Id) -> Response:
        """Show who a person is, unmasked; the look is written down."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.front.sights.open(caller, person_id))

    @router.post("/v1/desk/people/{person_id}/match", **described(PersonMatch))
    async def match_person(request: Request, person_id: Id) -> Response:
        """Keep what a real-name check said of a person."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        order = decode(match, await exchange.body(), "PersonMatch")
        return answer(await services.front.sights.match(caller, person_id, order))

    return router


def register_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of registers, the graph and entities."""
    router = APIRouter()
    order = msgspec.json.Decoder(EntityOrder)

    @router.post("/v1/desk/registers", **REGISTER)
    async def import_register(request: Request) -> Response:
        """Import a dated, sourced file of a register: CSV, XLSX or JSON."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        file = await read_register(exchange)
        return answer(await services.front.registers.take(caller, file), 201)

    @router.get("/v1/desk/registers", **described())
    async def registers(request: Request) -> Response:
        """List the files that were imported."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.front.registers.listed(caller))

    @router.get("/v1/desk/registers/look", **described())
    async def look(request: Request, credit_code: Place = "", number: Place = "") -> Response:
        """Tell what the newest files say of a credit code or number; no data is `unknown`."""
        caller = await caller_of(exchange_of(request), services, *REVIEWERS)
        return answer(await services.front.registers.look(caller, credit_code, number))

    @router.get("/v1/graph/{entity}", **described())
    async def graph(request: Request, entity: EntityCode) -> Response:
        """Show what an entity has in common with others, and over which paths."""
        caller = await caller_of(exchange_of(request), services, *WATCHERS)
        return answer(await services.front.admission.graph_of(caller, entity))

    @router.get("/v1/desk/entities/{entity}/export", **described())
    async def export(request: Request, entity: Code) -> Response:
        """Return everything about an entity as one archive. For auditors."""
        caller = await caller_of(exchange_of(request), services, "audit")
        name, octets = await services.front.dossiers.export(caller, entity)
        save = {**SAVE, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(octets, media_type="application/zip", headers=save)

    @router.post("/v1/desk/entities/{entity}/{action}", **described(EntityOrder))
    async def order_entity(
        request: Request, entity: Code, action: Literal["suspend", "revoke", "restore"]
    ) -> Response:
        """Suspend, revoke or restore an entity; everything that depends on it follows."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, *REVIEWERS)
        why = decode(order, await exchange.body(), "EntityOrder")
        return answer(await services.front.admission.order(caller, entity, action, why))

    return router
