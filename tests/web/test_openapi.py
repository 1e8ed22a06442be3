"""The OpenAPI document is valid and whole, and docs/http-api.md tells every route and setting."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi.openapi.models import OpenAPI

from assent.flow import admission_requests, money_requests, requests
from assent.web.settings import WebSettings
from tests.web.site import running

DOCS = Path(__file__).parents[2] / "docs" / "http-api.md"

ROUTES = {
    ("POST", "/v1/messages"), ("POST", "/v1/messages/dry-run"),
    ("GET", "/v1/messages/{message_id}"), ("GET", "/v1/orders/{order_id}"),
    ("POST", "/v1/audiences"), ("GET", "/v1/audiences/{audience_id}"),
    ("GET", "/v1/audiences/{audience_id}/faults"),
    ("POST", "/v1/campaigns"), ("POST", "/v1/campaigns/dry-run"),
    ("GET", "/v1/campaigns/{campaign_id}"), ("POST", "/v1/campaigns/{campaign_id}/{action}"),
    ("POST", "/v1/videos"), ("GET", "/v1/videos"), ("GET", "/v1/videos/{video_id}"),
    ("GET", "/v1/videos/{video_id}/frames/{place}"),
    ("POST", "/v1/videos/{video_id}/frames/{place}/review"),
    ("POST", "/v1/audiences/build"), ("POST", "/v1/labels"), ("GET", "/v1/labels"),
    ("DELETE", "/v1/labels/{label_id}"), ("POST", "/v1/instructions"),
    ("GET", "/v1/instructions/{instruction_id}"),
    ("GET", "/v1/instructions/{instruction_id}/file"),
    ("POST", "/v1/consents"), ("POST", "/v1/refusals"),
    ("GET", "/v1/desk/refusals"), ("POST", "/v1/desk/refusals"),
    ("GET", "/v1/desk/replies"), ("POST", "/v1/desk/replies/{reply_id}"),
    ("GET", "/v1/ports/{number}/keywords"), ("PUT", "/v1/ports/{number}/keywords"),
    ("POST", "/v1/consents/sessions"), ("POST", "/v1/consents/requests"),
    ("GET", "/v1/consents/requests"), ("POST", "/v1/consents/look"),
    ("GET", "/v1/consents/stops"), ("POST", "/v1/consents/stops/{code}/release"),
    ("GET", "/v1/restrictions"), ("POST", "/v1/restrictions"),
    ("GET", "/v1/restrictions/{restriction_id}"),
    ("POST", "/v1/restrictions/{restriction_id}/lift"),
    ("GET", "/v1/carrier-blocks"), ("POST", "/v1/carrier-blocks"),
    ("GET", "/v1/groups"), ("GET", "/v1/groups/{group_id}"),
    ("GET", "/v1/alarms"), ("GET", "/v1/alarms/figures"), ("GET", "/v1/alarms/{alarm_id}"),
    ("POST", "/v1/alarms/{alarm_id}/dismiss"), ("POST", "/v1/alarms/{alarm_id}/confirm"),
    ("POST", "/v1/codes/completed"),
    ("POST", "/v1/fingerprints/export"), ("POST", "/v1/fingerprints/import"),
    ("GET", "/v1/rollups"), ("GET", "/v1/rollups/failures"),
    ("GET", "/v1/fingerprints/sources"), ("POST", "/v1/fingerprints/sources/{source_id}/withdraw"),
    ("GET", "/v1/fingerprints/peers"), ("POST", "/v1/fingerprints/peers"),
    ("POST", "/v1/fingerprints/peers/remove"),
    ("GET", "/v1/cases"), ("GET", "/v1/cases/{case_number}"), ("POST", "/v1/cases"),
    ("POST", "/v1/cases/{case_number}/evidence"), ("POST", "/v1/cases/{case_number}/assign"),
    ("POST", "/v1/cases/{case_number}/note"), ("POST", "/v1/cases/{case_number}/message"),
    ("POST", "/v1/cases/{case_number}/answer"), ("POST", "/v1/cases/{case_number}/act"),
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/agree"),
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/decline"),
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/lift"),
    ("POST", "/v1/cases/{case_number}/appeal"), ("POST", "/v1/cases/{case_number}/decide"),
    ("POST", "/v1/cases/{case_number}/close"), ("GET", "/v1/cases/{case_number}/notice"),
    ("GET", "/v1/cases/credit"), ("GET", "/v1/cases/credit.csv"), ("GET", "/v1/cases/ladder"),
    ("POST", "/v1/cases/records"), ("GET", "/v1/cases/{case_number}/records"),
    ("GET", "/v1/cases/{case_number}/records/{part}"),
    ("GET", "/v1/complaints"), ("POST", "/v1/complaints"), ("GET", "/v1/complaint-files"),
    ("POST", "/v1/complaint-files"), ("GET", "/v1/complaints/{complaint_id}"),
    ("POST", "/v1/complaints/{complaint_id}/answer"),
    ("POST", "/v1/complaints/{complaint_id}/note"),
    ("POST", "/v1/complaints/{complaint_id}/forward"),
    ("POST", "/v1/complaints/{complaint_id}/not-ours"),
    ("GET", "/v1/statistics"), ("POST", "/v1/statistics/published"),
    ("POST", "/v1/statistics/users"),
    ("GET", "/v1/receipts"), ("GET", "/v1/replies"), ("GET", "/v1/balance"),
    ("POST", "/v1/pdulog"), ("POST", "/v1/pdulog/off"), ("GET", "/v1/pdulog"),
    ("GET", "/v1/links"), ("POST", "/v1/links/reload"), ("POST", "/v1/links/{name}/{action}"),
    ("GET", "/v1/money"), ("POST", "/v1/money/limits"), ("POST", "/v1/money/allotments"),
    ("POST", "/v1/money/intents"), ("GET", "/v1/money/intents"),
    ("GET", "/v1/money/statements/{month}"), ("POST", "/v1/payments/{port}/notices"),
    ("POST", "/v1/treasury/terms"), ("GET", "/v1/treasury/accounts/{account}"),
    ("POST", "/v1/treasury/plans"), ("GET", "/v1/treasury/plans"),
    ("POST", "/v1/treasury/rates"), ("GET", "/v1/treasury/rates"),
    ("POST", "/v1/treasury/packages"), ("GET", "/v1/treasury/margin"),
    ("GET", "/v1/treasury/verify"), ("POST", "/v1/treasury/payments/{port}/files"),
    ("GET", "/v1/treasury/held"), ("POST", "/v1/treasury/held/{line_id}/{action}"),
    ("POST", "/v1/treasury/rebates"), ("GET", "/v1/treasury/rebates"),
    ("POST", "/v1/treasury/rebates/{rule_id}/{action}"), ("POST", "/v1/treasury/rebates/pay"),
    ("POST", "/v1/treasury/rebates/exclusions"),
    ("POST", "/v1/sign-up"), ("POST", "/v1/sign-up/confirm"),
    ("POST", "/v1/password/reset"), ("POST", "/v1/password/set"),
    ("POST", "/v1/invitations/accept"),
    ("POST", "/v1/session"), ("GET", "/v1/session"), ("DELETE", "/v1/session"),
    ("POST", "/v1/session/raise"), ("POST", "/v1/session/account"),
    ("GET", "/v1/sessions"), ("DELETE", "/v1/sessions/{session_id}"),
    ("GET", "/v1/me"), ("POST", "/v1/me/password"),
    ("POST", "/v1/me/phone"), ("POST", "/v1/me/phone/confirm"),
    ("POST", "/v1/me/totp"), ("POST", "/v1/me/totp/confirm"), ("POST", "/v1/me/totp/off"),
    ("GET", "/v1/team"), ("POST", "/v1/team/invitations"),
    ("PUT", "/v1/team/{actor_id}"), ("DELETE", "/v1/team/{actor_id}"),
    ("POST", "/v1/actors/{actor_id}/lock"), ("POST", "/v1/actors/{actor_id}/unlock"),
    ("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", "/v1/keys/{key_id}"),
    ("GET", "/v1/audit"), ("GET", "/v1/audit.csv"), ("GET", "/v1/ledger"), ("POST", "/v1/evidence"),
    ("POST", "/v1/erasures"), ("GET", "/v1/erasures"),
    ("POST", "/v1/legal-holds"), ("GET", "/v1/legal-holds"),
    ("POST", "/v1/legal-holds/{hold_id}/lift"),
    ("POST", "/v1/reassignments"), ("GET", "/v1/reassignments"),
    ("POST", "/v1/consents/end"), ("POST", "/v1/consents/evidence"),
    ("GET", "/v1/consents/evidence/{sha256}"),
    ("POST", "/v1/desk/refusals/telephone"),
    ("GET", "/v1/consent-imports"), ("GET", "/v1/consent-imports/{import_id}"),
    ("POST", "/v1/consent-voids"), ("GET", "/v1/consent-cases"),
    ("POST", "/v1/consent-cases/{case_id}/close"), ("GET", "/v1/consent-importers"),
    ("GET", "/v1/pages"), ("GET", "/v1/pages/{page_id}"), ("POST", "/v1/pages/{page_id}/fetch"),
    ("GET", "/v1/ledger/consistency"), ("POST", "/v1/ledger/resume"),
    ("GET", "/v1/reconciliations"), ("POST", "/v1/reconciliations"),
    ("GET", "/v1/reconciliations/{bill_id}"),
    ("GET", "/v1/numbers"), ("POST", "/v1/numbers"), ("GET", "/v1/ports"), ("POST", "/v1/ports"),
    ("POST", "/v1/port-applications/{application_id}/withdraw"),
    ("GET", "/v1/ports/{number}"), ("POST", "/v1/ports/{number}/{step}"),
    ("GET", "/v1/signatures"), ("POST", "/v1/signatures"),
    ("POST", "/v1/signatures/{signature_id}/withdraw"),
    ("GET", "/v1/templates"), ("POST", "/v1/templates"),
    ("POST", "/v1/templates/{template_id}/withdraw"),
    ("GET", "/v1/hosts"), ("POST", "/v1/hosts"), ("POST", "/v1/hosts/{host_id}/withdraw"),
    ("GET", "/v1/members"), ("POST", "/v1/members/invitations"),
    ("GET", "/m/{token}"), ("POST", "/m/{token}/{said}"),
    ("GET", "/v1/switches"), ("POST", "/v1/switches"),
    ("POST", "/v1/switches/{switch_id}/lift"),
    ("POST", "/v1/admission"), ("GET", "/v1/admission"),
    ("POST", "/v1/admission/items/{item_id}/answer"),
    ("POST", "/v1/senders"), ("GET", "/v1/senders"), ("GET", "/v1/senders/{code}"),
    ("POST", "/v1/documents"), ("GET", "/v1/documents"), ("GET", "/v1/documents/{document_id}"),
    ("GET", "/v1/documents/{document_id}/file"),
    ("POST", "/v1/documents/{document_id}/withdraw"),
    ("POST", "/v1/letters"), ("GET", "/v1/letters"),
    ("GET", "/v1/desk/items"), ("GET", "/v1/desk/items/{item_id}"),
    ("POST", "/v1/desk/items/{item_id}/ask"), ("POST", "/v1/desk/items/{item_id}/decide"),
    ("POST", "/v1/desk/documents/{document_id}/sights"),
    ("GET", "/v1/desk/people/{person_id}"), ("POST", "/v1/desk/people/{person_id}/match"),
    ("POST", "/v1/desk/registers"), ("GET", "/v1/desk/registers"),
    ("GET", "/v1/desk/registers/look"), ("GET", "/v1/graph/{entity}"),
    ("POST", "/v1/desk/entities/{entity}/{action}"), ("GET", "/v1/desk/entities/{entity}/export"),
    ("GET", "/v1/texts"), ("GET", "/v1/texts/{text_id}"),
    ("POST", "/v1/texts/{text_id}/approve"), ("POST", "/v1/texts/{text_id}/refuse"),
    ("POST", "/v1/texts/{text_id}/change"), ("POST", "/v1/texts/{text_id}/ask"),
    ("POST", "/v1/texts/{text_id}/appeal"), ("POST", "/v1/texts/{text_id}/adopt"),
    ("GET", "/v1/text-labels"), ("GET", "/v1/text-report"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/openapi.json"),
}  # fmt: skip
STEPS = {
    "/v1/campaigns/{campaign_id}/{action}": ("pause", "resume", "stop"),
    "/v1/links/{name}/{action}": ("pause", "resume", "drain"),
    "/v1/treasury/held/{line_id}/{action}": ("release", "return"),
    "/v1/treasury/rebates/{rule_id}/{action}": ("approve", "refuse", "end"),
    "/v1/desk/entities/{entity}/{action}": ("suspend", "revoke", "restore"),
}


@pytest.fixture
async def document() -> dict[str, Any]:
    async with running() as site, httpx.AsyncClient(base_url=site.url) as client:
        answer: dict[str, Any] = (await client.get("/openapi.json")).json()
        return answer


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def test_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    ids = [o["operationId"] for p in document["paths"].values() for o in p.values()]
    assert len(set(ids)) == len(ids)


async def test_document_lists_every_route(document: dict[str, Any]) -> None:
    listed = {(m.upper(), path) for path, ops in document["paths"].items() for m in ops}
    assert listed == ROUTES
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"] or operation["summary"]
            assert "default" in operation["responses"]


async def test_bodies_are_those_that_are_decoded(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = ("SendRequest", "CampaignRequest", "ConsentImport", "RefusalRequest", "FrameReview")
    for name in named:
        fields = {field.encode_name for field in msgspec.structs.fields(getattr(requests, name))}
        assert set(schemas[name]["properties"]) == fields
        assert schemas[name]["additionalProperties"] is False
    submit = document["paths"]["/v1/messages"]["post"]
    body = submit["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/SendRequest"}


def test_every_route_is_in_the_manual() -> None:
    words = DOCS.read_text("utf-8")
    for method, path in ROUTES:
        steps = STEPS[path] if "{action}" in path else ("",)
        for step in steps:
            place = re.sub(r"\{\w+_id\}", "{id}", path).replace("{action}", step)
            assert f"`{method} {place}`" in words, f"{method} {place}"


def test_every_setting_is_in_the_manual() -> None:
    words = DOCS.read_text("utf-8")
    for setting in dataclasses.fields(WebSettings):
        assert f"`{setting.name}`" in words, setting.name


def test_every_field_is_in_the_manual() -> None:
    words = DOCS.read_text("utf-8")
    for name in (
        *("SendRequest", "CampaignRequest", "ConsentImport", "RefusalRequest"),
        *("VideoRequest", "FrameReview"),
    ):
        for field in msgspec.structs.fields(getattr(requests, name)):
            assert f"`{field.encode_name}`" in words, f"{name}.{field.encode_name}"
    for struct in (
        admission_requests.ApplicationRequest, admission_requests.SenderRequest,
        admission_requests.PersonFile, admission_requests.DocumentRequest,
        admission_requests.LetterRequest, admission_requests.SightRequest,
        admission_requests.PersonMatch, admission_requests.EntityOrder, requests.ReviewDecision,
        requests.ReviewWords, *money_requests.STRUCTS, money_requests.NoticeLine,
        money_requests.LineFile,
    ):  # fmt: skip
        for field in msgspec.structs.fields(struct):
            assert f"`{field.encode_name}`" in words, f"{struct.__name__}.{field.encode_name}"
