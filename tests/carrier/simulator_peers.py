"""The platform's end of every dialect, small: client sessions of the wire on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from assent.carrier.simulator import Simulator
from assent.text import alphabet_of, segment
from assent.wire.events import (
    Answered,
    Answers,
    BindAsked,
    Bound,
    Delivers,
    Ended,
    QueryAnswered,
    Refused,
    Send,
    Unsure,
)
from assent.wire.pdus import DeliverPdu
from assent.wire.session import Role, Session, SessionSettings
from assent.wire.sgip import (
    SGIP,
    SMG_TO_SP,
    SP_TO_SMG,
    SgipForm,
    SgipSession,
    first_sequence,
    sp_node,
)
from assent.wire.smgp import SMGP, SmgpForm
from assent.wire.smpp import DEFAULTS, SMPP, SmppForm, SmppSession
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until

DIALECTS = ("sgip", "smgp", "smpp")
STAMP = 1122113000
PERSON = "8613800138000"
LONG = "我没有订阅你们的短信,请不要再给我发了。" * 6


class Peer(asyncio.Protocol):
    """A session on a socket that remembers what it hears."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.answers: list[tuple[int, int, int]] = []
        self.delivers: list[DeliverPdu] = []
        self.heard: list[str] = []
        self.answered: list[Answered | QueryAnswered] = []
        self.unsure: list[int] = []
        self.refused: int | None = None
        self.acknowledges = True
        self.closed = False
        self._token = 0

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.session.role is Role.CLIENT:
            self.transport.write(self.session.start(self.now, STAMP))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.session.lost()

    def data_received(self, data: bytes) -> None:
        self.act(self.session.receive(data, self.now))

    def act(self, events: Sequence[Any]) -> None:
        for event in events:
            if isinstance(event, Send):
                self.transport.write(event.data)
            elif isinstance(event, BindAsked):
                self.act(self.session.accept(event, SECRET, self.now))
            elif isinstance(event, Answers):
                self.answers += event.answers
                self.heard += ["answer"] * len(event.answers)
            elif isinstance(event, Delivers):
                self.delivers += event.delivers
                self.heard += ["report" if one.is_report else "mo" for one in event.delivers]
                if self.acknowledges:
                    self.transport.write(self.session.acknowledge(event.delivers))
            elif isinstance(event, Refused):
                self.refused = event.status
            elif isinstance(event, Answered | QueryAnswered):
                self.answered.append(event)
            elif isinstance(event, Unsure):
                self.unsure += event.tokens
            elif isinstance(event, Ended):
                self.transport.write(event.reply)
                self.transport.close()
            else:
                assert isinstance(event, Bound), event

    def submit(self, bodies: Sequence[bytes]) -> list[int]:
        """Submit, and return the tokens."""
        tokens = list(range(self._token, self._token + len(bodies)))
        self._token += len(bodies)
        self.transport.write(self.session.submit(bodies, tokens, self.now))
        return tokens

    @property
    def results(self) -> list[int]:
        return [result for _, result, _ in self.answers]

    def finish(self) -> None:
        self.transport.write(self.session.finish(self.now))


def client(dialect: str, number: int = 0, **settings: Any) -> Session:
    """A client session that may submit."""
    speaks = settings.pop("speaks", SMPP)
    given = {"user": USER, "secret": SECRET, **settings}
    now = asyncio.get_running_loop().time()
    if dialect == "smpp":
        made = replace(DEFAULTS, window=64, **given)
        return SmppSession(speaks, Role.CLIENT, made, now)
    if dialect == "smgp":
        return Session(SMGP, Role.CLIENT, SessionSettings(window=64, **given), now)
    first = first_sequence(sp_node("010", "12345"), 1_795_000_000, number << 24)
    made = SessionSettings(version=SP_TO_SMG, window=64, first_sequence=first, **given)
    return SgipSession(SGIP, Role.CLIENT, made, now)


async def connect(port: int, session: Session) -> Peer:
    """A peer that has connected; whether it is bound is the test's to wait for."""
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_connection(lambda: Peer(session), "127.0.0.1", port)
    return peer


class Platform:
    """A simulated carrier and the platform's connections to it (SGIP: and from it)."""

    def __init__(self, rig: Rig, dialect: str) -> None:
        self.rig, self.dialect = rig, dialect
        self.peers: list[Peer] = []
        self.incoming: list[Peer] = []
        self.acknowledges = True
        self.server: asyncio.Server | None = None
        self.carrier: Simulator

    async def start(
        self, script: dict[str, Any] | None = None, connections: int = 1, **more: Any
    ) -> Platform:
        """Start the carrier; bind some connections that submit."""
        if self.dialect == "sgip" and "reports_to" not in more:
            port = await self.listen()
            more |= {"reports_to": f"127.0.0.1:{port}", "call_again_s": 0.05}
        self.carrier = await self.rig.carrier(script, dialect=self.dialect, **more)
        for number in range(connections):
            peer = await self.bind(number)
            await until(lambda peer=peer: peer.session.bound)
        return self

    async def bind(self, number: int = 0, **settings: Any) -> Peer:
        peer = await connect(self.carrier.port, client(self.dialect, number, **settings))
        peer.acknowledges = self.acknowledges
        self.peers.append(peer)
        return peer

    async def listen(self) -> int:
        """SGIP: serve the carrier's connections."""

        def made() -> Peer:
            settings = SessionSettings(version=SMG_TO_SP)
            now = asyncio.get_running_loop().time()
            peer = Peer(SgipSession(SGIP, Role.SERVER, settings, now))
            peer.acknowledges = self.acknowledges
            self.incoming.append(peer)
            return peer

        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(made, "127.0.0.1", 0)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def bodies(
        self, text: str = "hello", count: int = 1, person: int = int(PERSON), **more: Any
    ) -> list[bytes]:
        """Submits of one text to `count` people; long ones in segments."""
        forms: dict[str, Any] = {"sgip": SgipForm, "smgp": SmgpForm, "smpp": SmppForm}
        form = forms[self.dialect](src_id=ACCESS, **more)
        alphabet = alphabet_of(text)
        parts = segment(text, alphabet, reference=7)
        people = [b"%d" % number for number in range(person, person + count)]
        found: list[bytes] = []
        for place, part in enumerate(parts, 1):
            udhi = int(len(parts) > 1)
            found += form.bodies(people, part, int(alphabet), udhi, len(parts), place)
        return found

    @property
    def sender(self) -> Peer:
        return self.peers[0]

    @property
    def delivers(self) -> list[DeliverPdu]:
        """Everything that arrived, on whatever connection."""
        return [one for peer in (*self.peers, *self.incoming) for one in peer.delivers]

    @property
    def reports(self) -> list[Any]:
        return [one.report() for one in self.delivers if one.is_report]

    @property
    def replies(self) -> list[DeliverPdu]:
        return [one for one in self.delivers if not one.is_report]

    def count(self, name: str) -> int:
        found: int = self.carrier.status()[name]
        return found

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
        await self.carrier.stop()
        peers = [*self.peers, *self.incoming]
        # One that was just accepted is told of its transport a turn later.
        await until(lambda: all(hasattr(peer, "transport") for peer in peers))
        for peer in peers:
            peer.transport.close()
        await until(lambda: all(peer.closed for peer in peers))
