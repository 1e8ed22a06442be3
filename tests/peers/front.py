"""The platform as customers' software meets it: our SMPP server before a real node and store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.flow.reception import Reception
from tests.flow.conftest import MARKETING_TEXT, Platform, register, running

MARKETING = "106900011"
LOGIN, SECRET = "login1", "5ecret!"
SIGNED = f"【商户1】{MARKETING_TEXT}"
LONG = "【商户1】" + "夏装上新，全场八折，" * 12 + "客服电话400-820-1234。拒收请回复R"
MAIL_S = 0.05


class Front:
    """A platform with one login of its first account; `port`: where SMPP is served."""

    def __init__(self, platform: Platform, server: CustomerServer, reception: Reception) -> None:
        self.platform = platform
        self.server = server
        self.reception = reception

    @property
    def port(self) -> int:
        return self.server.ports["smpp"]

    async def bring(self) -> None:
        """Bring the login its parcels, as long as this runs."""
        link = self.reception.link(LOGIN)
        assert link is not None
        while True:
            self.server.mail(link.id)
            await asyncio.sleep(MAIL_S)

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


@asynccontextmanager
async def front(url: str, directory: Path) -> AsyncIterator[Front]:
    """Start all of it, and end it in order."""
    document = register(1)
    document["accounts"][0]["links"] = [
        {"login": LOGIN, "secret": SECRET, "dialects": ["smpp"], "allowed": ["127.0.0.0/8"]}
    ]
    async with running(url, directory, document=document) as platform:
        customers = platform.node.customers
        assert customers is not None
        settings = CustomerSettings(doors={"smpp": Door()}, retry_s=0.05, end_s=1.0)
        server = CustomerServer(settings, customers.reception, platform.clock, Random(7))
        await server.start()
        made = Front(platform, server, customers.reception)
        bringing = asyncio.create_task(made.bring())
        try:
            yield made
        finally:
            bringing.cancel()
            await server.stop(2.0)
