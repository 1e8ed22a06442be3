"""The routes of an account's team and keys, and of the record of acts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assent.flow.actor_requests import Invitation, KeyWish, RoleChange
from assent.web.actor_routes import Actor
from assent.web.caller import caller_of, decode, session_of
from assent.web.openapi import described
from assent.web.routes import Cursor, Limit, answer, exchange_of
from assent.web.services import Services

AccountWanted = Annotated[int | None, Query(ge=1, lt=1 << 31)]
What = Annotated[str | None, Query(min_length=1, max_length=64, pattern=r"^[a-z_.]+$")]


def team_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of who acts for an account."""
    router = APIRouter()
    invitations = msgspec.json.Decoder(Invitation)
    changes = msgspec.json.Decoder(RoleChange)

    @router.get("/v1/team", **described())
    async def team(request: Request) -> Response:
        """List who acts for the account, and who is invited."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.team.show(seen))

    @router.post("/v1/team/invitations", **described(Invitation, 202))
    async def invite(request: Request) -> Response:
        """Invite somebody by e-mail."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(invitations, await exchange.body(), "Invitation")
        return answer(await services.gate.team.invite(seen, wish), 202)

    @router.put("/v1/team/{actor_id}", **described(RoleChange))
    async def change_roles(request: Request, actor_id: Actor) -> Response:
        """Give a person other roles. That person's sessions for the account end."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(changes, await exchange.body(), "RoleChange")
        return answer(await services.gate.team.change(seen, actor_id, wish.roles))

    @router.delete("/v1/team/{actor_id}", **described())
    async def remove_actor(request: Request, actor_id: Actor) -> Response:
        """Take a person out of the account, with the keys; oneself, too."""
        seen = await session_of(exchange_of(request), services)
        if actor_id == seen.actor_id:
            return answer(await services.gate.team.leave(seen))
        return answer(await services.gate.team.remove(seen, actor_id))

    @router.post("/v1/actors/{actor_id}/lock", **described())
    async def lock_actor(request: Request, actor_id: Actor) -> Response:
        """Lock a person out of everything (administrators of the operator)."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.team.lock(seen, actor_id, locked=True))

    @router.post("/v1/actors/{actor_id}/unlock", **described())
    async def unlock_actor(request: Request, actor_id: Actor) -> Response:
        """Let a locked person in again (administrators of the operator)."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.team.lock(seen, actor_id, locked=False))

    return router


def key_router(services: Services) -> APIRouter:
    """Return the routes of API keys."""
    router = APIRouter()
    wishes = msgspec.json.Decoder(KeyWish)

    @router.get("/v1/keys", **described())
    async def keys(request: Request) -> Response:
        """List your keys; all of the account for its owners."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.keyring.show(seen))

    @router.post("/v1/keys", **described(KeyWish, 201))
    async def make_key(request: Request) -> Response:
        """Make an API key; it is told once."""
        exchange = exchange_of(request)
        seen = await session_of(exchange, services)
        wish = decode(wishes, await exchange.body(), "KeyWish")
        made = answer(await services.gate.keyring.make(seen, wish), 201)
        made.headers["cache-control"] = "no-store"
        return made

    @router.delete("/v1/keys/{key_id}", **described())
    async def revoke_key(request: Request, key_id: Actor) -> Response:
        """Revoke an API key."""
        seen = await session_of(exchange_of(request), services)
        return answer(await services.gate.keyring.revoke(seen, key_id))

    return router


def audit_router(services: Services) -> APIRouter:
    """Return the routes of the record of acts."""
    router = APIRouter()

    @router.get("/v1/audit", **described())
    async def audit(
        request: Request, cursor: Cursor = 0, limit: Limit = 100,
        account: AccountWanted = None, what: What = None,
    ) -> Response:  # fmt: skip
        """List what staff and owners did, the latest first; `what` is how the act's name begins."""
        caller = await caller_of(exchange_of(request), services, "audit")
        return answer(await services.gate.audit.show(caller, cursor, limit, account, what))

    @router.get("/v1/audit.csv", **described())
    async def audit_table(
        request: Request, cursor: Cursor = 0, limit: Limit = 1_000,
        account: AccountWanted = None, what: What = None,
    ) -> Response:  # fmt: skip
        """The same as a table for spreadsheets."""
        caller = await caller_of(exchange_of(request), services, "audit")
        table = await services.gate.audit.table(caller, cursor, limit, account, what)
        headers = {"content-disposition": 'attachment; filename="audit.csv"'}
        return Response(table, media_type="text/csv; charset=utf-8", headers=headers)

    return router
