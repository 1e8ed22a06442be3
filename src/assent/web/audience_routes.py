"""The routes of audiences from consent, of labels, and of customers' signed instructions."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from assent.flow.applications import refuse_sandbox
from assent.flow.audience_requests import AudienceBuild, InstructionRequest, LabelRequest
from assent.flow.requests import Caller
from assent.web.admission_routes import SAVE, read_form
from assent.web.caller import caller_of, decode
from assent.web.exchange import Exchange
from assent.web.openapi import INSTRUCTION, described
from assent.web.problems import bad_json
from assent.web.routes import Id, answer, exchange_of
from assent.web.services import Services


def choosing_router(services: Services) -> APIRouter:
    """Return the routes of audiences from consent and of labels."""
    router = APIRouter()
    choice = msgspec.json.Decoder(AudienceBuild)
    label = msgspec.json.Decoder(LabelRequest)

    @router.post("/v1/audiences/build", **described(AudienceBuild))
    async def build_audience(request: Request) -> Response:
        """Choose people who agreed to a programme, or tell how many there are."""
        exchange = exchange_of(request)
        caller = await _caller(exchange, services, "campaigns")
        order = decode(choice, await exchange.body(), "AudienceBuild")
        return answer(await services.audiences.choosing.build(caller, order))

    @router.post("/v1/labels", **described(LabelRequest))
    async def put_label(request: Request) -> Response:
        """Put people under a label."""
        exchange = exchange_of(request)
        caller = await _caller(exchange, services, "campaigns")
        order = decode(label, await exchange.body(), "LabelRequest")
        return answer(await services.audiences.labels.put(caller, order))

    @router.get("/v1/labels", **described())
    async def labels(request: Request) -> Response:
        """List the account's labels."""
        caller = await _caller(exchange_of(request), services, "campaigns", "read")
        return answer(await services.audiences.labels.listed(caller))

    @router.delete("/v1/labels/{label_id}", **described())
    async def drop_label(request: Request, label_id: Id) -> Response:
        """Delete a label with its people."""
        caller = await _caller(exchange_of(request), services, "campaigns")
        return answer(await services.audiences.labels.drop(caller, label_id))

    return router


def instruction_router(services: Services) -> APIRouter:
    """Return the routes of instructions."""
    router = APIRouter()

    @router.post("/v1/instructions", **INSTRUCTION)
    async def add_instruction(request: Request) -> Response:
        """Hand in what a customer signed so that staff order a campaign for it."""
        exchange = exchange_of(request)
        caller = await _caller(exchange, services, "behalf")
        body = await exchange.body()
        words, file = read_form(exchange.header(b"content-type"), body)
        try:
            order = msgspec.convert(words, InstructionRequest, strict=False)
        except msgspec.ValidationError as error:
            raise bad_json(error, "InstructionRequest") from None
        return answer(await services.audiences.instructions.add(caller, order, file), 201)

    @router.get("/v1/instructions/{instruction_id}", **described())
    async def instruction(request: Request, instruction_id: Id) -> Response:
        """Tell what an instruction orders, and which campaign it served."""
        caller = await _looking(exchange_of(request), services)
        return answer(await services.audiences.instructions.show(caller, instruction_id))

    @router.get("/v1/instructions/{instruction_id}/file", **described())
    async def instruction_file(request: Request, instruction_id: Id) -> Response:
        """Return an instruction as it was handed in, octet for octet."""
        caller = await _looking(exchange_of(request), services)
        kind, octets = await services.audiences.instructions.file(caller, instruction_id)
        return Response(octets, media_type=kind, headers=SAVE)

    return router


async def _caller(exchange: Exchange, services: Services, *scopes: str) -> Caller:
    caller = await caller_of(exchange, services, *scopes)
    refuse_sandbox(caller)
    return caller


async def _looking(exchange: Exchange, services: Services) -> Caller:
    return await _caller(exchange, services, "campaigns", "behalf", "audit", "admin")
