"""A link and a simulated carrier of any dialect with a proxy between them, and who judges the two.

The judgement is made from what the carrier wrote down, never from what the link says of itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from assent.carrier.link import Link
from assent.carrier.listener import ListenSettings
from assent.carrier.pool import Pool
from assent.carrier.simulator import Simulator
from tests.carrier.conftest import SECRET, USER, Rig, until
from tests.carrier.gateway import PERSON, DialectFlow, settings_for
from tests.carrier.proxy import WORDS, Change, Cut, Proxy, Way
from tests.flow.installation import free_port

SUBMITS = ("SUBMIT", "submit_sm", "Submit")
ANSWERS = ("SUBMIT_RESP", "submit_sm_resp", "Submit_Resp")


class StormFlow(DialectFlow):
    """Every message to a person of its own, so that the carrier's record tells them apart."""

    def want(self, count: int, text: str = "验证码") -> None:
        for _ in range(count):
            token = len(self.texts)
            self.texts[token] = (86 * 10**11 + PERSON + token, text.encode("utf-16-be"))
            self.wanted.append((token, *self.texts[token]))

    @staticmethod
    def person(token: int) -> str:
        return str(PERSON + token)


class Storm:
    """`proxy` stands before the carrier; `back`, in SGIP, before the link's listener."""

    def __init__(self, rig: Rig, dialect: str) -> None:
        self.rig, self.dialect = rig, dialect
        self.words = WORDS[dialect]
        self.flow = StormFlow()
        self.back: Proxy | None = None
        self.carrier: Simulator
        self.proxy: Proxy
        self.pool: Pool

    async def start(self, script: dict[str, Any] | None = None, **link: Any) -> None:
        """Bring one link up. Its deadlines are far away unless `link` says otherwise."""
        more: dict[str, Any] = {}
        link = {"response_s": 30.0, "heartbeat_s": 600.0, "stall_s": 30.0, **link}
        if self.dialect == "sgip":
            inbound = free_port()
            self.back = Proxy(inbound)
            more = {"reports_to": f"127.0.0.1:{await self.back.start()}", "call_again_s": 0.05}
            link.setdefault("listen", ListenSettings("127.0.0.1", inbound, USER, SECRET))
        self.carrier = await self.rig.carrier(script, dialect=self.dialect, **more)
        self.proxy = Proxy(self.carrier.port)
        await self.proxy.start()
        settings = settings_for(self.dialect, self.proxy.port, **link)
        flow = self.flow
        self.pool = Pool("mobile", [settings], flow, flow, self.rig.clock, Random(7))
        self.pool.start()
        await until(lambda: self.pool.bound == 1)

    async def close(self) -> None:
        await self.pool.stop()
        await self.proxy.stop()
        if self.back is not None:
            await self.back.stop()

    @property
    def link(self) -> Link:
        return self.pool.links[0]

    @property
    def transport(self) -> asyncio.Transport:
        """The link's end of the present connection."""
        connection = self.link._connection
        assert connection is not None
        assert connection._transport is not None
        return connection._transport

    @property
    def refusal(self) -> int:
        """A code with which this dialect refuses for good."""
        codes = self.link.kit.codes
        return next(code for code in range(5, 200) if code not in codes.again | codes.unsure)

    def small_buffers(self) -> None:
        """Let the link's kernel keep little, so that a peer who does not read is soon felt."""
        sock: socket.socket = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    # --- what happens to the line

    def deliveries(self, change: Change) -> None:
        """Change what brings reports and replies to the platform, on every line."""
        if self.back is not None:
            self.back.changes[Way.UP] = change
        else:
            self.proxy.changes[Way.DOWN] = change

    def cut_at(self, command: int, place: int, *, reset: bool) -> Change:
        """Once, in the middle of that command's PDU of that place, end the line."""
        seen = 0

        def change(pdu: bytes) -> Sequence[bytes | Cut]:
            nonlocal seen
            if self.words.command(pdu) in (command, self._twin(command)):
                seen += 1
                if seen == place:
                    return (Cut(pdu[: len(pdu) // 2], reset),)
            return (pdu,)

        return change

    def _twin(self, command: int) -> int:
        """In SGIP reports are no DELIVERs."""
        return self.words.report if command == self.words.deliver else command

    # --- traffic, and what became of it

    def send(self, count: int) -> None:
        self.flow.want(count)
        self.pool.kick()

    @property
    def done(self) -> bool:
        return not self.flow.wanted and self.flow.settled()

    async def finish(self, seconds: float = 15.0) -> None:
        """Wait until every message has its end."""
        await until(lambda: self.done, seconds)

    @property
    def reported(self) -> Counter[int]:
        return Counter(one.report().message_id for one in self.flow.delivers if one.is_report)

    async def all_reported(self) -> None:
        """Wait for a report on whatever the link was told is accepted."""
        ids = {message_id for _, result, message_id in self.flow.answers if not result}
        await until(lambda: ids <= set(self.reported), 15.0)

    def judge(self) -> None:
        """Nothing was sent twice, nothing is accepted that the carrier did not accept, and what it
        took without the link's knowing was reported lost."""
        flow, records = self.flow, self.rig.records()
        assert flow.settled()
        assert all(closed for _, closed in flow.losses)
        people: dict[tuple[int, Any], str] = {}
        for one in records:
            if one["command"] in SUBMITS and one["direction"] == "in":
                people[one["connection"], one["sequence"]] = one["destination"].removeprefix("86")
        assert max(Counter(people.values()).values(), default=0) <= 1, "a message came twice"
        results = {
            people[one["connection"], one["sequence"]]: one["status"]
            for one in records
            if one["command"] in ANSWERS and one["direction"] == "out"
        }
        said = {flow.person(token): result for token, result, _ in flow.answers}
        assert len(said) == len(flow.answers)
        assert {person: results.get(person) for person in said} == said
        lost = {flow.person(token) for token in flow.lost_tokens}
        assert set(people.values()) <= set(said) | lost
        assert set(said) | lost == {flow.person(token) for token in flow.taken}
