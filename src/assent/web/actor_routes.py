"""The routes for people: applying, logging in, and what concerns themselves."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.errors import InvalidInput
from assent.flow.actor_requests import (
    Acceptance,
    CodeGiven,
    Confirm,
    Login,
    PasswordChange,
    PhoneWish,
    Raise,
    ResetDone,
    ResetWish,
    SignUp,
    Switch,
)
from assent.flow.sessions import csrf_of
from assent.web.caller import check_origin, cookie_header, credential, decode, session_of
from assent.web.exchange import Exchange
from assent.web.openapi import described
from assent.web.routes import Id, answer, exchange_of
from assent.web.services import Services

Actor = Annotated[int, Path(ge=1, lt=1 << 31)]


def entrance_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes that need no session yet."""
    router = APIRouter()
    sign_ups = msgspec.json.Decoder(SignUp)
    confirms = msgspec.json.Decoder(Confirm)
    resets = msgspec.json.Decoder(ResetWish)
    dones = msgspec.json.Decoder(ResetDone)
    acceptances = msgspec.json.Decoder(Acceptance)

    @router.post("/v1/sign-up", **described(SignUp, 202, open_to_all=True))
    async def sign_up(request: Request) -> Response:
        """Apply for an account. A mail brings a token; nothing is made before it comes back."""
        exchange = _stranger(request)
        wish = decode(sign_ups, await exchange.body(), "SignUp")
        return answer(await services.gate.entrance.sign_up(wish, exchange.peer), 202)

    @router.post("/v1/sign-up/confirm", **described(Confirm, 201, open_to_all=True))
    async def confirm_sign_up(request: Request) -> Response:
        """Prove the e-mail address: makes the login, and the account in the state applied."""
        exchange = _stranger(request)
        wish = decode(confirms, await exchange.body(), "Confirm")
        return answer(await services.gate.entrance.confirm(wish, exchange.peer), 201)

    @router.post("/v1/password/reset", **described(ResetWish, 202, open_to_all=True))
    async def reset_password(request: Request) -> Response:
        """Have a token mailed, to set a new password with."""
        exchange = _stranger(request)
        wish = decode(resets, await exchange.body(), "ResetWish")
        return answer(await services.gate.entrance.reset(wish.email, exchange.peer), 202)

    @router.post("/v1/password/set", **described(ResetDone, open_to_all=True))
    async def set_password(request: Request) -> Response:
        """Set a new password with a mailed token. All sessions end."""
        exchange = _stranger(request)
        wish = decode(dones, await exchange.body(), "ResetDone")
        return answer(await services.gate.entrance.set_password(wish, exchange.peer))

    @router.post("/v1/invitations/accept", **described(Acceptance, open_to_all=True))
    async def accept_invitation(request: Request) -> Response:
        """Join an account with a mailed token."""
        exchange = _stranger(request)
        wish = decode(acceptances, await exchange.body(), "Acceptance")
        return answer(await services.gate.entrance.accept(wish, exchange.peer))

    return router


def session_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of sessions."""
    router = APIRouter()
    logins = msgspec.json.Decoder(Login)
    raises = msgspec.json.Decoder(Raise)
    switches = msgspec.json.Decoder(Switch)

    @router.post("/v1/session", **described(Login, 201, open_to_all=True))
    async def log_in(request: Request) -> Response:
        """Log in. The token is the credential from then on, as an API key would be."""
        exchange = _stranger(request)
        check_origin(exchange)
        wish = decode(logins, await exchange.body(), "Login")
        if wish.cookie and not exchange.header(b"content-type").startswith("application/json"):
            raise InvalidInput(
                "content_type", "a form cannot log in", field="Content-Type",
                rule="security: cookies", mend="send application/json", status=415,
            )  # fmt: skip
        token = await services.gate.entrance.log_in(wish, exchange.peer)
        return await _begun(services, exchange, token, 201, cookie=wish.cookie)

    @router.get("/v1/session", **described())
    async def session(request: Request) -> Response:
        """Tell for whom and for which account this session acts."""
        exchange = exchange_of(request)
        await session_of(exchange, services)
        token, cookie = credential(exchange)
        return await _begun(services, exchange, token, 200, cookie=cookie, shown=False)

    @router.post("/v1/session/raise", **described(Raise))
    async def raise_session(request: Request) -> Response:
        """Prove again who you are, to change who may act. The session gets another token."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(raises, await exchange.body(), "Raise")
        token = await services.gate.selves.raise_session(seen, wish, exchange.peer)
        return await _begun(services, exchange, token, 200, cookie=credential(exchange)[1])

    @router.post("/v1/session/account", **described(Switch))
    async def switch_account(request: Request) -> Response:
        """Act for another of your accounts. The session gets another token."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(switches, await exchange.body(), "Switch")
        token = await services.gate.selves.switch(seen, wish.account)
        return await _begun(services, exchange, token, 200, cookie=credential(exchange)[1])

    return router


def ending_router(services: Services) -> APIRouter:
    """Return the routes by which sessions are listed and ended."""
    router = APIRouter()

    @router.delete("/v1/session", **described())
    async def log_out(request: Request) -> Response:
        """End this session."""
        exchange = exchange_of(request)
        await services.gate.sessions.end(await session_of(exchange, services))
        ended = answer({"state": "ended"})
        if credential(exchange)[1]:
            ended.headers["set-cookie"] = cookie_header(exchange, "")
        return ended

    @router.get("/v1/sessions", **described())
    async def sessions(request: Request) -> Response:
        """List your sessions."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.sessions.list(seen))

    @router.delete("/v1/sessions/{session_id}", **described())
    async def end_session(request: Request, session_id: Id) -> Response:
        """End one of your sessions."""
        seen = await session_of(exchange_of(request), services)
        await services.gate.sessions.end(seen, session_id)
        return answer({"state": "ended"})

    return router


