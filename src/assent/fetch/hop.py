"""One question to a server and its answer, within limits of size; time is the caller's."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import h11

from assent.fetch.dial import Connection, Failed
from assent.fetch.urls import Target

__all__ = ["MOST_BODY", "Answer", "ask"]

MOST_BODY: Final = 512 * 1024
"""Octets of a page, before and after it is unpacked; what is over is not read."""
MOST_HEADERS: Final = 32 * 1024
_CHUNK: Final = 1 << 16
_ENCODINGS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}
_AGENT_ONLY: Final = frozenset({b"location", b"content-type", b"content-encoding", b"refresh"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `cut`: the page went on. Headers: those that matter here."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool
    raw: int


async def ask(connection: Connection, target: Target, headers: list[tuple[str, str]]) -> Answer:
    """Ask for a target over a connection. Raises Failed for what is no HTTP, too large a head, or
    a connection that ends early."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADERS)
    request = h11.Request(
        method="GET", target=target.path, headers=[("Host", target.named), *headers]
    )
    try:
        writer = connection.writer
        writer.write((client.send(request) or b"") + (client.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        return await _read(client, connection)
    except h11.RemoteProtocolError as error:
        large = error.error_status_hint == 431
        raise Failed("head_too_large" if large else "no_http") from None
    except h11.LocalProtocolError:
        raise Failed("bad_link") from None
    except (OSError, EOFError):
        raise Failed("connection_lost") from None


async def _read(client: h11.Connection, connection: Connection) -> Answer:
    response: h11.Response | None = None
    body = _Body("")
    headers: dict[str, str] = {}
    heads = 0
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            data = await connection.reader.read(_CHUNK)
            if response is None:
                if not data:
                    raise Failed("connection_lost")
                heads += len(data)
                if heads > 2 * MOST_HEADERS:
                    raise Failed("head_too_large")
            client.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
            headers = _headers(event)
            body = _Body(headers.get("content-encoding", ""))
            if not _is_page(event.status_code, headers):
                return Answer(event.status_code, headers, b"", False, 0)
        elif isinstance(event, h11.Data):
            if not body.add(bytes(event.data)):
                break
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if response is None:
        raise Failed("connection_lost")
    if not body.whole:
        raise Failed("encoding")
    return Answer(response.status_code, headers, bytes(body.octets), body.cut, body.raw)


def _headers(event: h11.Response) -> dict[str, str]:
    return {
        name.decode("ascii"): value.decode("utf-8", "replace")[:4_096]
        for name, value in event.headers
        if name in _AGENT_ONLY
    }


def _is_page(status: int, headers: dict[str, str]) -> bool:
    """Whether a body is worth reading: of a page, not of a redirect or a film."""
    return status == 200 and headers.get("content-type", "").partition(";")[0].strip().lower() in (
        "text/html", "application/xhtml+xml", "",
    )  # fmt: skip


class _Body:
    """A body as it comes in: unpacked in small steps, so that no bomb goes off."""

    def __init__(self, encoding: str) -> None:
        self.octets = bytearray()
        self.cut = False
        self.raw = 0
        coding = encoding.strip().lower()
        self._unpack = None
        if coding in _ENCODINGS:
            self._unpack = zlib.decompressobj(_ENCODINGS[coding])
        elif coding not in ("", "identity"):
            raise Failed("encoding")
        self._raw_deflate = coding == "deflate"

    @property
    def whole(self) -> bool:
        """Whether what is packed came to its end, or there is enough of it."""
        return self._unpack is None or self.cut or self._unpack.eof or not self.raw

    def add(self, data: bytes) -> bool:
        """Take octets; return False once there is enough."""
        self.raw += len(data)
        room = MOST_BODY - len(self.octets)
        self.octets += data[: room + 1] if self._unpack is None else self._unpacked(data, room + 1)
        if len(self.octets) > MOST_BODY or self.raw > MOST_BODY:
            del self.octets[MOST_BODY:]
            self.cut = True
            return False
        return True

    def _unpacked(self, data: bytes, room: int) -> bytes:
        assert self._unpack is not None
        try:
            return self._unpack.decompress(data, room)
        except zlib.error:
            if not self._raw_deflate or self.octets:
                raise Failed("encoding") from None
        # "deflate" without its wrapper: some servers send it, and all browsers take it.
        self._raw_deflate, self._unpack = False, zlib.decompressobj(-15)
        return self._unpacked(data, room)
