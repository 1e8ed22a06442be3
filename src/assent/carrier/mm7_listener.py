"""Where a multimedia messaging centre posts reports and messages to us.

A post is answered once what it brought is durable: until then the centre holds it, and it sends it
again when no answer comes. What is no MM7 is answered with an error of MM7 and goes no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from assent.carrier.http_server import Guard, HttpLimits, Post, PostServer, Reply
from assent.carrier.listener import RETRY_S, ListenSettings
from assent.errors import ProtocolError
from assent.wire import mm7, mm7_codes
from assent.wire.mm7_kit import Mm7Deliver

if TYPE_CHECKING:
    from assent.carrier.mm7_link import Mm7Link
    from assent.flow.links import Deliver

DURABLE_S: Final = 20.0
"""How long a post waits to be stored before the centre is told to come again."""


class Mm7Listener:
    """Listens for one link from `start` until `stop`; not safe across threads."""

    def __init__(self, link: Mm7Link, settings: ListenSettings) -> None:
        self.link = link
        self.settings = settings
        self.detail = ""
        self.refused = 0
        guard = Guard(settings.user, settings.secret, settings.allowed)
        limits = HttpLimits(idle_s=settings.idle_s, connections=settings.connections)
        self._server = PostServer(self._take, guard, limits)
        self._stored: dict[Deliver, asyncio.Future[int]] = {}
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen, now or as soon as the address is free."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                await self._server.start(self.settings.host, self.settings.port)
            except OSError as error:
                self.detail = f"cannot listen: {error.strerror or type(error).__name__}"
                await asyncio.sleep(RETRY_S)
            else:
                self.detail = ""
                return

    @property
    def port(self) -> int:
        """The port it listens on, 0 while it does not."""
        return self._server.port

    @property
    def waiting(self) -> int:
        """Posts that are not answered yet."""
        return len(self._stored)

    def stop(self) -> None:
        """Take no more; posts that are not answered the centre makes again. May be repeated."""
        if self._task is not None and self._ending is None:
            self._task.cancel()
            self._ending = asyncio.get_running_loop().create_task(self._server.stop())

    async def stopped(self) -> None:
        """Return when everything is closed."""
        if self._task is not None and self._ending is not None:
            await asyncio.wait([self._ending, self._task])

    def acknowledge(self, delivers: Sequence[Deliver], result: int) -> int:
        """Let the posts of some delivers be answered; return how many still waited."""
        done = 0
        for deliver in delivers:
            stored = self._stored.pop(deliver, None)
            if stored is not None and not stored.done():
                stored.set_result(result)
                done += 1
        return done

    async def _take(self, post: Post) -> Reply:
        if post.method != "POST":
            return Reply(405)
        try:
            message = mm7.read(post.headers.get("content-type", ""), post.body)
        except ProtocolError as error:
            self.refused += 1
            return _error("", mm7_codes.FORMAT_CORRUPT, error.message)
        if isinstance(message, mm7.Reported) and message.kind == "ReadReplyReq":
            # That it was read adds nothing to that it arrived; the centre shall not send it again.
            return _answer("ReadReplyRsp", message.transaction, mm7_codes.SUCCESS)
        if not isinstance(message, mm7.Reported | mm7.Delivered):
            self.refused += 1
            return _error(message.transaction, mm7_codes.UNSUPPORTED_OPERATION)
        code = await self._store(Mm7Deliver(message, post.body))
        kind = "DeliveryReportRsp" if isinstance(message, mm7.Reported) else "DeliverRsp"
        return _answer(kind, message.transaction, code)

    async def _store(self, deliver: Mm7Deliver) -> int:
        """Hand a deliver on and wait until it is durable; return the code to answer with."""
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._stored[deliver] = stored
        self.link.counters.delivers += 1
        try:
            self.link.sink.arrived(self.link, [deliver])
            async with asyncio.timeout(DURABLE_S):
                return mm7_codes.CLIENT_ERROR if await stored else mm7_codes.SUCCESS
        except TimeoutError:
            return mm7_codes.UNAVAILABLE
        finally:
            self._stored.pop(deliver, None)

    def health(self) -> dict[str, Any]:
        """Return what there is to know of the listener."""
        return {
            "port": self.port,
            "connections": self._server.connections,
            "turned_away": self._server.turned_away,
            "refused": self.refused,
            "detail": self.detail,
        }


def _answer(kind: str, transaction: str, code: int) -> Reply:
    document = mm7.answer_envelope(mm7.Answered(kind, transaction, code))
    # A centre that is told to come again must see that by HTTP, too.
    status = 503 if code == mm7_codes.UNAVAILABLE else 200
    return Reply(status, document, mm7.XML_TYPE)


def _error(transaction: str, code: int, text: str = "") -> Reply:
    """Return a VASPErrorRsp: a SOAP fault, which goes with status 500 (SOAP 1.1, 6.2)."""
    answer = mm7.Answered("VASPErrorRsp", transaction, code, text)
    return Reply(500, mm7.answer_envelope(answer), mm7.XML_TYPE)
