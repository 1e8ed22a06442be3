"""The routes of code numbers, ports, signatures, templates, hosts and switches."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.errors import NotAllowed
from assent.flow.port_requests import (
    CodeNumberFile,
    HostRequest,
    PortRequest,
    PortStep,
    SignatureRequest,
    StepWord,
    StopRequest,
    TakeBack,
    TemplateRequest,
)
from assent.flow.requests import Caller
from assent.web.caller import caller_of, decode
from assent.web.exchange import Exchange
from assent.web.openapi import described
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

Number = Annotated[str, Path(pattern=r"^[0-9]{3,20}$")]
RowId = Annotated[int, Path(ge=0, lt=1 << 31)]
Sender = Annotated[str | None, Query(max_length=64, pattern=r"^[!-~]*$")]

OWN: Final = ("admission",)
STAFF: Final = ("review", "second_review", "admin", "audit", "support")
STEPPERS: Final = ("admission", "review", "admin")


async def office_caller(exchange: Exchange, services: Services, *scopes: str) -> Caller:
    """Return who calls. A sandbox key has no part in what is reviewed by people."""
    caller = await caller_of(exchange, services, *scopes)
    if caller.sandbox:
        raise NotAllowed(
            "sandbox_key", "the sandbox has no ports and templates of its own",
            field="Authorization", rule="http-api: sandbox", mend="use a key that is none",
        )  # fmt: skip
    return caller


def port_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of code numbers and ports."""
    router = APIRouter()
    number_file = msgspec.json.Decoder(CodeNumberFile)
    port_request = msgspec.json.Decoder(PortRequest)
    port_step = msgspec.json.Decoder(PortStep)

    @router.get("/v1/numbers", **described())
    async def numbers(request: Request) -> Response:
        """List the code numbers that extensions are given out of."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.numbers.show(caller))

    @router.post("/v1/numbers", **described(CodeNumberFile))
    async def enter_number(request: Request) -> Response:
        """Enter a code number of the operator's, change it, or close it."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        file = decode(number_file, await exchange.body(), "CodeNumberFile")
        return answer(await services.ports.numbers.enter(caller, file))

    @router.get("/v1/ports", **described())
    async def ports(request: Request) -> Response:
        """List ports and applications."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.ports.show(caller))

    @router.post("/v1/ports", **described(PortRequest, 201))
    async def apply_for_port(request: Request) -> Response:
        """Apply for an extension of a code number."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *OWN)
        wanted = decode(port_request, await exchange.body(), "PortRequest")
        return answer(await services.ports.applications.apply(caller, wanted), 201)

    @router.post("/v1/port-applications/{application_id}/withdraw", **described())
    async def withdraw_application(request: Request, application_id: RowId) -> Response:
        """Take an application back before it is decided."""
        caller = await office_caller(exchange_of(request), services, *OWN)
        return answer(await services.ports.applications.withdraw(caller, application_id))

    @router.get("/v1/ports/{number}", **described())
    async def port(request: Request, number: Number) -> Response:
        """Tell where a port stands on each carrier, and what happened to it."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.ports.show(caller, number))

    @router.post("/v1/ports/{number}/{step}", **described(PortStep))
    async def step_port(request: Request, number: Number, step: StepWord) -> Response:
        """Take a step in a port's life."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *STEPPERS)
        words = decode(port_step, await exchange.body() or b"{}", "PortStep")
        return answer(await services.ports.ports.step(caller, number, step, words))

    return router


