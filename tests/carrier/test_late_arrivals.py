"""A connection that the system accepted while a server was being stopped does not live on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import pytest

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.carrier.http_server import Guard, PostServer
from assent.carrier.link import Link
from assent.carrier.listener import Listener, ListenSettings
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import SystemClock
from tests.carrier.conftest import SECRET, USER, Flow, until
from tests.carrier.customers_rig import Memory, customer
from tests.carrier.gateway import settings_for


@dataclass
class Way:
    """Something that listens, and how it is stopped."""

    port: int
    stop: Callable[[], Awaitable[None]]


async def listener() -> Way:
    listen = ListenSettings("127.0.0.1", 0, USER, SECRET)
    flow = Flow()
    link = Link(settings_for("sgip", 1, listen=listen), flow, flow, SystemClock(), Random(7))
    made = Listener(link, listen)
    made.start()
    await until(lambda: bool(made.port))

    async def stop() -> None:
        made.stop()

    return Way(made.port, stop)


async def posts() -> Way:
    async def answer(post: object) -> None:
        raise AssertionError(f"{post} arrived")

    made = PostServer(answer, Guard())
    return Way(await made.start("127.0.0.1", 0), made.stop)


async def customers() -> Way:
    settings = CustomerSettings(doors={"smpp": Door(gateway=7)})
    made = CustomerServer(settings, Memory(customer()), SystemClock(), Random(7))
    await made.start()
    return Way(made.ports["smpp"], made.stop)


async def simulator() -> Way:
    settings = CarrierSettings("mobile", {USER: SECRET})
    made = Simulator(settings, script_from({}), SystemClock(), 1)
    return Way(await made.start(), made.stop)


@pytest.mark.parametrize("make", [listener, posts, customers, simulator])
@pytest.mark.parametrize("steps", range(6))
async def test_who_comes_while_it_is_stopped_is_not_kept(
    make: Callable[[], Awaitable[Way]], steps: int
) -> None:
    door = await make()
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", door.port)) as peer:
        peer.setblocking(False)
        for _ in range(steps):  # the loop is asked to accept, accepts, and tells the protocol
            await asyncio.sleep(0)
        await door.stop()
        with contextlib.suppress(ConnectionError):  # a reset says the same
            assert await asyncio.wait_for(loop.sock_recv(peer, 100), 5.0) == b""


async def refused(port: int) -> bool:
    """Wait until nobody listens any more; False when somebody still does after five seconds."""
    for _ in range(500):
        await asyncio.sleep(0.01)
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return True
    return False


async def test_a_listener_stopped_while_it_begins_leaves_nothing_open() -> None:
    for steps in range(6):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        listen = ListenSettings("127.0.0.1", port, USER, SECRET)
        flow = Flow()
        link = Link(settings_for("sgip", 1, listen=listen), flow, flow, SystemClock(), Random(7))
        made = Listener(link, listen)
        made.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        made.stop()
        assert await refused(port)
