"""What the demonstration leaves for a court: the bundle of one who refused, checked offline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from assent.client import AsyncClient
from assent.clock import Clock
from assent.consent.verify import verify
from assent.demo.cast import Sender
from assent.errors import AssentError

NAME: Final = "evidence.zip"
_SEALED_S: Final = 20.0


async def keep_evidence(
    client: AsyncClient, clock: Clock, directory: Path, refusers: Sequence[str], sender: Sender
) -> str:
    """Write the bundle of the first who refused; return what checking it found: `valid`, or the
    codes of what is wrong. Raises AssentError when the ledger is not sealed in time."""
    if not refusers:
        return ""
    await _sealed(client)
    now = datetime.fromtimestamp(clock.now(), UTC)
    day = timedelta(days=1)
    answer = await client.evidence(refusers[0], sender.code, now - day, now + day)
    path = directory / NAME
    path.touch(mode=0o600)
    path.write_bytes(answer["octets"])
    keys = (await client.ledger())["keys"]
    verdict = verify(answer["octets"], keys)
    if verdict.unreadable:
        return "unreadable"
    kinds = {one["words"]["kind"] for one in verdict.entries}
    if not verdict.faults and not kinds >= {"granted", "withdrawn"}:
        return "incomplete"
    return " ".join(sorted({code for code, _ in verdict.faults})) or "valid"


async def _sealed(client: AsyncClient) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + _SEALED_S
    while (await client.ledger())["unsealed"]:
        if loop.time() > end:
            raise AssentError("demo_unsettled", "the ledger is not sealed")
        await asyncio.sleep(0.2)
