"""The routes of organisations' members, and the page that an invitation's link opens."""

from __future__ import annotations

from html import escape
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.flow.port_requests import InvitationRequest
from assent.web.caller import decode
from assent.web.openapi import described
from assent.web.port_routes import office_caller
from assent.web.routes import answer, exchange_of
from assent.web.services import Services

PAGES: Final = "/m/"
"""Below it a path ends in a secret, which no log may hold."""

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{22}$")]
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_SAID: Final = {
    "agreed": ("您已同意接收。", "You have agreed."),
    "refused": ("您未同意，不会再收到此邀请。", "You have not agreed."),
}


def member_router(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    invitation = msgspec.json.Decoder(InvitationRequest)

    @router.get("/v1/members", **described())
    async def members(request: Request) -> Response:
        """Tell how many people were asked, and how many ever agreed."""
        caller = await office_caller(exchange_of(request), services, "admission", "read")
        return answer(await services.ports.members.show(caller))

    @router.post("/v1/members/invitations", **described(InvitationRequest, 202))
    async def invite(request: Request) -> Response:
        """Ask people whether they are members of an organisation."""
        exchange = exchange_of(request)
        caller = await office_caller(exchange, services, "admission", "consents")
        wanted = decode(invitation, await exchange.body(), "InvitationRequest")
        return answer(await services.ports.members.invite(caller, wanted), 202)

    @router.get("/m/{token}", **described(open_to_all=True))
    async def question(token: Token) -> Response:
        """Show what an organisation asks; looking at it answers nothing."""
        return _page(await services.ports.members.question(token), token)

    @router.post("/m/{token}/{said}", **described(open_to_all=True))
    async def answered(token: Token, said: Annotated[str, Path(pattern="^(yes|no)$")]) -> Response:
        """Take the answer of the person whom the link was sent to."""
        return _page(await services.ports.members.answer(token, said == "yes"), token)

    return router


def _page(question: object, token: str) -> Response:
    told = msgspec.convert(question, dict[str, str])
    zh, en = _SAID.get(told["state"], ("", ""))
    name = escape(told["name"])
    body = f"<p>{zh}</p><p>{en}</p>"
    if not zh:
        body = (
            f"<p>{name}邀请您接收其内部通知（每天至多五条，可随时退出）。</p>"
            f"<p>{name} asks whether you want its internal messages "
            "(at most five a day; you may leave at any time).</p>"
            f'<form method="post" action="/m/{token}/yes"><button>同意 · I agree</button></form>'
            f'<form method="post" action="/m/{token}/no"><button>不同意 · No</button></form>'
        )
    head = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{name}</title>'
    page = f"{head}{body}</html>"
    return Response(page, media_type="text/html; charset=utf-8", headers=_HEADERS)
