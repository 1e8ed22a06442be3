"""The routes that go through FastAPI. Each reads its caller first, its body after that."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from assent.errors import NotAllowed
from assent.flow.level import levelled
from assent.flow.requests import CampaignRequest, ConsentImport, RefusalRequest, SendRequest
from assent.web.caller import caller_of, decode, digest, idempotency_key, rooms_of
from assent.web.exchange import IN_SCOPE, Exchange
from assent.web.openapi import UPLOAD, described
from assent.web.services import CampaignState, Feed, Services
from assent.web.settings import WebSettings
from assent.web.uploads import Uploads

Id = Annotated[int, Path(ge=0, lt=1 << 63)]
Cursor = Annotated[int, Query(ge=0, lt=1 << 63)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Sample = Annotated[int, Query(ge=0, le=1_000)]

_STATES: Final[dict[str, CampaignState]] = {
    "pause": "paused", "resume": "running", "stop": "stopped",
}  # fmt: skip
_HERE: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


def order_router(
    services: Services, submit: Callable[[Exchange], Awaitable[None]]
) -> APIRouter:  # long: a list of short routes
    """Return the routes that hand something in."""
    router = APIRouter()
    send = msgspec.json.Decoder(SendRequest)
    consent = msgspec.json.Decoder(ConsentImport)
    refusal = msgspec.json.Decoder(RefusalRequest)

    @router.post("/v1/messages/dry-run", **described(SendRequest))
    async def dry_run(request: Request, sample: Sample = 100) -> Response:
        """Tell what would become of an order. Nothing is stored or charged."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "send")
        order = decode(send, await exchange.body(), "SendRequest")
        sending = rooms_of(services, caller).sending
        return answer(await sending.dry_run(caller, order, sample))

    @router.post("/v1/messages", **described(SendRequest, 202))
    async def send_messages(request: Request) -> Response:
        """Send one text or template to 1 to 10,000 receivers, now or at a time."""
        # The shell serves this address before FastAPI is asked; here for the document.
        await submit(exchange_of(request))
        return Response(status_code=202)

    @router.post("/v1/consents", **described(ConsentImport))
    async def import_consents(request: Request) -> Response:
        """Import consents that a sender holds, for one of its programmes."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "consents")
        key, body = idempotency_key(exchange), await exchange.body()
        order = decode(consent, body, "ConsentImport")
        consents = rooms_of(services, caller).consents
        sha = digest(exchange, body)
        return answer(await consents.import_rows(caller, order, key=key, sha=sha))

    @router.post("/v1/refusals", **described(RefusalRequest))
    async def refuse(request: Request) -> Response:
        """Report people who refused through another door than a reply."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "refusals")
        key, body = idempotency_key(exchange), await exchange.body()
        order = decode(refusal, body, "RefusalRequest")
        refusals = rooms_of(services, caller).refusals
        return answer(await refusals.refuse(caller, order, key=key, sha=digest(exchange, body)))

    return router


def audience_router(services: Services, uploads: Uploads) -> APIRouter:  # long: as above
    """Return the routes of audiences."""
    router = APIRouter()

    @router.post("/v1/audiences", **UPLOAD)
    async def upload_audience(request: Request) -> Response:
        """Hand in a file of receivers: CSV, Parquet or XLSX."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "campaigns")
        query = dict(request.query_params)
        campaigns = rooms_of(services, caller).campaigns
        async with levelled():  # what is new to us costs a little more
            told = await uploads.load(exchange, query, caller, campaigns)
        return answer(told, 201)

    @router.get("/v1/audiences/{audience_id}", **described())
    async def audience(request: Request, audience_id: Id) -> Response:
        """Tell an audience's state and counts."""
        caller = await caller_of(exchange_of(request), services, "campaigns", "read")
        return answer(await rooms_of(services, caller).campaigns.audience(caller, audience_id))

    @router.get("/v1/audiences/{audience_id}/faults", **described())
    async def audience_faults(request: Request, audience_id: Id, cursor: Cursor = 0) -> Response:
        """List the wrong rows of an audience, each with its reason."""
        caller = await caller_of(exchange_of(request), services, "campaigns", "read")
        campaigns = rooms_of(services, caller).campaigns
        return answer(await campaigns.faults(caller, audience_id, cursor))

    return router