def signature_router(services: Services) -> APIRouter:
    """Return the routes of signatures."""
    router = APIRouter()
    signature_request = msgspec.json.Decoder(SignatureRequest)
    take_back = msgspec.json.Decoder(TakeBack)

    @router.get("/v1/signatures", **described())
    async def signatures(request: Request) -> Response:
        """List signatures."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.signatures.show(caller))

    @router.post("/v1/signatures", **described(SignatureRequest, 201))
    async def submit_signature(request: Request) -> Response:
        """Hand a signature in, for the first time or after it lapsed."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *OWN)
        wanted = decode(signature_request, await exchange.body(), "SignatureRequest")
        return answer(await services.ports.signatures.submit(caller, wanted), 201)

    @router.post("/v1/signatures/{signature_id}/withdraw", **described(TakeBack))
    async def withdraw_signature(request: Request, signature_id: RowId) -> Response:
        """Take a signature back: nothing more leaves with it."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *STEPPERS)
        why = decode(take_back, await exchange.body() or b"{}", "TakeBack").reason
        return answer(await services.ports.signatures.withdraw(caller, signature_id, why))

    return router


def template_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of templates and hosts."""
    router = APIRouter()
    template_request = msgspec.json.Decoder(TemplateRequest)
    host_request = msgspec.json.Decoder(HostRequest)
    take_back = msgspec.json.Decoder(TakeBack)

    @router.get("/v1/templates", **described())
    async def templates(request: Request, sender: Sender = None) -> Response:
        """List templates, version by version."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.templates.show(caller, sender))

    @router.post("/v1/templates", **described(TemplateRequest, 201))
    async def submit_template(request: Request) -> Response:
        """Hand in a template, or the next version of one."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *OWN)
        wanted = decode(template_request, await exchange.body(), "TemplateRequest")
        return answer(await services.ports.templates.submit(caller, wanted), 201)

    @router.post("/v1/templates/{template_id}/withdraw", **described(TakeBack))
    async def withdraw_template(request: Request, template_id: RowId) -> Response:
        """Take a version back: nothing more leaves by it."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *STEPPERS)
        why = decode(take_back, await exchange.body() or b"{}", "TakeBack").reason
        return answer(await services.ports.templates.withdraw(caller, template_id, why))

    @router.get("/v1/hosts", **described())
    async def hosts(request: Request) -> Response:
        """List the hosts that links may lead to."""
        caller = await office_caller(exchange_of(request), services, *OWN, *STAFF)
        return answer(await services.ports.hosts.show(caller))

    @router.post("/v1/hosts", **described(HostRequest, 201))
    async def submit_host(request: Request) -> Response:
        """Hand a host in."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *OWN)
        wanted = decode(host_request, await exchange.body(), "HostRequest")
        return answer(await services.ports.hosts.submit(caller, wanted), 201)

    @router.post("/v1/hosts/{host_id}/withdraw", **described(TakeBack))
    async def withdraw_host(request: Request, host_id: RowId) -> Response:
        """Take a host back: no link may lead there any more."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *STEPPERS)
        why = decode(take_back, await exchange.body() or b"{}", "TakeBack").reason
        return answer(await services.ports.hosts.withdraw(caller, host_id, why))

    return router


def switch_router(services: Services) -> APIRouter:
    """Return the routes of the class switch."""
    router = APIRouter()
    stop_request = msgspec.json.Decoder(StopRequest)
    take_back = msgspec.json.Decoder(TakeBack)

    @router.get("/v1/switches", **described())
    async def switches(request: Request) -> Response:
        """List what is and was switched off."""
        caller = await office_caller(exchange_of(request), services, *STAFF)
        return answer(await services.ports.switches.show(caller))

    @router.post("/v1/switches", **described(StopRequest, 201))
    async def stop_class(request: Request) -> Response:
        """Switch a class of traffic off for everybody."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        wanted = decode(stop_request, await exchange.body(), "StopRequest")
        return answer(await services.ports.switches.stop(caller, wanted), 201)

    @router.post("/v1/switches/{switch_id}/lift", **described(TakeBack))
    async def lift_class(request: Request, switch_id: RowId) -> Response:
        """Switch a class on again."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admin")
        why = decode(take_back, await exchange.body() or b"{}", "TakeBack").reason
        return answer(await services.ports.switches.lift(caller, switch_id, why))

    return router
