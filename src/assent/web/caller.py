"""Who calls, and what a request's headers say."""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

import msgspec

from assent.errors import InvalidInput, NotAllowed
from assent.flow.requests import Caller
from assent.web.exchange import Exchange
from assent.web.problems import bad_json
from assent.web.services import Rooms, Services

Body = TypeVar("Body")

_LONGEST_KEY: Final = 200
_LONGEST_IDEMPOTENCY_KEY: Final = 128


async def caller_of(exchange: Exchange, services: Services, *scopes: str) -> Caller:
    """Return who calls, who needs one of the scopes; before anything of the body is read.

    Raises NotAllowed: 401 without a good key, 403 without the scope.
    """
    scheme, _, secret = exchange.header(b"authorization").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST_KEY:
        raise NotAllowed(
            "missing_key", "this call needs an API key", field="Authorization",
            rule="http-api: keys", mend="send the header Authorization: Bearer <key>", status=401,
        )  # fmt: skip
    caller = await services.keys.caller(secret)
    exchange.account_id, exchange.key_id = caller.account_id, caller.key_id
    if caller.scopes.isdisjoint(scopes):
        raise NotAllowed(
            "missing_scope", f"the key may not do this; it needs {' or '.join(scopes)}",
            field="Authorization", rule="http-api: keys",
            mend="use another key, or ask for one with this scope",
        )  # fmt: skip
    return caller


def rooms_of(services: Services, caller: Caller) -> Rooms:
    """Return where a caller's requests go: a sandbox key never reaches the real rooms."""
    return services.sandbox if caller.sandbox else services


def idempotency_key(exchange: Exchange) -> str | None:
    """Return the Idempotency-Key. Raises InvalidInput for one that cannot be kept."""
    key = exchange.header(b"idempotency-key")
    if not key:
        return None
    if len(key) > _LONGEST_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            "bad_idempotency_key",
            f"an idempotency key has 1 to {_LONGEST_IDEMPOTENCY_KEY} printable ASCII characters",
            field="Idempotency-Key", rule="http-api: idempotency", mend="use a UUID",
        )  # fmt: skip
    return key


def digest(exchange: Exchange, body: bytes) -> bytes:
    """Return the SHA-256 of what was asked: where, and with what body."""
    route = f"{exchange.method} {exchange.path}\n".encode()
    return hashlib.sha256(route + body).digest()


def decode(decoder: msgspec.json.Decoder[Body], body: bytes, schema: str) -> Body:
    """Return a decoded body. Raises InvalidInput naming the field."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise bad_json(error, schema) from None
    except RecursionError:
        raise bad_json(msgspec.DecodeError("nested too deeply"), schema) from None
