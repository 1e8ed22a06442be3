"""A platform with its API, seen by a customer's people and by staff: for tests of admission."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from assent.app.http import serve
from assent.flow.keys import OFFICE, USUAL, make_key
from tests.flow.conftest import CARRIERS, Platform, register, running

CODE = "CODE1"
NAME = "安信商贸有限公司"
NUMBER = "10691234"
ALL = list(CARRIERS)


def document() -> dict[str, Any]:
    """Return a register with a sender that has nothing yet, another one, and an organisation."""
    found = register(2)
    first = found["senders"][0]
    first |= {"legal_name": NAME, "ports": [], "templates": []}
    club = {
        "credit_code": "CLUB",
        "legal_name": "海淀登山协会",
        "contact": "010-12345678",
    }
    found["senders"].append(club)
    found["accounts"].append(
        {
            "name": "club",
            "class": "organisation",
            "senders": ["CLUB"],
            "price_micro": 50_000,
            "deposits": {"first": 10**9},
        }
    )
    return found


class Office:
    """What customers and staff do over HTTP."""

    def __init__(self, platform: Platform, url: str) -> None:
        self.platform = platform
        self.url = url
        self.keys: dict[str, str] = {}

    def account(self, name: str) -> int:
        accounts = self.platform.node.catalogue.accounts.values()
        return next(account.id for account in accounts if account.name == name)

    async def key(self, name: str, *scopes: str) -> str:
        known = f"{name}/{scopes}"
        if known not in self.keys:
            node = self.platform.node
            usual = sorted(USUAL | OFFICE) if name != "operator" else ["admin", "review"]
            self.keys[known] = await make_key(
                node.store, self.account(name), list(scopes) or usual,
                sandbox=False, random=secrets.token_bytes(24), at=node.clock.now(),
            )  # fmt: skip
        return self.keys[known]

    async def call(
        self, who: str, method: str, path: str, body: Any = None, scopes: tuple[str, ...] = ()
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {await self.key(who, *scopes)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as client:
            if method == "GET":
                return await client.get(path)
            return await client.post(path, json={} if body is None else body)

    async def post(self, who: str, path: str, body: Any = None) -> Any:
        """Return the answer of a call that has to go well; wait until the node knows of it."""
        response = await self.call(who, "POST", path, body)
        assert response.status_code in (200, 201, 202), response.text
        await self.platform.node.catalogue.load(self.platform.node.store)
        return response.json()

    async def get(self, who: str, path: str) -> Any:
        response = await self.call(who, "GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, who: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Return status, code and field of a call that has to fail."""
        response = await self.call(who, "POST", path, body)
        assert response.status_code >= 400, response.text
        problem = response.json()
        assert problem["mend"]
        return response.status_code, problem["code"], problem.get("field", "")

    async def decide(self, kind: str, verdict: str = "approve", code: str = "in_order") -> Any:
        """Decide everything of a kind that lies on the desk; return the last item."""
        item: Any = None
        words = {"verdict": verdict, "code": code}
        for one in (await self.get("operator", f"/v1/desk/items?kind={kind}"))["items"]:
            path = f"/v1/desk/items/{one['id']}/decide"
            item = await self.post("operator", path, words)
            if item["state"] == "second":
                response = await self.call("operator", "POST", path, words, ("second_review",))
                item = response.json()
                assert response.status_code == 200, response.text
        assert item is not None, f"no {kind} lies on the desk"
        await self.platform.node.catalogue.load(self.platform.node.store)
        return item

    # Whole steps ---------------------------------------------------------------------------

    async def number(self, number: str = NUMBER, **more: Any) -> Any:
        body = {"number": number, "carriers": ALL, "ranges": ["000-999"], **more}
        return await self.post("operator", "/v1/numbers", body)

    async def signature(self, words: str = "安信", who: str = "account1", **more: Any) -> Any:
        body = {"sender": CODE, "words": words, "source": "short_name", **more}
        made = await self.post(who, "/v1/signatures", body)
        await self.decide("signature")
        return made

    async def port(self, purpose: str = "notification", who: str = "account1", **more: Any) -> str:
        """Bring a port from its application into use; return its number."""
        body = {
            "sender": CODE, "number": NUMBER, "purpose": purpose, "signature": "安信", **more
        }  # fmt: skip
        made = await self.post(who, "/v1/ports", body)
        await self.decide("port")
        for step in ("submit", "file", "activate"):
            await self.post("operator", f"/v1/ports/{made['number']}/{step}")
        return str(made["number"])

    async def template(self, body: str, name: str = "notice", **more: Any) -> Any:
        request = {
            "sender": CODE, "name": name, "purpose": "notification", "body": body,
            "basis": "order", **more,
        }  # fmt: skip
        made = await self.post("account1", "/v1/templates", request)
        await self.decide("template")
        return made

    async def send(self, to: list[str], who: str = "account1", **more: Any) -> httpx.Response:
        variables = more.pop("variables", {})
        body = {
            "sender": CODE, "purpose": "notification", "template": "notice",
            "messages": [{"to": one, "variables": variables} for one in to], **more,
        }  # fmt: skip
        return await self.call(who, "POST", "/v1/messages", body)


@asynccontextmanager
async def office(url: str, directory: Path) -> AsyncIterator[Office]:
    """Start a platform with its API."""
    async with running(url, directory, document=document()) as platform:
        http = msgspec.structs.replace(platform.settings.http, port=0)
        platform.node.settings = msgspec.structs.replace(platform.settings, http=http)
        server = await serve(platform.node)
        try:
            yield Office(platform, f"http://127.0.0.1:{server.port}")
        finally:
            await server.stop()


__all__ = ["ALL", "CODE", "NAME", "NUMBER", "Office", "document", "office"]
