"""Jasmin (PyPI `jasmin`, in a venv of its own) as a benchmark's peer, with RabbitMQ and Redis.

The variable ASSENT_BENCH_JASMIN names the venv. Nothing of it is assent's dependency.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench import programs
from bench.peers import Peer

VARIABLE: Final = "ASSENT_BENCH_JASMIN"
_READY_S: Final = 90.0
_BROKER: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_SPEC: Final = "lib/python3*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml"
_CONSOLE_S: Final = 20.0
_TRIES: Final = 10
_PROMPTS: Final = (b"jcli :", b">", b"Username:", b"Password:")
_ODD: Final = re.compile(rb"\xff[\xfb-\xfe].|\x1b\[?[0-9;?]*[A-Za-z]", re.DOTALL)
"""What telnet and terminals say to each other."""
_LISTENING: Final = ("http-api", "jcli", "smpp-server", "smpp-server-pb", "client-management")
_LISTENING_TOO: Final = ("router",)
_SETUP: Final = (
    "group -a", "gid g", "ok",
    "user -a", "username bench", "password bench", "gid g", "uid bench", "ok",
    "smppccm -a", "cid sink", "host 127.0.0.1", "port {sink}", "username bench", "password secret",
    "bind transceiver", "submit_throughput 0", "ok", "smppccm -1 sink",
    "mtrouter -a", "type DefaultRoute", "connector smppc(sink)", "rate 0.0", "ok",
)  # fmt: skip


def missing() -> str:
    """Return what is not there; "" when nothing is."""
    venv = os.environ.get(VARIABLE)
    if not venv:
        return f"{VARIABLE} does not name its venv"
    if not (Path(venv) / "bin" / "jasmind.py").exists() or not list(Path(venv).glob(_SPEC)):
        return f"{venv} holds no Jasmin"
    if not Path(_BROKER).exists() or shutil.which("redis-server") is None:
        return "rabbitmq-server or redis-server is not installed"
    return ""


@asynccontextmanager
async def running(directory: Path, sink: int, text: str) -> AsyncIterator[Peer]:
    """Start it, its broker and its Redis, with one link to a sink."""
    place = directory / "jasmin"
    place.mkdir()
    ports = dict(zip(("amqp", "dist", "epmd", "redis"), programs.free_ports(4), strict=True))
    own = dict(zip((*_LISTENING, *_LISTENING_TOO), programs.free_ports(6), strict=True))
    started = []
    try:
        broker = await _broker(place, ports)
        started.append(broker)
        redis = await _redis(place, ports["redis"])
        started.append(redis)
        await programs.listening(ports["amqp"], broker, _READY_S)
        await programs.listening(ports["redis"], redis, _READY_S)
        jasmin = await _jasmin(place, ports, own)
        started.append(jasmin)
        for port in (own["jcli"], own["http-api"]):
            await programs.listening(port, jasmin, _READY_S)
        await _set_up(own["jcli"], sink)
        trees = {"jasmin": jasmin.pid, "rabbitmq": broker.pid, "redis": redis.pid}
        content = text.encode("utf-16-be").hex()
        query = (
            f"username=bench&password=bench&from=106900003&to=$TO&coding=8&hex-content={content}"
        )
        request = f"GET /send?{query} HTTP/1.1\r\nHost: bench\r\n\r\n"
        yield Peer("Jasmin", own["http-api"], request, 200, "Success", trees)
    finally:
        for process in reversed(started):
            await programs.stop(process)
        await _end_names(place, ports["epmd"])


async def _broker(place: Path, ports: dict[str, int]) -> asyncio.subprocess.Process:
    (place / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{ports['amqp']}\n")
    environment = {
        "HOME": str(place),
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq"),
        "RABBITMQ_MNESIA_BASE": str(place / "mnesia"),
        "RABBITMQ_LOG_BASE": str(place / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
        "RABBITMQ_NODENAME": "bench@localhost",
        "RABBITMQ_DIST_PORT": str(ports["dist"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    return await programs.start(_BROKER, log=place / "broker.out", environment=environment)


async def _redis(place: Path, port: int) -> asyncio.subprocess.Process:
    options = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(place))
    return await programs.start("redis-server", *options, log=place / "redis.out")


async def _jasmin(
    place: Path, ports: dict[str, int], own: dict[str, int]
) -> asyncio.subprocess.Process:
    venv = Path(os.environ[VARIABLE])
    for name in ("etc/jasmin/resource", "etc/jasmin/store", "var/log/jasmin"):
        (place / name).mkdir(parents=True)
    shutil.copyfile(_spec(venv), place / "etc/jasmin/resource/amqp0-9-1.xml")
    lines = [f"[{name}]\nbind = 127.0.0.1\nport = {port}" for name, port in own.items()]
    lines += ["[sm-listener]", "[dlr-thrower]", "[deliversm-thrower]", "[interceptor]"]
    lines += [f"[amqp-broker]\nport = {ports['amqp']}", f"[redis-client]\nport = {ports['redis']}"]
    (place / "etc/jasmin/jasmin.cfg").write_text("\n".join(lines) + "\n")
    return await programs.start(
        str(venv / "bin" / "python"),
        str(venv / "bin" / "jasmind.py"),
        *("-u", "jcliadmin", "-p", "jclipwd"),
        log=place / "jasmin.out",
        environment={"ROOT_PATH": str(place)},
    )


def _spec(venv: Path) -> Path:
    return min(venv.glob(_SPEC))


async def _set_up(port: int, sink: int) -> None:
    """File a user, the link and a route over its console."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _said(reader, (b"required.",))
    for line in ("jcliadmin", "jclipwd", *_SETUP):
        writer.write(line.format(sink=sink).encode() + b"\r\n")
        answer = await _said(reader, _PROMPTS)
        if line == "ok" and b"Success" not in answer:
            raise RuntimeError(f"Jasmin does not take its settings: {answer.decode()}")
    for _ in range(_TRIES):
        writer.write(b"smppccm -l\r\n")
        answer = await _said(reader, _PROMPTS)
        if b"BOUND_TRX" in answer:
            break
        await asyncio.sleep(1.0)
    else:
        raise RuntimeError(f"Jasmin is not bound to the sink: {answer.decode()}")
    writer.close()


async def _said(reader: asyncio.StreamReader, until: tuple[bytes, ...]) -> bytes:
    """Return what the console says, to one of these ends."""
    said = b""
    try:
        async with asyncio.timeout(_CONSOLE_S):
            while not _ODD.sub(b"", said).rstrip().endswith(until):
                part = await reader.read(4096)
                if not part:
                    raise RuntimeError("Jasmin's console hung up")
                said += part
    except TimeoutError:
        raise RuntimeError(f"Jasmin's console asks for nothing: {said!r}") from None
    return said


async def _end_names(place: Path, port: int) -> None:
    """End the broker's name server, which outlives it."""
    epmd = shutil.which("epmd")
    if epmd is not None:
        process = await programs.start(epmd, "-port", str(port), "-kill", log=place / "epmd.out")
        await process.wait()
