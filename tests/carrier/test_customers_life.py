"""Customers that stall, flood, talk nonsense or fall out of the register; and our own end."""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.clock import SystemClock
from assent.errors import InvalidInput
from tests.carrier.conftest import until
from tests.carrier.customers_rig import (
    LOGIN,
    Desk,
    Memory,
    customer,
    desk,
    every_dialect,
    receipt_on,
)
from tests.carrier.test_customers_push import receipts
from tests.carrier.test_dialects import certificates, server_side

__all__ = ["certificates", "desk"]


@every_dialect
async def test_a_peer_that_never_reads_is_not_read_either(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(window=10))
    server = await desk.server(memory, dialect)
    raw = await desk.raw(dialect, server)
    [line] = server.lines

    async def flood() -> None:
        while True:
            await raw.send(raw.submits(1000))

    flooding = desk.loop.create_task(flood())
    await until(lambda: "writing" in line._holds, 20)
    await until(lambda: memory.waiting == 0)
    figures = server.health()["logins"][0]
    await asyncio.sleep(0.2)
    assert server.health()["logins"][0] == figures
    assert "writing" in line._holds
    assert line._transport is not None
    assert line._transport.get_write_buffer_size() < 1 << 20
    memory.post(*[receipt_on(memory.stored[0])] * 1000)
    server.mail(7)
    await asyncio.sleep(0.1)
    assert line.in_flight == 0
    other = await desk.bound(server, dialect)
    desk.send(other, 1)
    await until(lambda: 0 in desk.customer.results)
    flooding.cancel()
    await asyncio.wait([flooding])
    raw.close()
    await until(lambda: line.closed)


@every_dialect
async def test_nothing_is_read_while_too_much_waits_to_be_stored(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(window=64))
    memory.storing = None
    server = await desk.server(memory, dialect, most_waiting=10)
    link = await desk.bound(server, dialect, window=12)
    desk.send(link, 24)
    await until(lambda: memory.waiting >= 12)
    [line] = [one for one in server.lines if one in server.logins[7].binds]
    assert line._holds == {"waiting"}
    desk.send(await desk.bound(server, dialect, window=6), 6)
    await until(lambda: memory.waiting == 18)
    while memory.held:
        memory.settle(True)
    memory.storing = True
    await until(lambda: len(desk.customer.answers) == 30)
    await until(lambda: not line._holds)
    assert set(desk.customer.results) == {0}


@every_dialect
@pytest.mark.parametrize("bind", [False, True])
async def test_nonsense_ends_only_the_connection_it_came_on(
    desk: Desk, dialect: str, bind: bool
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    rng = Random(11)
    for size in (1, 11, 12, 16, 20, 64, 500, 5000):
        raw = await desk.raw(dialect, server, bind=bind)
        await raw.send(rng.randbytes(size))
        length = (size + 40).to_bytes(4, "big")
        await raw.send(length + b"\0\0\0\4" + rng.randbytes(size + 32))
        raw.close()
    await until(lambda: len(server.logins[7].binds) == 1)
    desk.send(link, 5)
    await until(lambda: desk.customer.results == [0] * 5)


@every_dialect
async def test_a_bind_and_nonsense_in_one_read(desk: Desk, dialect: str) -> None:
    server = await desk.server(Memory(customer()), dialect)
    complaints: list[Any] = []
    desk.loop.set_exception_handler(lambda _, context: complaints.append(context))
    raw = await desk.raw(dialect, server, bind=False)
    await raw.send(raw.bind_request + b"\xff" * 64)
    while await raw.read():
        pass
    await until(lambda: not server.lines)
    raw.close()
    assert complaints == []
    assert server._unbound == {}
    await desk.bound(server, dialect)


@every_dialect
async def test_who_does_not_log_in_is_cut_off(desk: Desk, dialect: str) -> None:
    server = await desk.server(Memory(customer()), dialect, bind_timeout_s=0.1)
    raw = await desk.raw(dialect, server, bind=False)
    async with asyncio.timeout(2):
        assert await raw.read() == b""
    assert not server.lines
    assert not server._unbound


async def test_connections_are_bounded_in_all_and_by_address(desk: Desk) -> None:
    server = await desk.server(Memory(customer()), "cmpp", unbound=2, connections=4)
    raws = [await desk.raw("cmpp", server, bind=False) for _ in range(2)]
    third = await desk.raw("cmpp", server, bind=False)
    assert await third.read() == b""
    raws.pop().close()
    await until(lambda: len(server.lines) == 1)
    for _ in range(3):
        await desk.bound(server, "cmpp")
    assert len(server.lines) == 4
    last = await desk.raw("cmpp", server, bind=False)
    assert await last.read() == b""
    assert server.health()["turned_away"] == 2


@every_dialect
@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"secret": "777777"},
        {"allowed": (ip_network("10.0.0.0/8"),)},
        {"dialects": frozenset({"none"})},
        {"binds": 0},
        {"id": 8},
        None,
    ],
)
async def test_who_falls_out_of_the_register_is_unbound(
    desk: Desk, dialect: str, change: dict[str, Any] | None
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect, reconnect_base_s=9.0, listen=None)
    server.changed()
    await asyncio.sleep(0.05)
    assert link.state.value == "bound"
    if change is None:
        del memory.links[LOGIN]
    else:
        memory.change(**change)
    server.changed()
    await until(lambda: not server.lines)
    await until(lambda: link.state.value != "bound")


