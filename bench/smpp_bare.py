"""SMPP 3.4 without anything around it: an SMSC that takes everything, and a windowed sender.

`python -m bench.smpp_bare sink` reads JSON lines and answers each with one: its port, what it has
taken, and when (CLOCK_MONOTONIC). It decodes every field and the text of each submit_sm, and
delivers a receipt (text and optional parameters) at once where one is asked for.
`python -m bench.smpp_bare sender` reads one JSON line, see `Sender`. It encodes every submit_sm
afresh, keeps its windows full, decodes and acknowledges receipts, and prints two lines: when all is
answered, and when all receipts are there.

No logging, timers, storage or futures a message, and none of assent's code: a ceiling for one
Python process. Fields as in the specification (facts: protocols.md 4).
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

import numpy as np
import uvloop

SUBMIT: Final = 0x00000004
DELIVER: Final = 0x00000005
UNBIND: Final = 0x00000006
ENQUIRE: Final = 0x00000015
BINDS: Final = frozenset({1, 2, 9})
TRANSCEIVER: Final = 9
RESPONSE: Final = 0x80000000

HEADER: Final = struct.Struct(">IIII")
BACK: Final = struct.Struct(">BBBBB")
TAG: Final = struct.Struct(">HH")
RECEIPTED_ID: Final = 0x001E
MESSAGE_STATE: Final = 0x0427
_UDHI: Final = 0x40
_INTERNATIONAL: Final = b"\1\1"

TEXT: Final = "您好，秋装上新全场八折，凭券号{}到店再减20元。客服400-820-1234。拒收请回复R"
NUMBERS: Final = 10**8
_SAMPLE: Final = 15  # every sixteenth answer's time is kept


class Fields(NamedTuple):
    """A submit_sm or deliver_sm, completely read. Kinds are (ton, npi)."""

    service: str
    source_kind: bytes
    source: bytes
    dest_kind: bytes
    destination: bytes
    esm_class: int
    protocol: int
    priority: int
    schedule: str
    validity: str
    registered: int
    replace: int
    coding: int
    default: int
    text: str
    options: dict[int, bytes]


def decode(buffer: bytes, at: int, end: int) -> Fields:
    """Return every field of a submit_sm or deliver_sm, its text too."""
    find = buffer.index
    stop = find(0, at)
    service, kind = buffer[at:stop], stop + 1
    stop = find(0, kind + 2)
    source_kind, source, at = buffer[kind : kind + 2], buffer[kind + 2 : stop], stop + 1
    stop = find(0, at + 2)
    dest_kind, destination, at = buffer[at : at + 2], buffer[at + 2 : stop], stop + 1
    esm_class, protocol, priority = buffer[at], buffer[at + 1], buffer[at + 2]
    stop = find(0, at + 3)
    schedule, at = buffer[at + 3 : stop], stop + 1
    stop = find(0, at)
    validity = buffer[at:stop]
    registered, replace, coding, default, size = BACK.unpack_from(buffer, stop + 1)
    at = stop + 6
    content, at = buffer[at : at + size], at + size
    if esm_class & _UDHI:
        content = content[1 + content[0] :]
    options = {}
    while at < end:
        tag, size = TAG.unpack_from(buffer, at)
        options[tag] = buffer[at + 4 : at + 4 + size]
        at += 4 + size
    return Fields(
        service.decode("ascii"), source_kind, source, dest_kind, destination, esm_class, protocol,
        priority, schedule.decode("ascii"), validity.decode("ascii"), registered, replace, coding,
        default, content.decode("utf-16-be" if coding == 8 else "latin-1"), options,
    )  # fmt: skip


class Peer(asyncio.Protocol):
    """Cuts what arrives into PDUs; one write a read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        buffer = self.rest + data if self.rest else data
        at, size, out = 0, len(buffer), list[bytes]()
        while size - at >= 16:
            length, command, status, sequence = HEADER.unpack_from(buffer, at)
            if size - at < length:
                break
            self.take(command, status, sequence, buffer, at + 16, at + length, out)
            at += length
        self.rest = buffer[at:]
        self.taken(out)
        if out:
            self.transport.write(b"".join(out))

    def take(
        self, command: int, status: int, sequence: int, buffer: bytes, at: int, end: int,
        out: list[bytes],
    ) -> None:  # fmt: skip
        """Act on one PDU, whose body is `buffer[at:end]`; append what is to be written."""
        raise NotImplementedError

    def taken(self, out: list[bytes]) -> None:
        """Everything of a read was taken."""


