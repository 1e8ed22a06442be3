"""One request for a page for people: its language, its cookie, its form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import Response

from assent.errors import AssentError, InvalidInput
from assent.web.caller import check_origin, cookie_of, local
from assent.web.exchange import Exchange, error_headers
from assent.web.receivers_html import HEADERS, Tongue
from assent.web.receivers_pages import error_page
from assent.web.routes import exchange_of

_LONGEST: Final = 20_000
_KINDS: Final = {403: "form", 404: "none", 429: "many"}

Answer = Awaitable[Response]


class Visit:
    """One request for a page. (The receivers' pages; others say what is theirs.)"""

    cookies: ClassVar[tuple[str, str]] = ("__Host-assent-receiver", "assent-receiver")
    """Names of the cookie over TLS, where browsers hold it to this host, and on the machine."""
    tongues: ClassVar[type[Tongue]] = Tongue
    most_fields: ClassVar[int] = 20

    def __init__(self, request: Request) -> None:
        self.exchange: Exchange = exchange_of(request)
        self.query = request.query_params
        self.tongue = self.tongues.of(
            self.query.get("lang", ""), self.exchange.header(b"accept-language")
        )
        self.browser = self.exchange.header(b"user-agent")
        self.token = cookie_of(self.exchange, self.cookie)
        self.fields: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        """The name of the cookie; browsers take the first kind only over TLS."""
        return self.cookies[local(self.exchange)]

    async def read(self) -> None:
        """Read the form. Raises InvalidInput for what is none, NotAllowed for one of another
        site."""
        check_origin(self.exchange)
        body = await self.exchange.body()
        try:
            if len(body) > _LONGEST:
                raise ValueError
            found = parse_qs(
                body.decode("ascii"), keep_blank_values=True, max_num_fields=self.most_fields,
                errors="strict",
            )  # fmt: skip
        except ValueError:
            raise InvalidInput("bad_form", "this is no form of ours", status=400) from None
        self.fields = {name: values[-1].replace("\0", "") for name, values in found.items()}

    def go(self, path: str, done: str = "", **more: str) -> Response:
        """Return what sends the browser on."""
        named = {"lang": self.tongue.lang if self.tongue.chosen else "", "done": done, **more}
        query = "&".join(f"{name}={value}" for name, value in named.items() if value)
        where = f"{path}?{query}" if query else path
        return Response(status_code=303, headers={**HEADERS, "location": where})

    def keep(self, response: Response, token: str) -> Response:
        """Put a session into the browser's cookie; an empty one takes it out."""
        secure = "" if local(self.exchange) else "; Secure"
        age = "" if token else "; Max-Age=0"
        response.headers["set-cookie"] = (
            f"{self.cookie}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}"
        )
        return response


Some = TypeVar("Some", bound=Visit)
Handler = Callable[[Some], Answer]


def shown_page(kind: type[Some], handler: Handler[Some]) -> Callable[[Request], Answer]:
    """Return a route whose errors are pages as well."""

    async def route(request: Request) -> Response:
        visit = kind(request)
        try:
            return await handler(visit)
        except AssentError as error:
            shown = error_page(visit.tongue, error.status, _KINDS.get(error.status, "other"))
            shown.headers.update(error_headers(error))
            return shown

    return route
