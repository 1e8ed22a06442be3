"""The routes of cases: for staff, for the customer that a case is about, and for authorities'
requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.case_requests import (
    CaseAct,
    CaseAppeal,
    CaseAssign,
    CaseDecision,
    CaseOpen,
    CaseRests,
    CaseWords,
    RecordsRequest,
)
from assent.flow.requests import Caller
from assent.policy.ladder import told
from assent.web.caller import caller_of, decode
from assent.web.exchange import Exchange
from assent.web.openapi import described
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services

WORKS: Final = ("enforce", "second_enforce")
CUSTOMERS: Final = ("admission",)
LOOKS: Final = (*WORKS, "audit", *CUSTOMERS, "read")
_ZIP: Final = {"Content-Disposition": 'attachment; filename="records.zip"'}
_CSV: Final = {"Content-Disposition": 'attachment; filename="credit.csv"'}
Since = Annotated[datetime | None, Query(alias="from")]
Kind = Literal["enforcement", "records"]
State = Literal["open", "closed", "reversed"]


def case_router(services: Services) -> APIRouter:
    """Return all of them."""
    router = APIRouter()
    # The fixed addresses first: an id would take them otherwise.
    for part in (out_router, look_router, open_router, write_router, act_router, customer_router):
        router.include_router(part(services))
    return router


def look_router(services: Services) -> APIRouter:
    """Return the routes of those who look."""
    router = APIRouter()

    @router.get("/v1/cases", **described())
    async def cases(
        request: Request, kind: Kind | None = None, state: State | None = None,
        mine: bool = False, late: bool = False, cursor: Cursor = 0, limit: Limit = 100,
    ) -> Response:  # fmt: skip
        """List cases, newest first: customers those that they were told of."""
        caller = await caller_of(exchange_of(request), services, *LOOKS)
        rooms = services.cases.cases
        return answer(await rooms.list(caller, kind, state, mine, late, cursor, limit))

    @router.get("/v1/cases/{case_number}", **described())
    async def case(request: Request, case_number: Id) -> Response:
        """Show a case: to its customer what it was told."""
        caller = await caller_of(exchange_of(request), services, *LOOKS)
        return answer(await services.cases.cases.show(caller, case_number))

    return router


def open_router(services: Services) -> APIRouter:
    """Return the routes that open cases."""
    router = APIRouter()
    opened = msgspec.json.Decoder(CaseOpen)
    asked = msgspec.json.Decoder(RecordsRequest)
    added = msgspec.json.Decoder(CaseRests)

    @router.post("/v1/cases", **described(CaseOpen, 201))
    async def open_case(request: Request) -> Response:
        """Open a case about a sender, an account or a port."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(opened, body, "CaseOpen")
        return answer(await services.cases.cases.open(caller, order), 201)

    @router.post("/v1/cases/records", **described(RecordsRequest, 201))
    async def records(request: Request) -> Response:
        """Take in a lawful request for records; a second person agrees before anything leaves."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(asked, body, "RecordsRequest")
        return answer(await services.cases.cases.request(caller, order), 201)

    @router.post("/v1/cases/{case_number}/evidence", **described(CaseRests))
    async def evidence(request: Request, case_number: Id) -> Response:
        """Add what a case rests on."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(added, body, "CaseRests")
        return answer(await services.cases.cases.rest(caller, case_number, order))

    return router


def write_router(services: Services) -> APIRouter:
    """Return the routes that write in a case."""
    router = APIRouter()
    whose = msgspec.json.Decoder(CaseAssign)
    words = msgspec.json.Decoder(CaseWords)

    @router.post("/v1/cases/{case_number}/assign", **described(CaseAssign))
    async def assign(request: Request, case_number: Id) -> Response:
        """Say whose a case is, or how grave."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(whose, body, "CaseAssign")
        return answer(await services.cases.cases.assign(caller, case_number, order))

    @router.post("/v1/cases/{case_number}/note", **described(CaseWords))
    async def note(request: Request, case_number: Id) -> Response:
        """Write something down that only staff see."""
        caller, body = await _asked(request, services, *WORKS)
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.cases.note(caller, case_number, order))

    @router.post("/v1/cases/{case_number}/message", **described(CaseWords))
    async def message(request: Request, case_number: Id) -> Response:
        """Write to the customer."""
        caller, body = await _asked(request, services, *WORKS)
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.cases.message(caller, case_number, order))

    @router.post("/v1/cases/{case_number}/close", **described(CaseWords))
    async def close(request: Request, case_number: Id) -> Response:
        """Close a case."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.cases.close(caller, case_number, order))

    return router


