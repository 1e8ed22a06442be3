"""From what customers' links handed in to orders: put together, grouped, judged, stored.

A submit's row goes in the transaction that stores what became of it, and only if it is still this
process's: so each is judged once, whoever dies meanwhile. Messages of one link, port, template (or
text) and time are one order; a person stands in it once. Codes do not wait for anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from assent.clock import Clock
from assent.errors import AssentError, InvalidInput, NotAllowed, NotFound, Unavailable
from assent.flow.abreast import abreast
from assent.flow.catalogue import Catalogue
from assent.flow.customers import CustomerLink, Part, Wanted
from assent.flow.dispatch import Dispatcher
from assent.flow.handed import RAW, Waiting, Whole
from assent.flow.linked import Group, Receiver, batches_of, order_of, rejected
from assent.flow.matching import Matched, match
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.parcels import INCOMPLETE, NOT_ORDERED, REPEATED, receipt_item, store_parcels
from assent.flow.submit import Submit
from assent.message import Purpose
from assent.text import Alphabet, Assembled, Reassembler, decode

PATIENCE_S: Final = 300.0
"""How long the parts of a message may take (DESIGN.md, "Customers' links")."""
GATHER_S: Final = 0.02
"""How long messages that are no codes are gathered before they are judged together."""
MOST_PARTS: Final = 10_000
"""Parts of incomplete messages that are kept for one login; past it its oldest are given up."""
_MOST: Final = 1_000
_MOST_IDS: Final = 255  # of one message, in `link_batch.parts`
_TRIES: Final = 3
_AGAIN_S: Final = 0.2
_REFUSED: Final = (InvalidInput, NotAllowed, NotFound)

_Key = tuple[int, str, int, str, str, "float | None", "float | None"]


@dataclass(slots=True)
class _Lane:
    """Messages that wait for their turn."""

    whole: list[Whole]
    wake: asyncio.Event
    gather_s: float


@dataclass(frozen=True, slots=True)
class _Over:
    """A piece that becomes no message, and how that is told."""

    piece: Waiting
    stat: str
    error: int


class Judging:
    """Judges what links handed in. Run :meth:`run` as a task; `add` gives it work."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        catalogue: Catalogue,
        submit: Submit,
        dispatcher: Dispatcher,
        refusal_wording: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._catalogue = catalogue
        self._submit = submit
        self._dispatcher = dispatcher
        self._refusal = refusal_wording
        self._parts: dict[int, Reassembler[Waiting]] = {}  # by link: none can push out another's
        self._codes = _Lane([], asyncio.Event(), 0.0)
        self._rest = _Lane([], asyncio.Event(), GATHER_S)
        self._over: list[_Over] = []
        self._links: dict[int, CustomerLink] = {}
        self._busy = 0
        self._stopping = False
        self.judged = 0
        self.rejected = 0
        self.incomplete = 0
        self.last_error = ""

    def know(self, links: Iterable[CustomerLink]) -> None:
        """Take the logins there are."""
        self._links = {link.id: link for link in links}

    def backlog(self) -> int:
        """How many messages wait to be judged."""
        waiting = len(self._codes.whole) + len(self._rest.whole) + len(self._over)
        return waiting + self._busy

    # Putting together ----------------------------------------------------------------------

    def add(self, waiting: list[Waiting]) -> None:
        """Take stored submits."""
        for one in waiting:
            piece = one.piece
            if piece.part is None or piece.part[1] == 1:  # whole, whatever its reference
                self._queue(Whole([one], _text_of(one)))
                continue
            parts = self._parts.get(one.link_id)
            if parts is None:
                parts = self._parts[one.link_id] = Reassembler(PATIENCE_S, MOST_PARTS)
            finished, repeated = parts.add(
                piece.source,
                ",".join([*map(str, piece.people), *piece.raw]),
                piece.part,
                Alphabet(piece.alphabet),
                piece.content,
                one,
                one.at,  # not now: what was taken over does not begin to wait anew
            )
            if repeated:
                self._end([one], "REJECTD", REPEATED)
            for message in finished:
                self._finished(message)

    def _finished(self, message: Assembled[Waiting]) -> None:
        if not message.complete:
            self.incomplete += 1
            self._end(message.tags, "EXPIRED", INCOMPLETE)
            return
        text = message.text(seven_bit=message.tags[0].piece.seven_bit)
        pieces, surplus = _within(message.tags)
        if surplus:
            self._end(surplus, "REJECTD", REPEATED)
        self._queue(Whole(pieces, text))

    def _end(self, pieces: list[Waiting], stat: str, error: int) -> None:
        """These pieces become no message."""
        self._over += [_Over(one, stat, error) for one in pieces]
        self._rest.wake.set()

    def _queue(self, whole: Whole) -> None:
        account = self._account(whole.pieces[0])
        ports = self._catalogue.ports_held(account, whole.first.source)
        code = bool(ports) and ports[0].purpose is Purpose.VERIFICATION
        lane = self._codes if code else self._rest
        lane.whole.append(whole)
        lane.wake.set()

    def _account(self, one: Waiting) -> int:
        link = self._links.get(one.link_id)
        return 0 if link is None else link.account_id

    def expire(self, now: float) -> None:
        """Give up messages whose parts do not come."""
        for parts in self._parts.values():
            for message in parts.expire(now):
                self._finished(message)

    # Running -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Judge until :meth:`stop`. What is left then stays stored, for whoever comes next."""
        await abreast(self._run(self._codes), self._run(self._rest))

    def stop(self) -> None:
        """End after the current orders."""
        self._stopping = True
        self._codes.wake.set()
        self._rest.wake.set()

    async def _run(self, lane: _Lane) -> None:
        while not self._stopping:
            await lane.wake.wait()
            if lane.gather_s and not self._stopping:
                await asyncio.sleep(lane.gather_s)
            lane.wake.clear()
            if lane is self._rest:
                await self._tell_over()
            while lane.whole and not self._stopping:
                some, lane.whole = _turn(lane.whole)
                self._busy += len(some)
                for group in self._groups(some):
                    await self._until_done(self._judge, group)
                self._busy -= len(some)

    async def _tell_over(self) -> None:
        over, self._over = self._over, []
        self._busy += len(over)
        by_link: dict[int, list[_Over]] = defaultdict(list)
        for one in over:
            by_link[one.piece.link_id].append(one)
        for mine in by_link.values():
            for start in range(0, len(mine), _MOST):
                await self._until_done(self._store_over, mine[start : start + _MOST])
        self._busy -= len(over)

    async def _until_done(self, what: object, *arguments: object) -> None:
        """Repeat what the store did not take; its rows tell whether it had taken it after all."""
        while not self._stopping:
            try:
                await what(*arguments)  # type: ignore[operator]  # one of ours
                return
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(_AGAIN_S)

    # Orders --------------------------------------------------------------------------------

    def _groups(self, some: list[Whole]) -> list[Group]:
        """Return orders: messages that differ in their receivers and variables only."""
        groups: dict[_Key, list[Group]] = defaultdict(list)
        for whole in some:
            first = whole.pieces[0]
            piece, account = first.piece, self._account(first)
            try:
                matched = match(self._catalogue, account, piece.source, whole.text, self._refusal)
            except _REFUSED as error:
                self._refuse(whole, error)
                continue
            key = (
                first.link_id,
                piece.source,
                piece.node,
                matched.template or "",
                matched.content,
                piece.not_before,
                piece.expires_at,
            )
            self._place(groups[key], account, whole, matched)
        return [group for same in groups.values() for group in same]

    @staticmethod
    def _place(same: list[Group], account: int, whole: Whole, matched: Matched) -> None:
        """Put a message into the first order in which none of its people stands yet."""
        first = whole.pieces[0]
        piece = first.piece
        people = {person for person in piece.people if person}
        for group in same:
            if len(group.receivers) < _MOST and group.people.isdisjoint(people):
                break
        else:
            group = Group(first.link_id, account, piece.source, matched, piece)
            same.append(group)
        group.people |= people
        for place, person in enumerate(piece.people):
            number, fault = first.numbers[place], piece.faults[place]
            group.receivers.append(Receiver(whole, place, person, number, fault, matched.values))

    def _refuse(self, whole: Whole, error: AssentError) -> None:
        self.rejected += 1
        self.last_error = error.code
        self._end(whole.pieces, "REJECTD", NOT_ORDERED)

    async def _judge(self, group: Group) -> None:
        try:
            await self._order(group)
        except _REFUSED as error:
            # Nothing of it is stored, and trying again would only keep everybody else waiting.
            for whole in group.messages():
                self._refuse(whole, error)

    async def _order(self, group: Group) -> None:
        order = order_of(self._catalogue, group)
        for _ in range(_TRIES):
            judged = await self._submit.judge(order)
            outcome = _Outcome(self, group, judged)
            judged.also = outcome.store
            urgent = order.purpose is Purpose.VERIFICATION and not order.not_before
            if urgent and judged.batches:
                stored = await self._dispatcher.commit(judged)
            else:
                stored = await self._submit.store(judged)
            if stored:
                self._submit.sent(judged)
            if stored or outcome.foreign:
                self.judged += len(group.receivers)
                self.rejected += judged.n - judged.allowed
                return
            self._submit.forget_balance(order.account.id)
        # The money goes elsewhere each time: look again a moment later.
        raise Unavailable("balance_contended", "other orders use up the balance", mend="wait")

    async def _store_over(self, over: list[_Over]) -> None:
        """Forget pieces of one link that become no message, and tell so where that is wanted."""
        now = self._clock.now()
        items = []
        for ended in over:
            one, piece = ended.piece, ended.piece.piece
            if piece.wanted == Wanted.NONE.value:
                continue
            raw = iter(piece.raw)
            for person, form, id_ in zip(piece.people, piece.forms, piece.ids, strict=True):
                text = next(raw) if form == RAW else ""
                items.append(
                    receipt_item(
                        [id_],
                        person,
                        form,
                        text,
                        piece.source,
                        ended.stat,
                        ended.error,
                        one.at,
                        now,
                        piece.node,
                    )
                )
        with contextlib.suppress(_Foreign):
            async with self._store.transaction() as tx:
                await self.claim(tx, [ended.piece.row for ended in over])
                await store_parcels(tx, {over[0].piece.link_id: items}, utc(now))

    async def claim(self, tx: Transaction, rows: list[int]) -> None:
        """Take rows out of the queue; raises _Foreign when they are not this process's."""
        gone = await tx.fetchval("handed_judged", rows, self._epoch)
        if gone != len(rows):
            raise _Foreign