@every_dialect
async def test_a_new_rate_holds_at_once(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(rate=1))
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    memory.change(rate=None)
    server.changed()
    desk.send(link, 10)
    await until(lambda: len(desk.customer.answers) == 10)
    assert desk.customer.results == [0] * 10


@every_dialect
async def test_stop_answers_what_is_being_stored(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.delay_s = 0.2
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 5)
    await until(lambda: memory.waiting == 5)
    await server.stop(5.0)
    assert desk.customer.results == [0] * 5
    assert desk.customer.losses == []
    assert link.state.value != "bound"
    assert server.ports == {}
    assert not server.lines


@every_dialect
async def test_stop_does_not_wait_for_ever(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 5)
    await until(lambda: memory.waiting == 5)
    async with asyncio.timeout(3):
        await server.stop(0.2)
    await until(lambda: len(desk.customer.losses) == 5)
    memory.settle(True)


@every_dialect
async def test_abort_answers_nothing_any_more(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect, reconnect_base_s=9.0)
    memory.post(*receipts(1))
    desk.send(link, 5)
    await until(lambda: memory.waiting == 5)
    server.abort("the epoch is lost")
    while memory.held:
        memory.settle(True)
    await until(lambda: len(desk.customer.losses) == 5)
    assert desk.customer.answers == []
    await until(lambda: not server.lines)


def receipt_on_nothing() -> Any:
    from tests.carrier.test_customers_push import receipts

    return receipts(1)[0]


async def test_smpp_over_tls(desk: Desk, certificates: Path) -> None:
    memory = Memory(customer(window=50))
    doors = {"smpp": Door(tls=server_side(certificates))}
    server = await desk.server(memory, doors=doors)
    trusted = ssl.create_default_context(cafile=certificates / "good.pem")
    link = await desk.bound(server, "smpp", tls=trusted, window=50)
    desk.send(link, 500)
    await until(lambda: desk.customer.results == [0] * 500)
    memory.post(*[receipt_on(one) for one in memory.stored])
    server.mail(7)
    await until(lambda: memory.done_ids == [1])
    await server.stop(2.0)
    await until(lambda: link.state.value != "bound")


@pytest.mark.parametrize("door", [{"none": Door()}, {"smgp": Door(gateway=1_000_000)}])
def test_settings_that_make_no_sense(door: dict[str, Door]) -> None:
    with pytest.raises(InvalidInput):
        CustomerServer(CustomerSettings(doors=door), Memory(), SystemClock(), Random(1))


async def test_a_port_that_is_taken_leaves_nothing_open(desk: Desk) -> None:
    first = await desk.server(Memory(), "cmpp")
    doors = {"smpp": Door(), "cmpp": Door(port=first.ports["cmpp"])}
    second = CustomerServer(CustomerSettings(doors=doors), Memory(), SystemClock(), Random(1))
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    assert second.ports == {}


async def test_a_server_that_never_started_can_be_stopped(desk: Desk) -> None:
    server = CustomerServer(
        CustomerSettings(doors={"cmpp": Door()}), Memory(), SystemClock(), Random(1)
    )
    await server.stop()
    server.abort("twice")


async def test_a_call_ends_when_the_customer_moves(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "sgip")
    link = await desk.bound(server, "sgip")
    memory.post(*receipts(1))
    server.mail(7)
    await until(lambda: memory.done_ids == [1])
    listener = link.listener
    assert listener is not None
    assert len(server.logins[7].outlet.lines) == 1
    memory.change(reports_to="127.0.0.1:9")
    server.changed()
    await until(lambda: not listener.served)
    assert link.state.value == "bound"
    memory.change(reports_to=f"127.0.0.1:{listener.port}")
    server.changed()
    memory.post(*receipts(1, 1))
    server.mail(7)
    await until(lambda: memory.done_ids == [1, 2])


@pytest.mark.parametrize("dialect", ["cmpp", "smgp", "smpp"])
async def test_a_bind_that_answers_no_heartbeat_gives_way(desk: Desk, dialect: str) -> None:
    server = await desk.server(Memory(customer(binds=1)), dialect, heartbeat_s=600.0)
    await desk.raw(dialect, server)
    [dead] = server.lines
    refused = desk.bind(server, dialect, reconnect_base_s=9.0)
    await until(lambda: refused.counters.binds_refused == 1)
    dead.heard_at -= 606.0
    await desk.bound(server, dialect)
    assert len(server.logins[7].binds) == 1
    await until(lambda: dead not in server.lines)
