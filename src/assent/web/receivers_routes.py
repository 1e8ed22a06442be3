"""The receivers' pages: a number is proved, then everything about it is shown and ruled.

Pages for people, so they are not in the API's description. Nothing is set in a browser before the
number is proved; every form posts and carries what shows that it was made here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from assent.errors import InvalidInput, NotAllowed
from assent.flow.receiver_proof import Visitor, csrf_of
from assent.flow.receivers import Receivers
from assent.flow.refusal_links import PATH as LINKS
from assent.numbers import parse
from assent.web.receivers_html import EMPTY, HEADERS, HOME
from assent.web.receivers_pages import (
    code_page,
    complaint_page,
    erased_page,
    erasure_page,
    link_page,
    me_page,
    number_page,
    receipt_page,
)
from assent.web.services import Services
from assent.web.visit import Answer, Handler, Visit, shown_page

_DONE: Final = frozenset({"refused", "agreed", "taken_back", "complained"})


def receivers_router(services: Services) -> APIRouter:
    """Return the routes before and after the proof. (long: a line a route)"""
    router = APIRouter(include_in_schema=False)
    rooms = services.receivers
    unproved, proved = _Unproved(rooms), _Proved(rooms)
    pages: tuple[tuple[str, str, Handler[Visit]], ...] = (
        ("GET", HOME, unproved.begin),
        ("POST", f"{HOME}/code", unproved.code),
        ("POST", f"{HOME}/enter", unproved.enter),
        ("GET", f"{HOME}/me", proved.reading(proved.me)),
        ("POST", f"{HOME}/refuse", proved.doing(proved.refuse)),
        ("POST", f"{HOME}/agree", proved.doing(proved.agree)),
        ("POST", f"{HOME}/take-back", proved.doing(proved.take_back)),
        ("GET", f"{HOME}/complain/{{message}}", proved.reading(proved.complaint)),
        ("POST", f"{HOME}/complain", proved.doing(proved.complain)),
        ("POST", f"{HOME}/proof", proved.doing(proved.proof)),
        ("POST", f"{HOME}/data", proved.doing(proved.data)),
        ("GET", f"{HOME}/erase", proved.reading(proved.erasure)),
        ("POST", f"{HOME}/erase", proved.doing(proved.erase)),
        ("POST", f"{HOME}/receipt", proved.doing(proved.receipt)),
        ("POST", f"{HOME}/leave", proved.doing(proved.leave)),
        ("GET", f"{LINKS}{{token}}", unproved.link),
        ("POST", f"{LINKS}{{token}}", unproved.refuse),
    )
    for method, path, handler in pages:
        router.add_api_route(
            path, shown_page(Visit, handler), methods=[method], response_model=None
        )
    return router


class _Unproved:
    """What anybody can do."""

    def __init__(self, rooms: Receivers) -> None:
        self._rooms = rooms

    async def begin(self, visit: Visit) -> Response:
        """Ask for the number; who has proved it goes on."""
        if await self._rooms.proof.seen(visit.token, visit.browser) is not None:
            return visit.go(f"{HOME}/me")
        return number_page(visit.tongue, self._rooms.proof.form_token())

    async def code(self, visit: Visit) -> Response:
        """Note that a code is wanted; the answer is the same whatever becomes of it."""
        await self._read(visit)
        parsed = parse([visit.fields.get("number", "")[:40]])
        token = self._rooms.proof.form_token()
        if parsed.fault[0]:
            return number_page(visit.tongue, token, wrong=True)
        ticket = self._rooms.proof.ask(int(parsed.msisdn[0]), visit.exchange.peer)
        return code_page(visit.tongue, token, ticket)

    async def enter(self, visit: Visit) -> Response:
        """Begin a session for who has the code; always a new one, whatever the cookie says."""
        await self._read(visit)
        proof, ticket = self._rooms.proof, visit.fields.get("ticket", "")[:1_000]
        code = visit.fields.get("code", "")[:40]
        token = await proof.prove(ticket, code, visit.exchange.peer, visit.browser)
        if token is None:
            return code_page(visit.tongue, proof.form_token(), ticket, wrong=True)
        if visit.token:
            await proof.end(visit.token)
        return visit.keep(visit.go(f"{HOME}/me"), token)

    async def link(self, visit: Visit) -> Response:
        """Show who wrote and one button. Looking refuses nothing."""
        visit.exchange.limits.stranger(visit.exchange.peer)
        path = visit.exchange.path
        found = self._rooms.links.read(path.removeprefix(LINKS), self._rooms.clock.now())
        name = None if found is None else self._rooms.acts.sender_of(found)
        return link_page(visit.tongue, self._rooms.proof.form_token(), path, name, False)

    async def refuse(self, visit: Visit) -> Response:
        """Refuse for whom a link was made."""
        await self._read(visit)
        path = visit.exchange.path
        found = self._rooms.links.read(path.removeprefix(LINKS), self._rooms.clock.now())
        name = None if found is None else self._rooms.acts.sender_of(found)
        if found is not None and name is not None:
            await self._rooms.acts.refuse_by_link(found)
        return link_page(visit.tongue, "", path, name, True)

    async def _read(self, visit: Visit) -> None:
        visit.exchange.limits.stranger(visit.exchange.peer)
        await visit.read()
        if not self._rooms.proof.form_fits(visit.fields.get("form", "")):
            raise _old_form()


Act = Callable[[Visit, Visitor], Answer]


class _Proved:
    """What the receiver of a number can do."""

    def __init__(self, rooms: Receivers) -> None:
        self._rooms = rooms

    def reading(self, act: Act) -> Handler[Visit]:
        """Return a page for who has proved a number; anybody else begins anew."""

        async def handler(visit: Visit) -> Response:
            visitor = await self._seen(visit)
            return visit.go(HOME) if visitor is None else await act(visit, visitor)

        return handler

    def doing(self, act: Act) -> Handler[Visit]:
        """Return the same for a form, which has to be of this very session."""

        async def handler(visit: Visit) -> Response:
            visitor = await self._seen(visit)
            if visitor is None:
                return visit.go(HOME)
            await visit.read()
            given = visit.fields.get("form", "").encode()
            if not hmac.compare_digest(given, csrf_of(visit.token).encode()):
                raise _old_form()
            return await act(visit, visitor)

        return handler

    async def _seen(self, visit: Visit) -> Visitor | None:
        visit.exchange.limits.stranger(visit.exchange.peer, count=False)
        visitor = await self._rooms.proof.seen(visit.token, visit.browser)
        if visitor is None:
            visit.exchange.limits.stranger(visit.exchange.peer)
        return visitor

    async def me(self, visit: Visit, visitor: Visitor) -> Response:
        shown = await self._rooms.view.overview(visitor)
        done, code = visit.query.get("done", ""), visit.query.get("code", "")
        said = EMPTY
        if done in _DONE:
            mine = {one["receipt"] for one in shown["complaints"]}
            said = visit.tongue(f"done_{done}", code=code if code in mine else "")
        return me_page(visit.tongue, csrf_of(visit.token), shown, said)

    async def refuse(self, visit: Visit, visitor: Visitor) -> Response:
        acts, what = self._rooms.acts, visit.fields.get("what", "")
        if what == "all":
            await acts.refuse_everybody(visitor.person)
        elif what == "sender":
            services = visit.fields.get("services") == "yes"
            await acts.refuse_sender(visitor.person, _number(visit, "id"), services=services)
        else:
            await acts.refuse_programme(visitor.person, _number(visit, "id"))
        return visit.go(f"{HOME}/me", "refused")

    async def agree(self, visit: Visit, visitor: Visitor) -> Response:
        await self._rooms.acts.agree(visitor.person, _number(visit, "programme"))
        return visit.go(f"{HOME}/me", "agreed")

    async def take_back(self, visit: Visit, visitor: Visitor) -> Response:
        sender = _number(visit, "sender") if visit.fields.get("sender") else None
        await self._rooms.acts.take_back(visitor.person, sender)
        return visit.go(f"{HOME}/me", "taken_back")

    async def complaint(self, visit: Visit, visitor: Visitor) -> Response:
        message = visit.exchange.path.rpartition("/")[2]
        return complaint_page(visit.tongue, csrf_of(visit.token), str(_whole(message)))

    async def complain(self, visit: Visit, visitor: Visitor) -> Response:
        message, words = _number(visit, "message"), visit.fields.get("words", "").strip()
        code = await self._rooms.acts.complain(visitor.person, message, words)
        return visit.go(f"{HOME}/me", "complained", code=code)

    async def proof(self, visit: Visit, visitor: Visitor) -> Response:
        archive = await self._rooms.evidence(visitor, _number(visit, "sender"))
        return _download(archive, "evidence.zip")

    async def data(self, visit: Visit, visitor: Visitor) -> Response:
        return _download(await self._rooms.data(visitor), "my-data.zip")

    async def erasure(self, visit: Visit, visitor: Visitor) -> Response:
        return erasure_page(visit.tongue, csrf_of(visit.token))

    async def erase(self, visit: Visit, visitor: Visitor) -> Response:
        if visit.fields.get("sure") != "yes":
            return erasure_page(visit.tongue, csrf_of(visit.token), unsure=True)
        mark = visit.fields.get("mark") == "yes"
        erased = await self._rooms.acts.be_forgotten(visitor, mark)
        held = erased.state == "held"
        shown = erased_page(visit.tongue, held, erased.until)
        if held:
            return shown
        self._rooms.view.forget(visitor.person)
        await self._rooms.proof.end(visit.token)
        return visit.keep(shown, "")

    async def receipt(self, visit: Visit, visitor: Visitor) -> Response:
        code = visit.fields.get("code", "").strip().upper()
        rows = await self._rooms.view.confirmations(visitor.person)
        found = next((row for row in rows if row["receipt_code"] == code), None)
        return receipt_page(visit.tongue, code, found)

    async def leave(self, visit: Visit, visitor: Visitor) -> Response:
        await self._rooms.proof.end(visit.token)
        return visit.keep(visit.go(HOME), "")


def _number(visit: Visit, name: str) -> int:
    return _whole(visit.fields.get(name, ""))


def _whole(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) < 20 and int(given) < 1 << 63):
        raise InvalidInput("bad_form", "this is no form of ours", status=400)
    return int(given)


def _old_form() -> NotAllowed:
    return NotAllowed("csrf", "the form was not made here, or too long ago", field="form")


def _download(octets: bytes, name: str) -> Response:
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Response(octets, headers=headers, media_type="application/zip")
