"""What a link is compared with: a bare CMPP sender and a sink that decodes every field.

`python -m bench.bare sink` prints its port and serves until it is terminated.
`python -m bench.bare sender PORT WINDOW SECONDS fixed|own` encodes every SUBMIT afresh with
struct, keeps the window full, and prints {"messages", "seconds", "cpu_s"}. No logging, timers,
storage or futures a message, and none of assent's code: a ceiling for one Python process.
CMPP 3.0, fields as in the specification (facts: protocols.md 1.7).
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from typing import Any, Final, cast

import uvloop

CONNECT: Final = 0x00000001
TERMINATE: Final = 0x00000002
SUBMIT: Final = 0x00000004
ACTIVE_TEST: Final = 0x00000008
RESPONSE: Final = 0x80000000

HEADER: Final = struct.Struct(">III")
BOUND: Final = struct.Struct(">IIII16sB")
TAKEN: Final = struct.Struct(">IIIQI")
FRONT: Final = struct.Struct(">QBBBB10sB32sBBBB6s2s6s17s17s21sB32sBB")
LINK_ID: Final = bytes(20)
TEXT: Final = "【商户】您好，秋装上新全场八折，凭券号{}到店再减20元。客服400-820-1234。拒收请回复R"
NUMBERS: Final = 10**8


def text_of(number: int) -> str:
    """Return a text of one's own: 50 characters of UCS-2, the same length for all."""
    return TEXT.format(f"{number % NUMBERS:08d}")


class Sink(asyncio.Protocol):
    """Decodes every SUBMIT completely, its text too, and accepts it; one write a read."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        buffer = self.rest + data if self.rest else data
        at, size, out = 0, len(buffer), []
        while size - at >= 12:
            length, command, sequence = HEADER.unpack_from(buffer, at)
            if size - at < length:
                break
            if command == SUBMIT:
                Sink.taken += 1
                self.decode(buffer, at + 12, at + length)
                out.append(TAKEN.pack(24, SUBMIT | RESPONSE, sequence, Sink.taken, 0))
            elif command == CONNECT:
                out.append(BOUND.pack(33, CONNECT | RESPONSE, sequence, 0, bytes(16), 0x30))
            elif command == ACTIVE_TEST:
                out.append(HEADER.pack(13, ACTIVE_TEST | RESPONSE, sequence) + b"\0")
            elif command == TERMINATE:
                out.append(HEADER.pack(12, TERMINATE | RESPONSE, sequence))
            at += length
        self.rest = buffer[at:]
        if out:
            self.transport.write(b"".join(out))

    @staticmethod
    def decode(buffer: bytes, at: int, end: int) -> tuple[Any, ...]:
        """Return every field of a SUBMIT to one receiver; raises on anything else."""
        fields = FRONT.unpack_from(buffer, at)
        start = at + FRONT.size
        content = buffer[start : start + fields[21]]
        link_id = buffer[start + fields[21] : end]
        if fields[18] != 1 or len(link_id) != 20:
            raise ValueError("not a SUBMIT to one receiver")
        texts = [
            field.rstrip(b"\0").decode("ascii") for field in fields if isinstance(field, bytes)
        ]
        text = content.decode("utf-16-be" if fields[11] == 8 else "ascii")
        return (*[field for field in fields if isinstance(field, int)], *texts, text, link_id)


class Sender(asyncio.Protocol):
    """Keeps a window of SUBMITs unanswered until the time is up."""

    def __init__(self, window: int, seconds: float, own: bool) -> None:
        self.window, self.seconds, self.own = window, seconds, own
        self.open: set[int] = set()
        self.sequence = 1
        self.done = 0
        self.rest = b""
        self.bound = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        body = b"900001" + bytes(16) + b"\x30" + bytes(4)
        self.transport.write(HEADER.pack(12 + len(body), CONNECT, 1) + body)

    def encode(self, sequence: int) -> bytes:
        """Return one whole SUBMIT."""
        text = text_of(sequence) if self.own else TEXT
        content = text.encode("utf-16-be")
        number = b"139%08d" % (sequence % NUMBERS)
        body = FRONT.pack(
            0, 1, 1, 1, 0, b"", 2, b"", 0, 0, 0, 8, b"900001", b"01", b"0", b"", b"",
            b"106900011", 1, number, 0, len(content),
        )  # fmt: skip
        size = 12 + len(body) + len(content) + 20
        return HEADER.pack(size, SUBMIT, sequence) + body + content + LINK_ID

    def fill(self) -> None:
        """Write as many as the window lacks."""
        if time.perf_counter() >= self.end:
            if not self.open and not self.ended.done():
                self.ended.set_result(None)
            return
        out = []
        for _ in range(self.window - len(self.open)):
            self.sequence += 1
            self.open.add(self.sequence)
            out.append(self.encode(self.sequence))
        if out:
            self.transport.write(b"".join(out))

    def data_received(self, data: bytes) -> None:
        buffer = self.rest + data if self.rest else data
        at, size = 0, len(buffer)
        while size - at >= 12:
            length, command, sequence = HEADER.unpack_from(buffer, at)
            if size - at < length:
                break
            if command == SUBMIT | RESPONSE:
                TAKEN.unpack_from(buffer, at)
                self.open.discard(sequence)
                self.done += 1
            elif command == CONNECT | RESPONSE:
                self.bound = True
                self.begin, self.cpu = time.perf_counter(), time.process_time()
                self.end = self.begin + self.seconds
            at += length
        self.rest = buffer[at:]
        if self.bound:
            self.fill()


async def _send(port: int, window: int, seconds: float, own: bool) -> None:
    loop = asyncio.get_running_loop()
    _, sender = await loop.create_connection(
        lambda: Sender(window, seconds, own), "127.0.0.1", port
    )
    await asyncio.wait_for(sender.ended, seconds + 20)
    taken = time.perf_counter() - sender.begin
    result = {"messages": sender.done, "seconds": taken, "cpu_s": time.process_time() - sender.cpu}
    print(json.dumps(result), flush=True)


async def _sink() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        uvloop.run(_sink())
    else:
        uvloop.run(_send(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), "own" in sys.argv))
