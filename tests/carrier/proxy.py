"""A TCP proxy between a link and its carrier that does to the line what a test says.

Each way of a line is cut into PDUs by their length field. A test changes what passes (`change`),
holds a way (`hold`), reads slowly (`bite`, `pause_s`), writes octets of its own (`inject`), and
ends a line with or without a word. Nothing here knows a dialect but `Words`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from assent.carrier.sockets import reset as drop

_SMALL: Final = 4096
_LONGEST: Final = 1 << 20


class Way(Enum):
    UP = "from the platform"
    DOWN = "to the platform"


@dataclass(frozen=True)
class Cut:
    """In the place of a PDU: write these octets and end the line, with a reset or in order."""

    octets: bytes = b""
    reset: bool = False


Change = Callable[[bytes], Sequence["bytes | Cut"]]


@dataclass(frozen=True)
class Words:
    """What a test has to know of a dialect's octets. The sequence's last four end the header."""

    header: int
    submit: int
    submit_answer: int
    deliver: int
    probe: int
    report: int = -1

    @staticmethod
    def command(pdu: bytes) -> int:
        return int.from_bytes(pdu[4:8], "big")

    def is_answer(self, pdu: bytes) -> bool:
        return self.command(pdu) == self.submit_answer

    def is_deliver(self, pdu: bytes) -> bool:
        return self.command(pdu) in (self.deliver, self.report)

    def sequence(self, pdu: bytes) -> int:
        return int.from_bytes(pdu[self.header - 4 : self.header], "big")

    def with_sequence(self, pdu: bytes, number: int) -> bytes:
        at = self.header
        return pdu[: at - 4] + (number & 0xFFFFFFFF).to_bytes(4, "big") + pdu[at:]

    def bare(self, command: int, number: int, length: int | None = None) -> bytes:
        """A header without a body; `length` may lie."""
        size = self.header if length is None else length
        front = size.to_bytes(4, "big") + command.to_bytes(4, "big")
        return front.ljust(self.header - 4, b"\0") + number.to_bytes(4, "big")


WORDS: Final = {
    "cmpp": Words(12, 4, 0x80000004, 5, 8),
    "sgip": Words(20, 3, 0x80000003, 4, 0x7FFF, report=5),
    "smgp": Words(12, 2, 0x80000002, 3, 4),
    "smpp": Words(16, 4, 0x80000004, 5, 0x15),
}
"""SGIP has no heartbeat: its probe is a command that does not exist."""


class Pump:
    """One way of one line."""

    def __init__(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.line = line
        self.reader = reader
        self.writer = writer
        self.change: Change | None = None
        self.bite = 1 << 16
        self.pause_s = 0.0
        self.passed = 0
        self._open = asyncio.Event()
        self._open.set()
        self._rest = b""

    def hold(self) -> None:
        """Let nothing pass, and read no more than what fits small buffers."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def inject(self, data: bytes) -> None:
        """Write octets of the test's own."""
        self.writer.write(data)
        await self.writer.drain()

    async def run(self) -> None:
        try:
            while data := await self.reader.read(self.bite):
                await self._open.wait()
                for pdu in self._whole(data):
                    await self._open.wait()
                    if not await self._pass(pdu):
                        return
                await self.writer.drain()
                await asyncio.sleep(self.pause_s)
        except OSError:
            self.line.cut(reset=True)
        else:
            await self._open.wait()
            self.line.cut()

    async def _pass(self, pdu: bytes) -> bool:
        change = self.change or self.line.proxy.changes.get(self.line.way_of(self))
        for piece in (pdu,) if change is None else change(pdu):
            if isinstance(piece, Cut):
                self.writer.write(piece.octets)
                await self.writer.drain()
                self.line.cut(reset=piece.reset)
                return False
            self.writer.write(piece)
        self.passed += 1
        return True

    def _whole(self, data: bytes) -> list[bytes]:
        """PDUs that `data` completes; what cannot be cut passes as it is."""
        buffer, found = self._rest + data, []
        while len(buffer) >= 8:
            length = int.from_bytes(buffer[:4], "big")
            if not 8 <= length <= _LONGEST:
                length = len(buffer)
            if len(buffer) < length:
                break
            found.append(buffer[:length])
            buffer = buffer[length:]
        self._rest = buffer
        return found


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """One connection through the proxy: `up` goes to the carrier, `down` comes from it."""

    def __init__(self, proxy: Proxy, near: Streams, far: Streams) -> None:
        self.proxy = proxy
        self.up = Pump(self, near[0], far[1])
        self.down = Pump(self, far[0], near[1])
        self.ended = False

    def way_of(self, pump: Pump) -> Way:
        return Way.UP if pump is self.up else Way.DOWN

    def cut(self, *, reset: bool = False) -> None:
        """End both sides: in order after what was written, or with a reset."""
        if self.ended:
            return
        self.ended = True
        for pump in (self.up, self.down):
            pump.release()
            if reset:
                drop(pump.writer.transport)
            else:
                pump.writer.close()

    def vanish(self) -> None:
        """Let nothing pass either way any more, while both sockets stay."""
        self.up.hold()
        self.down.hold()

    async def run(self) -> None:
        await asyncio.gather(self.up.run(), self.down.run())


class Proxy:
    """Listens for links and connects each to the carrier. `changes` hold for every line."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.lines: list[Line] = []
        self.changes: dict[Way, Change] = {}
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> int:
        """Listen; return the port. Little is read ahead, so that what is not read is soon felt."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=_SMALL)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    @property
    def line(self) -> Line:
        """The newest line."""
        return self.lines[-1]

    @property
    def standing(self) -> list[Line]:
        return [line for line in self.lines if not line.ended]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(asyncio.CancelledError):  # by `stop`: asyncio would log it
            try:
                far = await asyncio.open_connection("127.0.0.1", self.target, limit=_SMALL)
            except (OSError, asyncio.CancelledError):
                writer.transport.abort()
                return
            line = Line(self, (reader, writer), far)
            self.lines.append(line)
            if not self._server.is_serving():
                line.cut(reset=True)
                return
            await line.run()

    async def stop(self) -> None:
        self._server.close()
        for line in self.standing:
            line.cut(reset=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
