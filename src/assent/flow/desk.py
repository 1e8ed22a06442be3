"""The review desk: what waits for a person, questions and answers, and decisions.

open → asked ⇄ open → approved or refused; where two must agree, open → second → approved. One
person may refuse. What follows from a decision is plugged in by kind (matters.py) and done in the
same transaction; a decision that is told again by the same person changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow import mails
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.columns import pack_object
from assent.flow.desk_told import item_told, threads
from assent.flow.matters import OPEN, TERM_DAYS, Item, Matter, open_item, withdraw_item
from assent.flow.needs import Store, Transaction, utc
from assent.flow.requests import Caller, ReviewDecision, ReviewWords
from assent.flow.staff import check_not_own, check_staff, keep_act, same_person
from assent.flow.tidings import Tidings
from assent.registry.calendar import Calendar
from assent.registry.decisions import BY_CODE

__all__ = ["Desk", "Matter", "open_item", "withdraw_item"]

LONGEST_WORDS: Final = 2_000
_WITHDRAWN: Final = "withdrawn"


class Desk:
    """All items. `calendar` and `days`: how many working days a decision may take. `tidings`: how
    the people of an account are told of questions and decisions; None: they look."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        calendar: Calendar | None = None,
        days: int = TERM_DAYS,
        tidings: Tidings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self.calendar = calendar or Calendar()
        self.days = days
        self._tidings = tidings
        self._matters: dict[str, Matter] = {}

    def plug(self, matter: Matter) -> None:
        """Take on a kind of items. Each kind has one matter."""
        if not matter.kind or matter.kind in self._matters:
            raise ValueError(f"a second matter for {matter.kind!r}")
        self._matters[matter.kind] = matter

    async def open(self, tx: Transaction, kind: str, subject: int, **more: Any) -> int:
        """Put something up, due by this desk's calendar; `more` as :func:`open_item` takes it."""
        return await open_item(
            tx,
            kind,
            subject,
            **{"at": self._clock.now(), "calendar": self.calendar, "days": self.days, **more},
        )

    # Staff -----------------------------------------------------------------------------------

    async def queue(
        self,
        caller: Caller,
        kind: str | None = None,
        state: str | None = None,
        cursor: str = "",
        limit: int = 100,
    ) -> dict[str, Any]:
        """Return what waits, most urgent first, after a cursor. For reviewers."""
        self._check(caller)
        after, number = _place(cursor)
        rows = await self._store.fetch("review_items_open", kind, state, after, number, limit)
        now = self._clock.now()
        last = rows[-1] if rows else None
        return {
            "items": [item_told(row, now) for row in rows],
            "cursor": cursor if last is None else f"{last['due_at'].timestamp()!r}/{last['id']}",
            "more": len(rows) == limit,
        }

    async def show(self, caller: Caller, item_id: int) -> dict[str, Any]:
        """Return an item with what a reviewer has to see, and what was said. For reviewers and
        auditors."""
        self._check(caller, "review", "second_review", "audit")
        row = await self._store.fetchrow("review_item_get", item_id)
        if row is None:
            raise no_item()
        item = Item.of(row)
        matter = self._matters.get(item.kind)
        now = self._clock.now()
        about = {} if matter is None else await matter.told(self._store, item, now)
        words = await threads(self._store, [item.id], inside=True)
        return {**item_told(row, now), "subject": dict(about), "thread": words[item.id]}

    async def ask(self, caller: Caller, item_id: int, request: ReviewWords) -> dict[str, Any]:
        """Ask the customer something. Raises Conflict for an item that is decided, or that nobody
        outside stands behind."""
        self._check(caller)
        words = _checked(request.words)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            item = await self._held(tx, item_id)
            if item.account_id is None:
                raise Conflict(
                    "nobody_to_ask", "no customer stands behind this item", field="id",
                    mend="decide it, or ask whoever opened it",
                )  # fmt: skip
            await tx.execute("review_item_asked", item.id, "asked")
            await _say(tx, item, caller, at, "ask", words=words)
            await keep_act(
                tx, caller, at, "review.ask", _subject(item), {"state": item.state},
                {"state": "asked"},
            )  # fmt: skip
            await _event(tx, item, at, "asked")
            await self._mail(tx, item, mails.asked(item.kind, str(item.id)))
        return await self.show(caller, item_id)

    async def decide(
        self,
        caller: Caller,
        item_id: int,
        request: ReviewDecision,
        before: Callable[[Transaction, Item], Awaitable[None]] | None = None,
    ) -> dict[str, Any]:
        """Approve or refuse an item; return it as it stands now. `before`: what else is done first,
        in the same transaction, unless this decision stands already.

        Where two must agree, the first approval makes it wait for a second person, who needs the
        scope `second_review` (or `review`) and must be another one. Raises NotAllowed for the same
        person twice and for who acts for the customer, Conflict for what is decided or cannot be
        approved.
        """
        self._check(caller)
        ground = BY_CODE.get(request.code)
        if ground is None or ground.verdict != request.verdict or ground.code == _WITHDRAWN:
            raise _no_ground(request.verdict)
        words = _checked(request.words, needed=False)
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("review_item_hold", item_id)
            if row is None:
                raise no_item()
            item = Item.of(row)
            if not _again(item, caller, request):
                _check_open(item)
                await check_not_own(tx, caller, item.account_id, item.entity_id)
                if before is not None:
                    await before(tx, item)
                    item = await self._held(tx, item_id)
                await self._decide(tx, item, caller, request, words)
        return await self.show(caller, item_id)

    async def _decide(
        self, tx: Transaction, item: Item, caller: Caller, request: ReviewDecision, words: str
    ) -> None:
        at = self._clock.now()
        matter = self._matters.get(item.kind)
        if matter is None:
            raise Conflict(
                "no_matter", "nothing is known of what follows from a decision about this",
                field="id", mend="report this: a room opened an item and plugged in no matter",
            )  # fmt: skip
        await matter.check(tx, item, caller)
        if request.verdict == "refuse":
            changed = await matter.refuse(tx, item, caller, at, request.code)
            await self._end(tx, item, caller, at, request, words, "refused", changed)
            return
        needed = max(item.reviewers, await matter.reviewers(tx, item, at))
        if needed > 1 and item.first is None:
            await self._first(tx, item, caller, at, request, words)
            return
        if item.first is not None and same_person(item.first, (caller.key_id, caller.actor_id)):
            raise NotAllowed(
                "same_person", "you agreed already; another person must agree as well",
                field="Authorization", rule="admission: two persons",
                mend="have a second reviewer look at it",
            )  # fmt: skip
        changed = await matter.approve(tx, item, caller, at)
        await self._end(tx, item, caller, at, request, words, "approved", changed)

    async def _first(
        self, tx: Transaction, item: Item, caller: Caller, at: float, request: ReviewDecision,
        words: str,
    ) -> None:  # fmt: skip
        if "review" not in caller.scopes:
            raise NotAllowed(
                "second_only", "a second reviewer agrees after a first one", field="Authorization",
                rule="admission: two persons", mend="have a reviewer look at it first",
            )  # fmt: skip
        due = utc(self.calendar.after(at, self.days))
        await tx.execute("review_item_first", item.id, caller.key_id, caller.actor_id, utc(at), due)
        await _say(tx, item, caller, at, "approve", request.code, words)
        await self._matters[item.kind].said(tx, item, caller, at, request)
        before, after = {"state": item.state}, {"state": "second", "code": request.code}
        await keep_act(tx, caller, at, "review.approve", _subject(item), before, after)
        await _event(tx, item, at, "second")

    async def _end(
        self, tx: Transaction, item: Item, caller: Caller, at: float, request: ReviewDecision,
        words: str, state: str, changed: Mapping[str, Any],
    ) -> None:  # fmt: skip
        verb = request.verdict
        who = (caller.key_id, caller.actor_id)
        # A matter may know the ground better: what was seen as a scan only is provisional.
        code = str(changed.get("code", request.code))
        await tx.execute("review_item_decided", item.id, state, *who, utc(at), code)
        await _say(tx, item, caller, at, verb, code, words)
        await self._matters[item.kind].said(tx, item, caller, at, request)
        before = {"state": item.state, "first": item.first}
        after = {"state": state, "code": code, **changed}
        await keep_act(tx, caller, at, f"review.{verb}", _subject(item), before, after)
        await _event(tx, item, at, state)
        await self._mail(tx, item, mails.decided(item.kind, str(item.id), BY_CODE[code]))
        await tx.execute("notify", CHANNEL, "")

    async def _mail(self, tx: Transaction, item: Item, mail: tuple[str, str]) -> None:
        """Tell the people of the account behind an item. What was said stays here: words of
        reviewers may name persons."""
        if self._tidings is not None and item.account_id is not None:
            await self._tidings.tell(tx, item.account_id, mail)

    async def _held(self, tx: Transaction, item_id: int) -> Item:
        row = await tx.fetchrow("review_item_hold", item_id)
        if row is None:
            raise no_item()
        item = Item.of(row)
        _check_open(item)
        return item

    def _check(self, caller: Caller, *scopes: str) -> None:
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(scopes or ("review", "second_review")):
            raise NotAllowed(
                "missing_scope", "only reviewers may do this", field="Authorization",
                rule="http-api: keys", mend="use a key with the scope review",
            )  # fmt: skip

    # Customers -------------------------------------------------------------------------------

    async def items_of(self, account: int, limit: int = 200) -> list[dict[str, Any]]:
        """Return the items of an account as its people may see them, newest first."""
        rows = await self._store.fetch("review_items_of", account, limit)
        words = await threads(self._store, [row["id"] for row in rows], inside=False)
        now = self._clock.now()
        return [{**item_told(row, now, inside=False), "thread": words[row["id"]]} for row in rows]

    async def answer(self, caller: Caller, item_id: int, request: ReviewWords) -> None:
        """Keep a customer's words about an item of its own. Raises NotFound for another's."""
        words = _checked(request.words)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("review_item_hold", item_id)
            if row is None or row["account_id"] != caller.account_id:
                raise no_item()
            item = Item.of(row)
            _check_open(item)
            if item.state == "asked":
                await tx.execute("review_item_asked", item.id, "open")
            await _say(tx, item, caller, at, "answer", words=words)
            await _event(tx, item, at, "answered")


