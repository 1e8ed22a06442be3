"""The OpenAPI document: FastAPI's routes, with request bodies from the msgspec structures."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assent import __version__
from assent.flow import (
    asking_requests,
    money_requests,
    near_requests,
    restriction_requests,
    statistics_requests,
)
from assent.flow.actor_requests import REQUESTS
from assent.flow.admission_requests import (
    ApplicationRequest,
    EntityOrder,
    LetterRequest,
    PersonMatch,
    SenderRequest,
    SightRequest,
)
from assent.flow.alarm_requests import REQUESTS as ALARM_REQUESTS
from assent.flow.answers import OrderAnswer
from assent.flow.audience_requests import REQUESTS as AUDIENCE_REQUESTS
from assent.flow.case_requests import REQUESTS as CASE_REQUESTS
from assent.flow.complaint_requests import REQUESTS as COMPLAINT_REQUESTS
from assent.flow.door_requests import REQUESTS as DOOR_REQUESTS
from assent.flow.erasure_requests import REQUESTS as ERASURE_REQUESTS
from assent.flow.ledger_requests import REQUESTS as LEDGER_REQUESTS
from assent.flow.port_requests import REQUESTS as PORT_REQUESTS
from assent.flow.requests import (
    CampaignRequest,
    ConsentImport,
    EvidenceRequest,
    FrameReview,
    PduLogRequest,
    RefusalRequest,
    RelationWord,
    ReviewDecision,
    ReviewWords,
    SendRequest,
    TelephoneRefusal,
    VoidRequest,
)
from assent.flow.text_requests import REQUESTS as TEXT_REQUESTS
from assent.registry.table import Table

_STRUCTS: Final = (
    SendRequest, CampaignRequest, ConsentImport, RefusalRequest, FrameReview, PduLogRequest,
    EvidenceRequest, TelephoneRefusal, OrderAnswer, ApplicationRequest, SenderRequest,
    LetterRequest, ReviewWords,
    ReviewDecision, SightRequest, PersonMatch, EntityOrder, *REQUESTS, *PORT_REQUESTS,
    *ERASURE_REQUESTS, *DOOR_REQUESTS, *AUDIENCE_REQUESTS, *LEDGER_REQUESTS,
    *TEXT_REQUESTS, *ALARM_REQUESTS,
    *CASE_REQUESTS,
    *money_requests.STRUCTS, VoidRequest,
    *asking_requests.STRUCTS,
    *near_requests.STRUCTS,
    *COMPLAINT_REQUESTS,
    *statistics_requests.STRUCTS,
    *restriction_requests.STRUCTS,
)  # fmt: skip
_REF: Final = "#/components/schemas/{name}"
_KEYED: Final = frozenset({"SendRequest", "CampaignRequest", "ConsentImport", "RefusalRequest",
                              "RelationEnd"})  # fmt: skip

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `field`, `rule` and `mend` say where, why, how.",
    "required": ["type", "title", "status", "code", "detail", "retry"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "retry": {"type": "boolean"},
        "field": {"type": "string"},
        "rule": {"type": "string"},
        "mend": {"type": "string"},
        "detail_zh": {"type": "string", "description": "What the code means, in Chinese"},
        "details": {"type": "object"},
    },
}
_PROBLEM_ANSWER: Final = {
    "description": "An error",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_KEY_HEADER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeats the first answer for 7 days; with another body it is a 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


def described(
    body: type[msgspec.Struct] | None = None, status: int = 200, *, open_to_all: bool = False
) -> dict[str, Any]:
    """Return what a route's decorator takes to describe it."""
    extra: dict[str, Any] = {} if open_to_all else {"security": [{"key": []}]}
    schema: dict[str, Any] = {"type": "object"}
    if body is not None:
        reference = {"$ref": _REF.format(name=body.__name__)}
        extra["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": reference}}
        }  # fmt: skip
        if body.__name__ in _KEYED:
            extra["parameters"] = [_KEY_HEADER]
        if body is SendRequest:
            schema = {"$ref": _REF.format(name="OrderAnswer")}
    return {
        "status_code": status,
        "response_model": None,
        "openapi_extra": extra,
        "responses": {
            status: {"description": "Done", "content": {"application/json": {"schema": schema}}},
            "default": _PROBLEM_ANSWER,
        },
    }


