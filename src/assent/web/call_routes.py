"""The call centre's screen: staff sign in, look at a caller's number, record what she says.

Pages for people, so they are not in the API's description. The session is one of the staff's own,
in a cookie of this screen's; no key of software opens it. Every form posts and carries what shows
that it was made here; a number stands in no address and in no log.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from fastapi import APIRouter
from fastapi.responses import Response

from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow.actor_requests import Login
from assent.flow.call_centre import CallCentre
from assent.flow.requests import Caller
from assent.flow.sessions import PREFIX, Seen, csrf_of
from assent.web.call_pages import (
    HOME,
    CallTongue,
    call_page,
    done_page,
    enter_page,
    look_page,
)
from assent.web.receivers_html import Tongue
from assent.web.services import Services
from assent.web.visit import Answer, Handler, Visit, shown_page

_LONGEST_TOKEN: Final = 200
_LONGEST_TICKET: Final = 1_000


class CallVisit(Visit):
    """One request of the staff for a page."""

    cookies: ClassVar[tuple[str, str]] = ("__Host-assent-calls", "assent-calls")
    tongues: ClassVar[type[Tongue]] = CallTongue
    most_fields: ClassVar[int] = 100


Act = Callable[[CallVisit, Seen], Awaitable[Response]]


def call_router(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    screen = _Screen(services)
    pages: tuple[tuple[str, str, Handler[CallVisit]], ...] = (
        ("GET", HOME, screen.begin),
        ("POST", f"{HOME}/enter", screen.enter),
        ("POST", f"{HOME}/look", screen.doing(screen.look)),
        ("POST", f"{HOME}/refuse", screen.doing(screen.refuse)),
        ("POST", f"{HOME}/complain", screen.doing(screen.complain)),
        ("POST", f"{HOME}/leave", screen.doing(screen.leave)),
    )
    for method, path, handler in pages:
        route = shown_page(CallVisit, handler)
        router.add_api_route(path, route, methods=[method], response_model=None)
    return router


class _Screen:
    """The pages."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def _centre(self) -> CallCentre:
        return self._services.calls

    async def begin(self, visit: CallVisit) -> Response:
        """Ask for the caller's number; who has not signed in is asked for that."""
        seen = await self._seen(visit)
        if seen is None:
            return enter_page(visit.tongue, self._services.receivers.proof.form_token())
        return look_page(visit.tongue, csrf_of(visit.token))

    async def enter(self, visit: CallVisit) -> Response:
        """Begin a session for one of the call centre's; always a new one, whatever the cookie
        says."""
        visit.exchange.limits.stranger(visit.exchange.peer)
        await visit.read()
        proof, gate = self._services.receivers.proof, self._services.gate
        if not proof.form_fits(visit.fields.get("form", "")):
            raise _old_form()
        login = Login(
            email=visit.fields.get("email", "")[:254],
            password=visit.fields.get("password", "")[:256],
            code="".join(visit.fields.get("code", "").split())[:32] or None,
            account=self._centre.account,
        )
        token = ""
        try:
            token = await gate.entrance.log_in(login, visit.exchange.peer)
            seen = await gate.sessions.seen(token)
            self._centre.check(seen.caller)
        except NotAllowed:
            if token:
                await gate.sessions.end(await gate.sessions.seen(token))
            return enter_page(visit.tongue, proof.form_token(), wrong=True)
        return visit.keep(visit.go(HOME), token)

    def doing(self, act: Act) -> Handler[CallVisit]:
        """Return what a form does, which has to be of this very session."""

        async def handler(visit: CallVisit) -> Response:
            seen = await self._seen(visit)
            if seen is None:
                return visit.go(HOME)
            await visit.read()
            given = visit.fields.get("form", "").encode()
            if not hmac.compare_digest(given, csrf_of(visit.token).encode()):
                raise _old_form()
            return await act(visit, seen)

        return handler

    async def _seen(self, visit: CallVisit) -> Seen | None:
        """Return whose session calls, None for none that goes on and may do this."""
        exchange = visit.exchange
        exchange.limits.stranger(exchange.peer, count=False)
        token = visit.token
        try:
            if not token.startswith(PREFIX) or len(token) > _LONGEST_TOKEN:
                raise _old_form()
            seen = await self._services.gate.sessions.seen(token)
            self._centre.check(seen.caller)
        except NotAllowed:
            exchange.limits.stranger(exchange.peer)
            return None
        exchange.account_id, exchange.key_id = seen.account_id, 0
        exchange.limits.known(0, seen.actor_id)
        return seen

    async def look(self, visit: CallVisit, seen: Seen) -> Response:
        """Show who wrote to a number; that somebody looked is written down first."""
        token = csrf_of(visit.token)
        try:
            call, senders = await self._centre.look(seen.caller, visit.fields.get("number", ""))
        except InvalidInput:
            return look_page(visit.tongue, token, wrong=True)
        return call_page(visit.tongue, token, call, senders)

    async def refuse(self, visit: CallVisit, seen: Seen) -> Response:
        """Record whom she refuses."""
        fields = visit.fields

        async def record(caller: Caller) -> Response:
            senders = [
                _whole(name.partition("-")[2])
                for name, value in fields.items()
                if name.startswith("sender-") and value == "yes"
            ]
            if fields.get("other", "").strip():
                senders.append(self._centre.sender_called(fields["other"][:200]))
            done = await self._centre.refuse(
                caller, self._centre.call(caller, self._ticket(visit)), senders,
                everybody=fields.get("all") == "yes", services=fields.get("services") == "yes",
            )  # fmt: skip
            return done_page(visit.tongue, csrf_of(visit.token), "refused", done)

        return await self._again(visit, seen, record)

    async def complain(self, visit: CallVisit, seen: Seen) -> Response:
        """Record what she complains of."""
        fields = visit.fields

        async def record(caller: Caller) -> Response:
            other = fields.get("other", "").strip()
            about = fields.get("about", "")
            sender = self._centre.sender_called(other[:200]) if other else _whole(about)
            words = fields.get("words", "").strip().replace("\r\n", "\n")
            call = self._centre.call(caller, self._ticket(visit))
            done = await self._centre.complain(caller, call, sender, words)
            return done_page(visit.tongue, csrf_of(visit.token), "complained", done)

        return await self._again(visit, seen, record)

    async def _again(
        self, visit: CallVisit, seen: Seen, record: Callable[[Caller], Answer]
    ) -> Response:
        """Record; where what was filled in will not do, ask for it again."""
        caller = seen.caller
        try:
            return await record(caller)
        except (InvalidInput, NotFound):
            call = self._centre.call(caller, self._ticket(visit))
            senders = await self._centre.wrote_to(call)
            return call_page(visit.tongue, csrf_of(visit.token), call, senders, wrong=True)

    async def leave(self, visit: CallVisit, seen: Seen) -> Response:
        """End the session."""
        await self._services.gate.sessions.end(seen)
        return visit.keep(visit.go(HOME), "")

    @staticmethod
    def _ticket(visit: CallVisit) -> str:
        return visit.fields.get("call", "")[:_LONGEST_TICKET]


def _whole(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise InvalidInput("bad_form", "this is no form of ours", status=400)
    return int(given)


def _old_form() -> NotAllowed:
    return NotAllowed("csrf", "the form was not made here, or too long ago", field="form")
