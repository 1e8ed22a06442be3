"""Refusals that receivers tell the operator's staff on the telephone."""

from __future__ import annotations

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Origin
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.live import Live
from assent.flow.needs import Store, utc
from assent.flow.order import Sender
from assent.flow.people import Directory
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.requests import Caller, TelephoneRefusal
from assent.flow.staff import check_staff, keep_act
from assent.message import Purpose
from assent.numbers import FAULT_WORDS, Fault, parse


class RefusalCalls:
    """The call centre's door. There is no door back: only the receiver undoes a refusal."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        ids: BatchIds,
        writer: RefusalWriter,
        live: Live,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._ids = ids
        self._writer = writer
        self._live = live

    async def take(self, caller: Caller, request: TelephoneRefusal) -> dict[str, str]:
        """Record what somebody refused on the telephone, and that it was recorded; the answer is
        the same for everybody. Raises NotAllowed, InvalidInput, NotFound."""
        check_staff(self._catalogue, caller)
        group, programme, subject = self._whom(request)
        if not request.purposes:
            raise InvalidInput(
                "no_purpose", "nothing is refused", field="purposes", mend="name what is refused"
            )
        mask = sum({1 << Purpose[word.upper()] for word in request.purposes})
        parsed = parse([request.to])
        if parsed.fault[0]:
            fault = Fault(int(parsed.fault[0]))
            raise InvalidInput(
                fault.name.lower(), FAULT_WORDS[fault].en, field="to", mend="ask for the number"
            )
        now = self._clock.now()
        people = await self._directory.ids(self._store, parsed.msisdn, utc(now))
        asked = Asked(
            int(people[0]), (group,), mask, Channel.VOICE, Origin.STAFF,
            confirm=self._stands(group, people, now), programme=programme,
        )  # fmt: skip
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [asked])
            await self._writer.write(tx, [asked], now)
            told = {"purposes": sorted(request.purposes), "programme": request.programme}
            await keep_act(tx, caller, now, "refusal.telephone", subject, {}, told)
        return {"state": "recorded"}

    def _whom(self, request: TelephoneRefusal) -> tuple[int, int, str]:
        """Return the group that is refused, the only programme or 0, and how an act names them."""
        if request.everybody is (request.sender is not None):
            raise InvalidInput(
                "sender_or_everybody", "name a sender, or everybody", field="sender",
                mend="give one of them",
            )  # fmt: skip
        if request.sender is None:
            if request.programme is not None:
                raise InvalidInput(
                    "programme_of_whom", "a programme belongs to a sender", field="programme",
                    mend="name the sender as well",
                )  # fmt: skip
            return EVERYONE, 0, "everybody"
        sender = self._sender(request.sender)
        if request.programme is None:
            return sender.group_id, 0, sender.credit_code
        programme = self._catalogue.programme_for(sender, request.programme, {})
        return sender.group_id, programme, sender.credit_code

    def _sender(self, code: str) -> Sender:
        for sender in self._catalogue.senders.values():
            if sender.credit_code == code:
                return sender
        raise NotFound("no_sender", "there is no such sender", field="sender", mend="check it")

    def _stands(self, group: int, people: np.ndarray, now: float) -> bool:
        """Tell whether somebody could be written to: a mistyped number must not be."""
        programmes = (
            list(self._catalogue.programmes)
            if group == EVERYONE
            else self._catalogue.group_programmes.get(group, [])
        )
        return any(bool(self._live.grades(one, people, now)[0]) for one in programmes)