def _again(item: Item, caller: Caller, request: ReviewDecision) -> bool:
    """Whether a decision that stands is told once more by the person who made it."""
    state = {"approve": "approved", "refuse": "refused"}[request.verdict]
    who = (caller.key_id, caller.actor_id)
    same = request.verdict == "approve" or item.code == request.code
    return same and (item.state, item.last) == (state, who)


async def _say(
    tx: Transaction, item: Item, caller: Caller, at: float, verb: str, code: str = "",
    words: str = "",
) -> None:  # fmt: skip
    who = (caller.account_id, caller.key_id, caller.actor_id)
    await tx.execute("review_word_insert", item.id, utc(at), verb, *who, code, words)


async def _event(tx: Transaction, item: Item, at: float, state: str) -> None:
    told = pack_object({"item": item.id, "kind": item.kind, "state": state})
    await tx.execute("event_insert", utc(at), "review", item.account_id, item.id, told)


def _subject(item: Item) -> str:
    return f"{item.kind}/{item.subject}"


def _check_open(item: Item) -> None:
    if item.state not in OPEN:
        raise Conflict(
            "item_decided", f"this is {item.state} already", field="id",
            mend="see who decided it and why; a new application opens a new item",
            details={"state": item.state, "code": item.code},
        )  # fmt: skip


def _checked(words: str, *, needed: bool = True) -> str:
    words = words.strip()
    if (needed and not words) or len(words) > LONGEST_WORDS:
        raise InvalidInput(
            "words", f"the words are missing or longer than {LONGEST_WORDS} characters",
            field="words", mend="write what is asked or answered",
        )  # fmt: skip
    return words


def _place(cursor: str) -> tuple[datetime, int]:
    if not cursor:
        return utc(0.0), 0
    try:
        seconds, number = cursor.split("/")
        return utc(float(seconds)), int(number)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            "cursor", "this is no cursor of the queue", field="cursor",
            mend="give the cursor of the page before",
        ) from None  # fmt: skip


def _no_ground(verdict: str) -> InvalidInput:
    known = [g.code for g in BY_CODE.values() if g.verdict == verdict and g.code != _WITHDRAWN]
    return InvalidInput(
        "no_such_ground", f"there is no such ground to {verdict}", field="code",
        rule="admission: decisions", mend=f"use one of {', '.join(known)}",
    )  # fmt: skip


def no_item() -> NotFound:
    """Return the error for an item that is not there for who asks."""
    return NotFound("no_item", "there is no such item", field="id", mend="see the list of items")
