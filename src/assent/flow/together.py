"""Requests for one message each, judged and stored together while others are under way.

A request that meets no other goes by itself, as fast as ever. Those that come while orders of the
same frame (account, sender, purpose, text or template, port, programme, time) are under way wait
for them, a few milliseconds, and are one order then: what judging and committing cost is shared.
Towards its customer each stays an order of its own, with its own id, key and answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np

from assent.errors import AssentError, Unavailable
from assent.flow.answers import MessageAnswer, OrderAnswer, customer_code, encode, with_more
from assent.flow.catalogue import Catalogue
from assent.flow.ids import OWN_ORDER, slip_id
from assent.flow.order import Judged
from assent.flow.orders import order_of
from assent.flow.requests import Caller, SendRequest
from assent.flow.restricted import CODE_OF
from assent.message import Purpose
from assent.policy.decide import Verdict

_FLIGHTS: Final = {"verification": 2}
"""Orders of one frame under way at once, where it is not one. More make smaller groups, each of
which costs as much; but a code should not wait for the whole of another order."""
_MOST: Final = 256
_CROWDED: Final = 8
_GATHER_S: Final = 0.004
_LINGER_S: Final = 0.05
"""After a group of so many, those who come within `_LINGER_S` gather until all are back who were
there, or for a moment: a group costs the front as much as a dozen of its messages."""

_TEXT: Final = ("text_held", "text_rejected")
_RESTRICTED: Final = frozenset(CODE_OF.values())
_Frame = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Single:
    """A request for one message that waits for its answer."""

    caller: Caller
    request: SendRequest
    key: str | None
    sha: bytes
    answered: asyncio.Future[bytes]


@dataclass(slots=True)
class _Crowd:
    """Requests of one frame: how many orders are under way, how many went together last, who
    waits; how many were there when the last order landed, that one's included. `timer`: until
    those who gather go, or until the crowd is forgotten."""

    flights: int = 0
    size: int = 0
    there: int = 0
    waiting: list[Single] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


Alone = Callable[[Caller, SendRequest, "str | None", bytes], Awaitable[bytes]]


class Together:
    """Serves requests for one message. `alone` serves one by itself; `judge` and `store` are those
    of `Submit` and of whoever stores orders."""

    def __init__(
        self,
        catalogue: Catalogue,
        alone: Alone,
        judge: Callable[[Any], Awaitable[Judged]],
        store: Callable[[Any, Judged], Awaitable[bool]],
    ) -> None:
        self._catalogue = catalogue
        self._alone = alone
        self._judge = judge
        self._store = store
        self._crowds: dict[_Frame, _Crowd] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(
        self, caller: Caller, request: SendRequest, key: str | None, sha: bytes
    ) -> bytes:
        """Return the answer to a request for one message, once it is durable. Raises as
        `Sending.send`."""
        frame = _frame(caller, request)
        crowd = self._crowds.setdefault(frame, _Crowd())
        if crowd.flights < _most(frame) and crowd.size < _CROWDED:
            crowd.flights += 1
            try:
                return await self._alone(caller, request, key, sha)
            finally:
                self._landed(frame, crowd)
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        crowd.waiting.append(Single(caller, request, key, sha, answered))
        if not crowd.flights:
            self._gather(frame, crowd)
        return await answered

    def _gather(self, frame: _Frame, crowd: _Crowd) -> None:
        """Let those who wait go once all are back who were there; wait for them a moment at most.
        Nothing is under way."""
        waiting = len(crowd.waiting)
        if waiting >= min(crowd.there, _MOST):
            self._start(frame, crowd)
        elif waiting == 1 or crowd.timer is None:
            self._time(crowd, _GATHER_S, self._start, frame, crowd)

    def _landed(self, frame: _Frame, crowd: _Crowd) -> None:
        """One order less is under way: those who waited are the next."""
        crowd.flights -= 1
        crowd.there = crowd.size + len(crowd.waiting)
        if crowd.waiting and (crowd.size < _CROWDED or _most(frame) > 1):
            self._start(frame, crowd)
        elif crowd.waiting:
            self._gather(frame, crowd)
        elif not crowd.flights:
            if crowd.size < _CROWDED:
                self._forget(frame)
            else:
                self._time(crowd, _LINGER_S, self._forget, frame)

    @staticmethod
    def _time(crowd: _Crowd, delay: float, what: Callable[..., None], *about: Any) -> None:
        if crowd.timer is not None:
            crowd.timer.cancel()
        crowd.timer = asyncio.get_running_loop().call_later(delay, what, *about)

    def _forget(self, frame: _Frame) -> None:
        del self._crowds[frame]

    def _start(self, frame: _Frame, crowd: _Crowd) -> None:
        """Let those who wait go."""
        if crowd.timer is not None:
            crowd.timer.cancel()
            crowd.timer = None
        crowd.flights += 1
        task = asyncio.get_running_loop().create_task(self._fly(frame, crowd))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, frame: _Frame, crowd: _Crowd) -> None:
        some, crowd.waiting = _choose(crowd.waiting)
        crowd.size = len(some)
        try:
            await self._serve(some)
        finally:
            for one in some:
                if not one.answered.done():  # only when this task was ended from outside
                    _fail(one, _stopping())
            self._landed(frame, crowd)

    async def _serve(self, some: list[Single]) -> None:
        try:
            if len(some) > 1 and await self._serve_together(some):
                return
        except AssentError as error:
            if error.code == "commit_unknown" or not _is_about_one(error):
                for one in some:
                    _fail(one, error)
                return
        await asyncio.gather(*(self._serve_alone(one) for one in some))

    async def _serve_alone(self, one: Single) -> None:
        try:
            answer = await self._alone(one.caller, one.request, one.key, one.sha)
        except AssentError as error:
            _fail(one, error)
            return
        if not one.answered.done():
            one.answered.set_result(answer)

    async def _serve_together(self, some: list[Single]) -> bool:
        """Make one order of several requests. False where that cannot be: a key was used before,
        or the money went elsewhere; nothing is stored then."""
        first = some[0]
        whole = msgspec.structs.replace(
            first.request, messages=[one.request.messages[0] for one in some]
        )
        order = order_of(self._catalogue, first.caller, whole, key=None, sha=b"")
        urgent = order.purpose in (Purpose.VERIFICATION, Purpose.NOTIFICATION)
        order = replace(order, rows=order.rows | np.uint32(OWN_ORDER), urgent=urgent)
        judged = await self._judge(order)
        answers = [encode(_answer(judged, place)) for place in range(judged.n)]
        judged.keys = [
            (one.key, one.sha, answer)
            for one, answer in zip(some, answers, strict=True)
            if one.key is not None
        ]
        if not await self._store(order, judged):
            return False
        for one, answer in zip(some, answers, strict=True):
            if not one.answered.done():
                one.answered.set_result(answer)
        return True


_FRAME: Final = (
    "sender",
    "purpose",
    "text",
    "template",
    "port",
    "programme",
    "relation",
    "not_before",
    "expires_at",
)


_shared = attrgetter(*_FRAME)
_PURPOSE: Final = 1 + _FRAME.index("purpose")


def _frame(caller: Caller, request: SendRequest) -> _Frame:
    return (caller.account_id, *_shared(request))


def _choose(waiting: list[Single]) -> tuple[list[Single], list[Single]]:
    """Return who goes together now, and who waits on: nobody is written to twice in one order, and
    a key that came twice is answered by itself."""
    chosen: list[Single] = []
    later: list[Single] = []
    numbers: set[str] = set()
    keys: set[str | None] = set()
    for one in waiting:
        number = one.request.messages[0].to[-8:]  # however it is written
        fits = number not in numbers and (one.key is None or one.key not in keys)
        if fits and len(chosen) < _MOST:
            numbers.add(number)
            keys.add(one.key)
            chosen.append(one)
        else:
            later.append(one)
    return chosen, later


def _most(frame: _Frame) -> int:
    """Return how many orders of a frame are under way at once."""
    return _FLIGHTS.get(frame[_PURPOSE], 1)


def _stopping() -> Unavailable:
    return Unavailable("stopping", "the platform is shutting down", mend="try again soon")


def _is_about_one(error: AssentError) -> bool:
    """Return whether an error may be about one of the requests only: then each is told its own."""
    return error.status < 500


def _fail(one: Single, error: AssentError) -> None:
    if not one.answered.done():
        one.answered.set_exception(error)


def _answer(judged: Judged, place: int) -> OrderAnswer:
    """Return what one of the requests is told."""
    row = int(judged.order.rows[place])
    allowed = int(judged.verdict[place]) == Verdict.ALLOW
    segments = int(judged.segments[place])
    if allowed:
        wait = int(judged.defer_until[place])
        message = MessageAnswer(
            0,
            "accepted",
            str(int(judged.message_ids[place])),
            segments,
            None,
            float(wait) if wait else None,
        )
    else:
        message = MessageAnswer(0, "rejected", reason=customer_code(int(judged.reason[place])))
    told = OrderAnswer(
        str(slip_id(judged.submission_id, row)),
        judged.order.purpose.name.lower(),
        1,
        int(allowed),
        int(not allowed),
        segments if allowed else 0,
        segments * int(judged.prices[place]) if allowed else 0,
        {message.reason: 1} if message.reason else {},
        [message],
    )
    return with_more(
        told,
        judged,
        texts=message.reason in _TEXT,
        restricted=message.reason in _RESTRICTED or message.not_before is not None,
    )
