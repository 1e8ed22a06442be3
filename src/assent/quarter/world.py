"""What everybody in a simulated quarter acts with: keys, the clock, the day, people."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import httpx

from assent.client import AsyncClient
from assent.clock import ClockHand
from assent.errors import AssentError
from assent.quarter.cast import PROGRAMME, WORDING, Sender
from assent.quarter.population import Population
from assent.quarter.receivers import Receivers

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""Day 0 of every quarter: a Monday. The platform's clock begins there."""
SLOTS: Final = (2.0, 6.5, 11.0)
"""Hours of the day (UTC) at which people act: ten, half past two and seven in China."""


STOPPING: Final = frozenset(
    {
        "account_suspended",
        "sender_suspended",
        "port_inactive",
        "class_stopped",
        "restricted",
        "restricted_review",
        "restricted_until",
    }
)
"""Reasons for which an order is rejected because its sender was stopped."""


@dataclass(slots=True)
class World:
    """One quarter under way. `failed`: what the platform's doors refused, by code; `restricted`:
    credit codes of those who were told that they are stopped."""

    url: str
    keys: Mapping[str, str]
    clock: ClockHand
    population: Population
    receivers: Receivers
    seed: int
    expected: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    restricted: set[str] = field(default_factory=set)
    _clients: dict[str, AsyncClient] = field(default_factory=dict)
    _transport: httpx.AsyncHTTPTransport = field(
        default_factory=lambda: httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=8), verify=False
        )
    )

    def client(self, account: str, key: str = "own") -> AsyncClient:
        """Return the client of an account's key."""
        name = f"{account}/{key}"
        if name not in self._clients:
            self._clients[name] = AsyncClient(
                self.url, self.keys[name], timeout=60.0, transport=self._transport
            )
        return self._clients[name]

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    @property
    def day(self) -> int:
        """The day of the quarter, from 0."""
        return int((self.clock.now() - START.timestamp()) // 86_400)

    def at(self, day: int, hour: float) -> float:
        """Return a moment of the quarter in seconds since 1970."""
        return (START + timedelta(days=day, hours=hour)).timestamp()

    # Acts ----------------------------------------------------------------------------------

    async def tried(self, act: Awaitable[Any], what: str) -> Any:
        """Do something that the platform may refuse; return its answer, or None."""
        try:
            return await act
        except AssentError as error:
            self.failed[f"{what}: {error.code}"] += 1
            return None

    async def send(
        self, sender: Sender, purpose: str, people: Sequence[str],
        text: str | None = None, template: str | None = None,
        variables: Callable[[str], Mapping[str, str]] | None = None, relation: str | None = None,
    ) -> int:  # fmt: skip
        """Order messages; return how many the platform took."""
        if not people:
            return 0
        made = variables or (lambda person: {})
        answer = await self.tried(
            self.client(sender.account).send(
                sender=sender.code, purpose=purpose, text=text, template=template,
                port=sender.ports[purpose], relation=relation,
                messages=[{"to": one, "variables": dict(made(one))} for one in people],
            ),
            f"send {purpose}",
        )  # fmt: skip
        self.counts["orders"] += 1
        if answer is None:
            return 0
        taken = int(answer["allowed"])
        self.expected += taken
        for reason, count in answer["reasons"].items():
            self.failed[f"message {purpose}: {reason}"] += count
            if reason in STOPPING:
                self.restricted.add(sender.code)
        return taken

    async def agree(
        self, sender: Sender, people: Sequence[str], rng: Random,
        grade: str = "document", days: tuple[float, float] = (5, 300), true: bool = True,
    ) -> Any:  # fmt: skip
        """Import consents; `true`: the people did agree."""
        if true:
            self.receivers.agreed |= {(sender.legal_name, one) for one in people}
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        rows = []
        for one in people:
            when = now - timedelta(days=int(rng.uniform(*days)))
            hour = rng.uniform(1, 13)
            rows.append({"to": one, "at": when.replace(hour=0) + timedelta(hours=hour - 24)})
        return await self.tried(
            self.client(sender.account).import_consents(
                rows, sender=sender.code, programme=PROGRAMME, grade=grade, wording=WORDING,
                source="门店登记表",
            ),
            "import",
        )  # fmt: skip


async def together(acts: Sequence[Awaitable[Any]], at_once: int = 8) -> None:
    """Do all of them, so many at a time."""
    left = list(reversed(acts))

    async def work() -> None:
        while left:
            await left.pop()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(acts))):
            group.create_task(work())
