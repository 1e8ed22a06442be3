"""A carrier of any dialect on real sockets, made of the wire's sessions alone: it answers as a test
says, and reports and writes where the dialect does. For SGIP that is on a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from assent.carrier.link import LinkSettings
from assent.flow.links import LinkHandle
from assent.wire import cmpp, sgip, smgp, smpp
from assent.wire.connection import SessionSettings
from assent.wire.events import Answers, BindAsked, Bound, Ended, Refused, Send, Submits
from assent.wire.kit import Quirks
from assent.wire.pdus import Report, SubmitPdu
from assent.wire.session import Role, Session
from assent.wire.smpp_receipts import ReceiptForm
from tests.carrier.conftest import ACCESS, Flow

USER, SECRET = "900001", "888888"
NODE, SMG = 3010012345, 101001
PERSON = 13_800_000_000


@dataclass
class Ways:
    """How the carrier behaves. `result`: by place of the submit, None for no answer at all."""

    result: Callable[[int], int | None] = lambda place: 0
    reports: bool = True
    early: bool = False
    copies: int = 1
    latency_s: float = 0.0
    ids: smpp.IdForm = smpp.IdForm.DECIMAL
    receipts: ReceiptForm = ReceiptForm.BOTH
    load: Callable[[float], int] | None = None
    """SMPP: the congestion_state of each answer, by the loop's time."""


@dataclass
class Gateway:
    """Listens for links of one dialect."""

    dialect: str
    ways: Ways = field(default_factory=Ways)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.lines: list[Line] = []
        self.all_lines: list[Line] = []
        self.submits: list[SubmitPdu] = []
        self.deepest = 0
        self.caller: Line | None = None
        self.refused: list[int] = []
        self.acknowledged = 0
        self.port = 0
        self.numbers = count(1)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Line(self), "127.0.0.1", 0, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]

    async def call(self, port: int, secret: str = SECRET) -> Line:
        """SGIP: connect to the platform's listener and log in."""
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(self, secret), "127.0.0.1", port)
        self.caller = line
        return line

    async def stop(self) -> None:
        self.server.close()
        for line in list(self.all_lines):
            line.transport.abort()
        await asyncio.sleep(0)

    @property
    def way_back(self) -> Line:
        """The connection on which delivers go."""
        return self.caller or self.lines[-1]

    # --- bodies

    def message_id(self) -> int:
        number = next(self.numbers)
        if self.dialect == "smgp":
            return smgp.id_of(bytes.fromhex(f"01006111221030{number:06}"))
        return 0xAB00 + number

    def report(self, message_id: int, submit: SubmitPdu, stat: str = "DELIVRD") -> bytes:
        person = submit.destinations[0]
        report = Report(message_id, stat, "2611221030", "2611221031", person, 0)
        if self.dialect == "cmpp":
            return cmpp.report_body(cmpp.V30, report, deliver_id=5, service_number=ACCESS)
        if self.dialect == "sgip":
            return sgip.report_body(
                submit_sequence=submit.sequence,
                user_number=person,
                state=0 if stat == "DELIVRD" else 2,
                error_code=0 if stat == "DELIVRD" else 25,
            )
        if self.dialect == "smgp":
            return smgp.report_body(
                smgp.SmgpReport(message_id, stat, "2611221030", "2611221031"),
                deliver_id=self.message_id(),
                service_number=ACCESS,
                user_number=person,
            )
        return smpp.report_body(
            smpp.V34,
            report,
            service_number=ACCESS,
            ids=self.ways.ids,
            form=self.ways.receipts,
        )

    def mobile(self, content: bytes, udhi: int = 0, **more: Any) -> bytes:
        """A message from a person, in UCS-2."""
        said: dict[str, Any] = {
            "destination": ACCESS, "source": f"86{PERSON}", "content": content, "fmt": 8,
            "udhi": udhi,
        }  # fmt: skip
        if self.dialect == "sgip":
            return sgip.deliver_body(**said, **more)
        if self.dialect == "smpp":
            return smpp.deliver_body(smpp.V34, **said, **more)
        made = self.message_id()
        if self.dialect == "smgp":
            return smgp.deliver_body(message_id=made, **said, **more)
        return cmpp.deliver_body(cmpp.V30, message_id=made, **said, **more)