def self_router(services: Services) -> APIRouter:  # long: as above
    """Return the routes of what concerns oneself."""
    router = APIRouter()
    passwords = msgspec.json.Decoder(PasswordChange)
    phones = msgspec.json.Decoder(PhoneWish)
    codes = msgspec.json.Decoder(CodeGiven)

    @router.get("/v1/me", **described())
    async def me(request: Request) -> Response:
        """Tell who you are, for which accounts you act, and what is still to be proved."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.selves.show(seen))

    @router.post("/v1/me/password", **described(PasswordChange))
    async def change_password(request: Request) -> Response:
        """Change your password. Other sessions end; this one gets another token."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(passwords, await exchange.body(), "PasswordChange")
        token = await services.gate.selves.change_password(seen, wish, exchange.peer)
        return await _begun(services, exchange, token, 200, cookie=credential(exchange)[1])

    @router.post("/v1/me/phone", **described(PhoneWish, 202))
    async def send_phone_code(request: Request) -> Response:
        """Have a code sent to your mobile phone."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(phones, await exchange.body(), "PhoneWish")
        return answer(await services.gate.selves.phone(seen, wish.number), 202)

    @router.post("/v1/me/phone/confirm", **described(CodeGiven))
    async def confirm_phone(request: Request) -> Response:
        """Prove your phone number with the code that came."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(codes, await exchange.body(), "CodeGiven")
        return answer(await services.gate.selves.confirm_phone(seen, wish.code))

    return router


def factor_router(services: Services) -> APIRouter:
    """Return the routes of the second factor."""
    router = APIRouter()
    codes = msgspec.json.Decoder(CodeGiven)

    @router.post("/v1/me/totp", **described(status=201))
    async def begin_totp(request: Request) -> Response:
        """Begin a second factor: a secret for an authenticator application."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.selves.begin_totp(seen), 201)

    @router.post("/v1/me/totp/confirm", **described(CodeGiven))
    async def confirm_totp(request: Request) -> Response:
        """Switch the second factor on with a code of it; tells the recovery codes once."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(codes, await exchange.body(), "CodeGiven")
        token, recovery = await services.gate.selves.confirm_totp(seen, wish.code)
        cookie = credential(exchange)[1]
        more = {"recovery_codes": recovery}
        return await _begun(services, exchange, token, 200, cookie=cookie, more=more)

    @router.post("/v1/me/totp/off", **described(CodeGiven))
    async def end_totp(request: Request) -> Response:
        """Switch the second factor off, with a code of it."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(codes, await exchange.body(), "CodeGiven")
        return answer(await services.gate.selves.end_totp(seen, wish.code, exchange.peer))

    return router


def _stranger(request: Request) -> Exchange:
    """Return the exchange of somebody without a session, counted by network."""
    exchange = exchange_of(request)
    exchange.limits.stranger(exchange.peer)
    return exchange


async def _begun(
    services: Services,
    exchange: Exchange,
    token: str,
    status: int,
    *,
    cookie: bool,
    shown: bool = True,
    more: dict[str, Any] | None = None,
) -> Response:
    """Answer with a session. A browser gets the token where no script can read it, and what it has
    to send beside it."""
    sessions = services.gate.sessions
    seen = await sessions.seen(token)
    body: dict[str, Any] = {
        "actor": str(seen.actor_id),
        "account": None if seen.account_id is None else str(seen.account_id),
        "account_name": seen.account_name,
        "account_status": seen.account_status,
        "roles": list(seen.roles),
        "scopes": sorted(seen.scopes),
        "second_factor": seen.factor,
        "raised_until": seen.raised_until,
        "idle_s": sessions.lives.idle_s,
        "absolute_s": sessions.lives.absolute_s,
        **(more or {}),
    }
    if cookie:
        body["csrf"] = csrf_of(token)
    elif shown:
        body["token"] = token
    made = answer(body, status)
    made.headers["cache-control"] = "no-store"
    if cookie and shown:
        made.headers["set-cookie"] = cookie_header(exchange, token)
    return made
