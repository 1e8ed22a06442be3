"""The sandbox: the rooms of an order for keys that must never send.

A sandbox key never comes near a carrier, a person or a real table: everything here lives in
this process's memory, within bounds, and is gone when it ends. Messages have no timers; where
one stands follows from the clock when somebody asks. Requests and answers have the shape of
the real ones; senders, ports and programmes may have any name.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.answers import OrderAnswer, encode
from assent.flow.magic_numbers import parse_with_magic
from assent.flow.requests import (
    Caller,
    CampaignRequest,
    ConsentImport,
    RefusalRequest,
    SendRequest,
)
from assent.flow.sandbox_book import Audience, Book, Campaign
from assent.flow.sandbox_order import Road, judge, receivers_of
from assent.flow.sandbox_videos import NoVideos
from assent.numbers import FAULT_WORDS, Fault
from assent.policy.filing import Relation

MOST_ACCOUNTS: Final = 1_000
MOST_AUDIENCE_ROWS: Final = 10_000
_FAULTS_A_PAGE: Final = 1_000

Found = TypeVar("Found")


class Sandbox:
    """All sandbox accounts. Its rooms are itself in five roles; it has no videos. `road`: what
    texts are counted by, so that the sandbox tells the segments that the real road would."""

    def __init__(self, clock: Clock, road: Road | None = None) -> None:
        self.clock = clock
        self._road = road
        self._books: OrderedDict[int, Book] = OrderedDict()
        self._audience_owner: OrderedDict[int, int] = OrderedDict()
        self.sending = _Sending(self)
        self.campaigns = _Campaigns(self)
        self.consents = _Consents(self)
        self.refusals = _Refusals(self)
        self.status = _Status(self)
        self.videos = NoVideos()

    def book(self, account_id: int) -> Book:
        """Return an account's book, with everything in it that is due by now."""
        book = self._books.get(account_id)
        if book is None:
            book = self._books[account_id] = Book(self.clock, self._road)
            if len(self._books) > MOST_ACCOUNTS:
                self._books.popitem(last=False)
        self._books.move_to_end(account_id)
        book.settle()
        return book

    def own(self, audience_id: int, account_id: int) -> None:
        """Note whose audience is being loaded."""
        self._audience_owner[audience_id] = account_id
        if len(self._audience_owner) > MOST_ACCOUNTS:
            self._audience_owner.popitem(last=False)

    def loading(self, audience_id: int) -> Audience:
        """Return an audience that is being loaded. Raises NotFound when it was pushed out."""
        book = self._books.get(self._audience_owner.get(audience_id, -1))
        return _found(book.audiences.get(audience_id) if book else None, "audience")


