"""What is committed and not yet answered: the meeting point of dispatch and the links.

Links take from here just before they write and report back here. Everything is synchronous
and in memory; the two tasks beside it (dispatch.py, results.py) make it durable before and
after. The hot loops are written out, since they run once a message.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from assent.clock import Clock
from assent.errors import LocalProtocolError
from assent.flow.ends import Ends
from assent.flow.links import Answer, Deliver, LinkHandle, Outgoing
from assent.flow.outstanding import Outstanding
from assent.flow.work import Batch, Window, Work
from assent.message import (
    HELD_BACK,
    REFUSED_UNWRITABLE,
    WHOLE,
    WITHHELD_EXPIRED,
    WITHHELD_REFUSED,
    AttemptStatus,
    Lane,
)
from assent.text import LongText
from assent.wire.kit import Form, Kit

_ITEM_BITS: Final = 20
_ITEM_MASK: Final = (1 << _ITEM_BITS) - 1
_ACCEPTED: Final = AttemptStatus.ACCEPTED  # members are looked up slowly, and this is once each
_ON_PURPOSE: Final = frozenset({"paused", "draining", "closed"})


def _withheld(code: int) -> tuple[AttemptStatus, int]:
    """Return how an attempt ends that must not be written, for a code of why."""
    if code == HELD_BACK:
        return AttemptStatus.RETURNED, 0
    return AttemptStatus.WITHHELD, code


class Traffic:
    """Source and sink of every link of this process."""

    def __init__(
        self,
        clock: Clock,
        ends: Ends,
        carriers: Sequence[str],
        arrived: Callable[[LinkHandle, Sequence[Deliver]], None],
    ) -> None:
        self._clock = clock
        self._ends = ends
        self._arrived = arrived
        self._lanes: dict[str, list[deque[Window]]] = {}
        self.pending: dict[str, int] = {}
        self.outstanding: dict[str, Outstanding] = {}
        self.up: dict[str, set[LinkHandle]] = {}
        self.windows: dict[int, Window] = {}
        self.touched: set[Window] = set()
        self.finished: list[int] = []  # batches with nothing left, to be taken off the queue
        self._forms: dict[tuple[Kit, str, str, LongText], Form] = {}
        self.need_work: Callable[[], None] = lambda: None  # pending ran low
        self.have_results: Callable[[], None] = lambda: None
        self.low_water = 128
        self.unwritable = 0  # segments that no PDU of their link's dialect can hold
        self._shut: set[str] = set()  # carriers whose last link was taken away on purpose
        for carrier in carriers:
            self.carry(carrier)

    def carry(self, carrier: str) -> None:
        """Serve a carrier from now on; one that is served already goes on as it is."""
        if carrier not in self.pending:
            self._lanes[carrier] = [deque() for _ in Lane]
            self.outstanding[carrier] = Outstanding()
            self.up[carrier] = set()
            self.pending[carrier] = 0

    def add(self, window: Window) -> None:
        """Offer a committed window to the links of its carrier."""
        carrier = window.work.batch.carrier
        self.windows[window.id] = window
        self._lanes[carrier][window.work.lane].append(window)
        self.pending[carrier] += len(window.positions)
        if carrier in self._shut:
            self.take_back(carrier)  # it was being committed when the last link was taken away

    # Source ------------------------------------------------------------------------------

    def take(self, link: LinkHandle, credit: int) -> list[Outgoing]:
        """Hand out committed segments, lanes in order; withhold what was refused meanwhile."""
        carrier = link.carrier
        out: list[Outgoing] = []
        if not self.pending[carrier]:
            return out
        now = self._clock.now()
        for lane in self._lanes[carrier]:
            while lane and credit > 0:
                window = lane[0]
                before = window.next
                written = self._take_from(window, link, credit, now, out)
                credit -= written
                self.pending[carrier] -= window.next - before
                if window.next == len(window.positions):
                    lane.popleft()
            if credit <= 0:
                break
        if self.pending[carrier] < self.low_water:
            self.need_work()
        return out

    def _take_from(
        self, window: Window, link: LinkHandle, credit: int, now: float, out: list[Outgoing]
    ) -> int:
        # long: the hot loop, written out, with its two lean cases first
        work = window.work
        batch = work.batch
        kit = link.kit
        # First of all: what the link cannot write fails with its own messages, not with the lane.
        form = work.forms.get(kit)
        if form is None:
            form = self._new_form(kit, work)
            if form is None:
                return self._refuse(window)
        if work.whole and window.long:
            return self._take_whole(window, (kit, form), credit, now, out)
        start = window.next
        stop = min(len(window.positions), start + credit)
        window.next = stop
        token = window.id << _ITEM_BITS
        number, alphabet = kit.number, work.alphabet
        watch = self._ends.head > window.head and self._ends.any_for(batch.group_id)
        lean = not window.long and not watch and now < work.expires and not work.accepted
        lean = lean and work.aside is None and not work.apart
        if lean and alphabet is not None:
            # One segment a message, so that item, position and place in `slots` are the same.
            slots = window.slots[start:stop]
            msisdns, coding = work.msisdns, kit.codings[alphabet]
            destinations = [number(msisdns[slot]) for slot in slots]
            with contextlib.suppress(LocalProtocolError):  # then one by one, to see which it is
                if work.fixed_parts is not None:
                    bodies = form.bodies(destinations, work.fixed_parts[0], coding)
                else:
                    bodies = form.own_bodies(destinations, work.contents(slots), coding)
                out.extend(zip(range(token + start, token + stop), bodies, strict=True))
                return stop - start
        return self._one_by_one(window, link, form, range(start, stop), now, out)

    def _one_by_one(
        self,
        window: Window,
        link: LinkHandle,
        form: Form,
        items: range,
        now: float,
        out: list[Outgoing],
    ) -> int:
        # long: as above
        work = window.work
        batch = work.batch
        kit = link.kit
        number = kit.number
        token = window.id << _ITEM_BITS
        watch = self._ends.head > window.head and self._ends.any_for(batch.group_id)
        written = 0
        for item in items:
            slot = window.slots[window.positions[item]]
            segment = window.segments[item]
            position = window.positions[item]
            if position in window.begun:
                # Its first part may be out: the receiver gets the whole message or nothing.
                code = window.begun[position]
            else:
                code = None if slot in work.accepted else self._withhold(window, slot, now, watch)
                if int(batch.segments[slot]) > 1:
                    window.begun[position] = code
            if code is not None:
                window.end(item, *_withheld(code))
                self._note(window)
                continue
            alphabet, contents = work.parts(slot)
            to, total = number(work.msisdns[slot]), len(contents)
            place = int(total > 1), total, segment + 1
            try:
                body = form.body(to, contents[segment], kit.codings[alphabet], *place)
            except LocalProtocolError:
                self._unwritable(window, item)
                continue
            out.append((token + item, body))
            written += 1
        return written

    def _take_whole(
        self,
        window: Window,
        speech: tuple[Kit, Form],
        credit: int,
        now: float,
        out: list[Outgoing],
    ) -> int:
        """Hand out messages of which each is one PDU, however many segments it stands for. Its
        token is that of its first segment, and whatever ends that ends all of them."""
        work = window.work
        kit, form = speech
        watch = self._ends.head > window.head and self._ends.any_for(work.batch.group_id)
        written = 0
        while window.next < len(window.positions) and written < credit:
            item = window.next
            slot = window.slots[window.positions[item]]
            count = window.count_at(item)
            window.next += count
            code = self._withhold(window, slot, now, watch)
            if code is not None:
                self._end(window, item, *_withheld(code))
                self._note(window)
                continue
            alphabet, (content,) = work.parts(slot)
            to = kit.number(work.msisdns[slot])
            try:
                body = form.body(to, content, kit.codings[alphabet], 0, count, 1)
            except LocalProtocolError:
                self._unwritable(window, item)
                continue
            out.append((window.id << _ITEM_BITS | item, body))
            written += 1
        return written

    def _refuse(self, window: Window) -> int:
        """End what this link cannot write, such as what was judged for links of another coding."""
        start, window.next = window.next, len(window.positions)
        for item in range(start, window.next):
            self.unwritable += 1
            window.end(item, AttemptStatus.REFUSED, REFUSED_UNWRITABLE)
        self._note(window)
        return 0

    def _unwritable(self, window: Window, item: int) -> None:
        self.unwritable += 1
        self._end(window, item, AttemptStatus.REFUSED, REFUSED_UNWRITABLE)
        self._note(window)

    def _new_form(self, kit: Kit, work: Work) -> Form | None:
        """Return how a link writes a batch; None where it cannot."""
        if not kit.carries(work.batch.writing):
            return None
        try:
            form = work.forms[kit] = self._form(kit, work.batch)
        except LocalProtocolError:
            return None
        return form

    def _withhold(self, window: Window, slot: int, now: float, watch: bool) -> int | None:
        """Return why a message must not be written after all, or None."""
        if now >= window.work.expires:
            return WITHHELD_EXPIRED
        if window.work.aside is not None:
            return window.work.aside
        if slot in window.work.apart:
            return window.work.apart[slot]
        batch = window.work.batch
        person = int(batch.people[slot])
        if watch and self._ends.ended(
            batch.group_id, person, window.work.guard, window.head, batch.programme_id
        ):
            return WITHHELD_REFUSED
        return None

    def _form(self, kit: Kit, batch: Batch) -> Form:
        port, service, way = batch.port_number, batch.service_code, batch.writing.long_text
        form = self._forms.get((kit, port, service, way))
        if form is None:
            form = self._forms[kit, port, service, way] = kit.form(service, port, way)
        return form

    @staticmethod
    def _end(
        window: Window, item: int, status: AttemptStatus, code: int = 0, carrier_id: int = 0
    ) -> None:
        """Note how what was handed out under an item ended: a segment, or a whole message."""
        for one in range(item, item + window.count_at(item) if window.work.whole else item + 1):
            window.end(one, status, code, carrier_id)

    # Sink --------------------------------------------------------------------------------

    def answered(self, link: LinkHandle, answers: list[Answer]) -> None:
        """Note the carrier's answers; they are stored by the results task. A code that nobody
        knows refuses."""
        windows, end = self.windows, self._end
        codes = link.kit.codes
        put = self.outstanding[link.carrier].put
        for token, code, carrier_id in answers:
            window = windows.get(token >> _ITEM_BITS)
            if window is None:
                continue  # ended already, by a loss that an answer contradicts
            item = token & _ITEM_MASK
            if code == 0:
                slot = window.slots[window.positions[item]]
                message = (window.work.batch.id << 10) | slot
                if not (window.long and window.work.whole):
                    put(carrier_id, (message << 8) | window.segments[item])
                    window.end(item, _ACCEPTED, 0, carrier_id)
                else:
                    put(carrier_id, (message << 8) | WHOLE)
                    end(window, item, _ACCEPTED, 0, carrier_id)
            elif code in codes.again:
                end(window, item, AttemptStatus.THROTTLED, code)
            elif code in codes.unsure:
                end(window, item, AttemptStatus.UNSURE, code)
            else:
                end(window, item, AttemptStatus.REFUSED, code)
            window.link = link.name
            self._note(window)

    def lost(self, link: LinkHandle, tokens: list[int]) -> None:
        """Note segments that were written on a socket that is closed now: unsure."""
        for token in tokens:
            window = self.windows.get(token >> _ITEM_BITS)
            if window is not None:
                self._end(window, token & _ITEM_MASK, AttemptStatus.UNSURE)
                window.link = link.name
                self._note(window)

    def arrived(self, link: LinkHandle, delivers: Sequence[Deliver]) -> None:
        """Pass reports and replies on to be stored."""
        self._arrived(link, delivers)

    def changed(self, link: LinkHandle, state: str, detail: str) -> None:
        """Note which links can carry: without any, nothing is committed for a carrier. One that
        only receives is none of them. Where the last one was paused or taken down on purpose, what
        waits for it is taken back: nobody knows for how long."""
        up = self.up[link.carrier]
        if state == "bound" and link.kit.sends:
            up.add(link)
            self._shut.discard(link.carrier)
            self.need_work()
            return
        up.discard(link)
        if state == "closed":
            self._forms = {key: form for key, form in self._forms.items() if key[0] is not link.kit}
        if state in _ON_PURPOSE and link.kit.sends and not up:
            self._shut.add(link.carrier)
            self.take_back(link.carrier)

    def take_back(self, *carriers: str) -> None:
        """End what was committed and never handed to a link, of some carriers or of all: it may be
        attempted again."""
        for carrier in carriers or self._lanes:
            for lane in self._lanes[carrier]:
                for window in lane:
                    for item in range(window.next, len(window.positions)):
                        window.end(item, AttemptStatus.RETURNED)
                    window.next = len(window.positions)
                    self._note(window)
                lane.clear()
            self.pending[carrier] = 0

    def recall(self, carrier: str) -> None:
        """Take back what may not leave now (`Work.aside`) of what was never handed to a link: it
        is returned, or withheld where it is over. A long message that was begun is finished."""
        for lane in self._lanes[carrier]:
            for window in [one for one in lane if one.work.aside is not None]:
                start = window.next
                while start < len(window.positions):
                    if window.begun.get(window.positions[start], 0) is not None:
                        break
                    start += 1
                if start > window.next:
                    continue  # its rest is dealt with once that message is out
                status, code = _withheld(window.work.aside or 0)
                for item in range(start, len(window.positions)):
                    window.end(item, status, code)
                self.pending[carrier] -= len(window.positions) - start
                window.next = len(window.positions)
                lane.remove(window)
                self._note(window)

    def _note(self, window: Window) -> None:
        self.touched.add(window)
        self.have_results()

    def works(self) -> set[Work]:
        """Return the batches with open windows."""
        return {window.work for window in self.windows.values()}
