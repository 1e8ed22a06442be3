"""The routes of applicants: applications, senders, papers, letters, answers."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.errors import InvalidInput, ProtocolError
from assent.flow.admission_requests import (
    ApplicationRequest,
    DocumentRequest,
    LetterRequest,
    SenderRequest,
)
from assent.flow.applications import refuse_sandbox
from assent.flow.requests import Caller, ReviewWords
from assent.web.caller import caller_of, decode
from assent.web.exchange import Exchange
from assent.web.openapi import DOCUMENT, described
from assent.web.problems import bad_json
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services
from assent.wire import mime

Code = Annotated[str, Path(min_length=1, max_length=40)]
SAVE: Final = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
"""A stranger's file: a browser shall save it and guess nothing."""


def admission_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of applications."""
    router = APIRouter()
    application = msgspec.json.Decoder(ApplicationRequest)
    words = msgspec.json.Decoder(ReviewWords)

    @router.post("/v1/admission", **described(ApplicationRequest))
    async def apply(request: Request) -> Response:
        """Apply for the entity that the account belongs to."""
        exchange = exchange_of(request)
        caller = await _applicant(exchange, services)
        order = decode(application, await exchange.body(), "ApplicationRequest")
        return answer(await services.front.admission.apply(caller, order))

    @router.get("/v1/admission", **described())
    async def admission(request: Request) -> Response:
        """Tell where everything stands: what is missing and why, what ends soon, what was asked."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.admission.show(caller))

    @router.post("/v1/admission/items/{item_id}/answer", **described(ReviewWords))
    async def answer_item(request: Request, item_id: Id) -> Response:
        """Answer what a reviewer asked."""
        exchange = exchange_of(request)
        caller = await _applicant(exchange, services)
        order = decode(words, await exchange.body(), "ReviewWords")
        return answer(await services.front.admission.answer(caller, item_id, order))

    return router


def sender_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of senders and letters."""
    router = APIRouter()
    sender = msgspec.json.Decoder(SenderRequest)
    letter = msgspec.json.Decoder(LetterRequest)

    @router.post("/v1/senders", **described(SenderRequest))
    async def register_sender(request: Request) -> Response:
        """Ask to send in the name of an entity, the account's own or another."""
        exchange = exchange_of(request)
        caller = await _applicant(exchange, services)
        order = decode(sender, await exchange.body(), "SenderRequest")
        return answer(await services.front.admission.register(caller, order))

    @router.get("/v1/senders", **described())
    async def senders(request: Request) -> Response:
        """List the senders that the account applied with, and what their papers open."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.admission.senders(caller))

    @router.get("/v1/senders/{code}", **described())
    async def one_sender(request: Request, code: Code) -> Response:
        """Tell where a sender stands, purpose by purpose."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.admission.sender(caller, code))

    @router.post("/v1/letters", **described(LetterRequest))
    async def add_letter(request: Request) -> Response:
        """Hand in an authorisation by which an entity lets the account's own send in its name."""
        exchange = exchange_of(request)
        caller = await _applicant(exchange, services)
        order = decode(letter, await exchange.body(), "LetterRequest")
        return answer(await services.front.admission.add_letter(caller, order))

    @router.get("/v1/letters", **described())
    async def letters(request: Request) -> Response:
        """List the letters that the account's entity holds or gave."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.admission.letters_of(caller))

    return router


def document_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of papers."""
    router = APIRouter()

    @router.post("/v1/documents", **DOCUMENT)
    async def add_document(request: Request) -> Response:
        """Hand in a paper with a copy of it; reviewers look at every one."""
        exchange = exchange_of(request)
        caller = await _applicant(exchange, services)
        body = await exchange.body()
        order, file = read_document(exchange.header(b"content-type"), body)
        return answer(await services.front.documents.add(caller, order, file), 201)

    @router.get("/v1/documents", **described())
    async def documents(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List the account's papers, newest first."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.documents.listed(caller, cursor, limit))

    @router.get("/v1/documents/{document_id}", **described())
    async def document(request: Request, document_id: Id) -> Response:
        """Tell where a paper stands and how it was seen."""
        caller = await _looking(exchange_of(request), services)
        return answer(await services.front.documents.show(caller, document_id))

    @router.get("/v1/documents/{document_id}/file", **described())
    async def document_file(request: Request, document_id: Id) -> Response:
        """Return a paper as it was handed in, octet for octet."""
        caller = await _looking(exchange_of(request), services)
        kind, octets = await services.front.documents.file(caller, document_id)
        return Response(octets, media_type=kind, headers=SAVE)

    @router.post("/v1/documents/{document_id}/withdraw", **described())
    async def withdraw_document(request: Request, document_id: Id) -> Response:
        """Take back a paper that nobody decided about yet."""
        caller = await _applicant(exchange_of(request), services)
        return answer(await services.front.documents.withdraw(caller, document_id))

    return router


async def _applicant(exchange: Exchange, services: Services) -> Caller:
    caller = await caller_of(exchange, services, "admission")
    refuse_sandbox(caller)
    return caller


async def _looking(exchange: Exchange, services: Services) -> Caller:
    scopes = ("admission", "review", "second_review", "audit")
    caller = await caller_of(exchange, services, *scopes)
    refuse_sandbox(caller)
    return caller


_PLAIN: Final = msgspec.json.Decoder(DocumentRequest)


def read_document(content_type: str, body: bytes) -> tuple[DocumentRequest, bytes | None]:
    """Return the fields of a form and its file; JSON has no file. Raises InvalidInput."""
    if content_type.lower().startswith("application/json"):
        return decode(_PLAIN, body, "DocumentRequest"), None
    words, file = read_form(content_type, body)
    if "scope" in words:
        words["scope"] = [one.strip() for one in str(words["scope"]).split(",") if one.strip()]
    try:
        return msgspec.convert(words, DocumentRequest, strict=False), file
    except msgspec.ValidationError as error:
        raise bad_json(error, "DocumentRequest") from None


def read_form(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes | None]:
    """Return the fields of a form that are not empty, and its file. Raises InvalidInput."""
    fields: dict[str, Any] = {}
    file: bytes | None = None
    try:
        boundary = mime.boundary_of(content_type)
        if boundary is None:
            raise _malformed("the body is no form")
        for part in mime.split(body, boundary):
            _, said = mime.media_type(part.headers.get("content-disposition", ""))
            if "filename" not in said:
                fields[said.get("name", "")] = part.body.decode("utf-8")
            elif file is not None:
                raise _malformed("the form has more than one file")
            else:
                file = bytes(part.body)
    except ProtocolError as error:
        raise _malformed(error.args[0]) from None
    except UnicodeDecodeError:
        raise _malformed("a field is not UTF-8") from None
    return {name: value for name, value in fields.items() if value != ""}, file


def _malformed(words: str) -> InvalidInput:
    return InvalidInput(
        "malformed_form", words, field="body", rule="http-api: papers", status=400,
        mend="send multipart/form-data with the fields and a part named file",
    )  # fmt: skip
