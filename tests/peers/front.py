"""The platform as customers' software meets it: our SMPP server before a real node and store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from assent.app.doors import CustomersFile, DoorFile
from assent.carrier.customers import CustomerServer
from assent.clock import SystemClock
from tests.flow.conftest import MARKETING_TEXT, PROMPT, Platform, noon_offset, register

MARKETING = "106900011"
LOGIN, SECRET = "login1", "5ecret!"
SIGNED = f"【商户1】{MARKETING_TEXT}"
LONG = "【商户1】" + "夏装上新，全场八折，" * 12 + "客服电话400-820-1234。拒收请回复R"


class Front:
    """A platform with one login of its first account; `port`: where SMPP is served."""

    def __init__(self, platform: Platform, server: CustomerServer) -> None:
        self.platform = platform
        self.server = server

    @property
    def port(self) -> int:
        return self.server.ports["smpp"]

    async def stored(self) -> int:
        """How many submits are stored, judged already or not."""
        return int(
            await self.platform.value(
                "SELECT (SELECT count(*) FROM handed_in) + (SELECT coalesce(sum(n), 0) FROM"
                " submission WHERE purpose <> 5)"
            )
        )

    def sent(self) -> list[dict[str, Any]]:
        """What the carriers got from the customer's port."""
        return self.platform.submits(MARKETING)

    def login_binds(self) -> int:
        """How many connections the login has; none while nobody has asked."""
        return sum(one["binds"] for one in self.server.health()["logins"])

    def login(self) -> dict[str, Any]:
        """The figures of the login."""
        found: dict[str, Any] = self.server.health()["logins"][0]
        return found


class Serving(Platform):
    """A platform that serves customers over SMPP."""

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        await super().start(script, seed, links, **link)
        self.settings.customers = CustomersFile(smpp=DoorFile(port=0))


@asynccontextmanager
async def front(url: str, directory: Path) -> AsyncIterator[Front]:
    """Start all of it, and end it in order."""
    document = register(1)
    document["accounts"][0]["links"] = [
        {"login": LOGIN, "secret": SECRET, "dialects": ["smpp"], "allowed": ["127.0.0.0/8"]}
    ]
    platform = Serving(url, directory, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    try:
        await platform.file(document)
        await platform.start_node()
        customers = platform.node.customers
        assert customers is not None
        assert customers.server is not None
        yield Front(platform, customers.server)
        await platform.node.stop()
    finally:
        await platform.stop()
