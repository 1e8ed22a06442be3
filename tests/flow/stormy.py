"""A platform whose lines to the carriers go through proxies, and its carriers' records."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assent.app.settings import Settings
from assent.clock import SystemClock
from assent.wire import sgip, smgp
from tests.carrier.proxy import WORDS, Proxy, Words
from tests.flow.audit import audit
from tests.flow.conftest import CARRIERS, Platform, noon_offset, register
from tests.flow.installation import free_port
from tests.flow.test_dialects import DIALECTS, DialectPlatform

MARKETING, SERVICE = "106900011", "1069999"
PATIENCE_S = 30.0
IN_CMPP = {
    "submit_sm": "SUBMIT", "submit_sm_resp": "SUBMIT_RESP", "deliver_sm": "DELIVER",
    "deliver_sm_resp": "DELIVER_RESP", "Submit": "SUBMIT", "Submit_Resp": "SUBMIT_RESP",
    "Deliver": "DELIVER", "Deliver_Resp": "DELIVER_RESP",
}  # fmt: skip


class Stormy(Platform):
    """`proxies` stand before the carriers, `backs` before the platform's own listeners."""

    dialects: dict[str, str] = dict.fromkeys(CARRIERS, "cmpp")

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        await super().start(script, seed, links, **link)
        self.proxies: dict[str, Proxy] = {}
        self.backs: dict[str, Proxy] = {}
        plain = msgspec.to_builtins(self.settings)
        for carrier in plain["carriers"]:
            name = carrier["name"]
            self.proxies[name] = Proxy(self.ports[name])
            port = await self.proxies[name].start()
            for one in carrier["links"]:
                one["port"] = port
                if one["listen"]:
                    inside, outside = free_port(), one["listen"]["port"]
                    one["listen"]["port"] = inside
                    self.backs[name] = Proxy(inside)
                    await self.backs[name].start(outside)
        self.settings = msgspec.convert(plain, Settings)

    async def stop(self) -> None:
        for proxy in (*self.proxies.values(), *self.backs.values()):
            await proxy.stop()
        await super().stop()

    def words(self, carrier: str) -> Words:
        return WORDS[self.dialects[carrier]]

    # --- what became of it

    async def delivered(self) -> int:
        """How many messages are delivered."""
        return int(
            await self.value(
                "SELECT count(*) FROM batch_final f, unpack(f.states, 1) s"
                " WHERE state_word(s.value::int) = 'delivered'"
            )
        )

    async def unsure(self) -> int:
        """How many attempts nobody knows the end of."""
        return int(await self.value("SELECT count(*) FROM unsure_segment"))

    async def settled(self, count: int) -> tuple[int, int]:
        """Wait until every message is delivered or unsure and nothing is under way; return how many
        are delivered and how many unsure."""
        found = (0, 0)

        async def so() -> bool:
            nonlocal found
            waits = await self.value(
                "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
            )
            found = (await self.delivered(), await self.unsure())
            return bool(waits == 0 and sum(found) == count)

        await self.until(so, "every message is delivered or unsure", PATIENCE_S)
        return found

    async def nothing_under_way(self) -> None:
        """Wait until nothing is under way."""

        async def so() -> bool:
            return bool(
                await self.value(
                    "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
                )
                == 0
            )

        await self.until(so, "nothing is under way", PATIENCE_S)

    def people(self) -> Counter[str]:
        """How often each person was written to."""
        return Counter(
            one["destination"] for one in self.plain_records() if one["command"] == "SUBMIT"
        )

    def plain_records(self) -> list[dict[str, Any]]:
        """The carriers' records in the words and ids of CMPP, as the audit reads them."""
        found = []
        for record in self.records():
            command = IN_CMPP.get(record["command"], record["command"])
            own = {"command": command}
            if command == "SUBMIT":
                own["destination"] = record["destination"].removeprefix("86")
            if command == "SUBMIT_RESP" and record["message_id"]:
                own["message_id"] = str(self._id(record))
            found.append(record | own)
        return found

    def _id(self, record: dict[str, Any]) -> int:
        dialect, text = self.dialects[record["carrier"]], record["message_id"]
        if dialect == "sgip":
            parts = sgip.SequenceParts(*map(int, text.split("-")))
            return sgip.id_of(sgip.pack_sequence(parts))
        if dialect == "smgp":
            return smgp.id_of(bytes.fromhex(text))
        return int(text, 16 if dialect == "smpp" else 10)

    async def balanced(self) -> None:
        problems = await audit(self.url, self.plain_records())
        assert not problems, "\n".join(problems)


class StormyDialects(Stormy, DialectPlatform):
    """SMPP, SGIP and SMGP."""

    dialects = DIALECTS


KINDS = {"cmpp": Stormy, "others": StormyDialects}


@asynccontextmanager
async def stormy(
    kind: str, url: str, directory: Path, script: dict[str, Any], **link: Any
) -> AsyncIterator[Stormy]:
    """Start a platform behind proxies and stop it in order."""
    platform = KINDS[kind](url, directory, SystemClock(noon_offset()))
    await platform.start(script, **link)
    try:
        await platform.file(register())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()
