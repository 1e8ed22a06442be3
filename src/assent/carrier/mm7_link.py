"""A link to a multimedia messaging centre: each message is one HTTP post (MM7), some at once.

It promises flow what a `Link` promises (`assent.flow.links`): it pulls when it has room, posts at
once what it was given, and tells what became of each. A post is made once. Where the answer is
lost, late or says nothing, the message is reported lost, which makes it unsure; only where no
connection could be made, so that not an octet has left, is it offered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

import httpx

from assent.carrier.health import LinkCounters
from assent.carrier.link_settings import LinkState
from assent.carrier.mm7_listener import Mm7Listener
from assent.carrier.mm7_posts import client_of, read_answer
from assent.carrier.mm7_settings import Mm7Settings
from assent.carrier.pacing import Backoff, TokenBucket
from assent.carrier.steered import Steered
from assent.wire import mm7, mm7_codes
from assent.wire.mm7_kit import mm7_kit

if TYPE_CHECKING:
    from assent.carrier.pdu_tap import TapMaker
    from assent.clock import Clock
    from assent.flow.links import Answer, Deliver, Outgoing, Sink, Source

__all__ = ["Mm7Link", "Mm7Settings"]

SOURCE_FAILED_S: Final = 1.0
"""How long a link waits before it asks a source again that raised."""

_PROBE_S: Final = 1.0
_PROBE_CAP_S: Final = 30.0


class Mm7Link(Steered[Mm7Settings]):
    """One link. Make it, `start()` it inside a running loop, end it by `drain` or `stop`.

    It is `bound` while the last try to connect succeeded.
    """

    def __init__(
        self,
        settings: Mm7Settings,
        source: Source,
        sink: Sink,
        clock: Clock,
        rng: Random,
        counters: LinkCounters | None = None,
    ) -> None:
        self._serial = rng.getrandbits(40) << 20
        kit = mm7_kit(
            mm7.Provider(settings.vasp_id, settings.vas_id),
            self._transaction,
            abroad=settings.abroad,
            quirks=settings.quirks,
        )
        super().__init__(settings, kit, (source, sink), clock, rng, counters)
        self.listener: Mm7Listener | None = None
        if settings.listen is not None:
            self.listener = Mm7Listener(self, settings.listen)
        self._reconnect = Backoff(_PROBE_S, _PROBE_CAP_S, rng)
        self._bucket: TokenBucket | None = None
        self._posts: dict[int, asyncio.Task[None]] = {}
        self._later: asyncio.TimerHandle | None = None
        self._prober: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        self._started = False

    def _transaction(self) -> str:
        self._serial += 1
        return f"{self.settings.vas_id or 'assent'}-{self._serial:016x}"

    # --- life

    def start(self) -> None:
        """Look whether the centre can be reached, now and whenever it could not."""
        if self._started:
            raise RuntimeError("a link is started once")
        self._started = True
        settings = self.settings
        self._loop = asyncio.get_running_loop()
        if settings.rate is not None:
            self._bucket = TokenBucket(settings.rate, self._loop.time(), settings.burst)
        self._client = client_of(settings)
        if self.listener is not None:
            self.listener.start()
        self._probe()

    @property
    def started(self) -> bool:
        """Whether it was started, be it ended since or not."""
        return self._started

    def tap(self, maker: TapMaker | None) -> None:
        """Posts are no PDUs: nothing is shown."""

    def kick(self) -> None:
        """Say that the source may have work. Cheap, and safe to call often."""
        if self.state is LinkState.BOUND:
            self._loop.call_soon(self._pull)

    def acknowledge(self, delivers: Sequence[Deliver], result: int = 0) -> None:
        """Answer the centre's posts of delivers that are durable now."""
        done = 0 if self.listener is None else self.listener.acknowledge(delivers, result)
        self.counters.acknowledged += done
        self.counters.late_acknowledgements += len(delivers) - done

    def abort(self, reason: str) -> None:
        """Break every post off; their messages are reported lost."""
        for task in list(self._posts.values()):
            task.cancel(reason)

    def halt(self, reason: str) -> None:
        """Break every post off and make no more. Losses are reported on the loop's next turns."""
        self._ending = True
        self.abort(reason)
        if self.listener is not None:
            self.listener.stop()

    async def stop(self, reason: str = "stopped") -> None:
        """`halt`, and return when the lost tokens are reported."""
        self.halt(reason)
        await self._ended(reason)

    async def drain(self, timeout_s: float, why: str = "drained") -> bool:
        """Take no more, let the posts under way be answered, and end.

        Returns True when every message was answered; after `timeout_s` the rest is reported lost.
        May be called again meanwhile; the shortest time then holds.
        """
        self._ending = True
        before = self.counters.lost
        if self._posts:
            self._change(LinkState.DRAINING, why)
            await asyncio.wait(list(self._posts.values()), timeout=timeout_s)
        self.abort("drain took too long")
        if self.listener is not None:
            self.listener.stop()
        await self._ended(why)
        return self.counters.lost == before

    async def _ended(self, detail: str) -> None:
        if self._later is not None:
            self._later.cancel()
        left = [*self._posts.values(), *([self._prober] if self._prober is not None else [])]
        if self._prober is not None:
            self._prober.cancel()
        if left:
            await asyncio.wait(left)
        if self.listener is not None:
            await self.listener.stopped()
        if self._client is not None:
            await self._client.aclose()
        if self.state is not LinkState.CLOSED:
            self._change(LinkState.CLOSED, detail)

    # --- whether the centre is there

    def _probe(self) -> None:
        if self._prober is None or self._prober.done():
            self._prober = self._loop.create_task(self._keep_trying(), name=f"link {self.name}")

    async def _keep_trying(self) -> None:
        """Try to connect, with growing pauses, until it works. Nothing is said to the centre."""
        url = httpx.URL(self.settings.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        while not self._ending:
            self._change(LinkState.CONNECTING, "")
            try:
                async with asyncio.timeout(self.settings.connect_s):
                    _, writer = await asyncio.open_connection(url.host, port)
            except OSError as error:  # TimeoutError is one
                words = error.strerror or type(error).__name__
                self._change(LinkState.DOWN, f"cannot connect: {words}")
                self.decided.set()
                await asyncio.sleep(self._reconnect.next())
                continue
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self.counters.connects += 1
            self._reconnect.reset()
            if not self._ending:
                self._change(self.held or LinkState.BOUND, "")
                self._loop.call_soon(self._pull)
            self.decided.set()
            return

    # --- pulling

    def _pull(self) -> None:
        """Fill the free window from the source."""
        if self._ending or self.state is not LinkState.BOUND:
            return
        now = self._loop.time()
        credit = self.settings.window - len(self._posts)
        if credit <= 0:
            self.counters.window_full += 1
            return
        if now < self.throttled_until:
            self._wake_after(self.throttled_until - now)
            return
        bucket = self._bucket
        if bucket is not None:
            credit = min(credit, bucket.available(now))
            if credit <= 0:
                self.counters.paced += 1
                self._wake_after(bucket.delay(now))
                return
        try:
            messages = self.source.take(self, credit)
        except Exception as error:
            context = {"message": f"source of link {self.name} failed", "exception": error}
            self._loop.call_exception_handler(context)
            self._wake_after(SOURCE_FAILED_S)
            return
        for message in messages:
            self._begin(message)
        if bucket is not None and messages:
            bucket.spend(len(messages))
            self._wake_after(bucket.delay(now))

    def _wake_after(self, delay: float) -> None:
        if self._later is None:
            self._later = self._loop.call_later(delay, self._woken)

    def _woken(self) -> None:
        self._later = None
        self._pull()

    # --- one post

    def _begin(self, message: Outgoing) -> None:
        token, body = message
        self.counters.submitted += 1
        self.counters.writes += 1
        began = self._loop.time()
        task = self._loop.create_task(self._post(token, body, began))
        self._posts[token] = task
        task.add_done_callback(partial(self._over, token))

    def _over(self, token: int, task: asyncio.Task[None]) -> None:
        """A post came to its end; one that was broken off is lost."""
        self._posts.pop(token, None)
        if task.cancelled() or task.exception() is not None:
            if not task.cancelled():
                context = {
                    "message": f"a post of {self.name} failed",
                    "exception": task.exception(),
                }
                self._loop.call_exception_handler(context)
            self._lost(token)
        self._pull()

    async def _post(self, token: int, body: bytes, began: float) -> None:
        client = self._client
        assert client is not None, "posts are made after start"
        headers = {"content-type": mm7.content_type_of(body), "soapaction": '""'}
        try:
            async with (
                asyncio.timeout(self.settings.response_s),
                client.stream("POST", self.settings.url, content=body, headers=headers) as answer,
            ):
                answered = await read_answer(answer, self.counters)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            # Not an octet has left.
            self.counters.disconnects += 1
            if not self._ending:
                self._change(LinkState.DOWN, f"cannot connect: {type(error).__name__}")
                self._probe()
            self._answered((token, mm7_codes.NOT_CONNECTED, 0), began)
            return
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            self.counters.stalls += isinstance(error, TimeoutError | httpx.TimeoutException)
            self._lost(token)
            return
        self._answered((token, *answered), began)

    def _answered(self, answer: Answer, began: float) -> None:
        self._count(answer[1], self._loop.time())
        self.counters.answer_time.add(self._loop.time() - began)
        self.sink.answered(self, [answer])

    def _lost(self, token: int) -> None:
        self.counters.lost += 1
        self.sink.lost(self, [token])

    def _count(self, code: int, now: float) -> None:
        """Count, and pause where the centre asks for it or the link is at fault."""
        self.counters.answered += 1
        if not code:
            self.counters.accepted += 1
        elif self._count_refusal(code):
            self._pause(now)

    # --- health

    def health(self) -> dict[str, Any]:
        """Return state and counters as plain values for metrics and the console."""
        waiting = 0 if self.listener is None else self.listener.waiting
        return self._health(len(self._posts), waiting, None, self.listener)
