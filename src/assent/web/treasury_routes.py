"""Routes of the treasury: for those who run the platform. Who may change has the scope `treasury`,
who may look `treasury` or `audit`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.errors import InvalidInput
from assent.flow.money_requests import (
    ComplaintRequest,
    HeldRequest,
    PackageRequest,
    PlanRequest,
    RateRequest,
    RebateRequest,
    TermsRequest,
    ThroughRequest,
)
from assent.flow.requests import Caller
from assent.web.caller import caller_of, decode
from assent.web.money_routes import PortPath
from assent.web.openapi import described
from assent.web.routes import Id, answer, exchange_of
from assent.web.services import Services

AccountPath = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
By = Annotated[str, Query(max_length=100)]
RuleId = Annotated[int, Path(ge=0, lt=1 << 31)]


def treasury_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of accounts' terms and of plans."""
    router = APIRouter()
    desk = services.money
    terms = msgspec.json.Decoder(TermsRequest)
    plan = msgspec.json.Decoder(PlanRequest)

    @router.post("/v1/treasury/terms", **described(TermsRequest))
    async def set_terms(request: Request) -> Response:
        """Change terms of an account: credit, currency, parent, plan, when it is charged."""
        caller = await _who(services, request)
        order = decode(terms, await exchange_of(request).body(), "TermsRequest")
        return answer(await desk.treasury.terms(caller, order))

    @router.get("/v1/treasury/accounts/{account}", **described())
    async def account_terms(request: Request, account: AccountPath) -> Response:
        """Tell the terms of an account."""
        await _who(services, request, "audit")
        return answer(await desk.treasury.account(account))

    @router.post("/v1/treasury/plans", **described(PlanRequest, 201))
    async def add_plan(request: Request) -> Response:
        """Make a price plan."""
        caller = await _who(services, request)
        order = decode(plan, await exchange_of(request).body(), "PlanRequest")
        return answer(await desk.treasury.add_plan(caller, order), 201)

    @router.get("/v1/treasury/plans", **described())
    async def plans(request: Request) -> Response:
        """List the price plans."""
        await _who(services, request, "audit")
        return answer(await desk.treasury.plans())

    return router


def price_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of carriers' rates, of margin and of the proof."""
    router = APIRouter()
    desk = services.money
    rate = msgspec.json.Decoder(RateRequest)
    package = msgspec.json.Decoder(PackageRequest)

    @router.post("/v1/treasury/rates", **described(RateRequest, 201))
    async def add_rate(request: Request) -> Response:
        """Note what a carrier asks from a day on."""
        caller = await _who(services, request)
        order = decode(rate, await exchange_of(request).body(), "RateRequest")
        return answer(await desk.treasury.add_rate(caller, order), 201)

    @router.post("/v1/treasury/packages", **described(PackageRequest, 201))
    async def add_package(request: Request) -> Response:
        """Note segments bought from a carrier for a time."""
        caller = await _who(services, request)
        order = decode(package, await exchange_of(request).body(), "PackageRequest")
        return answer(await desk.treasury.add_package(caller, order), 201)

    @router.get("/v1/treasury/rates", **described())
    async def rates(request: Request) -> Response:
        """List what carriers ask and what was bought from them."""
        await _who(services, request, "audit")
        return answer(await desk.treasury.rates())

    @router.get("/v1/treasury/margin", **described())
    async def margin(
        request: Request,
        begin: Annotated[str, Query(alias="from", max_length=10)] = "",
        end: Annotated[str, Query(alias="to", max_length=10)] = "",
        by: By = "carrier,port,customer",
    ) -> Response:
        """Tell what is left of some days, by carrier, port, customer or purpose."""
        caller = await _who(services, request, "audit")
        names = [name for name in by.split(",") if name]
        days = _day(begin, "from"), _day(end, "to")
        return answer(await desk.margin(caller, *days, names))

    @router.get("/v1/treasury/verify", **described())
    async def verify(request: Request) -> Response:
        """Prove on the live database that the money is right."""
        caller = await _who(services, request, "audit")
        return answer(await desk.verify(caller))

    return router


