"""What the ways in (HTTP, CLI) call for sending: one order at a time."""

from __future__ import annotations

import asyncio
from typing import Final

from assent.errors import Conflict, InvalidInput
from assent.flow.answers import OrderAnswer, answer, encode
from assent.flow.catalogue import Catalogue
from assent.flow.dispatch import Dispatcher
from assent.flow.level import Pace
from assent.flow.needs import Store
from assent.flow.order import Judged, Order
from assent.flow.orders import order_of
from assent.flow.requests import Caller, SendRequest
from assent.flow.submit import Submit
from assent.flow.together import Together
from assent.flow.videos import Videos
from assent.policy.reasons import MASKED

LONGEST_KEY: Final = 128
_NO_STANDING: Final = f'"{MASKED}"'.encode()
_TRIES: Final = 3
_BIG: Final = 50
"""Receivers from which an order takes its turn: judging many holds up the loop for some
milliseconds, and a code should wait for one such stretch at most."""


class Sending:
    """Accepts orders. `dispatcher` commits urgent ones together with their attempts."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        submit: Submit,
        dispatcher: Dispatcher,
        videos: Videos,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._submit = submit
        self._dispatcher = dispatcher
        self._videos = videos
        self._turn = asyncio.Semaphore(1)
        self._together = Together(catalogue, self._send, submit.judge, self._store_order)

    async def send(
        self, caller: Caller, request: SendRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Judge and store an order; return the answer's JSON once it is durable.

        A repeated `key` with the same body returns the first answer; with another body it
        raises Conflict. Raises InvalidInput and its kin for what cannot be obeyed (nothing is
        done then), Unavailable when the store fails (unknown whether it was done: repeat with
        the same key).
        """
        if key is not None and not 1 <= len(key) <= LONGEST_KEY:
            raise bad_key()
        pace = Pace()
        told = await self._sent(caller, request, key, sha)
        if _NO_STANDING in told:
            await pace.level()
        return told

    async def _sent(
        self, caller: Caller, request: SendRequest, key: str | None, sha: bytes
    ) -> bytes:
        if len(request.messages) == 1 and request.video is None:
            return await self._together.send(caller, request, key, sha)
        if len(request.messages) <= _BIG:
            # Whether the key was used is found by using it: one question less for a code.
            return await self._send(caller, request, key, sha)
        if key is not None:
            earlier = await self.repeated(caller.account_id, key, sha)
            if earlier is not None:
                return earlier
        async with self._turn:
            return await self._send(caller, request, key, sha)

    async def _send(
        self, caller: Caller, request: SendRequest, key: str | None, sha: bytes
    ) -> bytes:
        order = await self._order(caller, request, key, sha)
        await asyncio.sleep(0)
        for _ in range(_TRIES):
            judged = await self._submit.judge(order)
            await asyncio.sleep(0)
            judged.answer = encode(answer(judged))
            if await self._store_order(order, judged):
                return judged.answer
            if key is not None:
                earlier = await self.repeated(caller.account_id, key, sha)
                if earlier is not None:
                    return earlier
            # The money went elsewhere between judging and storing: judge by what is left.
            self._submit.forget_balance(order.account.id)
        raise Conflict(
            "balance_contended",
            "other orders are using up the balance at the same time",
            mend="top up, or send again",
        )

    async def _order(
        self, caller: Caller, request: SendRequest, key: str | None, sha: bytes
    ) -> Order:
        video = None
        if request.video is not None:
            video = await self._videos.for_order(caller, request.video)
        return order_of(self._catalogue, caller, request, key=key, sha=sha, video=video)

    async def _store_order(self, order: Order, judged: Judged) -> bool:
        if order.urgent and judged.batches and not order.not_before:
            stored = await self._dispatcher.commit(judged)
        else:
            stored = await self._submit.store(judged)
        if stored:
            self._submit.sent(judged)
        return stored

    async def dry_run(self, caller: Caller, request: SendRequest, sample: int = 100) -> OrderAnswer:
        """Return what would become of an order. Nothing is stored, nothing is charged."""
        pace = Pace()
        order = await self._order(caller, request, None, b"")
        told = answer(await self._submit.judge(order, dry=True), dry_run=True, lines=sample)
        if MASKED in told.reasons:
            await pace.level()
        return told

    async def repeated(self, account: int, key: str, sha: bytes) -> bytes | None:
        """Return the first answer given for a key, None if the key is new.

        Raises Conflict when the key was used with another body.
        """
        row = await self._store.fetchrow("idempotency_get", account, key)
        if row is None:
            return None
        if row["body_sha256"] != sha:
            raise Conflict(
                "idempotency_key_reused",
                "this key was used with another body",
                field="Idempotency-Key",
                mend="use a new key for a new request",
            )
        return bytes(row["answer"])


def bad_key() -> InvalidInput:
    """Return the error for an idempotency key that is empty or too long."""
    return InvalidInput(
        "bad_idempotency_key",
        f"an idempotency key has 1 to {LONGEST_KEY} characters",
        field="Idempotency-Key",
        mend="use a UUID",
    )
