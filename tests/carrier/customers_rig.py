"""Customers' software on real sockets: our own links bind to a `CustomerServer`, behind which
stands a reception in memory that keeps the promises of the real one, or breaks them when told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from ipaddress import ip_network
from itertools import count
from random import Random
from typing import Any, cast

import pytest

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.carrier.link import Link, LinkSettings
from assent.carrier.listener import ListenSettings
from assent.clock import SystemClock
from assent.errors import Unavailable
from assent.flow.customers import (
    CustomerLink,
    CustomerReceipt,
    CustomerReply,
    Handed,
    Inquired,
    Objection,
    Parcel,
)
from assent.flow.links import Deliver, LinkHandle
from assent.wire.connection import SessionSettings
from assent.wire.kit import DIALECTS, Quirks, kit_for
from assent.wire.sgip import id_of as sgip_id
from tests.carrier.conftest import until

SECRET, ACCESS, NODE = "888888", "106900001234", 3010012345
LOGIN = "900001"
LOCAL = (ip_network("127.0.0.0/8"),)
PERSON = 13_800_000_000


def customer(**more: Any) -> CustomerLink:
    """A login that may do everything."""
    whole: dict[str, Any] = {
        "id": 7, "account_id": 3, "login": LOGIN, "secret": SECRET, "binds": 4, "window": 16,
        "dialects": frozenset({"cmpp", "sgip", "smgp", "smpp"}), "allowed": LOCAL, "rate": None,
        "replies": True, "active": True,
    }  # fmt: skip
    return CustomerLink(**(whole | more))


class Memory:
    """A reception in memory. `storing`: whether storing succeeds, None to keep it waiting;
    `delay_s`: how long it takes; `objects`: what it says to a submit."""

    def __init__(self, *links: CustomerLink) -> None:
        self.links = {link.login: link for link in links}
        self.storing: bool | None = True
        self.delay_s = 0.0
        self.objects: Callable[[Handed], Objection | None] = lambda handed: None
        self.stored: list[Handed] = []
        self.groups: list[int] = []
        self.held: list[tuple[Sequence[Handed], Callable[[bool], None]]] = []
        self.parcels: dict[int, dict[int, Parcel]] = {}
        self.done_ids: list[int] = []
        self.given_back: list[int] = []
        self.standing: dict[int, Inquired] = {}
        self.loads: list[tuple[int, int, int]] = []
        self.failing_loads = 0
        self.extra_waiting = 0
        self._numbers = count(1)

    # --- Reception

    def link(self, login: str) -> CustomerLink | None:
        return self.links.get(login)

    def link_of(self, link_id: int) -> CustomerLink | None:
        return next((link for link in self.links.values() if link.id == link_id), None)

    def objection(self, handed: Handed) -> Objection | None:
        return self.objects(handed)

    def hand_in(self, handed: Sequence[Handed], stored: Callable[[bool], None]) -> None:
        self.groups.append(len(handed))
        self.held.append((handed, stored))
        if self.storing is not None:
            asyncio.get_running_loop().call_later(self.delay_s, self.settle, self.storing)

    def settle(self, outcome: bool) -> None:
        """Store the oldest group, or fail to."""
        handed, stored = self.held.pop(0)
        if outcome:
            self.stored += handed
        stored(outcome)

    @property
    def waiting(self) -> int:
        return sum(len(handed) for handed, _ in self.held) + self.extra_waiting

    async def load(self, link_id: int, after: int, most: int) -> list[Parcel]:
        self.loads.append((link_id, after, most))
        await asyncio.sleep(0)
        if self.failing_loads:
            self.failing_loads -= 1
            raise Unavailable("store_gone", "the store does not answer")
        kept = self.parcels.get(link_id, {})
        return [kept[number] for number in sorted(kept) if number > after][:most]

    async def inquire(self, link: CustomerLink, id_: int, at: float) -> Inquired | None:
        await asyncio.sleep(0)
        return self.standing.get(id_)

    async def give_back(self, link_id: int) -> None:
        await asyncio.sleep(0)
        self.given_back.append(link_id)

    async def done(self, parcels: Sequence[int]) -> None:
        await asyncio.sleep(0)
        self.done_ids += parcels
        for kept in self.parcels.values():
            for number in parcels:
                kept.pop(number, None)

    # --- what tests say

    def change(self, login: str = LOGIN, **more: Any) -> None:
        """Change a login in the register."""
        self.links[login] = replace(self.links[login], **more)

    def post(self, *items: CustomerReceipt | CustomerReply, link_id: int = 7) -> int:
        """Keep a parcel for a link."""
        number = next(self._numbers)
        self.parcels.setdefault(link_id, {})[number] = Parcel(number, items)
        return number


class Customer:
    """Source and sink of a customer's links; it remembers everything."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, bytes]] = []
        self.tokens = count()
        self.answers: list[tuple[int, int, int]] = []
        self.losses: list[int] = []
        self.delivers: list[Deliver] = []
        self.acknowledges: int | None = 0
        self.states: list[tuple[str, str, str]] = []

    def take(self, link: LinkHandle, credit: int) -> list[tuple[int, bytes]]:
        given, self.queue = self.queue[:credit], self.queue[credit:]
        return given

    def answered(self, link: LinkHandle, answers: list[tuple[int, int, int]]) -> None:
        self.answers += answers

    def lost(self, link: LinkHandle, tokens: list[int]) -> None:
        self.losses += tokens

    def arrived(self, link: LinkHandle, delivers: Sequence[Deliver]) -> None:
        self.delivers += delivers
        if self.acknowledges is not None:
            link.acknowledge(delivers, self.acknowledges)

    def changed(self, link: LinkHandle, state: str, detail: str) -> None:
        self.states.append((link.name, state, detail))

    @property
    def results(self) -> list[int]:
        return [result for _, result, _ in self.answers]


