"""A witness as a small server of its own (C2SP tlog-witness), to run where the platform does not.

One address, `POST /add-checkpoint`. What it saw last of each log stands in a file that is replaced
and flushed before a cosignature leaves: a witness that forgot what it signed would sign a fork.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from assent.clock import Clock
from assent.consent.note import PublicKey, SigningKey
from assent.consent.witness import Request, Seen, SizeConflict, consider, cosign
from assent.errors import AssentError, InvalidInput, Unavailable

PATH: Final = "/add-checkpoint"
_LARGEST: Final = 65_536
_TEXT: Final = "text/plain; charset=utf-8"
_SIZE: Final = "text/x.tlog.size"


class SeenFile:
    """What was seen last, by origin, in a file. One process may hold it at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seen: dict[str, Seen] = {}
        if path.exists():
            try:
                self.seen = msgspec.json.decode(path.read_bytes(), type=dict[str, Seen])
            except (OSError, msgspec.MsgspecError):
                # Beginning anew would let every log show another history.
                raise Unavailable(
                    "witness_state", "what was seen last cannot be read",
                    field="state", mend="restore the file; never delete it",
                ) from None  # fmt: skip

    def keep(self, origin: str, seen: Seen) -> None:
        """Remember durably; only then may a cosignature leave. Raises Unavailable."""
        then = self.seen | {origin: seen}
        new = self._path.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.encode(then))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise Unavailable(
                "witness_state", f"what was seen cannot be kept ({error.strerror})",
                field="state", mend="make room, or correct the permissions",
            ) from None  # fmt: skip
        self.seen = then


class WitnessApp:
    """The ASGI application. `logs`: the logs it knows, by origin."""

    def __init__(
        self, key: SigningKey, logs: Mapping[str, PublicKey], state: SeenFile, clock: Clock
    ) -> None:
        self._key = key
        self._logs = logs
        self._state = state
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            return
        if scope["path"] != PATH or scope["method"] != "POST":
            await _answer(send, 404, "no such address\n")
            return
        try:
            await _answer(send, 200, await self.add(await _body(receive)))
        except SizeConflict as conflict:
            await _answer(send, 409, f"{conflict.size}\n", _SIZE)
        except AssentError as error:
            malformed = type(error) is InvalidInput and error.code != "witness_proof"
            status = 400 if malformed and error.status == 422 else error.status
            await _answer(send, status, f"{error.code}: {error.message}\n")

    def takes(self, method: bytes, url: bytes) -> bool:
        """Return False: no request is served but through ASGI (server.py asks)."""
        return False

    async def add(self, text: str) -> str:
        """Return the cosignature line for a request. Raises errors with the statuses of C2SP."""
        request = Request.parse(text)
        async with self._turn:
            origin, now = consider(request, self._logs, self._state.seen)
            if self._state.seen.get(origin) != now:
                await asyncio.to_thread(self._state.keep, origin, now)
            return str(cosign(request, self._key, int(self._clock.now())))


async def _body(receive: Any) -> str:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LARGEST:
            raise InvalidInput("witness_request", "the request is too large", status=413)
        if not message.get("more_body"):
            break
    try:
        text: str = body.decode()
    except UnicodeDecodeError:
        raise InvalidInput("witness_request", "the request is not UTF-8", status=400) from None
    return text


async def _answer(send: Any, status: int, text: str, kind: str = _TEXT) -> None:
    body = text.encode()
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