def payment_router(services: Services) -> APIRouter:
    """Return the routes of payments that came in."""
    router = APIRouter()
    desk = services.money
    held = msgspec.json.Decoder(HeldRequest)

    @router.post("/v1/treasury/payments/{port}/files", **FILE)
    async def import_payments(request: Request, port: PortPath) -> Response:
        """Take a bank's file: camt.053 or CSV, as the payment port has it."""
        caller = await _who(services, request)
        data = await exchange_of(request).body()
        return answer(await desk.import_file(caller, port, data))

    @router.get("/v1/treasury/held", **described())
    async def held_payments(request: Request) -> Response:
        """List payments that wait for two persons."""
        await _who(services, request, "audit")
        return answer(await desk.payments.held())

    @router.post("/v1/treasury/held/{line_id}/{action}", **described(HeldRequest))
    async def decide_payment(
        request: Request, line_id: Id, action: Literal["release", "return"]
    ) -> Response:
        """Say what is to be done with a held payment; done once two persons say the same."""
        caller = await _who(services, request)
        order = decode(held, await exchange_of(request).body(), "HeldRequest")
        return answer(await desk.payments.wish(caller, line_id, action, order.account))

    return router


def rebate_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of agents' rebates."""
    router = APIRouter()
    desk = services.money
    rebate = msgspec.json.Decoder(RebateRequest)
    complaint = msgspec.json.Decoder(ComplaintRequest)
    until = msgspec.json.Decoder(ThroughRequest)

    @router.post("/v1/treasury/rebates", **described(RebateRequest, 201))
    async def propose_rebate(request: Request) -> Response:
        """Propose a rebate; another person has to approve it."""
        caller = await _who(services, request)
        order = decode(rebate, await exchange_of(request).body(), "RebateRequest")
        return answer(await desk.rebates.propose(caller, order), 201)

    @router.get("/v1/treasury/rebates", **described())
    async def rebates(request: Request) -> Response:
        """List rebates with carrier rate, customer price and end price of each."""
        await _who(services, request, "audit")
        return answer(await desk.rebates.show())

    @router.post("/v1/treasury/rebates/pay", **described(ThroughRequest))
    async def pay_rebates(request: Request) -> Response:
        """Pay what agents are owed, and take back what they got too much."""
        caller = await _who(services, request)
        order = decode(until, await exchange_of(request).body(), "ThroughRequest")
        return answer(await desk.rebates.pay(caller, order.through))

    @router.post("/v1/treasury/rebates/exclusions", **described(ComplaintRequest))
    async def exclude(request: Request) -> Response:
        """Note messages that people complained of: no agent is paid for them."""
        caller = await _who(services, request)
        order = decode(complaint, await exchange_of(request).body(), "ComplaintRequest")
        return answer(await desk.rebates.exclude(caller, order))

    @router.post("/v1/treasury/rebates/{rule_id}/{action}", **described())
    async def decide_rebate(
        request: Request, rule_id: RuleId, action: Literal["approve", "refuse", "end"]
    ) -> Response:
        """Approve, refuse or end a rebate."""
        caller = await _who(services, request)
        return answer(await desk.rebates.decide(caller, rule_id, action))

    return router


def _day(text: str, field: str) -> date:
    """Return a day of a query. Raises InvalidInput: after it is known who asks, not before."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "bad_day", f"{field} is no day", field=field, rule="money: margin",
            mend="write it like 2026-11-22",
        ) from None  # fmt: skip


async def _who(services: Services, request: Request, *also: str) -> Caller:
    """Return the caller, one of the staff with the scope `treasury` or another that will do."""
    caller = await caller_of(exchange_of(request), services, "treasury", *also)
    services.money.staff(caller)
    return caller


FILE = {
    **described(),
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
