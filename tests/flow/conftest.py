"""A whole platform in one process: simulated carriers on real sockets, a node on a real store."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from assent.app.node import Node
from assent.app.settings import Settings
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import SystemClock
from assent.flow.requests import Caller, ConsentImport, Receiver, SendRequest
from assent.flow.setup import Register, file_register
from assent.policy.rulebook import Rulebook
from assent.store import Store
from assent.wire.cmpp import decode
from bench.papers import complete

SECRET = "s3cret"
CARRIERS = {"mobile": "139", "unicom": "130", "telecom": "133"}
NETWORKS = {"mobile": ["mobile", "broadnet"], "unicom": ["unicom"], "telecom": ["telecom"]}
MARKETING_TEXT = "夏装上新，全场八折。客服电话400-820-1234。拒收请回复R"
PROMPT = {"answers": {"latency": 0.001}, "receipts": {"delay": 0.05}}


def noon_offset() -> float:
    """Return how far to shift the clock so that it is ten in the morning in China."""
    now = datetime.now(UTC)
    wanted = now.replace(hour=2, minute=0, second=0, microsecond=0)
    return (wanted - now).total_seconds()


def sender_file(code: str, name: str, place: int, group: str | None = None) -> dict[str, Any]:
    """Return a sender with a marketing, a code and a notice port on every carrier."""
    carriers = list(CARRIERS)
    ports = [
        {"number": f"10690{place:03d}1", "purpose": "marketing", "programme": "offers"},
        {"number": f"10690{place:03d}2", "purpose": "verification"},
        {"number": f"10690{place:03d}3", "purpose": "notification"},
    ]
    return {
        "credit_code": code,
        "legal_name": name,
        "contact": "400-820-1234",
        "group": group,
        "programmes": [
            {
                "name": "offers",
                "purposes": ["marketing"],
                "kinds": "offers",
                "frequency": "2 a week",
                "period": "1 year",
                "wording": "v1",
            }
        ],
        "templates": [
            {
                "name": "code",
                "purpose": "verification",
                "body": "您的验证码{code}，5分钟内有效。",
                "basis": "login",
            },
            {
                "name": "notice",
                "purpose": "notification",
                "body": "您的订单{order}已发货。",
                "basis": "order",
            },
        ],
        "ports": [{**port, "carriers": carriers, "signature": name} for port in ports],
    }


def register(senders: int = 2) -> dict[str, Any]:
    """Return a register with some senders, an account for each, and the operator."""
    files = [sender_file(f"CODE{i}", f"商户{i}", i) for i in range(1, senders + 1)]
    accounts: list[dict[str, Any]] = [
        {
            "name": f"account{i}",
            "senders": [f"CODE{i}"],
            "price_micro": 50_000,
            "deposits": {"first": 10**12},
        }
        for i in range(1, senders + 1)
    ]
    return {
        "senders": files,
        "accounts": [*accounts, {"name": "operator", "kind": "operator", "price_micro": 0}],
        "service_ports": [
            {
                "number": "1069999",
                "carriers": list(CARRIERS),
                "purpose": "system",
                "signature": "平台",
            }
        ],
    }


def lenient_rulebook(directory: Path) -> Path:
    """Return a rulebook that holds no import: the numbers of tests stand in runs, and all of them
    agreed in one second."""
    document = json.loads(Rulebook.load().canonical)
    document["consent"]["imports"]["value"]["effect"] = "note"
    path = directory / "rulebook.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


class Platform:
    """Three carriers and a node. Numbers are `number(carrier, i)`."""

    def __init__(self, url: str, directory: Path, clock: SystemClock) -> None:
        self.url = url
        self.directory = directory
        self.clock = clock
        self.simulators: dict[str, Simulator] = {}
        self.recorders: dict[str, Recorder] = {}
        self.node: Node
        self.ports: dict[str, int] = {}
        self.settings: Settings
        self.fetch_command: tuple[str, ...] = ()  # of a fetcher that sees a test's own sites

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        for place, carrier in enumerate(CARRIERS):
            recorder = Recorder(self.directory / f"carrier-{carrier}.jsonl", self.clock)
            simulator = Simulator(
                CarrierSettings(carrier, {"900001": SECRET}, "127.0.0.1", gateway=place + 1),
                script_from(script),
                self.clock,
                seed + place,
                recorder,
            )
            self.ports[carrier] = await simulator.start()
            self.simulators[carrier] = simulator
            self.recorders[carrier] = recorder
        secret = self.directory / "secret"
        secret.write_text(SECRET)
        self.settings = msgspec.convert(
            {
                "rulebook": str(lenient_rulebook(self.directory)),
                "pages": {"fetching": False},  # tests ask nobody on the internet
                "carriers": [
                    {
                        "name": carrier,
                        "networks": NETWORKS[carrier],
                        "links": [
                            {
                                "host": "127.0.0.1",
                                "port": self.ports[carrier],
                                "user": "900001",
                                "secret_file": str(secret),
                                "front": 0,
                                "bulk": links,
                                **link,
                            }
                        ],
                    }
                    for carrier in CARRIERS
                ],
            },
            Settings,
        )

    async def file(self, document: dict[str, Any]) -> None:
        store = await Store.open(self.url)
        try:
            await file_register(
                store,
                msgspec.convert(complete(document), Register),
                self.clock.now(),
                secrets.token_bytes,
            )
        finally:
            await store.close()

    async def start_node(self) -> Node:
        self.node = Node(self.settings, "all", self.url, self.clock)
        if self.fetch_command:
            self.node.fetch_command = self.fetch_command
        await self.node.start()
        await self.until(
            lambda: all(self.node.traffic.up[carrier] for carrier in CARRIERS), "links are up"
        )
        return self.node

    async def stop(self) -> None:
        for carrier, simulator in self.simulators.items():
            await simulator.stop()
            self.recorders[carrier].close()

    async def until(
        self, true: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 15.0
    ) -> None:
        """Wait until something is so; fail naming it."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            answer = true()
            if isinstance(answer, bool):
                if answer:
                    return
            elif await answer:
                return
            if asyncio.get_running_loop().time() > end:
                pytest.fail(f"not within {seconds} s: {what}")
            await asyncio.sleep(0.02)

    # What customers do ---------------------------------------------------------------------

    def caller(self, place: int = 1) -> Caller:
        account = next(
            a for a in self.node.catalogue.accounts.values() if a.name == f"account{place}"
        )
        return Caller(
            account.id, frozenset({"send", "campaigns", "consents", "refusals", "read"}), False, 1
        )

    async def consent(self, numbers: Iterable[str], place: int = 1) -> None:
        rows = [{"to": number, "at": datetime.now(UTC) - timedelta(days=30)} for number in numbers]
        request = msgspec.convert(
            {
                "sender": f"CODE{place}",
                "programme": "offers",
                "grade": "document",
                "wording": "v1",
                "source": "shop form",
                "consents": rows,
            },
            ConsentImport,
        )
        await self.node.consents.import_rows(self.caller(place), request, key=None, sha=b"")
        await self.node.live.sync(self.node.store)

    async def send(
        self,
        numbers: Iterable[str],
        purpose: str = "marketing",
        place: int = 1,
        key: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        variables = more.pop("variables", {})
        if purpose == "marketing":
            more.setdefault("text", MARKETING_TEXT)
        elif purpose == "verification":
            more.setdefault("template", "code")
            variables = {"code": "123456"}
        else:
            more.setdefault("template", "notice")
            variables = {"order": "A1"}
        request = SendRequest(
            sender=f"CODE{place}",
            purpose=purpose,  # type: ignore[arg-type]  # a plain word, wrong ones too
            messages=[Receiver(to=number, variables=variables) for number in numbers],
            **more,
        )
        sha = hashlib.sha256(repr(request).encode()).digest()
        answer = await self.node.sending.send(self.caller(place), request, key=key, sha=sha)
        return json.loads(answer)

    async def sql(self, query: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()

    async def value(self, query: str, *args: Any) -> Any:
        return (await self.sql(query, *args))[0][0]

    # What carriers saw ---------------------------------------------------------------------

    def records(self, carrier: str | None = None) -> list[dict[str, Any]]:
        """Return the PDUs that the carriers wrote down, in order of time."""
        found = []
        for name, recorder in self.recorders.items():
            if carrier in (None, name):
                recorder.flush()
                path = self.directory / f"carrier-{name}.jsonl"
                found += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return sorted(found, key=lambda record: record["t"])

    def submits(self, port: str | None = None) -> list[dict[str, Any]]:
        """Return what arrived at the carriers, from a port if one is named."""
        return [
            record
            for record in self.records()
            if record["command"].lower() == "submit"
            and record["direction"] == "in"
            and (port is None or record["source"] == port)
        ]


def number(carrier: str, place: int) -> str:
    """Return a mobile number of a carrier."""
    return f"{CARRIERS[carrier]}{place:08d}"


def numbers(count: int, start: int = 0) -> list[str]:
    """Return numbers spread over the carriers."""
    names = list(CARRIERS)
    return [number(names[i % 3], start + i) for i in range(count)]


@asynccontextmanager
async def running(
    url: str,
    directory: Path,
    script: dict[str, Any] | None = None,
    senders: int = 2,
    document: dict[str, Any] | None = None,
    lenient: bool = True,
    **links: Any,
) -> AsyncIterator[Platform]:
    """Start a platform and stop it in order. `lenient`: with a rulebook that holds no import."""
    platform = Platform(url, directory, SystemClock(noon_offset()))
    await platform.start(script or PROMPT, **links)
    if not lenient:
        platform.settings.rulebook = None
    try:
        await platform.file(document or register(senders))
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with prompt carriers and two senders."""
    async with running(migrated_url, tmp_path) as one:
        yield one


__all__ = ["Platform", "decode", "number", "numbers", "register", "running"]