def act_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes that take steps."""
    router = APIRouter()
    act = msgspec.json.Decoder(CaseAct)
    words = msgspec.json.Decoder(CaseWords)
    decision = msgspec.json.Decoder(CaseDecision)

    @router.post("/v1/cases/{case_number}/act", **described(CaseAct))
    async def take(request: Request, case_number: Id) -> Response:
        """Take a step of the ladder, or propose it where two must agree."""
        caller, body = await _asked(request, services, "enforce")
        order = decode(act, body, "CaseAct")
        return answer(await services.cases.cases.act(caller, case_number, order))

    @router.post("/v1/cases/{case_number}/steps/{step_id}/agree", **described())
    async def agree(request: Request, case_number: Id, step_id: Id) -> Response:
        """Agree to what somebody else proposed."""
        caller = await caller_of(exchange_of(request), services, "second_enforce")
        return answer(await services.cases.cases.agree(caller, case_number, step_id))

    @router.post("/v1/cases/{case_number}/steps/{step_id}/decline", **described(CaseWords))
    async def decline(request: Request, case_number: Id, step_id: Id) -> Response:
        """Decline what was proposed."""
        caller, body = await _asked(request, services, *WORKS)
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.cases.decline(caller, case_number, step_id, order))

    @router.post("/v1/cases/{case_number}/steps/{step_id}/lift", **described(CaseWords))
    async def lift(request: Request, case_number: Id, step_id: Id) -> Response:
        """End a restriction or suspension."""
        caller, body = await _asked(request, services, *WORKS)
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.cases.lift(caller, case_number, step_id, order))

    @router.post("/v1/cases/{case_number}/decide", **described(CaseDecision))
    async def decide(request: Request, case_number: Id) -> Response:
        """Uphold or reverse a step; who took it does not."""
        caller, body = await _asked(request, services, "second_enforce")
        order = decode(decision, body, "CaseDecision")
        return answer(await services.cases.appeals.decide(caller, case_number, order))

    return router


def customer_router(services: Services) -> APIRouter:
    """Return the routes of the customer that a case is about."""
    router = APIRouter()
    words = msgspec.json.Decoder(CaseWords)
    appealed = msgspec.json.Decoder(CaseAppeal)

    @router.post("/v1/cases/{case_number}/answer", **described(CaseWords))
    async def say(request: Request, case_number: Id) -> Response:
        """Answer in a case of one's own."""
        caller, body = await _asked(request, services, *CUSTOMERS)
        order = decode(words, body, "CaseWords")
        return answer(await services.cases.appeals.answer(caller, case_number, order))

    @router.post("/v1/cases/{case_number}/appeal", **described(CaseAppeal))
    async def appeal(request: Request, case_number: Id) -> Response:
        """Appeal against a step; another person decides."""
        caller, body = await _asked(request, services, *CUSTOMERS)
        order = decode(appealed, body, "CaseAppeal")
        return answer(await services.cases.appeals.appeal(caller, case_number, order))

    return router


def out_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of what leaves the platform."""
    router = APIRouter()

    @router.get("/v1/cases/ladder", **described())
    async def ladder(request: Request) -> Response:
        """Tell the ladder in force."""
        caller = await caller_of(exchange_of(request), services, *WORKS, "audit")
        return answer(told(services.cases.cases.ladder(caller)))

    @router.get("/v1/cases/credit", **described())
    async def credit(request: Request, since: Since = None, to: datetime | None = None) -> Response:
        """Return entries for credit files of a time."""
        caller = await caller_of(exchange_of(request), services, *WORKS, "audit")
        return answer(await services.cases.out.credit(caller, since, to))

    @router.get("/v1/cases/credit.csv", **described())
    async def credit_table(
        request: Request, since: Since = None, to: datetime | None = None
    ) -> Response:
        """Return the same as CSV."""
        caller = await caller_of(exchange_of(request), services, *WORKS, "audit")
        table = await services.cases.out.credit_table(caller, since, to)
        return Response(table, media_type="text/csv", headers=_CSV)

    @router.get("/v1/cases/{case_number}/notice", **described())
    async def notice(request: Request, case_number: Id) -> Response:
        """Return the text of a public notice."""
        caller = await caller_of(exchange_of(request), services, *WORKS)
        return answer(await services.cases.out.notice(caller, case_number))

    @router.get("/v1/cases/{case_number}/records", **described())
    async def records(request: Request, case_number: Id) -> Response:
        """Tell the parts of a request for records that two persons agreed to."""
        caller = await caller_of(exchange_of(request), services, *WORKS)
        return answer(await services.cases.out.records(caller, case_number))

    @router.get("/v1/cases/{case_number}/records/{part}", **described())
    async def record(request: Request, case_number: Id, part: Id) -> Response:
        """Return the evidence bundle of one part."""
        caller = await caller_of(exchange_of(request), services, *WORKS)
        archive = await services.cases.out.record(caller, case_number, part)
        return Response(archive, media_type="application/zip", headers=_ZIP)

    return router


async def _asked(request: Request, services: Services, *scopes: str) -> tuple[Caller, Any]:
    """Return who calls and, once that is known, the body."""
    exchange: Exchange = exchange_of(request)
    caller = await caller_of(exchange, services, *scopes)
    return caller, await exchange.body()