class Desk:
    """Makes servers and customers, and ends them."""

    def __init__(self) -> None:
        self.servers: list[CustomerServer] = []
        self.links: list[Link] = []
        self.raws: list[Raw] = []
        self.customer = Customer()
        self.clock = SystemClock()
        self.loop = asyncio.get_running_loop()

    async def server(
        self, memory: Memory, *dialects: str, doors: dict[str, Door] | None = None, **more: Any
    ) -> CustomerServer:
        usual = {dialect: Door(gateway=7 if dialect == "smpp" else 101001) for dialect in dialects}
        whole: dict[str, Any] = {"retry_s": 0.05, "end_s": 0.5, "response_s": 30.0}
        settings = CustomerSettings(doors=doors or usual, **(whole | more))
        made = CustomerServer(settings, memory, self.clock, Random(7))
        await made.start()
        self.servers.append(made)
        return made

    def bind(self, server: CustomerServer, dialect: str, port: int = 0, **more: Any) -> Link:
        """Start a link to the server."""
        quirks = more.pop("quirks", None) or Quirks(**more.pop("quirk", {}))
        if dialect == "sgip":
            quirks = replace(quirks, node=NODE)
        whole: dict[str, Any] = {
            "name": f"customer-{len(self.links)}", "carrier": "assent", "host": "127.0.0.1",
            "port": port or server.ports[dialect], "user": LOGIN, "secret": SECRET,
            "dialect": dialect, "quirks": quirks, "reconnect_base_s": 0.02,
            "reconnect_cap_s": 0.1, "throttle_base_s": 0.01, "throttle_cap_s": 0.02,
        }  # fmt: skip
        settings = LinkSettings(**(whole | more))
        link = Link(settings, self.customer, self.customer, self.clock, Random(3))
        self.links.append(link)
        link.start()
        return link

    async def bound(self, server: CustomerServer, dialect: str, **more: Any) -> Link:
        """A link that is bound. One of SGIP listens, too, and the register says where."""
        if dialect == "sgip" and not any(link.listener for link in self.links):
            more.setdefault("listen", ListenSettings("127.0.0.1", 0, LOGIN, SECRET))
        link = self.bind(server, dialect, **more)
        await until(lambda: link.state.value == "bound")
        listener = link.listener
        if listener is not None:
            await until(lambda: listener.port)
            memory = cast("Memory", server.reception)
            memory.change(reports_to=f"127.0.0.1:{listener.port}")
            server.changed()
        return link

    def send(self, link: Link, texts: int = 1, content: bytes = "验证码".encode("utf-16-be"),
             fmt: int = 8, udhi: int = 0, **more: Any) -> list[int]:  # fmt: skip
        """Submit a text to the next so many persons; return the tokens."""
        form = link.kit.form("", ACCESS)
        tokens = []
        for person in range(PERSON, PERSON + texts):
            number = link.kit.number(86 * 10**11 + person)
            tokens.append(next(self.customer.tokens))
            body = form.body(number, content, fmt, udhi, **more)
            self.customer.queue.append((tokens[-1], body))
        link.kick()
        return tokens

    async def raw(self, dialect: str, server: CustomerServer, *, bind: bool = True) -> Raw:
        """A customer without manners that is connected."""
        self.raws.append(Raw(dialect))
        return await self.raws[-1].connect(server, bind=bind)

    async def close(self) -> None:
        for raw in self.raws:
            raw.close()
        for link in self.links:
            await link.stop()
        for server in self.servers:
            server.abort("the test is over")
        await asyncio.sleep(0.01)