class Sink(Peer):
    """Accepts everything. What it counts is of all connections."""

    submits = acknowledged = last_ns = 0
    sequence = seen = 0

    def take(
        self, command: int, status: int, sequence: int, buffer: bytes, at: int, end: int,
        out: list[bytes],
    ) -> None:  # fmt: skip
        if command == SUBMIT:
            Sink.submits += 1
            fields = decode(buffer, at, end)
            name = b"%d" % Sink.submits
            out.append(HEADER.pack(17 + len(name), SUBMIT | RESPONSE, 0, sequence) + name + b"\0")
            if fields.registered & 1:
                out.append(self.receipt(name, fields))
        elif command == DELIVER | RESPONSE:
            Sink.acknowledged += 1
        elif command in BINDS:
            out.append(HEADER.pack(21, command | RESPONSE, 0, sequence) + b"sink\0")
        elif command in (ENQUIRE, UNBIND):
            out.append(HEADER.pack(16, command | RESPONSE, 0, sequence))

    def taken(self, out: list[bytes]) -> None:
        if Sink.submits != self.seen:
            self.seen, Sink.last_ns = Sink.submits, time.monotonic_ns()

    def receipt(self, name: bytes, fields: Fields) -> bytes:
        """Return the deliver_sm that says that a message is delivered."""
        self.sequence += 1
        now = time.strftime("%y%m%d%H%M").encode()
        shown = fields.text[:20].encode("latin-1", "replace")
        text = b"id:%b sub:001 dlvrd:001 submit date:%b done date:%b" % (name, now, now)
        text += b" stat:DELIVRD err:000 text:" + shown
        body = b"".join((
            b"\0", fields.dest_kind, fields.destination, b"\0", fields.source_kind, fields.source,
            b"\0\4\0\0\0\0", BACK.pack(0, 0, 0, 0, len(text)), text,
            TAG.pack(RECEIPTED_ID, len(name) + 1), name, b"\0", TAG.pack(MESSAGE_STATE, 1), b"\2",
        ))  # fmt: skip
        return HEADER.pack(16 + len(body), DELIVER, 0, self.sequence) + body


