"""Errors → application/problem+json (RFC 9457). No trace and no inner message gets out."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from assent.errors import AssentError, InvalidInput, NotFound

_PLACE: Final = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]+)`")
_UNKNOWN: Final = re.compile(r"contains unknown field `(?P<name>[^`]+)`")


def problem_body(error: AssentError) -> bytes:
    """Return an error's JSON."""
    return msgspec.json.encode(error.to_problem())


def internal() -> AssentError:
    """Return what is told about a fault of ours."""
    return AssentError(
        "internal_error", "something of ours failed; it was noted", rule="http-api: errors",
        mend="try again with the same idempotency key; if it stays, tell the operator",
    )  # fmt: skip


def no_such_route(path_known: bool) -> AssentError:
    """Return the error for an address, or a method at an address, that is not there."""
    if path_known:
        return InvalidInput(
            "method_not_allowed", "this address does not take this method", field="method",
            rule="http-api: routes", mend="see the Allow header, or docs/http-api.md", status=405,
        )  # fmt: skip
    return NotFound(
        "no_such_route", "there is nothing at this address", field="path",
        rule="http-api: routes", mend="see docs/http-api.md for the addresses",
    )  # fmt: skip


def bad_json(error: msgspec.MsgspecError | UnicodeError, schema: str) -> InvalidInput:
    """Return the error for a body that does not decode, naming the field where one is."""
    rule = f"openapi: {schema}"
    if not isinstance(error, msgspec.ValidationError):
        return InvalidInput(
            "malformed_json", "the body is not JSON in UTF-8", field="body", rule=rule, status=400,
            mend="send a JSON object, as the OpenAPI document tells",
        )  # fmt: skip
    words = str(error)
    field = ""
    if place := _PLACE.search(words):
        field, words = place["place"], words[: place.start()]
    if named := _MISSING.search(words) or _UNKNOWN.search(words):
        field = f"{field}.{named['name']}" if field else named["name"]
    return InvalidInput(
        "invalid_field", words[:1].lower() + words[1:], field=field or "body", rule=rule,
        mend="correct the field; the OpenAPI document lists every field and its type",
    )  # fmt: skip


def bad_parameter(errors: list[Any]) -> InvalidInput:
    """Return the error for a path or query parameter that FastAPI refused."""
    first = errors[0] if errors else {}
    place = ".".join(str(part) for part in first.get("loc", ("request",))[1:]) or "request"
    return InvalidInput(
        "invalid_parameter", str(first.get("msg", "not valid")), field=place,
        rule="http-api: routes", mend="correct the parameter",
    )  # fmt: skip