class _Sending:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def send(
        self, caller: Caller, request: SendRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Accept an order that will be acted out."""
        book = self._sandbox.book(caller.account_id)
        earlier = book.repeated(key, sha)
        if earlier is not None:
            return earlier
        judged = judge(book, request, receivers_of(request))
        book.accept(judged)
        return book.remember(key, sha, encode(judged.answer()))

    async def dry_run(self, caller: Caller, request: SendRequest, sample: int = 100) -> OrderAnswer:
        """Tell what :meth:`send` would answer."""
        book = self._sandbox.book(caller.account_id)
        return judge(book, request, receivers_of(request)).answer(dry_run=True, lines=sample)


class _Campaigns:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create_audience(
        self,
        caller: Caller,
        name: str,
        statement: str,
        relation: Relation = Relation.UNSTATED,
    ) -> int:
        """Begin an audience."""
        book = self._sandbox.book(caller.account_id)
        audience = Audience(book.new_id(), name, statement, relation)
        book.audiences.put(audience.id, audience)
        self._sandbox.own(audience.id, caller.account_id)
        return audience.id

    async def add_chunk(
        self, audience_id: int, number: int, rows: npt.NDArray[np.uint32],
        numbers: npt.NDArray[np.uint64], faults: npt.NDArray[np.uint8],
        variables: dict[str, list[str]] | None,
    ) -> None:  # fmt: skip
        """Keep rows; magic numbers, which no network has, count as right."""
        audience = self._sandbox.loading(audience_id)
        if len(audience.rows) + len(rows) > MOST_AUDIENCE_ROWS:
            raise InvalidInput(
                "sandbox_audience", f"a sandbox audience has at most {MOST_AUDIENCE_ROWS} rows",
                field="file", rule="http-api: sandbox", mend="try a part of it",
            )  # fmt: skip
        audience.add(rows, numbers, faults, variables)

    async def finish_audience(self, audience_id: int, columns: list[str]) -> None:
        """Make an audience usable."""
        audience = self._sandbox.loading(audience_id)
        audience.state, audience.columns = "ready", columns

    async def fail_audience(self, audience_id: int) -> None:
        """Give an audience up."""
        audience = self._sandbox.loading(audience_id)
        audience.fail()

    async def audience(self, caller: Caller, audience_id: int) -> dict[str, Any]:
        """Return an audience's state and counts."""
        book = self._sandbox.book(caller.account_id)
        return _found(book.audiences.get(audience_id), "audience").shown()

    async def faults(self, caller: Caller, audience_id: int, cursor: int) -> dict[str, Any]:
        """Return a page of wrong rows."""
        book = self._sandbox.book(caller.account_id)
        wrong = _found(book.audiences.get(audience_id), "audience").wrong
        page = wrong[cursor : cursor + _FAULTS_A_PAGE]
        end = cursor + len(page)
        items = [_fault_line(row, fault) for row, fault in page]
        return {"items": items, "cursor": end if end < len(wrong) else None}

    async def dry_run(
        self, caller: Caller, request: CampaignRequest, sample: int
    ) -> dict[str, Any]:
        """Judge an audience."""
        book = self._sandbox.book(caller.account_id)
        judged = judge(book, request, self._audience(book, request).receivers(request.text or ""))
        samples: dict[str, list[int]] = {}
        for line in judged.lines:
            if line.reason and len(samples.setdefault(line.reason, [])) < sample:
                samples[line.reason].append(line.row)
        answer = judged.answer()
        return {
            "dry_run": True,
            "receivers": answer.receivers,
            "allowed": answer.allowed,
            "cost_micro": answer.cost_micro,
            "segments": answer.segments,
            "deferred": sum(line.not_before is not None for line in judged.lines),
            "rejected": answer.rejected,
            "reasons": answer.reasons,
            "samples": samples,
        }

    async def create(
        self, caller: Caller, request: CampaignRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Accept a campaign that will be acted out."""
        book = self._sandbox.book(caller.account_id)
        earlier = book.repeated(key, sha)
        if earlier is not None:
            return earlier
        audience = self._audience(book, request)
        judged = judge(book, request, audience.receivers(request.text or ""))
        campaign = Campaign(book.new_id(), request.name, audience, judged.answer())
        campaign.messages = book.accept(judged, campaign.id)
        book.campaigns.put(campaign.id, campaign)
        answer = msgspec.json.encode({"id": str(campaign.id), "state": "running"})
        return book.remember(key, sha, answer)

    @staticmethod
    def _audience(book: Book, request: CampaignRequest) -> Audience:
        if request.on_behalf_of is not None or request.instruction is not None:
            raise NotAllowed(
                "sandbox_key", "a sandbox key orders for nobody else", field="on_behalf_of",
                rule="audiences: instructions", mend="leave it out, or use a real key of staff",
            )  # fmt: skip
        number = int(request.audience) if request.audience.isdecimal() else -1
        audience = _found(book.audiences.get(number), "audience")
        if audience.state != "ready":
            raise Conflict(
                "audience_not_ready", f"the audience is {audience.state}", field="audience",
                mend="wait until it is ready, or upload it again",
            )  # fmt: skip
        return audience

    async def progress(self, caller: Caller, campaign_id: int) -> dict[str, Any]:
        """Return how far a campaign is."""
        book = self._sandbox.book(caller.account_id)
        campaign = _found(book.campaigns.get(campaign_id), "campaign")
        return campaign.shown(self._sandbox.clock.now())

    async def set_state(self, caller: Caller, campaign_id: int, state: str) -> dict[str, Any]:
        """Pause, resume or stop a campaign."""
        book = self._sandbox.book(caller.account_id)
        campaign = _found(book.campaigns.get(campaign_id), "campaign")
        if campaign.state == "stopped":
            raise Conflict(
                "campaign_stopped", "the campaign was stopped for good", field="state",
                mend="make a new campaign",
            )  # fmt: skip
        campaign.steer(state, self._sandbox.clock.now())
        return campaign.shown(self._sandbox.clock.now())


class _Consents:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def import_rows(
        self, caller: Caller, request: ConsentImport, *, key: str | None, sha: bytes
    ) -> bytes:
        """Take note of consents: whoever refused in the sandbox may be written to again."""
        book = self._sandbox.book(caller.account_id)
        earlier = book.repeated(key, sha)
        if earlier is not None:
            return earlier
        now = self._sandbox.clock.now()
        faults = _faults([row.to for row in request.consents])
        for place, row in enumerate(request.consents):
            if row.at.tzinfo is None:
                raise InvalidInput(
                    "time_without_zone", "a time has no zone", field=f"consents[{place}].at",
                    mend="write it like 2026-11-22T10:00:00+08:00",
                )  # fmt: skip
            if place not in faults and row.at.timestamp() > now:
                faults[place] = {
                    "row": place, "code": "future", "reason": "the time is in the future"
                }  # fmt: skip
        good = [row.to for place, row in enumerate(request.consents) if place not in faults]
        book.forgive(parse_with_magic(good).msisdn.tolist())
        more = {"imports": [{"id": "0", "state": "taken"}]}
        return book.remember(key, sha, _import_answer(len(good), faults, more))


class _Refusals:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def refuse(
        self, caller: Caller, request: RefusalRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Take note of refusals: marketing to these people has no standing then."""
        book = self._sandbox.book(caller.account_id)
        earlier = book.repeated(key, sha)
        if earlier is not None:
            return earlier
        faults = _faults(request.to)
        good = [to for place, to in enumerate(request.to) if place not in faults]
        for number in parse_with_magic(good).msisdn.tolist():
            book.refuse(number)
        return book.remember(key, sha, _import_answer(len(good), faults))


class _Status:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def message(self, caller: Caller, message_id: int) -> Mapping[str, Any]:
        """Return where a message stands."""
        book = self._sandbox.book(caller.account_id)
        message = _found(book.messages.get(message_id), "message")
        return message.shown(self._sandbox.clock.now())

    async def submission(self, caller: Caller, submission_id: int) -> Mapping[str, Any]:
        """Return where the messages of an order stand."""
        book = self._sandbox.book(caller.account_id)
        order = _found(book.orders.get(submission_id), "order")
        now = self._sandbox.clock.now()
        kept = (book.messages.get(id_) for id_ in order.messages)
        states = Counter(one.state(now).name.lower() for one in kept if one is not None)
        return {**order.facts, "states": dict(states)}

    async def balance(self, caller: Caller) -> Mapping[str, Any]:
        """Return the sandbox's play money."""
        book = self._sandbox.book(caller.account_id)
        return {"available_micro": book.balance, "currency": "CNY"}

    async def feed(self, caller: Caller, kind: str, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return receipts or replies after a cursor."""
        return self._sandbox.book(caller.account_id).feeds[kind].page(cursor, limit)


def _found(thing: Found | None, word: str) -> Found:
    if thing is None:
        raise NotFound(
            f"no_{word}", f"there is no such {word} in the sandbox", field="id",
            rule="http-api: sandbox",
            mend="use an id that the sandbox returned; it forgets the oldest",
        )  # fmt: skip
    return thing


def _faults(values: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Return the faults of numbers by their place; magic numbers have none."""
    faults = parse_with_magic(values).fault
    places = np.flatnonzero(faults).tolist()
    return {place: _fault_line(place, int(faults[place])) for place in places}


def _fault_line(row: int, fault: int) -> dict[str, Any]:
    return {"row": row, "code": Fault(fault).name.lower(), "reason": FAULT_WORDS[Fault(fault)].en}


def _import_answer(
    accepted: int, faults: Mapping[int, dict[str, Any]], more: Mapping[str, Any] | None = None
) -> bytes:
    lines = [faults[place] for place in sorted(faults)]
    return msgspec.json.encode(
        {"accepted": accepted, "refused": len(lines), "faults": lines[:1000], **(more or {})}
    )
