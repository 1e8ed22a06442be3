"""Audiences and campaigns: an order over many people, judged chunk by chunk.

An upload is stored as chunks of person ids before it is "ready". A running campaign is judged
one chunk at a time, each in one transaction that also advances the campaign's place; so a
crash judges no chunk twice and skips none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import numpy as np

from assent.clock import Clock
from assent.errors import AssentError, Conflict, InvalidInput
from assent.flow.answers import customer_code
from assent.flow.audiences import Audiences, no_audience
from assent.flow.campaign_told import counted, no_campaign, rounded, sample_rows, waiting
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, unpack, unpack_object
from assent.flow.consents import check_key
from assent.flow.ids import BatchIds
from assent.flow.instructions import orderer_of, use_instruction
from assent.flow.needs import Store, Transaction, utc
from assent.flow.number_map import Seen
from assent.flow.order import Judged, repeated
from assent.flow.orders import Resolved
from assent.flow.pages import check_state
from assent.flow.people import Directory
from assent.flow.requests import Caller, CampaignRequest
from assent.flow.submit import Submit
from assent.flow.text_cases import Case
from assent.flow.text_reviews import rejected
from assent.flow.videos import Videos, not_approved
from assent.policy.decide import Verdict
from assent.policy.filing import Relation
from assent.policy.reasons import BY_CODE

CHUNK_ROWS: Final = 8192
Ordered = Callable[[Transaction, int, str, float], Awaitable[None]]


class Campaigns(Audiences):
    """Audiences and campaigns of all accounts. One process also runs :meth:`run`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        catalogue: Catalogue,
        directory: Directory,
        submit: Submit,
        videos: Videos,
    ) -> None:
        super().__init__(store, clock, ids, catalogue, directory)
        self._submit = submit
        self._videos = videos
        self._wake = asyncio.Event()
        self._stopping = False
        self._loading: dict[int, tuple[int, Seen]] = {}  # next chunk, people before it
        self.after_chunk: Callable[[], None] = lambda: None
        self.last_error = ""
        self.ordered: Ordered | None = None

    # Campaigns -----------------------------------------------------------------------------

    async def create(
        self, caller: Caller, request: CampaignRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Start a campaign; return JSON with its id. It is judged in the background, and waits
        where its text does. (long: one statement has many columns)"""
        earlier = await check_key(self._store, caller, key, sha)
        if earlier is not None:
            return earlier
        orderer = await orderer_of(self._store, self._catalogue, caller, request)
        resolved, audience, _, _ = await self._resolve(orderer, request)
        told, text = await self._text_of(resolved)
        await self._ids.reserve(self._store, 1)
        id_ = self._ids.next()
        now = self._clock.now()
        answer = msgspec.json.encode({"id": str(id_), "state": "running", **told})
        async with self._store.transaction() as tx:
            if key is not None and not await tx.fetchval(
                "idempotency_insert", caller.account_id, key, sha, answer, utc(now)
            ):
                raise Conflict(
                    "idempotency_key_in_use",
                    "this key is being used at the same time",
                    field="Idempotency-Key",
                    mend="ask again in a moment",
                )
            await tx.execute(
                "campaign_insert",
                id_,
                orderer.account_id,
                audience,
                resolved.sender.id,
                request.name,
                msgspec.msgpack.encode(request),
                utc(now),
                utc(now),
                resolved.template.id if resolved.template else None,
                text,
            )
            if request.on_behalf_of is not None:
                await use_instruction(tx, caller, request, orderer.account_id, id_, now)
            if self.ordered is not None:
                await self.ordered(tx, id_, resolved.content, now)
            await tx.execute("notify", "campaign", str(id_))
        return answer

    async def _text_of(self, resolved: Resolved) -> tuple[dict[str, Any], int | None]:
        """Return what is told of a campaign's text, and the review that it waits for. Raises
        InvalidInput `text_rejected`."""
        order = resolved.order(*_nobody(), None)
        looked = await self._submit.look(order)
        if not looked.cases or self._submit.keep is None:
            return {}, None
        (case,) = await self._submit.keep(order, looked)
        if case.state == "rejected":
            raise rejected(case, "text")
        return {"text": case.told()}, case.review

    async def _resolve(
        self, caller: Caller, request: CampaignRequest
    ) -> tuple[Resolved, int, Relation, int | None]:
        resolved = await self._named(caller, request)
        try:
            audience_id = int(request.audience)
        except ValueError:
            raise no_audience() from None
        audience = await self._store.fetchrow("audience_get", audience_id, caller.account_id)
        if audience is None:
            raise no_audience()
        if audience["state"] != "ready":
            raise Conflict(
                "audience_not_ready",
                f"the audience is {audience['state']}",
                field="audience",
                mend="wait until it is ready, or upload it again",
            )
        missing = [n for n in resolved.variables if n not in audience["columns"]]
        if missing:
            raise InvalidInput(
                "missing_variable",
                f"the text uses {{{missing[0]}}}, a column the audience lacks",
                field="text",
                mend=f"the audience has: {', '.join(audience['columns']) or 'none'}",
            )
        if resolved.template is not None and resolved.variables:
            for number in range(await self._store.fetchval("audience_chunks", audience_id)):
                await self._check_chunk(resolved, audience_id, number)
                await asyncio.sleep(0)
        built = None if audience["built"] is None else audience["rows"]  # what is told of it
        return resolved, audience_id, Relation(audience["relation"]), built

    async def _check_chunk(self, resolved: Resolved, audience_id: int, number: int) -> None:
        """Raise InvalidInput for values of a chunk that the template's types do not take."""
        chunk = await self._store.fetchrow("audience_chunk_get", audience_id, number)
        if chunk is not None and chunk["variables"]:
            rows = unpack(chunk["rows"], U32)
            columns = unpack_object(chunk["variables"])
            resolved.check(columns, lambda row, name: f"audience.rows[{rows[row]}].{name}")

    async def _named(
        self, caller: Caller, request: CampaignRequest, version: int | None = None
    ) -> Resolved:
        """Return what a request names. A video has to be approved by now: nobody is judged by a
        campaign of which nothing could leave. `version`: of the template, as it was ordered."""
        video = None
        if request.video is not None:
            video = await self._videos.for_order(caller, request.video)
            if video.state != "approved":
                raise not_approved(video.state)
        return Resolved(self._catalogue, caller, request, video, version)

    async def dry_run(
        self, caller: Caller, request: CampaignRequest, sample: int
    ) -> dict[str, Any]:
        """Judge the whole audience as of now; nothing is stored or charged."""
        orderer = await orderer_of(self._store, self._catalogue, caller, request)
        resolved, audience_id, relation, built = await self._resolve(orderer, request)
        total = await self._store.fetchval("audience_chunks", audience_id)
        sums: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        samples: dict[str, list[int]] = {}
        restrictions: dict[str, Any] = {}
        seen = Seen()
        for number in range(total):
            judged = await self._judge(resolved, audience_id, relation, number, seen, None)
            sums.update(
                receivers=judged.n,
                allowed=judged.allowed,
                cost_micro=judged.cost,
                segments=int(judged.segments[judged.verdict == Verdict.ALLOW].sum()),
                deferred=int((judged.defer_until > 0).sum()),
            )
            reasons.update(judged.customer_reasons)
            restrictions |= {one["id"]: one for one in judged.restrictions}
            sample_rows(judged, samples, sample)
        fields = ("receivers", "allowed", "cost_micro", "segments", "deferred")
        told = {
            "dry_run": True,
            **{field: sums[field] for field in fields},
            "rejected": sums["receivers"] - sums["allowed"],
            "reasons": dict(reasons),
            "samples": samples,
            "restrictions": list(restrictions.values()),
        }
        return told if built is None else rounded(told, built)

    async def _judge(
        self,
        resolved: Resolved,
        audience_id: int,
        relation: Relation,
        number: int,
        seen: Seen,
        campaign_id: int | None,
    ) -> Judged:
        chunk = await self._store.fetchrow("audience_chunk_get", audience_id, number)
        assert chunk is not None, "chunks are counted before they are read"
        people = unpack(chunk["people"], U32)
        again = repeated(people) | seen.add(people)
        variables = unpack_object(chunk["variables"]) if chunk["variables"] else None
        used = resolved.variables
        order = resolved.order(
            await self._directory.msisdns(self._store, people),
            np.zeros(len(people), np.uint8),
            unpack(chunk["rows"], U32),
            {name: variables[name] for name in used} if variables and used else None,
            people=people,
            duplicates=again,
            relation=relation,
            campaign_id=campaign_id,
        )
        return await self._submit.judge(order, dry=campaign_id is None)

    # Running -------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be a campaign to run."""
        self._wake.set()

    def stop(self) -> None:
        """End after the current chunk."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Judge due campaigns chunk by chunk, taking turns, until :meth:`stop`."""
        while not self._stopping:
            busy = False
            try:
                busy = await self.step()
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(0.5)
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 1.0)
                self._wake.clear()

    async def step(self) -> bool:
        """Judge one chunk of every due campaign; return whether there was any."""
        busy = False
        for row in await self._store.fetch("campaign_due", utc(self._clock.now())):
            busy |= await self._next_chunk(row)
            self.after_chunk()
            await asyncio.sleep(0)
        return busy

    async def _next_chunk(self, row: Any) -> bool:
        """Judge the next chunk of a campaign; False: it waits for a restriction to be lifted.
        (long: a chunk may wait for so many things)"""
        id_, number = row["id"], row["chunk"]
        total = await self._store.fetchval("audience_chunks", row["audience_id"])
        if number >= total:
            await self._store.execute("campaign_done", id_)
            self._loading.pop(id_, None)
            return True
        request = msgspec.msgpack.decode(row["request"], type=CampaignRequest)
        caller = Caller(row["account_id"], frozenset(), False, 0)
        try:
            resolved = await self._named(caller, request, row["template_id"])
            await self._check_chunk(resolved, row["audience_id"], number)
        except InvalidInput:
            # The sender, port, account, a version of a template, a host or a video's approval is
            # gone since: a person must look; nothing goes out.
            await self._store.fetchval("campaign_set_state", id_, row["account_id"], "paused")
            return True
        if await self._submit.waits(resolved.order(*_nobody(), None)):
            return False
        # Kept only when the chunk is stored for certain; else it is read again.
        place, seen = self._loading.pop(id_, (-1, Seen()))
        if place != number:
            seen = await self._seen(row["audience_id"], number)
        relation = Relation(row["relation"])
        judged = await self._judge(resolved, row["audience_id"], relation, number, seen, id_)
        whole = next((case for case in judged.cases if case.kind != "values"), None)
        if whole is not None:
            await self._text_stops(id_, whole)
            return True

        async def also(tx: Transaction) -> bool:
            if not await tx.fetchval("campaign_hold", id_, number):
                return False
            await tx.execute("campaign_advance", id_)
            return True

        judged.also = also
        if await self._submit.store(judged):
            self._loading[id_] = (number + 1, seen)
        return True

    async def _text_stops(self, campaign: int, case: Case) -> None:
        """Have a campaign wait for the review of its text, or end where that was turned down."""
        async with self._store.transaction() as tx:
            if case.state == "rejected":
                await tx.execute("campaign_text_rejected", campaign)
                await tx.execute("notify", "campaign", str(campaign))
            else:
                await tx.fetch("campaign_waits_for_text", campaign, case.review)

    async def _seen(self, audience_id: int, before: int) -> Seen:
        """Return the people of earlier chunks, for finding numbers that stand twice."""
        seen = Seen()
        for number in range(before):
            chunk = await self._store.fetchrow("audience_chunk_get", audience_id, number)
            if chunk is not None:
                seen.add(unpack(chunk["people"], U32))
        return seen

    # Looking -------------------------------------------------------------------------------

    async def progress(self, caller: Caller, campaign_id: int) -> dict[str, Any]:
        """Return what a campaign came to so far. Raises NotFound."""
        row = await self._store.fetchrow("campaign_get", campaign_id, caller.account_id)
        if row is None:
            raise no_campaign()
        sums: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for submission in await self._store.fetch("campaign_submissions", campaign_id):
            sums.update(
                judged=submission["n"],
                allowed=submission["allowed"],
                cost_micro=submission["cost"],
            )
            for code, count in msgspec.json.decode(submission["reasons"]).items():
                reason = BY_CODE[code]
                reasons[customer_code(reason.number)] += count
        return {
            "id": str(row["id"]),
            "name": row["name"],
            "state": row["state"],
            "audience": str(row["audience_id"]),
            "receivers": row["rows"] - row["wrong"],
            "wrong": row["wrong"],
            "judged": sums["judged"],
            "allowed": sums["allowed"],
            "rejected": sums["judged"] - sums["allowed"],
            "cost_micro": sums["cost_micro"],
            "reasons": dict(reasons),
            "states": await counted(self._store, campaign_id),
            **await waiting(self._store, campaign_id),
            "instruction": str(row["instruction_id"]) if row["instruction_id"] else None,
            "text": str(row["text_review_id"]) if row["text_review_id"] else None,
        }

    async def set_state(self, caller: Caller, campaign_id: int, state: str) -> dict[str, Any]:
        """Pause, resume or stop; stopping is for good and cancels what is not sent."""
        if state not in ("running", "paused", "stopped"):
            raise InvalidInput(
                "bad_state", "no such state", field="state", mend="use pause, resume or stop"
            )
        async with self._store.transaction() as tx:
            await check_state(tx, campaign_id, caller.account_id, state)
            changed = await tx.fetchval("campaign_set_state", campaign_id, caller.account_id, state)
            if changed is None:
                if await tx.fetchrow("campaign_get", campaign_id, caller.account_id) is None:
                    raise no_campaign()
                raise Conflict(
                    "campaign_stopped",
                    "the campaign was stopped for good",
                    field="state",
                    mend="make a new campaign",
                )
            await tx.execute("campaign_hold_queue", campaign_id, state != "running")
            await tx.execute("notify", "campaign", str(campaign_id))
        return await self.progress(caller, campaign_id)


def _nobody() -> tuple[Any, Any, Any]:
    return np.zeros(0, np.uint64), np.zeros(0, np.uint8), np.zeros(0, np.uint32)
