"""Who calls, and what a request's headers say."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from assent.errors import InvalidInput, NotAllowed
from assent.flow.requests import Caller
from assent.flow.sessions import PREFIX, Seen, csrf_of
from assent.web.exchange import Exchange
from assent.web.limits import within
from assent.web.problems import bad_json
from assent.web.services import Rooms, Services

Body = TypeVar("Body")

COOKIE: Final = "__Host-assent"
"""A browser takes a cookie of this name only over TLS, from this host, for all of it."""
LOCAL_COOKIE: Final = "assent"
"""The same where a browser tries the platform on its own machine, without TLS."""
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_KEY: Final = 200
_LONGEST_IDEMPOTENCY_KEY: Final = 128


async def caller_of(exchange: Exchange, services: Services, *scopes: str) -> Caller:
    """Return who calls, who needs one of the scopes; before anything of the body is read.

    Raises NotAllowed: 401 without a good key or session, 403 without the scope or from another
    network than the key's. Unavailable (429) for too many requests.
    """
    secret, _ = credential(exchange)
    exchange.limits.stranger(exchange.peer, count=False)
    try:
        caller = await services.keys.caller(secret)
    except NotAllowed:
        exchange.limits.stranger(exchange.peer)
        raise
    exchange.account_id, exchange.key_id = caller.account_id, caller.key_id
    exchange.limits.known(caller.key_id, caller.actor_id)
    if caller.networks and not within(exchange.peer, caller.networks):
        raise NotAllowed(
            "key_network", "the key may not be used from this address", field="Authorization",
            rule="http-api: keys", mend="call from a network that the key allows",
        )  # fmt: skip
    if caller.scopes.isdisjoint(scopes):
        raise NotAllowed(
            "missing_scope", f"the key may not do this; it needs {' or '.join(scopes)}",
            field="Authorization", rule="http-api: keys",
            mend="use another key, or ask for one with this scope",
        )  # fmt: skip
    return caller


async def session_of(exchange: Exchange, services: Services) -> Seen:
    """Return the session that calls: what it asks for concerns a person, so no key will do.

    Raises NotAllowed: 401 without a session that goes on; Unavailable (429).
    """
    secret, _ = credential(exchange)
    exchange.limits.stranger(exchange.peer, count=False)
    try:
        if not secret.startswith(PREFIX):
            raise NotAllowed(
                "no_person", "this call needs a person's session", field="Authorization",
                rule="accounts: sessions", mend="log in: POST /v1/session", status=401,
            )  # fmt: skip
        seen = await services.gate.sessions.seen(secret)
    except NotAllowed:
        exchange.limits.stranger(exchange.peer)
        raise
    exchange.account_id, exchange.key_id = seen.account_id, 0
    exchange.limits.known(0, seen.actor_id)
    return seen


def credential(exchange: Exchange) -> tuple[str, bool]:
    """Return the key or token that a request brings, and whether a cookie brought it.

    Raises NotAllowed `missing_key` (401), or `csrf` where a page of somebody else's may have made
    the browser send the cookie.
    """
    scheme, _, secret = exchange.header(b"authorization").partition(" ")
    secret = secret.strip()
    if scheme.lower() == "bearer" and secret and len(secret) <= _LONGEST_KEY:
        return secret, False
    cookie = "" if scheme else _cookie(exchange)
    if not cookie or len(cookie) > _LONGEST_KEY:
        raise NotAllowed(
            "missing_key", "this call needs an API key", field="Authorization",
            rule="http-api: keys", mend="send the header Authorization: Bearer <key>", status=401,
        )  # fmt: skip
    if exchange.method not in _SAFE:
        check_origin(exchange)
        given = exchange.header(b"x-csrf-token")
        if not hmac.compare_digest(given.encode(), csrf_of(cookie).encode()):
            raise _forged("the header X-CSRF-Token is not the one of this session")
    return cookie, True


def check_origin(exchange: Exchange) -> None:
    """Raise NotAllowed `csrf` for what a page of another site asks for."""
    origin = exchange.header(b"origin")
    if origin and urlsplit(origin).netloc.lower() != exchange.header(b"host").lower():
        raise _forged("the request comes from a page of another site")


def local(exchange: Exchange) -> bool:
    """Return whether a browser speaks to its own machine."""
    host = exchange.header(b"host")
    return (urlsplit(f"//{host}").hostname or "") in _LOCAL if host.isprintable() else False


def cookie_header(exchange: Exchange, token: str) -> str:
    """Return what puts a token into a browser's cookie; an empty one takes it out."""
    here = local(exchange)
    name = LOCAL_COOKIE if here else COOKIE
    age = "" if token else "; Max-Age=0"
    return f"{name}={token}; Path=/; HttpOnly; SameSite=Strict{'' if here else '; Secure'}{age}"


def _cookie(exchange: Exchange) -> str:
    return cookie_of(exchange, LOCAL_COOKIE if local(exchange) else COOKIE)


def cookie_of(exchange: Exchange, name: str) -> str:
    """Return what a cookie holds, '' if there is none."""
    try:
        found = SimpleCookie(exchange.header(b"cookie")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _forged(why: str) -> NotAllowed:
    return NotAllowed(
        "csrf", why, field="X-CSRF-Token", rule="security: cookies",
        mend="send the csrf of the login's answer in the header X-CSRF-Token",
    )  # fmt: skip


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
