"""The ASGI application: one shell around the hot route and around FastAPI.

The shell counts, limits and logs every request and turns every error into problem+json. The
submit route skips FastAPI, which would cost more than judging a code does; FastAPI still knows
it, for the OpenAPI document.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Any, Final, cast

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from assent.clock import Clock
from assent.errors import AssentError, Unavailable
from assent.flow.refusal_links import PATH as LINKS
from assent.flow.requests import SendRequest
from assent.web.actor_routes import (
    ending_router,
    entrance_router,
    factor_router,
    self_router,
    session_router,
)
from assent.web.admission_routes import admission_router, document_router, sender_router
from assent.web.asking_routes import asking_router
from assent.web.audience_routes import choosing_router, instruction_router
from assent.web.call_routes import call_router
from assent.web.caller import caller_of, decode, digest, idempotency_key, rooms_of
from assent.web.case_routes import case_router
from assent.web.complaint_routes import complaint_router
from assent.web.desk_routes import desk_router, register_router, sight_router
from assent.web.direct import DirectExchange
from assent.web.door_routes import door_router, keyword_router
from assent.web.erasure_routes import erasure_router, keeping_router
from assent.web.evidence_routes import bill_router, evidence_router
from assent.web.exchange import (
    IN_SCOPE,
    BodyRoom,
    Exchange,
    GoneError,
    Receive,
    Scope,
    Send,
    error_headers,
)
from assent.web.import_routes import import_router
from assent.web.limits import Limits
from assent.web.logs import json_logger
from assent.web.member_routes import PAGES, member_router
from assent.web.money_routes import money_router, statement_router
from assent.web.near_routes import near_router
from assent.web.openapi import document
from assent.web.operator_routes import link_router, pdu_router
from assent.web.page_routes import page_router
from assent.web.port_routes import (
    port_router,
    signature_router,
    switch_router,
    template_router,
)
from assent.web.problems import bad_parameter, internal, no_such_route, problem_body
from assent.web.receivers_routes import receivers_router
from assent.web.refusal_routes import telephone_router
from assent.web.restriction_routes import restriction_router
from assent.web.rollup_routes import rollup_router
from assent.web.routes import (
    audience_router,
    campaign_router,
    order_router,
    status_router,
    watch_router,
)
from assent.web.services import Services
from assent.web.settings import WebSettings
from assent.web.statistics_routes import statistics_router
from assent.web.team_routes import audit_router, key_router, team_router
from assent.web.text_routes import text_looking_router, text_router
from assent.web.treasury_routes import (
    payment_router,
    price_router,
    rebate_router,
    treasury_router,
)
from assent.web.uploads import Uploads
from assent.web.videos import video_router
from assent.web.warning_routes import alarm_router, code_router

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Exchange], Awaitable[None]]

_SUBMIT: Final = "/v1/messages"
_SECRETS: Final = (PAGES, LINKS)
"""Below these a path ends in a secret, which no log may hold."""


_ROUTERS: Final = (
    choosing_router,
    instruction_router,
    campaign_router,
    video_router,
    status_router,
    link_router,
    pdu_router,
    money_router,
    statement_router,
    treasury_router,
    price_router,
    payment_router,
    rebate_router,
    port_router,
    signature_router,
    template_router,
    switch_router,
    member_router,
    keyword_router,
    door_router,
    admission_router,
    sender_router,
    document_router,
    desk_router,
    sight_router,
    register_router,
    entrance_router,
    session_router,
    ending_router,
    self_router,
    factor_router,
    alarm_router,
    code_router,
    team_router,
    key_router,
    audit_router,
    evidence_router,
    page_router,
    erasure_router,
    keeping_router,
    receivers_router,
    telephone_router,
    call_router,
    import_router,
    bill_router,
    asking_router,
    near_router,
    rollup_router,
    complaint_router,
    statistics_router,
    case_router,
    restriction_router,
    text_looking_router,
    text_router,
)
"""Routers that are made of the rooms alone; the first that knows a path answers."""


def create_app(services: Services, settings: WebSettings | None = None, log: Any = None) -> Shell:
    """Return the API as an ASGI application (HTTP only; it has no start-up of its own).

    `log`: a structlog logger for requests and faults; JSON lines on standard error if None.
    """
    settings = settings or WebSettings()
    uploads = Uploads(settings)
    submit = submit_handler(services)
    inner = FastAPI(
        title="assent", docs_url=None, redoc_url=None, openapi_url=None,
        exception_handlers={
            AssentError: _known, RequestValidationError: _refused, HTTPException: _routing,
            Exception: _unknown,
        },
    )  # fmt: skip
    inner.include_router(order_router(services, submit))
    inner.include_router(audience_router(services, uploads))
    for router in _ROUTERS:
        inner.include_router(router(services))
    inner.include_router(watch_router(services, settings, lambda: document(inner)))
    return Shell(
        inner, {("POST", _SUBMIT): submit}, services.clock, settings, log or json_logger()
    )  # fmt: skip


def submit_handler(services: Services) -> Handler:
    """Return the hot route: bytes → SendRequest → flow → bytes."""
    decoder = msgspec.json.Decoder(SendRequest)

    async def submit(exchange: Exchange) -> None:
        caller = await caller_of(exchange, services, "send")
        key = idempotency_key(exchange)
        body = await exchange.body()
        request = decode(decoder, body, "SendRequest")
        sending = rooms_of(services, caller).sending
        answer = await sending.send(caller, request, key=key, sha=digest(exchange, body))
        await exchange.answer(202, answer)

    return submit


class Shell:
    """What uvicorn calls. `inner` is the FastAPI application, `hot` the routes before it."""

    def __init__(
        self, inner: FastAPI, hot: dict[tuple[str, str], Handler], clock: Clock,
        settings: WebSettings, log: Any,
    ) -> None:  # fmt: skip
        self.inner = inner
        self.requests = 0  # under way
        self._hot = hot
        self._direct = {(method.encode(), path.encode()) for method, path in hot}
        self._clock = clock
        self._settings = settings
        self._room = BodyRoom(settings.bodies_limit)
        self._limits = Limits(settings)
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await self.serve(Exchange(scope, receive, send, self._settings, self._room, self._limits))

    def takes(self, method: bytes, url: bytes) -> bool:
        """Return whether requests for this go to a hot route, which needs no ASGI."""
        return (method, url) in self._direct

    def direct(
        self, method: bytes, url: bytes, headers: list[tuple[bytes, bytes]], body: bytes,
        keep_alive: bool, connection: Any,
    ) -> DirectExchange:  # fmt: skip
        """Return a whole request for a hot route, ready to :meth:`serve`."""
        return DirectExchange(
            method,
            url,
            headers,
            body,
            keep_alive,
            connection,
            self._settings,
            self._room,
            self._limits,
        )

    async def serve(self, exchange: Exchange) -> None:
        """Answer a request, whatever happens."""
        began = time.perf_counter()
        self.requests += 1
        try:
            await self._serve(exchange)
        except AssentError as error:
            await exchange.problem(error)
        except GoneError:
            pass
        except Exception as error:
            self._note(exchange, error)
            await exchange.problem(internal())
        finally:
            self.requests -= 1
            exchange.close()
            if self._settings.access_log:
                self._tell(exchange, time.perf_counter() - began)

    async def _serve(self, exchange: Exchange) -> None:
        if self.requests > self._settings.requests_at_once:
            raise Unavailable(
                "busy", "too many requests are under way", rule="http-api: limits",
                mend="try again in a moment",
            )  # fmt: skip
        handler = self._hot.get((exchange.method, exchange.path))
        if handler is not None:
            await handler(exchange)
            return
        exchange.scope[IN_SCOPE] = exchange
        await self.inner(exchange.scope, exchange.receive, exchange.send)

    def _tell(self, exchange: Exchange, seconds: float) -> None:
        # Paths hold ids only; numbers and texts travel in bodies, which are never logged. A
        # path that no route knows may hold anything, so it is not repeated.
        known = exchange.status not in (404, 405) and not exchange.path.startswith(_SECRETS)
        self._log.info(
            "request", at=round(self._clock.now(), 3), method=exchange.method,
            path=exchange.path if known else "", status=exchange.status,
            ms=round(seconds * 1000, 2), account=exchange.account_id, key=exchange.key_id,
        )  # fmt: skip

    def _note(self, exchange: Exchange, error: Exception) -> None:
        # Not the exception's words: a database's may quote the row, with the number in it.
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        where = [f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in frames]
        self._log.error(
            "fault", at=round(self._clock.now(), 3), method=exchange.method,
            path="" if exchange.path.startswith(_SECRETS) else exchange.path,
            error=type(error).__name__, where=where,
        )  # fmt: skip


def _problem(error: AssentError, headers: dict[str, str] | None = None) -> Response:
    return Response(
        problem_body(error), error.status, {**error_headers(error), **(headers or {})},
        "application/problem+json",
    )  # fmt: skip


async def _known(request: Request, error: Exception) -> Response:
    return _problem(cast(AssentError, error))


async def _refused(request: Request, error: Exception) -> Response:
    return _problem(bad_parameter(list(cast(RequestValidationError, error).errors())))


async def _routing(request: Request, error: Exception) -> Response:
    known = cast(HTTPException, error)
    return _problem(no_such_route(known.status_code == 405), dict(known.headers or {}))


async def _unknown(request: Request, error: Exception) -> Response:
    return _problem(internal())