every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture(name="desk")
async def desk() -> AsyncIterator[Desk]:
    """Ended with the test, whatever it left standing."""
    made = Desk()
    yield made
    await made.close()


def key_of(handed: Handed, place: int = 0) -> int:
    """The id of a message as the customer's link gives it."""
    whole = handed.node << 64 | handed.ids[place]
    return sgip_id(whole) if handed.dialect == "sgip" else whole


def receipt_on(
    handed: Handed, place: int = 0, stat: str = "DELIVRD", error: int = 0
) -> CustomerReceipt:
    """What became of one receiver's message."""
    submitted = 1_790_000_000.0
    return CustomerReceipt(
        handed.ids[place], handed.numbers[place], handed.source, stat, error, submitted,
        submitted + 60, handed.node,
    )  # fmt: skip


class Raw:
    """A customer without manners: bytes on a socket, after a proper bind or without one."""

    def __init__(self, dialect: str) -> None:
        self.kit = kit_for(dialect, quirks=Quirks(node=NODE if dialect == "sgip" else None))
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.setblocking(False)
        self.loop = asyncio.get_running_loop()

    @property
    def bind_request(self) -> bytes:
        first = self.kit.first_sequence(1_790_000_000.0, 480, 0, 0)
        settings = SessionSettings(
            user=LOGIN,
            secret=SECRET,
            version=self.kit.version,
            first_sequence=first,
            window=1 << 20,
        )
        self.session = self.kit.session(settings, 0.0)
        return self.session.start(0.0, self.kit.timestamp(1_790_000_000.0, 480))

    async def connect(self, server: CustomerServer, *, bind: bool = True) -> Raw:
        await self.loop.sock_connect(self.sock, ("127.0.0.1", server.ports[self.kit.name]))
        if bind:
            await self.send(self.bind_request)
            self.session.receive(await self.read(), 0.0)
            assert self.session.bound
        return self

    def submits(self, count: int) -> bytes:
        """So many submits, written as one."""
        number = self.kit.number(86 * 10**11 + PERSON)
        body = self.kit.form("", ACCESS).body(number, b"\0a", 8)
        return self.session.submit([body] * count, range(count), 0.0)

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.sock, data)

    async def read(self, size: int = 65536) -> bytes:
        """What comes, b"" at the end."""
        try:
            return await self.loop.sock_recv(self.sock, size)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self.sock.close()
