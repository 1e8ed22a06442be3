"""The simulator's own record of every PDU: what a carrier could show in a dispute.

It reads the bytes on the socket, not what the session made of them, so that it stands as a
witness of its own. One JSON object a line:

`t` (ns since 1970 of the clock given; when read or written), `carrier`, `direction` ("in" from the
platform, "out" to it), `connection` (counted from 1), `command`, `sequence`, `source`,
`destination` (the first one when there are several, then also `destinations`), `text`, `segment`
([reference, number, total] or null), `message_id` (of a report: the id reported on; a string),
`status` (result of a response; stat of a report), `raw` (hex of the whole PDU, stars standing for
a password in it). How each dialect's PDUs are told: readings.py.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from assent.carrier.readings import CmppReading, Reading, read_text
from assent.clock import Clock
from assent.errors import ProtocolError

__all__ = ["Recorder", "Tap", "read_text"]

FLUSH_S: Final = 0.2
FLUSH_LINES: Final = 2000

_encode = msgspec.json.Encoder().encode


class Records(Protocol):
    """Where records go."""

    clock: Clock

    def add(self, record: dict[str, Any]) -> None:
        """Take one record."""


class Recorder:
    """Appends lines to a file in batches: every 200 ms, every 2,000 lines, and when closed.

    Make it inside a running loop; `close` it in the end. Several carriers may share one.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open `path` for appending; it holds personal data, so it is made private to its user."""
        path.touch(mode=0o600)
        self.clock = clock
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._lines: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: dict[str, Any]) -> None:
        """Take one record; it is on its way to the file within 200 ms."""
        self._lines.append(_encode(record))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            rest = memoryview(b"\n".join(lines) + b"\n")
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()


class Tap:
    """Cuts the two byte streams of one connection into PDUs and records each."""

    def __init__(
        self,
        recorder: Records,
        carrier: str,
        connection: int,
        reading: Reading | None = None,
    ) -> None:
        """`reading`: how the dialect's PDUs are told; CMPP's when it is None."""
        self._recorder = recorder
        self._common = {"carrier": carrier, "connection": connection}
        self._rest = {"in": b"", "out": b""}
        self._reading = reading or CmppReading()

    def see(self, direction: str, data: bytes) -> None:
        """Record the PDUs that `data` completes, all with the time of now."""
        now = self._recorder.clock.now_ns()
        framing = self._reading.framing
        header, unpack = framing.header.size, framing.unpack or framing.header.unpack_from
        buffer = self._rest[direction] + data
        start = 0
        while len(buffer) - start >= header:
            head = unpack(buffer, start)
            end = start + head[0]
            if not header <= head[0] <= framing.maximum:
                # The framing is lost: keep the bytes as evidence and stop looking.
                end = len(buffer)
            elif len(buffer) < end:
                break
            self._record(now, direction, head[1], head[-1], buffer[start:end])
            start = end
        self._rest[direction] = buffer[start:]

    def _record(self, now: int, direction: str, command: int, sequence: int, raw: bytes) -> None:
        reading = self._reading
        record: dict[str, Any] = {
            "t": now,
            **self._common,
            "direction": direction,
            "command": reading.name(command),
            "sequence": reading.number(sequence),
            "source": None,
            "destination": None,
            "text": None,
            "segment": None,
            "message_id": None,
            "status": None,
            "raw": reading.shown(command, raw).hex(),
        }
        with suppress(ProtocolError):  # what cannot be read stands by its raw bytes alone
            record.update(reading.told(command, raw))
        self._recorder.add(record)