class Line(asyncio.Protocol):
    """One connection of the gateway."""

    def __init__(self, gateway: Gateway, calls_with: str | None = None) -> None:
        self.gateway = gateway
        self.calls_with = calls_with
        self.token = 0
        self.ended: Ended | None = None
        self.waiting = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.gateway.all_lines.append(self)
        self.loop = asyncio.get_running_loop()
        self.session = self._session(self.loop.time())
        if self.calls_with is not None:
            self.transport.write(self.session.start(self.loop.time(), 0))

    def _session(self, now: float) -> Session:
        common: dict[str, Any] = {"window": 500, "heartbeat_s": 600.0, "response_s": 30.0}
        if self.calls_with is not None:
            first = sgip.first_sequence(SMG, 1_772_323_200.0)
            caller = SessionSettings(
                user="smg", secret=self.calls_with, version=sgip.SMG_TO_SP, first_sequence=first,
                **common,
            )  # fmt: skip
            return sgip.SgipSession(sgip.SGIP, Role.CLIENT, caller, now)
        dialect = self.gateway.dialect
        if dialect == "sgip":
            served = SessionSettings(version=sgip.SP_TO_SMG, **common)
            return sgip.SgipSession(sgip.SGIP, Role.SERVER, served, now)
        if dialect == "smpp":
            served = SessionSettings(version=smpp.V34, **common)
            spoken = smpp.SmppDialect(self.gateway.ways.ids)
            return smpp.SmppSession(spoken, Role.SERVER, served, now)
        served = SessionSettings(version=0x30, **common)
        return Session(smgp.SMGP if dialect == "smgp" else cmpp.CMPP, Role.SERVER, served, now)

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        for event in self.session.receive(data, now):
            self._on(event, now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self in self.gateway.lines:
            self.gateway.lines.remove(self)

    def _on(self, event: Any, now: float) -> None:
        gateway = self.gateway
        if isinstance(event, Send):
            self.transport.write(event.data)
        elif isinstance(event, BindAsked):
            if event.user == USER:
                for one in self.session.accept(event, SECRET, now):
                    self._on(one, now)
        elif isinstance(event, Bound) and self.calls_with is None:
            gateway.lines.append(self)
        elif isinstance(event, Submits):
            self.waiting += len(event.submits)
            gateway.deepest = max(gateway.deepest, self.waiting)
            if gateway.ways.latency_s:
                self.loop.call_later(gateway.ways.latency_s, self._answer, event.submits)
            else:
                self._answer(event.submits)
        elif isinstance(event, Answers):
            gateway.acknowledged += sum(result == 0 for _, result, _ in event.answers)
        elif isinstance(event, Refused):
            gateway.refused.append(event.status)
        elif isinstance(event, Ended):
            self.ended = event
            self.transport.write(event.reply)
            self.transport.close()

    def _answer(self, submits: Sequence[SubmitPdu]) -> None:
        gateway, ways = self.gateway, self.gateway.ways
        for submit in submits:
            place = len(gateway.submits)
            gateway.submits.append(submit)
            result = ways.result(place)
            if result is None:
                continue
            self.waiting -= 1
            made = gateway.message_id()
            body = gateway.report(made, submit)
            reports = [body] * ways.copies if ways.reports and result == 0 else []
            if ways.early:
                gateway.way_back.deliver(reports)
            if not self.session.ended:
                answer = self.session.respond([submit], [made], [result])
                if ways.load is not None:
                    answer += bytes((4, 0x28, 0, 1, ways.load(self.loop.time())))
                    answer = len(answer).to_bytes(4, "big") + answer[4:]
                self.transport.write(answer)
            if not ways.early:
                gateway.way_back.deliver(reports)

    def deliver(self, bodies: Sequence[bytes]) -> None:
        """Send messages to the platform."""
        tokens = range(self.token, self.token + len(bodies))
        self.token += len(bodies)
        if bodies:
            self.transport.write(self.session.deliver(bodies, tokens, self.loop.time()))


class DialectFlow(Flow):
    """A source that writes with each link's kit, as dispatch does, and offers throttled messages
    again."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[tuple[int, int, bytes]] = []
        self.texts: dict[int, tuple[int, bytes]] = {}
        self.again: list[int] = []

    def want(self, count: int, text: str = "验证码") -> None:
        for number in range(PERSON, PERSON + count):
            token = len(self.texts)
            self.texts[token] = (86 * 10**11 + number, text.encode("utf-16-be"))
            self.wanted.append((token, *self.texts[token]))

    def take(self, link: LinkHandle, credit: int) -> list[tuple[int, bytes]]:
        self.asked.append(credit)
        given, self.wanted = self.wanted[:credit], self.wanted[credit:]
        self.taken += [token for token, _, _ in given]
        form = link.kit.form("", ACCESS)
        return [(token, form.body(link.kit.number(to), text, 8)) for token, to, text in given]

    def answered(self, link: LinkHandle, answers: list[tuple[int, int, int]]) -> None:
        super().answered(link, answers)
        for token, result, _ in answers:
            if result in link.kit.codes.again:
                self.again.append(token)
                self.texts[fresh := len(self.texts)] = self.texts[token]
                self.wanted.append((fresh, *self.texts[fresh]))


def settings_for(dialect: str, port: int, **more: Any) -> LinkSettings:
    """A link that comes back quickly."""
    quirks = Quirks(node=NODE) if dialect == "sgip" else Quirks()
    whole: dict[str, Any] = {
        "name": f"{dialect}-0", "carrier": "mobile", "host": "127.0.0.1", "port": port,
        "user": USER, "secret": SECRET, "dialect": dialect, "quirks": quirks,
        "reconnect_base_s": 0.02, "reconnect_cap_s": 0.1,
    }  # fmt: skip
    return LinkSettings(**(whole | more))
