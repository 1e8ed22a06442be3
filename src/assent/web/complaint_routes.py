"""The routes of complaints: taken in, listed, shown, passed on, answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.errors import InvalidInput
from assent.flow.complaint_requests import (
    ComplaintEnd,
    ComplaintWords,
    ReceiverComplaint,
    SourceWord,
    StateWord,
)
from assent.web.caller import decode
from assent.web.complaint_files import read_complaints
from assent.web.openapi import COMPLAINTS, described
from assent.web.port_routes import office_caller
from assent.web.routes import Cursor, Limit, answer, exchange_of
from assent.web.services import Services

ComplaintId = Annotated[int, Path(ge=1, lt=1 << 63)]
Word = Annotated[str | None, Query(max_length=100)]
PortWord = Annotated[str | None, Query(pattern=r"^[0-9]{1,25}$")]
Moment = Annotated[datetime | None, Query()]

TAKERS: Final = ("refusals", "support", "review", "second_review")
"""Who hands complaints in one by one: customers, and the staff who hear them."""
IMPORTERS: Final = ("admin", "review", "second_review")
"""Who takes files of carriers and of 12321."""
WORKERS: Final = ("review", "second_review")
READERS: Final = ("read", "review", "second_review", "audit")
"""Customers see what concerns them; of the staff the desk tells who may."""


def complaint_router(services: Services) -> APIRouter:
    """Return all of them."""
    router = APIRouter()
    router.include_router(intake_router(services))
    router.include_router(desk_router(services))
    router.include_router(step_router(services))
    return router


def intake_router(services: Services) -> APIRouter:
    """Return the routes that take complaints in."""
    router = APIRouter()
    wanted = msgspec.json.Decoder(ReceiverComplaint)

    @router.post("/v1/complaints", **described(ReceiverComplaint, 201))
    async def take(request: Request) -> Response:
        """Hand in what a receiver complained of; advertising to her ends at once."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *TAKERS)
        order = decode(wanted, await exchange.body(), "ReceiverComplaint")
        return answer(await services.complaints.calls.take(caller, order), 201)

    @router.post("/v1/complaint-files", **COMPLAINTS)
    async def take_file(request: Request) -> Response:
        """Take a file of a carrier or of 12321: CSV, XLSX, JSON, or a line a report."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *IMPORTERS)
        services.complaints.files.check(caller)
        file = await read_complaints(exchange)
        return answer(await services.complaints.files.take(caller, file), 201)

    @router.get("/v1/complaint-files", **described())
    async def files(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List the files that were taken, newest first."""
        caller = await office_caller(exchange_of(request), services, *IMPORTERS, "audit")
        return answer(await services.complaints.files.listed(caller, cursor, limit))

    return router


def desk_router(services: Services) -> APIRouter:
    """Return the routes that show complaints."""
    router = APIRouter()

    @router.get("/v1/complaints", **described())
    async def complaints(
        request: Request,
        state: StateWord | None = None,
        source: SourceWord | None = None,
        sender: Word = None,
        port: PortWord = None,
        account: Word = None,
        since: Moment = None,
        until: Moment = None,
        overdue: bool = False,
        cursor: Cursor = 0,
        limit: Limit = 100,
    ) -> Response:
        """List complaints, newest first: staff all, a customer those that concern it."""
        caller = await office_caller(exchange_of(request), services, *READERS)
        for name, at in (("since", since), ("until", until)):
            if at is not None and at.tzinfo is None:
                raise InvalidInput(
                    "complaint", "the time has no zone", field=name, rule="complaints: api",
                    mend="write it like 2026-11-22T10:00:00+08:00",
                )  # fmt: skip
        asked = {
            "state": state, "source": source, "sender": sender, "port": port, "account": account,
            "since": since, "until": until, "overdue": overdue, "cursor": cursor, "limit": limit,
        }  # fmt: skip
        return answer(await services.complaints.desk.list(caller, asked))

    @router.get("/v1/complaints/{complaint_id}", **described())
    async def complaint(request: Request, complaint_id: ComplaintId) -> Response:
        """Show a complaint: staff with words and match, a customer without who complained."""
        caller = await office_caller(exchange_of(request), services, *READERS)
        return answer(await services.complaints.desk.show(caller, complaint_id))

    return router


def step_router(services: Services) -> APIRouter:
    """Return the routes that act on one."""
    router = APIRouter()
    said = msgspec.json.Decoder(ComplaintWords)
    ended = msgspec.json.Decoder(ComplaintEnd)

    @router.post("/v1/complaints/{complaint_id}/answer", **described(ComplaintWords))
    async def answer_it(request: Request, complaint_id: ComplaintId) -> Response:
        """Answer: staff to who complained, a customer to the staff."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "refusals", *WORKERS)
        words = decode(said, await exchange.body(), "ComplaintWords").words
        return answer(await services.complaints.desk.answer(caller, complaint_id, words))

    @router.post("/v1/complaints/{complaint_id}/forward", **described(ComplaintWords))
    async def forward(request: Request, complaint_id: ComplaintId) -> Response:
        """Pass a complaint on to the customer it concerns."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *WORKERS)
        words = decode(said, await exchange.body(), "ComplaintWords").words
        return answer(await services.complaints.desk.forward(caller, complaint_id, words))

    @router.post("/v1/complaints/{complaint_id}/note", **described(ComplaintWords))
    async def note(request: Request, complaint_id: ComplaintId) -> Response:
        """Keep words for the staff."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *WORKERS)
        words = decode(said, await exchange.body(), "ComplaintWords").words
        return answer(await services.complaints.desk.note(caller, complaint_id, words))

    @router.post("/v1/complaints/{complaint_id}/not-ours", **described(ComplaintEnd))
    async def not_ours(request: Request, complaint_id: ComplaintId) -> Response:
        """Say that nobody of this platform's sent it, and why."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, *WORKERS)
        words = decode(ended, await exchange.body(), "ComplaintEnd").words
        return answer(await services.complaints.desk.not_ours(caller, complaint_id, words))

    return router