class _Foreign(Exception):
    """What was to be judged is another process's, or was judged already."""


class _Outcome:
    """What is stored with a judged order: its rows go, its ids and rejections come."""

    def __init__(self, judging: Judging, group: Group, judged: Judged) -> None:
        self._judging = judging
        self._group = group
        self._judged = judged
        self.foreign = False

    async def store(self, tx: Transaction) -> bool:
        """Do it; False when the rows are not ours any more."""
        group, judged = self._group, self._judged
        try:
            await self._judging.claim(tx, group.rows())
        except _Foreign:
            self.foreign = True
            return False
        if judged.batches:
            await tx.execute("link_batches_store", *batches_of(group, judged))
        items = rejected(group, judged)
        if items:
            await store_parcels(tx, {group.link_id: items}, utc(judged.at))
        return True


def _turn(whole: list[Whole]) -> tuple[list[Whole], list[Whole]]:
    """Return whose turn it is, of each link as many as there is room for, and the rest: who hands
    in thousands at once does not keep the others waiting for them."""
    if len(whole) <= _MOST:
        return whole, []
    seen: Counter[int] = Counter()
    places = []  # of each message, among those of its link
    for one in whole:
        link = one.pieces[0].link_id
        places.append(seen[link])
        seen[link] += 1
    first = set(sorted(range(len(whole)), key=places.__getitem__)[:_MOST])
    some = [one for place, one in enumerate(whole) if place in first]
    return some, [one for place, one in enumerate(whole) if place not in first]


def _within(pieces: list[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
    """Return as many pieces as a message can have ids, one of each part among them, and the rest:
    repeats of a part without end."""
    if len(pieces) <= _MOST_IDS:
        return pieces, []
    firsts: dict[Part | None, Waiting] = {}
    repeats = [one for one in pieces if firsts.setdefault(one.piece.part, one) is not one]
    room = _MOST_IDS - len(firsts)
    return [*firsts.values(), *repeats[:room]], repeats[room:]


def _text_of(one: Waiting) -> str:
    piece = one.piece
    return decode(piece.content, Alphabet(piece.alphabet), "replace", seven_bit=piece.seven_bit)