_FIELDS: Final = {
    "statement": {"type": "string", "description": "Where the numbers come from"},
    "relation": {
        "type": "string",
        "enum": list(get_args(RelationWord)),
        "description": "How these people stand to the sender",
    },
    "name": {"type": "string"},
    "number_column": {"type": "string", "description": "The column with the phone numbers"},
    "columns": {"type": "string", "description": 'JSON object: {"variable": "column"}'},
}
UPLOAD: Final[dict[str, Any]] = {
    **described(status=201),
    "openapi_extra": {
        "security": [{"key": []}],
        "parameters": [
            {
                "name": name, "in": "query", "required": False, "schema": schema,
                "description": "For a raw body; a form has it as a field",
            }
            for name, schema in _FIELDS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file", "statement"],
                        "properties": {**_FIELDS, "file": {"type": "string", "format": "binary"}},
                    }
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        },
    },
}  # fmt: skip


VIDEO: Final[dict[str, Any]] = {
    **described(status=201),
    "openapi_extra": {
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["sender", "purpose", "subject", "file"],
                        "properties": {
                            "sender": {"type": "string"},
                            "purpose": {
                                "type": "string",
                                "enum": ["marketing", "internal", "notification"],
                            },
                            "subject": {"type": "string"},
                            "basis": {"type": "string"},
                            "file": {
                                "type": "array",
                                "description": "The frames, in their order",
                                "items": {"type": "string", "format": "binary"},
                            },
                        },
                    }
                }
            },
        },
    },
}  # fmt: skip


def _form(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    return {
        **described(status=201),
        "openapi_extra": {
            "security": [{"key": []}],
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": required,
                            "properties": {**fields, "file": file},
                        }
                    }
                },
            },
        },
    }


_WORD: Final = {"type": "string"}
_DATE: Final = {"type": "string", "format": "date"}
DOCUMENT: Final[dict[str, Any]] = _form(
    {
        "kind": {"type": "string", "enum": sorted(Table.load().kinds)},
        "entity": {"type": "string", "description": "Whose it is; the account's own if not said"},
        "number": _WORD,
        "holder": _WORD,
        "scope": {"type": "string", "description": "What it allows, with commas between"},
        "valid_from": _DATE,
        "valid_to": _DATE,
        "in_process": {"type": "string", "enum": ["true", "false"]},
    },
    ["kind"],
)
INSTRUCTION: Final[dict[str, Any]] = _form(
    {
        "account": {"type": "string", "description": "Id of the customer's account"},
        "words": {"type": "string", "description": "What it orders"},
        "signed_on": _DATE,
    },
    ["account", "words", "signed_on", "file"],
)
REGISTER: Final[dict[str, Any]] = _form(
    {
        "kind": {
            "type": "string", "enum": ["business", "telecom", "icp", "finance", "trademark"]
        },
        "source": {"type": "string", "description": "Who published it, and where"},
        "dated": _DATE,
    },
    ["kind", "source", "dated", "file"],
)  # fmt: skip

REFUSALS: Final[dict[str, Any]] = _form(
    {
        "origin": {"type": "string", "enum": ["regulator", "carrier"]},
        "source": {"type": "string", "description": "12321, or the carrier's name"},
        "dated": _DATE,
        "sender": {"type": "string", "description": "Whom rows refuse: name or credit code"},
        "port": {"type": "string", "description": "Whom rows refuse: who writes from it"},
        "everybody": {"type": "string", "enum": ["true", "false"]},
    },
    ["origin", "source", "dated", "file"],
)

COMPLAINTS: Final[dict[str, Any]] = _form(
    {
        "mapping": {"type": "string", "description": "Name of a mapping, or one as JSON"},
        "carrier": {"type": "string", "description": "Whose file it is, as the settings name it"},
    },
    ["file"],
)


BLOCKS: Final[dict[str, Any]] = _form(
    {
        "carrier": {"type": "string", "description": "Whose list it is"},
        "dated": _DATE,
        "more": {"type": "string", "enum": ["true", "false"]},
    },
    ["carrier", "dated", "file"],
)


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="assent", version=__version__, routes=app.routes,
            description="Lawful bulk SMS: every order is judged, person by person.",
        )  # fmt: skip
        _, schemas = msgspec.json.schema_components(_STRUCTS, ref_template=_REF)
        components = made.setdefault("components", {})
        # FastAPI's own error schemas describe answers that this API never gives.
        components["schemas"] = {**schemas, "Problem": _PROBLEM}
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for operations in made["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        app.openapi_schema = made
    return app.openapi_schema
