"""A real server on a real socket. What stands behind it is the sandbox, twice: as the sandbox,
and in the place of flow's rooms. So these tests are about transport (limits, errors, keys,
streaming) and the sandbox; what flow does with a request is tested with flow."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from assent.clock import ManualClock
from assent.errors import NotAllowed
from assent.flow.requests import Caller
from assent.flow.sandbox import Sandbox
from assent.web.app import create_app
from assent.web.logs import json_logger
from assent.web.server import HttpServer
from assent.web.services import Services
from assent.web.settings import WebSettings

NOON = 1_795_320_000.0  # 2026-11-22 12:00 in China
ALL = frozenset({"send", "campaigns", "consents", "refusals", "read"})


class FewKeys:
    """The keys of these tests."""

    def __init__(self) -> None:
        self.known = {
            "ak_all": Caller(1, ALL, False, 1),
            "ak_read": Caller(1, frozenset({"read"}), False, 2),
            "ak_other": Caller(2, ALL, False, 3),
            "sk_all": Caller(1, ALL, True, 4),
        }

    async def caller(self, secret: str) -> Caller:
        if secret not in self.known:
            raise NotAllowed(
                "bad_key",
                "the API key is not valid",
                field="Authorization",
                status=401,
                mend="use a key that was not revoked",
            )
        return self.known[secret]


@dataclass
class Running:
    """A server and what stands behind it."""

    server: HttpServer
    clock: ManualClock
    real: Sandbox
    sandbox: Sandbox
    ready: dict[str, Any] = field(default_factory=lambda: {"ready": True})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def health(self) -> Mapping[str, Any]:
        return self.ready


@asynccontextmanager
async def running(
    settings: WebSettings | None = None, log: Any = None, **replaced: Any
) -> AsyncIterator[Running]:
    """Start a server; `replaced` puts other services in."""
    settings = settings or WebSettings()
    clock = ManualClock(NOON)
    real, sandbox = Sandbox(clock), Sandbox(clock)
    holder: list[Running] = []

    async def health() -> Mapping[str, Any]:
        return await holder[0].health()

    services = Services(
        **{
            "clock": clock,
            "keys": FewKeys(),
            "sending": real.sending,
            "campaigns": real.campaigns,
            "consents": real.consents,
            "refusals": real.refusals,
            "status": real.status,
            "videos": real.videos,
            "health": health,
            "metrics_text": lambda: b"assent_up 1\n",
            "sandbox": sandbox,
            "links": None,  # what staff do is tested with flow
            "pdulog": None,
            "money": None,
            "evidence": None,
            "forgetting": None,
            "consent_rooms": None,
            "ports": None,
            "audiences": None,
            "front": None,
            "gate": None,
            "receivers": None,
            "telephone": None,
            "imports": None,
            "doors": None,
            "pages": None,
            "near": None,
            "cases": None,
            "rollups": None,
            "complaints": None,
            "restricting": None,
            "warning": None,
            "texts": None,
            "calls": None,
            "statistics": None,
            **replaced,
        }
    )
    server = HttpServer(
        create_app(services, settings, log or json_logger(io.BytesIO())), "127.0.0.1", 0, settings
    )
    holder.append(Running(server, clock, real, sandbox))
    await server.start()
    try:
        yield holder[0]
    finally:
        await server.stop()