class Sender:
    """What the connections of a sender share. `given`: port; window of each connection; seconds;
    own: whether each message has a text of its own; reports: whether receipts are asked for;
    connections; user; secret; source: the access number; text: with {} for a number, if `own`;
    people: a file of numpy with receivers, of which those from `first` to `last` are written to,
    each once, else endlessly made-up ones; patience: for receipts, seconds."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.text = given.get("text", TEXT)
        self.source = given.get("source", "106900011").encode()
        self.people: Sequence[int] | None = None
        if "people" in given:
            with np.load(given["people"]) as file:
                self.people = file["agreed"][0, given["first"] : given["last"]].tolist()
        self.sent = self.done = self.receipts = self.open = 0
        self.refused: Counter[int] = Counter()
        self.states: Counter[int] = Counter()
        self.waited: set[bytes] = set()
        self.times: list[float] = []
        self.lines: list[SenderLine] = []
        self.begin = self.end = self.cpu = 0.0
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()

    def bound(self) -> None:
        """Begin when every connection is bound."""
        if len(self.lines) == self.given["connections"] and all(one.bound for one in self.lines):
            self.begin, self.cpu = time.perf_counter(), time.process_time()
            self.end = self.begin + self.given["seconds"]
            for line in self.lines:
                out: list[bytes] = []
                line.taken(out)
                line.transport.write(b"".join(out))

    def body(self) -> bytes | None:
        """Return the next submit_sm without its header; None when everybody was written to."""
        number, people = self.sent, self.people
        if people is not None and number >= len(people):
            return None
        self.sent = number + 1
        to = b"86139%08d" % (number % NUMBERS) if people is None else b"%d" % people[number]
        text = self.text.format(f"{number % NUMBERS:08d}" if self.given["own"] else "00000000")
        content = text.encode("utf-16-be")
        return b"".join((
            b"\0", _INTERNATIONAL, self.source, b"\0", _INTERNATIONAL, to, b"\0\0\0\0\0\0",
            BACK.pack(self.given["reports"], 0, 8, 0, len(content)), content,
        ))  # fmt: skip

    def look(self) -> None:
        """Notice the ends."""
        if not self.open and not self.answered.done():
            self.answered.set_result(None)
        if not self.open and not self.waited and not self.finished.done():
            self.finished.set_result(None)

    async def run(self) -> None:
        """Bind, send, and print what came of it."""
        loop, given = asyncio.get_running_loop(), self.given
        for _ in range(given["connections"]):
            make = partial(SenderLine, self)
            await loop.create_connection(make, "127.0.0.1", given["port"])
        async with asyncio.timeout(given["seconds"] + 30):
            await self.answered
        print(json.dumps(self.figures()), flush=True)
        async with asyncio.timeout(given.get("patience", 30)):
            await self.finished
        print(json.dumps(self.figures()), flush=True)

    def figures(self) -> dict[str, Any]:
        """Return what was reached until now."""
        times = sorted(self.times) or [0.0]
        return {
            "messages": self.done,
            "refused": dict(self.refused),
            "receipts": self.receipts,
            "states": dict(self.states),
            "seconds": time.perf_counter() - self.begin,
            "cpu_s": time.process_time() - self.cpu,
            "ms_p50": 1e3 * times[len(times) // 2],
            "ms_p99": 1e3 * times[int(len(times) * 0.99)],
        }


class SenderLine(Peer):
    """One connection of a sender."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.window = sender.given["window"]
        self.open: dict[int, float] = {}
        self.sequence = 1
        self.bound = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        given = self.sender.given
        self.sender.lines.append(self)
        words = (given.get("user", "bench"), given.get("secret", "none"), "")
        body = b"".join(word.encode() + b"\0" for word in words) + b"\x34\0\0\0"
        self.transport.write(HEADER.pack(16 + len(body), TRANSCEIVER, 0, 1) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, unless all is over."""
        if not self.sender.finished.done():
            raise SystemExit("the connection was lost")

    def take(
        self, command: int, status: int, sequence: int, buffer: bytes, at: int, end: int,
        out: list[bytes],
    ) -> None:  # fmt: skip
        sender = self.sender
        if command == SUBMIT | RESPONSE:
            begun = self.open.pop(sequence)
            sender.open -= 1
            sender.done += 1
            if not sender.done & _SAMPLE:
                sender.times.append(time.perf_counter() - begun)
            if status:
                sender.refused[status] += 1
            elif sender.given["reports"]:
                sender.waited.add(buffer[at : end - 1])
        elif command == DELIVER:
            options = decode(buffer, at, end).options
            sender.receipts += 1
            sender.states[options[MESSAGE_STATE][0]] += 1
            sender.waited.discard(options[RECEIPTED_ID][:-1])
            out.append(HEADER.pack(17, DELIVER | RESPONSE, 0, sequence) + b"\0")
        elif command == TRANSCEIVER | RESPONSE:
            if status:
                raise SystemExit(f"the bind is refused: {status}")
            self.bound = True
            sender.bound()
        elif command == ENQUIRE:
            out.append(HEADER.pack(16, ENQUIRE | RESPONSE, 0, sequence))

    def taken(self, out: list[bytes]) -> None:
        """Write as many as the window lacks."""
        sender, now = self.sender, time.perf_counter()
        if not sender.begin:
            return
        if now < sender.end:
            for _ in range(self.window - len(self.open)):
                body = sender.body()
                if body is None:
                    break
                self.sequence += 1
                self.open[self.sequence] = now
                sender.open += 1
                out.append(HEADER.pack(16 + len(body), SUBMIT, 0, self.sequence))
                out.append(body)
        if not sender.open:
            sender.look()


async def _sink() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        told = {
            "port": server.sockets[0].getsockname()[1],
            "submits": Sink.submits,
            "acknowledged": Sink.acknowledged,
            "last_ns": Sink.last_ns,
            "cpu_s": time.process_time(),
        }
        print(json.dumps(told), flush=True)


async def _send(given: dict[str, Any]) -> None:
    await Sender(given).run()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        uvloop.run(_sink())
    else:
        uvloop.run(_send(json.loads(sys.stdin.readline())))