def campaign_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of campaigns."""
    router = APIRouter()
    campaign = msgspec.json.Decoder(CampaignRequest)

    @router.post("/v1/campaigns/dry-run", **described(CampaignRequest))
    async def dry_run_campaign(request: Request, sample: Sample = 10) -> Response:
        """Tell counts, cost and a sample by reason of a campaign. Nothing is stored."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "campaigns", "behalf")
        order = decode(campaign, await exchange.body(), "CampaignRequest")
        campaigns = rooms_of(services, caller).campaigns
        async with levelled():
            told = await campaigns.dry_run(caller, order, sample)
        return answer(told)

    @router.post("/v1/campaigns", **described(CampaignRequest, 202))
    async def create_campaign(request: Request) -> Response:
        """Order a campaign over an audience."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "campaigns", "behalf")
        key, body = idempotency_key(exchange), await exchange.body()
        order = decode(campaign, body, "CampaignRequest")
        campaigns = rooms_of(services, caller).campaigns
        sha = digest(exchange, body)
        return answer(await campaigns.create(caller, order, key=key, sha=sha), 202)

    @router.get("/v1/campaigns/{campaign_id}", **described())
    async def campaign_progress(request: Request, campaign_id: Id) -> Response:
        """Tell how far a campaign is."""
        caller = await caller_of(exchange_of(request), services, "campaigns", "read")
        return answer(await rooms_of(services, caller).campaigns.progress(caller, campaign_id))

    @router.post("/v1/campaigns/{campaign_id}/{action}", **described())
    async def steer_campaign(
        request: Request, campaign_id: Id, action: Literal["pause", "resume", "stop"]
    ) -> Response:
        """Pause, resume or stop a campaign."""
        caller = await caller_of(exchange_of(request), services, "campaigns")
        campaigns = rooms_of(services, caller).campaigns
        return answer(await campaigns.set_state(caller, campaign_id, _STATES[action]))

    return router


def status_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes that tell what became of things."""
    router = APIRouter()

    @router.get("/v1/messages/{message_id}", **described())
    async def message(request: Request, message_id: Id) -> Response:
        """Tell where a message stands."""
        caller = await caller_of(exchange_of(request), services, "read")
        return answer(await rooms_of(services, caller).status.message(caller, message_id))

    @router.get("/v1/orders/{order_id}", **described())
    async def order(request: Request, order_id: Id) -> Response:
        """Tell where the messages of an order stand."""
        caller = await caller_of(exchange_of(request), services, "read")
        return answer(await rooms_of(services, caller).status.submission(caller, order_id))

    @router.get("/v1/balance", **described())
    async def balance(request: Request) -> Response:
        """Tell the account's money, in micro-yuan."""
        caller = await caller_of(exchange_of(request), services, "read")
        return answer(await rooms_of(services, caller).status.balance(caller))

    async def feed(request: Request, kind: Feed, cursor: int, limit: int) -> Response:
        caller = await caller_of(exchange_of(request), services, "read")
        status = rooms_of(services, caller).status
        return answer(await status.feed(caller, kind, cursor, limit))

    @router.get("/v1/receipts", **described())
    async def receipts(request: Request, cursor: Cursor = 0, limit: Limit = 1_000) -> Response:
        """List receipts after a cursor."""
        return await feed(request, "receipts", cursor, limit)

    @router.get("/v1/replies", **described())
    async def replies(request: Request, cursor: Cursor = 0, limit: Limit = 1_000) -> Response:
        """List replies after a cursor."""
        return await feed(request, "replies", cursor, limit)

    return router


def watch_router(
    services: Services, settings: WebSettings, openapi: Callable[[], Mapping[str, Any]]
) -> APIRouter:
    """Return the routes for those who run the server."""
    router = APIRouter()

    @router.get("/healthz", **described(open_to_all=True))
    async def healthz() -> Response:
        """Tell that the process answers."""
        return answer({"status": "ok"})

    @router.get("/readyz", **described(open_to_all=True))
    async def readyz(request: Request) -> Response:
        """Tell whether orders can be taken, 503 when not; and more to who may read the metrics."""
        health = await services.health()
        # Figures tell who just refused to whoever knows whom he wrote to.
        told = health if may_watch(exchange_of(request), settings) else {"ready": health["ready"]}
        return answer(told, 200 if health["ready"] else 503)

    @router.get("/metrics", **described(open_to_all=True))
    async def metrics(request: Request) -> Response:
        """Return metrics in Prometheus' text format."""
        check_watcher(exchange_of(request), settings)
        return Response(services.metrics_text(), media_type="text/plain; version=0.0.4")

    @router.get("/openapi.json", **described(open_to_all=True))
    async def openapi_json() -> Response:
        """Return this API's description."""
        return answer(openapi())

    return router


def exchange_of(request: Request) -> Exchange:
    """Return the exchange that the shell began."""
    return cast(Exchange, request.scope[IN_SCOPE])


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer; bytes are JSON already."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status, media_type="application/json")


def may_watch(exchange: Exchange, settings: WebSettings) -> bool:
    """Return whether somebody may read the metrics."""
    token = settings.metrics_token
    if token is None:
        return exchange.peer in _HERE
    given = exchange.header(b"authorization").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.encode())


def check_watcher(exchange: Exchange, settings: WebSettings) -> None:
    """Let in who may read the metrics. They tell the volume of the operator's business."""
    if not may_watch(exchange, settings):
        raise NotAllowed(
            "metrics_closed", "the metrics are not open to you", field="Authorization",
            rule="http-api: metrics", mend="ask from the server itself, or with the metrics token",
        )  # fmt: skip
